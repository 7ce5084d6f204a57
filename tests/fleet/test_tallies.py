"""Counts by source and fault, which any filter sums."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from tests.fleet.builders import done
from tests.fleet.oracle import in_denominator

from pinkslip.fleet.outcomes import Arrivals
from pinkslip.fleet.tallies import Tallies
from pinkslip.model.policy import Filter
from pinkslip.model.words import Fault, Result, Source

FILTERS = st.builds(
    Filter,
    faults=st.frozensets(st.sampled_from(Fault)),
    sources=st.frozensets(st.sampled_from(Source)),
)
DONE = st.builds(
    done,
    number=st.integers(0, 3),
    result=st.sampled_from(Result),
    fault=st.sampled_from(Fault),
    source=st.sampled_from(Source),
)
EVERYBODY = slice(None)


def tallied(some: list) -> Tallies:
    tallies = Tallies(4)
    arrivals = Arrivals.of(some)
    tallies.add(arrivals.number.astype(np.intp), arrivals.kind)
    return tallies


@given(st.lists(DONE, max_size=40), FILTERS)
def test_any_filter_is_counted_as_the_words_say(some: list, outcomes: Filter) -> None:
    tasks, successes = tallied(some).of(outcomes, EVERYBODY)

    for subject in range(4):
        rated = [
            one for one in some if one.agent_no == subject and in_denominator(one, outcomes)
        ]
        assert tasks[subject] == len(rated)
        assert successes[subject] == sum(one.result is Result.SUCCESS for one in rated)


@given(st.lists(DONE, max_size=40), FILTERS)
def test_pages_give_the_same_counts_again(some: list, outcomes: Filter) -> None:
    tallies, again = tallied(some), Tallies(4)

    again.restore(np.arange(4), tallies.pairs(np.arange(4)))

    for one, other in zip(
        tallies.of(outcomes, EVERYBODY), again.of(outcomes, EVERYBODY), strict=True
    ):
        assert one.tolist() == other.tolist()


def test_growing_keeps_what_was_counted_and_clearing_one_keeps_the_others() -> None:
    tallies = tallied([done(0), done(1, result=Result.FAILURE), done(1)])

    tallies.grow(9)
    tallies.clear(np.array([0], np.intp))

    tasks, successes = tallies.of(Filter(), EVERYBODY)
    assert tasks.tolist() == [0, 2, 0, 0, 0, 0, 0, 0, 0]
    assert successes.tolist() == [0, 1, 0, 0, 0, 0, 0, 0, 0]
