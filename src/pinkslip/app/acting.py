"""The service's part in what people do and ask beside agents' reports: rulings, standings, silences, policies, audits.

One half of `web.backend.Backend`; `Service` is the other.
"""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import structlog

from pinkslip.app.core import Core
from pinkslip.app.questions import displays_of, known_of, silence_states, taken_in, with_labels
from pinkslip.fleet.snapshot import AgentView
from pinkslip.judge.guards.silence import too_broad
from pinkslip.model.errors import Conflict
from pinkslip.model.policy import Matcher
from pinkslip.policies.known import Known
from pinkslip.store import reviewing, rulings, silencing, standings
from pinkslip.store.chain import ChainReport
from pinkslip.store.views import PolicyCount, Reversal, StoredDecision, StoredReview
from pinkslip.web.backend import Actor, SilenceState

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _By:
    """Who does it, as the store's acts take it."""

    actor: Actor

    @property
    def words(self) -> dict[str, Any]:
        return {"actor_kind": self.actor.kind, "actor": self.actor.name}


class Acting(ABC):
    """Methods run on the event loop."""

    @property
    @abstractmethod
    def serving(self) -> Core:
        """The tenure, while there is one; Unavailable otherwise."""

    # agents

    async def quarantine(
        self, workspace_id: int, ident: str, *, until: int, context: str, actor: Actor
    ) -> AgentView:
        """Pause it until then."""
        return await self.serving.act(
            partial(
                standings.quarantine,
                workspace_id=workspace_id,
                ident=ident,
                until=until,
                context=context,
                **_By(actor).words,
            )
        )

    async def release(
        self, workspace_id: int, ident: str, *, context: str, actor: Actor
    ) -> AgentView:
        """Let it go."""
        return await self.serving.act(
            partial(
                standings.release,
                workspace_id=workspace_id,
                ident=ident,
                context=context,
                **_By(actor).words,
            )
        )

    async def review(
        self, workspace_id: int, event_id: str, *, score: float, comment: str, actor: Actor
    ) -> StoredReview:
        """Give an outcome another score."""
        return await self.serving.act(
            partial(
                reviewing.review,
                workspace_id=workspace_id,
                event_id=event_id,
                score=score,
                comment=comment,
                actor=actor.name,
            )
        )

    # what was announced

    async def veto(
        self, workspace_id: int, decision_id: str, *, context: str, actor: Actor
    ) -> StoredDecision:
        """Stop what the decision announced."""
        core = self.serving
        record = await core.act(
            partial(
                rulings.veto,
                workspace_id=workspace_id,
                decision_id=decision_id,
                context=context,
                **_By(actor).words,
            )
        )
        core.tallies.count_reversal(policy=record.policy, role=record.role)
        log.info("vetoed", agent=record.agent_id, policy=record.policy, actor=actor.name)
        return record

    async def approve(
        self, workspace_id: int, decision_id: str, *, context: str, actor: Actor
    ) -> StoredDecision:
        """Allow what the decision asked for."""
        record = await self.serving.act(
            partial(
                rulings.approve,
                workspace_id=workspace_id,
                decision_id=decision_id,
                context=context,
                **_By(actor).words,
            )
        )
        log.info("approved", agent=record.agent_id, policy=record.policy, actor=actor.name)
        return record

    # silences

    async def silences(
        self, workspace_id: int, *, active: bool | None, limit: int
    ) -> list[SilenceState]:
        """Newest start first."""
        core = self.serving
        now = core.journal.now()
        stored = await core.read(
            core.readers.silences,
            workspace_id,
            active_at=now if active is True else None,
            over_at=now if active is False else None,
            limit=limit,
        )
        return await core.ask(partial(silence_states, stored))

    async def add_silence(
        self,
        workspace_id: int,
        *,
        match: Sequence[Matcher],
        ends_at: int,
        reason: str,
        force: bool,
        actor: Actor,
    ) -> SilenceState:
        """Leave these agents alone from now on."""
        core = self.serving
        matched, active = await core.ask(partial(taken_in, tuple(match)))
        rule = core.policies.policy_set.guards.max_silenced
        refusal = "" if force else too_broad(matched, active=active, rule=rule)
        if refusal:
            raise Conflict(refusal, matched=matched, active=active)
        stored = await core.act(
            partial(
                silencing.silence_add,
                workspace_id=workspace_id,
                match=match,
                ends_at=ends_at,
                reason=reason,
                owner=actor.name,
            )
        )
        log.info("silenced", agents=matched, owner=actor.name, reason=reason)
        return SilenceState(stored=stored, matched=matched)

    async def end_silence(
        self, workspace_id: int, silence_id: str, *, actor: Actor
    ) -> SilenceState:
        """End it now."""
        core = self.serving
        stored = await core.act(
            partial(
                silencing.silence_end,
                workspace_id=workspace_id,
                silence_id=silence_id,
                actor=actor.name,
            )
        )
        (state,) = await core.ask(partial(silence_states, [stored]))
        return state

    # policies

    def displays(self, workspace_id: int) -> Mapping[str, str]:
        """Every reason, and how people read it."""
        return displays_of(self.serving.policies.policy_set)

    async def policy_counts(self, workspace_id: int, *, since: int) -> list[PolicyCount]:
        """What policies decided since an instant."""
        core = self.serving
        return await core.read(core.readers.policy_counts, workspace_id, since=since)

    async def reversals(self, workspace_id: int, *, since: int) -> list[Reversal]:
        """Where people overruled policies since an instant."""
        core = self.serving
        return await core.read(core.readers.reversals, workspace_id, since=since)

    async def restore_policy(
        self, workspace_id: int, name: str, *, context: str, actor: Actor
    ) -> StoredDecision:
        """Let a demoted policy act again."""
        record = await self.serving.act(
            partial(
                rulings.restore_policy,
                workspace_id=workspace_id,
                policy=name,
                context=context,
                **_By(actor).words,
            )
        )
        log.info("restored", policy=name, actor=actor.name)
        return record

    async def known(self, workspace_id: int) -> Known:
        """What the fleet has shown so far."""
        known, labels = await self.serving.ask(known_of)
        return await asyncio.to_thread(with_labels, known, labels)

    async def verify_chain(self, workspace_id: int) -> ChainReport:
        """Walk the chain of decisions from its start."""
        core = self.serving
        return await core.read(core.readers.verify_chain, workspace_id)
