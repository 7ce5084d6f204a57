"""What a test expected, held against what happened. Instants are offsets from the test's beginning."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from pinkslip.model.decisions import Decision
from pinkslip.model.words import Standing, Verdict
from pinkslip.policies.cases import Case, Expectation
from pinkslip.replay.play import Course
from pinkslip.replay.words import instant, listed

Recorded = tuple[int, Decision]
Change = TypeVar("Change")


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """One expectation that was not met, or something that went wrong on the way."""

    expectation: Expectation | None
    """None: the test itself went wrong."""
    said: str
    """What was expected and what was so instead."""
    agents: tuple[str, ...] = ()
    """Whose course shows it."""
    at_ms: int | None = None


def failures(case: Case, course: Course) -> list[Failure]:
    """Everything that is not as expected, in the order of the file."""
    found = [
        Failure(expectation=None, said=f"at {instant(at)}: {said}", at_ms=at)
        for at, said in course.troubles
    ]
    everybody = tuple(agent_id for each in case.agents for agent_id in each.ids)
    for expectation in case.expectations:
        failure = _checked(expectation, course, everybody)
        if failure is not None:
            found.append(failure)
    return found


def _checked(
    expected: Expectation, course: Course, everybody: tuple[str, ...]
) -> Failure | None:
    for named, all_of_them, what in (
        (expected.cause, course.causes, "the common cause"),
        (expected.demoted, course.demotions, "the demotion of"),
    ):
        if named is not None and not _came(named, all_of_them, expected.at_ms):
            others = listed(sorted({other for _, other in all_of_them})) or "nothing"
            said = f"{_when(expected)}expected {what} {named}; there was {others}"
            return Failure(expectation=expected, said=said, at_ms=expected.at_ms)
    agents = expected.agents or everybody
    short = {agent_id: _short(expected, course, agent_id) for agent_id in agents}
    unmet = [agent_id for agent_id, said in short.items() if said]
    if expected.count is None:
        if not unmet:
            return None
        others = f" (and {len(unmet) - 1} more)" if len(unmet) > 1 else ""
        said = f"{_when(expected)}{unmet[0]}{others}: {short[unmet[0]]}"
        return Failure(
            expectation=expected, said=said, agents=tuple(unmet), at_ms=expected.at_ms
        )
    met = [agent_id for agent_id in agents if agent_id not in unmet]
    if len(met) == expected.count:
        return None
    said = (
        f"{_when(expected)}expected it of {expected.count} of {len(agents)} agents; "
        f"it is so of {len(met)}: {listed(met) or 'nobody'}"
    )
    return Failure(
        expectation=expected, said=said, agents=tuple(met or unmet), at_ms=expected.at_ms
    )


def _came(named: str, seen: Sequence[tuple[int, str]], last_ms: int | None) -> bool:
    return any(word == named and (last_ms is None or at <= last_ms) for at, word in seen)


def _short(expected: Expectation, course: Course, agent_id: str) -> str:
    """What is missing for one agent; empty when everything is as expected."""
    last = expected.at_ms
    records = [
        (at, one)
        for at, one in course.decisions
        if one.agent_id == agent_id
        and (last is None or at <= last)
        and expected.policy in (None, one.policy)
        and expected.action in (None, one.action)
    ]
    claims: tuple[Callable[[], str], ...] = (
        lambda: _of_nothing(expected, records),
        lambda: _of_verdict(expected, records),
        lambda: _of_verdicts(expected, records),
        lambda: _of_never(expected, records),
        lambda: _of_hold(expected, course, agent_id),
        lambda: _of_standing(expected, course, agent_id),
    )
    return next((said for claim in claims if (said := claim())), "")


def _of_nothing(expected: Expectation, records: Sequence[Recorded]) -> str:
    if not expected.nothing or not records:
        return ""
    return f"expected no verdict; {_told(records[0])}"


def _of_verdict(expected: Expectation, records: Sequence[Recorded]) -> str:
    if expected.verdict is None:
        return ""
    seen = records[-1:] if expected.at_ms is not None else records
    if any(one.verdict is expected.verdict for _, one in seen):
        return ""
    was = f"its newest verdict: {_told(records[-1])}" if records else "there was no verdict"
    return f"expected {expected.verdict}; {was}"


def _of_verdicts(expected: Expectation, records: Sequence[Recorded]) -> str:
    if expected.verdicts is None:
        return ""
    came = tuple(one.verdict for _, one in records)
    if came == expected.verdicts:
        return ""
    return f"expected {_sequence(expected.verdicts)}; it was {_sequence(came)}"


def _of_never(expected: Expectation, records: Sequence[Recorded]) -> str:
    broken = [record for record in records if record[1].verdict in expected.never]
    return f"expected it never to be; {_told(broken[0])}" if broken else ""


def _of_hold(expected: Expectation, course: Course, agent_id: str) -> str:
    if expected.held is None:
        return ""
    changes = [
        (at, held[0] if held else None)
        for (whose, policy), some in course.holds.items()
        if whose == agent_id and expected.policy in (None, policy)
        for at, held in _seen(some, expected.at_ms)
    ]
    if any(guard is expected.held for _, guard in changes):
        return ""
    others = listed(sorted({guard.value for _, guard in changes if guard is not None}))
    return f"expected it held by {expected.held}; held by {others or 'nobody'}"


def _of_standing(expected: Expectation, course: Course, agent_id: str) -> str:
    if expected.standing is None:
        return ""
    changes = [(0, Standing.ACTIVE), *course.standings.get(agent_id, ())]
    seen = _seen(changes, expected.at_ms)
    if any(standing is expected.standing for _, standing in seen):
        return ""
    at, standing = seen[-1]
    since = f" since {instant(at)}" if at else ""
    return f"expected standing {expected.standing}; it is {standing}{since}"


def _seen(
    changes: Sequence[tuple[int, Change]], at_ms: int | None
) -> Sequence[tuple[int, Change]]:
    """Of changes in order, the one that stands at an instant; without one, all of them."""
    if at_ms is None:
        return changes
    return [change for change in changes if change[0] <= at_ms][-1:]


def _told(record: Recorded) -> str:
    at, one = record
    return f"{one.policy}: {one.verdict} at {instant(at)}"


def _sequence(verdicts: Sequence[Verdict]) -> str:
    return ", ".join(verdicts) or "no verdict"


def _when(expected: Expectation) -> str:
    return "" if expected.at_ms is None else f"at {instant(expected.at_ms)}: "
