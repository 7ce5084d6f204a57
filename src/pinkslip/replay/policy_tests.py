"""Runs the tests of policy files, and shows what a failed one came to: per agent, what happened when, and why."""

from collections.abc import Sequence
from dataclasses import dataclass

from pinkslip.model.policy import PolicySet
from pinkslip.policies.cases import Case
from pinkslip.policies.problems import Severity
from pinkslip.policies.text import Place, Text
from pinkslip.replay.play import Course, Play
from pinkslip.replay.verify import Failure, failures
from pinkslip.replay.words import instant

AGENTS_SHOWN = 3
LINES_SHOWN = 40
"""Of one agent; the oldest are left out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsed:
    """What became of one test."""

    case: Case
    failures: tuple[str, ...]
    """Each whole, over several lines; none: it passed."""
    decisions: int
    ticks: int

    @property
    def passed(self) -> bool:
        """Whether everything was as expected."""
        return not self.failures


def run(policy_set: PolicySet, case: Case) -> Rehearsed:
    """Run one test against the policies it is about."""
    play = Play(policy_set, case)
    course = play.run()
    found = failures(case, course)
    texts = {file: Text(file, text) for file, text in policy_set.texts}
    return Rehearsed(
        case=case,
        failures=tuple(
            _shown(policy_set, case, course, failure, texts[case.file]) for failure in found
        ),
        decisions=len(course.decisions),
        ticks=case.lasts_ms // case.tick_ms + 1,
    )


def timeline(course: Course, agent_id: str) -> list[tuple[int, str]]:
    """Everything that concerns one agent, with its instant, in order."""
    told = [
        (at, f"{one.policy}: {one.verdict}{_about(one.guard_detail, one.evidence.words)}")
        for at, one in course.decisions
        if one.agent_id == agent_id
    ]
    told += [
        (at, f"{policy}: {'holds' if is_open else 'is over'}")
        for (whose, policy), spells in course.spells.items()
        if whose == agent_id
        for at, is_open in spells
    ]
    told += [
        (at, f"{policy}: held by {held[0]}: {held[1]}" if held else f"{policy}: held no more")
        for (whose, policy), changes in course.holds.items()
        if whose == agent_id
        for at, held in changes
    ]
    told += [
        (at, f"standing {standing}") for at, standing in course.standings.get(agent_id, ())
    ]
    return sorted(told, key=lambda line: line[0])


def _about(guard_detail: str, words: str) -> str:
    return "".join(f": {part}" for part in (words, guard_detail) if part)


def _shown(
    policy_set: PolicySet, case: Case, course: Course, failure: Failure, text: Text
) -> str:
    place = case.place if failure.expectation is None else failure.expectation.place
    lines = [_pointed(text, place, case, failure)]
    for agent_id in failure.agents[:AGENTS_SHOWN]:
        lines += ["", f"  {agent_id}"]
        lines += _timeline_lines(course, agent_id, failure.at_ms)
        lines += _why_lines(policy_set, case, agent_id, failure.at_ms)
    return "\n".join(lines)


def _pointed(text: Text, place: Place, case: Case, failure: Failure) -> str:
    """The line of the file it stands in, with a caret."""
    problem = text.problem(
        place, failure.said, hint="", severity=Severity.ERROR, key_path=case.key_path
    )
    return problem.render()


def _timeline_lines(course: Course, agent_id: str, at_ms: int | None) -> list[str]:
    told = timeline(course, agent_id)
    if at_ms is not None:
        told = sorted([*told, (at_ms, "<-- here")], key=lambda line: line[0])
    if not told:
        return ["    nothing was concluded"]
    left_out = max(len(told) - LINES_SHOWN, 0)
    before = [f"    ({left_out} earlier lines)"] if left_out else []
    return before + [f"    {instant(at):>9}  {line}" for at, line in told[left_out:]]


def _why_lines(
    policy_set: PolicySet, case: Case, agent_id: str, at_ms: int | None
) -> Sequence[str]:
    """What every policy says of the agent at that instant: the test is played once more, up to it."""
    play = Play(policy_set, case)
    play.run(until_ms=at_ms)
    when = "at the end" if at_ms is None else f"at {instant(at_ms)}"
    return [f"    {when}, {each.policy}: {each.words}" for each in play.why(agent_id)]
