"""`pinkslip fire AGENT`."""

import click

from pinkslip.cli.service import Service, agent_id, agent_path, service_options
from pinkslip.cli.words import print_json, say


@click.command()
@click.argument("agent", callback=agent_id)
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
    """Terminate an agent, with a reason.

    AGENT is marked TERMINATED, and told to stop when it next reports.
    """
    body = {"reason": reason, "context": context, "force": force, "dryRun": dry_run}
    answer = service.post(agent_path(agent, "/fire"), body)
    if as_json:
        print_json(answer)
        return
    say(answer["effect"])
    for guard in answer["bypassed"]:
        say(f"The guard {guard} would have held a policy back; it does not hold a person.")
