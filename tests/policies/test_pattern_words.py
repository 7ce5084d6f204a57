"""A pattern that is refused says what is wrong, at which character, and what to write; the bounds are exact."""

import pytest

from pinkslip.policies.patterns import BadPattern, check

WAYS = "the pattern can try one text in too many ways"
FEWER = "use at most three of * + {n,} and fewer of ? and |, or list the values"
CLASS = "write for example [a-z0-9_]"
ESCAPES = r"\d \w \s and escaped signs are"
COUNTS = r"write {2} or {2,5}; for the sign itself \{"
FOR_EVER = "such a pattern can take for ever: take the inner repeat or alternatives out"
IN_GROUP = "lookaround, names and flags in groups are not understood"
REPEATED = "write one of them, or use a group"


@pytest.mark.parametrize(
    ("pattern", "message", "at", "hint"),
    [
        ("", "the pattern is empty", 0, "write for example ~dev-.*"),
        ("a" * 201, "the pattern has 201 characters; at most 200 are read", 0, ""),
        (".*.*.*.*=", WAYS, 0, FEWER),
        ("a*b*c*d?", WAYS, 0, FEWER),
        ("a{0,199}" * 3 + "a?", WAYS, 0, FEWER),
        ("a?" * 24, WAYS, 0, FEWER),
        ("(a|b)" * 24, WAYS, 0, FEWER),
        ("(a|b|c)" * 15, WAYS, 0, FEWER),
        ("a{2,3}" * 24, WAYS, 0, FEWER),
        ("[z-a]", "not a pattern: bad character range z-a at position 1", 1, ""),
        ("[]", "not a pattern: unterminated character set at position 0", 0, ""),
        (")", "this ) closes nothing", 0, ""),
        ("ab)", "this ) closes nothing", 2, ""),
        ("x[", "this class is not understood", 1, CLASS),
        ("x\\", "this escape is not understood", 1, ESCAPES),
        (r"a\q", "this escape is not understood", 1, ESCAPES),
        ("+", "nothing to repeat before +", 0, r"for the sign itself write \+"),
        ("a|*", "nothing to repeat before *", 2, r"for the sign itself write \*"),
        ("{", "nothing to repeat before {", 0, r"for the sign itself write \{"),
        ("ab{", "this { is not understood", 2, COUNTS),
        ("a{,5}", "this { is not understood", 1, COUNTS),
        ("a{99999}", "this { is not understood", 1, COUNTS),
        ("xa{5,2}", "the least is more than the most", 2, ""),
        ("a*+?", "a repeat of a repeat", 2, REPEATED),
        ("a*?+", "a repeat of a repeat", 3, REPEATED),
        ("xa**", "a repeat of a repeat", 3, REPEATED),
        ("a{2}{3}", "a repeat of a repeat", 4, REPEATED),
        ("a(?=a)b", IN_GROUP, 1, "write ( or (?:"),
        ("(?i)a", IN_GROUP, 0, "write ( or (?:"),
        ("a(b", "this ( is not closed", 1, ""),
        ("(?:a", "this ( is not closed", 0, ""),
        ("(" * 11 + ")" * 11, "more than 10 groups within one another", 10, ""),
        ("(a+)+", '"(a+)+" repeats what can itself match in several ways', 0, FOR_EVER),
        ("x(a|b)*?", '"(a|b)*?" repeats what can itself match in several ways', 1, FOR_EVER),
        (
            "(a|b){1,2}",
            '"(a|b){1,2}" repeats what can itself match in several ways',
            0,
            FOR_EVER,
        ),
        ("(a?){2,}", '"(a?){2,}" repeats what can itself match in several ways', 0, FOR_EVER),
    ],
    ids=lambda value: value[:24] if isinstance(value, str) else "",
)
def test_what_is_wrong_with_a_pattern(pattern: str, message: str, at: int, hint: str) -> None:
    with pytest.raises(BadPattern) as refused:
        check(pattern)

    assert (str(refused.value), refused.value.at, refused.value.hint) == (message, at, hint)


@pytest.mark.parametrize(
    "pattern",
    [
        "a" * 200,
        "(" * 10 + "x" + ")" * 10,
        "(a)" * 12,
        "(?:a)" * 12,
        "a*b*c*",
        "a{0,}b{1,}c+",
        "a?" * 23,
        "(a|b)" * 23,
        "(a|b|c)" * 14,
        "a{2,3}" * 23,
        "a{200}" * 3,
        "a{0,199}" * 3,
        "(ab|c)?",
        "(ab|c)??",
        "(ab|c){0,1}",
        "a*?b+?c??d{2,3}?",
        "[^]a]",
        r"[a\]\d]",
        "a|b|",
        "(|a)",
    ],
)
def test_what_is_just_within_bounds_is_accepted(pattern: str) -> None:
    check(pattern)
