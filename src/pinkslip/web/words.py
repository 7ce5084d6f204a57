"""Decisions, guards, silences and policies in sentences for people who read no code.

Pure: pages, answers and reports say the same thing the same way. Names and texts of strangers come out as one
line of printable text; whoever renders them escapes.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from types import MappingProxyType

from pinkslip.fleet.catalogue import MEASURES
from pinkslip.judge.phrases import quantity
from pinkslip.model.decisions import Statistic
from pinkslip.model.policy import Unit
from pinkslip.model.words import Action, ActorKind, Guard, Mode, Verdict
from pinkslip.policies.problems import printable
from pinkslip.store.chain import ChainReport, ChainState
from pinkslip.store.views import StoredDecision, StoredSilence
from pinkslip.web.tallies import Tally

Displays = Mapping[str, str]
"""Reason to its neutral name."""
AS_THEY_ARE: Displays = MappingProxyType({})
"""Where no names are at hand: reasons are shown as they are written."""

GUARD_SAID: Mapping[Guard, str] = {
    Guard.STOPPED: "enforcement was stopped",
    Guard.BLIND_TIME: "Pinkslip had not watched long enough itself",
    Guard.SILENCE: "a person had silenced it",
    Guard.NEWBORN: "the agent was too new",
    Guard.PROTECTED: "a person protected the agent",
    Guard.MASS_RESTART: "many agents were restarting at once",
    Guard.COMMON_CAUSE: "the failing agents had something in common",
    Guard.PANIC: "too many agents fell silent or failed at once",
    Guard.NOTICES: "too many messages had gone out already",
    Guard.ENVELOPE: "the limit on how many may be taken out was reached",
}
"""Why a guard held, as the end of a sentence."""

GUARD_NAMES: Mapping[Guard, str] = {
    Guard.STOPPED: "whether enforcement is stopped",
    Guard.BLIND_TIME: "whether Pinkslip itself saw everything",
    Guard.SILENCE: "silences",
    Guard.NEWBORN: "whether the agent is new",
    Guard.PROTECTED: "protection by a person",
    Guard.MASS_RESTART: "a restart of many",
    Guard.COMMON_CAUSE: "a common cause",
    Guard.PANIC: "many failing at once",
    Guard.NOTICES: "the limit on messages",
    Guard.ENVELOPE: "the limit on how many may be taken out",
}
"""What a guard looks at, as an item of a list."""


def when(at: int) -> str:
    """An instant as a person reads it, UTC, to the second."""
    return f"{datetime.fromtimestamp(at // 1000, UTC):%Y-%m-%d %H:%M:%S} UTC"


def one_line(text: str) -> str:
    """A stranger's text on one line, with nothing in it that moves a cursor or breaks a line."""
    return printable(" ".join(text.split()))


def quoted(text: str) -> str:
    """The same, between quotation marks."""
    return f"“{one_line(text)}”"


def listed(items: Sequence[str], *, last: str = "and") -> str:
    """`a`, `a and b`, `a, b and c`."""
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} {last} {items[-1]}"


def counted(count: int, noun: str) -> str:
    """`1 policy`, `2 policies`."""
    if count == 1:
        return f"1 {noun}"
    return f"{count:,} {noun[:-1] + 'ies' if noun.endswith('y') else noun + 's'}"


def sentence(text: str) -> str:
    """`text` with a capital at its beginning and a full stop at its end."""
    text = text.strip()
    if not text:
        return ""
    return text[0].upper() + text[1:] + ("" if text[-1] in ".!?" else ".")


def reason_shown(reason: str | None, displays: Displays) -> str | None:
    """The neutral name of a reason; the reason itself where nobody gave it one."""
    return None if reason is None else displays.get(reason, reason)


# decisions


def concluded(decision: StoredDecision, displays: Displays) -> str:
    """What was concluded, in one sentence without a full stop."""
    agent, policy = one_line(decision.agent_id), f"policy {one_line(decision.policy)}"
    who = actor(decision)
    fire = f"fire {agent}{_as(decision, displays)}"
    match decision.verdict:
        case Verdict.FIRED:
            return f"{who} fired {agent}{_as(decision, displays)}"
        case Verdict.HELD:
            return f"{policy} would have {done(decision, displays)}, and was held back: {_held_by(decision)}"
        case Verdict.SHADOWED:
            return f"{policy}, which only records, would have {done(decision, displays)}"
        case Verdict.NOTIFIED:
            return f"{policy} told people about {agent}"
        case Verdict.SUPERSEDED:
            return (
                f"{policy} would have {done(decision, displays)}, but somebody had acted before"
            )
        case Verdict.PROBATION:
            return f"{who} put {agent} on probation{_until(decision)}"
        case Verdict.QUARANTINED:
            return f"{who} put {agent} in quarantine{_until(decision)}"
        case Verdict.NOTICED:
            return f"{policy} announced that it will {fire}{_at_the_end(decision)}"
        case Verdict.ASKED:
            return f"{policy} asked a person whether to {fire}"
        case Verdict.CANCELLED:
            return f"{policy} called off what it had announced about {agent}"
        case Verdict.RELEASED:
            return f"{who} let {agent} go"
        case Verdict.VETOED:
            return f"{who} stopped {policy} from firing {agent}"
        case Verdict.APPROVED:
            return f"{who} allowed {policy} to {fire}"
        case Verdict.REINSTATED:
            return f"{who} brought {agent} back"
        case Verdict.DEMOTED:
            return f"{policy} was put into shadow, where it only records"
        case Verdict.RESTORED:
            return f"{who} let {policy} act again"


def actor(decision: StoredDecision) -> str:
    """Who decided."""
    match decision.actor_kind:
        case ActorKind.POLICY:
            return f"policy {one_line(decision.policy or decision.actor)}"
        case ActorKind.PERSON | ActorKind.API | ActorKind.AGENT:
            return f"a person ({one_line(decision.actor) or 'name erased'})"
        case ActorKind.SERVICE:
            return "Pinkslip"


def done(decision: StoredDecision, displays: Displays) -> str:
    """The action as something that was done, or would have been."""
    agent = one_line(decision.agent_id)
    match decision.action:
        case Action.NOTIFY:
            return f"told people about {agent}"
        case Action.PROBATION:
            return f"put {agent} on probation{_until(decision)}"
        case Action.QUARANTINE:
            return f"put {agent} in quarantine{_until(decision)}"
        case Action.FIRE:
            return f"fired {agent}{_as(decision, displays)}"


def _as(decision: StoredDecision, displays: Displays) -> str:
    shown = reason_shown(decision.reason, displays)
    return f" as {one_line(shown)}" if shown else ""


def _until(decision: StoredDecision) -> str:
    until = decision.evidence.until
    return "" if until is None else f" until {when(until)}"


def _at_the_end(decision: StoredDecision) -> str:
    until = decision.evidence.until
    return "" if until is None else f" at {when(until)}"


def _held_by(decision: StoredDecision) -> str:
    said = GUARD_SAID[decision.guard] if decision.guard is not None else "a guard held it"
    detail = one_line(decision.guard_detail)
    return f"{said} ({detail})" if detail else said


def rests_on(decision: StoredDecision) -> str:
    """On what evidence: one sentence, empty where a person gave none."""
    evidence = decision.evidence
    words = one_line(evidence.words)
    match decision.actor_kind:
        case ActorKind.SERVICE:
            return sentence(words)
        case ActorKind.PERSON | ActorKind.API | ActorKind.AGENT:
            said = quoted(decision.context)
            return f"They gave this reason: {said}" if decision.context else ""
        case ActorKind.POLICY:
            pass
    return sentence(words)


def rung_said(decision: StoredDecision) -> str:
    """Where on its ladder the policy stood; empty without a ladder."""
    evidence = decision.evidence
    if not evidence.rung:
        return ""
    return f"This was step {evidence.rung} of {evidence.rungs} of the policy's ladder."


def guards_said(decision: StoredDecision) -> str:
    """Which safeguards were asked and what they said; empty where none was."""
    asked = decision.evidence.guards
    if not asked:
        return ""
    names = listed([GUARD_NAMES[one.guard] for one in asked])
    holding = [one for one in asked if one.held]
    before = f"{counted(len(asked), 'safeguard')} {'was' if len(asked) == 1 else 'were'} asked first: {names}."
    if not holding:
        return f"{before} None held it back."
    held = listed([GUARD_SAID[one.guard] + _detail(one.detail) for one in holding])
    return f"{before} It was held back because {held}."


def _detail(detail: str) -> str:
    return f" ({one_line(detail)})" if detail else ""


def statistic_said(statistic: Statistic) -> str:
    """One evidence function, what it came to and what was asked for, with its counts."""
    counts = ""
    if statistic.tasks:
        since = f" since {when(statistic.since)}" if statistic.since else ""
        counts = (
            f" ({statistic.successes} of {counted(statistic.tasks, 'task')} succeeded{since})"
        )
    return f"{statistic.function}{_came_to(statistic)}{counts}"


def _came_to(statistic: Statistic) -> str:
    value, threshold = statistic.value, statistic.threshold
    if value is None:
        return " is unknown"
    name = statistic.function.partition("(")[0]
    shown, came_to = _PLAINLY.get(name, (_number, " came to {}"))
    needed = "" if threshold is None else f", and {shown(threshold)} was asked for"
    return came_to.format(shown(value)) + needed


def _number(value: float) -> str:
    return f"{value:.4g}"


def _share(value: float) -> str:
    return quantity(value, Unit.RATIO)


_BILLION = 9
_OFTEN = 2


def _at_most_once_in(log_10: float) -> str:
    """What the base-10 logarithm of an e-value says of chance, to two digits: `at most once in 22,000`."""
    if log_10 >= _BILLION:
        return "less than once in a billion"
    times = float(f"{10 ** max(log_10, 0.0):.2g}")
    if times < _OFTEN:
        return "often"
    return f"at most once in {times:,.0f}" if times >= 10 else f"at most once in {times:g}"


_PLAINLY: Mapping[str, tuple[Callable[[float], str], str]] = {
    "proven": (_at_most_once_in, ": a worker who is good enough comes to such a record {}"),
    "decayed": (_number, ": what speaks for a decline added up to {}"),
    "posterior": (_share, " came to {}"),
    "upper": (_share, " came to {}"),
    "lower": (_share, " came to {}"),
}
"""How a function's number is written for who is no engineer, and the words around it."""


def value_shown(measure: str, value: float | None) -> str:
    """A measure's value with its unit, `measure` as evidence names it: `success_rate[1h]`."""
    if value is None:
        return "unknown"
    kind = MEASURES.get(measure.partition("[")[0])
    return quantity(value, Unit.NUMBER if kind is None else kind.unit)


# silences, policies, the chain


def match_said(match: Sequence[tuple[str, Sequence[str], Sequence[str]]]) -> str:
    """Whom a silence takes in: `role is researcher or writer, and model is like gpt.*`."""
    return ", and ".join(
        f"{one_line(field)} is "
        + listed(
            [
                *(one_line(value) or "empty" for value in values),
                *(f"like {one_line(pattern)}" for pattern in patterns),
            ],
            last="or",
        )
        for field, values, patterns in match
    )


def silence_said(stored: StoredSilence) -> str:
    """Who silenced whom until when, and why."""
    silence = stored.silence
    end = f"until {when(silence.ends_at)}"
    if stored.ended_at is not None:
        end = f"until {one_line(stored.ended_by or 'somebody')} ended it on {when(stored.ended_at)}"
    return (
        f"agents whose {match_said(silence.match)} are silenced by {one_line(silence.owner)} "
        f"from {when(silence.starts_at)} {end}: {one_line(silence.reason)}"
    )


def policy_said(
    tally: Tally, *, mode: Mode, matched: int, holding: int, waiting: int, demoted: bool
) -> str:
    """How a policy fares: whom it is about now, and what it came to."""
    came_to = [
        f"{_TALLIED[verdict]} {count:,}"
        for verdict, count in tally.verdicts.items()
        if count and verdict in _TALLIED
    ]
    if tally.would:
        would = listed([f"{action} {count:,}" for action, count in tally.would.items()])
        came_to.append(f"in shadow would have done: {would}")
    if tally.held:
        held = listed([f"{guard} {count:,}" for guard, count in tally.held.items()])
        came_to.append(f"held back by {held}")
    if tally.overruled:
        came_to.append(f"overruled {tally.overruled.total():,}")
    acts_as = "shadow, since it was overruled too often" if demoted else mode.value
    now = f"{acts_as}: about {counted(matched, 'agent')}, true of {holding:,}"
    if waiting:
        now += f", {waiting:,} waiting for a person or their time"
    return f"{now}; {'; '.join(came_to)}" if came_to else f"{now}; decided nothing"


_TALLIED: Mapping[Verdict, str] = {
    Verdict.FIRED: "fired",
    Verdict.QUARANTINED: "quarantined",
    Verdict.PROBATION: "put on probation",
    Verdict.NOTICED: "announced",
    Verdict.ASKED: "asked",
    Verdict.NOTIFIED: "told people of",
    Verdict.RELEASED: "released",
    Verdict.CANCELLED: "called off",
}


def chain_said(chain: ChainReport) -> str:
    """Whether the record of decisions can be trusted."""
    counts = counted(chain.decisions, "decision")
    match chain.state:
        case ChainState.BROKEN:
            assert chain.broken is not None, "its state says so"
            before = "" if chain.broken.is_of_fire else " before it"
            rest = f"record{before} is" if chain.decisions == 1 else f"records{before} are"
            return (
                f"The record is NOT intact: {chain.broken.words}. "
                f"The {chain.decisions:,} {rest} whole."
            )
        case ChainState.OK | ChainState.REDACTED if not chain.decisions:
            return "Nothing was decided yet, and nothing is missing."
        case ChainState.OK:
            return f"The record is intact: {counts}, in order, none changed, removed or added."
        case ChainState.REDACTED:
            return (
                f"The record is intact: {counts}, in order, none changed, removed or added. Personal details "
                f"of {chain.redacted:,} were erased on request; what was decided was not."
            )
