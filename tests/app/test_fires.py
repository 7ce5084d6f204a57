"""A person's fire: what it is told of the guards it passes, whatever ails the judge."""

from dataclasses import replace
from pathlib import Path

import pytest
from tests.app.replicas import POLICIES, replica, settings, told

from pinkslip.app.service import Service
from pinkslip.deciding.seat import Seat
from pinkslip.model.policy import Guards
from pinkslip.model.words import ActorKind, Guard, Result
from pinkslip.settings import Settings
from pinkslip.store.acts import FireDone
from pinkslip.store.tables import DEFAULT_WORKSPACE
from pinkslip.web.backend import Actor

ADA = Actor(ActorKind.PERSON, "ada")
YOUNG = POLICIES.replace("{age: 0s, tasks: 6}", "{age: 5m, tasks: 0}")
FEW = POLICIES.replace("min_active: 0", "min_active: 2")


def guarded(directory: Path, policies: str) -> Settings:
    """It ticks once an hour, so that nothing moves meanwhile; 1 ms is an interval we have surely watched."""
    chosen = replace(settings(directory), tick_ms=3_600_000, heartbeat_interval_ms=1)
    chosen.policies[0].write_text(policies)
    return chosen


async def fire(service: Service, *, dry_run: bool = False, force: bool = False) -> FireDone:
    return await service.fire(
        DEFAULT_WORKSPACE,
        "a",
        reason="dumb",
        context="",
        force=force,
        dry_run=dry_run,
        actor=ADA,
    )


@pytest.mark.parametrize("dry_run", [True, False])
@pytest.mark.parametrize(
    ("policies", "expected"),
    [(YOUNG, Guard.NEWBORN), (POLICIES, Guard.NEWBORN), (FEW, Guard.ENVELOPE)],
    ids=["too young", "too few tasks", "too few left"],
)
async def test_a_fire_names_the_guards_it_passes_in_a_dry_run_too(
    tmp_path: Path, policies: str, expected: Guard, dry_run: bool
) -> None:
    async with replica(guarded(tmp_path, policies)) as running:
        core = running.service.serving
        await told(core, "a", role="dev", results=[Result.SUCCESS] * 5)

        done = await fire(running.service, dry_run=dry_run)

    assert expected in done.bypassed


async def test_a_fire_names_every_guard_once_and_in_their_order(tmp_path: Path) -> None:
    async with replica(guarded(tmp_path, YOUNG)) as running:
        service = running.service
        await told(service.serving, "a", role="dev", results=[])
        await service.protect(
            DEFAULT_WORKSPACE, "a", until=service.now() + 3_600_000, context="", actor=ADA
        )
        await service.stop_enforcement(
            DEFAULT_WORKSPACE, everywhere=False, reason="drill", actor=ADA
        )

        done = await fire(service, force=True)

    assert [guard for guard in done.bypassed if guard is not Guard.BLIND_TIME] == [
        Guard.STOPPED,
        Guard.NEWBORN,
        Guard.PROTECTED,
    ]


async def test_a_fire_goes_through_when_the_judge_cannot_be_asked(tmp_path: Path) -> None:
    def break_guards(seat: Seat) -> None:
        nowhere = replace(Guards(), pool="label")  # no such field
        seat.policy_set = replace(seat.policy_set, guards=replace(nowhere, panic=None))  # type: ignore[arg-type]  # on purpose

    async with replica(guarded(tmp_path, POLICIES)) as running:
        core = running.service.serving
        await told(core, "a", role="dev", results=[])
        await core.ask(break_guards)

        done = await fire(running.service)

    assert done.fire_id is not None
    assert done.bypassed == ()
