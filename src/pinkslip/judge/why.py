"""Why a policy does, or does not, act on one agent: from the very parts that decide. `telling` puts it in words."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from pinkslip.fleet.snapshot import Integers
from pinkslip.judge.conclusions import PolicyAnswer
from pinkslip.judge.consult import Circumstances, consult, everybody_asked
from pinkslip.judge.docket import Cases
from pinkslip.judge.episodes import is_announced, lasted_ms, must_be_announced
from pinkslip.judge.evaluate import Readings, calls_of
from pinkslip.judge.hearing import Hearing, broken, hear_all, without
from pinkslip.judge.judge import surroundings
from pinkslip.judge.memory import track_of
from pinkslip.judge.places import (
    PROBATION_MS,
    Places,
    Steps,
    quarantine_ms,
    remembered_quarantines,
    steps_of,
)
from pinkslip.judge.shadowing import in_shadow, is_demoted
from pinkslip.judge.state import JudgeState
from pinkslip.judge.telling import NextRung, Stance, Testimony, sentence
from pinkslip.judge.verdicts import Account
from pinkslip.judge.view import FleetView
from pinkslip.judge.weighing import CONDITIONS
from pinkslip.model.decisions import Episode, Place
from pinkslip.model.policy import Policy, PolicySet, Rung
from pinkslip.model.time import rfc3339
from pinkslip.model.words import (
    Action,
    EpisodeState,
    Guard,
    Mode,
    Scope,
    Standing,
    Status,
    code_of,
)

__all__ = ["PolicyAnswer", "bypassed", "why"]

_WAITING = code_of(Status.WAITING)
_WAITS = frozenset({EpisodeState.NOTICED, EpisodeState.AWAITING})


@dataclass(frozen=True, slots=True)
class _Scene:
    """What is true of the fleet now, in the light of every policy that can be judged."""

    given: Circumstances
    hearings: Mapping[str, Hearing]
    testimonies: Mapping[str, Testimony]
    """By policy, as the hearings are."""
    broken: Mapping[str, str]
    """What is said of each policy that breaks."""


def why(
    measures: FleetView,
    policy_set: PolicySet,
    state: JudgeState,
    *,
    slot: int,
    stopped: str | None,
) -> tuple[PolicyAnswer, ...]:
    """Every policy's standing to the agent in `slot` now, in their order. Changes nothing.

    A policy that breaks says so in its answer, and has no part in the others'.
    """
    scene = _scene(measures, policy_set, state, slot=slot, stopped=stopped)
    episodes = {
        episode.policy: episode
        for episode in state.open_episodes(int(measures.numbers[slot]))
        if episode.incarnation == int(measures.incarnation[slot])
    }
    return tuple(
        _answered(policy, episodes.get(policy.name), scene, state, slot)
        for policy in policy_set.policies
    )


def bypassed(
    measures: FleetView,
    policy_set: PolicySet,
    state: JudgeState,
    *,
    slot: int,
    stopped: str | None,
) -> tuple[Guard, ...]:
    """Every guard that would hold a policy back from firing the agent in `slot` now, in the order they are asked.

    Asked on behalf of an enforcing policy on both silence and outcomes, whether or not there is one; nobody
    WAITING is silent. No policy is about an agent that is finished, fired or set aside: there is no guard to pass.
    """
    if not measures.active[slot]:
        return ()
    given = _scene(measures, policy_set, state, slot=slot, stopped=stopped).given
    case = Cases(
        rank=np.zeros(1, dtype=np.int64),
        slot=np.array([slot], dtype=np.int64),
        number=measures.numbers[[slot]],
        strength=np.zeros(1),
        action=np.array([code_of(Action.FIRE)], dtype=np.int64),
        announces=np.zeros(1, dtype=np.bool_),
        is_shadow=np.zeros(1, dtype=np.bool_),
        is_stale_type=np.array([measures.status[slot] != _WAITING]),
        reads_outcomes=np.ones(1, dtype=np.bool_),
        by_lineage=np.zeros(1, dtype=np.bool_),
    )
    return tuple(guard for guard, hold in everybody_asked(case, given) if hold.holds[0])


def _scene(
    measures: FleetView,
    policy_set: PolicySet,
    state: JudgeState,
    *,
    slot: int,
    stopped: str | None,
) -> _Scene:
    """Hear everybody. A policy that breaks, or cannot be spoken of for this agent, is left out, as in a tick."""
    readings = Readings(measures)
    hearings, findings = hear_all(policy_set, state, readings)
    testimonies: dict[str, Testimony] = {}
    for hearing in hearings:
        try:
            testimonies[hearing.policy.name] = _testimony(hearing, slot)
        except Exception as error:  # noqa: BLE001 - one policy is a unit of isolation; its answer tells
            findings.append(broken(hearing.policy, error))
    whole = without(hearings, findings)
    return _Scene(
        surroundings(whole, policy_set, state, readings, stopped=stopped),
        {hearing.policy.name: hearing for hearing in whole},
        testimonies,
        {finding.policy: finding.message for finding in findings},
    )


def _testimony(hearing: Hearing, slot: int) -> Testimony:
    slots = np.array([slot])
    tree = hearing.policy.when.tree
    account = Account.of(hearing.policy, hearing.evaluator, slots)
    is_weighed = any(call.function in CONDITIONS for call in calls_of(tree))
    return Testimony(
        truth=account.truth(0),
        reasons=tuple(account.reasons(0)),
        values=account.recorded_values(0),
        unknowns=tuple(account.unknowns(0)),
        tasks=int(account.tasks[0]),
        statistics=account.statistics(0),
        meter=float(hearing.evaluator.meter(tree, slots)[0]) if is_weighed else None,
    )


def _answered(
    policy: Policy, episode: Episode | None, scene: _Scene, state: JudgeState, slot: int
) -> PolicyAnswer:
    if policy.name in scene.broken:
        return _broken(policy, episode, scene.broken[policy.name])
    if policy.mode is Mode.OFF:  # nobody declared what it reads
        return _answer(_off(policy, episode, scene, state, slot))
    try:
        return _answer(_stance(policy, episode, scene, state, slot))
    except Exception as error:  # noqa: BLE001 - one policy is a unit of isolation; its answer tells
        return _broken(policy, episode, broken(policy, error).message)


def _off(
    policy: Policy, episode: Episode | None, scene: _Scene, state: JudgeState, slot: int
) -> Stance:
    refusal = state.matching.refusal(policy, scene.given.readings, slot=slot, stale_type=False)
    return Stance(
        policy=policy,
        now=scene.given.readings.view.now,
        mode=Mode.OFF,
        refusal=refusal,
        said=Testimony(),
        episode=episode,
    )


def _stance(
    policy: Policy, episode: Episode | None, scene: _Scene, state: JudgeState, slot: int
) -> Stance:
    given, hearing = scene.given, scene.hearings[policy.name]
    view, places = given.readings.view, hearing.places
    shadow = bool(in_shadow(hearing.policy, view, np.array([slot]))[0])
    since = None if episode is None else episode.true_since
    refusal = _refusal(hearing, given, state, slot)
    step = _next_step(hearing, episode, slot)
    place = _place(policy, places, slot)
    demoted = view.acts.demoted.get(policy.name)
    return Stance(
        policy=policy,
        now=view.now,
        mode=Mode.SHADOW if shadow else policy.mode,
        refusal=refusal,
        said=scene.testimonies[policy.name],
        episode=episode,
        is_announced=episode is not None and bool(is_announced(track_of([episode]))[0]),
        lasted_ms=0
        if since is None
        else int(lasted_ms(np.array([since]), view.now, view.blind_between)[0]),
        guards=()
        if refusal
        else consult(_case(hearing, slot, step, episode, given), given).all_words(0),
        place=place,
        step=None if step.is_done[0] else _spoken_step(policy, place, step, episode, view.now),
        demoted=demoted.why if demoted and is_demoted(policy, view.acts) else None,
    )


def _refusal(hearing: Hearing, given: Circumstances, state: JudgeState, slot: int) -> str:
    """Why the policy is not about the agent; empty when it is."""
    refusal = state.matching.refusal(
        hearing.policy, given.readings, slot=slot, stale_type=hearing.is_stale_type
    )
    if not refusal and slot in hearing.places.away.tolist():
        until = int(hearing.places.shelf.until[hearing.places.row_of[slot]])
        return f"in shadow it would be in quarantine until {rfc3339(until)}"
    return refusal


def _place(policy: Policy, places: Places, slot: int) -> Place | None:
    row = int(places.row_of[slot])
    return None if row < 0 else places.shelf.place(policy.name, row)


def _next_step(hearing: Hearing, episode: Episode | None, slot: int) -> Steps:
    began_at = hearing.evaluator.readings.view.now if episode is None else episode.began_at
    return steps_of(
        hearing.policy, hearing.places, np.array([slot]), np.array([began_at], dtype=np.int64)
    )


def _announces(policy: Policy, rung: Rung, episode: Episode | None) -> bool:
    if rung.action is not Action.FIRE:
        return False
    if episode is None:
        return policy.notice_ms > 0 or policy.approval
    return bool(must_be_announced(track_of([episode]), policy)[0])


def _spoken_step(
    policy: Policy, place: Place | None, step: Steps, episode: Episode | None, now: int
) -> NextRung:
    rung = policy.rungs[int(step.rung[0])]
    return NextRung(
        action=rung.action,
        for_ms=_lasts_ms(policy, rung, place, now),
        announces=_announces(policy, rung, episode),
    )


def _lasts_ms(policy: Policy, rung: Rung, place: Place | None, now: int) -> int | None:
    """How long the rung would last; None: until recovery, or it has no end."""
    match rung.action:
        case Action.PROBATION:
            given = None if policy.clear_when is not None else PROBATION_MS
            return rung.for_ms or given
        case Action.QUARANTINE:
            before = 0 if place is None else remembered_quarantines(place, now=now)
            return quarantine_ms(rung, before + 1)
        case Action.NOTIFY | Action.FIRE:
            return None


def _case(
    hearing: Hearing, slot: int, step: Steps, episode: Episode | None, given: Circumstances
) -> Cases:
    """What guards would be asked, did the policy want to act on the agent now."""
    policy, view = hearing.policy, given.readings.view
    slots: Integers = np.array([slot], dtype=np.int64)
    rung = policy.rungs[int(step.rung[0])]
    shadow = in_shadow(policy, view, slots)
    return Cases(
        rank=np.zeros(1, dtype=np.int64),
        slot=slots,
        number=view.numbers[slots],
        strength=np.zeros(1),
        action=np.array([code_of(rung.action)], dtype=np.int64),
        announces=~shadow & _announces(policy, rung, episode),
        is_shadow=shadow,
        is_stale_type=np.array([hearing.is_stale_type]),
        reads_outcomes=np.array([hearing.reads_outcomes]),
        by_lineage=np.array([policy.scope is Scope.LINEAGE]),
    )


def _answer(stance: Stance) -> PolicyAnswer:
    policy, episode, guards = stance.policy, stance.episode, stance.guards
    standing, until = _standing(stance)
    waits = episode is not None and episode.state in _WAITS
    return PolicyAnswer(
        policy=policy.name,
        mode=stance.mode,
        action=policy.action,
        reason=policy.reason,
        matches=not stance.refusal,
        when=policy.when.text,
        truth=stance.said.truth,
        values=stance.said.values,
        state=EpisodeState.CLEAR if episode is None else episode.state,
        began_at=None if episode is None else episode.began_at,
        true_since=None if episode is None else episode.true_since,
        for_ms=policy.for_ms,
        guard=guards[0][0] if guards else None,
        guard_detail=guards[0][1] if guards else "",
        guards=guards,
        words=sentence(stance),
        rung=0 if stance.place is None else stance.place.rung + 1,
        rungs=len(policy.ladder),
        standing=standing,
        until=until,
        waiting_decision=episode.decision_id if episode is not None and waits else None,
        meter=stance.said.meter,
        statistics=stance.said.statistics,
    )


def _standing(stance: Stance) -> tuple[Standing, int | None]:
    """What the policy makes of the agent, and until when; in shadow nothing."""
    episode = stance.episode
    if stance.is_announced and episode is not None:
        is_asked = episode.state is EpisodeState.AWAITING and episode.ruled_by is None
        return Standing.NOTICE, None if is_asked else episode.until
    if stance.place is not None and not stance.place.is_shadow:
        return stance.place.standing, stance.place.until
    return Standing.ACTIVE, None


def _broken(policy: Policy, episode: Episode | None, message: str) -> PolicyAnswer:
    """Its episode stays as it was."""
    return PolicyAnswer(
        policy=policy.name,
        mode=policy.mode,
        action=policy.action,
        reason=policy.reason,
        matches=False,
        when=policy.when.text,
        truth="unknown",
        values={},
        state=EpisodeState.CLEAR if episode is None else episode.state,
        began_at=None if episode is None else episode.began_at,
        true_since=None if episode is None else episode.true_since,
        for_ms=policy.for_ms,
        guard=None,
        guard_detail="",
        guards=(),
        words=message,
        rungs=len(policy.ladder),
    )
