"""Counters never step back and never lie: they are what the database says, before and after a restart."""

from pathlib import Path

from tests.app.replicas import replica, settings, told, until

from pinkslip.app.tallies import Tallies
from pinkslip.metrics.inputs import DecisionKind, FireKind, HeldKind, ReversalKind
from pinkslip.model.words import ActorKind, Guard, Mode, Result, Verdict
from pinkslip.store.tables import DEFAULT_WORKSPACE
from pinkslip.web.backend import Actor

PERSON = Actor(ActorKind.PERSON, "ada")


async def test_counters_equal_the_database_and_survive_a_restart(tmp_path: Path) -> None:
    chosen = settings(tmp_path)
    async with replica(chosen) as first:
        core = first.service.serving
        await told(core, "bad", role="dev", results=[Result.FAILURE] * 6)
        await told(core, "young", role="dev", results=[Result.FAILURE] * 5)
        await told(core, "lost", role="", results=[Result.OFF_TRACK] * 3 + [Result.SUCCESS] * 4)
        await told(core, "by-hand", role="ops", results=[])
        await until(lambda: sum(core.tallies.decisions.values()) == 3)
        await first.service.fire(
            DEFAULT_WORKSPACE,
            "by-hand",
            reason="dumb",
            context="",
            force=False,
            dry_run=False,
            actor=PERSON,
        )
        await first.service.reinstate(
            DEFAULT_WORKSPACE, "bad", context="", wrong=True, actor=PERSON
        )

        counted = core.tallies
        stored = Tallies.read(core.readers, DEFAULT_WORKSPACE)

        assert counted.fires == {
            FireKind("dumb", "dumb", ActorKind.POLICY, "dev"): 1,
            FireKind("", "dumb", ActorKind.PERSON, "ops"): 1,
        }
        assert counted.decisions == {
            DecisionKind("dumb", Verdict.FIRED, Mode.ENFORCE, "dev"): 1,
            DecisionKind("dumb", Verdict.HELD, Mode.ENFORCE, "dev"): 1,
            DecisionKind("derailed", Verdict.SHADOWED, Mode.SHADOW, ""): 1,
        }
        assert counted.held == {HeldKind("dumb", Guard.NEWBORN, "dev"): 1}
        assert counted.reversals == {ReversalKind("dumb", "dev"): 1}
        assert stored == counted

    async with replica(chosen) as second:
        assert second.service.serving.tallies == counted
