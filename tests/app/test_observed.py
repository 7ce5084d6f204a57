"""What `/metrics` is made from."""

from pathlib import Path

from tests.app.replicas import replica, settings, told, until

from pinkslip.app import observed
from pinkslip.metrics.selection import Detail
from pinkslip.model.words import ActorKind, Result
from pinkslip.settings import MetricsRule, Settings
from pinkslip.store.tables import DEFAULT_WORKSPACE
from pinkslip.web.backend import Actor


async def test_a_page_holds_all_that_was_answered_before_it_was_asked_for(
    tmp_path: Path,
) -> None:
    async with replica(settings(tmp_path)) as running:
        core = running.service.serving
        await told(core, "a", role="dev", results=[Result.SUCCESS] * 2)

        facts = await observed.gather(core, reload_successful=True, reloaded_at=None)

        (workspace,) = facts.workspaces
        assert list(workspace.snapshot.agent_ids) == ["a"]
        assert workspace.snapshot.tasks.tolist() == [2]
        assert [policy.name for policy in workspace.policies] == ["dumb", "derailed"]
        assert workspace.enforcement_enabled
        assert facts.ourselves.leader
        assert facts.ourselves.lease_epoch == core.journal.epoch
        assert facts.ourselves.wall_offset_ms == core.journal.wall_offset_ms == 0


async def test_a_stop_of_enforcement_is_on_the_next_page(tmp_path: Path) -> None:
    async with replica(settings(tmp_path)) as running:
        service, core = running.service, running.service.serving
        await until(lambda: core.last_tick_at is not None)
        await service.stop_enforcement(
            DEFAULT_WORKSPACE,
            everywhere=False,
            reason="drill",
            actor=Actor(ActorKind.PERSON, "ada"),
        )

        facts = await observed.gather(core, reload_successful=False, reloaded_at=7)

        assert not facts.workspaces[0].enforcement_enabled
        assert facts.workspaces[0].evaluated_at is not None
        assert not facts.ourselves.config_reload_successful
        assert facts.ourselves.config_reloaded_at == 7


def test_rules_of_the_settings_become_rules_of_the_page() -> None:
    chosen = Settings(
        per_agent=(MetricsRule({"role": "batch.*"}, "off"), MetricsRule({}, "full")),
        max_agents_exported=7,
        series_ttl_ms=5_000,
    )

    made = observed.series_settings(chosen)

    assert [rule.detail for rule in made.rules] == [Detail.OFF, Detail.FULL]
    assert made.rules[0].match[0].field == "role"
    assert made.rules[0].match[0].patterns == ("batch.*",)
    assert (made.max_agents, made.ttl_ms) == (7, 5_000)
