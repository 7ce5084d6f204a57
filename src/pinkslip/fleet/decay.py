"""CUSUM: how much more a subject's outcomes since its evidence began look like the bad rate than the good one.

E. S. Page, "Continuous inspection schemes" (1954): S = max(0, S + step), a success adding ln(bad/good) and a failure
ln((1-bad)/(1-good)). Steps are integers, billionths of a nat, so that sums are exact. All outcomes of one instant
are one step: in which order they came means nothing, and the value before the newest instant is kept, so that
an instant may come in pieces.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import log

import numpy as np
from numpy.typing import NDArray

from pinkslip.fleet.growing import grown
from pinkslip.fleet.outcomes import IS_SUCCESS, Kinds, counting
from pinkslip.fleet.slots import Places
from pinkslip.fleet.snapshot import Floats, Integers
from pinkslip.model.policy import Filter
from pinkslip.model.words import Fault, Source, code_of

NAT = 1_000_000_000
_MOST = np.int64(1) << np.int64(62)
_STEP_MOST = 1_000 * NAT
"""What is impossible under one of the rates is as good as decided."""

State = Sequence[int]
"""As checkpointed: what tells the test (two steps, faults, sources), then before, newest_at, sum."""
_NAMES = 4


@dataclass(frozen=True, slots=True)
class Rates:
    """Which two rates are told apart, by which outcomes."""

    good: float
    bad: float
    outcomes: Filter

    @property
    def steps(self) -> tuple[int, int]:
        """What a success adds, and what a failure does."""
        return _step(self.bad, self.good), _step(1 - self.bad, 1 - self.good)

    @property
    def name(self) -> tuple[int, ...]:
        """What tells its states from another test's."""
        faults = sum(1 << code_of(fault) for fault in self.outcomes.faults & set(Fault))
        sources = sum(1 << code_of(source) for source in self.outcomes.sources & set(Source))
        return (*self.steps, faults, sources)


def _step(bad: float, good: float) -> int:
    if bad <= 0 or good <= 0:
        return 0 if bad == good else -_STEP_MOST if bad < good else _STEP_MOST
    return round(log(bad / good) * NAT)


class Decay:
    """One test, for every subject."""

    def __init__(self, test: Rates, capacity: int) -> None:
        self.test = test
        self.known: NDArray[np.bool_] = np.ones(capacity, np.bool_)
        """Whether every outcome since the evidence began is in it."""
        self._before: Integers = np.zeros(capacity, np.int64)
        """The sum before the newest instant."""
        self._newest_at: Integers = np.zeros(capacity, np.int64)
        """0: no outcome yet."""
        self._sum: Integers = np.zeros(capacity, np.int64)
        """What the newest instant adds."""

    @cached_property
    def _step_of(self) -> Integers:
        """By kind of outcome."""
        success, failure = self.test.steps
        return np.where(IS_SUCCESS > 0, success, failure).astype(np.int64)

    def enter(self, subjects: Places, at: Integers, kinds: Kinds, *, after: Integers) -> None:
        """Outcomes in any order, none older than what is known. `after`: for each subject, the instant up to which
        outcomes are no evidence."""
        counted = counting(self.test.outcomes).denominator[kinds] > 0
        counted &= at > after[subjects]
        which = np.flatnonzero(counted)
        if len(which):
            self._enter(subjects[which], at[which], self._step_of[kinds[which]])

    def _enter(self, subjects: Places, at: Integers, steps: Integers) -> None:
        order = np.lexsort([at, subjects])
        subjects, at, steps = subjects[order], at[order], steps[order]
        is_new = np.concatenate([[True], subjects[1:] != subjects[:-1]])
        instants = np.flatnonzero(is_new | np.concatenate([[True], at[1:] != at[:-1]]))
        steps = np.add.reduceat(steps, instants)
        subjects, at, is_new = subjects[instants], at[instants], is_new[instants]
        first = np.flatnonzero(is_new)
        last = np.append(first[1:], len(subjects)) - 1
        whose = subjects[first]
        goes_on = at[first] == self._newest_at[whose]
        steps[first] += np.where(goes_on, self._sum[whose], 0)
        start = np.where(goes_on, self._before[whose], self._value(whose))
        so_far = np.cumsum(steps)
        so_far -= np.repeat(so_far[first] - steps[first], last - first + 1)
        at_last = so_far[last] - steps[last]
        so_far[last] = _MOST  # the newest instant is not among those before it
        lowest = np.minimum(np.minimum.reduceat(so_far, first), -start)
        self._before[whose] = at_last - lowest
        self._newest_at[whose] = at[last]
        self._sum[whose] = steps[last]

    def clear(self, subjects: Places) -> None:
        """Nothing is known that would count, for these."""
        self._before[subjects] = self._newest_at[subjects] = self._sum[subjects] = 0
        self.known[subjects] = True

    def grow(self, capacity: int) -> None:
        """Room for more subjects."""
        self.known = grown(self.known, capacity, fill=True)
        self._before = grown(self._before, capacity)
        self._newest_at = grown(self._newest_at, capacity)
        self._sum = grown(self._sum, capacity)

    def nats(self, where: Places | slice) -> Floats:
        """NaN before the first outcome."""
        values: Floats = self._value(where) / NAT
        return np.where(self._newest_at[where] > 0, values, np.nan)

    def states(self, subjects: Places) -> list[State | None]:
        """For a checkpoint; None where something is missing."""
        name = self.test.name
        columns = (self._before, self._newest_at, self._sum)
        numbers = zip(*(column[subjects].tolist() for column in columns), strict=True)
        return [
            (*name, *state) if known else None
            for state, known in zip(numbers, self.known[subjects].tolist(), strict=True)
        ]

    def restore(self, subjects: Places, states: Sequence[State]) -> None:
        """As they were checkpointed."""
        table = np.array([state[_NAMES:] for state in states], np.int64).reshape(-1, 3)
        self._before[subjects], self._newest_at[subjects], self._sum[subjects] = table.T
        self.known[subjects] = True

    def _value(self, where: Places | slice) -> Integers:
        value: Integers = np.maximum(self._before[where] + self._sum[where], 0)
        return value


def states_of(pages: Sequence[Sequence[State]]) -> dict[tuple[int, ...], dict[int, State]]:
    """Checkpointed states by test, and then by the page's place."""
    found: dict[tuple[int, ...], dict[int, State]] = {}
    for place, states in enumerate(pages):
        for state in states:
            found.setdefault(tuple(state[:_NAMES]), {})[place] = state
    return found
