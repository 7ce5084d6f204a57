"""`pinkslip explain ID`."""

import sys
from typing import Any

import click

from pinkslip.cli import show
from pinkslip.cli.exits import Exit
from pinkslip.cli.service import Service, print_json, service_options


@click.command()
@click.argument("decision")
@click.option(
    "--database", default=None, help="Work on this database file or URL, without a service."
)
@service_options
def command(service: Service, *, decision: str, database: str | None, as_json: bool) -> None:
    """Work DECISION out again from the journal, and say whether the evidence is identical.

    Exits with 1 when it is not.
    """
    answer = (
        _offline(database, decision)
        if database
        else service.get(f"/api/decisions/{decision}", {"recompute": True})
    )
    recomputed = answer.get("recomputed")
    if as_json:
        print_json(answer)
    else:
        _tell(answer, recomputed)
    if recomputed is not None and not recomputed["identical"]:
        sys.exit(Exit.FOUND)


def _offline(database: str, decision: str) -> Any:
    from pinkslip.app.explaining import explain_offline  # noqa: PLC0415 - opens a database: slow to import

    return explain_offline(database, decision)


def _tell(answer: dict[str, Any], recomputed: dict[str, Any] | None) -> None:
    by = (
        f"policy {answer['policy']} ({answer['mode']})" if answer["policy"] else answer["actor"]
    )
    click.echo(f"{show.clock(answer['at'])} {answer['verdict']} {answer['agentId']} by {by}")
    if answer["reason"]:
        click.echo(f"reason: {answer['reason']}")
    evidence = answer["evidence"]
    click.echo(f"because: {evidence['words'] or answer['context']}")
    if evidence["when"]:
        click.echo(f"when: {evidence['when']}, true since {show.clock(evidence['trueSince'])}")
    for name, value in evidence["values"].items():
        again = recomputed["evidence"]["values"].get(name) if recomputed else None
        beside = f"   computed again: {_number(again)}" if recomputed else ""
        click.echo(f"  {name} = {_number(value)}{beside}")
    if answer["guard"]:
        click.echo(f"held by {answer['guard']}: {answer['guardDetail']}")
    if recomputed is None:
        click.echo("A person decided; there is nothing to compute again.")
    elif recomputed["identical"]:
        click.echo("Computed again from the journal: identical.")
    else:
        click.echo("Computed again from the journal: DIFFERENT.")
        for difference in recomputed["differences"]:
            click.echo(f"  {difference}")


def _number(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.9g}"
