"""The audit report: who was judged, when, on what evidence, what safeguards were asked, and whether it was right.

Pure, and written for someone who is no engineer. One report, three renderings: fields, plain text, Markdown.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from textwrap import wrap

from pinkslip.judge.conclusions import Waiting
from pinkslip.model.words import EpisodeState, Verdict
from pinkslip.store.chain import ChainReport
from pinkslip.store.views import Fire, StoredDecision
from pinkslip.web.aftermath import Beside, became, ruled_on
from pinkslip.web.backend import SilenceState
from pinkslip.web.words import (
    GUARD_SAID,
    Displays,
    chain_said,
    concluded,
    counted,
    guards_said,
    listed,
    one_line,
    reason_shown,
    rests_on,
    rung_said,
    sentence,
    silence_said,
    statistic_said,
    when,
)

CASES_MAX = 500
WIDTH = 100
NAMED_AT_MOST = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """What a report is made of."""

    now: int
    displays: Displays
    decisions: Sequence[StoredDecision]
    """Oldest first."""
    is_cut: bool = False
    """There were more, older ones."""
    agent_id: str | None = None
    since: int | None = None
    fires: Mapping[str, Fire] = field(default_factory=dict)
    """By decision id."""
    waiting: Mapping[str, Waiting] = field(default_factory=dict)
    """By decision id."""
    silences: Sequence[SilenceState] = ()
    """In force at some time of the report."""
    chain: ChainReport


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One decision, and what became of it."""

    decision_id: str
    number: int
    at: int
    agent_id: str
    title: str
    paragraphs: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """All of it, in words."""

    title: str
    at: int
    summary: tuple[str, ...]
    cases: tuple[Case, ...]
    chain: str


def report_of(material: Material) -> Report:
    """The report on an agent, or on everything since an instant."""
    told = _worth_telling(material)
    shown = told[-CASES_MAX:]
    by_agent: dict[int, list[StoredDecision]] = {}
    for decision in material.decisions:
        by_agent.setdefault(decision.agent_no, []).append(decision)
    return Report(
        title=_title(material),
        at=material.now,
        summary=tuple(_summary(material, left_out=len(told) - len(shown))),
        cases=tuple(
            _case(decision, material, history=by_agent[decision.agent_no]) for decision in shown
        ),
        chain=chain_said(material.chain),
    )


def _worth_telling(material: Material) -> list[StoredDecision]:
    """Of one agent everything; of a fleet what was done or held, since shadows are many and did nothing."""
    return [
        decision
        for decision in material.decisions
        if material.agent_id is not None or decision.verdict is not Verdict.SHADOWED
    ]


def _title(material: Material) -> str:
    since = "" if material.since is None else f" since {when(material.since)}"
    if material.agent_id is None:
        return f"What was decided{since}"
    return f"What was decided about {one_line(material.agent_id)}{since}"


# the summary


def _summary(material: Material, *, left_out: int) -> Iterator[str]:
    decisions = material.decisions
    if not decisions:
        yield "Nothing was decided."
    else:
        yield _how_many(material)
    yield from _fired(material)
    yield from _held(decisions)
    yield from _shadowed(decisions)
    yield from _overruled(material)
    yield from _waiting(material)
    yield from (sentence(silence_said(one.stored)) for one in material.silences)
    if material.is_cut or left_out:
        yield "Older decisions are counted or left out here; ask for a shorter time to read them."


def _how_many(material: Material) -> str:
    decisions = material.decisions
    agents = {decision.agent_id for decision in decisions if decision.agent_id}
    span = f"between {when(decisions[0].at)} and {when(decisions[-1].at)}"
    about = "" if material.agent_id is not None else f" about {counted(len(agents), 'agent')}"
    were = "was" if len(decisions) == 1 else "were"
    return f"{counted(len(decisions), 'decision')}{about} {were} recorded {span}."


def _fired(material: Material) -> Iterator[str]:
    fired = [one for one in material.decisions if one.verdict is Verdict.FIRED]
    if not fired:
        yield "Nobody was fired."
        return
    names = [_fired_one(one, material) for one in fired[:NAMED_AT_MOST]]
    if len(fired) > NAMED_AT_MOST:
        names.append(f"{len(fired) - NAMED_AT_MOST} more")
    yield f"{counted(len(fired), 'fire')}: {listed(names)}."
    back = [
        fire for one in fired if (fire := material.fires.get(one.id)) and fire.reinstated_at
    ]
    wrong = sum(fire.was_wrong is True for fire in back)
    if back:
        yield f"{counted(len(back), 'fire')} taken back, {wrong} of them marked as wrong."
    else:
        yield "No fire was taken back or called wrong."


def _fired_one(decision: StoredDecision, material: Material) -> str:
    shown = reason_shown(decision.reason, material.displays)
    return one_line(decision.agent_id) + (f" ({one_line(shown)})" if shown else "")


def _held(decisions: Sequence[StoredDecision]) -> Iterator[str]:
    held = Counter(one.guard for one in decisions if one.verdict is Verdict.HELD and one.guard)
    if held:
        causes = listed(
            [f"{count} because {GUARD_SAID[guard]}" for guard, count in held.items()]
        )
        total = sum(held.values())
        yield f"Safeguards held {counted(total, 'decision')} back: {causes}."


def _shadowed(decisions: Sequence[StoredDecision]) -> Iterator[str]:
    shadowed = Counter(one.action for one in decisions if one.verdict is Verdict.SHADOWED)
    if shadowed:
        would = listed([f"{action} {count}" for action, count in shadowed.items()])
        yield f"Policies that only record would have done more: {would}."


def _overruled(material: Material) -> Iterator[str]:
    for verdict, what, said in (
        (Verdict.VETOED, "announced fire", "stopped by a person"),
        (Verdict.APPROVED, "fire", "approved by a person"),
        (Verdict.DEMOTED, "policy", "overruled too often and put into shadow"),
    ):
        count = sum(one.verdict is verdict for one in material.decisions)
        if count:
            yield f"{counted(count, what)} {'was' if count == 1 else 'were'} {said}."


def _waiting(material: Material) -> Iterator[str]:
    approved = {ruled_on(one) for one in material.decisions if one.verdict is Verdict.APPROVED}
    asking = sum(
        one.state is EpisodeState.AWAITING and one.decision_id not in approved
        for one in material.waiting.values()
    )
    if asking:
        yield f"{counted(asking, 'fire')} {'waits' if asking == 1 else 'wait'} for approval."
    coming = len(material.waiting) - asking
    if coming:
        waits = "waits for its" if coming == 1 else "wait for their"
        yield f"{counted(coming, 'fire')} {waits} time."


# the cases


def _case(
    decision: StoredDecision, material: Material, *, history: Sequence[StoredDecision]
) -> Case:
    beside = Beside(
        now=material.now,
        displays=material.displays,
        later=[one for one in history if one.number > decision.number],
        fire=material.fires.get(decision.id),
        waiting=material.waiting.get(decision.id),
    )
    paragraphs = (
        rests_on(decision),
        *(f"Worked out: {statistic_said(one)}." for one in decision.evidence.statistics),
        rung_said(decision),
        guards_said(decision),
        *became(decision, beside),
    )
    return Case(
        decision_id=decision.id,
        number=decision.number,
        at=decision.at,
        agent_id=decision.agent_id,
        title=sentence(concluded(decision, material.displays))[:-1],
        paragraphs=tuple(filter(None, paragraphs)),
    )


# renderings


def as_text(report: Report) -> str:
    """Plain text, wrapped for a screen or a letter."""
    lines = [report.title, "=" * min(len(report.title), WIDTH), ""]
    lines += [line for said in report.summary for line in wrap(said, WIDTH)]
    for case in report.cases:
        lines += ["", *wrap(f"{when(case.at)}  {case.title}", WIDTH)]
        for paragraph in case.paragraphs:
            lines += wrap(paragraph, WIDTH, initial_indent="  ", subsequent_indent="  ")
        lines.append(f"  Record {case.number}, {case.decision_id}")
    lines += ["", *wrap(report.chain, WIDTH), f"Written {when(report.at)} by Pinkslip."]
    return "\n".join(lines) + "\n"


def as_markdown(report: Report) -> str:
    """Markdown, in which nobody's name or words become markup."""
    lines = [f"# {_escaped(report.title)}", ""]
    lines += [f"- {_escaped(said)}" for said in report.summary]
    for case in report.cases:
        lines += ["", f"## {_escaped(case.title)}", ""]
        lines.append(f"*{when(case.at)}, record {case.number}, `{case.decision_id}`*")
        for paragraph in case.paragraphs:
            lines += ["", _escaped(paragraph)]
    lines += ["", "## The record", "", _escaped(report.chain), ""]
    lines.append(f"Written {when(report.at)} by Pinkslip.")
    return "\n".join(lines) + "\n"


_MARKUP = re.compile(r"([\\`*_{}\[\]<>#|!~&$])")


def _escaped(text: str) -> str:
    return _MARKUP.sub(r"\\\1", text)
