"""Databases for tests: made once, copied for each test."""

import shutil
from pathlib import Path

from sqlalchemy import insert

from pinkslip.store import tables
from pinkslip.store.engine import open_database


def prepare(url: str) -> None:
    """Give an empty database the schema, the default workspace and its local user."""
    try:
        from pinkslip.store.maintenance import upgrade  # noqa: PLC0415 - until migrations are always there
    except ImportError:
        _create_all(url)
    else:
        upgrade(url)


def copy_sqlite(source: Path, target: Path) -> str:
    """A prepared file under another name; nobody has it open. Its URL."""
    shutil.copyfile(source, target)
    return f"sqlite:///{target}"


def _create_all(url: str) -> None:
    database = open_database(url)
    with database.writer_engine.begin() as connection:
        tables.metadata.create_all(connection)
        workspace = {
            "id": tables.DEFAULT_WORKSPACE,
            "uuid": "00000000-0000-7000-8000-000000000001",
            "name": "default",
            "created_at": 0,
            "decisions_head": bytes(32),
        }
        local = {"workspace_id": 1, "id": 1, "name": "local", "created_at": 0}
        local["uuid"] = "00000000-0000-7000-8000-000000000002"
        connection.execute(insert(tables.workspaces), [workspace])
        connection.execute(insert(tables.users), [local])
    database.close()
