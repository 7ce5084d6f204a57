"""The ceiling for HTTP in Python: an aiohttp handler that decodes the body with msgspec and answers 204."""

import sys

import msgspec
from aiohttp import web

from pinkslip.model.events import Outcome
from pinkslip.web.payloads import OutcomeItem

_one = msgspec.json.Decoder(Outcome).decode
_many = msgspec.json.Decoder(list[OutcomeItem]).decode


async def one(request: web.Request) -> web.Response:
    _one(await request.read())
    return web.Response(status=204)


async def many(request: web.Request) -> web.Response:
    _many(await request.read())
    return web.Response(status=204)


def main() -> None:
    application = web.Application(client_max_size=2**24)
    application.router.add_post("/api/agents/{id}/outcomes", one)
    application.router.add_post("/api/events", many)
    web.run_app(
        application, host="127.0.0.1", port=int(sys.argv[1]), access_log=None, print=None
    )


if __name__ == "__main__":
    main()
