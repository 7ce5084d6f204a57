"""One receiver of messages, and what it was told: new ones at once, standing ones again and again, ended ones too.

As Prometheus does with Alertmanager: a message that stands is sent again every `resend_ms` with an end a few
resends ahead, so that a receiver forgets it by itself should we die; one that ended is sent with its end, and
again for `RESOLVED_KEPT_MS`, in case a call was lost.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Protocol

from msgspec import Struct

from pinkslip.announce.messages import Message

Key = tuple[tuple[str, str], ...]

ENDS_AFTER_RESENDS = 4
"""A message that is not sent again ends after so many resends."""
RESOLVED_KEPT_MS = 300_000
SENT_AT_ONCE_MAX = 200
"""Messages in one call."""


class Sent(Struct, frozen=True, kw_only=True):
    """One message as it is sent. Instants are wall-clock ms."""

    message: Message
    starts_at: int
    ends_at: int
    is_over: bool


class Undelivered(Exception):
    """The receiver did not take it; the text says why."""


class Refused(Undelivered):
    """It was read and refused, and will be refused again: what was good in it may have been taken."""


class Receiver(Protocol):
    """How one kind of receiver is told."""

    @property
    def name(self) -> str:
        """For metrics and logs; no secret in it."""
        ...

    async def send(self, batch: list[Sent]) -> None:
        """Tell it. Undelivered when it was not taken."""
        ...


@dataclass(slots=True)
class _Told:
    message: Message
    starts_at: int
    sent_at: int | None = None
    """When it was last taken."""
    ended_at: int | None = None


@dataclass(slots=True)
class Target:
    """What one receiver is to be told. Touched by the event loop only; knows no clock."""

    receiver: Receiver
    resend_ms: int
    _told: dict[Key, _Told] = field(default_factory=dict)
    is_failing: bool = False
    sent: int = 0
    failed: int = 0

    def update(self, messages: Iterable[Message], *, wall_ms: int, journal_ms: int) -> None:
        """These stand now; all others are over."""
        standing = {message.key: message for message in messages}
        for key, message in standing.items():
            known = self._told.get(key)
            if known is None or known.ended_at is not None:
                starts_at = wall_ms - max(0, journal_ms - message.starts_at)
                self._told[key] = _Told(message, starts_at)
            elif known.message != message:
                is_worth_telling = known.message.annotations != message.annotations
                known.message = message
                if is_worth_telling and known.sent_at is not None:
                    known.sent_at = min(known.sent_at, wall_ms - self.resend_ms // 2)
        for key, told in list(self._told.items()):
            if key in standing or told.ended_at is not None:
                continue
            if told.sent_at is None:
                del self._told[key]  # nobody ever heard of it
            else:
                told.ended_at, told.sent_at = wall_ms, None

    def due(self, wall_ms: int) -> list[Sent]:
        """What is to be sent now, new and ended ones first."""
        self._forget(wall_ms)
        waiting = [
            told
            for told in self._told.values()
            if told.sent_at is None or not 0 <= wall_ms - told.sent_at < self.resend_ms
        ]
        waiting.sort(key=lambda told: (told.sent_at is not None, told.starts_at))
        return [self._as_sent(told, wall_ms) for told in waiting[:SENT_AT_ONCE_MAX]]

    def taken(self, batch: Iterable[Sent], wall_ms: int) -> None:
        """The receiver has these."""
        for sent in batch:
            told = self._told.get(sent.message.key)
            if told is not None and (told.ended_at is not None) == sent.is_over:
                told.sent_at = wall_ms
            self.sent += 1

    def _as_sent(self, told: _Told, wall_ms: int) -> Sent:
        is_over = told.ended_at is not None
        ends_at = told.ended_at if told.ended_at is not None else wall_ms + self.lifetime_ms
        return Sent(
            message=told.message, starts_at=told.starts_at, ends_at=ends_at, is_over=is_over
        )

    @property
    def lifetime_ms(self) -> int:
        """How long a message stands that is not sent again."""
        return ENDS_AFTER_RESENDS * self.resend_ms

    def _forget(self, wall_ms: int) -> None:
        over = [
            key
            for key, told in self._told.items()
            if told.ended_at is not None and wall_ms - told.ended_at > RESOLVED_KEPT_MS
        ]
        for key in over:
            del self._told[key]
