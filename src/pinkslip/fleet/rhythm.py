"""Each agent's own rhythm: the gaps between its heartbeats, and whether each beat came late.

A gap counts when the agent was expected to beat throughout it: not while it waited for a user, not across its
end and return. Blind time is taken off; what is longer than ten intervals counts as ten, so that one outage does
not hide the next. Mean and variance are exponentially weighted over about the last 32 gaps (the first 32 weigh
alike), by West's update (D. H. D. West, "Updating mean and variance estimates", CACM 22, 1979) in integers: the same
beats give the same bits.

Within one instant order means nothing: a beat is judged by what stood before its instant, whatever else was
said at it.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pinkslip.fleet.blindness import Spells
from pinkslip.fleet.columns import Columns
from pinkslip.fleet.flapping import Number, shifted
from pinkslip.fleet.slots import Places
from pinkslip.fleet.snapshot import Integers
from pinkslip.model.words import Status, code_of

MEMORY = 32
"""The newest gap weighs one part in so many."""
LONGEST = 10
"""In heartbeat intervals: a longer gap counts as this."""
FRACTION = 256
"""The mean is kept in 256ths of a millisecond: what rounding loses stays far below one."""
_FEW = 16
"""Beats of fewer agents at a time are taken one by one."""

_WAITING = code_of(Status.WAITING)


@dataclass(frozen=True, slots=True)
class _Gaps:
    """Gaps that count, together by slot and oldest first within each."""

    slots: Places
    gap: Integers
    late: Integers
    """1: longer than the grace."""

    def take(self, which: Places) -> "_Gaps":
        return _Gaps(self.slots[which], self.gap[which], self.late[which])


def beat(
    columns: Columns,
    slots: Places,
    at: Integers,
    *,
    spells: Spells,
    assumed_interval_ms: int,
    stale_factor: float,
) -> None:
    """Heartbeats of any agents, any number of each. One no newer than the newest known says nothing."""
    slots, at, before = _in_order(columns, slots, at)
    np.maximum.at(columns.last_heartbeat, slots, at)
    counts = np.flatnonzero((before > 0) & _was_expected(columns, slots, since=before, at=at))
    slots, before, at = slots[counts], before[counts], at[counts]
    interval = _interval_before(columns, slots, at, assumed_interval_ms)
    gap = at - before - spells.known_between(before, at)
    late = (gap > stale_factor * interval).astype(np.int64)
    _take(columns, _Gaps(slots, np.minimum(gap, LONGEST * interval), late))


def restart(columns: Columns, slot: int, at: int) -> None:
    """Another incarnation: what the former one's rhythm was says nothing of it."""
    columns.gaps[slot] = columns.gap_mean[slot] = columns.gap_variance[slot] = 0
    columns.late_beats[slot] = 0
    columns.excused_until[slot] = at


def interval_changes(columns: Columns, slot: int, at: int) -> None:
    """To be told before the agent's interval changes."""
    if columns.interval_since[slot] != at and columns.last_heartbeat[slot]:
        columns.interval_since[slot] = at
        columns.interval_before[slot] = columns.interval_ms[slot]


def _in_order(
    columns: Columns, slots: Places, at: Integers
) -> tuple[Places, Integers, Integers]:
    """Beats newer than what is known, by slot and instant, each with the beat before it (0: none)."""
    newer = np.flatnonzero(at > columns.last_heartbeat[slots])
    slots, at = slots[newer], at[newer]
    order = np.lexsort([at, slots])
    slots, at = slots[order], at[order]
    if not len(slots):
        return slots, at, at
    is_next = slots[1:] == slots[:-1]
    again = np.concatenate([[False], is_next & (at[1:] == at[:-1])])
    before = columns.last_heartbeat[slots]
    before[1:][is_next] = at[:-1][is_next]
    if again.any():
        return slots[~again], at[~again], before[~again]
    return slots, at, before


def _was_expected(
    columns: Columns, slots: Places, *, since: Integers, at: Integers
) -> NDArray[np.bool_]:
    """Whether a beat was expected all the time after one instant and before another."""
    waits = (columns.status[slots] == _WAITING) & (columns.status_since[slots] < at)
    finished_at = columns.finished_at[slots]
    is_gone = (finished_at > 0) & (finished_at < at)
    expected: NDArray[np.bool_] = ~waits & ~is_gone & (columns.excused_until[slots] <= since)
    return expected


def _interval_before(
    columns: Columns, slots: Places, at: Integers, assumed_ms: int
) -> Integers:
    """The interval as it was just before an instant."""
    declared = np.where(
        columns.interval_since[slots] == at,
        columns.interval_before[slots],
        columns.interval_ms[slots],
    )
    return np.where(declared > 0, declared, assumed_ms)


def _take(columns: Columns, gaps: _Gaps) -> None:
    """Everybody's first gap at once, then everybody's second; what is left of a few, one by one."""
    slots = gaps.slots
    if not len(slots):
        return
    first = np.flatnonzero(np.concatenate([[True], slots[1:] != slots[:-1]]))
    sizes = np.diff(first, append=len(slots))
    taken = 0
    while np.count_nonzero(sizes > taken) >= _FEW:
        _take_once(columns, gaps.take(first[sizes > taken] + taken))
        taken += 1
    for begin, size in zip(first[sizes > taken], sizes[sizes > taken], strict=True):
        _take_one_by_one(columns, gaps.take(np.arange(begin + taken, begin + size)))


def _take_once(columns: Columns, gaps: _Gaps) -> None:
    slots = gaps.slots
    weight = np.minimum(columns.gaps[slots].astype(np.int64) + 1, MEMORY)
    is_first = (weight == 1).astype(np.int64)
    mean, variance = _updated(
        columns.gap_mean[slots], columns.gap_variance[slots], gap=gaps.gap, weight=weight
    )
    columns.gap_mean[slots], columns.gap_variance[slots] = mean, variance
    columns.late_beats[slots] = shifted(
        columns.late_beats[slots].astype(np.int64), late=gaps.late, is_first=is_first
    )
    columns.gaps[slots] = weight


def _take_one_by_one(columns: Columns, gaps: _Gaps) -> None:
    slot = gaps.slots[0]
    mean, variance = int(columns.gap_mean[slot]), int(columns.gap_variance[slot])
    seen, states = int(columns.gaps[slot]), int(columns.late_beats[slot])
    for gap, late in zip(gaps.gap.tolist(), gaps.late.tolist(), strict=True):
        states = shifted(states, late=late, is_first=int(seen == 0))
        seen = min(seen + 1, MEMORY)
        mean, variance = _updated(mean, variance, gap=gap, weight=seen)
    columns.gap_mean[slot], columns.gap_variance[slot] = mean, variance
    columns.gaps[slot], columns.late_beats[slot] = seen, states


def _updated(
    mean: Number, variance: Number, *, gap: Number, weight: Number
) -> tuple[Number, Number]:
    """One more gap, which weighs one part in `weight`; the first one is all there is."""
    off = gap - mean // FRACTION
    squared = off * off * (weight > 1)
    mean = mean + (gap * FRACTION - mean) // weight
    variance = variance + (squared - squared // weight - variance) // weight
    return mean, variance
