"""Decision records: what was concluded, on what evidence, and whether it comes out the same today."""

from collections.abc import Awaitable, Callable

from aiohttp import web

from pinkslip.model.errors import NotFound
from pinkslip.model.words import Guard, Mode, Verdict
from pinkslip.store.views import DecisionFilters, StoredDecision
from pinkslip.web.answers_on_decisions import decision_answer
from pinkslip.web.cursors import read_cursor, write_cursor
from pinkslip.web.handlers.agents import CURSOR, LIMIT, PAGE_MAX, agent_asked_for, no_agent
from pinkslip.web.payloads import ContextRequest, DecisionPage
from pinkslip.web.query import SINCE, Parameter
from pinkslip.web.routes import Call
from pinkslip.web.wire import reply

LIST_NAME = "decisions"
DECISION = "the decision's id"

FILTERS = (
    Parameter(name="agentId", description="About this agent, by agentId or uuid."),
    Parameter(name="policy", description="Of this policy."),
    Parameter(name="verdict", words=tuple(Verdict), description="What was concluded."),
    Parameter(name="mode", words=tuple(Mode), description="The policy's mode then."),
    Parameter(name="guard", words=tuple(Guard), description="Which guard held it."),
    SINCE,
    LIMIT,
    CURSOR,
)
RECOMPUTE = Parameter(
    name="recompute",
    kind="boolean",
    description="Evaluate the policy again on the journal as it was then, and compare.",
)


async def list_decisions(call: Call[None]) -> web.Response:
    """Newest first."""
    query, limit = call.query, call.query.number(LIMIT)
    agent_id = await _agent_id(call)
    found = await call.backend.decisions(
        call.workspace_id,
        filters=DecisionFilters(
            agent_id=agent_id,
            policy=query.text("policy"),
            verdict=query.word("verdict", Verdict),
            mode=query.word("mode", Mode),
            guard=query.word("guard", Guard),
            since=query.instant(SINCE.name),
        ),
        before=read_cursor(query, int, list_name=LIST_NAME),
        limit=min(limit + 1, PAGE_MAX),
    )
    page, following = found[:limit], None
    if len(found) in {limit + 1, PAGE_MAX}:
        following = write_cursor(page[-1].number, query, list_name=LIST_NAME)
    return reply(
        DecisionPage(
            items=[decision_answer(decision, displays=call.displays) for decision in page],
            next=following,
        )
    )


async def _agent_id(call: Call[None]) -> str | None:
    """Whom decisions are asked about: an agent there is, or one that was deleted and left some."""
    asked = await agent_asked_for(call)
    if asked is None:
        return None
    ident, view = asked
    if view is not None:
        return view.agent_id
    left = await call.backend.decisions(
        call.workspace_id, filters=DecisionFilters(agent_id=ident), before=None, limit=1
    )
    if not left:
        raise no_agent(ident)
    return ident


async def get_decision(call: Call[None]) -> web.Response:
    """One record; `recompute=true` works its evidence out again from the journal."""
    decision = await found_decision(call)
    recomputed = None
    if call.query.truth("recompute"):
        recomputed = await call.backend.recompute(call.workspace_id, decision.id)
    return reply(decision_answer(decision, recomputed, displays=call.displays))


async def found_decision(call: Call[None]) -> StoredDecision:
    """The decision the path names, or 404."""
    ident = call.named("id", what=DECISION)
    decision = await call.backend.decision(call.workspace_id, ident)
    if decision is None:
        raise NotFound(f"no decision {ident!r} in this workspace")
    return decision


async def veto(call: Call[ContextRequest]) -> web.Response:
    """Stop a fire that a decision announced, or asked for."""
    return await _ruled(call, call.backend.veto)


async def approve(call: Call[ContextRequest]) -> web.Response:
    """Allow a fire that a decision asked for."""
    return await _ruled(call, call.backend.approve)


async def _ruled(
    call: Call[ContextRequest], rule: Callable[..., Awaitable[StoredDecision]]
) -> web.Response:
    ruling = await rule(
        call.workspace_id,
        call.named("id", what=DECISION),
        context=call.body.context,
        actor=call.caller.actor,
    )
    return reply(decision_answer(ruling, displays=call.displays))
