"""The fixed vocabularies, spelled as users read and write them.

Columns hold a member's *code*, its place in the enumeration; `code_of` and `word_of` translate.
Members are only ever appended, never reordered: codes live in snapshots and digests.
"""

from enum import StrEnum
from functools import cache
from typing import TypeVar


class Status(StrEnum):
    """What an agent says it is doing; TERMINATED is ours to give."""

    IDLE = "IDLE"
    WORKING = "WORKING"
    WAITING = "WAITING"
    ERROR = "ERROR"
    TERMINATED = "TERMINATED"


class Standing(StrEnum):
    """How we regard an agent. The worst that any policy or person says of it."""

    ACTIVE = "active"
    PROBATION = "probation"
    QUARANTINED = "quarantined"
    NOTICE = "notice"
    FIRED = "fired"


class Result(StrEnum):
    """How a task ended."""

    SUCCESS = "success"
    FAILURE = "failure"
    TIMEOUT = "timeout"
    OFF_TRACK = "off_track"
    REFUSED = "refused"
    CONTEXT_OVERFLOW = "context_overflow"
    UNPARSABLE = "unparsable"
    CANCELLED = "cancelled"


class Fault(StrEnum):
    """Who is to blame for a task that did not succeed. By default only `agent` counts."""

    AGENT = "agent"
    PROVIDER = "provider"
    TOOL = "tool"
    INFRA = "infra"
    USER = "user"
    UNKNOWN = "unknown"


class Source(StrEnum):
    """Who reported an outcome. Taken from the token that sent it, never from the body."""

    SELF = "self"
    GATEWAY = "gateway"
    ORCHESTRATOR = "orchestrator"
    JUDGE = "judge"
    PERSON = "person"


class Mode(StrEnum):
    """How much a policy may do: nothing, decide and record only, or act."""

    OFF = "off"
    SHADOW = "shadow"
    ENFORCE = "enforce"


class Action(StrEnum):
    """What a policy does when it holds, and what a rung of a ladder does. See `SEVERITY_OF_ACTION`."""

    NOTIFY = "notify"
    FIRE = "fire"
    PROBATION = "probation"
    QUARANTINE = "quarantine"


class Scope(StrEnum):
    """Whom evidence follows: one agent, or the same worker through its ids."""

    AGENT = "agent"
    LINEAGE = "lineage"


class EpisodeState(StrEnum):
    """Where one stretch of (policy, agent) stands; see design section 8."""

    CLEAR = "clear"
    PENDING = "pending"
    HELD = "held"
    SHADOWED = "shadowed"
    NOTICED = "noticed"
    """A fire waits for its notice to pass."""
    ACTED = "acted"
    VETOED = "vetoed"
    """A person stopped it: nothing more until the episode ends."""
    AWAITING = "awaiting"
    """A fire waits for a person's approval."""


class Verdict(StrEnum):
    """What a decision record says was concluded."""

    HELD = "held"
    SHADOWED = "shadowed"
    NOTIFIED = "notified"
    FIRED = "fired"
    SUPERSEDED = "superseded"
    PROBATION = "probation"
    QUARANTINED = "quarantined"
    NOTICED = "noticed"
    """A fire was announced and waits for its notice to pass."""
    ASKED = "asked"
    """A fire waits for a person's approval."""
    CANCELLED = "cancelled"
    """A notice or a question came to nothing: the agent recovered, or the policy may no longer."""
    RELEASED = "released"
    """A ladder let the agent go, by recovery or by time; or a person did."""
    VETOED = "vetoed"
    APPROVED = "approved"
    REINSTATED = "reinstated"
    DEMOTED = "demoted"
    """The policy was overruled too often and is in shadow until a person restores it."""
    RESTORED = "restored"


class Guard(StrEnum):
    """Why a verdict was held back."""

    STOPPED = "enforcement_stopped"
    BLIND_TIME = "blind_time"
    NEWBORN = "newborn"
    PROTECTED = "protected"
    PANIC = "panic"
    ENVELOPE = "envelope"
    SILENCE = "silence"
    COMMON_CAUSE = "common_cause"
    MASS_RESTART = "mass_restart"
    NOTICES = "notices"


class ActorKind(StrEnum):
    """Who did it."""

    POLICY = "policy"
    PERSON = "person"
    API = "api"
    AGENT = "agent"
    SERVICE = "service"


class DeliveryState(StrEnum):
    """How far making a fire real outside has come."""

    PENDING = "pending"
    DELIVERED = "delivered"
    CONFIRMED = "confirmed"
    UNVERIFIED = "unverified"
    ZOMBIE = "zombie"
    CANCELLED = "cancelled"


class BlindCause(StrEnum):
    """Why we did not see."""

    RESTART = "restart"
    STALL = "stall"
    DATABASE = "database"
    CLOCK = "clock"
    INGEST = "ingest"
    """Reports came and were refused: what the agents could not say counts against nobody."""


SEED_REASONS = ("derailed", "obstinate", "dumb", "unresponsive", "corrupted")
"""The reasons every installation has; an operator may add more."""

SEED_DISPLAY = {
    "derailed": "off track",
    "obstinate": "not following instructions",
    "dumb": "underperforming",
    "unresponsive": "unresponsive",
    "corrupted": "corrupted context",
}
"""How the seed's reasons are shown to people: the words stay in records, the tone does not."""

SEVERITY_OF_STANDING = (
    Standing.ACTIVE,
    Standing.PROBATION,
    Standing.NOTICE,
    Standing.QUARANTINED,
    Standing.FIRED,
)
"""Mildest first: an agent's standing is the worst that anybody gives it."""

SEVERITY_OF_ACTION = (Action.NOTIFY, Action.PROBATION, Action.QUARANTINE, Action.FIRE)
"""Mildest first: the order in which a ladder may go down."""

EVERYWHERE = 0
"""The workspace id that stands for all of them, where enforcement is stopped."""

DEFAULT_FAULTS = frozenset({Fault.AGENT})
ALL_SOURCES = frozenset(Source)

Word = TypeVar("Word", bound=StrEnum)


@cache
def _codes(vocabulary: type[StrEnum]) -> dict[StrEnum, int]:
    return {word: code for code, word in enumerate(vocabulary)}


@cache
def _members(vocabulary: type[StrEnum]) -> tuple[StrEnum, ...]:
    return tuple(vocabulary)


def code_of(word: StrEnum) -> int:
    """The small integer that columns and digests hold for `word`."""
    return _codes(type(word))[word]


def word_of(vocabulary: type[Word], code: int) -> Word:
    """The member behind a code; IndexError when there is none."""
    return _members(vocabulary)[code]  # type: ignore[return-value]  # cache erases the vocabulary's type
