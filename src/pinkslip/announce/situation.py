"""What people should know of at one instant. `app` gathers it after each tick; `messages` puts it in words.

It says what stands, never what changed: so a restart, or a receiver that was away, loses nothing and invents
nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from pinkslip.judge.conclusions import PanicPool
from pinkslip.judge.guards.common_cause import Cause
from pinkslip.judge.guards.mass_restart import Deploy
from pinkslip.model.decisions import Decision, Delivery
from pinkslip.model.policy import Policy
from pinkslip.model.words import Guard


class Matter(StrEnum):
    """What about an agent people are told of."""

    NOTIFIED = "notified"
    PROBATION = "probation"
    QUARANTINED = "quarantined"
    NOTICE = "notice"
    APPROVAL = "approval"
    FIRED = "fired"


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One decision about one agent that stands: an open notice, a question, a rung, a recent fire."""

    matter: Matter
    decision: Decision
    role: str
    until: int | None = None
    """When the notice has passed, or the quarantine ends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """Verdicts of one policy that one guard holds back now."""

    policy: str
    guard: Guard
    agents: tuple[str, ...]
    """Some of them, by name."""
    count: int
    since: int
    detail: str
    """The guard's words about the first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Demotion:
    """A policy that put itself into shadow."""

    policy: str
    at: int
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """An agent that was refused because its lineage is condemned."""

    lineage: str
    agent_id: str
    at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """One workspace at `now`, journal ms."""

    workspace: str
    now: int
    base_url: str
    """Where people reach the service; links begin with it."""
    pool_label: str = "role"
    policies: Mapping[str, Policy] = field(default_factory=dict)
    displays: Mapping[str, str] = field(default_factory=dict)
    """How a reason is shown to people."""
    standing: Sequence[Standing] = ()
    held: Sequence[Held] = ()
    panics: Sequence[PanicPool] = ()
    causes: Sequence[Cause] = ()
    deploys: Sequence[Deploy] = ()
    zombies: Sequence[Delivery] = ()
    demotions: Sequence[Demotion] = ()
    refusals: Sequence[Refusal] = ()
