"""Observed over expected: as a plain loop over agents and kinds; nobody pays for getting the hard tasks."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pinkslip.judge.evidence.expected import ratios

Done = tuple[int, int]
Agent = tuple[int, bool, list[Done]]
"""Its pool, whether it is active, and tasks and successes per kind."""

done = st.integers(0, 6).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n)))
fleets = st.lists(
    st.tuples(st.integers(0, 1), st.booleans(), st.lists(done, min_size=3, max_size=3)),
    min_size=1,
    max_size=12,
)


def plainly(fleet: list[Agent], agent: int, at_least: int) -> float:
    pool, _, own = fleet[agent]
    compared, observed, expected = 0, 0, 0.0
    for kind, (n, s) in enumerate(own):
        others = [
            other[kind]
            for place, (other_pool, is_active, other) in enumerate(fleet)
            if place != agent and other_pool == pool and is_active
        ]
        tasks = sum(done for done, _ in others)
        if tasks:
            compared += n
            observed += s
            expected += n * sum(good for _, good in others) / tasks
    enough = compared >= max(at_least, 1) and expected > 0
    return observed / expected if enough else math.nan


def found(fleet: list[Agent], at_least: int = 1) -> list[float]:
    counts = np.array([own for _, _, own in fleet], dtype=np.int64)
    answer = ratios(
        counts[:, :, 0].T.copy(),
        counts[:, :, 1].T.copy(),
        np.array([pool for pool, _, _ in fleet]),
        np.array([is_active for _, is_active, _ in fleet]),
        count=2,
        at_least=at_least,
    )
    numbers: list[float] = answer.tolist()
    return numbers


@settings(deadline=None)
@given(fleets, st.integers(0, 8))
def test_it_is_what_a_plain_loop_finds(fleet: list[Agent], at_least: int) -> None:
    expected = [plainly(fleet, agent, at_least) for agent in range(len(fleet))]

    assert found(fleet, at_least) == pytest.approx(expected, nan_ok=True, abs=1e-9)


@settings(deadline=None)
@given(fleets, st.permutations([0, 1, 2]))
def test_the_order_of_kinds_changes_no_bit(fleet: list[Agent], order: list[int]) -> None:
    other = [(pool, active, [own[kind] for kind in order]) for pool, active, own in fleet]

    assert np.array(found(fleet)).tobytes() == np.array(found(other)).tobytes()


def test_nobody_pays_for_getting_the_hard_tasks() -> None:
    mixed: Agent = (0, True, [(50, 45), (50, 15)])
    fleet = [mixed, mixed, (0, True, [(0, 0), (100, 30)]), (0, True, [(100, 60), (0, 0)])]

    ratio = found(fleet)

    assert ratio[2] == pytest.approx(1.0)
    assert ratio[3] == pytest.approx(60 / 90)


def test_kinds_that_nobody_else_did_say_nothing() -> None:
    fleet: list[Agent] = [
        (0, True, [(10, 0), (10, 8)]),
        (0, True, [(0, 0), (10, 8)]),
        (1, True, [(10, 10), (0, 0)]),
    ]

    assert found(fleet, 10)[0] == pytest.approx(1.0)


@pytest.mark.parametrize(("at_least", "is_known"), [(10, True), (11, False)])
def test_it_takes_enough_comparable_tasks(at_least: int, is_known: bool) -> None:
    fleet: list[Agent] = [(0, True, [(10, 5), (90, 5)]), (0, True, [(10, 5), (0, 0)])]

    assert math.isnan(found(fleet, at_least)[0]) == (not is_known)


def test_one_task_is_compared_where_one_is_enough() -> None:
    tasks, successes = np.array([[1, 10]]), np.array([[1, 5]])
    pools, members = np.zeros(2, dtype=np.int64), np.ones(2, dtype=np.bool_)

    found = ratios(tasks, successes, pools, members, count=1, at_least=1)

    assert found.tolist() == [2.0, 0.5]


def test_what_nobody_manages_is_unknown() -> None:
    fleet: list[Agent] = [(0, True, [(10, 3)]), (0, True, [(10, 0)])]

    assert math.isnan(found(fleet)[0])
    assert found(fleet)[1] == 0.0


def test_those_set_aside_are_compared_and_compare_with_nobody() -> None:
    fleet: list[Agent] = [
        (0, True, [(10, 8)]),
        (0, True, [(10, 8)]),
        (0, False, [(10, 4)]),
    ]

    assert found(fleet) == pytest.approx([1.0, 1.0, 0.5])
