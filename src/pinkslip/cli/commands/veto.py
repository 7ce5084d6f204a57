"""`pinkslip veto DECISION`."""

import click

from pinkslip.cli.rulings import rule
from pinkslip.cli.service import Service, context_option, service_options


@click.command()
@click.argument("decision")
@context_option
@service_options
def command(service: Service, *, decision: str, context: str, as_json: bool) -> None:
    """Stop a fire that was announced.

    DECISION is the one that announced it, or asked for approval: `pinkslip status` shows those that wait. It
    counts against the policy, which puts itself into shadow after two in a day.
    """
    rule(service, "veto", decision=decision, context=context, as_json=as_json)
