"""What happens to any request: who may send it, how it fails, and what strangers are told."""

import asyncio
import json
from typing import Any

import pytest
from structlog.testing import capture_logs
from tests.web.backend import MemoryBackend
from tests.web.conftest import Serve, Served, StillClock

from pinkslip.model.errors import Unavailable
from pinkslip.web.backend import Phase, State
from pinkslip.web.middleware import SLOW_MS


async def headed(served: Served, request: bytes) -> tuple[int, dict[str, str]]:
    """Raw bytes out; status and headers back."""
    status, headers, _ = await answered(served, request)
    return status, headers


async def spoken(served: Served, request: bytes) -> tuple[int, dict[str, str], Any]:
    """Raw bytes out; status, headers and JSON back."""
    status, headers, body = await answered(served, request)
    return status, headers, json.loads(body) if body else None


async def answered(served: Served, request: bytes) -> tuple[int, dict[str, str], bytes]:
    """Raw bytes out; status, headers and body back."""
    reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
    writer.write(request)
    answer = await reader.read()
    writer.close()
    head, _, body = answer.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines)
    return int(first.split()[1]), headers, body


# errors


async def test_nothing_served_is_a_problem(served: Served) -> None:
    async with served.session.get("/nothing/here") as response:
        problem = await response.json(content_type=None)

        assert response.status == 404
        assert response.content_type == "application/problem+json"
        assert response.headers["X-Request-ID"] == problem["requestId"]
    assert problem["type"] == "urn:pinkslip:problem:not_found"
    assert "/nothing/here" in problem["detail"]


async def test_the_wrong_method_is_told_the_right_ones(served: Served) -> None:
    async with served.session.delete("/api/agents/a") as response:
        problem = await response.json(content_type=None)

        assert (response.status, response.headers["Allow"]) == (405, "GET, HEAD")
    assert problem["code"] == "method_not_allowed"


async def test_head_is_answered_wherever_get_is(served: Served) -> None:
    for path in ("/api/agents", "/metrics", "/-/healthy", "/", "/api/openapi.json"):
        async with served.session.head(path) as response:
            assert response.status == 200
            assert await response.read() == b""
            assert int(response.headers["Content-Length"]) > 0


async def test_what_a_later_version_has_is_refused_by_name(served: Served) -> None:
    status, problem = await served.get("/api/stream")

    assert (status, problem["code"]) == (404, "not_in_this_version")
    assert "stream" in problem["detail"]


async def test_a_fault_of_ours_is_logged_once_and_tells_strangers_an_id(
    served: Served, backend: MemoryBackend
) -> None:
    async def broken() -> None:
        raise RuntimeError("the secret of the house")

    backend.before_report = broken
    with capture_logs() as logs:
        status, problem = await served.post("/api/agents/a/heartbeat")

    assert (status, problem["code"]) == (500, "internal")
    assert "secret" not in json.dumps(problem)
    (line,) = logs
    assert line["request_id"] == problem["requestId"]
    assert "secret" in str(line["exc_info"])


async def test_not_now_says_when_to_come_back(served: Served, backend: MemoryBackend) -> None:
    async def full() -> None:
        raise Unavailable("the queue is full", retry_after_s=3)

    backend.before_report = full
    async with served.session.post("/api/agents/a/heartbeat") as response:
        assert (response.status, response.headers["Retry-After"]) == (503, "3")
        assert (await response.json(content_type=None))["detail"] == "the queue is full"


SMUGGLING = (
    b"POST /api/events HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
)


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"nonsense\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nbad header\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n",
        b"GET /" + b"x" * 9_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 9_000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"X: y\r\n" * 200 + b"\r\n",
        b"POST /api/events HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
        SMUGGLING,
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ],
    ids=[
        "words",
        "version",
        "header",
        "two hosts",
        "long line",
        "long header",
        "many headers",
        "negative length",
        "smuggling",
        "tls",
    ],
)
async def test_even_what_is_no_request_is_answered_as_a_problem(
    served: Served, request_bytes: bytes
) -> None:
    status, headers, problem = await spoken(served, request_bytes)

    assert status == 400
    assert headers["Content-Type"] == "application/problem+json"
    assert (problem["status"], problem["requestId"]) == (400, headers["X-Request-ID"])
    assert "Traceback" not in json.dumps(problem)


async def test_no_answer_says_what_serves_it(served: Served, backend: MemoryBackend) -> None:
    async def broken() -> None:
        raise RuntimeError

    backend.before_report = broken
    asked = (
        b"GET /api/agents HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
        b"GET /nothing HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
        b"GET /-/healthy HTTP/1.0\r\nHost: localhost\r\n\r\n",
        beat("Expect: a miracle"),
        beat(),
        b"nonsense\r\n\r\n",
        SMUGGLING,
    )

    heads = [await headed(served, request) for request in asked]

    assert [status for status, _ in heads] == [200, 404, 200, 417, 500, 400, 400]
    assert not [headers["Server"] for _, headers in heads if "Server" in headers]


async def test_an_unknown_expectation_is_a_problem(served: Served) -> None:
    status, headers, problem = await spoken(
        served,
        b"POST /api/events HTTP/1.1\r\nHost: localhost\r\nExpect: a miracle\r\n"
        b"Content-Length: 0\r\nConnection: close\r\n\r\n",
    )

    assert (status, problem["code"]) == (417, "expectation_failed")
    assert headers["Content-Type"] == "application/problem+json"


async def test_broken_chunks_are_refused(served: Served) -> None:
    status, _, problem = await spoken(
        served,
        b"POST /api/agents/a/heartbeat HTTP/1.1\r\nHost: localhost\r\n"
        b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
    )

    assert status == 400
    assert problem["status"] == 400


async def test_slow_requests_are_logged(
    served: Served, backend: MemoryBackend, clock: StillClock
) -> None:
    async def slow() -> None:
        clock.at += SLOW_MS

    backend.before_report = slow
    with capture_logs() as logs:
        await served.post("/api/agents/a/heartbeat")
        await served.get("/api/agents")

    (line,) = logs
    assert (line["event"], line["took_ms"]) == ("slow request", SLOW_MS)


# who may ask


def beat(*headers: str, host: str = "127.0.0.1:8740") -> bytes:
    lines = "".join(f"{header}\r\n" for header in headers)
    return (
        f"POST /api/agents/a/heartbeat HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n"
        f"{lines}Content-Length: 0\r\n\r\n"
    ).encode()


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "127.0.0.1:1", "localhost:8740", "[::1]:8740", "127.8.8.8", "LOCALHOST"],
)
async def test_the_loopback_is_trusted_under_its_own_names(served: Served, host: str) -> None:
    assert (await spoken(served, beat(host=host)))[0] == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:8740", "127.0.0.1.evil.example", "10.0.0.1", "", "[", "::"],
)
async def test_a_name_that_was_rebound_to_the_loopback_is_refused(
    served: Served, backend: MemoryBackend, host: str
) -> None:
    status, _, problem = await spoken(served, beat(host=host))

    assert (status, problem["code"]) == (403, "unknown_host")
    assert not backend.reports


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://127.0.0.1:9999", "file://"]
)
async def test_pages_of_other_sites_may_not_act(
    served: Served, backend: MemoryBackend, origin: str
) -> None:
    status, _, problem = await spoken(served, beat(f"Origin: {origin}"))

    assert (status, problem["code"]) == (403, "cross_origin")
    assert not backend.reports


async def test_our_own_pages_may_act(served: Served) -> None:
    assert (await spoken(served, beat("Origin: http://127.0.0.1:8740")))[0] == 200


@pytest.mark.parametrize(
    "header",
    [
        "Forwarded: for=10.0.0.1",
        "X-Forwarded-For: 10.0.0.1",
        "x-forwarded-host: h",
        "X-FORWARDED-PROTO: https",
    ],
)
async def test_what_came_through_a_proxy_is_refused_unless_it_is_trusted(
    served: Served, serve: Serve, header: str
) -> None:
    trusting = await serve(trusted_proxies=("127.0.0.0/8",))
    elsewhere = await serve(trusted_proxies=("10.0.0.0/8",))

    assert (await spoken(served, beat(header)))[0] == 403
    assert (await spoken(elsewhere, beat(header)))[0] == 403
    assert (await spoken(trusting, beat(header)))[0] == 200


async def test_the_external_address_is_ours_too(serve: Serve) -> None:
    served = await serve(external_url="https://agents.example/pinkslip/")

    by_name = await spoken(served, beat(host="agents.example"))
    with_origin = await spoken(
        served, beat("Origin: https://agents.example", host="agents.example")
    )
    other = await spoken(served, beat(host="example"))

    assert (by_name[0], with_origin[0], other[0]) == (200, 200, 403)


async def test_everything_lies_under_the_route_prefix(serve: Serve) -> None:
    served = await serve(route_prefix="/pinkslip/")

    assert (await served.get("/pinkslip/api/agents"))[0] == 200
    assert (await served.get("/api/agents"))[0] == 404
    async with served.session.get("/pinkslip/-/healthy") as response:
        assert response.status == 200
    async with served.session.get("/pinkslip/") as response:
        assert 'href="/pinkslip/metrics"' in await response.text()
    _, document = await served.get("/pinkslip/api/openapi.json")
    assert document["servers"] == [{"url": "/pinkslip/"}]


# phases


async def test_a_standby_names_who_serves_and_answers_nothing_but_its_health(
    served: Served, backend: MemoryBackend
) -> None:
    backend.state = State(Phase.STANDBY, holder="alpha:4711")

    for method, path in (
        ("GET", "/api/agents"),
        ("GET", "/-/ready"),
        ("GET", "/"),
        ("GET", "/nope"),
    ):
        async with served.session.request(method, path) as response:
            problem = await response.json(content_type=None)

            assert (response.status, problem["code"]) == (503, "not_serving")
            assert problem["holder"] == "alpha:4711"
            assert "alpha:4711" in problem["detail"]
            assert response.headers["Retry-After"] == "1"
    async with served.session.get("/-/healthy") as response:
        assert response.status == 200


@pytest.mark.parametrize("phase", [Phase.STARTING, Phase.STOPPING])
async def test_readiness_ends_where_serving_does(
    served: Served, backend: MemoryBackend, phase: Phase
) -> None:
    async with served.session.get("/-/ready") as response:
        assert response.status == 200
    backend.state = State(phase, detail="rebuilding")

    async with served.session.get("/-/ready") as response:
        problem = await response.json(content_type=None)

        assert (response.status, problem["phase"]) == (503, phase.value)
        assert "rebuilding" in problem["detail"]
