"""From text to nodes: the bounds to the letter, what is said beyond them, and where nodes begin and end."""

from collections.abc import Iterator

import pytest

from pinkslip.policies.document import (
    EVENTS_MAX,
    SIZE_MAX,
    Fields,
    Items,
    Node,
    Scalar,
    read,
    referred,
)
from pinkslip.policies.load import Source, load
from pinkslip.policies.problems import Problem
from pinkslip.policies.text import Place, Report, Text


def node_of(text: str) -> Node:
    report = Report()
    node = read(Text("a.yaml", text), report)
    assert report.problems == []
    assert node is not None
    return node


def problem_of(text: str) -> Problem:
    report = Report()
    read(Text("a.yaml", text), report)
    [problem] = report.problems
    return problem


def said(problem: Problem) -> tuple[int, int, str, str]:
    return problem.line, problem.column, problem.message, problem.hint


@pytest.mark.parametrize(
    "rest",
    ["#" * (SIZE_MAX - 2), "#" + "é" * (SIZE_MAX // 2 - 2) + "#"],
    ids=["ascii", "utf-8"],
)
def test_a_file_of_one_mebibyte_is_read_and_one_byte_more_is_refused(rest: str) -> None:
    assert isinstance(node_of(f"a\n{rest}"), Scalar)
    assert said(problem_of(f"a\n{rest}#")) == (
        1,
        1,
        "the file is larger than 1 MiB",
        "split it into several files",
    )


def test_a_file_of_as_many_events_as_there_may_be_is_read_and_refused_at_the_first_one_more() -> (
    None
):
    before, after = 3, 3  # stream, document and list begin and end
    items, rest = divmod(EVENTS_MAX - before - after, 2)

    assert rest == 0
    assert isinstance(node_of("- []\n" * items), Items)
    assert said(problem_of("- []\n" * (items + 100))) == (
        items + 2,
        4,
        "the file holds too much to read",
        "split it into several files",
    )


@pytest.mark.parametrize(
    ("letter", "message", "hint"),
    [
        ("\udc7f", "the character U+DC7F is not allowed", "remove it"),
        ("\udc80", "the byte 0x80 is not UTF-8", "save the file as UTF-8"),
        ("\udcff", "the byte 0xff is not UTF-8", "save the file as UTF-8"),
        ("\udd00", "the character U+DD00 is not allowed", "remove it"),
    ],
    ids=ascii,
)
def test_a_byte_that_is_not_utf_8_is_told_from_a_character(
    letter: str, message: str, hint: str
) -> None:
    assert said(problem_of(f"version: 1\na: {letter}")) == (2, 4, message, hint)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: 1\nb: *one\n", (2, 4, "the alias *one is not allowed", "write it out")),
        (
            "a:\n  - 1\n\na: 2\n",
            (4, 1, 'the key "a" is already given in line 1', "remove one of them"),
        ),
        ("[\n", (1, 1, "not YAML: did not find expected node content", "")),
        ("a: 1\nb: [ \n\n", (2, 4, "not YAML: did not find expected node content", "")),
        ("%FOO\n", (1, 5, "not YAML: found unknown directive name", "")),
    ],
    ids=["an alias", "a key twice", "at once over", "over too early", "without a hint"],
)
def test_what_cannot_be_read_is_said_where_it_stands(
    text: str, expected: tuple[int, int, str, str]
) -> None:
    assert said(problem_of(text)) == expected


@pytest.mark.parametrize(
    ("text", "end"),
    [
        ("a: 1\nb: 22\n\n# more\n", (1, 5)),
        ("- 1\n- 22\n\n# more\n", (1, 4)),
        ("{a: 1,\n b: 22\n}\n\n# more\n", (2, 1)),
        ("[1,\n 22\n]\n\n# more\n", (2, 1)),
        ("a: [1,\n 22\n  ]\n\n# more\n", (2, 3)),
        ("{\n}\n", (1, 1)),
    ],
)
def test_a_node_ends_with_its_bracket_or_with_its_last_word(
    text: str, end: tuple[int, int]
) -> None:
    assert node_of(text).end == end


def test_a_word_over_several_lines_is_marked_where_it_begins() -> None:
    assert node_of('  "one\n       and two"').place == Place(0, 2, 1)
    assert node_of('  "one"').place == Place(0, 2, 5)


@pytest.mark.parametrize("header", ["|", ">", ">-"])
def test_what_is_wrong_in_a_block_is_not_looked_for_in_its_header(header: str) -> None:
    text = f"version: 1\npolicies:\n- name: a\n  when: {header}  # age > 3\n    age > 3\n"

    [problem] = load([Source("a.yaml", text)]).problems

    assert (problem.line, problem.column, problem.excerpt) == (5, 5, "age > 3")


def test_all_of_another_file_is_seen_from_where_it_is_referred_to() -> None:
    place = Place(7, 9, 5)

    seen = referred(node_of("a: [1, {b: 2}]\nc: {d: 3}\n"), place)

    everything = list(_within(seen))
    assert [node.text for node in everything if isinstance(node, Scalar)] == [*"a1b2cd3"]
    assert all((node.place, node.end) == (place, (7, 9)) for node in everything)
    assert all(node.is_elsewhere for node in everything if isinstance(node, Scalar))


def _within(node: Node) -> Iterator[Node]:
    yield node
    match node:
        case Items():
            for item in node.items:
                yield from _within(item)
        case Fields():
            for key, value in node.entries:
                yield key
                yield from _within(value)
        case Scalar():
            pass
