"""Decision records: what was concluded, on what evidence, and whether it comes out the same today."""

from aiohttp import web

from pinkslip.model.errors import NotFound
from pinkslip.model.time import from_rfc3339
from pinkslip.model.words import Guard, Mode, Verdict
from pinkslip.store.views import DecisionFilters
from pinkslip.web.answers import decision_answer
from pinkslip.web.cursors import read_cursor, write_cursor
from pinkslip.web.handlers.agents import CURSOR, LIMIT, PAGE_MAX, agent_asked_for, no_agent
from pinkslip.web.payloads import DecisionPage
from pinkslip.web.problems import invalid_parameter
from pinkslip.web.query import Parameter, Query
from pinkslip.web.routes import Call
from pinkslip.web.wire import is_instant, reply

LIST_NAME = "decisions"

FILTERS = (
    Parameter(name="agentId", description="About this agent, by agentId or uuid."),
    Parameter(name="policy", description="Of this policy."),
    Parameter(name="verdict", words=tuple(Verdict), description="What was concluded."),
    Parameter(name="mode", words=tuple(Mode), description="The policy's mode then."),
    Parameter(name="guard", words=tuple(Guard), description="Which guard held it."),
    Parameter(name="since", description="Taken at this instant (RFC 3339) or later."),
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
            since=_since(query),
        ),
        before=read_cursor(query, int, list_name=LIST_NAME),
        limit=min(limit + 1, PAGE_MAX),
    )
    page, following = found[:limit], None
    if len(found) in {limit + 1, PAGE_MAX}:
        following = write_cursor(page[-1].number, query, list_name=LIST_NAME)
    return reply(
        DecisionPage(items=[decision_answer(decision) for decision in page], next=following)
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


def _since(query: Query) -> int | None:
    text = query.text("since")
    if text is None:
        return None
    if not is_instant(text):
        raise invalid_parameter(
            "since", "since is no RFC 3339 instant; send for example 2026-11-23T09:30:00Z"
        )
    return from_rfc3339(text)


async def get_decision(call: Call[None]) -> web.Response:
    """One record; `recompute=true` works its evidence out again from the journal."""
    ident = call.named("id", what="the decision's id")
    decision = await call.backend.decision(call.workspace_id, ident)
    if decision is None:
        raise NotFound(f"no decision {ident!r} in this workspace")
    recomputed = None
    if call.query.truth("recompute"):
        recomputed = await call.backend.recompute(call.workspace_id, decision.id)
    return reply(decision_answer(decision, recomputed))
