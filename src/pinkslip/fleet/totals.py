"""Counters that never step back: an agent's own, and those of all agents of one role and model."""

from collections.abc import Iterable
from typing import Protocol

import numpy as np

from pinkslip.fleet.growing import add_up, grown
from pinkslip.fleet.outcomes import FAULT_OF_KIND, IS_FAILURE, RESULT_OF_KIND, Arrivals
from pinkslip.fleet.slots import Places
from pinkslip.fleet.snapshot import DURATION_BUCKETS_MS, Integers, RoleTotals
from pinkslip.fleet.task_kinds import Numbers, TaskKinds
from pinkslip.model.words import Fault, Result

BUCKETS = len(DURATION_BUCKETS_MS) + 1


class Counters(Protocol):
    """Rows of counters, one per agent or one per role and model."""

    tasks: Integers
    failed: Integers
    duration_ms_sum: Integers
    duration_count: Integers
    duration_buckets: Integers
    tokens_in: Integers
    tokens_out: Integers
    cost_micros: Integers


class Tally:
    """What some outcomes add to counters; worked out once for agents and roles alike."""

    def __init__(self, arrivals: Arrivals) -> None:
        self.arrivals = arrivals
        self._ones = np.ones(len(arrivals.kind), np.int64)
        self._failed = np.flatnonzero(IS_FAILURE[arrivals.kind])
        self._fault = FAULT_OF_KIND[arrivals.kind[self._failed]]
        self._timed = np.flatnonzero(arrivals.duration >= 0)
        self._durations = arrivals.duration[self._timed]
        self._bucket = np.searchsorted(DURATION_BUCKETS_MS, self._durations, side="left")

    def add_results_to(self, results: Integers, rows: Places) -> None:
        """Count what each outcome ended in, for its row."""
        np.add.at(
            results.reshape(-1), rows * len(Result) + RESULT_OF_KIND[self.arrivals.kind], 1
        )

    def add_to(self, counters: Counters, rows: Places) -> None:
        """Add each outcome to its row."""
        add_up(counters.tasks, rows, self._ones)
        add_up(counters.tokens_in, rows, self.arrivals.tokens_in)
        add_up(counters.tokens_out, rows, self.arrivals.tokens_out)
        add_up(counters.cost_micros, rows, self.arrivals.cost)
        failed = counters.failed.reshape(-1)
        np.add.at(failed, rows[self._failed] * len(Fault) + self._fault, 1)
        timed = rows[self._timed]
        add_up(counters.duration_ms_sum, timed, self._durations)
        np.add.at(counters.duration_count, timed, 1)
        buckets = counters.duration_buckets.reshape(-1)
        np.add.at(buckets, timed * BUCKETS + self._bucket, 1)


_SUMS = (
    "tasks",
    "duration_ms_sum",
    "duration_count",
    "tokens_in",
    "tokens_out",
    "cost_micros",
    "finished",
)


class Totals:
    """One row per (role, model) that an agent ever had; none ever goes."""

    tasks: Integers
    duration_ms_sum: Integers
    duration_count: Integers
    tokens_in: Integers
    tokens_out: Integers
    cost_micros: Integers
    finished: Integers

    def __init__(self) -> None:
        self._row_of: dict[tuple[str, str], int] = {}
        self._capacity = 8
        self.place = (0, 0)
        """(writer, seq): restored rows include everything up to here."""
        for name in _SUMS:
            setattr(self, name, np.zeros(self._capacity, np.int64))
        self.failed: Integers = np.zeros((self._capacity, len(Fault)), np.int64)
        self.duration_buckets: Integers = np.zeros((self._capacity, BUCKETS), np.int64)
        self.results: Integers = np.zeros((self._capacity, len(Result)), np.int64)
        self.task_kinds = TaskKinds()
        self._first_of: dict[int, list[tuple[int, str]]] = {}
        """By row: kinds of task that its agents were the first to report."""

    def row(self, role: str | None, model: str | None) -> int:
        """The row that counts for agents of this role and model; zeros when it is new."""
        key = (role or "", model or "")
        row = self._row_of.get(key)
        if row is None:
            row = self._row_of[key] = len(self._row_of)
            if row >= self._capacity:
                self._grow(2 * self._capacity)
        return row

    def restore(self, totals: Iterable[RoleTotals], *, writer: int, seq: int) -> None:
        """As they stood at a journal place."""
        self.place = (writer, seq)
        for one in totals:
            row = self.row(one.role, one.model)
            for name in _SUMS:
                getattr(self, name)[row] = getattr(one, name)
            self.failed[row] = one.failed
            self.duration_buckets[row] = one.duration_buckets
            self.results[row] = one.results or 0
            self._first_of[row] = [(number, text) for number, text in one.kinds]
            self.task_kinds.restore(one.kinds)

    def rows(self) -> tuple[RoleTotals, ...]:
        """By role and model."""
        return tuple(
            RoleTotals(
                role=role,
                model=model,
                failed=tuple(self.failed[row].tolist()),
                duration_buckets=tuple(self.duration_buckets[row].tolist()),
                results=tuple(self.results[row].tolist()),
                kinds=tuple(sorted(self._first_of.get(row, ()))),
                **{name: int(getattr(self, name)[row]) for name in _SUMS},
            )
            for (role, model), row in sorted(self._row_of.items())
        )

    def task_numbers(self, arrivals: Arrivals, rows: Places) -> Numbers:
        """The number of each outcome's kind of task; `rows`: whose totals it adds to."""
        unknown = self.task_kinds.unknown(arrivals.task)
        # of those that are new at one instant, whichever came first: by name
        for _at, text, place in sorted(
            (int(arrivals.at[place]), str(arrivals.task[place]), place) for place in unknown
        ):
            number = self.task_kinds.learn(text)
            if number is not None:
                self._first_of.setdefault(int(rows[place]), []).append((number, text))
        return self.task_kinds.numbers(arrivals.task)

    def results_seen(self) -> frozenset[Result]:
        """What any outcome ended in; anything, where some were done before results were counted."""
        counts = self.results.sum(axis=0)
        if counts.sum() < self.tasks.sum():
            return frozenset(Result)
        return frozenset(result for result, count in zip(Result, counts, strict=True) if count)

    def _grow(self, capacity: int) -> None:
        self._capacity = capacity
        for name in (*_SUMS, "failed", "duration_buckets", "results"):
            setattr(self, name, grown(getattr(self, name), capacity))
