"""The e-process: valid at any number of looks, exactly; as fast as published; the same bits for the same counts."""

from fractions import Fraction
from math import comb, log

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pinkslip.fleet.snapshot import Integers
from pinkslip.judge.evidence.proven import CELLS, limit, log_e, reaches, spent

PINNED = [0.773189888, 2.760145518, 12.190758558, -11.587526121, 19.689863133]
"""As of the first version: decisions made then must be worked out alike for ever."""
TARGETS = (Fraction(7, 10), Fraction(1, 2), Fraction(95, 100), Fraction(1, 1000))


def exactly(n: int, s: int, target: Fraction) -> Fraction:
    """The e-value in rational numbers, term by term."""
    worse = [target * (2 * cell + 1) / (2 * CELLS) for cell in range(CELLS)]
    best = max(Fraction(s, n), target)
    mixed = sum(g**s * (1 - g) ** (n - s) for g in worse) / CELLS
    return mixed / (best**s * (1 - best) ** (n - s))


def column(*values: int) -> Integers:
    return np.array(values, dtype=np.int64)


@pytest.mark.parametrize("target", TARGETS, ids=str)
def test_it_is_the_mixture_over_the_best_that_meets_the_target(target: Fraction) -> None:
    cases = [(n, s) for n in (1, 2, 3, 7, 20, 60) for s in range(n + 1)]

    found = log_e(column(*(n for n, _ in cases)), column(*(s for _, s in cases)), float(target))

    for value, (n, s) in zip(found.tolist(), cases, strict=True):
        exact = exactly(n, s, target)
        expected = log(exact.numerator) - log(exact.denominator)
        assert value == pytest.approx(expected, abs=2e-9)


def test_equal_counts_are_equal_evidence_in_every_version() -> None:
    found = log_e(column(1, 8, 40, 40, 1_000), column(0, 2, 12, 38, 600), 0.7)

    assert found.tolist() == PINNED


@pytest.mark.parametrize("rate", [Fraction(7, 10), Fraction(3, 4), Fraction(9, 10)], ids=str)
@pytest.mark.parametrize("n", [1, 5, 25])
def test_whoever_meets_the_target_expects_at_most_one(n: int, rate: Fraction) -> None:
    target = Fraction(7, 10)

    expected = sum(
        comb(n, s) * rate**s * (1 - rate) ** (n - s) * exactly(n, s, target)
        for s in range(n + 1)
    )

    assert expected <= 1


def ever(rate: float, *, error: float, tasks: int = 400) -> tuple[float, int | None]:
    """The chance that an agent of this rate is proven below 70 % at any of its first tasks, looked at after each,
    and the median of when; worked out exactly, path by path that is still alive."""
    alive, crossed = np.array([1.0]), []
    for n in range(1, tasks + 1):
        grown = np.zeros(n + 1)
        grown[1:] += alive * rate
        grown[:-1] += alive * (1 - rate)
        is_out = reaches(np.full(n + 1, n), np.arange(n + 1), 0.7, np.full(n + 1, limit(error)))
        crossed.append(grown[is_out].sum())
        alive = np.where(is_out, 0.0, grown)
    total = float(np.sum(crossed))
    half = int(np.searchsorted(np.cumsum(crossed), total / 2)) + 1
    return total, half if total > 0.5 else None


@pytest.mark.parametrize(
    ("rate", "least", "most", "median"),
    [
        pytest.param(0.90, 0.0, 1e-5, None, id="90 % never"),
        pytest.param(0.85, 0.0, 1e-4, None, id="85 % never"),
        pytest.param(0.70, 0.001, 0.01, None, id="70 %, the edge, within the error"),
        pytest.param(0.55, 0.99, 1.0, 102, id="55 % in about a hundred tasks"),
        pytest.param(0.40, 1 - 1e-6, 1.0, 25, id="40 % in 25"),
        pytest.param(0.20, 1 - 1e-6, 1.0, 8, id="20 % in 8"),
    ],
)
def test_it_is_as_sure_and_as_fast_as_published(
    rate: float, least: float, most: float, median: int | None
) -> None:
    share, tasks = ever(rate, error=0.01)

    assert least <= round(share, 9) <= most
    assert tasks == median or (
        tasks is not None and median is not None and abs(tasks - median) <= 3
    )


@pytest.mark.parametrize("error", [0.5, 0.1, 0.01])
def test_at_the_edge_looking_after_every_task_stays_within_the_error(error: float) -> None:
    assert ever(0.7, error=error, tasks=200)[0] <= error


def test_nothing_done_is_unknown_and_proves_nothing() -> None:
    nothing = column(0, 0)

    assert np.isnan(log_e(nothing, nothing, 0.7)).all()
    assert not reaches(nothing, nothing, 0.7, np.array([0.1, 0.1])).any()


def test_all_failures_and_all_successes_are_finite() -> None:
    found = log_e(column(100_000, 100_000), column(0, 100_000), 0.7)

    assert found[0] > 100_000 * 1.1
    assert found[1] < 0


counts = st.integers(0, 300).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n)))


@settings(deadline=None)
@given(
    st.lists(counts, min_size=1, max_size=30),
    st.sampled_from([0.05, 0.5, 0.7, 0.99]),
    st.floats(0.05, 40.0),
)
def test_the_short_cut_changes_no_answer(
    fleet: list[tuple[int, int]], target: float, needed: float
) -> None:
    tasks, successes = column(*(n for n, _ in fleet)), column(*(s for _, s in fleet))

    found = reaches(tasks, successes, target, np.full(len(fleet), needed))

    with np.errstate(invalid="ignore"):
        assert found.tolist() == (log_e(tasks, successes, target) >= needed).tolist()


@settings(deadline=None)
@given(st.lists(counts, min_size=1, max_size=30), st.randoms())
def test_equal_counts_are_the_same_bits_whoever_else_is_asked(
    fleet: list[tuple[int, int]], random: object
) -> None:
    tasks, successes = column(*(n for n, _ in fleet)), column(*(s for _, s in fleet))

    together = log_e(tasks, successes, 0.7)

    alone = [log_e(tasks[[i]], successes[[i]], 0.7)[0] for i in range(len(fleet))]
    assert together.tobytes() == np.array(alone).tobytes()


def test_more_than_one_batch_is_one_answer() -> None:
    tasks = np.arange(1, 20_001)
    successes = tasks // 2

    found = log_e(tasks, successes, 0.7)

    assert found[::997].tolist() == log_e(tasks[::997], successes[::997], 0.7).tolist()


@pytest.mark.parametrize(
    ("successes", "is_proven"), [(1, True), (2, True), (3, False)], ids=["below", "at", "above"]
)
def test_a_line_is_crossed_where_it_is_reached(successes: int, is_proven: bool) -> None:
    at_the_line = log_e(column(10), column(2), 0.7)

    found = reaches(column(10), column(successes), 0.7, at_the_line)

    assert found.tolist() == [is_proven]


def test_the_error_of_all_passes_together_is_the_error() -> None:
    passes = np.arange(1, 10_001)

    errors = np.exp(-(limit(0.01) + spent(passes)))

    assert errors[:3] == pytest.approx([0.01 / 2, 0.01 / 6, 0.01 / 12])
    assert 0.00999 < errors.sum() <= 0.01
