"""A seat's ticks: only what became durable happened, a stall is blind time, and questions keep their order."""

import threading
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field

from pinkslip.deciding.fleet_thread import FleetThread
from pinkslip.deciding.seat import Seat, TickReport
from pinkslip.fleet.fleet import Fleet, FleetSettings
from pinkslip.fleet.needs import Horizon
from pinkslip.fleet.outcomes import Arrivals
from pinkslip.fleet.presence import Moves
from pinkslip.judge.state import JudgeState
from pinkslip.model.decisions import TickRecord, TickWritten
from pinkslip.model.errors import Unavailable
from pinkslip.model.facts import (
    Batch,
    Beat,
    Changed,
    Done,
    Fact,
    Finished,
    Mark,
    Registered,
    Revived,
)
from pinkslip.model.policy import PolicySet
from pinkslip.model.words import EpisodeState, Fault, Result, Status, Verdict
from pinkslip.model.words import Source as Via
from pinkslip.policies.load import Source, load, needs

START = 1_000_000
SECOND = 1_000
POLICIES = """\
version: 1
guards: {min_active: 0, newborn: {age: 0s, tasks: 0}, max_fired: {share: 100%}, max_fires: {count: 9},
         panic: {share: 100%, at_least: 9}}
policies:
  - {name: silent, reason: unresponsive, when: heartbeat_age > 10s, mode: enforce, action: fire}
"""


WORN = """\
version: 1
guards: {min_active: 0, newborn: {age: 0s, tasks: 0}, max_fired: {share: 100%}, max_fires: {count: 9},
         panic: {share: 100%, at_least: 9}}
policies:
  - {name: worn, reason: dumb, when: 'failures[3 tasks] >= 3', mode: enforce, action: fire}
"""


@dataclass
class Store:
    """Where ticks go in these tests: kept, and settled by hand."""

    records: list[TickRecord] = field(default_factory=list)
    futures: list["Future[TickWritten]"] = field(default_factory=list)
    stalls: list[tuple[int, int]] = field(default_factory=list)
    is_away: bool = False
    past: list[Done] = field(default_factory=list)
    asked: list[tuple[int, ...]] = field(default_factory=list)
    """Whose past was read."""

    def read_past(
        self, workspace_id: int, horizon: Horizon, *, now: int
    ) -> tuple[Moves | None, Sequence[Arrivals]]:
        if self.is_away:
            raise Unavailable("away")
        self.asked.append(horizon.lacking)
        return None, [Arrivals.of(self.past)]

    def record_tick(self, record: TickRecord, policy_set: PolicySet) -> "Future[TickWritten]":
        if self.is_away:
            raise Unavailable("away")
        self.records.append(record)
        self.futures.append(Future())
        return self.futures[-1]

    def record_stall(
        self, workspace_id: int, *, start: int, end: int, wall_offset_ms: int, detail: str
    ) -> "Future[None]":
        self.stalls.append((start, end))
        done: Future[None] = Future()
        done.set_result(None)
        return done


def make_seat(
    store: Store, *, facts: tuple[Fact, ...] = (), policies: str = POLICIES
) -> tuple[Seat, list[TickReport]]:
    policy_set = load([Source("p.yaml", policies)]).policy_set
    assert policy_set is not None
    fleet = Fleet(1, FleetSettings())
    fleet.declare(needs(policy_set))
    reports: list[TickReport] = []
    seat = Seat(
        workspace_id=1,
        fleet=fleet,
        policy_set=policy_set,
        state=JudgeState(),
        store=store,
        stall_ms=15 * SECOND,
        writer=1,
    )
    seat.on_tick = reports.append
    seat.fold(facts, seq=max((fact.seq for fact in facts), default=0), at=START)
    return seat, reports


def an_agent(number: int = 1, *, at: int = START) -> tuple[Fact, ...]:
    seq = number * 10
    return (
        Registered(number, at, seq, f"a{number}", f"uuid-{number}"),
        Changed(number, at, seq + 1, status=Status.WORKING, interval_ms=SECOND),
        Beat(number, at, seq + 2),
    )


def failed(seq: int) -> Done:
    return Done(
        1, START, seq, seq.to_bytes(16, "little"), Result.FAILURE, Fault.AGENT, Via.SELF, True
    )


def mark(now: int, *, seq: int = 99) -> Mark:
    return Mark(workspace_id=1, now=now, writer=1, seq=seq, epoch=3, wall_offset_ms=0)


def fired(store: Store) -> list[str]:
    return [
        decision.agent_id
        for record in store.records
        for decision in record.decisions
        if decision.verdict is Verdict.FIRED
    ]


def test_what_a_tick_concludes_counts_once_it_is_durable() -> None:
    store = Store()
    seat, reports = make_seat(store, facts=an_agent())

    seat.judge_at(mark(START + 11 * SECOND))
    assert fired(store) == ["a1"]
    assert seat.state.episodes() == []

    store.futures[0].set_result(TickWritten(fired=("x",), superseded=()))

    (episode,) = seat.state.episodes()
    assert episode.state is EpisodeState.ACTED
    assert reports[-1].written is not None


def test_a_tick_that_cannot_be_written_never_happened_and_its_facts_are_in_the_next() -> None:
    store = Store()
    seat, reports = make_seat(store, facts=an_agent())
    seat.judge_at(mark(START + 11 * SECOND))
    store.futures[0].set_exception(Unavailable("fenced"))
    assert reports[-1].refused == "fenced"
    assert seat.state.episodes() == []

    seat.judge_at(mark(START + 12 * SECOND))

    assert fired(store) == ["a1", "a1"]
    assert store.records[1].folded == store.records[0].folded == 3


def test_a_store_that_is_away_at_once_costs_only_that_tick() -> None:
    store = Store(is_away=True)
    seat, reports = make_seat(store, facts=an_agent())
    seat.judge_at(mark(START + 5 * SECOND))
    assert reports[-1].refused == "away"
    store.is_away = False

    seat.judge_at(mark(START + 6 * SECOND))

    assert len(store.records) == 1


def test_a_tick_reads_what_is_missing_of_those_who_came_back() -> None:
    store = Store(past=[failed(seq) for seq in range(20, 23)])
    seat, reports = make_seat(store, policies=WORN, facts=(*an_agent(), *store.past))
    fleet = seat.fleet
    fleet.fold([Finished(1, START, 30)])
    (row,) = fleet.checkpoint([1])
    assert fleet.forget(left_before=START + 1) == [1]
    seat.fold([row, Revived(1, START + SECOND, 40)], seq=40, at=START + SECOND)

    store.is_away = True
    seat.judge_at(mark(START + SECOND))
    assert (reports[-1].judgement, reports[-1].refused) == (None, "away")

    store.is_away = False
    seat.judge_at(mark(START + 2 * SECOND))
    assert fired(store) == ["a1"]
    store.futures[0].set_result(TickWritten(fired=("x",), superseded=()))
    seat.judge_at(mark(START + 3 * SECOND))
    assert store.asked[0] == (1,)
    assert store.asked[1:] in ([], [()]), "nothing is missing any more: nothing is read"


def test_no_tick_is_judged_while_the_one_before_is_being_written() -> None:
    store = Store()
    seat, reports = make_seat(store, facts=an_agent())
    seat.judge_at(mark(START + 11 * SECOND))

    seat.judge_at(mark(START + 12 * SECOND))

    assert len(store.records) == 1
    assert "still being written" in reports[-1].refused


def test_marks_far_apart_are_a_stall_and_judge_nothing() -> None:
    store = Store()
    seat, reports = make_seat(store, facts=an_agent())
    seat.judge_at(mark(START + SECOND))
    store.futures[0].set_result(TickWritten(fired=(), superseded=()))

    seat.judge_at(mark(START + 17 * SECOND))

    assert store.stalls == [(START + SECOND, START + 17 * SECOND)]
    assert len(store.records) == 1
    assert "stalled" in reports[-1].refused


def test_at_the_stall_limit_it_is_still_a_tick() -> None:
    store = Store()
    seat, _reports = make_seat(store, facts=an_agent())
    seat.judge_at(mark(START + SECOND))
    store.futures[0].set_result(TickWritten(fired=(), superseded=()))

    seat.judge_at(mark(START + 16 * SECOND))

    assert store.stalls == []
    assert len(store.records) == 2


def test_what_a_rebuild_has_read_is_not_folded_again() -> None:
    seat, _reports = make_seat(Store(), facts=an_agent())

    seat.fold(an_agent(), seq=12, at=START)

    assert seat.fleet.take_digest()[0] == 3


def test_a_superseded_fire_leaves_the_episode_to_be_tried_again() -> None:
    store = Store()
    seat, _reports = make_seat(store, facts=an_agent())
    seat.judge_at(mark(START + 11 * SECOND))
    (decision,) = store.records[0].decisions

    store.futures[0].set_result(TickWritten(fired=(), superseded=(decision.id,)))

    assert [episode.state for episode in seat.state.episodes()] != [EpisodeState.ACTED]


def test_evidence_grows_while_for_runs_and_is_whole_when_it_acts() -> None:
    store = Store()
    seat, _reports = make_seat(store, facts=an_agent())
    assert seat.evidence() == {}
    seat.judge_at(mark(START + 11 * SECOND))
    store.futures[0].set_result(TickWritten(fired=("x",), superseded=()))

    assert seat.evidence() == {1: 1.0}


def test_a_question_after_a_commit_is_answered_with_it() -> None:
    seat, _reports = make_seat(Store())
    thread = FleetThread({1: seat})
    thread.start()
    try:
        for number in range(1, 51):
            facts = an_agent(number, at=START + number)
            thread.follow(Batch(tuple((1, fact) for fact in facts), facts[-1].seq, START))
            answered = thread.ask(1, lambda seat: len(seat.snapshot(now=START))).result(10)
            assert answered == number
    finally:
        thread.stop()


def test_a_question_that_breaks_breaks_only_itself() -> None:
    seat, _reports = make_seat(Store())
    thread = FleetThread({1: seat})
    thread.start()
    try:
        broken = thread.ask(1, lambda _seat: 1 / 0)
        assert isinstance(broken.exception(10), ZeroDivisionError)
        on_thread = thread.ask(1, lambda _seat: threading.current_thread().name).result(10)
        assert on_thread == "fleet"
    finally:
        thread.stop()
    assert isinstance(thread.ask(1, lambda _seat: 1).exception(1), Unavailable)


LADDER = """\
version: 1
guards: {min_active: 0, newborn: {age: 0s, tasks: 0}, max_quarantined: {share: 100%}, panic: off}
policies:
  - {name: silent, reason: unresponsive, when: heartbeat_age > 10s, mode: enforce,
     ladder: [quarantine 10m, fire]}
"""


def on_a_ladder() -> tuple[Store, Seat]:
    store = Store()
    seat, _reports = make_seat(store, facts=an_agent())
    policy_set = load([Source("p.yaml", LADDER)]).policy_set
    assert policy_set is not None
    seat.adopt(policy_set, now=START)
    seat.judge_at(mark(START + 11 * SECOND))
    return store, seat


def test_places_and_standings_are_written_with_their_tick() -> None:
    store, seat = on_a_ladder()

    (record,) = store.records

    assert [(each.policy, each.subject, each.rung) for each in record.places] == [
        ("silent", "agent:1", 0)
    ]
    assert [(each.agent_id, each.standing) for each in record.standings] == [
        ("a1", "quarantined")
    ]
    assert seat.state.places() == []
    store.futures[0].set_result(TickWritten(fired=(), superseded=()))
    assert list(record.places) == seat.state.places()


def test_a_place_of_a_tick_that_was_not_written_never_was() -> None:
    store, seat = on_a_ladder()
    store.futures[0].set_exception(Unavailable("fenced"))

    seat.judge_at(mark(START + 12 * SECOND))

    first, second = store.records
    assert [each.rung for each in second.places] == [each.rung for each in first.places] == [0]
    assert seat.state.places() == []
