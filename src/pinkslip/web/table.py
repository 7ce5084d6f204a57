"""Every route in one table. What is served, documented, answered 405 and tested comes from here."""

from pinkslip.model.events import Finish, Heartbeat, Outcome, SessionReport
from pinkslip.web.auth import Scope
from pinkslip.web.handlers import acts, agents, decisions, ingest, policies, service, sessions
from pinkslip.web.payloads import (
    AgentAnswer,
    AgentPage,
    BatchAnswer,
    CheckAnswer,
    CheckRequest,
    DecisionAnswer,
    DecisionPage,
    EnforcementAnswer,
    EnforcementRequest,
    FireAnswer,
    FireRequest,
    OutcomeAnswer,
    PoliciesAnswer,
    ProtectRequest,
    ReinstateRequest,
    ReportAnswer,
    SessionAnswer,
    SessionPage,
    WhyAnswer,
)
from pinkslip.web.routes import BATCH_BODY, POLICY_BODY, Raw, Route
from pinkslip.web.wire import JSON, NDJSON

AGENT = "/api/agents/{id}"

INGEST = (
    Route(
        method="POST",
        path=f"{AGENT}/heartbeat",
        scope=Scope.INGEST,
        handler=ingest.heartbeat,
        summary="My loop is alive",
        tag="agents report",
        body=Heartbeat,
        empty_body=True,
        answer=ReportAnswer,
        errors=(409,),
    ),
    Route(
        method="POST",
        path=f"{AGENT}/outcomes",
        scope=Scope.INGEST,
        handler=ingest.outcome,
        summary="A task ended",
        tag="agents report",
        body=Outcome,
        answer=OutcomeAnswer,
        errors=(409,),
    ),
    Route(
        method="POST",
        path=f"{AGENT}/finish",
        scope=Scope.INGEST,
        handler=ingest.finish,
        summary="The agent ended as planned",
        tag="agents report",
        body=Finish,
        empty_body=True,
        answer=ReportAnswer,
        errors=(409,),
    ),
    Route(
        method="POST",
        path="/api/events",
        scope=Scope.INGEST,
        handler=ingest.events,
        summary="Up to 1,000 events at once",
        tag="agents report",
        body=Raw,
        body_media=(JSON, NDJSON),
        body_limit=BATCH_BODY,
        answer=BatchAnswer,
    ),
)

AGENTS = (
    Route(
        method="GET",
        path="/api/agents",
        scope=Scope.READ,
        handler=agents.list_agents,
        summary="List agents",
        tag="agents",
        answer=AgentPage,
        query=agents.FILTERS,
    ),
    Route(
        method="GET",
        path=AGENT,
        scope=Scope.READ,
        handler=agents.get_agent,
        summary="One agent, with metrics, fire history and post-mortems",
        tag="agents",
        answer=AgentAnswer,
        errors=(404,),
    ),
    Route(
        method="GET",
        path=f"{AGENT}/why",
        scope=Scope.READ,
        handler=agents.why,
        summary="Why the agent is, or is not, fired",
        tag="agents",
        answer=WhyAnswer,
        errors=(404,),
    ),
    Route(
        method="POST",
        path=f"{AGENT}/fire",
        scope=Scope.OPERATE,
        handler=acts.fire,
        summary="Terminate an agent, with a reason",
        tag="agents",
        body=FireRequest,
        answer=FireAnswer,
        errors=(404, 409),
        idempotent=True,
    ),
    Route(
        method="POST",
        path=f"{AGENT}/reinstate",
        scope=Scope.OPERATE,
        handler=acts.reinstate,
        summary="Bring a fired agent back",
        tag="agents",
        body=ReinstateRequest,
        empty_body=True,
        answer=AgentAnswer,
        errors=(404, 409),
        idempotent=True,
    ),
    Route(
        method="POST",
        path=f"{AGENT}/protect",
        scope=Scope.OPERATE,
        handler=acts.protect,
        summary="Keep policies from firing an agent for a time",
        tag="agents",
        body=ProtectRequest,
        answer=AgentAnswer,
        errors=(404, 409),
        idempotent=True,
    ),
)

SESSIONS = (
    Route(
        method="GET",
        path=f"{AGENT}/sessions",
        scope=Scope.READ,
        handler=sessions.sessions_of_agent,
        summary="One agent's session history",
        tag="sessions",
        answer=SessionPage,
        query=sessions.OF_AGENT,
        errors=(404,),
    ),
    Route(
        method="GET",
        path="/api/sessions",
        scope=Scope.READ,
        handler=sessions.list_sessions,
        summary="List sessions",
        tag="sessions",
        answer=SessionPage,
        query=sessions.OF_ALL,
        errors=(404,),
    ),
    Route(
        method="GET",
        path="/api/sessions/{key}",
        scope=Scope.READ,
        handler=sessions.get_session,
        summary="One session",
        tag="sessions",
        answer=SessionAnswer,
        errors=(404,),
    ),
    Route(
        method="PUT",
        path="/api/sessions/{key}",
        scope=Scope.INGEST,
        handler=sessions.put_session,
        summary="Create or change a session",
        tag="sessions",
        body=SessionReport,
        empty_body=True,
        answer=SessionAnswer,
        errors=(404, 409),
        also={"201": "Created"},
    ),
)

DECIDING = (
    Route(
        method="GET",
        path="/api/decisions",
        scope=Scope.READ,
        handler=decisions.list_decisions,
        summary="List decisions, newest first",
        tag="decisions and policies",
        answer=DecisionPage,
        query=decisions.FILTERS,
    ),
    Route(
        method="GET",
        path="/api/decisions/{id}",
        scope=Scope.READ,
        handler=decisions.get_decision,
        summary="One decision, and its recomputation",
        tag="decisions and policies",
        answer=DecisionAnswer,
        query=(decisions.RECOMPUTE,),
        errors=(404, 409),
    ),
    Route(
        method="GET",
        path="/api/policies",
        scope=Scope.READ,
        handler=policies.list_policies,
        summary="The policies in force, and problems of the newest load",
        tag="decisions and policies",
        answer=PoliciesAnswer,
    ),
    Route(
        method="POST",
        path="/api/policies/check",
        scope=Scope.READ,
        handler=policies.check_policies,
        summary="Check a policy file without loading it",
        tag="decisions and policies",
        body=CheckRequest,
        body_limit=POLICY_BODY,
        answer=CheckAnswer,
    ),
    Route(
        method="GET",
        path="/api/enforcement",
        scope=Scope.READ,
        handler=policies.get_enforcement,
        summary="Whether policies may act",
        tag="decisions and policies",
        answer=EnforcementAnswer,
    ),
    Route(
        method="POST",
        path="/api/enforcement",
        scope=Scope.OPERATE,
        handler=policies.set_enforcement,
        summary="Stop or resume everything that policies do",
        tag="decisions and policies",
        body=EnforcementRequest,
        answer=EnforcementAnswer,
        errors=(409,),
        idempotent=True,
    ),
)

SERVICE = (
    Route(
        method="GET",
        path="/metrics",
        scope=Scope.SCRAPE,
        handler=service.metrics,
        summary="Exposition for Prometheus",
        media="text/plain",
    ),
    Route(
        method="GET",
        path="/-/healthy",
        scope=Scope.ANYONE,
        handler=service.healthy,
        summary="The process is up",
        media="text/plain",
    ),
    Route(
        method="GET",
        path="/-/ready",
        scope=Scope.ANYONE,
        handler=service.ready,
        summary="Requests are answered here",
        media="text/plain",
    ),
    *(
        Route(
            method=method,
            path="/-/reload",
            scope=Scope.ADMIN,
            handler=policies.reload,
            summary="Read policies and configuration again, all or nothing",
            answer=PoliciesAnswer,
        )
        for method in ("POST", "PUT")
    ),
)


def _later(method: str, path: str, what: str) -> Route:
    return Route(
        method=method,
        path=path,
        scope=Scope.READ,
        handler=service.later(what),
        summary=what,
        in_document=False,
    )


LATER = (
    _later("POST", f"{AGENT}/quarantine", "quarantine"),
    _later("POST", f"{AGENT}/release", "release from quarantine"),
    _later("POST", "/api/outcomes/{eventId}/review", "the review of outcomes"),
    _later("POST", "/api/decisions/{id}/veto", "the veto"),
    _later("POST", "/api/decisions/{id}/approve", "the approval of decisions"),
    _later("GET", "/api/silences", "silences"),
    _later("POST", "/api/silences", "silences"),
    _later("DELETE", "/api/silences", "silences"),
    _later("GET", "/api/stream", "the event stream"),
)
"""Named in the design, built later: refused by name."""

ROUTES: tuple[Route, ...] = (*INGEST, *AGENTS, *SESSIONS, *DECIDING, *SERVICE, *LATER)
