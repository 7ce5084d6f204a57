"""Every series Pinkslip exports, in one table: renderer, docs, dashboards and rules read it, nothing else names one.

Names are whole (`_total` and `_info` included), labels in the order of the page, which is the alphabet's.
Sample names of a histogram or summary follow from its name. `process_*` comes from prometheus-client.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from pinkslip.fleet.snapshot import DURATION_BUCKETS_MS
from pinkslip.model.words import (
    ActorKind,
    DeliveryState,
    Fault,
    Guard,
    Mode,
    Standing,
    Status,
    Verdict,
)


class Kind(StrEnum):
    """What Prometheus is told a series is."""

    GAUGE = "gauge"
    COUNTER = "counter"
    HISTOGRAM = "histogram"
    SUMMARY = "summary"
    INFO = "info"


class Group(StrEnum):
    """Who a series is about, and what switches it."""

    FLEET = "fleet"
    """Aggregates: always there, never losing what a leaving agent did."""
    AGENT_CORE = "agent core"
    """For each agent with `per_agent: core` or `full`."""
    AGENT_FULL = "agent full"
    """For each agent with `per_agent: full`."""
    OURSELVES = "ourselves"


DIRECTIONS = ("in", "out")
"""Of tokens: what the agent read, what it wrote."""

ACTORS = (ActorKind.POLICY, ActorKind.PERSON, ActorKind.API)
"""Who may fire."""

EVENT_KINDS = ("heartbeat", "outcome", "session", "finish")
EVENT_RESULTS = (
    "accepted",
    "duplicate",
    "conflict",
    "ignored",
    "refused",
    "invalid",
    "unavailable",
)
"""What became of a report: the receipt's verdict, or `unavailable` when the journal could not take it."""

TASK_BUCKETS_S = tuple(bound / 1000 for bound in DURATION_BUCKETS_MS)
TICK_BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
COMMIT_BUCKETS_S = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)

KNOWN_VALUES: dict[str, tuple[str, ...]] = {
    "status": tuple(Status),
    "fault": tuple(Fault),
    "direction": DIRECTIONS,
    "actor": ACTORS,
    "verdict": tuple(Verdict),
    "standing": tuple(Standing),
    "mode": tuple(Mode),
    "guard": tuple(Guard),
    "state": tuple(DeliveryState),
    "kind": EVENT_KINDS,
    "result": EVENT_RESULTS,
}
"""Labels with a fixed vocabulary. The rest are names: workspace, agent, name, model, role, policy, reason, receiver, version, python."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One metric family."""

    name: str
    kind: Kind
    help: str
    """One sentence with its full stop; the same for every instance and format."""
    labels: tuple[str, ...]
    group: Group
    unit: str = ""
    """OpenMetrics' UNIT: the family's name ends with it."""
    buckets: tuple[float, ...] = ()
    """Upper bounds of a histogram, +Inf left out."""

    @property
    def family(self) -> str:
        """What OpenMetrics calls the family: a counter without `_total`, an info without `_info`."""
        match self.kind:
            case Kind.COUNTER:
                return self.name.removesuffix("_total")
            case Kind.INFO:
                return self.name.removesuffix("_info")
            case Kind.GAUGE | Kind.HISTOGRAM | Kind.SUMMARY:
                return self.name

    @property
    def sample_names(self) -> tuple[str, ...]:
        """What a query can ask for."""
        match self.kind:
            case Kind.HISTOGRAM:
                return tuple(f"{self.name}{suffix}" for suffix in ("_bucket", "_count", "_sum"))
            case Kind.SUMMARY:
                return tuple(f"{self.name}{suffix}" for suffix in ("_count", "_sum"))
            case Kind.GAUGE | Kind.COUNTER | Kind.INFO:
                return (self.name,)

    @property
    def lines_per_set(self) -> int:
        """Samples for one set of its naming labels: known values and buckets multiplied out."""
        lines = 1
        for label in self.labels:
            lines *= len(KNOWN_VALUES.get(label, ("one",)))
        match self.kind:
            case Kind.HISTOGRAM:
                return lines * (len(self.buckets) + 3)
            case Kind.SUMMARY:
                return lines * 2
            case Kind.GAUGE | Kind.COUNTER | Kind.INFO:
                return lines


def _fleet(
    name: str,
    kind: Kind,
    text: str,
    labels: tuple[str, ...],
    unit: str = "",
    *,
    model: bool = False,
) -> Series:
    own = ("workspace", "role", "model") if model else ("workspace", "role")
    buckets = TASK_BUCKETS_S if kind is Kind.HISTOGRAM else ()
    return _series(name, kind, text, (*own, *labels), Group.FLEET, unit, buckets)


def _core(
    name: str, kind: Kind, text: str, labels: tuple[str, ...] = (), unit: str = ""
) -> Series:
    return _series(name, kind, text, ("workspace", "agent", *labels), Group.AGENT_CORE, unit)


def _full(
    name: str, kind: Kind, text: str, labels: tuple[str, ...] = (), unit: str = ""
) -> Series:
    buckets = TASK_BUCKETS_S if kind is Kind.HISTOGRAM else ()
    return _series(
        name, kind, text, ("workspace", "agent", *labels), Group.AGENT_FULL, unit, buckets
    )


def _own(
    name: str,
    kind: Kind,
    text: str,
    labels: tuple[str, ...] = (),
    unit: str = "",
    buckets: tuple[float, ...] = (),
) -> Series:
    return _series(name, kind, text, labels, Group.OURSELVES, unit, buckets)


def _series(
    name: str,
    kind: Kind,
    text: str,
    labels: Iterable[str],
    group: Group,
    unit: str,
    buckets: tuple[float, ...] = (),
) -> Series:
    return Series(
        name=f"pinkslip_{name}",
        kind=kind,
        help=text,
        labels=tuple(sorted(labels)),
        group=group,
        unit=unit,
        buckets=buckets,
    )


# --- fleet: by workspace, role and model; then by workspace and role

TASKS = _fleet(
    "tasks_total", Kind.COUNTER, "Tasks that ended, whatever their result.", (), model=True
)
TASKS_FAILED = _fleet(
    "tasks_failed_total",
    Kind.COUNTER,
    "Tasks that ended without success, by whose fault it was; what a user cancelled is not among them.",
    ("fault",),
    model=True,
)
TASK_DURATION = _fleet(
    "task_duration_seconds",
    Kind.HISTOGRAM,
    "How long tasks took, whatever their result, where the agent told it.",
    (),
    "seconds",
    model=True,
)
TOKENS = _fleet(
    "tokens_total",
    Kind.COUNTER,
    "Tokens that tasks used: in is what agents read, out what they wrote.",
    ("direction",),
    model=True,
)
COST = _fleet(
    "cost_usd_total",
    Kind.COUNTER,
    "Money that tasks cost, in US dollars.",
    (),
    "usd",
    model=True,
)
AGENTS = _fleet(
    "agents",
    Kind.GAUGE,
    "Agents by status: those not finished; fired ones are TERMINATED until they leave memory.",
    ("status",),
)
AGENTS_STANDING = _fleet(
    "agents_standing",
    Kind.GAUGE,
    "Agents by standing: those not finished; fired ones until they leave memory.",
    ("standing",),
)
AGENTS_STALE = _fleet(
    "agents_stale",
    Kind.GAUGE,
    "Agents silent for longer than their grace; never WAITING, finished or fired ones.",
    (),
)
AGENTS_FINISHED = _fleet(
    "agents_finished_total",
    Kind.COUNTER,
    "Agents that ended as planned, counted at each finish.",
    (),
)
ZOMBIES = _fleet(
    "zombies", Kind.GAUGE, "Fired agents whose same process still reports: the kill failed.", ()
)
PANIC = _fleet(
    "panic",
    Kind.GAUGE,
    "1 while so many agents of a role fail at once that firing for silence is held.",
    (),
)
FIRES = _fleet(
    "fires_total",
    Kind.COUNTER,
    "Agents fired, by reason and by who did it; policy is empty where no policy did.",
    ("policy", "reason", "actor"),
)
DECISIONS = _fleet(
    "decisions_total",
    Kind.COUNTER,
    "Decision records written, by policy, verdict and the mode the policy was in.",
    ("policy", "verdict", "mode"),
)
HELD = _fleet(
    "held_total",
    Kind.COUNTER,
    "Verdicts that a guard held back, counted once per episode and guard.",
    ("policy", "guard"),
)
REVERSALS = _fleet(
    "policy_reversals_total",
    Kind.COUNTER,
    "How often a person overruled a policy: a fire taken back as wrong, or one vetoed.",
    ("policy",),
)

# --- each agent, core

AGENT_INFO = _core(
    "agent_info", Kind.INFO, "What an agent says of itself.", ("name", "model", "role")
)
AGENT_STATUS = _core(
    "agent_status",
    Kind.GAUGE,
    "1 for the status an agent is in, 0 for the others.",
    ("status",),
)
AGENT_LAST_HEARTBEAT = _core(
    "agent_last_heartbeat_timestamp_seconds",
    Kind.GAUGE,
    "When an agent's newest heartbeat reached us; absent before the first.",
    unit="seconds",
)
AGENT_INTERVAL = _core(
    "agent_heartbeat_interval_seconds",
    Kind.GAUGE,
    "How often an agent beats: what it declared, otherwise what is assumed.",
    unit="seconds",
)
AGENT_EXEMPT = _core(
    "agent_exempt",
    Kind.GAUGE,
    "1 while an agent's silence disturbs nobody: WAITING, finished, fired or silenced.",
)
AGENT_TASKS = _core(
    "agent_tasks_total", Kind.COUNTER, "Tasks of an agent that ended, whatever their result."
)
AGENT_TASKS_FAILED = _core(
    "agent_tasks_failed_total",
    Kind.COUNTER,
    "Tasks of an agent that ended without success, by whose fault it was.",
    ("fault",),
)
AGENT_EVIDENCE = _core(
    "agent_evidence",
    Kind.GAUGE,
    "How near an agent is to a verdict: 0 nothing against it, 1 enough to act; the worst policy.",
)
AGENT_TASK_DURATION = _core(
    "agent_task_duration_seconds",
    Kind.SUMMARY,
    "How long an agent's tasks took, whatever their result, where it told it.",
    unit="seconds",
)

# --- each agent, full

AGENT_PROGRESS = _full(
    "agent_progress",
    Kind.GAUGE,
    "The progress number an agent last gave, in its own unit; absent when it gave none.",
)
AGENT_PROGRESS_AT = _full(
    "agent_progress_timestamp_seconds",
    Kind.GAUGE,
    "When an agent's progress number last changed; absent when it gave none.",
    unit="seconds",
)
AGENT_CONTEXT = _full(
    "agent_context_used_ratio",
    Kind.GAUGE,
    "How full an agent's context is, from 0 to 1; absent when it gave none.",
    unit="ratio",
)
AGENT_TOKENS = _full(
    "agent_tokens_total",
    Kind.COUNTER,
    "Tokens that an agent's tasks used: in is what it read, out what it wrote.",
    ("direction",),
)
AGENT_COST = _full(
    "agent_cost_usd_total",
    Kind.COUNTER,
    "Money that an agent's tasks cost, in US dollars.",
    unit="usd",
)
AGENT_ERRORS = _full(
    "agent_errors_total",
    Kind.COUNTER,
    "Outcomes of an agent that carried an error, and its changes to status ERROR.",
)
AGENT_SCORE = _full(
    "agent_score",
    Kind.SUMMARY,
    "Scores of an agent's tasks, from 0 to 1, where they were scored.",
)
AGENT_TASK_DISTRIBUTION = _full(
    "agent_task_duration_distribution_seconds",
    Kind.HISTOGRAM,
    "How long an agent's tasks took, in buckets.",
    unit="seconds",
)

# --- ourselves

OBSERVING_SINCE = _own(
    "observing_since_timestamp_seconds",
    Kind.GAUGE,
    "Since when we have watched a workspace without a gap; silence before it proves nothing.",
    ("workspace",),
    "seconds",
)
EVALUATION_DURATION = _own(
    "evaluation_duration_seconds",
    Kind.HISTOGRAM,
    "How long one tick of the judge took, its transaction included.",
    (),
    "seconds",
    TICK_BUCKETS_S,
)
EVALUATION_LAST = _own(
    "evaluation_last_timestamp_seconds",
    Kind.GAUGE,
    "When a workspace was last judged; absent before the first tick.",
    ("workspace",),
    "seconds",
)
LEADER = _own("leader", Kind.GAUGE, "1 while this process holds the lease that lets it decide.")
LEASE_EPOCH = _own(
    "lease_epoch",
    Kind.GAUGE,
    "The epoch of the lease this process holds or last held; 0 for none.",
)
ENFORCEMENT_ENABLED = _own(
    "enforcement_enabled",
    Kind.GAUGE,
    "0 while enforcement is stopped for a workspace or everywhere, otherwise 1.",
    ("workspace",),
)
POLICIES = _own(
    "policies", Kind.GAUGE, "Policies loaded for a workspace, by mode.", ("workspace", "mode")
)
POLICY_BROKEN = _own(
    "policy_broken",
    Kind.GAUGE,
    "Whether the newest tick could not judge this policy, which then decides nothing while the others go on.",
    ("workspace", "policy"),
)
JOURNAL_COMMIT_DURATION = _own(
    "journal_commit_duration_seconds",
    Kind.HISTOGRAM,
    "How long a transaction of the journal took, its fsync included.",
    (),
    "seconds",
    COMMIT_BUCKETS_S,
)
POLICY_DEMOTED = _own(
    "policy_demoted",
    Kind.GAUGE,
    "1 while a policy is in shadow because it was overruled too often.",
    ("policy", "workspace"),
)
NOTICES = _own(
    "notices", Kind.GAUGE, "Fires that wait for their notice to pass.", ("workspace",)
)
APPROVALS_ASKED = _own(
    "approvals_asked", Kind.GAUGE, "Fires that wait for a person's approval.", ("workspace",)
)
SILENCES = _own("silences", Kind.GAUGE, "Silences in force.", ("workspace",))
COMMON_CAUSES = _own(
    "common_causes",
    Kind.GAUGE,
    "Factors that failing agents share, for which they are left alone.",
    ("workspace",),
)
MASS_RESTARTS = _own(
    "mass_restarts", Kind.GAUGE, "Pools that are being restarted as a whole.", ("workspace",)
)
NOTIFICATIONS = _own(
    "notifications_total",
    Kind.COUNTER,
    "Calls to those that are told what stands.",
    ("receiver",),
)
NOTIFICATIONS_FAILED = _own(
    "notifications_failed_total",
    Kind.COUNTER,
    "Calls that those who are told did not take.",
    ("receiver",),
)
JOURNAL_QUEUE_LENGTH = _own(
    "journal_queue_length", Kind.GAUGE, "Reports waiting for their transaction."
)
INGEST_EVENTS = _own(
    "ingest_events_total",
    Kind.COUNTER,
    "Reports that reached us, by kind and by what became of them.",
    ("kind", "result"),
)
DELIVERIES = _own(
    "deliveries",
    Kind.GAUGE,
    "Deliveries of fires, by how far making them real outside has come.",
    ("workspace", "state"),
)
CONFIG_RELOAD_SUCCESSFUL = _own(
    "config_last_reload_successful",
    Kind.GAUGE,
    "Whether the last load of policies and configuration was taken; 0 means the one before still holds.",
)
CONFIG_RELOAD_AT = _own(
    "config_last_reload_success_timestamp_seconds",
    Kind.GAUGE,
    "When policies and configuration were last loaded successfully.",
    (),
    "seconds",
)
SERIES_EXPORTED = _own("series", Kind.GAUGE, "Samples on this page, this one included.")
SERIES_DROPPED = _own(
    "series_dropped_total",
    Kind.COUNTER,
    "Series that new agents were refused because the cap on agents with series was reached.",
)
AGENTS_WITHOUT_SERIES = _own(
    "agents_without_series",
    Kind.GAUGE,
    "Agents that have no series of their own because the cap is reached; aggregates still count them.",
    ("workspace",),
)
BUILD_INFO = _own(
    "build_info", Kind.INFO, "What is running: our version and Python's.", ("version", "python")
)

CATALOGUE: tuple[Series, ...] = tuple(
    value for value in list(globals().values()) if isinstance(value, Series)
)
"""Every series of ours, in the order of the page's groups."""

PROCESS_SERIES = (
    "process_virtual_memory_bytes",
    "process_resident_memory_bytes",
    "process_start_time_seconds",
    "process_cpu_seconds_total",
    "process_open_fds",
    "process_max_fds",
)
"""What prometheus-client says of the process; no table of ours repeats its words."""


def of_group(group: Group) -> Iterator[Series]:
    """The series of one group, in order."""
    return (series for series in CATALOGUE if series.group is group)


def sample_names() -> frozenset[str]:
    """Every name a query may use: dashboards and rules are checked against it."""
    ours = (name for series in CATALOGUE for name in series.sample_names)
    return frozenset((*ours, *PROCESS_SERIES))


def series_per_agent(group: Group) -> int:
    """How many samples one agent has at most in `AGENT_CORE`, or that `AGENT_FULL` adds."""
    return sum(series.lines_per_set for series in of_group(group))
