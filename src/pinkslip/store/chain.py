"""The hash chain over a workspace's decisions: what is written, and how it is checked again.

1. A record's personal fields (agent_id, actor, guard_detail, context) are digested with a salt of the row's own.
2. Its other fields, with that digest, are digested as canonical JSON: the content digest.
3. The chain digest covers the previous chain digest, the record's number and its content digest.

The rows of `fires` are held against the records they were made of, which the chain covers.

Erasing a person empties the personal fields and the salt; the digests stay, and the chain with them. Such a
record reads redacted: that it was so is still proven, of whom no longer.
"""

import hashlib
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, select

from pinkslip.model.words import Verdict
from pinkslip.store.tables import decisions, fires, workspaces

DIGEST_BYTES = 32
SALT_BYTES = 16
CHUNK = 2_000

PERSONAL = ("agent_id", "actor", "guard_detail", "context")
CONTENT = (
    "id",
    "number",
    "at",
    "writer",
    "watermark",
    "epoch",
    "policy",
    "policy_hash",
    "policy_set_hash",
    "agent_no",
    "role",
    "incarnation",
    "verdict",
    "mode",
    "action",
    "reason",
    "guard",
    "actor_kind",
    "evidence",
)

FIRE_PLAIN = ("reason", "policy", "agent_no", "role", "incarnation", "actor_kind")
FIRE_PERSONAL = ("agent_id", "context", "actor")
_DECIDED = [
    decisions.c[name].label(f"decided_{name}")
    for name in ("number", "at", "verdict", "personal_salt", *FIRE_PLAIN, *FIRE_PERSONAL)
]
_MADE_OF = (decisions.c.workspace_id == fires.c.workspace_id) & (
    decisions.c.id == fires.c.decision_id
)


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokenLink:
    """The first record that is not what the chain says."""

    number: int
    decision_id: str | None
    """None when the record is missing; its number is 0 where a fire names a record that never was."""
    problem: str
    is_of_fire: bool = False
    """The record is whole, and a fire that was made of it is not; `problem` is a sentence of its own."""

    @property
    def words(self) -> str:
        """The problem with the record's number."""
        return self.problem if self.is_of_fire else f"number {self.number} {self.problem}"


class ChainState(StrEnum):
    """How a chain reads, in one word."""

    OK = "ok"
    REDACTED = "redacted"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainReport:
    """What walking a workspace's chain found."""

    workspace_id: int
    decisions: int
    """Records in order before the first broken one; all of them when none is."""
    redacted: int
    """Of those, how many had their personal fields erased."""
    head: bytes
    """Chain digest after those."""
    broken: BrokenLink | None

    @property
    def state(self) -> ChainState:
        """Whole, whole but for what was erased, or not."""
        if self.broken is not None:
            return ChainState.BROKEN
        return ChainState.REDACTED if self.redacted else ChainState.OK


def genesis(workspace_id: int) -> bytes:
    """What the first record of a workspace is chained to."""
    return _digest(b"pinkslip decisions of workspace %d" % workspace_id)


def sealed(row: Mapping[str, Any], *, head: bytes) -> dict[str, Any]:
    """`row` of `decisions` with salt and digests, chained to `head`. Its `chain_digest` is the next head."""
    salt = secrets.token_bytes(SALT_BYTES)
    personal = _personal_digest(row, salt)
    content = _content_digest(row, personal)
    return {
        **row,
        "personal_salt": salt,
        "personal_digest": personal,
        "content_digest": content,
        "chain_digest": _chain_digest(head, row["number"], content),
    }


def verify(connection: Connection, workspace_id: int) -> ChainReport:
    """Walk the chain from its start to its end or its first broken link. Reads every record once, in chunks."""
    head, count, redacted, broken = genesis(workspace_id), 0, 0, None
    for row in _records(connection, workspace_id):
        broken = _problem(row, expected=count + 1, head=head)
        if broken is not None:
            break
        head, count = bytes(row["chain_digest"]), count + 1
        redacted += row["personal_salt"] is None
    if broken is None:
        broken = _end_problem(connection, workspace_id, head=head, count=count)
    if broken is None:
        broken = _fire_problem(connection, workspace_id)
    return ChainReport(
        workspace_id=workspace_id,
        decisions=count,
        redacted=redacted,
        head=head,
        broken=broken,
    )


def _records(connection: Connection, workspace_id: int) -> Iterator[Mapping[str, Any]]:
    after = -1
    while True:
        rows = (
            connection.execute(
                select(decisions)
                .where(decisions.c.workspace_id == workspace_id, decisions.c.number > after)
                .order_by(decisions.c.number)
                .limit(CHUNK)
            )
            .mappings()
            .all()
        )
        if not rows:
            return
        yield from rows  # type: ignore[misc]  # RowMapping's keys are wider than str
        after = rows[-1]["number"]


def _problem(row: Mapping[str, Any], *, expected: int, head: bytes) -> BrokenLink | None:
    number, salt = row["number"], row["personal_salt"]
    if number != expected:
        return BrokenLink(
            number=expected, decision_id=None, problem=f"is missing; number {number} follows"
        )
    personal = row["personal_digest"]
    if salt is None and any(row[name] for name in PERSONAL):
        problem = "its personal fields were erased, and yet hold something"
    elif salt is not None and _personal_digest(row, salt) != personal:
        problem = "its agent, actor, guard detail or context was changed"
    elif _content_digest(row, personal) != row["content_digest"]:
        problem = "its content was changed"
    elif _chain_digest(head, number, row["content_digest"]) != row["chain_digest"]:
        problem = "does not continue the record before it"
    else:
        return None
    return BrokenLink(number=number, decision_id=row["id"], problem=problem)


def _end_problem(
    connection: Connection, workspace_id: int, *, head: bytes, count: int
) -> BrokenLink | None:
    """A chain cut off at its end still fits in itself; the workspace's head row knows better."""
    stored = connection.execute(
        select(workspaces.c.decisions, workspaces.c.decisions_head).where(
            workspaces.c.id == workspace_id
        )
    ).one_or_none()
    if stored is None or (stored.decisions, stored.decisions_head) == (count, head):
        return None
    if stored.decisions > count:
        problem = f"is missing; the workspace counts {stored.decisions}"
        return BrokenLink(number=count + 1, decision_id=None, problem=problem)
    problem = f"the workspace's head says {stored.decisions} records with another digest"
    return BrokenLink(number=max(count, 1), decision_id=None, problem=problem)


def _fire_problem(connection: Connection, workspace_id: int) -> BrokenLink | None:
    """The first fire, by its id, that is not what its decision says; else the first decision whose fire is gone."""
    after = ""
    while True:
        rows = connection.execute(
            select(fires, *_DECIDED)
            .select_from(fires.outerjoin(decisions, _MADE_OF))
            .where(fires.c.workspace_id == workspace_id, fires.c.id > after)
            .order_by(fires.c.id)
            .limit(CHUNK)
        ).all()
        if not rows:
            return _missing_fire(connection, workspace_id)
        for row in rows:
            if (different := _difference(row)) is not None:
                number = row.decided_number
                record = "no decision" if number is None else f"decision {number}"
                return BrokenLink(
                    number=number or 0,
                    decision_id=None if number is None else row.decision_id,
                    problem=f"fire {row.id} differs from {record}: {different}",
                    is_of_fire=True,
                )
        after = rows[-1].id


def _difference(row: Row[Any]) -> str | None:
    """What of a fire is not as it was decided. What was erased from the record cannot be compared."""
    if row.decided_number is None:
        return f"there is no record {row.decision_id}"
    if row.decided_verdict != Verdict.FIRED:
        return f"that says {row.decided_verdict}"
    names = FIRE_PLAIN if row.decided_personal_salt is None else (*FIRE_PLAIN, *FIRE_PERSONAL)
    for name in names:
        # a person's decision has an empty policy, and their fire none; a reason is never null in a fire
        if (getattr(row, name) or "") != (getattr(row, f"decided_{name}") or ""):
            return name
    # it is carried out in the tick's own transaction, whose instant begins its id
    is_timely = row.fired_at >= row.decided_at and row.id.replace("-", "").startswith(
        f"{row.fired_at:012x}"
    )
    return None if is_timely else "fired_at"


def _missing_fire(connection: Connection, workspace_id: int) -> BrokenLink | None:
    row = connection.execute(
        select(decisions.c.number, decisions.c.id)
        .select_from(decisions.outerjoin(fires, _MADE_OF))
        .where(
            decisions.c.workspace_id == workspace_id,
            decisions.c.verdict == Verdict.FIRED,
            fires.c.id.is_(None),
        )
        .order_by(decisions.c.number)
        .limit(1)
    ).one_or_none()
    if row is None:
        return None
    return BrokenLink(
        number=row.number,
        decision_id=row.id,
        problem=f"the fire of decision {row.number} is missing",
        is_of_fire=True,
    )


def _personal_digest(row: Mapping[str, Any], salt: bytes) -> bytes:
    return _digest(_canonical({name: row[name] for name in PERSONAL}), key=salt)


def _content_digest(row: Mapping[str, Any], personal: bytes) -> bytes:
    content = {name: row[name] for name in CONTENT}
    return _digest(_canonical({**content, "personal": personal.hex()}))


def _chain_digest(head: bytes, number: int, content: bytes) -> bytes:
    return _digest(head + number.to_bytes(8, "big") + content)


def _canonical(value: object) -> bytes:
    return msgspec.json.encode(value, order="sorted")


def _digest(content: bytes, *, key: bytes = b"") -> bytes:
    return hashlib.blake2b(content, digest_size=DIGEST_BYTES, key=key).digest()
