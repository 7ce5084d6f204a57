"""Spelling: the same as prometheus-client's, value by value and column by column."""

import math

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from prometheus_client.openmetrics.exposition import ALLOWUTF8, _escape
from prometheus_client.utils import floatToGoString

from pinkslip.metrics import text

EPOCH = 1_763_863_000_000


@given(st.floats())
@example(1e6)
@example(999_999.0)
@example(1_000_000.5)
@example(1e16)
@example(-0.0)
@example(-12_345_678.9)
@example(10_000_000.0)
def test_numbers_read_as_go_writes_them(value: float) -> None:
    assert text.number(value) == floatToGoString(value)
    assert math.isnan(value) or float(text.number(value)) == value


@given(st.lists(st.integers(0, 5_000) | st.integers(0, 2**62)))
def test_counts_are_spelled_like_single_numbers(values: list[int]) -> None:
    spelled = text.counts(np.array(values, np.int64))

    assert spelled.tolist() == [f"{floatToGoString(value)}\n" for value in values]


@given(st.lists(st.integers(0, 10**9 + 10) | st.integers(-(2**62), 2**62)))
def test_spans_are_spelled_in_seconds(values: list[int]) -> None:
    spelled = text.seconds(np.array(values, np.int64))

    assert spelled.tolist() == [f"{floatToGoString(value / 1000)}\n" for value in values]


@given(
    st.lists(st.integers(EPOCH - 100_000, EPOCH + 100_000) | st.integers(10**12, 10**13 - 1))
    | st.lists(st.integers(-(2**62), 2**62))
)
@example([EPOCH, 10**12, 10**13 - 1, 2 * 10**12])
def test_instants_are_spelled_in_seconds(values: list[int]) -> None:
    spelled = text.instants(np.array(values, np.int64))

    assert spelled.tolist() == [f"{floatToGoString(value / 1000)}\n" for value in values]


@given(st.lists(st.integers(0, 2**53)))
def test_millionths_are_spelled_in_whole_units(values: list[int]) -> None:
    spelled = text.millionths(np.array(values, np.int64))

    assert spelled.tolist() == [f"{floatToGoString(value / 1e6)}\n" for value in values]


@given(st.text())
def test_label_values_are_escaped_as_prometheus_client_does(value: str) -> None:
    assert text.label_value(value) == _escape(value, ALLOWUTF8, None)


@given(st.text(st.characters(codec=None)))
def test_any_string_becomes_valid_utf_8(value: str) -> None:
    written = text.label_value(value).encode()

    assert written.decode().count("\n") == 0


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (None, ""),
        ("plain", "plain"),
        ('a"b', 'a\\"b'),
        ("a\\b", "a\\\\b"),
        ("a\nb", "a\\nb"),
        ("\\n", "\\\\n"),
        ("\ud83d", "\ufffd"),
        ("\ud83d\ude48", "\ufffd\ufffd"),
        ("🙈\ud800", "🙈\ufffd"),
        ("\r\t\u2028", "\r\t\u2028"),
    ],
)
def test_label_values(value: str | None, written: str) -> None:
    assert text.label_value(value) == written
