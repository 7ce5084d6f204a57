"""How things are laid out: tables, ages, instants.

On a terminal rich draws, in colour and to its width; in a pipe a row is a line, whole, whatever its length, and
rich is not even imported.
"""

import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from pinkslip.cli.words import complain, plain, say

if TYPE_CHECKING:
    from rich.table import Table

STATUS_STYLE = {
    "WORKING": "green",
    "IDLE": "dim",
    "WAITING": "cyan",
    "ERROR": "red",
    "TERMINATED": "bold red",
}
GAUGE_WIDTH = 20
LONGEST_WHOLE = 36
"""The most a column takes that is never folded: an id of ours. A stranger's may be longer, and folds."""


@dataclass(frozen=True, slots=True)
class Styled:
    """A cell with a colour. Its words say as much without."""

    words: str
    style: str

    def __str__(self) -> str:
        return self.words


Cell = object
"""Anything with a text; None and nothing are shown as a dash."""


def print_table(columns: Sequence[str], rows: Iterable[Sequence[Cell]], *, none: str) -> None:
    """A table, or `none` in its place where there are no rows.

    A column's name ends with > to stand right, with ! never to be folded.
    """
    rows = list(rows)
    if not rows:
        say(none)
    elif sys.stdout.isatty():
        from rich.console import Console  # noqa: PLC0415 - takes a moment to import

        Console(highlight=False).print(table(columns, rows))
    else:
        for line in _laid(columns, rows):
            click.echo(line)


def print_records(
    columns: Sequence[str], rows: Iterable[Sequence[Cell]], *, under: int, none: str
) -> None:
    """A table whose last columns stand under their row on a terminal: sentences need the whole width."""
    rows = list(rows)
    if not rows or not sys.stdout.isatty():
        print_table(columns, rows, none=none)
        return
    heads = _laid(columns[:-under], [row[:-under] for row in rows])
    click.secho(next(heads), bold=True)
    for head, row in zip(heads, rows, strict=True):
        click.echo(head)
        click.secho("    " + "  ".join(_shown(cell) for cell in row[-under:]), dim=True)


def table(
    columns: Sequence[str], rows: Iterable[Sequence[Cell]], *, one_line: bool = False
) -> "Table":
    """The table as rich draws it; with `one_line` what does not fit is cut instead of folded."""
    from rich.table import Table  # noqa: PLC0415 - takes a moment to import
    from rich.text import Text  # noqa: PLC0415

    rows = list(rows)
    drawn = Table(box=None, pad_edge=False, header_style="bold")
    for place, column in enumerate(columns):
        name = column.rstrip(">!")
        widest = max((len(_shown(row[place])) for row in rows), default=0)
        drawn.add_column(
            name,
            justify="right" if ">" in column else "left",
            no_wrap=one_line or "!" in column,
            min_width=min(max(widest, len(name)), LONGEST_WHOLE) if "!" in column else None,
            overflow="ellipsis" if one_line else "fold",
        )
    for row in rows:
        drawn.add_row(
            *(
                Text(_shown(cell), style=cell.style if isinstance(cell, Styled) else "")
                for cell in row
            )
        )
    return drawn


def more(listed_more: bool, limit: int) -> None:
    """Say that a list was cut."""
    if listed_more:
        complain(f"Only the first {limit}; --limit shows more.")


def age(instant: str | None, *, now: datetime) -> str:
    """How long ago, in a word; rounded down, as people count ages."""
    if instant is None:
        return "never"
    seconds = max(0, int((now - datetime.fromisoformat(instant)).total_seconds()))
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "m")):
        if seconds >= size:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


def clock(instant: str | None) -> str:
    """An instant as a person reads it, UTC, to the second."""
    if instant is None:
        return "-"
    return f"{datetime.fromisoformat(instant).astimezone(UTC):%Y-%m-%d %H:%M:%SZ}"


def status(agent: dict[str, Any]) -> Styled:
    """Status, with what makes it worse in words: never colour alone."""
    said = agent["status"]
    if agent.get("finishedAt"):
        return Styled("finished", "dim")
    if agent["isStale"]:
        return Styled(f"{said} stale", "yellow")
    return Styled(said, STATUS_STYLE.get(said, ""))


def causes(enforcement: dict[str, Any]) -> Iterator[str]:
    """What failing agents share, and who is being restarted."""
    for cause in enforcement["causes"]:
        yield f"A common cause: {cause['words']}"
    for deploy in enforcement["deploys"]:
        yield f"Mass restart in pool {deploy['pool']!r}: {deploy['restarted']} of {deploy['size']} restarted"


def waiting(enforcement: dict[str, Any]) -> Iterator[str]:
    """Fires that wait for a person or for their time, each with the command that stops it."""
    for one in enforcement["waiting"]:
        fire = f"{one['policy']} would fire {one['agentId']}: {_holding(one)}"
        if one["state"] == "awaiting":
            yield f"Approval asked: {fire}"
            yield f"  pinkslip approve {one['decisionId']} allows it, veto stops it"
        else:
            when = f"Not before {clock(one['until'])}" if one["until"] else "Approved:"
            yield f"{when} {fire}"
            yield f"  pinkslip veto {one['decisionId']} --reason '...' stops it"


def _holding(waiting: dict[str, Any]) -> str:
    """What is said of the agent; and that nothing happens before its condition holds again, where it does not."""
    if waiting["holds"]:
        return str(waiting["words"])
    said = waiting["words"] or "it cannot be told"
    return f"{said}; it does not hold just now, and nothing happens before it does"


def gauge(share: float) -> str:
    """`####------ 40 %`: how far something has come."""
    full = min(GAUGE_WIDTH, int(share * GAUGE_WIDTH))
    return f"{'#' * full}{'-' * (GAUGE_WIDTH - full)} {share * 100:.0f} %"


def statistic(told: dict[str, Any]) -> str:
    """One evidence function as it stood, with its counts."""
    asked = "" if told["threshold"] is None else f", {number(told['threshold'])} was asked for"
    counts = ""
    if told["tasks"]:
        since = f" since {clock(told['since'])}" if told["since"] else ""
        counts = f" ({told['successes']} of {told['tasks']} tasks succeeded{since})"
    return f"{told['function']} = {number(told['value'])}{asked}{counts}"


def number(value: float | None) -> str:
    """As it is recorded: 9 significant digits."""
    return "unknown" if value is None else f"{value:.9g}"


def cut(text: str | None, most: int | None) -> str | None:
    """`text`, its end cut off where it is longer than `most`."""
    if text is None or most is None or len(text) <= most:
        return text
    return text[: most - 1] + "…"


def share(agent: dict[str, Any]) -> str:
    """Successes of tasks."""
    metrics = agent["metrics"]
    if not metrics["totalTasks"]:
        return "-"
    return f"{metrics['successfulTasks']}/{metrics['totalTasks']}"


def _laid(columns: Sequence[str], rows: Sequence[Sequence[Cell]]) -> Iterator[str]:
    """The heading and every row, each a line, in columns."""
    cells = [[column.rstrip(">!") for column in columns]]
    cells += [[_shown(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for row in cells:
        laid = (
            cell.rjust(width) if ">" in column else cell.ljust(width)
            for cell, width, column in zip(row, widths, columns, strict=True)
        )
        yield "  ".join(laid).rstrip()


def _shown(cell: Cell) -> str:
    return "-" if cell is None or cell == "" else plain(cell)
