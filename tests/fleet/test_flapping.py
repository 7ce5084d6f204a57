"""Nagios' weights, by its published figures and by a loop."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pinkslip.fleet.flapping import STATES, flap_score, shifted

_STATES = st.lists(st.booleans(), min_size=1, max_size=40)


def by_loop(states: list[bool]) -> float:
    """As Nagios does it: from the oldest of 21 states to the newest, each change weighing a little more."""
    kept = ([states[0]] * STATES + states)[-STATES:]
    changes = sum(
        0.75 + place * 0.5 / 19
        for place, (one, next_) in enumerate(pairwise(kept))
        if one != next_
    )
    return changes / 20


def after(states: list[bool]) -> np.ndarray:
    bits = 0
    for place, late in enumerate(states):
        bits = shifted(bits, late=int(late), is_first=int(place == 0))
    return np.array([bits], np.uint32)


@pytest.mark.parametrize(
    ("states", "percent"),
    [
        ([False, True] * 11, 100.0),
        ([False] * 20 + [True], 6.25),
        ([False] + [True] * 20, 3.75),
        ([False] * 16 + [True, False, True, False, True], 29.9),
        ([True] * 21, 0.0),
        ([True], 0.0),
        ([False, True], 6.25),
    ],
    ids=["alternating", "newest", "oldest", "five newest", "late for ever", "first", "second"],
)
def test_it_weighs_changes_as_published(states: list[bool], percent: float) -> None:
    assert flap_score(after(states))[0] * 100 == pytest.approx(percent, abs=0.05)


@given(_STATES)
def test_it_is_what_the_loop_says(states: list[bool]) -> None:
    assert flap_score(after(states))[0] == pytest.approx(by_loop(states), abs=1e-12)


@given(st.lists(st.tuples(_STATES, st.booleans()), min_size=1, max_size=5))
def test_many_at_once_are_shifted_as_one_is(agents: list[tuple[list[bool], bool]]) -> None:
    states = np.array([after(states)[0] for states, _ in agents], np.int64)
    late = np.array([late for _, late in agents], np.int64)

    together = shifted(states, late=late, is_first=np.zeros(len(agents), np.int64))

    assert together.tolist() == [after([*states, late])[0] for states, late in agents]
