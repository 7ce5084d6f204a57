"""What people do to agents and outcomes: fire, reinstate, protect, quarantine, release, review."""

from typing import Any

from aiohttp import web

from pinkslip.fleet.snapshot import AgentView
from pinkslip.model.time import from_rfc3339, rfc3339
from pinkslip.model.words import Guard, Standing, Status
from pinkslip.store.acts import FireDone
from pinkslip.web.answers import review_answer
from pinkslip.web.handlers.agents import whole_answer
from pinkslip.web.handlers.ingest import AGENT
from pinkslip.web.payloads import (
    AgentAnswer,
    ContextRequest,
    FireAnswer,
    FireRequest,
    ProtectRequest,
    QuarantineRequest,
    ReinstateRequest,
    ReviewRequest,
)
from pinkslip.web.problems import Fault, invalid
from pinkslip.web.routes import Call
from pinkslip.web.wire import reply


async def fire(call: Call[FireRequest]) -> web.Response:
    """Terminate an agent. A second fire is a conflict that says when, by whom and why."""
    request = call.body
    ident = call.named("id", what=AGENT)
    before = await call.backend.agent(call.workspace_id, ident)
    done = await call.backend.fire(
        call.workspace_id,
        ident,
        reason=request.reason,
        context=request.context,
        force=request.force,
        dry_run=request.dry_run,
        actor=call.caller.actor,
    )
    return reply(
        FireAnswer(
            agent_id=done.agent_id,
            reason=done.reason,
            reason_shown=call.displays.get(done.reason, done.reason),
            context=done.context,
            fired_at=rfc3339(done.at),
            fire_id=done.fire_id,
            decision_id=done.decision_id,
            dry_run=done.dry_run,
            status=Status.TERMINATED,
            standing=Standing.FIRED,
            was_silent=done.was_silent,
            bypassed=done.bypassed,
            effect=_effect(
                done, had_finished=before is not None and before.finished_at is not None
            ),
        )
    )


def _effect(done: FireDone, *, had_finished: bool) -> str:
    """Plainly what a fire does and does not do, as things are now."""
    would = "would be" if done.dry_run else "is"
    is_stopped = Guard.STOPPED in done.bypassed
    if had_finished:
        process = "It had finished: nothing of it is running as far as we know."
    elif done.was_silent:
        process = "It has stopped reporting."
    elif is_stopped:
        process = "Its process goes on."
    else:
        process = "Its process goes on until it reads its orders, in the answer to its next report, and obeys."
    if is_stopped:
        order = " Enforcement is stopped: no order to stop goes out until it is resumed."
    elif had_finished or done.was_silent:
        order = " Should it report again, it is told to stop."
    else:
        order = ""
    nothing = " Nothing was changed: this was a dry run." if done.dry_run else ""
    return f"{done.agent_id} {would} marked TERMINATED. {process}{order}{nothing}"


async def reinstate(call: Call[ReinstateRequest]) -> web.Response:
    """Bring a fired agent back, under its next incarnation."""
    view = await call.backend.reinstate(
        call.workspace_id,
        call.named("id", what=AGENT),
        context=call.body.context,
        wrong=call.body.wrong,
        actor=call.caller.actor,
    )
    return reply(await _as_it_stands(call, view))


async def protect(call: Call[ProtectRequest]) -> web.Response:
    """Keep policies from firing the agent for a time."""
    until = call.body.until
    view = await call.backend.protect(
        call.workspace_id,
        call.named("id", what=AGENT),
        until=None if until is None else to_come(call, until, "or null to lift a protection"),
        context=call.body.context,
        actor=call.caller.actor,
    )
    return reply(await _as_it_stands(call, view))


async def quarantine(call: Call[QuarantineRequest]) -> web.Response:
    """Pause the agent until an instant; its heartbeats are answered with that order."""
    view = await call.backend.quarantine(
        call.workspace_id,
        call.named("id", what=AGENT),
        until=to_come(call, call.body.until, "or release the agent"),
        context=call.body.context,
        actor=call.caller.actor,
    )
    return reply(await _as_it_stands(call, view))


async def release(call: Call[ContextRequest]) -> web.Response:
    """Let the agent go from probation, quarantine or notice; every policy begins with it anew."""
    view = await call.backend.release(
        call.workspace_id,
        call.named("id", what=AGENT),
        context=call.body.context,
        actor=call.caller.actor,
    )
    return reply(await _as_it_stands(call, view))


async def review(call: Call[ReviewRequest]) -> web.Response:
    """Another score for an outcome. The newest review counts, and its result stays."""
    event_id = call.named("eventId", what="the eventId")
    done = await call.backend.review(
        call.workspace_id,
        event_id,
        score=call.body.score,
        comment=call.body.comment,
        actor=call.caller.actor,
    )
    return reply(review_answer(done, event_id=event_id))


def to_come(call: Call[Any], text: str, otherwise: str) -> int:
    """The instant `until` names, which must not have passed."""
    until = from_rfc3339(text)
    if until <= call.backend.now():
        raise invalid(
            f"/until: lies in the past; send an instant to come, {otherwise}",
            Fault("/until", "lies in the past"),
        )
    return until


async def _as_it_stands(call: Call[Any], acted: AgentView) -> AgentAnswer:
    """The agent after an act, whole: what the act's transaction knows of it is the last checkpoint."""
    view = await call.backend.agent(call.workspace_id, acted.agent_id)
    return await whole_answer(call, view or acted)
