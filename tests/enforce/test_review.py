"""What became of a fire: tables of what was told and heard, and the moments around each limit."""

import pytest

from pinkslip.enforce.review import EnforceSettings, review
from pinkslip.model.decisions import Delivery, DeliveryChange
from pinkslip.model.words import DeliveryState

FIRED = 1_000_000
GRACE = 90_000
SETTINGS = EnforceSettings(stop_grace_ms=10_000, max_generations=2)


def make_delivery(
    *,
    state: DeliveryState = DeliveryState.DELIVERED,
    told: int | None = FIRED + 5_000,
    heard: int | None = FIRED + 5_000,
    was_silent: bool = False,
    last_word: bool = False,
    generation: int = 1,
) -> Delivery:
    return Delivery(
        workspace_id=1,
        fire_id="f",
        generation=generation,
        agent_no=7,
        agent_id="a",
        executor="order",
        state=state,
        created_at=FIRED,
        delivered_at=told,
        last_report_at=heard,
        was_silent=was_silent,
        last_word=last_word,
    )


def reviewed(delivery: Delivery, *, now: int, seen_since: int = 0) -> DeliveryChange | None:
    changes = review(
        [delivery],
        now=now,
        grace_ms=lambda _no: GRACE,
        seen_since=seen_since,
        settings=SETTINGS,
    )
    return changes[0] if changes else None


@pytest.mark.parametrize(
    ("after_ms", "state"),
    [
        pytest.param(GRACE - 1, None, id="just before its grace has passed"),
        pytest.param(GRACE, None, id="at its grace"),
        pytest.param(GRACE + 1, DeliveryState.CONFIRMED, id="just after"),
    ],
)
def test_silence_after_the_order_confirms(after_ms: int, state: DeliveryState | None) -> None:
    change = reviewed(make_delivery(), now=FIRED + 5_000 + after_ms)

    assert (change.state if change else None) is state


@pytest.mark.parametrize(
    ("later_ms", "state"),
    [
        pytest.param(9_999, None, id="just before the time to obey is over"),
        pytest.param(10_000, None, id="at the limit"),
        pytest.param(10_001, DeliveryState.ZOMBIE, id="just after"),
    ],
)
def test_a_report_long_after_the_order_is_a_zombie(
    later_ms: int, state: DeliveryState | None
) -> None:
    told = FIRED + 5_000

    change = reviewed(make_delivery(told=told, heard=told + later_ms), now=told + later_ms)

    assert (change.state if change else None) is state


def test_a_last_word_confirms_at_once() -> None:
    change = reviewed(make_delivery(last_word=True), now=FIRED + 5_001)

    assert change is not None
    assert change.state is DeliveryState.CONFIRMED
    assert change.settled_at == FIRED + 5_001


def test_a_zombie_is_told_again_until_the_cap_and_then_a_person_is_asked() -> None:
    told, heard = FIRED, FIRED + 20_000

    first = reviewed(make_delivery(told=told, heard=heard), now=heard)
    last = reviewed(make_delivery(told=told, heard=heard, generation=2), now=heard)

    assert first is not None
    assert first.next_generation
    assert first.settled_at == heard
    assert last is not None
    assert not last.next_generation
    assert last.settled_at is None
    assert "a person must act" in last.detail


def test_a_zombie_that_ends_at_last_is_confirmed() -> None:
    zombie = make_delivery(
        state=DeliveryState.ZOMBIE, told=FIRED, heard=FIRED + 50_000, generation=2
    )

    assert reviewed(zombie, now=FIRED + 60_000) is None
    ended = reviewed(zombie, now=FIRED + 50_000 + GRACE + 1)

    assert ended is not None
    assert ended.state is DeliveryState.CONFIRMED


def test_an_agent_that_was_silent_before_proves_nothing_by_silence() -> None:
    silent = make_delivery(state=DeliveryState.PENDING, told=None, heard=None, was_silent=True)

    assert reviewed(silent, now=FIRED + GRACE) is None
    change = reviewed(silent, now=FIRED + GRACE + 1)

    assert change is not None
    assert change.state is DeliveryState.UNVERIFIED
    assert change.settled_at is None


def test_an_agent_that_fell_silent_with_the_fire_is_confirmed() -> None:
    gone = make_delivery(state=DeliveryState.PENDING, told=None, heard=None)

    change = reviewed(gone, now=FIRED + GRACE + 1)

    assert change is not None
    assert change.state is DeliveryState.CONFIRMED


def test_silence_we_could_not_have_heard_confirms_nothing() -> None:
    seen_since = FIRED + 500_000

    assert reviewed(make_delivery(), now=seen_since + GRACE, seen_since=seen_since) is None
    assert (
        reviewed(make_delivery(), now=seen_since + GRACE + 1, seen_since=seen_since) is not None
    )
