"""One tick: the fleet at one instant, the policies and what is remembered, to decisions. Nothing else decides."""

from collections.abc import Mapping, Sequence

import numpy as np

from pinkslip.judge.columns import NEVER
from pinkslip.judge.conclusions import (
    Finding,
    Judgement,
    PanicPool,
    PolicyAnswer,
    Recomputed,
    Waiting,
)
from pinkslip.judge.consult import Circumstances, circumstances, consult
from pinkslip.judge.episodes import AWAITING, NOTICED, is_announced, is_unanswered
from pinkslip.judge.evaluate import Readings
from pinkslip.judge.guards import notices
from pinkslip.judge.hearing import (
    Hearing,
    cases_of,
    hear_all,
    located_track,
    may_be_judged,
    without,
)
from pinkslip.judge.memory import NOBODY, Memory, Track, virtual_fires
from pinkslip.judge.places import Places, freed_from, located
from pinkslip.judge.records import freed_by_removal, orphaned
from pinkslip.judge.rulings import RECORDS_MAX, Concluded, conclude_all, waits
from pinkslip.judge.standings import Claim, changes
from pinkslip.judge.state import JudgeState
from pinkslip.judge.view import FleetView
from pinkslip.model.decisions import Decision, Episode, Place
from pinkslip.model.policy import Policy, PolicySet
from pinkslip.model.words import Guard, Mode, Standing, Verdict, code_of, word_of

__all__ = [
    "Finding",
    "JudgeState",
    "Judgement",
    "PanicPool",
    "PolicyAnswer",
    "Recomputed",
    "Waiting",
    "judge",
]

_TELLING = frozenset({Verdict.NOTIFIED, Verdict.NOTICED, Verdict.ASKED})
_ACTIVE = code_of(Standing.ACTIVE)
_NOTICE = code_of(Standing.NOTICE)
_PROBATION = code_of(Standing.PROBATION)


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
    3. Each policy's rulings become decisions, on edges only, episodes and places. One that breaks here is a
       finding too, and 2 and 3 start again without it: it spends nothing of the envelope and holds nobody.
    4. What policies that are gone had begun ends; then everybody's standing is the worst that is left.

    `stopped` is why enforcement is stopped, None while it is not. At most `records_max` decisions are made,
    and as many standings change; fires come first, and who is left is tried again next tick.
    """
    readings = Readings(measures)
    hearings, findings = hear_all(policy_set, state, readings)
    while True:
        given = surroundings(hearings, policy_set, state, readings, stopped=stopped)
        cases = cases_of(hearings)
        ruling = consult(cases, given)
        conclusions = conclude_all(
            hearings, cases, ruling, workspace_id=workspace_id, records_max=records_max
        )
        broke = [*ruling.findings, *conclusions.findings]
        if not broke:
            break
        findings += broke
        hearings = without(hearings, broke)
    concluded = conclusions.concluded
    judged = _judged(policy_set)
    tracks = _tracks(judged, state, concluded)
    places = _located(judged, state, concluded, measures)
    panics = _panics(given, state)
    decisions = (
        *(each for part in concluded for each in part.decisions),
        *_called_off(judged, state, measures, workspace_id=workspace_id),
        *_freed(judged, state, measures, workspace_id=workspace_id),
    )
    return Judgement(
        now=measures.now,
        decisions=decisions,
        episodes=(
            *(each for part in concluded for each in part.episodes),
            *_orphaned(judged, state),
        ),
        held=_held(tracks),
        matched={hearing.policy.name: hearing.matched for hearing in hearings},
        holding={hearing.policy.name: hearing.holding for hearing in hearings},
        panics=panics,
        deferred=conclusions.deferred,
        findings=tuple(findings),
        places=(
            *(each for part in concluded for each in part.places),
            *_abandoned(judged, state),
        ),
        standings=changes(
            _claims(policy_set, tracks, places, measures), measures, most=records_max
        ),
        waiting=_waiting(policy_set, tracks, concluded, measures),
        causes=ruling.causes,
        deploys=tuple(sorted(given.deploys.values(), key=lambda deploy: deploy.pool)),
        silenced=_silenced(given),
        after=Memory(
            tracks=tracks,
            panics={panic.pool: panic.since for panic in panics},
            virtual=(*given.virtual, *virtual_fires(decisions)),
            places={name: one.shelf for name, one in places.items() if len(one.shelf)},
            told=_told(policy_set, state, decisions, measures.now),
        ),
    )


def surroundings(
    hearings: Sequence[Hearing],
    policy_set: PolicySet,
    state: JudgeState,
    readings: Readings,
    *,
    stopped: str | None,
) -> Circumstances:
    """What guards know beside the cases, in the light of these hearings."""
    memory = state.memory
    return circumstances(
        hearings,
        readings=readings,
        matching=state.matching,
        guards=policy_set.guards,
        stopped=stopped,
        virtual=memory.virtual,
        told=memory.told,
        virtually_quarantined=_virtually_quarantined(hearings, readings.view),
    )


def _silenced(given: Circumstances) -> tuple[int, ...]:
    """Whom a silence is about, by agent_no."""
    if not given.quiets:
        return ()
    return tuple(np.sort(given.readings.view.numbers[given.silenced]).tolist())


def _judged(policy_set: PolicySet) -> dict[str, Policy]:
    """The policies that are not off, in their order."""
    return {
        policy.name: policy for policy in policy_set.policies if policy.mode is not Mode.OFF
    }


def _tracks(
    judged: Mapping[str, Policy], state: JudgeState, concluded: Sequence[Concluded]
) -> dict[str, Track]:
    """Open episodes from now on; those of a broken policy stay as they were."""
    tracks = {name: track for name, track in state.memory.tracks.items() if name in judged}
    tracks.update((part.policy, part.track) for part in concluded)
    return {name: track for name, track in tracks.items() if len(track)}


def _located(
    judged: Mapping[str, Policy],
    state: JudgeState,
    concluded: Sequence[Concluded],
    view: FleetView,
) -> dict[str, Places]:
    """Places from now on, where their subjects are; those of a broken policy stay as they were."""
    shelves = {name: shelf for name, shelf in state.memory.places.items() if name in judged}
    shelves.update((part.policy, part.shelf) for part in concluded)
    known = {part.policy: part.located for part in concluded}
    return {
        name: known.get(name) or located(shelf, judged[name].scope, view, state.lexicon)
        for name, shelf in shelves.items()
        if len(shelf)
    }


def _virtually_quarantined(hearings: Sequence[Hearing], view: FleetView) -> tuple[int, ...]:
    away = [hearing.places.away for hearing in hearings if len(hearing.places.rows)]
    return tuple(sorted({number for each in away for number in view.numbers[each].tolist()}))


def _told(
    policy_set: PolicySet, state: JudgeState, decisions: Sequence[Decision], now: int
) -> tuple[int, ...]:
    """When people were told, as far back as it matters."""
    before = notices.remembered(state.memory.told, rule=policy_set.guards.max_notices, now=now)
    return (*before, *(now for each in decisions if each.verdict in _TELLING))


def _orphaned(judged: Mapping[str, Policy], state: JudgeState) -> tuple[Episode, ...]:
    """Episodes of policies that are gone or off: they end."""
    return tuple(
        track.ended(name, row)
        for name, track in sorted(state.memory.tracks.items())
        if name not in judged
        for row in range(len(track))
    )


def _called_off(
    judged: Mapping[str, Policy], state: JudgeState, view: FleetView, *, workspace_id: int
) -> tuple[Decision, ...]:
    """Fires that policies which are gone or off had announced."""
    return tuple(
        each
        for name, track in sorted(state.memory.tracks.items())
        if name not in judged and is_announced(track).any()
        for each in orphaned(
            name, located_track(track, view)[0], view, workspace_id=workspace_id
        )
    )


def _freed(
    judged: Mapping[str, Policy], state: JudgeState, view: FleetView, *, workspace_id: int
) -> tuple[Decision, ...]:
    """Whom policies which are gone or off kept in probation or quarantine."""
    return tuple(
        each
        for name, shelf in sorted(state.memory.places.items())
        if name not in judged and len(shelf)
        for each in freed_by_removal(
            name,
            shelf,
            freed_from(shelf, view, state.lexicon),
            view,
            workspace_id=workspace_id,
        )
    )


def _abandoned(judged: Mapping[str, Policy], state: JudgeState) -> tuple[Place, ...]:
    """Places of policies that are gone or off: they are given up."""
    return tuple(
        shelf.place(name, row, gone=True)
        for name, shelf in sorted(state.memory.places.items())
        if name not in judged
        for row in range(len(shelf))
    )


def _claims(
    policy_set: PolicySet,
    tracks: Mapping[str, Track],
    places: Mapping[str, Places],
    view: FleetView,
) -> list[Claim]:
    """What policies make of agents: by their ladders, and by what they have announced."""
    claims: list[Claim] = []
    for policy in policy_set.policies:
        if policy.name in places:
            claims.append(_by_ladder(policy.name, places[policy.name], now=view.now))
        if policy.name in tracks and (told := is_announced(tracks[policy.name])).any():
            claims.append(_by_notice(policy.name, tracks[policy.name].take(told), view))
    return claims


def _by_ladder(policy: str, places: Places, *, now: int) -> Claim:
    shelf = places.shelf
    felt = (~shelf.is_shadow & (shelf.standing != _ACTIVE))[places.rows]
    rows = places.rows[felt]
    # who still fails when the time of probation is over stays until that is over, whenever it is
    is_over = (shelf.standing[rows] == _PROBATION) & (shelf.until[rows] <= now)
    return Claim(
        policy=policy,
        slots=places.slots[felt],
        standing=shelf.standing[rows].astype(np.int64),
        until=np.where(is_over, NEVER, shelf.until[rows]),
    )


def _by_notice(policy: str, announced: Track, view: FleetView) -> Claim:
    """Who was told that the fire comes, until it comes or does not, wherever they are meanwhile. Where a person must
    approve it, nothing happens at an end before they have."""
    announced = located_track(announced, view).track
    announced = announced.take(may_be_judged(announced, view))
    return Claim(
        policy=policy,
        slots=announced.slot,
        standing=np.full(len(announced), _NOTICE, dtype=np.int64),
        until=np.where(is_unanswered(announced), NEVER, announced.until),
    )


def _waiting(
    policy_set: PolicySet,
    tracks: Mapping[str, Track],
    concluded: Sequence[Concluded],
    view: FleetView,
) -> tuple[Waiting, ...]:
    """What still waits; of a broken policy without what is said of its agents now."""
    told = {part.policy: part.waiting for part in concluded}
    waiting: list[Waiting] = []
    for policy in policy_set.policies:
        if policy.name in told:
            waiting += told[policy.name]
        elif policy.name in tracks:
            waiting += _silently_waiting(policy, tracks[policy.name], view)
    return tuple(waiting)


def _silently_waiting(policy: Policy, track: Track, view: FleetView) -> list[Waiting]:
    rows = (track.state == NOTICED) | (track.state == AWAITING)
    found, here = located_track(track.take(rows), view)
    return [
        waits(
            policy.name,
            found,
            row,
            agent_id=view.agent_ids[int(found.slot[row])],
            reason=policy.reason,
            words="",
            holds=False,
        )
        for row in np.flatnonzero(here).tolist()
    ]


def _held(tracks: dict[str, Track]) -> dict[tuple[str, Guard], int]:
    counts: dict[tuple[str, Guard], int] = {}
    for name, track in tracks.items():
        is_held = track.guard != NOBODY
        if not is_held.any():
            continue
        guards, held = np.unique(track.guard[is_held], return_counts=True)
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
