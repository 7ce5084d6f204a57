"""Three values: what joins them, what compares to them, and that nothing unheard-of is taken for either."""

import numpy as np
import pytest

from pinkslip.judge.kleene import Truth, compared, joined, neutral

TRUE, FALSE, UNKNOWN = (True, False), (False, True), (False, False)
EVERY = (TRUE, FALSE, UNKNOWN)


def answers(*values: tuple[bool, bool]) -> Truth:
    yes, no = zip(*values, strict=True)
    return Truth(np.array(yes), np.array(no))


def told(truth: Truth) -> list[tuple[bool, bool]]:
    return list(zip(truth.yes.tolist(), truth.no.tolist(), strict=True))


def test_unknown_is_neither() -> None:
    assert answers(*EVERY).unknown.tolist() == [False, False, True]


@pytest.mark.parametrize("operator", ["and", "or"])
def test_what_is_neutral_changes_nothing(operator: str) -> None:
    truth = answers(*EVERY)

    assert told(joined(operator, truth, neutral(operator, 3))) == told(truth)


@pytest.mark.parametrize(
    ("operator", "one", "other", "both"),
    [
        ("and", TRUE, TRUE, TRUE),
        ("and", TRUE, FALSE, FALSE),
        ("and", FALSE, UNKNOWN, FALSE),
        ("and", TRUE, UNKNOWN, UNKNOWN),
        ("or", FALSE, FALSE, FALSE),
        ("or", TRUE, FALSE, TRUE),
        ("or", TRUE, UNKNOWN, TRUE),
        ("or", FALSE, UNKNOWN, UNKNOWN),
    ],
)
def test_they_are_joined_as_kleene_does(
    operator: str, one: tuple[bool, bool], other: tuple[bool, bool], both: tuple[bool, bool]
) -> None:
    assert told(joined(operator, answers(one), answers(other))) == [both]
    assert told(joined(operator, answers(other), answers(one))) == [both]


@pytest.mark.parametrize(
    ("operator", "expected"),
    [
        ("<", [TRUE, FALSE, FALSE, UNKNOWN]),
        ("<=", [TRUE, TRUE, FALSE, UNKNOWN]),
        (">", [FALSE, FALSE, TRUE, UNKNOWN]),
        (">=", [FALSE, TRUE, TRUE, UNKNOWN]),
        ("==", [FALSE, TRUE, FALSE, UNKNOWN]),
        ("!=", [TRUE, FALSE, TRUE, UNKNOWN]),
    ],
)
def test_numbers_are_compared_below_at_above_and_unknown(
    operator: str, expected: list[tuple[bool, bool]]
) -> None:
    left, right = np.array([1.0, 2.0, 3.0, np.nan]), np.array([2.0, 2.0, 2.0, 2.0])

    assert told(compared(operator, left, right)) == expected


def test_what_nobody_has_heard_of_is_refused() -> None:
    numbers, truth = np.zeros(1), answers(TRUE)

    with pytest.raises(ValueError, match="xor"):
        joined("xor", truth, truth)
    with pytest.raises(ValueError, match="=>"):
        compared("=>", numbers, numbers)
