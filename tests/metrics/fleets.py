"""Builders of snapshots and facts for these tests and for `bench/scrape.py`: one agent as one row of plain values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np

from pinkslip.fleet.snapshot import DURATION_BUCKETS_MS, RoleTotals, Snapshot
from pinkslip.metrics.inputs import Facts, OwnFacts, WorkspaceFacts
from pinkslip.model.words import Fault, Standing, Status, code_of

NOW = 1_763_863_000_000
BUCKETS = len(DURATION_BUCKETS_MS) + 1
NO_LABELS: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One agent, as little of it as a test cares for."""

    number: int
    agent_id: str = ""
    name: str | None = None
    model: str | None = "glm-4.7"
    role: str | None = "developer"
    host: str | None = None
    lineage: str | None = None
    labels: Mapping[str, str] = field(default_factory=lambda: NO_LABELS)
    status: Status = Status.WORKING
    standing: Standing = Standing.ACTIVE
    last_heartbeat: int = NOW - 1_234
    interval_ms: int = 0
    is_stale: bool = False
    progress: float = float("nan")
    progress_at: int = 0
    context_used: float = float("nan")
    finished_at: int = 0
    terminated_at: int = 0
    tasks: int = 0
    failed: tuple[int, ...] = (0,) * len(Fault)
    duration_ms_sum: int = 0
    duration_buckets: tuple[int, ...] = (0,) * BUCKETS
    tokens_in: int = 0
    tokens_out: int = 0
    cost_micros: int = 0
    score_e6_sum: int = 0
    score_count: int = 0
    error_count: int = 0

    @property
    def id(self) -> str:
        return self.agent_id or f"agent-{self.number}"


def make_snapshot(
    rows: Sequence[Row],
    *,
    workspace_id: int = 1,
    at: int = NOW,
    seq: int = 1,
    observing_since: int = NOW - 3_600_000,
    role_totals: Sequence[RoleTotals] = (),
) -> Snapshot:
    """A snapshot of these agents, in this order."""
    count = len(rows)

    def integers(name: str) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        return np.array([getattr(row, name) for row in rows], np.int64)

    def numbers(name: str) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        return np.array([getattr(row, name) for row in rows], np.float64)

    zeros = np.zeros(count, np.int64)
    nobody: list[str | None] = [None] * count
    return Snapshot(
        workspace_id=workspace_id,
        seq=seq,
        at=at,
        observing_since=observing_since,
        numbers=integers("number"),
        agent_ids=[row.id for row in rows],
        uuids=[f"00000000-0000-7000-8000-{row.number:012d}" for row in rows],
        names=[row.name for row in rows],
        models=[row.model for row in rows],
        roles=[row.role for row in rows],
        hosts=[row.host for row in rows],
        lineages=[row.lineage for row in rows],
        labels=[row.labels for row in rows],
        boot_ids=nobody,
        session_keys=nobody,
        current_tasks=nobody,
        last_errors=nobody,
        status=np.array([code_of(row.status) for row in rows], np.uint8),
        standing=np.array([code_of(row.standing) for row in rows], np.uint8),
        incarnation=np.ones(count, np.int64),
        created_at=zeros,
        updated_at=zeros,
        last_heartbeat=integers("last_heartbeat"),
        interval_ms=integers("interval_ms"),
        is_stale=np.array([row.is_stale for row in rows], np.bool_),
        status_since=zeros,
        task_since=zeros,
        progress=numbers("progress"),
        progress_at=integers("progress_at"),
        context_used=numbers("context_used"),
        finished_at=integers("finished_at"),
        terminated_at=integers("terminated_at"),
        protected_until=zeros,
        standing_until=zeros,
        fired_count=zeros,
        tasks=integers("tasks"),
        successes=zeros,
        failed=np.array([row.failed for row in rows], np.int64).reshape(count, len(Fault)),
        duration_ms_sum=integers("duration_ms_sum"),
        duration_count=np.array([sum(row.duration_buckets) for row in rows], np.int64),
        duration_buckets=np.array([row.duration_buckets for row in rows], np.int64).reshape(
            count, BUCKETS
        ),
        tokens_in=integers("tokens_in"),
        tokens_out=integers("tokens_out"),
        cost_micros=integers("cost_micros"),
        score_e6_sum=integers("score_e6_sum"),
        score_count=integers("score_count"),
        error_count=integers("error_count"),
        streak=zeros,
        assumed_interval_ms=30_000,
        role_totals=tuple(role_totals),
    )


def make_totals(role: str = "developer", model: str = "glm-4.7", **given: object) -> RoleTotals:
    """What a role did: nothing, except as given."""
    values: dict[str, object] = {
        "role": role,
        "model": model,
        "tasks": 0,
        "failed": (0,) * len(Fault),
        "duration_ms_sum": 0,
        "duration_count": 0,
        "duration_buckets": (0,) * BUCKETS,
        "tokens_in": 0,
        "tokens_out": 0,
        "cost_micros": 0,
        "finished": 0,
    } | given
    return RoleTotals(**values)  # type: ignore[arg-type]  # a builder takes what the test names


def make_facts(
    rows: Sequence[Row] = (),
    *,
    at: int = NOW,
    role_totals: Sequence[RoleTotals] = (),
    own: OwnFacts | None = None,
    **workspace: object,
) -> Facts:
    """Facts about one workspace, `default`, with these agents."""
    snapshot = make_snapshot(rows, at=at, role_totals=role_totals)
    facts = WorkspaceFacts(name="default", snapshot=snapshot, **workspace)  # type: ignore[arg-type]  # a builder takes what the test names
    return Facts(workspaces=(facts,), ourselves=own or OwnFacts())
