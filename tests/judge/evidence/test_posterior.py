"""The posterior: scipy's, the published figures, and a prior by moments that no order of agents moves."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import beta, betabinom

from pinkslip.fleet.snapshot import Integers
from pinkslip.judge.evidence.posterior import Priors, below, pool_priors


def column(*values: int) -> Integers:
    return np.array(values, dtype=np.int64)


def chance(successes: int, tasks: int, a: float, b: float) -> float:
    """Of being below 70 %, under the prior Beta(a, b)."""
    priors = Priors(np.array([a]), np.array([b]))
    return float(below(column(tasks), column(successes), column(0), priors, 0.7)[0])


@pytest.mark.parametrize(
    ("successes", "tasks", "a", "b", "expected"),
    [
        pytest.param(0, 3, 1.0, 1.0, 0.99, id="no prior: three failures are enough"),
        pytest.param(0, 3, 8.5, 1.5, 0.61, id="a pool at 85 % gives the benefit of the doubt"),
        pytest.param(3, 10, 1.0, 1.0, 0.996, id="no prior, ten tasks"),
        pytest.param(3, 10, 8.5, 1.5, 0.874, id="a pool at 85 %, ten tasks"),
    ],
)
def test_it_is_the_published_one(
    successes: int, tasks: int, a: float, b: float, expected: float
) -> None:
    assert chance(successes, tasks, a, b) == pytest.approx(expected, abs=0.005)


@settings(deadline=None)
@given(
    st.integers(1, 5_000).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n))),
    st.floats(0.1, 99.0),
    st.floats(0.1, 99.0),
)
def test_it_is_that_of_scipy(counts: tuple[int, int], a: float, b: float) -> None:
    tasks, successes = counts

    expected = beta.cdf(0.7, a + successes, b + tasks - successes)

    assert chance(successes, tasks, a, b) == pytest.approx(expected, abs=2e-9)


def test_nothing_done_is_unknown_whatever_the_pool_does() -> None:
    assert np.isnan(chance(0, 0, 1.0, 99.0))


def by_moments(counts: list[tuple[int, int]]) -> tuple[float, float]:
    """The prior of one pool, agent by agent."""
    rates = [s / n for n, s in counts]
    m, v = float(np.mean(rates)), float(np.var(rates, ddof=1))
    h = float(np.mean([1 / n for n, _ in counts]))
    alike = (v / (m * (1 - m)) - h) / (1 - h) if 0 < m < 1 else 0.0
    strength = min(max(1 / alike - 1 if alike > 0 else 100.0, 2.0), 100.0)
    m = min(max(m, 0.01), 0.99)
    return strength * m, strength * (1 - m)


def fitted(counts: list[tuple[int, int]], pools: list[int] | None = None) -> Priors:
    tasks, successes = column(*(n for n, _ in counts)), column(*(s for _, s in counts))
    codes = column(*(pools or [0] * len(counts)))
    members = np.ones(len(counts), dtype=np.bool_)
    return pool_priors(tasks, successes, codes, members, count=int(codes.max()) + 1)


pools_of_counts = st.lists(
    st.integers(5, 200).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n))),
    min_size=3,
    max_size=20,
)


@settings(deadline=None)
@given(pools_of_counts)
def test_the_prior_has_the_moments_of_its_pool(counts: list[tuple[int, int]]) -> None:
    found = fitted(counts)

    a, b = by_moments(counts)
    assert found.a[0] / (found.a[0] + found.b[0]) == pytest.approx(a / (a + b), abs=1e-4)
    if 2.5 < a + b < 20:  # where it is not next to nothing that is divided by
        assert found.a[0] + found.b[0] == pytest.approx(a + b, rel=0.05)


@settings(deadline=None)
@given(pools_of_counts, st.randoms(use_true_random=False))
def test_no_order_of_agents_moves_a_bit_of_it(
    counts: list[tuple[int, int]], random: object
) -> None:
    shuffled = list(counts)
    random.shuffle(shuffled)  # type: ignore[attr-defined]  # a Random

    one, other = fitted(counts), fitted(shuffled)

    assert (one.a.tobytes(), one.b.tobytes()) == (other.a.tobytes(), other.b.tobytes())


def test_it_finds_the_pool_that_it_was_drawn_from() -> None:
    tasks = np.full(4_000, 30)
    successes = betabinom(30, 8.5, 1.5).rvs(4_000, random_state=5).astype(np.int64)
    everybody = np.ones(4_000, dtype=np.bool_)

    found = pool_priors(tasks, successes, np.zeros(4_000, dtype=np.int64), everybody, count=1)

    assert (found.a[0], found.b[0]) == (
        pytest.approx(8.5, rel=0.1),
        pytest.approx(1.5, rel=0.1),
    )


@pytest.mark.parametrize(
    ("counts", "a", "b"),
    [
        pytest.param([(50, 40)] * 2, 1.0, 1.0, id="two members say nothing"),
        pytest.param([(50, 40)] * 3, 80.0, 20.0, id="three alike are worth a hundred tasks"),
        pytest.param(
            [(7, 1)] * 3, 14.29, 85.71, id="rates are rounded to a hundredth of a percent"
        ),
        pytest.param([(50, 50)] * 9, 99.0, 1.0, id="the perfect leave room for failure"),
        pytest.param([(50, 0)] * 9, 1.0, 99.0, id="the hopeless leave room for success"),
        pytest.param([(50, 0), (50, 50)] * 5, 1.0, 1.0, id="those at odds are worth two"),
    ],
)
def test_a_prior_at_its_ends(counts: list[tuple[int, int]], a: float, b: float) -> None:
    found = fitted(counts)

    assert (found.a[0], found.b[0]) == (pytest.approx(a), pytest.approx(b))


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
    found = fitted([(tasks, each) for each in successes])

    assert (found.a + found.b)[0] == pytest.approx(strength, abs=1e-9)


def test_each_pool_has_its_own_and_strangers_have_none() -> None:
    counts = [(50, 45)] * 4 + [(50, 10)] * 4
    tasks, successes = column(*(n for n, _ in counts)), column(*(s for _, s in counts))
    codes = column(0, 0, 0, 0, 2, 2, 2, 2)
    members = np.ones(8, dtype=np.bool_)
    members[:2] = False

    found = pool_priors(tasks, successes, codes, members, count=3)

    assert found.a.tolist() == pytest.approx([1.0, 1.0, 20.0])
    assert below(column(10, 10), column(5, 5), column(1, 2), found, 0.7)[0] < 1.0
