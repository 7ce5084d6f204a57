"""What agents may say, how it is answered, and what is refused with a pointer to it."""

import asyncio
import gzip
import io
import json
import zlib
from typing import Any

import pytest
from msgspec import UNSET
from tests.web.backend import MemoryBackend
from tests.web.conftest import Serve, Served

from pinkslip.model.events import Finish, Heartbeat, Outcome, SessionReport
from pinkslip.model.words import Source, Standing, Status
from pinkslip.web.table import BATCH_BODY

BEAT = "/api/agents/a/heartbeat"
OUTCOME = "/api/agents/a/outcomes"


async def raw(
    served: Served, body: bytes, *, path: str = BEAT, **headers: str
) -> tuple[int, Any]:
    sent = {"Content-Type": "application/json"} | {
        name.replace("_", "-"): value for name, value in headers.items()
    }
    return await served.ask("POST", path, data=io.BytesIO(body), headers=sent)


async def test_a_heartbeat_is_answered_with_what_we_know_and_what_is_missing(
    served: Served,
) -> None:
    status, answer = await served.post(BEAT, {"status": "WORKING", "currentTask": "x"})

    assert status == 200
    assert answer == {
        "status": "WORKING",
        "standing": "active",
        "orders": [],
        "interval": 30.0,
        "notes": ["no interval declared: 30 s assumed"],
    }


async def test_an_empty_heartbeat_needs_no_body_and_no_content_type(served: Served) -> None:
    assert (await served.post(BEAT))[0] == 200
    assert (await raw(served, b"{}"))[0] == 200


async def test_the_report_reaches_the_journal_as_it_was_said(
    served: Served, backend: MemoryBackend
) -> None:
    await served.post("/api/agents/a%2Fb%20%7Bc%7D/heartbeat", {"interval": 15, "role": None})

    (report,) = backend.reports
    assert (report.workspace_id, report.agent_id, report.source) == (1, "a/b {c}", Source.SELF)
    assert report.event == Heartbeat(interval=15.0, role=None)
    assert report.event.status is UNSET


async def test_null_is_as_good_as_absent_where_there_is_nothing_to_clear(
    served: Served, backend: MemoryBackend
) -> None:
    body = {"seq": None, "leaving": None, "status": "WORKING"}
    item = {"type": "heartbeat", "agentId": "a", **body}

    alone = await served.post(BEAT, body)
    _, batch = await served.post(EVENTS, [item])

    assert (alone[0], [result["status"] for result in batch["results"]]) == (200, [200])
    assert [report.event for report in backend.reports] == [
        Heartbeat(status=Status.WORKING)
    ] * 2


async def test_an_empty_event_id_is_no_id(served: Served, backend: MemoryBackend) -> None:
    body = {"result": "success", "eventId": ""}

    alone = await served.post(OUTCOME, body)
    _, batch = await served.post(EVENTS, [{"type": "outcome", "agentId": "a", **body}])

    (in_batch,) = batch["results"]
    assert (alone[0], in_batch["status"]) == (422, 422)
    for problem in (alone[1], in_batch["problem"]):
        assert problem["errors"] == [
            {"pointer": "/eventId", "detail": "Expected `str` of length >= 1"}
        ]
    assert not backend.reports


async def test_an_outcome_is_counted_once_however_often_it_is_sent(served: Served) -> None:
    body = {"result": "success", "eventId": "e-1"}

    first = await served.post(OUTCOME, body)
    again = await served.post(OUTCOME, body)
    other = await served.post(OUTCOME, {**body, "result": "failure"})

    assert (first[0], first[1]["eventId"], first[1]["duplicate"]) == (200, "e-1", False)
    assert (again[0], again[1]["duplicate"]) == (200, True)
    assert (other[0], other[1]["code"]) == (409, "conflict")


async def test_an_outcome_without_an_id_is_given_one(served: Served) -> None:
    _, answer = await served.post(OUTCOME, {"result": "success"})

    assert answer["eventId"]


async def test_a_fired_agent_reads_its_orders_and_a_new_boot_is_refused_with_the_same(
    served: Served, backend: MemoryBackend
) -> None:
    backend.add("a", standing=Standing.FIRED, status=Status.TERMINATED, boot_id="one")
    stop = [{"type": "stop", "reason": "dumb"}]

    same = await served.post(BEAT, {"bootId": "one"})
    without = await served.post(BEAT)
    new = await served.post(BEAT, {"bootId": "two"})
    outcome = await served.post(OUTCOME, {"result": "success"})

    assert [(status, answer["orders"]) for status, answer in (same, without, outcome)] == [
        (200, stop)
    ] * 3
    assert (new[0], new[1]["code"], new[1]["orders"]) == (409, "fired", stop)
    assert new[1]["agentStatus"] == "TERMINATED"


async def test_agents_may_not_terminate_themselves(served: Served) -> None:
    status, problem = await served.post(BEAT, {"status": "TERMINATED"})

    assert status == 422
    assert problem["errors"][0]["pointer"] == "/status"
    assert "leaving" in problem["detail"]


@pytest.mark.parametrize(
    ("body", "pointer", "said"),
    [
        ({"statu": "IDLE"}, "/statu", "did you mean 'status'"),
        ({"status": "BUSY"}, "/status", "send one of IDLE, WORKING, WAITING, ERROR"),
        ({"currentTask": "x" * 501}, "/currentTask", "length <= 500"),
        ({"interval": 0}, "/interval", ">= 1"),
        ({"contextUsed": 1.5}, "/contextUsed", "<= 1"),
        ({"seq": 1.5}, "/seq", "Expected `int | null`"),
        ({"labels": {str(n): "" for n in range(21)}}, "/labels", "length <= 20"),
        ({"labels": {"a/b": "x\x07"}}, "/labels/a~1b", "control character"),
        ({"name": "two\nlines"}, "/name", "control character"),
        ({"bootId": "\x7f"}, "/bootId", "control character"),
        ({"currentTask": "a\x00b"}, "/currentTask", "NUL"),
        ({"sentAt": "yesterday"}, "/sentAt", "RFC 3339"),
        ({"sentAt": "2026-11-23T09:30:00"}, "/sentAt", "RFC 3339"),
        ({"sentAt": "9999-12-31T23:59:59-23:59"}, "/sentAt", "RFC 3339"),
    ],
    ids=lambda value: str(value)[:40],
)
async def test_what_is_wrong_is_named_with_a_pointer(
    served: Served, backend: MemoryBackend, body: dict[str, Any], pointer: str, said: str
) -> None:
    status, problem = await served.post(BEAT, body)

    assert status == 422
    assert problem["errors"][0]["pointer"] == pointer
    assert said in problem["errors"][0]["detail"]
    assert not backend.reports


async def test_text_of_a_task_may_hold_lines_and_any_language(served: Served) -> None:
    status, answer = await served.post(BEAT, {"currentTask": "lies\n\tund schreib 🙂\x1b[0m"})

    assert (status, answer["status"]) == (200, "IDLE")


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        (b"{", 400, "truncated"),
        (b"{} x", 400, "trailing"),
        (b"\xef\xbb\xbf{}", 400, "malformed"),
        (b'{"name": "\xff"}', 400, "UTF-8"),
        (b'{"name": "\\ud800"}', 400, "surrogate"),
        (b'{"name": "a\nb"}', 400, "malformed"),
        (b'{"progress": NaN}', 400, "malformed"),
        (b'{"progress": Infinity}', 400, "malformed"),
        (b'{"progress": 1e999}', 422, "out of range"),
        (b'{"seq": 99999999999999999999}', 422, "9007199254740991"),
        (b"[]", 422, "Expected `object`, got `array`"),
        (b"null", 422, "got `null`"),
        (b"[" * 100_000, 413, "64"),
        (b"[" * 60_000, 400, ""),
        (b'{"labels":' * 6_000, 422, "Expected `str`"),
    ],
    ids=lambda value: str(value)[:30],
)
async def test_malformed_json_is_refused(
    served: Served, body: bytes, status: int, said: str
) -> None:
    got, problem = await raw(served, body)

    assert (
        got in {status, 422} if body.startswith(b"[" * 9) and status == 400 else got == status
    )
    assert said in problem["detail"] or said == "64"
    assert problem["status"] == got


async def test_what_is_no_json_is_called_by_its_name(served: Served) -> None:
    _, malformed = await raw(served, b"{]")
    _, truncated = await raw(served, b"{")

    assert malformed["detail"].startswith("not JSON we can read: JSON is malformed")
    assert truncated["detail"].startswith("not JSON we can read: input data was truncated")


async def test_duplicate_keys_take_the_last(served: Served) -> None:
    _, answer = await raw(served, b'{"status": "IDLE", "status": "WORKING"}')

    assert answer["status"] == "WORKING"


async def test_a_finish_ends_the_agent_as_planned(served: Served) -> None:
    status, _ = await served.post("/api/agents/a/finish", {"context": "done\nfor today"})
    _, agents = await served.get("/api/agents?include=finished")

    assert status == 200
    assert agents["items"][0]["finishedAt"] == "2026-11-18T11:06:40.000Z"
    assert agents["items"][0]["terminatedAt"] is None


# agent ids


@pytest.mark.parametrize(
    ("path", "agent_id"),
    [
        ("a%2Fb", "a/b"),
        ("a%25b", "a%b"),
        ("a%252Fb", "a%2Fb"),
        ("%7Bid%7D", "{id}"),
        ("%C3%A4%F0%9F%98%80", "ä😀"),
        ("a+b", "a+b"),
        ("a%3Fb%23c", "a?b#c"),
        ("x" * 200, "x" * 200),
    ],
)
async def test_any_line_of_text_can_be_an_agent_id(
    served: Served, backend: MemoryBackend, path: str, agent_id: str
) -> None:
    status, _ = await sent_raw(served, f"POST /api/agents/{path}/heartbeat")
    _, agents = await served.get("/api/agents")

    assert status == 200
    assert [report.agent_id for report in backend.reports] == [agent_id]
    assert [agent["agentId"] for agent in agents["items"]] == [agent_id]


@pytest.mark.parametrize(
    "path", ["x" * 201, "%00", "a%0Ab", "a%7F", "%FF", "a%ED%A0%80", "%2E", "%2E%2E"]
)
async def test_what_cannot_stand_in_a_path_or_on_a_line_is_no_agent_id(
    served: Served, backend: MemoryBackend, path: str
) -> None:
    status, problem = await sent_raw(served, f"POST /api/agents/{path}/heartbeat")

    assert status in {404, 422}
    assert problem["status"] == status
    assert not backend.reports


async def sent_raw(
    served: Served, line: str, body: bytes = b"", headers: str = ""
) -> tuple[int, Any]:
    """A request as bytes: no client normalises its path."""
    reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
    writer.write(
        f"{line} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{headers}"
        f"Content-Length: {len(body)}\r\n\r\n".encode("utf-8", "surrogateescape")
        + body
    )
    answer = await reader.read()
    writer.close()
    head, _, content = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), json.loads(content)


# batches

EVENTS = "/api/events"


async def test_one_bad_item_never_costs_the_good_ones(
    served: Served, backend: MemoryBackend
) -> None:
    items = [
        {"type": "heartbeat", "agentId": "a", "status": "WORKING"},
        {"type": "outcome", "agentId": "a"},
        {"type": "outcome", "agentId": "a", "result": "success", "eventId": "e"},
        5,
        {"type": "guess", "agentId": "a"},
        {"agentId": "a"},
        {"type": "heartbeat", "agentId": ""},
        {"type": "heartbeat", "agentId": "a\x00"},
        {"type": "heartbeat", "agentId": "a", "status": "TERMINATED"},
        {"type": "session", "sessionKey": "s", "agentId": None, "metadata": {"k": [1]}},
        {"type": "outcome", "agentId": "a", "result": "success", "eventId": "e"},
        {"type": "finish", "agentId": "b", "context": "over"},
    ]

    status, answer = await served.post(EVENTS, items)

    results = answer["results"]
    assert status == 200
    assert [result["index"] for result in results] == list(range(len(items)))
    assert [result["status"] for result in results] == [
        200, 422, 200, 422, 422, 422, 422, 422, 422, 200, 200, 200,
    ]  # fmt: skip
    assert results[10] == {"index": 10, "status": 200, "eventId": "e", "duplicate": True}
    assert results[7]["problem"]["errors"][0]["pointer"] == "/agentId"
    assert [type(report.event) for report in backend.reports] == [
        Heartbeat,
        Outcome,
        SessionReport,
        Outcome,
        Finish,
    ]
    assert backend.reports[2].session_key == "s"


async def test_an_event_in_a_batch_is_the_same_event_as_one_sent_alone(
    served: Served, backend: MemoryBackend
) -> None:
    heartbeat = {
        "status": "WORKING", "currentTask": "t", "progress": 1.5, "interval": 15, "contextUsed": 0.5,
        "bootId": "b", "seq": 7, "sentAt": "2026-11-23T09:30:00Z", "leaving": True, "name": "n",
        "model": "m", "role": "r", "host": "h", "lineage": "l", "labels": {"k": "v"},
        "sessionKey": "s", "lastError": "e",
    }  # fmt: skip
    outcome = {
        "result": "failure", "eventId": "e", "fault": "tool", "kind": "k", "durationMs": 5,
        "startedAt": "2026-11-23T09:30:00Z", "tokensIn": 1, "tokensOut": 2, "costUsd": 0.5,
        "score": 0.25, "error": "x", "sessionKey": "s", "taskId": "t",
    }  # fmt: skip
    finish = {"context": "c", "bootId": "b"}
    await served.post("/api/agents/a/heartbeat", heartbeat)
    await served.post("/api/agents/a/outcomes", outcome)
    await served.post("/api/agents/a/finish", finish)
    alone = list(backend.reports)
    backend.reports.clear()

    await served.post(
        EVENTS,
        [
            {"type": "heartbeat", "agentId": "a", **heartbeat},
            {"type": "outcome", "agentId": "a", **outcome},
            {"type": "finish", "agentId": "a", **finish},
        ],
    )

    assert backend.reports == alone
    for report in alone:  # and no field of an event was forgotten above
        fields = [getattr(report.event, name) for name in report.event.__struct_fields__]
        assert UNSET not in fields
        assert None not in fields


async def test_newline_delimited_events_are_a_batch_too(
    served: Served, backend: MemoryBackend
) -> None:
    body = b'{"type":"heartbeat","agentId":"a"}\n\n{broken\r\n{"type":"finish","agentId":"a"}'

    status, answer = await raw(served, body, path=EVENTS, Content_Type="application/x-ndjson")

    assert status == 200
    assert [result["status"] for result in answer["results"]] == [200, 422, 200]
    assert len(backend.reports) == 2


async def test_a_lone_surrogate_costs_its_own_item_only(served: Served) -> None:
    good = b'{"type":"heartbeat","agentId":"a"}'
    bad = b'{"type":"heartbeat","agentId":"a","name":"\\ud800"}'

    status, answer = await raw(
        served, b"[" + good + b"," + bad + b"," + good + b"]", path=EVENTS
    )

    assert status == 200
    assert [result["status"] for result in answer["results"]] == [200, 422, 200]


async def test_text_that_only_looks_like_a_surrogate_is_kept(
    served: Served, backend: MemoryBackend
) -> None:
    body = (
        b'[{"type":"heartbeat","agentId":"a","currentTask":"\\\\ud800 \\ud83d\\ude00"},'
        b'{"type":"heartbeat","agentId":"a","name":"\\udfff"}]'
    )

    _, answer = await raw(served, body, path=EVENTS)

    assert [result["status"] for result in answer["results"]] == [200, 422]
    assert "surrogate" in answer["results"][1]["problem"]["detail"]
    (report,) = backend.reports
    assert isinstance(report.event, Heartbeat)
    assert report.event.current_task == "\\ud800 \U0001f600"


async def test_orders_reach_agents_that_report_in_batches(
    served: Served, backend: MemoryBackend
) -> None:
    backend.add("a", standing=Standing.FIRED, boot_id="one")

    _, answer = await served.post(
        EVENTS,
        [
            {"type": "heartbeat", "agentId": "a"},
            {"type": "heartbeat", "agentId": "a", "bootId": "two"},
        ],
    )

    stop = [{"type": "stop", "reason": "dumb"}]
    told, refused = answer["results"]
    assert (told["status"], told["orders"]) == (200, stop)
    assert (refused["status"], refused["problem"]["code"]) == (409, "fired")
    assert refused["orders"] == stop


async def test_a_batch_holds_a_thousand_events_and_no_more(
    served: Served, backend: MemoryBackend
) -> None:
    item = {"type": "heartbeat", "agentId": "a"}

    assert (await served.post(EVENTS, [item] * 1_000))[0] == 200
    assert len(backend.reports) == 1_000
    assert (await served.post(EVENTS, [item] * 1_001))[0] == 422
    assert (await served.post(EVENTS, [{}] * 1_001))[0] == 422
    assert len(backend.reports) == 1_000
    assert await served.post(EVENTS, []) == (200, {"results": []})


@pytest.mark.parametrize("body", [b"{}", b"[", b"5", b"", b'"text"'])
async def test_what_is_no_array_is_no_batch(served: Served, body: bytes) -> None:
    status, problem = await raw(served, body, path=EVENTS)

    assert status in {400, 422}
    assert "array" in problem["detail"]


# bodies


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("gzip", gzip.compress(b'{"status": "WAITING"}')),
        ("gzip", gzip.compress(b'{"status": ') + gzip.compress(b'"WAITING"}')),
        ("deflate", zlib.compress(b'{"status": "WAITING"}')),
        ("deflate", zlib.compress(b'{"status": "WAITING"}', wbits=-15)),
        ("identity", b'{"status": "WAITING"}'),
    ],
    ids=["gzip", "two members", "deflate", "raw deflate", "identity"],
)
async def test_compressed_bodies_are_read(served: Served, encoding: str, body: bytes) -> None:
    status, answer = await raw(served, body, Content_Encoding=encoding)

    assert (status, answer["status"]) == (200, "WAITING")


@pytest.mark.parametrize(
    ("encoding", "body", "status"),
    [
        ("gzip", b"this is not gzip", 400),
        ("gzip", gzip.compress(b"{}" * 1_000)[:30], 400),
        ("deflate", b"\xff\xff\xff\xff", 400),
        ("br", b"x", 415),
        ("gzip", gzip.compress(b"{}")[:-4], 400),
        ("gzip", gzip.compress(b"{}")[:12], 400),
        ("gzip", gzip.compress(b"{}") + b"more", 400),
        ("gzip", gzip.compress(gzip.compress(b"{}")), 400),
        ("snappy", b"x", 415),
        ("gzip", gzip.compress(b" " * 10_000_000), 413),
        ("gzip", gzip.compress(b"") * 1_000 + gzip.compress(b"{}"), 400),
    ],
    ids=[
        "garbage",
        "truncated",
        "bad deflate",
        "brotli",
        "without its sum",
        "only a head",
        "with a tail",
        "twice",
        "unknown",
        "bomb",
        "many members",
    ],
)
async def test_bad_encodings_and_bombs_are_refused(
    served: Served, encoding: str, body: bytes, status: int
) -> None:
    got, problem = await raw(served, body, Content_Encoding=encoding)

    assert got == status
    assert problem["status"] == got


async def test_each_route_bounds_its_bodies(served: Served) -> None:
    big = b'{"lastError": "' + b"x" * 70_000 + b'"}'

    status, problem = await raw(served, big)

    assert (status, problem["code"]) == (413, "too_large")
    assert "65,536" in problem["detail"]
    assert (await raw(served, b"[" + b" " * 200_000 + b"]", path=EVENTS))[0] == 200
    assert (await raw(served, b" " * (BATCH_BODY + 1), path=EVENTS))[0] == 413


async def test_a_body_must_say_that_it_is_json(served: Served) -> None:
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data"):
        status, problem = await raw(served, b"{}", Content_Type=kind)

        assert (status, problem["code"]) == (415, "unsupported_media")


async def test_a_slow_body_is_cut(serve: Serve) -> None:
    served = await serve(body_timeout_s=0.2)

    reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
    writer.write(
        b"POST /api/agents/a/heartbeat HTTP/1.1\r\nHost: localhost\r\n"
        b"Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{"
    )
    answer = await reader.read()
    writer.close()

    head, _, content = answer.partition(b"\r\n\r\n")
    assert b" 408 " in head.splitlines()[0]
    assert json.loads(content)["code"] == "slow_body"
