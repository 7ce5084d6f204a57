"""A journal to try, what it told, and what the database says of it."""

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any, TypeVar

from sqlalchemy import select, text
from tests.clocks import ManualClock

from pinkslip.model.events import Finish, Heartbeat, Outcome, Report, SessionReport
from pinkslip.model.facts import Batch, Fact, Mark
from pinkslip.model.ports import Clock, Receipt
from pinkslip.model.words import Result, Source
from pinkslip.store import tables
from pinkslip.store.engine import Database
from pinkslip.store.journal import Journal
from pinkslip.store.transaction import Transaction

T = TypeVar("T")
WORKSPACE = tables.DEFAULT_WORKSPACE


class Kept:
    """A started journal, followed."""

    def __init__(self, database: Database, clock: Clock, **options: Any) -> None:
        self.database = database
        self.told: list[Batch | Mark] = []
        self.journal = Journal(database, clock=clock, holder="this test", **options)
        self.journal.follow(self.told.append)

    @property
    def facts(self) -> list[Fact]:
        """Everything told of agents, in order."""
        return [
            fact
            for batch in self.told
            if isinstance(batch, Batch)
            for _owner, fact in batch.facts
        ]

    def report(self, *reports: Report) -> list[Receipt]:
        return self.journal.report(reports).result(20)

    def act(self, work: Callable[[Transaction], T]) -> T:
        return self.journal.act(work).result(20)

    def mark(self) -> Mark:
        return self.journal.mark(WORKSPACE).result(20)

    def rows(self, table: str, order: str = "writer, seq") -> list[Any]:
        with self.database.reader_engine.connect() as connection:
            return list(
                connection.execute(text(f"SELECT * FROM {table} ORDER BY {order}")).all()
            )

    def numbers(self) -> list[int]:
        """Every journal number that stands in a row of this writer, sorted."""
        with self.database.reader_engine.connect() as connection:
            return sorted(
                {
                    seq
                    for table in (
                        tables.outcomes,
                        tables.agent_changes,
                        tables.beat_runs,
                        tables.transitions,
                        tables.blind,
                        tables.acts,
                        tables.reviews,
                    )
                    for seq in connection.execute(
                        select(table.c.seq).where(table.c.writer == self.journal.writer)
                    ).scalars()
                }
            )


@contextmanager
def keeping(database: Database, clock: Clock | None = None, **options: Any) -> Iterator[Kept]:
    """A journal that serves until the end of the block."""
    kept = Kept(database, clock or ManualClock(), **options)
    kept.journal.start()
    try:
        yield kept
    finally:
        kept.journal.stop()


def beat(agent: str = "a", **fields: Any) -> Report:
    return Report(WORKSPACE, agent, Heartbeat(**fields))


def outcome(
    event_id: str | None = None,
    agent: str = "a",
    *,
    result: Result = Result.SUCCESS,
    source: Source = Source.SELF,
    **fields: Any,
) -> Report:
    return Report(WORKSPACE, agent, Outcome(result=result, event_id=event_id, **fields), source)


def finish(agent: str = "a", **fields: Any) -> Report:
    return Report(WORKSPACE, agent, Finish(**fields))


def session(key: str, **fields: Any) -> Report:
    return Report(WORKSPACE, "", SessionReport(**fields), session_key=key)


def verdicts(receipts: Sequence[Receipt]) -> list[str]:
    return [receipt.verdict for receipt in receipts]


class held_up:  # noqa: N801 - reads as a statement: with held_up(kept)
    """The writer does nothing while in the block."""

    def __init__(self, kept: Kept) -> None:
        self._kept = kept
        self._go = threading.Event()
        self._held = threading.Event()
        self._act: Future[None] | None = None

    def __enter__(self) -> None:
        self._act = self._kept.journal.act(self._wait)
        assert self._held.wait(20)

    def __exit__(self, *_error: object) -> None:
        self._go.set()
        assert self._act is not None
        self._act.result(20)

    def _wait(self, _tx: Transaction) -> None:
        self._held.set()
        assert self._go.wait(20)
