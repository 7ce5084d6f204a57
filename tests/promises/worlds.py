"""Random fleets, policies and histories, told to a rehearsal and, event by event, to a witness."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache

from hypothesis import strategies as st
from tests.promises.witness import Witness

from pinkslip.judge.conclusions import Judgement
from pinkslip.model.decisions import Decision
from pinkslip.model.errors import Conflict
from pinkslip.model.events import Finish, Heartbeat, Outcome
from pinkslip.model.facts import Fact
from pinkslip.model.policy import Matcher, PolicySet
from pinkslip.model.words import Fault, Result, Source, Status
from pinkslip.policies.load import Source as File
from pinkslip.policies.load import load
from pinkslip.replay.people import People
from pinkslip.replay.rehearsal import Rehearsal

SECOND, MINUTE, HOUR = 1_000, 60_000, 3_600_000
INTERVAL_MS = 30_000
MOST = 9
"""Agents of a fleet."""

POLICIES = {
    "silent": """
  - name: silent
    reason: unresponsive
    match: {status: [IDLE, WORKING, ERROR]}
    when: heartbeat_age > 3 * heartbeat_interval
    mode: enforce
    action: fire""",
    "silent-noticed": """
  - name: silent-noticed
    reason: unresponsive
    when: heartbeat_age > 3 * heartbeat_interval
    for: 30s
    mode: enforce
    action: fire
    notice: 1m""",
    "rate": """
  - name: rate
    reason: dumb
    when: success_rate[10 tasks] < 50%
    mode: enforce
    action: fire""",
    "not-good": """
  - name: not-good
    reason: dumb
    when: not (success_rate[1h] >= 70%)
    mode: enforce
    action: fire""",
    "streak": """
  - name: streak
    reason: obstinate
    when: consecutive_failures >= 3
    clear_when: consecutive_failures == 0
    mode: enforce
    ladder: [probation, quarantine 5m, fire]""",
    "spent": """
  - name: spent
    reason: dumb
    match: {status: [IDLE, WORKING, ERROR]}
    when: failures[10 tasks] >= 4
    clear_when: failures[10 tasks] == 0
    mode: enforce
    ladder: [quarantine 1m, fire]""",
    "spent-imagined": """
  - name: spent-imagined
    reason: dumb
    match: {status: [IDLE, WORKING, ERROR]}
    when: failures[10 tasks] >= 4
    ladder: [quarantine 1m, fire]""",
    "proven": """
  - name: proven
    reason: dumb
    when: proven(success < 70%, error=20%)
    mode: enforce
    ladder: [notify, probation, quarantine 1m, fire]""",
    "kin": """
  - name: kin
    reason: dumb
    scope: lineage
    when: proven(success < 70%, error=20%)
    mode: enforce
    action: fire""",
    "decayed": """
  - name: decayed
    reason: dumb
    when: decayed(success, from=85%, to=60%, limit=3)
    mode: enforce
    action: quarantine 5m""",
    "judged": """
  - name: judged
    reason: derailed
    sources: [judge, person]
    when: success_rate[10 tasks] < 50%
    mode: enforce
    action: fire""",
    "asked": """
  - name: asked
    reason: derailed
    when: failures[10m] >= 4
    mode: enforce
    action: fire
    approval: true""",
    "imagined": """
  - name: imagined
    reason: dumb
    when: failures[10m] >= 2
    action: fire""",
}

GUARDS = """
guards:
  max_fired: {{share: {share}%, per: {per}, at_least: {at_least}}}
  max_fires: {{count: {count}, per: 10m}}
  min_active: {min_active}
  panic: {panic}
  newborn: {{age: 1m, tasks: 2}}
  common_cause: {common_cause}
"""

guards = st.fixed_dictionaries(
    {
        "share": st.sampled_from([0, 10, 34, 50, 100]),
        "per": st.sampled_from(["1m", "1h"]),
        "at_least": st.integers(0, 3),
        "count": st.integers(1, 5),
        "min_active": st.integers(0, 3),
        "panic": st.sampled_from(["off", "{share: 50%, at_least: 3, per: 2m}"]),
        "common_cause": st.sampled_from(["off", "{at_least: 2, share: 50%, error: 50%}"]),
    }
)


@cache
def compiled(text: str) -> PolicySet:
    """As an operator wrote it."""
    loaded = load([File("policies.yaml", text)])
    assert loaded.policy_set is not None, [each.render() for each in loaded.problems]
    return loaded.policy_set


def policy_text(names: Sequence[str], rules: dict[str, object]) -> str:
    """A file with these policies and guards."""
    bodies = "".join(POLICIES[name] for name in names)
    return f"version: 1\n{GUARDS.format(**rules)}\npolicies:{bodies}\n"


policy_texts = st.builds(
    policy_text,
    st.lists(st.sampled_from(list(POLICIES)), min_size=1, max_size=4, unique=True),
    guards,
)

whom = st.sampled_from([0, 0, 0, 1, 1, 2, 3, 4, 5, 6, 7, 8])
"""Mostly the same few, so that one thing comes to another."""
events = st.one_of(
    st.tuples(
        st.sampled_from(["fail", "fail", "fail", "succeed", "let-down", "judge-fails"]), whom
    ),
    st.tuples(
        st.sampled_from(["hush", "hush", "speak", "wait", "work", "reboot", "finish"]), whom
    ),
    st.tuples(st.sampled_from(["fail-alike", "hush-alike", "boast"]), whom),
    st.tuples(st.sampled_from(["approve", "approve", "veto", "reinstate", "reinstate"]), whom),
    st.tuples(st.sampled_from(["protect", "silence", "quarantine", "release"]), whom),
    st.tuples(st.just("blind"), st.sampled_from([1, 3, 90])),
)
Event = tuple[str, int]
Step = tuple[int, list[Event]]

steps: st.SearchStrategy[list[Step]] = st.lists(
    st.tuples(
        st.sampled_from([1, 5 * SECOND, 30 * SECOND, MINUTE, 5 * MINUTE]),
        st.lists(events, max_size=8),
    ),
    min_size=2,
    max_size=14,
)


@dataclass(frozen=True, slots=True)
class Hired:
    """One agent as it comes."""

    role: str
    model: str
    lineage: str | None


staff = st.lists(
    st.builds(
        Hired,
        role=st.sampled_from(["a", "a", "b"]),
        model=st.sampled_from(["m", "n"]),
        lineage=st.sampled_from([None, None, "x", "y"]),
    ),
    min_size=3,
    max_size=MOST,
)


@dataclass(slots=True)
class World:
    """A rehearsal, what agents and people do to it, and a witness who sees all of it."""

    policy_set: PolicySet
    hired: Sequence[Hired]
    played: Rehearsal = field(init=False)
    people: People = field(init=False)
    witness: Witness = field(init=False)
    journal: list[Fact] = field(default_factory=list)
    marks: list[tuple[int, int]] = field(default_factory=list)
    """Of each tick: its instant, and how much of the journal it saw."""
    concluded: list[Decision] = field(default_factory=list)
    """What the judge said, whatever became of it."""
    is_judged: bool = True
    """Whether the witness judges what is done; not where who left is forgotten, and with it what it did: a service
    reads that again before it looks, a rehearsal has nowhere to read it from."""
    _quiet: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.played = Rehearsal(self.policy_set)
        self.played.on_fact = self.journal.append
        self.people = People(self.played)
        self.witness = Witness(self.policy_set, is_silent=not self.is_judged)
        for number, each in enumerate(self.hired):
            self._report(
                self._id(number),
                Heartbeat(
                    status=Status.WORKING,
                    role=each.role,
                    model=each.model,
                    lineage=each.lineage,
                    interval=INTERVAL_MS / SECOND,
                ),
            )
        self.played.now += 10 * MINUTE
        self._beat()

    def live(self, story: Sequence[Step]) -> Iterator[Judgement]:
        """Each step: events, heartbeats of those who are not quiet, a tick; judged by the witness."""
        for wait_ms, happenings in story:
            self.played.now = max(self.played.now, self.played.at) + wait_ms
            for what, about in happenings:
                self.happen(what, about)
            self._beat()
            yield self.tick()

    def tick(self) -> Judgement:
        """One look, with all that follows."""
        self.played.now = self.played.at
        self.marks.append((self.played.now, len(self.journal)))
        known = len(self.played.decisions)
        judgement = self.played.tick()
        self.concluded += judgement.decisions
        self.witness.judged(self.played.decisions[known:], self.played.now)
        return judgement

    def happen(self, what: str, about: int) -> None:
        """One event; what cannot be, as vetoing nothing, is not."""
        if what == "blind":
            start = self.played.at
            self.played.go_blind(about * MINUTE)
            self.witness.blind(start, self.played.now)
            return
        agent_id = self._id(about % len(self.hired))
        match what:
            case "hush":
                self._quiet.add(agent_id)
            case "speak":
                self._quiet.discard(agent_id)
            case "fail":
                self._done(agent_id, Result.FAILURE, times=5)
            case "fail-alike":
                for other in self._alike(about):
                    self._done(other, Result.FAILURE, times=5)
            case "hush-alike":
                self._quiet.update(self._alike(about))
            case "succeed":
                self._done(agent_id, Result.SUCCESS, times=3)
            case "let-down":
                self._done(agent_id, Result.FAILURE, fault=Fault.PROVIDER, times=3)
            case "judge-fails":
                self._done(agent_id, Result.OFF_TRACK, source=Source.JUDGE, times=3)
            case "boast":
                self._done(agent_id, Result.SUCCESS, times=20)
            case "wait":
                self._report(agent_id, Heartbeat(status=Status.WAITING))
            case "work":
                self._report(agent_id, Heartbeat(status=Status.WORKING))
            case "reboot":
                self._report(agent_id, Heartbeat(boot_id=f"boot-{self.played.at}"))
            case "finish":
                self._quiet.add(agent_id)
                self._report(agent_id, Finish())
            case _:
                with suppress(Conflict):
                    self._act(what, agent_id)

    def _act(self, what: str, agent_id: str) -> None:
        people, until = self.people, self.played.at + 10 * MINUTE
        match what:
            case "protect":
                people.protect(agent_id, until=until)
                self.witness.protected(agent_id, until)
            case "silence":
                people.silence((Matcher("agent", frozenset({agent_id})),), until=until)
                self.witness.silenced(agent_id, self.played.at, until)
            case "quarantine":
                people.quarantine(agent_id, until=until)
            case "release":
                people.release(agent_id)
            case "reinstate":
                people.reinstate(agent_id)
                self.witness.reinstated(agent_id, self.played.at)
            case "veto":
                self.witness.vetoed(people.veto(agent_id))
            case _:
                self.witness.approved(people.approve(agent_id))

    def _alike(self, about: int) -> list[str]:
        """Everybody with its model."""
        model = self.hired[about % len(self.hired)].model
        return [self._id(n) for n, each in enumerate(self.hired) if each.model == model]

    def _beat(self) -> None:
        for number in range(len(self.hired)):
            if self._id(number) not in self._quiet:
                self._report(self._id(number), Heartbeat())

    def _report(self, agent_id: str, event: Heartbeat | Finish) -> None:
        receipt = self.played.report(agent_id, event)
        if receipt.verdict == "accepted":
            self.witness.reported(agent_id, event, self.played.at)

    def _done(
        self,
        agent_id: str,
        result: Result,
        *,
        times: int,
        fault: Fault = Fault.AGENT,
        source: Source = Source.SELF,
    ) -> None:
        for _ in range(times):
            self.played.report(agent_id, Outcome(result=result, fault=fault), source)
            self.witness.done(agent_id, result, fault, source, self.played.at)

    @staticmethod
    def _id(number: int) -> str:
        return f"agent-{number}"
