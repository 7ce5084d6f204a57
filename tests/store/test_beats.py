"""Gaps survive writing and reading, whatever they are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pinkslip.store.beats import decode_gaps, encode_gaps

gaps = st.lists(st.integers(0, 2**53))


@given(gaps)
def test_gaps_read_back_are_the_gaps_written(written: list[int]) -> None:
    assert decode_gaps(encode_gaps(written)) == written


@given(gaps, gaps)
def test_appending_blobs_appends_gaps(one: list[int], other: list[int]) -> None:
    assert decode_gaps(encode_gaps(one) + encode_gaps(other)) == one + other


@pytest.mark.parametrize(
    ("gap", "size"), [(0, 1), (127, 1), (128, 2), (16_383, 2), (16_384, 3), (30_000, 3)]
)
def test_a_gap_takes_seven_bits_a_byte(gap: int, size: int) -> None:
    assert len(encode_gaps([gap])) == size


def test_a_blob_that_is_cut_off_is_named() -> None:
    with pytest.raises(ValueError, match="cut off"):
        decode_gaps(encode_gaps([5, 30_000])[:-1])
