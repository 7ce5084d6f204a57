"""How much is listed and guessed at, and which stretch of a text is meant."""

import pytest

from pinkslip.policies.language import parse_condition
from pinkslip.policies.problems import ExpressionError, Severity, did_you_mean, quoted
from pinkslip.policies.text import Place, Report, Text

TEXT = Text("a.yaml", "one\ntwo\n")


def filled(problems: int, severity: Severity) -> Report:
    report = Report()
    for _ in range(problems):
        report.add(TEXT, Place(0, 0), "wrong", severity=severity)
    return report


def test_beyond_200_problems_are_counted() -> None:
    report = filled(203, Severity.ERROR)

    assert (len(report.problems), report.unlisted) == (200, 3)


def test_the_first_error_finds_room_among_any_number_of_warnings() -> None:
    report = filled(201, Severity.WARNING)

    report.add(TEXT, Place(0, 0), "an error")
    report.add(TEXT, Place(0, 0), "another")

    assert report.has_errors
    assert report.problems[-1].message == "an error"
    assert (len(report.problems), report.unlisted) == (201, 2)


def test_a_hundred_words_are_guessed_at() -> None:
    report = Report()

    hints = [report.guess("grase", ["grace"]) for _ in range(101)]

    assert hints == ['did you mean "grace"?'] * 100 + [""]


@pytest.mark.parametrize(
    ("word", "known", "hint"),
    [
        ("x" * 64, "x" * 63, f'did you mean "{"x" * 63}"?'),
        ("x" * 65, "x" * 64, ""),
        ("a-b-c-d", "a_b_c_d", 'did you mean "a_b_c_d"?'),
    ],
    ids=["long", "too long", "dashes"],
)
def test_a_word_is_guessed_at_up_to_64_characters_and_with_dashes(
    word: str, known: str, hint: str
) -> None:
    assert did_you_mean(word, [known]) == hint


def test_up_to_64_characters_are_quoted_whole() -> None:
    assert quoted("x" * 64) == f'"{"x" * 64}"'
    assert quoted("x" * 65) == f'"{"x" * 63}…"'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("tasks[1 2] > 3", "not a window; write for example [1h] or [50 tasks]"),
        ("tasks[31d] > 3", "a window is between 1s and 30d long"),
    ],
)
def test_a_refused_expression_says_what_to_write_where_there_is_something(
    text: str, said: str
) -> None:
    with pytest.raises(ExpressionError) as refused:
        parse_condition(text)

    assert str(refused.value) == said


@pytest.mark.parametrize(
    ("offset", "width", "place"),
    [
        (0, 3, Place(0, 0, 3)),
        (1, 9, Place(0, 1, 2)),
        (2, 9, Place(0, 2, 1)),
        (5, 9, Place(1, 1, 2)),
        (8, 9, Place(2, 0, 1)),
    ],
)
def test_a_stretch_ends_with_its_line(offset: int, width: int, place: Place) -> None:
    assert TEXT.place(offset, width) == place


def test_a_mark_past_the_end_is_the_end() -> None:
    assert [TEXT.offset(line, 9) for line in (2, 3, 4)] == [8, 8, 8]
    assert TEXT.lines(0, 1) == ["one", "two"]
