"""What became of each open delivery: confirmed, a zombie, unverified, or still under way. Pure.

The executor is `order`: the answer to the fired agent's next report tells it to stop, and the journal
notes that it did (`delivered_at`), every report after that, and a last word. This module reads those notes.

1. A last word after the order (finish, or a heartbeat with `leaving`) confirms.
2. Silence for the agent's own grace confirms, where the agent was talking before: after the order, or
   after the fire when it never asked again.
3. A report later than `stop_grace_ms` after the order went out: the kill failed, the agent is a zombie.
   This generation is settled so, and a new one gets its order with the next answer, up to
   `max_generations`; the last one stays open, so that a zombie that ends at last is confirmed too.
4. An agent that was already silent when it was fired cannot confirm by silence; after its grace the
   delivery is `unverified`. It stays so until a report shows the agent alive, which delivers the order.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pinkslip.model.decisions import Delivery, DeliveryChange
from pinkslip.model.time import spoken
from pinkslip.model.words import DeliveryState


@dataclass(frozen=True, slots=True, kw_only=True)
class EnforceSettings:
    """How long an agent may take to obey, and how often we insist."""

    stop_grace_ms: int = 10_000
    max_generations: int = 5


def review(
    deliveries: Sequence[Delivery],
    *,
    now: int,
    grace_ms: Callable[[int], int],
    seen_since: int,
    settings: EnforceSettings,
) -> list[DeliveryChange]:
    """The changes due at `now`.

    `grace_ms` answers an agent number's silence allowance. `seen_since` is when we last began to see:
    silence we could not have heard confirms nothing.
    """
    changes = []
    for delivery in deliveries:
        change = _concluded(
            delivery,
            now=now,
            grace_ms=grace_ms(delivery.agent_no),
            seen_since=seen_since,
            settings=settings,
        )
        if change is not None:
            changes.append(change)
    return changes


def _concluded(
    delivery: Delivery, *, now: int, grace_ms: int, seen_since: int, settings: EnforceSettings
) -> DeliveryChange | None:
    if delivery.settled_at is not None:
        return None
    if delivery.delivered_at is None:
        return _about_the_untold(delivery, now=now, grace_ms=grace_ms, seen_since=seen_since)
    told = delivery.delivered_at
    heard = delivery.last_report_at or told
    if delivery.last_word:
        return _changed(
            delivery, DeliveryState.CONFIRMED, now, "said its last word after the order"
        )
    quiet = now - max(told, heard, seen_since)
    if quiet > max(grace_ms, settings.stop_grace_ms):
        return _changed(
            delivery,
            DeliveryState.CONFIRMED,
            now,
            f"silent for {spoken(quiet)} since the order",
        )
    if delivery.state is DeliveryState.DELIVERED and heard - told > settings.stop_grace_ms:
        again = delivery.generation < settings.max_generations
        return _changed(
            delivery,
            DeliveryState.ZOMBIE,
            now,
            f"still reporting {spoken(heard - told)} after the order went out"
            + ("" if again else f"; told {settings.max_generations} times, a person must act"),
            next_generation=again,
        )
    return None


def _about_the_untold(
    delivery: Delivery, *, now: int, grace_ms: int, seen_since: int
) -> DeliveryChange | None:
    quiet = now - max(delivery.created_at, seen_since)
    if delivery.state is not DeliveryState.PENDING or quiet <= grace_ms:
        return None
    if not delivery.was_silent:
        return _changed(
            delivery,
            DeliveryState.CONFIRMED,
            now,
            f"fell silent with the fire, {spoken(quiet)} ago",
        )
    return _changed(
        delivery,
        DeliveryState.UNVERIFIED,
        now,
        "silent before the fire and since: nothing could be told to it, nothing proves it ended",
    )


def _changed(
    delivery: Delivery,
    state: DeliveryState,
    now: int,
    detail: str,
    *,
    next_generation: bool = False,
) -> DeliveryChange:
    return DeliveryChange(
        workspace_id=delivery.workspace_id,
        fire_id=delivery.fire_id,
        generation=delivery.generation,
        state=state,
        settled_at=now if state is DeliveryState.CONFIRMED or next_generation else None,
        detail=detail,
        next_generation=next_generation,
    )
