"""The per-agent series of one workspace, kept as columns and blocks between renders.

Every exported agent has a place. Who stays keeps it, a leaver's place is taken by the last one, so that one
coming or going disturbs one or two blocks and not all. A family keeps its values by place; a render compares
them with the snapshot's, spells the changed ones again and joins the blocks they are in.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from pinkslip.fleet.snapshot import Codes, Integers, Snapshot
from pinkslip.metrics import catalogue, text
from pinkslip.metrics.blocks import Block
from pinkslip.metrics.catalogue import TASK_BUCKETS_S, Series
from pinkslip.metrics.inputs import WorkspaceFacts
from pinkslip.metrics.text import Texts
from pinkslip.model.words import Fault, Standing, Status, code_of

Scalar = TypeVar("Scalar", np.int64, np.object_)

ROWS_PER_BLOCK = 4096
_WAITING = code_of(Status.WAITING)
_FIRED = code_of(Standing.FIRED)
_NOWHERE = -1


def _one_line(values: Integers) -> Integers:
    """One value per agent as a row of one sample."""
    rows: Integers = values[:, np.newaxis]
    return rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One workspace's snapshot as a render looks at it."""

    snapshot: Snapshot
    rows: Integers
    """The snapshot's row of every place."""
    wall_offset_ms: int
    silenced: NDArray[np.bool_]
    """By place."""
    evidence: NDArray[np.float64]
    """By place."""

    def of(self, column: Integers | Codes) -> Integers:
        """A column by place, one line per agent."""
        return _one_line(column[self.rows].astype(np.int64, copy=False))

    def instants_of(self, column: Integers) -> Integers:
        """Journal times by the wall clock; 0 stays none."""
        times = self.of(column)
        return np.where(times > 0, times + self.wall_offset_ms, 0)


@dataclass(frozen=True, slots=True)
class Lines:
    """How one family's samples of one agent are read and written."""

    series: Series
    read: Callable[[Reading], Integers]
    """agents x samples. Floats travel as their bits, so that NaN equals itself."""
    write: tuple[Callable[[Integers], Texts], ...]
    """A spelling per sample, or one for all."""
    labels: tuple[tuple[str, str], ...] = (("", ""),)
    """(suffix of the sample's name, labels between agent and workspace) per sample."""
    absent: int | None = None
    """The value that stands for no sample."""


def _bits(values: NDArray[np.float64]) -> Integers:
    return np.ascontiguousarray(values).view(np.int64)


def _floats(bits: Integers) -> Texts:
    return text.floats(bits.view(np.float64))


_NAN = int(_bits(np.array([np.nan]))[0])


def _numbers(values: NDArray[np.float64]) -> Integers:
    """Floats as bits, every NaN the same one."""
    return _one_line(_bits(np.where(np.isnan(values), np.nan, values)))


def _statuses(reading: Reading) -> Integers:
    is_in: NDArray[np.bool_] = reading.of(reading.snapshot.status) == np.arange(len(Status))
    return is_in.astype(np.int64)


def _exempt(reading: Reading) -> Integers:
    snapshot = reading.snapshot
    at_rest = (
        (snapshot.status == _WAITING)
        | (snapshot.finished_at > 0)
        | (snapshot.standing == _FIRED)
    )
    return _one_line((at_rest[reading.rows] | reading.silenced).astype(np.int64))


def _interval(reading: Reading) -> Integers:
    declared = reading.of(reading.snapshot.interval_ms)
    return np.where(declared > 0, declared, reading.snapshot.assumed_interval_ms)


def _progress_at(reading: Reading) -> Integers:
    given = ~np.isnan(reading.snapshot.progress[reading.rows])
    return np.where(given[:, np.newaxis], reading.instants_of(reading.snapshot.progress_at), 0)


def _pair(reading: Reading, first: Integers, second: Integers) -> Integers:
    return np.hstack((reading.of(first), reading.of(second)))


def _distribution(reading: Reading) -> Integers:
    snapshot = reading.snapshot
    cumulative = np.cumsum(snapshot.duration_buckets[reading.rows], axis=1)
    return np.hstack((cumulative, cumulative[:, -1:], reading.of(snapshot.duration_ms_sum)))


def _each(name: str, values: Sequence[str]) -> tuple[tuple[str, str], ...]:
    return tuple(("", f',{name}="{value}"') for value in values)


_COUNT_AND_SUM = (("_count", ""), ("_sum", ""))
_BUCKETS = (
    *(("_bucket", f',le="{text.number(bound)}"') for bound in (*TASK_BUCKETS_S, float("inf"))),
    *_COUNT_AND_SUM,
)
_SPELLED_BUCKETS = (*((text.counts,) * (len(TASK_BUCKETS_S) + 2)), text.seconds)

CORE: tuple[Lines, ...] = (
    Lines(catalogue.AGENT_STATUS, _statuses, (text.counts,), _each("status", tuple(Status))),
    Lines(
        catalogue.AGENT_LAST_HEARTBEAT,
        lambda it: it.instants_of(it.snapshot.last_heartbeat),
        (text.instants,),
        absent=0,
    ),
    Lines(catalogue.AGENT_INTERVAL, _interval, (text.seconds,)),
    Lines(catalogue.AGENT_EXEMPT, _exempt, (text.counts,)),
    Lines(catalogue.AGENT_TASKS, lambda it: it.of(it.snapshot.tasks), (text.counts,)),
    Lines(
        catalogue.AGENT_TASKS_FAILED,
        lambda it: it.snapshot.failed[it.rows],
        (text.counts,),
        _each("fault", tuple(Fault)),
    ),
    Lines(catalogue.AGENT_EVIDENCE, lambda it: _numbers(it.evidence), (_floats,)),
    Lines(
        catalogue.AGENT_TASK_DURATION,
        lambda it: _pair(it, it.snapshot.duration_count, it.snapshot.duration_ms_sum),
        (text.counts, text.seconds),
        _COUNT_AND_SUM,
    ),
)
"""After `agent_info`, in the order of the page."""

FULL: tuple[Lines, ...] = (
    Lines(
        catalogue.AGENT_PROGRESS,
        lambda it: _numbers(it.snapshot.progress[it.rows]),
        (_floats,),
        absent=_NAN,
    ),
    Lines(catalogue.AGENT_PROGRESS_AT, _progress_at, (text.instants,), absent=0),
    Lines(
        catalogue.AGENT_CONTEXT,
        lambda it: _numbers(it.snapshot.context_used[it.rows]),
        (_floats,),
        absent=_NAN,
    ),
    Lines(
        catalogue.AGENT_TOKENS,
        lambda it: _pair(it, it.snapshot.tokens_in, it.snapshot.tokens_out),
        (text.counts,),
        _each("direction", catalogue.DIRECTIONS),
    ),
    Lines(catalogue.AGENT_COST, lambda it: it.of(it.snapshot.cost_micros), (text.millionths,)),
    Lines(catalogue.AGENT_ERRORS, lambda it: it.of(it.snapshot.error_count), (text.counts,)),
    Lines(
        catalogue.AGENT_SCORE,
        lambda it: _pair(it, it.snapshot.score_count, it.snapshot.score_e6_sum),
        (text.counts, text.millionths),
        _COUNT_AND_SUM,
    ),
    Lines(catalogue.AGENT_TASK_DISTRIBUTION, _distribution, _SPELLED_BUCKETS, _BUCKETS),
)


class Places:
    """Which agent stands where. Places are always 0..n-1, without a hole."""

    def __init__(self) -> None:
        self.numbers: Integers = np.empty(0, np.int64)
        """The agent number at every place."""
        self._wanted: Integers = self.numbers
        self._order: Integers = self.numbers
        """Places sorted by agent number."""
        self.index: Integers = self.numbers
        """For every place, its agent's index in what was last asked for."""

    def __len__(self) -> int:
        return len(self.numbers)

    def follow(self, wanted: Integers) -> Integers | None:
        """Make room for exactly these agents.

        None when they are the ones there already; otherwise, for every place now, where its agent stood
        before, -1 for a new one.
        """
        if np.array_equal(wanted, self._wanted):
            return None
        self._wanted = wanted
        stays = np.isin(self.numbers, wanted)
        fresh = wanted[~np.isin(wanted, self.numbers)]
        source = np.full(len(wanted), _NOWHERE, np.int64)
        kept = np.flatnonzero(stays[: len(wanted)])
        source[kept] = kept
        free = np.flatnonzero(source == _NOWHERE)
        movers = np.flatnonzero(stays[len(wanted) :]) + len(wanted)
        source[free[: len(movers)]] = movers
        numbers = np.empty(len(wanted), np.int64)
        old = source != _NOWHERE
        numbers[old] = self.numbers[source[old]]
        numbers[free[len(movers) :]] = fresh
        self.numbers = numbers
        self._order = np.argsort(numbers, kind="stable")
        sorter = np.argsort(wanted, kind="stable")
        self.index = sorter[np.searchsorted(wanted, numbers, sorter=sorter)]
        return source

    def of(self, numbers: Integers) -> tuple[Integers, NDArray[np.bool_]]:
        """The place of each agent, and whether it has one."""
        if not len(self) or not len(numbers):
            return np.zeros(len(numbers), np.int64), np.zeros(len(numbers), np.bool_)
        found = np.searchsorted(self.numbers, numbers, sorter=self._order)
        places = self._order[np.minimum(found, len(self) - 1)]
        return places, self.numbers[places] == numbers

    def marked(self, members: frozenset[int]) -> NDArray[np.bool_]:
        """Which places hold one of these agents."""
        mask = np.zeros(len(self), np.bool_)
        places, known = self.of(np.fromiter(members, np.int64, len(members)))
        mask[places[known]] = True
        return mask

    def spread(self, values: Mapping[int, float]) -> NDArray[np.float64]:
        """Each agent's value at its place, 0 for those not named."""
        column = np.zeros(len(self))
        places, known = self.of(np.fromiter(values, np.int64, len(values)))
        given = np.fromiter(values.values(), np.float64, len(values))
        column[places[known]] = given[known]
        return column


def _objects(words: Sequence[str | None]) -> Texts:
    column: Texts = np.empty(len(words), object)
    column[:] = words
    return column


def _moved(column: NDArray[Scalar], source: Integers) -> NDArray[Scalar]:
    """A column after its agents moved; what stands at new places is for the caller to fill."""
    if not len(column):
        return np.empty((len(source), *column.shape[1:]), column.dtype)
    moved: NDArray[Scalar] = column[source]
    return moved


class _Blocks:
    """The joined text of one family, in runs of `ROWS_PER_BLOCK` places."""

    def __init__(self) -> None:
        self._blocks: list[Block | None] = []

    def resize(self, places: int) -> None:
        wanted = -(-places // ROWS_PER_BLOCK)
        del self._blocks[wanted:]
        self._blocks.extend([None] * (wanted - len(self._blocks)))

    def touch(self, places: Integers) -> None:
        for number in np.unique(places // ROWS_PER_BLOCK).tolist():
            self._blocks[number] = None

    def joined(self, places: int, join: Callable[[slice], Block]) -> list[Block]:
        """All blocks, those touched since the last time made anew."""
        for number, start in enumerate(range(0, places, ROWS_PER_BLOCK)):
            if self._blocks[number] is None:
                self._blocks[number] = join(slice(start, start + ROWS_PER_BLOCK))
        return [block for block in self._blocks if block is not None]


class _Family:
    """One family's values and texts by place."""

    def __init__(self, lines: Lines, workspace: str) -> None:
        self._lines = lines
        end = f',workspace="{workspace}"}} '
        name = lines.series.name
        self._before = [f'{name}{suffix}{{agent="' for suffix, _ in lines.labels]
        self._behind = [f'"{labels}{end}' for _, labels in lines.labels]
        width = len(lines.labels)
        self._values: Integers = np.empty((0, width), np.int64)
        self._texts: Texts = np.empty((0, width), object)
        self._blocks = _Blocks()

    @property
    def series(self) -> Series:
        return self._lines.series

    def move(self, source: Integers) -> None:
        """Follow the agents to their places; new ones await their first text."""
        self._values = _moved(self._values, source)
        self._texts = _moved(self._texts, source)
        self._blocks.resize(len(source))
        self._blocks.touch(np.flatnonzero(source != np.arange(len(source))))

    def update(self, reading: Reading, fresh: Integers) -> None:
        """Spell again what differs from the last time; `fresh` places in any case."""
        values = self._lines.read(reading)
        differs = values != self._values
        differs[fresh] = True
        if not differs.any():
            return
        spellings = self._lines.write
        if len(spellings) == 1:
            self._texts[differs] = spellings[0](values[differs])
        else:
            for line, spell in enumerate(spellings):
                changed = differs[:, line]
                self._texts[changed, line] = spell(values[changed, line])
        self._values = values
        self._blocks.touch(np.flatnonzero(differs.any(axis=1)))

    def blocks(self, agents: Texts) -> list[Block]:
        """The family's lines; `agents` are the ids as labels write them, by place."""
        return self._blocks.joined(len(agents), lambda places: self._join(agents, places))

    def _join(self, agents: Texts, places: slice) -> Block:
        texts = self._texts[places]
        pieces = np.empty((*texts.shape, 4), object)
        pieces[:, :, 0] = self._before
        pieces[:, :, 1] = agents[places, np.newaxis]
        pieces[:, :, 2] = self._behind
        pieces[:, :, 3] = texts
        if self._lines.absent is None:
            return Block("".join(pieces.ravel().tolist()), samples=texts.size)
        present = self._values[places] != self._lines.absent
        return Block("".join(pieces[present].ravel().tolist()), samples=int(present.sum()))


class _Info:
    """`agent_info`: words instead of a number."""

    series = catalogue.AGENT_INFO

    def __init__(self, workspace: str) -> None:
        self._end = f'",workspace="{workspace}"}} 1.0\n'
        self._words: Texts = np.empty((0, 3), object)
        """model, name and role, as labels write them."""
        self._raw: Texts = np.empty((0, 3), object)
        self._seen: tuple[list[str | None], ...] = ()
        self._rows: Integers = np.empty(0, np.int64)
        self._blocks = _Blocks()

    def move(self, source: Integers) -> None:
        self._raw = _moved(self._raw, source)
        self._words = _moved(self._words, source)
        self._blocks.resize(len(source))
        self._blocks.touch(np.flatnonzero(source != np.arange(len(source))))

    def update(self, reading: Reading, fresh: Integers) -> None:
        """Take the words that differ from the last time; those of `fresh` places in any case."""
        snapshot = reading.snapshot
        columns = (snapshot.models, snapshot.names, snapshot.roles)
        if (
            not len(fresh)
            and self._seen == columns
            and np.array_equal(reading.rows, self._rows)
        ):
            return
        raw = np.stack([_objects(column)[reading.rows] for column in columns], axis=1)
        differs = raw != self._raw
        differs[fresh] = True
        if differs.any():
            self._words[differs] = _objects([text.label_value(word) for word in raw[differs]])
            self._blocks.touch(np.flatnonzero(differs.any(axis=1)))
        self._raw, self._seen, self._rows = raw, columns, reading.rows

    def blocks(self, agents: Texts) -> list[Block]:
        return self._blocks.joined(len(agents), lambda places: self._join(agents, places))

    def _join(self, agents: Texts, places: slice) -> Block:
        words = self._words[places]
        pieces = np.empty((len(words), 9), object)
        pieces[:, 0] = f'{self.series.name}{{agent="'
        pieces[:, 1] = agents[places]
        pieces[:, 2] = '",model="'
        pieces[:, 3] = words[:, 0]
        pieces[:, 4] = '",name="'
        pieces[:, 5] = words[:, 1]
        pieces[:, 6] = '",role="'
        pieces[:, 7] = words[:, 2]
        pieces[:, 8] = self._end
        return Block("".join(pieces.ravel().tolist()), samples=len(words))


class Table:
    """Some families of some agents: the core ones of all that are exported, or the full ones of fewer."""

    def __init__(self, workspace: str, lines: Sequence[Lines], *, info: bool = False) -> None:
        name = text.label_value(workspace)
        self._places = Places()
        self._agents: Texts = np.empty(0, object)
        """Agent ids as labels write them, by place."""
        families: list[_Info | _Family] = [_Info(name)] if info else []
        self._families = (*families, *(_Family(family, name) for family in lines))
        self._last: _Seen | None = None

    def update(self, facts: WorkspaceFacts, rows: Integers, *, wall_offset_ms: int) -> None:
        """Follow the snapshot: `rows` are those exported here."""
        seen = _Seen(facts.snapshot, rows, facts.silenced, facts.evidence, wall_offset_ms)
        if self._last is not None and self._last.shows_the_same_as(seen):
            return
        self._last = seen
        fresh = self._place(facts.snapshot, rows)
        reading = Reading(
            snapshot=facts.snapshot,
            rows=rows[self._places.index],
            wall_offset_ms=wall_offset_ms,
            silenced=self._places.marked(facts.silenced),
            evidence=self._places.spread(facts.evidence),
        )
        for family in self._families:
            family.update(reading, fresh)

    def blocks(self) -> Iterator[tuple[Series, list[Block]]]:
        """Every family with its lines."""
        for family in self._families:
            yield family.series, family.blocks(self._agents)

    def _place(self, snapshot: Snapshot, rows: Integers) -> Integers:
        """Give everyone a place; returns the places of newcomers."""
        source = self._places.follow(snapshot.numbers[rows])
        if source is None:
            return np.empty(0, np.int64)
        fresh = np.flatnonzero(source == _NOWHERE)
        self._agents = _moved(self._agents, source)
        ids = [snapshot.agent_ids[row] for row in rows[self._places.index[fresh]].tolist()]
        self._agents[fresh] = [text.label_value(agent_id) for agent_id in ids]
        for family in self._families:
            family.move(source)
        return fresh


@dataclass(frozen=True, slots=True)
class _Seen:
    """What a table was last made from."""

    snapshot: Snapshot
    rows: Integers
    silenced: frozenset[int]
    evidence: Mapping[int, float]
    wall_offset_ms: int

    def shows_the_same_as(self, other: "_Seen") -> bool:
        return (
            self.snapshot is other.snapshot
            and self.wall_offset_ms == other.wall_offset_ms
            and np.array_equal(self.rows, other.rows)
            and self.silenced == other.silenced
            and self.evidence == other.evidence
        )
