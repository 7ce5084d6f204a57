"""The runner of the application: timeouts and limits of connections, and problems even for broken requests.

What never becomes a request (a bad request line, a header too long) is answered by aiohttp's protocol, which
knows only text; `Connection` answers it as everything else is answered.
"""

from collections.abc import Awaitable, Callable
from functools import partial
from http import HTTPStatus
from secrets import token_hex

import structlog
from aiohttp import web
from aiohttp.hdrs import SERVER
from aiohttp.web_protocol import RequestHandler
from aiohttp.web_request import BaseRequest
from aiohttp.web_server import Server

from pinkslip.web.middleware import HEADER, answer_for, internal
from pinkslip.web.problems import problem_response

KEEPALIVE_S = 30
LINGERING_S = 2
SHUTDOWN_S = 10

_log = structlog.get_logger(__name__)


class Request(web.Request):
    """One request, or what was sent in place of one. Its answer does not say what serves it."""

    async def _prepare_hook(self, response: web.StreamResponse) -> None:
        """Called when the headers stand: aiohttp has named itself, Python and both versions."""
        await super()._prepare_hook(response)
        response.headers.popall(SERVER, None)


class Connection(RequestHandler):
    """One connection; answers what aiohttp could not parse."""

    __slots__ = ()

    def handle_error(
        self,
        request: BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Called where no handler was reached, or one broke beyond the middleware."""
        if request.writer.output_size > 0:
            raise ConnectionError("an answer was begun already")
        request_id = token_hex(6)
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            _log.error("connection failed", request_id=request_id, exc_info=exc)
            response = internal(request_id)
        else:
            said = (message or "").strip().splitlines()
            response = problem_response(
                status,
                "bad_request",
                f"not an HTTP request we can read: {said[0].rstrip(':')[:200] if said else exc}",
                request_id=request_id,
            )
        response.headers[HEADER] = request_id
        response.force_close()
        return response


class HttpServer(Server):
    """Makes our connections instead of aiohttp's."""

    def __call__(self) -> RequestHandler:
        return Connection(self, loop=self._loop, **self._kwargs)


class Runner(web.AppRunner):
    """Serves an application as Pinkslip does: the same in production and in tests."""

    def __init__(self, app: web.Application) -> None:
        super().__init__(
            app,
            access_log=None,
            keepalive_timeout=KEEPALIVE_S,
            lingering_time=LINGERING_S,
            shutdown_timeout=SHUTDOWN_S,
            auto_decompress=False,  # see wire.inflated
        )

    async def _make_server(self) -> Server:
        made = await super()._make_server()
        return HttpServer(
            _guarded(made.request_handler),
            request_factory=partial(self.app._make_request, _cls=Request),  # noqa: SLF001 - nor for the request's
            loop=made._loop,  # noqa: SLF001 - aiohttp has no hook for the connection's class
            **made._kwargs,  # noqa: SLF001 - the same
        )


def _guarded(
    handle: Callable[[BaseRequest], Awaitable[web.StreamResponse]],
) -> Callable[[BaseRequest], Awaitable[web.StreamResponse]]:
    """What is raised before the middleware runs (an unknown Expect) becomes a problem too."""

    async def guarded(request: BaseRequest) -> web.StreamResponse:
        try:
            return await handle(request)
        except Exception as error:  # noqa: BLE001 - the unit of isolation is one request
            request_id = token_hex(6)
            response = answer_for(error, request, request_id=request_id)
            response.headers[HEADER] = request_id
            return response

    return guarded
