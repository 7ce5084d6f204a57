"""What the judge asks: every measure as one vector over slots, at one instant, NaN where unknown.

A view of the live columns, not a copy: valid until the fleet folds again.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pinkslip.fleet.acts import Acts
from pinkslip.fleet.blindness import Spells
from pinkslip.fleet.catalogue import MEASURES
from pinkslip.fleet.columns import Columns
from pinkslip.fleet.decay import Rates
from pinkslip.fleet.evidence import Evidence
from pinkslip.fleet.flapping import flap_score
from pinkslip.fleet.memory import Memory
from pinkslip.fleet.needs import Words
from pinkslip.fleet.outcomes import Field
from pinkslip.fleet.presence import Presence
from pinkslip.fleet.rhythm import FRACTION
from pinkslip.fleet.slots import Places, Slots
from pinkslip.fleet.snapshot import Codes, Counts, Floats, Integers
from pinkslip.fleet.suspicion import suspicion
from pinkslip.fleet.task_kinds import TaskKinds
from pinkslip.fleet.windows import TaskWindow, TimeWindow
from pinkslip.model.policy import Filter, Window, WindowKind
from pinkslip.model.words import Scope, Standing, Status, code_of

Bools = NDArray[np.bool_]
Where = Places | slice

_WAITING = code_of(Status.WAITING)
_FIRED = code_of(Standing.FIRED)
_QUARANTINED = code_of(Standing.QUARANTINED)
_QUANTILES = {"duration_p50": 50, "duration_p95": 95}
_ANY = Filter()


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetSettings:
    """What the operator set for everybody."""

    assumed_interval_ms: int = 30_000
    """The heartbeat interval of agents that declared none."""
    stale_factor: float = 3.0
    """Grace, in intervals."""
    min_tasks: int = 5
    """Fewer contributing outcomes than this, and rates, scores, durations and unit costs are unknown."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What a view looks at."""

    settings: FleetSettings
    slots: Slots
    columns: Columns
    memory: Memory
    spells: Spells
    acts: Acts
    presence: Presence
    evidence: Evidence
    task_kinds: TaskKinds
    words: Callable[[str], Words]
    observing_since: int


class Measures:
    """The fleet at `now`."""

    def __init__(self, parts: Parts, *, now: int) -> None:
        columns, size = parts.columns, parts.slots.size
        self._parts = parts
        self._known: dict[tuple[str, Window | None, Filter], Floats] = {}
        self.now = now
        self.size = size
        self.agent_ids = columns.agent_ids
        self.numbers = columns.numbers[:size]
        """`agent_no`; 0: the slot is free."""
        self.present: Bools = self.numbers > 0
        self.incarnation = columns.incarnation[:size]
        self.status: Codes = columns.status[:size]
        self.standing: Codes = columns.standing[:size]
        self.finished: Bools = columns.finished_at[:size] > 0
        self.protected_until = columns.protected_until[:size]
        self.standing_until = columns.standing_until[:size]
        self.ordered_until = columns.ordered_until[:size]
        """The end of a person's quarantine."""
        self.released_at = columns.released_at[:size]
        self.boot_changed_at = columns.boot_changed_at[:size]
        self.acts = parts.acts
        self.created_at = columns.incarnation_at[:size]
        """Since when the present incarnation has been known."""
        self.tasks: Integers = columns.tasks[:size] - columns.tasks_before[:size]
        """Outcomes counted in the present incarnation, whatever a filter says."""
        self.active = active(columns, slice(size))
        self.observing_since = parts.observing_since
        self.stale_factor = parts.settings.stale_factor
        self.min_tasks = parts.settings.min_tasks
        self.interval_ms = intervals(columns, slice(size), parts.settings)
        self.interval_s: Floats = self.interval_ms / 1000.0
        """Declared, else assumed."""
        self.stale = stale(parts, slice(size), now=now)

    def value(self, name: str, window: Window | None = None, outcomes: Filter = _ANY) -> Floats:
        """A measure in base units, per slot. KeyError: there is no such measure, or nobody declared it."""
        kind = MEASURES.get(name)
        if kind is None or kind.windowed is (window is None):
            raise KeyError(f"there is no measure {name}{window or ''}")
        key = (name, window, outcomes if kind.reads_outcomes else _ANY)
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = self._value(name, window, outcomes)
        return known

    def quantile(self, name: str, window: Window, outcomes: Filter, slots: Integers) -> Floats:
        """`duration_p50` or `duration_p95` (nearest rank, exact) of these slots only, in their order."""
        percent = _QUANTILES[name]
        asked, back = np.unique(slots, return_inverse=True)
        which, durations = self._durations(window, outcomes, asked)
        counts = np.bincount(which, minlength=len(asked))
        ordered = _by_agent(which, durations)
        rank = (counts * percent + 99) // 100
        quantiles = np.full(len(asked), np.nan)
        enough = np.flatnonzero(counts >= max(self._parts.settings.min_tasks, 1))
        first = np.cumsum(counts) - counts
        quantiles[enough] = ordered[first[enough] + rank[enough] - 1] / 1000.0
        answer: Floats = quantiles[back]
        return answer

    def counts(self, outcomes: Filter, scope: Scope) -> tuple[Integers, Integers]:
        """Tasks and successes of each agent's incarnation, or of its lineage; an agent without one is its own."""
        return self._parts.evidence.counts(outcomes, scope, self.size, now=self.now)

    def counts_of_lineage(self, lineage: str, outcomes: Filter) -> tuple[int, int]:
        """Tasks and successes of everybody who ever had this lineage, whoever is present."""
        return self._parts.evidence.lineages.counts_of(lineage, outcomes, now=self.now)

    def cusum(self, good: float, bad: float, outcomes: Filter, scope: Scope) -> Floats:
        """The CUSUM of ln(bad) against ln(good) over each agent's outcomes since its evidence began anew; unknown
        before the first. KeyError: nobody declared it."""
        rates = Rates(good, bad, outcomes)
        return self._parts.evidence.nats(rates, scope, self.size, now=self.now)

    def task_kinds(self, window: Window, outcomes: Filter) -> tuple[Counts, Counts]:
        """Tasks and successes in the window by kind of task: a row for each kind that anybody did, a place for
        each slot. Outcomes without a kind are a kind of their own. KeyError: nobody declared `expected_ratio`."""
        declared = self._window(window, outcomes)
        if declared.mix is None:
            raise KeyError(f"nobody declared expected_ratio{window} with {outcomes}")
        return declared.by_kind(self._parts.task_kinds.by_name(), self.size)

    def words(self, field: str) -> Words:
        """A text field as codes: agent, name, role, model, host, lineage, status, standing or label.<name>."""
        return self._parts.words(field)

    def active_at(self, then: int) -> Bools:
        """Who was active at an earlier instant, as far back as was declared; before that, as at the oldest known."""
        columns, slots = self._parts.columns, self._parts.slots
        finished, standing = self._parts.presence.at(then, columns, slots)
        was_known = self.present & (columns.created_at[: self.size] <= then)
        was_active: Bools = was_known & _is_active(finished, standing)
        return was_active

    def fired_by_policy_since(self, then: int) -> Bools:
        """Whom a policy fired later than `then`, reinstated or not."""
        columns, size = self._parts.columns, self.size
        since: Bools = columns.last_fired_at[:size] > then
        return since & columns.fired_by_policy[:size]

    def blind_between(self, start: int, end: int) -> int:
        """Milliseconds of [start, end] in which we did not see."""
        return self._parts.spells.between(start, end)

    def slot_of(self, agent_no: int) -> int | None:
        """Where in every vector an agent is; None: not in memory."""
        return self._parts.slots.get(agent_no)

    def _value(self, name: str, window: Window | None, outcomes: Filter) -> Floats:
        if window is not None:
            return self._windowed(name, window, outcomes)
        if name == "consecutive_failures":
            return self._streak(outcomes)
        return self._plain(name)

    def _plain(self, name: str) -> Floats:
        columns, size = self._parts.columns, self.size
        match name:
            case "heartbeat_interval":
                return self.interval_s
            case "heartbeat_age":
                return self._seconds(self._silence(), columns.last_heartbeat[:size] > 0)
            case "missed_beats":
                missed = (self._silence() // self.interval_ms).astype(np.float64)
                return self._known_where(missed, columns.last_heartbeat[:size] > 0)
            case "progress_age":
                return self._age(columns.progress_at[:size])
            case "status_age":
                return self._age(columns.status_since[:size])
            case "task_age":
                return self._age(columns.task_since[:size])
            case "age":
                return self._age(self.created_at)
            case "flap_score":
                return self._known_where(
                    flap_score(columns.late_beats[:size]), columns.last_heartbeat[:size] > 0
                )
            case "suspicion":
                return self._suspicion()
            case "context_used":
                return self._known_where(columns.context_used[:size].copy(), self.present)
            case _:
                raise KeyError(f"there is no measure {name}")

    def _silence(self) -> Integers:
        return silence(self._parts, slice(self.size), now=self.now)

    def _suspicion(self) -> Floats:
        columns, size = self._parts.columns, self.size
        return suspicion(
            self._silence(),
            mean_ms=columns.gap_mean[:size] / FRACTION,
            variance_ms2=columns.gap_variance[:size],
            gaps=columns.gaps[:size],
            interval_ms=self.interval_ms,
        )

    def _age(self, since: Integers) -> Floats:
        return self._seconds(self._parts.spells.ages(since, self.now), since > 0)

    def _seconds(self, ms: Integers, known: Bools) -> Floats:
        return self._known_where(ms / 1000.0, known)

    def _known_where(self, values: Floats, known: Bools) -> Floats:
        """`values`, which nobody else may change, unknown elsewhere."""
        where = known & self.present
        return values if where.all() else np.where(where, values, np.nan)

    def _streak(self, outcomes: Filter) -> Floats:
        streak = self._parts.memory.streaks.get(outcomes)
        if streak is None:
            raise KeyError(f"nobody declared consecutive_failures with {outcomes}")
        failures: Floats = streak.length[: self.size].astype(np.float64)
        return self._known_where(failures, self.present)

    def _window(self, window: Window, outcomes: Filter) -> TimeWindow | TaskWindow:
        memory, key = self._parts.memory, (window.length, outcomes)
        match window.kind:
            case WindowKind.TIME:
                if key in memory.time_windows:
                    return memory.time_windows[key]
            case WindowKind.TASKS:
                if key in memory.task_windows:
                    return memory.task_windows[key]
        raise KeyError(f"nobody declared {window} with {outcomes}")

    def _windowed(self, name: str, window: Window, outcomes: Filter) -> Floats:
        if name in _QUANTILES:
            return self.quantile(name, window, outcomes, np.arange(self.size))
        declared = self._window(window, outcomes)

        def total(field: Field) -> Floats:
            sums = declared.sum(field, self.size)
            values: Floats = sums.astype(np.float64)
            # a sum beyond 64 bits is not a number anybody can act on
            values[sums < 0] = np.nan
            return values

        return self._known_where(self._of_sums(name, total), self.present)

    def _of_sums(self, name: str, total: Callable[[Field], Floats]) -> Floats:
        match name:
            case "expected_ratio":
                raise KeyError("the judge works out expected_ratio, from task_kinds")
            case "failures":
                return total(Field.TASKS) - total(Field.SUCCESSES)
            case "success_rate":
                tasks = total(Field.TASKS)
                return self._mean(total(Field.SUCCESSES), tasks, enough=tasks)
            case "score":
                scored = total(Field.SCORED)
                return self._mean(total(Field.SCORE), scored * 1e6, enough=scored)
            case "duration_mean":
                timed = total(Field.DURATIONS)
                return self._mean(total(Field.DURATION_MS), timed * 1e3, enough=timed)
            case "cost":
                return total(Field.COST) / 1e6
            case "cost_per_success":
                successes = total(Field.SUCCESSES)
                return self._mean(total(Field.COST), successes * 1e6, enough=total(Field.TASKS))
            case _:  # the others are one sum, and have its name
                return total(Field(name))

    def _mean(self, amount: Floats, over: Floats, *, enough: Floats) -> Floats:
        mean = np.full(len(amount), np.nan)
        known = (enough >= self._parts.settings.min_tasks) & (over > 0)
        np.divide(amount, over, out=mean, where=known)
        return mean

    def _durations(
        self, window: Window, outcomes: Filter, slots: Places
    ) -> tuple[Places, Integers]:
        declared = self._window(window, outcomes)
        if isinstance(declared, TaskWindow):
            return declared.durations(slots)
        wanted = np.zeros(self._parts.columns.capacity, np.bool_)
        wanted[slots] = True
        found, durations = self._parts.memory.durations(declared, wanted)
        place = np.empty(len(wanted), np.int64)
        place[slots] = np.arange(len(slots))
        return place[found], durations


def _by_agent(which: Places, durations: Integers) -> Integers:
    """Durations agent by agent, each agent's ascending."""
    bits = int(durations.max(initial=0)).bit_length()
    if bits + int(which.max(initial=0)).bit_length() > 62:
        return durations[np.lexsort([durations, which])]
    # both in one number: sorting one column is three times as fast as sorting by two
    both = (which.astype(np.int64) << bits) | durations
    both.sort()
    ordered: Integers = both & ((1 << bits) - 1)
    return ordered


def intervals(columns: Columns, where: Where, settings: FleetSettings) -> Integers:
    """The heartbeat interval of each agent: declared, else assumed."""
    declared = columns.interval_ms[where]
    return np.where(declared > 0, declared, settings.assumed_interval_ms)


def active(columns: Columns, where: Where) -> Bools:
    """In memory, not finished, not fired, not quarantined."""
    finished: Bools = columns.finished_at[where] > 0
    here: Bools = (columns.numbers[where] > 0) & _is_active(finished, columns.standing[where])
    return here


def _is_active(finished: Bools, standing: Codes) -> Bools:
    is_active: Bools = ~finished & (standing != _FIRED) & (standing != _QUARANTINED)
    return is_active


def silence(parts: Parts, where: Where, *, now: int) -> Integers:
    """Milliseconds since the last heartbeat, of this incarnation's time only, blind time taken off.

    A reinstated agent is given its grace anew: what it did not say before is no evidence against it now.
    """
    columns = parts.columns
    since = np.maximum(columns.last_heartbeat[where], columns.incarnation_at[where])
    return parts.spells.ages(since, now)


def stale(parts: Parts, where: Where, *, now: int) -> Bools:
    """Silent for longer than its grace, though expected to beat, and watched for a whole interval since
    we last were blind."""
    columns = parts.columns
    interval_ms = intervals(columns, where, parts.settings)
    expected: Bools = (columns.numbers[where] > 0) & (columns.last_heartbeat[where] > 0)
    expected &= columns.finished_at[where] == 0
    expected &= columns.standing[where] != _FIRED
    expected &= columns.status[where] != _WAITING
    expected &= now - parts.observing_since >= interval_ms
    expected &= silence(parts, where, now=now) > parts.settings.stale_factor * interval_ms
    return expected
