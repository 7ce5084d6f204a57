"""Insert or replace, spelled for both databases."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite


def upsert(connection: Connection, table: Table, rows: Sequence[dict[str, Any]]) -> None:
    """Insert `rows`, each with the same columns; where the primary key is there already, replace the others."""
    if not rows:
        return
    key = [column.name for column in table.primary_key]
    insert = _insert(connection, table)
    statement = insert.on_conflict_do_update(
        index_elements=key,
        set_={name: insert.excluded[name] for name in rows[0] if name not in key},
    )
    connection.execute(statement, list(rows))


def insert_absent(connection: Connection, table: Table, row: dict[str, Any]) -> bool:
    """Insert `row` unless its primary key is there already; whether it was inserted."""
    key = [column.name for column in table.primary_key]
    statement = _insert(connection, table).on_conflict_do_nothing(index_elements=key)
    return connection.execute(statement, row).rowcount == 1


def _insert(connection: Connection, table: Table) -> "sqlite.Insert | postgresql.Insert":
    if connection.dialect.name == "sqlite":
        return sqlite.insert(table)
    return postgresql.insert(table)
