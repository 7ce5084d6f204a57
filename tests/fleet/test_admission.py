"""What a report means for its agent: facts, orders, and what is answered."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET

from pinkslip.fleet.admission import (
    Admission,
    Head,
    event_key,
    is_same_body,
    refusal,
    uuid7,
)
from pinkslip.model.events import Finish, Heartbeat, Outcome
from pinkslip.model.facts import (
    Beat,
    Changed,
    Done,
    Finished,
    Fired,
    Protected,
    Registered,
    Reinstated,
    Released,
    Reviewed,
    Revived,
    Stood,
)
from pinkslip.model.ports import Order
from pinkslip.model.words import Fault, Result, Source, Standing, Status

NOW = 1_800_000_000_000
STOP = (Order("stop", "dumb"),)


class Pass:
    """One agent, and a fresh pass for each thing it says."""

    def __init__(self, **fields: object) -> None:
        self.head = Head(1, 7, "worker-7", "uuid-7", **fields)  # type: ignore[arg-type]  # named by the test
        self.passes = 0
        self.stopped = frozenset[int]()
        self.condemned: dict[int, dict[str, str]] = {}
        self.admission = self.next()

    def next(self) -> Admission:
        self.passes += 1
        self.admission = Admission(
            pass_no=self.passes,
            now=NOW + self.passes,
            seq=100 * self.passes,
            stopped=self.stopped,
            condemned=self.condemned,
        )
        return self.admission

    def beat(self, **fields: object):  # type: ignore[no-untyped-def]  # a receipt
        return self.next().heartbeat(self.head, Heartbeat(**fields))  # type: ignore[arg-type]  # named by the test

    def finish(self, **fields: object):  # type: ignore[no-untyped-def]  # a receipt
        return self.next().finish(self.head, Finish(**fields))  # type: ignore[arg-type]  # named by the test

    def outcome(self, result: Result = Result.SUCCESS, **fields: object):  # type: ignore[no-untyped-def]  # a receipt
        event = Outcome(result=result, **fields)  # type: ignore[arg-type]  # named by the test
        return self.next().outcome(self.head, event, b"k" * 16, "k", Source.SELF)[0]

    def fire(self) -> None:
        admission = self.next()
        fact = Fired(7, admission.now, admission.allot(), "fire-1", "dumb", "policy")
        admission.emit(self.head, fact)

    def stand(self, standing: Standing, until: int | None, policy: str | None = "p") -> None:
        admission = self.next()
        fact = Stood(7, admission.now, admission.allot(), standing, until, policy)
        admission.emit(self.head, fact)

    @property
    def facts(self) -> list[object]:
        return [fact for _workspace, fact in self.admission.facts]

    @property
    def kinds(self) -> list[str]:
        return [type(fact).__name__ for fact in self.facts]

    @property
    def changed(self) -> dict[str, object]:
        """What the one Changed fact of this pass says; empty without one."""
        facts = [fact for fact in self.facts if isinstance(fact, Changed)]
        assert len(facts) <= 1
        names = Changed.__struct_fields__[3:]
        return {
            name: getattr(fact, name)
            for fact in facts
            for name in names
            if getattr(fact, name) is not UNSET
        }


def test_an_empty_heartbeat_is_a_beat_and_names_what_is_assumed() -> None:
    agent = Pass()

    receipt = agent.beat()

    assert agent.kinds == ["Beat"]
    assert (receipt.verdict, receipt.status) == ("accepted", Status.IDLE)
    assert receipt.detail == "no interval declared: 30 s assumed"


def test_only_real_changes_become_facts() -> None:
    agent = Pass(status=Status.WORKING, current_task="review", interval_ms=10_000, name="Ann")

    receipt = agent.beat(
        status=Status.WORKING, current_task="review", interval=10.0, name="Ann"
    )

    assert agent.kinds == ["Beat"]
    assert (receipt.interval_ms, receipt.detail) == (10_000, "")


@pytest.mark.parametrize(
    ("before", "said", "changed"),
    [
        pytest.param({}, {"status": Status.WORKING}, {"status": Status.WORKING}, id="status"),
        pytest.param({}, {"current_task": "a"}, {"current_task": "a"}, id="task"),
        pytest.param(
            {"current_task": "a"},
            {"current_task": None},
            {"current_task": None},
            id="null clears",
        ),
        pytest.param({"current_task": "a"}, {}, {}, id="absent keeps"),
        pytest.param(
            {"status": Status.WORKING, "current_task": "a"},
            {"status": Status.IDLE},
            {"status": Status.IDLE, "current_task": None},
            id="IDLE clears the task",
        ),
        pytest.param(
            {"status": Status.WORKING},
            {"status": Status.IDLE, "current_task": "a"},
            {"status": Status.IDLE},
            id="IDLE has no task",
        ),
        pytest.param(
            {}, {"progress": 0.0}, {"progress": 0.0}, id="progress nought is progress"
        ),
        pytest.param({"progress": 2.0}, {"progress": 2.0}, {}, id="progress unchanged"),
        pytest.param({}, {"interval": 2.5}, {"interval_ms": 2500}, id="interval in ms"),
        pytest.param(
            {"interval_ms": 5}, {"interval": None}, {"interval_ms": None}, id="interval gone"
        ),
        pytest.param({}, {"boot_id": "b1"}, {"boot_id": "b1"}, id="boot"),
        pytest.param({}, {"labels": {}}, {}, id="no labels are no labels"),
        pytest.param(
            {"labels": {"a": "b"}}, {"labels": None}, {"labels": None}, id="labels cleared"
        ),
        pytest.param(
            {"labels": {"a": "b"}}, {"labels": {"a": "c"}}, {"labels": {"a": "c"}}, id="labels"
        ),
        pytest.param({}, {"last_error": "no disk"}, {"last_error": "no disk"}, id="last error"),
        pytest.param(
            {"last_error": UNSET},
            {"last_error": None},
            {"last_error": None},
            id="unknown is no repetition",
        ),
    ],
)
def test_what_a_heartbeat_changes(
    before: dict[str, object], said: dict[str, object], changed: dict[str, object]
) -> None:
    agent = Pass(**before)

    agent.beat(**said)

    assert agent.changed == changed


def test_a_change_of_status_says_who_and_why() -> None:
    agent = Pass(status=Status.WORKING)

    agent.beat(status=Status.ERROR, last_error="out of memory")

    (row,) = agent.admission.transitions
    assert (row.subject, row.old, row.new) == ("status", "WORKING", "ERROR")
    assert (row.actor_kind, row.actor, row.why) == (
        "agent",
        "worker-7",
        "heartbeat: out of memory",
    )


def test_first_contact_is_one_transition_from_nothing() -> None:
    admission = Admission(pass_no=1, now=NOW, seq=0)
    head = admission.register(1, agent_no=7, agent_id="worker-7", uuid="u")

    admission.heartbeat(head, Heartbeat(status=Status.WORKING, name="Ann"), is_new=True)

    kinds = [type(fact) for _workspace, fact in admission.facts]
    assert kinds == [Registered, Beat, Changed]
    (row,) = admission.transitions
    assert (row.old, row.new, row.why) == (None, "WORKING", "first contact")
    assert [fact.seq for _workspace, fact in admission.facts] + [row.seq] == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("said", "verdict"),
    [
        pytest.param({"boot_id": "b1", "seq": 4}, "ignored", id="older"),
        pytest.param({"boot_id": "b1", "seq": 5}, "ignored", id="equal"),
        pytest.param({"boot_id": "b1", "seq": 6}, "accepted", id="newer"),
        pytest.param({"boot_id": "b1"}, "accepted", id="without seq"),
        pytest.param({"boot_id": "b2", "seq": 1}, "accepted", id="another boot counts afresh"),
        pytest.param({"seq": 1}, "accepted", id="a seq without a boot says nothing"),
    ],
)
def test_an_old_seq_of_the_same_boot_is_answered_and_ignored(
    said: dict[str, object], verdict: str
) -> None:
    agent = Pass()
    agent.beat(boot_id="b1", seq=5, status=Status.WORKING)

    receipt = agent.beat(status=Status.IDLE, **said)

    assert receipt.verdict == verdict
    assert receipt.status is (Status.WORKING if verdict == "ignored" else Status.IDLE)
    assert bool(agent.facts) == (verdict == "accepted")


def test_a_seq_without_a_boot_is_booked_on_none() -> None:
    agent = Pass()
    agent.beat(boot_id="b1", seq=10)
    agent.beat(seq=1000)

    assert agent.beat(boot_id="b1", seq=11).verdict == "accepted"
    assert agent.beat(boot_id="b1", seq=10).verdict == "ignored"


@pytest.mark.parametrize("said", [{"seq": 9}, {"seq": 11}, {}, {"leaving": True}])
def test_a_boot_that_was_followed_by_another_is_answered_and_ignored(
    said: dict[str, object],
) -> None:
    agent = Pass()
    agent.beat(boot_id="b1", seq=10)
    agent.beat(boot_id="b2", seq=1, current_task="new")

    receipt = agent.beat(boot_id="b1", status=Status.ERROR, current_task="old", **said)

    assert (receipt.verdict, agent.facts) == ("ignored", [])
    assert "b2" not in receipt.detail
    assert (agent.head.boot_id, agent.head.current_task) == ("b2", "new")
    assert agent.beat(boot_id="b2", seq=1).verdict == "ignored"
    assert agent.beat(boot_id="b2", seq=2).verdict == "accepted"


def test_it_is_so_within_one_pass_too() -> None:
    agent = Pass()
    admission = agent.next()

    receipts = [
        admission.heartbeat(agent.head, Heartbeat(boot_id=boot, seq=seq))
        for boot, seq in (("b1", 10), ("b2", 1), ("b1", 11))
    ]

    assert [receipt.verdict for receipt in receipts] == ["accepted", "accepted", "ignored"]


@pytest.mark.parametrize(
    ("said", "verdict"),
    [
        pytest.param({"seq": 10}, "ignored", id="said already"),
        pytest.param({"seq": 11}, "accepted", id="something new"),
        pytest.param({}, "accepted", id="nobody can tell"),
    ],
)
def test_a_former_boot_is_heard_when_the_present_one_is_silent(
    said: dict[str, object], verdict: str
) -> None:
    agent = Pass()
    agent.beat(boot_id="b1", seq=10, interval=60.0)
    agent.beat(boot_id="b2", seq=3)

    admission = agent.next()
    admission.now += 60_000
    receipt = admission.heartbeat(agent.head, Heartbeat(boot_id="b1", **said))  # type: ignore[arg-type]  # named by the test

    assert receipt.verdict == verdict
    if verdict == "accepted":  # and now it is the other's turn to be late
        assert agent.head.boot_id == "b1"
        late = admission.heartbeat(agent.head, Heartbeat(boot_id="b2", seq=4))
        assert late.verdict == "ignored"
        again = admission.heartbeat(agent.head, Heartbeat(boot_id="b1", seq=10))
        assert again.verdict == "ignored"


def test_the_end_of_a_former_boot_is_not_the_agents() -> None:
    agent = Pass()
    agent.beat(boot_id="b1")
    agent.beat(boot_id="b2")

    receipt = agent.finish(boot_id="b1")

    assert (receipt.verdict, agent.facts) == ("ignored", [])
    assert agent.finish(boot_id="b2").verdict == "accepted"
    assert agent.beat(boot_id="b1").verdict == "ignored"
    assert agent.beat(boot_id="b3").verdict == "accepted"


def test_no_boot_at_all_is_no_newer_one() -> None:
    agent = Pass()
    agent.beat(boot_id="b1", seq=3)
    agent.beat(boot_id=None)

    assert agent.beat(boot_id="b1", seq=3).verdict == "ignored"
    assert agent.beat(boot_id="b1", seq=4).verdict == "accepted"


def test_only_the_last_few_boots_are_remembered() -> None:
    agent = Pass()
    for number in range(8):
        agent.beat(boot_id=f"b{number}", seq=1)

    assert len(agent.head.former_boots) == 4
    assert agent.beat(boot_id="b3", seq=1).verdict == "ignored"
    assert agent.beat(boot_id="b2", seq=1).verdict == "accepted"


def test_what_a_boot_was_is_taken_back_with_its_pass() -> None:
    agent = Pass()
    agent.beat(boot_id="b1", seq=10)
    agent.beat(boot_id="b2", seq=1)
    ((_head, before),) = agent.admission.undo

    assert (before.boot_id, before.boot_seq, before.former_boots) == ("b1", 10, ())


def test_another_boot_without_seq_forgets_the_old_numbers() -> None:
    agent = Pass()
    agent.beat(boot_id="b1", seq=500)
    agent.beat(boot_id="b2")

    assert agent.beat(boot_id="b2", seq=1).verdict == "accepted"


@pytest.mark.parametrize("how", ["finish", "leaving"])
def test_an_ending_is_planned(how: str) -> None:
    agent = Pass(status=Status.WORKING, current_task="last one", boot_id="b1")

    receipt = (
        agent.finish(context="all done")
        if how == "finish"
        else agent.beat(leaving=True, boot_id="b1")
    )

    assert agent.changed == {"status": Status.IDLE, "current_task": None}
    assert agent.kinds[-1] == "Finished"
    assert (receipt.verdict, receipt.status) == ("accepted", Status.IDLE)
    assert agent.head.finished_at == agent.admission.now


def test_leaving_while_working_ends_idle() -> None:
    agent = Pass()

    agent.beat(status=Status.WORKING, current_task="x", leaving=True)

    assert agent.changed == {}
    assert agent.kinds == ["Beat", "Finished"]
    assert agent.head.status is Status.IDLE


def test_a_finished_boot_beating_later_changes_nothing() -> None:
    agent = Pass(boot_id="b1")
    agent.finish(boot_id="b1")

    receipt = agent.beat(boot_id="b1", status=Status.WORKING)

    assert (receipt.verdict, agent.facts) == ("ignored", [])
    assert agent.head.finished_at is not None


@pytest.mark.parametrize("said", [{"boot_id": "b2"}, {}, {"boot_id": None}])
def test_any_other_beat_revives(said: dict[str, object]) -> None:
    agent = Pass(boot_id="b1")
    agent.finish()

    receipt = agent.beat(status=Status.WORKING, **said)

    assert agent.kinds[0] == "Revived"
    assert (receipt.verdict, receipt.status) == ("accepted", Status.WORKING)
    assert agent.head.finished_at is None


def test_the_boot_that_finishes_is_the_one_that_is_over() -> None:
    agent = Pass(boot_id="b2")
    agent.finish(boot_id="b1")

    assert agent.beat(boot_id="b1").verdict == "ignored"
    assert agent.beat(boot_id="b2").verdict == "accepted"


def test_finishing_twice_is_finishing_once() -> None:
    agent = Pass()
    agent.finish(context="first")
    first = agent.head.finished_at

    receipt = agent.finish(context="second")

    assert (receipt.verdict, agent.facts, agent.head.finished_at) == ("ignored", [], first)


@pytest.mark.parametrize("said", [{}, {"boot_id": None}, {"boot_id": "b1"}])
def test_a_fired_agent_is_told_to_stop(said: dict[str, object]) -> None:
    agent = Pass(boot_id="b1", status=Status.WORKING)
    agent.fire()

    receipt = agent.beat(status=Status.IDLE, **said)

    assert (receipt.verdict, receipt.orders) == ("accepted", STOP)
    assert (receipt.status, receipt.standing) == (Status.TERMINATED, Standing.FIRED)
    assert agent.facts == []
    (heard,) = agent.admission.fired_reports
    assert (heard.fire_id, heard.last_word) == ("fire-1", False)


def test_a_new_boot_under_a_fired_id_is_refused_and_no_zombie() -> None:
    agent = Pass(boot_id="b1")
    agent.fire()

    receipt = agent.beat(boot_id="b2")

    assert (receipt.verdict, receipt.orders) == ("refused", STOP)
    assert "dumb" in receipt.detail
    assert (agent.facts, agent.admission.fired_reports) == ([], [])


@pytest.mark.parametrize("how", ["finish", "leaving"])
def test_a_goodbye_after_the_fire_is_the_last_word(how: str) -> None:
    agent = Pass(boot_id="b1")
    agent.fire()

    receipt = agent.finish(boot_id="b1") if how == "finish" else agent.beat(leaving=True)

    assert (receipt.verdict, receipt.status) == ("accepted", Status.TERMINATED)
    assert [heard.last_word for heard in agent.admission.fired_reports] == [True]
    assert agent.head.finished_at is None


def test_another_boots_goodbye_is_no_last_word() -> None:
    agent = Pass(boot_id="b1")
    agent.fire()

    assert agent.finish(boot_id="b2").verdict == "refused"
    assert agent.admission.fired_reports == []


def test_a_fired_agents_outcome_is_kept_and_counts_nowhere() -> None:
    agent = Pass(last_error="before")
    agent.fire()

    receipt = agent.outcome(Result.FAILURE, error="too late")

    (done,) = agent.facts
    assert isinstance(done, Done)
    assert (done.counted, receipt.orders, receipt.verdict) == (False, STOP, "accepted")
    assert agent.head.last_error == "before"


def test_what_others_say_of_a_fired_agent_does_not_show_that_it_lives() -> None:
    agent = Pass()
    agent.fire()

    event = Outcome(result=Result.FAILURE)
    agent.next().outcome(agent.head, event, b"k" * 16, "k", Source.JUDGE)

    assert agent.admission.fired_reports == []


def test_reinstated_agents_start_idle_and_may_say_what_they_do() -> None:
    agent = Pass(boot_id="b1", status=Status.WORKING, current_task="old")
    agent.fire()
    admission = agent.next()
    admission.emit(agent.head, Reinstated(7, admission.now, admission.allot(), 2))

    receipt = agent.beat(boot_id="b2", status=Status.WORKING, current_task="old")

    assert (receipt.verdict, receipt.orders, agent.head.incarnation) == ("accepted", (), 2)
    assert agent.changed["current_task"] == "old"


@pytest.mark.parametrize(
    ("result", "fault", "kept"),
    [
        (Result.SUCCESS, None, Fault.AGENT),
        (Result.FAILURE, None, Fault.AGENT),
        (Result.FAILURE, Fault.PROVIDER, Fault.PROVIDER),
        (Result.CANCELLED, None, Fault.USER),
        (Result.CANCELLED, Fault.AGENT, Fault.AGENT),
    ],
)
def test_who_is_to_blame_when_nobody_says(
    result: Result, fault: Fault | None, kept: Fault
) -> None:
    agent = Pass()

    agent.outcome(result, fault=fault)

    (done,) = agent.facts
    assert isinstance(done, Done)
    assert done.fault is kept


def test_money_and_scores_are_whole_numbers() -> None:
    agent = Pass()

    agent.outcome(cost_usd=0.1 + 0.2, score=1 / 3, started_at="2026-11-23T09:30:00.5+01:00")

    (done,) = agent.facts
    assert isinstance(done, Done)
    assert (done.cost_micros, done.score_e6) == (300_000, 333_333)
    assert done.started_at == 1_795_422_600_500


def test_an_outcome_with_an_error_is_the_newest_error() -> None:
    agent = Pass(last_error="old")
    agent.outcome(Result.FAILURE, error="new")

    agent.beat(last_error="new")

    assert agent.changed == {}


@pytest.mark.parametrize(
    ("event", "says"),
    [
        (Heartbeat(status=Status.TERMINATED), "TERMINATED is ours to give"),
        (Outcome(result=Result.SUCCESS, started_at="yesterday"), "startedAt: "),
        (Outcome(result=Result.SUCCESS, started_at="2026-11-23T09:30:00"), "has no offset"),
        (
            Outcome(result=Result.SUCCESS, started_at="1066-10-14T09:00:00Z"),
            "between 1970 and 9999",
        ),
    ],
)
def test_what_cannot_be_admitted_is_refused_before_anything_happens(
    event: Heartbeat | Outcome, says: str
) -> None:
    assert says in (refusal(event) or "")


def test_protection_is_on_the_head() -> None:
    agent = Pass()
    admission = agent.next()

    admission.emit(agent.head, Protected(7, admission.now, admission.allot(), NOW + 1))

    assert agent.head.protected_until == NOW + 1


def test_a_pass_can_be_taken_back() -> None:
    agent = Pass(status=Status.WORKING, boot_id="b1")
    agent.beat(boot_id="b1", seq=1, status=Status.ERROR, last_error="e")

    ((head, before),) = agent.admission.undo

    assert head is agent.head
    assert (before.status, before.boot_seq, before.last_error) == (Status.WORKING, None, None)


def test_a_revived_agent_says_so_before_anything_else() -> None:
    agent = Pass(boot_id="b1", finished_at=NOW)

    agent.beat(boot_id="b2")

    assert [type(fact) for fact in agent.facts] == [Revived, Beat, Changed]
    assert isinstance(agent.facts[0], Revived)
    assert not any(isinstance(fact, Finished) for fact in agent.facts)


def test_a_uuid_is_its_own_key_and_anything_else_is_digested() -> None:
    text = "0190163d-8694-739b-aea5-966c26f8ad91"

    assert event_key(text).hex() == text.replace("-", "")
    assert event_key(text.upper()) == event_key(text)
    assert len(event_key("run 5, step 7")) == 16
    assert event_key("0190163d-8694-739b-aea5-966c26f8ad9 ") != event_key(text)


@given(st.text(max_size=64))
def test_every_event_id_has_a_key_of_sixteen_bytes(event_id: str) -> None:
    assert len(event_key(event_id)) == 16


@given(st.integers(0, 2**48 - 1), st.binary(min_size=10, max_size=10))
def test_made_ids_are_uuids_in_order_of_time(now: int, randomness: bytes) -> None:
    made = uuid7(now, randomness)

    assert len(made) == 36
    assert made[14] == "7"
    assert made[19] in "89ab"
    assert int(made.replace("-", "")[:12], 16) == now
    assert event_key(made).hex() == made.replace("-", "")


def test_the_body_is_what_was_said_not_when_or_by_whom() -> None:
    one = Done(7, 1, 1, b"k", Result.SUCCESS, Fault.AGENT, Source.SELF, True, "kind", 5)
    later = Done(7, 9, 9, b"k", Result.SUCCESS, Fault.AGENT, Source.JUDGE, False, "kind", 5)
    other = Done(7, 1, 1, b"k", Result.SUCCESS, Fault.AGENT, Source.SELF, True, "kind", 6)

    assert is_same_body(one, later)
    assert not is_same_body(one, other)


# quarantine


def test_a_quarantined_agent_is_told_to_pause_and_goes_on_beating() -> None:
    agent = Pass()
    agent.stand(Standing.QUARANTINED, NOW + 1_000)
    pause = (Order("pause", "quarantined by policy p", NOW + 1_000),)

    receipt = agent.beat(status=Status.WORKING)

    assert (receipt.verdict, receipt.standing, receipt.orders) == (
        "accepted",
        Standing.QUARANTINED,
        pause,
    )
    assert agent.kinds == ["Beat", "Changed"]
    assert agent.outcome().orders == pause
    assert agent.finish().orders == pause


@pytest.mark.parametrize(
    ("until", "is_told"),
    [(NOW + 1, False), (NOW + 2, False), (NOW + 3, True), (None, True)],
    ids=["before", "at", "after", "without end"],
)
def test_a_pause_ends_with_its_time(until: int | None, is_told: bool) -> None:
    agent = Pass()
    agent.stand(Standing.QUARANTINED, until)
    agent.passes = 1

    assert bool(agent.beat().orders) is is_told


def test_who_paused_it_is_named() -> None:
    agent = Pass()
    agent.stand(Standing.QUARANTINED, NOW + 1_000, policy=None)

    assert [order.reason for order in agent.beat().orders] == ["quarantined by a person"]


@pytest.mark.parametrize("standing", [Standing.ACTIVE, Standing.PROBATION, Standing.NOTICE])
def test_no_other_standing_orders_anything(standing: Standing) -> None:
    agent = Pass()
    agent.stand(standing, NOW + 1_000)

    assert agent.beat().orders == agent.outcome().orders == ()


@pytest.mark.parametrize("stopped", [frozenset({1}), frozenset({0})], ids=["here", "all"])
def test_nobody_is_paused_while_enforcement_is_stopped(stopped: frozenset[int]) -> None:
    agent = Pass()
    agent.stopped = stopped
    agent.stand(Standing.QUARANTINED, None)

    assert agent.beat().orders == agent.outcome().orders == ()


def test_a_release_is_heard_at_once() -> None:
    agent = Pass()
    agent.stand(Standing.QUARANTINED, None)
    admission = agent.next()

    admission.emit(agent.head, Released(7, admission.now, admission.allot()))

    assert (agent.head.standing, agent.head.stood_at) == (Standing.ACTIVE, admission.now)
    assert agent.beat().orders == ()


def test_a_fire_takes_the_place_of_a_quarantine() -> None:
    agent = Pass()
    agent.stand(Standing.QUARANTINED, None)
    agent.fire()

    assert agent.beat().orders == STOP
    assert (agent.head.standing_until, agent.head.stood_by) == (None, None)


def test_a_standing_can_be_taken_back_with_its_pass() -> None:
    agent = Pass()
    agent.stand(Standing.QUARANTINED, NOW + 9)

    ((head, before),) = agent.admission.undo

    assert head is agent.head
    assert (before.standing, before.standing_until, before.stood_at) == (
        Standing.ACTIVE,
        None,
        0,
    )


# condemned lineages


@pytest.mark.parametrize(
    ("event", "is_refused"),
    [
        (Heartbeat(lineage="l"), True),
        (Heartbeat(lineage="m"), False),
        (Heartbeat(lineage=None), False),
        (Heartbeat(), False),
    ],
    ids=["condemned", "another", "none", "not said"],
)
def test_strangers_of_a_condemned_lineage_are_turned_away(
    event: Heartbeat, is_refused: bool
) -> None:
    agent = Pass()
    agent.condemned = {1: {"l": "dumb"}}

    receipt = agent.next().stranger(1, "new", event)

    assert (receipt is not None) is is_refused
    if receipt is not None:
        assert (receipt.verdict, receipt.orders) == ("refused", STOP)
        (refusal_,) = agent.admission.refusals
        assert (refusal_.lineage, refusal_.agent_id) == ("l", "new")
    assert agent.facts == []


@pytest.mark.parametrize(
    ("before", "said", "verdict"),
    [
        ({}, {"lineage": "l"}, "refused"),
        ({"lineage": "m"}, {"lineage": "l"}, "refused"),
        ({"lineage": "l"}, {"lineage": "l"}, "accepted"),
        ({"lineage": "l"}, {}, "accepted"),
        ({"lineage": "l"}, {"lineage": None}, "accepted"),
        ({"lineage": "l", "finished_at": 5}, {"boot_id": "new"}, "refused"),
        ({"lineage": "l", "finished_at": 5}, {"lineage": "m"}, "accepted"),
        ({"finished_at": 5}, {"lineage": "l"}, "refused"),
    ],
    ids=[
        "takes it on",
        "changes to it",
        "has it",
        "does not say",
        "gives it up",
        "begins again",
        "begins again as another",
        "begins again as it",
    ],
)
def test_a_known_agent_and_a_condemned_lineage(
    before: dict[str, object], said: dict[str, object], verdict: str
) -> None:
    agent = Pass(**before)
    agent.condemned = {1: {"l": "dumb"}}

    assert agent.beat(**said).verdict == verdict

    assert bool(agent.facts) is (verdict == "accepted")
    assert len(agent.admission.refusals) == (verdict == "refused")


@pytest.mark.parametrize(
    ("before", "standing", "after"),
    [
        ("l", Standing.ACTIVE, "m"),
        ("l", Standing.PROBATION, "l"),
        ("l", Standing.NOTICE, "l"),
        ("l", Standing.QUARANTINED, "l"),
        (None, Standing.QUARANTINED, "m"),
        (UNSET, Standing.QUARANTINED, "m"),
    ],
)
def test_nobody_leaves_a_standing_by_saying_another_lineage(
    before: str | None, standing: Standing, after: str
) -> None:
    agent = Pass(lineage=before, standing=standing)

    assert agent.beat(lineage="m", host="h").verdict == "accepted"

    assert (agent.head.lineage, agent.head.host) == (after, "h")


def test_a_lineage_cannot_be_taken_off_on_probation() -> None:
    agent = Pass(lineage="l", standing=Standing.PROBATION)

    agent.beat(lineage=None)

    assert agent.head.lineage == "l"


def test_a_fired_agent_hears_of_its_own_fire_first() -> None:
    agent = Pass(lineage="l")
    agent.fire()
    agent.condemned = {1: {"l": "dumb"}}

    assert agent.beat(lineage="l").detail == "fired: dumb"
    assert agent.admission.refusals == []


def test_a_review_is_for_the_fleet_alone() -> None:
    agent = Pass()
    admission = agent.next()
    fact = Reviewed(7, admission.now, admission.allot(), b"k" * 16, 1, 2, 3, 500_000, None)

    admission.reviewed(agent.head, fact)

    assert (agent.facts, admission.changes, admission.absent) == ([fact], [], {})
    agent.fire()
    agent.next().reviewed(agent.head, fact)
    assert agent.admission.absent == {1: {7}}
