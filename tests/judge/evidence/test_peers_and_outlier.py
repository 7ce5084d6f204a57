"""The others of a pool: their median and how far an agent is from it, as a plain loop finds them."""

import math
from statistics import median

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pinkslip.fleet.snapshot import Floats, Integers
from pinkslip.judge.evidence.outlier import distance
from pinkslip.judge.evidence.peers import ranked, usual

values = st.sampled_from([0.0, 0.1, 0.5, 0.5, 0.9, 1.0, 7.0, -3.0, math.nan])
fleets = st.lists(st.tuples(values, st.integers(0, 2), st.booleans()), min_size=1, max_size=24)
Fleet = list[tuple[float, int, bool]]


def others_of(fleet: Fleet, agent: int) -> list[float]:
    return [
        value
        for place, (value, pool, is_member) in enumerate(fleet)
        if place != agent and pool == fleet[agent][1] and is_member and not math.isnan(value)
    ]


def plain_median(fleet: Fleet, agent: int) -> float:
    others = others_of(fleet, agent)
    return median(others) if len(others) >= 3 else math.nan


def plain_distance(fleet: Fleet, agent: int, worse: int) -> float:
    others = others_of(fleet, agent)
    if len(others) < 4:
        return math.nan
    middle = median(others)
    spread = 1.4826 * median(abs(value - middle) for value in others)
    return worse * (fleet[agent][0] - middle) / spread if spread else math.nan


def columns(
    fleet: Fleet,
) -> tuple[Floats, Integers, np.ndarray[tuple[int], np.dtype[np.bool_]]]:
    value, pool, is_member = zip(*fleet, strict=True)
    return np.array(value), np.array(pool), np.array(is_member)


def same(found: Floats, expected: list[float]) -> None:
    assert found.tolist() == pytest.approx(expected, nan_ok=True, abs=1e-12)


@settings(deadline=None)
@given(fleets)
def test_usual_is_the_median_of_the_others(fleet: Fleet) -> None:
    value, pool, members = columns(fleet)

    found = usual(ranked(value, pool, members, count=3), np.arange(len(fleet)))

    same(found, [plain_median(fleet, agent) for agent in range(len(fleet))])


@settings(deadline=None)
@given(fleets, st.sampled_from([1, -1]))
def test_the_distance_is_in_deviations_of_the_others(fleet: Fleet, worse: int) -> None:
    value, pool, members = columns(fleet)
    ranks = ranked(value, pool, members, count=3)

    found = distance(ranks, value, np.arange(len(fleet)), worse=worse)

    same(found, [plain_distance(fleet, agent, worse) for agent in range(len(fleet))])


@settings(deadline=None)
@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=60), st.integers(0, 59))
@example([0.0, 0.0, 1.0, 2.0, 1.11253693e-308], 0)
def test_one_agent_asked_alone_is_answered_alike(numbers: list[float], agent: int) -> None:
    fleet = [(value, 0, True) for value in numbers]
    value, pool, members = columns(fleet)
    ranks, agent = ranked(value, pool, members, count=1), agent % len(numbers)

    alone = distance(ranks, value, np.array([agent]), worse=1)

    everybody = distance(ranks, value, np.arange(len(fleet)), worse=1)
    assert alone.tobytes() == everybody[[agent]].tobytes()
    expected = plain_distance(fleet, agent, 1)
    assert alone[0] == pytest.approx(expected, rel=1e-9, abs=1e-9, nan_ok=True)


@pytest.mark.parametrize(("others", "is_known"), [(2, False), (3, True)], ids=["two", "three"])
def test_it_takes_three_others_to_be_usual(others: int, is_known: bool) -> None:
    fleet = [(float(place), 0, True) for place in range(others + 1)]

    found = usual(ranked(*columns(fleet), count=1), np.array([0]))

    assert np.isnan(found[0]) == (not is_known)


@pytest.mark.parametrize(("others", "is_known"), [(3, False), (4, True)], ids=["three", "four"])
def test_it_takes_four_others_to_be_far_from(others: int, is_known: bool) -> None:
    fleet = [(float(place), 0, True) for place in range(others + 1)]
    value, pool, members = columns(fleet)

    found = distance(ranked(value, pool, members, count=1), value, np.array([0]), worse=1)

    assert np.isnan(found[0]) == (not is_known)


def test_from_those_who_are_all_alike_nothing_is_far() -> None:
    fleet = [(0.99, 0, True)] * 9 + [(0.2, 0, True)]
    value, pool, members = columns(fleet)

    found = distance(ranked(value, pool, members, count=1), value, np.arange(10), worse=-1)

    assert np.isnan(found).all()


@pytest.mark.parametrize("bad", [1, 2, 3, 4])
def test_the_equally_bad_do_not_hide_each_other(bad: int) -> None:
    good = [0.80, 0.82, 0.84, 0.86, 0.88, 0.9]
    fleet = [(rate, 0, True) for rate in [*good, *[0.2] * bad]]
    value, pool, members = columns(fleet)

    found = distance(
        ranked(value, pool, members, count=1), value, np.arange(len(fleet)), worse=-1
    )

    assert (found[6:] > 5).all()
    assert (found[:6] < 5).all()


def test_pools_beyond_sixteen_bits_are_sorted_too() -> None:
    pools = np.repeat(np.arange(70_000), 4)
    value = np.tile([0.1, 0.2, 0.3, 0.4], 70_000)

    found = usual(
        ranked(value, pools, np.ones(len(pools), dtype=np.bool_), count=70_000),
        np.array([0, 279_999]),
    )

    assert found.tolist() == pytest.approx([0.3, 0.2])
