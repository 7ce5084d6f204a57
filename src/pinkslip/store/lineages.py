"""Condemned lineages: a worker that was fired on the evidence of all its ids comes back under none of them."""

from sqlalchemy import Connection, delete, or_, select, update

from pinkslip.fleet.admission import Head
from pinkslip.model.facts import Absolved, Condemned
from pinkslip.model.time import DAY_MS
from pinkslip.store.tables import lineages, refusals
from pinkslip.store.transaction import Transaction
from pinkslip.store.upsert import insert_absent

KEPT_MS = 90 * DAY_MS
"""Longer than the fleet takes a lineage of which nothing is heard for the same worker."""


def condemn(tx: Transaction, workspace_id: int, lineage: str, *, fire_id: str) -> None:
    """Turn away whoever comes as this lineage from now on. The first fire of it stays the reason."""
    insert_absent(
        tx.connection,
        lineages,
        {
            "workspace_id": workspace_id,
            "lineage": lineage,
            "evidence": "",
            "written_at": tx.now,
        },
    )
    condemned = tx.connection.execute(
        update(lineages)
        .where(
            lineages.c.workspace_id == workspace_id,
            lineages.c.lineage == lineage,
            lineages.c.condemned_at.is_(None),
        )
        .values(condemned_at=tx.now, fire_id=fire_id)
    )
    if condemned.rowcount:
        fact = Condemned(at=tx.now, seq=tx.allot(), lineage=lineage, fire_id=fire_id)
        tx.emit_about(workspace_id, fact)


def absolve(tx: Transaction, head: Head, *, fire_id: str) -> None:
    """Let in again what the agent's fire turned away, and the lineage it has."""
    condemned = tx.connection.execute(
        select(lineages.c.lineage)
        .where(
            lineages.c.workspace_id == head.workspace_id,
            lineages.c.condemned_at.is_not(None),
            or_(lineages.c.lineage == head.lineage, lineages.c.fire_id == fire_id),
        )
        .order_by(lineages.c.lineage)
    ).scalars()
    for lineage in condemned.all():
        tx.connection.execute(
            update(lineages)
            .where(lineages.c.workspace_id == head.workspace_id, lineages.c.lineage == lineage)
            .values(condemned_at=None, fire_id=None)
        )
        tx.emit_about(head.workspace_id, Absolved(at=tx.now, seq=tx.allot(), lineage=lineage))


def forget_lineages(connection: Connection, *, now: int) -> None:
    """Let go of those of which nothing was heard for long, but for who is condemned; and of whom they sent."""
    connection.execute(
        delete(lineages).where(
            lineages.c.condemned_at.is_(None), lineages.c.written_at < now - KEPT_MS
        )
    )
    connection.execute(delete(refusals).where(refusals.c.last_at < now - KEPT_MS))
