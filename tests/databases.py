"""Databases for tests: made once, then copied (SQLite) or emptied again (PostgreSQL) for each test."""

import itertools
import shutil
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from tests.postgres import PostgresServer

from pinkslip.store.maintenance import upgrade

TEMPLATE = "pinkslip_template"

_SHAPE = """
    SELECT array_agg(format('%s.%s %s', c.relname, a.attname, a.atttypid) ORDER BY 1)
        || (SELECT array_agg(setconfig::text) FROM pg_db_role_setting)
        || (SELECT array_agg(indexdef ORDER BY 1) FROM pg_indexes WHERE schemaname = 'public')
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
    WHERE c.relnamespace = 'public'::regnamespace
"""
"""Anything of a database's shape that a test might have changed."""


def prepare(url: str) -> None:
    """Give an empty database the schema, the default workspace and its local user."""
    upgrade(url)


def copy_sqlite(source: Path, target: Path) -> str:
    """A prepared file under another name; nobody has it open. Its URL."""
    shutil.copyfile(source, target)
    return f"sqlite:///{target}"


class PostgresPool:
    """Databases like the template. To empty one takes a hundredth of what a new one takes."""

    def __init__(self, server: PostgresServer) -> None:
        self._server = server
        self._numbers = itertools.count(1)
        self._free: list[str] = []
        prepare(server.create(TEMPLATE))
        with psycopg.connect(server.url(TEMPLATE)) as connection:
            self._shape = connection.execute(_SHAPE).fetchone()
            tables = [row[0] for row in connection.execute(_TABLES)]
            self._rows = {table: _rows(connection, table) for table in tables}

    def take(self) -> str:
        """The name of a database that is as the template is."""
        if self._free:
            return self._free.pop()
        name = f"test_{next(self._numbers)}"
        self._server.create(name, template=TEMPLATE)
        return name

    def give_back(self, name: str) -> None:
        """Empty it for the next test; drop it where a test changed more than rows."""
        try:
            is_clean = self._clean(name)
        except psycopg.Error:
            is_clean = False
        if is_clean:
            self._free.append(name)
        else:
            self._server.drop(name)

    def _clean(self, name: str) -> bool:
        with psycopg.connect(self._server.url(name)) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            connection.execute("SET lock_timeout = '5s'")
            if connection.execute(_SHAPE).fetchone() != self._shape:
                return False
            for table in self._rows:
                connection.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(table)))
            for table in sorted(self._rows, key=_referred_to_first):
                _insert(connection, table, self._rows[table])
        return True


_TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename"


def _referred_to_first(table: str) -> bool:
    return table != "workspaces"


def _rows(connection: "psycopg.Connection[Any]", table: str) -> list[tuple[Any, ...]]:
    return connection.execute(
        sql.SQL("SELECT * FROM {}").format(sql.Identifier(table))
    ).fetchall()


def _insert(
    connection: "psycopg.Connection[Any]", table: str, rows: list[tuple[Any, ...]]
) -> None:
    for row in rows:
        marks = sql.SQL(", ").join([sql.Placeholder()] * len(row))
        connection.execute(
            sql.SQL("INSERT INTO {} VALUES ({})").format(sql.Identifier(table), marks), row
        )
