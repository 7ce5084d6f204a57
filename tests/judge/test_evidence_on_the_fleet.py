"""Every evidence function through the real compiler and the real fleet: heard, recorded, said, worked out again."""

from dataclasses import dataclass, field
from itertools import count

import pytest
from tests.judge.world import MINUTE, START

from pinkslip.fleet.fleet import Fleet, FleetSettings
from pinkslip.judge.explain import began_anew, recompute
from pinkslip.judge.judge import JudgeState, judge
from pinkslip.model.decisions import Decision
from pinkslip.model.facts import Changed, Done, Fact, Registered, Stood
from pinkslip.model.policy import PolicySet
from pinkslip.model.words import Fault, Result, Source, Standing
from pinkslip.policies.load import Source as PolicyFile
from pinkslip.policies.load import load, needs

OPEN_GUARDS = """\
guards:
  newborn: {age: 0s, tasks: 0}
  min_active: 0
  max_fired: {share: 100%, at_least: 1000}
  max_fires: {count: 1000, per: 10m}
  panic: off
  common_cause: off
"""
EVERYTHING = {
    "proven": "proven(success < 70%, error=1%)",
    "proven over the fleet": "proven(success < 70%, fdr=5%)",
    "decayed": "decayed(success, from=85%, to=60%)",
    "upper": "upper(success_rate[1d]) < 70%",
    "lower": "lower(success_rate[20 tasks], confidence=90%) < 50%",
    "posterior": "posterior(success < 70%) > 99%",
    "peers": "success_rate[1d] < 0.5 * peers(success_rate[1d])",
    "outlier": "outlier(success_rate[1d]) > 3.5 and success_rate[1d] < 60%",
    "expected_ratio": "expected_ratio[1d] < 50%",
}


def policies(*whens: str, more: str = "") -> PolicySet:
    """One firing policy per condition."""
    text = "version: 1\n" + OPEN_GUARDS + "policies:\n"
    for place, when in enumerate(whens):
        text += (
            f"  - name: policy-{place}\n    reason: dumb\n    mode: enforce\n    when: {when}\n"
            f"{more or '    action: fire'}\n"
        )
    loaded = load([PolicyFile("policies.yaml", text)])
    assert loaded.policy_set is not None, [each.render() for each in loaded.problems]
    return loaded.policy_set


@dataclass
class Past:
    """A journal as it grows, and whoever reads it."""

    policy_set: PolicySet
    facts: list[Fact] = field(default_factory=list)
    now: int = START
    seqs: "count[int]" = field(default_factory=lambda: count(1))
    state: JudgeState = field(default_factory=JudgeState)
    fleet: Fleet = field(init=False)

    def __post_init__(self) -> None:
        self.fleet = self.empty()

    def empty(self) -> Fleet:
        fleet = Fleet(1, FleetSettings())
        fleet.declare(needs(self.policy_set))
        return fleet

    def tell(self, *facts: Fact) -> None:
        self.facts += facts
        self.fleet.fold(list(facts))

    def meet(self, *numbers: int, lineage: str | None = None) -> None:
        for number in numbers:
            self.tell(
                Registered(
                    number, self.now, next(self.seqs), f"agent-{number}", f"{number:036d}"
                ),
                Changed(number, self.now, next(self.seqs), role="developer", lineage=lineage),
            )

    def work(self, number: int, pattern: str, *, each_ms: int = MINUTE) -> None:
        """`+` succeeds, `-` fails; kinds of task alternate."""
        for letter in pattern:
            self.now += each_ms
            seq = next(self.seqs)
            self.tell(
                Done(
                    number,
                    self.now,
                    seq,
                    seq.to_bytes(16),
                    Result.SUCCESS if letter == "+" else Result.FAILURE,
                    Fault.AGENT,
                    Source.SELF,
                    counted=True,
                    kind=f"kind-{seq % 2}",
                )
            )

    def tick(self) -> tuple[Decision, ...]:
        self.now += 1
        judgement = judge(
            self.fleet.at(self.now), self.policy_set, self.state, workspace_id=1, stopped=None
        )
        assert judgement.findings == ()
        self.state.apply(judgement)
        return judgement.decisions

    def until(self, at: int) -> Fleet:
        """The fleet as it was: folded anew."""
        fleet = self.empty()
        fleet.fold([fact for fact in self.facts if fact.at <= at])
        return fleet


def a_pool_with_one_bad(policy_set: PolicySet) -> Past:
    """Seven good agents, and agent 8 that has become bad."""
    past = Past(policy_set)
    past.meet(*range(1, 9))
    for number in range(1, 8):
        past.work(number, "+++++++++-++++-+++++"[number:] + "+-" * (number % 2), each_ms=1_000)
    past.work(8, "+" * 6 + "-" * 15, each_ms=1_000)
    return past


@pytest.mark.parametrize("when", EVERYTHING.values(), ids=EVERYTHING)
def test_it_finds_the_bad_one_and_can_be_worked_out_again(when: str) -> None:
    past = a_pool_with_one_bad(policies(when))

    (decision,) = past.tick()

    assert (decision.agent_no, decision.verdict) == (8, "fired")
    assert decision.evidence.words
    measures = past.until(past.now).at(past.now)
    slot = measures.slot_of(8)
    assert slot is not None
    found = recompute(measures, past.policy_set.policies[0], slot=slot, decision=decision)
    assert found.identical, found.differences


def test_nobody_has_proof_against_those_who_have_done_nothing() -> None:
    past = Past(policies(*EVERYTHING.values()))
    past.meet(*range(1, 9))

    assert past.tick() == ()


@pytest.mark.parametrize("when", EVERYTHING.values(), ids=EVERYTHING)
def test_the_order_in_which_agents_came_changes_no_byte(when: str) -> None:
    def recorded(order: list[int]) -> list[object]:
        past = Past(policies(when))
        past.meet(*order)
        for number in order:
            past.now = START
            past.work(number, "-" * 12 if number == 3 else "++-+++++-++++"[number % 3 :])
        past.now = START + 60 * MINUTE
        return [each.evidence for each in past.tick()]

    forth = recorded([1, 2, 3, 4, 5, 6, 7])

    assert forth
    assert recorded([7, 5, 3, 1, 6, 4, 2]) == forth


def test_proof_follows_a_lineage_through_its_ids() -> None:
    past = Past(policies(EVERYTHING["proven"], more="    scope: lineage\n    action: notify"))
    for number in range(1, 5):
        past.meet(number, lineage="worker")
        past.work(number, "---")
        if number == 1:
            assert past.tick() == ()

    decision = past.tick()[0]

    assert decision.evidence.tasks == 12
    assert "0 of 12 tasks of its lineage succeeded" in decision.evidence.words


def test_a_rung_starts_the_evidence_anew_and_the_record_says_from_where() -> None:
    ladder = "    ladder: [probation, fire]"
    past = Past(policies(EVERYTHING["proven"], more=ladder))
    past.meet(1)
    past.work(1, "-" * 8)
    (probation,) = past.tick()
    rung_at = past.now
    past.tell(Stood(1, past.now, next(past.seqs), Standing.PROBATION, None, policy="policy-0"))
    past.work(1, "-" * 4)
    assert past.tick() == ()
    past.work(1, "-" * 4)

    (fired,) = past.tick()

    (statistic,) = fired.evidence.statistics
    assert (probation.verdict, fired.verdict) == ("probation", "fired")
    assert (statistic.tasks, statistic.base_tasks, statistic.since) == (8, 8, rung_at)
    assert began_anew(fired) == rung_at

    policy = past.policy_set.policies[0]
    then = past.until(rung_at).at(rung_at)
    tasks, successes = then.counts(policy.outcomes, policy.scope)
    measures = past.until(fired.at).at(fired.at)
    found = recompute(
        measures, policy, slot=0, decision=fired, before=(int(tasks[0]), int(successes[0]))
    )
    assert found.identical, found.differences
