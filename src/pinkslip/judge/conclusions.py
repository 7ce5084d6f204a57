"""What the judge hands back: a tick's judgement, and its answers about one agent or one decision."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from msgspec import Struct

from pinkslip.judge.guards.common_cause import Cause
from pinkslip.judge.guards.mass_restart import Deploy
from pinkslip.judge.memory import Memory
from pinkslip.model.decisions import (
    Decision,
    Episode,
    Evidence,
    Place,
    StandingChange,
    Statistic,
)
from pinkslip.model.words import Action, EpisodeState, Guard, Mode, Standing

__all__ = [
    "Cause",
    "Deploy",
    "Finding",
    "Judgement",
    "PanicPool",
    "PolicyAnswer",
    "Recomputed",
    "Waiting",
]


class Finding(Struct, frozen=True):
    """Something wrong with a policy that a person should hear of. The other policies went on."""

    policy: str
    message: str


class PanicPool(Struct, frozen=True):
    """A pool in which too many turned stale or failing at once: stale-type firing is held there."""

    pool: str
    """The value of the guards' pool label; empty for agents without one."""
    since: int
    newly: int
    """How many turned within one `per` and are so still."""
    size: int
    """Agents of the pool, those in quarantine among them: their heartbeats go on."""


class Waiting(Struct, frozen=True, kw_only=True):
    """A fire that was announced, or asked for, and has not come: a person may still stop it."""

    decision_id: str
    """What a veto or an approval names."""
    policy: str
    agent_no: int
    agent_id: str
    state: EpisodeState
    """NOTICED, or AWAITING until somebody approves it."""
    since: int
    until: int | None
    """When the notice has passed; None: there is none, only approval was or is asked for."""
    reason: str | None
    words: str
    """What is said of the agent now; empty while `when` cannot be told."""
    holds: bool = True
    """Whether `when` holds now. A fire whose time has passed comes the next time it does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """One tick's conclusions. Nothing has happened yet: commit it, then `JudgeState.apply` it."""

    now: int
    decisions: tuple[Decision, ...]
    """By the policies' order, then agent_no."""
    episodes: tuple[Episode, ...]
    """Every episode this tick changed; CLEAR ones end."""
    held: Mapping[tuple[str, Guard], int]
    """How many episodes each guard holds now, by policy."""
    matched: Mapping[str, int]
    """How many agents each policy's `match` takes in."""
    holding: Mapping[str, int]
    """For how many of those its `when` is true now."""
    panics: tuple[PanicPool, ...]
    deferred: int
    """Records put off to the next ticks, because this one made as many as a tick may."""
    findings: tuple[Finding, ...]
    places: tuple[Place, ...] = ()
    """Every place this tick changed, by the policies' order; gone ones are given up."""
    standings: tuple[StandingChange, ...] = ()
    """By agent_no."""
    waiting: tuple[Waiting, ...] = ()
    """Every announced fire that still waits, by the policies' order, then agent_no."""
    causes: tuple[Cause, ...] = ()
    """What failing agents share, so that nothing worse than a notification comes of it."""
    deploys: tuple[Deploy, ...] = ()
    """Pools that are restarting, by name."""
    silenced: tuple[int, ...] = ()
    """agent_no of those whom a silence in force is about."""
    after: Memory = field(repr=False, compare=False)
    """What the state becomes when this is applied."""


class PolicyAnswer(Struct, frozen=True, kw_only=True):
    """How one policy stands to one agent now, and what is missing for it to act."""

    policy: str
    mode: Mode
    action: Action
    reason: str | None
    matches: bool
    when: str
    truth: str
    """true, false or unknown."""
    values: Mapping[str, float | None]
    """Every measure `when` reads, base units, 9 significant digits; None: unknown."""
    state: EpisodeState
    began_at: int | None
    true_since: int | None
    for_ms: int
    guard: Guard | None
    """The first guard that holds it, or would."""
    guard_detail: str
    guards: tuple[tuple[Guard, str], ...]
    """Every guard that holds it, or would, in the order they are asked."""
    words: str
    """All of it in one sentence."""
    rung: int = 0
    """Of the ladder's rungs the one taken last, from 1; 0: none."""
    rungs: int = 0
    """0: the policy has no ladder."""
    standing: Standing = Standing.ACTIVE
    """What this policy makes of the agent."""
    until: int | None = None
    """When that ends by itself, or the notice has passed."""
    waiting_decision: str | None = None
    """The decision a veto or an approval names, while one is possible."""
    meter: float | None = None
    """How far the evidence has come toward acting, 0 to 1; None where nothing is counted."""
    statistics: tuple[Statistic, ...] = ()


class Recomputed(Struct, frozen=True, kw_only=True):
    """A decision's evidence, worked out again from the journal."""

    identical: bool
    evidence: Evidence
    differences: tuple[str, ...]
    """One sentence each; empty when identical."""
