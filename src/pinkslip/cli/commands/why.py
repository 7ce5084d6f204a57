"""`pinkslip why AGENT`."""

import click

from pinkslip.cli import show
from pinkslip.cli.service import Service, agent_path, print_json, service_options


@click.command()
@click.argument("agent")
@service_options
def command(service: Service, *, agent: str, as_json: bool) -> None:
    """Why AGENT was fired, or why each policy leaves it alone."""
    answer = service.get(agent_path(agent, "/why"))
    if as_json:
        print_json(answer)
        return
    record = service.get(agent_path(agent))
    click.echo(
        f"{record['agentId']}: {record['status']}, standing {record['standing']}, incarnation {record['incarnation']}"
    )
    for fire in record["fireHistory"]:
        by = f"policy {fire['policy']}" if fire["policy"] else fire["actor"]
        click.echo(
            f"fired {show.clock(fire['firedAt'])} as {fire['reason']} by {by}: {fire['context']}"
        )
        for delivery in fire["deliveries"]:
            click.echo(
                f"  order: {delivery['state']}{', ' + delivery['detail'] if delivery['detail'] else ''}"
            )
        if fire["reinstatedAt"]:
            wrong = ", the fire was wrong" if fire["wasWrong"] else ""
            click.echo(
                f"  reinstated {show.clock(fire['reinstatedAt'])} by {fire['reinstatedBy']}{wrong}"
            )
    about = [policy for policy in answer["policies"] if policy["matches"]]
    if not about:
        click.echo("No policy is about it now: it is finished or fired, or none matches it.")
    for policy in about:
        click.echo(f"{policy['policy']} ({policy['mode']}): {policy['words']}")
