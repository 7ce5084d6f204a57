"""`pinkslip quarantine AGENT`."""

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
@click.option(
    "--for", "span", required=True, callback=spans.span, help="For how long: 30m, 1h30m, 1d."
)
@context_option
@service_options
def command(
    service: Service, *, agent: str, span: timedelta, context: str, as_json: bool
) -> None:
    """Pause an agent for a while.

    AGENT is told to take no work until then, in the answer to its next report. It goes on beating. `release`
    ends it before.
    """
    answer = service.post(
        agent_path(agent, "/quarantine"), {"until": spans.until(span), "context": context}
    )
    if as_json:
        print_json(answer)
        return
    say(f"{answer['agentId']} is in quarantine until {show.clock(answer['standingUntil'])}")
