"""A decision worked out again: the agent's journal up to that instant, folded anew and judged by the same text."""

from collections.abc import Sequence
from typing import Any

import msgspec

from pinkslip.fleet.fleet import Fleet, FleetSettings
from pinkslip.judge.conclusions import Recomputed
from pinkslip.judge.explain import recompute
from pinkslip.model.decisions import Decision
from pinkslip.model.errors import Conflict, NotFound
from pinkslip.model.words import ActorKind
from pinkslip.policies.load import Source, load, needs
from pinkslip.store import maintenance
from pinkslip.store.engine import Database
from pinkslip.store.readers import Readers
from pinkslip.store.rebuild import history_of
from pinkslip.store.tables import DEFAULT_WORKSPACE
from pinkslip.store.views import StoredDecision
from pinkslip.web.answers import decision_answer


def recomputed(
    database: Database,
    workspace_id: int,
    stored: StoredDecision,
    *,
    settings: FleetSettings,
    reasons: Sequence[str],
) -> Recomputed:
    """Evaluate the decision's policy again. Conflict when a person decided, or the journal is no longer whole."""
    if stored.actor_kind is not ActorKind.POLICY:
        raise Conflict("a person decided this; there is nothing to compute again")
    texts = Readers(database).policy_set_texts(workspace_id, stored.policy_set_hash)
    if texts is None:
        raise Conflict(
            f"the text of policy set {stored.policy_set_hash} is not stored any more"
        )
    known = [*reasons, *([stored.reason] if stored.reason else [])]
    policy_set = load(
        [Source(file, text) for file, text in texts], extra_reasons=known
    ).policy_set
    policy = next(
        (one for one in policy_set.policies if one.name == stored.policy)
        if policy_set
        else iter(()),
        None,
    )
    if policy_set is None or policy is None:
        raise Conflict(f"policy {stored.policy} of that set cannot be read by this version")
    fleet = Fleet(workspace_id, settings)
    fleet.declare(needs(policy_set))
    fleet.fold(history_of(database, workspace_id, stored.agent_no, until=stored.at))
    measures = fleet.at(stored.at)
    slot = measures.slot_of(stored.agent_no)
    if slot is None:
        raise Conflict(f"nothing is left in the journal of agent {stored.agent_id}")
    return recompute(measures, policy, slot=slot, decision=as_decision(stored))


def explain_offline(
    database: Database, decision_id: str, *, settings: FleetSettings, reasons: Sequence[str]
) -> Any:
    """The API's answer about one decision, without a service; with the settings it would be served with."""
    maintenance.check_schema(database)
    stored = Readers(database).decision(DEFAULT_WORKSPACE, decision_id)
    if stored is None:
        raise NotFound(f"there is no decision {decision_id!r} in {database.where}")
    again = None
    if stored.actor_kind is ActorKind.POLICY:
        again = recomputed(
            database,
            DEFAULT_WORKSPACE,
            stored,
            settings=settings,
            reasons=reasons,
        )
    return msgspec.to_builtins(decision_answer(stored, again), str_keys=True)


def as_decision(stored: StoredDecision) -> Decision:
    """The judge's part of a stored record."""
    return Decision(
        id=stored.id,
        at=stored.at,
        policy=stored.policy,
        policy_hash=stored.policy_hash,
        agent_no=stored.agent_no,
        agent_id=stored.agent_id,
        incarnation=stored.incarnation,
        verdict=stored.verdict,
        mode=stored.mode,
        action=stored.action,
        reason=stored.reason,
        guard=stored.guard,
        guard_detail=stored.guard_detail,
        evidence=stored.evidence,
    )
