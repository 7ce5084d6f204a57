"""What the landing page says: who works on what, who was fired and why, what the policies may do, in words."""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

import numpy as np

from pinkslip.fleet.snapshot import AgentView, Snapshot
from pinkslip.judge.conclusions import PanicPool, Waiting
from pinkslip.judge.guards.common_cause import Cause
from pinkslip.judge.guards.mass_restart import Deploy
from pinkslip.model.facts import Demoted
from pinkslip.model.policy import Policy
from pinkslip.model.time import MINUTE_MS, SECOND_MS, rfc3339, spoken
from pinkslip.model.words import (
    DeliveryState,
    EpisodeState,
    Fault,
    Mode,
    Standing,
    Status,
    Verdict,
    code_of,
)
from pinkslip.store.views import (
    AgentFilters,
    DecisionFilters,
    EnforcementState,
    Fire,
    StoredDecision,
)
from pinkslip.web.answers import view_of
from pinkslip.web.answers_on_policies import enforcing
from pinkslip.web.backend import Facts, PolicyState, SilenceState
from pinkslip.web.routes import Call
from pinkslip.web.selection import Mask, left, select
from pinkslip.web.words import Displays, counted, reason_shown, silence_said

SHOWN_AGENTS = 100
SHOWN_FIRES = 8
SHOWN_WAITING = 5
JUST_BEGUN_MS = MINUTE_MS


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """One number of the row on top."""

    label: str
    value: int
    tone: str = ""
    hint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Banner:
    """Something a person must know before reading on."""

    tone: str
    title: str
    text: str
    link: str = ""
    """A path of ours."""
    link_says: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentLine:
    """One agent, in words."""

    agent_id: str
    name: str | None
    role: str | None
    model: str | None
    status: str
    standing: str
    is_stale: bool
    is_protected: bool
    task: str | None
    task_age: str | None
    context_used: float | None
    heartbeat: str
    heartbeat_at: str | None
    tasks: int
    success: float | None
    failed_others: int
    """Failures that were somebody else's fault."""
    last_error: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FireLine:
    """One fire, in words."""

    agent_id: str
    at: str
    ago: str
    reason: str
    by: str
    why: str
    delivery: str | None
    decision_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyLine:
    """One policy, in words."""

    name: str
    mode: Mode
    action: str
    reason: str | None
    when: str
    lasting: str | None
    ladder: str
    description: str
    matched: int
    open_episodes: int
    waiting: int
    is_demoted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """Everything the page says."""

    workspace: str
    q: str
    counts: tuple[Count, ...]
    banners: tuple[Banner, ...]
    agents: tuple[AgentLine, ...]
    more_agents: int
    live: int
    fires: tuple[FireLine, ...]
    policies: tuple[PolicyLine, ...]
    policies_said: str
    facts: tuple[tuple[str, str], ...]


async def overview_of(call: Call[None]) -> Overview:
    """What the page says now, asked from the backend once."""
    backend, workspace_id = call.backend, call.workspace_id
    snapshot = await backend.snapshot(workspace_id)
    policies = await backend.policies(workspace_id)
    enforcement = await backend.enforcement(workspace_id)
    decisions = await backend.decisions(
        workspace_id,
        filters=DecisionFilters(verdict=Verdict.FIRED),
        before=None,
        limit=SHOWN_FIRES,
    )
    fires = await backend.fires(workspace_id, [decision.agent_no for decision in decisions])
    now, facts = backend.now(), backend.facts
    q = call.query.text("q") or ""
    rows, live = _rows(snapshot, q)
    return Overview(
        workspace=backend.workspace(workspace_id).name,
        q=q,
        counts=_counts(snapshot, facts),
        banners=tuple(_banners(policies, enforcement, facts, now=now)),
        agents=tuple(
            _agent_line(view_of(snapshot, row), now=now) for row in rows[:SHOWN_AGENTS]
        ),
        more_agents=max(0, len(rows) - SHOWN_AGENTS),
        live=live,
        fires=tuple(
            _fire_line(decision, fires, displays=call.displays, now=now)
            for decision in decisions
        ),
        policies=tuple(
            _policy_line(policy, policies, facts, displays=call.displays)
            for policy in policies.policy_set.policies
        ),
        policies_said=_policies_said(policies),
        facts=tuple(_facts(facts, now=now)),
    )


_URGENCY = {
    Status.ERROR: 1,
    Status.WORKING: 2,
    Status.WAITING: 3,
    Status.IDLE: 4,
    Status.TERMINATED: 5,
}


def _rows(snapshot: Snapshot, q: str) -> tuple[list[int], int]:
    """Live agents that match, whoever needs a look first; and how many live ones there are."""
    finished, fired = left(snapshot)
    live = int(np.count_nonzero(~finished & ~fired & (snapshot.numbers > 0)))
    rows = select(
        snapshot, AgentFilters(q=q), finished=False, fired=False, after=0, limit=len(snapshot)
    )
    urgency = np.zeros(len(Status), dtype=np.int64)
    for status, place in _URGENCY.items():
        urgency[code_of(status)] = place
    places = np.array(rows, dtype=np.int64)
    order = np.lexsort(
        (
            snapshot.numbers[places],
            np.where(snapshot.is_stale[places], 0, urgency[snapshot.status[places]]),
        )
    )
    return places[order].tolist(), live


def _counts(snapshot: Snapshot, facts: Facts) -> tuple[Count, ...]:
    finished, fired = left(snapshot)
    live = ~finished & ~fired & (snapshot.numbers > 0)

    def doing(status: Status) -> int:
        return int(np.count_nonzero(live & (snapshot.status == code_of(status))))

    def many(mask: Mask) -> int:
        return int(np.count_nonzero(mask))

    stale, failing = many(live & snapshot.is_stale), doing(Status.ERROR)
    counts = [
        Count(label="agents", value=many(live)),
        Count(label="working", value=doing(Status.WORKING), tone="good"),
        Count(label="waiting", value=doing(Status.WAITING), hint="for a user"),
        Count(label="idle", value=doing(Status.IDLE)),
        Count(label="in error", value=failing, tone="bad" if failing else ""),
        Count(
            label="stale",
            value=stale,
            tone="bad" if stale else "",
            hint="silent for over three intervals",
        ),
        Count(label="finished", value=many(finished), hint="lately"),
        Count(label="fired", value=many(fired), tone="pink", hint="lately"),
    ]
    if facts.zombies:
        counts.append(Count(label="zombies", value=facts.zombies, tone="bad"))
    return tuple(counts)


def _banners(
    policies: PolicyState, enforcement: EnforcementState, facts: Facts, *, now: int
) -> Sequence[Banner]:
    banners = []
    for stopped, where in (
        (enforcement.everywhere, "everywhere"),
        (enforcement.stopped, "in this workspace"),
    ):
        if stopped is not None:
            banners.append(
                Banner(
                    tone="bad",
                    title=f"Enforcement is stopped {where}",
                    text=f"since {_ago(now - stopped.at)} by {stopped.actor}: {stopped.reason}",
                )
            )
    banners += _waiting(facts.waiting, now=now)
    banners += [_panic(panic, now=now) for panic in facts.panics]
    banners += [_cause(cause) for cause in facts.causes]
    banners += [_deploy(deploy, now=now) for deploy in facts.deploys]
    banners += [_demoted(demoted, now=now) for demoted in facts.demoted]
    if facts.zombies:
        banners.append(
            Banner(
                tone="bad",
                title=f"{facts.zombies} fired but still reporting",
                text="their processes ignored the order to stop; end them by hand",
            )
        )
    if facts.refused:
        banners.append(
            Banner(
                tone="bad",
                title=f"{counted(facts.refused, 'report')} of fired workers refused within the hour",
                text="somebody starts them anew under other ids; stop that, or reinstate the worker",
            )
        )
    banners += [_silence(state) for state in facts.silences]
    if policies.reload_failed:
        first = policies.problems[0].render().splitlines()[0] if policies.problems else ""
        banners.append(
            Banner(
                tone="bad",
                title="The policies could not be reloaded",
                text=f"the last good set stays in force. {first}",
            )
        )
    if now - facts.observing_since < JUST_BEGUN_MS:
        banners.append(
            Banner(
                tone="calm",
                title="Just begun to watch",
                text="time we did not see counts against nobody; silence is judged after one full interval",
            )
        )
    return banners


def _waiting(waiting: Sequence[Waiting], *, now: int) -> Sequence[Banner]:
    """The next to happen first; beyond a few, how many more."""
    ordered = sorted(waiting, key=lambda one: (one.until is None, one.until or 0, one.since))
    banners = [_waits(one, now=now) for one in ordered[:SHOWN_WAITING]]
    if more := len(ordered) - len(banners):
        banners.append(
            Banner(
                tone="warn", title=f"{more} more wait", text="for a person or for their time"
            )
        )
    return banners


def _waits(waiting: Waiting, *, now: int) -> Banner:
    agent = f"{waiting.policy} would fire {waiting.agent_id}"
    if waiting.state is EpisodeState.AWAITING:
        title, text = f"Approval asked: {agent}", waiting.words
    else:
        left = max(0, (waiting.until or now) - now)
        over = "Approved," if waiting.until is None else "Its notice over,"
        soon = f"In {_whole(left)}" if left else over
        title, text = f"{soon} {agent}", waiting.words
    return Banner(
        tone="warn",
        title=title,
        text=text,
        link=f"/decisions/{quote(waiting.decision_id, safe='')}",
        link_says="look, veto or approve"
        if waiting.state is EpisodeState.AWAITING
        else "look or veto",
    )


def _cause(cause: Cause) -> Banner:
    return Banner(
        tone="bad",
        title="A common cause",
        text=f"{cause.words}; they are left alone, look at the {cause.factor} first",
    )


def _deploy(deploy: Deploy, *, now: int) -> Banner:
    pool = f"pool {deploy.pool!r}" if deploy.pool else "the pool without a label"
    return Banner(
        tone="calm",
        title=f"Mass restart in {pool}",
        text=f"{deploy.restarted} of {deploy.size} restarted, the first {_ago(now - deploy.since)}; "
        "that looks like a deploy, so silence is not judged there",
    )


def _demoted(demoted: Demoted, *, now: int) -> Banner:
    return Banner(
        tone="bad",
        title=f"Policy {demoted.policy} is in shadow",
        text=f"since {_ago(now - demoted.at)}: {demoted.why}. It only records until it is restored or rewritten",
    )


def _silence(state: SilenceState) -> Banner:
    return Banner(
        tone="calm",
        title=f"{counted(state.matched, 'agent')} silenced",
        text=silence_said(state.stored),
        link="/api/silences?active=true",
        link_says="all silences",
    )


def _panic(panic: PanicPool, *, now: int) -> Banner:
    pool = f"pool {panic.pool!r}" if panic.pool else "the pool without a label"
    return Banner(
        tone="bad",
        title=f"Panic in {pool}",
        text=(
            f"{panic.newly} of {panic.size} turned stale or failing at once, {_ago(now - panic.since)}; "
            "that is a common cause, so nobody is fired for silence there"
        ),
    )


def _agent_line(view: AgentView, *, now: int) -> AgentLine:
    own = view.failed[code_of(Fault.AGENT)]
    judged = view.successes + own
    return AgentLine(
        agent_id=view.agent_id,
        name=view.name,
        role=view.role,
        model=view.model,
        status=view.status.value,
        standing="" if view.standing is Standing.ACTIVE else view.standing.value,
        is_stale=view.is_stale,
        is_protected=view.protected_until is not None and view.protected_until > now,
        task=view.current_task,
        task_age=None if view.task_since is None else _whole(now - view.task_since),
        context_used=view.context_used,
        heartbeat="never" if view.last_heartbeat is None else _ago(now - view.last_heartbeat),
        heartbeat_at=None if view.last_heartbeat is None else rfc3339(view.last_heartbeat),
        tasks=view.tasks,
        success=view.successes / judged if judged else None,
        failed_others=sum(view.failed) - own,
        last_error=view.last_error,
    )


def _fire_line(
    decision: StoredDecision, fires: dict[int, list[Fire]], *, displays: Displays, now: int
) -> FireLine:
    known = fires.get(decision.agent_no, [])
    fire = next((fire for fire in known if fire.decision_id == decision.id), None)
    state = fire.deliveries[-1].state if fire is not None and fire.deliveries else None
    return FireLine(
        agent_id=decision.agent_id,
        at=rfc3339(decision.at),
        ago=_ago(now - decision.at),
        reason=reason_shown(decision.reason, displays) or "",
        by=f"policy {decision.policy}" if decision.policy else decision.actor,
        why=decision.context or decision.evidence.words,
        delivery=None if state is None else _DELIVERY_SAID[state],
        decision_id=decision.id,
    )


_DELIVERY_SAID = {
    DeliveryState.PENDING: "order waits for its next report",
    DeliveryState.DELIVERED: "told to stop",
    DeliveryState.CONFIRMED: "stopped",
    DeliveryState.UNVERIFIED: "silent, unverified",
    DeliveryState.ZOMBIE: "zombie: still reporting",
    DeliveryState.CANCELLED: "reinstated",
}


def _policy_line(
    policy: Policy, state: PolicyState, facts: Facts, *, displays: Displays
) -> PolicyLine:
    return PolicyLine(
        name=policy.name,
        mode=policy.mode,
        action=policy.action.value,
        reason=reason_shown(policy.reason, displays),
        when=policy.when.text,
        lasting=f"for {spoken(policy.for_ms)}" if policy.for_ms else None,
        ladder=", then ".join(map(str, policy.ladder)),
        description=policy.description,
        matched=state.matched.get(policy.name, 0),
        open_episodes=state.open_episodes.get(policy.name, 0),
        waiting=sum(one.policy == policy.name for one in facts.waiting),
        is_demoted=policy.name in state.demoted,
    )


def _policies_said(state: PolicyState) -> str:
    count, acting = len(state.policy_set.policies), enforcing(state.policy_set)
    said = f"{count} {'policy' if count == 1 else 'policies'}, {acting} enforcing"
    return said if acting else f"{said}: nobody is fired by a policy"


def _facts(facts: Facts, *, now: int) -> Sequence[tuple[str, str]]:
    tick = "none yet" if facts.last_tick_at is None else _ago(now - facts.last_tick_at)
    return (
        ("last tick", tick),
        ("watching since", rfc3339(facts.observing_since)),
        ("journal queue", f"{facts.journal_queue}"),
        ("database", facts.database),
        ("lease", f"epoch {facts.epoch}, {facts.holder}"),
    )


def _ago(span_ms: int) -> str:
    """`12 s ago`; what lies within a second is now."""
    return "now" if span_ms < SECOND_MS else f"{_whole(span_ms)} ago"


def _whole(span_ms: int) -> str:
    """In words, without fractions of a second."""
    return spoken(max(0, span_ms - span_ms % SECOND_MS))
