"""The outcomes that still matter, and every window over them.

Outcomes are noted at once and added up when somebody asks, many at a time. What an agent did in a former
incarnation, or another agent did in the same slot, lies in the log until it leaves by time: a guard per slot
says from which place on the log is about its present occupant, so that nothing is subtracted that was never
added.
"""

from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from pinkslip.fleet.growing import grown
from pinkslip.fleet.needs import Need
from pinkslip.fleet.outcome_log import OutcomeLog
from pinkslip.fleet.outcomes import Field, Rows, counting
from pinkslip.fleet.slots import Places
from pinkslip.fleet.snapshot import Integers
from pinkslip.fleet.windows import (
    EVERYTHING,
    Amounts,
    Streak,
    TaskWindow,
    TimeWindow,
    grouped,
)
from pinkslip.model.policy import Filter, WindowKind

DEFAULT = Filter()
"""Fault agent, every source."""

READS: Mapping[str, tuple[Field, ...]] = {
    "tasks": (Field.TASKS,),
    "successes": (Field.SUCCESSES,),
    "failures": (Field.TASKS, Field.SUCCESSES),
    "refusals": (Field.REFUSALS,),
    "off_track": (Field.OFF_TRACK,),
    "timeouts": (Field.TIMEOUTS,),
    "corruptions": (Field.CORRUPTIONS,),
    "success_rate": (Field.SUCCESSES, Field.TASKS),
    "score": (Field.SCORE, Field.SCORED),
    "duration_mean": (Field.DURATION_MS, Field.DURATIONS),
    "duration_p50": (Field.DURATIONS,),
    "duration_p95": (Field.DURATIONS,),
    "tokens": (Field.TOKENS,),
    "cost": (Field.COST,),
    "cost_per_success": (Field.COST, Field.SUCCESSES, Field.TASKS),
    "errors": (Field.ERRORS,),
    "expected_ratio": (Field.TASKS, Field.SUCCESSES),
}
"""Which sums each windowed measure rests on."""

BY_KIND = "expected_ratio"
"""The measure that rests on outcomes by kind of task; the judge, who knows pools, works it out."""

EVERY_WINDOW = (Field.TASKS,)
"""Sums that every window keeps, whatever is read of it: evidence says on how many tasks it rests."""

_CHUNK = 16_384
"""Outcomes added up at a time: small enough for the caches, large enough to pay."""

Key = tuple[int, Filter]


class Memory:
    """One workspace's remembered outcomes."""

    def __init__(self, capacity: int) -> None:
        self.log = OutcomeLog()
        self.cut = EVERYTHING
        """Outcomes at or before this instant are no longer in the log."""
        self.time_windows: dict[Key, TimeWindow] = {}
        self.task_windows: dict[Key, TaskWindow] = {}
        self.streaks: dict[Filter, Streak] = {DEFAULT: Streak(DEFAULT, capacity)}
        self._guard = np.zeros(capacity, np.int64)
        self._entered_at: Integers = np.zeros(capacity, np.int64)
        """The newest instant of which anything of each slot is in rings."""
        self._entered = 0
        self._capacity = capacity

    @property
    def longest_ms(self) -> int:
        """The longest time window."""
        return max((length for length, _ in self.time_windows), default=0)

    @property
    def pending(self) -> int:
        """Outcomes noted and not yet added up."""
        return self.log.end - self._entered

    def grow(self, capacity: int) -> None:
        """Room for more slots."""
        self._capacity = capacity
        self._guard = grown(self._guard, capacity)
        self._entered_at = grown(self._entered_at, capacity)
        for window in self._windows():
            window.grow(capacity)

    def note(self, rows: Rows) -> None:
        """Outcomes that count, in journal order."""
        self.log.append(rows)
        if self.pending >= _CHUNK:
            self.catch_up()

    def restart(self, slots: Places) -> None:
        """Nothing noted so far is about whoever has these slots from now on."""
        self._guard[slots] = self.log.end
        self._entered_at[slots] = 0
        for time_window in self.time_windows.values():
            time_window.clear(slots)
        for task_window in self.task_windows.values():
            task_window.clear(slots)
        for streak in self.streaks.values():
            streak.clear(slots)

    def catch_up(self) -> None:
        """Add up what was noted."""
        while self._entered < self.log.end:
            end = min(self._entered + _CHUNK, self.log.end)
            self._enter(self._valid(self._entered, end))
            self._entered = end

    def leave(self, now: int) -> None:
        """Let outcomes leave windows over time, and the log."""
        self._leave_windows(now)
        # the newest instant stays: more of it may come, and rings then enter all of it again
        self.cut = max(self.cut, min(now - self.longest_ms, self.log.newest_at - 1))
        self.log.drop_before(self.log.after(self.cut))

    def rescore(self, scores: Iterable[tuple[int, int, int, int]], *, now: int) -> None:
        """Slot, instant and key of outcomes, and the score each has now; of several for one the last holds.

        An outcome that no window holds any more is passed over, and one of a former incarnation.
        """
        self.catch_up()
        if not self.log.is_sorted:
            self._sort(now)
        for slot, at, key, score in scores:
            place = self.log.find(slot, at, key)
            if place is not None and place >= self._guard[slot]:
                old = self.log.rows(place, place + 1).take(np.zeros(1, np.intp))
                self.log.rescore(place, score)
                new = self.log.rows(place, place + 1)
                for window in self.time_windows.values():
                    if place >= window.tail:
                        window.rescore(old, new)
            for task_window in self.task_windows.values():
                task_window.rescore(slot, key, score)

    def remembered(self) -> Rows:
        """Every outcome of a present occupant that the log holds."""
        return self._valid(self.log.first, self.log.end)

    def declare(self, needs: Iterable[Need], *, now: int) -> None:
        """Keep up exactly these windows. Ones that stay keep their sums; new ones add up what is remembered."""
        self.catch_up()
        if not self.log.is_sorted:
            self._sort(now)
        time_fields: dict[Key, set[Field]] = {}
        task_fields: dict[Key, set[Field]] = {}
        by_kind: set[tuple[WindowKind, Key]] = set()
        streaks = {DEFAULT}
        for need in needs:
            if need.name == "consecutive_failures":
                streaks.add(need.outcomes)
            if need.window is None:
                continue
            key = (need.window.length, need.outcomes)
            if need.name == BY_KIND:
                by_kind.add((need.window.kind, key))
            if need.window.kind is WindowKind.TIME:
                time_fields.setdefault(key, {*EVERY_WINDOW}).update(READS[need.name])
            else:
                task_fields.setdefault(key, {*EVERY_WINDOW}).update(READS[need.name])
        self.time_windows = {
            key: self._time_window(
                key, frozenset(fields), now, by_kind=(WindowKind.TIME, key) in by_kind
            )
            for key, fields in time_fields.items()
        }
        self.task_windows = {
            key: self._task_window(
                key, frozenset(fields), by_kind=(WindowKind.TASKS, key) in by_kind
            )
            for key, fields in task_fields.items()
        }
        self.streaks = {outcomes: self._streak(outcomes) for outcomes in streaks}

    def insert(self, older: Rows, slots: Places, *, before: int, now: int) -> None:
        """Outcomes of `slots` that came before what was noted from the place `before` on; their windows are
        added up anew."""
        earlier = self._valid(self.log.first, before)
        later = self._valid(before, self.log.end)
        everything = Rows.joined([earlier, older, later])
        self._leave_windows(now)
        self._replace(everything)
        theirs = np.zeros(self._capacity, np.bool_)
        theirs[slots] = True
        rows = self.log.rows(self.log.first, self.log.end)
        rows = rows.take(theirs[rows.slot])
        for window in self.time_windows.values():
            window.clear(slots)
            window.tail = self.log.after(now - window.length)
            window.enter(Amounts(rows.take(rows.at > now - window.length)))
        by_slot = _by_slot(rows)
        np.maximum.at(self._entered_at, by_slot.slot, by_slot.at)
        for task_window in self.task_windows.values():
            task_window.clear(slots)
            task_window.enter(grouped(by_slot, counting(task_window.outcomes).denominator))
        for outcomes, streak in self.streaks.items():
            if outcomes != DEFAULT:  # which a checkpoint carries
                streak.clear(slots)
                streak.enter(grouped(by_slot, counting(outcomes).denominator))

    def complete(self, now: int) -> None:
        """There is no more history to be had: what windows hold is all there was, and stays until it is due."""
        self.cut = min(self.cut, now - self.longest_ms)
        for window in self._windows():
            window.since = EVERYTHING

    def held(self) -> Integers:
        """How many outcomes of its present occupant the log holds, per slot."""
        return np.bincount(self.remembered().slot, minlength=self._capacity)

    def durations(
        self, window: TimeWindow, wanted: NDArray[np.bool_]
    ) -> tuple[Places, Integers]:
        """Slot and duration of every outcome of the wanted slots in a window, as of the last `leave`."""
        rows = self.log.rows(window.tail, self.log.end)
        which = np.flatnonzero(wanted[rows.slot])
        slot, duration = rows.slot[which], rows.duration[which]
        is_work = counting(window.outcomes).work[rows.kind[which]] > 0
        counted = is_work & (duration >= 0) & (window.tail + which >= self._guard[slot])
        return slot[counted], duration[counted]

    def _windows(self) -> list[TimeWindow | TaskWindow | Streak]:
        over_time, over_tasks = self.time_windows.values(), self.task_windows.values()
        return [*over_time, *over_tasks, *self.streaks.values()]

    def _valid(self, begin: int, end: int) -> Rows:
        rows = self.log.rows(begin, end)
        current = np.arange(begin, end) >= self._guard[rows.slot]
        return rows if current.all() else rows.take(current)

    def _leave_windows(self, now: int) -> None:
        self.catch_up()
        if not self.log.is_sorted:
            self._sort(now)
        for window in self.time_windows.values():
            place = max(self.log.after(now - window.length), window.tail)
            for begin in range(window.tail, place, _CHUNK):
                window.leave(self._valid(begin, min(begin + _CHUNK, place)))
            window.tail = place

    def _enter(self, rows: Rows) -> None:
        if not len(rows):
            return
        amounts = Amounts(rows)
        for window in self.time_windows.values():
            window.enter(amounts)
        by_slot = _by_slot(rows)
        whole = self._with_their_instants(by_slot)
        for outcomes in {*self.streaks, *(outcomes for _, outcomes in self.task_windows)}:
            groups = grouped(by_slot, counting(outcomes).denominator)
            if (streak := self.streaks.get(outcomes)) is not None:
                streak.enter(groups)
            if whole is not by_slot:
                groups = grouped(whole, counting(outcomes).denominator)
            for (_, of), task_window in self.task_windows.items():
                if of == outcomes:
                    task_window.enter(groups)
        np.maximum.at(self._entered_at, rows.slot, rows.at)

    def _with_their_instants(self, by_slot: Rows) -> Rows:
        """Outcomes with those of their first instants that rings hold already, and now let go again."""
        again = by_slot.at == self._entered_at[by_slot.slot]
        if not again.any() or not self.task_windows:
            return by_slot
        begun = np.unique(by_slot.slot[again])
        first = self.log.first
        if self.log.is_sorted:
            first = self.log.after(int(by_slot.at[again].min()) - 1)
        entered = self._valid(first, self._entered)
        theirs = np.zeros(self._capacity, np.bool_)
        theirs[begun] = True
        held = theirs[entered.slot] & (entered.at == self._entered_at[entered.slot])
        for task_window in self.task_windows.values():
            task_window.take_back(begun, self._entered_at[begun])
        return _by_slot(Rows.joined([entered.take(held), by_slot]))

    def _sort(self, now: int) -> None:
        """Outcomes came out of order, as they do in a rebuild: windows over time are added up anew."""
        self._replace(self._valid(self.log.first, self.log.end))
        for window in self.time_windows.values():
            window.clear(slice(None))
            self._fill(window, now)

    def _replace(self, rows: Rows) -> None:
        self.log.replace(rows)
        self._guard.fill(0)
        self._entered = self.log.end
        for window in self.time_windows.values():
            window.tail = 0

    def _fill(self, window: TimeWindow, now: int) -> None:
        window.tail = self.log.after(now - window.length)
        for begin in range(window.tail, self.log.end, _CHUNK):
            rows = self._valid(begin, min(begin + _CHUNK, self.log.end))
            window.enter(Amounts(rows))

    def _time_window(
        self, key: Key, fields: frozenset[Field], now: int, *, by_kind: bool
    ) -> TimeWindow:
        length, outcomes = key
        known = self.time_windows.get(key)
        if known is not None and fields <= known.sums.keys() and _has(known, by_kind):
            known.sums = {field: known.sums[field] for field in fields}
            known.mix = known.mix if by_kind else None
            return known
        window = TimeWindow(length, outcomes, fields, self._capacity, by_kind=by_kind)
        window.since = self.cut
        self._fill(window, now)
        return window

    def _task_window(self, key: Key, fields: frozenset[Field], *, by_kind: bool) -> TaskWindow:
        length, outcomes = key
        known = self.task_windows.get(key)
        if known is not None and known.adapt(fields, by_kind=by_kind):
            return known
        window = TaskWindow(length, outcomes, fields, self._capacity, by_kind=by_kind)
        window.since = self.cut
        rows = _by_slot(self._valid(self.log.first, self.log.end))
        window.enter(grouped(rows, counting(outcomes).denominator))
        return window

    def _streak(self, outcomes: Filter) -> Streak:
        known = self.streaks.get(outcomes)
        if known is not None:
            return known
        streak = Streak(outcomes, self._capacity)
        streak.since = self.cut
        rows = _by_slot(self._valid(self.log.first, self.log.end))
        streak.enter(grouped(rows, counting(outcomes).denominator))
        return streak


def _has(window: TimeWindow, by_kind: bool) -> bool:
    return window.mix is not None or not by_kind


def _by_slot(rows: Rows) -> Rows:
    """Together by slot, in time; outcomes of one instant by their keys."""
    ordered = rows.take(np.argsort(rows.slot, kind="stable"))
    at_once = (ordered.slot[1:] == ordered.slot[:-1]) & (ordered.at[1:] <= ordered.at[:-1])
    if at_once.any():
        ordered = ordered.take(np.lexsort([ordered.key, ordered.at, ordered.slot]))
    return ordered
