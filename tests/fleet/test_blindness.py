"""Blind time is counted once and taken off every age."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pinkslip.fleet.blindness import Spells

INSTANTS = st.integers(0, 100)


@pytest.mark.parametrize(
    ("added", "kept"),
    [
        ([(10, 20), (30, 40)], [(10, 20), (30, 40)]),
        ([(30, 40), (10, 20)], [(10, 20), (30, 40)]),
        ([(10, 20), (15, 40)], [(10, 40)]),
        ([(10, 20), (20, 40)], [(10, 40)]),
        ([(10, 20), (30, 40), (5, 50)], [(5, 50)]),
        ([(10, 40), (20, 30)], [(10, 40)]),
        ([(10, 10), (20, 15)], []),
    ],
    ids=["apart", "any order", "overlap", "touch", "swallow", "inside", "empty"],
)
def test_spells_are_merged(added: list[tuple[int, int]], kept: list[tuple[int, int]]) -> None:
    spells = Spells()
    for start, end in added:
        spells.add(start, end)

    assert spells.spells() == kept
    assert spells.newest_end == (kept[-1][1] if kept else None)


@given(st.lists(st.tuples(INSTANTS, INSTANTS)), st.lists(INSTANTS), INSTANTS)
def test_ages_leave_out_every_blind_millisecond(
    added: list[tuple[int, int]], since: list[int], now: int
) -> None:
    spells = Spells()
    for start, end in added:
        spells.add(start, end)
    blind = {ms for start, end in added for ms in range(start, end)}

    ages = spells.ages(np.array(since, np.int64), now)

    for then, age in zip(since, ages.tolist(), strict=True):
        assert age == len([ms for ms in range(then, now) if ms not in blind])
        assert spells.between(then, now) == len(blind & set(range(then, now)))
