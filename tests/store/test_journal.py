"""The journal's contract, the same on SQLite and PostgreSQL: once answered it is durable, and counts once."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import insert, select, update
from tests.clocks import ManualClock
from tests.store.journals import (
    WORKSPACE,
    Kept,
    beat,
    finish,
    held_up,
    keeping,
    outcome,
    session,
    verdicts,
)

from pinkslip.model.errors import Conflict, Unavailable
from pinkslip.model.events import Heartbeat, Outcome, Report
from pinkslip.model.facts import (
    Batch,
    Beat,
    Blinded,
    Changed,
    Done,
    Finished,
    Fired,
    Mark,
    Registered,
    Restored,
)
from pinkslip.model.words import (
    ActorKind,
    BlindCause,
    DeliveryState,
    Fault,
    Result,
    Source,
    Standing,
    Status,
)
from pinkslip.store import tables
from pinkslip.store.acts import fire
from pinkslip.store.beats import decode_gaps
from pinkslip.store.engine import Database
from pinkslip.store.facts import DONE_COLUMNS, done_of
from pinkslip.store.transaction import Transaction

LONE_SURROGATE = "\ud800"
"""Text that neither database has an encoding for."""


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def kept(database: Database, clock: ManualClock) -> Iterator[Kept]:
    with keeping(database, clock) as kept:
        yield kept


# what is answered is there


def test_what_is_answered_can_be_read_by_another_connection(kept: Kept) -> None:
    kept.report(
        outcome(
            "first",
            result=Result.FAILURE,
            fault=Fault.TOOL,
            source=Source.ORCHESTRATOR,
            kind="review",
            duration_ms=1234,
            started_at="2026-11-23T09:30:00Z",
            tokens_in=10,
            tokens_out=20,
            cost_usd=0.25,
            score=0.5,
            error="no such file",
            session_key="s",
            task_id="t",
        )
    )

    with kept.database.reader_engine.connect() as connection:
        (row,) = connection.execute(select(*DONE_COLUMNS)).all()
    (told,) = [fact for fact in kept.facts if isinstance(fact, Done)]
    assert done_of(row) == told
    assert (told.cost_micros, told.score_e6, told.fault) == (250_000, 500_000, Fault.TOOL)


def test_followers_hear_before_callers(kept: Kept) -> None:
    heard: list[int] = []

    def resolve(pairs: list[tuple[Any, Any]]) -> None:
        heard.append(len([batch for batch in kept.told if isinstance(batch, Batch)]))
        pairs[0][0].set()

    for _ in range(2):
        done = threading.Event()
        kept.journal.submit([beat()], token=done, resolve=resolve)
        assert done.wait(20)

    assert heard == [1, 2]


def test_one_commit_answers_all_its_callers_with_one_call(kept: Kept) -> None:
    calls: list[int] = []
    all_answered = threading.Event()

    def resolve(pairs: list[tuple[Any, Any]]) -> None:
        calls.append(len(pairs))
        if sum(calls) == 10:
            all_answered.set()

    with held_up(kept):
        for number in range(10):
            kept.journal.submit([outcome(f"e{number}")], token=number, resolve=resolve)
    assert all_answered.wait(20)

    assert calls == [10]
    assert len({fact.at for fact in kept.facts if isinstance(fact, Done)}) == 1


def test_a_receipt_covers_what_it_answers(kept: Kept) -> None:
    (receipt,) = kept.report(beat(status=Status.WORKING))

    assert max(fact.seq for fact in kept.facts) <= receipt.seq <= kept.journal.answered
    (batch,) = [item for item in kept.told if isinstance(item, Batch)]
    assert receipt.seq <= batch.seq


def test_first_contact_registers_once(kept: Kept) -> None:
    kept.report(beat("a"), outcome("e", "b"), finish("c"), beat("a"), outcome("f", "a"))

    registered = [fact for fact in kept.facts if isinstance(fact, Registered)]
    assert [(fact.agent_no, fact.agent_id) for fact in registered] == [
        (1, "a"),
        (2, "b"),
        (3, "c"),
    ]
    assert [
        (row.agent_no, row.agent_id, row.id) for row in kept.rows("agents", "agent_no")
    ] == [(fact.agent_no, fact.agent_id, fact.uuid) for fact in registered]


def test_every_change_of_status_is_a_row_with_who_and_why(kept: Kept) -> None:
    kept.report(beat(status=Status.WORKING), beat(status=Status.ERROR, last_error="stuck"))
    kept.report(finish(context="over"))

    rows = [
        (row.old, row.new, row.actor_kind, row.actor, row.why)
        for row in kept.rows("transitions")
    ]
    assert rows == [
        (None, "WORKING", "agent", "a", "first contact"),
        ("WORKING", "ERROR", "agent", "a", "heartbeat: stuck"),
        ("ERROR", "IDLE", "agent", "a", "finished: over"),
    ]


def test_an_agent_that_may_not_say_so_is_refused_and_not_registered(kept: Kept) -> None:
    (receipt,) = kept.report(beat(status=Status.TERMINATED))

    assert receipt.verdict == "invalid"
    assert "TERMINATED is ours to give" in receipt.detail
    assert (kept.facts, kept.rows("agents", "agent_no")) == ([], [])


def test_an_unknown_workspace_is_refused_by_itself(kept: Kept) -> None:
    stray = Report(77, "a", Heartbeat())

    receipts = kept.report(
        beat(), stray, Report(77, "a", Outcome(result=Result.SUCCESS)), beat("b")
    )

    assert verdicts(receipts) == ["accepted", "invalid", "invalid", "accepted"]
    assert "no workspace 77" in receipts[1].detail


def test_a_uuid_works_where_no_agent_id_matches(kept: Kept) -> None:
    kept.report(beat("a", name="Ann"))
    (row,) = kept.rows("agents", "agent_no")

    receipts = kept.report(beat(row.id, name="Bea"), outcome("e", row.id))

    assert verdicts(receipts) == ["accepted", "accepted"]
    assert len(kept.rows("agents", "agent_no")) == 1
    assert [fact.name for fact in kept.facts if isinstance(fact, Changed)] == ["Ann", "Bea"]


def test_sessions_are_reports_too(kept: Kept) -> None:
    receipts = kept.report(
        session("web-1", agent_id="a", label="Support", message_count=3),
        session("web-1", ended_at="2026-11-23T10:00:00Z"),
        session("web-2", started_at="at noon"),
    )

    assert verdicts(receipts) == ["accepted", "accepted", "invalid"]
    (row,) = kept.rows("agent_sessions", "session_key")
    assert (row.label, row.message_count, bool(row.is_active), row.agent_no) == (
        "Support",
        3,
        False,
        1,
    )


def test_nothing_to_report_is_answered(kept: Kept) -> None:
    assert kept.report() == []


# once, however often it is sent


def test_a_repeated_outcome_is_a_duplicate_once_the_first_is_durable(kept: Kept) -> None:
    first = kept.report(outcome("e", kind="k"))
    again = kept.report(outcome("e", kind="k"), outcome("new"))

    assert verdicts(first + again) == ["accepted", "duplicate", "accepted"]
    assert again[0].event_id == "e"
    assert len(kept.rows("outcomes")) == 2


def test_a_repetition_inside_one_batch_is_a_duplicate(kept: Kept) -> None:
    receipts = kept.report(outcome("e"), outcome("f"), outcome("e"), outcome("e", kind="other"))

    assert verdicts(receipts) == ["accepted", "accepted", "duplicate", "conflict"]
    assert len(kept.rows("outcomes")) == 2


@pytest.mark.parametrize(
    "other",
    [
        {"result": Result.FAILURE},
        {"kind": "other"},
        {"duration_ms": 1},
        {"cost_usd": 0.01},
        {"score": 0.1},
        {"error": "x"},
        {"task_id": "t"},
        {"agent": "b"},
        {"agent": "nobody yet"},
    ],
    ids=lambda fields: str(next(iter(fields.items()))),
)
def test_another_body_under_the_same_id_is_a_conflict(
    kept: Kept, other: dict[str, Any]
) -> None:
    kept.report(outcome("e"), beat("b"))

    (receipt,) = kept.report(outcome("e", **other))

    assert receipt.verdict == "conflict"
    assert "eventId e stands for another outcome" in receipt.detail
    assert len(kept.rows("outcomes")) == 1
    assert "nobody yet" not in [row.agent_id for row in kept.rows("agents", "agent_no")]


def test_who_told_it_is_not_the_body(kept: Kept) -> None:
    kept.report(outcome("e", source=Source.SELF))

    assert verdicts(kept.report(outcome("e", source=Source.GATEWAY))) == ["duplicate"]


def test_an_id_is_made_and_returned_where_none_is_given(kept: Kept) -> None:
    (receipt,) = kept.report(outcome())
    assert receipt.event_id is not None

    (again,) = kept.report(outcome(receipt.event_id))

    assert again.verdict == "duplicate"


def test_duplicates_are_known_after_a_restart(database: Database, clock: ManualClock) -> None:
    with keeping(database, clock) as kept:
        kept.report(outcome("e"))
    with keeping(database, clock) as kept:
        assert verdicts(kept.report(outcome("e"), outcome("f"))) == ["duplicate", "accepted"]


def test_the_same_id_in_another_workspace_is_another_event(kept: Kept) -> None:
    add_workspace(kept, 2)

    receipts = kept.report(
        outcome("e"), Report(2, "a", Outcome(result=Result.SUCCESS, event_id="e"))
    )

    assert verdicts(receipts) == ["accepted", "accepted"]


def test_numbers_are_gapless_over_duplicates_conflicts_and_bad_rows(kept: Kept) -> None:
    kept.report(outcome("e1"), outcome("e2"))
    kept.report(
        outcome("e3"), outcome("e1"), outcome("e2", kind="x"), outcome("e4"), outcome("e4")
    )
    kept.report(outcome("e5"), outcome("e6", kind=LONE_SURROGATE), outcome("e7"))
    kept.report(outcome("e8", "b"), finish("b"))

    numbers = kept.numbers()
    assert numbers == list(range(1, len(numbers) + 1))
    assert [fact.seq for fact in kept.facts] == sorted({fact.seq for fact in kept.facts})


# one bad row never costs the good ones


def test_a_row_the_database_refuses_costs_only_itself(kept: Kept) -> None:
    reports = [outcome(f"e{number}") for number in range(21)]
    reports[13] = outcome("bad", kind=LONE_SURROGATE)

    receipts = kept.report(*reports)

    assert [
        place for place, receipt in enumerate(receipts) if receipt.verdict != "accepted"
    ] == [13]
    assert (receipts[13].verdict, receipts[13].event_id) == ("invalid", "bad")
    assert "cannot be stored" in receipts[13].detail
    assert len(kept.rows("outcomes")) == 20


def test_callers_who_share_a_commit_with_a_bad_row_get_their_own_answers(kept: Kept) -> None:
    batches = [[outcome(f"{caller}-{number}") for number in range(5)] for caller in range(4)]
    batches[2][3] = outcome("bad", kind=LONE_SURROGATE)

    with held_up(kept):
        futures = [kept.journal.report(batch) for batch in batches]
    answers = [verdicts(future.result(20)) for future in futures]

    assert [answer.count("accepted") for answer in answers] == [5, 5, 4, 5]
    assert answers[2][3] == "invalid"


def test_a_bad_heartbeat_leaves_its_agent_as_it_was(kept: Kept) -> None:
    kept.report(beat("a", name="Ann"))

    receipts = kept.report(beat("a", name=LONE_SURROGATE), beat("new", name=LONE_SURROGATE))

    assert verdicts(receipts) == ["invalid", "invalid"]
    assert [row.agent_id for row in kept.rows("agents", "agent_no")] == ["a"]
    assert verdicts(kept.report(beat("a", name="Ann"))) == ["accepted"]
    assert [fact.name for fact in kept.facts if isinstance(fact, Changed)] == ["Ann"]


def test_postgresql_has_no_nul_and_says_so(postgres_url: str) -> None:
    from pinkslip.store.engine import open_database  # noqa: PLC0415 - this test alone picks its database

    database = open_database(postgres_url)
    with keeping(database) as kept:
        receipts = kept.report(outcome("e"), outcome("f", error="a\0b"))
    database.close()

    assert verdicts(receipts) == ["accepted", "invalid"]


# acts and marks


def test_an_act_is_one_transaction_in_its_turn(kept: Kept) -> None:
    def work(tx: Transaction) -> tuple[int, int]:
        tx.connection.execute(update(tables.workspaces).values(name="renamed"))
        return tx.writer, tx.epoch

    assert kept.act(work) == (kept.journal.writer, kept.journal.epoch)
    assert kept.rows("workspaces", "id")[0].name == "renamed"


def test_an_act_that_raises_leaves_nothing(kept: Kept) -> None:
    kept.report(beat("a", status=Status.WORKING))
    told = len(kept.told)

    def work(tx: Transaction) -> None:
        head = tx.head(WORKSPACE, "a")
        assert head is not None
        tx.register(WORKSPACE, "b")
        tx.emit(WORKSPACE, Fired(head.agent_no, tx.now, tx.allot(), "f", "dumb", None))
        raise Conflict("thought better of it")

    with pytest.raises(Conflict, match="thought better of it"):
        kept.act(work)

    assert len(kept.told) == told
    assert [row.agent_id for row in kept.rows("agents", "agent_no")] == ["a"]
    (receipt,) = kept.report(beat("a"))
    assert (receipt.standing, receipt.orders) == (Standing.ACTIVE, ())
    kept.report(beat("b"))
    numbers = kept.numbers()
    assert numbers[-1] == kept.journal.answered


def test_a_fact_an_act_emits_is_a_row_and_is_told(kept: Kept) -> None:
    kept.report(beat("a"))

    def work(tx: Transaction) -> None:
        head = tx.head(WORKSPACE, "a")
        assert head is not None
        fact = Fired(head.agent_no, tx.now, tx.allot(), "f", "dumb", "policy")
        tx.emit(WORKSPACE, fact)
        tx.transition(
            head,
            subject="standing",
            old="active",
            new="fired",
            actor_kind=ActorKind.POLICY,
            actor="policy",
            why="proven",
        )

    kept.act(work)

    assert isinstance(kept.facts[-1], Fired)
    assert kept.rows("agent_changes")[-1].kind == "Fired"
    assert kept.rows("transitions")[-1].new == "fired"


def test_rows_after_a_mark_are_later_and_rows_before_it_are_not(kept: Kept) -> None:
    kept.report(outcome("e"))
    mark = kept.mark()
    kept.report(outcome("f"))
    other = kept.mark()

    before, after = (fact for fact in kept.facts if isinstance(fact, Done))
    assert before.at <= mark.now < after.at <= other.now
    assert before.seq <= mark.seq < after.seq <= other.seq
    assert [type(item) for item in kept.told] == [Batch, Mark, Batch, Mark]
    assert (mark.writer, mark.epoch) == (kept.journal.writer, kept.journal.epoch)


# time


def test_a_wall_clock_that_steps_is_on_record_and_moves_no_time(
    kept: Kept, clock: ManualClock
) -> None:
    before = kept.mark()
    clock.advance(1_000)
    clock.jump_wall(-3_600_000)

    after = kept.mark()

    (blinded,) = [fact for fact in kept.facts if isinstance(fact, Blinded)]
    (row,) = kept.rows("blind")
    assert (blinded.cause, row.cause) == (BlindCause.CLOCK, "clock")
    assert before.now <= blinded.start <= blinded.end <= after.now
    assert 1_000 <= after.now - before.now < 1_010
    assert after.wall_offset_ms - before.wall_offset_ms == pytest.approx(-3_600_000, abs=10)


@pytest.mark.parametrize(("step", "rows"), [(2_000, 0), (-2_000, 0), (2_001, 1), (-2_001, 1)])
def test_two_seconds_apart_is_not_a_step(
    kept: Kept, clock: ManualClock, step: int, rows: int
) -> None:
    clock.jump_wall(step)
    kept.mark()
    kept.mark()

    assert len(kept.rows("blind")) == rows


def test_time_goes_on_after_a_restart_whatever_the_wall_says(
    database: Database, clock: ManualClock
) -> None:
    with keeping(database, clock) as kept:
        clock.advance(60_000)
        kept.report(outcome("e"))
        writer, (done,) = kept.journal.writer, [f for f in kept.facts if isinstance(f, Done)]
    behind = ManualClock(clock.wall_ms() - 30_000, 77)

    with keeping(database, behind) as kept:
        kept.report(outcome("f"))
        later = [fact for fact in kept.facts if isinstance(fact, Done)][-1]

        assert kept.journal.writer == writer + 1
        assert later.at > done.at
        assert [fact.seq for fact in kept.facts] == [1, 2]


def test_the_offset_told_is_the_same_after_a_restart(
    database: Database, clock: ManualClock
) -> None:
    with keeping(database, clock) as kept:
        for _ in range(5):  # marks push journal time ahead of a clock that stands
            kept.report(beat("a"))
            kept.mark()
        before = kept.journal.wall_offset_ms
    with keeping(database, clock) as kept:
        assert kept.mark().wall_offset_ms == before == kept.journal.wall_offset_ms == 0


def test_what_a_restart_missed_is_blind(database: Database, clock: ManualClock) -> None:
    with keeping(database, clock) as kept:
        kept.report(outcome("e"))
        (done,) = [fact for fact in kept.facts if isinstance(fact, Done)]
    clock.advance(600_000)

    with keeping(database, clock) as kept:
        (blinded,) = kept.facts

    assert isinstance(blinded, Blinded)
    assert (blinded.start, blinded.cause) == (done.at, BlindCause.RESTART)
    assert blinded.end == done.at + 600_000


def test_the_first_start_of_all_missed_nothing(kept: Kept) -> None:
    assert kept.rows("blind") == []
    assert [(row.id, row.holder) for row in kept.rows("writers", "id")] == [(1, "this test")]


# what the writer forgot, it finds


def test_after_a_restart_only_real_changes_are_changes(
    database: Database, clock: ManualClock
) -> None:
    said: dict[str, Any] = {
        "status": Status.WORKING,
        "current_task": "t",
        "interval": 20.0,
        "name": "Ann",
        "model": "m",
        "role": "r",
        "host": "h",
        "lineage": "l",
        "labels": {"team": "x"},
        "boot_id": "b1",
        "session_key": "s",
        "progress": 3.0,
        "context_used": 0.5,
    }
    with keeping(database, clock) as kept:
        kept.report(beat("a", **said))
    with keeping(database, clock) as kept:
        (receipt,) = kept.report(beat("a", **said), beat("b"))[:1]

        assert (receipt.status, receipt.interval_ms) == (Status.WORKING, 20_000)
        assert not [fact for fact in kept.facts if isinstance(fact, Changed)]
        registered = [fact for fact in kept.facts if isinstance(fact, Registered)]
        assert [(fact.agent_no, fact.agent_id) for fact in registered] == [(2, "b")]


def test_a_finished_agent_is_finished_after_a_restart(
    database: Database, clock: ManualClock
) -> None:
    with keeping(database, clock) as kept:
        kept.report(beat("a", boot_id="b1"), finish("a"))
        assert isinstance(kept.facts[-1], Finished)
    with keeping(database, clock) as kept:
        assert verdicts(kept.report(beat("a", boot_id="b1"), beat("a", boot_id="b2"))) == [
            "ignored",
            "accepted",
        ]


def test_what_an_agent_was_is_found_when_it_left_memory(kept: Kept) -> None:
    kept.report(beat("a", status=Status.WORKING))
    kept.act(lambda tx: tx.roster.forget(WORKSPACE, [1]))

    (receipt,) = kept.report(beat("a"))

    assert receipt.status is Status.WORKING
    assert len([fact for fact in kept.facts if isinstance(fact, Registered)]) == 1


def test_a_finished_agent_that_left_memory_comes_back_with_what_is_stored(kept: Kept) -> None:
    kept.report(beat("a", boot_id="b1", name="Ann"), outcome("old", "b"), finish("a"))
    kept.act(lambda tx: tx.roster.forget(WORKSPACE, [1, 2]))
    told = len(kept.facts)

    # an id that is taken begins the transaction again: the fleet hears of the agent once all the same
    kept.report(outcome("old", "b"), outcome("new", "a"), beat("a", boot_id="b2"))
    kept.report(beat("a"), beat("b"))

    facts = kept.facts[told:]
    assert isinstance(facts[0], Restored)
    assert (facts[0].agent_no, facts[0].agent_id) == (1, "a")
    assert [type(fact).__name__ for fact in facts[1:4]] == ["Done", "Revived", "Beat"]
    assert len([fact for fact in facts if isinstance(fact, Restored)]) == 1


# beats


def runs(kept: Kept) -> list[tuple[int, int, list[int], bool]]:
    return [
        (
            row.last_at - row.started_at,
            row.beats,
            decode_gaps(bytes(row.gaps)),
            bool(row.sealed),
        )
        for row in kept.rows("beat_runs", "agent_no, started_at")
    ]


def test_beats_extend_one_row_and_keep_their_gaps(kept: Kept, clock: ManualClock) -> None:
    for gap in (0, 1, 127, 128, 30_000, 90_000):
        clock.advance(gap)
        kept.report(beat("a"))

    assert runs(kept) == [(120_256, 6, [1, 127, 128, 30_000, 90_000], False)]
    (row,) = kept.rows("beat_runs")
    assert row.seq == max(fact.seq for fact in kept.facts if isinstance(fact, Beat))


def test_a_gap_over_the_grace_ends_a_run(kept: Kept, clock: ManualClock) -> None:
    kept.report(beat("a", interval=10.0))
    clock.advance(30_000)
    kept.report(beat("a"))
    clock.advance(30_001)
    kept.report(beat("a"))

    assert runs(kept) == [(30_000, 2, [30_000], False), (0, 1, [], False)]


def test_a_run_is_sealed_after_256_beats(kept: Kept, clock: ManualClock) -> None:
    for _ in range(26):
        clock.advance(1_000)
        kept.report(*[beat("a") for _ in range(10)])

    first, second = runs(kept)
    assert (first[1], first[3], second[1], second[3]) == (260, True, 0, False) or (
        first[1],
        first[3],
        second[1],
        second[3],
    ) == (256, True, 4, False)
    assert sum(first[2]) == first[0]


def test_more_than_a_runful_in_one_instant_is_one_run(kept: Kept, clock: ManualClock) -> None:
    kept.report(*[beat("a") for _ in range(300)])
    clock.advance(1_000)
    kept.report(beat("a"))

    assert runs(kept) == [(0, 300, [0] * 299, True), (0, 1, [], False)]


def test_a_run_goes_on_after_a_restart(database: Database, clock: ManualClock) -> None:
    with keeping(database, clock) as kept:
        kept.report(beat("a"), beat("b"))
    clock.advance(5_000)
    with keeping(database, clock) as kept:
        kept.report(beat("a"))

        assert [run[1:3] for run in runs(kept)] == [(2, [5_000]), (1, [])]


# fired agents


def fired(kept: Kept, agent: str = "a") -> str:
    done = kept.act(
        lambda tx: fire(
            tx,
            workspace_id=WORKSPACE,
            ident=agent,
            reason="dumb",
            context="",
            actor_kind=ActorKind.PERSON,
            actor="ann",
        )
    )
    assert done.fire_id is not None
    return done.fire_id


def test_the_order_goes_out_in_the_answer_and_the_delivery_knows(
    kept: Kept, clock: ManualClock
) -> None:
    kept.report(beat("a", boot_id="b1"))
    fired(kept)

    (first,) = kept.report(beat("a", boot_id="b1"))
    (row,) = kept.rows("deliveries", "generation")
    assert [order.type for order in first.orders] == ["stop"]
    assert row.state == DeliveryState.DELIVERED
    assert row.delivered_at == row.last_report_at

    clock.advance(5_000)
    kept.report(outcome("late", "a"))
    (later,) = kept.rows("deliveries", "generation")
    assert later.delivered_at == row.delivered_at
    assert later.last_report_at == row.delivered_at + 5_000
    assert not later.last_word

    kept.report(finish("a", boot_id="b1"))
    assert kept.rows("deliveries", "generation")[0].last_word


def test_another_boot_under_a_fired_id_is_refused_and_leaves_no_trace(kept: Kept) -> None:
    kept.report(beat("a", boot_id="b1"))
    fired(kept)

    (receipt,) = kept.report(beat("a", boot_id="b2"))

    assert receipt.verdict == "refused"
    (row,) = kept.rows("deliveries", "generation")
    assert (row.state, row.last_report_at) == (DeliveryState.PENDING, None)


@pytest.mark.parametrize("state", [DeliveryState.CONFIRMED, DeliveryState.UNVERIFIED])
def test_who_reports_after_all_was_not_gone(kept: Kept, state: DeliveryState) -> None:
    kept.report(beat("a"))
    fired(kept)
    kept.act(
        lambda tx: tx.connection.execute(
            update(tables.deliveries).values(state=state, settled_at=1)
        )
    )

    kept.report(beat("a"))

    (row,) = kept.rows("deliveries", "generation")
    assert (row.state, row.settled_at) == (DeliveryState.DELIVERED, None)


def test_only_the_newest_generation_hears(kept: Kept) -> None:
    kept.report(beat("a"))
    fired(kept)
    (row,) = kept.rows("deliveries", "generation")

    def next_generation(tx: Transaction) -> None:
        tx.connection.execute(update(tables.deliveries).values(state=DeliveryState.ZOMBIE))
        following = {**row._mapping, "generation": 2}
        tx.connection.execute(insert(tables.deliveries), following)

    kept.act(next_generation)
    kept.report(beat("a"))

    assert [r.state for r in kept.rows("deliveries", "generation")] == ["zombie", "delivered"]


def test_a_fired_agent_is_fired_after_a_restart(database: Database, clock: ManualClock) -> None:
    with keeping(database, clock) as kept:
        kept.report(beat("a"))
        fired(kept)
    with keeping(database, clock) as kept:
        (receipt,) = kept.report(beat("a"))
        (done,) = kept.report(outcome("e", "a"))

        assert (receipt.standing, receipt.orders[0].reason) == (Standing.FIRED, "dumb")
        assert done.orders[0].type == "stop"
        assert not kept.rows("outcomes")[0].counted
        assert kept.rows("deliveries", "generation")[0].state == "delivered"


# the queue


def test_a_full_queue_refuses_at_once_and_says_when_to_come_back(
    database: Database, clock: ManualClock
) -> None:
    with keeping(database, clock, queue_limit=10) as kept:
        with held_up(kept):
            first = kept.journal.report([outcome(f"a{number}") for number in range(8)])
            with pytest.raises(Unavailable, match="8 reports wait") as refusal:
                kept.journal.report([outcome(f"b{number}") for number in range(3)])
            assert kept.journal.queue_length == 8
            second = kept.journal.report([outcome("b0"), outcome("b1")])

        assert refusal.value.retry_after_s >= 1
        assert len(first.result(20)) + len(second.result(20)) == 10
        assert kept.journal.queue_length == 0


def test_a_batch_larger_than_the_queue_is_taken_when_nothing_waits(
    database: Database, clock: ManualClock
) -> None:
    with keeping(database, clock, queue_limit=10) as kept:
        assert len(kept.report(*[outcome(f"e{number}") for number in range(25)])) == 25


def test_stopping_commits_what_is_queued_and_refuses_the_rest(
    database: Database, clock: ManualClock
) -> None:
    with keeping(database, clock) as kept, held_up(kept):
        futures = [kept.journal.report([outcome(f"e{number}")]) for number in range(20)]
    with pytest.raises(Unavailable, match="stop"):
        kept.journal.report([outcome("late")])

    assert [verdicts(future.result(0)) for future in futures] == [["accepted"]] * 20


def test_before_it_serves_it_says_so(database: Database, clock: ManualClock) -> None:
    with pytest.raises(Unavailable, match="not serving yet"):
        Kept(database, clock).journal.report([beat()])


def test_what_happened_is_counted(kept: Kept) -> None:
    kept.report(
        beat(),
        outcome("e"),
        outcome("e"),
        finish(),
        session("s"),
        beat(status=Status.TERMINATED),
    )

    assert kept.journal.stats.events == {
        ("heartbeat", "accepted"): 1,
        ("outcome", "accepted"): 1,
        ("outcome", "duplicate"): 1,
        ("finish", "accepted"): 1,
        ("session", "accepted"): 1,
        ("heartbeat", "invalid"): 1,
    }
    assert len(kept.journal.stats.drain_commits()) == 1
    assert kept.journal.stats.drain_commits() == []


def add_workspace(kept: Kept, number: int) -> None:
    row = {
        "id": number,
        "uuid": f"w-{number}",
        "name": f"w-{number}",
        "created_at": 0,
        "decisions_head": b"",
    }
    kept.act(lambda tx: tx.connection.execute(insert(tables.workspaces), row))
