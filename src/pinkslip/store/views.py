"""What the readers answer with, and what a list is narrowed to. Times are journal ms."""

from collections.abc import Mapping

from msgspec import Struct

from pinkslip.model.decisions import Delivery, Evidence
from pinkslip.model.facts import Silence
from pinkslip.model.words import (
    Action,
    ActorKind,
    BlindCause,
    Guard,
    Mode,
    Source,
    Standing,
    Status,
    Verdict,
)


class Workspace(Struct, frozen=True):
    """The tenant."""

    id: int
    uuid: str
    name: str


class AgentFilters(Struct, frozen=True):
    """An empty set asks nothing; several values mean any of them."""

    status: frozenset[Status] = frozenset()
    standing: frozenset[Standing] = frozenset()
    role: frozenset[str] = frozenset()
    model: frozenset[str] = frozenset()
    host: frozenset[str] = frozenset()
    lineage: frozenset[str] = frozenset()
    labels: tuple[tuple[str, frozenset[str]], ...] = ()
    """(label, values); an agent without the label does not match."""
    stale: bool | None = None
    """Agents that left are never stale."""
    q: str = ""
    """Part of the agentId, name or current task, whatever the case."""


class Fire(Struct, frozen=True, kw_only=True):
    """One row of an agent's `fireHistory`."""

    id: str
    agent_no: int
    agent_id: str
    incarnation: int
    decision_id: str
    fired_at: int
    reason: str
    context: str
    policy: str | None
    actor_kind: ActorKind
    actor: str
    post_mortem: Mapping[str, object]
    """Frozen at that instant: current task, last outcomes, last error, sessions, policy text, evidence."""
    reinstated_at: int | None = None
    reinstated_by: str | None = None
    reinstate_context: str | None = None
    was_wrong: bool | None = None
    deliveries: tuple[Delivery, ...] = ()
    """How far making it real has come, oldest generation first."""


class Session(Struct, frozen=True, kw_only=True):
    """One conversation of an agent."""

    id: str
    session_key: str
    user_id: str
    agent_uuid: str | None
    agent_id: str | None
    """The agent's own name, None when its row is gone."""
    label: str | None
    channel: str | None
    context_summary: str | None
    message_count: int
    is_active: bool
    started_at: int
    last_message_at: int | None
    ended_at: int | None
    metadata: Mapping[str, object]


class SessionFilters(Struct, frozen=True):
    """What a list of sessions is narrowed to."""

    agent_no: int | None = None
    user_id: str | None = None
    channel: str | None = None
    active: bool | None = None


class SessionPlace(Struct, frozen=True):
    """Where a page of sessions ended: they are listed newest start first, then by key."""

    started_at: int
    session_key: str


class StoredDecision(Struct, frozen=True, kw_only=True):
    """A decision record with its place in the hash chain."""

    id: str
    number: int
    at: int
    writer: int
    watermark: int
    epoch: int
    policy: str
    """Empty when a person decided."""
    policy_hash: str
    policy_set_hash: str
    agent_no: int
    agent_id: str
    role: str
    incarnation: int
    verdict: Verdict
    mode: Mode
    action: Action
    reason: str | None
    guard: Guard | None
    guard_detail: str
    actor_kind: ActorKind
    actor: str
    evidence: Evidence
    """Of a record that was tampered with it may hold nothing but the words that say so."""
    context: str
    content_digest: bytes
    chain_digest: bytes
    is_readable: bool = True
    """Whether `evidence` is what the record holds."""


class DecisionFilters(Struct, frozen=True):
    """What a list of decisions is narrowed to."""

    agent_no: int | None = None
    agent_id: str | None = None
    policy: str | None = None
    verdict: Verdict | None = None
    mode: Mode | None = None
    guard: Guard | None = None
    since: int | None = None
    """Taken at this instant or later."""


class Transition(Struct, frozen=True, kw_only=True):
    """A change of status or standing, with who and why."""

    agent_no: int
    at: int
    subject: str
    old: str | None
    new: str
    actor_kind: ActorKind
    actor: str
    why: str


class Stopped(Struct, frozen=True, kw_only=True):
    """Nothing is decided or delivered since `at`."""

    at: int
    actor: str
    reason: str


class EnforcementState(Struct, frozen=True, kw_only=True):
    """Whether anybody can be fired by a policy. `everywhere` stops all workspaces."""

    stopped: Stopped | None = None
    everywhere: Stopped | None = None

    @property
    def why_stopped(self) -> str | None:
        """A sentence for the judge and for people; None while enforcement runs."""
        if self.everywhere is not None:
            return f"stopped everywhere by {self.everywhere.actor}: {self.everywhere.reason}"
        if self.stopped is not None:
            return f"stopped by {self.stopped.actor}: {self.stopped.reason}"
        return None


class Remembered(Struct, frozen=True, kw_only=True):
    """The answer once given under an Idempotency-Key."""

    request_digest: bytes
    status: int
    answer: str


class FireCount(Struct, frozen=True, kw_only=True):
    """For `fires_total` after a restart."""

    role: str
    policy: str | None
    reason: str
    actor_kind: ActorKind
    count: int


class DecisionCount(Struct, frozen=True, kw_only=True):
    """For `decisions_total` and `held_total` after a restart."""

    role: str
    policy: str
    verdict: Verdict
    mode: Mode
    guard: Guard | None
    count: int


class PolicyCount(Struct, frozen=True, kw_only=True):
    """How many decisions of one kind a policy came to."""

    policy: str
    verdict: Verdict
    mode: Mode
    action: Action
    guard: Guard | None
    count: int


class Reversal(Struct, frozen=True, kw_only=True):
    """A person overruled a policy: took a fire back, or vetoed one that was announced."""

    at: int
    policy: str
    policy_hash: str
    """The version that decided."""
    decision_id: str
    """What was overruled."""
    agent_no: int
    agent_id: str
    role: str
    verdict: Verdict
    """REINSTATED or VETOED."""
    actor: str
    context: str
    wrong: bool
    """A veto always says that the policy was."""

    @property
    def counts(self) -> bool:
        """Whether it speaks against the policy: taking a fire back need not."""
        return self.wrong


class StoredSilence(Struct, frozen=True, kw_only=True):
    """A silence, and what became of it."""

    silence: Silence
    created_at: int
    ended_at: int | None = None
    """When a person ended it before its time."""
    ended_by: str | None = None

    def is_active(self, now: int) -> bool:
        """Whether policies leave its agents alone now."""
        return self.ended_at is None and self.silence.starts_at <= now < self.silence.ends_at


class StoredReview(Struct, frozen=True, kw_only=True):
    """A score given to an outcome after the fact."""

    event_id: bytes
    at: int
    agent_no: int
    outcome_at: int
    score_e6: int
    before_e6: int | None
    """The score it had until then."""
    comment: str
    source: Source
    who: str
    counted: bool
    """False: the agent was fired when it sent the outcome, so that neither counts."""


class Condemnation(Struct, frozen=True, kw_only=True):
    """A lineage that is turned away."""

    lineage: str
    at: int
    fire_id: str
    agent_id: str
    """Who was fired for it."""
    reason: str


class RefusedAgent(Struct, frozen=True, kw_only=True):
    """An agent that was turned away, because its worker was fired under another id."""

    lineage: str
    agent_id: str
    first_at: int
    last_at: int
    reports: int


class Tick(Struct, frozen=True, kw_only=True):
    """A tick as it was recorded."""

    now: int
    writer: int
    seq: int
    epoch: int
    policy_set_hash: str
    folded: int
    digest: bytes
    wall_offset_ms: int


class Blind(Struct, frozen=True, kw_only=True):
    """A stretch we did not see."""

    at: int
    started_at: int
    ended_at: int
    cause: BlindCause
    wall_offset_ms: int
    detail: str
