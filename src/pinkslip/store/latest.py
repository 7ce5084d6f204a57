"""One agent as it stands now in the journal: its checkpointed row with every later change applied."""

from msgspec import UNSET
from msgspec.structs import asdict, replace
from sqlalchemy import Connection, select, tuple_

from pinkslip.model.facts import (
    Changed,
    Finished,
    Fired,
    Protected,
    Registered,
    Reinstated,
    Released,
    Restored,
    Revived,
    Stood,
)
from pinkslip.model.words import Standing, Status
from pinkslip.store.changes import Change
from pinkslip.store.checkpoint import restored_agents
from pinkslip.store.facts import CHANGE_COLUMNS, change_of
from pinkslip.store.tables import agent_changes, agents

_WORDS = (
    "boot_id",
    "name",
    "model",
    "role",
    "host",
    "lineage",
    "session_key",
    "interval_ms",
    "context_used",
    "last_error",
)


def latest(connection: Connection, workspace_id: int, agent_no: int) -> Restored | None:
    """Status, words and times as of the newest change; totals and heartbeats as of the checkpoint."""
    rows = restored_agents(connection, workspace_id, agents.c.agent_no == agent_no)
    agent = next(rows, None)
    if agent is None:
        return None
    changes = connection.execute(
        select(*CHANGE_COLUMNS)
        .where(
            agent_changes.c.workspace_id == workspace_id,
            agent_changes.c.agent_no == agent_no,
            agent_changes.c.at >= agent.updated_at,  # bounds the search; the place decides
            tuple_(agent_changes.c.writer, agent_changes.c.seq) > (agent.writer, agent.seq),
        )
        .order_by(agent_changes.c.writer, agent_changes.c.seq)
    )
    for row in changes:
        agent = applied(agent, change_of(row), writer=row.writer)
    return agent


def applied(agent: Restored, change: Change, *, writer: int) -> Restored:
    """The agent after one more change."""
    agent = replace(
        agent,
        writer=writer,
        seq=change.seq,
        at=change.at,
        updated_at=max(agent.updated_at, change.at),
    )
    match change:
        case Registered():
            return agent
        case Changed():
            return _reported(agent, change)
        case Finished():
            return replace(_idle(agent, change.at), finished_at=change.at)
        case Revived():
            return _clocks_restarted(replace(agent, finished_at=None), change.at)
        case Fired():
            return replace(
                _with_status(agent, Status.TERMINATED, change.at),
                standing=Standing.FIRED,
                standing_until=None,
                ordered_until=None,
                terminated_at=change.at,
                fired_count=agent.fired_count + 1,
                last_fired_at=change.at,
                last_fired_policy=change.by_policy,
            )
        case Reinstated():
            agent = _clocks_restarted(_idle(agent, change.at), change.at)
            return replace(
                agent,
                standing=Standing.ACTIVE,
                standing_until=None,
                ordered_until=None,
                finished_at=None,
                terminated_at=None,
                incarnation=change.incarnation,
                incarnation_at=change.at,
                tasks_before=agent.tasks,
                streak=0,
            )
        case Protected():
            return replace(agent, protected_until=change.until)
        case Stood():
            ordered = change.until if change.by_person else agent.ordered_until
            return replace(
                agent,
                standing=change.standing,
                standing_until=change.until,
                ordered_until=ordered,
            )
        case Released():
            return replace(
                agent,
                standing=Standing.ACTIVE,
                standing_until=None,
                ordered_until=None,
                released_at=change.at,
            )


def _reported(agent: Restored, change: Changed) -> Restored:
    said = {name: value for name, value in asdict(change).items() if value is not UNSET}
    values = {name: said[name] for name in _WORDS if name in said}
    if "labels" in said:
        values["labels"] = said["labels"] or {}
    if (
        "boot_id" in said
        and None not in (said["boot_id"], agent.boot_id)
        and said["boot_id"] != agent.boot_id
    ):
        values["boot_changed_at"] = change.at
    if "progress" in said and said["progress"] != agent.progress:
        values["progress"] = said["progress"]
        values["progress_at"] = None if said["progress"] is None else change.at
    if "current_task" in said and said["current_task"] != agent.current_task:
        values["current_task"] = said["current_task"]
        values["task_since"] = change.at if said["current_task"] is not None else None
    agent = replace(agent, **values)
    if "status" in said:
        agent = _with_status(agent, said["status"], change.at)
    return agent


def _clocks_restarted(agent: Restored, at: int) -> Restored:
    """It comes back: what stood still while it was away is no evidence against it."""
    return replace(
        agent, status_since=at, progress_at=None if agent.progress_at is None else at
    )


def _idle(agent: Restored, at: int) -> Restored:
    return replace(_with_status(agent, Status.IDLE, at), current_task=None, task_since=None)


def _with_status(agent: Restored, status: Status, at: int) -> Restored:
    if status is agent.status:
        return agent
    errors = agent.error_count + (status is Status.ERROR)
    return replace(agent, status=status, status_since=at, error_count=errors)
