"""Silences: for a while policies leave these agents alone, and a person says why."""

from collections.abc import Sequence

import msgspec
from sqlalchemy import insert, update

from pinkslip.model.errors import Conflict, Invalid, NotFound
from pinkslip.model.facts import Silence, Silenced, Unsilenced
from pinkslip.model.policy import Matcher
from pinkslip.model.time import DAY_MS, rfc3339, spoken
from pinkslip.store.readers import silence_of
from pinkslip.store.tables import silences
from pinkslip.store.transaction import Transaction
from pinkslip.store.views import StoredSilence

LONGEST_MS = 30 * DAY_MS


def silence_add(
    tx: Transaction,
    *,
    workspace_id: int,
    match: Sequence[Matcher],
    ends_at: int,
    reason: str,
    owner: str,
    starts_at: int | None = None,
) -> StoredSilence:
    """From now (or `starts_at`) on until `ends_at`. How many agents that takes in is the caller's to judge.

    Invalid when there is no reason, when it would be over before it began, or last longer than 30 days.
    """
    begins = max(tx.now, starts_at or 0)
    if not reason.strip():
        raise Invalid("reason: say why these agents are left alone")
    if ends_at <= begins:
        raise Invalid(f"until: {rfc3339(ends_at)} is past; it is {rfc3339(tx.now)}")
    if ends_at - begins > LONGEST_MS:
        raise Invalid(
            f"until: a silence lasts {spoken(LONGEST_MS)} at most, this one {spoken(ends_at - begins)};"
            " repeat it when that is over"
        )
    silence = Silence(
        id=tx.new_id(),
        match=as_lines(match),
        owner=owner,
        reason=reason,
        starts_at=begins,
        ends_at=ends_at,
    )
    tx.connection.execute(insert(silences), _row(tx, workspace_id, silence))
    tx.emit_about(workspace_id, Silenced(at=tx.now, seq=tx.allot(), silence=silence))
    return _stored(tx, workspace_id, silence.id)


def silence_end(
    tx: Transaction, *, workspace_id: int, silence_id: str, actor: str
) -> StoredSilence:
    """End it before its time. NotFound; Conflict when it is over."""
    stored = _stored(tx, workspace_id, silence_id)
    if stored.ended_at is not None:
        raise Conflict(
            f"silence {silence_id} was ended at {rfc3339(stored.ended_at)} by {stored.ended_by}"
        )
    if stored.silence.ends_at <= tx.now:
        raise Conflict(f"silence {silence_id} was over at {rfc3339(stored.silence.ends_at)}")
    tx.connection.execute(
        update(silences)
        .where(silences.c.workspace_id == workspace_id, silences.c.id == silence_id)
        .values(ended_at=tx.now, ended_by=actor)
    )
    tx.emit_about(workspace_id, Unsilenced(at=tx.now, seq=tx.allot(), id=silence_id))
    return _stored(tx, workspace_id, silence_id)


def as_lines(
    match: Sequence[Matcher],
) -> tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...]:
    """Matchers as a fact has them: the same set of values is the same text."""
    return tuple((line.field, tuple(sorted(line.values)), line.patterns) for line in match)


def _row(tx: Transaction, workspace_id: int, silence: Silence) -> dict[str, object]:
    return {
        "workspace_id": workspace_id,
        "id": silence.id,
        "matchers": msgspec.json.encode(silence.match).decode(),
        "owner": silence.owner,
        "reason": silence.reason,
        "starts_at": silence.starts_at,
        "ends_at": silence.ends_at,
        "created_at": tx.now,
    }


def _stored(tx: Transaction, workspace_id: int, silence_id: str) -> StoredSilence:
    stored = silence_of(tx.connection, workspace_id, silence_id)
    if stored is None:
        raise NotFound(f"there is no silence {silence_id!r}")
    return stored
