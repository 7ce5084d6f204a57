"""From text to tree: how long and how deep a condition may be, and where a slip of the pen is shown."""

import pytest
from tests.policies.test_language import findings_of

from pinkslip.policies.grammar import DEPTH_MAX, LENGTH_MAX, NESTING_MAX
from pinkslip.policies.language import parse_condition

TERMS_MAX = DEPTH_MAX - 2
"""A comparison stands above them, and each is itself one level."""


def test_a_condition_is_read_up_to_its_last_allowed_character() -> None:
    parse_condition("age > 1s".ljust(LENGTH_MAX))

    [finding] = findings_of("age > 1s".ljust(LENGTH_MAX + 1))

    assert finding.message == "the condition has 4097 characters; at most 4096 are read"
    assert (finding.span.start, finding.span.end) == (LENGTH_MAX, LENGTH_MAX + 1)


def test_parentheses_that_are_closed_again_do_not_nest() -> None:
    parse_condition(" or ".join(["(age > 1s)"] * (NESTING_MAX + 1)))
    parse_condition("(" * NESTING_MAX + "age > 1s" + ")" * NESTING_MAX)

    [finding] = findings_of("(" * (NESTING_MAX + 1) + "age > 1s" + ")" * (NESTING_MAX + 1))

    assert finding.message == "nested deeper than 50 parentheses"
    assert (finding.span.start, finding.span.end) == (NESTING_MAX, NESTING_MAX + 1)


@pytest.mark.parametrize(
    ("before", "part", "between", "after"),
    [
        ("age > ", "1s", " + ", ""),
        ("", "1s", " + ", " < age"),
        ("tasks[1h] > ", "2", " * ", ""),
        ("tasks[1h] > ", "-", "", "2"),
        ("", "not ", "", "age > 1s"),
    ],
    ids=["sum", "sum on the left", "product", "minus", "not"],
)
def test_operations_within_one_another_are_read_up_to_the_deepest_allowed(
    before: str, part: str, between: str, after: str
) -> None:
    parse_condition(before + between.join([part] * TERMS_MAX) + after)

    [finding] = findings_of(before + between.join([part] * (TERMS_MAX + 1)) + after)

    assert finding.message == "more than 100 operations within one another"


@pytest.mark.parametrize(
    ("text", "start", "end", "message", "hint"),
    [
        (" ", 0, 1, "the condition is empty", "write for example heartbeat_age > 90s"),
        ('age > "1s', 6, 7, "the quote is not closed", ""),
        ("age > 'x", 6, 7, "the quote is not closed", ""),
        ("age > 1s => 3", 9, 11, '"=>" is not part of the language', "write >="),
        ("age > 1s ! 3", 9, 10, '"!" is not part of the language', "write not"),
        ("age > ;1s", 6, 7, '";" is not part of the language', ""),
        ("age >", 4, 5, "the condition ends where a value is expected", ""),
        ("not  ", 2, 3, "the condition ends where a value is expected", ""),
        (
            "(age > 1s",
            8,
            9,
            'the condition ends where an operator or ")" is expected',
            "",
        ),
        ("(", 0, 1, "the condition ends where a value is expected", ""),
        ("(5", 1, 2, 'the condition ends where an operator or ")" is expected', ""),
        ("> 1s", 0, 1, '">" where a value is expected', ""),
        ("tasks[(1h)] > 3", 6, 7, '"(" where "]" is expected', ""),
        (
            "age > 1s (3)",
            9,
            10,
            '"(" where an operator or the end is expected',
            "put <, and, or, + or another operator between the two",
        ),
        ("score[7d", 7, 8, 'the condition ends where "]" is expected', ""),
        (
            "(age > 1s) 3",
            11,
            12,
            '"3" where an operator or the end is expected',
            "put <, and, or, + or another operator between the two",
        ),
        ("age > 1s)", 8, 9, '")" where an operator or the end is expected', ""),
        (
            "age == == 1s",
            7,
            9,
            '"==" where a value is expected',
            "",
        ),
    ],
)
def test_a_slip_of_the_pen_is_shown_where_it_is(
    text: str, start: int, end: int, message: str, hint: str
) -> None:
    [finding] = findings_of(text)

    assert (finding.span.start, finding.span.end) == (start, end)
    assert (finding.message, finding.hint) == (message, hint)
