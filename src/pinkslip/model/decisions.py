"""What a tick concludes and what the store makes durable in one fenced transaction."""

from collections.abc import Mapping

from msgspec import Struct

from pinkslip.model.words import (
    Action,
    DeliveryState,
    EpisodeState,
    Guard,
    Mode,
    Standing,
    Verdict,
)


class Episode(Struct, frozen=True):
    """One (policy, agent) stretch as it stands. Times are journal ms."""

    policy: str
    episode_hash: str
    agent_no: int
    incarnation: int
    state: EpisodeState
    began_at: int
    """When `when` turned true."""
    true_since: int | None
    """Since when `when` has been true without interruption; `for` counts from here."""
    false_since: int | None
    """Since when it has been false; `keep_for` counts from here."""
    guard: Guard | None = None
    """Who holds it, while HELD."""
    guard_detail: str = ""
    decision_id: str | None = None
    """The newest decision written for it."""
    until: int | None = None
    """While NOTICED: when the notice has passed. While AWAITING with a notice: as well."""
    ruled_by: str | None = None
    """Who vetoed it, or approved it."""


class Statistic(Struct, frozen=True, omit_defaults=True):
    """One evidence function as it stood: enough to compute it again from counts alone."""

    function: str
    """As written: `proven(success < 70%, error=1%)`."""
    value: float | None
    """The statistic, 9 significant digits: of `proven` the base-10 logarithm of its e-value."""
    threshold: float | None
    """What it was held against, in the same unit, after the error was spent."""
    tasks: int = 0
    successes: int = 0
    """Counted since the evidence began."""
    since: int = 0
    """When the evidence began: the incarnation's start, or the rung taken last."""
    base_tasks: int = 0
    base_successes: int = 0
    """What was counted before `since`, and is left out."""
    pass_no: int = 1
    """Which pass through the ladder: the k of error/(k(k+1))."""


class Consulted(Struct, frozen=True, omit_defaults=True):
    """What one guard said of a verdict."""

    guard: Guard
    held: bool
    detail: str = ""


class Evidence(Struct, frozen=True, omit_defaults=True):
    """The numbers a verdict rests on; enough to evaluate `when` again by hand."""

    when: str
    values: Mapping[str, float | None]
    """Measure as written (`success_rate[1h]`) to its value in base units, 9 significant digits; None: unknown."""
    words: str
    """One sentence a person understands."""
    true_since: int
    for_ms: int = 0
    tasks: int = 0
    """Outcomes the windows rest on, where outcomes are read."""
    statistics: tuple[Statistic, ...] = ()
    guards: tuple[Consulted, ...] = ()
    """Every guard that was asked, in order."""
    rung: int = 0
    """The rung it is about, from 1; 0: the policy has no ladder."""
    rungs: int = 0
    until: int | None = None
    """Until when: a quarantine, a probation by time, a notice."""
    lineage: str | None = None
    """The worker the evidence followed, where the policy's scope is its lineage."""


class Decision(Struct, frozen=True, kw_only=True):
    """One verdict on one agent, written on edges only."""

    id: str
    """UUIDv7."""
    at: int
    policy: str
    policy_hash: str
    agent_no: int
    agent_id: str
    incarnation: int
    verdict: Verdict
    mode: Mode
    action: Action
    reason: str | None
    guard: Guard | None
    guard_detail: str
    evidence: Evidence


class Place(Struct, frozen=True, kw_only=True):
    """Where one policy's ladder has put one subject. It outlives episodes, and for a lineage its agents."""

    policy: str
    episode_hash: str
    subject: str
    """`agent:<agent_no>` or `lineage:<key>`."""
    incarnation: int
    """Of the agent; 0 for a lineage."""
    rung: int
    """Index of the rung taken last; -1: none in this pass."""
    standing: Standing
    """What the policy makes of the subject now. A policy in shadow has places too, which nobody feels."""
    since: int
    """When that rung was taken, or the pass began: evidence before counts no more."""
    until: int | None = None
    """When the standing ends by time."""
    passes: int = 1
    """The k of error/(k(k+1))."""
    quarantines: int = 0
    """How many count for doubling; one is forgotten for each day since the last one ended."""
    quarantined_until: int = 0
    """When the newest quarantine ended, or will."""
    base_tasks: int = 0
    base_successes: int = 0
    """Counted by the policy's filter up to `since`."""
    false_since: int | None = None
    """Since when `when` has been false for the subject, where that is how it recovers."""
    is_shadow: bool = False
    decision_id: str | None = None
    gone: bool = False
    """In a tick's record: the place is given up."""


class StandingChange(Struct, frozen=True, kw_only=True):
    """An agent's standing differs from what it was: the worst of all places and of what people ordered."""

    agent_no: int
    agent_id: str
    incarnation: int
    standing: Standing
    until: int | None
    policy: str | None
    """Whose place it is; None: nobody's, the agent is let go."""
    why: str


class TickRecord(Struct, frozen=True, kw_only=True):
    """One pass of the judge, with what it changes. Written whole or not at all."""

    workspace_id: int
    now: int
    writer: int
    watermark: int
    """It saw the facts of `writer` up to this number."""
    epoch: int
    policy_set_hash: str
    folded: int
    """Facts folded since the tick before."""
    digest: bytes
    """Running BLAKE2b-128 over all facts folded so far."""
    wall_offset_ms: int
    decisions: tuple[Decision, ...]
    """Verdict FIRED ones become fires, where the agent is still there to be fired."""
    episodes: tuple[Episode, ...]
    """Every episode this tick changed; CLEAR ones end."""
    places: tuple[Place, ...] = ()
    """Every place this tick changed; gone ones are deleted."""
    standings: tuple[StandingChange, ...] = ()


class TickWritten(Struct, frozen=True):
    """What the transaction did with a tick."""

    fired: tuple[str, ...]
    """Decision ids that became fires."""
    superseded: tuple[str, ...]
    """Decision ids whose agent had gone, been fired or been reinstated meanwhile: recorded, not done."""


class Delivery(Struct, frozen=True, kw_only=True):
    """The work of making one fire real outside."""

    workspace_id: int
    fire_id: str
    generation: int
    agent_no: int
    agent_id: str
    executor: str
    state: DeliveryState
    created_at: int
    delivered_at: int | None = None
    """When the order went out in an answer."""
    last_report_at: int | None = None
    """The agent's newest report after the fire."""
    was_silent: bool = False
    """Whether the agent was already silent when it was fired."""
    last_word: bool = False
    """It said goodbye (finish, or a heartbeat with `leaving`) after the order."""
    settled_at: int | None = None
    detail: str = ""


class DeliveryChange(Struct, frozen=True, kw_only=True):
    """What the enforcement loop concluded about a delivery."""

    workspace_id: int
    fire_id: str
    generation: int
    state: DeliveryState
    settled_at: int | None
    detail: str
    next_generation: bool = False
    """Open the next generation of the same fire beside this one."""
