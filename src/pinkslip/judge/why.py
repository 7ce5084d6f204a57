"""Why a policy does, or does not, act on one agent: for people, from the very parts that decide."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pinkslip.fleet.snapshot import Integers
from pinkslip.judge.conclusions import PolicyAnswer
from pinkslip.judge.consult import Circumstances, circumstances, consult
from pinkslip.judge.docket import Cases
from pinkslip.judge.episodes import lasted_ms
from pinkslip.judge.evaluate import Evaluator, Readings
from pinkslip.judge.hearing import hear_all
from pinkslip.judge.kinds import is_stale_type, reads_outcomes
from pinkslip.judge.phrases import counted, span
from pinkslip.judge.state import JudgeState
from pinkslip.judge.verdicts import Account
from pinkslip.judge.view import FleetView
from pinkslip.model.decisions import Episode
from pinkslip.model.policy import Policy, PolicySet
from pinkslip.model.time import rfc3339
from pinkslip.model.words import Action, EpisodeState, Guard, Mode

__all__ = ["PolicyAnswer", "why"]

_DONE = {
    EpisodeState.SHADOWED: "it is in shadow, so this was recorded and nothing done",
    EpisodeState.NOTICED: "people were told",
    EpisodeState.ACTED: "it has fired the agent",
}


@dataclass(frozen=True, slots=True)
class _Standing:
    """How things are between one policy and one agent, before it is put in words."""

    policy: Policy
    refusal: str
    """Why the policy is not about the agent; empty when it is."""
    truth: str
    reasons: list[str]
    values: dict[str, float | None]
    tasks: int
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
    """Every policy's standing to the agent in `slot` now, in their order. Changes nothing."""
    readings = Readings(measures)
    hearings, findings = hear_all(policy_set, state, readings)
    given = circumstances(
        hearings,
        readings=readings,
        guards=policy_set.guards,
        stopped=stopped,
        virtual=state.memory.virtual,
    )
    episodes = {
        episode.policy: episode
        for episode in state.open_episodes(int(measures.numbers[slot]))
        if episode.incarnation == int(measures.incarnation[slot])
    }
    broken = {finding.policy: finding.message for finding in findings}
    return tuple(
        _broken(policy, broken[policy.name])
        if policy.name in broken
        else _answer(_standing(policy, episodes.get(policy.name), given, state, slot))
        for policy in policy_set.policies
    )


def _standing(
    policy: Policy, episode: Episode | None, given: Circumstances, state: JudgeState, slot: int
) -> _Standing:
    view = given.readings.view
    evaluator = Evaluator(given.readings, policy.outcomes)
    stale_type = is_stale_type(policy)
    refusal = state.matching.refusal(policy, given.readings, slot=slot, stale_type=stale_type)
    slots = np.array([slot], dtype=np.int64)
    off = policy.mode is Mode.OFF  # nobody declared what it reads
    account = None if off else Account.of(policy, evaluator, slots)
    since = episode.true_since if episode is not None else None
    return _Standing(
        policy=policy,
        refusal=refusal,
        truth="unknown" if account is None else account.truth(0),
        reasons=[] if account is None else account.reasons(0),
        values={} if account is None else account.recorded_values(0),
        tasks=0 if account is None else int(account.tasks[0]),
        episode=episode,
        lasted_ms=0
        if since is None
        else int(lasted_ms(np.array([since]), view.now, view.blind_between)[0]),
        guards=()
        if off or refusal
        else consult(_case(policy, slots, given), given).all_words(0),
    )


def _case(policy: Policy, slots: Integers, given: Circumstances) -> Cases:
    """What guards would be asked, did the policy want to act on the agent now."""
    return Cases(
        rank=np.zeros(1, dtype=np.int64),
        slot=slots,
        number=given.readings.view.numbers[slots],
        strength=np.zeros(1),
        fires=np.array([policy.action is Action.FIRE]),
        is_shadow=np.array([policy.mode is Mode.SHADOW]),
        is_stale_type=np.array([is_stale_type(policy)]),
        reads_outcomes=np.array([reads_outcomes(policy)]),
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
        truth=standing.truth,
        values=standing.values,
        state=EpisodeState.CLEAR if episode is None else episode.state,
        began_at=None if episode is None else episode.began_at,
        true_since=None if episode is None else episode.true_since,
        for_ms=policy.for_ms,
        guard=guards[0][0] if guards else None,
        guard_detail=guards[0][1] if guards else "",
        guards=guards,
        words=_sentence(standing),
    )


def _broken(policy: Policy, message: str) -> PolicyAnswer:
    return PolicyAnswer(
        policy=policy.name,
        mode=policy.mode,
        action=policy.action,
        reason=policy.reason,
        matches=False,
        when=policy.when.text,
        truth="unknown",
        values={},
        state=EpisodeState.CLEAR,
        began_at=None,
        true_since=None,
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
    match standing.truth:
        case "true":
            return f"it holds: {_joined(standing.reasons)}; {_what_next(standing)}"
        case "false":
            said = f"it does not hold: {_joined(standing.reasons)}"
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
    unknown = [key for key, value in standing.values.items() if value is None]
    if not unknown:
        return "it divides by zero"
    asks_tasks = any("[" in key for key in unknown)
    tasks = f" with {counted(standing.tasks, 'task')} in its windows" if asks_tasks else ""
    verb = "is" if len(unknown) == 1 else "are"
    return f"{' and '.join(unknown)} {verb} unknown{tasks}"


def _joined(reasons: Sequence[str]) -> str:
    return " and ".join(reasons)
