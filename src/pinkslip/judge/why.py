"""Why a policy does, or does not, act on one agent: for people, from the very parts that decide."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from pinkslip.fleet.snapshot import Integers
from pinkslip.judge.conclusions import PolicyAnswer
from pinkslip.judge.consult import Circumstances, circumstances, consult, everybody_asked
from pinkslip.judge.docket import Cases
from pinkslip.judge.episodes import lasted_ms
from pinkslip.judge.evaluate import Evaluator, Readings
from pinkslip.judge.hearing import broken, hear_all, without
from pinkslip.judge.kinds import is_stale_type, reads_outcomes
from pinkslip.judge.phrases import counted, span
from pinkslip.judge.state import JudgeState
from pinkslip.judge.verdicts import Account
from pinkslip.judge.view import FleetView
from pinkslip.model.decisions import Episode
from pinkslip.model.policy import Policy, PolicySet
from pinkslip.model.time import rfc3339
from pinkslip.model.words import Action, EpisodeState, Guard, Mode, Scope, Status, code_of

__all__ = ["PolicyAnswer", "bypassed", "why"]

_WAITING = code_of(Status.WAITING)

_DONE = {
    EpisodeState.SHADOWED: "it is in shadow, so this was recorded and nothing done",
    EpisodeState.NOTICED: "people were told",
    EpisodeState.ACTED: "it has fired the agent",
}


@dataclass(frozen=True, slots=True)
class _Testimony:
    """What a policy's `when` says of one agent."""

    truth: str = "unknown"
    reasons: Sequence[str] = ()
    values: Mapping[str, float | None] = field(default_factory=dict)
    tasks: int = 0


@dataclass(frozen=True, slots=True)
class _Scene:
    """What is true of the fleet now, in the light of every policy that can be judged."""

    given: Circumstances
    testimonies: Mapping[str, _Testimony]
    """By policy."""
    broken: Mapping[str, str]
    """What is said of each policy that breaks."""


@dataclass(frozen=True, slots=True)
class _Standing:
    """How things are between one policy and one agent, before it is put in words."""

    policy: Policy
    refusal: str
    """Why the policy is not about the agent; empty when it is."""
    said: _Testimony
    episode: Episode | None
    lasted_ms: int
    guards: tuple[tuple[Guard, str], ...]


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
    testimonies: dict[str, _Testimony] = {}
    for hearing in hearings:
        policy = hearing.policy
        try:
            testimonies[policy.name] = _testimony(policy, readings, slot)
        except Exception as error:  # noqa: BLE001 - one policy is a unit of isolation; its answer tells
            findings.append(broken(policy, error))
    given = circumstances(
        without(hearings, findings),
        readings=readings,
        matching=state.matching,
        guards=policy_set.guards,
        stopped=stopped,
        virtual=state.memory.virtual,
    )
    return _Scene(given, testimonies, {finding.policy: finding.message for finding in findings})


def _testimony(policy: Policy, readings: Readings, slot: int) -> _Testimony:
    account = Account.of(policy, Evaluator(readings, policy.outcomes), np.array([slot]))
    return _Testimony(
        truth=account.truth(0),
        reasons=account.reasons(0),
        values=account.recorded_values(0),
        tasks=int(account.tasks[0]),
    )


def _answered(
    policy: Policy, episode: Episode | None, scene: _Scene, state: JudgeState, slot: int
) -> PolicyAnswer:
    if policy.name in scene.broken:
        return _broken(policy, episode, scene.broken[policy.name])
    try:
        return _answer(_standing(policy, episode, scene, state, slot))
    except Exception as error:  # noqa: BLE001 - one policy is a unit of isolation; its answer tells
        return _broken(policy, episode, broken(policy, error).message)


def _standing(
    policy: Policy, episode: Episode | None, scene: _Scene, state: JudgeState, slot: int
) -> _Standing:
    given = scene.given
    view = given.readings.view
    stale_type = is_stale_type(policy)
    refusal = state.matching.refusal(policy, given.readings, slot=slot, stale_type=stale_type)
    since = episode.true_since if episode is not None else None
    is_off = policy.mode is Mode.OFF  # nobody declared what it reads
    return _Standing(
        policy=policy,
        refusal=refusal,
        said=_Testimony() if is_off else scene.testimonies[policy.name],
        episode=episode,
        lasted_ms=0
        if since is None
        else int(lasted_ms(np.array([since]), view.now, view.blind_between)[0]),
        guards=()
        if is_off or refusal
        else consult(_case(policy, np.array([slot]), given), given).all_words(0),
    )


def _case(policy: Policy, slots: Integers, given: Circumstances) -> Cases:
    """What guards would be asked, did the policy want to act on the agent now."""
    return Cases(
        rank=np.zeros(1, dtype=np.int64),
        slot=slots,
        number=given.readings.view.numbers[slots],
        strength=np.zeros(1),
        action=np.array([code_of(policy.action)], dtype=np.int64),
        announces=np.zeros(1, dtype=np.bool_),
        is_shadow=np.array([policy.mode is Mode.SHADOW]),
        is_stale_type=np.array([is_stale_type(policy)]),
        reads_outcomes=np.array([reads_outcomes(policy)]),
        by_lineage=np.array([policy.scope is Scope.LINEAGE]),
    )


def _answer(standing: _Standing) -> PolicyAnswer:
    policy, episode, guards = standing.policy, standing.episode, standing.guards
    return PolicyAnswer(
        policy=policy.name,
        mode=policy.mode,
        action=policy.action,
        reason=policy.reason,
        matches=not standing.refusal,
        when=policy.when.text,
        truth=standing.said.truth,
        values=standing.said.values,
        state=EpisodeState.CLEAR if episode is None else episode.state,
        began_at=None if episode is None else episode.began_at,
        true_since=None if episode is None else episode.true_since,
        for_ms=policy.for_ms,
        guard=guards[0][0] if guards else None,
        guard_detail=guards[0][1] if guards else "",
        guards=guards,
        words=_sentence(standing),
    )


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
    )


def _sentence(standing: _Standing) -> str:
    if standing.policy.mode is Mode.OFF:
        return "it is off"
    if standing.refusal:
        return f"it is not about this agent: {standing.refusal}" + _still_open(standing)
    match standing.said.truth:
        case "true":
            return f"it holds: {_joined(standing.said.reasons)}; {_what_next(standing)}"
        case "false":
            said = f"it does not hold: {_joined(standing.said.reasons)}"
            return said + _still_open(standing)
        case _:
            return (
                f"it cannot be told: {_unknowns(standing)}; unknown never acts"
                + _still_open(standing)
            )


def _what_next(standing: _Standing) -> str:
    """What is missing between a condition that holds and its action."""
    policy, episode = standing.policy, standing.episode
    state = EpisodeState.CLEAR if episode is None else episode.state
    if state in _DONE and episode is not None:
        return f"{_DONE[state]}, and it does nothing more until the episode ends"
    wait_ms = policy.for_ms - standing.lasted_ms
    if wait_ms > 0:
        return f"for {span(standing.lasted_ms)} of {span(policy.for_ms)}, {span(wait_ms)} are missing"
    if standing.guards:
        return "held back by " + " and ".join(
            f"{guard} ({words})" for guard, words in standing.guards
        )
    return f"nothing is missing: the next tick {_deed(policy)}"


def _deed(policy: Policy) -> str:
    deed = "fires the agent" if policy.action is Action.FIRE else "tells people"
    return deed if policy.mode is Mode.ENFORCE else f"records in shadow that enforcing {deed}"


def _still_open(standing: _Standing) -> str:
    """An episode may outlast its condition."""
    episode, policy = standing.episode, standing.policy
    if episode is None or episode.state is EpisodeState.PENDING:
        return ""
    ends = (
        f"until {policy.clear_when.text}"
        if policy.clear_when is not None
        else f"until it has not held for {span(policy.keep_for_ms)}"
    )
    return f"; its episode of {rfc3339(episode.began_at)} is still {episode.state}, {ends}"


def _unknowns(standing: _Standing) -> str:
    unknown = [key for key, value in standing.said.values.items() if value is None]
    if not unknown:
        return "it divides by zero"
    asks_tasks = any("[" in key for key in unknown)
    tasks = f" with {counted(standing.said.tasks, 'task')} in its windows" if asks_tasks else ""
    verb = "is" if len(unknown) == 1 else "are"
    return f"{' and '.join(unknown)} {verb} unknown{tasks}"


def _joined(reasons: Sequence[str]) -> str:
    return " and ".join(reasons)
