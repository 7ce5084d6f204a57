"""What is done to a database as a whole: upgrade, check, back up, copy, verify.

Nothing here runs while serving, except `backup`, `verify`, `verify_chain` and `quick_check`, which only read.
"""

import sqlite3
from dataclasses import dataclass

from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from pinkslip.model.errors import Conflict, Invalid
from pinkslip.store import chain
from pinkslip.store.backups import backup
from pinkslip.store.copying import Copied, Step, copy
from pinkslip.store.engine import Database, first_line
from pinkslip.store.schema import (
    REVISIONS,
    Upgraded,
    check_schema,
    needs_upgrade,
    translated,
    upgrade,
)
from pinkslip.store.tables import workspaces

__all__ = [
    "Copied",
    "Health",
    "Step",
    "Upgraded",
    "backup",
    "check_schema",
    "copy",
    "has_wal_reset_bug",
    "needs_upgrade",
    "quick_check",
    "upgrade",
    "verify",
    "verify_chain",
]


def verify(database: Database, workspace_id: int) -> chain.ChainReport:
    """Walk one workspace's decisions. Bounded in memory, however many there are."""
    with translated(database), database.reader_engine.connect() as connection:
        return chain.verify(connection, workspace_id)


def verify_chain(database: Database) -> list[chain.ChainReport]:
    """Walk every workspace's decisions, those of deleted workspaces included."""
    with translated(database), database.reader_engine.connect() as connection:
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
    except (Invalid, DBAPIError) as error:
        problems.append(
            f"{database.where}: {first_line(error)}"
            if isinstance(error, DBAPIError)
            else str(error)
        )
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
        with translated(database), database.reader_engine.connect() as connection:
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
    with translated(database), database.reader_engine.connect() as connection:
        answers = [row[0] for row in connection.exec_driver_sql("PRAGMA quick_check(20)")]
        orphans = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchmany(20)
    problems = [f"{database.where}: {answer}" for answer in answers if answer != "ok"]
    problems += [f"{database.where}: a row of {row[0]} refers to nothing" for row in orphans]
    return problems
