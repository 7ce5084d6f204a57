"""What people do: fire, reinstate, protect, stop and resume enforcement, keep sessions, delete.

Each is work for `Journal.act`: one transaction, which it is handed. What an act changes of an agent becomes
a fact, so that the fleet and a rebuild learn it alike; who did it and why becomes a transition. What else people
do has modules of its own: `standings`, `rulings`, `silencing`, `reviewing`.
"""

import uuid as uuids
from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import UNSET, Struct
from msgspec.structs import replace
from sqlalchemy import delete, func, insert, or_, select, update

from pinkslip.fleet.admission import LATEST_MS, Head
from pinkslip.fleet.snapshot import AgentView
from pinkslip.model.decisions import Decision, Evidence
from pinkslip.model.errors import Conflict, Invalid, NotFound
from pinkslip.model.events import SessionReport
from pinkslip.model.facts import Protected, Reinstated
from pinkslip.model.time import from_rfc3339, rfc3339
from pinkslip.model.words import (
    EVERYWHERE,
    Action,
    ActorKind,
    DeliveryState,
    Guard,
    Mode,
    Standing,
    Verdict,
)
from pinkslip.store import chain
from pinkslip.store.checkpoint import view_of
from pinkslip.store.firing import (
    Grace,
    Judged,
    append_decisions,
    carry_out,
    explain,
    identifier,
    is_silent,
    known,
)
from pinkslip.store.latest import applied
from pinkslip.store.lineages import absolve
from pinkslip.store.readers import (
    IDEMPOTENT_FOR_MS,
    LOCAL_USER,
    OPEN_STATES,
    decision_of,
    enforcement_of,
    session_of,
)
from pinkslip.store.records import Whose, record
from pinkslip.store.rulings import note_reversal
from pinkslip.store.tables import (
    DEFAULT_WORKSPACE,
    agent_changes,
    agent_sessions,
    agents,
    api_tokens,
    beat_runs,
    decisions,
    deliveries,
    enforcement,
    episodes,
    fires,
    idempotency_keys,
    ladders,
    outcomes,
    reviews,
    ticks,
    transitions,
    users,
    workspaces,
)
from pinkslip.store.transaction import Transaction
from pinkslip.store.upsert import upsert
from pinkslip.store.views import EnforcementState, Remembered, Session

DEFAULT_GRACE = Grace()


class FireDone(Struct, frozen=True, kw_only=True):
    """What a person's fire did, or would do."""

    agent_no: int
    agent_id: str
    reason: str
    context: str
    at: int
    dry_run: bool
    fire_id: str | None = None
    """None in a dry run."""
    decision_id: str | None = None
    was_silent: bool = False
    """The agent had already stopped reporting: the order waits for it."""
    bypassed: tuple[Guard, ...] = ()
    """Guards that would have held a policy back; a person is not held, but is told."""


def fire(
    tx: Transaction,
    *,
    workspace_id: int,
    ident: str,
    reason: str,
    context: str,
    actor_kind: ActorKind,
    actor: str,
    force: bool = False,
    decision: Decision | None = None,
    dry_run: bool = False,
    grace: Grace = DEFAULT_GRACE,
) -> FireDone:
    """Terminate an agent for a reason, or say what that would do.

    NotFound; Conflict when it is fired already (with when, by whom and why), or protected and not forced.
    """
    head = _head(tx, workspace_id, ident)
    if head.standing is Standing.FIRED:
        raise _fired_already(tx, head)
    is_protected = head.protected_until is not None and head.protected_until > tx.now
    if is_protected and not force:
        raise _protected(head)
    was_silent = is_silent(tx, head, grace)
    done = FireDone(
        agent_no=head.agent_no,
        agent_id=head.agent_id,
        reason=reason,
        context=context,
        at=tx.now,
        dry_run=dry_run,
        was_silent=was_silent,
        bypassed=_bypassed(tx, workspace_id, is_protected=is_protected),
    )
    if dry_run:
        return done
    decision = decision or _decided(tx, head, reason, actor_kind)
    judged = Judged(
        decision=decision,
        watermark=tx.admission.seq,
        policy_set_hash="",
        role=head.role or "",
        actor_kind=actor_kind,
        actor=actor,
        context=context,
    )
    append_decisions(tx, workspace_id, [judged])
    fire_id = carry_out(tx, head, judged, policy_text="", was_silent=was_silent)
    return replace(done, fire_id=fire_id, decision_id=decision.id)


def reinstate(
    tx: Transaction,
    *,
    workspace_id: int,
    ident: str,
    context: str,
    wrong: bool,
    actor_kind: ActorKind,
    actor: str,
) -> AgentView:
    """Bring a fired agent back as its next incarnation, status IDLE. Its history stays.

    `wrong`: the fire was a mistake, which counts against the policy that fired. A lineage that was condemned
    with the agent is let in again. NotFound; Conflict when the agent is not fired.
    """
    head = _head(tx, workspace_id, ident)
    if head.standing is not Standing.FIRED:
        raise Conflict(
            f"agent {head.agent_id} is not fired; nothing to take back",
            status=head.status,
            standing=head.standing,
        )
    fired = _take_back(tx, head, context=context, wrong=wrong, actor=actor)
    agent = known(tx, head)
    old = {"standing": head.standing, "status": head.status}
    fact = Reinstated(head.agent_no, tx.now, tx.allot(), head.incarnation + 1)
    tx.admission.emit(head, fact)
    why = "reinstated" + (f": {context}" if context else "")
    explain(tx, head, old=old, actor_kind=actor_kind, actor=actor, why=why)
    absolve(tx, head, fire_id=fired.fire_id)
    record(
        tx,
        workspace_id,
        fired.whose,
        Verdict.REINSTATED,
        action=Action.FIRE,
        seq=fact.seq,
        words=f"reinstated by a person{', who says that the fire was wrong' if wrong else ''}",
        actor_kind=actor_kind,
        actor=actor,
        context=context,
    )
    if wrong and fired.whose.policy:
        note_reversal(
            tx,
            workspace_id,
            policy=fired.whose.policy,
            policy_hash=fired.whose.policy_hash,
        )
    return view_of(applied(agent, fact, writer=tx.writer))


def protect(
    tx: Transaction,
    *,
    workspace_id: int,
    ident: str,
    until: int | None,
    context: str,
    actor_kind: ActorKind,
    actor: str,
) -> AgentView:
    """No policy fires the agent before `until`; None lifts that. NotFound; Invalid when `until` is past."""
    head = _head(tx, workspace_id, ident)
    if until is not None and until <= tx.now:
        raise Invalid(f"until: {rfc3339(until)} is past; it is {rfc3339(tx.now)}")
    agent = known(tx, head)
    old = head.protected_until
    fact = Protected(head.agent_no, tx.now, tx.allot(), until)
    tx.admission.emit(head, fact)
    tx.transition(
        head,
        subject="protection",
        old="none" if old is None else _second(old),
        new="none" if until is None else _second(until),
        actor_kind=actor_kind,
        actor=actor,
        why=context,
    )
    return view_of(applied(agent, fact, writer=tx.writer))


def stop_enforcement(
    tx: Transaction, *, workspace_id: int, reason: str, actor_kind: ActorKind, actor: str
) -> EnforcementState:
    """Hold everything in a workspace, or with `EVERYWHERE` in all, until resumed, over restarts.

    Stopping twice keeps the first stop: who asks in an emergency is never refused.
    """
    if not _is_stopped(tx, workspace_id):
        _set_enforcement(tx, workspace_id, stopped_at=tx.now, reason=reason, actor=actor)
        _note_enforcement(tx, workspace_id, "stopped", reason, actor_kind, actor)
    return enforcement_of(tx.connection, workspace_id)


def resume_enforcement(
    tx: Transaction, *, workspace_id: int, reason: str, actor_kind: ActorKind, actor: str
) -> EnforcementState:
    """Let policies act again. Conflict when nothing was stopped there; it says where something is."""
    if not _is_stopped(tx, workspace_id):
        raise Conflict(_nothing_to_resume(tx, workspace_id))
    _set_enforcement(tx, workspace_id, stopped_at=None, reason=reason, actor=actor)
    _note_enforcement(tx, workspace_id, "running", reason, actor_kind, actor)
    return enforcement_of(tx.connection, workspace_id)


def put_session(
    tx: Transaction, *, workspace_id: int, key: str, report: SessionReport
) -> tuple[Session, bool]:
    """Create or change a conversation; True when it was created. Absent fields keep, null clears.

    An agentId nobody knows yet is registered, as at any first contact; so is a userId.
    Invalid when an instant cannot be read.
    """
    now = tx.connection.execute(
        select(agent_sessions).where(
            agent_sessions.c.workspace_id == workspace_id, agent_sessions.c.session_key == key
        )
    ).one_or_none()
    values = _session_values(tx, workspace_id, report)
    head = None
    if report.agent_id is not UNSET:
        head = _session_agent(tx, workspace_id, report.agent_id)
        values["agent_no"] = head.agent_no if head else None
    if now is None:
        started_at = values.pop("started_at", tx.now)
        tx.connection.execute(
            insert(agent_sessions),
            {
                "workspace_id": workspace_id,
                "session_key": key,
                "id": str(uuids.uuid4()),
                "user_id": LOCAL_USER,
                "started_at": started_at,
                **values,
            },
        )
    elif values:
        tx.connection.execute(
            update(agent_sessions)
            .where(
                agent_sessions.c.workspace_id == workspace_id,
                agent_sessions.c.session_key == key,
            )
            .values(**values)
        )
    session = session_of(tx.connection, workspace_id, key)
    assert session is not None, "the row was written above"
    if (
        head is not None
    ):  # the row of an agent that comes with its session is written at the end
        session = replace(session, agent_id=head.agent_id, agent_uuid=head.uuid)
    return session, now is None


def remember(tx: Transaction, *, workspace_id: int, key: str, remembered: Remembered) -> None:
    """Keep an answer under its Idempotency-Key, and drop those older than a day."""
    tx.connection.execute(
        delete(idempotency_keys).where(
            idempotency_keys.c.workspace_id == workspace_id,
            idempotency_keys.c.at <= tx.now - IDEMPOTENT_FOR_MS,
        )
    )
    row = {
        "workspace_id": workspace_id,
        "key": key,
        "request_digest": remembered.request_digest,
        "status": remembered.status,
        "answer": remembered.answer,
        "at": tx.now,
    }
    upsert(tx.connection, idempotency_keys, [row])


# tenants and their people


def add_workspace(tx: Transaction, *, name: str) -> int:
    """A new tenant with its local user; its number is never one that audit rows know. Conflict: name taken."""
    taken = tx.connection.execute(
        select(workspaces.c.id).where(workspaces.c.name == name)
    ).scalar()
    if taken is not None:
        raise Conflict(f"there is a workspace {name!r} already")
    newest = max(
        tx.connection.execute(select(func.max(column))).scalar() or 0
        for column in (
            workspaces.c.id,
            decisions.c.workspace_id,
            fires.c.workspace_id,
            transitions.c.workspace_id,
            ticks.c.workspace_id,
        )
    )
    workspace_id = int(newest) + 1
    row = {
        "id": workspace_id,
        "uuid": str(uuids.uuid4()),
        "name": name,
        "created_at": tx.now,
        "decisions_head": chain.genesis(workspace_id),
    }
    tx.connection.execute(insert(workspaces), row)
    _insert_user(tx, workspace_id, LOCAL_USER, "local")
    return workspace_id


def add_user(tx: Transaction, *, workspace_id: int, name: str) -> int:
    """The number of the user called so, by uuid or name; made when there is none."""
    known_id = tx.connection.execute(
        select(users.c.id)
        .where(
            users.c.workspace_id == workspace_id,
            or_(users.c.uuid == name, users.c.name == name),
        )
        .order_by(users.c.id)
        .limit(1)
    ).scalar()
    if known_id is not None:
        return int(known_id)
    newest = tx.connection.execute(
        select(func.max(users.c.id)).where(users.c.workspace_id == workspace_id)
    ).scalar()
    user_id = int(newest or 0) + 1
    _insert_user(tx, workspace_id, user_id, name)
    return user_id


def delete_user(tx: Transaction, *, workspace_id: int, user: str) -> None:
    """Take a person out, with their sessions and tokens. NotFound; Conflict for the built-in one."""
    user_id = tx.connection.execute(
        select(users.c.id).where(
            users.c.workspace_id == workspace_id,
            or_(users.c.uuid == user, users.c.name == user),
        )
    ).scalar()
    if user_id is None:
        raise NotFound(f"there is no user {user!r} in this workspace")
    if user_id == LOCAL_USER:
        raise Conflict("the built-in user `local` stays: sessions without a user are its own")
    tx.connection.execute(
        delete(users).where(users.c.workspace_id == workspace_id, users.c.id == user_id)
    )


def delete_workspace(tx: Transaction, *, workspace_id: int) -> None:
    """Take a tenant out with everything that is its own; audit rows stay. NotFound; Conflict for `default`."""
    if workspace_id == DEFAULT_WORKSPACE:
        raise Conflict("the built-in workspace `default` stays")
    gone = tx.connection.execute(delete(workspaces).where(workspaces.c.id == workspace_id))
    if gone.rowcount == 0:
        raise NotFound(f"there is no workspace {workspace_id}")
    tx.connection.execute(delete(enforcement).where(enforcement.c.workspace_id == workspace_id))
    tx.roster.forget_workspace(workspace_id)


def delete_agent(tx: Transaction, *, workspace_id: int, ident: str) -> None:
    """Take an agent out with its history; its sessions and the audit rows stay.

    NotFound; Conflict while it is at work, since it would only register again.
    """
    head = _head(tx, workspace_id, ident)
    if head.standing is not Standing.FIRED and head.finished_at is None:
        raise Conflict(f"agent {head.agent_id} is at work; finish or fire it first")
    number = head.agent_no
    tx.connection.execute(
        delete(ladders).where(
            ladders.c.workspace_id == workspace_id, ladders.c.subject == f"agent:{number}"
        )
    )
    tx.connection.execute(
        update(agent_sessions)
        .where(
            agent_sessions.c.workspace_id == workspace_id, agent_sessions.c.agent_no == number
        )
        .values(agent_no=None)
    )
    for table in (
        outcomes,
        reviews,
        agent_changes,
        beat_runs,
        episodes,
        deliveries,
        api_tokens,
        agents,
    ):
        tx.connection.execute(
            delete(table).where(
                table.c.workspace_id == workspace_id, table.c.agent_no == number
            )
        )
    tx.roster.forget(workspace_id, [number])


# how


def _head(tx: Transaction, workspace_id: int, ident: str) -> Head:
    head = tx.head(workspace_id, ident)
    if head is None:
        raise NotFound(f"there is no agent {ident!r}")
    return head


def _fired_already(tx: Transaction, head: Head) -> Conflict:
    row = tx.connection.execute(
        select(fires).where(
            fires.c.workspace_id == head.workspace_id,
            fires.c.agent_no == head.agent_no,
            fires.c.incarnation == head.incarnation,
        )
    ).one()
    by = f"policy {row.policy}" if row.policy else row.actor
    context = f" ({row.context})" if row.context else ""
    return Conflict(
        f"agent {head.agent_id} was fired at {rfc3339(row.fired_at)} by {by}: {row.reason}{context}",
        firedAt=rfc3339(row.fired_at),
        firedBy=by,
        reason=row.reason,
        context=row.context,
        fireId=row.id,
    )


def _protected(head: Head) -> Conflict:
    until = rfc3339(head.protected_until or 0)
    return Conflict(
        f"agent {head.agent_id} is protected until {until}; repeat with force to fire it all the same",
        protectedUntil=until,
    )


def _bypassed(tx: Transaction, workspace_id: int, *, is_protected: bool) -> tuple[Guard, ...]:
    bypassed = []
    if enforcement_of(tx.connection, workspace_id).why_stopped is not None:
        bypassed.append(Guard.STOPPED)
    if is_protected:
        bypassed.append(Guard.PROTECTED)
    return tuple(bypassed)


def _decided(tx: Transaction, head: Head, reason: str, actor_kind: ActorKind) -> Decision:
    return Decision(
        id=identifier(
            tx.now, "decision", head.workspace_id, head.agent_no, head.incarnation, actor_kind
        ),
        at=tx.now,
        policy="",
        policy_hash="",
        agent_no=head.agent_no,
        agent_id=head.agent_id,
        incarnation=head.incarnation,
        verdict=Verdict.FIRED,
        mode=Mode.ENFORCE,
        action=Action.FIRE,
        reason=reason,
        guard=None,
        guard_detail="",
        # by whom, and in what words, stands where it can be erased
        evidence=Evidence(when="", values={}, words="fired by hand", true_since=tx.now),
    )


class _TakenBack(Struct, frozen=True, kw_only=True):
    """The fire that was, and whose it was."""

    fire_id: str
    whose: Whose


def _take_back(
    tx: Transaction, head: Head, *, context: str, wrong: bool, actor: str
) -> _TakenBack:
    fired = tx.connection.execute(
        update(fires)
        .where(
            fires.c.workspace_id == head.workspace_id,
            fires.c.agent_no == head.agent_no,
            fires.c.incarnation == head.incarnation,
        )
        .values(
            reinstated_at=tx.now,
            reinstated_by=actor,
            reinstate_context=context,
            was_wrong=wrong,
        )
        .returning(fires.c.id, fires.c.decision_id)
    ).one()
    tx.connection.execute(
        update(deliveries)
        .where(
            deliveries.c.workspace_id == head.workspace_id,
            deliveries.c.agent_no == head.agent_no,
            deliveries.c.state.in_(OPEN_STATES),
            deliveries.c.settled_at.is_(
                None
            ),  # what is settled is history: a kill that failed, failed
        )
        .values(
            state=DeliveryState.CANCELLED, settled_at=tx.now, detail=f"reinstated by {actor}"
        )
    )
    decision = decision_of(tx.connection, head.workspace_id, fired.decision_id)
    assert decision is not None, "a fire has its decision"
    return _TakenBack(fire_id=fired.id, whose=Whose.decision(decision))


def _is_stopped(tx: Transaction, workspace_id: int) -> bool:
    state = enforcement_of(tx.connection, workspace_id)
    own = state.everywhere if workspace_id == EVERYWHERE else state.stopped
    return own is not None


def _nothing_to_resume(tx: Transaction, workspace_id: int) -> str:
    if workspace_id == EVERYWHERE:
        return (
            "enforcement is not stopped everywhere; nothing to resume. "
            "A workspace that was stopped by itself is resumed by itself"
        )
    stop = enforcement_of(tx.connection, workspace_id).everywhere
    if stop is None:
        return "enforcement is running; nothing to resume"
    return (
        f"enforcement is stopped everywhere, since {rfc3339(stop.at)} by {stop.actor}: {stop.reason}; "
        "resume it everywhere (`everywhere: true`, on the command line --everywhere)"
    )


def _set_enforcement(
    tx: Transaction, workspace_id: int, *, stopped_at: int | None, reason: str, actor: str
) -> None:
    row = {
        "workspace_id": workspace_id,
        "stopped_at": stopped_at,
        "actor": actor,
        "reason": reason,
    }
    upsert(tx.connection, enforcement, [row])
    tx.roster.forget_stopped()


def _note_enforcement(
    tx: Transaction,
    workspace_id: int,
    new: str,
    reason: str,
    actor_kind: ActorKind,
    actor: str,
) -> None:
    tx.connection.execute(
        insert(transitions),
        {
            "workspace_id": workspace_id,
            "writer": tx.writer,
            "seq": tx.allot(),
            "agent_no": 0,
            "at": tx.now,
            "subject": "enforcement",
            "old": "running" if new == "stopped" else "stopped",
            "new": new,
            "actor_kind": actor_kind,
            "actor": actor,
            "why": reason,
        },
    )


def _session_values(
    tx: Transaction, workspace_id: int, report: SessionReport
) -> dict[str, Any]:
    """The columns a report sets, by what it says of each field."""
    values: dict[str, Any] = {}
    for name in ("label", "channel", "context_summary", "message_count"):
        value = getattr(report, name)
        if value is not UNSET:
            values[name] = value
    for name in ("started_at", "last_message_at", "ended_at"):
        value = getattr(report, name)
        if value is not UNSET:
            values[name] = _instant(name, value)
    if "ended_at" in values:
        values["is_active"] = values["ended_at"] is None
    if report.metadata is not UNSET:
        values["metadata"] = _json(report.metadata or {})
    if report.user_id is not UNSET:
        values["user_id"] = add_user(tx, workspace_id=workspace_id, name=report.user_id)
    return values


def _session_agent(tx: Transaction, workspace_id: int, agent_id: str | None) -> Head | None:
    if agent_id is None:
        return None
    return tx.head(workspace_id, agent_id) or tx.register(workspace_id, agent_id)


def _instant(field: str, value: str | None) -> int | None:
    if value is None:
        return None
    first, *rest = field.split("_")
    name = first + "".join(word.capitalize() for word in rest)
    try:
        at = from_rfc3339(value)
    except (ValueError, OverflowError) as error:
        raise Invalid(f"{name}: {error}") from error
    if not 0 <= at <= LATEST_MS:
        raise Invalid(f"{name}: {value} is not between 1970 and 9999")
    return at


def _json(value: Mapping[str, object]) -> str:
    return msgspec.json.encode(value).decode()


def _insert_user(tx: Transaction, workspace_id: int, user_id: int, name: str) -> None:
    row = {
        "workspace_id": workspace_id,
        "id": user_id,
        "uuid": _own_uuid(name),
        "name": name,
        "created_at": tx.now,
    }
    tx.connection.execute(insert(users), row)


def _own_uuid(name: str) -> str:
    """Who is named by a UUID is that UUID."""
    try:
        return str(uuids.UUID(name))
    except ValueError:
        return str(uuids.uuid4())


def _second(at: int) -> str:
    """An instant in the twenty characters a transition has for it."""
    return rfc3339(at)[:19] + "Z"
