"""What each fact that is neither heartbeat nor outcome changes in an agent's row."""

import numpy as np
from msgspec import UNSET

from pinkslip.fleet import rhythm
from pinkslip.fleet.agents import Agents
from pinkslip.fleet.columns import INTERNED, NO_LABELS, Columns
from pinkslip.fleet.publishing import BEATS, IDENTITY, OUTCOMES, STATE
from pinkslip.model.facts import (
    Changed,
    Finished,
    Fired,
    Protected,
    Reinstated,
    Released,
    Reviewed,
    Revived,
    Stood,
)
from pinkslip.model.words import Standing, Status, code_of

RowChange = (
    Changed | Finished | Revived | Fired | Reinstated | Protected | Stood | Released | Reviewed
)

_Ending = Finished | Revived | Fired | Reinstated

_IDLE, _ERROR = code_of(Status.IDLE), code_of(Status.ERROR)
_WAITING = code_of(Status.WAITING)
_TERMINATED = code_of(Status.TERMINATED)
_ACTIVE, _FIRED = code_of(Standing.ACTIVE), code_of(Standing.FIRED)


def meets_outcomes(fact: RowChange) -> bool:
    """Whether it makes a difference to come before or after an outcome of the same agent."""
    if isinstance(fact, Changed):
        by_whom = (fact.role, fact.model, fact.lineage)
        return any(said is not UNSET for said in by_whom) or fact.last_error is not UNSET
    return isinstance(fact, Reinstated)


def meets_beats(fact: RowChange) -> bool:
    """Whether it makes a difference to come before or after a heartbeat of the same agent."""
    if isinstance(fact, Changed):
        return fact.status is not UNSET or fact.interval_ms is not UNSET
    return isinstance(fact, _Ending)


def apply(agents: Agents, slot: int, fact: RowChange) -> None:
    """Change the row of the agent in `slot`."""
    columns, at = agents.columns, fact.at
    columns.changed[slot] = True
    columns.updated_at[slot] = max(at, int(columns.updated_at[slot]))
    agents.published.touched |= {STATE, BEATS}
    match fact:
        case Changed():
            _change(agents, slot, fact)
        case Finished():
            _set_status(columns, slot, _IDLE, at)
            _set_task(columns, slot, None, at)
            columns.finished_at[slot] = at
        case Revived():
            if columns.finished_at[slot] < at:
                columns.excused_until[slot] = at
            columns.finished_at[slot] = 0
            _restart_clocks(columns, slot, at)
        case Fired():
            _set_status(columns, slot, _TERMINATED, at)
            columns.standing[slot] = _FIRED
            columns.terminated_at[slot] = at
            columns.standing_until[slot] = columns.ordered_until[slot] = 0
            columns.fired_count[slot] += 1
            remember_fire(columns, slot, fact)
        case Reinstated():
            _reinstate(columns, slot, fact)
        case Protected():
            columns.protected_until[slot] = fact.until or 0
        case Stood():
            _stand(columns, slot, fact)
        case Released():
            columns.standing[slot] = _ACTIVE
            columns.standing_until[slot] = columns.ordered_until[slot] = 0
            columns.released_at[slot] = at
        case Reviewed():
            _review(agents, slot, fact)


def remember_fire(columns: Columns, slot: int, fact: Fired) -> None:
    """The envelope counts it, whatever becomes of the agent."""
    if fact.at >= columns.last_fired_at[slot]:
        columns.last_fired_at[slot] = fact.at
        columns.fired_by_policy[slot] = fact.by_policy is not None
        columns.fired_policies[slot] = fact.by_policy


def _stand(columns: Columns, slot: int, fact: Stood) -> None:
    """Fired stays fired, whatever was concluded meanwhile."""
    if columns.standing[slot] == _FIRED:
        return
    columns.standing[slot] = code_of(fact.standing)
    columns.standing_until[slot] = fact.until or 0
    if fact.by_person:
        columns.ordered_until[slot] = fact.until or 0


def _review(agents: Agents, slot: int, fact: Reviewed) -> None:
    """What the outcome added to the agent's scores is taken back, and the new score added."""
    if not fact.counted:
        return
    columns = agents.columns
    columns.score_e6_sum[slot] += fact.score_e6 - (fact.before_e6 or 0)
    columns.score_count[slot] += fact.before_e6 is None
    agents.published.touched.add(OUTCOMES)


def _reinstate(columns: Columns, slot: int, fact: Reinstated) -> None:
    at = fact.at
    columns.incarnation[slot] = fact.incarnation
    columns.incarnation_at[slot] = at
    columns.standing[slot] = _ACTIVE
    columns.standing_until[slot] = columns.ordered_until[slot] = 0
    columns.terminated_at[slot] = columns.finished_at[slot] = 0
    columns.tasks_before[slot] = columns.tasks[slot]
    columns.unknown_until[slot] = 0
    _set_status(columns, slot, _IDLE, at)
    _set_task(columns, slot, None, at)
    _restart_clocks(columns, slot, at)
    rhythm.restart(columns, slot, at)


def _restart_clocks(columns: Columns, slot: int, at: int) -> None:
    """The agent comes back: what stood still while it was away is no evidence against it."""
    columns.status_since[slot] = at
    if columns.progress_at[slot]:
        columns.progress_at[slot] = at


def _change(agents: Agents, slot: int, fact: Changed) -> None:
    columns, at = agents.columns, fact.at
    if fact.status is not UNSET:
        code = code_of(fact.status)
        if code == _ERROR and columns.status[slot] != _ERROR:
            columns.error_count[slot] += 1
            agents.published.touched.add(OUTCOMES)
        _set_status(columns, slot, code, at)
    if fact.current_task is not UNSET:
        _set_task(columns, slot, fact.current_task, at)
    if fact.progress is not UNSET:
        _set_progress(columns, slot, fact.progress, at)
    if fact.context_used is not UNSET:
        used = fact.context_used
        columns.context_used[slot] = np.nan if used is None else used
    if fact.interval_ms is not UNSET:
        rhythm.interval_changes(columns, slot, at)
        columns.interval_ms[slot] = fact.interval_ms or 0
    if fact.last_error is not UNSET:
        columns.last_errors[slot] = fact.last_error
        agents.published.touched.add(OUTCOMES)
    _change_identity(agents, slot, fact)


def _change_identity(agents: Agents, slot: int, fact: Changed) -> None:
    columns = agents.columns
    if fact.boot_id is not UNSET:
        former = columns.boot_ids[slot]
        if None not in (former, fact.boot_id) and former != fact.boot_id:
            columns.boot_changed_at[slot] = fact.at
        columns.boot_ids[slot] = fact.boot_id
        agents.published.touched.add(IDENTITY)
    if fact.session_key is not UNSET:
        columns.session_keys[slot] = fact.session_key
        agents.published.touched.add(IDENTITY)
    if fact.name is not UNSET:
        agents.set_name(slot, fact.name)
        agents.published.touched.add(IDENTITY)
    if fact.labels is not UNSET:
        agents.set_labels(slot, fact.labels or NO_LABELS)
        agents.published.touched.add(IDENTITY)
    for field in INTERNED:
        text = getattr(fact, field)
        if text is not UNSET:
            columns.words[field].put(slot, text)
            columns.group[slot] = -1
            columns.lineage_row[slot] = 0
            agents.published.touched.add(IDENTITY)


def _set_status(columns: Columns, slot: int, code: int, at: int) -> None:
    if columns.status[slot] != code:
        if columns.status[slot] == _WAITING and columns.status_since[slot] < at:
            columns.excused_until[slot] = at
        columns.status[slot] = code
        columns.status_since[slot] = at


def _set_task(columns: Columns, slot: int, task: str | None, at: int) -> None:
    if columns.current_tasks[slot] != task:
        columns.current_tasks[slot] = task
        columns.task_since[slot] = 0 if task is None else at


def _set_progress(columns: Columns, slot: int, progress: float | None, at: int) -> None:
    if progress is None:
        columns.progress[slot] = np.nan
        columns.progress_at[slot] = 0
    elif columns.progress[slot] != progress:  # unknown equals nothing
        columns.progress[slot] = progress
        columns.progress_at[slot] = at
