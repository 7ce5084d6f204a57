"""The migrations make exactly the tables, on both databases, and a binary serves only its own schema."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, select, text
from tests.clocks import ManualClock
from tests.postgres import PostgresServer
from tests.store.service import serving

from pinkslip.fleet.fleet import Fleet, FleetSettings
from pinkslip.model.errors import Conflict
from pinkslip.model.words import EpisodeState
from pinkslip.store import schema
from pinkslip.store.chain import genesis
from pinkslip.store.checkpoint import Place
from pinkslip.store.engine import Database, open_database
from pinkslip.store.maintenance import check_schema, needs_upgrade, upgrade
from pinkslip.store.rebuild import rebuild
from pinkslip.store.tables import leases, metadata, users, workspaces, writers


def set_revision(database: Database, revision: str) -> None:
    with database.writer_engine.begin() as connection:
        connection.execute(
            text("UPDATE alembic_version SET version_num = :revision"), {"revision": revision}
        )


def test_the_migrations_make_exactly_the_tables(database: Database) -> None:
    options = {"compare_type": True, "compare_server_default": True}
    with database.reader_engine.connect() as connection:
        context = MigrationContext.configure(connection, opts=options)

        assert compare_metadata(context, metadata) == []


def test_there_is_one_head_and_it_is_what_the_binary_needs() -> None:
    config = Config()
    config.set_main_option("script_location", "pinkslip.store:migrations")
    scripts = ScriptDirectory.from_config(config)

    assert scripts.get_heads() == [schema.REVISIONS[-1]]
    steps = [script.revision for script in scripts.walk_revisions()]
    assert tuple(reversed(steps)) == schema.REVISIONS


def test_outcomes_are_stored_in_the_order_of_their_key(sqlite_url: str) -> None:
    with closing(sqlite3.connect(sqlite_url.removeprefix("sqlite:///"))) as connection:
        (made,) = connection.execute(
            "SELECT sql FROM sqlite_master WHERE name = 'outcomes'"
        ).fetchone()

    assert "WITHOUT ROWID" in made


def test_every_installation_begins_with_a_workspace_and_its_user(database: Database) -> None:
    with database.reader_engine.connect() as connection:
        workspace = connection.execute(select(workspaces)).one()
        user = connection.execute(select(users)).one()

    assert (workspace.id, workspace.name, workspace.next_agent_no) == (1, "default", 1)
    assert (workspace.decisions, bytes(workspace.decisions_head)) == (0, genesis(1))
    assert (user.workspace_id, user.id, user.name) == (1, 1, "local")
    assert len(workspace.uuid) == len(user.uuid) == 36
    assert workspace.created_at > 1_700_000_000_000


def test_no_two_installations_share_an_identity(tmp_path: Path) -> None:
    found = set()
    for name in ("one", "two"):
        upgrade(f"sqlite:///{tmp_path / name}")
        database = open_database(f"sqlite:///{tmp_path / name}")
        with database.reader_engine.connect() as connection:
            found.add(connection.execute(select(workspaces.c.uuid)).scalar_one())
        database.close()

    assert len(found) == 2


def test_upgrading_twice_does_nothing_the_second_time(database_url: str) -> None:
    done = upgrade(database_url)

    assert (done.before, done.after, done.backup) == (*2 * schema.REVISIONS[-1:], None)


@pytest.fixture(params=["sqlite", "postgresql"])
def first_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database as the first release left it."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'first.db'}"
        _upgrade_to(url, "0001")
        yield url
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    url = server.create("first")
    _upgrade_to(url, "0001")
    yield url
    server.drop("first")


def _upgrade_to(url: str, revision: str) -> None:
    database = open_database(url)
    config = Config()
    config.set_main_option("script_location", "pinkslip.store:migrations")
    with database.writer_engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
    database.close()


_A_LIFE = """
UPDATE workspaces SET next_agent_no = 2, folded_writer = 1, folded_seq = 7;
INSERT INTO writers (id, started_at, holder, version) VALUES (1, 1000, 'x', '0.1');
INSERT INTO agents (workspace_id, agent_no, id, agent_id, status, standing, incarnation_at,
    created_at, updated_at, status_since, tasks, folded_writer, folded_seq)
    VALUES (1, 1, 'u', 'a', 'IDLE', 'active', 1000, 1000, 1000, 1000, 5, 1, 7);
INSERT INTO episodes (workspace_id, policy, agent_no, episode_hash, incarnation, state,
    began_at, guard_detail)
    VALUES (1, 'told', 1, 'e', 1, 'noticed', 1000, ''), (1, 'held', 1, 'e', 1, 'held', 1000, '');
INSERT INTO role_totals (workspace_id, role, model, totals, folded_writer, folded_seq)
    VALUES (1, '', '', '{"role":"","model":"","tasks":5,"failed":[0,0,0,0,0,0],
    "duration_ms_sum":0,"duration_count":0,"duration_buckets":[0,0,0,0,0,0,0,0,0,0,0,0,0],
    "tokens_in":0,"tokens_out":0,"cost_micros":0,"finished":0}', 1, 7)
"""


def test_what_the_first_release_left_is_carried_over(first_url: str) -> None:
    old = open_database(first_url)
    with old.writer_engine.begin() as connection:
        for statement in _A_LIFE.split(";"):
            connection.exec_driver_sql(statement)
    old.close()

    done = upgrade(first_url)

    assert (done.before, done.after) == ("0001", schema.REVISIONS[-1])
    database = open_database(first_url)
    with serving(database, ManualClock()) as service:
        states = {one.policy: one.state for one in service.readers.episodes(1)}
        assert states == {"told": EpisodeState.ACTED, "held": EpisodeState.HELD}
        fleet = Fleet(1, FleetSettings())
        with rebuild(database, 1, now=2_000, horizon=fleet.horizon(), keep_after=0) as past:
            assert past.lineages.place == Place(1, 7)
            (agent,) = past.restored
            assert (agent.tasks, agent.evidence, agent.standing_until) == (5, "", None)
        assert service.beat("a").verdict == "accepted"
        assert service.outcome("b", event_id="e").verdict == "accepted"
        service.checkpoint()
    with database.reader_engine.connect() as connection:
        context = MigrationContext.configure(connection)
        assert compare_metadata(context, metadata) == []
    database.close()


def test_an_empty_database_is_told_how_to_begin(tmp_path: Path) -> None:
    database = open_database(f"sqlite:///{tmp_path / 'new.db'}")

    assert needs_upgrade(database)
    with pytest.raises(Conflict, match="run: pinkslip db upgrade"):
        check_schema(database)

    database.close()


def test_an_older_schema_is_refused_with_the_command(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schema, "REVISIONS", (*schema.REVISIONS, "0098"))

    assert needs_upgrade(database)
    with pytest.raises(Conflict, match=r"schema 0003.*needs 0098; run: pinkslip db upgrade"):
        check_schema(database)


def test_a_newer_schema_is_refused_with_the_version_to_install(database: Database) -> None:
    set_revision(database, "0099")
    with database.writer_engine.begin() as connection:
        row = {"id": 7, "started_at": 1, "holder": "x", "version": "9.9"}
        connection.execute(writers.insert(), row)

    assert not needs_upgrade(database)
    with pytest.raises(Conflict, match=r"newer.*pip install 'pinkslip==9\.9'"):
        check_schema(database)
    with pytest.raises(Conflict, match="newer"):
        upgrade(database.url)


def test_the_schema_in_use_is_accepted(database: Database) -> None:
    check_schema(database)

    assert not needs_upgrade(database)


def test_a_failed_upgrade_leaves_nothing(
    postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = postgres.create("half")

    def fail(_connection: Connection) -> None:
        _connection.execute(text("CREATE TABLE half_way (id int)"))
        raise RuntimeError("cut off")

    monkeypatch.setattr(schema, "_migrate", fail)
    with pytest.raises(RuntimeError):
        upgrade(url)

    database = open_database(url)
    with database.reader_engine.connect() as connection:
        assert inspect(connection).get_table_names() == []
    database.close()
    postgres.drop("half")


def test_postgresql_is_not_upgraded_while_somebody_serves_it(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = open_database(postgres_url)
    row = {"name": "decide", "holder": "host-1", "epoch": 1, "expires_at": 1 << 60}
    with database.writer_engine.begin() as connection:
        connection.execute(leases.insert(), row)
    database.close()
    monkeypatch.setattr(schema, "REVISIONS", (*schema.REVISIONS, "0098"))

    with pytest.raises(Conflict, match="host-1 is serving"):
        upgrade(postgres_url)


def test_sqlite_is_copied_before_it_is_migrated_and_the_newest_copies_stay(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schema, "REVISIONS", (*schema.REVISIONS, "0098"))
    monkeypatch.setattr(schema, "_migrate", lambda _connection: None)
    stamps = iter(range(5_000, 0, -1_000))
    monkeypatch.setattr(schema, "database_clock", lambda _connection: 10_000 - next(stamps))
    path = Path(sqlite_url.removeprefix("sqlite:///"))

    made = [upgrade(sqlite_url).backup for _ in range(5)]

    kept = sorted(path.parent.glob("*.backup"))
    assert kept == sorted(backup for backup in made[2:] if backup)
    with closing(sqlite3.connect(kept[-1])) as connection:
        assert connection.execute("SELECT name FROM workspaces").fetchone() == ("default",)
