"""A model that breaks, from reports to verdicts: compiled policies, the real fleet, and the guards as they come."""

import random

import pytest

from pinkslip.model.events import Heartbeat, Outcome
from pinkslip.model.words import Guard, Result, Verdict
from pinkslip.policies.load import Source, load
from pinkslip.replay.rehearsal import Rehearsal

MINUTE = 60_000
POLICIES = """\
version: 1
guards:
  panic: off
policies:
  - name: proven-underperformer
    reason: dumb
    when: proven(success < 70%, error=1%)
    mode: enforce
    action: fire
"""


def model_of(number: int, *, scattered: bool) -> str:
    if scattered:
        return f"model-{number % 4}"
    return "broken-1" if number < 30 else f"model-{number % 3}"


def rehearse(seed: int, *, scattered: bool) -> tuple[Rehearsal, list[str]]:
    """A hundred agents; after a good hour thirty of them fail nine tasks of ten, each at its own pace."""
    loaded = load([Source("policies.yaml", POLICIES)])
    assert loaded.policy_set is not None, [problem.render() for problem in loaded.problems]
    luck = random.Random(seed)
    rehearsal = Rehearsal(loaded.policy_set)
    named: list[str] = []
    for minute in range(150):
        rehearsal.now += MINUTE
        for number in range(100):
            agent, model = f"agent-{number}", model_of(number, scattered=scattered)
            rehearsal.report(agent, Heartbeat(model=model, role="worker", interval=60))
            if luck.random() < 0.3:
                works = luck.random() < (0.1 if minute >= 60 and number < 30 else 0.9)
                result = Result.SUCCESS if works else Result.FAILURE
                rehearsal.report(agent, Outcome(result=result))
        named += [f"{cause.factor} {cause.value}" for cause in rehearsal.tick().causes]
    return rehearsal, named


@pytest.mark.parametrize("seed", range(2))
def test_thirty_of_a_hundred_on_one_model_fail_and_nobody_is_fired(seed: int) -> None:
    rehearsal, named = rehearse(seed, scattered=False)

    assert {each.guard for each in rehearsal.decisions} == {Guard.COMMON_CAUSE}
    assert set(named) == {"model broken-1"}


@pytest.mark.parametrize("seed", range(2))
def test_scattered_over_models_the_bad_ones_are_fired_within_the_envelope(seed: int) -> None:
    rehearsal, named = rehearse(seed, scattered=True)

    fired = [each for each in rehearsal.decisions if each.verdict is Verdict.FIRED]
    assert named == []
    assert 3 < len(fired) <= 20
    assert {int(each.agent_id.removeprefix("agent-")) < 30 for each in fired} == {True}
    for each in fired:
        lately = [one for one in fired if each.at - 60 * MINUTE < one.at <= each.at]
        assert len(lately) <= 10
        assert sum(one.at > each.at - 10 * MINUTE for one in lately) <= 3
