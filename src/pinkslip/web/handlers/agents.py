"""Who there is, and why each of them is or is not fired."""

import asyncio
from collections.abc import Sequence
from typing import Any

from aiohttp import web

from pinkslip.fleet.snapshot import AgentView, Snapshot
from pinkslip.model.errors import NotFound
from pinkslip.model.time import rfc3339
from pinkslip.model.words import Standing, Status
from pinkslip.store.views import AgentFilters
from pinkslip.web.answers import agent_answer, fire_entry, view_of
from pinkslip.web.answers_on_decisions import policy_answer_told, silence_answer, waiting_told
from pinkslip.web.cursors import read_cursor, write_cursor
from pinkslip.web.handlers.ingest import AGENT
from pinkslip.web.instants import instant
from pinkslip.web.payloads import AgentAnswer, AgentPage, WhyAnswer
from pinkslip.web.problems import invalid_parameter
from pinkslip.web.query import Parameter, Query
from pinkslip.web.routes import Call
from pinkslip.web.selection import select
from pinkslip.web.wire import name_fault, reply

LIST_NAME = "agents"
LOOKED_AT_ON_THE_LOOP = 2_000
"""A snapshot with more agents is searched in a thread, so that nobody else waits."""

PAGE_MAX = 1_000

LIMIT = Parameter(
    name="limit",
    kind="integer",
    minimum=1,
    maximum=PAGE_MAX,
    default=100,
    description="How many items at most.",
)
CURSOR = Parameter(
    name="cursor", description="`next` of the page before, under the same filters."
)
FILTERS = (
    Parameter(
        name="status", words=tuple(Status), many=True, description="What agents say they do."
    ),
    Parameter(
        name="standing",
        words=tuple(Standing),
        many=True,
        description="How we regard them. `fired` includes fired agents.",
    ),
    Parameter(
        name="role", many=True, description="Repeat for several; empty: agents without one."
    ),
    Parameter(
        name="model", many=True, description="Repeat for several; empty: agents without one."
    ),
    Parameter(
        name="host", many=True, description="Repeat for several; empty: agents without one."
    ),
    Parameter(
        name="lineage", many=True, description="Repeat for several; empty: agents without one."
    ),
    Parameter(name="label.*", description="`label.team=search`: agents with that label."),
    Parameter(
        name="stale", kind="boolean", description="Whether the last heartbeat is too long ago."
    ),
    Parameter(name="q", description="Part of the agentId, name or current task."),
    Parameter(
        name="include",
        words=("finished", "fired"),
        many=True,
        description="Agents that left too; without it only live ones are listed.",
    ),
    LIMIT,
    CURSOR,
)


async def list_agents(call: Call[None]) -> web.Response:
    """Live agents by default, in the order they were first seen."""
    query, limit = call.query, call.query.number(LIMIT)
    filters = _filters(query)
    finished, fired = _included(query, filters)
    after = read_cursor(query, int, list_name=LIST_NAME) or 0
    snapshot = await call.backend.snapshot(call.workspace_id)
    found = await _in_memory(
        snapshot, filters, finished=finished, fired=fired, after=after, limit=limit + 1
    )
    if finished or fired:
        found += await _in_database(
            call,
            snapshot,
            filters,
            finished=finished,
            fired=fired,
            after=after,
            limit=limit + 1,
        )
        found.sort(key=lambda view: view.agent_no)
    page = found[:limit]
    more = len(found) > limit
    return reply(
        AgentPage(
            items=await _answers(call, page),
            next=write_cursor(page[-1].agent_no, query, list_name=LIST_NAME) if more else None,
        )
    )


async def _in_memory(
    snapshot: Snapshot,
    filters: AgentFilters,
    *,
    finished: bool,
    fired: bool,
    after: int,
    limit: int,
) -> list[AgentView]:
    def chosen() -> list[AgentView]:
        rows = select(
            snapshot, filters, finished=finished, fired=fired, after=after, limit=limit
        )
        return [view_of(snapshot, row) for row in rows]

    if len(snapshot) <= LOOKED_AT_ON_THE_LOOP:
        return chosen()
    return await asyncio.to_thread(chosen)


async def _in_database(
    call: Call[None],
    snapshot: Snapshot,
    filters: AgentFilters,
    *,
    finished: bool,
    fired: bool,
    after: int,
    limit: int,
) -> list[AgentView]:
    """Those that left memory. A row whose agent is still in memory is older than the snapshot's."""
    in_memory = frozenset(snapshot.numbers.tolist())
    gone: list[AgentView] = []
    at_once = min(limit, PAGE_MAX)
    while True:
        rows = await call.backend.agents_left(
            call.workspace_id,
            finished=finished,
            fired=fired,
            filters=filters,
            after=after,
            limit=at_once,
        )
        gone += [row for row in rows if row.agent_no not in in_memory]
        if len(rows) < at_once or len(gone) >= limit:
            return gone
        after = rows[-1].agent_no


async def _answers(call: Call[None], views: Sequence[AgentView]) -> list[AgentAnswer]:
    fired = [view.agent_no for view in views if view.fired_count]
    fires = await call.backend.fires(call.workspace_id, fired) if fired else {}
    workspace = call.backend.workspace(call.workspace_id)
    return [
        agent_answer(
            view,
            workspace=workspace,
            fires=fires.get(view.agent_no, ()),
            displays=call.displays,
            whole=False,
        )
        for view in views
    ]


def _filters(query: Query) -> AgentFilters:
    return AgentFilters(
        status=query.words("status", Status),
        standing=query.words("standing", Standing),
        role=query.texts("role"),
        model=query.texts("model"),
        host=query.texts("host"),
        lineage=query.texts("lineage"),
        labels=tuple(sorted(query.starting("label.").items())),
        stale=query.truth("stale"),
        q=query.text("q") or "",
    )


def _included(query: Query, filters: AgentFilters) -> tuple[bool, bool]:
    """Whether finished and fired agents are asked for; asking for the fired by standing or status counts."""
    include = query.texts("include")
    fired = (
        "fired" in include
        or Standing.FIRED in filters.standing
        or Status.TERMINATED in filters.status
    )
    return "finished" in include, fired


async def get_agent(call: Call[None]) -> web.Response:
    """One agent, with its fire history and post-mortems."""
    view = await found_agent(call)
    return reply(await whole_answer(call, view))


async def found_agent(call: Call[None]) -> AgentView:
    """The agent the path names, or 404."""
    ident = call.named("id", what=AGENT)
    view = await call.backend.agent(call.workspace_id, ident)
    if view is None:
        raise no_agent(ident)
    return view


async def agent_asked_for(call: Call[None]) -> tuple[str, AgentView | None] | None:
    """What the query's `agentId` says, and who is meant, by agentId or uuid; None: it says nothing."""
    ident = call.query.text("agentId")
    if ident is None:
        return None
    if (fault := name_fault(ident, what=AGENT)) is not None:
        raise invalid_parameter("agentId", fault)
    name = await call.service.names.of(call.backend, call.workspace_id, ident)
    return ident, await call.backend.agent(call.workspace_id, name)


def no_agent(ident: str) -> NotFound:
    """What to say of an agent nobody has heard of."""
    return NotFound(
        f"no agent {ident!r} in this workspace; an agent exists from its first heartbeat or outcome"
    )


async def whole_answer(call: Call[Any], view: AgentView) -> AgentAnswer:
    """An agent with its fires, post-mortems included."""
    fires = {}
    if view.fired_count:
        fires = await call.backend.fires(call.workspace_id, [view.agent_no])
    return agent_answer(
        view,
        workspace=call.backend.workspace(call.workspace_id),
        fires=fires.get(view.agent_no, ()),
        displays=call.displays,
        whole=True,
    )


async def why(call: Call[None]) -> web.Response:
    """What every policy has to say about the agent now."""
    ident = call.named("id", what=AGENT)
    answer = await call.backend.why(call.workspace_id, ident)
    if answer is None:
        raise no_agent(ident)
    agent = answer.agent
    fires = {}
    if agent.fired_count:
        fires = await call.backend.fires(call.workspace_id, [agent.agent_no])
    displays, facts = call.displays, call.backend.facts
    return reply(
        WhyAnswer(
            agent_id=agent.agent_id,
            status=agent.status,
            standing=agent.standing,
            standing_until=instant(agent.standing_until),
            at=rfc3339(answer.at),
            policies=tuple(policy_answer_told(policy) for policy in answer.policies),
            waiting=tuple(
                waiting_told(waiting, displays=displays)
                for waiting in facts.waiting
                if waiting.agent_no == agent.agent_no
            ),
            silences=tuple(silence_answer(state, now=answer.at) for state in answer.silences),
            fire_history=tuple(
                fire_entry(fire, displays=displays, whole=False)
                for fire in fires.get(agent.agent_no, ())
            ),
        )
    )
