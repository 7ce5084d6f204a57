"""A decision worked out again: the agent's journal up to that instant, folded anew and judged by the same text."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from pinkslip.fleet.fleet import Fleet, FleetSettings
from pinkslip.fleet.measures import Measures
from pinkslip.judge.conclusions import Recomputed
from pinkslip.judge.explain import began_anew, recompute
from pinkslip.judge.kinds import compares_agents
from pinkslip.model.decisions import Decision
from pinkslip.model.errors import Conflict, NotFound
from pinkslip.model.facts import Fact
from pinkslip.model.policy import Policy, PolicySet
from pinkslip.model.words import SEED_DISPLAY, ActorKind
from pinkslip.policies.load import Source, load, needs
from pinkslip.store import maintenance
from pinkslip.store.engine import Database
from pinkslip.store.readers import Readers
from pinkslip.store.rebuild import history_of, members_of
from pinkslip.store.tables import DEFAULT_WORKSPACE
from pinkslip.store.views import StoredDecision
from pinkslip.web.answers_on_decisions import decision_answer

COMPARED_AT_MOST = 20_000
"""Agents whose history is read again for one decision that compared them."""


def recomputed(
    database: Database,
    workspace_id: int,
    stored: StoredDecision,
    *,
    settings: FleetSettings,
    reasons: Mapping[str, str],
) -> Recomputed:
    """Evaluate the decision's policy again. Conflict when it rests on no number, or the journal is no longer whole."""
    if not stored.is_readable:
        raise Conflict(f"decision {stored.id}: {stored.evidence.words}")
    if (why_not := nothing_to_compute(stored)) is not None:
        raise Conflict(why_not)
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
    decision = as_decision(stored)
    past = _Past(
        database=database,
        workspace_id=workspace_id,
        settings=settings,
        policy_set=policy_set,
        policy=policy,
    )
    began = began_anew(decision)
    measures = past.fleet(decision, at=stored.at)
    slot = measures.slot_of(stored.agent_no)
    if slot is None:
        raise Conflict(f"nothing is left in the journal of agent {stored.agent_id}")
    return recompute(
        measures,
        policy,
        slot=slot,
        decision=decision,
        pool=policy_set.guards.pool,
        before=(0, 0) if began is None else past.counted(decision, at=began),
    )


def nothing_to_compute(stored: StoredDecision) -> str | None:
    """Why there is nothing to compute again; None: there is."""
    match stored.actor_kind:
        case ActorKind.PERSON | ActorKind.API | ActorKind.AGENT:
            return "a person decided this; there is nothing to compute again"
        case ActorKind.SERVICE:
            return f"Pinkslip recorded this ({stored.evidence.words}); there is nothing to compute again"
        case ActorKind.POLICY:
            pass
    if not stored.evidence.when:
        return f"this rests on no number ({stored.evidence.words}); there is nothing to compute again"
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Past:
    """The journal as it was, as far as one policy's word on one agent rests on it."""

    database: Database
    workspace_id: int
    settings: FleetSettings
    policy_set: PolicySet
    policy: Policy

    def fleet(self, decision: Decision, *, at: int) -> Measures:
        """The agent, and everybody it is compared with, folded up to `at`."""
        fleet = Fleet(self.workspace_id, self.settings)
        fleet.declare(needs(self.policy_set))
        lineage = decision.evidence.lineage
        fleet.fold(self._history(decision.agent_no, at=at, lineage=lineage))
        if compares_agents(self.policy):
            counted = self._members(lineage)
            for number in self._present(at=at):
                if number != decision.agent_no:
                    fleet.fold(self._history(number, at=at, is_counted=number in counted))
        return fleet.at(at)

    def _history(
        self, number: int, *, at: int, lineage: str | None = None, is_counted: bool = False
    ) -> list[Fact]:
        return history_of(
            self.database,
            self.workspace_id,
            number,
            until=at,
            lineage=lineage,
            is_counted=is_counted,
        )

    def _members(self, lineage: str | None) -> set[int]:
        if lineage is None:
            return set()
        return members_of(self.database, self.workspace_id, lineage)

    def counted(self, decision: Decision, *, at: int) -> tuple[int, int]:
        """Tasks and successes that had been counted by `at`: what the evidence leaves out."""
        measures = self.fleet(decision, at=at)
        lineage = decision.evidence.lineage
        if lineage is not None:  # the agent may have come, or taken that name, only later
            return measures.counts_of_lineage(lineage, self.policy.outcomes)
        slot = measures.slot_of(decision.agent_no)
        if slot is None:
            return 0, 0
        tasks, successes = measures.counts(self.policy.outcomes, self.policy.scope)
        return int(tasks[slot]), int(successes[slot])

    def _present(self, *, at: int) -> list[int]:
        present = Readers(self.database).numbers_present(
            self.workspace_id, at=at, limit=COMPARED_AT_MOST + 1
        )
        if len(present) > COMPARED_AT_MOST:
            raise Conflict(
                f"policy {self.policy.name} compares agents, and there were more than {COMPARED_AT_MOST}: "
                "too many to be worked out again"
            )
        return present


def explain_offline(
    database: Database, decision_id: str, *, settings: FleetSettings, reasons: Mapping[str, str]
) -> Any:
    """The API's answer about one decision, without a service; with the settings it would be served with."""
    maintenance.check_schema(database)
    stored = Readers(database).decision(DEFAULT_WORKSPACE, decision_id)
    if stored is None:
        raise NotFound(f"there is no decision {decision_id!r} in {database.where}")
    again = None
    if not stored.is_readable or nothing_to_compute(stored) is None:
        again = recomputed(
            database,
            DEFAULT_WORKSPACE,
            stored,
            settings=settings,
            reasons=reasons,
        )
    answer = decision_answer(stored, again, displays={**SEED_DISPLAY, **reasons})
    return msgspec.to_builtins(answer, str_keys=True)


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
