"""When the database fails, nothing is half done, callers hear it at once, and it is on record afterwards."""

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress

import psycopg
import pytest
from sqlalchemy import text, update
from tests.clocks import ManualClock, RealClock
from tests.databases import prepare
from tests.postgres import PostgresServer, postgres_server
from tests.proxy import CommitCutter, Cut
from tests.store.journals import (
    WORKSPACE,
    Kept,
    beat,
    held_up,
    keeping,
    outcome,
    verdicts,
)

from pinkslip.fleet.fleet import Fleet, FleetSettings
from pinkslip.fleet.needs import Need
from pinkslip.model.errors import Unavailable
from pinkslip.model.facts import Batch, Blinded, Changed, Done, Registered
from pinkslip.model.words import BlindCause, Status
from pinkslip.store import engine, tables
from pinkslip.store.engine import open_database
from pinkslip.store.transaction import Transaction

WITHIN_S = 20


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WITHIN_S
    while not holds():
        assert time.monotonic() < deadline, "it did not come to hold"
        time.sleep(0.01)


def accepted(kept: Kept, *reports: object) -> None:
    """Report until it is taken."""

    def is_taken() -> bool:
        try:
            return set(verdicts(kept.report(*reports))) <= {"accepted", "duplicate"}  # type: ignore[arg-type]  # reports
        except Unavailable:
            return False

    until(is_taken)


def fill(tx: Transaction) -> None:
    """No more pages for this connection: what SQLite says is that the disk is full."""
    pages = tx.connection.exec_driver_sql("PRAGMA page_count").scalar_one()
    tx.connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")


def cut_off(tx: Transaction) -> None:
    """The server ends this session as soon as it can."""
    pid = tx.connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
    url = tx.connection.engine.url.set(drivername="postgresql")
    with psycopg.connect(url.render_as_string(hide_password=False), autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s)", (pid,))


@pytest.fixture
def failing(database_url: str) -> Iterator[tuple[Kept, Callable[[Transaction], None]]]:
    """A journal, and what makes its next transaction fail for the database's reasons."""
    database = open_database(database_url)
    with keeping(database, RealClock()) as kept:
        yield kept, (fill if database.dialect == "sqlite" else cut_off)
    database.close()


Failing = tuple[Kept, Callable[[Transaction], None]]


def test_a_failed_commit_leaves_nothing_and_says_unavailable(failing: Failing) -> None:
    kept, breaks = failing
    kept.report(beat("a", status=Status.WORKING), outcome("e0"))
    told = len(kept.facts)

    def work(tx: Transaction) -> None:
        breaks(tx)
        for number in range(50):
            head = tx.register(WORKSPACE, f"agent-{number}-{'x' * 150}")
            tx.connection.execute(
                update(tables.agents)
                .where(tables.agents.c.agent_no == head.agent_no)
                .values(last_error="x" * 10_000)
            )

    with pytest.raises(Unavailable):
        kept.act(work)
    accepted(kept, beat("b"))

    facts = [fact for fact in kept.facts[told:] if not isinstance(fact, Blinded)]
    assert [(f.agent_no, f.agent_id) for f in facts if isinstance(f, Registered)] == [(2, "b")]
    assert [row.agent_id for row in kept.rows("agents", "agent_no")] == ["a", "b"]
    assert kept.numbers() == list(range(1, len(kept.numbers()) + 1))


def test_an_outage_is_on_record_as_blind(failing: Failing) -> None:
    kept, breaks = failing
    before = kept.mark().now

    with pytest.raises(Unavailable):
        kept.act(
            lambda tx: (breaks(tx), [tx.register(WORKSPACE, f"{n}" * 150) for n in range(99)])
        )
    accepted(kept, beat("b"))

    blinded = [fact for fact in kept.facts if isinstance(fact, Blinded)]
    rows = kept.rows("blind")
    assert [fact.cause for fact in blinded] == [BlindCause.DATABASE]
    assert [(row.started_at, row.ended_at) for row in rows] == [
        (fact.start, fact.end) for fact in blinded
    ]
    assert before < blinded[0].start <= blinded[0].end


def test_reports_in_a_failed_commit_can_be_sent_again(failing: Failing) -> None:
    kept, breaks = failing
    kept.report(beat("a"))
    go = threading.Event()

    def work(tx: Transaction) -> None:
        breaks(tx)
        go.wait(WITHIN_S)
        for number in range(200):  # enough to need a page, where that is what is short
            tx.register(WORKSPACE, f"agent-{number}-{'x' * 150}")

    act = kept.journal.act(work)
    reports = [outcome(f"e{number}", "a") for number in range(20)]
    future = kept.journal.report(reports)
    go.set()
    with pytest.raises(Unavailable):
        act.result(WITHIN_S)
    with suppress(Unavailable):
        future.result(WITHIN_S)
    accepted(kept, *reports)

    assert len(kept.rows("outcomes")) == 20
    assert len([fact for fact in kept.facts if isinstance(fact, Done)]) == 20


# PostgreSQL: the answer to COMMIT is lost


@pytest.fixture
def cutter(postgres: PostgresServer, postgres_url: str) -> Iterator[tuple[Kept, CommitCutter]]:
    proxy = CommitCutter(postgres.port)
    database = open_database(postgres_url.replace(f":{postgres.port}/", f":{proxy.port}/"))
    with keeping(database, RealClock()) as kept:
        yield kept, proxy
    database.close()
    proxy.close()


@pytest.mark.parametrize("cut", [Cut.BEFORE, Cut.AFTER])
def test_a_lost_answer_to_commit_is_asked_for(
    cutter: tuple[Kept, CommitCutter], cut: Cut
) -> None:
    kept, proxy = cutter
    kept.report(beat("a"), outcome("e0", "a"))

    proxy.cut = cut
    with pytest.raises(Unavailable):
        kept.report(outcome("e1", "a"), beat("b", status=Status.WORKING))
    again = outcome("e1", "a")
    accepted(kept, again, beat("b", status=Status.WORKING))

    assert proxy.cuts == 1
    done = [fact.event_id for fact in kept.facts if isinstance(fact, Done)]
    assert len(done) == len(set(done)) == len(kept.rows("outcomes")) == 2
    registered = [f.agent_no for f in kept.facts if isinstance(f, Registered)]
    assert registered == [row.agent_no for row in kept.rows("agents", "agent_no")] == [1, 2]
    working = [f for f in kept.facts if isinstance(f, Changed) and f.status is Status.WORKING]
    assert len(working) == 1
    assert [fact.seq for fact in kept.facts] == sorted({fact.seq for fact in kept.facts})


@pytest.mark.parametrize("cut", [Cut.BEFORE, Cut.AFTER])
def test_an_act_whose_commit_is_in_doubt_learns_its_fate(
    cutter: tuple[Kept, CommitCutter], cut: Cut
) -> None:
    kept, proxy = cutter

    def work(tx: Transaction) -> str:
        tx.connection.execute(update(tables.workspaces).values(name="renamed"))
        return "renamed"

    proxy.cut = cut
    future = kept.journal.act(work)
    if cut is Cut.AFTER:
        assert future.result(WITHIN_S) == "renamed"
    else:
        with pytest.raises(Unavailable):
            future.result(WITHIN_S)

    name = kept.rows("workspaces", "id")[0].name
    assert name == ("renamed" if cut is Cut.AFTER else "default")


# PostgreSQL: the server crashes


def test_a_crashed_server_loses_nothing_that_was_answered() -> None:
    with postgres_server({"synchronous_commit": "on"}) as server:
        prepare(server.create("fleet"))
        database = open_database(server.url("fleet"))
        with keeping(database, RealClock()) as kept:
            kept.report(outcome("e1"))
            server.crash()
            with pytest.raises(Unavailable):
                kept.report(outcome("e2"))
            with pytest.raises(Unavailable, match="nothing can be written"):
                until(lambda: bool(kept.report(outcome("e3"))))
            server.start()
            accepted(kept, outcome("e4"))

            assert verdicts(kept.report(outcome("e1"))) == ["duplicate"]
            facts = [
                fact
                for batch in kept.told
                if isinstance(batch, Batch)
                for _owner, fact in batch.facts
            ]
            assert [fact.cause for fact in facts if isinstance(fact, Blinded)] == ["database"]
        database.close()


def test_a_journal_that_is_stopped_while_the_database_is_away_ends() -> None:
    with postgres_server() as server:
        prepare(server.create("fleet"))
        database = open_database(server.url("fleet"))
        with keeping(database, RealClock()) as kept:
            server.crash()
            with pytest.raises(Unavailable):
                kept.report(outcome("e"))
        database.close()
        server.start()


def test_a_clock_that_stands_still_hurts_nobody(database_url: str) -> None:
    database = open_database(database_url)
    with keeping(database, ManualClock()) as kept:
        assert verdicts(kept.report(beat("a"), outcome("e"))) == ["accepted", "accepted"]
    database.close()


# what agents wanted to say, and we did not hear


def blinds(kept: Kept, cause: BlindCause) -> list[Blinded]:
    return [fact for fact in kept.facts if isinstance(fact, Blinded) and fact.cause is cause]


def heartbeat_age_s(kept: Kept) -> float:
    fleet = Fleet(WORKSPACE, FleetSettings())
    fleet.declare([Need("heartbeat_age")])
    fleet.fold(kept.facts, writer=kept.journal.writer)
    measures = fleet.at(kept.journal.now())
    return float(measures.value("heartbeat_age")[0])


def test_what_a_full_queue_refused_is_on_record_once_and_ages_nobody(
    database_url: str,
) -> None:
    database, clock = open_database(database_url), ManualClock()
    with keeping(database, clock, queue_limit=10) as kept:
        kept.report(beat("a"))
        clock.advance(1_000)
        with held_up(kept):
            first = kept.journal.now()
            waiting = kept.journal.report([outcome(f"e{number}") for number in range(10)])
            for _ in range(3):
                with pytest.raises(Unavailable, match="wait to be written already"):
                    kept.journal.report([beat("a")])
                clock.advance(60_000)
        waiting.result(WITHIN_S)
        last = kept.mark().now

        (told,) = blinds(kept, BlindCause.INGEST)
        (row,) = kept.rows("blind")
        assert first <= told.start <= first + 1
        assert first + 180_000 <= told.end <= last
        assert (row.started_at, row.ended_at) == (told.start, told.end)
        assert row.detail == "3 reports were refused: 10 were waiting already"
        assert heartbeat_age_s(kept) == pytest.approx(1.0, abs=0.01)

        clock.advance(1_000)
        kept.report(beat("a"), outcome("f"))
        kept.mark()
        assert len(kept.rows("blind")) == 1
    database.close()


def test_an_outage_of_the_queue_lasts_until_it_is_half_empty(database_url: str) -> None:
    database, clock = open_database(database_url), ManualClock()
    with keeping(database, clock, queue_limit=10) as kept:
        with held_up(kept):
            waiting = kept.journal.report([beat(f"a{number}") for number in range(10)])
            for _ in range(50):
                with pytest.raises(Unavailable):
                    kept.journal.report([beat("z")])
        waiting.result(WITHIN_S)
        with held_up(kept):
            waiting = kept.journal.report([beat(f"a{number}") for number in range(10)])
            with pytest.raises(Unavailable):
                kept.journal.report([beat("z")])
        waiting.result(WITHIN_S)
        kept.mark()

        assert [row.detail.split()[0] for row in kept.rows("blind")] == ["50", "1"]
    database.close()


def test_a_locked_sqlite_file_is_an_outage_of_the_database(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "BUSY_TIMEOUT_MS", 50)
    database = open_database(sqlite_url)
    path = sqlite_url.removeprefix("sqlite:///")
    with (
        keeping(database, RealClock()) as kept,
        closing(sqlite3.connect(path, isolation_level=None)) as other,
    ):
        kept.report(beat("a"))
        other.execute("BEGIN IMMEDIATE")
        locked = kept.journal.now()
        for _ in range(3):
            with pytest.raises(Unavailable, match=r"locked|nothing can be written"):
                kept.report(beat("a"))
        unlocked = kept.journal.now()
        other.execute("COMMIT")
        accepted(kept, beat("a"))

        (told,) = blinds(kept, BlindCause.DATABASE)
        assert locked <= told.start <= unlocked <= told.end
        assert len(kept.rows("blind")) == 1
    database.close()


def test_reports_that_pile_up_behind_a_lock_are_an_outage_of_the_queue(
    postgres_url: str,
) -> None:
    database = open_database(postgres_url)
    with (
        keeping(database, RealClock(), queue_limit=5) as kept,
        psycopg.connect(postgres_url) as other,
    ):
        kept.report(beat("a"))
        other.execute("LOCK TABLE beat_runs IN ACCESS EXCLUSIVE MODE")
        stuck = kept.journal.report([beat("a")])
        until(lambda: kept.journal.queue_length == 0)
        waiting = kept.journal.report([beat(f"b{number}") for number in range(5)])
        with pytest.raises(Unavailable, match="wait to be written already"):
            kept.journal.report([beat("c")])
        other.commit()
        assert verdicts(stuck.result(WITHIN_S) + waiting.result(WITHIN_S)) == ["accepted"] * 6
        kept.mark()

        assert len(blinds(kept, BlindCause.INGEST)) == 1
        assert blinds(kept, BlindCause.DATABASE) == []
    database.close()


def test_an_outage_that_cannot_be_told_is_told_later(database_url: str) -> None:
    database, clock = open_database(database_url), ManualClock()
    with keeping(database, clock, queue_limit=2) as kept:
        breaks = fill if database.dialect == "sqlite" else cut_off
        fails = kept.journal.act(
            lambda tx: (
                go.wait(WITHIN_S),
                breaks(tx),
                [tx.register(WORKSPACE, f"{n}" * 150) for n in range(99)],
            )
        )
        go = threading.Event()
        waiting = kept.journal.report([beat("a"), beat("b")])
        with pytest.raises(Unavailable, match="2 reports wait"):
            kept.journal.report([beat("c")])
        go.set()
        with pytest.raises(Unavailable):
            fails.result(WITHIN_S)
        with suppress(Unavailable):
            waiting.result(WITHIN_S)
        accepted(kept, beat("a"))
        kept.mark()

        assert len(blinds(kept, BlindCause.INGEST)) == 1
        assert len(blinds(kept, BlindCause.DATABASE)) == 1
    database.close()
