"""A whole replica in this process: the real rooms, wired as `serve` wires them, on a port of its own."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from pinkslip.app.core import Core
from pinkslip.app.policy_files import load_policies
from pinkslip.app.replica import Replica
from pinkslip.model.events import Heartbeat, Outcome, Report
from pinkslip.model.words import Result
from pinkslip.settings import Read, Settings
from pinkslip.store.tables import DEFAULT_WORKSPACE
from pinkslip.web.backend import Phase

POLICIES = """\
version: 1
guards:
  max_fired: {share: 100%, per: 1h, at_least: 5}
  max_fires: {count: 20, per: 1h}
  min_active: 0
  newborn: {age: 0s, tasks: 6}
policies:
  - {name: dumb, reason: dumb, when: 'tasks[10 tasks] >= 5 and success_rate[10 tasks] < 50%', for: 0s, mode: enforce, action: fire}
  - {name: derailed, reason: derailed, when: 'off_track[10 tasks] >= 3', for: 0s, mode: shadow, action: fire}
"""


def settings(directory: Path) -> Settings:
    """Quick ones."""
    file = directory / "policies.yaml"
    file.write_text(POLICIES)
    return Settings(
        listen_port=0, database=str(directory / "pinkslip.db"), policies=(file,), tick_ms=100
    )


@asynccontextmanager
async def replica(chosen: Settings) -> AsyncIterator[Replica]:
    """Serving; stopped at the end."""
    ready = asyncio.Event()
    policies = load_policies(chosen.policies, reasons=chosen.reasons)
    made = Replica(replace(chosen), policies, read_again=lambda: Read(chosen, ()))
    running = asyncio.create_task(made.run(ready=lambda _replica: ready.set()))
    waiting = asyncio.create_task(ready.wait())
    await asyncio.wait([running, waiting], return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    if running.done():
        running.result()
    await until(lambda: made.service.state.phase is Phase.SERVING)
    try:
        yield made
    finally:
        made.stop()
        await running


async def until(claim: Callable[[], bool]) -> None:
    """Bounded by the test's own timeout."""
    while not claim():  # noqa: ASYNC110 - nothing tells of it
        await asyncio.sleep(0.02)


async def told(core: Core, agent: str, *, role: str, results: list[Result]) -> None:
    """A heartbeat and so many outcomes, committed."""
    events: list[Heartbeat | Outcome] = [Heartbeat(role=role)]
    events += [Outcome(result=result) for result in results]
    for event in events:
        await asyncio.wrap_future(
            core.journal.report([Report(DEFAULT_WORKSPACE, agent, event)])
        )
