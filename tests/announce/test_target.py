"""What a receiver is told and when: new at once, again with each resend, ended ones as ended."""

from pinkslip.announce.messages import Message
from pinkslip.announce.target import RESOLVED_KEPT_MS, Sent, Target

RESEND = 60_000
WALL = 1_900_000_000_000


class Deaf:
    name = "deaf"

    async def send(self, batch: list[Sent]) -> None:
        raise AssertionError("nobody sends in these tests")


def make_message(agent: str = "dev-1", *, summary: str = "s", starts_at: int = 100) -> Message:
    return Message(
        name="PinkslipAgentOnNotice",
        labels={"alertname": "PinkslipAgentOnNotice", "agent": agent},
        annotations={"summary": summary},
        starts_at=starts_at,
        link="http://127.0.0.1:8740/decisions/1",
    )


def make_target() -> Target:
    return Target(Deaf(), RESEND)


def told(target: Target, wall_ms: int) -> list[Sent]:
    batch = target.due(wall_ms)
    target.taken(batch, wall_ms)
    return batch


def test_a_new_message_is_due_at_once_and_then_with_each_resend() -> None:
    target = make_target()
    target.update([make_message()], wall_ms=WALL, journal_ms=1_000)

    (first,) = told(target, WALL)

    assert not first.is_over
    assert first.starts_at == WALL - 900
    assert first.ends_at == WALL + 4 * RESEND
    assert told(target, WALL + RESEND - 1) == []
    assert len(told(target, WALL + RESEND)) == 1
    assert told(target, WALL + RESEND + 1) == []


def test_what_was_not_taken_stays_due() -> None:
    target = make_target()
    target.update([make_message()], wall_ms=WALL, journal_ms=1_000)

    assert len(target.due(WALL)) == 1
    assert len(target.due(WALL + 1)) == 1


def test_an_ended_message_is_sent_with_its_end_and_again_for_a_while() -> None:
    target = make_target()
    target.update([make_message()], wall_ms=WALL, journal_ms=1_000)
    told(target, WALL)

    target.update([], wall_ms=WALL + 5_000, journal_ms=6_000)
    (over,) = told(target, WALL + 5_000)

    assert over.is_over
    assert over.ends_at == WALL + 5_000
    (again,) = told(target, WALL + 5_000 + RESEND)
    assert again.ends_at == over.ends_at
    assert told(target, WALL + 5_000 + RESOLVED_KEPT_MS + 1) == []
    assert target.due(WALL + 5_000 + RESOLVED_KEPT_MS + 1 + RESEND) == []


def test_what_ended_before_anybody_heard_of_it_is_never_told() -> None:
    target = make_target()
    target.update([make_message()], wall_ms=WALL, journal_ms=1_000)

    target.update([], wall_ms=WALL + 1, journal_ms=1_001)

    assert target.due(WALL + 1) == []


def test_one_that_comes_back_begins_anew() -> None:
    target = make_target()
    target.update([make_message()], wall_ms=WALL, journal_ms=1_000)
    told(target, WALL)
    target.update([], wall_ms=WALL + 1_000, journal_ms=2_000)
    told(target, WALL + 1_000)

    target.update([make_message(starts_at=3_000)], wall_ms=WALL + 2_000, journal_ms=3_000)
    (again,) = told(target, WALL + 2_000)

    assert not again.is_over
    assert again.starts_at == WALL + 2_000


def test_words_that_change_are_told_before_the_next_resend() -> None:
    target = make_target()
    target.update([make_message()], wall_ms=WALL, journal_ms=1_000)
    told(target, WALL)

    target.update([make_message(summary="other")], wall_ms=WALL + 1, journal_ms=1_001)

    (changed,) = target.due(WALL + RESEND // 2 + 1)
    assert changed.message.annotations["summary"] == "other"


def test_a_clock_turned_back_holds_no_message_back() -> None:
    target = make_target()
    target.update([make_message()], wall_ms=WALL, journal_ms=1_000)
    told(target, WALL)

    assert len(target.due(WALL - 3_600_000)) == 1


def test_new_ones_come_before_those_that_are_sent_again() -> None:
    target = make_target()
    target.update([make_message("old")], wall_ms=WALL, journal_ms=1_000)
    told(target, WALL)
    later = WALL + RESEND
    target.update([make_message("old"), make_message("new")], wall_ms=later, journal_ms=61_000)

    assert [sent.message.labels["agent"] for sent in target.due(later)] == ["new", "old"]
