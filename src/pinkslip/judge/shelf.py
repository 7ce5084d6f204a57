"""Every place on one policy's ladder, in columns. What becomes of places over time is `places`' matter."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from pinkslip.fleet.snapshot import Codes, Integers
from pinkslip.judge.columns import NEVER, Texts, instant, instants, integers, texts
from pinkslip.judge.view import Bools
from pinkslip.model.decisions import Place
from pinkslip.model.words import Standing, code_of, word_of

_AGENT = "agent:"
_LINEAGE = "lineage:"


def agent_subject(agent_no: int) -> str:
    """How records name an agent's own place."""
    return f"{_AGENT}{agent_no}"


def lineage_subject(lineage: str) -> str:
    """How records name the place of a worker whatever its ids."""
    return f"{_LINEAGE}{lineage}"


def lineage_in(subject: str) -> str | None:
    """The lineage's key, where the subject is one."""
    return None if subject.startswith(_AGENT) else subject.removeprefix(_LINEAGE)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Shelf:
    """One policy's places: agents' by agent_no, then lineages' by key. See `model.decisions.Place`."""

    number: Integers
    """agent_no; 0: a lineage's."""
    lineage: Texts
    """The key; empty: an agent's own."""
    slot: Integers
    """Where the agent stood last; a hint, checked before use."""
    incarnation: Integers
    rung: Integers
    standing: Codes
    since: Integers
    until: Integers
    passes: Integers
    quarantines: Integers
    quarantined_until: Integers
    base_tasks: Integers
    base_successes: Integers
    false_since: Integers
    is_shadow: Bools
    decision_id: Texts
    episode_hash: Texts

    def __len__(self) -> int:
        return len(self.number)

    @property
    def of_lineage(self) -> Bools:
        """Which rows are lineages'."""
        lineages: Bools = self.number == 0
        return lineages

    def take(self, which: Bools | Integers) -> "Shelf":
        """Some of them; `which` must keep the order."""
        return Shelf(**{name: getattr(self, name)[which] for name in COLUMNS})

    def copied(self) -> "Shelf":
        """A copy whose columns may be written."""
        return Shelf(**{name: getattr(self, name).copy() for name in COLUMNS})

    def joined(self, other: "Shelf") -> "Shelf":
        """Both, in order. They share no subject."""
        whole = {
            name: np.concatenate((getattr(self, name), getattr(other, name)))
            for name in COLUMNS
        }
        key = whole["lineage"].astype(np.str_)
        order = np.lexsort((key, whole["number"], whole["number"] == 0))
        return Shelf(**{name: column[order] for name, column in whole.items()})

    def subject(self, row: int) -> str:
        """Whose place it is, as records name it."""
        number = int(self.number[row])
        return agent_subject(number) if number else lineage_subject(self.lineage[row])

    def place(self, policy: str, row: int, *, gone: bool = False) -> Place:
        """One row as the store keeps it."""
        return Place(
            policy=policy,
            episode_hash=self.episode_hash[row],
            subject=self.subject(row),
            incarnation=int(self.incarnation[row]),
            rung=int(self.rung[row]),
            standing=word_of(Standing, int(self.standing[row])),
            since=int(self.since[row]),
            until=instant(self.until[row]),
            passes=int(self.passes[row]),
            quarantines=int(self.quarantines[row]),
            quarantined_until=int(self.quarantined_until[row]),
            base_tasks=int(self.base_tasks[row]),
            base_successes=int(self.base_successes[row]),
            false_since=instant(self.false_since[row]),
            is_shadow=bool(self.is_shadow[row]),
            decision_id=self.decision_id[row],
            gone=gone,
        )


COLUMNS = (
    "number",
    "lineage",
    "slot",
    "incarnation",
    "rung",
    "standing",
    "since",
    "until",
    "passes",
    "quarantines",
    "quarantined_until",
    "base_tasks",
    "base_successes",
    "false_since",
    "is_shadow",
    "decision_id",
    "episode_hash",
)


def shelf_of(places: Iterable[Place]) -> Shelf:
    """Places of one policy, from the store."""
    rows = sorted(places, key=lambda place: _order(place.subject))
    subjects = [_order(place.subject) for place in rows]
    return Shelf(
        number=integers([number for _, number, _ in subjects]),
        lineage=texts([key for _, _, key in subjects]),
        slot=np.full(len(rows), NEVER, dtype=np.int64),
        incarnation=integers([row.incarnation for row in rows]),
        rung=integers([row.rung for row in rows]),
        standing=np.array([code_of(row.standing) for row in rows], dtype=np.uint8),
        since=integers([row.since for row in rows]),
        until=instants([row.until for row in rows]),
        passes=integers([row.passes for row in rows]),
        quarantines=integers([row.quarantines for row in rows]),
        quarantined_until=integers([row.quarantined_until for row in rows]),
        base_tasks=integers([row.base_tasks for row in rows]),
        base_successes=integers([row.base_successes for row in rows]),
        false_since=instants([row.false_since for row in rows]),
        is_shadow=np.array([row.is_shadow for row in rows], dtype=np.bool_),
        decision_id=texts([row.decision_id for row in rows]),
        episode_hash=texts([row.episode_hash for row in rows]),
    )


def _order(subject: str) -> tuple[bool, int, str]:
    """Agents first, by number; lineages by key."""
    if subject.startswith(_AGENT):
        return False, int(subject.removeprefix(_AGENT)), ""
    return True, 0, subject.removeprefix(_LINEAGE)


NO_PLACES = shelf_of(())
"""Nobody's. Nothing in it can be written."""
