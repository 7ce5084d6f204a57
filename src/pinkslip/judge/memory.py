"""What the judge remembers between two ticks, as values: open episodes, places on ladders, panics, what shadow
would have fired, and when people were told.

A tick never changes a Memory, it makes the next one; so a tick whose transaction fails has not happened.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from pinkslip.fleet.snapshot import Codes, Integers
from pinkslip.judge.columns import NEVER, Texts, instant, instants, texts
from pinkslip.judge.shelf import Shelf
from pinkslip.model.decisions import Decision, Episode
from pinkslip.model.words import Action, EpisodeState, Guard, Verdict, code_of, word_of

NOBODY = -1
"""Stands for None in a column of guards."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Track:
    """Every open episode of one policy, in columns, ordered by agent_no."""

    number: Integers
    slot: Integers
    """Where the agent stood last; a hint, checked before use."""
    incarnation: Integers
    state: Codes
    began_at: Integers
    true_since: Integers
    false_since: Integers
    guard: NDArray[np.int8]
    guard_detail: Texts
    decision_id: Texts
    episode_hash: Texts
    until: Integers
    """When its notice has passed; NEVER: none was given."""
    ruled_by: Texts
    """Who vetoed or approved it."""

    def __len__(self) -> int:
        return len(self.number)

    def take(self, which: NDArray[np.bool_] | Integers) -> "Track":
        """Some of them; `which` must keep the order. All of them: this very track."""
        if which.dtype == np.bool_ and which.all():
            return self
        return Track(**{name: getattr(self, name)[which] for name in COLUMNS})

    def joined(self, other: "Track") -> "Track":
        """Both, in order of agent_no. They share no agent."""
        number = np.concatenate((self.number, other.number))
        order = np.argsort(number, kind="stable")
        return Track(
            **{
                name: np.concatenate((getattr(self, name), getattr(other, name)))[order]
                for name in COLUMNS
            },
        )

    def copied(self) -> "Track":
        """A copy whose columns may be written."""
        return Track(**{name: getattr(self, name).copy() for name in COLUMNS})

    def to_be_ruled(self) -> "Track":
        """A copy in which what a ruling changes may be written: state, guard, decision, notice."""
        return replace(
            self,
            state=self.state.copy(),
            guard=self.guard.copy(),
            guard_detail=self.guard_detail.copy(),
            decision_id=self.decision_id.copy(),
            until=self.until.copy(),
        )

    def episode(self, policy: str, row: int) -> Episode:
        """One row as the store keeps it."""
        guard = int(self.guard[row])
        return Episode(
            policy=policy,
            episode_hash=self.episode_hash[row],
            agent_no=int(self.number[row]),
            incarnation=int(self.incarnation[row]),
            state=word_of(EpisodeState, int(self.state[row])),
            began_at=int(self.began_at[row]),
            true_since=instant(self.true_since[row]),
            false_since=instant(self.false_since[row]),
            guard=None if guard == NOBODY else word_of(Guard, guard),
            guard_detail=self.guard_detail[row],
            decision_id=self.decision_id[row],
            until=instant(self.until[row]),
            ruled_by=self.ruled_by[row],
        )

    def ended(self, policy: str, row: int) -> Episode:
        """One row as its last word: CLEAR."""
        return Episode(
            policy=policy,
            episode_hash=self.episode_hash[row],
            agent_no=int(self.number[row]),
            incarnation=int(self.incarnation[row]),
            state=EpisodeState.CLEAR,
            began_at=int(self.began_at[row]),
            true_since=instant(self.true_since[row]),
            false_since=instant(self.false_since[row]),
            decision_id=self.decision_id[row],
        )


COLUMNS = (
    "number",
    "slot",
    "incarnation",
    "state",
    "began_at",
    "true_since",
    "false_since",
    "guard",
    "guard_detail",
    "decision_id",
    "episode_hash",
    "until",
    "ruled_by",
)


def track_of(episodes: Iterable[Episode]) -> Track:
    """Episodes of one policy, from the store."""
    rows = sorted(episodes, key=lambda episode: episode.agent_no)
    return Track(
        number=np.array([row.agent_no for row in rows], dtype=np.int64),
        slot=np.full(len(rows), NEVER, dtype=np.int64),
        incarnation=np.array([row.incarnation for row in rows], dtype=np.int64),
        state=np.array([code_of(row.state) for row in rows], dtype=np.uint8),
        began_at=np.array([row.began_at for row in rows], dtype=np.int64),
        true_since=instants([row.true_since for row in rows]),
        false_since=instants([row.false_since for row in rows]),
        guard=np.array(
            [NOBODY if row.guard is None else code_of(row.guard) for row in rows], dtype=np.int8
        ),
        guard_detail=texts([row.guard_detail for row in rows]),
        decision_id=texts([row.decision_id for row in rows]),
        episode_hash=texts([row.episode_hash for row in rows]),
        until=instants([row.until for row in rows]),
        ruled_by=texts([row.ruled_by for row in rows]),
    )


NO_EPISODES = track_of(())
"""Nobody's. Nothing in it can be written."""


@dataclass(frozen=True, slots=True, order=True)
class VirtualFire:
    """A fire that a policy in shadow would have made."""

    at: int
    agent_no: int
    incarnation: int


def virtual_fires(decisions: Iterable[Decision]) -> tuple[VirtualFire, ...]:
    """Those among some decisions, oldest first. Several of one agent at one instant are one."""
    return tuple(
        sorted(
            {
                VirtualFire(each.at, each.agent_no, each.incarnation)
                for each in decisions
                if each.verdict is Verdict.SHADOWED and each.action is Action.FIRE
            }
        )
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """All of it, for one workspace."""

    tracks: Mapping[str, Track] = field(default_factory=dict)
    """By policy."""
    panics: Mapping[str, int] = field(default_factory=dict)
    """Pools in panic and since when."""
    virtual: tuple[VirtualFire, ...] = ()
    """Oldest first; those older than any envelope's window are forgotten."""
    places: Mapping[str, Shelf] = field(default_factory=dict)
    """Where ladders have put their subjects, by policy."""
    told: tuple[int, ...] = ()
    """When people were told or asked something, oldest first, as far back as any limit on that reads."""
