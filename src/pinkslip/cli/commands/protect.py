"""`pinkslip protect AGENT`."""

import re
from datetime import UTC, datetime, timedelta

import click

from pinkslip.cli import show
from pinkslip.cli.service import Service, agent_id, agent_path, service_options
from pinkslip.cli.words import print_json, say

UNITS_S = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
LONGEST = timedelta(days=3_650)


def _span(
    _ctx: click.Context, _parameter: click.Parameter, text: str | None
) -> timedelta | None:
    if text is None:
        return None
    if not re.fullmatch(r"([0-9]{1,9}[smhd])+", text):
        raise click.BadParameter("write for example 30m, 2h, 1h30m or 1d")
    parts = re.findall(r"([0-9]+)([smhd])", text)
    span = timedelta(seconds=sum(int(number) * UNITS_S[unit] for number, unit in parts))
    if not timedelta(0) < span <= LONGEST:
        raise click.BadParameter("must be more than nothing and at most ten years, 3650d")
    return span


@click.command()
@click.argument("agent", callback=agent_id)
@click.option("--for", "span", callback=_span, help="For how long: 30m, 2h, 1h30m, 1d.")
@click.option("--lift", is_flag=True, help="End the protection now.")
@click.option("--context", default="", help="Why, in words.")
@service_options
def command(
    service: Service,
    *,
    agent: str,
    span: timedelta | None,
    lift: bool,
    context: str,
    as_json: bool,
) -> None:
    """Keep policies from firing an agent.

    For a while, or until lifted. People still can fire AGENT, with --force.
    """
    if (span is None) == (not lift):
        raise click.UsageError("say either --for SPAN, for example --for 2h, or --lift")
    until = None
    if span is not None:
        moment = datetime.now(UTC) + span  # noqa: TID251 - a person's "for two hours" begins now
        until = moment.isoformat(timespec="milliseconds")
    answer = service.post(agent_path(agent, "/protect"), {"until": until, "context": context})
    if as_json:
        print_json(answer)
    elif until is None:
        say(f"{answer['agentId']} is no longer protected")
    else:
        say(f"{answer['agentId']} is protected until {show.clock(answer['protectedUntil'])}")
