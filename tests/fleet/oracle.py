"""The fleet in plain Python, straight from the words: no columns, no sums kept, everything counted anew.

Slow and obvious. What the columns answer is compared with this, to the last bit.
"""

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise

from msgspec import UNSET
from scipy.stats import norm

from pinkslip.fleet.fleet import FleetSettings
from pinkslip.fleet.snapshot import DURATION_BUCKETS_MS
from pinkslip.model.facts import (
    Absolved,
    Beat,
    Blinded,
    Changed,
    Done,
    Fact,
    Finished,
    Fired,
    Protected,
    Registered,
    Reinstated,
    Released,
    Reviewed,
    Revived,
    Stood,
)
from pinkslip.model.policy import Filter, Window, WindowKind
from pinkslip.model.words import Fault, Result, Scope, Standing, Status

FOREVER = 1 << 62
QUIET_MS = 60 * 24 * 3_600_000
CORRUPT = (Result.CONTEXT_OVERFLOW, Result.UNPARSABLE)


@dataclass
class Row:
    """One agent."""

    agent_no: int
    agent_id: str
    uuid: str
    created_at: int
    incarnation_at: int
    updated_at: int
    status_since: int
    incarnation: int = 1
    status: Status = Status.IDLE
    standing: Standing = Standing.ACTIVE
    last_heartbeat: int | None = None
    fields: dict[str, object] = field(default_factory=dict)
    task_since: int | None = None
    progress_at: int | None = None
    finished_at: int | None = None
    terminated_at: int | None = None
    protected_until: int | None = None
    fired_count: int = 0
    last_fired: tuple[int, str | None] | None = None
    standing_until: int | None = None
    ordered_until: int | None = None
    released_at: int | None = None
    boot_changed_at: int | None = None
    anew_at: int = 0
    """Outcomes up to here are no evidence of decay."""
    beats: list["Beaten"] = field(default_factory=list)
    """Those of the present incarnation after its first."""
    away: list[list[int]] = field(default_factory=list)
    """From when to when it waited, or had ended."""
    intervals: list[tuple[int, int | None]] = field(default_factory=list)
    was: list[tuple[int, bool]] = field(default_factory=list)
    """From when on it was active, or was not."""
    errors: int = 0
    lifetime: list[Done] = field(default_factory=list)
    """Every counted outcome."""
    present: list[Done] = field(default_factory=list)
    """Those of the present incarnation."""

    def get(self, name: str) -> object:
        return self.fields.get(name)

    @property
    def is_active(self) -> bool:
        away = (Standing.FIRED, Standing.QUARANTINED)
        return self.finished_at is None and self.standing not in away

    def was_active(self, then: int) -> bool:
        return self.created_at <= then and next(
            (was for at, was in reversed(self.was) if at <= then), True
        )


@dataclass
class Beaten:
    """One heartbeat after another."""

    since: int
    at: int
    gap: int
    interval: int
    is_late: bool


class Worker:
    """One lineage."""

    def __init__(self) -> None:
        self.done: list[Done] = []
        self.restarted_at = self.anew_at = self.heard_at = 0

    def take(self, done: Done) -> None:
        if self.heard_at and done.at - self.heard_at > QUIET_MS:
            self.__init__()
        if done.at > self.restarted_at:
            self.done.append(done)
            self.heard_at = max(self.heard_at, done.at)

    def begin_tests(self, at: int) -> None:
        self.anew_at, self.heard_at = at, max(at, self.heard_at)

    def restart(self, at: int) -> None:
        self.done, self.restarted_at = [], at
        self.begin_tests(at)


class Oracle:
    """All facts so far, and every answer."""

    def __init__(self, settings: FleetSettings) -> None:
        self.settings = settings
        self.rows: dict[int, Row] = {}
        self.gone: dict[int, Row] = {}
        self.roles: dict[tuple[str, str], dict[str, object]] = {}
        self.blind: list[tuple[int, int]] = []
        self.noted: list[tuple[int, int, int]] = []
        """With when each spell was noted."""
        self.scores: dict[bytes, int] = {}
        """By event id, what reviews made of them."""
        self.workers: dict[str, Worker] = {}
        self.first_at: int | None = None

    def fold(self, facts: Iterable[Fact]) -> None:
        for fact in facts:
            self.take(fact)

    def take(self, fact: Fact) -> None:
        if self.first_at is None:
            self.first_at = fact.at
        if isinstance(fact, Blinded):
            self.blind.append((fact.start, fact.end))
            self.noted.append((fact.at, fact.start, fact.end))
            return
        if isinstance(fact, Absolved):
            self.worker(fact.lineage).restart(fact.at)
            return
        if isinstance(fact, Registered):
            at = fact.at
            self.rows[fact.agent_no] = Row(
                fact.agent_no, fact.agent_id, fact.uuid, at, at, at, at
            )
            return
        row = self.rows[fact.agent_no]
        if isinstance(fact, Done) and not fact.counted:
            return
        row.updated_at = fact.at
        match fact:
            case Beat():
                self.beat(row, fact.at)
            case Done():
                self.done(row, fact)
            case Changed():
                self.change(row, fact)
            case Finished():
                self.become(row, Status.IDLE, fact.at)
                self.task(row, None, fact.at)
                row.finished_at = fact.at
                row.away.append([fact.at, FOREVER])
                self.role(row)["finished"] += 1
            case Revived():
                row.away[-1][1] = fact.at
                row.finished_at = None
                self.restart_clocks(row, fact.at)
            case Fired():
                self.become(row, Status.TERMINATED, fact.at)
                row.standing = Standing.FIRED
                row.terminated_at = fact.at
                row.standing_until = row.ordered_until = None
                row.fired_count += 1
                row.last_fired = (fact.at, fact.by_policy)
            case Reinstated():
                row.incarnation, row.incarnation_at = fact.incarnation, fact.at
                row.standing = Standing.ACTIVE
                row.terminated_at = row.finished_at = None
                row.standing_until = row.ordered_until = None
                row.present, row.beats, row.away, row.anew_at = [], [], [], 0
                if (lineage := row.get("lineage")) is not None:
                    self.worker(lineage).restart(fact.at)
                self.become(row, Status.IDLE, fact.at)
                self.task(row, None, fact.at)
                self.restart_clocks(row, fact.at)
            case Protected():
                row.protected_until = fact.until
            case Stood() | Released():
                self.stand(row, fact)
            case Reviewed():
                if fact.counted:
                    self.scores[fact.event_id] = fact.score_e6
        row.was.append((fact.at, row.is_active))

    def stand(self, row: Row, fact: Stood | Released) -> None:
        if isinstance(fact, Released) or fact.standing is not Standing.NOTICE:
            row.anew_at = fact.at
            if (lineage := row.get("lineage")) is not None:
                self.worker(lineage).begin_tests(fact.at)
        if isinstance(fact, Released):
            row.standing, row.released_at = Standing.ACTIVE, fact.at
            row.standing_until = row.ordered_until = None
            return
        row.standing, row.standing_until = fact.standing, fact.until
        if fact.by_person:
            row.ordered_until = fact.until

    def worker(self, lineage: str) -> Worker:
        return self.workers.setdefault(lineage, Worker())

    def beat(self, row: Row, at: int) -> None:
        since, row.last_heartbeat = row.last_heartbeat, at
        if since is None or since == at or since < row.incarnation_at:
            return
        if any(begun < at and ended > since for begun, ended in row.away if begun < ended):
            return
        known = [(start, end) for noted, start, end in self.noted if noted < at]
        gap = at - since - blind_between(known, since, at)
        declared = [interval for changed, interval in row.intervals if changed < at]
        interval = (declared[-1] if declared else None) or self.settings.assumed_interval_ms
        is_late = gap > self.settings.stale_factor * interval
        row.beats.append(Beaten(since, at, min(gap, 10 * interval), interval, is_late))

    def restart_clocks(self, row: Row, at: int) -> None:
        row.status_since = at
        if row.progress_at is not None:
            row.progress_at = at

    def become(self, row: Row, status: Status, at: int) -> None:
        if row.status is not status:
            if row.status is Status.WAITING:
                row.away[-1][1] = at
            if status is Status.WAITING:
                row.away.append([at, FOREVER])
            row.status, row.status_since = status, at

    def task(self, row: Row, task: str | None, at: int) -> None:
        if row.get("current_task") != task:
            row.fields["current_task"] = task
            row.task_since = None if task is None else at

    def change(self, row: Row, fact: Changed) -> None:
        if fact.status is not UNSET:
            if fact.status is Status.ERROR and row.status is not Status.ERROR:
                row.errors += 1
            self.become(row, fact.status, fact.at)
        if fact.current_task is not UNSET:
            self.task(row, fact.current_task, fact.at)
        if fact.progress is not UNSET and fact.progress != row.get("progress"):
            row.progress_at = None if fact.progress is None else fact.at
        if fact.interval_ms is not UNSET:
            row.intervals.append((fact.at, fact.interval_ms))
        boots = (row.get("boot_id"), fact.boot_id)
        if UNSET not in boots and None not in boots and boots[0] != boots[1]:
            row.boot_changed_at = fact.at
        for name in Changed.__struct_fields__[3:]:
            value = getattr(fact, name)
            if value is not UNSET and name not in {"status", "current_task"}:
                row.fields[name] = value

    def done(self, row: Row, fact: Done) -> None:
        row.lifetime.append(fact)
        row.present.append(fact)
        if (lineage := row.get("lineage")) is not None:
            self.worker(lineage).take(fact)
        if fact.error is not None:
            row.errors += 1
            row.fields["last_error"] = fact.error
        totals = self.role(row)
        totals["tasks"] += 1
        totals["results"][list(Result).index(fact.result)] += 1
        if is_failed(fact):
            totals["failed"][list(Fault).index(fact.fault)] += 1
        if fact.duration_ms is not None:
            totals["duration_ms_sum"] += fact.duration_ms
            totals["duration_count"] += 1
            totals["duration_buckets"][bucket(fact.duration_ms)] += 1
        totals["tokens_in"] += fact.tokens_in or 0
        totals["tokens_out"] += fact.tokens_out or 0
        totals["cost_micros"] += fact.cost_micros or 0

    def role(self, row: Row) -> dict[str, object]:
        key = (row.get("role") or "", row.get("model") or "")
        return self.roles.setdefault(
            key,
            {
                "tasks": 0,
                "failed": [0] * len(Fault),
                "duration_ms_sum": 0,
                "duration_count": 0,
                "duration_buckets": [0] * (len(DURATION_BUCKETS_MS) + 1),
                "tokens_in": 0,
                "tokens_out": 0,
                "cost_micros": 0,
                "finished": 0,
                "results": [0] * len(Result),
            },
        )

    def forget(self, *, left_before: int) -> list[int]:
        left = [
            number
            for number, row in self.rows.items()
            if (left_at := max(row.finished_at or 0, row.terminated_at or 0))
            and left_at < left_before
        ]
        for number in left:
            self.gone[number] = self.rows.pop(number)
        return left

    def bring_back(self, number: int) -> None:
        self.rows[number] = self.gone.pop(number)

    # answers

    def blind_between(self, start: int, end: int) -> int:
        return blind_between(self.blind, start, end)

    @property
    def observing_since(self) -> int:
        return max((end for _, end in self.blind), default=self.first_at or 0)

    def age_ms(self, since: int, now: int) -> int:
        return max(0, now - since - self.blind_between(since, now))

    def interval_ms(self, row: Row) -> int:
        return row.get("interval_ms") or self.settings.assumed_interval_ms

    def silence_ms(self, row: Row, now: int) -> int | None:
        if row.last_heartbeat is None:
            return None
        return self.age_ms(max(row.last_heartbeat, row.incarnation_at), now)

    def is_stale(self, row: Row, now: int) -> bool:
        silence = self.silence_ms(row, now)
        if silence is None or row.status is Status.WAITING:
            return False
        if row.finished_at is not None or row.standing is Standing.FIRED:
            return False
        if now - self.observing_since < self.interval_ms(row):
            return False
        return silence > self.settings.stale_factor * self.interval_ms(row)

    def value(
        self, row: Row, name: str, window: Window | None, outcomes: Filter, now: int
    ) -> float:
        if window is None:
            return self.plain(row, name, outcomes, now)
        return self.windowed(row, name, window, outcomes, now)

    def plain(self, row: Row, name: str, outcomes: Filter, now: int) -> float:
        def age(since: int | None) -> float:
            return math.nan if since is None else self.age_ms(since, now) / 1000

        silence = self.silence_ms(row, now)
        match name:
            case "heartbeat_age":
                return math.nan if silence is None else silence / 1000
            case "missed_beats":
                return math.nan if silence is None else float(silence // self.interval_ms(row))
            case "heartbeat_interval":
                return self.interval_ms(row) / 1000
            case "progress_age":
                return age(row.progress_at)
            case "status_age":
                return age(row.status_since)
            case "task_age":
                return age(row.task_since)
            case "age":
                return age(row.incarnation_at)
            case "context_used":
                used = row.get("context_used")
                return math.nan if used is None else used
            case "flap_score":
                return math.nan if row.last_heartbeat is None else flap_score(row.beats)
            case "suspicion":
                return suspicion(row.beats, silence, self.interval_ms(row))
            case "consecutive_failures":
                return float(self.streak(row, outcomes))
        raise KeyError(name)

    def streak(self, row: Row, outcomes: Filter) -> int:
        rated = [d for d in row.present if in_denominator(d, outcomes)]
        success_at = max((d.at for d in rated if d.result is Result.SUCCESS), default=0)
        return sum(d.at > success_at for d in rated)

    def score(self, done: Done) -> int | None:
        return self.scores.get(done.event_id, done.score_e6)

    def counts(self, row: Row, outcomes: Filter, scope: Scope, now: int) -> tuple[int, int]:
        rated = [d for d in self.evidence(row, scope, now) if in_denominator(d, outcomes)]
        return len(rated), sum(d.result is Result.SUCCESS for d in rated)

    def evidence(self, row: Row, scope: Scope, now: int) -> list[Done]:
        lineage = row.get("lineage")
        if scope is Scope.AGENT or lineage is None:
            return row.present
        worker = self.worker(lineage)
        return [] if now - worker.heard_at > QUIET_MS else worker.done

    def cusum(
        self, row: Row, good: float, bad: float, outcomes: Filter, scope: Scope, now: int
    ) -> float:
        success, failure = math.log(bad / good), math.log((1 - bad) / (1 - good))
        steps = {True: round(success * 10**9), False: round(failure * 10**9)}
        lineage = row.get("lineage")
        if scope is Scope.AGENT:
            anew_at = row.anew_at
        elif lineage is None:
            return math.nan
        else:
            anew_at = self.worker(lineage).anew_at
        rated = [
            d
            for d in self.evidence(row, scope, now)
            if d.at > anew_at and in_denominator(d, outcomes)
        ]
        value = 0
        for at in sorted({d.at for d in rated}):
            at_once = [steps[d.result is Result.SUCCESS] for d in rated if d.at == at]
            value = max(0, value + sum(at_once))
        return value / 10**9 if rated else math.nan

    def kinds(
        self, row: Row, window: Window, outcomes: Filter, now: int
    ) -> Counter[tuple[str | None, bool]]:
        rated, _ = self.inside(row, window, outcomes, now)
        return Counter((d.kind, d.result is Result.SUCCESS) for d in rated)

    def inside(
        self, row: Row, window: Window, outcomes: Filter, now: int
    ) -> tuple[list[Done], list[Done]]:
        """What counts for rates, and what counts as work."""
        if window.kind is WindowKind.TIME:
            inside = [d for d in row.present if now - window.length < d.at <= now]
            rated = [d for d in inside if in_denominator(d, outcomes)]
            return rated, [d for d in inside if d.source in outcomes.sources]
        rated = [d for d in row.present if in_denominator(d, outcomes)]
        newest = sorted(rated, key=in_its_instant)[-window.length :]
        return newest, newest

    def windowed(
        self, row: Row, name: str, window: Window, outcomes: Filter, now: int
    ) -> float:
        rated, work = self.inside(row, window, outcomes, now)
        few = self.settings.min_tasks
        successes = sum(d.result is Result.SUCCESS for d in rated)
        durations = sorted(d.duration_ms for d in work if d.duration_ms is not None)
        cost = sum(d.cost_micros or 0 for d in work)
        match name:
            case "tasks":
                return float(len(rated))
            case "successes":
                return float(successes)
            case "failures":
                return float(len(rated) - successes)
            case "refusals":
                return float(sum(d.result is Result.REFUSED for d in rated))
            case "off_track":
                return float(sum(d.result is Result.OFF_TRACK for d in rated))
            case "timeouts":
                return float(sum(d.result is Result.TIMEOUT for d in rated))
            case "corruptions":
                return float(sum(d.result in CORRUPT for d in rated))
            case "success_rate":
                return successes / len(rated) if len(rated) >= few else math.nan
            case "score":
                scores = [score for d in rated if (score := self.score(d)) is not None]
                return sum(scores) / (len(scores) * 1e6) if len(scores) >= few else math.nan
            case "duration_mean":
                if len(durations) < few:
                    return math.nan
                return float(sum(durations)) / (len(durations) * 1e3)
            case "duration_p50" | "duration_p95":
                if len(durations) < few:
                    return math.nan
                share = 50 if name == "duration_p50" else 95
                return next(
                    value / 1000
                    for rank, value in enumerate(durations, 1)
                    if 100 * rank >= share * len(durations)
                )
            case "tokens":
                return float(sum((d.tokens_in or 0) + (d.tokens_out or 0) for d in work))
            case "cost":
                return float(cost) / 1e6
            case "cost_per_success":
                if len(rated) < few or not successes:
                    return math.nan
                return float(cost) / (successes * 1e6)
            case "errors":
                return float(sum(d.error is not None for d in work))
        raise KeyError(name)


def in_its_instant(done: Done) -> tuple[int, int]:
    """By time, and then by something that has nothing to do with who came first."""
    first, last = (
        int.from_bytes(half, "little", signed=True)
        for half in (done.event_id[:8], done.event_id[8:])
    )
    mixed = (first * 0x1E3779B97F4A7C15 + last) % 2**64
    return done.at, mixed - 2**64 if mixed >= 2**63 else mixed


def blind_between(spells: list[tuple[int, int]], start: int, end: int) -> int:
    merged: list[list[int]] = []
    for begin, stop in sorted(spells):
        if merged and begin <= merged[-1][1]:
            merged[-1][1] = max(merged[-1][1], stop)
        else:
            merged.append([begin, stop])
    return sum(max(0, min(stop, end) - max(begin, start)) for begin, stop in merged)


def flap_score(beats: list[Beaten]) -> float:
    states = [beat.is_late for beat in beats][-21:]
    changes = [one != other for one, other in pairwise(states)]
    places = range(20 - len(changes) + 1, 21)
    weights = (Fraction(3, 4) + Fraction(place - 1, 38) for place in places)
    return float(sum(w for w, change in zip(weights, changes, strict=True) if change) / 20)


def suspicion(beats: list[Beaten], silence: int | None, interval: int) -> float:
    if len(beats) < 8 or silence is None:
        return math.nan
    mean = variance = 0
    for seen, beat in enumerate(beats, 1):
        weight = min(seen, 32)
        off = 0 if seen == 1 else beat.gap - mean // 256
        mean += (beat.gap * 256 - mean) // weight
        variance += (off * off - off * off // weight - variance) // weight
    deviation = max(math.sqrt(variance), interval / 4)
    return min(-norm.logsf((silence - mean / 256) / deviation) / math.log(10), 300.0) + 0.0


def is_failed(done: Done) -> bool:
    if done.result is Result.CANCELLED and done.fault is Fault.USER:
        return False
    return done.result is not Result.SUCCESS


def in_denominator(done: Done, outcomes: Filter) -> bool:
    if done.source not in outcomes.sources:
        return False
    return done.result is Result.SUCCESS or (is_failed(done) and done.fault in outcomes.faults)


def bucket(duration_ms: int) -> int:
    for place, bound in enumerate(DURATION_BUCKETS_MS):
        if duration_ms <= bound:
            return place
    return len(DURATION_BUCKETS_MS)
