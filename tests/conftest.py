"""What every room's tests share: databases of both kinds. Other fixtures live beside their tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.databases import TEMPLATE, PostgresPool, copy_sqlite, prepare
from tests.postgres import DURABLE, PostgresServer, postgres_server

from pinkslip.store.engine import Database, open_database

pytest_plugins = ["tests.prometheus"]


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """One PostgreSQL for the session, without fsync. Missing is a failure, never a skip."""
    with postgres_server() as server:
        yield server


@pytest.fixture(scope="session")
def postgres_pool(postgres: PostgresServer) -> PostgresPool:
    """Migrated databases on that server, emptied after each use."""
    return PostgresPool(postgres)


@pytest.fixture(scope="session")
def durable_postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL that really flushes, where durability is what is tested."""
    with postgres_server(DURABLE) as server:
        prepare(server.create(TEMPLATE))
        yield server


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated file to copy from."""
    path = tmp_path_factory.mktemp("template") / "pinkslip.db"
    prepare(f"sqlite:///{path}")
    return path


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    """A migrated SQLite database of this test's own."""
    return copy_sqlite(sqlite_template, tmp_path / "pinkslip.db")


@pytest.fixture(scope="session")
def postgres_template(postgres: PostgresServer, postgres_pool: PostgresPool) -> PostgresServer:
    """The same server, where `TEMPLATE` is a migrated database to clone from."""
    return postgres


@pytest.fixture
def postgres_url(postgres: PostgresServer, postgres_pool: PostgresPool) -> Iterator[str]:
    """A migrated PostgreSQL database of this test's own."""
    name = postgres_pool.take()
    yield postgres.url(name)
    postgres_pool.give_back(name)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """Both databases, one after the other: the store keeps one contract."""
    name = "sqlite_url" if request.param == "sqlite" else "postgres_url"
    url: str = request.getfixturevalue(name)
    return url


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """An opened, migrated database of each kind."""
    opened = open_database(database_url)
    yield opened
    opened.close()
