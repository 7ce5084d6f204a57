"""Opens a database, SQLite or PostgreSQL, with exactly one way to write and a few to read.

SQLite has one writing connection, which is also the only one that checkpoints; readers are `query_only`.
PostgreSQL holds no session state of ours, so that a pooler may stand between: what a writing transaction
needs is set within it (`lease.fence`).
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from sqlalchemy import Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError, DBAPIError, OperationalError
from sqlalchemy.pool import QueuePool

from pinkslip.model.errors import Invalid, Unavailable

Dialect = Literal["sqlite", "postgresql"]

POSTGRESQL_MIN = 15
BUSY_TIMEOUT_MS = 5_000
"""How long SQLite waits for a lock that only a backup or a stray tool can hold."""
WAL_PAGES = 8_000
"""32 MB between checkpoints: pages that every commit touches are written back once, not eight times."""
READERS_MAX = 8
CONNECT_TIMEOUT_S = 5
TCP_USER_TIMEOUT_MS = 7_000
"""Below the lease's ten seconds: a half-open socket is noticed before another may decide."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """An opened database. `writer_engine` has one connection, which the journal keeps while it runs."""

    dialect: Dialect
    where: str
    """For people: an absolute path, or user, host and name; never a password."""
    url: str = field(repr=False)
    """As given; may hold a password."""
    path: Path | None
    """The SQLite file; None on PostgreSQL."""
    writer_engine: Engine = field(repr=False)
    reader_engine: Engine = field(repr=False)

    def close(self) -> None:
        """Readers first, so that the writer's connection is the one that checkpoints."""
        self.reader_engine.dispose()
        self.writer_engine.dispose()


def open_database(url: str) -> Database:
    """`sqlite:///path`, a bare path, or `postgresql://...`. Connects to nothing yet; see `check`."""
    parsed = _parse(url)
    match parsed.get_backend_name():
        case "sqlite":
            return _open_sqlite(url, parsed)
        case "postgresql":
            return _open_postgresql(url, parsed)
        case other:
            raise Invalid(
                f"database {other}:// is not supported; use sqlite:///path/to/pinkslip.db "
                "or postgresql://user@host/name"
            )


def check(database: Database) -> tuple[str, ...]:
    """Connect once. Invalid when the server cannot carry our promises, Unavailable when it does not
    answer; otherwise warnings worth showing at start."""
    try:
        with database.reader_engine.connect() as connection:
            if database.dialect == "sqlite":
                connection.execute(text("SELECT count(*) FROM sqlite_master"))
                return ()
            return _check_postgresql(connection)
    except OperationalError as error:
        raise Unavailable(f"cannot open {database.where}: {first_line(error)}") from error
    except DBAPIError as error:
        raise Invalid(f"cannot use {database.where}: {first_line(error)}") from error


def first_line(error: DBAPIError) -> str:
    """What the driver said, without the statement and its parameters."""
    return str(error.orig).strip().partition("\n")[0]


def _parse(url: str) -> URL:
    if "://" not in url:
        return URL.create("sqlite", database=url)
    scheme, _, rest = url.partition("://")
    if scheme in {"postgres", "postgresql"}:
        scheme = "postgresql+psycopg"
    try:
        return make_url(f"{scheme}://{rest}")
    except (ArgumentError, ValueError) as error:
        raise Invalid(
            "the database URL cannot be read; use sqlite:///path/to/pinkslip.db "
            "or postgresql://user@host/name"
        ) from error


def _check_postgresql(connection: Connection) -> tuple[str, ...]:
    version, fsync, commit = connection.execute(
        text(
            "SELECT current_setting('server_version_num')::int,"
            " current_setting('fsync'), current_setting('synchronous_commit')"
        )
    ).one()
    if version // 10_000 < POSTGRESQL_MIN:
        raise Invalid(
            f"PostgreSQL {version // 10_000} is too old: Pinkslip needs {POSTGRESQL_MIN} or newer"
        )
    warnings = []
    if fsync != "on":
        warnings.append(
            "PostgreSQL runs with fsync=off: a crash of its host may lose what was answered"
        )
    if commit == "off":
        warnings.append(
            "synchronous_commit is off here; Pinkslip turns it on in its own transactions"
        )
    return tuple(warnings)


def _open_sqlite(url: str, parsed: URL) -> Database:
    if not parsed.database or parsed.database == ":memory:":
        raise Invalid("Pinkslip needs a database file: sqlite:///path/to/pinkslip.db")
    path = Path(parsed.database).absolute()
    if not path.parent.is_dir():
        raise Invalid(f"there is no directory {path.parent} for the database {path.name}")
    where = URL.create("sqlite+pysqlite", database=str(path))
    connect_args = {"isolation_level": None, "timeout": BUSY_TIMEOUT_MS / 1000}
    writer = create_engine(
        where, poolclass=QueuePool, pool_size=1, max_overflow=0, connect_args=connect_args
    )
    reader = create_engine(
        where, poolclass=QueuePool, pool_size=READERS_MAX, connect_args=connect_args
    )
    event.listen(
        writer, "connect", _pragmas("synchronous = FULL", f"wal_autocheckpoint = {WAL_PAGES}")
    )
    event.listen(reader, "connect", _pragmas("query_only = ON", "wal_autocheckpoint = 0"))
    event.listen(writer, "begin", _begin_with("BEGIN IMMEDIATE"))
    event.listen(reader, "begin", _begin_with("BEGIN"))
    return Database(
        dialect="sqlite",
        where=str(path),
        url=url,
        path=path,
        writer_engine=writer,
        reader_engine=reader,
    )


def _pragmas(*own: str) -> Callable[[Any, Any], None]:
    # the order matters: the file must be in WAL mode before a reader turns query_only on
    pragmas = (
        f"busy_timeout = {BUSY_TIMEOUT_MS}",
        "journal_mode = WAL",
        "foreign_keys = ON",
        "temp_store = MEMORY",
        "cache_size = -32768",
        *own,
    )

    def set_up(connection: Any, _record: Any) -> None:
        for pragma in pragmas:
            connection.execute(f"PRAGMA {pragma}").close()

    return set_up


def _begin_with(statement: str) -> Callable[[Connection], None]:
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql(statement)

    return begin


def _open_postgresql(url: str, parsed: URL) -> Database:
    if parsed.get_driver_name() not in {"", "psycopg"}:
        raise Invalid(
            "Pinkslip speaks to PostgreSQL through psycopg; write postgresql://user@host/name"
        )
    connect_args = {
        "prepare_threshold": None,  # prepared statements and poolers do not mix
        "connect_timeout": CONNECT_TIMEOUT_S,
        "tcp_user_timeout": TCP_USER_TIMEOUT_MS,
        "keepalives_idle": 5,
        "keepalives_interval": 2,
        "keepalives_count": 3,
        "application_name": "pinkslip",
    }
    connect_args = {
        key: value for key, value in connect_args.items() if key not in parsed.query
    }
    writer = create_engine(
        parsed, pool_size=1, max_overflow=0, connect_args=connect_args, pool_pre_ping=True
    )
    reader = create_engine(
        parsed,
        pool_size=READERS_MAX,
        connect_args=connect_args,
        pool_pre_ping=True,
        execution_options={"isolation_level": "REPEATABLE READ", "postgresql_readonly": True},
    )
    return Database(
        dialect="postgresql",
        where=_spoken(parsed),
        url=url,
        path=None,
        writer_engine=writer,
        reader_engine=reader,
    )


def _spoken(url: URL) -> str:
    user = f"{url.username}@" if url.username else ""
    port = f":{url.port}" if url.port else ""
    return f"postgresql://{user}{url.host or 'localhost'}{port}/{url.database or ''}"
