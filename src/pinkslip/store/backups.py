"""Whole, consistent copies of a database while it is served."""

import os
import shutil
import sqlite3
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from psycopg.conninfo import make_conninfo
from sqlalchemy import make_url

from pinkslip.model.errors import Conflict, Invalid, Unavailable
from pinkslip.store.engine import open_database


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


def rotated_backup(path: Path, revision: str, stamp: int, *, keep: int) -> Path:
    """A copy of a SQLite file beside it before its schema changes; the newest `keep` of them stay."""
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
    if not path.is_file():
        raise Invalid(f"there is no database file at {path}")
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
