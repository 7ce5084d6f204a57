"""How an agent stands: a person's quarantine and release, and what a tick found that policies make of it.

The worst of all that policies and people say holds. Each tick compares and tells what differs; a person's word
holds at once, and the next tick takes it in.
"""

from collections.abc import Iterable

from pinkslip.fleet.admission import LATEST_MS, Head
from pinkslip.fleet.snapshot import AgentView
from pinkslip.judge.settling import may_stand
from pinkslip.model.decisions import StandingChange
from pinkslip.model.errors import Conflict, Invalid, NotFound
from pinkslip.model.facts import Released, Stood
from pinkslip.model.time import rfc3339
from pinkslip.model.words import Action, ActorKind, Standing, Verdict
from pinkslip.store.checkpoint import view_of
from pinkslip.store.firing import known
from pinkslip.store.latest import applied
from pinkslip.store.records import Whose, record
from pinkslip.store.transaction import Transaction

SERVICE = "pinkslip"
"""The actor of what no policy and no person does: a standing that nobody holds any more."""


def quarantine(
    tx: Transaction,
    *,
    workspace_id: int,
    ident: str,
    until: int,
    context: str,
    actor_kind: ActorKind,
    actor: str,
) -> AgentView:
    """Pause an agent until an instant, whatever policies say of it. A later one replaces an earlier one.

    NotFound; Invalid when `until` is past; Conflict when the agent is fired or has finished.
    """
    head = _at_work(tx, workspace_id, ident)
    if not tx.now < until <= LATEST_MS:
        raise Invalid(f"until: {rfc3339(until)} is past; it is {rfc3339(tx.now)}")
    agent, old = known(tx, head), head.standing
    fact = Stood(
        agent_no=head.agent_no,
        at=tx.now,
        seq=tx.allot(),
        standing=Standing.QUARANTINED,
        until=until,
        policy=None,
        by_person=True,
    )
    tx.emit(workspace_id, fact)
    why = f"quarantined until {rfc3339(until)}" + (f": {context}" if context else "")
    _transition(tx, head, old, actor_kind=actor_kind, actor=actor, why=why)
    record(
        tx,
        workspace_id,
        Whose.head(head),
        Verdict.QUARANTINED,
        action=Action.QUARANTINE,
        seq=fact.seq,
        words=f"quarantined by a person until {rfc3339(until)}",
        until=until,
        actor_kind=actor_kind,
        actor=actor,
        context=context,
    )
    return view_of(applied(agent, fact, writer=tx.writer))


def release(
    tx: Transaction,
    *,
    workspace_id: int,
    ident: str,
    context: str,
    actor_kind: ActorKind,
    actor: str,
) -> AgentView:
    """Let an agent go: active, and every policy begins with it anew.

    NotFound; Conflict when it is active, or fired, which is taken back by reinstating it.
    """
    head = _at_work(tx, workspace_id, ident)
    if head.standing is Standing.ACTIVE:
        raise Conflict(
            f"agent {head.agent_id} is active; nothing to release it from",
            status=head.status,
            standing=head.standing,
        )
    agent, old = known(tx, head), head.standing
    fact = Released(agent_no=head.agent_no, at=tx.now, seq=tx.allot())
    tx.emit(workspace_id, fact)
    why = "released" + (f": {context}" if context else "")
    _transition(tx, head, old, actor_kind=actor_kind, actor=actor, why=why)
    record(
        tx,
        workspace_id,
        Whose.head(head),
        Verdict.RELEASED,
        action=Action.NOTIFY,
        seq=fact.seq,
        words=f"released by a person from {old}",
        actor_kind=actor_kind,
        actor=actor,
        context=context,
    )
    return view_of(applied(agent, fact, writer=tx.writer))


def stand(
    tx: Transaction, workspace_id: int, changes: Iterable[StandingChange], *, judged_at: int
) -> None:
    """Make a tick's standings so, but for agents that moved on since: the next tick looks at those again."""
    for change in changes:
        head = tx.head(workspace_id, change.agent_id)
        if head is None or not may_stand(head, change, judged_at=judged_at):
            continue
        old = head.standing
        fact = Stood(
            agent_no=head.agent_no,
            at=tx.now,
            seq=tx.allot(),
            standing=change.standing,
            until=change.until,
            policy=change.policy,
        )
        tx.emit(workspace_id, fact)
        _transition(
            tx,
            head,
            old,
            actor_kind=ActorKind.POLICY if change.policy else ActorKind.SERVICE,
            actor=change.policy or SERVICE,
            why=change.why,
        )


def _at_work(tx: Transaction, workspace_id: int, ident: str) -> Head:
    head = tx.head(workspace_id, ident)
    if head is None:
        raise NotFound(f"there is no agent {ident!r}")
    if head.standing is Standing.FIRED:
        raise Conflict(
            f"agent {head.agent_id} is fired: {head.fire_reason}; reinstate it to take that back",
            status=head.status,
            standing=head.standing,
        )
    if head.finished_at is not None:
        raise Conflict(
            f"agent {head.agent_id} finished at {rfc3339(head.finished_at)}; there is nothing to pause",
            status=head.status,
            standing=head.standing,
        )
    return head


def _transition(
    tx: Transaction,
    head: Head,
    old: Standing,
    *,
    actor_kind: ActorKind,
    actor: str,
    why: str,
) -> None:
    """Every one, also where only its end moved."""
    tx.transition(
        head,
        subject="standing",
        old=old,
        new=head.standing,
        actor_kind=actor_kind,
        actor=actor,
        why=why,
    )
