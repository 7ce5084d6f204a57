"""Patterns are bounded before they run: the usual ones pass, the catastrophic ones do not."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pinkslip.policies.patterns import TEXT_LENGTH_MAX, WAYS_MAX, BadPattern, check


@pytest.mark.parametrize(
    "pattern",
    [
        "dev-.*",
        "(dev|qa)-[0-9]+",
        r"zai/glm-4\.\d+",
        "[^/]+/.*-v[0-9]{1,3}",
        "(?:a|b|c)x?",
        ".*foo.*bar.*",
        "ab{3}c{2,}",
        "(abc)*",
        "(ab){2,5}",
        "[]a-z]+",
        r"\$\{x\}",
        "a|b|",
        "lazy.*?x",
        "ünï.*",
        "(((x)))",
    ],
)
def test_ordinary_patterns_are_accepted(pattern: str) -> None:
    check(pattern)
    re.compile(pattern)


@pytest.mark.parametrize(
    "pattern",
    [
        "(a+)+",
        "(a*)*b",
        "(a|a)*",
        "(a|aa)+$",
        "(.*)*",
        "([a-z]+)*",
        "(a?){50}",
        "(x{1,9}){2,}",
        ".*.*.*.*=",
        "a?" * 40 + "a" * 40,
        "(a|b)" * 30,
        "(?=a)b",
        "(?i)a",
        "(?P<x>a)",
        r"(a)\1",
        "a**",
        "a{2}{3}",
        "+",
        "(",
        ")",
        "[",
        "[[:alpha:]]",
        "a{",
        "a{5,2}",
        "\\",
        "",
        "a" * 201,
        "(" * 50 + ")" * 50,
        "[z-a]",
    ],
)
def test_catastrophic_and_foreign_patterns_are_refused_with_a_reason(pattern: str) -> None:
    with pytest.raises(BadPattern) as refused:
        check(pattern)

    assert str(refused.value)
    assert 0 <= refused.value.at <= len(pattern)


@given(st.text(alphabet="ab.*+?{}()[]|\\^$1,-", max_size=24))
def test_what_is_accepted_compiles(pattern: str) -> None:
    try:
        check(pattern)
    except BadPattern:
        return

    re.compile(pattern)


@given(
    pattern=st.text(alphabet="ab.*+?()|", max_size=16),
    text=st.text(alphabet="ab", min_size=TEXT_LENGTH_MAX, max_size=TEXT_LENGTH_MAX),
)
def test_what_is_accepted_answers_on_the_longest_text(pattern: str, text: str) -> None:
    """The suite's own timeout is the bound: a catastrophic pattern would run for years."""
    try:
        check(pattern)
    except BadPattern:
        return

    re.fullmatch(pattern, text)


def test_the_bound_lets_three_repeats_through() -> None:
    assert (TEXT_LENGTH_MAX + 1) ** 3 <= WAYS_MAX < (TEXT_LENGTH_MAX + 1) ** 4
