"""`pinkslip explain ID`."""

import sys
from pathlib import Path
from typing import Any

import click

from pinkslip.cli import show
from pinkslip.cli.exits import Exit
from pinkslip.cli.failures import refusals
from pinkslip.cli.service import Service, segment, service_options
from pinkslip.cli.words import print_json, say


@click.command()
@click.argument("decision")
@click.option(
    "--database", default=None, help="Work on this database file or URL, without a service."
)
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    default=None,
    help="With --database: the settings file it was served with; else as for serve.",
)
@service_options
def command(
    service: Service,
    *,
    decision: str,
    database: str | None,
    config: Path | None,
    as_json: bool,
) -> None:
    """Work a decision out again from the journal.

    Folds the agent's history anew, evaluates the policy as it was written then, and says whether the evidence
    of DECISION is identical. Exits with 1 when it is not.
    """
    if database is None:
        answer = _online(service, decision)
    else:
        answer = _offline(database, decision, config)
    recomputed = answer.get("recomputed")
    if as_json:
        print_json(answer)
    else:
        _tell(answer, recomputed)
    if recomputed is not None and not recomputed["identical"]:
        sys.exit(Exit.FOUND)


def _online(service: Service, decision: str) -> Any:
    path = f"/api/decisions/{segment(decision)}"
    answer = service.get(path)
    is_computed = answer["actorKind"] == "policy" and answer["evidence"]["when"]
    if is_computed or not answer["evidenceReadable"]:
        return service.get(path, {"recompute": True})
    return answer


def _offline(database: str, decision: str, config: Path | None) -> Any:
    from pinkslip.app.core import fleet_settings  # noqa: PLC0415 - opens a database: slow to import
    from pinkslip.app.explaining import explain_offline  # noqa: PLC0415
    from pinkslip.cli.files import existing, usable_settings  # noqa: PLC0415

    with refusals():
        settings = usable_settings(config)
        with existing(database) as opened:
            return explain_offline(
                opened, decision, settings=fleet_settings(settings), reasons=settings.reasons
            )


def _tell(answer: dict[str, Any], recomputed: dict[str, Any] | None) -> None:
    by_policy = answer["actorKind"] == "policy"
    by = f"policy {answer['policy']} ({answer['mode']})" if by_policy else answer["actor"]
    say(f"{show.clock(answer['at'])} {answer['verdict']} {answer['agentId']} by {by}")
    if answer["reason"]:
        say(f"reason: {answer['reason']}")
    evidence = answer["evidence"]
    if because := evidence["words"] or answer["context"]:
        say(f"because: {because}")
    if evidence["when"]:
        say(f"when: {evidence['when']}, true since {show.clock(evidence['trueSince'])}")
    for name, value in evidence["values"].items():
        again = recomputed["evidence"]["values"].get(name) if recomputed else None
        beside = f"   computed again: {show.number(again)}" if recomputed else ""
        say(f"  {name} = {show.number(value)}{beside}")
    _tell_statistics(evidence, recomputed)
    if evidence["rung"]:
        until = f", until {show.clock(evidence['until'])}" if evidence["until"] else ""
        say(f"ladder: step {evidence['rung']} of {evidence['rungs']}{until}")
    if evidence["guards"]:
        asked = (one["guard"] + (" HELD" if one["held"] else "") for one in evidence["guards"])
        say(f"guards asked: {', '.join(asked)}")
    if answer["guard"]:
        say(f"held by {answer['guard']}: {answer['guardDetail']}")
    if recomputed is None:
        say(f"{_not_computed(answer['actorKind'])}; there is nothing to compute again.")
    elif recomputed["identical"]:
        say("Computed again from the journal: identical.")
    else:
        say("Computed again from the journal: DIFFERENT.")
        for difference in recomputed["differences"]:
            say(f"  {difference}")


def _not_computed(actor_kind: str) -> str:
    """Why nothing was worked out."""
    match actor_kind:
        case "policy":
            return "It rests on no number"
        case "service":
            return "Pinkslip recorded what followed from people's decisions"
        case _:
            return "A person decided"


def _tell_statistics(evidence: dict[str, Any], recomputed: dict[str, Any] | None) -> None:
    again = {
        statistic["function"]: statistic["value"]
        for statistic in (recomputed["evidence"]["statistics"] if recomputed else ())
    }
    for statistic in evidence["statistics"]:
        value = again.get(statistic["function"])
        beside = f"   computed again: {show.number(value)}" if recomputed else ""
        say(f"  {show.statistic(statistic)}{beside}")
