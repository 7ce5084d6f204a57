"""What every agent looks like now: one row per slot. Numbers in arrays, texts in lists.

Times are journal ms, 0 where there is none; floats are NaN where unknown.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from pinkslip.fleet.growing import grown
from pinkslip.fleet.slots import Places
from pinkslip.fleet.snapshot import Codes, Floats, Integers
from pinkslip.fleet.totals import BUCKETS
from pinkslip.fleet.vocabulary import Vocabulary
from pinkslip.model.words import Fault

NO_LABELS: Mapping[str, str] = {}
"""A plain dict, since encoders know no other mapping; nobody changes it."""
INTERNED = ("role", "model", "host", "lineage")
"""Texts that many agents share, and policies match by: always kept as codes."""

_INTEGERS = (
    "numbers",
    "incarnation",
    "incarnation_at",
    "created_at",
    "updated_at",
    "last_heartbeat",
    "interval_ms",
    "status_since",
    "task_since",
    "progress_at",
    "finished_at",
    "terminated_at",
    "protected_until",
    "fired_count",
    "last_fired_at",
    "standing_until",
    "ordered_until",
    "released_at",
    "boot_changed_at",
    "tasks",
    "tasks_before",
    "successes",
    "duration_ms_sum",
    "duration_count",
    "tokens_in",
    "tokens_out",
    "cost_micros",
    "score_e6_sum",
    "score_count",
    "error_count",
    "place_writer",
    "place_seq",
    "unknown_until",
    "anew_at",
    "gap_mean",
    "gap_variance",
    "excused_until",
    "interval_before",
    "interval_since",
)


class Columns:
    """Arrays of one capacity, doubled as it is reached."""

    numbers: Integers
    """`agent_no`; 0: the slot is free."""
    incarnation: Integers
    incarnation_at: Integers
    created_at: Integers
    updated_at: Integers
    last_heartbeat: Integers
    interval_ms: Integers
    status_since: Integers
    task_since: Integers
    progress_at: Integers
    finished_at: Integers
    terminated_at: Integers
    protected_until: Integers
    fired_count: Integers
    last_fired_at: Integers
    """The newest fire, reinstated or not."""
    standing_until: Integers
    """When the standing ends by time."""
    ordered_until: Integers
    """The end of a person's quarantine."""
    released_at: Integers
    """When a person released it last."""
    boot_changed_at: Integers
    """When it last came with a new bootId after another."""
    tasks: Integers
    tasks_before: Integers
    """Of `tasks`, those of former incarnations."""
    successes: Integers
    duration_ms_sum: Integers
    duration_count: Integers
    tokens_in: Integers
    tokens_out: Integers
    cost_micros: Integers
    score_e6_sum: Integers
    score_count: Integers
    error_count: Integers
    place_writer: Integers
    """With `place_seq`: the journal place the row was restored at."""
    place_seq: Integers
    unknown_until: Integers
    """For a restored row: outcomes up to here were done and have not been handed over; 0: none."""
    anew_at: Integers
    """Outcomes up to here show no decay any more; see `evidence`."""
    gap_mean: Integers
    """Between heartbeats, in 256ths of a millisecond; see `rhythm`."""
    gap_variance: Integers
    """Square milliseconds."""
    excused_until: Integers
    """Until when it was last not expected to beat: it waited, or had ended."""
    interval_before: Integers
    """The interval before it changed last, at `interval_since`."""
    interval_since: Integers

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        for name in _INTEGERS:
            setattr(self, name, np.zeros(capacity, np.int64))
        self.gaps: NDArray[np.uint8] = np.zeros(capacity, np.uint8)
        """How many gaps were seen, `rhythm.MEMORY` at most."""
        self.late_beats: NDArray[np.uint32] = np.zeros(capacity, np.uint32)
        """Whether each of the last heartbeats was late; see `flapping`."""
        self.failed: Integers = np.zeros((capacity, len(Fault)), np.int64)
        self.duration_buckets: Integers = np.zeros((capacity, BUCKETS), np.int64)
        self.status: Codes = np.zeros(capacity, np.uint8)
        self.standing: Codes = np.zeros(capacity, np.uint8)
        self.progress: Floats = np.full(capacity, np.nan)
        self.context_used: Floats = np.full(capacity, np.nan)
        self.fired_by_policy: NDArray[np.bool_] = np.zeros(capacity, np.bool_)
        self.changed: NDArray[np.bool_] = np.zeros(capacity, np.bool_)
        """Since the last checkpoint."""
        self.lineage_row: NDArray[np.int32] = np.zeros(capacity, np.int32)
        """See `lineages`; 0: to be looked up."""
        self.group: NDArray[np.int32] = np.full(capacity, -1, np.int32)
        """Whose role totals the agent's outcomes belong to; -1: not looked up yet."""
        self.agent_ids: list[str] = []
        self.uuids: list[str] = []
        self.uuid_hashes: Integers = np.zeros(capacity, np.int64)
        self.names: list[str | None] = []
        self.labels: list[Mapping[str, str]] = []
        self.boot_ids: list[str | None] = []
        self.session_keys: list[str | None] = []
        self.current_tasks: list[str | None] = []
        self.last_errors: list[str | None] = []
        self.fired_policies: list[str | None] = []
        self._lengthen(capacity)
        self.words = {name: Vocabulary(capacity) for name in INTERNED}

    def grow(self, capacity: int) -> None:
        """Room for more slots."""
        self.capacity = capacity
        for name, column in list(vars(self).items()):
            if isinstance(column, np.ndarray):
                fill = _FILLS.get(name, 0)
                setattr(self, name, grown(column, capacity, fill))
        self._lengthen(capacity)
        for vocabulary in self.words.values():
            vocabulary.grow(capacity)

    def clear(self, slots: Places) -> None:
        """Nobody is there any more."""
        for name, column in vars(self).items():
            if isinstance(column, np.ndarray):
                column[slots] = _FILLS.get(name, 0)
        for slot in slots.tolist():
            self.agent_ids[slot] = self.uuids[slot] = ""
            self.labels[slot] = NO_LABELS
            self.names[slot] = self.boot_ids[slot] = self.session_keys[slot] = None
            self.current_tasks[slot] = self.last_errors[slot] = None
            self.fired_policies[slot] = None
            for vocabulary in self.words.values():
                vocabulary.put(slot, None)

    def find_uuid(self, uuid: str) -> int | None:
        """The slot of an agent by its uuid."""
        for slot in np.flatnonzero(self.uuid_hashes == uuid_hash(uuid)).tolist():
            if self.uuids[slot] == uuid:
                return int(slot)
        return None

    def _lengthen(self, capacity: int) -> None:
        more = capacity - len(self.agent_ids)
        self.agent_ids += [""] * more
        self.uuids += [""] * more
        self.labels += [NO_LABELS] * more
        for texts in (
            self.names,
            self.boot_ids,
            self.session_keys,
            self.current_tasks,
            self.last_errors,
            self.fired_policies,
        ):
            texts.extend([None] * more)


_FILLS: Mapping[str, float] = {"progress": np.nan, "context_used": np.nan, "group": -1}


def uuid_hash(uuid: str) -> int:
    """A number to search by, so that no second dictionary is needed; only ever compared in memory."""
    return hash(uuid)
