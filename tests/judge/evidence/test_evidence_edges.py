"""What evidence comes to where a limit, a rounding or a first agent decides: numbers, strengths, and who is compared."""

import numpy as np
import pytest
from tests.judge.test_weighing import asked, counted, number
from tests.judge.world import Agent, World

from pinkslip.judge.claims import claim_words
from pinkslip.judge.evaluate import calls_of
from pinkslip.judge.evidence import expected, posterior
from pinkslip.judge.evidence.distinct import by_distinct
from pinkslip.judge.phrases import Weight
from pinkslip.model.policy import Call
from pinkslip.policies.language import parse_condition

FIRST = np.array([0])


def strength(text: str, *agents: Agent | None) -> float:
    return float(asked(World(agents)).strength(parse_condition(text).tree, FIRST)[0])


def called(text: str) -> Call:
    (call,) = calls_of(parse_condition(text).tree)
    return call


@pytest.mark.parametrize(
    ("text", "expected_strength"),
    [
        pytest.param("heartbeat_age > 45s", 0.333333333, id="to nine decimals"),
        pytest.param("failures[1h] <= 0", 0.0, id="nothing is not beyond nothing"),
        pytest.param("upper(success_rate[1h]) < 70%", 0.32023302, id="a bound, as it stands"),
    ],
)
def test_how_far_beyond_its_limit_a_comparison_is(text: str, expected_strength: float) -> None:
    agent = Agent(
        number=1,
        silent_s=90.0,
        values={"failures[1h]": 0.0, "tasks[1h]": 20.0, "successes[1h]": 3.0},
    )

    assert strength(text, agent) == expected_strength


def test_a_chance_is_as_strong_as_the_doubt_it_leaves() -> None:
    world = World(counted((20, 12), (20, 18), (20, 19), (20, 17)))
    doubt = 1.0 - number("posterior(success < 70%) > 50%", world)[0]

    found = strength("posterior(success < 70%) > 50%", *world.agents)

    assert found == pytest.approx(abs(doubt - 0.5) / (doubt + 0.5), abs=1e-9)


def test_counts_too_large_for_one_key_are_not_taken_for_each_other() -> None:
    columns = (np.array([0, 2**24, 2**30]), np.array([0, 0, 2**40 - 1]))

    found = by_distinct(columns, lambda some: some[0].astype(np.float64))

    assert found.tolist() == columns[0].tolist()


def test_one_task_is_compared_where_one_is_enough() -> None:
    tasks, successes = np.array([[1, 10]]), np.array([[1, 5]])
    pools, members = np.zeros(2, dtype=np.int64), np.ones(2, dtype=np.bool_)

    found = expected.ratios(tasks, successes, pools, members, count=1, at_least=1)

    assert found.tolist() == [2.0, 0.5]


@pytest.mark.parametrize(
    ("tasks", "successes", "strength"),
    [
        pytest.param(7, (6, 4, 3, 1), 3.066923469, id="a seventh is taken as 14.29 %"),
        pytest.param(100, (45, 55, 46, 54), 100.0, id="at most a hundred tasks"),
    ],
)
def test_a_pool_is_worth_so_many_tasks(
    tasks: int, successes: tuple[int, ...], strength: float
) -> None:
    priors = posterior.pool_priors(
        np.full(4, tasks),
        np.array(successes),
        np.zeros(4, dtype=np.int64),
        np.ones(4, dtype=np.bool_),
        count=1,
    )
    assert (priors.a + priors.b)[0] == pytest.approx(strength, abs=1e-9)


@pytest.mark.parametrize(
    ("rate", "worker"),
    [
        ("8%", "an 8 % worker"),
        ("11%", "an 11 % worker"),
        ("11.5%", "an 11.5 % worker"),
        ("12%", "a 12 % worker"),
        ("18%", "an 18 % worker"),
        ("18.5%", "an 18.5 % worker"),
    ],
)
def test_a_worker_has_its_article(rate: str, worker: str) -> None:
    call = called(f"proven(success < {rate}, error=1%)")
    weight = Weight(value=2.0, threshold=4.6, tasks=40, successes=0)

    assert f"; {worker} does" in claim_words(call, weight, holds=False)


def test_as_likely_as_not_is_no_evidence() -> None:
    weight = Weight(value=0.0, threshold=4.6, tasks=3, successes=1)

    said = claim_words(called("proven(success < 70%, error=1%)"), weight, holds=False)

    assert said == "1 of 3 tasks succeeded, which is no evidence of less than 70 %"
