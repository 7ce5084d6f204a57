"""Policies as loaded, how they fare, and what holds all of them, as answers tell it."""

from collections.abc import Mapping, Sequence

from pinkslip.judge.conclusions import (
    Cause,
    Deploy,
    PanicPool,
    Waiting,
)
from pinkslip.judge.guards.envelope import PoolLimit
from pinkslip.model.facts import Demoted
from pinkslip.model.policy import Policy, PolicySet
from pinkslip.model.time import rfc3339
from pinkslip.model.words import Guard, Mode, Result
from pinkslip.policies.known import Known
from pinkslip.policies.problems import Problem
from pinkslip.store.views import (
    EnforcementState,
    Stopped,
)
from pinkslip.web.answers_on_decisions import waiting_told
from pinkslip.web.backend import (
    Facts,
    PolicyState,
)
from pinkslip.web.instants import instant
from pinkslip.web.payloads import (
    CauseTold,
    DemotionTold,
    DeployTold,
    EnforcementAnswer,
    HeldTold,
    KnownAnswer,
    LimitTold,
    PanicTold,
    PoliciesAnswer,
    PolicyStatusAnswer,
    PolicyStatusTold,
    PolicyTold,
    ProblemTold,
    StoppedTold,
)
from pinkslip.web.tallies import NOTHING_DONE, Tally
from pinkslip.web.words import (
    Displays,
    policy_said,
)


def policy_told(
    policy: Policy, state: PolicyState | None = None, *, waiting: int = 0
) -> PolicyTold:
    """One policy as it stands; without `state`, as it would be loaded."""
    name = policy.name
    return PolicyTold(
        name=name,
        description=policy.description,
        mode=policy.mode,
        action=policy.action,
        reason=policy.reason,
        when=policy.when.text,
        clear_when=policy.clear_when.text if policy.clear_when else None,
        for_seconds=policy.for_ms / 1000,
        keep_for_seconds=policy.keep_for_ms / 1000,
        file=policy.file,
        line=policy.line,
        hash=policy.hash,
        text=policy.text,
        scope=policy.scope,
        ladder=tuple(map(str, policy.ladder)),
        notice_seconds=policy.notice_ms / 1000,
        approval=policy.approval,
        percent=policy.percent,
        matched=state.matched.get(name, 0) if state else 0,
        holding=state.holding.get(name, 0) if state else 0,
        open_episodes=state.open_episodes.get(name, 0) if state else 0,
        waiting=waiting,
        on_rungs=tuple(state.rungs.get(name, ())) if state else (),
        held=_held_now(state, name) if state else (),
        demoted=_demotion(state.demoted.get(name)) if state else None,
        finding=state.findings.get(name) if state else None,
    )


def _held_now(state: PolicyState, policy: str) -> tuple[HeldTold, ...]:
    return tuple(
        HeldTold(guard=guard, count=count)
        for guard in Guard
        if (count := state.held.get((policy, guard), 0))
    )


def _demotion(demoted: Demoted | None) -> DemotionTold | None:
    return None if demoted is None else DemotionTold(at=rfc3339(demoted.at), why=demoted.why)


def enforcing(policy_set: PolicySet) -> int:
    """How many policies may act."""
    return sum(policy.mode is Mode.ENFORCE for policy in policy_set.policies)


def policies_answer(
    state: PolicyState, *, waiting: Sequence[Waiting], displays: Displays
) -> PoliciesAnswer:
    """The set in force, how it stands, and the newest problems."""
    return PoliciesAnswer(
        policies=tuple(
            policy_told(policy, state, waiting=_of(policy, waiting))
            for policy in state.policy_set.policies
        ),
        enforcing=enforcing(state.policy_set),
        hash=state.policy_set.hash,
        loaded_at=rfc3339(state.loaded_at),
        places=state.places,
        reasons=state.policy_set.reasons,
        displays=displays,
        limits=tuple(map(_limit, state.limits)),
        reload_failed=state.reload_failed,
        problems=problems_told(state.problems),
    )


def _of(policy: Policy, waiting: Sequence[Waiting]) -> int:
    return sum(one.policy == policy.name for one in waiting)


def policy_status_answer(
    state: PolicyState,
    tallies: Mapping[str, Tally],
    *,
    waiting: Sequence[Waiting],
    since: int | None,
) -> PolicyStatusAnswer:
    """How every policy in force fares, now and since then."""
    return PolicyStatusAnswer(
        since=instant(since),
        policies=tuple(
            _policy_status(
                policy,
                state,
                tallies.get(policy.name, NOTHING_DONE),
                waiting=_of(policy, waiting),
            )
            for policy in state.policy_set.policies
        ),
        limits=tuple(map(_limit, state.limits)),
    )


def _policy_status(
    policy: Policy, state: PolicyState, tally: Tally, *, waiting: int
) -> PolicyStatusTold:
    now = policy_told(policy, state, waiting=waiting)
    return PolicyStatusTold(
        name=now.name,
        mode=now.mode,
        action=now.action,
        ladder=now.ladder,
        demoted=now.demoted,
        matched=now.matched,
        holding=now.holding,
        open_episodes=now.open_episodes,
        waiting=waiting,
        on_rungs=now.on_rungs,
        held_now=now.held,
        verdicts={verdict.value: count for verdict, count in tally.verdicts.items()},
        would={action.value: count for action, count in tally.would.items()},
        held={guard.value: count for guard, count in tally.held.items()},
        reversed=tally.overruled.total(),
        words=policy_said(
            tally,
            mode=now.mode,
            matched=now.matched,
            holding=now.holding,
            waiting=waiting,
            demoted=now.demoted is not None,
        ),
    )


def _limit(limit: PoolLimit) -> LimitTold:
    return LimitTold(
        pool=limit.pool,
        agents=limit.agents,
        max_fires=limit.max_fires,
        per_seconds=limit.per_ms / 1000,
        min_active=limit.min_active,
        words=limit.words,
    )


def known_answer(known: Known, *, reasons: Sequence[str], displays: Displays) -> KnownAnswer:
    """What policies can speak of here."""
    retention_ms = known.retention_ms
    return KnownAnswer(
        results=None
        if known.results is None
        else tuple(result for result in Result if result in known.results),
        fields={field: tuple(sorted(values)) for field, values in known.fields.items()},
        labels=None if known.labels is None else tuple(sorted(known.labels)),
        pool_label=known.pool_label,
        pools=known.pools,
        min_tasks=known.min_tasks,
        retention_seconds=None if retention_ms is None else retention_ms / 1000,
        reasons=tuple(reasons),
        displays=displays,
    )


def problems_told(problems: Sequence[Problem]) -> tuple[ProblemTold, ...]:
    """Findings in policy files."""
    return tuple(
        ProblemTold(
            file=problem.file,
            line=problem.line,
            column=problem.column,
            severity=problem.severity.value,
            message=problem.message,
            hint=problem.hint,
            excerpt=problem.excerpt,
            key_path=problem.key_path,
        )
        for problem in problems
    )


def enforcement_answer(
    state: EnforcementState, facts: Facts, *, displays: Displays
) -> EnforcementAnswer:
    """Whether anybody can be fired by a policy, where not, and what waits for a person."""
    return EnforcementAnswer(
        enabled=state.stopped is None and state.everywhere is None,
        stopped=_stopped(state.stopped),
        everywhere=_stopped(state.everywhere),
        panics=tuple(map(_panic, facts.panics)),
        causes=tuple(map(_cause, facts.causes)),
        deploys=tuple(map(_deploy, facts.deploys)),
        waiting=tuple(waiting_told(one, displays=displays) for one in facts.waiting),
    )


def _panic(panic: PanicPool) -> PanicTold:
    return PanicTold(
        pool=panic.pool, since=rfc3339(panic.since), newly=panic.newly, size=panic.size
    )


def _cause(cause: Cause) -> CauseTold:
    return CauseTold(
        factor=cause.factor,
        value=cause.value,
        failing=cause.failing,
        size=cause.size,
        others_failing=cause.others_failing,
        others_size=cause.others_size,
        p=cause.p,
        words=cause.words,
    )


def _deploy(deploy: Deploy) -> DeployTold:
    return DeployTold(
        pool=deploy.pool,
        restarted=deploy.restarted,
        size=deploy.size,
        since=rfc3339(deploy.since),
    )


def _stopped(stopped: Stopped | None) -> StoppedTold | None:
    if stopped is None:
        return None
    return StoppedTold(at=rfc3339(stopped.at), by=stopped.actor, reason=stopped.reason)
