"""The agents' rows as a checkpoint of the fold: written in chunks, read back as `Restored`.

A row says up to which journal place its columns include everything about that agent. Once all agents
changed up to a place have been written, the workspace's row says so too (`complete`), and a rebuild folds
only what came after. A row is made at first contact and only ever updated here: a deleted one stays deleted.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Float,
    Integer,
    Select,
    SmallInteger,
    select,
    tuple_,
    update,
)

from pinkslip.fleet.snapshot import AgentView, RoleTotals
from pinkslip.model.facts import LineageBook, Restored
from pinkslip.model.words import Fault, Standing, Status
from pinkslip.store.tables import agents, lineages, role_totals, workspaces
from pinkslip.store.transaction import Transaction
from pinkslip.store.upsert import upsert

FAILED_COLUMNS = tuple(f"failed_{fault}" for fault in Fault)
FETCH = 5_000


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where in the journal: process start and number in it."""

    writer: int
    seq: int


@dataclass(frozen=True, slots=True)
class TotalsAt:
    """What is counted whatever becomes of an agent's row: everything up to `place`, and nothing after."""

    rows: tuple[RoleTotals, ...]
    """By role and model, all of them."""
    place: Place
    lineages: tuple[LineageBook, ...] = ()
    """Those that changed since they were last written."""


@dataclass(frozen=True, slots=True)
class LineagesAt:
    """What is known of workers whatever their ids: everything up to `place`, and who is condemned now."""

    books: tuple[LineageBook, ...]
    place: Place


_RENAMED = {"uuid": "id", "writer": "folded_writer", "seq": "folded_seq", "at": "updated_at"}
"""Fields of `Restored` whose column has another name."""
_PLACES = {name: place for place, name in enumerate(Restored.__struct_fields__)}
_FIELDS = [name for name in Restored.__struct_fields__ if name != "failed"]
_COLUMNS = [
    agents.c[name] for name in (*(_RENAMED.get(f, f) for f in _FIELDS), *FAILED_COLUMNS)
]
"""In the order of the fields, so that a row becomes an agent by position; `failed` comes last, in parts."""
_KEPT = frozenset({"agent_no", "id", "agent_id", "created_at"})
"""Written at first contact and never after."""

_labels = msgspec.json.Decoder(dict[str, str]).decode
_buckets = msgspec.json.Decoder(tuple[int, ...]).decode
_totals = msgspec.json.Decoder(RoleTotals).decode
_statuses = {str(status): status for status in Status}
_standings = {str(standing): standing for standing in Standing}


def checkpoint(
    tx: Transaction,
    workspace_id: int,
    rows: Sequence[Restored],
    totals: TotalsAt | None = None,
    *,
    complete: Place | None = None,
) -> None:
    """Write these agents' rows, where they are newer than what is stored.

    `complete`: after this chunk every agent changed at or before that place has been written. Pass it with
    the last chunk, together with `totals` no older than it.
    """
    if rows:
        _write_agents(tx.connection, workspace_id, rows)
    if totals is not None:
        _write_lineages(tx, workspace_id, totals)
        _write_totals(tx.connection, workspace_id, totals)
    if complete is not None:
        tx.connection.execute(
            update(workspaces)
            .where(
                workspaces.c.id == workspace_id,
                tuple_(workspaces.c.folded_writer, workspaces.c.folded_seq)
                < (complete.writer, complete.seq),
            )
            .values(folded_writer=complete.writer, folded_seq=complete.seq)
        )


def complete_place(connection: Connection, workspace_id: int) -> Place:
    """Every agent's row includes the journal up to here."""
    row = connection.execute(
        select(workspaces.c.folded_writer, workspaces.c.folded_seq).where(
            workspaces.c.id == workspace_id
        )
    ).one_or_none()
    return Place(row.folded_writer, row.folded_seq) if row else Place(0, 0)


def role_totals_at(connection: Connection, workspace_id: int) -> TotalsAt:
    """What was checkpointed last; nothing at place 0 when nothing was."""
    rows = connection.execute(
        select(
            role_totals.c.totals, role_totals.c.folded_writer, role_totals.c.folded_seq
        ).where(role_totals.c.workspace_id == workspace_id)
    ).all()
    place = max((Place(row.folded_writer, row.folded_seq) for row in rows), default=Place(0, 0))
    return TotalsAt(tuple(_totals(row.totals) for row in rows), place)


def lineages_at(connection: Connection, workspace_id: int) -> LineagesAt:
    """What was checkpointed last of each lineage."""
    place = connection.execute(
        select(workspaces.c.lineages_writer, workspaces.c.lineages_seq).where(
            workspaces.c.id == workspace_id
        )
    ).one_or_none()
    rows = connection.execute(
        select(
            lineages.c.lineage,
            lineages.c.evidence,
            lineages.c.condemned_at,
            lineages.c.fire_id,
        )
        .where(lineages.c.workspace_id == workspace_id)
        .order_by(lineages.c.lineage)
    )
    return LineagesAt(
        tuple(LineageBook(*row) for row in rows),
        Place(*place) if place else Place(0, 0),
    )


def restored_agents(
    connection: Connection, workspace_id: int, *conditions: Any, chunk: int = FETCH
) -> Iterator[Restored]:
    """Agents' rows where all `conditions` hold, as they were last checkpointed."""
    statement = select(*_COLUMNS).where(agents.c.workspace_id == workspace_id, *conditions)
    for row in raw_rows(connection, statement, chunk=chunk):
        yield _restored(row)


def raw_rows(
    connection: Connection, statement: Select[Any], *, chunk: int
) -> Iterator[tuple[Any, ...]]:
    """A query's rows as the driver gives them: at a million, wrapping each costs more than reading it."""
    compiled = statement.compile(
        dialect=connection.dialect, compile_kwargs={"render_postcompile": True}
    )
    values = compiled.construct_params()
    driver: Any = connection.connection.driver_connection
    if connection.dialect.name == "sqlite":
        cursor = driver.cursor()
        cursor.execute(str(compiled), [values[name] for name in compiled.positiontup or ()])
    else:
        # a cursor on the server's side, so that a million rows are not here at once
        cursor = driver.cursor(name=f"rows_{id(compiled)}")
        cursor.execute(str(compiled), values, binary=True)
    try:
        while rows := cursor.fetchmany(chunk):
            yield from rows
    finally:
        cursor.close()


def as_restored(rows: Iterable[Sequence[Any]]) -> list[Restored]:
    """Raw rows of `columns()`."""
    return [_restored(tuple(row)) for row in rows]


def columns() -> list[Column[Any]]:
    """What to select for `as_restored`."""
    return list(_COLUMNS)


def view_of(agent: Restored, *, is_stale: bool = False) -> AgentView:
    """What API and pages show of an agent that is not in memory."""
    values = {name: getattr(agent, name) for name in _SHARED_WITH_VIEW}
    return AgentView(is_stale=is_stale, **values)


_SHARED_WITH_VIEW = tuple(
    name for name in AgentView.__struct_fields__ if name in Restored.__struct_fields__
)


_LABELS, _STATUS, _STANDING = _PLACES["labels"], _PLACES["status"], _PLACES["standing"]
_FAILED, _BUCKETS = _PLACES["failed"], _PLACES["duration_buckets"]


def _restored(row: tuple[Any, ...]) -> Restored:
    values: list[Any] = list(row[: -len(FAILED_COLUMNS)])
    values.insert(_FAILED, row[-len(FAILED_COLUMNS) :])
    labels, buckets = values[_LABELS], values[_BUCKETS]
    values[_LABELS] = {} if labels == "{}" else _labels(labels)
    values[_BUCKETS] = () if buckets == "[]" else _buckets(buckets)
    values[_STATUS] = _statuses[values[_STATUS]]
    values[_STANDING] = _standings[values[_STANDING]]
    return Restored(*values)


_AS_THEY_ARE = [
    name
    for name in _FIELDS
    if name not in {"at", "labels", "status", "standing", "duration_buckets"}
]


def _values(agent: Restored) -> dict[str, Any]:
    values = {_RENAMED.get(name, name): getattr(agent, name) for name in _AS_THEY_ARE}
    values["labels"] = msgspec.json.encode(agent.labels, order="sorted").decode()
    values["status"] = str(agent.status)
    values["standing"] = str(agent.standing)
    values["duration_buckets"] = msgspec.json.encode(agent.duration_buckets).decode()
    values.update(zip(FAILED_COLUMNS, agent.failed, strict=True))
    values["left_at"] = max(
        (at for at in (agent.finished_at, agent.terminated_at) if at is not None), default=None
    )
    return values


_WRITTEN = (*dict.fromkeys(column.name for column in _COLUMNS), "left_at")


def _write_agents(connection: Connection, workspace_id: int, rows: Sequence[Restored]) -> None:
    writers: dict[str, Callable[[Connection, int, list[dict[str, Any]]], None]] = {
        "sqlite": _update_one_by_one,
        "postgresql": _update_from_arrays,
    }
    # by number, so that two writers would meet rows in one order
    values = [_values(agent) for agent in sorted(rows, key=lambda agent: agent.agent_no)]
    writers[connection.dialect.name](connection, workspace_id, values)


def _update_one_by_one(
    connection: Connection, workspace_id: int, values: list[dict[str, Any]]
) -> None:
    assignments = ", ".join(f"{name} = ?" for name in _WRITTEN if name not in _KEPT)
    names = [name for name in _WRITTEN if name not in _KEPT]
    connection.exec_driver_sql(
        f"UPDATE agents SET {assignments} WHERE workspace_id = ? AND agent_no = ?"  # noqa: S608 - names are ours
        " AND (folded_writer, folded_seq) <= (?, ?)",
        [
            (
                *(row[name] for name in names),
                workspace_id,
                row["agent_no"],
                row["folded_writer"],
                row["folded_seq"],
            )
            for row in values
        ],
    )


def _update_from_arrays(
    connection: Connection, workspace_id: int, values: list[dict[str, Any]]
) -> None:
    written = [name for name in _WRITTEN if name not in _KEPT]
    names = ["agent_no", *written]
    arrays = ", ".join(f"%({name})s::{_array_type(agents.c[name])}" for name in names)
    assignments = ", ".join(f"{name} = new.{name}" for name in written)
    connection.exec_driver_sql(
        f"UPDATE agents SET {assignments}"  # noqa: S608 - names are ours
        f" FROM unnest({arrays}) AS new({', '.join(names)})"
        " WHERE agents.workspace_id = %(workspace_id)s AND agents.agent_no = new.agent_no"
        " AND (agents.folded_writer, agents.folded_seq) <= (new.folded_writer, new.folded_seq)",
        {name: [row[name] for row in values] for name in names}
        | {"workspace_id": workspace_id},
    )


def _array_type(column: Column[Any]) -> str:
    kinds = {
        BigInteger: "bigint[]",
        Integer: "integer[]",
        SmallInteger: "smallint[]",
        Float: "float8[]",
        Boolean: "boolean[]",
    }
    return kinds.get(type(column.type), "text[]")


def _write_totals(connection: Connection, workspace_id: int, totals: TotalsAt) -> None:
    """Rows never go: a role nobody has any more keeps what it did."""
    if not totals.rows:
        return
    key = {"workspace_id": workspace_id}
    place = {"folded_writer": totals.place.writer, "folded_seq": totals.place.seq}
    rows = [
        {
            **key,
            **place,
            "role": row.role,
            "model": row.model,
            "totals": msgspec.json.encode(row).decode(),
        }
        for row in totals.rows
    ]
    upsert(connection, role_totals, rows)
    place_now = tuple_(role_totals.c.folded_writer, role_totals.c.folded_seq)
    connection.execute(
        update(role_totals)
        .where(
            role_totals.c.workspace_id == workspace_id,
            place_now < (totals.place.writer, totals.place.seq),
        )
        .values(**place)
    )


def _write_lineages(tx: Transaction, workspace_id: int, totals: TotalsAt) -> None:
    """Who is condemned stands there already, by the act itself."""
    rows = [
        {
            "workspace_id": workspace_id,
            "lineage": book.lineage,
            "evidence": book.evidence,
            "written_at": tx.now,
        }
        for book in totals.lineages
    ]
    upsert(tx.connection, lineages, rows)
    tx.connection.execute(
        update(workspaces)
        .where(
            workspaces.c.id == workspace_id,
            tuple_(workspaces.c.lineages_writer, workspaces.c.lineages_seq)
            < (totals.place.writer, totals.place.seq),
        )
        .values(lineages_writer=totals.place.writer, lineages_seq=totals.place.seq)
    )
