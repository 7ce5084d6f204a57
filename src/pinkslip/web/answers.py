"""From what rooms know of agents to what answers say: views, rows and sessions in the seed's spelling."""

from collections.abc import Mapping, Sequence
from contextlib import suppress

import msgspec
from msgspec import UNSET

from pinkslip.fleet.snapshot import AgentView, Snapshot
from pinkslip.model.decisions import Delivery, Evidence
from pinkslip.model.ports import Order, Receipt
from pinkslip.model.time import rfc3339
from pinkslip.model.words import Fault, Standing, Status, word_of
from pinkslip.store.views import (
    Fire,
    Session,
    StoredReview,
    Workspace,
)
from pinkslip.web.answers_on_decisions import evidence_told
from pinkslip.web.instants import instant
from pinkslip.web.payloads import (
    AgentAnswer,
    AgentMetrics,
    AgentTotals,
    DeliveryTold,
    FireEntry,
    OrderTold,
    ReviewAnswer,
    SessionAnswer,
)
from pinkslip.web.words import (
    Displays,
)

MICRO = 1_000_000


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
        with suppress(msgspec.ValidationError):  # as it is, where other hands changed it
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
