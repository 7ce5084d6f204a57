"""What is done to a database as a whole: upgrade, check, back up, verify. `copying` moves one to PostgreSQL.

Nothing here runs while serving, except `backup`, `verify` and `quick_check`, which only read.
"""

import os
import shutil
import sqlite3
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from psycopg.conninfo import make_conninfo
from sqlalchemy import Connection, inspect, make_url, select, text
from sqlalchemy.exc import DBAPIError, OperationalError

from pinkslip.model.errors import Conflict, Invalid, Unavailable
from pinkslip.store import chain
from pinkslip.store.engine import Database, first_line, open_database
from pinkslip.store.tables import leases, workspaces, writers

REVISIONS = ("0001",)
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
        with _translated(database):
            return _upgrade(database, keep_backups=keep_backups)
    finally:
        database.close()


def check_schema(database: Database) -> None:
    """Conflict, with the command to run, unless the schema is exactly what this binary needs."""
    with _translated(database), database.reader_engine.connect() as connection:
        found = schema_of(connection)
        if found == REVISIONS[-1]:
            _refuse_unfinished_copy(database, connection)
            return
        raise Conflict(_mismatch(connection, found, database.where))


def needs_upgrade(database: Database) -> bool:
    """Whether `upgrade` would do something. A newer schema is `check_schema`'s to refuse."""
    with _translated(database), database.reader_engine.connect() as connection:
        found = schema_of(connection)
    return found is None or found in REVISIONS[:-1]


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
            backup = _rotated_backup(database.path, found, stamp, keep=keep_backups)
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
def _translated(database: Database) -> Iterator[None]:
    try:
        yield
    except OperationalError as error:
        raise Unavailable(f"{database.where}: {first_line(error)}") from error


# backup


def backup(url: str, to: Path) -> Path:
    """Write a whole, consistent copy to `to`, which must not exist. Works while the service runs.

    SQLite: a database file, compacted. PostgreSQL: pg_dump's custom format, for pg_restore.
    """
    if to.exists():
        raise Conflict(f"{to} exists already; name a new file")
    if not to.parent.is_dir():
        raise Invalid(f"there is no directory {to.parent} for the backup")
    database = open_database(url)
    database.close()
    partial = to.with_name(to.name + ".partial")
    partial.unlink(missing_ok=True)
    try:
        if database.path is not None:
            _copy_file(database.path, partial)
        else:
            _dump(url, partial)
        _flush(partial)
        partial.rename(to)
        _flush(to.parent)
    finally:
        partial.unlink(missing_ok=True)
    return to


def _rotated_backup(path: Path, revision: str, stamp: int, *, keep: int) -> Path:
    to = path.with_name(f"{path.name}.schema-{revision}-{stamp}.backup")
    backup(f"sqlite:///{path}", to)
    older = sorted(
        path.parent.glob(f"{_literal(path.name)}.schema-*.backup"), key=_stamp, reverse=True
    )
    for surplus in older[keep:]:
        surplus.unlink()
    return to


def _literal(name: str) -> str:
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in name)


def _stamp(path: Path) -> int:
    digits = path.name.removesuffix(".backup").rpartition("-")[2]
    return int(digits) if digits.isdecimal() else 0


def _copy_file(path: Path, to: Path) -> None:
    """VACUUM INTO reads one snapshot and never checkpoints: the service's writer stays the only one that does."""
    if not path.exists():
        raise Invalid(f"there is no database at {path}")
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection:
        try:
            connection.execute("VACUUM INTO ?", (str(to),))
        except sqlite3.Error as error:
            raise Unavailable(f"cannot copy {path} to {to}: {error}") from error


def _dump(url: str, to: Path) -> None:
    program = shutil.which("pg_dump")
    if program is None:
        raise Unavailable(
            "pg_dump is not installed; install postgresql-client (15 or newer), "
            "or use your server's own backups"
        )
    with _dump_target(url) as target:
        done = subprocess.run(  # noqa: S603 - argv is ours
            [program, "--format=custom", "--no-password", f"--file={to}", f"--dbname={target}"],
            check=False,
            capture_output=True,
            text=True,
        )
    if done.returncode != 0:
        raise Unavailable(f"pg_dump failed: {done.stderr.strip() or done.returncode}")


@contextmanager
def _dump_target(url: str) -> Iterator[str]:
    """A connection string without a password, which other users could read in the list of processes."""
    parsed = make_url(url)
    parameters = {key: value for key, value in parsed.query.items() if isinstance(value, str)}
    with tempfile.TemporaryDirectory(prefix="pinkslip-") as directory:
        if parsed.password is not None:
            passfile = Path(directory) / "pgpass"
            passfile.touch(mode=stat.S_IRUSR | stat.S_IWUSR)
            passfile.write_text(f"*:*:*:*:{_passfile_field(str(parsed.password))}\n")
            parameters["passfile"] = str(passfile)
        yield make_conninfo(
            host=parsed.host,
            port=parsed.port,
            dbname=parsed.database,
            user=parsed.username,
            **parameters,
        )


def _passfile_field(value: str) -> str:
    return value.replace("\\", "\\\\").replace(":", "\\:")


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


# verification


def verify_chain(database: Database) -> list[chain.Verified]:
    """Walk every workspace's decisions, those of deleted workspaces included."""
    with _translated(database), database.reader_engine.connect() as connection:
        known = connection.execute(
            text("SELECT DISTINCT workspace_id FROM decisions")
        ).scalars()
        ids = set(known) | set(connection.execute(select(workspaces.c.id)).scalars())
        return [chain.verify(connection, workspace_id) for workspace_id in sorted(ids)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """What `quick_check` found. Problems need a person; warnings are worth knowing."""

    problems: tuple[str, ...]
    warnings: tuple[str, ...]
    facts: tuple[tuple[str, str], ...]
    """What was looked at, and what it is, for `doctor` to print."""


def quick_check(database: Database) -> Health:
    """A reader's look at the database: does it open, is its schema ours, is it whole."""
    problems, warnings, facts = [], [], [("database", database.where)]
    try:
        check_schema(database)
        facts.append(("schema", REVISIONS[-1]))
    except Conflict as refusal:
        problems.append(str(refusal))
    except DBAPIError as error:
        problems.append(f"{database.where}: {first_line(error)}")
        return Health(problems=tuple(problems), warnings=(), facts=tuple(facts))
    if database.dialect == "sqlite":
        facts.append(("SQLite", sqlite3.sqlite_version))
        problems += _integrity(database)
        if has_wal_reset_bug(sqlite3.sqlite_version_info):
            warnings.append(
                f"SQLite {sqlite3.sqlite_version} can corrupt a WAL database that two connections write; "
                "Pinkslip writes through one, so do not write to the file with other tools while it runs"
            )
    else:
        with _translated(database), database.reader_engine.connect() as connection:
            facts.append(
                (
                    "PostgreSQL",
                    str(connection.execute(text("SHOW server_version")).scalar_one()),
                )
            )
    return Health(problems=tuple(problems), warnings=tuple(warnings), facts=tuple(facts))


def has_wal_reset_bug(version: tuple[int, ...]) -> bool:
    """3.7.0 to 3.51.2, except where the repair was carried back: 3.44.6 and 3.50.7 onwards of those lines."""
    if (3, 44, 6) <= version < (3, 45, 0) or (3, 50, 7) <= version < (3, 51, 0):
        return False
    return (3, 7, 0) <= version < (3, 51, 3)


def _integrity(database: Database) -> list[str]:
    with _translated(database), database.reader_engine.connect() as connection:
        answers = [row[0] for row in connection.exec_driver_sql("PRAGMA quick_check(20)")]
        orphans = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchmany(20)
    problems = [f"{database.where}: {answer}" for answer in answers if answer != "ok"]
    problems += [f"{database.where}: a row of {row[0]} refers to nothing" for row in orphans]
    return problems
