"""The service about itself: exposition, probes, and what a later version will serve."""

from typing import Any

from aiohttp import web

from pinkslip.web.backend import Phase
from pinkslip.web.problems import Refused
from pinkslip.web.routes import Call


async def metrics(call: Call[None]) -> web.Response:
    """The exposition, in the best format the scraper takes."""
    headers = call.request.headers
    page = await call.backend.metrics(
        call.workspace_id,
        accept=",".join(headers.getall("Accept", ())),
        accept_encoding=",".join(headers.getall("Accept-Encoding", ())),
    )
    return web.Response(body=page.body, headers=page.headers)


async def healthy(call: Call[None]) -> web.Response:
    """The process is up and its loop turns, whatever it may answer otherwise."""
    return web.Response(text="Pinkslip is healthy.\n")


async def ready(call: Call[None]) -> web.Response:
    """Whether requests are answered here. Reached only while serving: all else is refused before."""
    assert call.backend.state.phase is Phase.SERVING
    return web.Response(text="Pinkslip is ready.\n")


def later(what: str) -> Any:
    """A handler for a route that this version does not have."""

    async def not_yet(call: Call[None]) -> web.Response:
        raise Refused(404, "not_in_this_version", f"{what} is not in this version of Pinkslip")

    return not_yet
