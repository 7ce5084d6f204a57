"""A running service with a small fleet that has had its troubles, and the command to ask it with."""

from collections.abc import Callable, Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result
from tests.cli.threads import in_a_thread
from tests.running import Running, eventually, serving
from tests.web.backend import MemoryBackend

from pinkslip.app.clock import SystemClock
from pinkslip.cli.main import COMMANDS, main
from pinkslip.web.application import application

Pinkslip = Callable[..., Result]

POLICIES = """\
version: 1
guards:
  max_fired: {share: 50%, per: 1h, at_least: 2}
  min_active: 0
  panic: {share: 60%, at_least: 5, per: 20s}
  newborn: {age: 0s, tasks: 0}
policies:
  - name: dumb
    reason: dumb
    when: tasks[10 tasks] >= 5 and success_rate[10 tasks] < 50%
    for: 0s
    mode: enforce
    action: fire
  - name: derailed
    reason: derailed
    when: off_track[10 tasks] >= 3
    for: 0s
    mode: shadow
    action: fire
"""
ODD = "team a/50% Grüße [red]x[/red]"
"""An id with all that an address, a table and a terminal could trip over."""
HOSTILE = "\x1b[2Jgone \x9b31m\u202eevil\nfired for nothing"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    home: Path = tmp_path_factory.mktemp("service")
    (home / "policies.yaml").write_text(POLICIES)
    with serving(home, policies=home / "policies.yaml", settings={"tick": "300ms"}) as running:
        _report_troubles(running)
        yield running


def _report_troubles(running: Running) -> None:
    running.beat("good-1", status="WORKING", role="tester", currentTask="read", interval=3600)
    running.events(
        {"type": "heartbeat", "agentId": ODD, "status": "WORKING", "currentTask": HOSTILE},
        *({"type": "outcome", "agentId": "bad-1", "result": "failure"} for _ in range(6)),
        *({"type": "outcome", "agentId": "lost-1", "result": "off_track"} for _ in range(4)),
    )
    running.ask("PUT", "/api/sessions/chat-7", {"agentId": "good-1", "channel": "web"})
    eventually(lambda: running.agent("bad-1")["standing"] == "fired")
    eventually(lambda: running.decisions("&verdict=shadowed"))


@pytest.fixture
def pinkslip(service: Running) -> Pinkslip:
    """The command, asking that service."""

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(main, arguments, env={"PINKSLIP_URL": service.url})

    return run


@pytest.fixture
def backend() -> MemoryBackend:
    """What `asked` serves: for states that a real service takes hours to come to."""
    return MemoryBackend()


@pytest.fixture
def asked(backend: MemoryBackend) -> Iterator[Pinkslip]:
    """The command, asking our application over that backend."""
    app = application(backend, clock=SystemClock(), version="0.1.0")
    with in_a_thread(app) as url:

        def run(*arguments: str) -> Result:
            return CliRunner().invoke(main, arguments, env={"PINKSLIP_URL": url})

        yield run


@pytest.fixture(autouse=True)
def fresh_help() -> None:
    """click keeps a command's help option from its first use, which may have been without its group."""
    commands: list[click.Command] = [
        main.get_command(click.Context(main), name) or main for name in COMMANDS
    ]
    for command in commands:
        command._help_option = None
        if isinstance(command, click.Group) and command is not main:
            commands.extend(command.commands.values())
