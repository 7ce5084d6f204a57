"""Immutable copies for everybody else. What did not change since the last copy is shared with it."""

from collections.abc import Mapping, Sequence
from itertools import compress
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pinkslip.fleet.columns import INTERNED
from pinkslip.fleet.measures import Parts, stale
from pinkslip.fleet.memory import DEFAULT
from pinkslip.fleet.slots import Places
from pinkslip.fleet.snapshot import AgentView, Integers, RoleTotals, Snapshot
from pinkslip.model.facts import Restored
from pinkslip.model.words import Standing, Status

BEATS, OUTCOMES, STATE, IDENTITY, MEMBERS = "beats", "outcomes", "state", "identity", "members"
"""What may change together. Who is there at all (MEMBERS) changes everything."""

_ARRAYS = {
    "numbers": MEMBERS,
    "created_at": MEMBERS,
    "last_heartbeat": BEATS,
    "updated_at": BEATS,
    "tasks": OUTCOMES,
    "successes": OUTCOMES,
    "failed": OUTCOMES,
    "duration_ms_sum": OUTCOMES,
    "duration_count": OUTCOMES,
    "duration_buckets": OUTCOMES,
    "tokens_in": OUTCOMES,
    "tokens_out": OUTCOMES,
    "cost_micros": OUTCOMES,
    "score_e6_sum": OUTCOMES,
    "score_count": OUTCOMES,
    "error_count": OUTCOMES,
    "status": STATE,
    "standing": STATE,
    "incarnation": STATE,
    "interval_ms": STATE,
    "status_since": STATE,
    "task_since": STATE,
    "progress": STATE,
    "progress_at": STATE,
    "context_used": STATE,
    "finished_at": STATE,
    "terminated_at": STATE,
    "protected_until": STATE,
    "standing_until": STATE,
    "fired_count": STATE,
}
_LISTS = {
    "agent_ids": MEMBERS,
    "uuids": MEMBERS,
    "names": IDENTITY,
    "labels": IDENTITY,
    "boot_ids": IDENTITY,
    "session_keys": IDENTITY,
    "current_tasks": STATE,
    "last_errors": OUTCOMES,
}
_STATUSES, _STANDINGS = tuple(Status), tuple(Standing)
_PLURAL = {"role": "roles", "model": "models", "host": "hosts", "lineage": "lineages"}


class Publisher:
    """Makes snapshots, and remembers the columns of the last one."""

    def __init__(self) -> None:
        self.touched = {MEMBERS}
        """What changed since the last snapshot."""
        self._columns: dict[str, Any] = {}

    def snapshot(
        self,
        parts: Parts,
        *,
        workspace_id: int,
        seq: int,
        now: int,
        role_totals: tuple[RoleTotals, ...],
    ) -> Snapshot:
        """All agents in memory, in slot order."""
        columns, size = parts.columns, parts.slots.size
        present = columns.numbers[:size] > 0
        where = None if present.all() else np.flatnonzero(present)
        slots = np.arange(size) if where is None else where
        for name in self._to_renew(_ARRAYS):
            self._columns[name] = _frozen(getattr(columns, name), size, where)
        for name in self._to_renew(_LISTS):
            self._columns[name] = _kept(getattr(columns, name), present)
        for name in self._to_renew(dict.fromkeys(INTERNED, IDENTITY)):
            self._columns[_PLURAL[name]] = columns.words[name].texts(slots)
        if self._to_renew({"streak": OUTCOMES}):
            streak = parts.memory.streaks[DEFAULT].length
            self._columns["streak"] = _frozen(streak, size, where)
        self.touched.clear()
        return Snapshot(
            workspace_id=workspace_id,
            seq=seq,
            at=now,
            observing_since=parts.observing_since,
            is_stale=_frozen(stale(parts, slice(size), now=now), size, where),
            assumed_interval_ms=parts.settings.assumed_interval_ms,
            role_totals=role_totals,
            **self._columns,
        )

    def _to_renew(self, changes: Mapping[str, str]) -> list[str]:
        everything = MEMBERS in self.touched
        return [name for name, of in changes.items() if everything or of in self.touched]


def _frozen(column: NDArray[Any], size: int, where: Places | None) -> NDArray[Any]:
    copied: NDArray[Any] = column[:size].copy() if where is None else column[where]
    copied.setflags(write=False)
    return copied


def _kept(texts: list[Any], present: NDArray[np.bool_]) -> list[Any]:
    if present.all():
        return texts[: len(present)]
    return list(compress(texts, present.tolist()))


def views(parts: Parts, slots: Sequence[int], *, now: int) -> list[AgentView]:
    """Some agents, whole."""
    where = np.array(slots, np.intp)
    fields = _fields(parts, where)
    fields["is_stale"] = stale(parts, where, now=now).tolist()
    names = AgentView.__struct_fields__
    return [AgentView(*row) for row in zip(*(fields[name] for name in names), strict=True)]


def rows(
    parts: Parts, slots: Sequence[int], *, writer: int, seq: int, evidence: list[str]
) -> list[Restored]:
    """The same agents for a checkpoint that includes everything up to a journal place."""
    columns, where = parts.columns, np.array(slots, np.intp)
    fields = _fields(parts, where)
    fields["at"] = fields["updated_at"]
    fields["writer"], fields["seq"] = [writer] * len(where), [seq] * len(where)
    fields["last_fired_policy"] = [columns.fired_policies[slot] for slot in slots]
    fields["evidence"] = evidence
    for name in _ROWS_ALONE:
        fields[name] = _plain(name, getattr(columns, name)[where])
    names = Restored.__struct_fields__
    return [Restored(*row) for row in zip(*(fields[name] for name in names), strict=True)]


_SHARED = tuple(
    name
    for name in _ARRAYS
    if name not in {"numbers", "status", "standing", "duration_buckets"}
)
_OPTIONAL = frozenset(
    {
        "last_heartbeat",
        "interval_ms",
        "task_since",
        "progress_at",
        "finished_at",
        "terminated_at",
        "protected_until",
        "last_fired_at",
        "standing_until",
        "ordered_until",
        "released_at",
        "boot_changed_at",
    }
)
_ROWS_ALONE = (
    "duration_buckets",
    "incarnation_at",
    "tasks_before",
    "last_fired_at",
    "ordered_until",
    "released_at",
    "boot_changed_at",
)
"""What `Restored` has and `AgentView` has not."""


def _fields(parts: Parts, where: Places) -> dict[str, list[Any]]:
    """What `AgentView` and `Restored` both have, by name; each a list in the order of `where`."""
    columns, slots = parts.columns, where.tolist()
    return {
        "agent_no": columns.numbers[where].tolist(),
        "agent_id": [columns.agent_ids[slot] for slot in slots],
        "uuid": [columns.uuids[slot] for slot in slots],
        "name": [columns.names[slot] for slot in slots],
        **{name: columns.words[name].texts(where) for name in INTERNED},
        "labels": [columns.labels[slot] for slot in slots],
        "boot_id": [columns.boot_ids[slot] for slot in slots],
        "session_key": [columns.session_keys[slot] for slot in slots],
        "current_task": [columns.current_tasks[slot] for slot in slots],
        "last_error": [columns.last_errors[slot] for slot in slots],
        "status": [_STATUSES[code] for code in columns.status[where].tolist()],
        "standing": [_STANDINGS[code] for code in columns.standing[where].tolist()],
        "streak": parts.memory.streaks[DEFAULT].length[where].tolist(),
        **{name: _plain(name, getattr(columns, name)[where]) for name in _SHARED},
    }


def _plain(name: str, values: Integers) -> list[Any]:
    if name in _OPTIONAL:
        return [value or None for value in values.tolist()]
    if name in {"failed", "duration_buckets"}:
        return [tuple(row) for row in values.tolist()]
    if values.dtype == np.float64:
        return [None if value != value else value for value in values.tolist()]  # noqa: PLR0124 - NaN is not itself
    plain: list[Any] = values.tolist()
    return plain
