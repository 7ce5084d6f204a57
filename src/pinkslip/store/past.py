"""Outcomes that windows, rings and streaks still hold, read as columns: a start has seconds for a million.

Everything windows need of an outcome is a number, or can be (`tasks`), so rows become one table of integers at
once, without an object for each: from SQLite by the driver's tuples, from PostgreSQL by binary COPY, whose rows
of integers all have one length. A score is the one given last.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray
from psycopg import OperationalError
from psycopg.pq import ExecStatus
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Select,
    and_,
    case,
    cast,
    func,
    literal_column,
    or_,
    select,
    tuple_,
)

from pinkslip.fleet.needs import Horizon
from pinkslip.fleet.outcomes import IS_SUCCESS, NOT_GIVEN, Arrivals, counting, kinds_of
from pinkslip.fleet.snapshot import Integers
from pinkslip.model.policy import Filter
from pinkslip.model.words import Fault, Result, code_of
from pinkslip.store.checkpoint import Place
from pinkslip.store.tables import outcomes, reviews, writers
from pinkslip.store.tasks import Tasks

CHUNK = 10_000
PIECE = 1_000
"""So many tuples at once become numbers: more of them would not be in the processor's cache any longer."""
STREAK_MAX = 10_000
"""A streak is followed back over at most so many outcomes of one agent."""
ANYWHERE = Place((1 << 31) - 1, (1 << 63) - 1)

Table = NDArray[np.int64]
"""A row for each outcome, a column for each integer of `_columns`, and the event id in two halves."""
_NUMBER, _AT, _SEQ, _KIND, _DURATION, _TOKENS, _COST, _SCORE, _TASK = range(9)
_INTEGERS = 9
_WIDTH = _INTEGERS + 2

Wanted = Callable[[Select[Any], ColumnElement[Any]], Select[Any]]
"""From one agent's counted outcomes up to an instant, and its number as SQL: what is wanted of them."""


class _Past:
    """One workspace's outcomes, as one reading sees them."""

    def __init__(self, connection: Connection, workspace_id: int) -> None:
        self.connection = connection
        self.workspace_id = workspace_id
        self.tasks = Tasks(connection, workspace_id)
        self.are_reviewed = _has_reviews(connection, workspace_id)

    @property
    def is_sqlite(self) -> bool:
        return self.connection.dialect.name == "sqlite"

    @property
    def driver(self) -> Any:
        return self.connection.connection.driver_connection


def _has_reviews(connection: Connection, workspace_id: int) -> bool:
    """Mostly there are none, and no outcome need be asked for its own."""
    first = select(reviews.c.seq).where(reviews.c.workspace_id == workspace_id).limit(1)
    return connection.execute(first).first() is not None


def history_before(
    connection: Connection,
    workspace_id: int,
    horizon: Horizon,
    *,
    now: int,
    place: Place,
    numbers: Integers,
    begun: Integers,
    tasks: Integers,
) -> list[Arrivals]:
    """What these agents (ascending) did at or before `place` that a fleet at `now` must know, oldest first.

    `begun`: when each one's incarnation began. `tasks`: how many outcomes it has had since then; who has
    none outside the time windows is not asked about.
    """
    past, since = _Past(connection, workspace_id), now - horizon.time_ms
    recent = [
        _of_incarnation(table, numbers, begun)
        for table in _in_time(past, since=since, place=place)
    ]
    nothing = np.zeros(0, np.int64)
    index = np.concatenate([nothing, *(_index(table, numbers) for table in recent)])
    kinds = np.concatenate([nothing, *(table[:, _KIND] for table in recent)])
    has_more = tasks > np.bincount(index, minlength=len(numbers))
    wants = [
        (wanted, numbers[has_more & ~satisfied])
        for wanted, satisfied in _wants(horizon, kinds, index, len(numbers))
    ]
    older = _of_agents(past, wants, until=min(since, now), place=place)
    return [
        _arrivals(past, table) for table in (_of_incarnation(older, numbers, begun), *recent)
    ]


def history_lacking(
    connection: Connection,
    workspace_id: int,
    horizon: Horizon,
    *,
    now: int,
    numbers: Integers,
    begun: Integers,
) -> Arrivals:
    """What these agents (ascending) did up to `horizon.until` that a fleet at `now` must know, oldest first."""
    past, nothing = _Past(connection, workspace_id), np.zeros(0, np.int64)
    wants = [(wanted, numbers) for wanted, _ in _wants(horizon, nothing, nothing, len(numbers))]
    wants.append((_since(now - horizon.time_ms), numbers))
    found = _of_agents(past, wants, until=horizon.until, place=ANYWHERE)
    return _arrivals(past, _of_incarnation(found, numbers, begun))


def _of_incarnation(table: Table, numbers: Integers, begun: Integers) -> Table:
    """Only those of agents that are wanted, and only since their incarnation began."""
    if not len(table) or not len(numbers):
        return table[:0]
    index = np.minimum(np.searchsorted(numbers, table[:, _NUMBER]), len(numbers) - 1)
    is_wanted = (numbers[index] == table[:, _NUMBER]) & (table[:, _AT] >= begun[index])
    return table if is_wanted.all() else table[is_wanted]


def _index(table: Table, numbers: Integers) -> Integers:
    """Where in `numbers` each outcome's agent stands."""
    return np.searchsorted(numbers, table[:, _NUMBER])


def _arrivals(past: _Past, table: Table) -> Arrivals:
    size = len(table)
    return Arrivals(
        number=table[:, _NUMBER],
        at=table[:, _AT],
        seq=table[:, _SEQ],
        event_id=np.ascontiguousarray(table[:, _INTEGERS:]).view("S16").reshape(-1),
        counted=np.ones(size, np.bool_),
        kind=table[:, _KIND].astype(np.uint16),
        duration=table[:, _DURATION],
        tokens_in=table[:, _TOKENS],
        tokens_out=np.zeros(size, np.int64),
        cost=table[:, _COST],
        score=table[:, _SCORE],
        errors=[None] * size,
        task=past.tasks.words(
            table[:, _TASK], agents=table[:, _NUMBER], at=table[:, _AT], seq=table[:, _SEQ]
        ),
    )


# within a time


def _in_time(past: _Past, *, since: int, place: Place) -> Iterator[Table]:
    """Counted outcomes after `since`, at or before `place`, in journal order."""
    start = _newest_at(past.connection, past.workspace_id, since)
    statement = (
        select(*_columns(past))
        .where(
            outcomes.c.workspace_id == past.workspace_id,
            tuple_(outcomes.c.writer, outcomes.c.seq) > (start.writer, start.seq),
            tuple_(outcomes.c.writer, outcomes.c.seq) <= (place.writer, place.seq),
            outcomes.c.counted.is_(True),
        )
        .order_by(outcomes.c.writer, outcomes.c.seq)
    )
    return _tables(past, _spelled(past, statement))


def _newest_at(connection: Connection, workspace_id: int, at: int) -> Place:
    """The place of the newest outcome at or before an instant. `at` never decreases, so it can be halved for."""
    ids = connection.execute(select(writers.c.id).order_by(writers.c.id.desc())).scalars()
    for writer in ids.all():
        first = _next_outcome(connection, workspace_id, writer, 0)
        if first is None or first[1] > at:
            continue
        low, high = first[0], _last_seq(connection, workspace_id, writer)
        while low < high:
            middle = (low + high + 1) // 2
            found = _next_outcome(connection, workspace_id, writer, middle)
            if found is None or found[1] > at:
                high = middle - 1
            else:
                low = found[0]
        return Place(writer, low)
    return Place(0, 0)


def _next_outcome(
    connection: Connection, workspace_id: int, writer: int, seq: int
) -> tuple[int, int] | None:
    row = connection.execute(
        select(outcomes.c.seq, outcomes.c.at)
        .where(
            outcomes.c.workspace_id == workspace_id,
            outcomes.c.writer == writer,
            outcomes.c.seq >= seq,
        )
        .order_by(outcomes.c.seq)
        .limit(1)
    ).one_or_none()
    return None if row is None else (row.seq, row.at)


def _last_seq(connection: Connection, workspace_id: int, writer: int) -> int:
    newest = connection.execute(
        select(outcomes.c.seq)
        .where(outcomes.c.workspace_id == workspace_id, outcomes.c.writer == writer)
        .order_by(outcomes.c.seq.desc())
        .limit(1)
    ).scalar()
    return int(newest or 0)


# agent by agent


def _wants(
    horizon: Horizon, kinds: Integers, index: Integers, agents: int
) -> Iterator[tuple[Wanted, NDArray[np.bool_]]]:
    """What rings and streaks want, and which agents' recent outcomes (`kinds`, by `index`) satisfy it."""
    for outcome_filter, count in horizon.newest:
        held = counting(outcome_filter).denominator[kinds] > 0
        yield (
            _newest(outcome_filter, count),
            np.bincount(index[held], minlength=agents) >= count,
        )
    for outcome_filter in horizon.streaks:
        ended = (counting(outcome_filter).denominator & IS_SUCCESS)[kinds] > 0
        yield (
            _streak(outcome_filter),
            np.bincount(index[ended], minlength=agents) > 0,
        )


def _newest(outcome_filter: Filter, count: int) -> Wanted:
    """The last `count`, and whatever else came at the instant of the first of them: which of one instant are the
    last, the fleet decides by their ids."""

    def wanted(theirs: Select[Any], _number: ColumnElement[Any]) -> Select[Any]:
        counted = theirs.where(_in_denominator(outcome_filter))
        first = (
            counted.with_only_columns(outcomes.c.at)
            .order_by(outcomes.c.at.desc())
            .offset(count - 1)
            .limit(1)
            .correlate(None)
            .scalar_subquery()
        )
        return counted.where(outcomes.c.at >= func.coalesce(first, 0))

    return wanted


def _since(since: int) -> Wanted:
    return lambda theirs, _number: theirs.where(outcomes.c.at > since)


def _streak(outcome_filter: Filter) -> Wanted:
    """Back to the last success that the filter takes the word of."""
    success = outcomes.alias("success")

    def wanted(theirs: Select[Any], number: ColumnElement[Any]) -> Select[Any]:
        last_success = (
            select(success.c.at)
            .where(
                success.c.workspace_id == outcomes.c.workspace_id,
                success.c.agent_no == number,
                success.c.counted.is_(True),
                success.c.result == code_of(Result.SUCCESS),
                success.c.source.in_(_codes(outcome_filter.sources)),
            )
            .order_by(success.c.at.desc())
            .limit(1)
            .scalar_subquery()
        )
        return (
            theirs.where(
                _in_denominator(outcome_filter),
                outcomes.c.at >= func.coalesce(last_success, 0),
            )
            .order_by(*_newest_first())
            .limit(STREAK_MAX)
        )

    return wanted


def _of_agents(
    past: _Past,
    wants: Iterable[tuple[Wanted, Integers]],
    *,
    until: int,
    place: Place,
) -> Table:
    """What is wanted of each agent up to an instant and a place, all together, oldest first, each once."""
    ask = _ask_each if past.is_sqlite else _ask_together
    found = [
        table
        for wanted, numbers in wants
        if len(numbers)
        for table in ask(past, wanted, numbers, until, place)
    ]
    joined = _joined(found)
    order = np.lexsort((joined[:, _SEQ], joined[:, _AT]))
    ordered = joined[order]
    is_first = np.ones(len(ordered), np.bool_)
    same = (ordered[1:, _AT] == ordered[:-1, _AT]) & (ordered[1:, _SEQ] == ordered[:-1, _SEQ])
    is_first[1:] = ~same
    return ordered[is_first]


def _ask_each(
    past: _Past,
    wanted: Wanted,
    numbers: Integers,
    until: int,
    place: Place,
) -> Iterator[Table]:
    """SQLite has no LATERAL; a prepared statement for each agent costs microseconds."""
    number: ColumnElement[int] = literal_column(":agent_no")
    statement = _spelled(past, wanted(_theirs(past, number, until, place), number))
    driver = past.driver
    rows: list[tuple[Any, ...]] = []
    for agent_no in numbers.tolist():
        rows += driver.execute(statement, {"agent_no": agent_no})
        if len(rows) >= PIECE:
            yield _from_tuples(past, rows)
            rows = []
    if rows:
        yield _from_tuples(past, rows)


def _ask_together(
    past: _Past,
    wanted: Wanted,
    numbers: Integers,
    until: int,
    place: Place,
) -> Iterator[Table]:
    number: ColumnElement[int] = literal_column("wanted.agent_no")
    inner = _spelled(past, wanted(_theirs(past, number, until, place), number))
    for start in range(0, len(numbers), CHUNK):
        some = ",".join(map(str, numbers[start : start + CHUNK].tolist()))
        yield from _tables(
            past,
            f"SELECT lean.* FROM unnest('{{{some}}}'::bigint[]) AS wanted(agent_no)"  # noqa: S608 - numbers, and compiled by us
            f" CROSS JOIN LATERAL ({inner}) AS lean",
        )


def _theirs(
    past: _Past,
    number: ColumnElement[Any],
    until: int,
    place: Place,
) -> Select[Any]:
    return select(*_columns(past)).where(
        outcomes.c.workspace_id == past.workspace_id,
        outcomes.c.agent_no == number,
        outcomes.c.at <= until,
        tuple_(outcomes.c.writer, outcomes.c.seq) <= (place.writer, place.seq),
        outcomes.c.counted.is_(True),
    )


def _in_denominator(outcome_filter: Filter) -> ColumnElement[bool]:
    """Design section 7: any success, and what did not succeed by a fault the filter counts; but never what a
    user cancelled. `fleet.outcomes.counting` says the same of kinds."""
    blamed = and_(
        outcomes.c.fault.in_(_codes(outcome_filter.faults)),
        or_(
            outcomes.c.result != code_of(Result.CANCELLED),
            outcomes.c.fault != code_of(Fault.USER),
        ),
    )
    return and_(
        outcomes.c.source.in_(_codes(outcome_filter.sources)),
        or_(outcomes.c.result == code_of(Result.SUCCESS), blamed),
    )


def _codes(words: Iterable[StrEnum]) -> list[int]:
    return sorted(code_of(word) for word in words)


def _newest_first() -> tuple[ColumnElement[Any], ...]:
    return (outcomes.c.at.desc(), outcomes.c.writer.desc(), outcomes.c.seq.desc())


# rows as numbers


def _columns(past: _Past) -> list[ColumnElement[Any]]:
    """Integers: result, fault, source and whether there was an error as one; what was not given as `NOT_GIVEN` or
    0. Then the event id, by which reviews find the outcome, and by which those of one instant are in order. The
    fewer columns, the faster: a million rows pass through the driver."""
    columns = outcomes.c
    made = (
        columns.agent_no,
        columns.at,
        columns.seq,
        kinds_of(
            columns.result,
            columns.fault,
            columns.source,
            has_error=case((columns.error.is_(None), 0), else_=1),
        ),
        func.coalesce(columns.duration_ms, NOT_GIVEN),
        func.coalesce(columns.tokens_in, 0) + func.coalesce(columns.tokens_out, 0),
        func.coalesce(columns.cost_micros, 0),
        func.coalesce(_score(past), NOT_GIVEN),
        past.tasks.column,
    )
    named: list[ColumnElement[Any]] = [columns.event_id.label("event_id")]
    if past.is_sqlite:
        return [column.label(f"c{place}") for place, column in enumerate(made)] + named
    # of one length, so that a row of the binary COPY is too
    return [
        cast(column, BigInteger).label(f"c{place}") for place, column in enumerate(made)
    ] + named


def _score(past: _Past) -> ColumnElement[Any]:
    """The one given last, after the fact or with the outcome."""
    if not past.are_reviewed:
        return outcomes.c.score_e6
    newest = (
        select(reviews.c.score_e6)
        .where(
            reviews.c.workspace_id == outcomes.c.workspace_id,
            reviews.c.event_id == outcomes.c.event_id,
        )
        .order_by(reviews.c.writer.desc(), reviews.c.seq.desc())
        .limit(1)
        .correlate(outcomes)
        .scalar_subquery()
    )
    return func.coalesce(newest, outcomes.c.score_e6)


def _spelled(past: _Past, statement: Select[Any]) -> str:
    return str(
        statement.compile(
            dialect=past.connection.dialect, compile_kwargs={"literal_binds": True}
        )
    )


def _tables(past: _Past, statement: str) -> Iterator[Table]:
    driver = past.driver
    if past.is_sqlite:
        cursor = driver.execute(statement)
        fetched = iter(lambda: cursor.fetchmany(PIECE), [])
        yield from _gathered(_from_tuples(past, rows) for rows in fetched)
        return
    yield _from_binary(
        b"".join(_copied(driver, f"COPY ({statement}) TO STDOUT (FORMAT binary)"))
    )


def _copied(driver: Any, statement: str) -> Iterator[bytes]:
    """What COPY sends, a row at a time, from libpq itself: psycopg's own reader costs three times as much."""
    libpq = driver.pgconn
    begun = libpq.exec_(statement.encode())
    if begun.status != ExecStatus.COPY_OUT:
        raise OperationalError(libpq.get_error_message())
    while (piece := libpq.get_copy_data(0))[0] >= 0:
        yield bytes(piece[1])
    while (ended := libpq.get_result()) is not None:
        if ended.status != ExecStatus.COMMAND_OK:
            raise OperationalError(libpq.get_error_message())


def _gathered(pieces: Iterable[Table]) -> Iterator[Table]:
    """Tables of some size."""
    held: list[Table] = []
    for piece in pieces:
        held.append(piece)
        if sum(map(len, held)) >= CHUNK:
            yield np.concatenate(held)
            held = []
    if held:
        yield np.concatenate(held)


def _from_tuples(past: _Past, rows: Sequence[tuple[Any, ...]]) -> Table:
    size = len(rows)
    *integers, kinds, event_ids = zip(*rows, strict=True)
    table = np.empty((size, _WIDTH), np.int64)
    for place, column in enumerate(integers):
        table[:, place] = np.fromiter(column, np.int64, size)
    table[:, _TASK] = past.tasks.numbers(kinds)
    table[:, _INTEGERS:] = np.frombuffer(b"".join(event_ids), np.int64).reshape(-1, 2)
    return table


_COPY_HEADER = 19
_COPY_TRAILER = 2
_COPY_ROW = np.dtype(
    [
        ("fields", ">i2"),
        *(
            (f"{kind}{n}", to)
            for n in range(_INTEGERS)
            for kind, to in (("length", ">i4"), ("value", ">i8"))
        ),
        ("id_length", ">i4"),
        ("event_id", "=i8", 2),
    ]
)
"""PostgreSQL's documentation of COPY, "Binary Format": a count of fields, then each with its length."""


def _from_binary(content: bytes) -> Table:
    rows = np.frombuffer(content[_COPY_HEADER:-_COPY_TRAILER], _COPY_ROW)
    table = np.empty((len(rows), _WIDTH), np.int64)
    for place in range(_INTEGERS):
        table[:, place] = rows[f"value{place}"]
    table[:, _INTEGERS:] = rows["event_id"]
    return table


def _joined(tables: Sequence[Table]) -> Table:
    return np.concatenate(tables) if tables else np.zeros((0, _WIDTH), np.int64)
