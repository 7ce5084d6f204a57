"""e-BH: the largest k whose k-th e-value is large enough, whatever the order."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.random import Generator

from pinkslip.judge.evidence.ebh import bar
from pinkslip.judge.evidence.proven import DECIMALS


def declared(e_values: list[float], fdr: float) -> list[bool]:
    """As defined: by trying every k."""
    count, ordered = len(e_values), sorted(e_values, reverse=True)
    k = max((k for k in range(1, count + 1) if ordered[k - 1] >= count / (fdr * k)), default=0)
    return [k > 0 and value >= ordered[k - 1] for value in e_values]


def found(e_values: list[float], fdr: float) -> list[bool]:
    logs = np.round(np.log(np.array(e_values)), DECIMALS)
    height = bar(logs[logs >= -math.log(fdr)], len(e_values), fdr)
    return (logs >= height).tolist()


@settings(deadline=None)
@given(
    st.lists(st.sampled_from([0.5, 1.0, 9.0, 21.0, 33.0, 50.0, 99.0, 150.0, 1e6]), max_size=12),
    st.sampled_from([0.05, 0.1, 0.5]),
)
def test_it_declares_whom_the_definition_declares(e_values: list[float], fdr: float) -> None:
    assert found(e_values, fdr) == declared(e_values, fdr)


def test_one_alone_pays_for_the_whole_fleet() -> None:
    assert math.exp(bar(np.array([]), 100, 0.05)) == pytest.approx(2_000)


def test_many_together_pay_less() -> None:
    many = np.log(np.full(10, 250.0))

    assert math.exp(bar(many, 100, 0.05)) == pytest.approx(200)


def test_equal_values_share_their_fate() -> None:
    e_values = [40.0] * 3 + [1.0] * 3

    assert found(e_values, 0.05) == [True] * 3 + [False] * 3
    assert found(e_values[:2] + [1.0] * 4, 0.05) == [False] * 6


def test_a_value_just_large_enough_is_enough() -> None:
    assert found([4.0, 4.0, 1.0, 1.0], 0.5) == [True, True, False, False]
    assert found([4.0, 3.99, 1.0, 1.0], 0.5) == [False] * 4


def test_a_fleet_of_nobody_declares_nobody() -> None:
    assert math.isfinite(bar(np.array([]), 0, 0.05))


def test_false_discoveries_stay_below_their_share(seeded: Generator) -> None:
    shares = []
    for _ in range(300):
        is_bad = seeded.random(40) < 0.3
        # an e-value of a good agent: expected to be one; of a bad one: large
        fair = np.where(seeded.random(40) < 0.02, 50.0, 0.0)
        height = bar_of(np.where(is_bad, 5_000.0, fair))
        out = np.where(is_bad, 5_000.0, fair) >= height
        shares.append(np.count_nonzero(out & ~is_bad) / max(1, np.count_nonzero(out)))

    assert np.mean(shares) <= 0.1


def bar_of(e_values: np.ndarray[tuple[int], np.dtype[np.float64]]) -> float:
    known = e_values[e_values >= 10.0]
    return math.exp(bar(np.log(known), len(e_values), 0.1))


@pytest.fixture
def seeded() -> Generator:
    return np.random.default_rng(11)
