"""What a tick concludes and what the store makes durable in one fenced transaction."""

from collections.abc import Mapping

from msgspec import Struct

from pinkslip.model.words import Action, DeliveryState, EpisodeState, Guard, Mode, Verdict


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
