"""Move an installation from SQLite to PostgreSQL, table by table in key order; cut off anywhere, it goes on.

1. The source must not be running: we take its lock file for as long as the copy takes.
2. The target must be empty, or hold our own unfinished copy. A table of ours there says how far it came;
   while it exists nobody can serve the target (`schema.check_schema`).
3. Rows and the note of how far we came are committed together, some thousands at a time.
4. At the end every table is counted on both sides and every workspace's chain of decisions is walked in the
   target. Only then the note goes, and the target is whole.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import Connection, Table, func, inspect, select, text, tuple_

from pinkslip.model.errors import Conflict, Invalid
from pinkslip.store import chain
from pinkslip.store.engine import Database, open_database
from pinkslip.store.lease import LockFile, lock_path
from pinkslip.store.schema import (
    UNFINISHED_COPY,
    check_schema,
    live_holder,
    refuse_mismatch,
    upgrade,
)
from pinkslip.store.tables import metadata, workspaces

CHUNK = 5_000
HOLDER = "pinkslip db copy"
_FIRST_ROWS = ("users", "workspaces")
"""What a fresh schema has already; the source's own take their place."""

Progress = Callable[["Step"], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """How far a copy has come."""

    table: str
    copied: int
    rows: int
    """In the source."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Copied:
    """A finished copy: rows by table, the same on both sides, and the verified chains."""

    rows: tuple[tuple[str, int], ...]
    chains: tuple[chain.ChainReport, ...]
    resumed: bool


def copy(
    source_url: str, target_url: str, *, progress: Progress = lambda _step: None
) -> Copied:
    """Copy everything from a SQLite database into an empty PostgreSQL one; run again to resume.

    Conflict when the source is running or of another schema, when the target holds anything but our own
    unfinished copy, or when the two sides differ at the end.
    """
    source, target = open_database(source_url), open_database(target_url)
    try:
        _check_kinds(source, target)
        with _standing_still(source):
            check_schema(source)
            _check_free(target)
            upgrade(target_url)
            return _copy(source, target, progress)
    finally:
        source.close()
        target.close()


def _check_kinds(source: Database, target: Database) -> None:
    if source.path is None or target.dialect != "postgresql":
        raise Invalid(
            "copy goes from a SQLite file to PostgreSQL: copy SOURCE.db postgresql://..."
        )
    if not source.path.exists():
        raise Invalid(f"there is no database at {source.path}")


@contextmanager
def _standing_still(source: Database) -> Iterator[None]:
    assert source.path is not None, "checked before"
    lock = LockFile(lock_path(source.path))
    if not lock.take(HOLDER):
        holder = lock.holder() or "another process"
        raise Conflict(f"{holder} is serving {source.where}; stop it, then copy")
    try:
        yield
    finally:
        lock.release()


def _check_free(target: Database) -> None:
    with target.reader_engine.connect() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return
        refuse_mismatch(connection, target.where)
        holder = live_holder(connection)
        if holder is not None:
            raise Conflict(f"{holder} is serving {target.where}; copy into an empty database")


def _copy(source: Database, target: Database, progress: Progress) -> Copied:
    with source.reader_engine.connect() as reading, target.writer_engine.connect() as writing:
        with reading.begin():
            _check_chains(reading)
            resumed = _claim(writing, _identity(reading), target.where)
            for table in metadata.sorted_tables:
                _copy_table(reading, writing, table, progress)
            copied = _verified(reading, writing, resumed=resumed)
        with writing.begin():
            writing.execute(text(f"DROP TABLE {UNFINISHED_COPY}"))
        return copied


def _identity(reading: Connection) -> str:
    """The uuid of the installation's first workspace: no two have the same."""
    return str(
        reading.execute(
            select(workspaces.c.uuid).order_by(workspaces.c.id).limit(1)
        ).scalar_one()
    )


def _claim(writing: Connection, identity: str, where: str) -> bool:
    """Make sure the target is ours to fill; whether we go on with an earlier copy."""
    with writing.begin():
        if inspect(writing).has_table(UNFINISHED_COPY):
            found = writing.execute(
                text(f"SELECT DISTINCT source FROM {UNFINISHED_COPY}")  # noqa: S608 - a constant of ours
            ).scalars()
            if set(found) - {identity}:
                raise Conflict(
                    f"{where} holds an unfinished copy of another database; use an empty one"
                )
            return True
        full = [table.name for table in metadata.sorted_tables if _holds_more(writing, table)]
        if full:
            raise Conflict(
                f"{where} is not empty (rows in {', '.join(full)}); copy into an empty database"
            )
        for name in _FIRST_ROWS:
            writing.execute(metadata.tables[name].delete())
        writing.execute(
            text(
                f"CREATE TABLE {UNFINISHED_COPY}"
                " (table_name text PRIMARY KEY, source text NOT NULL, last_key text,"
                " copied bigint NOT NULL)"
            )
        )
        return False


def _holds_more(writing: Connection, table: Table) -> bool:
    allowed = 1 if table.name in _FIRST_ROWS else 0
    rows = writing.execute(select(table.c[0]).limit(allowed + 1)).all()
    return len(rows) > allowed


def _copy_table(
    reading: Connection, writing: Connection, table: Table, progress: Progress
) -> None:
    key, copied = _came_to(writing, table)
    rows = _count(reading, table)
    progress(Step(table=table.name, copied=copied, rows=rows))
    while chunk := _next_rows(reading, table, key):
        with writing.begin():
            _load(writing, table, chunk)
            key, copied = _key_of(table, chunk[-1]), copied + len(chunk)
            _note(writing, table, _identity(reading), key, copied)
        progress(Step(table=table.name, copied=copied, rows=rows))


def _came_to(writing: Connection, table: Table) -> tuple[list[Any] | None, int]:
    with writing.begin():
        row = writing.execute(
            text(f"SELECT last_key, copied FROM {UNFINISHED_COPY} WHERE table_name = :name"),  # noqa: S608 - a constant of ours
            {"name": table.name},
        ).one_or_none()
    return (None, 0) if row is None else (msgspec.json.decode(row.last_key), row.copied)


def _note(
    writing: Connection, table: Table, identity: str, key: list[Any], copied: int
) -> None:
    writing.execute(
        text(
            f"INSERT INTO {UNFINISHED_COPY} (table_name, source, last_key, copied)"  # noqa: S608 - a constant of ours
            " VALUES (:name, :source, :key, :copied) ON CONFLICT (table_name)"
            " DO UPDATE SET last_key = excluded.last_key, copied = excluded.copied"
        ),
        {
            "name": table.name,
            "source": identity,
            "key": msgspec.json.encode(key).decode(),
            "copied": copied,
        },
    )


def _next_rows(
    reading: Connection, table: Table, after: Sequence[Any] | None
) -> list[tuple[Any, ...]]:
    key = list(table.primary_key)
    statement = select(table).order_by(*key).limit(CHUNK)
    if after is not None:
        statement = statement.where(tuple_(*key) > tuple(after))
    return [tuple(row) for row in reading.execute(statement)]


def _key_of(table: Table, row: Sequence[Any]) -> list[Any]:
    places = [list(table.c).index(column) for column in table.primary_key]
    return [row[place] for place in places]


def _load(writing: Connection, table: Table, rows: Sequence[Sequence[Any]]) -> None:
    names = ", ".join(f'"{column.name}"' for column in table.c)
    driver: Any = writing.connection.driver_connection
    with (
        driver.cursor() as cursor,
        cursor.copy(f'COPY "{table.name}" ({names}) FROM STDIN') as copying,
    ):
        for row in rows:
            copying.write_row(row)


def _count(connection: Connection, table: Table) -> int:
    return int(connection.execute(select(func.count()).select_from(table)).scalar_one())


def _verified(reading: Connection, writing: Connection, *, resumed: bool) -> Copied:
    with writing.begin():
        counts = []
        for table in metadata.sorted_tables:
            here, there = _count(reading, table), _count(writing, table)
            if here != there:
                raise Conflict(
                    f"{table.name} has {here} rows in the source and {there} in the target; "
                    "empty the target and copy again"
                )
            counts.append((table.name, there))
        chains = tuple(_same_chain(reading, writing, number) for number in _owners(reading))
    return Copied(rows=tuple(counts), chains=chains, resumed=resumed)


def _owners(reading: Connection) -> list[int]:
    """Workspaces with a chain, those that were deleted included."""
    decisions = metadata.tables["decisions"]
    owners = set(reading.execute(select(decisions.c.workspace_id).distinct()).scalars())
    return sorted(owners | set(reading.execute(select(workspaces.c.id)).scalars()))


def _check_chains(reading: Connection) -> None:
    for workspace_id in _owners(reading):
        broken = chain.verify(reading, workspace_id).broken
        if broken is not None:
            where = f"workspace {workspace_id}"
            what = (
                f"{where}: {broken.problem}"
                if broken.is_of_fire
                else f"decision {broken.number} of {where} {broken.problem}"
            )
            raise Conflict(f"{what}; nothing was copied, see `pinkslip doctor`")


def _same_chain(
    reading: Connection, writing: Connection, workspace_id: int
) -> chain.ChainReport:
    here = chain.verify(reading, workspace_id)
    there = chain.verify(writing, workspace_id)
    if here != there:
        raise Conflict(
            f"the decisions of workspace {workspace_id} differ between source and target; "
            "empty the target and copy again"
        )
    return there
