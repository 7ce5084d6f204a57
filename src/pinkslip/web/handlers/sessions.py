"""Conversations: put by whoever runs them, listed by agent or all together."""

from aiohttp import web

from pinkslip.model.errors import NotFound
from pinkslip.model.events import SessionReport
from pinkslip.store.views import SessionFilters, SessionPlace
from pinkslip.web.answers import session_answer
from pinkslip.web.cursors import read_cursor, write_cursor
from pinkslip.web.handlers.agents import CURSOR, LIMIT, PAGE_MAX, found_agent, no_agent
from pinkslip.web.handlers.ingest import AGENT
from pinkslip.web.payloads import SessionPage
from pinkslip.web.problems import Fault, invalid, invalid_parameter
from pinkslip.web.query import Parameter
from pinkslip.web.routes import Call
from pinkslip.web.wire import name_fault, reply

KEY = "the session key"

ACTIVE = Parameter(name="active", kind="boolean", description="Whether the session has ended.")
CHANNEL = Parameter(name="channel", description="Only of this channel.")
USER = Parameter(name="userId", description="Only of this user.")
OF_AGENT = (ACTIVE, CHANNEL, USER, LIMIT, CURSOR)
OF_ALL = (Parameter(name="agentId", description="Only of this agent."), *OF_AGENT)


async def list_sessions(call: Call[None]) -> web.Response:
    """Every session of the workspace, newest start first."""
    agent_no = None
    ident = call.query.text("agentId")
    if ident is not None:
        if (fault := name_fault(ident, what=AGENT)) is not None:
            raise invalid_parameter("agentId", fault)
        view = await call.backend.agent(call.workspace_id, ident)
        if view is None:
            raise no_agent(ident)
        agent_no = view.agent_no
    return await _page(call, agent_no, list_name="sessions")


async def sessions_of_agent(call: Call[None]) -> web.Response:
    """One agent's session history, newest start first."""
    view = await found_agent(call)
    return await _page(call, view.agent_no, list_name=f"sessions of {view.agent_no}")


async def _page(call: Call[None], agent_no: int | None, *, list_name: str) -> web.Response:
    query, limit = call.query, call.query.number(LIMIT)
    found = await call.backend.sessions(
        call.workspace_id,
        filters=SessionFilters(
            agent_no=agent_no,
            user_id=query.text("userId"),
            channel=query.text("channel"),
            active=query.truth("active"),
        ),
        after=read_cursor(query, SessionPlace, list_name=list_name),
        limit=min(limit + 1, PAGE_MAX),
    )
    workspace = call.backend.workspace(call.workspace_id)
    page, following = found[:limit], None
    if len(found) in {limit + 1, PAGE_MAX}:
        last = SessionPlace(page[-1].started_at, page[-1].session_key)
        following = write_cursor(last, query, list_name=list_name)
    return reply(
        SessionPage(
            items=[session_answer(session, workspace=workspace) for session in page],
            next=following,
        )
    )


async def get_session(call: Call[None]) -> web.Response:
    """One session."""
    key = call.named("key", what=KEY)
    session = await call.backend.session(call.workspace_id, key)
    if session is None:
        raise NotFound(f"no session {key!r} in this workspace")
    workspace = call.backend.workspace(call.workspace_id)
    return reply(session_answer(session, workspace=workspace))


async def put_session(call: Call[SessionReport]) -> web.Response:
    """Create a session, or change what is sent of it: absent keeps, null clears."""
    report = call.body
    if isinstance(report.agent_id, str) and (
        (fault := name_fault(report.agent_id, what=AGENT)) is not None
    ):
        raise invalid(f"/agentId: {fault}", Fault("/agentId", fault))
    session, created = await call.backend.put_session(
        call.workspace_id, call.named("key", what=KEY), report, actor=call.caller.actor
    )
    workspace = call.backend.workspace(call.workspace_id)
    return reply(session_answer(session, workspace=workspace), status=201 if created else 200)
