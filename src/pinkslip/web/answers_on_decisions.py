"""Decisions, what waits, silences and the chain, as answers tell them."""

from collections.abc import Sequence

from msgspec import UNSET

from pinkslip.judge.conclusions import (
    PolicyAnswer,
    Recomputed,
    Waiting,
)
from pinkslip.model.decisions import Consulted, Evidence, Statistic
from pinkslip.model.time import rfc3339
from pinkslip.store.chain import ChainReport
from pinkslip.store.views import (
    StoredDecision,
)
from pinkslip.web.backend import (
    SilenceState,
)
from pinkslip.web.instants import instant
from pinkslip.web.payloads import (
    BrokenTold,
    ChainAnswer,
    ConsultedTold,
    DecisionAnswer,
    EvidenceTold,
    GuardTold,
    PolicyAnswerTold,
    RecomputedTold,
    SilenceAnswer,
    StatisticTold,
    WaitingTold,
)
from pinkslip.web.words import (
    AS_THEY_ARE,
    Displays,
    chain_said,
    concluded,
    match_said,
    reason_shown,
    sentence,
)


def evidence_told(evidence: Evidence) -> EvidenceTold:
    """The numbers a verdict rests on."""
    return EvidenceTold(
        when=evidence.when,
        values=evidence.values,
        words=evidence.words,
        true_since=rfc3339(evidence.true_since),
        for_seconds=evidence.for_ms / 1000,
        tasks=evidence.tasks,
        statistics=statistics_told(evidence.statistics),
        guards=tuple(map(_consulted, evidence.guards)),
        rung=evidence.rung,
        rungs=evidence.rungs,
        until=instant(evidence.until),
        lineage=evidence.lineage,
    )


def statistics_told(statistics: Sequence[Statistic]) -> tuple[StatisticTold, ...]:
    """Evidence functions with their counts."""
    return tuple(
        StatisticTold(
            function=statistic.function,
            value=statistic.value,
            threshold=statistic.threshold,
            tasks=statistic.tasks,
            successes=statistic.successes,
            since=instant(statistic.since or None),
            pass_no=statistic.pass_no,
        )
        for statistic in statistics
    )


def _consulted(consulted: Consulted) -> ConsultedTold:
    return ConsultedTold(guard=consulted.guard, held=consulted.held, detail=consulted.detail)


def decision_answer(
    decision: StoredDecision,
    recomputed: Recomputed | None = None,
    *,
    displays: Displays = AS_THEY_ARE,
) -> DecisionAnswer:
    """One record with its place in the chain, and its evidence worked out again where it was."""
    return DecisionAnswer(
        id=decision.id,
        number=decision.number,
        at=rfc3339(decision.at),
        policy=decision.policy,
        policy_hash=decision.policy_hash,
        policy_set_hash=decision.policy_set_hash,
        agent_id=decision.agent_id,
        incarnation=decision.incarnation,
        verdict=decision.verdict,
        mode=decision.mode,
        action=decision.action,
        reason=decision.reason,
        reason_shown=reason_shown(decision.reason, displays),
        words=sentence(concluded(decision, displays)),
        guard=decision.guard,
        guard_detail=decision.guard_detail,
        actor_kind=decision.actor_kind,
        actor=decision.actor,
        evidence=evidence_told(decision.evidence),
        evidence_readable=decision.is_readable,
        context=decision.context,
        content_digest=decision.content_digest.hex(),
        chain_digest=decision.chain_digest.hex(),
        recomputed=UNSET if recomputed is None else _recomputed(recomputed),
    )


def _recomputed(recomputed: Recomputed) -> RecomputedTold:
    return RecomputedTold(
        identical=recomputed.identical,
        evidence=evidence_told(recomputed.evidence),
        differences=recomputed.differences,
    )


def policy_answer_told(answer: PolicyAnswer) -> PolicyAnswerTold:
    """How one policy stands to one agent."""
    return PolicyAnswerTold(
        policy=answer.policy,
        mode=answer.mode,
        action=answer.action,
        reason=answer.reason,
        matches=answer.matches,
        when=answer.when,
        truth=answer.truth,
        values=answer.values,
        state=answer.state,
        began_at=instant(answer.began_at),
        true_since=instant(answer.true_since),
        for_seconds=answer.for_ms / 1000,
        guard=answer.guard,
        guard_detail=answer.guard_detail,
        guards=tuple(GuardTold(guard=guard, detail=detail) for guard, detail in answer.guards),
        rung=answer.rung,
        rungs=answer.rungs,
        standing=answer.standing,
        until=instant(answer.until),
        waiting_decision=answer.waiting_decision,
        meter=answer.meter,
        statistics=statistics_told(answer.statistics),
        words=answer.words,
    )


def waiting_told(waiting: Waiting, *, displays: Displays) -> WaitingTold:
    """A fire that a person may still stop."""
    return WaitingTold(
        decision_id=waiting.decision_id,
        policy=waiting.policy,
        agent_id=waiting.agent_id,
        state=waiting.state,
        since=rfc3339(waiting.since),
        until=instant(waiting.until),
        reason=waiting.reason,
        reason_shown=reason_shown(waiting.reason, displays),
        words=waiting.words,
        holds=waiting.holds,
    )


def silence_answer(state: SilenceState, *, now: int) -> SilenceAnswer:
    """A silence, and what became of it."""
    stored, silence = state.stored, state.stored.silence
    return SilenceAnswer(
        id=silence.id,
        match={
            field: (*values, *(f"~{pattern}" for pattern in patterns))
            for field, values, patterns in silence.match
        },
        words=match_said(silence.match),
        owner=silence.owner,
        reason=silence.reason,
        starts_at=rfc3339(silence.starts_at),
        ends_at=rfc3339(silence.ends_at),
        active=stored.is_active(now),
        matched=state.matched,
        ended_at=instant(stored.ended_at),
        ended_by=stored.ended_by,
    )


def chain_answer(chain: ChainReport) -> ChainAnswer:
    """Whether the record of decisions is whole."""
    broken = chain.broken
    return ChainAnswer(
        state=chain.state,
        decisions=chain.decisions,
        redacted=chain.redacted,
        head=chain.head.hex(),
        broken=None
        if broken is None
        else BrokenTold(
            number=broken.number, decision_id=broken.decision_id, problem=broken.problem
        ),
        words=chain_said(chain),
    )
