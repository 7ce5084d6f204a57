"""Opening a database: one way to write, a few to read, and a plain word for what cannot be opened."""

from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from tests.postgres import PostgresServer, free_port

from pinkslip.model.errors import Invalid, Unavailable
from pinkslip.store.engine import Database, check, open_database


def test_a_writer_commits_and_a_reader_sees_it(database: Database) -> None:
    with database.writer_engine.begin() as connection:
        connection.execute(text("UPDATE workspaces SET name = 'renamed'"))

    with database.reader_engine.connect() as connection:
        names = connection.execute(text("SELECT name FROM workspaces")).scalars().all()

    assert names == ["renamed"]


def test_a_reader_cannot_write(database: Database) -> None:
    with (
        database.reader_engine.connect() as connection,
        pytest.raises(DBAPIError, match=r"readonly|read-only"),
    ):
        connection.execute(text("UPDATE workspaces SET name = 'mine'"))


def test_a_reader_sees_one_instant_for_as_long_as_it_reads(database: Database) -> None:
    count = text("SELECT count(*) FROM writers")
    with database.reader_engine.connect() as reader:
        before = reader.execute(count).scalar_one()
        with database.writer_engine.begin() as writer:
            writer.execute(
                text(
                    "INSERT INTO writers (id, started_at, holder, version) VALUES (9, 0, 'h', '0')"
                )
            )

        assert reader.execute(count).scalar_one() == before


def test_sqlite_writes_ahead_and_flushes_every_commit(sqlite_url: str) -> None:
    database = open_database(sqlite_url)
    with database.writer_engine.connect() as connection:
        pragmas = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    database.close()

    full = 2
    assert pragmas == {
        "journal_mode": "wal",
        "synchronous": full,
        "foreign_keys": 1,
        "busy_timeout": 5000,
    }


def test_only_the_writer_checkpoints_sqlite(sqlite_url: str) -> None:
    database = open_database(sqlite_url)
    with database.reader_engine.connect() as connection:
        pages = connection.exec_driver_sql("PRAGMA wal_autocheckpoint").scalar_one()
    database.close()

    assert pages == 0


def test_a_bare_path_is_a_sqlite_file(tmp_path: Path) -> None:
    database = open_database(str(tmp_path / "here.db"))
    database.close()

    assert (database.dialect, database.where) == ("sqlite", str(tmp_path / "here.db"))


def test_what_people_see_holds_no_password() -> None:
    database = open_database("postgres://ann:secret@db.example:6432/fleet?password=secret")

    assert database.where == "postgresql://ann@db.example:6432/fleet"
    assert "secret" not in repr(database)


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("mysql://root@localhost/x", "mysql:// is not supported; use sqlite:///"),
        ("sqlite://", "needs a database file"),
        ("sqlite:///:memory:", "needs a database file"),
        ("sqlite:////nowhere/at/all/x.db", "there is no directory /nowhere/at/all"),
        ("postgresql+asyncpg://localhost/x", "through psycopg"),
        ("postgresql://localhost:port/x", "cannot be read"),
    ],
)
def test_a_bad_url_is_named_with_the_way_out(url: str, says: str) -> None:
    with pytest.raises(Invalid, match=says):
        open_database(url)


def test_a_server_that_is_not_there_is_unavailable() -> None:
    database = open_database(f"postgresql://ann:secret@127.0.0.1:{free_port()}/fleet")

    with pytest.raises(Unavailable, match=r"cannot open postgresql://ann@127.0.0.1") as refusal:
        check(database)
    assert "secret" not in str(refusal.value)


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "letter.db"
    path.write_text("Dear colleague, " * 100)

    with pytest.raises(Invalid, match="file is not a database"):
        check(open_database(str(path)))


def test_a_server_without_fsync_is_warned_of(postgres: PostgresServer) -> None:
    database = open_database(postgres.url("postgres"))
    warnings = check(database)
    database.close()

    assert [warning for warning in warnings if "fsync=off" in warning]


def test_a_good_database_gives_no_warning(sqlite_url: str) -> None:
    database = open_database(sqlite_url)
    warnings = check(database)
    database.close()

    assert warnings == ()
