"""What the fleet publishes: immutable copies that API, metrics and pages read. Never the live columns."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from pinkslip.model.words import Standing, Status

Integers = NDArray[np.int64]
Counts = NDArray[np.signedinteger[Any]]
"""Whole numbers of any width."""
Floats = NDArray[np.float64]
Codes = NDArray[np.uint8]

DURATION_BUCKETS_MS = (
    100,
    250,
    500,
    1_000,
    2_500,
    5_000,
    10_000,
    30_000,
    60_000,
    300_000,
    900_000,
    3_600_000,
)
"""Upper bounds of the task duration histogram; one more bucket, +Inf, follows."""


class AgentView(Struct, frozen=True):
    """One agent, whole. Absent times are None; all times are journal ms."""

    agent_no: int
    agent_id: str
    uuid: str
    name: str | None
    model: str | None
    role: str | None
    host: str | None
    lineage: str | None
    labels: Mapping[str, str]
    boot_id: str | None
    session_key: str | None
    status: Status
    standing: Standing
    incarnation: int
    created_at: int
    updated_at: int
    last_heartbeat: int | None
    interval_ms: int | None
    """Declared; None: the setting is assumed."""
    is_stale: bool
    status_since: int
    current_task: str | None
    task_since: int | None
    progress: float | None
    progress_at: int | None
    context_used: float | None
    finished_at: int | None
    terminated_at: int | None
    protected_until: int | None
    fired_count: int
    tasks: int
    successes: int
    failed: tuple[int, ...]
    """By fault, in the order of `Fault`."""
    duration_ms_sum: int
    duration_count: int
    tokens_in: int
    tokens_out: int
    cost_micros: int
    score_e6_sum: int
    score_count: int
    error_count: int
    last_error: str | None
    streak: int
    standing_until: int | None = None
    """When a quarantine, or a probation by time, ends."""


@dataclass(frozen=True, slots=True)
class RoleTotals:
    """What all agents of one role and model ever did here, leavers included."""

    role: str
    """Empty when the agents gave none."""
    model: str
    tasks: int
    failed: tuple[int, ...]
    duration_ms_sum: int
    duration_count: int
    duration_buckets: tuple[int, ...]
    """Not cumulative; one more than DURATION_BUCKETS_MS."""
    tokens_in: int
    tokens_out: int
    cost_micros: int
    finished: int
    results: tuple[int, ...] = ()
    """Outcomes by result, in the order of `Result`; empty: nobody counted them yet."""
    kinds: tuple[tuple[int, str], ...] = ()
    """The kinds of task that these agents were the first to report, each by its number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """One workspace's agents in memory at one instant, as parallel rows in slot order.

    Times are ms, 0 where there is none; floats are NaN where unknown.
    """

    workspace_id: int
    seq: int
    """It holds every fact up to this journal number."""
    at: int
    observing_since: int
    numbers: Integers
    agent_ids: list[str]
    uuids: list[str]
    names: list[str | None]
    models: list[str | None]
    roles: list[str | None]
    hosts: list[str | None]
    lineages: list[str | None]
    labels: list[Mapping[str, str]]
    boot_ids: list[str | None]
    session_keys: list[str | None]
    current_tasks: list[str | None]
    last_errors: list[str | None]
    status: Codes
    standing: Codes
    incarnation: Integers
    created_at: Integers
    updated_at: Integers
    last_heartbeat: Integers
    interval_ms: Integers
    """Declared, 0 where none; see `assumed_interval_ms`."""
    is_stale: NDArray[np.bool_]
    status_since: Integers
    task_since: Integers
    progress: Floats
    progress_at: Integers
    context_used: Floats
    finished_at: Integers
    terminated_at: Integers
    protected_until: Integers
    standing_until: Integers
    fired_count: Integers
    tasks: Integers
    successes: Integers
    failed: Integers
    """agents x faults."""
    duration_ms_sum: Integers
    duration_count: Integers
    duration_buckets: Integers
    """agents x (len(DURATION_BUCKETS_MS) + 1), not cumulative."""
    tokens_in: Integers
    tokens_out: Integers
    cost_micros: Integers
    score_e6_sum: Integers
    score_count: Integers
    error_count: Integers
    streak: Integers
    assumed_interval_ms: int
    """What is assumed where an agent declared none."""
    role_totals: tuple[RoleTotals, ...]

    def __len__(self) -> int:
        return len(self.agent_ids)
