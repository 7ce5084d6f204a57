"""CUSUM: what moves a sum, when it alarms, and how many failures that takes."""

from math import nan

import numpy as np
import pytest

from pinkslip.judge.evidence.cusum import alarms, failures_to_alarm, increments


@pytest.mark.parametrize(
    ("good", "bad", "success", "failure"),
    [
        pytest.param(0.9, 0.6, -0.41, 1.39, id="published, 90 % against 60 %"),
        pytest.param(0.85, 0.6, -0.35, 0.98, id="85 % against 60 %"),
    ],
)
def test_a_success_takes_off_and_a_failure_adds(
    good: float, bad: float, success: float, failure: float
) -> None:
    assert increments(good, bad) == pytest.approx((success, failure), abs=0.005)


def test_it_alarms_at_its_limit() -> None:
    yes, no = alarms(np.array([8.999, 9.0, 9.001, 0.0, nan]), 9.0)

    assert yes.tolist() == [False, True, True, False, False]
    assert no.tolist() == [True, False, False, True, False]


@pytest.mark.parametrize(("missing", "failures"), [(9.0, 10), (0.98, 1), (0.99, 2), (0.01, 1)])
def test_failures_in_a_row_reach_the_limit(missing: float, failures: int) -> None:
    assert failures_to_alarm(0.85, 0.6, missing) == failures


def share_alarmed(rate: float, limit: float) -> tuple[float, float]:
    """Of 1,500 agents over 400 tasks: how many ever alarm, and the median of when."""
    rng = np.random.default_rng(3)
    success, failure = increments(0.85, 0.6)
    sums, first = np.zeros(1_500), np.full(1_500, np.inf)
    for task in range(1, 401):
        sums = np.maximum(0.0, sums + np.where(rng.random(1_500) < rate, success, failure))
        first = np.where(np.isinf(first) & alarms(sums, limit)[0], task, first)
    return float(np.isfinite(first).mean()), float(
        np.median(first[np.isfinite(first)] if np.isfinite(first).any() else [np.inf])
    )


@pytest.mark.parametrize(
    ("limit", "false", "slow", "fast"),
    [
        pytest.param(7.0, 0.03, 24, 15, id="limit 7"),
        pytest.param(9.0, 0.005, 32, 19, id="limit 9"),
    ],
)
def test_it_is_as_quiet_and_as_fast_as_published(
    limit: float, false: float, slow: int, fast: int
) -> None:
    quiet, _ = share_alarmed(0.85, limit)
    sure, after = share_alarmed(0.55, limit)
    surer, sooner = share_alarmed(0.40, limit)

    assert quiet == pytest.approx(false, abs=0.01)
    assert (sure, after) == (pytest.approx(1.0, abs=0.005), pytest.approx(slow, abs=2))
    assert (surer, sooner) == (1.0, pytest.approx(fast, abs=2))
