"""What people and tools send and get, beside the events of `model.events`: the seed's names and shapes.

These types validate, answer and document: the OpenAPI document is made of them. Times are RFC 3339.
"""

from collections.abc import Mapping
from typing import Annotated, Any

from msgspec import UNSET, Meta, Struct, UnsetType

from pinkslip.model.events import (
    Finish,
    Heartbeat,
    Outcome,
    SessionReport,
    Text100,
    Text4000,
    Timestamp,
)
from pinkslip.model.words import (
    Action,
    ActorKind,
    DeliveryState,
    EpisodeState,
    Guard,
    Mode,
    Standing,
    Status,
    Verdict,
)
from pinkslip.web.problems import ProblemDetails

AgentId = Annotated[str, Meta(min_length=1, max_length=200)]
SessionKey = Annotated[str, Meta(min_length=1, max_length=200)]


class Sent(
    Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel", gc=False
):
    """A body we read."""


class Told(Struct, frozen=True, kw_only=True, rename="camel"):
    """A body we write."""


# batch items: an event that says what and whose it is


class HeartbeatItem(Heartbeat, frozen=True, kw_only=True, tag_field="type", tag="heartbeat"):
    """A heartbeat in a batch."""

    agent_id: AgentId


class OutcomeItem(Outcome, frozen=True, kw_only=True, tag_field="type", tag="outcome"):
    """An outcome in a batch."""

    agent_id: AgentId


class FinishItem(Finish, frozen=True, kw_only=True, tag_field="type", tag="finish"):
    """A planned end in a batch."""

    agent_id: AgentId


class SessionItem(SessionReport, frozen=True, kw_only=True, tag_field="type", tag="session"):
    """A session in a batch; `agentId` may be null or absent here."""

    session_key: SessionKey


Item = HeartbeatItem | OutcomeItem | FinishItem | SessionItem


# requests


class FireRequest(Sent, frozen=True, kw_only=True):
    """Terminate an agent, with the reason that goes on its record."""

    reason: Annotated[str, Meta(min_length=1, max_length=100, examples=["derailed"])]
    context: Text4000 = ""
    force: bool = False
    """Fire it although it is protected."""
    dry_run: bool = False
    """Say what would happen and change nothing."""


class ReinstateRequest(Sent, frozen=True, kw_only=True):
    """Bring a fired agent back; its history stays."""

    context: Text4000 = ""
    wrong: bool = False
    """The fire was a mistake: counted against the policy that did it."""


class ProtectRequest(Sent, frozen=True, kw_only=True):
    """Keep policies from firing an agent before `until`; null lifts that."""

    until: Timestamp | None
    context: Text4000 = ""


class EnforcementRequest(Sent, frozen=True, kw_only=True):
    """Stop or resume everything that policies do."""

    stopped: bool
    reason: Annotated[str, Meta(min_length=1, max_length=4000)]
    everywhere: bool = False
    """All workspaces, not only this one."""


class CheckRequest(Sent, frozen=True, kw_only=True):
    """A policy file to check; nothing is loaded."""

    text: Annotated[str, Meta(max_length=1_048_576)]
    file: Annotated[str, Meta(min_length=1, max_length=200)] = "policies.yaml"
    """The name that problems are reported under."""


# answers to agents


class OrderTold(Told, frozen=True, kw_only=True, omit_defaults=True):
    """What the agent must do now."""

    type: str
    reason: str | None = None
    until: Timestamp | None = None


class ReportAnswer(Told, frozen=True, kw_only=True):
    """What we know after a heartbeat or a finish, and what the agent must do."""

    status: Status
    standing: Standing
    orders: tuple[OrderTold, ...]
    interval: float
    """Seconds between heartbeats we count with: declared, or assumed."""
    notes: tuple[str, ...] = ()
    """What is missing or was ignored, in words."""


class OutcomeAnswer(ReportAnswer, frozen=True, kw_only=True):
    """The same, for an outcome."""

    event_id: str | None
    duplicate: bool = False
    """This eventId was counted before; it counts once."""


class ItemResult(Told, frozen=True, kw_only=True, omit_defaults=True):
    """What became of one event of a batch."""

    index: int
    status: int
    """As an HTTP status: 200, 409 or 422."""
    event_id: str | None = None
    duplicate: bool = False
    orders: tuple[OrderTold, ...] = ()
    problem: dict[str, Any] | None = None


class BatchAnswer(Told, frozen=True, kw_only=True):
    """One result per event, in the order they were sent."""

    results: list[ItemResult]


# agents


class AgentMetrics(Told, frozen=True, kw_only=True):
    """The seed's performance metrics, over the agent's whole life."""

    total_tasks: int
    successful_tasks: int
    failed_tasks: int
    """Every task that did not succeed, whoever's fault, except those the user cancelled."""
    avg_response_time_ms: float


class AgentTotals(Told, frozen=True, kw_only=True):
    """Sums over the agent's whole life."""

    tokens_in: int
    tokens_out: int
    cost_usd: float
    failed_by_fault: dict[str, int]
    mean_score: float | None


class DeliveryTold(Told, frozen=True, kw_only=True):
    """How far making a fire real outside has come."""

    generation: int
    executor: str
    state: DeliveryState
    created_at: Timestamp
    delivered_at: Timestamp | None = None
    settled_at: Timestamp | None = None
    detail: str = ""


class FireEntry(Told, frozen=True, kw_only=True):
    """One line of `fireHistory`."""

    fired_at: Timestamp
    reason: str
    context: str
    fire_id: str
    decision_id: str
    incarnation: int
    actor_kind: ActorKind
    actor: str
    policy: str | None = None
    deliveries: tuple[DeliveryTold, ...] = ()
    reinstated_at: Timestamp | None = None
    reinstated_by: str | None = None
    reinstate_context: str | None = None
    was_wrong: bool | None = None
    post_mortem: Mapping[str, object] | UnsetType = UNSET
    """What was known at that instant; in the answer about one agent only."""


class AgentAnswer(Told, frozen=True, kw_only=True):
    """One agent: the seed's fields, then ours."""

    id: str
    workspace_id: str
    agent_id: str
    name: str | None
    model: str | None
    role: str | None
    status: Status
    current_task: str | None
    metrics: AgentMetrics
    last_heartbeat: Timestamp | None
    error_count: int
    last_error: str | None
    fired_count: int
    fire_history: tuple[FireEntry, ...]
    created_at: Timestamp
    updated_at: Timestamp
    terminated_at: Timestamp | None
    standing: Standing
    incarnation: int
    finished_at: Timestamp | None
    is_stale: bool
    interval: float | None
    """Declared seconds between heartbeats; null when the agent declared none."""
    progress: float | None
    progress_at: Timestamp | None
    context_used: float | None
    host: str | None
    lineage: str | None
    labels: Mapping[str, str]
    boot_id: str | None
    session_key: str | None
    status_since: Timestamp
    task_since: Timestamp | None
    protected_until: Timestamp | None
    consecutive_failures: int
    totals: AgentTotals


class AgentPage(Told, frozen=True, kw_only=True):
    """A page of agents, in the order they were first seen."""

    items: list[AgentAnswer]
    next: str | None
    """Pass it as `cursor` for the next page; null at the end."""


# sessions


class SessionAnswer(Told, frozen=True, kw_only=True):
    """One conversation; it outlives its agent."""

    id: str
    workspace_id: str
    user_id: str
    agent_id: str | None
    """The agent's own id, as it was put."""
    agent_uuid: str | None
    """The `id` of that agent."""
    session_key: str
    label: str | None
    channel: str | None
    context_summary: str | None
    message_count: int
    is_active: bool
    started_at: Timestamp
    last_message_at: Timestamp | None
    ended_at: Timestamp | None
    metadata: Mapping[str, object]


class SessionPage(Told, frozen=True, kw_only=True):
    """A page of sessions, newest start first."""

    items: list[SessionAnswer]
    next: str | None


# acts


class FireAnswer(Told, frozen=True, kw_only=True):
    """What was done, or would be."""

    agent_id: str
    reason: str
    context: str
    fired_at: Timestamp
    fire_id: str | None
    decision_id: str | None
    dry_run: bool
    status: Status
    standing: Standing
    was_silent: bool
    bypassed: tuple[Guard, ...]
    """Guards that would have held a policy back."""
    effect: str
    """What this does to the agent's process, in words."""


# decisions


class EvidenceTold(Told, frozen=True, kw_only=True):
    """The numbers a verdict rests on."""

    when: str
    values: Mapping[str, float | None]
    words: str
    true_since: Timestamp
    for_seconds: float
    tasks: int


class RecomputedTold(Told, frozen=True, kw_only=True):
    """The same evidence, computed again from the journal."""

    identical: bool
    evidence: EvidenceTold
    differences: tuple[str, ...]


class DecisionAnswer(Told, frozen=True, kw_only=True):
    """A decision record, with its place in the hash chain."""

    id: str
    number: int
    at: Timestamp
    policy: str
    policy_hash: str
    policy_set_hash: str
    agent_id: str
    incarnation: int
    verdict: Verdict
    mode: Mode
    action: Action
    reason: str | None
    guard: Guard | None
    guard_detail: str
    actor_kind: ActorKind
    actor: str
    evidence: EvidenceTold
    context: str
    content_digest: str
    chain_digest: str
    recomputed: RecomputedTold | UnsetType = UNSET
    """Where it was asked for."""


class DecisionPage(Told, frozen=True, kw_only=True):
    """A page of decisions, newest first."""

    items: list[DecisionAnswer]
    next: str | None


class GuardTold(Told, frozen=True, kw_only=True):
    """A guard that holds a policy back, or would."""

    guard: Guard
    detail: str


class PolicyAnswerTold(Told, frozen=True, kw_only=True):
    """What one policy has to say about one agent now."""

    policy: str
    mode: Mode
    action: Action
    reason: str | None
    matches: bool
    when: str
    truth: str
    """Of `when`: true, false or unknown, which never fires."""
    values: Mapping[str, float | None]
    """Every measure `when` reads, in base units; null: unknown."""
    state: EpisodeState
    began_at: Timestamp | None
    true_since: Timestamp | None
    for_seconds: float
    guard: Guard | None
    guard_detail: str
    guards: tuple[GuardTold, ...]
    """Every guard that holds it, or would."""
    words: str
    """All of it in one sentence."""


class WhyAnswer(Told, frozen=True, kw_only=True):
    """Why an agent is, or is not, fired."""

    agent_id: str
    status: Status
    standing: Standing
    at: Timestamp
    policies: tuple[PolicyAnswerTold, ...]
    fire_history: tuple[FireEntry, ...]


# policies


class ProblemTold(Told, frozen=True, kw_only=True):
    """What is wrong with a policy file, and where."""

    file: str
    line: int
    column: int
    severity: str
    message: str
    hint: str
    excerpt: str
    key_path: str


class PolicyTold(Told, frozen=True, kw_only=True):
    """One policy as it stands."""

    name: str
    description: str
    mode: Mode
    action: Action
    reason: str | None
    when: str
    clear_when: str | None
    for_seconds: float
    keep_for_seconds: float
    file: str
    line: int
    hash: str
    text: str
    """As it was written."""
    matched: int
    """Agents it matches now."""
    open_episodes: int
    finding: str | None
    """Why the newest tick could not judge it, and decided nothing by it; null where it could."""


class PoliciesAnswer(Told, frozen=True, kw_only=True):
    """The set in force, and what became of the newest attempt to load another."""

    policies: tuple[PolicyTold, ...]
    enforcing: int
    hash: str
    loaded_at: Timestamp
    places: tuple[str, ...]
    reasons: tuple[Text100, ...]
    """Every reason a fire may give."""
    reload_failed: bool
    problems: tuple[ProblemTold, ...]


class CheckAnswer(Told, frozen=True, kw_only=True):
    """What loading the text would give."""

    ok: bool
    policies: tuple[PolicyTold, ...]
    enforcing: int
    problems: tuple[ProblemTold, ...]


# running it


class StoppedTold(Told, frozen=True, kw_only=True):
    """Since when, by whom and why nothing is decided."""

    at: Timestamp
    by: str
    reason: str


class PanicTold(Told, frozen=True, kw_only=True):
    """A pool whose stale-type firing is held: too many turned stale or failing at once."""

    pool: str
    since: Timestamp
    newly: int
    size: int


class EnforcementAnswer(Told, frozen=True, kw_only=True):
    """Whether anybody can be fired by a policy."""

    enabled: bool
    stopped: StoppedTold | None
    everywhere: StoppedTold | None
    panics: tuple[PanicTold, ...]


ANSWERS: tuple[type[Struct], ...] = (
    ReportAnswer,
    OutcomeAnswer,
    BatchAnswer,
    AgentAnswer,
    AgentPage,
    SessionAnswer,
    SessionPage,
    FireAnswer,
    DecisionPage,
    DecisionAnswer,
    WhyAnswer,
    PoliciesAnswer,
    CheckAnswer,
    EnforcementAnswer,
    ProblemDetails,
)
"""Everything an answer may be, for the OpenAPI document."""
