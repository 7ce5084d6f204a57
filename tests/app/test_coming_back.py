"""An agent that was away, whatever for, finds its place on the ladder as it left it."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from tests.app.replicas import replica, settings, told, until

from pinkslip.app import core as core_module
from pinkslip.app.core import Core
from pinkslip.app.tallies import Tallies
from pinkslip.metrics.inputs import DecisionKind
from pinkslip.model.events import Finish, Heartbeat, Report
from pinkslip.model.words import Mode, Result, Standing, Verdict
from pinkslip.settings import Settings
from pinkslip.store.tables import DEFAULT_WORKSPACE

LADDERS = """\
version: 1
guards:
  max_fired: {share: 100%, per: 1h, at_least: 5}
  min_active: 0
  newborn: {age: 0s, tasks: 1}
  common_cause: off
  panic: off
policies:
  - {name: spent, reason: dumb, when: 'failures[20 tasks] >= 3', mode: enforce, ladder: [probation, fire]}
  - {name: proven, reason: dumb, when: 'proven(success < 70%, error=1%)', mode: enforce, ladder: [probation, fire]}
  - {name: kin, reason: dumb, scope: lineage, when: 'failures[20 tasks] >= 3', mode: enforce, ladder: [probation, fire]}
"""
PROBATION = {
    DecisionKind(policy, Verdict.PROBATION, Mode.ENFORCE, "dev"): 1
    for policy in ("spent", "proven", "kin")
}


@pytest.fixture
def chosen(tmp_path: Path) -> Settings:
    made = settings(tmp_path)
    file = tmp_path / "ladders.yaml"
    file.write_text(LADDERS)
    return replace(made, policies=(file,))


@pytest.mark.parametrize("is_seen_late", [False, True])
async def test_its_old_failures_take_it_no_further(
    chosen: Settings, monkeypatch: pytest.MonkeyPatch, is_seen_late: bool
) -> None:
    """`is_seen_late`: always right after a tick looked who lacks history, and before its mark."""
    async with replica(chosen) as first:
        core = first.service.serving
        await report(core, Heartbeat(role="dev", lineage="worker"))
        await told(core, "bad", role="dev", results=[Result.FAILURE] * 10)
        await until(lambda: core.tallies.decisions == PROBATION)
        await report(core, Finish())
        monkeypatch.setattr(core_module, "keep_ms", lambda *_: 0)
        await core.save()
        await ticks(core, 3)
        assert await standing(core) is None
        if is_seen_late:
            monkeypatch.setattr(Core, "catch_up", _nothing)

        await comes_back(core, "second")

    async with replica(chosen) as second:
        core = second.service.serving
        await comes_back(core, "third")

        stored = Tallies.read(core.readers, DEFAULT_WORKSPACE)
        assert stored.decisions == core.tallies.decisions == PROBATION


async def comes_back(core: Core, boot: str) -> None:
    """Told of, and looked at many times."""
    await report(core, Heartbeat(role="dev", boot_id=boot))
    await ticks(core, 10)
    assert await standing(core) is Standing.PROBATION


async def ticks(core: Core, count: int) -> None:
    for _ in range(count):
        before = core.last_tick_at
        await until(lambda before=before: core.last_tick_at != before)


async def standing(core: Core) -> Standing | None:
    """None: it is not in memory."""
    now = core.journal.now()
    view = await core.ask(lambda seat: seat.fleet.agent("bad", now=now))
    return None if view is None else view.standing


async def report(core: Core, event: Heartbeat | Finish) -> None:
    await asyncio.wrap_future(core.journal.report([Report(DEFAULT_WORKSPACE, "bad", event)]))


async def _nothing(_core: Core) -> None: ...
