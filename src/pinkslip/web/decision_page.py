"""What the page of one decision says: what was concluded and why, who was asked, what happens next and when.

Links in messages point here. It can be read without JavaScript; whoever wants to act then reads the command.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from shlex import quote

from pinkslip.judge.conclusions import Waiting
from pinkslip.model.decisions import Statistic
from pinkslip.model.time import rfc3339
from pinkslip.model.words import ActorKind, EpisodeState, Verdict
from pinkslip.store.views import DecisionFilters, Fire, StoredDecision
from pinkslip.web.aftermath import Beside, became
from pinkslip.web.handlers.decisions import found_decision
from pinkslip.web.routes import Call
from pinkslip.web.words import (
    GUARD_NAMES,
    concluded,
    counted,
    rests_on,
    rung_said,
    sentence,
    value_shown,
    when,
)

LOOKED_AT = 200
"""Of the agent's newest decisions: what came of one comes soon."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of evidence."""

    name: str
    value: str
    threshold: str = ""
    counted: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardLine:
    """One safeguard, and what it said."""

    name: str
    held: bool
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """Something a person may do about it now."""

    name: str
    label: str
    tone: str
    path: str
    asks: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionView:
    """Everything the page says."""

    workspace: str
    id: str
    number: int
    title: str
    at: str
    when: str
    verdict: str
    mode: str
    policy: str
    policy_hash: str
    digest: str
    agent_id: str
    condition: str
    lines: tuple[str, ...]
    next: tuple[str, ...]
    acts: tuple[Act, ...]
    commands: tuple[str, ...]
    values: tuple[Row, ...]
    statistics: tuple[Row, ...]
    guards: tuple[GuardLine, ...]


async def decision_view(call: Call[None]) -> DecisionView:
    """What the page says of the decision the path names; 404 where there is none."""
    decision = await found_decision(call)
    beside = await _beside(call, decision)
    evidence = decision.evidence
    by_policy = decision.actor_kind is ActorKind.POLICY
    return DecisionView(
        workspace=call.backend.workspace(call.workspace_id).name,
        id=decision.id,
        number=decision.number,
        title=sentence(concluded(decision, beside.displays))[:-1],
        at=rfc3339(decision.at),
        when=when(decision.at),
        verdict=decision.verdict.value,
        mode=decision.mode.value if by_policy else "",
        policy=decision.policy,
        policy_hash=decision.policy_hash,
        digest=decision.chain_digest.hex()[:16],
        agent_id=decision.agent_id,
        condition=evidence.when,
        lines=tuple(filter(None, (rests_on(decision), rung_said(decision)))),
        next=became(decision, beside) or ("Nothing more comes of it.",),
        acts=tuple(_acts(beside)),
        commands=tuple(_commands(decision, beside)),
        values=tuple(
            Row(name=name, value=value_shown(name, value))
            for name, value in evidence.values.items()
        ),
        statistics=tuple(map(_statistic, evidence.statistics)),
        guards=tuple(
            GuardLine(name=GUARD_NAMES[one.guard], held=one.held, detail=one.detail)
            for one in evidence.guards
        ),
    )


async def _beside(call: Call[None], decision: StoredDecision) -> Beside:
    backend = call.backend
    newest = await backend.decisions(
        call.workspace_id,
        filters=DecisionFilters(agent_id=decision.agent_id, since=decision.at),
        before=None,
        limit=LOOKED_AT,
    )
    fires: Sequence[Fire] = ()
    if decision.verdict is Verdict.FIRED:
        found = await backend.fires(call.workspace_id, [decision.agent_no])
        fires = found.get(decision.agent_no, ())
    return Beside(
        now=backend.now(),
        displays=call.displays,
        later=[one for one in reversed(newest) if one.number > decision.number],
        fire=next((fire for fire in fires if fire.decision_id == decision.id), None),
        waiting=next(
            (one for one in backend.facts.waiting if one.decision_id == decision.id), None
        ),
    )


def _acts(beside: Beside) -> Iterator[Act]:
    waiting = beside.waiting
    if waiting is None:
        return
    path = f"/api/decisions/{waiting.decision_id}"
    yield Act(
        name="veto",
        label="Veto",
        tone="good",
        path=f"{path}/veto",
        asks=f"Stop policy {waiting.policy} from firing {waiting.agent_id}?",
    )
    if _may_be_approved(waiting, beside):
        yield Act(
            name="approve",
            label="Approve",
            tone="bad",
            path=f"{path}/approve",
            asks=f"Let policy {waiting.policy} fire {waiting.agent_id}?",
        )


def _may_be_approved(waiting: Waiting, beside: Beside) -> bool:
    return waiting.state is EpisodeState.AWAITING and all(
        one.verdict is not Verdict.APPROVED or one.policy != waiting.policy
        for one in beside.later
    )


def _commands(decision: StoredDecision, beside: Beside) -> Iterator[str]:
    for act in _acts(beside):
        yield f"pinkslip {act.name} {quote(decision.id)} --reason '...'"
    agent = quote(decision.agent_id)
    if decision.verdict is Verdict.FIRED and beside.fire and beside.fire.reinstated_at is None:
        yield f"pinkslip reinstate {agent} --reason '...'    # with --wrong where the fire was a mistake"
    if decision.verdict in {Verdict.QUARANTINED, Verdict.PROBATION} and not beside.later:
        yield f"pinkslip release {agent} --reason '...'"
    if decision.agent_id:
        yield f"pinkslip why {agent}"
    if decision.actor_kind is ActorKind.POLICY:
        yield f"pinkslip explain {quote(decision.id)}"


def _statistic(statistic: Statistic) -> Row:
    tasks = counted(statistic.tasks, "task")
    since = f", since {when(statistic.since)}" if statistic.since else ""
    return Row(
        name=statistic.function,
        value=_number(statistic.value),
        threshold="" if statistic.threshold is None else _number(statistic.threshold),
        counted=f"{statistic.successes} of {tasks} succeeded{since}" if statistic.tasks else "",
    )


def _number(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.4g}"
