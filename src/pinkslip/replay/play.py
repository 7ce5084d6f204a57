"""Plays one test of a policy file from beginning to end, and keeps what happened.

At each instant, in this order: what befell Pinkslip and what people did; what agents report; the tick. While
Pinkslip is down nothing is heard and nothing is judged, and reports of that time are lost.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import groupby

import msgspec
import numpy as np

from pinkslip.judge.conclusions import Judgement, PolicyAnswer
from pinkslip.judge.memory import NOBODY
from pinkslip.judge.why import why
from pinkslip.model.decisions import Decision
from pinkslip.model.errors import PinkslipError
from pinkslip.model.events import Heartbeat, Outcome
from pinkslip.model.facts import Demoted, Fact, Fired, Reinstated, Released, Stood
from pinkslip.model.policy import PolicySet
from pinkslip.model.words import Guard, Source, Standing, word_of
from pinkslip.policies.cases import Act, ActKind, Agents, Case
from pinkslip.replay.people import People
from pinkslip.replay.rehearsal import START_MS, Rehearsal, Report

Held = tuple[Guard, str]
"""Who holds an episode, and why."""


@dataclass(slots=True)
class Course:
    """What a test came to. Instants are offsets from its beginning."""

    decisions: list[tuple[int, Decision]] = field(default_factory=list)
    standings: dict[str, list[tuple[int, Standing]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    """By agent, each change."""
    holds: dict[tuple[str, str], list[tuple[int, Held | None]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    """By agent and policy, each change; None: nobody holds it any more."""
    spells: dict[tuple[str, str], list[tuple[int, bool]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    """By agent and policy: an episode began, or ended."""
    causes: list[tuple[int, str]] = field(default_factory=list)
    """Each when it was first named: `model=gpt-9`."""
    demotions: list[tuple[int, str]] = field(default_factory=list)
    """Policies that were overruled too often."""
    troubles: list[tuple[int, str]] = field(default_factory=list)
    """What could not be done or judged: the test fails."""


class Play:
    """One case on its way."""

    def __init__(self, policy_set: PolicySet, case: Case) -> None:
        self.case = case
        self.course = Course()
        self.policy_set = judged_by(policy_set, case)
        born = START_MS - max((each.age_ms for each in case.agents), default=0)
        self.rehearsal = Rehearsal(self.policy_set, now=born)
        """What it is played on."""
        self.rehearsal.on_fact = self._note
        self._people = People(self.rehearsal)
        self._down_until = 0
        self._offset = 0

    def run(self, *, until_ms: int | None = None) -> Course:
        """Play everything up to an instant and with it; without one, to the end."""
        end = self.case.lasts_ms if until_ms is None else until_ms
        self._assemble()
        for at, acts, reports, ticks in self._instants(end):
            self._offset = at
            for act in acts:
                self._act(act)
            self._note_decisions()
            if at < self._down_until:
                continue
            self.rehearsal.now = START_MS + at
            if reports:
                self.rehearsal.reports(reports)
            if ticks:
                self._concluded(self.rehearsal.tick())
        return self.course

    def why(self, agent_id: str) -> tuple[PolicyAnswer, ...]:
        """What every policy says of one agent, where the play stands."""
        view = self.rehearsal.look()
        slot = view.slot_of(self.rehearsal.head(agent_id).agent_no)
        if slot is None:
            return ()
        played = self.rehearsal
        return why(view, self.policy_set, played.state, slot=slot, stopped=played.stopped)

    def _assemble(self) -> None:
        """Everybody is known before the test begins, the oldest first."""
        for each in sorted(self.case.agents, key=lambda agents: -agents.age_ms):
            self.rehearsal.now = START_MS - each.age_ms
            for agent_id in each.ids:
                self.rehearsal.meet(agent_id, each.identity)

    def _instants(self, end_ms: int) -> Iterator[tuple[int, list[Act], list[Report], bool]]:
        """Every instant something happens at, in order."""
        acts = {
            at: list(some)
            for at, some in groupby(self.case.acts, key=lambda act: act.at_ms)
            if at <= end_ms
        }
        reports = _reports(self.case.agents, end_ms)
        ticks = range(0, end_ms + 1, self.case.tick_ms)
        for at in sorted({*acts, *reports, *ticks}):
            yield at, acts.get(at, []), reports.get(at, []), at in ticks

    def _act(self, act: Act) -> None:
        try:
            if act.at_ms < self._down_until:
                raise _Down
            self.rehearsal.now = START_MS + act.at_ms
            self._do(act)
        except PinkslipError as error:
            self.course.troubles.append((act.at_ms, f"{act.kind}: {error}"))

    def _do(self, act: Act) -> None:
        people, until = self._people, START_MS + act.at_ms + (act.for_ms or 0)
        match act.kind:
            case ActKind.RESTART:
                self.rehearsal.go_blind(act.for_ms or 0)
                self._down_until = act.at_ms + (act.for_ms or 0)
            case ActKind.SILENCE:
                people.silence(act.match, until=until, reason=act.reason or "test")
            case ActKind.STOP:
                self.rehearsal.stopped = act.reason or "stopped"
            case ActKind.RESUME:
                self.rehearsal.stopped = None
            case ActKind.RESTORE:
                people.restore(act.policy or "")
            case ActKind.PROTECT:
                for agent_id in act.agents:
                    people.protect(agent_id, until=until)
            case ActKind.QUARANTINE:
                for agent_id in act.agents:
                    people.quarantine(agent_id, until=until)
            case ActKind.RELEASE:
                for agent_id in act.agents:
                    people.release(agent_id)
            case ActKind.REINSTATE:
                for agent_id in act.agents:
                    people.reinstate(agent_id, wrong=act.wrong)
            case ActKind.VETO:
                for agent_id in act.agents:
                    people.veto(agent_id, policy=act.policy)
            case ActKind.APPROVE:
                for agent_id in act.agents:
                    people.approve(agent_id, policy=act.policy)
            case ActKind.REVIEW:
                for agent_id in act.agents:
                    people.review(agent_id, score_e6=act.score_e6 or 0)

    # keeping what happened

    def _concluded(self, judgement: Judgement) -> None:
        at, course = self._offset, self.course
        self._note_decisions()
        for episode in judgement.episodes:
            self._note_episode(
                episode.agent_no, episode.policy, is_open=episode.state != "clear"
            )
        self._note_holds()
        for finding in judgement.findings:
            course.troubles.append((at, finding.message))
        named = {cause for _, cause in course.causes}
        for cause in judgement.causes:
            text = f"{cause.factor}={cause.value}"
            if text not in named:
                course.causes.append((at, text))

    def _note_decisions(self) -> None:
        new = self.rehearsal.decisions[len(self.course.decisions) :]
        self.course.decisions += [(self._offset, one) for one in new]

    def _note(self, fact: Fact) -> None:
        match fact:
            case Demoted():
                self.course.demotions.append((self._offset, fact.policy))
                return
            case Fired():
                standing = Standing.FIRED
            case Stood():
                standing = fact.standing
            case Released() | Reinstated():
                standing = Standing.ACTIVE
            case _:
                return
        agent_id = self.rehearsal.by_number[fact.agent_no].agent_id
        self.course.standings[agent_id].append((self._offset, standing))

    def _note_episode(self, agent_no: int, policy: str, *, is_open: bool) -> None:
        spells = self.course.spells[self.rehearsal.by_number[agent_no].agent_id, policy]
        if is_open != (bool(spells) and spells[-1][1]):
            spells.append((self._offset, is_open))

    def _note_holds(self) -> None:
        held = self._held_now()
        for whose, before in self.course.holds.items():
            if before[-1][1] is not None and whose not in held:
                before.append((self._offset, None))
        for whose, by in held.items():
            changes = self.course.holds[whose]
            if not changes or changes[-1][1] != by:
                changes.append((self._offset, by))

    def _held_now(self) -> Mapping[tuple[str, str], Held]:
        by_number = self.rehearsal.by_number
        return {
            (by_number[int(track.number[row])].agent_id, policy): (
                word_of(Guard, int(track.guard[row])),
                str(track.guard_detail[row]),
            )
            for policy, track in self.rehearsal.state.memory.tracks.items()
            for row in np.flatnonzero(track.guard != NOBODY).tolist()
        }


class _Down(PinkslipError):
    """Nobody can act while Pinkslip is down."""

    def __str__(self) -> str:
        return "Pinkslip is down then"


def judged_by(policy_set: PolicySet, case: Case) -> PolicySet:
    """The policies and guards that a test is about."""
    chosen = [
        policy if case.mode is None else replace(policy, mode=case.mode)
        for policy in policy_set.policies
        if policy.name in case.policies
    ]
    return replace(
        policy_set, policies=tuple(chosen), guards=case.guards_over(policy_set.guards)
    )


def _reports(agents: Iterable[Agents], end_ms: int) -> dict[int, list[Report]]:
    """Everything that everybody reports, by instant."""
    reports: dict[int, list[Report]] = defaultdict(list)
    for each in agents:
        schedule = sorted(_told(each, end_ms), key=lambda told: told[0])
        for agent_id in each.ids:
            for at, event, source in schedule:
                reports[at].append((agent_id, event, source))
    return reports


_BEAT = Heartbeat()
_Told = tuple[int, Heartbeat | Outcome, Source]


def _told(agents: Agents, end_ms: int) -> Iterator[_Told]:
    """What each of them reports. Heartbeats come first at their instant, so that the agent lives."""
    for at in _beats(agents, end_ms):
        yield at, _BEAT, Source.SELF
    for said in agents.said:
        if said.at_ms <= end_ms:
            yield said.at_ms, said.heartbeat, Source.SELF
    for worked in agents.worked:
        for at, ended in worked.series.happening(end_ms=end_ms):
            outcome = msgspec.structs.replace(
                worked.outcome, result=ended.result, fault=ended.fault
            )
            yield at, outcome, worked.source


def _beats(agents: Agents, end_ms: int) -> list[int]:
    """When it beats of its own accord: not while it is silent, and not after its last word."""
    instants = {at for rhythm in agents.beats for at in rhythm.instants(end_ms=end_ms)}
    quiet = [
        (each.from_ms, end_ms + 1 if each.until_ms is None else each.until_ms)
        for each in agents.silent
    ]
    quiet += _gone(agents, end_ms)
    return sorted(at for at in instants if not any(start <= at < end for start, end in quiet))


def _gone(agents: Agents, end_ms: int) -> list[tuple[int, int]]:
    """From each last word to whatever it says next."""
    said = sorted(agents.said, key=lambda one: one.at_ms)
    following = [*(one.at_ms for one in said[1:]), end_ms + 1]
    return [
        (one.at_ms, again)
        for one, again in zip(said, following, strict=False)
        if one.heartbeat.leaving
    ]
