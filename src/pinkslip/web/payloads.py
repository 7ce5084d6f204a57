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
    Ratio,
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
    Result,
    Scope,
    Standing,
    Status,
    Verdict,
)
from pinkslip.store.chain import ChainState
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


class QuarantineRequest(Sent, frozen=True, kw_only=True):
    """Pause an agent until an instant to come."""

    until: Timestamp
    context: Text4000 = ""


class ContextRequest(Sent, frozen=True, kw_only=True):
    """An act that needs no more than a reason in words."""

    context: Text4000 = ""


class ReviewRequest(Sent, frozen=True, kw_only=True):
    """Another score for an outcome; its result stays what it was."""

    score: Ratio
    comment: Text4000 = ""


SilencedWord = Annotated[str, Meta(max_length=500)]


class SilenceRequest(Sent, frozen=True, kw_only=True):
    """Keep policies from some agents for a while. Say either `until` or `forSeconds`."""

    match: Annotated[
        dict[
            Annotated[str, Meta(min_length=1, max_length=70)],
            SilencedWord | Annotated[tuple[SilencedWord, ...], Meta(min_length=1)],
        ],
        Meta(min_length=1, max_length=30, examples=[{"role": "researcher", "model": "~gpt.*"}]),
    ]
    """Field to a value, a list of them (any) or `~regex`, as in a policy's `match`; all must hold."""
    reason: Annotated[str, Meta(min_length=1, max_length=4000)]
    until: Timestamp | None = None
    for_seconds: Annotated[float, Meta(gt=0, le=315_360_000)] | None = None
    force: bool = False
    """Although it takes in more agents than the guard `max_silenced` allows."""


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
    reason_shown: str
    """The reason's neutral name, for people."""
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
    standing_until: Timestamp | None
    """When the standing ends by itself: a quarantine, a probation by time, a notice."""
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
    reason_shown: str
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


class ReviewAnswer(Told, frozen=True, kw_only=True):
    """The outcome's score from now on."""

    event_id: str
    score: float
    before: float | None
    """The score it had until now."""
    comment: str
    at: Timestamp
    reviewer: str
    counted: bool
    """false: its agent was fired already when it sent the outcome, so that neither counts."""


# silences


class SilenceAnswer(Told, frozen=True, kw_only=True):
    """Agents that policies leave alone for a while, and why."""

    id: str
    match: Mapping[str, tuple[str, ...]]
    """Field to its values and `~regex`, any of which must hold."""
    words: str
    owner: str
    reason: str
    starts_at: Timestamp
    ends_at: Timestamp
    """As it was set; see `endedAt`."""
    active: bool
    matched: int
    """Live agents it takes in now."""
    ended_at: Timestamp | None
    """When a person ended it before its time."""
    ended_by: str | None


class SilencePage(Told, frozen=True, kw_only=True):
    """Silences, the newest first."""

    items: list[SilenceAnswer]
    next: str | None
    """Always null: older ones than `limit` takes are history, which the audit report tells."""


# decisions


class StatisticTold(Told, frozen=True, kw_only=True):
    """One evidence function as it stood; with the counts it can be worked out by hand."""

    function: str
    value: float | None
    threshold: float | None
    tasks: int
    successes: int
    since: Timestamp | None
    """When this evidence began; null where nothing is counted from a beginning."""
    pass_no: int
    """Which pass through the ladder: the k of error/(k(k+1))."""


class ConsultedTold(Told, frozen=True, kw_only=True):
    """What one guard said."""

    guard: Guard
    held: bool
    detail: str


class EvidenceTold(Told, frozen=True, kw_only=True):
    """The numbers a verdict rests on."""

    when: str
    values: Mapping[str, float | None]
    words: str
    true_since: Timestamp
    for_seconds: float
    tasks: int
    statistics: tuple[StatisticTold, ...]
    guards: tuple[ConsultedTold, ...]
    """Every guard that was asked, in order."""
    rung: int
    """Of the ladder's rungs, from 1; 0: the policy has no ladder."""
    rungs: int
    until: Timestamp | None
    lineage: str | None


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
    reason_shown: str | None
    """The reason's neutral name, for people."""
    words: str
    """What was concluded, in a sentence."""
    guard: Guard | None
    guard_detail: str
    actor_kind: ActorKind
    actor: str
    evidence: EvidenceTold
    evidence_readable: bool
    """False: the record was tampered with, and `evidence` holds nothing but the words that say so."""
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
    rung: int
    """Of the ladder's rungs the one taken last, from 1; 0: none."""
    rungs: int
    """0: the policy has no ladder."""
    standing: Standing
    """What this policy makes of the agent."""
    until: Timestamp | None
    """When that ends by itself."""
    waiting_decision: str | None
    """The decision a veto or an approval names, while one is possible."""
    meter: float | None
    """How far the evidence has come, 0 to 1; null where it is not counted."""
    statistics: tuple[StatisticTold, ...]
    words: str
    """All of it in one sentence."""


class WaitingTold(Told, frozen=True, kw_only=True):
    """A fire that was announced, or asked for: a person may stop it."""

    decision_id: str
    policy: str
    agent_id: str
    state: EpisodeState
    """noticed: it happens at `until`. awaiting: it needs an approval."""
    since: Timestamp
    until: Timestamp | None
    reason: str | None
    reason_shown: str | None
    words: str
    """What is said of the agent now; empty while its condition cannot be told."""
    holds: bool
    """Whether the condition holds now. A fire whose time has passed comes the next time it does."""


class WhyAnswer(Told, frozen=True, kw_only=True):
    """Why an agent is, or is not, fired."""

    agent_id: str
    status: Status
    standing: Standing
    standing_until: Timestamp | None
    at: Timestamp
    policies: tuple[PolicyAnswerTold, ...]
    waiting: tuple[WaitingTold, ...]
    silences: tuple[SilenceAnswer, ...]
    """In force for it now."""
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


class DemotionTold(Told, frozen=True, kw_only=True):
    """Why a policy is in shadow although its file says otherwise."""

    at: Timestamp
    why: str


class HeldTold(Told, frozen=True, kw_only=True):
    """How many a guard holds."""

    guard: Guard
    count: int


class LimitTold(Told, frozen=True, kw_only=True):
    """What the guards allow in one pool as it is now."""

    pool: str
    agents: int
    max_fires: int
    per_seconds: float
    min_active: int
    words: str


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
    scope: Scope
    ladder: tuple[str, ...]
    """Rungs as written, mildest first; empty: `action` once an episode."""
    notice_seconds: float
    approval: bool
    percent: float
    """The share of agents for whom it is enforced, 0 to 1."""
    matched: int
    """Agents it matches now."""
    holding: int
    """For how many of those its `when` is true now."""
    open_episodes: int
    waiting: int
    """Fires announced or asked for, and not settled."""
    on_rungs: tuple[int, ...]
    """How many stand on each rung of the ladder now."""
    held: tuple[HeldTold, ...]
    """Episodes that guards hold now."""
    demoted: DemotionTold | None
    """Overruled too often: in shadow until it is restored or rewritten."""
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
    displays: Mapping[str, str]
    """Reason to the neutral name that people read."""
    limits: tuple[LimitTold, ...]
    """What the guards allow in each pool."""
    reload_failed: bool
    problems: tuple[ProblemTold, ...]


class PolicyStatusTold(Told, frozen=True, kw_only=True):
    """How one policy fares: now, and since the instant asked for."""

    name: str
    mode: Mode
    action: Action
    ladder: tuple[str, ...]
    demoted: DemotionTold | None
    matched: int
    holding: int
    open_episodes: int
    waiting: int
    on_rungs: tuple[int, ...]
    held_now: tuple[HeldTold, ...]
    verdicts: Mapping[str, int]
    """Decisions by verdict."""
    would: Mapping[str, int]
    """By action: what it would have done, were it enforced."""
    held: Mapping[str, int]
    """Decisions by the guard that held them."""
    reversed: int
    """How often a person overruled it: fires marked wrong, and vetoes."""
    words: str


class PolicyStatusAnswer(Told, frozen=True, kw_only=True):
    """How every policy in force fares."""

    since: Timestamp | None
    """null: ever."""
    policies: tuple[PolicyStatusTold, ...]
    limits: tuple[LimitTold, ...]


class KnownAnswer(Told, frozen=True, kw_only=True):
    """What policies can speak of here, as far as the fleet has shown."""

    results: tuple[Result, ...] | None
    """Every result ever reported; null: not known."""
    fields: Mapping[str, tuple[str, ...]]
    """Field that `match` reads to every value that an agent has; one with too many is left out."""
    labels: tuple[str, ...] | None
    """The names of all labels that an agent has; null: not known, or too many."""
    pool_label: str | None
    pools: Mapping[str, int]
    """Pool to its active agents."""
    min_tasks: int | None
    retention_seconds: float | None
    """How far back outcomes are kept; null: for ever."""
    reasons: tuple[str, ...]
    displays: Mapping[str, str]


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


class CauseTold(Told, frozen=True, kw_only=True):
    """What the failing agents have in common; they are left alone for that."""

    factor: str
    value: str
    failing: int
    size: int
    others_failing: int
    others_size: int
    p: float
    words: str


class DeployTold(Told, frozen=True, kw_only=True):
    """Many of a pool came with a new bootId at once; their silence is explained by that."""

    pool: str
    restarted: int
    size: int
    since: Timestamp


class EnforcementAnswer(Told, frozen=True, kw_only=True):
    """Whether anybody can be fired by a policy, what holds everybody, and what waits for a person."""

    enabled: bool
    stopped: StoppedTold | None
    everywhere: StoppedTold | None
    panics: tuple[PanicTold, ...]
    causes: tuple[CauseTold, ...]
    deploys: tuple[DeployTold, ...]
    waiting: tuple[WaitingTold, ...]


# audit


class BrokenTold(Told, frozen=True, kw_only=True):
    """The first record that is not what the chain says."""

    number: int
    decision_id: str | None
    """null when the record is missing."""
    problem: str


class ChainAnswer(Told, frozen=True, kw_only=True):
    """Whether the decisions are those that were made, in their order, all of them."""

    state: ChainState
    """ok; redacted: whole, with personal fields of some erased; or broken."""
    decisions: int
    """In order, up to the first broken one."""
    redacted: int
    head: str
    """The digest after those: keep it elsewhere, and what came before cannot be rewritten unseen."""
    broken: BrokenTold | None
    words: str


class ReportCaseTold(Told, frozen=True, kw_only=True):
    """One thing that was concluded, and what became of it."""

    decision_id: str
    number: int
    at: Timestamp
    agent_id: str
    title: str
    paragraphs: tuple[str, ...]


class AuditReport(Told, frozen=True, kw_only=True):
    """Who was judged, how, and whether it was right: for someone who is no engineer."""

    title: str
    at: Timestamp
    agent_id: str | None
    since: Timestamp | None
    summary: tuple[str, ...]
    cases: tuple[ReportCaseTold, ...]
    """Oldest first."""
    chain: ChainAnswer
    text: str
    """All of it as plain text."""


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
    ReviewAnswer,
    SilenceAnswer,
    SilencePage,
    PolicyStatusAnswer,
    KnownAnswer,
    ChainAnswer,
    AuditReport,
    ProblemDetails,
)
"""Everything an answer may be, for the OpenAPI document."""
