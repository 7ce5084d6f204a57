"""`pinkslip sessions [AGENT]`."""

import click

from pinkslip.cli import show
from pinkslip.cli.service import Service, agent_id, agent_path, service_options
from pinkslip.cli.words import print_json


@click.command()
@click.argument("agent", required=False, callback=agent_id)
@click.option("--active", is_flag=True, help="Only those that go on.")
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    default=50,
    show_default=True,
    help="At most so many, the newest first.",
)
@service_options
def command(
    service: Service, *, agent: str | None, active: bool, limit: int, as_json: bool
) -> None:
    """Conversations of one agent, or of all.

    Newest first; only those of AGENT where it is named.
    """
    path = "/api/sessions" if agent is None else agent_path(agent, "/sessions")
    listed = service.listed(path, {"active": True if active else None}, limit=limit)
    if as_json:
        print_json(listed.items)
    else:
        show.print_table(
            ("SESSION", "AGENT", "CHANNEL", "STARTED!", "ENDED!", "MESSAGES>!", "LABEL"),
            [
                (
                    row["sessionKey"],
                    row["agentId"],
                    row["channel"],
                    show.clock(row["startedAt"]),
                    show.clock(row["endedAt"]),
                    row["messageCount"],
                    row["label"],
                )
                for row in listed.items
            ],
            none="No session goes on." if active else "No sessions.",
        )
    show.more(listed.more, limit)
