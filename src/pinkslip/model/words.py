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
    """How we regard an agent. Probation, quarantine and notice come with the ladder."""

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
    """What a policy does when it holds."""

    NOTIFY = "notify"
    FIRE = "fire"


class EpisodeState(StrEnum):
    """Where one stretch of (policy, agent) stands; see design section 8."""

    CLEAR = "clear"
    PENDING = "pending"
    HELD = "held"
    SHADOWED = "shadowed"
    NOTICED = "noticed"
    ACTED = "acted"


class Verdict(StrEnum):
    """What a decision record says was concluded."""

    HELD = "held"
    SHADOWED = "shadowed"
    NOTIFIED = "notified"
    FIRED = "fired"
    SUPERSEDED = "superseded"


class Guard(StrEnum):
    """Why a verdict was held back."""

    STOPPED = "enforcement_stopped"
    BLIND_TIME = "blind_time"
    NEWBORN = "newborn"
    PROTECTED = "protected"
    PANIC = "panic"
    ENVELOPE = "envelope"


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


SEED_REASONS = ("derailed", "obstinate", "dumb", "unresponsive", "corrupted")
"""The reasons every installation has; an operator may add more."""

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
