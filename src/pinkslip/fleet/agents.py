"""Who is in memory, and where: slots, columns, and the words matchers look at."""

from collections.abc import Mapping, Sequence

import numpy as np
from msgspec.structs import astuple

from pinkslip.fleet.columns import INTERNED, Columns, uuid_hash
from pinkslip.fleet.needs import Words
from pinkslip.fleet.publishing import MEMBERS, Publisher
from pinkslip.fleet.slots import Places, Slots
from pinkslip.fleet.totals import BUCKETS
from pinkslip.fleet.vocabulary import Vocabulary, fixed_words
from pinkslip.model.facts import Registered, Restored
from pinkslip.model.words import Standing, Status, code_of

_STATUSES = tuple(str(status) for status in Status)
_STANDINGS = tuple(str(standing) for standing in Standing)
_FIRED = code_of(Standing.FIRED)
_LABEL = "label."
_NO_BUCKETS = (0,) * BUCKETS

_AS_THEY_ARE = (
    "incarnation",
    "incarnation_at",
    "created_at",
    "updated_at",
    "status_since",
    "fired_count",
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
    "failed",
)
_OR_ZERO = (
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
)
_OR_NAN = ("progress", "context_used")


class Agents:
    """Everybody in memory."""

    def __init__(self, capacity: int) -> None:
        self.slots = Slots()
        self.columns = Columns(capacity)
        self.published = Publisher()
        self._slot_of: dict[str, int] = {}
        self._lazy: dict[str, Vocabulary] = {}

    def find(self, agent_id: str) -> int | None:
        """The slot of an agent by its agentId."""
        return self._slot_of.get(agent_id)

    def register(self, fact: Registered) -> int:
        """First contact."""
        slot = self._occupy(fact.agent_no, fact.agent_id, fact.uuid)
        columns, at = self.columns, fact.at
        columns.incarnation[slot] = 1
        columns.incarnation_at[slot] = columns.created_at[slot] = at
        columns.updated_at[slot] = columns.status_since[slot] = at
        columns.changed[slot] = True
        return slot

    def restore(self, rows: Sequence[Restored]) -> Places:
        """Agents as they stood when they were checkpointed."""
        places = [self._occupy(row.agent_no, row.agent_id, row.uuid) for row in rows]
        slots = np.array(places, np.intp)
        columns = self.columns
        said = dict(
            zip(Restored.__struct_fields__, zip(*map(astuple, rows), strict=True), strict=True)
        )
        for name in _AS_THEY_ARE:
            getattr(columns, name)[slots] = said[name]
        for name in _OR_ZERO:
            getattr(columns, name)[slots] = [value or 0 for value in said[name]]
        for name in _OR_NAN:
            getattr(columns, name)[slots] = [
                np.nan if value is None else value for value in said[name]
            ]
        columns.place_writer[slots], columns.place_seq[slots] = said["writer"], said["seq"]
        columns.status[slots] = [code_of(status) for status in said["status"]]
        columns.standing[slots] = [code_of(standing) for standing in said["standing"]]
        columns.duration_buckets[slots] = [
            buckets or _NO_BUCKETS for buckets in said["duration_buckets"]
        ]
        for slot, row in zip(places, rows, strict=True):
            self._restore_texts(slot, row)
        self._restore_fires(slots)
        done_now = columns.tasks[slots] > columns.tasks_before[slots]
        columns.unknown_until[slots] = np.where(done_now, columns.updated_at[slots], 0)
        return slots

    def leave(self, slots: Places) -> None:
        """Drop these; their slots are free."""
        numbers = self.columns.numbers[slots].tolist()
        for slot in slots.tolist():
            del self._slot_of[self.columns.agent_ids[slot]]
            for vocabulary in self._lazy.values():
                vocabulary.put(slot, None)
        self.columns.clear(slots)
        for number in numbers:
            self.slots.release(number)
        self.published.touched.add(MEMBERS)

    def grow(self, capacity: int) -> None:
        """Room for more slots."""
        self.columns.grow(capacity)
        for vocabulary in self._lazy.values():
            vocabulary.grow(capacity)

    def set_name(self, slot: int, name: str | None) -> None:
        """What the agent calls itself."""
        self.columns.names[slot] = name
        if (by_name := self._lazy.get("name")) is not None:
            by_name.put(slot, name)

    def set_labels(self, slot: int, labels: Mapping[str, str]) -> None:
        """All labels at once."""
        self.columns.labels[slot] = labels
        for field, vocabulary in self._lazy.items():
            if field.startswith(_LABEL):
                vocabulary.put(slot, labels.get(field.removeprefix(_LABEL)))

    def words(self, field: str) -> Words:
        """A text field as codes. KeyError: there is no such field."""
        columns, size = self.columns, self.slots.size
        free = columns.numbers[:size] == 0
        if field == "status":
            return fixed_words(columns.status[:size], free, _STATUSES)
        if field == "standing":
            return fixed_words(columns.standing[:size], free, _STANDINGS)
        if field in INTERNED:
            return columns.words[field].view(size)
        if field not in self._lazy:
            self._lazy[field] = self._learn(field)
        return self._lazy[field].view(size)

    def _occupy(self, number: int, agent_id: str, uuid: str) -> int:
        slot = self.slots.take(number)
        columns = self.columns
        columns.numbers[slot] = number
        columns.agent_ids[slot] = agent_id
        columns.uuids[slot] = uuid
        columns.uuid_hashes[slot] = uuid_hash(uuid)
        self._slot_of[agent_id] = slot
        if (by_agent := self._lazy.get("agent")) is not None:
            by_agent.put(slot, agent_id)
        self.published.touched.add(MEMBERS)
        return slot

    def _restore_texts(self, slot: int, row: Restored) -> None:
        columns = self.columns
        if row.name is not None:
            self.set_name(slot, row.name)
        if row.labels:
            self.set_labels(slot, row.labels)
        columns.boot_ids[slot] = row.boot_id
        columns.session_keys[slot] = row.session_key
        columns.current_tasks[slot] = row.current_task
        columns.last_errors[slot] = row.last_error
        columns.fired_policies[slot] = row.last_fired_policy
        words = columns.words
        for field, text in zip(
            INTERNED, (row.role, row.model, row.host, row.lineage), strict=True
        ):
            if text is not None:
                words[field].put(slot, text)

    def _restore_fires(self, slots: Places) -> None:
        columns = self.columns
        columns.fired_by_policy[slots] = [
            columns.fired_policies[slot] is not None for slot in slots.tolist()
        ]
        # fired, and the row does not say by whom: counting it as a policy's holds back, never fires too many
        unsaid = slots[
            (columns.standing[slots] == _FIRED) & (columns.last_fired_at[slots] == 0)
        ]
        columns.last_fired_at[unsaid] = columns.terminated_at[unsaid]
        columns.fired_by_policy[unsaid] = True

    def _learn(self, field: str) -> Vocabulary:
        vocabulary = Vocabulary(self.columns.capacity)
        slots = np.flatnonzero(self.columns.numbers[: self.slots.size])
        vocabulary.put_all(slots, self._texts(field, slots.tolist()))
        return vocabulary

    def _texts(self, field: str, slots: Sequence[int]) -> list[str | None]:
        columns = self.columns
        if field == "agent":
            return [columns.agent_ids[slot] for slot in slots]
        if field == "name":
            return [columns.names[slot] for slot in slots]
        if field.startswith(_LABEL):
            name, labels = field.removeprefix(_LABEL), columns.labels
            return [labels[slot].get(name) for slot in slots]
        raise KeyError(f"agents have no field {field}")
