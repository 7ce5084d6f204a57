"""What every room's tests share: databases of both kinds. Other fixtures live beside their tests."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.databases import copy_sqlite, prepare
from tests.postgres import DURABLE, PostgresServer, postgres_server

from pinkslip.store.engine import Database, open_database

pytest_plugins = ["tests.prometheus"]

TEMPLATE = "pinkslip_template"
_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """One PostgreSQL for the session, without fsync. Missing is a failure, never a skip."""
    with postgres_server() as server:
        yield server


@pytest.fixture(scope="session")
def postgres_template(postgres: PostgresServer) -> PostgresServer:
    """The same server, with a migrated database to clone from."""
    prepare(postgres.create(TEMPLATE))
    return postgres


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


@pytest.fixture
def postgres_url(postgres_template: PostgresServer) -> Iterator[str]:
    """A migrated PostgreSQL database of this test's own."""
    name = f"test_{next(_numbers)}"
    yield postgres_template.create(name, template=TEMPLATE)
    postgres_template.drop(name)


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
