"""What the command says, on whatever it is read: text from agents is only ever text.

Names, tasks and errors come from strangers. Nothing of theirs may move the cursor, colour the screen, or look
like a line of ours.
"""

import json
import re

import click

_UNPRINTABLE = re.compile(r"[^\x20-\x7e]")


def plain(text: object) -> str:
    """One line that a terminal only shows: white space becomes a space, what it would obey is spelled out."""
    return _UNPRINTABLE.sub(_shown, str(text))


def counted(count: int, noun: str) -> str:
    """`1 agent`, `2 agents`."""
    return (
        f"{count} {noun}"
        if count == 1
        else f"{count} {noun.removesuffix('y')}{'ies' if noun.endswith('y') else 's'}"
    )


def say(line: object = "") -> None:
    """A line on standard output."""
    click.echo(plain(line))


def complain(line: object) -> None:
    """A line on standard error."""
    click.echo(plain(line), err=True)


def print_json(value: object) -> None:
    """Indented and whole; letters of all languages as they are, control characters escaped."""
    text = json.dumps(value, indent=2, ensure_ascii=False)
    click.echo(re.sub(r"[^\x20-\x7e\n]", _escaped, text))


def _shown(found: "re.Match[str]") -> str:
    letter = found[0]
    if letter.isprintable():
        return letter
    return " " if letter.isspace() else ascii(letter)[1:-1]


def _escaped(found: "re.Match[str]") -> str:
    letter = found[0]
    return letter if letter.isprintable() else json.dumps(letter)[1:-1]
