"""`pinkslip sessions [AGENT]`."""

import click

from pinkslip.cli import show
from pinkslip.cli.service import Service, agent_path, print_json, service_options


@click.command()
@click.argument("agent", required=False)
@click.option("--active", is_flag=True, help="Only those that go on.")
@click.option(
    "--limit", default=50, show_default=True, help="At most so many, the newest first."
)
@service_options
def command(
    service: Service, *, agent: str | None, active: bool, limit: int, as_json: bool
) -> None:
    """Conversations of AGENT, or of all agents, newest first."""
    path = agent_path(agent, "/sessions") if agent else "/api/sessions"
    rows = list(service.items(path, {"active": True if active else None}, limit=limit))
    if as_json:
        print_json(rows)
        return
    show.console().print(
        show.table(
            ("SESSION", "AGENT", "CHANNEL", "STARTED!", "ENDED!", "MESSAGES>", "LABEL"),
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
                for row in rows
            ],
        )
    )
