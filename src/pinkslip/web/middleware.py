"""What happens to every request: an id, the state of the service, problems for errors, a line for the slow.

No access log: it would cost more than the work. Requests that took long or failed on our side are logged.
"""

import itertools
from collections.abc import Awaitable, Callable
from secrets import token_hex

import structlog
from aiohttp import web
from aiohttp.typedefs import Middleware

from pinkslip.model.errors import PinkslipError
from pinkslip.model.ports import Clock
from pinkslip.web.backend import Backend, Phase, State
from pinkslip.web.problems import (
    Refused,
    problem_response,
    refused_response,
    response_for,
)

HEADER = "X-Request-ID"
SLOW_MS = 1_000

_log = structlog.get_logger(__name__)

Answering = Callable[[web.Request], Awaitable[web.StreamResponse]]


def outermost(backend: Backend, *, clock: Clock, always: str) -> Middleware:
    """The application's one middleware. `always` is the path answered in every phase."""
    process = token_hex(4)
    counter = itertools.count(1)

    @web.middleware
    async def answer(request: web.Request, handler: Answering) -> web.StreamResponse:
        request_id = f"{process}-{next(counter)}"
        began = clock.monotonic_ms()
        response: web.StreamResponse
        try:
            state = backend.state
            if state.phase is not Phase.SERVING and request.path != always:
                response = _not_serving(state, request_id)
            else:
                response = await handler(request)
        except Exception as error:  # noqa: BLE001 - the unit of isolation is one request
            response = answer_for(error, request, request_id=request_id)
        took = clock.monotonic_ms() - began
        if took >= SLOW_MS and response.status != 408:  # a slow sender is no slow request
            _log.warning(
                "slow request",
                method=request.method,
                path=request.path,
                status=response.status,
                took_ms=took,
                request_id=request_id,
            )
        response.headers[HEADER] = request_id
        return response

    return answer


def answer_for(
    error: Exception, request: web.BaseRequest, *, request_id: str
) -> web.StreamResponse:
    """Any error as its answer. What nobody expected is logged once, and strangers get its id."""
    match error:
        case Refused():
            return refused_response(error, request_id=request_id)
        case PinkslipError():
            return response_for(error, request_id=request_id)
        case web.HTTPException() if error.status < 400:
            raise error
        case web.HTTPException():
            return _of_http(error, request, request_id=request_id)
        case _:
            _log.error(
                "request failed",
                method=request.method,
                path=request.path,
                request_id=request_id,
                exc_info=error,
            )
            return internal(request_id)


def internal(request_id: str) -> web.Response:
    """A fault of ours. Nothing of it is told but where to find it in the log."""
    return problem_response(
        500,
        "internal",
        "a fault of ours, logged under this request id; quote it to the operator",
        request_id=request_id,
    )


def _of_http(
    error: web.HTTPException, request: web.BaseRequest, *, request_id: str
) -> web.Response:
    code, detail, headers = "http", error.reason, {}
    match error:
        case web.HTTPNotFound():
            code = "not_found"
            detail = (
                f"nothing is served at {request.path[:200]}; /api/openapi.json lists what is"
            )
        case web.HTTPMethodNotAllowed():
            code = "method_not_allowed"
            allowed = ", ".join(sorted(error.allowed_methods))
            detail = f"{error.method} is not served here; use {allowed}"
            headers["Allow"] = allowed
        case web.HTTPRequestEntityTooLarge():
            code, detail = "too_large", "the body is too large; send less at once"
        case web.HTTPExpectationFailed():
            code, detail = "expectation_failed", "send Expect: 100-continue, or none"
        case _:
            pass
    return problem_response(error.status, code, detail, request_id=request_id, headers=headers)


def _not_serving(state: State, request_id: str) -> web.Response:
    facts: dict[str, object] = {"phase": state.phase.value}
    detail = "stopping; ask another process, or this one when it is back"
    if state.phase is Phase.STARTING:
        detail = "starting; ask again shortly"
    elif state.phase is Phase.STANDBY:
        facts["holder"] = state.holder
        detail = (
            f"{state.holder} serves this database; this process takes over when it ends. "
            "Ask there."
        )
    if state.detail:
        detail = f"{detail} ({state.detail})"
    return problem_response(
        503,
        "not_serving",
        detail,
        request_id=request_id,
        facts=facts,
        headers={"Retry-After": "1"},
        close=state.phase is Phase.STOPPING,
    )
