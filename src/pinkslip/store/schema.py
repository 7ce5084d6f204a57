"""The schema a database stands at: check it, bring it up to date.

Released migrations are never edited; a binary serves exactly the newest schema it knows.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, inspect, select, text
from sqlalchemy.exc import DatabaseError, OperationalError

from pinkslip.model.errors import Conflict, Invalid, Unavailable
from pinkslip.store.backups import rotated_backup
from pinkslip.store.engine import Database, first_line, open_database
from pinkslip.store.tables import leases, writers

REVISIONS = ("0001", "0002", "0003")
"""Every schema there has been, oldest first; the last is the one this binary needs."""
UNFINISHED_COPY = "pinkslip_copy"
"""A table that exists only while a copy into this database is under way."""
KEEP_BACKUPS = 3
LOCK_TIMEOUT = "3s"

_CLOCK = {
    "sqlite": "SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)",
    "postgresql": "SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Upgraded:
    """What an upgrade did."""

    before: str | None
    """The schema found; None: the database was empty."""
    after: str
    backup: Path | None
    """The copy taken first, where there was something to lose."""


def upgrade(url: str, *, keep_backups: int = KEEP_BACKUPS) -> Upgraded:
    """Bring the schema to what this binary needs, in one transaction. Does nothing when it is.

    SQLite is copied beside itself first, and the newest `keep_backups` copies are kept. PostgreSQL is not
    touched while somebody serves it. Conflict when the database is newer than this binary.
    """
    database = open_database(url)
    try:
        with translated(database):
            return _upgrade(database, keep_backups=keep_backups)
    finally:
        database.close()


def check_schema(database: Database) -> None:
    """Conflict, with the command to run, unless the schema is exactly what this binary needs."""
    with translated(database), database.reader_engine.connect() as connection:
        refuse_mismatch(connection, database.where)
        _refuse_unfinished_copy(database, connection)


def needs_upgrade(database: Database) -> bool:
    """Whether `upgrade` would do something. A newer schema is `check_schema`'s to refuse."""
    with translated(database), database.reader_engine.connect() as connection:
        found = schema_of(connection)
    return found is None or found in REVISIONS[:-1]


def refuse_mismatch(connection: Connection, where: str) -> None:
    """Conflict, with the command to run, unless `connection` looks at the schema this binary needs."""
    found = schema_of(connection)
    if found != REVISIONS[-1]:
        raise Conflict(_mismatch(connection, found, where))


def schema_of(connection: Connection) -> str | None:
    """The revision the database stands at; None when it has no schema of ours."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def database_clock(connection: Connection) -> int:
    """The database's own time in ms: for rows written without a running service."""
    return int(connection.execute(text(_CLOCK[connection.dialect.name])).scalar_one())


def _upgrade(database: Database, *, keep_backups: int) -> Upgraded:
    with database.writer_engine.connect() as connection:
        with connection.begin():
            found = schema_of(connection)
            if found is not None and found not in REVISIONS:
                raise Conflict(_mismatch(connection, found, database.where))
            stamp = database_clock(connection)
        if found == REVISIONS[-1]:
            return Upgraded(before=found, after=found, backup=None)
        backup = None
        if found is not None and database.path is not None:
            backup = rotated_backup(database.path, found, stamp, keep=keep_backups)
        with connection.begin():
            if database.dialect == "postgresql":
                connection.execute(text(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'"))
                _refuse_served(database, connection, found)
            _migrate(connection)
    return Upgraded(before=found, after=REVISIONS[-1], backup=backup)


def _migrate(connection: Connection) -> None:
    from alembic import command  # noqa: PLC0415 - takes 0.37 s to import, needed once per release
    from alembic.config import Config  # noqa: PLC0415 - as above

    config = Config()
    config.set_main_option("script_location", "pinkslip.store:migrations")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _refuse_served(database: Database, connection: Connection, found: str | None) -> None:
    if found is None:
        return
    holder = live_holder(connection)
    if holder is not None:
        raise Conflict(f"{holder} is serving {database.where}; stop it, then upgrade")


def live_holder(connection: Connection) -> str | None:
    """Who holds an unexpired lease, by the database's clock."""
    return connection.execute(
        select(leases.c.holder).where(leases.c.expires_at > database_clock(connection))
    ).scalar()


def _refuse_unfinished_copy(database: Database, connection: Connection) -> None:
    if inspect(connection).has_table(UNFINISHED_COPY):
        raise Conflict(
            f"{database.where} holds an unfinished copy; "
            "run the same `pinkslip db copy` again to finish it"
        )


def _mismatch(connection: Connection, found: str | None, where: str) -> str:
    needed = REVISIONS[-1]
    if found is None:
        return f"{where} has no Pinkslip schema yet; run: pinkslip db upgrade"
    if found in REVISIONS:
        return (
            f"{where} has schema {found}, this version of Pinkslip needs {needed}; "
            "run: pinkslip db upgrade"
        )
    return (
        f"{where} has schema {found}, newer than this version of Pinkslip, which knows {needed}; "
        f"run: {_install_command(connection)}"
    )


def _install_command(connection: Connection) -> str:
    newest = connection.execute(
        select(writers.c.version).order_by(writers.c.id.desc()).limit(1)
    ).scalar()
    return f"pip install 'pinkslip=={newest}'" if newest else "pip install --upgrade pinkslip"


@contextmanager
def translated(database: Database) -> Iterator[None]:
    """A database that does not answer is `Unavailable`; a file that is none of ours is `Invalid`."""
    try:
        yield
    except OperationalError as error:
        raise Unavailable(f"{database.where}: {first_line(error)}") from error
    except DatabaseError as error:
        # its kinds say that a statement was wrong: our mistake
        if type(error) is not DatabaseError:
            raise
        raise Invalid(f"cannot use {database.where}: {first_line(error)}") from error
