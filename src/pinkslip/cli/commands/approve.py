"""`pinkslip approve DECISION`."""

import click

from pinkslip.cli.rulings import rule
from pinkslip.cli.service import Service, context_option, service_options


@click.command()
@click.argument("decision")
@context_option
@service_options
def command(service: Service, *, decision: str, context: str, as_json: bool) -> None:
    """Allow a fire that a policy asks for.

    DECISION is the one that asked: `pinkslip status` shows those that wait. The guards are asked again first.
    """
    rule(service, "approve", decision=decision, context=context, as_json=as_json)
