"""Sums over an agent's outcomes, kept up as outcomes come and go: over time, over the last n tasks, in a row.

Every sum is of integers, so that the order of adding, and starting over, change nothing. Costs are per
outcome that enters or leaves, never per outcome that stays.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pinkslip.fleet.growing import grown
from pinkslip.fleet.outcomes import NOTHING, Counting, Field, Kinds, Rows, counting
from pinkslip.fleet.slots import Places
from pinkslip.fleet.snapshot import Counts, Integers
from pinkslip.fleet.task_kinds import Mix
from pinkslip.model.policy import Filter

Sums = NDArray[np.signedinteger[Any]]

EVERYTHING = -1
"""The `since` of a window that has seen all there was."""


def new_sums(fields: Iterable[Field], capacity: int) -> dict[Field, Sums]:
    """Zeros; pages of them cost nothing until an agent reports."""
    return {
        field: np.zeros(capacity, np.int64 if field.is_sum else np.int32) for field in fields
    }


class Amounts:
    """What each of some rows adds to a field under a filter, computed once for all windows that ask."""

    def __init__(self, rows: Rows) -> None:
        self.rows = rows
        self._known: dict[tuple[Filter, Field], NDArray[np.int64]] = {}

    def of(self, outcomes: Filter, field: Field) -> NDArray[np.int64]:
        """Per row."""
        amounts = self._known.get((outcomes, field))
        if amounts is None:
            amounts = counting(outcomes).amounts(field, self.rows).astype(np.int64, copy=False)
            self._known[outcomes, field] = amounts
        return amounts


class TimeWindow:
    """`[1h]`: sums per slot over the outcomes of the last `length` ms."""

    def __init__(
        self,
        length: int,
        outcomes: Filter,
        fields: Iterable[Field],
        capacity: int,
        *,
        by_kind: bool = False,
    ) -> None:
        self.length = length
        self.outcomes = outcomes
        self.sums = new_sums(fields, capacity)
        self.mix = Mix(capacity) if by_kind else None
        """The same by kind of task, where that is asked."""
        self.tail = 0
        """The place in the log before which everything has left."""
        self.since = EVERYTHING
        """Outcomes at or before this instant were not there to be added when it was made."""

    def enter(self, amounts: Amounts) -> None:
        """Outcomes that just came."""
        for field, sums in self.sums.items():
            np.add.at(sums, amounts.rows.slot, _as(amounts.of(self.outcomes, field), sums))
        if self.mix is not None:
            self.mix.add(amounts.rows.slot, amounts.rows, counting(self.outcomes))

    def leave(self, rows: Rows) -> None:
        """Outcomes older than the window."""
        counts = counting(self.outcomes)
        for field, sums in self.sums.items():
            np.subtract.at(sums, rows.slot, _as(counts.amounts(field, rows), sums))
        if self.mix is not None:
            self.mix.add(rows.slot, rows, counts, sign=-1)

    def rescore(self, old: Rows, new: Rows) -> None:
        """Outcomes within the window were given other scores."""
        counts = counting(self.outcomes)
        for field in SCORES & self.sums.keys():
            sums = self.sums[field]
            np.subtract.at(sums, old.slot, _as(counts.amounts(field, old), sums))
            np.add.at(sums, new.slot, _as(counts.amounts(field, new), sums))

    def clear(self, slots: Places | slice) -> None:
        """Start over for these."""
        for sums in self.sums.values():
            sums[slots] = 0
        if self.mix is not None:
            self.mix.clear(slots)

    def grow(self, capacity: int) -> None:
        """Room for more slots."""
        self.sums = {field: grown(sums, capacity) for field, sums in self.sums.items()}
        if self.mix is not None:
            self.mix.grow(capacity)

    def sum(self, field: Field, size: int) -> Integers:
        """Per slot."""
        return self.sums[field][:size].astype(np.int64)

    def by_kind(self, numbers: Sequence[int], size: int) -> tuple[Counts, Counts]:
        """Tasks and successes, a row for each of these kinds of task that anybody did."""
        assert self.mix is not None, "nobody declared it by kind"
        return self.mix.of(numbers, slice(size))


@dataclass(frozen=True, slots=True)
class Groups:
    """Outcomes of one denominator, together by slot and in order within each."""

    rows: Rows
    starts: Places
    """Where each group begins."""
    sizes: Places
    slots: Places
    """Whose each group is."""


def grouped(rows: Rows, denominator: NDArray[np.int8]) -> Groups:
    """The outcomes of `rows` (already together by slot) that count for rates."""
    chosen = rows.take(denominator[rows.kind].view(np.bool_))
    slot = chosen.slot
    if not len(slot):
        nobody = np.zeros(0, np.intp)
        return Groups(chosen, nobody, nobody, nobody)
    starts = np.concatenate([[0], np.flatnonzero(slot[1:] != slot[:-1]) + 1])
    sizes = np.diff(starts, append=len(slot))
    return Groups(chosen, starts, sizes, slot[starts])


class Streak:
    """Failures since the last success, per slot: at later instants, so that order within one means nothing."""

    def __init__(self, outcomes: Filter, capacity: int) -> None:
        self.outcomes = outcomes
        self.length: Integers = np.zeros(capacity, np.int64)
        self.success_at: Integers = np.zeros(capacity, np.int64)
        """The last success, 0: none."""
        self.since = EVERYTHING

    def enter(self, groups: Groups) -> None:
        """Outcomes that just came; all are of the denominator."""
        if not len(groups.slots):
            return
        is_success = counting(self.outcomes).tables[Field.SUCCESSES][groups.rows.kind] > 0
        at, former = groups.rows.at, self.success_at[groups.slots]
        newest = np.maximum.reduceat(np.where(is_success, at, 0), groups.starts)
        newest = np.maximum(newest, former)
        goes_on = ~is_success & (at > np.repeat(newest, groups.sizes))
        failures = np.add.reduceat(goes_on.astype(np.int64), groups.starts)
        before = np.where(newest > former, 0, self.length[groups.slots])
        self.length[groups.slots] = before + failures
        self.success_at[groups.slots] = newest

    def clear(self, slots: Places | slice) -> None:
        """Start over for these."""
        self.length[slots] = self.success_at[slots] = 0

    def grow(self, capacity: int) -> None:
        """Room for more slots."""
        self.length = grown(self.length, capacity)
        self.success_at = grown(self.success_at, capacity)


class TaskWindow:
    """`[50 tasks]`: the last `length` outcomes of the denominator of every agent that reports.

    A ring per agent; rings are made when an agent first reports and used again when it goes. What is not
    needed for the fields asked is not kept. Outcomes of one instant are in the order of their keys, however
    they came: when more of a ring's newest instant come, `take_back` it and enter all of it again.
    """

    def __init__(
        self,
        length: int,
        outcomes: Filter,
        fields: Iterable[Field],
        capacity: int,
        *,
        by_kind: bool = False,
    ) -> None:
        self.length = length
        self.outcomes = outcomes
        self.since = EVERYTHING
        self.ring_of = np.zeros(capacity, np.int32)
        """0 is a ring that stays empty, for everybody who has not reported."""
        self._free: list[int] = []
        self._used = 1
        self.fields = frozenset(fields) | {Field.TASKS}
        self.columns = _columns(self.fields, by_kind=by_kind)
        self._kinds: Kinds = np.full((1, length), NOTHING, np.uint16)
        self._values: dict[str, NDArray[np.integer[Any]]] = {
            column: np.zeros((1, length), _TYPES.get(column, np.int64))
            for column in self.columns
        }
        self._next = np.zeros(1, np.int64)
        self._newest_at = np.zeros(1, np.int64)
        self._newest = np.zeros(1, np.int64)
        """How many of what the ring holds came at its newest instant."""
        self._sums = new_sums(self.fields, 1)
        self.mix = Mix(1) if by_kind else None

    def enter(self, groups: Groups) -> None:
        """Outcomes that just came; of one agent's many, the oldest leave again at once."""
        if not len(groups.slots):
            return
        rings = self._rings(groups.slots)
        kept = np.minimum(groups.sizes, self.length)
        # rank of each outcome within its group, counted from the first that stays
        rank = np.arange(len(groups.rows)) - np.repeat(
            groups.starts + groups.sizes - kept, groups.sizes
        )
        stays = rank >= 0
        rows, rank = groups.rows.take(stays), rank[stays]
        ring = np.repeat(rings, kept)
        place = (self._next[ring] + rank) % self.length
        self._add(ring, self._held(ring, place), -1)
        self._add(ring, rows, +1)
        self._kinds[ring, place] = rows.kind
        for column, values in self._values.items():
            values[ring, place] = getattr(rows, column)
        self._next[rings] = (self._next[rings] + kept) % self.length
        last_at = groups.rows.at[groups.starts + groups.sizes - 1]
        is_newest = groups.rows.at == np.repeat(last_at, groups.sizes)
        newest = np.add.reduceat(is_newest.astype(np.int64), groups.starts)
        self._newest_at[rings] = last_at
        self._newest[rings] = np.minimum(newest, self.length)

    def take_back(self, slots: Places, at: Integers) -> None:
        """Let what came of these at an instant, their newest, go again."""
        rings = self.ring_of[slots].astype(np.intp)
        rings = rings[(rings > 0) & (self._newest_at[rings] == at)]
        counts = self._newest[rings]
        ring = np.repeat(rings, counts)
        back = np.arange(len(ring)) - np.repeat(np.cumsum(counts) - counts, counts) + 1
        place = (self._next[ring] - back) % self.length
        self._add(ring, self._held(ring, place), -1)
        self._kinds[ring, place] = NOTHING
        self._next[rings] = (self._next[rings] - counts) % self.length
        self._newest[rings] = 0

    def rescore(self, slot: int, key: int, score: int) -> None:
        """An outcome was given another score, wherever it is held."""
        ring = self.ring_of[slot]
        if not ring or "score" not in self.columns:
            return
        held = (self._values["key"][ring] == key) & (self._kinds[ring] != NOTHING)
        place = np.flatnonzero(held)
        rings = np.full(len(place), ring, np.intp)
        self._add(rings, self._held(rings, place), -1)
        self._values["score"][ring, place] = score
        self._add(rings, self._held(rings, place), +1)

    def clear(self, slots: Places) -> None:
        """Start over for these; their rings are free."""
        rings = self.ring_of[slots]
        rings = rings[rings > 0]
        self.ring_of[slots] = 0
        self._kinds[rings] = NOTHING
        self._next[rings] = self._newest[rings] = self._newest_at[rings] = 0
        for sums in self._sums.values():
            sums[rings] = 0
        if self.mix is not None:
            self.mix.clear(rings.astype(np.intp))
        self._free += rings.tolist()

    def grow(self, capacity: int) -> None:
        """Room for more slots."""
        self.ring_of = grown(self.ring_of, capacity)

    def sum(self, field: Field, size: int) -> Integers:
        """Per slot."""
        return self._sums[field][self.ring_of[:size]].astype(np.int64)

    def by_kind(self, numbers: Sequence[int], size: int) -> tuple[Counts, Counts]:
        """Tasks and successes, a row for each of these kinds of task that anybody did."""
        assert self.mix is not None, "nobody declared it by kind"
        return self.mix.of(numbers, self.ring_of[:size].astype(np.intp))

    def held(self, size: int) -> Integers:
        """How many outcomes the ring of each slot holds."""
        return self.sum(Field.TASKS, size)

    def durations(self, slots: Places) -> tuple[Places, Integers]:
        """Every duration held for `slots`: the index into `slots`, and the duration."""
        rings = self.ring_of[slots]
        work = counting(self.outcomes).work[self._kinds[rings]]
        values = self._values["duration"][rings]
        which, place = np.nonzero((work > 0) & (values >= 0))
        return which, values[which, place].astype(np.int64)

    def adapt(self, fields: frozenset[Field], *, by_kind: bool) -> bool:
        """Keep up `fields` from now on, with what the rings hold; False when they do not hold enough."""
        fields |= {Field.TASKS}
        columns = _columns(fields, by_kind=by_kind)
        if not columns <= self.columns:
            return False
        if not by_kind:
            self.mix = None
        counts = counting(self.outcomes)
        for field in fields.difference(self._sums):
            amounts = counts.amounts(field, self._everything()).reshape(self._kinds.shape)
            self._sums[field] = amounts.sum(axis=1, dtype=np.int64)
        self._sums = {field: self._sums[field] for field in fields}
        self._values = {column: self._values[column] for column in columns}
        self.fields, self.columns = fields, columns
        return True

    def _everything(self) -> Rows:
        nowhere = np.zeros(self._kinds.size, np.intp)
        return self._as_rows(
            nowhere,
            self._kinds.reshape(-1),
            {column: values.reshape(-1) for column, values in self._values.items()},
        )

    def _held(self, ring: Places, place: Places) -> Rows:
        values = {column: held[ring, place] for column, held in self._values.items()}
        return self._as_rows(ring, self._kinds[ring, place], values)

    def _as_rows(self, ring: Places, kinds: Kinds, values: Mapping[str, NDArray[Any]]) -> Rows:
        nothing = np.zeros(len(kinds), np.int64)
        columns: dict[str, NDArray[Any]] = {
            name: values.get(name, nothing) for name in _VALUE_COLUMNS
        }
        return Rows(slot=ring, at=nothing, kind=kinds, **columns)

    def _add(self, ring: Places, rows: Rows, sign: int) -> None:
        counts: Counting = counting(self.outcomes)
        for field, sums in self._sums.items():
            amounts = _as(counts.amounts(field, rows), sums)
            if sign > 0:
                np.add.at(sums, ring, amounts)
            else:
                np.subtract.at(sums, ring, amounts)
        if self.mix is not None:
            self.mix.add(ring, rows, counts, sign)

    def _rings(self, slots: Places) -> Places:
        rings = self.ring_of[slots]
        missing = np.flatnonzero(rings == 0)
        if len(missing):
            new = [self._new_ring() for _ in range(len(missing))]
            self._make_room()
            rings[missing] = new
            self.ring_of[slots[missing]] = new
        return rings.astype(np.intp)

    def _new_ring(self) -> int:
        if self._free:
            return self._free.pop()
        self._used += 1
        return self._used - 1

    def _make_room(self) -> None:
        have = len(self._next)
        if self._used <= have:
            return
        capacity = max(self._used, 16, have * 3 // 2)
        self._kinds = grown(self._kinds, capacity, NOTHING)
        self._next = grown(self._next, capacity)
        self._newest = grown(self._newest, capacity)
        self._newest_at = grown(self._newest_at, capacity)
        if self.mix is not None:
            self.mix.grow(capacity)
        for column, values in self._values.items():
            self._values[column] = grown(values, capacity)
        for field, sums in self._sums.items():
            self._sums[field] = grown(sums, capacity)


_VALUE_COLUMNS = ("duration", "tokens", "cost", "score", "key", "task")
_TYPES: Mapping[str, type[np.integer[Any]]] = {"task": np.uint8}
SCORES = frozenset({Field.SCORE, Field.SCORED})


def _columns(fields: Iterable[Field], *, by_kind: bool) -> frozenset[str]:
    """What rings must keep of each outcome beside its kind."""
    columns = {field.column for field in fields if field.column}
    if "score" in columns:
        columns.add("key")  # by which a review finds it
    if by_kind:
        columns.add("task")
    return frozenset(columns)


def _as(amounts: NDArray[np.int64] | NDArray[np.int8], sums: Sums) -> Sums:
    return amounts.astype(sums.dtype, copy=False)
