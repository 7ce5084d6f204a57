"""For whom a condition holds: the same as its truth says, asked of as few agents as can still change it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.judge.test_evaluate import conditions, fleets
from tests.judge.world import Agent, World

from pinkslip.judge.evaluate import Evaluator, Readings
from pinkslip.judge.holding import holding, truths
from pinkslip.judge.kinds import nature_of
from pinkslip.model.policy import Expression, Filter
from pinkslip.policies.language import parse_condition


@settings(deadline=None)
@given(conditions, fleets, st.data())
def test_it_is_whoever_the_truth_says_it_is_of_those_asked(
    tree: Expression, fleet: list[dict[str, float]], data: st.DataObject
) -> None:
    world = World([Agent(number=n + 1, values=values) for n, values in enumerate(fleet)])
    size = len(fleet)
    among = np.array(
        data.draw(st.lists(st.booleans(), min_size=size, max_size=size)), dtype=np.bool_
    )
    expected = Evaluator(Readings(world), Filter()).truth(tree, np.arange(size))

    begun = np.flatnonzero(
        data.draw(st.lists(st.booleans(), min_size=size, max_size=size))
    ).astype(np.int64)

    answer = truths(nature_of(tree), among, begun, Evaluator(Readings(world), Filter()))
    holds = holding(nature_of(tree), among, Evaluator(Readings(world), Filter()))

    assert holds.tolist() == (expected.yes & among).tolist()
    assert answer.yes[among].tolist() == expected.yes[among].tolist()
    known = begun[among[begun]]
    assert answer.no[known].tolist() == expected.no[known].tolist()


def test_what_costs_more_is_asked_only_where_all_else_holds() -> None:
    agents = [
        Agent(number=1, values={"tasks[1h]": 20.0, "duration_p95[1h]": 100.0}),
        Agent(number=2, values={"tasks[1h]": 2.0, "duration_p95[1h]": 100.0}),
        Agent(number=3, values={"duration_p95[1h]": 100.0}),
    ]
    world = World(agents)
    tree = parse_condition("duration_p95[1h] > 90s and tasks[1h] >= 10").tree

    holds = holding(
        nature_of(tree), np.ones(3, dtype=np.bool_), Evaluator(Readings(world), Filter())
    )

    assert world.asked == [("duration_p95[1h]", [0])]
    assert holds.tolist() == [True, False, False]


def test_where_nobody_is_left_nothing_more_is_asked() -> None:
    world = World([Agent(number=1, values={"tasks[1h]": 2.0})])
    tree = parse_condition("duration_p95[1h] > 90s and tasks[1h] >= 10").tree

    holds = holding(
        nature_of(tree), np.ones(1, dtype=np.bool_), Evaluator(Readings(world), Filter())
    )

    assert world.asked == []
    assert holds.tolist() == [False]


@pytest.mark.parametrize(
    ("text", "order"),
    [
        ("tasks[1h] > 1", [0]),
        ("tasks[1h] > 1 or duration_p95[1h] > 9s", [0]),
        ("proven(success < 70%, error=1%) and tasks[1h] > 1", [1, 0]),
        ("tasks[1h] > 1 and failures[1h] > 1", [0, 1]),
        (
            "duration_p95[1h] > 9s and decayed(success, from=85%, to=60%) and age > 1h",
            [2, 1, 0],
        ),
        ("expected_ratio[1h] < 50% and outlier(cost[1h]) > 3 and cost[1h] > $5", [2, 1, 0]),
        ("posterior(success < 70%) > 99% and not (duration_p50[1h] > 9s)", [1, 0]),
    ],
)
def test_the_parts_of_an_and_come_by_their_cost(text: str, order: list[int]) -> None:
    tree = parse_condition(text).tree
    written = getattr(tree, "operands", (tree,)) if len(order) > 1 else (tree,)

    assert [written.index(part.tree) for part in nature_of(tree).parts] == order
