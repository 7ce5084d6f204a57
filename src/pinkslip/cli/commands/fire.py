"""`pinkslip fire AGENT`."""

import click

from pinkslip.cli.service import Service, agent_path, print_json, service_options


@click.command()
@click.argument("agent")
@click.option(
    "--reason",
    required=True,
    help="derailed, obstinate, dumb, unresponsive, corrupted, or one of your own.",
)
@click.option("--context", default="", help="What happened, in words; kept with the fire.")
@click.option("--force", is_flag=True, help="Although it is protected.")
@click.option("--dry-run", is_flag=True, help="Say what would happen and change nothing.")
@service_options
def command(
    service: Service,
    *,
    agent: str,
    reason: str,
    context: str,
    force: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Terminate AGENT: it is marked TERMINATED and told to stop when it next reports."""
    body = {"reason": reason, "context": context, "force": force, "dryRun": dry_run}
    answer = service.post(agent_path(agent, "/fire"), body)
    if as_json:
        print_json(answer)
        return
    click.echo(answer["effect"])
    for note in answer.get("notes", ()):
        click.echo(f"  {note}")
