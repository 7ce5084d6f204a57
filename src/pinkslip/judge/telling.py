"""How one policy stands to one agent, in one sentence that a person understands."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pinkslip.judge.kinds import stays_proven
from pinkslip.judge.phrases import counted, quantity, span
from pinkslip.model.decisions import Episode, Place, Statistic
from pinkslip.model.policy import Policy, Unit
from pinkslip.model.time import rfc3339
from pinkslip.model.words import Action, EpisodeState, Guard, Mode, Standing

_STATE = {
    EpisodeState.HELD: "is held",
    EpisodeState.SHADOWED: "is recorded in shadow",
    EpisodeState.ACTED: "has been acted on",
    EpisodeState.VETOED: "was stopped by a person",
    EpisodeState.NOTICED: "waits for its notice",
    EpisodeState.AWAITING: "waits for an approval",
}
_NOTHING_MORE = "and it does nothing more until the episode ends"


@dataclass(frozen=True, slots=True, kw_only=True)
class Testimony:
    """What a policy's `when` says of one agent."""

    truth: str = "unknown"
    reasons: Sequence[str] = ()
    values: Mapping[str, float | None] = field(default_factory=dict)
    unknowns: Sequence[str] = ()
    tasks: int = 0
    statistics: tuple[Statistic, ...] = ()
    meter: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NextRung:
    """What the policy would do next."""

    action: Action
    for_ms: int | None = None
    announces: bool = False
    """A fire of which people are told, or asked, first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stance:
    """How things are between one policy and one agent, before it is put in words."""

    policy: Policy
    now: int
    mode: Mode
    """Its mode for this agent."""
    refusal: str
    """Why the policy is not about the agent; empty when it is."""
    said: Testimony
    episode: Episode | None
    is_announced: bool = False
    """Its fire was announced or asked for, and has not come."""
    lasted_ms: int = 0
    guards: tuple[tuple[Guard, str], ...] = ()
    place: Place | None = None
    """Where its ladder has put the agent, or its lineage."""
    step: NextRung | None = None
    """None: in shadow the agent would be gone."""
    demoted: str | None = None
    """Why the policy was put into shadow; None: it was not."""


def sentence(stance: Stance) -> str:
    """All of it."""
    if stance.policy.mode is Mode.OFF:
        return "it is off"
    return _holds_or_not(stance) + _ladder(stance) + _shadow(stance)


def _holds_or_not(stance: Stance) -> str:
    if stance.refusal:
        return f"it is not about this agent: {stance.refusal}" + _still_open(stance)
    match stance.said.truth:
        case "true":
            return f"it holds: {_joined(stance.said.reasons)}; {_what_next(stance)}"
        case "false":
            said = f"it does not hold: {_joined(stance.said.reasons)}"
        case _:
            said = f"it cannot be told: {_unknowns(stance)}; unknown never acts"
    return said + _meter(stance) + _still_open(stance)


def _what_next(stance: Stance) -> str:
    """What is missing between a condition that holds and its action."""
    done = _done(stance)
    if done:
        return done
    policy = stance.policy
    if stance.step is None:
        return (
            "in shadow it would have been fired, and nothing more is recorded until it recovers"
        )
    wait_ms = policy.for_ms - stance.lasted_ms
    if wait_ms > 0:
        return f"for {span(stance.lasted_ms)} of {span(policy.for_ms)}, {span(wait_ms)} are missing"
    if stance.guards:
        return "held back by " + " and ".join(
            f"{guard} ({words})" for guard, words in stance.guards
        )
    return f"nothing is missing: the next tick {_deed(stance, stance.step)}"


def _done(stance: Stance) -> str:
    """What was done already, or waits; empty when nothing was."""
    if stance.episode is None:
        return ""
    episode = stance.episode
    match episode.state:
        case EpisodeState.CLEAR | EpisodeState.PENDING | EpisodeState.HELD:
            return ""
        case EpisodeState.SHADOWED:
            return f"it is in shadow, so this was recorded and nothing done, {_NOTHING_MORE}"
        case EpisodeState.ACTED:
            return f"{_acted(stance)}, {_NOTHING_MORE}"
        case EpisodeState.VETOED:
            if episode.ruled_by is None:
                return (
                    f"a person released the agent after the fire was announced, {_NOTHING_MORE}"
                )
            return f"{episode.ruled_by} vetoed the fire, {_NOTHING_MORE}"
        case EpisodeState.NOTICED:
            return _noticed(stance, episode)
        case EpisodeState.AWAITING:
            return _awaiting(stance, episode)


def _acted(stance: Stance) -> str:
    rung = None if stance.place is None else stance.place.rung
    rungs = stance.policy.rungs
    action = (
        stance.policy.action
        if rung is None
        else rungs[min(max(rung, 0), len(rungs) - 1)].action
    )
    match action:
        case Action.NOTIFY:
            return "people were told"
        case Action.PROBATION:
            return "it has put the agent on probation"
        case Action.QUARANTINE:
            return "it has quarantined the agent"
        case Action.FIRE:
            return "it has fired the agent"


def _noticed(stance: Stance, episode: Episode) -> str:
    unless = f"unless a person vetoes decision {episode.decision_id} or {_called_off_by(stance.policy)}"
    if episode.until is not None and episode.until > stance.now:
        return f"its fire is announced: it comes on {rfc3339(episode.until)}, {unless}"
    if stance.said.truth == "true":
        return "its notice has passed: the next tick asks the guards again and fires the agent"
    return f"its notice has passed: the agent is fired the next time it holds, {unless}"


def _called_off_by(policy: Policy) -> str:
    """What ends an announced fire besides people."""
    if policy.clear_when is None:
        return "it no longer holds"
    if stays_proven(policy):
        return policy.clear_when.text
    return f"it no longer holds, or {policy.clear_when.text}"


def _awaiting(stance: Stance, episode: Episode) -> str:
    is_early = episode.until is not None and episode.until > stance.now
    early = f", not before {rfc3339(episode.until)}" if is_early and episode.until else ""
    if episode.ruled_by is not None:
        due = (
            "the next tick asks the guards again"
            if stance.said.truth == "true"
            else "it comes the next time it holds"
        )
        return f"{episode.ruled_by} approved its fire{early or f': {due}'}"
    return f"its fire waits for a person who approves decision {episode.decision_id}{early}"


def _deed(stance: Stance, step: NextRung) -> str:
    deed = _action(stance.policy, step)
    return deed if stance.mode is Mode.ENFORCE else f"records in shadow that enforcing {deed}"


def _action(policy: Policy, step: NextRung) -> str:
    lasting = "" if step.for_ms is None else f" for {span(step.for_ms)}"
    match step.action:
        case Action.NOTIFY:
            return "tells people"
        case Action.PROBATION:
            return f"puts the agent on probation{lasting or ' until it recovers'}"
        case Action.QUARANTINE:
            return f"quarantines the agent{lasting}"
        case Action.FIRE if not step.announces:
            return "fires the agent"
        case Action.FIRE if policy.approval:
            return "asks people to approve its fire"
        case Action.FIRE:
            return f"announces its fire in {span(policy.notice_ms)}"


def _still_open(stance: Stance) -> str:
    """An episode may outlast its condition."""
    episode, policy = stance.episode, stance.policy
    if episode is None or episode.state is EpisodeState.PENDING:
        return ""
    if stance.is_announced:
        return f"; {_done(stance) or 'its fire is announced and held'}"
    if policy.clear_when is not None:
        ends = f"when {policy.clear_when.text}"
    elif policy.keep_for_ms:
        ends = f"when it has not held for {span(policy.keep_for_ms)}"
    else:
        ends = "as soon as it does not hold"
    state = _STATE[episode.state]
    return f"; its episode that began {rfc3339(episode.began_at)} {state}, and ends {ends}"


def _meter(stance: Stance) -> str:
    meter = stance.said.meter
    if not meter:
        return ""
    return f"; its evidence has come {quantity(meter, Unit.RATIO, digits=2)} of the way"


def _ladder(stance: Stance) -> str:
    """Where it stands on the ladder."""
    place, rungs = stance.place, stance.policy.ladder
    if place is None or not rungs:
        return ""
    if place.rung < 0:
        return f"; it is on no rung, in its {_ordinal(place.passes)} pass down the ladder"
    on = min(place.rung, len(rungs) - 1)
    would = "in shadow it would be" if place.is_shadow else "it is"
    return (
        f"; {would} on rung {on + 1} of {len(rungs)} ({rungs[on]}) since {rfc3339(place.since)}"
        + _until(place, now=stance.now)
    )


def _until(place: Place, *, now: int) -> str:
    if place.standing is Standing.ACTIVE:
        return ""
    if place.standing is Standing.PROBATION and place.until is not None and place.until <= now:
        return ", on probation until it does not hold, its time having passed"
    named = "in quarantine" if place.standing is Standing.QUARANTINED else "on probation"
    if place.until is None:
        return f", {named} until it recovers"
    return f", {named} until {rfc3339(place.until)}"


def _shadow(stance: Stance) -> str:
    """Why an enforcing policy is in shadow for this agent."""
    if stance.demoted is not None:
        return f"; it was put into shadow until a person restores it: {stance.demoted}"
    if stance.mode is Mode.SHADOW and stance.policy.mode is Mode.ENFORCE:
        share = quantity(stance.policy.percent, Unit.RATIO, digits=4)
        return f"; it is enforced for {share} of agents, and for this one it is in shadow"
    return ""


def _unknowns(stance: Stance) -> str:
    unknown = list(stance.said.unknowns)
    if not unknown:
        return "it divides by zero"
    asks_tasks = any("[" in key for key in unknown)
    tasks = f" with {counted(stance.said.tasks, 'task')} in its windows" if asks_tasks else ""
    verb = "is" if len(unknown) == 1 else "are"
    return f"{' and '.join(unknown)} {verb} unknown{tasks}"


def _ordinal(number: int) -> str:
    special = {1: "st", 2: "nd", 3: "rd"}
    ending = "th" if number % 100 in {11, 12, 13} else special.get(number % 10, "th")
    return f"{number}{ending}"


def _joined(reasons: Sequence[str]) -> str:
    return " and ".join(reasons)
