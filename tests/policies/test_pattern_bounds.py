"""How many ways a pattern is counted to have, to the last one; groups and capital letters are read wherever they stand."""

import pytest

from pinkslip.policies.patterns import BadPattern, check


@pytest.mark.parametrize(
    "pattern",
    [
        "a+b+(c{0,199}|d{0,49})",
        "(a|b)?" * 14,
        "[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}",
        "dev-(?:a|b)",
        "(?:a*)b",
        "(a)" + "(" * 10 + "x" + ")" * 10,
        "X-ray.*",
        "a*X",
    ],
)
def test_what_is_quick_enough_is_accepted(pattern: str) -> None:
    check(pattern)


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("a*b*c{0,30}d?e?f?", "the pattern can try one text in too many ways"),
        ("a+b+(c{0,199}|d{0,50})", "the pattern can try one text in too many ways"),
        ("(a|b)?" * 15, "the pattern can try one text in too many ways"),
        ("(a)" * 3 + "(" * 11 + ")" * 11, "more than 10 groups within one another"),
    ],
)
def test_one_more_is_refused(pattern: str, message: str) -> None:
    with pytest.raises(BadPattern, match=message):
        check(pattern)
