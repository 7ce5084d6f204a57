"""What strangers wrote is only ever text."""

import json

import click
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from pinkslip.cli.words import plain, print_json


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Grüße, 日本 👍", "Grüße, 日本 👍"),
        ("two\nlines\tand\u2028more", "two lines and more"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("\x9b2J", "\\x9b2J"),
        ("\u202egnirts", "\\u202egnirts"),
        ("bell\x07", "bell\\x07"),
        ("caf\udce9", "caf\\udce9"),
        (7, "7"),
    ],
)
def test_plain_shows_letters_and_spells_out_what_a_terminal_would_obey(
    text: object, shown: str
) -> None:
    assert plain(text) == shown


@given(st.text())
def test_plain_is_one_printable_line_whatever_comes(text: str) -> None:
    assert plain(text).isprintable()


@given(st.recursive(st.text() | st.none(), st.lists))
def test_json_reads_back_the_same_and_is_printable(value: object) -> None:
    @click.command()
    def say() -> None:
        print_json(value)

    output = CliRunner().invoke(say).stdout

    assert json.loads(output) == value
    assert all(letter.isprintable() or letter == "\n" for letter in output)
