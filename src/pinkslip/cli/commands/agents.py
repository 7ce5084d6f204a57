"""`pinkslip agents`."""

import time
from datetime import UTC, datetime
from typing import Any

import click
from rich.live import Live
from rich.table import Table

from pinkslip.cli import show
from pinkslip.cli.service import Service, print_json, service_options

WATCH_EVERY_S = 2.0


@click.command()
@click.option("--status", multiple=True, help="Only these, for example WORKING.")
@click.option("--role", multiple=True, help="Only these roles.")
@click.option("--model", multiple=True, help="Only these models.")
@click.option("--stale", is_flag=True, help="Only stale ones.")
@click.option(
    "--include",
    multiple=True,
    type=click.Choice(["finished", "fired"]),
    help="Also those that left.",
)
@click.option("--search", "q", default=None, help="Part of the id, name or task.")
@click.option("--limit", default=200, show_default=True, help="At most so many.")
@click.option(
    "--watch", is_flag=True, help="Keep the list on the screen, renewed every two seconds."
)
@service_options
def command(
    service: Service,
    *,
    status: tuple[str, ...],
    role: tuple[str, ...],
    model: tuple[str, ...],
    stale: bool,
    include: tuple[str, ...],
    q: str | None,
    limit: int,
    watch: bool,
    as_json: bool,
) -> None:
    """Who is working on what."""
    query: dict[str, object] = {
        "status": ",".join(status) or None,
        "role": ",".join(role) or None,
        "model": ",".join(model) or None,
        "include": ",".join(include) or None,
        "stale": True if stale else None,
        "q": q,
    }

    def fetch() -> list[dict[str, Any]]:
        return list(service.items("/api/agents", query, limit=limit))

    if as_json:
        print_json(fetch())
        return
    if not watch:
        agents = fetch()
        if not agents:
            click.echo(
                "No agents. The first heartbeat makes one: curl -X POST -H 'Content-Type: application/json' -d '{}' "
                + service.url
                + "/api/agents/my-agent/heartbeat"
            )
            return
        show.console().print(_table(agents))
        return
    with Live(
        _table(fetch()), console=show.console(), refresh_per_second=4, screen=True
    ) as live:
        while True:
            time.sleep(WATCH_EVERY_S)
            live.update(_table(fetch()))


def _table(agents: list[dict[str, Any]]) -> Table:
    now = datetime.now(UTC)  # noqa: TID251 - ages on a person's screen
    return show.table(
        ("AGENT!", "ROLE", "STATUS!", "STANDING", "BEAT>", "OK/TASKS>", "TASK"),
        [
            (
                agent["agentId"],
                agent["role"],
                show.status_text(agent),
                agent["standing"],
                show.age(agent["lastHeartbeat"], now=now),
                show.share(agent),
                agent["currentTask"],
            )
            for agent in agents
        ],
    )
