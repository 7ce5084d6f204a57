"""What `/metrics` says, gathered from whoever knows it."""

from collections.abc import Sequence

from pinkslip.app.core import Core, stopped_because
from pinkslip.metrics.inputs import (
    Facts,
    OwnFacts,
    PolicyFacts,
    WorkspaceFacts,
    roles_in_panic,
)
from pinkslip.metrics.selection import Detail, SeriesRule, SeriesSettings
from pinkslip.model.policy import Matcher
from pinkslip.model.words import EpisodeState
from pinkslip.settings import MetricsRule, Settings


async def gather(core: Core, *, reload_successful: bool, reloaded_at: int | None) -> Facts:
    """Everything a page is made from, holding all that was answered before the call."""
    now = core.journal.now()
    snapshot, evidence = await core.ask(lambda seat: (seat.snapshot(now=now), seat.evidence()))
    judgement = core.judgement
    findings = judgement.findings if judgement else ()
    panics = [panic.pool for panic in judgement.panics] if judgement else []
    waiting = judgement.waiting if judgement else ()
    pool = core.policies.policy_set.guards.pool
    workspace = WorkspaceFacts(
        name=core.workspace.name,
        snapshot=snapshot,
        policies=tuple(
            PolicyFacts(
                policy.name,
                policy.mode,
                policy.action,
                policy.reason,
                frozenset(rung.action for rung in policy.ladder),
                waits=policy.notice_ms > 0 or policy.approval,
            )
            for policy in core.policies.policy_set.policies
        ),
        broken=frozenset(finding.policy for finding in findings),
        fires=dict(core.tallies.fires),
        decisions=dict(core.tallies.decisions),
        held=dict(core.tallies.held),
        reversals=dict(core.tallies.reversals),
        zombies=core.zombies,
        panic=roles_in_panic(snapshot, pool=pool, panicking=panics),
        evidence=evidence,
        silenced=frozenset(judgement.silenced) if judgement else frozenset(),
        demoted=frozenset(core.demoted),
        noticed=sum(one.state is EpisodeState.NOTICED for one in waiting),
        awaiting=sum(one.state is EpisodeState.AWAITING for one in waiting),
        silences=len(core.silences),
        common_causes=len(judgement.causes) if judgement else 0,
        mass_restarts=len(judgement.deploys) if judgement else 0,
        deliveries=core.delivery_counts,
        enforcement_enabled=stopped_because(core.enforcement) is None,
        evaluated_at=core.last_tick_at,
    )
    core.own.committed(core.journal.stats.drain_commits())
    ourselves = OwnFacts(
        leader=core.journal.leads,
        lease_epoch=core.journal.epoch,
        journal_queue_length=core.journal.queue_length,
        config_reload_successful=reload_successful,
        config_reloaded_at=reloaded_at,
        wall_offset_ms=core.journal.wall_offset_ms,
    )
    return Facts(workspaces=(workspace,), ourselves=ourselves)


def series_settings(settings: Settings) -> SeriesSettings:
    """The metrics' share of the settings."""
    return SeriesSettings(
        rules=tuple(_rule(rule) for rule in settings.per_agent),
        max_agents=settings.max_agents_exported,
        ttl_ms=settings.series_ttl_ms,
    )


def _rule(rule: MetricsRule) -> SeriesRule:
    return SeriesRule(detail=Detail(rule.level), match=tuple(_matchers(rule)))


def _matchers(rule: MetricsRule) -> Sequence[Matcher]:
    return [Matcher(field, patterns=(pattern,)) for field, pattern in rule.match.items()]
