"""The fleet in plain Python, straight from the words: no columns, no sums kept, everything counted anew.

Slow and obvious. What the columns answer is compared with this, to the last bit.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

from msgspec import UNSET

from pinkslip.fleet.fleet import FleetSettings
from pinkslip.fleet.snapshot import DURATION_BUCKETS_MS
from pinkslip.model.facts import (
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
    Revived,
)
from pinkslip.model.policy import Filter, Window, WindowKind
from pinkslip.model.words import Fault, Result, Standing, Status

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
    errors: int = 0
    lifetime: list[Done] = field(default_factory=list)
    """Every counted outcome."""
    present: list[Done] = field(default_factory=list)
    """Those of the present incarnation."""

    def get(self, name: str) -> object:
        return self.fields.get(name)


class Oracle:
    """All facts so far, and every answer."""

    def __init__(self, settings: FleetSettings) -> None:
        self.settings = settings
        self.rows: dict[int, Row] = {}
        self.gone: dict[int, Row] = {}
        self.roles: dict[tuple[str, str], dict[str, object]] = {}
        self.blind: list[tuple[int, int]] = []
        self.first_at: int | None = None

    def fold(self, facts: Iterable[Fact]) -> None:
        for fact in facts:
            self.take(fact)

    def take(self, fact: Fact) -> None:
        if self.first_at is None:
            self.first_at = fact.at
        if isinstance(fact, Blinded):
            self.blind.append((fact.start, fact.end))
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
                row.last_heartbeat = fact.at
            case Done():
                self.done(row, fact)
            case Changed():
                self.change(row, fact)
            case Finished():
                self.become(row, Status.IDLE, fact.at)
                self.task(row, None, fact.at)
                row.finished_at = fact.at
                self.role(row)["finished"] += 1
            case Revived():
                row.finished_at = None
                self.restart_clocks(row, fact.at)
            case Fired():
                self.become(row, Status.TERMINATED, fact.at)
                row.standing = Standing.FIRED
                row.terminated_at = fact.at
                row.fired_count += 1
                row.last_fired = (fact.at, fact.by_policy)
            case Reinstated():
                row.incarnation, row.incarnation_at = fact.incarnation, fact.at
                row.standing = Standing.ACTIVE
                row.terminated_at = row.finished_at = None
                row.present = []
                self.become(row, Status.IDLE, fact.at)
                self.task(row, None, fact.at)
                self.restart_clocks(row, fact.at)
            case Protected():
                row.protected_until = fact.until

    def restart_clocks(self, row: Row, at: int) -> None:
        row.status_since = at
        if row.progress_at is not None:
            row.progress_at = at

    def become(self, row: Row, status: Status, at: int) -> None:
        if row.status is not status:
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
        for name in Changed.__struct_fields__[3:]:
            value = getattr(fact, name)
            if value is not UNSET and name not in {"status", "current_task"}:
                row.fields[name] = value

    def done(self, row: Row, fact: Done) -> None:
        row.lifetime.append(fact)
        row.present.append(fact)
        if fact.error is not None:
            row.errors += 1
            row.fields["last_error"] = fact.error
        totals = self.role(row)
        totals["tasks"] += 1
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
        merged: list[list[int]] = []
        for begin, stop in sorted(self.blind):
            if merged and begin <= merged[-1][1]:
                merged[-1][1] = max(merged[-1][1], stop)
            else:
                merged.append([begin, stop])
        return sum(max(0, min(stop, end) - max(begin, start)) for begin, stop in merged)

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
            case "consecutive_failures":
                return float(self.streak(row, outcomes))
        raise KeyError(name)

    def streak(self, row: Row, outcomes: Filter) -> int:
        failures = 0
        for done in reversed([d for d in row.present if in_denominator(d, outcomes)]):
            if done.result is Result.SUCCESS:
                break
            failures += 1
        return failures

    def windowed(
        self, row: Row, name: str, window: Window, outcomes: Filter, now: int
    ) -> float:
        if window.kind is WindowKind.TIME:
            inside = [d for d in row.present if now - window.length < d.at <= now]
            rated = [d for d in inside if in_denominator(d, outcomes)]
            work = [d for d in inside if d.source in outcomes.sources]
        else:
            rated = [d for d in row.present if in_denominator(d, outcomes)]
            rated = work = rated[-window.length :]
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
                scores = [d.score_e6 for d in rated if d.score_e6 is not None]
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
