"""Whether the record of decisions is whole, and what it says to someone who is no engineer."""

from collections.abc import Mapping, Sequence

from aiohttp import web

from pinkslip.model.time import rfc3339
from pinkslip.model.words import Verdict
from pinkslip.store.views import DecisionFilters, Fire, StoredDecision
from pinkslip.web.answers_on_decisions import chain_answer
from pinkslip.web.backend import SilenceState
from pinkslip.web.handlers.agents import PAGE_MAX, agent_asked_for, no_agent
from pinkslip.web.instants import instant
from pinkslip.web.payloads import AuditReport, ReportCaseTold
from pinkslip.web.problems import invalid_parameter
from pinkslip.web.query import SINCE, Parameter
from pinkslip.web.report import Material, Report, as_markdown, as_text, report_of
from pinkslip.web.routes import Call
from pinkslip.web.wire import JSON, reply

MARKDOWN = "text/markdown"
PLAIN = "text/plain"
READ_MAX = 5_000
"""Decisions that one report looks at; older ones are left out, and it says so."""
SILENCES_MAX = 20

FILTERS = (
    Parameter(name="agentId", description="About this agent, by agentId or uuid."),
    SINCE,
)


async def verify(call: Call[None]) -> web.Response:
    """Walk the chain of decisions from its start."""
    return reply(chain_answer(await call.backend.verify_chain(call.workspace_id)))


async def report(call: Call[None]) -> web.Response:
    """A report in words about one agent, or about everything since an instant."""
    since = call.query.instant(SINCE.name)
    agent_id = await _agent_id(call)
    if agent_id is None and since is None:
        raise invalid_parameter(
            "agentId", "say whom or since when the report is about: agentId, since, or both"
        )
    material = await _material(call, agent_id=agent_id, since=since)
    written = report_of(material)
    match _wanted(call.request.headers.get("Accept", "")):
        case "text/markdown":
            return _page(as_markdown(written), MARKDOWN)
        case "text/plain":
            return _page(as_text(written), PLAIN)
        case _:
            return reply(_told(written, material))


async def _agent_id(call: Call[None]) -> str | None:
    """Whom it is about: an agent there is, or one that left only decisions."""
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


async def _material(call: Call[None], *, agent_id: str | None, since: int | None) -> Material:
    filters = DecisionFilters(agent_id=agent_id, since=since)
    decisions, is_cut = await _decisions(call, filters)
    numbers = {one.agent_no for one in decisions if one.verdict is Verdict.FIRED}
    fires = await call.backend.fires(call.workspace_id, sorted(numbers)) if numbers else {}
    ids = {decision.id for decision in decisions}
    return Material(
        now=call.backend.now(),
        displays=call.displays,
        decisions=decisions,
        is_cut=is_cut,
        agent_id=agent_id,
        since=since,
        fires=_by_decision(fires),
        waiting={
            one.decision_id: one for one in call.backend.facts.waiting if one.decision_id in ids
        },
        silences=() if agent_id is not None else await _silences(call, since=since),
        chain=await call.backend.verify_chain(call.workspace_id),
    )


async def _decisions(
    call: Call[None], filters: DecisionFilters
) -> tuple[Sequence[StoredDecision], bool]:
    """Oldest first, at most `READ_MAX` of the newest; and whether there were more."""
    found: list[StoredDecision] = []
    before: int | None = None
    while len(found) < READ_MAX:
        page = await call.backend.decisions(
            call.workspace_id, filters=filters, before=before, limit=PAGE_MAX
        )
        found += page
        if len(page) < PAGE_MAX:
            return found[::-1], False
        before = page[-1].number
    return found[::-1], True


def _by_decision(fires: Mapping[int, Sequence[Fire]]) -> Mapping[str, Fire]:
    return {fire.decision_id: fire for kept in fires.values() for fire in kept}


async def _silences(call: Call[None], *, since: int | None) -> Sequence[SilenceState]:
    newest = await call.backend.silences(call.workspace_id, active=None, limit=SILENCES_MAX)
    return [
        state
        for state in newest
        if since is None or (state.stored.ended_at or state.stored.silence.ends_at) > since
    ]


def _wanted(accept: str) -> str:
    """The first of our media that is asked for; JSON where none is named."""
    for part in accept.split(","):
        media = part.partition(";")[0].strip().lower()
        if media in {MARKDOWN, PLAIN, JSON}:
            return media
    return JSON


def _page(text: str, media: str) -> web.Response:
    return web.Response(
        text=text, content_type=media, headers={"X-Content-Type-Options": "nosniff"}
    )


def _told(written: Report, material: Material) -> AuditReport:
    return AuditReport(
        title=written.title,
        at=rfc3339(written.at),
        agent_id=material.agent_id,
        since=instant(material.since),
        summary=written.summary,
        cases=tuple(
            ReportCaseTold(
                decision_id=case.decision_id,
                number=case.number,
                at=rfc3339(case.at),
                agent_id=case.agent_id,
                title=case.title,
                paragraphs=case.paragraphs,
            )
            for case in written.cases
        ),
        chain=chain_answer(material.chain),
        text=as_text(written),
    )
