"""Evidence of several: joined in one condition, compared within a pool, counted over those a policy is about."""

from dataclasses import replace

import numpy as np
import pytest
from tests.judge.evidence.test_peers_and_outlier import plain_distance
from tests.judge.test_weighing import asked
from tests.judge.world import CALM, Agent, Ticker, World, make_policy

from pinkslip.judge.evidence import proven
from pinkslip.judge.evidence.outlier import distance
from pinkslip.judge.evidence.peers import ranked
from pinkslip.model.policy import Matcher
from pinkslip.model.words import Action
from pinkslip.policies.language import parse_condition

PROOF = "proven(success < 70%, error=1%)"


def strength(text: str, agent: Agent) -> float:
    evaluator = asked(World([agent]))
    return float(evaluator.strength(parse_condition(text).tree, np.array([0]))[0])


def test_proof_joined_with_more_is_as_strong_as_its_weakest_part() -> None:
    agent = Agent(number=1, counted=(40, 4))

    assert 0 < strength(PROOF, agent) < strength("age > 1h", agent)
    assert strength(f"{PROOF} and age > 1h", agent) == strength(PROOF, agent)


@pytest.mark.parametrize(
    ("when", "holding"),
    [
        pytest.param("expected_ratio[1h] < 80%", 0, id="by kinds of task"),
        pytest.param("peers(success_rate[1h]) > 80%", 9, id="by the median of the others"),
    ],
)
def test_agents_are_compared_within_the_pools_of_the_guards(when: str, holding: int) -> None:
    successes = {"small": 5, "large": 10}
    agents: list[Agent | None] = [
        Agent(
            number=n,
            model=model,
            kinds={"": (10, successes[model])},
            values={"success_rate[1h]": successes[model] / 10},
        )
        for n, model in enumerate(["small"] * 4 + ["large"] * 9, 1)
    ]
    policy = make_policy(when, action=Action.NOTIFY)

    judgement = Ticker(agents, policy, guards=replace(CALM, pool="model")).tick()

    assert judgement.holding == {policy.name: holding}


def test_false_discoveries_are_controlled_among_those_the_policy_is_about() -> None:
    developers = (Matcher("role", frozenset({"developer"}), ()),)
    policy = make_policy("proven(success < 70%, fdr=5%)", match=developers)
    testers = [Agent(number=n, role="tester", counted=(40, 38)) for n in range(2, 40)]

    decisions = Ticker([Agent(number=1, counted=(4, 0)), *testers], policy).tick().decisions

    assert [each.agent_no for each in decisions] == [1]


@pytest.mark.parametrize("sign", [1.0, -1.0], ids=["upward", "downward"])
@pytest.mark.parametrize("size", [5, 6, 40, 41])
def test_the_distance_from_a_skewed_pool_is_that_of_a_plain_loop(
    size: int, sign: float
) -> None:
    values = sign * np.arange(size) ** 2.0
    pools, members = np.zeros(size, dtype=np.int64), np.ones(size, dtype=np.bool_)

    found = distance(ranked(values, pools, members, count=1), values, np.arange(size), worse=1)

    fleet = [(value, 0, True) for value in values.tolist()]
    assert found == pytest.approx([plain_distance(fleet, agent, 1) for agent in range(size)])


def test_what_is_enough_is_asked_of_all_who_may_have_it_for_modest_targets_too() -> None:
    tasks = np.arange(20, 400)
    successes, limits = tasks // 10, np.full(len(tasks), proven.limit(0.01))

    found = proven.reaches(tasks, successes, 0.2, limits)

    assert found.any()
    assert found.tolist() == (proven.log_e(tasks, successes, 0.2) >= limits).tolist()
