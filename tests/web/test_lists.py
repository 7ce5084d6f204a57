"""Lists: filters, pages, cursors; and the seed's shapes."""

from typing import Any

import pytest
from msgspec.structs import replace
from tests.web.backend import NOW, MemoryBackend
from tests.web.conftest import Served

from pinkslip.model.words import Standing, Status, Verdict
from pinkslip.web.handlers import agents as agents_handler

SEED_AGENT = {
    "id", "workspaceId", "agentId", "name", "model", "role", "status", "currentTask", "metrics",
    "lastHeartbeat", "errorCount", "lastError", "firedCount", "fireHistory", "createdAt",
    "updatedAt", "terminatedAt",
}  # fmt: skip
SEED_SESSION = {
    "id", "workspaceId", "userId", "agentId", "sessionKey", "label", "channel", "contextSummary",
    "messageCount", "isActive", "startedAt", "lastMessageAt", "endedAt", "metadata",
}  # fmt: skip


def ids(page: Any) -> list[str]:
    return [item["agentId"] for item in page["items"]]


async def everything(served: Served, path: str) -> list[Any]:
    """Every item of a list, page by page."""
    items: list[Any] = []
    cursor = ""
    while True:
        _, page = await served.get(path + cursor)
        items += page["items"]
        if page["next"] is None:
            return items
        assert page["items"], "a page that has a next one is not empty"
        cursor = f"&cursor={page['next']}"


async def test_an_agent_has_the_seeds_fields_and_shapes(
    served: Served, backend: MemoryBackend
) -> None:
    backend.add(
        "a",
        tasks=4,
        successes=1,
        failed=(1, 1, 0, 0, 0, 1),
        duration_ms_sum=700,
        duration_count=2,
        last_heartbeat=NOW,
        cost_micros=1_500_000,
    )

    _, agent = await served.get("/api/agents/a")

    assert set(agent) >= SEED_AGENT
    assert agent["metrics"] == {
        "totalTasks": 4,
        "successfulTasks": 1,
        "failedTasks": 3,
        "avgResponseTimeMs": 350.0,
    }
    assert agent["lastHeartbeat"] == "2026-11-18T11:06:40.000Z"
    assert agent["totals"]["costUsd"] == 1.5
    assert agent["totals"]["failedByFault"]["provider"] == 1
    assert agent["metrics"]["avgResponseTimeMs"] == 350.0


async def test_an_agent_is_found_by_its_uuid_when_no_agent_id_matches(
    served: Served, backend: MemoryBackend
) -> None:
    first = backend.add("a")
    backend.add(first.uuid.replace("1", "2"))

    _, agent = await served.get(f"/api/agents/{first.uuid}")

    assert agent["agentId"] == "a"


async def test_the_list_and_the_agent_say_the_same(
    served: Served, backend: MemoryBackend
) -> None:
    backend.add("a", progress=0.0, context_used=0.5, labels={"team": "x"}, interval_ms=15_000)
    backend.add("b")

    _, page = await served.get("/api/agents")

    for item in page["items"]:
        assert (await served.get(f"/api/agents/{item['agentId']}"))[1] == item


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("status=WORKING", ["a"]),
        ("status=WORKING,ERROR", ["a", "b"]),
        ("status=WORKING&status=ERROR", ["a", "b"]),
        ("standing=active", ["a", "b", "c"]),
        ("role=dev", ["a", "b"]),
        ("role=dev&role=", ["a", "b", "c"]),
        ("role=", ["c"]),
        ("model=glm&role=dev", ["a"]),
        ("host=h1", ["b"]),
        ("lineage=l", ["c"]),
        ("label.team=x", ["a"]),
        ("label.team=x&label.team=y", ["a", "b"]),
        ("label.team=x&label.tier=1", []),
        ("stale=true", ["b"]),
        ("stale=false", ["a", "c"]),
        ("q=REPORT", ["a"]),
        ("q=Carol", ["c"]),
        ("q=b", ["b"]),
        ("include=finished", ["a", "b", "c", "done"]),
        ("include=fired", ["a", "b", "c", "out"]),
        ("include=finished,fired", ["a", "b", "c", "done", "out"]),
        ("standing=fired", ["out"]),
        ("status=TERMINATED", ["out"]),
        ("limit=1", ["a"]),
    ],
)
async def test_filters(
    served: Served, backend: MemoryBackend, query: str, found: list[str]
) -> None:
    backend.add("a", status=Status.WORKING, role="dev", model="glm", labels={"team": "x"})
    backend.add(
        "b", status=Status.ERROR, role="dev", host="h1", labels={"team": "y"}, is_stale=True
    )
    backend.add("c", name="carol", lineage="l")
    backend.add("done", finished_at=NOW)
    backend.add("out", standing=Standing.FIRED, status=Status.TERMINATED)
    backend.agents["a"] = replace(backend.agents["a"], current_task="write the report")

    status, page = await served.get(f"/api/agents?{query}")

    assert status == 200
    assert ids(page) == found


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("statu=WORKING", "did you mean 'status'"),
        ("status=BUSY", "IDLE or WORKING"),
        ("limit=0", "from 1 to 1000"),
        ("limit=1001", "from 1 to 1000"),
        ("limit=ten", "from 1 to 1000"),
        ("limit=٣", "from 1 to 1000"),
        ("limit=1&limit=2", "given 2 times"),
        ("stale=yes", "true or false"),
        ("include=everyone", "finished or fired"),
        ("cursor=abc", "pass `next`"),
        ("cursor=%F0%9F", ""),
        ("q=%00", "control character"),
        ("label.=x", "unknown parameter"),
        ("q=" + "x" * 600, "longer than"),
        ("&".join(f"role={n}" for n in range(101)), "more than 100"),
    ],
)
async def test_parameters_nobody_can_take_are_refused(
    served: Served, query: str, said: str
) -> None:
    status, problem = await served.get(f"/api/agents?{query}")

    assert status == 422
    assert said in problem["detail"]
    assert problem["errors"][0]["pointer"]


async def test_parameters_are_refused_where_none_are_declared(served: Served) -> None:
    for path in ("/api/policies?x=1", "/metrics?x=1", "/-/healthy?x=1", "/api/agents/a?x=1"):
        assert (await served.get(path))[0] == 422


async def test_pages_hold_everything_once_while_agents_come_and_go(
    served: Served, backend: MemoryBackend
) -> None:
    for number in range(25):
        backend.add(f"agent-{number}")
    _, first = await served.get("/api/agents?limit=10")
    backend.add("late")
    del backend.agents["agent-12"]

    _, second = await served.get(f"/api/agents?limit=10&cursor={first['next']}")
    _, third = await served.get(f"/api/agents?limit=10&cursor={second['next']}")

    seen = ids(first) + ids(second) + ids(third)
    assert seen == [f"agent-{n}" for n in range(25) if n != 12] + ["late"]
    assert third["next"] is None


async def test_a_cursor_belongs_to_its_filters_and_its_list(
    served: Served, backend: MemoryBackend
) -> None:
    for number in range(3):
        backend.add(str(number), role="dev")
    _, page = await served.get("/api/agents?limit=1&role=dev")
    cursor = page["next"]

    assert (await served.get(f"/api/agents?limit=2&role=dev&cursor={cursor}"))[0] == 200
    assert (await served.get(f"/api/agents?role=ops&cursor={cursor}"))[0] == 422
    assert (await served.get(f"/api/agents?cursor={cursor}"))[0] == 422
    assert (await served.get(f"/api/decisions?cursor={cursor}"))[0] == 422


async def test_those_in_memory_and_those_in_the_database_make_one_list(
    served: Served, backend: MemoryBackend
) -> None:
    for number in range(40):
        left = number % 3 == 0
        backend.add(f"agent-{number}", **({"finished_at": NOW} if left else {}))
        if number % 6 == 0:
            backend.gone[f"agent-{number}"] = backend.agents.pop(f"agent-{number}")
    # a row in the database that lags behind memory: there the agent is back already
    backend.gone["agent-1"] = replace(backend.agents["agent-1"], finished_at=NOW, name="old")

    for limit in (1, 3, 7, 100):
        items = await everything(served, f"/api/agents?include=finished&limit={limit}")

        assert [item["agentId"] for item in items] == [f"agent-{n}" for n in range(40)]
        assert items[1]["name"] is None


async def test_a_large_fleet_is_listed_off_the_loop_alike(
    served: Served, backend: MemoryBackend
) -> None:
    for number in range(agents_handler.LOOKED_AT_ON_THE_LOOP + 5):
        backend.add(f"agent-{number}", role="dev" if number % 1_000 == 0 else None)

    _, page = await served.get("/api/agents?role=dev")

    assert ids(page) == ["agent-0", "agent-1000", "agent-2000"]


async def test_an_unknown_agent_is_a_404_that_says_so(served: Served) -> None:
    for path in ("", "/why", "/sessions"):
        status, problem = await served.get(f"/api/agents/nobody{path}")

        assert (status, problem["code"]) == (404, "not_found")
        assert "nobody" in problem["detail"]


# sessions


async def test_a_session_is_put_changed_and_read(served: Served) -> None:
    path = "/api/sessions/agent%3Amain%2Fchat"

    created = await served.ask("PUT", path, json={"agentId": "a", "metadata": {"k": [1, None]}})
    changed = await served.ask("PUT", path, json={"label": "support", "messageCount": 3})
    _, session = await served.get(path)

    assert (created[0], changed[0]) == (201, 200)
    assert session == changed[1]
    assert set(session) >= SEED_SESSION
    assert (session["sessionKey"], session["agentId"]) == ("agent:main/chat", "a")
    assert (session["label"], session["messageCount"]) == ("support", 3)
    assert session["metadata"] == {"k": [1, None]}
    assert session["isActive"] is True


@pytest.mark.parametrize(
    ("metadata", "pointer"),
    [
        ({"a": 2**70}, "/metadata/a"),
        ({"a": ["x\x00"]}, "/metadata/a/0"),
        ({"\x00": 1}, "/metadata"),
    ],
)
async def test_metadata_is_json_that_can_be_kept(
    served: Served, metadata: dict[str, Any], pointer: str
) -> None:
    status, problem = await served.ask("PUT", "/api/sessions/s", json={"metadata": metadata})

    assert (status, problem["errors"][0]["pointer"]) == (422, pointer)


async def test_metadata_is_not_nested_beyond_reason(served: Served) -> None:
    nested: Any = 1
    for _ in range(40):
        nested = {"a": nested}

    status, problem = await served.ask("PUT", "/api/sessions/s", json={"metadata": nested})

    assert status == 422
    assert "nested" in problem["detail"]


async def test_sessions_are_listed_newest_first_in_pages(
    served: Served, backend: MemoryBackend
) -> None:
    backend.add("a")
    for number in range(7):
        backend.time = NOW + number // 2  # some start at the same instant
        await served.ask("PUT", f"/api/sessions/s{number}", json={"agentId": "a"})

    for path in ("/api/sessions?limit=2", "/api/agents/a/sessions?limit=2"):
        items = await everything(served, path)

        assert [item["sessionKey"] for item in items] == [
            "s6", "s4", "s5", "s2", "s3", "s0", "s1",
        ]  # fmt: skip


async def test_an_unknown_session_is_a_404(served: Served) -> None:
    assert (await served.get("/api/sessions/nothing"))[0] == 404
    assert (await served.get("/api/sessions?agentId=nobody"))[0] == 404


# decisions


async def test_decisions_are_listed_newest_first_in_pages(
    served: Served, backend: MemoryBackend
) -> None:
    for number in range(5):
        backend.decide(verdict=Verdict.FIRED if number % 2 else Verdict.HELD)

    everything_ = await everything(served, "/api/decisions?limit=2")
    fired = await everything(served, "/api/decisions?verdict=fired&limit=1")

    assert [item["number"] for item in everything_] == [5, 4, 3, 2, 1]
    assert [item["number"] for item in fired] == [4, 2]
    assert everything_[0]["evidence"]["values"] == {"success_rate[1h]": 0.2}
    assert everything_[0]["chainDigest"] == "0304"


async def test_decisions_are_asked_for_by_agent_id_or_uuid(
    served: Served, backend: MemoryBackend
) -> None:
    known = backend.add("a")
    backend.add("idle")
    backend.decide()
    backend.decide(agent_id="deleted", agent_no=7)

    async def numbers(query: str) -> list[int]:
        status, page = await served.get(f"/api/decisions?{query}")
        assert status == 200
        return [item["number"] for item in page["items"]]

    assert await numbers("agentId=a") == await numbers(f"agentId={known.uuid}") == [1]
    assert await numbers("agentId=idle") == []
    assert await numbers("agentId=deleted") == [2]
    assert await numbers("agentId=deleted&verdict=held") == []
    status, problem = await served.get("/api/decisions?agentId=nobody")
    assert (status, "nobody" in problem["detail"]) == (404, True)
    assert (await served.get("/api/decisions?agentId="))[0] == 422


async def test_a_decision_is_worked_out_again_when_asked(
    served: Served, backend: MemoryBackend
) -> None:
    decision = backend.decide()

    _, plain = await served.get(f"/api/decisions/{decision.id}")
    _, again = await served.get(f"/api/decisions/{decision.id}?recompute=true")

    assert "recomputed" not in plain
    assert again["recomputed"]["identical"] is True
    assert (await served.get("/api/decisions/none"))[0] == 404
    assert (await served.get("/api/decisions?since=yesterday"))[0] == 422
