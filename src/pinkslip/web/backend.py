"""What the web asks of the service: one port, implemented in `app` over journal, fleet thread and readers.

The web knows HTTP and nothing of threads; a backend knows threads and nothing of HTTP. Every awaitable
may fail with one of the four refusals in `model.errors`; anything else is a bug and becomes a 500.
Times are journal milliseconds. A workspace is named by its number; `ident` is an agentId, or the
uuid of an agent when no agentId matches.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Protocol

from msgspec import Struct

from pinkslip.fleet.snapshot import AgentView, Snapshot
from pinkslip.judge.conclusions import (
    Cause,
    Deploy,
    PanicPool,
    PolicyAnswer,
    Recomputed,
    Waiting,
)
from pinkslip.judge.guards.envelope import PoolLimit
from pinkslip.model.events import Report, SessionReport
from pinkslip.model.facts import Demoted
from pinkslip.model.policy import Matcher, PolicySet
from pinkslip.model.ports import Receipt
from pinkslip.model.words import ActorKind, Guard
from pinkslip.policies.known import Known
from pinkslip.policies.problems import Problem
from pinkslip.store.acts import FireDone
from pinkslip.store.chain import ChainReport
from pinkslip.store.views import (
    AgentFilters,
    DecisionFilters,
    EnforcementState,
    Fire,
    PolicyCount,
    Remembered,
    Reversal,
    Session,
    SessionFilters,
    SessionPlace,
    StoredDecision,
    StoredReview,
    StoredSilence,
    Workspace,
)


class Phase(StrEnum):
    """What this process is doing about serving."""

    STARTING = "starting"
    STANDBY = "standby"
    """Another process holds the lease."""
    SERVING = "serving"
    STOPPING = "stopping"


class State(Struct, frozen=True):
    """Read at every request, so it must be at hand without waiting."""

    phase: Phase
    holder: str | None = None
    """Who holds the lease, while STANDBY."""
    detail: str = ""
    """What a person is told beside it: `rebuilding the fleet`, `upgrading the schema`."""


class Actor(Struct, frozen=True):
    """Who does something. Taken from the caller's identity, never from a body."""

    kind: ActorKind
    name: str


class SilenceState(Struct, frozen=True, kw_only=True):
    """A silence as it stands now."""

    stored: StoredSilence
    matched: int
    """Live agents it takes in now."""


class Why(Struct, frozen=True, kw_only=True):
    """Everything the judge would say about one agent at `at`."""

    agent: AgentView
    at: int
    policies: tuple[PolicyAnswer, ...]
    silences: tuple[SilenceState, ...] = ()
    """In force for it now."""


class PolicyState(Struct, frozen=True, kw_only=True):
    """The set in force, and what became of the newest attempt to load another."""

    policy_set: PolicySet
    loaded_at: int
    places: tuple[str, ...] = ()
    """Files and directories the set was read from."""
    problems: tuple[Problem, ...] = ()
    """Of the newest attempt. With an error among them the set in force is an older one."""
    reload_failed: bool = False
    matched: Mapping[str, int] = {}
    """Policy to agents it matches now."""
    open_episodes: Mapping[str, int] = {}
    findings: Mapping[str, str] = {}
    """Policy to why the newest tick could not judge it; absent where it could."""
    holding: Mapping[str, int] = {}
    """Policy to agents for whom its `when` is true now."""
    held: Mapping[tuple[str, Guard], int] = {}
    """How many episodes each guard holds now."""
    rungs: Mapping[str, Sequence[int]] = {}
    """Policy to how many stand on each rung of its ladder now, the first rung first."""
    demoted: Mapping[str, Demoted] = {}
    """Policies in force that were overruled too often and are in shadow for that."""
    limits: Sequence[PoolLimit] = ()
    """What the guards allow in each pool."""


class Checked(Struct, frozen=True, kw_only=True):
    """What loading a set would give, without loading it."""

    policy_set: PolicySet | None
    problems: tuple[Problem, ...]


class Facts(Struct, frozen=True, kw_only=True):
    """What the landing page and `/-/ready` say of the service itself."""

    started_at: int
    observing_since: int
    holder: str
    epoch: int
    database: str
    """For people: a path, or host and database name; never a password."""
    last_tick_at: int | None = None
    journal_queue: int = 0
    panics: tuple[PanicPool, ...] = ()
    zombies: int = 0
    waiting: tuple[Waiting, ...] = ()
    causes: tuple[Cause, ...] = ()
    deploys: tuple[Deploy, ...] = ()
    silences: tuple[SilenceState, ...] = ()
    """In force now."""
    demoted: tuple[Demoted, ...] = ()
    refused: int = 0
    """Reports of agents whose worker was fired, refused within the last hour."""


class MetricsPage(Struct, frozen=True):
    """A rendered exposition with the headers that describe it."""

    body: bytes
    headers: Mapping[str, str]


class Backend(Protocol):
    """The service, as the web sees it."""

    @property
    def state(self) -> State:
        """Whether this process may answer."""
        ...

    @property
    def facts(self) -> Facts:
        """The service about itself, at hand without waiting."""
        ...

    def now(self) -> int:
        """Journal time now, never before an `at` already answered."""
        ...

    def workspace(self, workspace_id: int) -> Workspace:
        """Its name and uuid, at hand without waiting."""
        ...

    def displays(self, workspace_id: int) -> Mapping[str, str]:
        """Every reason a fire may give, and the neutral name people read; at hand without waiting."""
        ...

    # what agents say

    async def report(self, reports: Sequence[Report]) -> list[Receipt]:
        """Durable when it returns; one receipt each, in order. Waits for COMMIT and for nothing else."""
        ...

    # agents

    async def snapshot(self, workspace_id: int) -> Snapshot:
        """Everything in memory, holding all that was answered before the call (at most 100 ms late)."""
        ...

    async def agent(self, workspace_id: int, ident: str) -> AgentView | None:
        """Memory first, then the database. Holds all that was answered before the call."""
        ...

    async def agents_left(
        self,
        workspace_id: int,
        *,
        finished: bool,
        fired: bool,
        filters: AgentFilters,
        after: int,
        limit: int,
    ) -> list[AgentView]:
        """Finished and fired agents in the database with agent_no > `after`, ascending, at most `limit`.

        May hold rows that are still in memory; the caller prefers the snapshot's.
        """
        ...

    async def fires(self, workspace_id: int, numbers: Sequence[int]) -> dict[int, list[Fire]]:
        """Fire history by agent_no, oldest first; agents never fired are absent."""
        ...

    # acts of people

    async def fire(
        self,
        workspace_id: int,
        ident: str,
        *,
        reason: str,
        context: str,
        force: bool,
        dry_run: bool,
        actor: Actor,
    ) -> FireDone:
        """Terminate, or say what would happen.

        NotFound: no such agent. Invalid: a reason nobody configured. Conflict: already fired (facts
        firedAt, firedBy, reason, fireId) or protected and not forced (facts protectedUntil).
        """
        ...

    async def reinstate(
        self, workspace_id: int, ident: str, *, context: str, wrong: bool, actor: Actor
    ) -> AgentView:
        """Bring a fired agent back. NotFound; Conflict when it is not fired."""
        ...

    async def protect(
        self, workspace_id: int, ident: str, *, until: int | None, context: str, actor: Actor
    ) -> AgentView:
        """No policy fires it before `until`; None lifts that. NotFound."""
        ...

    async def quarantine(
        self, workspace_id: int, ident: str, *, until: int, context: str, actor: Actor
    ) -> AgentView:
        """Pause it until then. NotFound; Conflict when it is fired or finished."""
        ...

    async def release(
        self, workspace_id: int, ident: str, *, context: str, actor: Actor
    ) -> AgentView:
        """Let it go from whatever a policy or a person set it to. NotFound; Conflict when it is active or fired."""
        ...

    async def review(
        self, workspace_id: int, event_id: str, *, score: float, comment: str, actor: Actor
    ) -> StoredReview:
        """Give an outcome another score. NotFound: no such outcome."""
        ...

    async def veto(
        self, workspace_id: int, decision_id: str, *, context: str, actor: Actor
    ) -> StoredDecision:
        """Stop what the decision announced; the record of the veto.

        NotFound; Conflict saying what became of it when nothing waits any more.
        """
        ...

    async def approve(
        self, workspace_id: int, decision_id: str, *, context: str, actor: Actor
    ) -> StoredDecision:
        """Allow what the decision asked for; the record of the approval. Refuses as `veto` does."""
        ...

    # silences

    async def silences(
        self, workspace_id: int, *, active: bool | None, limit: int
    ) -> list[SilenceState]:
        """Newest start first, at most `limit`; `active`: only those in force now, or only those over."""
        ...

    async def add_silence(
        self,
        workspace_id: int,
        *,
        match: Sequence[Matcher],
        ends_at: int,
        reason: str,
        force: bool,
        actor: Actor,
    ) -> SilenceState:
        """Leave these agents alone from now on.

        Conflict (facts matched, active) when it takes in more than `max_silenced` and is not forced.
        """
        ...

    async def end_silence(
        self, workspace_id: int, silence_id: str, *, actor: Actor
    ) -> SilenceState:
        """End it now. NotFound; Conflict when it is over."""
        ...

    # sessions

    async def sessions(
        self,
        workspace_id: int,
        *,
        filters: SessionFilters,
        after: SessionPlace | None,
        limit: int,
    ) -> list[Session]:
        """Newest start first, from just behind `after`, at most `limit`."""
        ...

    async def session(self, workspace_id: int, key: str) -> Session | None:
        """The conversation under its key."""
        ...

    async def put_session(
        self, workspace_id: int, key: str, report: SessionReport, *, actor: Actor
    ) -> tuple[Session, bool]:
        """Create or change; True when it was created. Invalid: an agent or user nobody knows."""
        ...

    # decisions and policies

    async def decisions(
        self, workspace_id: int, *, filters: DecisionFilters, before: int | None, limit: int
    ) -> list[StoredDecision]:
        """Newest first, with number < `before`, at most `limit`."""
        ...

    async def decision(self, workspace_id: int, decision_id: str) -> StoredDecision | None:
        """One record."""
        ...

    async def recompute(self, workspace_id: int, decision_id: str) -> Recomputed:
        """Evaluate its policy again on the journal as it was. NotFound; Conflict when history is pruned."""
        ...

    async def why(self, workspace_id: int, ident: str) -> Why | None:
        """Every policy's answer about one agent now; None: no such agent."""
        ...

    async def policies(self, workspace_id: int) -> PolicyState:
        """What is loaded, and the newest problems."""
        ...

    async def policy_counts(self, workspace_id: int, *, since: int) -> list[PolicyCount]:
        """What policies decided since an instant, by policy and kind; 0: ever."""
        ...

    async def reversals(self, workspace_id: int, *, since: int) -> list[Reversal]:
        """Where people overruled policies since an instant, oldest first; 0: ever."""
        ...

    async def restore_policy(
        self, workspace_id: int, name: str, *, context: str, actor: Actor
    ) -> StoredDecision:
        """Let a demoted policy act again; the record of it. NotFound; Conflict when it is not demoted."""
        ...

    async def known(self, workspace_id: int) -> Known:
        """What the fleet has shown so far, for checking policies against it."""
        ...

    async def check_policies(
        self, workspace_id: int, sources: Sequence[tuple[str, str]]
    ) -> Checked:
        """Load (file, text) pairs as a set and throw it away."""
        ...

    async def verify_chain(self, workspace_id: int) -> ChainReport:
        """Walk the chain of decisions from its start. Reads every record once."""
        ...

    # running it

    async def enforcement(self, workspace_id: int) -> EnforcementState:
        """Whether policies may act."""
        ...

    async def stop_enforcement(
        self, workspace_id: int, *, everywhere: bool, reason: str, actor: Actor
    ) -> EnforcementState:
        """Hold everything, until resumed, over restarts. Stopping twice keeps the first stop."""
        ...

    async def resume_enforcement(
        self, workspace_id: int, *, everywhere: bool, reason: str, actor: Actor
    ) -> EnforcementState:
        """Let policies act again. Conflict when nothing is stopped."""
        ...

    async def reload(self, *, actor: Actor) -> PolicyState:
        """Read policies and configuration again, all or nothing; `reload_failed` says which."""
        ...

    async def metrics(
        self, workspace_id: int, *, accept: str, accept_encoding: str
    ) -> MetricsPage:
        """The exposition in the best format the scraper takes."""
        ...

    async def recall(self, workspace_id: int, key: str) -> Remembered | None:
        """The answer under an Idempotency-Key, where it is not older than a day."""
        ...

    async def remember(self, workspace_id: int, key: str, remembered: Remembered) -> None:
        """Keep an answer under its key."""
        ...
