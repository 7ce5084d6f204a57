"""What evidence functions rest on: tallies and tests of every agent and every lineage, since their evidence began.

Counted as outcomes are taken in, since by whose lineage one counts is a matter of that moment. An agent's part
travels in `Restored.evidence`, with its rhythm; a lineage's in its book.
"""

from collections.abc import Iterable, Sequence

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from pinkslip.fleet.columns import Columns
from pinkslip.fleet.decay import Decay, Rates, states_of
from pinkslip.fleet.lineages import NONE, UNRESOLVED, Lineages, each_of, sorted_by_name
from pinkslip.fleet.needs import Need
from pinkslip.fleet.outcomes import Kinds, Rows
from pinkslip.fleet.slots import Places
from pinkslip.fleet.snapshot import Floats, Integers
from pinkslip.fleet.tallies import Tallies
from pinkslip.model.policy import Filter
from pinkslip.model.words import Scope

DECAYED = "decayed"
"""The evidence function that is kept up as outcomes come, and must be declared."""


class Page(Struct, array_like=True, frozen=True):
    """One agent as it is checkpointed."""

    tallies: list[int]
    anew_at: int
    success_at: int
    rhythm: list[int]
    """In the order of `_RHYTHM`."""
    decays: list[list[int]]


_RHYTHM = (
    "gaps",
    "gap_mean",
    "gap_variance",
    "late_beats",
    "excused_until",
    "interval_before",
    "interval_since",
)
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Page).decode
_BLANK = Page([], 0, 0, [0] * len(_RHYTHM), [])


class Evidence:
    """Tallies and tests, by agent and by lineage."""

    def __init__(self, columns: Columns) -> None:
        self.lineages = Lineages()
        self._columns = columns
        self._tallies = Tallies(columns.capacity)
        self._decays: dict[Rates, Decay] = {}

    def grow(self) -> None:
        """Room for as many slots as the columns have."""
        self._tallies.grow(self._columns.capacity)
        for decay in self._decays.values():
            decay.grow(self._columns.capacity)

    # what happens

    def add(self, slots: Places, at: Integers, kinds: Kinds) -> None:
        """Outcomes of agents that their rows do not include."""
        self._tallies.add(slots, kinds)
        for decay in self._decays.values():
            decay.enter(slots, at, kinds, after=self._columns.anew_at)

    def add_to_lineages(self, slots: Places, at: Integers, kinds: Kinds) -> None:
        """Outcomes that the lineages' books do not include."""
        self.lineages.add(self.rows(slots), at, kinds)

    def restart(self, slots: Places) -> None:
        """Nothing noted so far is about whoever has these slots from now on."""
        self._tallies.clear(slots)
        for decay in self._decays.values():
            decay.clear(slots)
        self._columns.anew_at[slots] = 0

    def begin_tests(self, slot: int, at: int) -> None:
        """The agent's standing changed: what it did up to now shows no decay any more."""
        for decay in self._decays.values():
            decay.clear(np.array([slot], np.intp))
        self._columns.anew_at[slot] = at

    # what is declared

    def declare(self, needs: Iterable[Need], remembered: Rows, *, done: Integers) -> None:
        """Keep up exactly the tests these ask for; new ones count what is remembered.

        `done`: how many outcomes each agent's incarnation has had.
        """
        wanted = [need for need in needs if need.name == DECAYED]
        of_agents, of_lineages = (
            [_rates(need) for need in wanted if need.scope is scope] for scope in Scope
        )
        former, capacity = self._decays, self._columns.capacity
        self._decays = {
            rates: former.get(rates) or Decay(rates, capacity) for rates in of_agents
        }
        remembers_all = np.bincount(remembered.slot, minlength=capacity) >= done
        for rates in self._decays.keys() - former.keys():
            decay = self._decays[rates]
            self._work_out(decay, done > 0, remembered)
            decay.known = remembers_all.copy()
        if self._decays.keys() != former.keys():
            self._columns.changed |= done > 0
        self._declare_of_lineages(of_lineages, remembered)

    def _declare_of_lineages(self, wanted: Sequence[Rates], remembered: Rows) -> None:
        self.rows(remembered.slot)  # rows first: masks are as long as there are rows
        for decay in self.lineages.declare(wanted):
            known = decay.known.copy()
            self._work_out_of_lineages(decay, ~known, remembered)
            decay.known = known

    def recall(self, remembered: Rows, has_more: NDArray[np.bool_]) -> None:
        """Count anew what was lacking of those of whom all is remembered; `has_more`: of which slots it is not."""
        present = self._columns.numbers > 0
        for decay in self._decays.values():
            self._work_out(decay, present & ~has_more & ~decay.known, remembered)
        living, waiting = (
            self._of_lineages(np.flatnonzero(slots)) for slots in (present, present & has_more)
        )
        for decay in self.lineages.decays.values():
            self._work_out_of_lineages(decay, living & ~waiting & ~decay.known, remembered)

    def lacking(self) -> NDArray[np.bool_]:
        """Per slot of the columns: outcomes may be missing from a test of the agent's or of its lineage's."""
        lacking = np.zeros(self._columns.capacity, np.bool_)
        for decay in self._decays.values():
            lacking |= ~decay.known
        incomplete = [decay for decay in self.lineages.decays.values() if not decay.known.all()]
        if incomplete:
            slots = np.flatnonzero(self._columns.numbers)
            rows = self.rows(slots)
            for decay in incomplete:
                lacking[slots] |= ~decay.known[rows]
        return lacking

    def filters_lacking(self) -> list[Filter]:
        """By which filters tests lack outcomes of anybody."""
        declared = [*self._decays.items(), *self.lineages.decays.items()]
        filters = [rates.outcomes for rates, decay in declared if not decay.known.all()]
        return list(dict.fromkeys(filters))

    def complete(self, slots: NDArray[np.bool_], remembered: Rows) -> None:
        """Count anew what was lacking of these slots, and of their lineages: this is all there is to be had."""
        for decay in self._decays.values():
            self._work_out(decay, slots & ~decay.known, remembered)
        theirs = self._of_lineages(np.flatnonzero(slots))
        for decay in self.lineages.decays.values():
            self._work_out_of_lineages(decay, theirs & ~decay.known, remembered)

    def _of_lineages(self, slots: Places) -> NDArray[np.bool_]:
        """Per row, whether it is the lineage of any of these."""
        rows = self.rows(slots)
        theirs = np.zeros(self.lineages.capacity, np.bool_)
        theirs[rows] = True
        theirs[: NONE + 1] = False
        return theirs

    def _work_out(self, decay: Decay, slots: NDArray[np.bool_], remembered: Rows) -> None:
        if not slots.any():
            return
        decay.clear(np.flatnonzero(slots))
        rows = remembered.take(slots[remembered.slot])
        decay.enter(rows.slot, rows.at, rows.kind, after=self._columns.anew_at)
        self._columns.changed |= slots

    def _work_out_of_lineages(
        self, decay: Decay, which: NDArray[np.bool_], remembered: Rows
    ) -> None:
        if which.any():
            rows = self.rows(remembered.slot)
            self.lineages.work_out(decay, which, rows, remembered.at, remembered.kind)

    # what is asked

    def counts(
        self, outcomes: Filter, scope: Scope, size: int, *, now: int
    ) -> tuple[Integers, Integers]:
        """Tasks and successes of each slot's agent, or of its lineage; an agent without one is its own."""
        tasks, successes = self._tallies.of(outcomes, slice(size))
        if scope is Scope.AGENT:
            return tasks, successes
        rows = self.rows(np.arange(size))
        all_tasks, all_successes = self.lineages.counts(rows, outcomes, now=now)
        is_own = rows <= NONE
        return np.where(is_own, tasks, all_tasks), np.where(is_own, successes, all_successes)

    def nats(self, rates: Rates, scope: Scope, size: int, *, now: int) -> Floats:
        """A test of each slot's agent, or of its lineage. KeyError: nobody declared it."""
        declared = self._decays if scope is Scope.AGENT else self.lineages.decays
        if rates not in declared:
            raise KeyError(f"nobody declared {DECAYED} with {rates}")
        if scope is Scope.AGENT:
            return self._decays[rates].nats(slice(size))
        rows = self.rows(np.arange(size))
        return self.lineages.nats(rows, rates, now=now)

    def rows(self, slots: Places) -> Places:
        """The row of each agent's lineage."""
        columns = self._columns
        unresolved = slots[columns.lineage_row[slots] == UNRESOLVED]
        for slot in np.unique(unresolved).tolist():
            lineage = columns.words["lineage"].get(slot)
            if columns.numbers[slot]:
                columns.lineage_row[slot] = self.lineages.row(lineage)
        return columns.lineage_row[slots].astype(np.intp)

    # to and from rows

    def pages(self, slots: Places, success_at: Integers) -> list[str]:
        """For `Restored.evidence`. `success_at`: of the streak that goes with it."""
        columns = self._columns
        states = [decay.states(slots) for _, decay in sorted_by_name(self._decays)]
        pages = [
            Page(tallies, anew, success, list(rhythm), [list(one) for one in theirs if one])
            for tallies, anew, success, rhythm, theirs in zip(
                self._tallies.pairs(slots),
                columns.anew_at[slots].tolist(),
                success_at[slots].tolist(),
                zip(*self._rhythms(slots), strict=True),
                each_of(states, len(slots)),
                strict=True,
            )
        ]
        return ["" if page == _BLANK else _encode(page).decode() for page in pages]

    def _rhythms(self, slots: Places) -> list[list[int]]:
        """The columns of `_RHYTHM`, without what only mattered to beats before the newest one."""
        columns = self._columns
        heard_at = columns.last_heartbeat[slots]
        told = {name: getattr(columns, name)[slots] for name in _RHYTHM}
        told["excused_until"][told["excused_until"] <= heard_at] = 0
        is_over = told["interval_since"] <= heard_at
        told["interval_before"][is_over] = told["interval_since"][is_over] = 0
        return [column.tolist() for column in told.values()]

    def restore(self, slots: Places, evidence: Sequence[str]) -> Integers:
        """As `pages` gave them, into slots with their columns; returns when each agent succeeded last."""
        columns = self._columns
        pages = [_decode(text) if text else _BLANK for text in evidence]
        columns.anew_at[slots] = [page.anew_at for page in pages]
        for place, name in enumerate(_RHYTHM):
            getattr(columns, name)[slots] = [page.rhythm[place] for page in pages]
        self._tallies.restore(slots, [page.tallies for page in pages])
        done_nothing = columns.tasks[slots] <= columns.tasks_before[slots]
        states = states_of([page.decays for page in pages])
        for rates, decay in self._decays.items():
            decay.known[slots] = done_nothing
            found = states.get(rates.name, {})
            if found:
                decay.restore(slots[list(found)], list(found.values()))
        return np.array([page.success_at for page in pages], np.int64)


def _rates(need: Need) -> Rates:
    good, bad = need.parameters
    return Rates(good, bad, need.outcomes)
