"""From what rooms know to what answers say: views, rows and records in the seed's spelling."""

from collections.abc import Mapping, Sequence

import msgspec
from msgspec import UNSET

from pinkslip.fleet.snapshot import AgentView, Snapshot
from pinkslip.judge.conclusions import PanicPool, PolicyAnswer, Recomputed, Waiting
from pinkslip.judge.guards.common_cause import Cause
from pinkslip.judge.guards.envelope import PoolLimit
from pinkslip.judge.guards.mass_restart import Deploy
from pinkslip.model.decisions import Consulted, Delivery, Evidence, Statistic
from pinkslip.model.facts import Demoted
from pinkslip.model.policy import Policy, PolicySet
from pinkslip.model.ports import Order, Receipt
from pinkslip.model.time import rfc3339
from pinkslip.model.words import Fault, Guard, Mode, Result, Standing, Status, word_of
from pinkslip.policies.known import Known
from pinkslip.policies.problems import Problem
from pinkslip.store.views import (
    EnforcementState,
    Fire,
    Session,
    Stopped,
    StoredDecision,
    StoredReview,
    Workspace,
)
from pinkslip.web.backend import (
    ChainState,
    Facts,
    PolicyState,
    SilenceState,
)
from pinkslip.web.payloads import (
    AgentAnswer,
    AgentMetrics,
    AgentTotals,
    BrokenTold,
    CauseTold,
    ChainAnswer,
    ConsultedTold,
    DecisionAnswer,
    DeliveryTold,
    DemotionTold,
    DeployTold,
    EnforcementAnswer,
    EvidenceTold,
    FireEntry,
    GuardTold,
    HeldTold,
    KnownAnswer,
    LimitTold,
    OrderTold,
    PanicTold,
    PoliciesAnswer,
    PolicyAnswerTold,
    PolicyStatusAnswer,
    PolicyStatusTold,
    PolicyTold,
    ProblemTold,
    RecomputedTold,
    ReviewAnswer,
    SessionAnswer,
    SilenceAnswer,
    StatisticTold,
    StoppedTold,
    WaitingTold,
)
from pinkslip.web.tallies import NOTHING_DONE, Tally
from pinkslip.web.words import (
    AS_THEY_ARE,
    Displays,
    chain_said,
    concluded,
    match_said,
    policy_said,
    reason_shown,
    sentence,
)

MICRO = 1_000_000


def instant(at: int | None) -> str | None:
    """Journal ms as RFC 3339; None stays None."""
    return None if at is None else rfc3339(at)


def orders_told(orders: Sequence[Order]) -> tuple[OrderTold, ...]:
    """What an agent must do."""
    return tuple(
        OrderTold(type=order.type, reason=order.reason, until=instant(order.until))
        for order in orders
    )


def notes_of(receipt: Receipt) -> tuple[str, ...]:
    """What the agent should know about its report."""
    return (receipt.detail,) if receipt.detail else ()


def interval_s(receipt: Receipt, *, assumed_interval_s: float) -> float:
    """Seconds between heartbeats we count with."""
    return assumed_interval_s if receipt.interval_ms is None else receipt.interval_ms / 1000


def agent_answer(
    view: AgentView,
    *,
    workspace: Workspace,
    fires: Sequence[Fire],
    displays: Displays,
    whole: bool,
) -> AgentAnswer:
    """One agent in the seed's shape. `whole` adds the post-mortems."""
    return AgentAnswer(
        id=view.uuid,
        workspace_id=workspace.uuid,
        agent_id=view.agent_id,
        name=view.name,
        model=view.model,
        role=view.role,
        status=view.status,
        current_task=view.current_task,
        metrics=_metrics(view),
        last_heartbeat=instant(view.last_heartbeat),
        error_count=view.error_count,
        last_error=view.last_error,
        fired_count=view.fired_count,
        fire_history=tuple(fire_entry(fire, displays=displays, whole=whole) for fire in fires),
        created_at=rfc3339(view.created_at),
        updated_at=rfc3339(view.updated_at),
        terminated_at=instant(view.terminated_at),
        standing=view.standing,
        standing_until=instant(view.standing_until),
        incarnation=view.incarnation,
        finished_at=instant(view.finished_at),
        is_stale=view.is_stale,
        interval=None if view.interval_ms is None else view.interval_ms / 1000,
        progress=view.progress,
        progress_at=instant(view.progress_at),
        context_used=view.context_used,
        host=view.host,
        lineage=view.lineage,
        labels=view.labels,
        boot_id=view.boot_id,
        session_key=view.session_key,
        status_since=rfc3339(view.status_since),
        task_since=instant(view.task_since),
        protected_until=instant(view.protected_until),
        consecutive_failures=view.streak,
        totals=_totals(view),
    )


def _metrics(view: AgentView) -> AgentMetrics:
    mean = view.duration_ms_sum / view.duration_count if view.duration_count else 0.0
    return AgentMetrics(
        total_tasks=view.tasks,
        successful_tasks=view.successes,
        failed_tasks=sum(view.failed),
        avg_response_time_ms=round(mean, 3),
    )


def _totals(view: AgentView) -> AgentTotals:
    return AgentTotals(
        tokens_in=view.tokens_in,
        tokens_out=view.tokens_out,
        cost_usd=view.cost_micros / MICRO,
        failed_by_fault={
            fault.value: count for fault, count in zip(Fault, view.failed, strict=True)
        },
        mean_score=view.score_e6_sum / view.score_count / MICRO if view.score_count else None,
    )


def view_of(snapshot: Snapshot, row: int) -> AgentView:
    """One row of a snapshot, whole."""

    def time(column: str) -> int | None:
        return int(getattr(snapshot, column)[row]) or None

    def real(column: str) -> float | None:
        value = float(getattr(snapshot, column)[row])
        return None if value != value else value  # noqa: PLR0124 - NaN is what is asked for

    def count(column: str) -> int:
        return int(getattr(snapshot, column)[row])

    return AgentView(
        agent_no=count("numbers"),
        agent_id=snapshot.agent_ids[row],
        uuid=snapshot.uuids[row],
        name=snapshot.names[row],
        model=snapshot.models[row],
        role=snapshot.roles[row],
        host=snapshot.hosts[row],
        lineage=snapshot.lineages[row],
        labels=snapshot.labels[row],
        boot_id=snapshot.boot_ids[row],
        session_key=snapshot.session_keys[row],
        status=word_of(Status, count("status")),
        standing=word_of(Standing, count("standing")),
        incarnation=count("incarnation"),
        created_at=count("created_at"),
        updated_at=count("updated_at"),
        last_heartbeat=time("last_heartbeat"),
        interval_ms=time("interval_ms"),
        is_stale=bool(snapshot.is_stale[row]),
        status_since=count("status_since"),
        current_task=snapshot.current_tasks[row],
        task_since=time("task_since"),
        progress=real("progress"),
        progress_at=time("progress_at"),
        context_used=real("context_used"),
        finished_at=time("finished_at"),
        terminated_at=time("terminated_at"),
        protected_until=time("protected_until"),
        standing_until=time("standing_until"),
        fired_count=count("fired_count"),
        tasks=count("tasks"),
        successes=count("successes"),
        failed=tuple(int(failed) for failed in snapshot.failed[row]),
        duration_ms_sum=count("duration_ms_sum"),
        duration_count=count("duration_count"),
        tokens_in=count("tokens_in"),
        tokens_out=count("tokens_out"),
        cost_micros=count("cost_micros"),
        score_e6_sum=count("score_e6_sum"),
        score_count=count("score_count"),
        error_count=count("error_count"),
        last_error=snapshot.last_errors[row],
        streak=count("streak"),
    )


def fire_entry(fire: Fire, *, displays: Displays, whole: bool) -> FireEntry:
    """One line of `fireHistory`."""
    return FireEntry(
        fired_at=rfc3339(fire.fired_at),
        reason=fire.reason,
        reason_shown=displays.get(fire.reason, fire.reason),
        context=fire.context,
        fire_id=fire.id,
        decision_id=fire.decision_id,
        incarnation=fire.incarnation,
        actor_kind=fire.actor_kind,
        actor=fire.actor,
        policy=fire.policy,
        deliveries=tuple(delivery_told(delivery) for delivery in fire.deliveries),
        reinstated_at=instant(fire.reinstated_at),
        reinstated_by=fire.reinstated_by,
        reinstate_context=fire.reinstate_context,
        was_wrong=fire.was_wrong,
        post_mortem=_post_mortem(fire) if whole else UNSET,
    )


def _post_mortem(fire: Fire) -> Mapping[str, object]:
    """As it was frozen, its evidence spelled as in the decision."""
    frozen = dict(fire.post_mortem)
    if isinstance(frozen.get("evidence"), dict):
        frozen["evidence"] = evidence_told(msgspec.convert(frozen["evidence"], Evidence))
    return frozen


def delivery_told(delivery: Delivery) -> DeliveryTold:
    """How far one generation of a fire's delivery has come."""
    return DeliveryTold(
        generation=delivery.generation,
        executor=delivery.executor,
        state=delivery.state,
        created_at=rfc3339(delivery.created_at),
        delivered_at=instant(delivery.delivered_at),
        settled_at=instant(delivery.settled_at),
        detail=delivery.detail,
    )


def session_answer(session: Session, *, workspace: Workspace) -> SessionAnswer:
    """One conversation in the seed's shape."""
    return SessionAnswer(
        id=session.id,
        workspace_id=workspace.uuid,
        user_id=session.user_id,
        agent_id=session.agent_id,
        agent_uuid=session.agent_uuid,
        session_key=session.session_key,
        label=session.label,
        channel=session.channel,
        context_summary=session.context_summary,
        message_count=session.message_count,
        is_active=session.is_active,
        started_at=rfc3339(session.started_at),
        last_message_at=instant(session.last_message_at),
        ended_at=instant(session.ended_at),
        metadata=session.metadata,
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
    )


def policy_told(
    policy: Policy, state: PolicyState | None = None, *, waiting: int = 0
) -> PolicyTold:
    """One policy as it stands; without `state`, as it would be loaded."""
    name = policy.name
    return PolicyTold(
        name=name,
        description=policy.description,
        mode=policy.mode,
        action=policy.action,
        reason=policy.reason,
        when=policy.when.text,
        clear_when=policy.clear_when.text if policy.clear_when else None,
        for_seconds=policy.for_ms / 1000,
        keep_for_seconds=policy.keep_for_ms / 1000,
        file=policy.file,
        line=policy.line,
        hash=policy.hash,
        text=policy.text,
        scope=policy.scope,
        ladder=tuple(map(str, policy.ladder)),
        notice_seconds=policy.notice_ms / 1000,
        approval=policy.approval,
        percent=policy.percent,
        matched=state.matched.get(name, 0) if state else 0,
        holding=state.holding.get(name, 0) if state else 0,
        open_episodes=state.open_episodes.get(name, 0) if state else 0,
        waiting=waiting,
        on_rungs=tuple(state.rungs.get(name, ())) if state else (),
        held=_held_now(state, name) if state else (),
        demoted=_demotion(state.demoted.get(name)) if state else None,
        finding=state.findings.get(name) if state else None,
    )


def _held_now(state: PolicyState, policy: str) -> tuple[HeldTold, ...]:
    return tuple(
        HeldTold(guard=guard, count=count)
        for guard in Guard
        if (count := state.held.get((policy, guard), 0))
    )


def _demotion(demoted: Demoted | None) -> DemotionTold | None:
    return None if demoted is None else DemotionTold(at=rfc3339(demoted.at), why=demoted.why)


def enforcing(policy_set: PolicySet) -> int:
    """How many policies may act."""
    return sum(policy.mode is Mode.ENFORCE for policy in policy_set.policies)


def policies_answer(
    state: PolicyState, *, waiting: Sequence[Waiting], displays: Displays
) -> PoliciesAnswer:
    """The set in force, how it stands, and the newest problems."""
    return PoliciesAnswer(
        policies=tuple(
            policy_told(policy, state, waiting=_of(policy, waiting))
            for policy in state.policy_set.policies
        ),
        enforcing=enforcing(state.policy_set),
        hash=state.policy_set.hash,
        loaded_at=rfc3339(state.loaded_at),
        places=state.places,
        reasons=state.policy_set.reasons,
        displays=displays,
        limits=tuple(map(_limit, state.limits)),
        reload_failed=state.reload_failed,
        problems=problems_told(state.problems),
    )


def _of(policy: Policy, waiting: Sequence[Waiting]) -> int:
    return sum(one.policy == policy.name for one in waiting)


def policy_status_answer(
    state: PolicyState,
    tallies: Mapping[str, Tally],
    *,
    waiting: Sequence[Waiting],
    since: int | None,
) -> PolicyStatusAnswer:
    """How every policy in force fares, now and since then."""
    return PolicyStatusAnswer(
        since=instant(since),
        policies=tuple(
            _policy_status(
                policy,
                state,
                tallies.get(policy.name, NOTHING_DONE),
                waiting=_of(policy, waiting),
            )
            for policy in state.policy_set.policies
        ),
        limits=tuple(map(_limit, state.limits)),
    )


def _policy_status(
    policy: Policy, state: PolicyState, tally: Tally, *, waiting: int
) -> PolicyStatusTold:
    now = policy_told(policy, state, waiting=waiting)
    return PolicyStatusTold(
        name=now.name,
        mode=now.mode,
        action=now.action,
        ladder=now.ladder,
        demoted=now.demoted,
        matched=now.matched,
        holding=now.holding,
        open_episodes=now.open_episodes,
        waiting=waiting,
        on_rungs=now.on_rungs,
        held_now=now.held,
        verdicts={verdict.value: count for verdict, count in tally.verdicts.items()},
        would={action.value: count for action, count in tally.would.items()},
        held={guard.value: count for guard, count in tally.held.items()},
        reversed=tally.overruled.total(),
        words=policy_said(
            tally,
            mode=now.mode,
            matched=now.matched,
            holding=now.holding,
            waiting=waiting,
            demoted=now.demoted is not None,
        ),
    )


def _limit(limit: PoolLimit) -> LimitTold:
    return LimitTold(
        pool=limit.pool,
        agents=limit.agents,
        max_fires=limit.max_fires,
        per_seconds=limit.per_ms / 1000,
        min_active=limit.min_active,
        words=limit.words,
    )


def known_answer(known: Known, *, reasons: Sequence[str], displays: Displays) -> KnownAnswer:
    """What policies can speak of here."""
    retention_ms = known.retention_ms
    return KnownAnswer(
        results=None
        if known.results is None
        else tuple(result for result in Result if result in known.results),
        fields={field: tuple(sorted(values)) for field, values in known.fields.items()},
        pool_label=known.pool_label,
        pools=known.pools,
        min_tasks=known.min_tasks,
        retention_seconds=None if retention_ms is None else retention_ms / 1000,
        reasons=tuple(reasons),
        displays=displays,
    )


def problems_told(problems: Sequence[Problem]) -> tuple[ProblemTold, ...]:
    """Findings in policy files."""
    return tuple(
        ProblemTold(
            file=problem.file,
            line=problem.line,
            column=problem.column,
            severity=problem.severity.value,
            message=problem.message,
            hint=problem.hint,
            excerpt=problem.excerpt,
            key_path=problem.key_path,
        )
        for problem in problems
    )


def enforcement_answer(
    state: EnforcementState, facts: Facts, *, displays: Displays
) -> EnforcementAnswer:
    """Whether anybody can be fired by a policy, where not, and what waits for a person."""
    return EnforcementAnswer(
        enabled=state.stopped is None and state.everywhere is None,
        stopped=_stopped(state.stopped),
        everywhere=_stopped(state.everywhere),
        panics=tuple(map(_panic, facts.panics)),
        causes=tuple(map(_cause, facts.causes)),
        deploys=tuple(map(_deploy, facts.deploys)),
        waiting=tuple(waiting_told(one, displays=displays) for one in facts.waiting),
    )


def _panic(panic: PanicPool) -> PanicTold:
    return PanicTold(
        pool=panic.pool, since=rfc3339(panic.since), newly=panic.newly, size=panic.size
    )


def _cause(cause: Cause) -> CauseTold:
    return CauseTold(
        factor=cause.factor,
        value=cause.value,
        failing=cause.failing,
        size=cause.size,
        others_failing=cause.others_failing,
        others_size=cause.others_size,
        p=cause.p,
        words=cause.words,
    )


def _deploy(deploy: Deploy) -> DeployTold:
    return DeployTold(
        pool=deploy.pool,
        restarted=deploy.restarted,
        size=deploy.size,
        since=rfc3339(deploy.since),
    )


def _stopped(stopped: Stopped | None) -> StoppedTold | None:
    if stopped is None:
        return None
    return StoppedTold(at=rfc3339(stopped.at), by=stopped.actor, reason=stopped.reason)


def review_answer(review: StoredReview, *, event_id: str) -> ReviewAnswer:
    """The outcome's score from now on."""
    before = review.before_e6
    return ReviewAnswer(
        event_id=event_id,
        score=review.score_e6 / MICRO,
        before=None if before is None else before / MICRO,
        comment=review.comment,
        at=rfc3339(review.at),
        reviewer=review.who,
        counted=review.counted,
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


def chain_answer(chain: ChainState) -> ChainAnswer:
    """Whether the record of decisions is whole."""
    broken = None
    if chain.broken_at is not None:
        broken = BrokenTold(
            number=chain.broken_at, decision_id=chain.broken_id, problem=chain.problem
        )
    whole = "redacted" if chain.redacted else "ok"
    return ChainAnswer(
        state=whole if broken is None else "broken",
        decisions=chain.decisions,
        redacted=chain.redacted,
        head=chain.head.hex(),
        broken=broken,
        words=chain_said(chain),
    )
