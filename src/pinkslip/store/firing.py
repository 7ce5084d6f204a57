"""One fire, whoever asks for it: the decision's record, the fire with its post-mortem, the delivery, the fact.

Callers are `acts.fire` (a person's) and `ticks.record_tick` (a policy's). Both run in one transaction of the
journal's writer, so the head they look at cannot change under them; the unique key (workspace, agent,
incarnation) of `fires` is the last word all the same.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import msgspec
from sqlalchemy import insert, select, update

from pinkslip.fleet.admission import ASSUMED_INTERVAL_MS, STALE_FACTOR, Head
from pinkslip.fleet.blindness import Spells
from pinkslip.model.decisions import Decision
from pinkslip.model.errors import NotFound
from pinkslip.model.facts import Done, Fired, Restored
from pinkslip.model.time import rfc3339
from pinkslip.model.words import ActorKind, DeliveryState
from pinkslip.store import chain
from pinkslip.store.latest import latest
from pinkslip.store.lineages import condemn
from pinkslip.store.readers import newest_outcomes
from pinkslip.store.tables import (
    agent_sessions,
    blind,
    decisions,
    deliveries,
    fires,
    workspaces,
)
from pinkslip.store.transaction import Transaction

EXECUTOR = "order"
OUTCOMES_KEPT = 10
SESSIONS_KEPT = 10
WHAT_IT_DOES = "marked TERMINATED; told to stop in the answer to its next report, and stops when it reads that"


@dataclass(frozen=True, slots=True, kw_only=True)
class Grace:
    """How long an agent may be silent before it is."""

    assumed_interval_ms: int = ASSUMED_INTERVAL_MS
    stale_factor: float = STALE_FACTOR

    def of(self, interval_ms: int | None) -> int:
        """Of an agent that declared this interval, or none."""
        return round((interval_ms or self.assumed_interval_ms) * self.stale_factor)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A decision with what its record needs beside it."""

    decision: Decision
    watermark: int
    """The last journal number that was seen when it was taken."""
    policy_set_hash: str
    role: str
    actor_kind: ActorKind
    actor: str
    context: str


def append_decisions(tx: Transaction, workspace_id: int, judged: Sequence[Judged]) -> None:
    """Chain these records to the workspace's decisions, in order. The head row stays locked until COMMIT."""
    if not judged:
        return
    number, head = _locked_head(tx, workspace_id)
    rows = []
    for entry in judged:
        number += 1
        row = chain.sealed(_decision_row(tx, workspace_id, number, entry), head=head)
        head = row["chain_digest"]
        rows.append(row)
    tx.connection.execute(insert(decisions), rows)
    tx.connection.execute(
        update(workspaces)
        .where(workspaces.c.id == workspace_id)
        .values(decisions=number, decisions_head=head)
    )


def carry_out(
    tx: Transaction,
    head: Head,
    judged: Judged,
    *,
    policy_text: str,
    was_silent: bool,
) -> str:
    """Make a decision's fire durable and return the fire's id. The decision itself is appended by the caller."""
    workspace_id, decision = head.workspace_id, judged.decision
    agent = known(tx, head)
    fire_id = identifier(tx.now, "fire", workspace_id, head.agent_no, head.incarnation)
    reason = decision.reason or ""
    row = {
        "workspace_id": workspace_id,
        "id": fire_id,
        "agent_no": head.agent_no,
        "agent_id": head.agent_id,
        "role": judged.role,
        "incarnation": head.incarnation,
        "decision_id": decision.id,
        "fired_at": tx.now,
        "reason": reason,
        "context": judged.context,
        "policy": decision.policy or None,
        "actor_kind": judged.actor_kind,
        "actor": judged.actor,
        "post_mortem": _post_mortem(
            tx, head, agent, decision, policy_text=policy_text, was_silent=was_silent
        ),
    }
    tx.connection.execute(insert(fires), row)
    if decision.evidence.lineage is not None:
        condemn(tx, workspace_id, decision.evidence.lineage, fire_id=fire_id)
    open_delivery(
        tx,
        workspace_id=workspace_id,
        fire_id=fire_id,
        agent_no=head.agent_no,
        agent_id=head.agent_id,
        generation=1,
        was_silent=was_silent,
    )
    _announce(tx, head, judged, fire_id=fire_id, reason=reason)
    return fire_id


def open_delivery(
    tx: Transaction,
    *,
    workspace_id: int,
    fire_id: str,
    agent_no: int,
    agent_id: str,
    generation: int,
    was_silent: bool,
    detail: str = "",
) -> None:
    """Work for the enforcement loop: tell this agent, once more."""
    tx.connection.execute(
        insert(deliveries),
        {
            "workspace_id": workspace_id,
            "fire_id": fire_id,
            "generation": generation,
            "agent_no": agent_no,
            "agent_id": agent_id,
            "executor": EXECUTOR,
            "state": DeliveryState.PENDING,
            "created_at": tx.now,
            "was_silent": was_silent,
            "last_word": False,
            "detail": detail,
        },
    )


def explain(
    tx: Transaction,
    head: Head,
    *,
    old: Mapping[str, StrEnum],
    actor_kind: ActorKind,
    actor: str,
    why: str,
) -> None:
    """A transition for each of `old` (standing, status) that the head no longer has."""
    for subject, before in old.items():
        now = getattr(head, subject)
        if now is not before:
            tx.transition(
                head,
                subject=subject,
                old=before,
                new=now,
                actor_kind=actor_kind,
                actor=actor,
                why=why,
            )


def is_silent(tx: Transaction, head: Head, grace: Grace) -> bool:
    """Whether the agent has been silent for its grace, not counting the time we did not see."""
    if head.last_beat is None:
        return True
    unseen = _blind_since(tx, head.workspace_id, head.last_beat)
    return tx.now - head.last_beat - unseen > grace.of(head.interval_ms)


def known(tx: Transaction, head: Head) -> Restored:
    """The agent as its row and its changes have it."""
    agent = latest(tx.connection, head.workspace_id, head.agent_no)
    if agent is None:
        raise NotFound(f"agent {head.agent_id} was deleted")
    return agent


def identifier(now: int, *about: object) -> str:
    """A UUIDv7-shaped id that is the same for the same thing at the same instant."""
    text = msgspec.json.encode(about)
    tail = bytearray(hashlib.blake2b(text, digest_size=10).digest())
    tail[0] = 0x70 | (tail[0] & 0x0F)
    tail[2] = 0x80 | (tail[2] & 0x3F)
    digits = f"{now & 0xFFFF_FFFF_FFFF:012x}{tail.hex()}"
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def _announce(
    tx: Transaction, head: Head, judged: Judged, *, fire_id: str, reason: str
) -> None:
    old = {"standing": head.standing, "status": head.status}
    fact = Fired(
        agent_no=head.agent_no,
        at=tx.now,
        seq=tx.allot(),
        fire_id=fire_id,
        reason=reason,
        by_policy=judged.decision.policy or None,
    )
    tx.admission.emit(head, fact)
    why = f"fired: {reason}" + (f": {judged.context}" if judged.context else "")
    explain(tx, head, old=old, actor_kind=judged.actor_kind, actor=judged.actor, why=why)


def _locked_head(tx: Transaction, workspace_id: int) -> tuple[int, bytes]:
    row = tx.connection.execute(
        select(workspaces.c.decisions, workspaces.c.decisions_head)
        .where(workspaces.c.id == workspace_id)
        .with_for_update()
    ).one_or_none()
    if row is None:
        raise NotFound(f"there is no workspace {workspace_id}")
    return row.decisions, bytes(row.decisions_head)


def _decision_row(
    tx: Transaction, workspace_id: int, number: int, entry: Judged
) -> dict[str, Any]:
    decision = entry.decision
    return {
        "workspace_id": workspace_id,
        "id": decision.id,
        "number": number,
        "at": decision.at,
        "writer": tx.writer,
        "watermark": entry.watermark,
        "epoch": tx.epoch,
        "policy": decision.policy,
        "policy_hash": decision.policy_hash,
        "policy_set_hash": entry.policy_set_hash,
        "agent_no": decision.agent_no,
        "agent_id": decision.agent_id,
        "role": entry.role,
        "incarnation": decision.incarnation,
        "verdict": str(decision.verdict),
        "mode": str(decision.mode),
        "action": str(decision.action),
        "reason": decision.reason,
        "guard": None if decision.guard is None else str(decision.guard),
        "guard_detail": decision.guard_detail,
        "actor_kind": str(entry.actor_kind),
        "actor": entry.actor,
        "evidence": msgspec.json.encode(decision.evidence, order="sorted").decode(),
        "context": entry.context,
    }


def _post_mortem(
    tx: Transaction,
    head: Head,
    agent: Restored,
    decision: Decision,
    *,
    policy_text: str,
    was_silent: bool,
) -> str:
    recent = newest_outcomes(
        tx.connection, head.workspace_id, head.agent_no, limit=OUTCOMES_KEPT, counted_only=True
    )
    does = WHAT_IT_DOES
    if was_silent:
        does += "; it is silent now, so the order waits for it"
    content = {
        "status": agent.status,
        "currentTask": agent.current_task,
        "taskSince": _instant(agent.task_since),
        "progress": agent.progress,
        "contextUsed": agent.context_used,
        "lastHeartbeat": _instant(head.last_beat),
        "lastError": _last_error(agent, recent),
        "lastOutcomes": [_outcome(done) for done in recent],
        "sessions": _sessions(tx, head),
        "bootId": agent.boot_id,
        "model": agent.model,
        "role": agent.role,
        "host": agent.host,
        "policyText": policy_text or None,
        "evidence": decision.evidence,
        "does": does,
    }
    return msgspec.json.encode(content).decode()


def _last_error(agent: Restored, recent: Sequence[Done]) -> str | None:
    """The newest of what outcomes and heartbeats told; the row may be half a minute older than the outcomes."""
    for done in recent:
        if done.error is not None and done.at > agent.updated_at:
            return done.error
    if agent.last_error is not None:
        return agent.last_error
    return next((done.error for done in recent if done.error is not None), None)


def _outcome(done: Done) -> dict[str, object]:
    return {
        "at": rfc3339(done.at),
        "result": done.result,
        "fault": done.fault,
        "source": done.source,
        "kind": done.kind,
        "durationMs": done.duration_ms,
        "score": None if done.score_e6 is None else done.score_e6 / 1e6,
        "error": done.error,
        "taskId": done.task_id,
    }


def _sessions(tx: Transaction, head: Head) -> list[dict[str, object]]:
    rows = tx.connection.execute(
        select(
            agent_sessions.c.session_key,
            agent_sessions.c.label,
            agent_sessions.c.channel,
            agent_sessions.c.message_count,
            agent_sessions.c.is_active,
            agent_sessions.c.started_at,
            agent_sessions.c.last_message_at,
            agent_sessions.c.context_summary,
        )
        .where(
            agent_sessions.c.workspace_id == head.workspace_id,
            agent_sessions.c.agent_no == head.agent_no,
        )
        .order_by(agent_sessions.c.started_at.desc(), agent_sessions.c.session_key)
        .limit(SESSIONS_KEPT)
    )
    return [
        {
            "sessionKey": row.session_key,
            "label": row.label,
            "channel": row.channel,
            "messageCount": row.message_count,
            "isActive": row.is_active,
            "startedAt": rfc3339(row.started_at),
            "lastMessageAt": _instant(row.last_message_at),
            "contextSummary": row.context_summary,
        }
        for row in rows
    ]


def _instant(at: int | None) -> str | None:
    return None if at is None else rfc3339(at)


def _blind_since(tx: Transaction, workspace_id: int, since: int) -> int:
    """Milliseconds between `since` and now that we did not see."""
    spells = Spells()
    for start, end in tx.connection.execute(
        select(blind.c.started_at, blind.c.ended_at).where(
            blind.c.workspace_id == workspace_id, blind.c.ended_at > since
        )
    ):
        spells.add(start, end)
    return spells.between(since, tx.now)
