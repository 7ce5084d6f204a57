"""The judge on the real fleet and on policies as operators write them."""

from collections.abc import Sequence

import msgspec
from tests.judge.world import DAY, HOUR, MINUTE, SECOND, START

from pinkslip.fleet.fleet import Fleet, FleetSettings
from pinkslip.judge.explain import recompute
from pinkslip.judge.judge import Judgement, JudgeState, judge
from pinkslip.judge.why import why
from pinkslip.model.decisions import Decision
from pinkslip.model.facts import (
    Beat,
    Blinded,
    Changed,
    Done,
    Fact,
    Finished,
    Fired,
    Registered,
    Reinstated,
)
from pinkslip.model.policy import PolicySet
from pinkslip.model.words import BlindCause, Fault, Result, Source, Status
from pinkslip.policies.load import Source as PolicyFile
from pinkslip.policies.load import load, needs

POLICIES = """
version: 1
guards:
  newborn: {age: 1m, tasks: 5}
policies:
  - name: unresponsive
    reason: unresponsive
    match: {status: [IDLE, WORKING, ERROR]}
    when: heartbeat_age > 3 * heartbeat_interval
    clear_when: heartbeat_age < heartbeat_interval
    for: 30s
    mode: enforce
    action: fire
  - name: failing
    reason: dumb
    when: success_rate[1h] < 70% and tasks[1h] >= 5
    mode: enforce
    action: fire
  - name: slow
    when: tasks[20 tasks] >= 5 and duration_p95[1h] > 30s
"""


def policies(text: str = POLICIES) -> PolicySet:
    loaded = load([PolicyFile("policies.yaml", text)])
    assert loaded.policy_set is not None, [each.render() for each in loaded.problems]
    return loaded.policy_set


class Service:
    """A fleet, its policies and its judge, without store or clock."""

    def __init__(self, text: str = POLICIES) -> None:
        self.fleet = Fleet(1, FleetSettings())
        self.policy_set = policies(text)
        self.fleet.declare(needs(self.policy_set))
        self.state = JudgeState()
        self.now, self.seq = START, 0
        self.journal: list[Fact] = []
        self.decisions: list[Decision] = []
        self.marks: list[tuple[int, int]] = []
        """Of each tick: its instant, and how much of the journal it saw."""

    def happen(self, *facts: Fact) -> None:
        self.journal += facts
        self.fleet.fold(facts)

    def number(self) -> int:
        self.seq += 1
        return self.seq

    def hire(self, *numbers: int, role: str = "developer", interval_ms: int = 30_000) -> None:
        for number in numbers:
            self.happen(
                Registered(
                    number, self.now, self.number(), f"agent-{number}", f"uuid-{number}"
                ),
                Changed(
                    number,
                    self.now,
                    self.number(),
                    status=Status.WORKING,
                    role=role,
                    interval_ms=interval_ms,
                ),
                Beat(number, self.now, self.number()),
            )

    def beat(self, *numbers: int) -> None:
        self.happen(*(Beat(number, self.now, self.number()) for number in numbers))

    def done(
        self,
        number: int,
        *results: Result,
        fault: Fault = Fault.AGENT,
        duration_ms: int = 1_000,
    ) -> None:
        for result in results:
            seq = self.number()
            self.happen(
                Done(
                    number,
                    self.now,
                    seq,
                    seq.to_bytes(16),
                    result,
                    fault,
                    Source.SELF,
                    counted=True,
                    duration_ms=duration_ms,
                )
            )

    def tick(self) -> Judgement:
        self.marks.append((self.now, len(self.journal)))
        judgement = judge(
            self.fleet.at(self.now), self.policy_set, self.state, workspace_id=1, stopped=None
        )
        self.state.apply(judgement)
        self.decisions += judgement.decisions
        for each in judgement.decisions:
            if each.verdict == "fired":
                assert each.reason is not None
                self.happen(
                    Fired(
                        each.agent_no,
                        self.now,
                        self.number(),
                        each.id,
                        each.reason,
                        each.policy,
                    )
                )
        return judgement

    def live(self, span_ms: int, *, beating: Sequence[int] = (), every_ms: int = 5_000) -> None:
        for _ in range(span_ms // every_ms):
            self.now += every_ms
            if self.now % 30_000 == 0:
                self.beat(*beating)
            self.tick()

    @property
    def verdicts(self) -> list[tuple[int, str, str]]:
        return [(each.agent_no, each.policy, each.verdict) for each in self.decisions]


def grown(service: Service, *numbers: int) -> Service:
    """Agents old enough to be judged."""
    service.hire(*numbers)
    service.live(2 * MINUTE, beating=numbers)
    return service


def test_the_silent_is_fired_after_its_limit_and_for_and_the_others_stay() -> None:
    service = grown(Service(), 1, 2, 3)
    silent_since = service.now

    service.live(5 * MINUTE, beating=(2, 3))

    assert service.verdicts == [(1, "unresponsive", "fired")]
    (decision,) = service.decisions
    # limit 90 s, seen true at the next tick, then 30 s more
    assert decision.at - silent_since == 125_000
    assert decision.evidence.words == (
        "no heartbeat for 2 min 5 s; allowed 90 s (3 x its 30 s interval), for 30 s"
    )


def test_waiting_and_finished_disturb_nobody() -> None:
    service = grown(Service(), 1, 2, 3)
    service.happen(
        Changed(1, service.now, service.number(), status=Status.WAITING),
        Finished(2, service.now, service.number()),
    )

    service.live(2 * HOUR, beating=(3,), every_ms=30_000)

    assert service.verdicts == []


def test_failures_fire_and_a_providers_failures_do_not() -> None:
    service = grown(Service(), 1, 2, 3)

    service.done(1, *[Result.FAILURE] * 6)
    service.done(2, *[Result.FAILURE] * 6, fault=Fault.PROVIDER)
    service.tick()

    assert service.verdicts == [(1, "failing", "fired")]
    assert service.decisions[0].evidence.words == (
        "success rate 0 % in 1 h (below 70 %) and 6 tasks in 1 h (at least 5)"
    )
    assert service.decisions[0].evidence.tasks == 6


def test_four_failures_are_unknown_and_the_fifth_decides() -> None:
    service = grown(Service(), 1, 2)
    service.done(1, *[Result.FAILURE] * 4)
    service.tick()
    before = service.verdicts

    service.done(1, Result.FAILURE)
    service.now += 5_000
    service.tick()

    assert before == []
    assert service.verdicts == [(1, "failing", "fired")]


def test_a_quantile_is_judged() -> None:
    service = grown(Service(), 1, 2)

    service.done(1, *[Result.SUCCESS] * 19)
    service.done(1, Result.SUCCESS, duration_ms=60_000)
    service.tick()
    quick = service.verdicts
    service.done(1, Result.SUCCESS, duration_ms=60_000)
    service.now += 5_000
    service.tick()

    assert quick == []
    assert service.verdicts == [(1, "slow", "shadowed")]


def test_our_own_blindness_fires_nobody() -> None:
    service = grown(Service(), 1, 2, 3)
    start, service.now = service.now, service.now + DAY
    service.happen(
        Blinded(service.now, service.number(), start, service.now, BlindCause.RESTART)
    )

    service.live(85_000)

    assert service.verdicts == []
    assert service.tick().panics == ()


def test_a_pool_that_falls_silent_at_once_panics_and_nobody_is_fired() -> None:
    everybody = tuple(range(1, 21))
    service = grown(Service(), *everybody)

    service.live(HOUR, beating=everybody[5:], every_ms=10_000)

    assert {verdict for _, _, verdict in service.verdicts} == {"held"}
    (panic,) = service.tick().panics
    assert (panic.pool, panic.newly, panic.size) == ("developer", 5, 20)


def test_reinstated_starts_clear_and_can_be_fired_again_once() -> None:
    service = grown(Service(), 1, 2, 3)
    service.live(3 * MINUTE, beating=(2, 3))
    service.now += 2 * HOUR
    service.beat(2, 3)
    service.happen(Reinstated(1, service.now, service.number(), 2))
    service.beat(1)

    service.live(4 * MINUTE, beating=(2, 3))

    fired = [each for each in service.decisions if each.verdict == "fired"]
    assert [(each.agent_no, each.incarnation) for each in fired] == [(1, 1), (1, 2)]


def test_replaying_the_journal_gives_the_same_decisions() -> None:
    service = grown(Service(), 1, 2, 3)
    service.done(1, *[Result.FAILURE] * 6)
    service.live(3 * MINUTE, beating=(2,))
    again = Service()

    decisions: list[Decision] = []
    seen = 0
    for now, mark in service.marks:
        again.fleet.fold(service.journal[seen:mark])
        seen = mark
        judgement = judge(
            again.fleet.at(now), again.policy_set, again.state, workspace_id=1, stopped=None
        )
        again.state.apply(judgement)
        decisions += judgement.decisions

    assert msgspec.json.encode(decisions) == msgspec.json.encode(service.decisions)
    assert decisions


def test_a_decision_is_explained_from_its_agents_own_journal() -> None:
    service = grown(Service(), 1, 2, 3)
    service.done(1, Result.SUCCESS, *[Result.FAILURE] * 6)
    service.tick()
    (decision,) = service.decisions

    def explained(journal: Sequence[Fact]) -> tuple[bool, tuple[str, ...]]:
        fleet = Fleet(1, FleetSettings())
        fleet.declare(needs(service.policy_set))
        fleet.fold(journal)
        measures = fleet.at(decision.at)
        slot = measures.slot_of(1)
        assert slot is not None
        policy = next(each for each in service.policy_set.policies if each.name == "failing")
        found = recompute(measures, policy, slot=slot, decision=decision)
        return found.identical, found.differences

    own = [
        fact
        for fact in service.journal
        if getattr(fact, "agent_no", None) == 1 and not isinstance(fact, Fired)
    ]
    tampered = [
        fact for fact in own if not (isinstance(fact, Done) and fact.result is Result.SUCCESS)
    ]

    assert explained(own) == (True, ())
    identical, differences = explained(tampered)
    assert not identical
    assert differences[0] == "success_rate[1h]: recorded 0.142857143, recomputed 0"


def test_why_speaks_of_a_real_agent() -> None:
    service = grown(Service(), 1, 2)
    service.done(1, *[Result.FAILURE] * 3)
    measures = service.fleet.at(service.now)
    slot = measures.slot_of(1)
    assert slot is not None

    answers = why(measures, service.policy_set, service.state, slot=slot, stopped=None)

    assert [each.words for each in answers] == [
        "it does not hold: no heartbeat for 0 s (at most 90 s: 3 x its 30 s interval)",
        "it does not hold: 3 tasks in 1 h (below 5)",
        "it does not hold: 3 tasks in its last 20 tasks (below 5)",
    ]


def test_envelope_counts_the_real_fleets_fires() -> None:
    everybody = tuple(range(1, 11))
    service = grown(Service(), *everybody)
    for number in (3, 4, 5):
        service.done(number, *[Result.FAILURE] * 6)

    service.live(SECOND * 30, beating=everybody)

    assert service.verdicts == [
        (3, "failing", "fired"),
        (4, "failing", "held"),
        (5, "failing", "held"),
    ]
    assert service.decisions[1].guard_detail == (
        "pool developer had 0 agents 1 h ago (9 now): at most 1 fire in 1 h, 1 done"
    )
