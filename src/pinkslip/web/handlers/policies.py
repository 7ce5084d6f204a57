"""What is loaded, whether a text would load, and whether policies may act."""

from aiohttp import web

from pinkslip.web.answers import (
    enforcement_answer,
    enforcing,
    policies_answer,
    policy_told,
    problems_told,
)
from pinkslip.web.payloads import CheckAnswer, CheckRequest, EnforcementRequest
from pinkslip.web.problems import Fault, Refused
from pinkslip.web.routes import Call
from pinkslip.web.wire import reply


async def list_policies(call: Call[None]) -> web.Response:
    """The set in force, and the problems of the newest attempt to load another."""
    return reply(policies_answer(await call.backend.policies(call.workspace_id)))


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
    """Whether policies may act, and where panic holds them."""
    state = await call.backend.enforcement(call.workspace_id)
    return reply(enforcement_answer(state, call.backend.facts.panics))


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
    return reply(enforcement_answer(state, call.backend.facts.panics))


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
    return reply(policies_answer(state))
