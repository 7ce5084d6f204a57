"""`pinkslip reinstate AGENT`."""

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
@click.option(
    "--wrong",
    is_flag=True,
    help="The fire was a mistake: counted against the policy that did it.",
)
@service_options
def command(service: Service, *, agent: str, context: str, wrong: bool, as_json: bool) -> None:
    """Bring a fired agent back.

    The history of AGENT is kept; evidence starts anew.
    """
    answer = service.post(agent_path(agent, "/reinstate"), {"context": context, "wrong": wrong})
    if as_json:
        print_json(answer)
        return
    say(f"{answer['agentId']} is back: incarnation {answer['incarnation']}, {answer['status']}")
