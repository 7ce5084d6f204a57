"""`pinkslip demo`."""

import asyncio
import contextlib
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Self

import click

from pinkslip.cli import demo_fleet
from pinkslip.cli.running import run_service
from pinkslip.cli.words import plain
from pinkslip.model.errors import PinkslipError
from pinkslip.model.words import SEED_DISPLAY, Fault, code_of
from pinkslip.policies.packaged import packaged_directory
from pinkslip.store.tables import DEFAULT_WORKSPACE
from pinkslip.store.views import DecisionFilters, StoredDecision
from pinkslip.web.words import concluded

if TYPE_CHECKING:
    from pinkslip.app.replica import Replica

USUAL_ADDRESS = "http://127.0.0.1:8740"
LOOK_EVERY_S = 1.0
LEFT_ALONE_AFTER_S = 45.0
"""After its provider began to fail: long enough for a policy to have blamed the agent, were it to."""
END_WITHIN_S = 5.0


@click.command()
@click.option("--listen", default="127.0.0.1:8740", show_default=True, help="Address and port.")
@click.option(
    "--database",
    default=None,
    help="Keep the data here; without it the demo starts from nothing and leaves nothing.",
)
@click.option("--quiet", is_flag=True, help="Do not tell what happens.")
def command(*, listen: str, database: str | None, quiet: bool) -> None:
    """Run the service with a simulated fleet of 24 agents.

    On the embedded database, with enforcing policies. Within two minutes one agent that fell silent and one that fails its tasks are fired, and one that fails
    through its provider is left alone. Ctrl-C ends everything.
    """
    with contextlib.ExitStack() as resources:
        if database is None:
            directory = resources.enter_context(
                tempfile.TemporaryDirectory(prefix="pinkslip-demo-")
            )
            database = str(Path(directory) / "pinkslip.db")
        agents = resources.enter_context(_Agents())
        overrides = {
            "listen": listen,
            "database": database,
            "policies": (str(packaged_directory("demo")),),
            "tick": "1s",
            "per_agent": "full",
            "log_level": "warning",
        }
        run_service(None, overrides, ready=_begin(agents, quiet=quiet))


def _begin(agents: "_Agents", *, quiet: bool) -> "Callable[[Replica], None]":
    def begin(replica: "Replica") -> None:
        agents.start(replica.address)
        agents.story = asyncio.ensure_future(_tell(replica, agents, quiet=quiet))

    return begin


class _Agents:
    """The simulated agents' processes."""

    def __init__(self) -> None:
        self._processes: list[subprocess.Popen[bytes]] = []
        self.story: asyncio.Future[None] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            try:
                process.wait(END_WITHIN_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def start(self, url: str) -> None:
        """The fleet in one process, and the one to be killed in another."""
        for arguments in ([], ["--only", demo_fleet.SILENT]):
            argv = [sys.executable, "-m", "pinkslip.cli.demo_fleet", url, *arguments]
            self._processes.append(subprocess.Popen(argv))  # noqa: S603 - argv is ours

    def kill_the_silent_one(self) -> None:
        """As the kernel's out-of-memory killer would."""
        self._processes[-1].kill()
        self._processes[-1].wait()


async def _tell(replica: "Replica", agents: _Agents, *, quiet: bool) -> None:
    """What happens, a line each, as it happens."""

    def say(line: str) -> None:
        if not quiet:
            print(plain(line), flush=True)

    program = _program()
    say("")
    say(f"24 agents start to work. Open {replica.address}/ or run, in another terminal:")
    if replica.address != USUAL_ADDRESS:
        say(f"    export PINKSLIP_URL={replica.address}")
    say(f"    {program} agents --watch")
    say(
        f"In {demo_fleet.TROUBLE_AFTER_S:.0f} s {demo_fleet.SILENT} is killed; {demo_fleet.FAILING} fails its tasks;"
    )
    say(f"{demo_fleet.UNLUCKY} fails too, but through its provider. Ctrl-C ends the demo.")
    say("")
    loop = asyncio.get_running_loop()
    kill_at: float | None = loop.time() + demo_fleet.TROUBLE_AFTER_S
    look_at: float | None = loop.time() + demo_fleet.TROUBLE_AFTER_S + LEFT_ALONE_AFTER_S
    newest = 0
    while True:
        await asyncio.sleep(LOOK_EVERY_S)
        if look_at is not None and loop.time() >= look_at:
            look_at = None
            say(await _left_alone(replica))
        if kill_at is not None and loop.time() >= kill_at:
            kill_at = None
            await asyncio.to_thread(agents.kill_the_silent_one)
            say(f"{demo_fleet.SILENT} is killed (its process, with SIGKILL).")
        with contextlib.suppress(PinkslipError):
            for decision in await _newer(replica, newest):
                newest = decision.number
                for line in _lines(decision, program):
                    say(line)


def _program() -> str:
    """What to type: `make demo` runs us from an environment that the shell's path does not know."""
    return "pinkslip" if shutil.which("pinkslip") else sys.argv[0]


async def _left_alone(replica: "Replica") -> str:
    view = await replica.service.agent(DEFAULT_WORKSPACE, demo_fleet.UNLUCKY)
    assert view is not None, "it has reported for a while"
    by_provider = view.failed[code_of(Fault.PROVIDER)]
    return (
        f"{view.agent_id}: {by_provider} of {view.tasks} tasks failed through its provider; "
        f"standing {view.standing}: nobody blames it"
    )


async def _newer(replica: "Replica", than: int) -> list[StoredDecision]:
    rows = await replica.service.decisions(
        DEFAULT_WORKSPACE, filters=DecisionFilters(), before=None, limit=50
    )
    return [row for row in reversed(rows) if row.number > than]


def _lines(decision: StoredDecision, program: str) -> Iterator[str]:
    because = "" if decision.guard else decision.evidence.words or decision.context
    yield concluded(decision, SEED_DISPLAY) + (f": {because}" if because else "")
    if decision.guard is None:
        yield f"    {program} explain {decision.id}"
