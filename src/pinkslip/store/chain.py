"""The hash chain over a workspace's decisions: what is written, and how it is checked again.

1. A record's personal fields (agent_id, actor, guard_detail, context) are digested with a salt of the row's own.
2. Its other fields, with that digest, are digested as canonical JSON: the content digest.
3. The chain digest covers the previous chain digest, the record's number and its content digest.

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
from sqlalchemy import Connection, select

from pinkslip.store.tables import decisions, workspaces

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


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokenLink:
    """The first record that is not what the chain says."""

    number: int
    decision_id: str | None
    """None when the record is missing."""
    problem: str


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
