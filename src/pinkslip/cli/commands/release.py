"""`pinkslip release AGENT`."""

import click

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
@context_option
@service_options
def command(service: Service, *, agent: str, context: str, as_json: bool) -> None:
    """Let an agent go from probation, quarantine or notice.

    Every policy begins with AGENT anew. A fired one is brought back with `reinstate` instead.
    """
    answer = service.post(agent_path(agent, "/release"), {"context": context})
    if as_json:
        print_json(answer)
        return
    say(f"{answer['agentId']} is {answer['standing']} again")
