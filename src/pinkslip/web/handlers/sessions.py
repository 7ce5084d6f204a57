"""Conversations: put by whoever runs them, listed by agent or all together."""

from aiohttp import web
from msgspec.structs import replace

from pinkslip.model.errors import NotFound
from pinkslip.model.events import SessionReport
from pinkslip.store.views import SessionFilters, SessionPlace
from pinkslip.web.answers import session_answer
from pinkslip.web.cursors import read_cursor, write_cursor
from pinkslip.web.handlers.agents import (
    CURSOR,
    LIMIT,
    PAGE_MAX,
    agent_asked_for,
    found_agent,
    no_agent,
)
from pinkslip.web.handlers.ingest import AGENT
from pinkslip.web.payloads import SessionPage
from pinkslip.web.problems import Fault, invalid
from pinkslip.web.query import Parameter
from pinkslip.web.routes import Call
from pinkslip.web.spans import Spans
from pinkslip.web.wire import name_fault, reply

KEY = "the session key"

ACTIVE = Parameter(name="active", kind="boolean", description="Whether the session has ended.")
CHANNEL = Parameter(name="channel", description="Only of this channel.")
USER = Parameter(name="userId", description="Only of this user.")
OF_AGENT = (ACTIVE, CHANNEL, USER, LIMIT, CURSOR)
OF_ALL = (
    Parameter(name="agentId", description="Only of this agent, by agentId or uuid."),
    *OF_AGENT,
)


async def list_sessions(call: Call[None]) -> web.Response:
    """Every session of the workspace, newest start first."""
    asked = await agent_asked_for(call)
    if asked is None:
        return await _page(call, None, list_name="sessions")
    ident, view = asked
    if view is None:
        raise no_agent(ident)
    return await _page(call, view.agent_no, list_name="sessions")


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
    key, report = call.named("key", what=KEY), call.body
    if isinstance(report.agent_id, str):
        if (said := name_fault(report.agent_id, what=AGENT)) is not None:
            raise invalid(f"/agentId: {said}", Fault("/agentId", said))
        name = await call.service.names.of(call.backend, call.workspace_id, report.agent_id)
        report = replace(report, agent_id=name)
    if (fault := await Spans(call.backend, call.workspace_id).fault(key, report)) is not None:
        raise invalid(f"{fault.pointer}: {fault.detail}", fault)
    session, created = await call.backend.put_session(
        call.workspace_id, key, report, actor=call.caller.actor
    )
    workspace = call.backend.workspace(call.workspace_id)
    return reply(session_answer(session, workspace=workspace), status=201 if created else 200)
