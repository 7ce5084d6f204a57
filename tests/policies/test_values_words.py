"""Values of keys: what is read at the very bounds, and what is said just beyond."""

import pytest

from pinkslip.policies.document import Fields, read
from pinkslip.policies.text import Report, Text
from pinkslip.policies.values import Values

DAY = 86_400_000


class Reading:
    """One value of `key`, in a file of its own."""

    def __init__(self, written: str) -> None:
        self.report, text = Report(), Text("a.yaml", f"key: {written}\n")
        root = read(text, self.report)
        assert isinstance(root, Fields)
        self.values, self.node = Values(text, self.report), root.entries[0][1]

    def refusal(self) -> tuple[str, str, str]:
        [problem] = self.report.problems
        return problem.message, problem.hint, problem.key_path


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("5", 5),
        ("+5", 5),
        ("007", 7),
        ("0", 0),
        ("0x10", 16),
        ("0o17", 15),
        ("100", 100),
        ("000000000000000000000000000000000000000000000000100", 100),
    ],
)
def test_a_whole_number(written: str, expected: int) -> None:
    reading = Reading(written)

    assert reading.values.count(reading.node, "key", least=0, most=100) == expected
    assert reading.report.problems == []


@pytest.mark.parametrize(
    ("written", "message", "hint"),
    [
        ("101", "key must be between 0 and 100", ""),
        ("-1", "key must be between 0 and 100", ""),
        ("9" * 400, "key must be between 0 and 100", ""),
        ("0x" + "f" * 400, "key must be between 0 and 100", ""),
        ("five", "key must be a whole number", ""),
        ("5.0", "key must be a whole number", ""),
        ('"5"', "key must be a whole number", "write it without quotes"),
        ("[5]", "key must be a whole number", ""),
    ],
    ids=lambda value: value[:20],
)
def test_no_whole_number(written: str, message: str, hint: str) -> None:
    reading = Reading(written)

    assert reading.values.count(reading.node, "key", least=0, most=100) is None
    assert reading.refusal() == (message, hint, "key")


@pytest.mark.parametrize(("written", "expected"), [("true", True), ("false", False)])
def test_a_flag(written: str, expected: bool) -> None:
    reading = Reading(written)

    assert reading.values.flag(reading.node, "key") is expected


@pytest.mark.parametrize(
    ("written", "hint"),
    [
        ("yes", "write true"),
        ("YES", "write true"),
        ("On", "write true"),
        ("no", "write false"),
        ("OFF", "write false"),
        ("True", "write true"),
        ("FALSE", "write false"),
        ("1", "write true or false"),
        ("maybe", "write true or false"),
    ],
)
def test_no_flag(written: str, hint: str) -> None:
    reading = Reading(written)

    assert reading.values.flag(reading.node, "key") is None
    assert reading.refusal() == (f'key cannot be "{written}"', hint, "key")


def test_a_flag_is_a_word() -> None:
    reading = Reading("[true]")

    assert reading.values.flag(reading.node, "key") is None
    assert reading.refusal() == ("key must be a word", "", "key")


def test_a_word_has_at_most_so_many_characters() -> None:
    just, over = Reading("x" * 200), Reading("x" * 201)
    own_just, own_over = Reading("x" * 7), Reading("x" * 8)

    assert just.values.word(just.node, "key") == "x" * 200
    assert over.values.word(over.node, "key") is None
    assert over.refusal() == ("key has 201 characters; at most 200", "", "key")
    assert own_just.values.word(own_just.node, "key", length_max=7) == "x" * 7
    assert own_over.values.word(own_over.node, "key", length_max=7) is None


@pytest.mark.parametrize(
    ("written", "expected"),
    [("1s", 1_000), ("1d", DAY), ("90s", 90_000), ("1.5m", 90_000)],
)
def test_a_duration(written: str, expected: int) -> None:
    reading = Reading(written)

    assert reading.values.span_ms(reading.node, "key", least=1_000, most=DAY) == expected


@pytest.mark.parametrize(
    ("written", "message", "hint"),
    [
        ("999ms", "key must be between 1s and 1d", ""),
        ("25h", "key must be between 1s and 1d", ""),
        ("long", 'key must be a duration: "long" is no duration', "write for example 30s"),
        ("[1s]", "key must be a word", ""),
    ],
)
def test_no_duration(written: str, message: str, hint: str) -> None:
    reading = Reading(written)

    assert reading.values.span_ms(reading.node, "key", least=1_000, most=DAY) is None
    assert reading.refusal() == (message, hint, "key")


@pytest.mark.parametrize(
    ("written", "expected"),
    [("0%", 0.0), ("100%", 1.0), ("12.5%", 0.125), ("70 %", 0.7)],
)
def test_a_share(written: str, expected: float) -> None:
    reading = Reading(written)

    assert reading.values.share(reading.node, "key") == expected


@pytest.mark.parametrize(
    ("written", "message", "hint"),
    [
        ("70", "key must be a share", "write 70%"),
        ("0.7", "key must be a share", "write 70%"),
        ("1", "key must be a share", "write 100%"),
        ("101%", "key must be a share between 0% and 100%", "write for example 10%"),
        ("5m", "key must be a share between 0% and 100%", "write for example 10%"),
        ("half", "key must be a share between 0% and 100%", "write for example 10%"),
        ("[1%]", "key must be a word", ""),
    ],
)
def test_no_share(written: str, message: str, hint: str) -> None:
    reading = Reading(written)

    assert reading.values.share(reading.node, "key") is None
    assert reading.refusal() == (message, hint, "key")


def test_one_of_some_words() -> None:
    good, near, far = Reading("red"), Reading("rad"), Reading("purple")
    words = ["red", "green"]

    assert good.values.one_of(good.node, "key", words) == "red"
    assert near.values.one_of(near.node, "key", words) is None
    assert near.refusal() == ('key cannot be "rad"', 'did you mean "red"?', "key")
    assert far.values.one_of(far.node, "key", words) is None
    assert far.refusal() == ('key cannot be "purple"', "one of red, green", "key")
