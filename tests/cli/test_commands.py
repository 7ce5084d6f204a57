"""The table of commands, the guide and the modules say the same; and the command starts fast."""

import inspect
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from tests.running import Running

from pinkslip.cli import assets
from pinkslip.cli.commands import agents, decisions
from pinkslip.cli.commands import assets as assets_command
from pinkslip.cli.exits import Exit
from pinkslip.cli.main import COMMANDS, main
from pinkslip.model.words import Verdict
from pinkslip.settings import SETTINGS

GUIDE = (Path(__file__).parents[2] / "docs" / "cli.md").read_text()
HEAVY = ("numpy", "sqlalchemy", "aiohttp", "yaml", "lark", "msgspec", "asyncio", "rich")


def _command(name: str) -> click.Command:
    found = import_module(f"pinkslip.cli.commands.{name}").command
    assert isinstance(found, click.Command)
    return found


def _leaves(command: click.Command, path: tuple[str, ...]) -> list[tuple[str, ...]]:
    if not isinstance(command, click.Group):
        return [path]
    return [
        leaf for name, sub in command.commands.items() for leaf in _leaves(sub, (*path, name))
    ]


ALL = [leaf for name in COMMANDS for leaf in _leaves(_command(name), (name,))]


@pytest.mark.parametrize("name", COMMANDS)
def test_the_first_line_of_its_help_is_the_line_in_the_table(name: str) -> None:
    assert (_command(name).help or "").splitlines()[0] == COMMANDS[name]


def test_every_module_of_the_room_is_in_the_table() -> None:
    modules = Path(agents.__file__).parent.glob("*.py")

    assert {path.stem for path in modules} - {"__init__"} == set(COMMANDS)


@pytest.mark.parametrize("path", ALL, ids=" ".join)
def test_every_command_stands_in_the_guide(path: tuple[str, ...]) -> None:
    first, *rest = path
    row = re.search(rf"^\| `{first}\b.*$", GUIDE, re.MULTILINE)

    assert row, first
    assert all(re.search(rf"\b{word}\b", row[0]) for word in rest), path


@pytest.mark.parametrize("path", ALL, ids=" ".join)
def test_every_command_explains_itself_and_each_of_its_options(path: tuple[str, ...]) -> None:
    done = CliRunner().invoke(main, [*path, "-h"])

    assert done.exit_code == 0
    assert done.output.startswith(f"Usage: main {' '.join(path)}")
    command: click.Command = main
    for name in path:
        assert isinstance(command, click.Group)
        found = command.get_command(click.Context(command), name)
        assert found is not None
        command = found
    for parameter in command.params:
        assert not isinstance(parameter, click.Option) or parameter.help, parameter.name


def test_every_answer_can_be_had_as_json() -> None:
    without = {"serve", "demo", "completion"}

    for path in ALL:
        assert ("--json" in CliRunner().invoke(main, [*path, "-h"]).output) != (
            path[0] in without
        ), path


def test_the_exit_codes_are_those_of_the_guide() -> None:
    told = {int(code) for code in re.findall(r"^\| (\d+) \|", GUIDE, re.MULTILINE)}

    assert told == {int(code) for code in Exit}


def test_serve_takes_every_setting_as_an_option() -> None:
    options = {option for one in _command("serve").params for option in one.opts}

    assert {"--" + setting.key.replace("_", "-") for setting in SETTINGS} <= options


def test_what_light_commands_repeat_is_what_the_rooms_say() -> None:
    rendered = inspect.signature(assets.render).parameters
    chosen = {one.name: one for one in assets_command.command.params}

    assert set(decisions.VERDICTS) == {verdict.value for verdict in Verdict}
    for name, parameter in rendered.items():
        assert name in chosen, name
        if parameter.default not in (inspect.Parameter.empty, None, ()):
            assert chosen[name].default == parameter.default, name


@pytest.mark.parametrize("arguments", [["--help"], ["status"], ["agents"], ["why", "good-1"]])
def test_commands_for_every_day_import_nothing_heavy(
    arguments: list[str], service: Running
) -> None:
    program = (
        "import sys\n"
        "from pinkslip.cli.main import main\n"
        f"main({arguments!r}, standalone_mode=False)\n"
        f"print(*[name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", program],
        env={"PINKSLIP_URL": service.url},
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stderr.split() == []
