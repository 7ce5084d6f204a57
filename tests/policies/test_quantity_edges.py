"""The largest and the smallest number, what is said beyond them, and from which length on an exponent is written."""

import pytest

from pinkslip.model.policy import Unit
from pinkslip.policies.quantities import BadQuantity, parse_quantity, written_quantity

LARGEST, SMALLEST = "the largest number is 1e15", "the smallest number is 1e-15"


@pytest.mark.parametrize(
    ("text", "value"), [("1e15", 1e15), ("1e-15", 1e-15), ("$1e15", 1e15), ("1e15s", 1e15)]
)
def test_the_very_bounds_are_read(text: str, value: float) -> None:
    assert parse_quantity(text)[0] == value


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
