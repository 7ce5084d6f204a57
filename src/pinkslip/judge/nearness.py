"""How near every agent is to a verdict, for the eye: 0 nothing against it, 1 enough to act, by its worst policy.

A policy on evidence (`proven`, `decayed`) tells how far that has come, whether or not it holds yet; any other
one how much of its `for` has passed. Past that, whatever guards or shadow make of it, it is enough.
"""

from collections.abc import Mapping

import numpy as np

from pinkslip.fleet.snapshot import Floats, Integers
from pinkslip.judge.episodes import PENDING
from pinkslip.judge.evaluate import Readings, calls_of
from pinkslip.judge.hearing import evaluator_of
from pinkslip.judge.kinds import is_stale_type
from pinkslip.judge.memory import Track
from pinkslip.judge.shadowing import as_it_may
from pinkslip.judge.state import JudgeState
from pinkslip.judge.view import FleetView
from pinkslip.judge.weighing import CONDITIONS
from pinkslip.model.policy import Policy, PolicySet
from pinkslip.model.words import Mode

_DIGITS = 3


def nearness(
    measures: FleetView, policy_set: PolicySet, state: JudgeState
) -> Mapping[int, float]:
    """By agent_no, of those with anything against them. A policy that breaks says nothing."""
    readings = Readings(measures)
    nearest = np.zeros(measures.size)
    for policy in policy_set.policies:
        if policy.mode is Mode.OFF:
            continue
        track = state.memory.tracks.get(policy.name)
        weighs = any(call.function in CONDITIONS for call in calls_of(policy.when.tree))
        if weighs:
            try:
                slots, levels = _weighed(policy, state, readings, pool=policy_set.guards.pool)
            except Exception:  # noqa: BLE001, S112 - one policy is a unit of isolation; the tick tells of it
                continue
            nearest[slots] = np.maximum(nearest[slots], levels)
        if track is not None:
            slots, levels = _waited(policy, track, measures, weighs=weighs)
            np.maximum.at(nearest, slots, levels)
    near = np.flatnonzero(nearest > 0)
    levels = np.round(nearest[near], _DIGITS)
    return dict(zip(measures.numbers[near].tolist(), levels.tolist(), strict=True))


def _weighed(
    policy: Policy, state: JudgeState, readings: Readings, *, pool: str
) -> tuple[Integers, Floats]:
    policy = as_it_may(policy, readings.view.acts)
    evaluator, matched, _ = evaluator_of(
        policy, state, readings, pool=pool, stale_type=is_stale_type(policy)
    )
    slots = np.flatnonzero(matched)
    return slots, evaluator.meter(policy.when.tree, slots)


def _waited(
    policy: Policy, track: Track, view: FleetView, *, weighs: bool
) -> tuple[Integers, Floats]:
    """What open episodes say. Slots of agents that left since the last tick say nothing."""
    known = (track.slot >= 0) & (track.slot < view.size)
    known[known] = view.numbers[track.slot[known]] == track.number[known]
    track = track.take(np.flatnonzero(known))
    waited = np.where(track.true_since < 0, 0, view.now - track.true_since)
    share = np.clip(waited / max(1, policy.for_ms), 0.0, 1.0)
    levels = np.where(track.state == PENDING, 0.0 if weighs else share, 1.0)
    return track.slot, levels
