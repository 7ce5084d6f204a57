"""Numbers to slots, and slots used again."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pinkslip.fleet.slots import Slots

NUMBERS = st.one_of(st.integers(1, 50), st.integers(1, 10**9))


@given(st.lists(NUMBERS, max_size=200))
def test_it_is_a_map_that_reuses_what_was_released(numbers: list[int]) -> None:
    slots, expected = Slots(), dict[int, int]()

    for number in numbers:
        if number in expected:
            assert slots.release(number) == expected.pop(number)
        else:
            slot = slots.take(number)
            assert slot not in expected.values()
            expected[number] = slot
        assert len(slots) == len(expected)

    asked = sorted({*numbers, 7, 4095, 4096, 2**40})
    found = slots.of(np.array(asked, np.int64)).tolist()
    assert found == [expected.get(number, -1) for number in asked]
    assert [slots.get(number) for number in asked] == [expected.get(number) for number in asked]


def test_slots_are_reused_before_new_ones_are_made() -> None:
    slots = Slots()
    for number in range(1, 11):
        slots.take(number)

    for number in range(1, 1_000_000, 1_000):
        slots.release(number if number < 11 else number - 1_000 + 11)
        slots.take(number + 11)

    assert slots.size == 10


def test_a_million_numbers_come_and_gone_leave_no_pages() -> None:
    slots = Slots()
    for number in range(1, 1_000_000, 997):
        slots.take(number)
        slots.release(number)

    assert len(slots._pages) <= 2
