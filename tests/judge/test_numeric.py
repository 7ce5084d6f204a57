"""Special functions against scipy's, and how numbers are recorded."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import betainc, gammaln, logsumexp, xlogy
from scipy.stats import fisher_exact, hypergeom

from pinkslip.judge.numeric import (
    fisher_greater,
    incomplete_beta,
    log_gamma,
    log_mean_exp,
    recorded,
    share_in_billionths,
    times_log,
)


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        (1 / 3, 0.333333333),
        (123_456_789_012.0, 123_456_789_000.0),
        (math.nan, None),
        (math.inf, None),
        (-math.inf, None),
    ],
)
def test_records_keep_nine_digits(value: float, kept: float | None) -> None:
    assert recorded(value) == kept


def test_zero_is_recorded_without_a_sign() -> None:
    assert math.copysign(1.0, recorded(-0.0) or 0.0) == 1.0


def test_a_share_of_a_hundred_is_exact() -> None:
    assert share_in_billionths(0.29) * 100 == 29 * 1_000_000_000


def test_nothing_times_a_logarithm_is_nothing() -> None:
    count, probability = np.array([0.0, 0.0, 3.0]), np.array([0.0, 0.5, 0.5])

    assert times_log(count, probability).tolist() == xlogy(count, probability).tolist()


@settings(deadline=None)
@given(st.lists(st.floats(-2_000, 700), min_size=1, max_size=50))
def test_log_mean_exp_is_that_of_scipy(terms: list[float]) -> None:
    expected = logsumexp(terms) - math.log(len(terms))

    assert log_mean_exp(np.array([terms]))[0] == pytest.approx(expected, abs=1e-9)


def test_log_gamma_is_that_of_scipy() -> None:
    x = np.concatenate([np.geomspace(1e-6, 1e9, 4_000), np.arange(1.0, 50.0)])

    assert log_gamma(x) == pytest.approx(gammaln(x), rel=1e-13, abs=1e-13)


@pytest.mark.parametrize("x", [0.001, 0.3, 0.7, 0.999])
@pytest.mark.parametrize(("scale", "within"), [(5, 1e-13), (1_000, 1e-11), (1_000_000, 1e-8)])
def test_the_incomplete_beta_function_is_that_of_scipy(
    scale: int, within: float, x: float
) -> None:
    rng = np.random.default_rng(scale)
    a, b = rng.random((2, 2_000)) * scale + 0.01

    assert incomplete_beta(a, b, x) == pytest.approx(betainc(a, b, x), abs=within)


@pytest.mark.parametrize(("x", "expected"), [(-1.0, 0.0), (0.0, 0.0), (1.0, 1.0), (2.0, 1.0)])
def test_all_of_it_lies_between_nothing_and_one(x: float, expected: float) -> None:
    assert incomplete_beta(np.array([3.0]), np.array([2.0]), x).tolist() == [expected]


def test_an_element_is_the_same_bits_in_any_company() -> None:
    rng = np.random.default_rng(2)
    a, b = rng.random((2, 64)) * 500 + 0.5

    together = incomplete_beta(a, b, 0.7)

    alone = [incomplete_beta(a[[i]], b[[i]], 0.7)[0] for i in range(64)]
    assert together.tobytes() == np.array(alone).tobytes()


tables = st.tuples(st.integers(0, 60), st.integers(0, 60)).flatmap(
    lambda sizes: st.tuples(
        st.integers(0, sizes[0]), st.just(sizes[0]), st.integers(0, sizes[1]), st.just(sizes[1])
    )
)


@settings(deadline=None)
@given(tables)
def test_fishers_test_is_the_sum_it_is_defined_by(table: tuple[int, int, int, int]) -> None:
    a, size_a, b, size_b = table
    ways = math.comb(size_a + size_b, a + b)

    exact = sum(
        math.comb(size_a, k) * math.comb(size_b, a + b - k)
        for k in range(a, min(size_a, a + b) + 1)
    )

    assert fisher_greater(a, size_a, b, size_b) == pytest.approx(exact / ways, rel=1e-9)


@pytest.mark.parametrize(
    ("table", "p"),
    [
        pytest.param((3, 4, 1, 4), 0.2429, id="the lady tasting tea"),
        pytest.param((12, 13, 1, 87), None, id="12 of 13 on one model"),
        pytest.param((30, 30, 0, 70), None, id="all of one, none of the rest"),
        pytest.param((305, 1_000, 2_700, 9_000), None, id="as many as everywhere"),
        pytest.param((200, 1_000, 2_700, 9_000), None, id="fewer than elsewhere"),
    ],
)
def test_fishers_test_is_that_of_scipy(
    table: tuple[int, int, int, int], p: float | None
) -> None:
    a, size_a, b, size_b = table
    square = [[a, size_a - a], [b, size_b - b]]

    found = fisher_greater(a, size_a, b, size_b)

    assert found == pytest.approx(fisher_exact(square, alternative="greater").pvalue, rel=1e-8)
    assert p is None or found == pytest.approx(p, abs=5e-5)


def test_fishers_test_of_a_million_is_worked_out_all_the_same() -> None:
    found = fisher_greater(30_500, 100_000, 270_000, 900_000)

    expected = hypergeom.sf(30_499, 1_000_000, 300_500, 100_000)
    assert found == pytest.approx(expected, rel=1e-6)


def test_none_marked_and_nobody_there_prove_nothing() -> None:
    assert fisher_greater(0, 10, 0, 90) == 1.0
    assert fisher_greater(0, 0, 5, 90) == 1.0
    assert fisher_greater(5, 5, 90, 90) == 1.0
