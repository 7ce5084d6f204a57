"""Wilson's bounds: as published, and as scipy works them out."""

import numpy as np
import pytest
from scipy.stats import binomtest

from pinkslip.judge.evidence.wilson import bounds


@pytest.mark.parametrize(
    ("successes", "tasks", "upper"),
    [
        (0, 1, 0.79), (0, 3, 0.56), (0, 5, 0.43), (1, 5, 0.62), (5, 10, 0.76), (12, 20, 0.78),
        (30, 50, 0.72), (60, 100, 0.69),
    ],
)  # fmt: skip
def test_upper_bounds_are_those_published(successes: int, tasks: int, upper: float) -> None:
    _, high = bounds(np.array([float(tasks)]), np.array([float(successes)]), 0.95)

    assert high[0] == pytest.approx(upper, abs=0.0051)


@pytest.mark.parametrize(("successes", "tasks", "lower"), [(9, 10, 0.60), (95, 100, 0.89)])
def test_lower_bounds_are_those_published(successes: int, tasks: int, lower: float) -> None:
    low, _ = bounds(np.array([float(tasks)]), np.array([float(successes)]), 0.95)

    assert low[0] == pytest.approx(lower, abs=0.0051)


@pytest.mark.parametrize("confidence", [0.6, 0.9, 0.95, 0.999])
def test_they_are_those_of_scipy(confidence: float) -> None:
    cases = [(n, s) for n in (1, 2, 9, 40, 1_000) for s in {0, 1, n // 3, n}]
    n, s = (np.array(part, dtype=np.float64) for part in zip(*cases, strict=True))

    low, high = bounds(n, s, confidence)

    for place, (tasks, successes) in enumerate(cases):
        expected = binomtest(successes, tasks).proportion_ci(confidence, method="wilson")
        assert (low[place], high[place]) == pytest.approx(tuple(expected), abs=1e-12)


def test_they_stay_within_what_a_rate_can_be() -> None:
    n = np.arange(1.0, 200.0)

    lowest, _ = bounds(n, np.zeros_like(n), 0.95)
    _, highest = bounds(n, n, 0.95)

    assert (lowest == 0.0).all()
    assert (highest == 1.0).all()


def test_nothing_done_is_unknown_and_one_task_is_not() -> None:
    low, high = bounds(np.array([0.0, 1.0, np.nan]), np.array([0.0, 0.0, np.nan]), 0.95)

    assert np.isnan(low).tolist() == np.isnan(high).tolist() == [True, False, True]
