"""`pinkslip silence add|list|end`."""

from datetime import timedelta
from typing import Any

import click

from pinkslip.cli import show, spans
from pinkslip.cli.service import Service, segment, service_options
from pinkslip.cli.words import counted, print_json, say

PATH = "/api/silences"


@click.group()
def command() -> None:
    """Keep policies from some agents for a while.

    Nothing is done to them and nobody is told, until the silence ends.
    """


def _matchers(
    _ctx: click.Context, _parameter: click.Parameter, given: tuple[str, ...]
) -> dict[str, list[str]]:
    match: dict[str, list[str]] = {}
    for text in given:
        field, equals, value = text.partition("=")
        if not equals or not field:
            raise click.BadParameter(
                f"{text!r} is no matcher; write for example role=writer, or 'model=~gpt.*' for a pattern"
            )
        match.setdefault(field, []).append(value)
    return match


@command.command()
@click.option(
    "--match",
    multiple=True,
    required=True,
    callback=_matchers,
    help="FIELD=VALUE or FIELD=~REGEX, as in policies; all fields must hold, of one field any.",
)
@click.option(
    "--for",
    "span",
    required=True,
    callback=spans.span,
    help="For how long: 30m, 2h, at most 30d.",
)
@click.option("--reason", required=True, help="Why, in words: the next person will ask.")
@click.option("--force", is_flag=True, help="Although it takes in very many agents.")
@service_options
def add(
    service: Service,
    *,
    match: dict[str, list[str]],
    span: timedelta,
    reason: str,
    force: bool,
    as_json: bool,
) -> None:
    """Begin a silence now.

    For example: pinkslip silence add --match role=writer --for 30m --reason deploy
    """
    body = {
        "match": match,
        "forSeconds": span.total_seconds(),
        "reason": reason,
        "force": force,
    }
    answer = service.post(PATH, body)
    if as_json:
        print_json(answer)
        return
    say(f"{counted(answer['matched'], 'agent')} silenced until {show.clock(answer['endsAt'])}")
    say(f"  pinkslip silence end {answer['id']} ends that")


@command.command("list")
@click.option("--all", "everything", is_flag=True, help="Also those that are over.")
@click.option(
    "--limit",
    type=click.IntRange(min=1, max=1000),
    default=100,
    show_default=True,
    help="At most so many, the newest first.",
)
@service_options
def list_(service: Service, *, everything: bool, limit: int, as_json: bool) -> None:
    """Silences in force, the newest first."""
    query = {"active": None if everything else True, "limit": limit}
    items = service.get(PATH, query)["items"]
    if as_json:
        print_json(items)
        return
    show.print_records(
        ("BEGAN!", "ENDS!", "AGENTS>!", "BY", "ID", "WHOM", "WHY"),
        [
            (
                show.clock(one["startsAt"]),
                _end(one),
                one["matched"],
                one["owner"],
                one["id"],
                one["words"],
                one["reason"],
            )
            for one in items
        ],
        under=2,
        none="No silences." if everything else "No silence is in force.",
    )


@command.command()
@click.argument("silence")
@service_options
def end(service: Service, *, silence: str, as_json: bool) -> None:
    """End a silence before its time.

    SILENCE is its id, as `pinkslip silence list` shows it.
    """
    answer = service.delete(f"{PATH}/{segment(silence)}")
    if as_json:
        print_json(answer)
        return
    say(f"Policies look again at agents whose {answer['words']}")


def _end(silence: dict[str, Any]) -> str:
    if silence["endedAt"]:
        return f"ended {show.clock(silence['endedAt'])}"
    return show.clock(silence["endsAt"])
