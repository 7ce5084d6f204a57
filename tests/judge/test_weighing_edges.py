"""Evidence functions where little is known: single tasks, nobody asked, and what must not be taken for another."""

from dataclasses import replace

import numpy as np
import pytest
from tests.judge.world import Agent, World

from pinkslip.fleet.snapshot import Floats
from pinkslip.judge.evaluate import Evaluator, Readings, calls_of
from pinkslip.judge.ledger import whole
from pinkslip.model.policy import Filter
from pinkslip.model.words import Scope
from pinkslip.policies.language import parse_condition

CHANCE = "posterior(success < 70%) > 99%"
WITHOUT_POOL = pytest.approx(0.996, abs=0.001)


def asked(world: World, **given: object) -> Evaluator:
    return Evaluator(Readings(world), Filter(), **given)  # type: ignore[arg-type]  # its keywords


def number(text: str, evaluator: Evaluator) -> Floats:
    """The first evidence function of a condition."""
    call = next(calls_of(parse_condition(text).tree))
    return evaluator.number(call, evaluator.readings.everybody)


def holds(text: str, world: World) -> list[bool]:
    evaluator = asked(world)
    answer = evaluator.truth(parse_condition(text).tree, evaluator.readings.everybody)
    found: list[bool] = answer.yes.tolist()
    return found


def counted(*counts: tuple[int, int], lineage: str | None = None) -> list[Agent | None]:
    return [
        Agent(number=place + 1, counted=each, lineage=lineage)
        for place, each in enumerate(counts)
    ]


def test_a_single_failure_is_proof_where_it_is_enough() -> None:
    assert holds("proven(success < 99%, error=5%)", World(counted((1, 0), (1, 1)))) == [
        True,
        False,
    ]


def test_who_did_a_single_task_is_of_the_family() -> None:
    bad = (14, 4)

    assert holds("proven(success < 70%, fdr=5%)", World(counted(bad)))[0]
    assert not holds("proven(success < 70%, fdr=5%)", World(counted(bad, *[(1, 1)] * 60)))[0]


@pytest.mark.parametrize(
    ("others", "lineage", "min_tasks", "is_prior"),
    [
        pytest.param((4, 4), "worker", 5, False, id="agents, not the lineage they are of"),
        pytest.param((1, 1), None, 1, True, id="one task, where one is enough"),
        pytest.param((1, 1), None, 2, False, id="one task, where two are needed"),
        pytest.param((0, 0), None, 0, False, id="nothing done is nothing known"),
    ],
)
def test_a_prior_is_made_of_agents_with_tasks_enough(
    others: tuple[int, int], lineage: str | None, min_tasks: int, *, is_prior: bool
) -> None:
    agents = [*counted((10, 3)), *counted(*[others] * 9, lineage=lineage)]

    found = number(CHANCE, asked(World(agents, min_tasks=min_tasks)))[0]

    assert bool(found == WITHOUT_POOL) != is_prior


def test_two_policies_that_count_differently_have_a_prior_each() -> None:
    agents = [*counted((10, 3)), *counted(*[(4, 4)] * 9, lineage="worker")]
    readings = Readings(World(agents))

    by_agent, by_lineage = (
        number(CHANCE, Evaluator(readings, Filter(), scope=scope))[0]
        for scope in (Scope.AGENT, Scope.LINEAGE)
    )

    assert by_agent == WITHOUT_POOL
    assert by_lineage < 0.99


def test_one_condition_ranks_each_measure_by_itself() -> None:
    agents: list[Agent | None] = [
        Agent(number=place + 1, values={"success_rate[1h]": 0.9, "cost[1h]": cost})
        for place, cost in enumerate((1.0, 1.1, 1.2, 1.3, 9.0))
    ]
    evaluator = asked(World(agents))

    rates = number("peers(success_rate[1h]) > 0%", evaluator)
    costs = number("peers(cost[1h]) > $0", evaluator)

    assert rates.tolist() == [0.9] * 5
    assert costs[4] == pytest.approx(1.15)


@pytest.mark.parametrize(
    "text",
    [
        "peers(expected_ratio[1d]) > 100%",
        "outlier(expected_ratio[1d]) > 3.5 and expected_ratio[1d] < 70%",
    ],
)
def test_what_is_expected_of_a_pool_is_compared_within_that_pool(text: str) -> None:
    def worker(good: int, model: str) -> Agent:
        return Agent(number=1, model=model, kinds={"easy": (100, good)})

    agents = [worker(90 + nth, "small") for nth in range(5)] + [worker(9, "large")]

    by_role, by_model = (
        number(text, asked(World(agents), pool=pool)) for pool in ("role", "model")
    )

    assert np.isfinite(by_role).all()
    assert np.isfinite(by_model[:5]).all()
    assert np.isnan(by_model[5])


@pytest.mark.parametrize(
    "text",
    ["max(lower(success_rate[1h]), 1%) > 2%", "success_rate[1h] < peers(success_rate[1h])"],
)
def test_nobody_asked_is_nobody_answered(text: str) -> None:
    nobody = np.zeros(0, dtype=np.int64)

    answer = asked(World(counted((10, 3)))).truth(parse_condition(text).tree, nobody)

    assert (len(answer.yes), len(answer.no)) == (0, 0)


def test_a_lineage_of_which_failures_were_forgotten_has_no_more_successes_than_tasks() -> None:
    world = World(counted((12, 10)))
    ledger = replace(whole(world), base_tasks=np.array([10], dtype=np.int64))
    (call,) = calls_of(parse_condition("proven(success < 70%, error=1%)").tree)

    weighed = asked(world, ledger=ledger).weigh(call, np.array([0]))

    assert (weighed.tasks.tolist(), weighed.successes.tolist()) == ([2], [2])


def test_evidence_of_nothing_is_no_strength() -> None:
    evaluator = asked(World([Agent(number=1, cusum=0.0)]))
    tree = parse_condition("decayed(success, from=85%, to=60%)").tree

    assert evaluator.strength(tree, np.array([0])).tolist() == [0.0]
