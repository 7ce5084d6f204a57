"""The judge's memory as its owner, the fleet thread, holds it: restored, applied to, asked, and carried over a reload.

What a reload means for places, and for fires that were announced, is worked out by the next tick: it records them.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import replace
from typing import TypeVar

import numpy as np

from pinkslip.fleet.snapshot import Integers
from pinkslip.judge.conclusions import Judgement
from pinkslip.judge.episodes import PENDING, inherited, is_announced, is_vetoed
from pinkslip.judge.matching import Matching
from pinkslip.judge.memory import Memory, Track, track_of, virtual_fires
from pinkslip.judge.places import Lexicon
from pinkslip.judge.shelf import shelf_of
from pinkslip.model.decisions import Decision, Episode, Place
from pinkslip.model.policy import Policy, PolicySet
from pinkslip.model.words import (
    SEVERITY_OF_ACTION,
    EpisodeState,
    Mode,
)

Record = TypeVar("Record", Episode, Place)


class JudgeState:
    """One workspace's episodes, places, panics and edges. Touched by one thread only."""

    def __init__(self, memory: Memory | None = None) -> None:
        self.memory = memory or Memory()
        self.matching = Matching()
        """What matchers said of each word so far; a cache, never part of a verdict."""
        self.lexicon = Lexicon()
        """Where lineages stand in their vocabulary; a cache too."""
        self._force: dict[str, int] = {}

    @classmethod
    def restore(
        cls,
        episodes: Iterable[Episode],
        *,
        shadowed: Iterable[Decision] = (),
        places: Iterable[Place] = (),
        told: Iterable[int] = (),
    ) -> "JudgeState":
        """What a former process left: its open episodes and its places; its `shadowed` decisions to fire within
        the envelope's windows, which the virtual envelope counts; and when people were `told` or asked something
        within the limit on that."""
        open_ones = [each for each in episodes if each.state is not EpisodeState.CLEAR]
        return cls(
            Memory(
                tracks={name: track_of(rows) for name, rows in _by_policy(open_ones).items()},
                virtual=virtual_fires(shadowed),
                places={name: shelf_of(rows) for name, rows in _by_policy(places).items()},
                told=tuple(sorted(told)),
            )
        )

    def apply(self, judgement: Judgement, *, superseded: Collection[str] = ()) -> None:
        """Make a committed tick's conclusions ours.

        `superseded` names decisions the transaction recorded but could not do; where the agent is still
        there, its episode is tried again, or waits as before: a person may have stopped it meanwhile.
        """
        before, self.memory = self.memory, judgement.after
        if superseded:
            self.memory = replace(
                self.memory,
                tracks={
                    policy: _reopened(track, before.tracks.get(policy), superseded)
                    for policy, track in self.memory.tracks.items()
                },
            )

    def episodes(self) -> list[Episode]:
        """All open ones, by policy and agent_no."""
        return [
            track.episode(policy, row)
            for policy, track in sorted(self.memory.tracks.items())
            for row in range(len(track))
        ]

    def places(self) -> list[Place]:
        """All of them, by policy and subject."""
        return [
            shelf.place(policy, row)
            for policy, shelf in sorted(self.memory.places.items())
            for row in range(len(shelf))
        ]

    def open_counts(self) -> dict[str, int]:
        """How many are open, by policy; cheap however many there are."""
        return {policy: len(track) for policy, track in sorted(self.memory.tracks.items())}

    def open_episodes(self, agent_no: int) -> list[Episode]:
        """One agent's, by policy."""
        return [
            track.episode(policy, row)
            for policy, track in sorted(self.memory.tracks.items())
            for row in np.flatnonzero(track.number == agent_no).tolist()
        ]

    def convicted(self) -> Integers:
        """agent_no of everybody with enough evidence against them to act: an episode past pending."""
        found = [track.number[track.state != PENDING] for track in self.memory.tracks.values()]
        return np.unique(np.concatenate(found)) if found else np.empty(0, dtype=np.int64)

    def adopt(self, policy_set: PolicySet, *, now: int) -> tuple[Episode, ...]:
        """Take over other policies; returns the episodes that end by it, CLEAR.

        1. A policy that is gone, off, or has another `episode_hash` loses its episodes: it starts afresh.
        2. So does one that may do less than before: enforce to shadow, fire to notify. What a person vetoed stays.

        For whom it may do more, and tries again what it had only shadowed or notified, the next tick finds out.
        Announced fires that come to nothing by it end with that tick too, which records it, and so do places.
        """
        policies = {policy.name: policy for policy in policy_set.policies}
        tracks: dict[str, Track] = {}
        ended: list[Episode] = []
        for name, open_track in sorted(self.memory.tracks.items()):
            track = open_track
            policy = policies.get(name)
            stays = np.zeros(len(track), dtype=np.bool_)
            if policy is not None and not self._is_demoted(policy):
                is_shadow = np.full(len(track), policy.mode is not Mode.ENFORCE)
                _, stays = inherited(policy, track, in_shadow=is_shadow)
            if policy is not None:
                stays = stays | is_vetoed(track, policy)
            stays = stays | is_announced(open_track)
            ended += [track.ended(name, row) for row in np.flatnonzero(~stays).tolist()]
            if stays.any():
                tracks[name] = track.take(stays)
        self.memory = replace(self.memory, tracks=tracks)
        self.matching = Matching()
        self._force = {policy.name: _force(policy) for policy in policy_set.policies}
        return tuple(ended)

    def _is_demoted(self, policy: Policy) -> bool:
        return _force(policy) < self._force.get(policy.name, 0)


def _force(policy: Policy) -> int:
    """How much a policy may do, to tell promotion from demotion: mode first, then the worst of its actions."""
    mode = {Mode.OFF: 0, Mode.SHADOW: 1, Mode.ENFORCE: 2}[policy.mode]
    return len(SEVERITY_OF_ACTION) * mode + SEVERITY_OF_ACTION.index(policy.action)


def _by_policy(records: Iterable[Record]) -> dict[str, list[Record]]:
    by_policy: dict[str, list[Record]] = defaultdict(list)
    for record in records:
        by_policy[record.policy].append(record)
    return by_policy


def _reopened(track: Track, before: Track | None, decision_ids: Collection[str]) -> Track:
    """Episodes whose act could not be done are as they were before it, which is what the store has of them; those
    that began with it begin again."""
    undone = np.array([text in decision_ids for text in track.decision_id], dtype=np.bool_)
    if not undone.any():
        return track
    others = track.take(~undone)
    if before is None:
        return others
    return others.joined(before.take(np.isin(before.number, track.number[undone])))
