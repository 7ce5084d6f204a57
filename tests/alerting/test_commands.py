"""What runbooks, alerts and guides tell a person to type exists."""

import re
import shlex
from pathlib import Path

import click
import pytest
from tests.alerting.shipped import ALERTING, RULES, RUNBOOKS

from pinkslip.cli.main import main

DOCS = ALERTING.parent / "docs"
GUIDES = [DOCS / "alerting.md", DOCS / "dashboards.md"]
COMMAND = re.compile(r"(?:`|\$ )(pinkslip [a-z][^`\n]*)")


@pytest.mark.parametrize("path", [*RUNBOOKS, *RULES, *GUIDES], ids=lambda path: path.stem)
def test_commands_that_people_are_told_to_type_exist(path: Path) -> None:
    # an agent's name comes from a template in the rules
    text = re.sub(r"\{\{[^}]*\}\}", "AGENT", path.read_text())

    for command in COMMAND.findall(re.sub(r"\s*\n\s+", " ", text) if path in RULES else text):
        _parse(main, shlex.split(command))


def _parse(command: click.Command, words: list[str]) -> None:
    """Let click read the words, without running anything; a wrong word raises click.UsageError."""
    context = click.Context(command, info_name=words[0])
    rest = words[1:]
    while isinstance(command, click.Group) and rest:
        name, found, rest = command.resolve_command(context, rest)
        assert found is not None
        command, context = found, click.Context(found, info_name=name, parent=context)
    if rest or len(words) > 2:  # `pinkslip assets` names a command, it is no call of it
        command.make_context(context.info_name, rest, parent=context.parent)
