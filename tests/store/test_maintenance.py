"""Backups, health and copies, on real databases."""

import sqlite3
import subprocess
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest
from msgspec.structs import replace
from sqlalchemy import func, select, text
from tests.postgres import PostgresServer
from tests.store.service import WORKSPACE, Service, serving
from tests.store.ticking import decided, episode, place, tick

from pinkslip.model.errors import Conflict, Invalid, Unavailable
from pinkslip.model.words import ActorKind, Result, Verdict
from pinkslip.store import acts, copying, reviewing, silencing, standings
from pinkslip.store.copying import Step
from pinkslip.store.engine import Database, open_database
from pinkslip.store.maintenance import (
    backup,
    check_schema,
    copy,
    has_wal_reset_bug,
    quick_check,
    upgrade,
    verify_chain,
)
from pinkslip.store.readers import Readers
from pinkslip.store.schema import REVISIONS
from pinkslip.store.tables import metadata


def live_a_little(service: Service, agents: int = 5) -> None:
    for number in range(agents):
        name = f"agent-{number}"
        service.beat(name, role="dev", labels={"team": "x"}, progress=number / 3)
        service.after(10).outcome(
            name,
            Result.FAILURE,
            event_id=f"e-{number}",
            error="boom",
            score=0.25,
            cost_usd=0.000001,
        )
    for number in range(0, agents, 2):
        service.act(
            partial(
                acts.fire,
                workspace_id=WORKSPACE,
                ident=f"agent-{number}",
                reason="dumb",
                context="",
                actor_kind=ActorKind.PERSON,
                actor="jason",
            )
        )
    service.checkpoint()


def overrule(service: Service) -> None:
    """A row in every table that people's word fills."""
    service.beat("agent-1", lineage="l")
    condemning = decided(service, "agent-1", verdict=Verdict.FIRED)
    evidence = replace(condemning.evidence, lineage="l")
    tick(
        service,
        replace(condemning, evidence=evidence),
        episodes=(episode(3),),
        places=(place("agent:3"),),
    )
    service.beat("another", lineage="l")
    by = {"actor_kind": ActorKind.PERSON, "actor": "jason", "workspace_id": WORKSPACE}
    give = partial(reviewing.review, workspace_id=WORKSPACE, event_id="e-0", score=1.0)
    service.act(partial(give, comment="good", actor="jason"))
    ends_at = service.clock.wall_ms() + 1_000
    silence = partial(silencing.silence_add, workspace_id=WORKSPACE, match=(), reason="x")
    service.act(partial(silence, owner="jason", ends_at=ends_at))
    pause = partial(standings.quarantine, ident="agent-3", until=ends_at, context="", **by)
    service.act(pause)
    for number in (5, 6):
        service.beat(f"agent-{number}")
        tick(service.after(5_000), decided(service, f"agent-{number}", number))
        back = partial(acts.reinstate, ident=f"agent-{number}", wrong=True, context="", **by)
        service.act(back)
    service.checkpoint()


def counted(database: Database) -> dict[str, int]:
    with database.reader_engine.connect() as connection:
        return {
            table.name: connection.execute(select(func.count()).select_from(table)).scalar_one()
            for table in metadata.sorted_tables
        }


def test_a_backup_is_whole_and_taken_while_the_service_runs(
    sqlite_url: str, tmp_path: Path
) -> None:
    database = open_database(sqlite_url)
    with serving(database) as service:
        live_a_little(service)

        to = backup(sqlite_url, tmp_path / "copy.db")

        service.beat("later")
    with closing(sqlite3.connect(to)) as connection:
        names = {row[0] for row in connection.execute("SELECT agent_id FROM agents")}
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert names == {f"agent-{number}" for number in range(5)}
    copied = open_database(f"sqlite:///{to}")
    check_schema(copied)
    assert all(chain.broken is None for chain in verify_chain(copied))
    copied.close()
    database.close()


def test_a_backup_overwrites_nothing(sqlite_url: str, tmp_path: Path) -> None:
    to = tmp_path / "copy.db"
    to.write_text("mine")

    with pytest.raises(Conflict, match="exists already"):
        backup(sqlite_url, to)
    with pytest.raises(Invalid, match="no directory"):
        backup(sqlite_url, tmp_path / "nowhere" / "copy.db")

    assert to.read_text() == "mine"


def test_a_missing_database_cannot_be_backed_up(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="no database"):
        backup(f"sqlite:///{tmp_path / 'none.db'}", tmp_path / "copy.db")

    assert list(tmp_path.iterdir()) == []


def test_postgresql_is_dumped_and_can_be_restored(
    postgres: PostgresServer, postgres_url: str, tmp_path: Path
) -> None:
    to = backup(postgres_url, tmp_path / "copy.dump")

    restored = postgres.create("restored")
    subprocess.run(["pg_restore", f"--dbname={restored}", to], check=True)
    database = open_database(restored)
    check_schema(database)
    database.close()
    postgres.drop("restored")


def test_without_pg_dump_the_way_out_is_named(
    postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(Unavailable, match="install postgresql-client"):
        backup(postgres_url, tmp_path / "copy.dump")


def test_a_healthy_database_has_no_problems(database: Database) -> None:
    health = quick_check(database)

    assert health.problems == ()
    assert dict(health.facts)["schema"] == REVISIONS[-1]


def test_a_damaged_file_is_a_problem(sqlite_url: str) -> None:
    path = Path(sqlite_url.removeprefix("sqlite:///"))
    content = bytearray(path.read_bytes())
    for page in range(4, len(content) // 4096):
        content[page * 4096 : page * 4096 + 100] = b"\xff" * 100
    path.write_bytes(content)
    database = open_database(sqlite_url)

    assert quick_check(database).problems

    database.close()


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ((3, 6, 23), False),
        ((3, 7, 0), True),
        ((3, 40, 1), True),
        ((3, 44, 5), True),
        ((3, 44, 6), False),
        ((3, 45, 0), True),
        ((3, 50, 6), True),
        ((3, 50, 7), False),
        ((3, 51, 2), True),
        ((3, 51, 3), False),
        ((3, 53, 0), False),
    ],
)
def test_affected_sqlite_versions_are_known(
    version: tuple[int, int, int], *, expected: bool
) -> None:
    assert has_wal_reset_bug(version) is expected


def test_a_copy_holds_the_same_and_can_be_served(
    sqlite_url: str, postgres: PostgresServer
) -> None:
    target_url = postgres.create("copied")
    source = open_database(sqlite_url)
    with serving(source) as service:
        live_a_little(service)
        overrule(service)
        clock = service.clock
    steps: list[Step] = []

    done = copy(sqlite_url, target_url, progress=steps.append)

    target = open_database(target_url)
    assert counted(source) == counted(target) == dict(done.rows)
    assert [(chain.decisions, chain.state) for chain in done.chains] == [(10, "ok")]
    assert not done.resumed
    assert {"acts", "demotions", "ladders", "lineages", "refusals", "reviews", "silences"} <= {
        name for name, count in done.rows if count
    }
    assert {step.table for step in steps} == {table.name for table in metadata.tables.values()}
    for readers in (Readers(source), Readers(target)):
        agent = readers.agent(WORKSPACE, "agent-1")
        assert agent is not None
        assert (agent.role, agent.labels, agent.progress) == ("dev", {"team": "x"}, 1 / 3)
    with serving(target, clock) as moved:
        moved.beat("agent-1")
        assert moved.journal.writer == 2
    source.close()
    target.close()
    postgres.drop("copied")


def test_a_copy_that_was_cut_off_goes_on_where_it_stopped(
    sqlite_url: str, postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    target_url = postgres.create("resumed")
    source = open_database(sqlite_url)
    with serving(source) as service:
        live_a_little(service)
    monkeypatch.setattr(copying, "CHUNK", 2)

    class Cut(Exception):
        pass

    def cut(step: Step) -> None:
        if step.table == "outcomes" and step.copied == 4:
            raise Cut

    with pytest.raises(Cut):
        copy(sqlite_url, target_url, progress=cut)
    half = open_database(target_url)
    with pytest.raises(Conflict, match="unfinished copy"):
        check_schema(half)
    half.close()

    done = copy(sqlite_url, target_url)

    target = open_database(target_url)
    assert done.resumed
    assert counted(source) == counted(target)
    check_schema(target)
    source.close()
    target.close()
    postgres.drop("resumed")


def test_an_unfinished_copy_of_another_database_is_left_alone(
    sqlite_url: str, postgres: PostgresServer, tmp_path: Path
) -> None:
    target_url = postgres.create("others")

    class Cut(Exception):
        pass

    def cut(step: Step) -> None:
        if step.table == "users" and step.copied:
            raise Cut

    with pytest.raises(Cut):
        copy(sqlite_url, target_url, progress=cut)
    upgrade(f"sqlite:///{tmp_path / 'other.db'}")

    with pytest.raises(Conflict, match="of another database"):
        copy(f"sqlite:///{tmp_path / 'other.db'}", target_url)

    postgres.drop("others")


def test_a_running_source_is_refused(sqlite_url: str, postgres: PostgresServer) -> None:
    target_url = postgres.create("refused")
    source = open_database(sqlite_url)
    with serving(source), pytest.raises(Conflict, match="stop it, then copy"):
        copy(sqlite_url, target_url)

    target = open_database(target_url)
    with target.reader_engine.connect() as connection:
        tables = connection.execute(
            text("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")
        )
        assert tables.scalar_one() == 0
    source.close()
    target.close()
    postgres.drop("refused")


def test_a_target_with_rows_is_refused(sqlite_url: str, postgres_url: str) -> None:
    target = open_database(postgres_url)
    with serving(target) as service:
        service.beat("somebody")

    with pytest.raises(Conflict, match="not empty"):
        copy(sqlite_url, postgres_url)

    target.close()


def test_a_broken_chain_is_not_copied(sqlite_url: str, postgres_url: str) -> None:
    source = open_database(sqlite_url)
    with serving(source) as service:
        live_a_little(service)
    with source.writer_engine.begin() as connection:
        connection.execute(text("UPDATE decisions SET reason = 'other' WHERE number = 2"))

    with pytest.raises(Conflict, match="decision 2"):
        copy(sqlite_url, postgres_url)

    source.close()


def test_copy_goes_one_way_only(sqlite_url: str, postgres_url: str) -> None:
    with pytest.raises(Invalid, match="from a SQLite file to PostgreSQL"):
        copy(postgres_url, sqlite_url)
