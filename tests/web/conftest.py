"""A served application: the same runner as in production, on a free port of the loopback."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from aiohttp import ClientSession, web
from tests.web.backend import NOW, MemoryBackend

from pinkslip.web.application import application
from pinkslip.web.server import Runner


class StillClock:
    """Time that moves when told to."""

    def __init__(self) -> None:
        self.at = NOW

    def wall_ms(self) -> int:
        return self.at

    def monotonic_ms(self) -> int:
        return self.at


@pytest.fixture
def backend() -> MemoryBackend:
    return MemoryBackend()


@pytest.fixture
def clock() -> StillClock:
    return StillClock()


Serve = Callable[..., Awaitable["Served"]]


class Served:
    """A running server and a client for it."""

    def __init__(self, session: ClientSession, port: int) -> None:
        self.session, self.port = session, port

    async def ask(
        self, method: str, path: str, *, json: Any = None, **kwargs: Any
    ) -> tuple[int, Any]:
        """Status and decoded JSON."""
        if json is not None:
            kwargs["json"] = json
        async with self.session.request(method, path, **kwargs) as response:
            return response.status, await response.json(content_type=None)

    async def get(self, path: str, **kwargs: Any) -> tuple[int, Any]:
        return await self.ask("GET", path, **kwargs)

    async def post(self, path: str, json: Any = None, **kwargs: Any) -> tuple[int, Any]:
        return await self.ask("POST", path, json=json, **kwargs)


@pytest.fixture
async def serve(backend: MemoryBackend, clock: StillClock) -> AsyncIterator[Serve]:
    """Starts servers over the backend; they end with the test."""
    ends: list[Callable[[], Awaitable[None]]] = []

    async def start(**settings: Any) -> Served:
        app = application(
            settings.pop("backend", backend), clock=clock, version="0.1.0", **settings
        )
        runner = Runner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = runner.addresses[0][1]
        session = ClientSession(f"http://127.0.0.1:{port}")
        ends.extend([session.close, runner.cleanup])
        return Served(session, port)

    yield start
    for end in ends:
        await end()


@pytest.fixture
async def served(serve: Serve) -> Served:
    return await serve()
