"""`pinkslip protect AGENT`."""

from datetime import UTC, datetime, timedelta

import click

from pinkslip.cli import show
from pinkslip.cli.service import Service, agent_path, print_json, service_options

UNITS_S = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}


def _span(
    _ctx: click.Context, _parameter: click.Parameter, text: str | None
) -> timedelta | None:
    if text is None:
        return None
    number, unit = text[:-1], text[-1:]
    if not number.isdigit() or unit not in UNITS_S:
        raise click.BadParameter("write for example 30m, 2h or 1d")
    return timedelta(seconds=int(number) * UNITS_S[unit])


@click.command()
@click.argument("agent")
@click.option("--for", "span", callback=_span, help="For how long: 30m, 2h, 1d.")
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
    """Keep policies from firing AGENT for a while. People still can, with --force."""
    if (span is None) == (not lift):
        raise click.UsageError("say --for SPAN, or --lift")
    until = None
    if span is not None:
        moment = datetime.now(UTC) + span  # noqa: TID251 - a person's "for two hours" begins now
        until = moment.isoformat(timespec="milliseconds")
    answer = service.post(agent_path(agent, "/protect"), {"until": until, "context": context})
    if as_json:
        print_json(answer)
        return
    if until is None:
        click.echo(f"{answer['agentId']} is no longer protected")
    else:
        click.echo(
            f"{answer['agentId']} is protected until {show.clock(answer['protectedUntil'])}"
        )
