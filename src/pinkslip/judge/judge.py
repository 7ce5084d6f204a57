"""One tick: the fleet at one instant, the policies and what is remembered, to decisions. Nothing else decides."""

import numpy as np

from pinkslip.judge.conclusions import Finding, Judgement, PanicPool, PolicyAnswer, Recomputed
from pinkslip.judge.consult import Circumstances, circumstances, consult
from pinkslip.judge.evaluate import Readings
from pinkslip.judge.hearing import cases_of, hear_all, without
from pinkslip.judge.memory import NOBODY, Memory, Track
from pinkslip.judge.rulings import RECORDS_MAX, Concluded, conclude_all
from pinkslip.judge.state import JudgeState
from pinkslip.judge.view import FleetView
from pinkslip.model.decisions import Episode
from pinkslip.model.policy import PolicySet
from pinkslip.model.words import Guard, Mode, word_of

__all__ = [
    "Finding",
    "JudgeState",
    "Judgement",
    "PanicPool",
    "PolicyAnswer",
    "Recomputed",
    "judge",
]


def judge(
    measures: FleetView,
    policy_set: PolicySet,
    state: JudgeState,
    *,
    workspace_id: int,
    stopped: str | None,
    records_max: int = RECORDS_MAX,
) -> Judgement:
    """Conclude what follows now. Changes nothing: `state` moves on when the judgement is applied.

    1. Every policy is heard by itself; one that breaks is a finding and stops nobody.
    2. The guards rule on all that want to act, strongest evidence first.
    3. Each policy's rulings become decisions, on edges only, and episodes. One that breaks here is a finding
       too, and 2 and 3 start again without it: it spends nothing of the envelope and holds nobody.

    `stopped` is why enforcement is stopped, None while it is not. At most `records_max` decisions are made;
    fires come first, and who is left is tried again next tick.
    """
    readings = Readings(measures)
    hearings, findings = hear_all(policy_set, state, readings)
    while True:
        given = circumstances(
            hearings,
            readings=readings,
            matching=state.matching,
            guards=policy_set.guards,
            stopped=stopped,
            virtual=state.memory.virtual,
        )
        ruling = consult(cases_of(hearings), given)
        conclusions = conclude_all(
            hearings, ruling, view=measures, workspace_id=workspace_id, records_max=records_max
        )
        broke = [*ruling.findings, *conclusions.findings]
        if not broke:
            break
        findings += broke
        hearings = without(hearings, broke)
    concluded = conclusions.concluded
    tracks = _tracks(policy_set, state, concluded)
    panics = _panics(given, state)
    return Judgement(
        now=measures.now,
        decisions=tuple(each for part in concluded for each in part.decisions),
        episodes=(
            *(each for part in concluded for each in part.episodes),
            *_orphaned(policy_set, state),
        ),
        held=_held(tracks),
        matched={hearing.policy.name: hearing.matched for hearing in hearings},
        holding={hearing.policy.name: hearing.holding for hearing in hearings},
        panics=panics,
        deferred=conclusions.deferred,
        findings=tuple(findings),
        after=Memory(
            tracks=tracks,
            panics={panic.pool: panic.since for panic in panics},
            virtual=(*given.virtual, *ruling.virtual),
        ),
    )


def _tracks(
    policy_set: PolicySet, state: JudgeState, concluded: list[Concluded]
) -> dict[str, Track]:
    """Open episodes from now on; those of a broken policy stay as they were."""
    judged = {policy.name for policy in policy_set.policies if policy.mode is not Mode.OFF}
    tracks = {name: track for name, track in state.memory.tracks.items() if name in judged}
    tracks.update((part.policy, part.track) for part in concluded)
    return {name: track for name, track in tracks.items() if len(track)}


def _orphaned(policy_set: PolicySet, state: JudgeState) -> tuple[Episode, ...]:
    """Episodes of policies that are gone or off: they end."""
    judged = {policy.name for policy in policy_set.policies if policy.mode is not Mode.OFF}
    return tuple(
        track.ended(name, row)
        for name, track in sorted(state.memory.tracks.items())
        if name not in judged
        for row in range(len(track))
    )


def _held(tracks: dict[str, Track]) -> dict[tuple[str, Guard], int]:
    counts: dict[tuple[str, Guard], int] = {}
    for name, track in tracks.items():
        guards, held = np.unique(track.guard[track.guard != NOBODY], return_counts=True)
        for guard, count in zip(guards.tolist(), held.tolist(), strict=True):
            counts[name, word_of(Guard, guard)] = count
    return counts


def _panics(given: Circumstances, state: JudgeState) -> tuple[PanicPool, ...]:
    """Pools in panic, by name; one that was in panic before keeps its beginning."""
    found = []
    for code, burst in given.panics.items():
        name = given.pools.names[code]
        since = min(burst.since, state.memory.panics.get(name, burst.since))
        found.append(PanicPool(name, since, burst.newly, burst.size))
    return tuple(sorted(found, key=lambda panic: panic.pool))
