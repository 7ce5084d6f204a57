"""Each combination of counts is worked out once, and everybody gets their own."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pinkslip.fleet.snapshot import Floats, Integers
from pinkslip.judge.evidence.distinct import by_distinct


def fingerprint(columns: Sequence[Integers]) -> Floats:
    answer: Floats = sum(column * 31.0**place for place, column in enumerate(columns))  # type: ignore[assignment]  # there are columns
    return answer


@pytest.mark.parametrize("widest", [3, 10_000, 1 << 40], ids=["table", "sorted", "as they are"])
@settings(deadline=None)
@given(st.data())
def test_it_is_what_asking_everybody_gives(widest: int, data: st.DataObject) -> None:
    number = st.integers(0, widest)
    rows = data.draw(st.lists(st.tuples(number, number), min_size=1, max_size=20))
    columns = [np.array(part, dtype=np.int64) for part in zip(*rows, strict=True)]

    found = by_distinct(columns, fingerprint)

    assert found.tolist() == fingerprint(columns).tolist()


def test_counts_too_large_for_one_key_are_not_taken_for_each_other() -> None:
    columns = (np.array([0, 2**24, 2**30]), np.array([0, 0, 2**40 - 1]))

    found = by_distinct(columns, lambda some: some[0].astype(np.float64))

    assert found.tolist() == columns[0].tolist()


@pytest.mark.parametrize("high", [3, 5_000])
def test_each_is_asked_once(high: int) -> None:
    asked = []

    def work(columns: Sequence[Integers]) -> Floats:
        asked.append(len(columns[0]))
        return fingerprint(columns)

    column = np.array([0, high, 0, high, high], dtype=np.int64)
    by_distinct([column, column[::-1].copy()], work)

    assert asked == [4]


def test_nobody_is_nobody() -> None:
    empty = np.empty(0, dtype=np.int64)

    assert len(by_distinct([empty, empty], fingerprint)) == 0
