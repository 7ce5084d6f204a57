"""The web application: the route table over a backend.

`application(...)` builds it, `server.Runner` serves it. Nothing here reads files, clocks or the environment.
"""

import re
from collections.abc import Awaitable, Callable, Iterable

import msgspec
from aiohttp import web

from pinkslip.model.ports import Clock
from pinkslip.web.auth import NOBODY, Gate, LoopbackGate, Scope, require
from pinkslip.web.backend import Backend
from pinkslip.web.idempotency import Once
from pinkslip.web.links import Links, prefix
from pinkslip.web.middleware import outermost
from pinkslip.web.names import in_capitals
from pinkslip.web.openapi import document
from pinkslip.web.pages import page_routes
from pinkslip.web.query import NO_QUERY, read_query
from pinkslip.web.routes import BATCH_BODY, Call, Raw, Route, Service, decoder_of
from pinkslip.web.table import ROUTES
from pinkslip.web.wire import decode, read_body

BODY_TIMEOUT_S = 10.0


def application(
    backend: Backend,
    *,
    clock: Clock,
    version: str,
    assumed_interval_s: float = 30.0,
    external_url: str | None = None,
    route_prefix: str = "",
    trusted_proxies: Iterable[str] = (),
    gate: Gate | None = None,
    body_timeout_s: float = BODY_TIMEOUT_S,
) -> web.Application:
    """Everything that is served. `gate` lets requests in; without one the loopback is trusted."""
    under = prefix(route_prefix)
    service = Service(
        backend=backend,
        clock=clock,
        links=Links.of(external_url=external_url, route_prefix=route_prefix),
        version=version,
        assumed_interval_s=assumed_interval_s,
    )
    gate = gate or LoopbackGate(external_url=external_url, trusted_proxies=trusted_proxies)
    once = Once()
    app = web.Application(
        middlewares=[outermost(backend, clock=clock, always=f"{under}/-/healthy")],
        client_max_size=BATCH_BODY,
    )
    for route in served_routes(service):
        _add(app, under, route, _served(route, service, gate, once, body_timeout_s))
    return app


def served_routes(service: Service) -> tuple[Route, ...]:
    """The table with the routes that need to know the service's links: document and pages."""
    return (*ROUTES, _openapi_route(service), *page_routes(service))


def _openapi_route(service: Service) -> Route:
    described = document(ROUTES, version=service.version, server=service.links.to("/"))
    body = msgspec.json.encode(described)

    async def openapi(call: Call[None]) -> web.Response:
        return web.Response(body=body, content_type="application/json")

    return Route(
        method="GET",
        path="/api/openapi.json",
        scope=Scope.READ,
        handler=openapi,
        summary="This document",
    )


def _add(
    app: web.Application,
    under: str,
    route: Route,
    handle: Callable[[web.Request], Awaitable[web.StreamResponse]],
) -> None:
    # a segment may hold anything but a slash; aiohttp's own pattern refuses braces too
    path = under + re.sub(r"\{(\w+)\}", r"{\1:[^/]+}", route.path)
    if route.method == "GET":
        app.router.add_get(path, handle, allow_head=True)
    else:
        app.router.add_route(route.method, path, handle)


def _served(
    route: Route, service: Service, gate: Gate, once: Once, body_timeout_s: float
) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """One route's way from a request to its handler: let in, read, checked."""
    decoder, backend = decoder_of(route), service.backend
    scope = route.scope.value
    is_open = route.scope is Scope.ANYONE
    is_of_agent = route.path.startswith("/api/agents/{id}")

    async def handle(request: web.Request) -> web.StreamResponse:
        caller = NOBODY if is_open else gate.admit(request)
        require(caller, scope)
        query = NO_QUERY
        if request.rel_url.raw_query_string:
            query = read_query(request.query, route.query)
        body = b""
        if route.body is not None:
            body = await read_body(
                request,
                limit=route.body_limit,
                media=route.body_media,
                timeout_s=body_timeout_s,
            )
        decoded: object = body if route.body is Raw else None
        if decoder is not None:
            decoded = decode(b"{}" if route.empty_body and not body else body, decoder)
        named = request.match_info
        if is_of_agent and in_capitals(named["id"]):
            named["id"] = await service.names.of(backend, caller.workspace_id, named["id"])
        call = Call(service, caller, request, query, decoded)
        if route.idempotent:
            return await once.run(call, body, lambda: route.handler(call))
        return await route.handler(call)

    return handle
