"""What is loaded, whether a text would load, and whether policies may act."""

from aiohttp import web

from pinkslip.web.answers_on_decisions import decision_answer
from pinkslip.web.answers_on_policies import (
    enforcement_answer,
    enforcing,
    known_answer,
    policies_answer,
    policy_status_answer,
    policy_told,
    problems_told,
)
from pinkslip.web.backend import PolicyState
from pinkslip.web.payloads import (
    CheckAnswer,
    CheckRequest,
    ContextRequest,
    EnforcementRequest,
    PoliciesAnswer,
)
from pinkslip.web.problems import Fault, Refused
from pinkslip.web.query import SINCE
from pinkslip.web.routes import Call
from pinkslip.web.tallies import tallies
from pinkslip.web.wire import reply


async def list_policies(call: Call[None]) -> web.Response:
    """The set in force, and the problems of the newest attempt to load another."""
    return reply(_answer(call, await call.backend.policies(call.workspace_id)))


async def policy_status(call: Call[None]) -> web.Response:
    """How every policy fares: whom it holds for now, and what it came to."""
    since = call.query.instant(SINCE.name)
    counts = await call.backend.policy_counts(call.workspace_id, since=since or 0)
    reversals = await call.backend.reversals(call.workspace_id, since=since or 0)
    return reply(
        policy_status_answer(
            await call.backend.policies(call.workspace_id),
            tallies(counts, reversals),
            waiting=call.backend.facts.waiting,
            since=since,
        )
    )


async def restore_policy(call: Call[ContextRequest]) -> web.Response:
    """Let a policy act again that was overruled too often."""
    record = await call.backend.restore_policy(
        call.workspace_id,
        call.named("name", what="the policy's name"),
        context=call.body.context,
        actor=call.caller.actor,
    )
    return reply(decision_answer(record, displays=call.displays))


async def known(call: Call[None]) -> web.Response:
    """What policies can speak of here: results reported, roles, models and labels seen, sizes of pools."""
    found = await call.backend.known(call.workspace_id)
    state = await call.backend.policies(call.workspace_id)
    return reply(known_answer(found, reasons=state.policy_set.reasons, displays=call.displays))


async def check_policies(call: Call[CheckRequest]) -> web.Response:
    """Load a text as a policy file, say what is wrong with it, and throw it away."""
    checked = await call.backend.check_policies(
        call.workspace_id, [(call.body.file, call.body.text)]
    )
    policy_set = checked.policy_set
    policies = policy_set.policies if policy_set is not None else ()
    return reply(
        CheckAnswer(
            ok=policy_set is not None,
            policies=tuple(policy_told(policy) for policy in policies),
            enforcing=enforcing(policy_set) if policy_set is not None else 0,
            problems=problems_told(checked.problems),
        )
    )


async def get_enforcement(call: Call[None]) -> web.Response:
    """Whether policies may act, what holds them everywhere, and what waits for a person."""
    state = await call.backend.enforcement(call.workspace_id)
    return reply(enforcement_answer(state, call.backend.facts, displays=call.displays))


async def set_enforcement(call: Call[EnforcementRequest]) -> web.Response:
    """Stop or resume everything that policies do. It survives restarts."""
    request = call.body
    change = (
        call.backend.stop_enforcement if request.stopped else call.backend.resume_enforcement
    )
    state = await change(
        call.workspace_id,
        everywhere=request.everywhere,
        reason=request.reason,
        actor=call.caller.actor,
    )
    return reply(enforcement_answer(state, call.backend.facts, displays=call.displays))


async def reload(call: Call[None]) -> web.Response:
    """Read policies and configuration again, all or nothing."""
    state = await call.backend.reload(actor=call.caller.actor)
    if state.reload_failed:
        raise Refused(
            422,
            "bad_policies",
            "nothing was loaded and the policies in force stay; "
            + "; ".join(problem.render().splitlines()[0] for problem in state.problems[:3]),
            errors=[
                Fault(f"{problem.file}:{problem.line}:{problem.column}", problem.message)
                for problem in state.problems
            ],
        )
    return reply(_answer(call, state))


def _answer(call: Call[None], state: PolicyState) -> PoliciesAnswer:
    waiting = call.backend.facts.waiting
    return policies_answer(state, waiting=waiting, displays=call.displays)
