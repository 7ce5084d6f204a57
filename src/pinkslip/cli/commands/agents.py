"""`pinkslip agents`."""

import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, NoReturn

import click

from pinkslip.cli import show
from pinkslip.cli.exits import Exit
from pinkslip.cli.failures import Away
from pinkslip.cli.service import Listed, Service, service_options
from pinkslip.cli.words import counted, plain, print_json

WATCH_EVERY_S = 2.0
LONGEST_WATCHED = 32
"""Of names, on a screen where an agent has one line."""
COLUMNS = ("AGENT", "ROLE!", "STATUS!", "STANDING!", "BEAT>!", "OK/TASKS>!", "TASK")


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
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    default=200,
    show_default=True,
    help="At most so many.",
)
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
        "role": role,
        "model": model,
        "include": ",".join(include) or None,
        "stale": True if stale else None,
        "q": q,
    }

    def fetch() -> Listed:
        return service.listed("/api/agents", query, limit=limit)

    if watch:
        _refuse_to_watch(as_json=as_json)
        _watch(fetch, where=service.url)
    listed = fetch()
    if as_json:
        print_json(listed.items)
    else:
        filtered = any(query.values())
        show.print_table(
            COLUMNS,
            _rows(listed.items),
            none="No agent is like that."
            if filtered
            else "No agents. The first heartbeat makes one: "
            f"curl -X POST -H 'Content-Type: application/json' -d '{{}}' {service.url}/api/agents/my-agent/heartbeat",
        )
    show.more(listed.more, limit)


def _refuse_to_watch(*, as_json: bool) -> None:
    if as_json:
        raise click.UsageError("--watch draws a screen and --json prints once: leave one out")
    if not sys.stdout.isatty():
        raise click.UsageError("--watch needs a terminal; without it the list is printed once")


def _watch(fetch: Callable[[], Listed], *, where: str) -> NoReturn:
    """Until Ctrl-C. While the service is away the last list stays, and the head line says so."""
    from rich.console import Console, Group  # noqa: PLC0415 - takes a moment to import
    from rich.live import Live  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    console = Console(highlight=False)
    listed = fetch()
    trouble = ""
    try:
        with Live(console=console, screen=True, auto_refresh=False) as live:
            while True:
                room = max(1, console.height - 4)
                head = Text(
                    plain(_head(listed, where, room, trouble)),
                    style="red" if trouble else "dim",
                    no_wrap=True,
                    overflow="ellipsis",
                )
                drawn = show.table(
                    COLUMNS,
                    _rows(listed.items[:room], name_most=LONGEST_WATCHED),
                    one_line=True,
                )
                live.update(Group(head, Text(), drawn), refresh=True)
                time.sleep(WATCH_EVERY_S)
                try:
                    listed, trouble = fetch(), ""
                except Away as away:
                    trouble = trouble or f"{_now():%H:%M:%SZ} {away.message}"
    except KeyboardInterrupt:
        sys.exit(Exit.OK)  # the way to end it


def _head(listed: Listed, where: str, room: int, trouble: str) -> str:
    if trouble:
        return f"Away since {trouble}"
    count = counted(len(listed.items), "agent") + (", and more" if listed.more else "")
    cut = f", {room} fit here" if len(listed.items) > room else ""
    return f"{_now():%H:%M:%SZ}  {count}{cut}  {where}  Ctrl-C ends"


def _rows(
    agents: Sequence[dict[str, Any]], *, name_most: int | None = None
) -> list[tuple[show.Cell, ...]]:
    now = _now()
    return [
        (
            show.cut(agent["agentId"], name_most),
            show.cut(agent["role"], name_most),
            show.status(agent),
            agent["standing"],
            show.age(agent["lastHeartbeat"], now=now),
            show.share(agent),
            agent["currentTask"],
        )
        for agent in agents
    ]


def _now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 - ages on a person's screen
