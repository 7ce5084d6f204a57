"""Evidence that follows a worker through its ids: tallies and tests by lineage, whoever of it is still in memory.

An outcome counts for the lineage its agent had when it came. Everything begins anew when an agent of it is reinstated,
tests also when one's standing changes. Nobody asks a lineage to leave; one of which nothing was heard for 60
days is as good as new, and its row goes once no agent has it.

Within one instant order means nothing: what came at the instant of a new beginning belongs to what was before.
"""

from collections.abc import Iterable, Iterator, Sequence

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from pinkslip.fleet.decay import Decay, Rates, State, states_of
from pinkslip.fleet.growing import grown
from pinkslip.fleet.outcomes import Kinds
from pinkslip.fleet.slots import Places
from pinkslip.fleet.snapshot import Floats, Integers
from pinkslip.fleet.tallies import Tallies
from pinkslip.model.facts import LineageBook
from pinkslip.model.policy import Filter

UNRESOLVED, NONE = 0, 1
"""Rows that stand for nobody: the agent's lineage was not looked up yet; it has none."""
QUIET_MS = 60 * 86_400_000
"""Longer than any ladder remembers a lineage."""
_SMALLEST = 16


class Page(Struct, array_like=True, frozen=True):
    """One lineage as it is checkpointed."""

    tallies: list[int]
    restarted_at: int
    anew_at: int
    heard_at: int
    decays: list[list[int]]


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Page).decode


class Lineages:
    """One row for each lineage known."""

    def __init__(self) -> None:
        self.place = (0, 0)
        """(writer, seq): restored rows include everything up to here."""
        self.tallies = Tallies(_SMALLEST)
        self.decays: dict[Rates, Decay] = {}
        self.capacity = _SMALLEST
        self._row_of: dict[str, int] = {}
        self._free: list[int] = []
        self._next = NONE + 1
        self._restarted_at: Integers = np.zeros(_SMALLEST, np.int64)
        """Outcomes up to here count nowhere."""
        self._anew_at: Integers = np.zeros(_SMALLEST, np.int64)
        """Outcomes up to here count in no test."""
        self._heard_at: Integers = np.zeros(_SMALLEST, np.int64)
        """0: nothing was ever heard of it, and there is nothing to checkpoint."""
        self._changed = np.zeros(_SMALLEST, np.bool_)

    def row(self, lineage: str | None) -> int:
        """The row of a lineage; an empty one when it is new."""
        if lineage is None:
            return NONE
        row = self._row_of.get(lineage)
        if row is None:
            row = self._row_of[lineage] = self._free.pop() if self._free else self._new_row()
        return row

    def add(self, rows: Places, at: Integers, kinds: Kinds) -> None:
        """Outcomes in journal order, each of its lineage."""
        which = np.flatnonzero((rows > NONE) & (at > self._restarted_at[rows]))
        if not len(which):
            return
        rows, at, kinds = rows[which], at[which], kinds[which]
        fresh = self._since_quiet(rows, at)
        if fresh is not None:
            rows, at, kinds = rows[fresh], at[fresh], kinds[fresh]
        self.tallies.add(rows, kinds)
        for decay in self.decays.values():
            decay.enter(rows, at, kinds, after=self._anew_at)
        np.maximum.at(self._heard_at, rows, at)
        self._changed[rows] = True

    def restart(self, row: int, at: int) -> None:
        """One of it was reinstated: what was counted counts no more."""
        self.tallies.clear(np.array([row], np.intp))
        self._restarted_at[row] = at
        self.begin_tests(row, at)

    def begin_tests(self, row: int, at: int) -> None:
        """The standing of one of it changed."""
        for decay in self.decays.values():
            decay.clear(np.array([row], np.intp))
        self._anew_at[row] = at
        self._heard_at[row] = max(at, int(self._heard_at[row]))
        self._changed[row] = True

    def declare(self, tests: Iterable[Rates]) -> list[Decay]:
        """Keep up exactly these tests; returns the new ones, which know of nothing that was counted."""
        former = self.decays
        self.decays = {test: former.get(test) or Decay(test, self.capacity) for test in tests}
        new = [decay for test, decay in self.decays.items() if test not in former]
        for decay in new:
            decay.known = self.tallies.total(slice(None)) == 0
        if self.decays.keys() != former.keys():
            self._changed |= self._heard_at > 0
        return new

    def work_out(
        self, decay: Decay, which: NDArray[np.bool_], rows: Places, at: Integers, kinds: Kinds
    ) -> None:
        """Count outcomes anew for one test, of the lineages marked; all there is to be had of them."""
        theirs = np.flatnonzero(which)
        decay.clear(theirs)
        wanted = np.flatnonzero(which[rows])
        after = np.maximum(self._anew_at, self._restarted_at)
        decay.enter(rows[wanted], at[wanted], kinds[wanted], after=after)
        self._changed[theirs] = True

    def counts(self, rows: Places, outcomes: Filter, *, now: int) -> tuple[Integers, Integers]:
        """Tasks and successes of the lineage in each row."""
        tasks, successes = self.tallies.of(outcomes, slice(None))
        quiet = self._is_quiet(now)
        tasks[quiet] = successes[quiet] = 0
        return tasks[rows], successes[rows]

    def counts_of(self, lineage: str, outcomes: Filter, *, now: int) -> tuple[int, int]:
        """Tasks and successes of one lineage, whether or not anybody present has it."""
        row = self._row_of.get(lineage)
        if row is None:
            return 0, 0
        tasks, successes = self.counts(np.array([row], np.intp), outcomes, now=now)
        return int(tasks[0]), int(successes[0])

    def nats(self, rows: Places, test: Rates, *, now: int) -> Floats:
        """A test of the lineage in each row. KeyError: nobody declared it."""
        values = self.decays[test].nats(slice(None))
        values[self._is_quiet(now)] = np.nan
        answer: Floats = values[rows]
        return answer

    def books(self, *, changed: bool = False) -> tuple[LineageBook, ...]:
        """Rows for a checkpoint, by lineage: all, or those changed since they were last asked for."""
        wanted = (self._heard_at > 0) & (self._changed | (not changed))
        found = sorted((lineage, row) for lineage, row in self._row_of.items() if wanted[row])
        if changed:
            self._changed[:] = False
        rows = np.array([row for _, row in found], np.intp)
        return tuple(
            LineageBook(lineage, _encode(page).decode())
            for (lineage, _), page in zip(found, self._pages(rows), strict=True)
        )

    def mark_changed(self, lineages: Iterable[str]) -> None:
        """A checkpoint of these could not be written."""
        for lineage in lineages:
            if (row := self._row_of.get(lineage)) is not None:
                self._changed[row] = True

    def restore(self, books: Sequence[LineageBook], *, writer: int, seq: int) -> None:
        """As they stood at a journal place."""
        self.place = (writer, seq)
        told = [book for book in books if book.evidence]
        rows = np.array([self.row(book.lineage) for book in told], np.intp)
        pages = [_decode(book.evidence) for book in told]
        self._restarted_at[rows] = [page.restarted_at for page in pages]
        self._anew_at[rows] = [page.anew_at for page in pages]
        self._heard_at[rows] = [page.heard_at for page in pages]
        self.tallies.restore(rows, [page.tallies for page in pages])
        done_something = self.tallies.total(rows) > 0
        states = states_of([page.decays for page in pages])
        for test, decay in self.decays.items():
            decay.known[rows] = ~done_something
            found = states.get(test.name, {})
            if found:
                decay.restore(rows[list(found)], list(found.values()))

    def forget(self, living: NDArray[np.bool_], *, now: int) -> None:
        """Give up rows of which nothing was heard for long, and that no agent has. `living`: by row."""
        gone = self._is_quiet(now)
        gone[: len(living)] &= ~living
        for lineage in [lineage for lineage, row in self._row_of.items() if gone[row]]:
            row = self._row_of.pop(lineage)
            self._clear(np.array([row], np.intp))
            self._free.append(row)

    def _pages(self, rows: Places) -> Iterator[Page]:
        decays = [decay.states(rows) for _, decay in sorted_by_name(self.decays)]
        for tallies, restarted_at, anew_at, heard_at, states in zip(
            self.tallies.pairs(rows),
            self._restarted_at[rows].tolist(),
            self._anew_at[rows].tolist(),
            self._heard_at[rows].tolist(),
            each_of(decays, len(rows)),
            strict=True,
        ):
            told = [list(state) for state in states if state is not None]
            yield Page(tallies, restarted_at, anew_at, heard_at, told)

    def _is_quiet(self, now: int) -> NDArray[np.bool_]:
        quiet: NDArray[np.bool_] = (self._heard_at > 0) & (now - self._heard_at > QUIET_MS)
        return quiet

    def _since_quiet(self, rows: Places, at: Integers) -> Places | None:
        """Of these outcomes, those after the last long silence of their lineage; None: all of them.

        A lineage that was silent for so long begins anew.
        """
        order = np.lexsort([at, rows])
        ordered, instants = rows[order], at[order]
        before = self._heard_at[ordered]
        is_next = np.flatnonzero(ordered[1:] == ordered[:-1])
        before[is_next + 1] = instants[is_next]
        breaks = np.flatnonzero((before > 0) & (instants - before > QUIET_MS))
        if not len(breaks):
            return None
        begins = np.zeros(self.capacity, np.int64)
        begins[ordered[breaks]] = instants[breaks]  # of several, the last
        self._clear(np.flatnonzero(begins))
        return np.flatnonzero(at >= begins[rows])

    def _clear(self, rows: Places) -> None:
        self.tallies.clear(rows)
        for decay in self.decays.values():
            decay.clear(rows)
        self._restarted_at[rows] = self._anew_at[rows] = self._heard_at[rows] = 0
        self._changed[rows] = False

    def _new_row(self) -> int:
        row, self._next = self._next, self._next + 1
        if row >= self.capacity:
            self._grow(2 * self.capacity)
        return row

    def _grow(self, capacity: int) -> None:
        self.capacity = capacity
        self.tallies.grow(capacity)
        for decay in self.decays.values():
            decay.grow(capacity)
        for name in ("_restarted_at", "_anew_at", "_heard_at", "_changed"):
            setattr(self, name, grown(getattr(self, name), capacity))


def sorted_by_name(decays: dict[Rates, Decay]) -> list[tuple[Rates, Decay]]:
    """In an order that does not depend on when each was declared."""
    return sorted(decays.items(), key=lambda declared: declared[0].name)


def each_of(
    columns: Sequence[Sequence[State | None]], count: int
) -> Iterator[tuple[State | None, ...]]:
    """Columns as rows, also where there is no column."""
    return zip(*columns, strict=True) if columns else iter([()] * count)
