"""The record of what a person did: a decision in the same chain as those of policies.

Names and words of people stand in the fields that can be erased (`actor`, `context`, `agent_id`), never in the
evidence: the chain covers that for good.
"""

from dataclasses import dataclass

from pinkslip.fleet.admission import Head
from pinkslip.model.decisions import Decision, Evidence
from pinkslip.model.words import Action, ActorKind, Mode, Verdict
from pinkslip.store.firing import Judged, append_decisions, identifier
from pinkslip.store.readers import decision_of
from pinkslip.store.transaction import Transaction
from pinkslip.store.views import StoredDecision

ABOUT_NO_AGENT = 0
"""The agent_no of records about a policy as a whole."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Whose:
    """The agent, and where the record follows another one its policy; nothing of either where it has none."""

    agent_no: int = ABOUT_NO_AGENT
    agent_id: str = ""
    role: str = ""
    incarnation: int = 0
    policy: str = ""
    policy_hash: str = ""
    policy_set_hash: str = ""
    reason: str | None = None

    @classmethod
    def head(cls, head: Head) -> "Whose":
        """An agent, whatever policies say of it."""
        return cls(
            agent_no=head.agent_no,
            agent_id=head.agent_id,
            role=head.role or "",
            incarnation=head.incarnation,
        )

    @classmethod
    def decision(cls, decision: StoredDecision) -> "Whose":
        """The agent and the policy of an earlier decision."""
        return cls(
            agent_no=decision.agent_no,
            agent_id=decision.agent_id,
            role=decision.role,
            incarnation=decision.incarnation,
            policy=decision.policy,
            policy_hash=decision.policy_hash,
            policy_set_hash=decision.policy_set_hash,
            reason=decision.reason,
        )


def record(
    tx: Transaction,
    workspace_id: int,
    whose: Whose,
    verdict: Verdict,
    *,
    action: Action,
    seq: int,
    words: str,
    actor_kind: ActorKind,
    actor: str,
    context: str,
    until: int | None = None,
    lineage: str | None = None,
) -> StoredDecision:
    """Append a person's decision and return it as stored. `seq`: of the fact it goes with."""
    decision = Decision(
        id=identifier(tx.now, "decision", workspace_id, tx.writer, seq, verdict),
        at=tx.now,
        policy=whose.policy,
        policy_hash=whose.policy_hash,
        agent_no=whose.agent_no,
        agent_id=whose.agent_id,
        incarnation=whose.incarnation,
        verdict=verdict,
        mode=Mode.ENFORCE,
        action=action,
        reason=whose.reason,
        guard=None,
        guard_detail="",
        evidence=Evidence(
            when="", values={}, words=words, true_since=tx.now, until=until, lineage=lineage
        ),
    )
    judged = Judged(
        decision=decision,
        watermark=tx.admission.seq,
        policy_set_hash=whose.policy_set_hash,
        role=whose.role,
        actor_kind=actor_kind,
        actor=actor,
        context=context,
    )
    append_decisions(tx, workspace_id, [judged])
    stored = decision_of(tx.connection, workspace_id, decision.id)
    assert stored is not None, "the row was written above"
    return stored
