"""`pinkslip protect AGENT`."""

from datetime import timedelta

import click

from pinkslip.cli import show, spans
from pinkslip.cli.service import (
    Service,
    agent_id,
    agent_path,
    context_option,
    service_options,
)
from pinkslip.cli.words import print_json, say


@click.command()
@click.argument("agent", callback=agent_id)
@click.option("--for", "span", callback=spans.span, help="For how long: 30m, 2h, 1h30m, 1d.")
@click.option("--lift", is_flag=True, help="End the protection now.")
@context_option
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
    until = None if span is None else spans.until(span)
    answer = service.post(agent_path(agent, "/protect"), {"until": until, "context": context})
    if as_json:
        print_json(answer)
    elif until is None:
        say(f"{answer['agentId']} is no longer protected")
    else:
        say(f"{answer['agentId']} is protected until {show.clock(answer['protectedUntil'])}")
