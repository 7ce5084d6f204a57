"""What the journal knows, in the order it was committed. The fleet is the fold of these and of nothing else.

An event becomes facts once the writer has given it a time and a number; the store keeps each fact as a
row and can give the same facts back. `at` is journal time in ms, `seq` the writer's number.
"""

from collections.abc import Mapping

from msgspec import UNSET, Struct, UnsetType

from pinkslip.model.words import BlindCause, Fault, Result, Source, Standing, Status, Verdict


class Registered(Struct, frozen=True, tag=True):
    """First contact. What the agent said of itself follows in a `Changed` of the same instant."""

    agent_no: int
    at: int
    seq: int
    agent_id: str
    uuid: str


class Beat(Struct, frozen=True, gc=False, tag=True):
    """One heartbeat, counted for liveness."""

    agent_no: int
    at: int
    seq: int


class Changed(Struct, frozen=True, tag=True):
    """What one report changed. UNSET: unchanged. None: cleared."""

    agent_no: int
    at: int
    seq: int
    status: Status | UnsetType = UNSET
    current_task: str | None | UnsetType = UNSET
    progress: float | None | UnsetType = UNSET
    context_used: float | None | UnsetType = UNSET
    interval_ms: int | None | UnsetType = UNSET
    boot_id: str | None | UnsetType = UNSET
    name: str | None | UnsetType = UNSET
    model: str | None | UnsetType = UNSET
    role: str | None | UnsetType = UNSET
    host: str | None | UnsetType = UNSET
    lineage: str | None | UnsetType = UNSET
    labels: Mapping[str, str] | None | UnsetType = UNSET
    session_key: str | None | UnsetType = UNSET
    last_error: str | None | UnsetType = UNSET


class Done(Struct, frozen=True, gc=False, tag=True):
    """One outcome. Money in micro-dollars, score in millionths: sums stay integers."""

    agent_no: int
    at: int
    seq: int
    event_id: bytes
    """16 bytes: a UUID as it is, any other string by digest."""
    result: Result
    fault: Fault
    source: Source
    counted: bool
    """False when the agent was already fired: kept, and counts nowhere."""
    kind: str | None = None
    duration_ms: int | None = None
    started_at: int | None = None
    tokens_in: int | None = None
    tokens_out: int | None = None
    cost_micros: int | None = None
    score_e6: int | None = None
    error: str | None = None
    session_key: str | None = None
    task_id: str | None = None


class Finished(Struct, frozen=True, tag=True):
    """The agent ended as planned: status IDLE, `finishedAt` set."""

    agent_no: int
    at: int
    seq: int
    context: str | None = None


class Revived(Struct, frozen=True, tag=True):
    """A finished agent reports again under another boot."""

    agent_no: int
    at: int
    seq: int


class Fired(Struct, frozen=True, tag=True):
    """Terminated, with the record that says why."""

    agent_no: int
    at: int
    seq: int
    fire_id: str
    reason: str
    by_policy: str | None
    """The policy's name, or None when a person fired."""


class Reinstated(Struct, frozen=True, tag=True):
    """A person brought the agent back: next incarnation, counters go on, evidence starts again."""

    agent_no: int
    at: int
    seq: int
    incarnation: int


class Protected(Struct, frozen=True, tag=True):
    """No policy may fire the agent before `until`; None lifts it."""

    agent_no: int
    at: int
    seq: int
    until: int | None


class Stood(Struct, frozen=True, tag=True):
    """The agent's standing changed: probation, quarantined, notice, or active again."""

    agent_no: int
    at: int
    seq: int
    standing: Standing
    until: int | None
    policy: str | None
    """Whose doing; None: a person's, or nobody holds it any more."""
    by_person: bool = False
    """A person's quarantine: no policy ends it before `until`."""

    @property
    def begins_tests(self) -> bool:
        """Whether the evidence of `decayed` begins anew. Not with a notice: what a fire was announced for must
        still hold when its time has come."""
        return self.standing is not Standing.NOTICE


class Released(Struct, frozen=True, tag=True):
    """A person let the agent go: active, and every policy's ladder starts a new pass."""

    agent_no: int
    at: int
    seq: int

    @property
    def begins_tests(self) -> bool:
        """The evidence of `decayed` begins anew."""
        return True


class Reviewed(Struct, frozen=True, tag=True):
    """An outcome's score was given or replaced after the fact. Its result never changes."""

    agent_no: int
    at: int
    seq: int
    event_id: bytes
    outcome_writer: int
    outcome_seq: int
    outcome_at: int
    """Where the outcome stands in the journal."""
    score_e6: int
    before_e6: int | None
    """The score it had until now."""
    counted: bool = True
    """As of the outcome: one that counts nowhere counts nowhere reviewed."""


class Silence(Struct, frozen=True):
    """Policies leave these agents alone for a while; a person says why."""

    id: str
    match: tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...]
    """(field, values, patterns) per line, as in `policy.Matcher`; all must hold."""
    owner: str
    reason: str
    starts_at: int
    ends_at: int


class Silenced(Struct, frozen=True, tag=True):
    """A silence begins at `silence.starts_at`."""

    at: int
    seq: int
    silence: Silence


class Unsilenced(Struct, frozen=True, tag=True):
    """A silence was ended before its time."""

    at: int
    seq: int
    id: str


class Ruled(Struct, frozen=True, tag=True):
    """A person vetoed or approved what a decision announced."""

    at: int
    seq: int
    decision_id: str
    verdict: Verdict
    """VETOED or APPROVED."""
    actor: str


class Demoted(Struct, frozen=True, tag=True):
    """A policy was overruled too often: shadow, until a person restores it or writes another version."""

    at: int
    seq: int
    policy: str
    policy_hash: str
    why: str


class Promoted(Struct, frozen=True, tag=True):
    """A person restored a demoted policy."""

    at: int
    seq: int
    policy: str


class Condemned(Struct, frozen=True, tag=True):
    """A worker was fired whom evidence followed by lineage: new ids of it are refused."""

    at: int
    seq: int
    lineage: str
    fire_id: str


class Absolved(Struct, frozen=True, tag=True):
    """An agent of a condemned lineage was reinstated."""

    at: int
    seq: int
    lineage: str


class Blinded(Struct, frozen=True, tag=True):
    """We did not see between `start` and `end` (ms): taken off every age."""

    at: int
    seq: int
    start: int
    end: int
    cause: BlindCause


class Restored(Struct, frozen=True, tag=True):
    """An agent as it stood at journal place (`writer`, `seq`): where a rebuild starts. Never journaled."""

    agent_no: int
    at: int
    seq: int
    writer: int
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
    incarnation_at: int
    created_at: int
    updated_at: int
    last_heartbeat: int | None
    interval_ms: int | None
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
    """Non-successes by fault, in the order of `Fault`; a user's cancellation is not among them."""
    duration_ms_sum: int
    duration_count: int
    duration_buckets: tuple[int, ...]
    tokens_in: int
    tokens_out: int
    cost_micros: int
    score_e6_sum: int
    score_count: int
    error_count: int
    last_error: str | None
    streak: int
    """Failures in a row, fault agent, every source."""
    tasks_before: int = 0
    """Of `tasks`, those of former incarnations."""
    last_fired_at: int | None = None
    """The newest fire, reinstated or not: the envelope counts it."""
    last_fired_policy: str | None = None
    """The policy that did it; None: a person, or nobody yet."""
    standing_until: int | None = None
    ordered_until: int | None = None
    """The end of a person's quarantine."""
    released_at: int | None = None
    """When a person released it last."""
    boot_changed_at: int | None = None
    """When it last came with a new bootId after another."""
    evidence: str = ""
    """What the fleet keeps for evidence functions, as the fleet writes it; opaque to everybody else."""


class LineageBook(Struct, frozen=True):
    """What is known of a worker whatever its ids: a checkpoint row, as `RoleTotals` are."""

    lineage: str
    evidence: str
    """As `Restored.evidence`."""
    condemned_at: int | None = None
    fire_id: str | None = None


Fact = (
    Registered
    | Beat
    | Changed
    | Done
    | Finished
    | Revived
    | Fired
    | Reinstated
    | Protected
    | Stood
    | Released
    | Reviewed
    | Silenced
    | Unsilenced
    | Ruled
    | Demoted
    | Promoted
    | Condemned
    | Absolved
    | Blinded
    | Restored
)

AboutNobody = Silenced | Unsilenced | Ruled | Demoted | Promoted | Condemned | Absolved
"""People's acts and their consequences that are about no single agent."""


class Mark(Struct, frozen=True):
    """A tick's place in the journal: it sees exactly the facts before. Rows after it have a later `at`."""

    workspace_id: int
    now: int
    writer: int
    seq: int
    """The last number allotted before the mark."""
    epoch: int
    wall_offset_ms: int
    """Wall clock less journal time, as last recorded."""


class Batch(Struct, frozen=True):
    """What one COMMIT made true, by workspace, in order."""

    facts: tuple[tuple[int, Fact], ...]
    """(workspace id, fact)."""
    seq: int
    """The last number this commit covers."""
    at: int
