"""How a terminal shows things: tables, ages, signs. Text from agents is only ever text."""

import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

STATUS_STYLE = {
    "WORKING": "green",
    "IDLE": "dim",
    "WAITING": "cyan",
    "ERROR": "red",
    "TERMINATED": "bold red",
}


PLAIN_WIDTH = 240
"""Of a table in a file or a pipe: nobody folds lines there by hand."""


def console() -> Console:
    """For standard output; plain and wide when it is no terminal."""
    return Console(highlight=False, width=None if sys.stdout.isatty() else PLAIN_WIDTH)


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Table:
    """A plain table. A cell is text, or rich's Text where it has a style.

    A column's name ends with > to stand right, with ! never to be folded.
    """
    drawn = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        name = column.removesuffix(">")
        drawn.add_column(
            name, justify="right" if column.endswith(">") else "left", overflow="fold"
        )
    for row in rows:
        drawn.add_row(*(cell if isinstance(cell, Text) else Text(_plain(cell)) for cell in row))
    return drawn


def age(instant: str | None, *, now: datetime) -> str:
    """How long ago, in a word."""
    if instant is None:
        return "never"
    seconds = max(0.0, (now - datetime.fromisoformat(instant)).total_seconds())
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "m")):
        if seconds >= size:
            return f"{seconds / size:.0f}{unit}"
    return f"{seconds:.0f}s"


def clock(instant: str | None) -> str:
    """An instant as a person reads it, UTC, to the second."""
    if instant is None:
        return "-"
    return f"{datetime.fromisoformat(instant).astimezone(UTC):%Y-%m-%d %H:%M:%SZ}"


def status_text(agent: dict[str, Any]) -> Text:
    """Status, with what makes it worse in words: never colour alone."""
    said = agent["status"]
    if agent.get("finishedAt"):
        said = "finished"
    elif agent["isStale"]:
        said += " stale"
    return Text(said, style="yellow" if agent["isStale"] else STATUS_STYLE.get(said, ""))


def share(agent: dict[str, Any]) -> str:
    """Successes of tasks."""
    metrics = agent["metrics"]
    if not metrics["totalTasks"]:
        return "-"
    return f"{metrics['successfulTasks']}/{metrics['totalTasks']}"


def _plain(cell: object) -> str:
    if cell is None or cell == "":
        return "-"
    return "".join(letter if letter.isprintable() else " " for letter in str(cell))
