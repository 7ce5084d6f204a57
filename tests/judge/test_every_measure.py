"""Every windowed measure works alone, over time and over tasks: heard, acted on, recorded, explained, answered."""

from dataclasses import dataclass

import pytest
from tests.judge.world import MINUTE, START

from pinkslip.fleet.catalogue import MEASURES, MeasureKind
from pinkslip.fleet.fleet import Fleet, FleetSettings
from pinkslip.judge.explain import recompute
from pinkslip.judge.judge import JudgeState, judge
from pinkslip.judge.why import why
from pinkslip.model.decisions import Decision
from pinkslip.model.facts import Done, Fact, Registered
from pinkslip.model.policy import PolicySet, Unit
from pinkslip.model.words import Fault, Result, Source
from pinkslip.policies.load import Source as PolicyFile
from pinkslip.policies.load import load, needs

WINDOWED = [kind for kind in MEASURES.values() if kind.windowed]
WINDOWS = ("1h", "1d", "20 tasks")
NO_LESS_THAN_NOTHING = {
    Unit.NUMBER: "0",
    Unit.SECONDS: "0s",
    Unit.RATIO: "0%",
    Unit.DOLLARS: "$0",
}
POLICY = """\
version: 1
guards: {{newborn: {{age: 0s, tasks: 0}}, min_active: 0, max_fired: {{share: 100%}}}}
policies:
  - {{name: alone, reason: dumb, match: {{agent: agent-1}}, when: "{when}", {more}mode: {mode}, action: fire}}
"""
WORK = [Result.SUCCESS] * 3 + [
    Result.FAILURE,
    Result.REFUSED,
    Result.OFF_TRACK,
    Result.TIMEOUT,
    Result.UNPARSABLE,
]


@dataclass(frozen=True)
class Heard:
    """One agent's work under one policy."""

    policy_set: PolicySet
    fleet: Fleet
    state: JudgeState

    @classmethod
    def of(cls, when: str, *, mode: str = "enforce", more: str = "") -> "Heard":
        text = POLICY.format(when=when, mode=mode, more=more)
        loaded = load([PolicyFile("policies.yaml", text)])
        assert loaded.policy_set is not None, [each.render() for each in loaded.problems]
        fleet = Fleet(1, FleetSettings())
        fleet.declare(needs(loaded.policy_set))
        fleet.fold(journal())
        return cls(loaded.policy_set, fleet, JudgeState())

    @property
    def now(self) -> int:
        return START + MINUTE

    def decided(self) -> Decision:
        judgement = judge(
            self.fleet.at(self.now), self.policy_set, self.state, workspace_id=1, stopped=None
        )
        assert judgement.findings == ()
        self.state.apply(judgement)
        (decision,) = judgement.decisions
        return decision


def journal() -> list[Fact]:
    """One agent's work, and the same of a peer, for what compares."""
    work = (
        Done(
            agent_no,
            START,
            seq,
            seq.to_bytes(16),
            result,
            Fault.AGENT,
            Source.SELF,
            counted=True,
            duration_ms=2_000,
            tokens_in=10,
            tokens_out=5,
            cost_micros=1_000_000,
            score_e6=500_000,
            error="it broke",
        )
        for agent_no in (1, 2)
        for seq, result in enumerate(WORK, start=2 + agent_no * len(WORK))
    )
    return [
        Registered(1, START, 1, "agent-1", "uuid-1"),
        Registered(2, START, 2, "agent-2", "uuid-2"),
        *work,
    ]


def alone(kind: MeasureKind, window: str) -> str:
    return f"{kind.name}[{window}] >= {NO_LESS_THAN_NOTHING[kind.unit]}"


every_measure = pytest.mark.parametrize("kind", WINDOWED, ids=lambda kind: kind.name)
every_window = pytest.mark.parametrize("window", WINDOWS)


@every_measure
@every_window
@pytest.mark.parametrize(("mode", "verdict"), [("enforce", "fired"), ("shadow", "shadowed")])
def test_a_measure_that_is_read_alone_decides_with_its_evidence(
    kind: MeasureKind, window: str, mode: str, verdict: str
) -> None:
    decision = Heard.of(alone(kind, window), mode=mode).decided()

    assert decision.verdict == verdict
    assert decision.evidence.tasks == len(WORK)
    assert decision.evidence.values[f"{kind.name}[{window}]"] is not None
    assert decision.evidence.words


@every_measure
@every_window
def test_a_measure_that_is_read_alone_answers_why_before_and_after(
    kind: MeasureKind, window: str
) -> None:
    heard = Heard.of(alone(kind, window))

    def asked() -> str:
        measures = heard.fleet.at(heard.now)
        slot = measures.slot_of(1)
        assert slot is not None
        (answer,) = why(measures, heard.policy_set, heard.state, slot=slot, stopped=None)
        assert answer.truth == "true"
        return answer.words

    assert "nothing is missing" in asked()
    heard.decided()
    assert "it has fired the agent" in asked()


@every_measure
@every_window
def test_a_decision_on_a_measure_that_is_read_alone_is_worked_out_again(
    kind: MeasureKind, window: str
) -> None:
    heard = Heard.of(alone(kind, window))
    decision = heard.decided()

    measures = heard.fleet.at(heard.now)
    slot = measures.slot_of(1)
    assert slot is not None
    found = recompute(measures, heard.policy_set.policies[0], slot=slot, decision=decision)

    assert found.identical, found.differences


@every_measure
@every_window
def test_a_measure_that_only_clear_when_reads_is_heard(kind: MeasureKind, window: str) -> None:
    more = f'clear_when: "{alone(kind, window)}", '

    assert Heard.of("age >= 0s", more=more).decided().verdict == "fired"
