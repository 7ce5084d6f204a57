"""Phi accrual, by scipy's normal distribution and by published figures."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from pinkslip.fleet.suspicion import CAP, suspicion


def phi(
    silence_ms: int, *, mean_ms: float, sd_ms: float, gaps: int = 32, interval_ms: int = 4
) -> float:
    return float(
        suspicion(
            np.array([silence_ms]),
            mean_ms=np.array([mean_ms]),
            variance_ms2=np.array([round(sd_ms**2)]),
            gaps=np.array([gaps]),
            interval_ms=np.array([interval_ms]),
        )[0]
    )


@pytest.mark.parametrize(("silence_s", "expected"), [(40, 0.8), (60, 2.9), (90, 9.0)])
def test_a_mean_of_30_s_and_a_deviation_of_10_s(silence_s: int, expected: float) -> None:
    found = phi(silence_s * 1_000, mean_ms=30_000, sd_ms=10_000)

    assert found == pytest.approx(expected, abs=0.06)


@given(st.integers(0, 1_000_000), st.integers(1, 100_000), st.integers(1, 50_000))
def test_it_is_the_upper_tail_of_a_normal_distribution(
    silence: int, mean: int, sd: int
) -> None:
    tail = -norm.logsf((silence - mean) / sd) / np.log(10)

    found = phi(silence, mean_ms=mean, sd_ms=sd)

    assert found == pytest.approx(min(tail, CAP), rel=1e-9, abs=1e-12)


@pytest.mark.parametrize(("gaps", "known"), [(7, False), (8, True), (9, True)])
def test_it_is_unknown_before_eight_gaps(gaps: int, known: bool) -> None:
    assert np.isnan(phi(90_000, mean_ms=30_000, sd_ms=1, gaps=gaps)) != known


def test_who_beats_like_a_clock_is_given_a_quarter_of_its_interval() -> None:
    found = phi(37_500, mean_ms=30_000, sd_ms=0, interval_ms=30_000)

    assert found == pytest.approx(-norm.logsf(1) / np.log(10))


def test_it_ends_at_its_cap() -> None:
    assert phi(10**9, mean_ms=30_000, sd_ms=0) == CAP
