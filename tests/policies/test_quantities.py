"""Numbers with units read exactly, and print to what reads back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pinkslip.model.policy import Unit
from pinkslip.policies.quantities import (
    BadQuantity,
    parse_quantity,
    parse_span_ms,
    written_quantity,
)

LARGEST, SMALLEST = "the largest number is 1e15", "the smallest number is 1e-15"


@pytest.mark.parametrize(
    ("text", "value", "unit"),
    [
        ("90s", 90.0, Unit.SECONDS),
        ("250ms", 0.25, Unit.SECONDS),
        ("2m", 120.0, Unit.SECONDS),
        ("1.5h", 5400.0, Unit.SECONDS),
        ("1h30m", 5400.0, Unit.SECONDS),
        ("2d", 172_800.0, Unit.SECONDS),
        ("70%", 0.7, Unit.RATIO),
        ("12.5 %", 0.125, Unit.RATIO),
        ("$5", 5.0, Unit.DOLLARS),
        ("$.25", 0.25, Unit.DOLLARS),
        ("20", 20.0, Unit.NUMBER),
        ("1e3", 1000.0, Unit.NUMBER),
        ("0", 0.0, Unit.NUMBER),
    ],
)
def test_each_unit_is_read_in_its_base(text: str, value: float, unit: Unit) -> None:
    assert parse_quantity(text) == (value, unit)


@pytest.mark.parametrize(
    ("text", "value"), [("1e15", 1e15), ("1e-15", 1e-15), ("$1e15", 1e15), ("1e15s", 1e15)]
)
def test_the_very_bounds_are_read(text: str, value: float) -> None:
    assert parse_quantity(text)[0] == value


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("90sec", "write 90s"),
        ("5minutes", "write 5m"),
        ("2H", "write 2h"),
        ("1w", "write weeks in days: 7d"),
        ("5$", "write for example 20, 90s, 70% or $5"),
        ("1e999999999999999999999", "numbers are between 1e-15 and 1e15"),
        ("1e16", "the largest number is 1e15"),
        ("1e-30", "the smallest number is 1e-15"),
        ("9" * 4000, "the largest number is 1e15"),
        ("", "write for example 20, 90s, 70% or $5"),
        ("s", "write for example 20, 90s, 70% or $5"),
    ],
)
def test_what_is_no_quantity_is_refused_with_what_to_write(text: str, hint: str) -> None:
    with pytest.raises(BadQuantity) as refused:
        parse_quantity(text)

    assert refused.value.hint == hint


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("2e15", '"2e15" is out of range', LARGEST),
        ("9e-16", '"9e-16" is out of range', SMALLEST),
        ("1e15d", '"1e15d" is out of range', LARGEST),
        ("1e16%", '"1e16%" is out of range', LARGEST),
        (
            "1e999999999999999999999",
            '"1e999999999999999999999" is out of range',
            "numbers are between 1e-15 and 1e15",
        ),
        ("half%", '"half%" is no number', "write for example 20, 90s, 70% or $5"),
    ],
)
def test_what_lies_beyond_is_named_with_the_bound(text: str, message: str, hint: str) -> None:
    with pytest.raises(BadQuantity) as refused:
        parse_quantity(text)

    assert (str(refused.value), refused.value.hint) == (message, hint)


def test_a_span_is_whole_milliseconds() -> None:
    assert parse_span_ms("1h30m") == 5_400_000
    assert parse_span_ms("1.5ms500ms0.5ms") == 502


@given(
    value=st.floats(min_value=0, max_value=1e12, allow_subnormal=False).filter(
        lambda value: value == 0 or value > 1e-9
    ),
    unit=st.sampled_from([Unit.NUMBER, Unit.SECONDS, Unit.RATIO, Unit.DOLLARS]),
)
def test_what_is_printed_reads_back_exactly(value: float, unit: Unit) -> None:
    assert parse_quantity(written_quantity(value, unit)) == (value, unit)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1.234567890123456e-7, "0.0000001234567890123456"),
        (1.234567890123456e-8, "1.234567890123456e-8"),
        (2e31, "2e31"),
    ],
)
def test_more_than_24_characters_are_written_with_an_exponent(value: float, text: str) -> None:
    assert written_quantity(value, Unit.NUMBER) == text
