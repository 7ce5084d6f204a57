"""One process through its phases, without the process: serving, losing the lease, serving again, stopping."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
import structlog
from tests.app.replicas import replica, settings, told, until

from pinkslip.app import replica as module
from pinkslip.app.replica import Progress
from pinkslip.model.errors import Invalid, Unavailable
from pinkslip.model.words import Result
from pinkslip.store.tables import DEFAULT_WORKSPACE
from pinkslip.web.backend import Phase


async def test_a_lost_lease_drops_the_tenure_and_winning_it_builds_the_fleet_anew(
    tmp_path: Path,
) -> None:
    async with replica(settings(tmp_path)) as running:
        service = running.service
        core = service.serving
        await told(core, "a", role="dev", results=[Result.SUCCESS] * 3)
        epoch = core.journal.epoch

        running._note_loss("elsewhere:1")

        assert service.state.phase is Phase.STANDBY
        with pytest.raises(Unavailable, match="elsewhere:1 serves this database"):
            _ = service.serving
        await until(lambda: service.state.phase is Phase.SERVING)
        assert service.serving is not core
        assert service.serving.journal.epoch > epoch
        view = await service.agent(DEFAULT_WORKSPACE, "a")
        assert view is not None
        assert (view.tasks, view.successes) == (3, 3)


async def test_after_stop_it_serves_nobody(tmp_path: Path) -> None:
    async with replica(settings(tmp_path)) as running:
        address = running.address

    assert running.service.state.phase is Phase.STOPPING
    host, port = address.removeprefix("http://").split(":")
    with pytest.raises(OSError, match="onnect"):
        await asyncio.open_connection(host, int(port))


async def test_an_address_that_is_taken_leaves_the_database_untouched(tmp_path: Path) -> None:
    async with replica(settings(tmp_path)) as running:
        port = int(running.address.rpartition(":")[2])
        other = tmp_path / "other"
        other.mkdir()

        with pytest.raises(Invalid, match="Address already in use; choose another"):
            async with replica(replace(settings(other), listen_port=port)):
                """It must not come here."""


async def test_a_long_rebuild_says_how_far_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TELL_AFTER_S", (0.01, 0.01))
    progress = Progress()
    with structlog.testing.capture_logs() as lines:
        monkeypatch.setattr(module, "log", structlog.get_logger())
        telling = asyncio.create_task(progress.tell())
        progress.count(1_000)
        await until(lambda: len(lines) >= 1)
        progress.count(500)
        await until(lambda: lines[-1]["folded"] == 1_500)
        telling.cancel()

    assert lines[0]["event"] == "rebuilding the fleet from the journal"
    assert lines[0]["folded"] == 1_000
