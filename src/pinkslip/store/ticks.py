"""What a tick and the enforcement loop make durable: each is one fenced transaction of the writer.

1. The policy set's text is kept, once for each hash.
2. What still stands of each decision is `judge.settling`'s to say; the rest is recorded as superseded.
3. Decisions are chained, fires carried out, standings explained, episodes and places put as they stand now,
   and the tick's own row closes the pass.
"""

from collections.abc import Collection, Sequence

import msgspec
from sqlalchemy import bindparam, delete, insert, select, tuple_, update

from pinkslip.fleet.admission import Head
from pinkslip.judge.settling import Overruled, settled
from pinkslip.model.decisions import (
    Decision,
    DeliveryChange,
    Episode,
    Place,
    TickRecord,
    TickWritten,
)
from pinkslip.model.errors import Conflict
from pinkslip.model.facts import Blinded, Demoted, Ruled
from pinkslip.model.policy import PolicySet
from pinkslip.model.words import (
    ActorKind,
    BlindCause,
    DeliveryState,
    EpisodeState,
    Verdict,
)
from pinkslip.store.changes import act_of
from pinkslip.store.firing import (
    Grace,
    Judged,
    append_decisions,
    carry_out,
    is_silent,
    open_delivery,
)
from pinkslip.store.standings import stand
from pinkslip.store.tables import (
    acts,
    blind,
    decisions,
    deliveries,
    episodes,
    ladders,
    policy_sets,
    ticks,
)
from pinkslip.store.transaction import Transaction
from pinkslip.store.upsert import insert_absent, upsert

DEFAULT_GRACE = Grace()


def record_tick(
    tx: Transaction,
    record: TickRecord,
    policy_set: PolicySet,
    *,
    grace: Grace = DEFAULT_GRACE,
) -> TickWritten:
    """Write a tick whole, or raise and leave nothing of it. Conflict: it was taken under another tenure."""
    if (record.writer, record.epoch) != (tx.writer, tx.epoch):
        raise Conflict(
            f"the tick was taken under epoch {record.epoch}; the lease is at epoch {tx.epoch}"
        )
    _keep_policy_set(tx, record, policy_set)
    texts = {policy.name: policy.text for policy in policy_set.policies}
    judged, to_fire = _settled(tx, record)
    append_decisions(tx, record.workspace_id, judged)
    for head, entry in to_fire:
        carry_out(
            tx,
            head,
            entry,
            policy_text=texts.get(entry.decision.policy, ""),
            was_silent=is_silent(tx, head, grace),
        )
    stand(tx, record.workspace_id, record.standings, judged_at=record.now)
    superseded = tuple(
        entry.decision.id for entry in judged if entry.decision.verdict is Verdict.SUPERSEDED
    )
    _put_episodes(tx, record.workspace_id, _settled_episodes(record, superseded))
    _put_places(tx, record.workspace_id, record.places)
    _insert_tick(tx, record)
    return TickWritten(
        fired=tuple(entry.decision.id for _head, entry in to_fire), superseded=superseded
    )


def record_deliveries(tx: Transaction, changes: Sequence[DeliveryChange]) -> None:
    """Put deliveries as the enforcement loop concluded, unless a reinstatement cancelled them meanwhile."""
    for change in changes:
        changed = tx.connection.execute(
            update(deliveries)
            .where(
                deliveries.c.workspace_id == change.workspace_id,
                deliveries.c.fire_id == change.fire_id,
                deliveries.c.generation == change.generation,
                deliveries.c.state != DeliveryState.CANCELLED,
            )
            .values(state=change.state, settled_at=change.settled_at, detail=change.detail)
            .returning(deliveries.c.agent_no, deliveries.c.agent_id)
        ).one_or_none()
        if changed is not None and change.next_generation:
            open_delivery(
                tx,
                workspace_id=change.workspace_id,
                fire_id=change.fire_id,
                agent_no=changed.agent_no,
                agent_id=changed.agent_id,
                generation=change.generation + 1,
                was_silent=False,
            )


def record_blind(
    tx: Transaction,
    workspace_id: int,
    *,
    start: int,
    end: int,
    cause: BlindCause,
    wall_offset_ms: int,
    detail: str,
) -> Blinded:
    """We did not see between `start` and `end`: nobody's age counts it, now or after a restart."""
    fact = Blinded(at=tx.now, seq=tx.allot(), start=start, end=end, cause=cause)
    tx.connection.execute(
        insert(blind),
        {
            "workspace_id": workspace_id,
            "writer": tx.writer,
            "seq": fact.seq,
            "at": fact.at,
            "started_at": start,
            "ended_at": end,
            "cause": cause,
            "wall_offset_ms": wall_offset_ms,
            "detail": detail,
        },
    )
    tx.emit(workspace_id, fact)
    return fact


def end_episodes(tx: Transaction, workspace_id: int, ended: Sequence[Episode]) -> None:
    """Forget episodes that ended outside a tick: their policy was changed or removed."""
    if not ended:
        return
    tx.connection.execute(
        delete(episodes).where(
            episodes.c.workspace_id == bindparam("workspace"),
            episodes.c.policy == bindparam("by"),
            episodes.c.agent_no == bindparam("number"),
        ),
        [
            {
                "workspace": workspace_id,
                "by": episode.policy,
                "number": episode.agent_no,
            }
            for episode in ended
        ],
    )


def _keep_policy_set(tx: Transaction, record: TickRecord, policy_set: PolicySet) -> None:
    if policy_set.hash != record.policy_set_hash:
        raise ValueError(
            f"the tick was judged by {record.policy_set_hash}, not by {policy_set.hash}"
        )
    row = {
        "workspace_id": record.workspace_id,
        "hash": policy_set.hash,
        "first_loaded_at": record.now,
        "texts": msgspec.json.encode(policy_set.texts).decode(),
    }
    insert_absent(tx.connection, policy_sets, row)


def _settled(
    tx: Transaction, record: TickRecord
) -> tuple[list[Judged], list[tuple[Head, Judged]]]:
    """Every decision as it will be recorded, and those that fire with the heads they fire.

    Two policies may conclude the same of one agent in one tick: the first fires it.
    """
    heads = {
        decision.agent_no: _head_of(tx, record.workspace_id, decision)
        for decision in record.decisions
    }
    finals = settled(
        record.decisions,
        lambda decision: heads[decision.agent_no],
        _overruled_since(tx, record),
        judged_at=record.now,
        now=tx.now,
    )
    judged, to_fire = [], []
    for final in finals:
        head = heads[final.agent_no]
        entry = Judged(
            decision=final,
            watermark=record.watermark,
            policy_set_hash=record.policy_set_hash,
            role=(head.role if head else None) or "",
            actor_kind=ActorKind.POLICY,
            actor=final.policy,
            context=final.evidence.words if final.verdict is Verdict.FIRED else "",
        )
        judged.append(entry)
        if head is not None and final.verdict is Verdict.FIRED:
            to_fire.append((head, entry))
    return judged, to_fire


def _head_of(tx: Transaction, workspace_id: int, decision: Decision) -> Head | None:
    """The agent as it is now; None where another has its name, or nobody."""
    head = tx.head(workspace_id, decision.agent_id)
    return head if head is not None and head.agent_no == decision.agent_no else None


def _overruled_since(tx: Transaction, record: TickRecord) -> Overruled:
    """What people said between the tick's look and now."""
    rows = tx.connection.execute(
        select(acts).where(
            acts.c.workspace_id == record.workspace_id,
            tuple_(acts.c.writer, acts.c.seq) > (record.writer, record.watermark),
            acts.c.kind.in_((Ruled.__name__, Demoted.__name__)),
        )
    )
    facts = [act_of(row.kind, row.body, at=row.at, seq=row.seq) for row in rows]
    vetoed = [
        fact.decision_id
        for fact in facts
        if isinstance(fact, Ruled) and fact.verdict is Verdict.VETOED
    ]
    return Overruled(
        vetoed=frozenset(_about(tx, record.workspace_id, vetoed)),
        demoted=frozenset(fact.policy for fact in facts if isinstance(fact, Demoted)),
    )


def _about(
    tx: Transaction, workspace_id: int, decision_ids: Sequence[str]
) -> list[tuple[str, int]]:
    """Which policy's word on whom these decisions were."""
    if not decision_ids:
        return []
    rows = tx.connection.execute(
        select(decisions.c.policy, decisions.c.agent_no).where(
            decisions.c.workspace_id == workspace_id, decisions.c.id.in_(decision_ids)
        )
    )
    return [(row.policy, row.agent_no) for row in rows]


def _settled_episodes(record: TickRecord, superseded: Collection[str]) -> list[Episode]:
    """What could not be done leaves its episode as it was: it is tried again, or waits as before."""
    return [
        episode
        for episode in record.episodes
        if episode.state is EpisodeState.CLEAR or episode.decision_id not in superseded
    ]


def _put_episodes(tx: Transaction, workspace_id: int, changed: Sequence[Episode]) -> None:
    end_episodes(
        tx,
        workspace_id,
        [episode for episode in changed if episode.state is EpisodeState.CLEAR],
    )
    rows = [
        {
            "workspace_id": workspace_id,
            "policy": episode.policy,
            "agent_no": episode.agent_no,
            "episode_hash": episode.episode_hash,
            "incarnation": episode.incarnation,
            "state": str(episode.state),
            "began_at": episode.began_at,
            "true_since": episode.true_since,
            "false_since": episode.false_since,
            "guard": None if episode.guard is None else str(episode.guard),
            "guard_detail": episode.guard_detail,
            "decision_id": episode.decision_id,
            "until": episode.until,
            "ruled_by": episode.ruled_by,
        }
        for episode in changed
        if episode.state is not EpisodeState.CLEAR
    ]
    upsert(tx.connection, episodes, rows)


def _put_places(tx: Transaction, workspace_id: int, changed: Sequence[Place]) -> None:
    gone = [
        {"workspace": workspace_id, "by": place.policy, "whose": place.subject}
        for place in changed
        if place.gone
    ]
    if gone:
        tx.connection.execute(
            delete(ladders).where(
                ladders.c.workspace_id == bindparam("workspace"),
                ladders.c.policy == bindparam("by"),
                ladders.c.subject == bindparam("whose"),
            ),
            gone,
        )
    rows = [
        {"workspace_id": workspace_id, **_place_row(place)}
        for place in changed
        if not place.gone
    ]
    upsert(tx.connection, ladders, rows)


def _place_row(place: Place) -> dict[str, object]:
    row = msgspec.structs.asdict(place)
    del row["gone"]
    return {**row, "standing": str(place.standing)}


def _insert_tick(tx: Transaction, record: TickRecord) -> None:
    tx.connection.execute(
        insert(ticks),
        {
            "workspace_id": record.workspace_id,
            "writer": record.writer,
            "seq": record.watermark,
            "now": record.now,
            "epoch": record.epoch,
            "policy_set_hash": record.policy_set_hash,
            "folded": record.folded,
            "digest": record.digest,
            "wall_offset_ms": record.wall_offset_ms,
        },
    )
