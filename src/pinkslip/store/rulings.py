"""People overrule policies: veto and approval of what was announced, and what comes of too many reversals.

A reversal is a fire that a person took back as wrong, or a veto. Two of the same version of a policy within a
day put it into shadow, in the same transaction, until a person restores it or writes another version.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import delete, func, select

from pinkslip.model.decisions import Episode
from pinkslip.model.errors import Conflict, NotFound
from pinkslip.model.facts import Demoted, Promoted, Ruled
from pinkslip.model.time import DAY_MS, rfc3339
from pinkslip.model.words import Action, ActorKind, EpisodeState, Verdict
from pinkslip.store.readers import (
    decision_of,
    episode_of,
    newest_of,
    reversals_of,
    ruling_of,
)
from pinkslip.store.records import Whose, record
from pinkslip.store.standings import SERVICE
from pinkslip.store.tables import decisions, demotions
from pinkslip.store.transaction import Transaction
from pinkslip.store.upsert import upsert
from pinkslip.store.views import Reversal, StoredDecision

REVERSALS_TO_DEMOTE = 2
REVERSALS_WITHIN_MS = DAY_MS
_WAITING = (EpisodeState.NOTICED, EpisodeState.AWAITING)
_ANNOUNCED = (Verdict.NOTICED, Verdict.ASKED)


@dataclass(frozen=True, slots=True, kw_only=True)
class By:
    """Who rules, and in what words."""

    actor_kind: ActorKind
    actor: str
    context: str


def veto(
    tx: Transaction,
    *,
    workspace_id: int,
    decision_id: str,
    context: str,
    actor_kind: ActorKind,
    actor: str,
) -> StoredDecision:
    """Stop a fire that waits, also one that was approved. The record of the veto.

    NotFound; Conflict saying what became of it when it waits no more.
    """
    by = By(actor_kind=actor_kind, actor=actor, context=context)
    announced, _episode = _waiting(tx, workspace_id, decision_id)
    ruled = ruling_of(tx.connection, workspace_id, decision_id)
    if ruled is not None and ruled.verdict is Verdict.VETOED:
        raise _ruled_already(announced, ruled)
    vetoed = _rule(tx, workspace_id, announced, Verdict.VETOED, by)
    note_reversal(tx, workspace_id, policy=announced.policy, policy_hash=announced.policy_hash)
    return vetoed


def approve(
    tx: Transaction,
    *,
    workspace_id: int,
    decision_id: str,
    context: str,
    actor_kind: ActorKind,
    actor: str,
) -> StoredDecision:
    """Allow a fire that waits for a person. The record of the approval.

    NotFound; Conflict when it waits for nobody, when it was ruled on already, or saying what became of it.
    """
    by = By(actor_kind=actor_kind, actor=actor, context=context)
    announced, episode = _waiting(tx, workspace_id, decision_id)
    if episode.state is EpisodeState.NOTICED:
        raise Conflict(_needs_no_approval(announced, episode), policy=announced.policy)
    ruled = ruling_of(tx.connection, workspace_id, decision_id)
    if ruled is not None:
        raise _ruled_already(announced, ruled)
    return _rule(tx, workspace_id, announced, Verdict.APPROVED, by)


def restore_policy(
    tx: Transaction,
    *,
    workspace_id: int,
    policy: str,
    context: str,
    actor_kind: ActorKind,
    actor: str,
) -> StoredDecision:
    """Let a demoted policy act again; its reversals until now count no more. Conflict when it is not demoted."""
    demotion = tx.connection.execute(
        select(demotions).where(
            demotions.c.workspace_id == workspace_id, demotions.c.policy == policy
        )
    ).one_or_none()
    if demotion is None:
        raise Conflict(f"policy {policy} is not demoted; nothing to restore")
    tx.connection.execute(
        delete(demotions).where(
            demotions.c.workspace_id == workspace_id, demotions.c.policy == policy
        )
    )
    fact = Promoted(at=tx.now, seq=tx.allot(), policy=policy)
    tx.emit_about(workspace_id, fact)
    return record(
        tx,
        workspace_id,
        Whose(policy=policy, policy_hash=demotion.policy_hash),
        Verdict.RESTORED,
        action=Action.NOTIFY,
        seq=fact.seq,
        words=f"policy {policy} was restored by a person; it had been in shadow"
        f" since {rfc3339(demotion.at)}",
        actor_kind=actor_kind,
        actor=actor,
        context=context,
    )


def note_reversal(tx: Transaction, workspace_id: int, *, policy: str, policy_hash: str) -> None:
    """A person overruled this version of a policy, by what this transaction has written: demote it when that
    is once too often."""
    demoted = tx.connection.execute(
        select(demotions.c.policy_hash).where(
            demotions.c.workspace_id == workspace_id, demotions.c.policy == policy
        )
    ).scalar()
    if demoted == policy_hash:
        return
    reversals = _that_count(tx, workspace_id, policy=policy, policy_hash=policy_hash)
    if len(reversals) >= REVERSALS_TO_DEMOTE:
        _demote(tx, workspace_id, reversals, policy=policy, policy_hash=policy_hash)


def _that_count(
    tx: Transaction, workspace_id: int, *, policy: str, policy_hash: str
) -> Sequence[Reversal]:
    """Within a day, and since a person last restored the policy."""
    restored_at = tx.connection.execute(
        select(func.max(decisions.c.at)).where(
            decisions.c.workspace_id == workspace_id,
            decisions.c.policy == policy,
            decisions.c.verdict == Verdict.RESTORED,
        )
    ).scalar()
    since = max(tx.now - REVERSALS_WITHIN_MS, restored_at or 0)
    return [
        reversal
        for reversal in reversals_of(tx.connection, workspace_id, since=since, policy=policy)
        if reversal.policy_hash == policy_hash and reversal.counts
    ]


def _demote(
    tx: Transaction,
    workspace_id: int,
    reversals: Sequence[Reversal],
    *,
    policy: str,
    policy_hash: str,
) -> None:
    why = f"overruled {len(reversals)} times within a day: " + "; ".join(
        f"{reversal.verdict} for {reversal.agent_id} by {reversal.actor} at {rfc3339(reversal.at)}"
        for reversal in reversals
    )
    row = {
        "workspace_id": workspace_id,
        "policy": policy,
        "policy_hash": policy_hash,
        "at": tx.now,
        "why": why,
    }
    upsert(tx.connection, demotions, [row])
    fact = Demoted(at=tx.now, seq=tx.allot(), policy=policy, policy_hash=policy_hash, why=why)
    tx.emit_about(workspace_id, fact)
    record(
        tx,
        workspace_id,
        Whose(policy=policy, policy_hash=policy_hash),
        Verdict.DEMOTED,
        action=Action.NOTIFY,
        seq=fact.seq,
        words=f"people overruled policy {policy} {len(reversals)} times within a day: it is in shadow"
        " until one restores it or its text changes",
        actor_kind=ActorKind.SERVICE,
        actor=SERVICE,
        context=why,
    )


def _rule(
    tx: Transaction, workspace_id: int, announced: StoredDecision, verdict: Verdict, by: By
) -> StoredDecision:
    fact = Ruled(
        at=tx.now,
        seq=tx.allot(),
        decision_id=announced.id,
        verdict=verdict,
        actor=by.actor,
    )
    tx.emit_about(workspace_id, fact)
    return record(
        tx,
        workspace_id,
        Whose.decision(announced),
        verdict,
        action=announced.action,
        seq=fact.seq,
        words=f"a person {verdict} what decision {announced.id} announced: {announced.evidence.words}",
        lineage=announced.evidence.lineage,
        actor_kind=by.actor_kind,
        actor=by.actor,
        context=by.context,
    )


def _waiting(
    tx: Transaction, workspace_id: int, decision_id: str
) -> tuple[StoredDecision, Episode]:
    """What the decision announced, and the episode in which it waits."""
    announced = decision_of(tx.connection, workspace_id, decision_id)
    if announced is None:
        raise NotFound(f"there is no decision {decision_id!r}")
    episode = episode_of(
        tx.connection, workspace_id, policy=announced.policy, agent_no=announced.agent_no
    )
    if (
        episode is None
        or episode.decision_id != decision_id
        or episode.state not in _WAITING
        or episode.incarnation != announced.incarnation
    ):
        raise _over(tx, workspace_id, announced)
    return announced, episode


def _over(tx: Transaction, workspace_id: int, announced: StoredDecision) -> Conflict:
    if announced.verdict not in _ANNOUNCED:
        return Conflict(
            f"decision {announced.id} announced nothing: it reads {announced.verdict}",
            verdict=announced.verdict,
        )
    last = newest_of(
        tx.connection,
        workspace_id,
        policy=announced.policy,
        agent_no=announced.agent_no,
        after=announced.number,
    )
    if last is None:
        return Conflict(f"decision {announced.id} waits no more: its episode is over")
    by = f" by {last.actor}" if last.actor_kind is not ActorKind.POLICY else ""
    return Conflict(
        f"decision {announced.id} waits no more: agent {announced.agent_id} was"
        f" {last.verdict}{by} at {rfc3339(last.at)}",
        verdict=last.verdict,
        at=rfc3339(last.at),
        decisionId=last.id,
    )


def _ruled_already(announced: StoredDecision, ruled: Ruled) -> Conflict:
    return Conflict(
        f"decision {announced.id} was {ruled.verdict} by {ruled.actor} at {rfc3339(ruled.at)}",
        verdict=ruled.verdict,
        at=rfc3339(ruled.at),
        by=ruled.actor,
    )


def _needs_no_approval(announced: StoredDecision, episode: Episode) -> str:
    ends = f" at {rfc3339(episode.until)}" if episode.until is not None else ""
    return (
        f"policy {announced.policy} asks nobody for approval: its notice passes{ends}; "
        "veto it, or let it pass"
    )
