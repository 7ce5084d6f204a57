"""One holder at a time, by name and epoch; whoever lost the lease is stopped at the fence."""

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

import pytest
from sqlalchemy import Connection, text, update
from tests.clocks import ManualClock, RealClock
from tests.store.journals import beat, keeping, outcome, verdicts
from tests.system.children import JournalChild

from pinkslip.model.errors import Unavailable
from pinkslip.store import tables
from pinkslip.store.engine import Database, open_database
from pinkslip.store.journal import Journal
from pinkslip.store.lease import HeldElsewhere, Lease, LockFile, lock_path

TTL_MS = 400


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < deadline, "it did not come to hold"
        time.sleep(0.01)


@pytest.fixture
def connection(database: Database) -> Iterator[Connection]:
    with database.writer_engine.connect() as connection:
        yield connection


@pytest.fixture
def fleet(postgres_url: str) -> Iterator[Database]:
    """A PostgreSQL database that two processes may open."""
    database = open_database(postgres_url)
    yield database
    database.close()


@contextmanager
def another(url: str) -> Iterator[tuple[Database, Connection]]:
    database = open_database(url)
    with database.writer_engine.connect() as connection:
        yield database, connection
    database.close()


def lease_of(database: Database, holder: str, **options: object) -> Lease:
    return Lease(database, clock=RealClock(), holder=holder, **options)  # type: ignore[arg-type]  # ttl_ms


def driver(connection: Connection) -> object:
    return connection.connection.driver_connection


def may_write(lease: Lease, connection: Connection) -> bool:
    with connection.begin():
        return lease.fence(driver(connection)) is not None


def test_each_acquisition_is_a_new_epoch(database: Database, connection: Connection) -> None:
    epochs = []
    for holder in ("one", "two", "two"):
        lease = lease_of(database, holder)
        lease.acquire(connection)
        epochs.append(lease.epoch)
        assert lease.leads
        assert may_write(lease, connection)
        lease.release(connection)
        lease.unlock()

    assert epochs == [1, 2, 3]


def test_renewing_keeps_the_epoch(database: Database, connection: Connection) -> None:
    lease = lease_of(database, "one")
    lease.acquire(connection)
    lease.renew(connection)

    assert lease.epoch == 1
    assert may_write(lease, connection)
    lease.unlock()


def test_who_was_superseded_is_fenced_and_learns_by_whom(
    database: Database, connection: Connection
) -> None:
    lease = lease_of(database, "one")
    lease.acquire(connection)
    with connection.begin():
        connection.execute(update(tables.leases).values(holder="two", epoch=2))

    assert not may_write(lease, connection)
    with pytest.raises(HeldElsewhere, match="two serves this database") as lost:
        lease.renew(connection)
    assert lost.value.holder == "two"
    assert not lease.leads
    lease.unlock()


def test_we_stop_leading_at_seven_tenths_by_our_own_stopwatch(
    database: Database, connection: Connection
) -> None:
    clock = ManualClock()
    lease = Lease(database, clock=clock, holder="one", ttl_ms=10_000)
    lease.acquire(connection)

    clock.advance(6_999)
    assert lease.leads
    clock.advance(1)
    assert not lease.leads
    lease.renew(connection)
    assert lease.leads
    lease.unlock()


# PostgreSQL: time decides, by the server's clock


def test_a_live_lease_is_not_taken_and_names_its_holder(fleet: Database) -> None:
    with another(fleet.url) as (one, first), another(fleet.url) as (two, second):
        lease_of(one, "one").acquire(first)

        with pytest.raises(HeldElsewhere) as held:
            lease_of(two, "two").acquire(second)
        assert held.value.holder == "one"


def test_a_lease_that_ran_out_is_taken_and_the_former_holder_fenced(fleet: Database) -> None:
    with another(fleet.url) as (one, first), another(fleet.url) as (two, second):
        former = lease_of(one, "one", ttl_ms=TTL_MS)
        former.acquire(first)
        newer = lease_of(two, "two")

        def is_taken() -> bool:
            try:
                newer.acquire(second)
            except HeldElsewhere:
                return False
            return True

        until(is_taken)
        assert (former.epoch, newer.epoch) == (1, 2)
        assert not may_write(former, first)
        assert may_write(newer, second)


def test_a_released_lease_is_free_at_once(fleet: Database) -> None:
    with another(fleet.url) as (one, first), another(fleet.url) as (two, second):
        lease = lease_of(one, "one")
        lease.acquire(first)
        lease.release(first)

        newer = lease_of(two, "two")
        newer.acquire(second)

        assert newer.epoch == 2


def test_a_lease_that_ran_out_unnoticed_goes_on_under_a_new_epoch(fleet: Database) -> None:
    with another(fleet.url) as (one, first):
        lease = lease_of(one, "one", ttl_ms=TTL_MS)
        lease.acquire(first)
        until(lambda: not may_write(lease, first))

        lease.renew(first)

        assert lease.epoch == 2
        assert may_write(lease, first)


def test_a_transaction_in_flight_keeps_the_next_holder_waiting(fleet: Database) -> None:
    with another(fleet.url) as (one, first), another(fleet.url) as (two, second):
        lease = lease_of(one, "one")
        lease.acquire(first)
        with first.begin():
            assert lease.fence(driver(first)) is not None
            with second.begin():
                second.execute(text("SET LOCAL lock_timeout = '50ms'"))
                with pytest.raises(Exception, match="lock timeout"):
                    second.execute(text("UPDATE leases SET holder = 'two', epoch = 2"))
                second.rollback()
        assert two.dialect == "postgresql"


def test_the_fence_bounds_its_transaction_and_insists_on_durability(fleet: Database) -> None:
    with another(fleet.url) as (one, first):
        with first.begin():
            name = first.execute(text("SELECT current_database()")).scalar_one()
            first.execute(text(f'ALTER DATABASE "{name}" SET synchronous_commit = off'))
        first.invalidate()
        first.rollback() if first.in_transaction() else None
        with one.reader_engine.connect() as reader:
            assert reader.execute(text("SHOW synchronous_commit")).scalar_one() == "off"
    with another(fleet.url) as (one, first):
        lease = lease_of(one, "one", ttl_ms=10_000)
        lease.acquire(first)
        with first.begin():
            lease.fence(driver(first))
            settings = [
                first.execute(text(f"SHOW {name}")).scalar_one()
                for name in (
                    "statement_timeout",
                    "idle_in_transaction_session_timeout",
                    "synchronous_commit",
                )
            ]
        with first.begin():
            after = first.execute(text("SHOW statement_timeout")).scalar_one()

    assert settings == ["7s", "7s", "on"]
    assert after == "0"


# SQLite: the lock file decides


def test_while_the_lock_is_held_nobody_else_begins(sqlite_url: str) -> None:
    with another(sqlite_url) as (one, first), another(sqlite_url) as (two, second):
        lease = lease_of(one, "one")
        lease.acquire(first)

        with pytest.raises(HeldElsewhere) as held:
            lease_of(two, "two").acquire(second)
        assert held.value.holder == "one"
        lease.unlock()


def test_the_lock_proves_the_former_holder_dead_however_young_its_lease(
    sqlite_url: str,
) -> None:
    child = JournalChild(sqlite_url, "--holder", "the first", "--ttl-ms", "3600000")
    with another(sqlite_url) as (two, second):
        lease = lease_of(two, "two")
        with pytest.raises(HeldElsewhere, match="the first serves this database"):
            lease.acquire(second)

        child.kill()
        lease.acquire(second)

        assert lease.epoch == 2
        lease.unlock()


def test_the_lock_file_names_its_holder_while_held(sqlite_url: str) -> None:
    database = open_database(sqlite_url)
    assert database.path is not None
    lock, other = LockFile(lock_path(database.path)), LockFile(lock_path(database.path))

    assert lock.take("one")
    assert not other.take("two")
    assert other.holder() == "one"
    lock.release()
    assert other.take("two")
    other.release()
    assert other.holder() is None
    database.close()


# the journal and its lease


def test_a_journal_that_lost_its_lease_refuses_everything_and_says_who_has_it(
    database: Database,
) -> None:
    heard: list[str] = []
    with keeping(database, RealClock(), on_lost=heard.append) as kept:
        kept.report(beat("a"))
        kept.act(
            lambda tx: tx.connection.execute(
                update(tables.leases).values(holder="two", epoch=9)
            )
        )

        with pytest.raises(Unavailable):
            kept.report(outcome("e"))
        until(lambda: bool(heard))
        with pytest.raises(Unavailable, match="two serves this database"):
            kept.report(outcome("e"))

        assert heard == ["two"]
        assert kept.rows("outcomes") == []


def test_a_second_journal_waits_and_is_told_for_whom(database_url: str) -> None:
    first, second = open_database(database_url), open_database(database_url)
    waiting = Journal(second, clock=RealClock(), holder="second")
    with keeping(first, RealClock()) as kept:
        for _ in range(2):
            with pytest.raises(HeldElsewhere, match="this test serves this database"):
                waiting.start()
        kept.report(outcome("e"))
    waiting.start()

    assert waiting.epoch == 2
    assert verdicts(waiting.report([outcome("e"), outcome("f")]).result(20)) == [
        "duplicate",
        "accepted",
    ]
    waiting.stop()
    first.close()
    second.close()


def test_an_idle_journal_renews_its_lease(database: Database) -> None:
    with keeping(database, RealClock(), renew_every_ms=20) as kept:
        (first,) = kept.rows("leases", "name")

        until(lambda: kept.rows("leases", "name")[0].expires_at > first.expires_at)

        assert kept.journal.epoch == first.epoch


def test_a_holder_paused_past_its_lease_is_fenced_when_it_wakes(fleet: Database) -> None:
    options = ("--ttl-ms", "800", "--renew-every-ms", "200")
    paused = JournalChild(fleet.url, "--holder", "paused", *options)
    with closing(paused.connect()) as talk:
        assert talk.report(("a", "e1")) == ["accepted"]
        paused.send(signal.SIGSTOP)
        successor = JournalChild(fleet.url, "--holder", "successor", *options)
        with closing(successor.connect()) as other:
            assert other.report(("a", "e2")) == ["accepted"]
            paused.send(signal.SIGCONT)
            (answer,) = talk.report(("a", "e3"))
            assert answer.startswith("unavailable")
            assert paused.heard("lost") == "successor"
            assert other.report(("a", "e4"), ("a", "e3")) == ["accepted", "accepted"]
    assert (paused.epoch, successor.epoch) == (1, 2)
    paused.kill()
    successor.kill()
