"""Conditions at their limits, and the hints that teach: what is written last must be accepted, or said rightly."""

import pytest

from pinkslip.policies.grammar import DEPTH_MAX, LENGTH_MAX, NESTING_MAX
from pinkslip.policies.language import compile_condition, parse_condition
from pinkslip.policies.problems import Finding

TERMS_MAX = DEPTH_MAX - 2
"""A comparison stands above them, and each is itself one level."""
COUNTED = "counts every task since the evidence began and reads success"
SHOWS = (
    "shows that success is below a share: evidence that an agent is good enough fires nobody"
)


def refused(text: str) -> tuple[Finding, ...]:
    condition, findings = compile_condition(text)
    assert condition is None
    return findings


def test_a_condition_is_read_up_to_its_last_allowed_character() -> None:
    parse_condition("age > 1s".ljust(LENGTH_MAX))

    [finding] = refused("age > 1s".ljust(LENGTH_MAX + 1))

    assert finding.message == "the condition has 4097 characters; at most 4096 are read"
    assert (finding.span.start, finding.span.end) == (LENGTH_MAX, LENGTH_MAX + 1)


def test_parentheses_that_are_closed_again_do_not_nest() -> None:
    parse_condition(" or ".join(["(age > 1s)"] * (NESTING_MAX + 1)))
    parse_condition("(" * NESTING_MAX + "age > 1s" + ")" * NESTING_MAX)

    [finding] = refused("(" * (NESTING_MAX + 1) + "age > 1s" + ")" * (NESTING_MAX + 1))

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

    [finding] = refused(before + between.join([part] * (TERMS_MAX + 1)) + after)

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
    [finding] = refused(text)

    assert (finding.span.start, finding.span.end) == (start, end)
    assert (finding.message, finding.hint) == (message, hint)


@pytest.mark.parametrize(
    "text",
    [
        "proven(success < 70%, error=50%)",
        "decayed(success, from=85%, to=60%, limit=1000)",
    ],
)
def test_the_largest_value_allowed_is_allowed(text: str) -> None:
    parse_condition(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("peers(5) > 3", 'peers takes one measure, not "5"'),
        ("upper(70%) < 50%", 'upper takes one measure, not "70%"'),
        (
            "proven(success() < 70%, error=1%)",
            'proven reads success, not "success()"',
        ),
        (
            "proven(success < success, error=1%)",
            '"success" is not written out: evidence is asked at a fixed value',
        ),
        ("posterior(success < 7)", 'the target must be a share, not "7"'),
        ("decayed(success, from=85%, from=80%)", "from is given twice"),
        ("decayed(success, from=60%, to=85%) > 3", "to is above from: that is no decay"),
        (
            "proven(success[7d] < 7, error=1%)",
            "success has no window: proven counts every task since the evidence began",
        ),
        (
            "proven(timeouts < 7, error=1%)",
            'proven reads success, not "timeouts"',
        ),
        (
            "proven(success >= 70%, error=1%)",
            f"proven {SHOWS}",
        ),
        ("decayed(score, from=60%, to=85%)", f'decayed {COUNTED}, not "score"'),
        *(
            (f"proven({name} < 7, error=1%)", f'proven {COUNTED}, not "{name}"')
            for name in ("success_rate[7d]", "successes", "failures[1d]", "score", "tasks")
        ),
    ],
)
def test_what_is_wrong_in_a_call_of_evidence_is_said_once(text: str, message: str) -> None:
    [finding] = refused(text)

    assert finding.message == message


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("decayed(success, 85%)", "write from=85%"),
        ("proven(success < 70%, 1%)", "write error=1% or fdr=1%"),
        ("decayed(success, from=85%, to=60%, limit=9%)", "write limit=9"),
        (
            "proven(70% > success, error=1%, fdr=5%)",
            "write proven(success < 70%, error=1%, fdr=5%)",
        ),
        *(
            (f"proven(success < {written}, error=1%)", f"write success < {meant}")
            for written, meant in {
                "0": "70%",
                "0.005": "0.5%",
                "0.07": "7%",
                "1": "1%",
                "1.5": "1.5%",
                "99": "99%",
                "100": "100%",
                "100.5": "70%",
                "90s": "70%",
            }.items()
        ),
    ],
)
def test_a_hint_shows_what_was_probably_meant(text: str, hint: str) -> None:
    assert refused(text)[0].hint == hint


@pytest.mark.parametrize(
    "text",
    [
        "age > 1d or outlier(score[7d]) > 3.5 and score[7d] < 70%",
        "score[7d] < 70% and (age > 2d or outlier(score[7d]) > 3.5)",
        "not (age > 1d and (outlier(score[7d]) <= 3.5 or not score[7d] < 70%))",
    ],
)
def test_a_floor_counts_however_deep_the_outlier_stands(text: str) -> None:
    parse_condition(text)


@pytest.mark.parametrize(
    ("beside", "vain"),
    [
        ("proven(success < 70%, error=1%)", ""),
        ("upper(success_rate[7d]) < 70%", ""),
        ("(score[7d] < 70% or age > 1d)", ""),
        ("not age > 1d", ""),
        ("not failures[7d] < 0", "not failures[7d] < 0"),
        ("not not failures[7d] > 0", "failures[7d] > 0"),
        ("not score[7d] >= 100%", "not score[7d] >= 100%"),
        ("(age > 1d or failures[7d] > 0)", "failures[7d] > 0"),
        ("failures[7d] >= 5 / 0", "failures[7d] >= 5 / 0"),
    ],
)
def test_only_a_floor_that_keeps_out_nobody_is_named_as_vain(beside: str, vain: str) -> None:
    [finding] = refused(f"outlier(score[7d]) > 3.5 and {beside}")

    why = (
        f', and "{vain}" is none: next to everybody meets it'
        if vain
        else (": among the good, too, one is the worst")
    )
    assert finding.message == f"outlier(score[7d]) needs an absolute floor beside it{why}"


@pytest.mark.parametrize(
    ("measure", "floor"),
    [("score[7d]", "< 70%"), ("context_used", "> 90%"), ("heartbeat_age", "> 10m")],
)
def test_the_floor_proposed_is_toward_the_worse(measure: str, floor: str) -> None:
    [finding] = refused(f"outlier({measure}) > 3.5")

    assert finding.hint == f"write outlier({measure}) > 3.5 and {measure} {floor}"
