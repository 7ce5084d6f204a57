"""What a fleet is made from again: checkpointed agents, the outcomes its windows still hold, and what came after.

1. Agents' rows: the living, those that left after `keep_after`, and those of whom something was said since the
   checkpoint: they came back, were fired after their end, or an outcome was told or reviewed late.
2. Blind spells and role totals, as they stood; lineages; and of people's acts what still matters: silences,
   demotions, condemnations, and rulings on what waits. Those are as they stand now: to fold one again that is
   also among the facts changes nothing.
3. History: outcomes at or before the checkpoint that a window, a ring or a streak still holds, oldest first.
4. Facts after the checkpoint and after the newest tick, whichever is older, in journal order: what a fleet
   has in its rows already changes nothing, but the digest of the next tick covers it. Of a beat run only the
   newest beat's number is known; the others stand by their instant, before what else happened at it, but
   after the agent's own arrival.

5. Who came and went as far back as the envelope asks, once more and last.

Everything is read in one snapshot, in chunks, as raw tuples: a start has seconds for a million rows.
"""

import heapq
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self, TypeVar, get_args

import msgspec
import numpy as np
from sqlalchemy import Connection, Select, func, select, text, tuple_

from pinkslip.fleet.needs import Horizon
from pinkslip.fleet.outcomes import Arrivals
from pinkslip.fleet.presence import End, Move, Moves, Stand
from pinkslip.fleet.snapshot import Integers
from pinkslip.model.errors import Conflict
from pinkslip.model.facts import (
    AboutNobody,
    Beat,
    Blinded,
    Changed,
    Condemned,
    Fact,
    Registered,
    Reinstated,
    Restored,
    Revived,
    Ruled,
    Silenced,
)
from pinkslip.model.time import rfc3339
from pinkslip.store.checkpoint import (
    LineagesAt,
    Place,
    TotalsAt,
    complete_place,
    lineages_at,
    raw_rows,
    restored_agents,
    role_totals_at,
)
from pinkslip.store.engine import Database
from pinkslip.store.facts import (
    ACT_COLUMNS,
    BLIND_COLUMNS,
    CHANGE_COLUMNS,
    DONE_COLUMNS,
    REVIEW_COLUMNS,
    about_of,
    beats_of,
    blinded_of,
    change_of,
    done_of,
    reviewed_of,
)
from pinkslip.store.past import history_before, history_lacking
from pinkslip.store.readers import demotions_of, silences_to_come
from pinkslip.store.schema import translated
from pinkslip.store.tables import (
    IS_MOVE,
    acts,
    agent_changes,
    agents,
    beat_runs,
    blind,
    episodes,
    outcomes,
    reviews,
    ticks,
    writers,
)

CHUNK = 10_000
ASK_AT_MOST = 500

Made = TypeVar("Made")

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
        self.totals: TotalsAt = role_totals_at(connection, workspace_id)
        self.lineages: LineagesAt = lineages_at(connection, workspace_id)
        self.place: Place = min(
            complete_place(connection, workspace_id), self.lineages.place, ticked.place
        )
        """Every restored agent includes the journal up to here, or to a later place of its own."""
        self.acts: list[AboutNobody] = _acts(connection, workspace_id, self.lineages, after=now)
        """What people's acts come to now."""
        self.blinds: list[Blinded] = _blinds(connection, workspace_id, self.place)
        """Spells noted at or before `place`; later ones are among the facts."""
        self._connection = connection
        self._workspace_id = workspace_id
        self._now, self._horizon, self._keep_after = now, horizon, keep_after
        self._resources = resources
        self._ticked_at = ticked.at
        self._heartbeats: dict[int, int] = {}
        self._begun: dict[int, tuple[int, int]] = {}

    @property
    def restored(self) -> Iterator[Restored]:
        """Agents to begin with. The others are remembered by it, so take all of these first."""
        for agent in _agents(
            self._connection, self._workspace_id, self.place, self._keep_after
        ):
            known_until = min(agent.last_heartbeat or 0, self._ticked_at)
            self._heartbeats[agent.agent_no] = known_until
            self._begun[agent.agent_no] = (
                agent.incarnation_at,
                agent.tasks - agent.tasks_before,
            )
            yield agent

    @property
    def history(self) -> list[Arrivals]:
        """For windows, rings and streaks only, oldest first. After the agents."""
        begun = sorted(self._begun.items())
        return history_before(
            self._connection,
            self._workspace_id,
            self._horizon,
            now=self._now,
            place=self.place,
            numbers=_integers(number for number, _ in begun),
            begun=_integers(at for _, (at, _) in begun),
            tasks=_integers(tasks for _, (_, tasks) in begun),
        )

    @property
    def moves(self) -> Moves:
        """Who came and went, up to the end. After the facts."""
        return moves_between(
            self._connection,
            self._workspace_id,
            after=self._now - self._horizon.presence_ms,
            until=self._now,
        )

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
        said = _acts_after(self._connection, self._workspace_id, self.place)
        scores = _reviews_after(self._connection, self._workspace_id, self.place)
        done = _outcomes_after(self._connection, self._workspace_id, self.place)
        return heapq.merge(changes, spells, beats, said, scores, done, key=_order)

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


def history(
    database: Database, workspace_id: int, horizon: Horizon, *, now: int
) -> list[Arrivals]:
    """What the fleet's `horizon` says is lacking, oldest first: policies ask further back than before, or
    agents came back.

    Raises:
        Unavailable: the database does not answer; so does `moves`.
    """
    if not horizon.lacking:
        return []
    with (
        translated(database),
        database.reader_engine.connect() as connection,
        connection.begin(),
    ):
        begun = sorted(
            (agent.agent_no, agent.incarnation_at)
            for start in range(0, len(horizon.lacking), CHUNK)
            for agent in restored_agents(
                connection,
                workspace_id,
                agents.c.agent_no.in_(horizon.lacking[start : start + CHUNK]),
            )
        )
        found = history_lacking(
            connection,
            workspace_id,
            horizon,
            now=now,
            numbers=_integers(number for number, _ in begun),
            begun=_integers(at for _, at in begun),
        )
    return [found]


def moves(database: Database, workspace_id: int, horizon: Horizon, *, now: int) -> Moves | None:
    """Who came and went before the fleet knows of it, as far back as it is asked to; None: it knows."""
    after = now - horizon.presence_ms
    if after >= horizon.presence_since:
        return None
    with (
        translated(database),
        database.reader_engine.connect() as connection,
        connection.begin(),
    ):
        return moves_between(
            connection, workspace_id, after=after, until=horizon.presence_since
        )


def history_of(
    database: Database,
    workspace_id: int,
    agent_no: int,
    *,
    until: int,
    lineage: str | None = None,
    is_counted: bool = False,
) -> list[Fact]:
    """One agent's journal up to an instant, for `explain`: all its changes, and its current incarnation's
    beats, outcomes and reviews. With every blind spell known then. Empty: there is no such agent.

    `lineage`: with all changes, outcomes and reviews of everybody who ever had it, since evidence that follows
    a worker counts them all: theirs also from before the agent came. `is_counted`: what was read with somebody
    else's lineage is left out.
    """
    with database.reader_engine.connect() as connection, connection.begin():
        own = _changes_of(connection, workspace_id, [agent_no], until=until)
        begun = _incarnation_start(own)
        changes, numbers, since = own, [agent_no], begun
        if lineage is not None:
            others = _members_of(connection, workspace_id, lineage) - {agent_no}
            numbers, since = [agent_no, *sorted(others)], 0
            changes = _changes_of(connection, workspace_id, numbers, until=until)
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
        if is_counted:
            changes, numbers = [], []
        done = _done_by(connection, workspace_id, numbers, since=since, until=until)
        scores = _reviews_of(connection, workspace_id, numbers, since=since, until=until)
    if not own and lineage is None:
        return []
    return [fact for *_, fact in heapq.merge(changes, spells, beats, scores, done, key=_order)]


def _changes_of(
    connection: Connection, workspace_id: int, numbers: Sequence[int], *, until: int
) -> list[Numbered]:
    found = [
        (row[3], row[1], row[0], _readable(change_of, row, "a change", at=row[3]))
        for some in _batches(numbers)
        for row in connection.execute(
            select(*CHANGE_COLUMNS).where(
                agent_changes.c.workspace_id == workspace_id,
                agent_changes.c.agent_no.in_(some),
                agent_changes.c.at <= until,
            )
        )
    ]
    return sorted(found, key=_order)


def _done_by(
    connection: Connection,
    workspace_id: int,
    numbers: Sequence[int],
    *,
    since: int,
    until: int,
) -> list[Numbered]:
    found = [
        (row[2], row[3], row[0], _readable(done_of, row, "an outcome", at=row[2]))
        for some in _batches(numbers)
        for row in connection.execute(
            select(*DONE_COLUMNS).where(
                outcomes.c.workspace_id == workspace_id,
                outcomes.c.agent_no.in_(some),
                outcomes.c.at >= since,
                outcomes.c.at <= until,
            )
        )
    ]
    return sorted(found, key=_order)


def _reviews_of(
    connection: Connection,
    workspace_id: int,
    numbers: Sequence[int],
    *,
    since: int,
    until: int,
) -> list[Numbered]:
    found = [
        (row[2], row[3], row[0], _readable(reviewed_of, row, "a review", at=row[2]))
        for some in _batches(numbers)
        for row in connection.execute(
            select(*REVIEW_COLUMNS).where(
                reviews.c.workspace_id == workspace_id,
                reviews.c.agent_no.in_(some),
                reviews.c.at <= until,
                reviews.c.outcome_at >= since,
                reviews.c.counted.is_(True),
            )
        )
    ]
    return sorted(found, key=_order)


def _readable(make: Callable[[Any], Made], row: Any, what: str, *, at: int) -> Made:
    """The fact behind a row. Conflict: nobody of ours wrote it so."""
    try:
        return make(row)
    except (LookupError, TypeError, ValueError, msgspec.DecodeError) as error:
        raise Conflict(
            f"{what} in the journal, at {rfc3339(at)}, cannot be read: it was changed by other hands"
        ) from error


def members_of(database: Database, workspace_id: int, lineage: str) -> set[int]:
    """agent_no of everybody who has this lineage, or once said so."""
    with database.reader_engine.connect() as connection:
        return _members_of(connection, workspace_id, lineage)


def _members_of(connection: Connection, workspace_id: int, lineage: str) -> set[int]:
    now = connection.execute(
        select(agents.c.agent_no).where(
            agents.c.workspace_id == workspace_id, agents.c.lineage == lineage
        )
    ).scalars()
    said = f'"lineage":{msgspec.json.encode(lineage).decode()}'
    once = connection.execute(
        select(agent_changes.c.agent_no)
        .where(
            agent_changes.c.workspace_id == workspace_id,
            agent_changes.c.kind == Changed.__name__,
            agent_changes.c.changes.contains(said, autoescape=True),
        )
        .distinct()
    ).scalars()
    return {*now, *once}


def _batches(numbers: Sequence[int]) -> Iterator[Sequence[int]]:
    return (
        numbers[start : start + ASK_AT_MOST] for start in range(0, len(numbers), ASK_AT_MOST)
    )


# who came and went


def moves_between(
    connection: Connection, workspace_id: int, *, after: int, until: int
) -> Moves:
    """Everything that made anybody active or not, later than `after` and up to `until`."""
    of_workspace = select(*CHANGE_COLUMNS).where(agent_changes.c.workspace_id == workspace_id)
    statement = of_workspace.where(
        agent_changes.c.at > after, agent_changes.c.at <= until, text(IS_MOVE)
    ).order_by(agent_changes.c.at, agent_changes.c.writer, agent_changes.c.seq)
    found = [change_of(row) for row in _raw(connection, statement)]
    stood = {move.agent_no for move in found if isinstance(move, Stand)}
    first_end = {move.agent_no: move for move in reversed(found) if isinstance(move, End)}
    back = {number for number, move in first_end.items() if isinstance(move, Reinstated)}
    newest_first = [agent_changes.c[name].desc() for name in ("at", "writer", "seq")]
    before = [
        (row[3], row[1], row[0], change_of(row))
        for same, numbers in ((Stand, stood), (End, back))
        for number in sorted(numbers)
        for row in connection.execute(
            of_workspace.where(
                agent_changes.c.agent_no == number,
                agent_changes.c.at <= after,
                agent_changes.c.kind.in_([kind.__name__ for kind in get_args(same)]),
            )
            .order_by(*newest_first)
            .limit(1)
        )
    ]
    earlier = [change for *_, change in sorted(before, key=_order)]
    return Moves(after, until, [move for move in (*earlier, *found) if isinstance(move, Move)])


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
    loaded = set[int]()
    for condition in (agents.c.left_at.is_(None), agents.c.left_at > keep_after):
        for agent in restored_agents(connection, workspace_id, condition, chunk=CHUNK):
            loaded.add(agent.agent_no)
            yield agent
    spoken_of = set[int]()
    for table in (agent_changes, outcomes, reviews):
        spoken_of.update(
            connection.execute(
                select(table.c.agent_no)
                .where(
                    table.c.workspace_id == workspace_id,
                    tuple_(table.c.writer, table.c.seq) > (place.writer, place.seq),
                )
                .distinct()
            ).scalars()
        )
    missing = sorted(spoken_of - loaded)
    for start in range(0, len(missing), CHUNK):
        some = agents.c.agent_no.in_(missing[start : start + CHUNK])
        yield from restored_agents(connection, workspace_id, some, chunk=CHUNK)


def _acts(
    connection: Connection, workspace_id: int, books: LineagesAt, *, after: int
) -> list[AboutNobody]:
    silenced = [
        Silenced(at=stored.created_at, seq=0, silence=stored.silence)
        for stored in silences_to_come(connection, workspace_id, after=after)
    ]
    condemned = [
        Condemned(at=book.condemned_at, seq=0, lineage=book.lineage, fire_id=book.fire_id or "")
        for book in books.books
        if book.condemned_at is not None
    ]
    return [
        *silenced,
        *demotions_of(connection, workspace_id),
        *condemned,
        *_rulings(connection, workspace_id),
    ]


def _rulings(connection: Connection, workspace_id: int) -> list[AboutNobody]:
    """What people said of decisions whose episodes are open."""
    rows = connection.execute(
        select(*ACT_COLUMNS)
        .select_from(
            acts.join(
                episodes,
                (episodes.c.workspace_id == acts.c.workspace_id)
                & (episodes.c.decision_id == acts.c.subject),
            )
        )
        .where(acts.c.workspace_id == workspace_id, acts.c.kind == Ruled.__name__)
        .order_by(acts.c.writer, acts.c.seq)
    )
    return [about_of(row) for row in rows]


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


def _acts_after(connection: Connection, workspace_id: int, place: Place) -> list[Numbered]:
    statement = (
        select(*ACT_COLUMNS)
        .where(
            acts.c.workspace_id == workspace_id,
            tuple_(acts.c.writer, acts.c.seq) > (place.writer, place.seq),
        )
        .order_by(acts.c.writer, acts.c.seq)
    )
    return [(row[1], row[2], row[0], about_of(row)) for row in _raw(connection, statement)]


def _reviews_after(connection: Connection, workspace_id: int, place: Place) -> list[Numbered]:
    """Of outcomes that count: what a fired agent sent is scored nowhere."""
    statement = (
        select(*REVIEW_COLUMNS)
        .where(
            reviews.c.workspace_id == workspace_id,
            tuple_(reviews.c.writer, reviews.c.seq) > (place.writer, place.seq),
            reviews.c.counted.is_(True),
        )
        .order_by(reviews.c.writer, reviews.c.seq)
    )
    return [(row[2], row[3], row[0], reviewed_of(row)) for row in _raw(connection, statement)]


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
    """One agent's beats, with the run before `since`: its last beat may be the newest there is."""
    run_before = (
        select(func.max(beat_runs.c.started_at))
        .where(
            beat_runs.c.workspace_id == workspace_id,
            beat_runs.c.agent_no == agent_no,
            beat_runs.c.started_at <= since,
        )
        .scalar_subquery()
    )
    rows = connection.execute(
        select(beat_runs.c.last_at, beat_runs.c.gaps, beat_runs.c.seq).where(
            beat_runs.c.workspace_id == workspace_id,
            beat_runs.c.agent_no == agent_no,
            beat_runs.c.started_at >= func.coalesce(run_before, since),
            beat_runs.c.started_at <= until,
        )
    )
    writer_at = _writer_at(connection)
    return sorted(
        (
            _placed(beat, writer_at, arrivals)
            for last_at, gaps, seq in rows
            for beat in beats_of(agent_no, last_at, bytes(gaps), seq, after=-1)
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


def _raw(connection: Connection, statement: Select[Any]) -> Iterator[tuple[Any, ...]]:
    return raw_rows(connection, statement, chunk=CHUNK)


def _integers(values: Iterable[int]) -> Integers:
    return np.fromiter(values, np.int64)
