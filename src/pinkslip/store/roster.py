"""The heads of the agents the writer has heard of, and what it takes to find one it has not.

An agent may be unknown because it is new, because this process has just started, or because it left memory
long ago. So nobody is registered before the database has been asked: one question for all the unknown
agents of a batch.
"""

from collections.abc import Collection, Iterable
from typing import Any

import msgspec
from msgspec import UNSET
from sqlalchemy import Connection, Row, select, tuple_, update
from sqlalchemy.sql import func

from pinkslip.fleet.admission import NO_LABELS, Admission, Condemnations, Head, apply
from pinkslip.model.facts import Stood
from pinkslip.model.words import Standing, Status
from pinkslip.store.changes import decode
from pinkslip.store.tables import (
    agent_changes,
    agents,
    beat_runs,
    enforcement,
    fires,
    lineages,
    workspaces,
)

_ASK_AT_MOST = 500
_UUID_LENGTH = 36
_labels = msgspec.json.Decoder(dict[str, str]).decode

_COLUMNS = (
    agents.c.agent_no,
    agents.c.agent_id,
    agents.c.id,
    agents.c.status,
    agents.c.standing,
    agents.c.incarnation,
    agents.c.current_task,
    agents.c.progress,
    agents.c.context_used,
    agents.c.interval_ms,
    agents.c.boot_id,
    agents.c.name,
    agents.c.model,
    agents.c.role,
    agents.c.host,
    agents.c.lineage,
    agents.c.labels,
    agents.c.session_key,
    agents.c.finished_at,
    agents.c.protected_until,
    agents.c.standing_until,
)


_CONDEMNED = (
    select(lineages.c.workspace_id, lineages.c.lineage, fires.c.reason)
    .select_from(
        lineages.outerjoin(
            fires,
            (fires.c.workspace_id == lineages.c.workspace_id)
            & (fires.c.id == lineages.c.fire_id),
        )
    )
    .where(lineages.c.condemned_at.is_not(None))
)


class Roster:
    """All heads, by workspace and agentId. Touched by the writer thread only."""

    def __init__(self) -> None:
        self._heads: dict[int, dict[str, Head]] = {}
        self._next_agent_no: dict[int, int] = {}
        self._stopped: frozenset[int] | None = None
        self._condemned: Condemnations | None = None

    def stopped(self, connection: Connection) -> frozenset[int]:
        """Where enforcement is stopped, so that no order goes out."""
        if self._stopped is None:
            rows = connection.execute(
                select(enforcement.c.workspace_id).where(enforcement.c.stopped_at.is_not(None))
            )
            self._stopped = frozenset(rows.scalars())
        return self._stopped

    def forget_stopped(self) -> None:
        """It was, or may have been, changed: read it again when it is next needed."""
        self._stopped = None

    def condemned(self, connection: Connection) -> Condemnations:
        """The lineages that are turned away, and why."""
        if self._condemned is None:
            found: dict[int, dict[str, str]] = {}
            for row in connection.execute(_CONDEMNED):
                found.setdefault(row.workspace_id, {})[row.lineage] = row.reason or ""
            self._condemned = found
        return self._condemned

    def forget_condemned(self) -> None:
        """It was, or may have been, changed: read it again when it is next needed."""
        self._condemned = None

    def of(self, workspace_id: int) -> dict[str, Head]:
        """One workspace's heads by agentId, live: look things up, change nothing."""
        heads = self._heads.get(workspace_id)
        if heads is None:
            heads = self._heads[workspace_id] = {}
        return heads

    def __len__(self) -> int:
        return sum(len(heads) for heads in self._heads.values())

    def load(
        self, connection: Connection, workspace_id: int, idents: Iterable[str]
    ) -> dict[str, str]:
        """Read the heads behind `idents`, which are agentIds or else uuids: the agentId behind each uuid."""
        unknown = sorted(set(idents))
        for start in range(0, len(unknown), _ASK_AT_MOST):
            some = unknown[start : start + _ASK_AT_MOST]
            self._load(connection, workspace_id, agents.c.agent_id.in_(some))
        heads = self.of(workspace_id)
        uuids = [
            ident for ident in unknown if ident not in heads and len(ident) == _UUID_LENGTH
        ]
        aliases: dict[str, str] = {}
        for start in range(0, len(uuids), _ASK_AT_MOST):
            some = uuids[start : start + _ASK_AT_MOST]
            found = self._load(connection, workspace_id, agents.c.id.in_(some))
            aliases.update((head.uuid, head.agent_id) for head in found)
        return aliases

    def load_number(
        self, connection: Connection, workspace_id: int, agent_no: int
    ) -> Head | None:
        """The head of one agent by its number, read when it is not here."""
        for head in self._load(connection, workspace_id, agents.c.agent_no == agent_no):
            return head
        return None

    def next_agent_no(self, connection: Connection, workspace_id: int) -> int | None:
        """A fresh number; None when there is no such workspace."""
        number = self._next_agent_no.get(workspace_id)
        if number is None:
            number = connection.execute(
                select(workspaces.c.next_agent_no).where(workspaces.c.id == workspace_id)
            ).scalar_one_or_none()
        if number is not None:
            self._next_agent_no[workspace_id] = number + 1
        return number

    def write_next_agent_no(self, connection: Connection, workspace_id: int) -> None:
        """Make the numbers given out last."""
        connection.execute(
            update(workspaces)
            .where(workspaces.c.id == workspace_id)
            .values(next_agent_no=self._next_agent_no[workspace_id])
        )

    def add(self, head: Head) -> None:
        """A head that was registered in this pass."""
        self.of(head.workspace_id)[head.agent_id] = head

    def undo(self, admission: Admission) -> None:
        """Be as before this pass."""
        for head, before in admission.undo:
            self.of(head.workspace_id)[head.agent_id] = before
        for head, _seq in admission.registered:
            self.of(head.workspace_id).pop(head.agent_id, None)
            self._next_agent_no.pop(head.workspace_id, None)

    def forget(self, workspace_id: int, numbers: Collection[int]) -> None:
        """Drop the heads of agents that left memory; one that reports again is read again."""
        heads = self.of(workspace_id)
        gone = set(numbers)
        for agent_id in [key for key, head in heads.items() if head.agent_no in gone]:
            del heads[agent_id]

    def forget_workspace(self, workspace_id: int) -> None:
        """Drop all that is known of a workspace."""
        self._heads.pop(workspace_id, None)
        self._next_agent_no.pop(workspace_id, None)
        self._condemned = None

    def clear(self) -> None:
        """Know nothing: everything is read again when it is needed."""
        self._stopped = self._condemned = None
        self._heads.clear()
        self._next_agent_no.clear()

    def _load(self, connection: Connection, workspace_id: int, condition: object) -> list[Head]:
        rows = connection.execute(
            select(*_COLUMNS).where(agents.c.workspace_id == workspace_id, condition)  # type: ignore[arg-type]  # a column expression
        ).all()
        heads = self.of(workspace_id)
        read = {}
        for row in rows:
            if row.agent_id not in heads:
                read[row.agent_no] = _head(workspace_id, row)
        if read:
            _catch_up(connection, workspace_id, read)
            _read_runs(connection, workspace_id, read)
            _read_fires(connection, workspace_id, read)
            _read_quarantines(connection, workspace_id, read)
            heads.update((head.agent_id, head) for head in read.values())
        return [heads[row.agent_id] for row in rows]


def _head(workspace_id: int, row: Row[*tuple[Any, ...]]) -> Head:
    return Head(
        workspace_id=workspace_id,
        agent_no=row.agent_no,
        agent_id=row.agent_id,
        uuid=row.id,
        status=Status(row.status),
        standing=Standing(row.standing),
        incarnation=row.incarnation,
        current_task=row.current_task,
        progress=row.progress,
        context_used=row.context_used,
        interval_ms=row.interval_ms,
        boot_id=row.boot_id,
        name=row.name,
        model=row.model,
        role=row.role,
        host=row.host,
        lineage=row.lineage,
        labels=NO_LABELS if row.labels == "{}" else _labels(row.labels),
        session_key=row.session_key,
        last_error=UNSET,  # an outcome since the checkpoint may have set another
        finished_at=row.finished_at,
        protected_until=row.protected_until,
        standing_until=row.standing_until,
    )


def _catch_up(connection: Connection, workspace_id: int, read: dict[int, Head]) -> None:
    """Apply what was journaled after the rows were checkpointed."""
    rows = connection.execute(
        select(
            agent_changes.c.agent_no,
            agent_changes.c.at,
            agent_changes.c.seq,
            agent_changes.c.kind,
            agent_changes.c.changes,
        )
        .join(
            agents,
            (agents.c.workspace_id == agent_changes.c.workspace_id)
            & (agents.c.agent_no == agent_changes.c.agent_no),
        )
        .where(
            agent_changes.c.workspace_id == workspace_id,
            agent_changes.c.agent_no.in_(list(read)),
            agent_changes.c.at >= agents.c.updated_at,  # bounds the search; the place decides
            tuple_(agent_changes.c.writer, agent_changes.c.seq)
            > tuple_(agents.c.folded_writer, agents.c.folded_seq),
        )
        .order_by(agent_changes.c.writer, agent_changes.c.seq)
    )
    for row in rows:
        fact = decode(row.kind, row.changes, agent_no=row.agent_no, at=row.at, seq=row.seq)
        apply(read[row.agent_no], fact)


def _read_runs(connection: Connection, workspace_id: int, read: dict[int, Head]) -> None:
    """Find the newest stretch of beats of each, to be extended where it is not over."""
    newest = (
        select(beat_runs.c.agent_no, func.max(beat_runs.c.started_at).label("started_at"))
        .where(beat_runs.c.workspace_id == workspace_id, beat_runs.c.agent_no.in_(list(read)))
        .group_by(beat_runs.c.agent_no)
        .subquery()
    )
    rows = connection.execute(
        select(
            beat_runs.c.agent_no,
            beat_runs.c.started_at,
            beat_runs.c.last_at,
            beat_runs.c.beats,
        )
        .join(
            newest,
            (newest.c.agent_no == beat_runs.c.agent_no)
            & (newest.c.started_at == beat_runs.c.started_at),
        )
        .where(beat_runs.c.workspace_id == workspace_id)
    )
    for row in rows:
        head = read[row.agent_no]
        head.run_started, head.last_beat, head.run_beats = (
            row.started_at,
            row.last_at,
            row.beats,
        )


def _read_fires(connection: Connection, workspace_id: int, read: dict[int, Head]) -> None:
    """Learn by which fire the fired ones left."""
    fired = [
        head.agent_no
        for head in read.values()
        if head.standing is Standing.FIRED and head.fire_id is None
    ]
    if not fired:
        return
    rows = connection.execute(
        select(fires.c.agent_no, fires.c.incarnation, fires.c.id, fires.c.reason).where(
            fires.c.workspace_id == workspace_id, fires.c.agent_no.in_(fired)
        )
    )
    for row in rows:
        head = read[row.agent_no]
        if row.incarnation == head.incarnation:
            head.fire_id, head.fire_reason = row.id, row.reason


def _read_quarantines(connection: Connection, workspace_id: int, read: dict[int, Head]) -> None:
    """Learn whose doing it is that they are paused, where no change since the checkpoint says so."""
    for head in read.values():
        if head.standing is not Standing.QUARANTINED or head.stood_at:
            continue
        row = connection.execute(
            select(agent_changes.c.at, agent_changes.c.seq, agent_changes.c.changes)
            .where(
                agent_changes.c.workspace_id == workspace_id,
                agent_changes.c.agent_no == head.agent_no,
                agent_changes.c.kind == Stood.__name__,
            )
            .order_by(
                agent_changes.c.at.desc(),
                agent_changes.c.writer.desc(),
                agent_changes.c.seq.desc(),
            )
            .limit(1)
        ).one_or_none()
        if row is not None:
            apply(
                head,
                decode(
                    Stood.__name__, row.changes, agent_no=head.agent_no, at=row.at, seq=row.seq
                ),
            )
