"""Counters of what was decided and done, kept beside the database so that a scrape asks it nothing.

They begin with what the database says there ever was and go on with every tick and act; they never step back.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from pinkslip.metrics.inputs import DecisionKind, FireKind, HeldKind, ReversalKind
from pinkslip.model.decisions import Decision, TickWritten
from pinkslip.model.words import ActorKind, Verdict
from pinkslip.store.readers import Readers


@dataclass(slots=True)
class Tallies:
    """One workspace's. Changed on the event loop only."""

    fires: Counter[FireKind] = field(default_factory=Counter)
    decisions: Counter[DecisionKind] = field(default_factory=Counter)
    held: Counter[HeldKind] = field(default_factory=Counter)
    reversals: Counter[ReversalKind] = field(default_factory=Counter)

    @classmethod
    def read(cls, readers: Readers, workspace_id: int) -> "Tallies":
        """All there ever was."""
        tallies = cls()
        for fire in readers.fire_counts(workspace_id):
            kind = FireKind(fire.policy or "", fire.reason, fire.actor_kind, fire.role)
            tallies.fires[kind] += fire.count
        for row in readers.decision_counts(workspace_id):
            tallies.decisions[DecisionKind(row.policy, row.verdict, row.mode, row.role)] += (
                row.count
            )
            if row.guard is not None:
                tallies.held[HeldKind(row.policy, row.guard, row.role)] += row.count
        for reversal in readers.reversals(workspace_id):
            if reversal.counts:
                tallies.reversals[ReversalKind(reversal.policy, reversal.role)] += 1
        return tallies

    def count_tick(
        self,
        decisions: tuple[Decision, ...],
        written: TickWritten,
        roles: Mapping[int, str],
    ) -> None:
        """A tick that is durable; `roles` by agent_no."""
        superseded = frozenset(written.superseded)
        for decision in decisions:
            role = roles.get(decision.agent_no, "")
            verdict = Verdict.SUPERSEDED if decision.id in superseded else decision.verdict
            self.decisions[DecisionKind(decision.policy, verdict, decision.mode, role)] += 1
            if decision.guard is not None:
                self.held[HeldKind(decision.policy, decision.guard, role)] += 1
            if verdict is Verdict.FIRED:
                reason = decision.reason or ""
                self.fires[FireKind(decision.policy, reason, ActorKind.POLICY, role)] += 1

    def count_fire(self, *, reason: str, actor: ActorKind, role: str) -> None:
        """A person's or the API's."""
        self.fires[FireKind("", reason, actor, role)] += 1

    def count_reversal(self, *, policy: str | None, role: str) -> None:
        """A person overruled a policy: took its fire back as wrong, or vetoed it."""
        if policy is not None:
            self.reversals[ReversalKind(policy, role)] += 1
