"""schemathesis drives the served document: whatever it says may be sent is answered as it says."""

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from aiohttp import web
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    allow_header_conformance,
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from tests.web.backend import MemoryBackend
from tests.web.conftest import StillClock

from pinkslip.web.application import application
from pinkslip.web.openapi import document
from pinkslip.web.server import Runner
from pinkslip.web.table import ROUTES

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    allow_header_conformance,
]


@schemathesis.serializer("application/x-ndjson")
def _lines(context: schemathesis.SerializationContext, value: Any) -> bytes:
    return str(value).encode(errors="surrogateescape")


schema = schemathesis.openapi.from_dict(document(ROUTES, version="0.1.0", server="/"))


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """A server on a loop of its own: schemathesis calls synchronously."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    async def start() -> tuple[Runner, int]:
        app = application(MemoryBackend(), clock=StillClock(), version="0.1.0")
        runner = Runner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        return runner, runner.addresses[0][1]

    runner, port = asyncio.run_coroutine_threadsafe(start(), loop).result(10)
    yield f"http://127.0.0.1:{port}"
    asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(10)
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


@schema.parametrize()
@settings(
    max_examples=6,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
def test_answers_are_what_the_document_says(case: schemathesis.Case, url: str) -> None:
    case.call_and_validate(base_url=url, checks=CHECKS)
