"""A policy that cannot be judged is seen everywhere people look, and nowhere else does anything change."""

import asyncio
import urllib.request
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from tests.app.replicas import POLICIES, replica, settings, told, until
from tests.judge.world import broken_condition

from pinkslip.app.replica import Replica
from pinkslip.cli.main import main
from pinkslip.deciding.seat import Seat
from pinkslip.model.words import ActorKind, Result
from pinkslip.store.tables import DEFAULT_WORKSPACE
from pinkslip.web.backend import Actor

SAID = "policy dumb ({file}:8) could not be judged, and nothing was decided by it"


def break_dumb(seat: Seat) -> None:
    """From now on the policy `dumb` breaks, as only a bug of ours could make it."""
    broken = tuple(
        replace(policy, when=broken_condition()) if policy.name == "dumb" else policy
        for policy in seat.policy_set.policies
    )
    seat.policy_set = replace(seat.policy_set, policies=broken)


async def broken(running: Replica) -> None:
    core = running.service.serving
    await told(core, "a", role="dev", results=[Result.OFF_TRACK] * 5)
    await core.ask(break_dumb)
    await until(lambda: core.judgement is not None and bool(core.judgement.findings))


async def pinkslip(running: Replica, *arguments: str) -> str:
    done = await asyncio.to_thread(
        CliRunner().invoke, main, arguments, env={"PINKSLIP_URL": running.address}
    )
    return done.output


async def page(running: Replica) -> str:
    def get() -> str:
        with urllib.request.urlopen(f"{running.address}/metrics") as answer:
            return str(answer.read().decode())

    return await asyncio.to_thread(get)


async def test_a_broken_policy_is_shown_by_the_api_and_the_command_line(tmp_path: Path) -> None:
    said = SAID.format(file=tmp_path / "policies.yaml")
    async with replica(settings(tmp_path)) as running:
        whole = await pinkslip(running, "policy", "show")
        await broken(running)

        state = await running.service.policies(DEFAULT_WORKSPACE)
        shown = await pinkslip(running, "policy", "show")
        examined = await pinkslip(
            running, "doctor", "--database", str(tmp_path / "pinkslip.db")
        )

    assert "could not be judged" not in whole
    assert list(state.findings) == ["dumb"]
    assert state.findings["dumb"].startswith(said)
    assert f"broken: {said}" in shown
    (line,) = [line for line in examined.splitlines() if said in line]
    assert line.startswith("problem")


async def test_a_broken_policy_is_a_series_that_alerts_can_read(tmp_path: Path) -> None:
    async with replica(settings(tmp_path)) as running:
        before = await page(running)
        await broken(running)
        after = await page(running)

    assert 'pinkslip_policy_broken{policy="dumb",workspace="default"} 0.0\n' in before
    assert 'pinkslip_policy_broken{policy="dumb",workspace="default"} 1.0\n' in after
    assert 'pinkslip_policy_broken{policy="derailed",workspace="default"} 0.0\n' in after


async def test_why_answers_whole_for_the_others(tmp_path: Path) -> None:
    async with replica(settings(tmp_path)) as running:
        await broken(running)

        why = await running.service.why(DEFAULT_WORKSPACE, "a")

    assert why is not None
    dumb, derailed = why.policies
    assert "could not be judged" in dumb.words
    assert (derailed.truth, derailed.values) == ("true", {"off_track[10 tasks]": 5.0})


async def test_a_reload_with_another_text_forgets_what_was_broken(tmp_path: Path) -> None:
    chosen = settings(tmp_path)
    async with replica(replace(chosen, tick_ms=3_600_000)) as running:
        core = running.service.serving
        await told(core, "a", role="dev", results=[Result.OFF_TRACK] * 5)
        await core.ask(break_dumb)
        await core.tick()
        actor = Actor(ActorKind.PERSON, "ada")

        same = await running.service.reload(actor=actor)
        chosen.policies[0].write_text(POLICIES.replace("< 50%", "< 40%"))
        other = await running.service.reload(actor=actor)

    assert list(same.findings) == ["dumb"]
    assert not other.findings


async def test_a_policy_that_stays_broken_is_logged_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with replica(replace(settings(tmp_path), tick_ms=3_600_000)) as running:
        core = running.service.serving
        await told(core, "a", role="dev", results=[Result.OFF_TRACK] * 5)
        await core.ask(break_dumb)
        await core.tick()
        await core.tick()

    assert capsys.readouterr().out.count("a policy is broken") == 1
