"""`pinkslip reinstate AGENT`."""

import click

from pinkslip.cli.service import Service, agent_path, print_json, service_options


@click.command()
@click.argument("agent")
@click.option("--context", default="", help="Why, in words.")
@click.option(
    "--wrong",
    is_flag=True,
    help="The fire was a mistake: counted against the policy that did it.",
)
@service_options
def command(service: Service, *, agent: str, context: str, wrong: bool, as_json: bool) -> None:
    """Bring a fired AGENT back: history kept, evidence starts anew."""
    answer = service.post(agent_path(agent, "/reinstate"), {"context": context, "wrong": wrong})
    if as_json:
        print_json(answer)
        return
    click.echo(
        f"{answer['agentId']} is back: incarnation {answer['incarnation']}, {answer['status']}"
    )
