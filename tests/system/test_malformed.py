"""A real server under malformed requests: no 5xx, no crash, the page still parses, healthy clients are served.

Every request is made from a seed and its number, so that a failing one can be made again:
`python -m tests.system.test_malformed 117` prints it. `PINKSLIP_TEST_MALFORMED` says how many are sent.
"""

import asyncio
import gzip
import json
import os
import random
import sys
import zlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from prometheus_client.parser import text_string_to_metric_families
from tests.running import Running, serving

SEED = 20_261_123
COUNT = int(os.environ.get("PINKSLIP_TEST_MALFORMED", "1500"))
AT_ONCE = 24
SLOW_BODIES = 12
PATIENCE_S = 60

Body = dict[str, Any]


@dataclass(frozen=True)
class Request:
    """What is sent. `pauses` sends it byte by byte, too slowly."""

    kind: str
    raw: bytes
    may_pass: bool = False
    """Allowed to be answered 2xx: odd, and not wrong."""
    may_be_ignored: bool = False
    """Never becomes a request, so that the connection may just end."""
    pauses: bool = False


# bodies that are right, to be made wrong

HEARTBEAT: Body = {
    "status": "WORKING", "currentTask": "t", "progress": 1.5, "interval": 15, "contextUsed": 0.5,
    "bootId": "b", "seq": 7, "sentAt": "2026-11-23T09:30:00Z", "name": "n", "model": "m",
    "role": "r", "host": "h", "lineage": "l", "labels": {"k": "v"}, "sessionKey": "s",
    "lastError": "e",
}  # fmt: skip
OUTCOME: Body = {
    "result": "failure", "eventId": "e", "fault": "tool", "kind": "k", "durationMs": 5,
    "startedAt": "2026-11-23T09:30:00Z", "tokensIn": 1, "tokensOut": 2, "costUsd": 0.5,
    "score": 0.25, "error": "x", "sessionKey": "s", "taskId": "t",
}  # fmt: skip
SESSION: Body = {
    "agentId": "a", "userId": "u", "startedAt": "2026-11-23T09:30:00Z", "label": "l",
    "channel": "c", "contextSummary": "s", "messageCount": 1, "metadata": {"k": [1, "v"]},
}  # fmt: skip
TARGETS: list[tuple[str, str, Body]] = [
    ("POST", "/api/agents/victim/heartbeat", HEARTBEAT),
    ("POST", "/api/agents/victim/outcomes", OUTCOME),
    ("POST", "/api/agents/victim/finish", {"context": "c", "bootId": "b"}),
    ("PUT", "/api/sessions/victim", SESSION),
    ("POST", "/api/agents/victim/fire", {"reason": "dumb", "context": "c", "dryRun": True}),
    ("POST", "/api/agents/victim/protect", {"until": None, "context": "c"}),
    ("POST", "/api/enforcement", {"stopped": False, "reason": "r", "everywhere": False}),
    ("POST", "/api/policies/check", {"text": "version: 1\npolicies: []\n", "file": "f.yaml"}),
]
ITEMS: list[Body] = [
    {"type": "heartbeat", "agentId": "victim", **HEARTBEAT},
    {"type": "outcome", "agentId": "victim", **OUTCOME},
    {"type": "finish", "agentId": "victim"},
    {"type": "session", "sessionKey": "s"},
]
WRONG: list[Any] = [
    True,
    1,
    -1,
    1.5,
    2**53,
    2**70,
    -(2**70),
    1e300,
    "",
    "x" * 5_000,
    [],
    {},
    [[]],
    {"": 0},
]
HOSTILE_TEXT = ["\x00", "a\x00b", "\x00" * 300]


def http(
    method: str,
    path: str,
    body: bytes = b"",
    *headers: str,
    kind: str = "application/json",
    length: int | None = None,
    host: str = "127.0.0.1",
) -> bytes:
    """A request as bytes, however wrong."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}", "Connection: close"]
    if kind:
        lines.append(f"Content-Type: {kind}")
    lines.append(f"Content-Length: {len(body) if length is None else length}")
    head = "\r\n".join([*lines, *headers]) + "\r\n\r\n"
    return head.encode("utf-8", "surrogateescape") + body


# ways of being wrong. Each takes a random and answers a request


def wrong_type(chance: random.Random) -> Request:
    method, path, body = chance.choice(TARGETS)
    name = chance.choice(list(body))
    value = chance.choice([held for held in WRONG if type(held) is not type(body[name])])
    sent = json.dumps({**body, name: value}).encode()
    return Request("wrong type", http(method, path, sent), may_pass=True)


def unknown_field(chance: random.Random) -> Request:
    method, path, body = chance.choice(TARGETS)
    name = chance.choice(
        ["statu", "$where", "__proto__", "constructor", "x" * 3_000, "a\n", "ä", ""]
    )
    return Request("unknown field", http(method, path, json.dumps({**body, name: 1}).encode()))


def truncated(chance: random.Random) -> Request:
    method, path, body = chance.choice(TARGETS)
    sent = json.dumps(body).encode()
    return Request("truncated", http(method, path, sent[: chance.randrange(1, len(sent))]))


def flipped(chance: random.Random) -> Request:
    method, path, body = chance.choice(TARGETS)
    sent = bytearray(json.dumps(body).encode())
    for _ in range(chance.randint(1, 6)):
        sent[chance.randrange(len(sent))] = chance.randrange(256)
    return Request("flipped bytes", http(method, path, bytes(sent)), may_pass=True)


def not_a_number(chance: random.Random) -> Request:
    word = chance.choice(
        [
            b"NaN",
            b"Infinity",
            b"-Infinity",
            b"1e999",
            b"-1e999",
            b"0x10",
            b"01",
            b"1.",
            b"+1",
            b"9" * 5_000,
        ]
    )
    method, path, name = chance.choice(
        [
            ("POST", "/api/agents/victim/heartbeat", b"progress"),
            ("POST", "/api/agents/victim/outcomes", b"costUsd"),
            ("PUT", "/api/sessions/victim", b"messageCount"),
            ("POST", "/api/events", b"progress"),
        ]
    )
    body = b'{"result":"success","' + name + b'":' + word + b"}"
    if name == b"progress":
        body = b'{"progress":' + word + b"}"
    return Request("no number", http(method, path, body))


def surrogate(chance: random.Random) -> Request:
    method, path, _ = chance.choice(TARGETS)
    escape = chance.choice(
        [b"\\ud800", b"\\udfff", b"\\ud800\\ud800", b"\\ud83dx", b"\\uD8", b"\\u00"]
    )
    return Request("lone surrogate", http(method, path, b'{"context":"' + escape + b'"}'))


def hostile_text(chance: random.Random) -> Request:
    method, path, body = chance.choice(TARGETS[:6])
    name = chance.choice(
        [key for key, value in body.items() if isinstance(value, str)] or ["context"]
    )
    sent = json.dumps({**body, name: chance.choice(HOSTILE_TEXT)}).encode()
    return Request("NUL", http(method, path, sent))


def control_text(chance: random.Random) -> Request:
    name = chance.choice(["bootId", "name", "model", "role", "host", "lineage", "sessionKey"])
    text = chance.choice(["\n", "\r\n", "\x1b[2J", "\x7f", "\u2028", "a\u0085b", "\t"])
    sent = json.dumps({name: text}).encode()
    return Request("control character", http("POST", "/api/agents/victim/heartbeat", sent))


def bad_utf8(chance: random.Random) -> Request:
    method, path, _ = chance.choice(TARGETS)
    junk = chance.choice(
        [b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xf5\x80\x80\x80", b"\xe2\x82"]
    )
    return Request("not UTF-8", http(method, path, b'{"context":"' + junk + b'"}'))


def other_encoding(chance: random.Random) -> Request:
    method, path, body = chance.choice(TARGETS)
    encoding = chance.choice(["utf-16", "utf-32", "utf-8-sig"])
    return Request("other encoding", http(method, path, json.dumps(body).encode(encoding)))


def nested(chance: random.Random) -> Request:
    method, path, _ = chance.choice(TARGETS)
    depth = chance.choice([50, 1_000, 5_000, 15_000, 30_000])
    opening = chance.choice([b"[", b'{"a":', b'{"metadata":', b'{"labels":'])
    body = (opening * depth)[:60_000]
    if chance.random() < 0.5:
        body = b'{"metadata":' + b"[" * min(depth, 20_000) + b"]" * min(depth, 20_000) + b"}"
    return Request("nested", http(method, path, body))


def nested_batch(chance: random.Random) -> Request:
    depth = chance.choice([1_000, 100_000, 1_000_000])
    body = b'[{"type":"session","sessionKey":"s","metadata":' + b'{"a":' * depth
    return Request("nested batch", http("POST", "/api/events", body))


def too_large(chance: random.Random) -> Request:
    method, path, _ = chance.choice(TARGETS[:6])
    size = chance.choice([70_000, 200_000])
    return Request("too large", http(method, path, b'{"context":"' + b"x" * size + b'"}'))


def announced_large(chance: random.Random) -> Request:
    method, path, _ = chance.choice(TARGETS)
    length = chance.choice([10**8, 10**12, 2**63, 2**64, 10**30])
    return Request(
        "announced large", http(method, path, b"{", length=length), may_be_ignored=True
    )


def compressed(chance: random.Random) -> Request:
    method, path, body = chance.choice(TARGETS[:6])
    fine = gzip.compress(json.dumps(body).encode())
    how = chance.choice(
        ["bomb", "batch bomb", "cut", "garbage", "twice", "wrong name", "deflate"]
    )
    if how == "bomb":
        return Request("gzip bomb", http(method, path, _BOMB, "Content-Encoding: gzip"))
    if how == "batch bomb":
        bomb = http("POST", "/api/events", _BOMB, "Content-Encoding: gzip")
        return Request("gzip bomb", bomb)
    if how == "twice":
        return Request(how, http(method, path, gzip.compress(fine), "Content-Encoding: gzip"))
    if how == "cut":
        cut = fine[: chance.randrange(1, len(fine) - 9)]
        return Request("cut gzip", http(method, path, cut, "Content-Encoding: gzip"))
    if how == "garbage":
        junk = chance.randbytes(chance.randint(1, 400))
        return Request("bad gzip", http(method, path, junk, "Content-Encoding: gzip"))
    if how == "deflate":
        junk = zlib.compress(b"{}")[:-3] + b"\xff\xff\xff"
        return Request("bad deflate", http(method, path, junk, "Content-Encoding: deflate"))
    name = chance.choice(["br", "zstd", "compress", "gzip, gzip", "x" * 500, "\x80"])
    return Request("unknown encoding", http(method, path, fine, f"Content-Encoding: {name}"))


_BOMB = gzip.compress(b" " * 30_000_000)


def wrong_media(chance: random.Random) -> Request:
    method, path, body = chance.choice(TARGETS)
    kind = chance.choice(
        [
            "text/plain",
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=x",
            "a",
            "x" * 2_000,
            "application/yaml",
        ]
    )
    return Request("wrong media", http(method, path, json.dumps(body).encode(), kind=kind))


def bad_path(chance: random.Random) -> Request:
    ident = chance.choice(
        [
            "%00",
            "%0a",
            "%FF",
            "%ED%A0%80",
            "x" * 201,
            "%2E%2E",
            "%u0041",
            "\udcff\udcfe",
            "a%7F",
            "%C2%85",
            "x" * 8_000,
        ]
    )
    rest = chance.choice(["/heartbeat", "/finish", "/fire"])
    return Request(
        "bad id", http("POST", f"/api/agents/{ident}{rest}", b"{}"), may_pass=ident == "%u0041"
    )


def bad_query(chance: random.Random) -> Request:
    path = chance.choice(["/api/agents", "/api/decisions", "/api/sessions", "/metrics", "/"])
    query = chance.choice(
        [
            "x=1",
            "limit=-1",
            "limit=1e9",
            "limit=" + "9" * 400,
            "cursor=%00",
            "cursor=AAAA",
            "cursor=" + "A" * 3_000,
            "status=%FF",
            "limit=\udcff",
            "label.=1",
            "&".join("role=x" for _ in range(200)),
            "a[b]=1",
            "%=%",
            "q=" + "%F0" * 600,
            "stale=1&stale=2",
            "since=0000-00-00T00:00:00Z",
        ]
    )
    return Request("bad query", http("GET", f"{path}?{query}", kind=""))


def odd_cursor(chance: random.Random) -> Request:
    junk = chance.randbytes(chance.randint(1, 60)).hex()
    return Request("bad cursor", http("GET", f"/api/agents?cursor={junk}", kind=""))


def wrong_method(chance: random.Random) -> Request:
    method = chance.choice(
        ["DELETE", "PATCH", "TRACE", "CONNECT", "OPTIONS", "PROPFIND", "get", "X" * 300]
    )
    path = chance.choice(
        ["/api/agents", "/api/agents/victim", "/metrics", "/api/events", "*", "/"]
    )
    return Request("wrong method", http(method, path, kind=""), may_be_ignored=True)


def nowhere(chance: random.Random) -> Request:
    path = chance.choice(
        [
            "/api",
            "/api/agents/",
            "/api/agents//heartbeat",
            "/..%2f..%2fetc/passwd",
            "//evil",
            "/static/../../etc/passwd",
            "/static/%2e%2e%2fpasswd",
            "/api/agents/victim/explode",
            "/\udcff",
            "/" + "a/" * 2_000,
        ]
    )
    return Request("nowhere", http(chance.choice(["GET", "POST"]), path))


def stranger(chance: random.Random) -> Request:
    method, path, body = chance.choice(TARGETS)
    sent = json.dumps(body).encode()
    header = chance.choice(
        [
            "Origin: https://evil.example",
            "Origin: null",
            "Origin: \x80",
            "Forwarded: for=1.2.3.4",
            "X-Forwarded-For: 1.2.3.4",
            "X-Forwarded-Host: x",
        ]
    )
    if chance.random() < 0.3:
        host = chance.choice(
            ["evil.example", "127.0.0.1.evil.example", "[", "]:x", "\x80", "a b", ""]
        )
        return Request("strange host", http(method, path, sent, host=host), may_be_ignored=True)
    return Request("stranger", http(method, path, sent, header), may_be_ignored=True)


def bad_head(chance: random.Random) -> Request:
    raw = chance.choice([
        b"GET\r\n\r\n",
        b"GET / HTTP/3.7\r\n\r\n",
        b"GET / HTTP/1.1\nHost: localhost\n\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: other\r\n\r\n",
        b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
        b"GET / HTTP/1.1\r\n: empty\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX: a\x00b\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"y" * 20_000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"X: y\r\n" * 500 + b"\r\n",
        b"POST /api/events HTTP/1.1\r\nHost: localhost\r\nContent-Length: x\r\n\r\n",
        b"POST /api/events HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
        b"POST /api/events HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST /api/events HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: gzip, chunked, x\r\n\r\n",
        b"POST /api/events HTTP/1.1\r\nHost: localhost\r\nExpect: miracles\r\nContent-Length: 0\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 40,
    ])  # fmt: skip
    return Request("bad head", raw, may_be_ignored=True, may_pass=True)


def noise(chance: random.Random) -> Request:
    junk = chance.randbytes(chance.randint(1, 2_000)) + b"\r\n\r\n"
    return Request("noise", junk, may_be_ignored=True)


def bad_chunks(chance: random.Random) -> Request:
    chunks = chance.choice(
        [
            b"zz\r\n{}\r\n0\r\n\r\n",
            b"-1\r\n{}\r\n",
            b"2\r\n{}xx\r\n0\r\n\r\n",
            b"FFFFFFFFFFFFFFFFFF\r\n{}",
            b"1" * 9_000,
            b"2;" + b"x" * 9_000 + b"\r\n{}\r\n0\r\n\r\n",
        ]
    )
    head = b"POST /api/agents/victim/heartbeat HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    return Request("bad chunks", head + chunks, may_be_ignored=True)


def cut_off(chance: random.Random) -> Request:
    method, path, body = chance.choice(TARGETS)
    raw = http(method, path, json.dumps(body).encode())
    return Request("cut off", raw[: chance.randrange(1, len(raw) - 1)], may_be_ignored=True)


def bad_key(chance: random.Random) -> Request:
    key = chance.choice(["", '""', "x" * 500, "\x80", "a\tb"])
    sent = b'{"reason":"dumb","dryRun":true}'
    return Request(
        "bad key",
        http("POST", "/api/agents/victim/fire", sent, f"Idempotency-Key: {key}"),
        may_be_ignored=True,
        may_pass=True,
    )


def bad_batch(chance: random.Random) -> Request:
    how = chance.choice(["no array", "too many", "empty line", "text"])
    if how == "too many":
        body = json.dumps(
            [{"type": "finish", "agentId": "v"}] * chance.choice([1_001, 5_000])
        ).encode()
    else:
        body = {"no array": b'{"results": []}', "empty line": b"", "text": b'"[]"'}[how]
    return Request("bad batch", http("POST", "/api/events", body))


def mixed_batch(chance: random.Random) -> Request:
    items: list[Any] = [chance.choice(ITEMS)]
    for _ in range(chance.randint(1, 30)):
        item = dict(chance.choice(ITEMS))
        item[chance.choice(list(item))] = chance.choice([*WRONG, *HOSTILE_TEXT])
        items.append(chance.choice([item, *WRONG]))
    chance.shuffle(items)
    if chance.random() < 0.5:
        lines = b"\n".join(json.dumps(item).encode() for item in items)
        raw = http("POST", "/api/events", lines, kind="application/x-ndjson")
    else:
        raw = http("POST", "/api/events", json.dumps(items).encode())
    return Request("mixed batch", raw, may_pass=True)


def hostile_policy(chance: random.Random) -> Request:
    text = chance.choice(
        [
            "[" * 50_000,
            "a: &a [*a]",
            "a: &a [x]\nb: *a",
            "version: 1\npolicies:\n  - name: x\n    when: " + "(" * 4_000,
            "\x00",
            "version: 1\npolicies:\n  - name: x\n    when: " + "1 + " * 20_000 + "1 > 0",
            "- " * 30_000,
            "%YAML 9.9\n---\n",
            "!!python/object:os.system x",
            "\u0085\u2028" * 100,
            "version: " + "9" * 5_000,
        ]
    )
    raw = http("POST", "/api/policies/check", json.dumps({"text": text}).encode())
    return Request("hostile policy", raw, may_pass=True)


WAYS: list[Callable[[random.Random], Request]] = [
    wrong_type, unknown_field, truncated, flipped, not_a_number, surrogate, hostile_text,
    control_text, bad_utf8, other_encoding, nested, nested_batch, too_large, announced_large,
    compressed, wrong_media, bad_path, bad_query, odd_cursor, wrong_method, nowhere, stranger,
    bad_head, noise, bad_chunks, cut_off, bad_key, bad_batch, mixed_batch, hostile_policy,
]  # fmt: skip


def request(number: int) -> Request:
    """The malformed request of that number."""
    chance = random.Random(f"{SEED}:{number}")
    return WAYS[number % len(WAYS)](chance)


def slow_body(number: int) -> Request:
    """A body that never quite arrives."""
    method, path, body = TARGETS[number % len(TARGETS)]
    raw = http(method, path, json.dumps(body).encode() + b" " * 100)
    return Request("slow body", raw, pauses=True)


# sending


async def status_of(url: str, sent: Request) -> int | None:
    """The answer's status; None when the connection ended without one."""
    place = urlsplit(url)
    reader, writer = await asyncio.open_connection(place.hostname, place.port)
    try:
        await _write(writer, sent)
        answer = await reader.read()
    except ConnectionError:
        answer = b""
    finally:
        writer.close()
    words = answer.split(b" ", 2)
    return int(words[1]) if answer.startswith(b"HTTP/") and len(words) > 1 else None


async def _write(writer: asyncio.StreamWriter, sent: Request) -> None:
    if sent.pauses:
        head, _, body = sent.raw.partition(b"\r\n\r\n")
        writer.write(head + b"\r\n\r\n")
        for byte in body[:25]:
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(0.5)
    else:
        writer.write(sent.raw)
        await writer.drain()
    if sent.kind in {"cut off", "noise", "bad head", "announced large", "bad chunks"}:
        writer.write_eof()


@dataclass
class Tally:
    """What came back."""

    statuses: Counter[tuple[str, int | None]]
    wrong: list[str]
    healthy: int = 0


async def attack(url: str, count: int) -> Tally:
    """Send everything, healthy clients beside it."""
    tally = Tally(Counter(), [])
    over = asyncio.Event()
    gate = asyncio.Semaphore(AT_ONCE)

    async def send(name: str, sent: Request) -> None:
        try:
            status = await asyncio.wait_for(status_of(url, sent), PATIENCE_S)
        except TimeoutError:
            tally.wrong.append(f"{name} ({sent.kind}): no answer within {PATIENCE_S} s")
            return
        tally.statuses[sent.kind, status] += 1
        is_refused = status is not None and 400 <= status < 500
        is_passed = sent.may_pass and status is not None and 200 <= status < 300
        is_ignored = sent.may_be_ignored and status is None
        if not (is_refused or is_passed or is_ignored):
            tally.wrong.append(f"{name} ({sent.kind}): {status}")

    async def send_in_turn(number: int) -> None:
        async with gate:
            await send(f"request {number}", request(number))

    healthy = [
        asyncio.create_task(_healthy(url, f"healthy-{n}", tally, over)) for n in range(3)
    ]
    slow = [send(f"slow body {n}", slow_body(n)) for n in range(SLOW_BODIES)]
    await asyncio.gather(*slow, *(send_in_turn(number) for number in range(count)))
    over.set()
    await asyncio.gather(*healthy)
    return tally


async def _healthy(url: str, agent_id: str, tally: Tally, over: asyncio.Event) -> None:
    """An agent that does everything right, all the while."""
    beat = http("POST", f"/api/agents/{agent_id}/heartbeat", b'{"status":"WORKING"}')
    while not over.is_set():
        status = await asyncio.wait_for(status_of(url, Request("healthy", beat)), PATIENCE_S)
        if status != 200:
            tally.wrong.append(f"{agent_id}: {status}")
        tally.healthy += 1
        await asyncio.sleep(0.02)


def resident_mb(service: Running) -> float:
    status = Path(f"/proc/{service.process.pid}/status").read_text()
    kilobytes = next(
        line.split()[1] for line in status.splitlines() if line.startswith("VmRSS")
    )
    return int(kilobytes) / 1024


@pytest.mark.timeout(1_200)
async def test_nothing_malformed_breaks_the_service(tmp_path: Path) -> None:
    with serving(tmp_path) as service:
        service.beat("victim")

        tally = await attack(service.url, COUNT)

        assert not tally.wrong, "\n".join(tally.wrong[:40])
        assert service.process.poll() is None
        assert sum(tally.statuses.values()) == COUNT + SLOW_BODIES
        assert tally.healthy > 10
        page = service.get("/metrics").body
        families = list(text_string_to_metric_families(page))
        assert len(families) > 20
        for n in range(3):
            assert service.agent(f"healthy-{n}")["status"] == "WORKING"
        assert service.get("/api/enforcement").body["enabled"]
        log = service.log.read_text()
        assert "Traceback" not in log
        assert "request failed" not in log
        assert resident_mb(service) < 1_000
        assert service.stop() == 0


if __name__ == "__main__":
    sys.stdout.write(repr(request(int(sys.argv[1]))) + "\n")
