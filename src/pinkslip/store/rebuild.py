"""What a fleet is made from again: checkpointed agents, the outcomes its windows still hold, and what came after.

1. Agents' rows: the living, those that left after `keep_after`, and those that came back since the checkpoint.
2. Blind spells and role totals, as they stood.
3. History: outcomes at or before the checkpoint that a window, a ring or a streak still holds, oldest first.
4. Facts after the checkpoint and after the newest tick, whichever is older, in journal order: what a fleet
   has in its rows already changes nothing, but the digest of the next tick covers it. Of a beat run only the
   newest beat's number is known; the others stand by their instant, before what else happened at it, but
   after the agent's own arrival.

Everything is read in one snapshot, in chunks, as raw tuples: a start has seconds for a million rows.
"""

import heapq
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain as chained
from types import TracebackType
from typing import Any, Self

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    case,
    func,
    literal,
    literal_column,
    null,
    or_,
    select,
    tuple_,
)

from pinkslip.fleet.needs import Horizon
from pinkslip.model.facts import Beat, Blinded, Done, Fact, Registered, Restored, Revived
from pinkslip.model.policy import Filter
from pinkslip.model.words import Fault, Result, Source, code_of
from pinkslip.store.checkpoint import (
    Place,
    TotalsAt,
    complete_place,
    raw_rows,
    restored_agents,
    role_totals_at,
)
from pinkslip.store.engine import Database
from pinkslip.store.facts import (
    BLIND_COLUMNS,
    CHANGE_COLUMNS,
    DONE_COLUMNS,
    beats_of,
    blinded_of,
    change_of,
    done_of,
)
from pinkslip.store.tables import (
    agent_changes,
    agents,
    beat_runs,
    blind,
    outcomes,
    ticks,
    writers,
)

CHUNK = 10_000
STREAK_MAX = 10_000
"""A streak is followed back over at most so many outcomes of one agent."""

ANYWHERE = Place((1 << 31) - 1, (1 << 63) - 1)

Numbered = tuple[int, int, int, Fact]
"""(at, seq, writer, fact): journal order, since `at` never decreases and a new writer begins later."""


class Rebuild:
    """One workspace's past, read in one snapshot. Iterate in the order of the members; close when done."""

    def __init__(
        self,
        connection: Connection,
        workspace_id: int,
        *,
        now: int,
        horizon: Horizon,
        keep_after: int,
        resources: ExitStack,
    ) -> None:
        ticked = _newest_tick(connection, workspace_id)
        self.place: Place = min(complete_place(connection, workspace_id), ticked.place)
        """Every restored agent includes the journal up to here, or to a later place of its own."""
        self.totals: TotalsAt = role_totals_at(connection, workspace_id)
        self.blinds: list[Blinded] = _blinds(connection, workspace_id, self.place)
        """Spells noted at or before `place`; later ones are among the facts."""
        self._connection = connection
        self._workspace_id = workspace_id
        self._now, self._horizon, self._keep_after = now, horizon, keep_after
        self._resources = resources
        self._ticked_at = ticked.at
        self._heartbeats: dict[int, int] = {}
        self._begun: dict[int, int] = {}

    @property
    def restored(self) -> Iterator[Restored]:
        """Agents to begin with. The others are remembered by it, so take all of these first."""
        for agent in _agents(
            self._connection, self._workspace_id, self.place, self._keep_after
        ):
            known_until = min(agent.last_heartbeat or 0, self._ticked_at)
            self._heartbeats[agent.agent_no] = known_until
            self._begun[agent.agent_no] = agent.incarnation_at
            yield agent

    @property
    def history(self) -> Iterator[Done]:
        """For windows, rings and streaks only, oldest first."""
        horizon, since = self._horizon, self._now - self._horizon.time_ms
        until = min(since, self._now)
        older = _of_agents(
            self._connection,
            self._workspace_id,
            [number for number, begun in sorted(self._begun.items()) if begun <= until],
            _wanted_of_agent(horizon),
            until=until,
            place=self.place,
        )
        recent = _in_time(self._connection, self._workspace_id, since=since, place=self.place)
        for done in chained(older, recent):
            begun = self._begun.get(done.agent_no)
            if begun is not None and done.at >= begun:
                yield done

    @property
    def facts(self) -> Iterator[Fact]:
        """Everything after `place`."""
        for _at, _seq, _writer, fact in self.numbered:
            yield fact

    @property
    def numbered(self) -> Iterator[Numbered]:
        """Facts after `place`, each with its writer."""
        changes = _changes_after(self._connection, self._workspace_id, self.place)
        spells = _blinds_after(self._connection, self._workspace_id, self.place)
        beats = _beats_after(
            self._connection,
            self._workspace_id,
            self.place,
            after=self._heartbeats,
            otherwise=self._ticked_at,
            arrivals=_arrivals(changes),
        )
        done = _outcomes_after(self._connection, self._workspace_id, self.place)
        return heapq.merge(changes, spells, beats, done, key=_order)

    def batches(self, size: int = CHUNK) -> Iterator[tuple[int, list[Fact]]]:
        """The facts in lists of one writer each."""
        writer, batch = 0, list[Fact]()
        for _at, _seq, by, fact in self.numbered:
            if batch and (by != writer or len(batch) >= size):
                yield writer, batch
                batch = []
            writer = by
            batch.append(fact)
        if batch:
            yield writer, batch

    def close(self) -> None:
        """Give the connection back."""
        self._resources.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def rebuild(
    database: Database, workspace_id: int, *, now: int, horizon: Horizon, keep_after: int
) -> Rebuild:
    """Open a workspace's past for a fleet that stands at `now` and looks back as far as `horizon`.

    Agents that finished or were fired at or before `keep_after` stay in the database.
    """
    resources = ExitStack()
    try:
        connection = resources.enter_context(database.reader_engine.connect())
        resources.enter_context(connection.begin())
        return Rebuild(
            connection,
            workspace_id,
            now=now,
            horizon=horizon,
            keep_after=keep_after,
            resources=resources,
        )
    except BaseException:
        resources.close()
        raise


def history(database: Database, workspace_id: int, horizon: Horizon, *, now: int) -> list[Done]:
    """What the fleet's `horizon` says is lacking, oldest first: policies ask further back than before."""
    if not horizon.lacking:
        return []
    with database.reader_engine.connect() as connection, connection.begin():
        begun = {
            agent.agent_no: agent.incarnation_at
            for some in _slices(horizon.lacking)
            for agent in restored_agents(connection, workspace_id, agents.c.agent_no.in_(some))
        }
        found = _of_agents(
            connection,
            workspace_id,
            sorted(begun),
            [*_wanted_of_agent(horizon), _since(now - horizon.time_ms)],
            until=horizon.until,
        )
    return [done for done in found if done.at >= begun[done.agent_no]]


def history_of(
    database: Database, workspace_id: int, agent_no: int, *, until: int
) -> list[Fact]:
    """One agent's journal up to an instant, for `explain`: all its changes, and its current incarnation's
    beats and outcomes. With every blind spell known then. Empty: there is no such agent."""
    with database.reader_engine.connect() as connection, connection.begin():
        changes = [
            (row[3], row[1], row[0], change_of(row))
            for row in connection.execute(
                select(*CHANGE_COLUMNS)
                .where(
                    agent_changes.c.workspace_id == workspace_id,
                    agent_changes.c.agent_no == agent_no,
                    agent_changes.c.at <= until,
                )
                .order_by(agent_changes.c.at, agent_changes.c.writer, agent_changes.c.seq)
            )
        ]
        begun = _incarnation_start(changes)
        beats = _beats_between(
            connection,
            workspace_id,
            agent_no,
            since=begun,
            until=until,
            arrivals=_arrivals(changes),
        )
        spells = [
            (row[1], row[2], row[0], blinded_of(row))
            for row in connection.execute(
                select(*BLIND_COLUMNS)
                .where(blind.c.workspace_id == workspace_id, blind.c.at <= until)
                .order_by(blind.c.writer, blind.c.seq)
            )
        ]
        done = [
            (row[2], row[3], row[0], done_of(row))
            for row in connection.execute(
                select(*DONE_COLUMNS)
                .where(
                    outcomes.c.workspace_id == workspace_id,
                    outcomes.c.agent_no == agent_no,
                    outcomes.c.at >= begun,
                    outcomes.c.at <= until,
                )
                .order_by(outcomes.c.at, outcomes.c.writer, outcomes.c.seq)
            )
        ]
    if not changes:
        return []
    return [fact for *_, fact in heapq.merge(changes, spells, beats, done, key=_order)]


# agents, spells


@dataclass(frozen=True, slots=True)
class _Ticked:
    place: Place
    at: int


def _newest_tick(connection: Connection, workspace_id: int) -> _Ticked:
    """Where the journal stood at the newest tick; its beginning when there was none."""
    row = connection.execute(
        select(ticks.c.writer, ticks.c.seq, ticks.c.now)
        .where(ticks.c.workspace_id == workspace_id)
        .order_by(ticks.c.now.desc())
        .limit(1)
    ).one_or_none()
    return _Ticked(Place(row.writer, row.seq), row.now) if row else _Ticked(Place(0, 0), -1)


def _agents(
    connection: Connection, workspace_id: int, place: Place, keep_after: int
) -> Iterator[Restored]:
    """One query for each way to be wanted, so that each has its index."""
    came_back = select(agent_changes.c.agent_no).where(
        agent_changes.c.workspace_id == workspace_id,
        tuple_(agent_changes.c.writer, agent_changes.c.seq) > (place.writer, place.seq),
        agent_changes.c.kind.in_(("Revived", "Reinstated")),
    )
    for condition in (
        agents.c.left_at.is_(None),
        agents.c.left_at > keep_after,
        and_(agents.c.left_at <= keep_after, agents.c.agent_no.in_(came_back)),
    ):
        yield from restored_agents(connection, workspace_id, condition, chunk=CHUNK)


def _blinds(connection: Connection, workspace_id: int, place: Place) -> list[Blinded]:
    rows = connection.execute(
        select(*BLIND_COLUMNS)
        .where(
            blind.c.workspace_id == workspace_id,
            tuple_(blind.c.writer, blind.c.seq) <= (place.writer, place.seq),
        )
        .order_by(blind.c.writer, blind.c.seq)
    )
    return [blinded_of(row) for row in rows]


# facts after a place


def _order(numbered: Numbered) -> tuple[int, int]:
    return numbered[:2]


def _changes_after(connection: Connection, workspace_id: int, place: Place) -> list[Numbered]:
    statement = (
        select(*CHANGE_COLUMNS)
        .where(
            agent_changes.c.workspace_id == workspace_id,
            tuple_(agent_changes.c.writer, agent_changes.c.seq) > (place.writer, place.seq),
        )
        .order_by(agent_changes.c.writer, agent_changes.c.seq)
    )
    return [(row[3], row[1], row[0], change_of(row)) for row in _raw(connection, statement)]


def _blinds_after(connection: Connection, workspace_id: int, place: Place) -> list[Numbered]:
    statement = (
        select(*BLIND_COLUMNS)
        .where(
            blind.c.workspace_id == workspace_id,
            tuple_(blind.c.writer, blind.c.seq) > (place.writer, place.seq),
        )
        .order_by(blind.c.writer, blind.c.seq)
    )
    return [(row[1], row[2], row[0], blinded_of(row)) for row in _raw(connection, statement)]


def _outcomes_after(
    connection: Connection, workspace_id: int, place: Place
) -> Iterator[Numbered]:
    statement = (
        select(*DONE_COLUMNS)
        .where(
            outcomes.c.workspace_id == workspace_id,
            tuple_(outcomes.c.writer, outcomes.c.seq) > (place.writer, place.seq),
        )
        .order_by(outcomes.c.writer, outcomes.c.seq)
    )
    for row in _raw(connection, statement):
        yield (row[2], row[3], row[0], done_of(row))


def _beats_after(
    connection: Connection,
    workspace_id: int,
    place: Place,
    *,
    after: Mapping[int, int],
    otherwise: int,
    arrivals: Mapping[tuple[int, int], int],
) -> list[Numbered]:
    statement = select(
        beat_runs.c.agent_no, beat_runs.c.last_at, beat_runs.c.gaps, beat_runs.c.seq
    ).where(
        beat_runs.c.workspace_id == workspace_id,
        tuple_(beat_runs.c.writer, beat_runs.c.seq) > (place.writer, place.seq),
    )
    writer_at = _writer_at(connection)
    return sorted(
        (
            _placed(beat, writer_at, arrivals)
            for number, last_at, gaps, seq in _raw(connection, statement)
            for beat in beats_of(
                number, last_at, bytes(gaps), seq, after=after.get(number, otherwise)
            )
        ),
        key=_order,
    )


def _beats_between(
    connection: Connection,
    workspace_id: int,
    agent_no: int,
    *,
    since: int,
    until: int,
    arrivals: Mapping[tuple[int, int], int],
) -> list[Numbered]:
    rows = connection.execute(
        select(beat_runs.c.last_at, beat_runs.c.gaps, beat_runs.c.seq).where(
            beat_runs.c.workspace_id == workspace_id,
            beat_runs.c.agent_no == agent_no,
            beat_runs.c.last_at >= since,
            beat_runs.c.started_at <= until,
        )
    )
    writer_at = _writer_at(connection)
    return sorted(
        (
            _placed(beat, writer_at, arrivals)
            for last_at, gaps, seq in rows
            for beat in beats_of(agent_no, last_at, bytes(gaps), seq, after=since - 1)
            if beat.at <= until
        ),
        key=_order,
    )


def _placed(
    beat: Beat, writer_at: Callable[[int], int], arrivals: Mapping[tuple[int, int], int]
) -> Numbered:
    place = beat.seq
    if not place:
        place = arrivals.get((beat.agent_no, beat.at), 0)
    return (beat.at, place, writer_at(beat.at), beat)


def _arrivals(changes: Iterable[Numbered]) -> Mapping[tuple[int, int], int]:
    """Who came, or came back, at which instant, and by which number."""
    return {
        (fact.agent_no, fact.at): fact.seq
        for *_, fact in changes
        if isinstance(fact, Registered | Revived)
    }


def _writer_at(connection: Connection) -> Callable[[int], int]:
    """Which writer an instant belongs to: the newest that had begun."""
    rows = connection.execute(
        select(writers.c.started_at, writers.c.id).order_by(writers.c.id)
    ).all()
    starts = [row.started_at for row in rows]
    ids = [row.id for row in rows]
    return lambda at: ids[max(0, bisect_right(starts, at) - 1)] if ids else 0


def _incarnation_start(changes: Sequence[Numbered]) -> int:
    begun = 0
    for at, _seq, _writer, fact in changes:
        if type(fact).__name__ in {"Registered", "Reinstated"}:
            begun = at
    return begun


# outcomes for windows

_LEAN = (
    outcomes.c.agent_no,
    outcomes.c.at,
    outcomes.c.seq,
    outcomes.c.event_id,
    outcomes.c.result,
    outcomes.c.fault,
    outcomes.c.source,
    outcomes.c.duration_ms,
    outcomes.c.tokens_in,
    outcomes.c.tokens_out,
    outcomes.c.cost_micros,
    outcomes.c.score_e6,
    case((outcomes.c.error.is_(None), null()), else_=literal("")).label("error"),
)
"""What windows need; whether there was an error matters, its words do not."""

Wanted = Callable[[Sequence[ColumnElement[bool]], ColumnElement[Any]], Select[Any]]
"""From conditions (one agent's counted outcomes up to an instant) and its number as SQL: what is wanted of it."""


def _in_time(
    connection: Connection, workspace_id: int, *, since: int, place: Place
) -> Iterator[Done]:
    """Counted outcomes after `since`, at or before `place`, in journal order."""
    start = _newest_at(connection, workspace_id, since)
    statement = (
        select(*_LEAN)
        .where(
            outcomes.c.workspace_id == workspace_id,
            tuple_(outcomes.c.writer, outcomes.c.seq) > (start.writer, start.seq),
            tuple_(outcomes.c.writer, outcomes.c.seq) <= (place.writer, place.seq),
            outcomes.c.counted.is_(True),
        )
        .order_by(outcomes.c.writer, outcomes.c.seq)
    )
    return map(_lean, _raw(connection, statement))


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


def _wanted_of_agent(horizon: Horizon) -> list[Wanted]:
    newest = [_newest(outcome_filter, count) for outcome_filter, count in horizon.newest]
    return newest + [_streak(outcome_filter) for outcome_filter in horizon.streaks]


def _newest(outcome_filter: Filter, count: int) -> Wanted:
    return lambda conditions, _number: (
        select(*_LEAN)
        .where(*conditions, _in_denominator(outcome_filter))
        .order_by(*_newest_first())
        .limit(count)
    )


def _since(since: int) -> Wanted:
    return lambda conditions, _number: select(*_LEAN).where(*conditions, outcomes.c.at > since)


def _streak(outcome_filter: Filter) -> Wanted:
    """Back to the last success that the filter takes the word of."""
    success = outcomes.alias("success")

    def wanted(
        conditions: Sequence[ColumnElement[bool]], number: ColumnElement[Any]
    ) -> Select[Any]:
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
            select(*_LEAN)
            .where(
                *conditions,
                _in_denominator(outcome_filter),
                outcomes.c.at >= func.coalesce(last_success, 0),
            )
            .order_by(*_newest_first())
            .limit(STREAK_MAX)
        )

    return wanted


def _of_agents(
    connection: Connection,
    workspace_id: int,
    numbers: Sequence[int],
    wants: Sequence[Wanted],
    *,
    until: int,
    place: Place = ANYWHERE,
) -> list[Done]:
    """What is wanted of each agent up to an instant and a place, all together, oldest first, each once."""
    found: dict[tuple[int, int], Done] = {}
    ask = _ask_each if connection.dialect.name == "sqlite" else _ask_together
    for wanted in wants:
        for row in ask(connection, workspace_id, numbers, wanted, until, place):
            done = _lean(row)
            found[done.at, done.seq] = done
    return [found[place] for place in sorted(found)]


def _ask_each(
    connection: Connection,
    workspace_id: int,
    numbers: Sequence[int],
    wanted: Wanted,
    until: int,
    place: Place,
) -> Iterator[tuple[Any, ...]]:
    """SQLite has no LATERAL; a prepared statement for each agent costs microseconds."""
    statement = _spelled(
        connection, workspace_id, wanted, literal_column(":agent_no"), until, place
    )
    driver: Any = connection.connection.driver_connection
    for number in numbers:
        yield from driver.execute(statement, {"agent_no": number})


def _ask_together(
    connection: Connection,
    workspace_id: int,
    numbers: Sequence[int],
    wanted: Wanted,
    until: int,
    place: Place,
) -> Iterator[tuple[Any, ...]]:
    inner = _spelled(
        connection, workspace_id, wanted, literal_column("wanted.agent_no"), until, place
    )
    driver: Any = connection.connection.driver_connection
    for some in _slices(numbers):
        yield from driver.execute(
            "SELECT lean.* FROM unnest(%(numbers)s::bigint[]) AS wanted(agent_no)"  # noqa: S608 - compiled by us
            f" CROSS JOIN LATERAL ({inner}) AS lean",
            {"numbers": list(some)},
        )


def _spelled(
    connection: Connection,
    workspace_id: int,
    wanted: Wanted,
    number: ColumnElement[Any],
    until: int,
    place: Place,
) -> str:
    conditions = (
        outcomes.c.workspace_id == workspace_id,
        outcomes.c.agent_no == number,
        outcomes.c.at <= until,
        tuple_(outcomes.c.writer, outcomes.c.seq) <= (place.writer, place.seq),
        outcomes.c.counted.is_(True),
    )
    compiled = wanted(conditions, number).compile(
        dialect=connection.dialect, compile_kwargs={"literal_binds": True}
    )
    return str(compiled)


def _in_denominator(outcome_filter: Filter) -> ColumnElement[bool]:
    """Design section 7: any success, and what did not succeed by a fault the filter counts; but never what a
    user cancelled."""
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


_RESULTS, _FAULTS, _SOURCES = tuple(Result), tuple(Fault), tuple(Source)


def _lean(row: tuple[Any, ...]) -> Done:
    (
        agent_no,
        at,
        seq,
        event_id,
        result,
        fault,
        source,
        duration,
        tokens_in,
        tokens_out,
        cost,
        score,
        error,
    ) = row
    return Done(
        agent_no,
        at,
        seq,
        event_id,
        _RESULTS[result],
        _FAULTS[fault],
        _SOURCES[source],
        True,
        None,
        duration,
        None,
        tokens_in,
        tokens_out,
        cost,
        score,
        error,
    )


def _raw(connection: Connection, statement: Select[Any]) -> Iterator[tuple[Any, ...]]:
    return raw_rows(connection, statement, chunk=CHUNK)


def _slices(numbers: Sequence[int]) -> Iterator[Sequence[int]]:
    return (numbers[start : start + CHUNK] for start in range(0, len(numbers), CHUNK))
