"""The API over the real parts: what was answered is in every later answer, and what was done stays done."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import ProxyHandler, Request, build_opener

import pytest
from prometheus_client.parser import text_string_to_metric_families
from tests.running import Running, eventually, serving, start


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with serving(tmp_path_factory.mktemp("service")) as running:
        yield running
        assert "Traceback" not in running.log.read_text()


def listed(service: Running, query: str = "") -> list[Any]:
    answer = service.get(f"/api/agents?limit=1000{query}")
    assert answer.status == 200
    items: list[Any] = answer.body["items"]
    return items


def test_the_first_word_registers_and_is_in_every_later_answer(service: Running) -> None:
    for number in range(30):
        agent_id = f"first-{number}"
        answer = service.beat(agent_id, status="WORKING", currentTask="x", interval=15)

        assert answer.body == {
            "status": "WORKING",
            "standing": "active",
            "orders": [],
            "interval": 15.0,
            "notes": [],
        }
        assert service.agent(agent_id)["currentTask"] == "x"
        assert agent_id in [agent["agentId"] for agent in listed(service, "&q=first")]
        assert f'agent="{agent_id}"' in service.get("/metrics").body


def test_outcomes_count_at_once_and_once(service: Running) -> None:
    body = {"result": "success", "eventId": "once", "durationMs": 100, "costUsd": 0.25}
    path = "/api/agents/counter/outcomes"

    answers = [service.post(path, body) for _ in range(3)]
    service.post(path, {"result": "failure", "fault": "provider", "durationMs": 300})
    service.post(path, {"result": "cancelled"})
    conflict = service.post(path, {**body, "durationMs": 101})

    assert [answer.body["duplicate"] for answer in answers] == [False, True, True]
    assert conflict.status == 409
    agent = service.agent("counter")
    assert agent["metrics"] == {
        "totalTasks": 3,
        "successfulTasks": 1,
        "failedTasks": 1,
        "avgResponseTimeMs": 200.0,
    }
    assert agent["totals"]["costUsd"] == 0.25


def test_a_batch_is_answered_item_by_item(service: Running) -> None:
    events = [
        {"type": "heartbeat", "agentId": "batch-1", "role": "dev"},
        {"type": "outcome", "agentId": "batch-1", "result": "nonsense"},
        {"type": "outcome", "agentId": "batch-1", "result": "success", "eventId": "batch"},
        {"type": "outcome", "agentId": "batch-1", "result": "success", "eventId": "batch"},
        {"type": "outcome", "agentId": "batch-1", "result": "failure", "eventId": "batch"},
        {"type": "session", "agentId": "batch-1", "sessionKey": "batch-s", "label": "l"},
        {"type": "finish", "agentId": "batch-2", "context": "done"},
    ]

    answer = raw(service, "/api/events", json.dumps(events).encode())

    assert [result["status"] for result in answer["results"]] == [
        200,
        422,
        200,
        200,
        409,
        200,
        200,
    ]
    assert [result.get("duplicate", False) for result in answer["results"]].count(True) == 1
    assert service.agent("batch-1")["metrics"]["totalTasks"] == 1
    assert service.get("/api/sessions/batch-s").body["agentId"] == "batch-1"
    assert service.agent("batch-2")["finishedAt"] is not None


def raw(service: Running, path: str, body: bytes, **headers: str) -> Any:
    request = Request(service.url + path, data=body, method="POST")
    for name, value in {"Content-Type": "application/json", **headers}.items():
        request.add_header(name.replace("_", "-"), value)
    with build_opener(ProxyHandler({})).open(request, timeout=30) as response:
        return json.loads(response.read())


def test_a_fire_is_told_to_the_agent_and_taken_back_by_a_person(service: Running) -> None:
    service.beat("fired", bootId="one", currentTask="the deploy", status="WORKING")
    service.post("/api/agents/fired/outcomes", {"result": "off_track", "error": "wrong branch"})
    path = "/api/agents/fired/fire"

    dry = service.post(path, {"reason": "derailed", "dryRun": True})
    before = service.agent("fired")
    done = service.post(path, {"reason": "derailed", "context": "deleted main"})
    second = service.post(path, {"reason": "dumb"})

    assert (dry.status, dry.body["dryRun"], before["status"]) == (200, True, "WORKING")
    assert done.status == 200
    assert second.status == 409
    assert second.body["firedAt"] == done.body["firedAt"]
    assert (second.body["firedBy"], second.body["reason"]) == ("local", "derailed")
    agent = service.agent("fired")
    assert (agent["status"], agent["standing"], agent["firedCount"]) == (
        "TERMINATED",
        "fired",
        1,
    )
    (entry,) = agent["fireHistory"]
    assert entry["postMortem"]["currentTask"] == "the deploy"
    assert entry["postMortem"]["lastOutcomes"][0]["error"] == "wrong branch"
    assert entry["postMortem"]["evidence"]["trueSince"].endswith("Z")

    stop = [{"type": "stop", "reason": "derailed"}]
    assert service.beat("fired", bootId="one").body["orders"] == stop
    refused = service.beat("fired", bootId="two")
    assert (refused.status, refused.body["code"], refused.body["orders"]) == (
        409,
        "fired",
        stop,
    )
    assert service.agent("fired")["fireHistory"][0]["deliveries"][0]["state"] == "delivered"
    assert "fired" not in [agent["agentId"] for agent in listed(service)]
    assert "fired" in [agent["agentId"] for agent in listed(service, "&include=fired")]
    (decision,) = service.decisions("&agentId=fired")
    assert (decision["verdict"], decision["actor"]) == ("fired", "local")

    back = service.post(
        "/api/agents/fired/reinstate", {"context": "it was the runbook", "wrong": True}
    )
    assert (back.status, back.body["incarnation"], back.body["standing"]) == (200, 2, "active")
    assert back.body["metrics"]["totalTasks"] == 1
    assert back.body["fireHistory"][0]["wasWrong"] is True
    assert service.beat("fired", bootId="two").status == 200
    assert service.post("/api/agents/fired/reinstate").status == 409


def test_a_reason_nobody_configured_is_refused_by_name(service: Running) -> None:
    service.beat("reasoned")

    answer = service.post("/api/agents/reasoned/fire", {"reason": "lazy"})

    assert answer.status == 422
    assert "lazy" in answer.body["detail"]


def test_a_protection_shows_at_once_and_asks_for_force(service: Running) -> None:
    service.beat("guarded")

    shown = service.post("/api/agents/guarded/protect", {"until": "2099-01-01T00:00:00Z"})
    refused = service.post("/api/agents/guarded/fire", {"reason": "dumb"})
    forced = service.post("/api/agents/guarded/fire", {"reason": "dumb", "force": True})

    assert shown.body["protectedUntil"] == "2099-01-01T00:00:00.000Z"
    assert service.agent("guarded")["protectedUntil"] == "2099-01-01T00:00:00.000Z"
    assert (refused.status, refused.body["protectedUntil"]) == (409, "2099-01-01T00:00:00.000Z")
    assert forced.status == 200
    assert "protected" in forced.body["bypassed"]


def test_lists_page_through_those_who_left_and_those_who_stay(service: Running) -> None:
    names = [f"page-{number:02}" for number in range(23)]
    for number, name in enumerate(names):
        service.beat(name, lineage="pages", leaving=number % 3 == 0)

    seen: list[str] = []
    cursor = ""
    while True:
        page = service.get(f"/api/agents?lineage=pages&include=finished&limit=5{cursor}").body
        seen += [agent["agentId"] for agent in page["items"]]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"

    assert seen == names
    assert len(listed(service, "&lineage=pages")) == 15


def test_a_session_outlives_its_agents_standing(service: Running) -> None:
    made = service.ask(
        "PUT", "/api/sessions/chat%3A1", {"agentId": "talker", "channel": "telegram"}
    )
    changed = service.ask("PUT", "/api/sessions/chat%3A1", {"endedAt": "2099-01-01T00:00:00Z"})

    assert (made.status, changed.status) == (201, 200)
    assert changed.body["channel"] == "telegram"
    assert changed.body["isActive"] is False
    listed_ = service.get("/api/agents/talker/sessions").body["items"]
    assert [session["sessionKey"] for session in listed_] == ["chat:1"]
    agent = service.agent("talker")
    assert listed_[0]["agentUuid"] == agent["id"]
    assert service.get(f"/api/agents/{agent['id']}").body["agentId"] == "talker"


def test_a_uuid_in_capitals_means_the_agent_it_is_the_uuid_of(service: Running) -> None:
    service.beat("meant", role="dev")
    uuid = service.agent("meant")["id"].upper()
    before = len(listed(service, "&include=fired"))

    service.beat(uuid, currentTask="x")
    service.events(
        {"type": "outcome", "agentId": uuid, "result": "success"},
        {"type": "session", "agentId": uuid, "sessionKey": "meant-1"},
    )
    service.ask("PUT", "/api/sessions/meant-2", {"agentId": uuid})
    fired = service.post(f"/api/agents/{uuid}/fire", {"reason": "dumb"})

    agent = service.agent(uuid)
    assert (agent["agentId"], agent["currentTask"]) == ("meant", "x")
    assert (agent["metrics"]["totalTasks"], agent["firedCount"]) == (1, 1)
    assert fired.body["agentId"] == "meant"
    assert service.get(f"/api/agents/{uuid}/why").body["agentId"] == "meant"
    for path in (f"agents/{uuid}/sessions?", f"sessions?agentId={uuid}&"):
        sessions = service.get(f"/api/{path}limit=10").body["items"]
        assert {session["sessionKey"] for session in sessions} == {"meant-1", "meant-2"}
    assert [one["agentId"] for one in service.decisions(f"&agentId={uuid}")] == ["meant"]
    assert len(listed(service, "&include=fired")) == before


def test_an_agent_may_be_called_as_a_uuid_in_capitals(service: Running) -> None:
    name = "0192F3C4-AAAA-7BBB-8CCC-0123456789AB"

    for task in ("first", "second", "third"):
        service.beat(name, currentTask=task)
        assert service.agent(name)["currentTask"] == task

    assert service.agent(name)["agentId"] == name
    assert service.get(f"/api/agents/{name.lower()}").status == 404
    assert service.get(f"/api/decisions?agentId={name.replace('0', '1')}").status == 404


def test_a_session_key_in_a_report_makes_no_session(service: Running) -> None:
    service.beat("keyed", sessionKey="only-named")
    service.post(
        "/api/agents/keyed/outcomes", {"result": "success", "sessionKey": "only-named"}
    )

    assert service.get("/api/sessions/only-named").status == 404
    assert service.get("/api/agents/keyed/sessions").body["items"] == []


def test_no_session_ends_before_it_starts(service: Running) -> None:
    early, late = "2020-01-01T09:00:00Z", "2020-01-01T10:00:00Z"

    def put(key: str, **fields: object) -> tuple[int, str]:
        answer = service.ask("PUT", f"/api/sessions/{key}", fields)
        faults = answer.body.get("errors", [{"pointer": ""}])
        return answer.status, faults[0]["pointer"]

    assert put("span", startedAt=late, endedAt=early) == (422, "/endedAt")
    assert put("span", endedAt=early) == (422, "/endedAt")
    assert service.get("/api/sessions/span").status == 404
    assert put("span", startedAt=late) == (201, "")
    assert put("span", endedAt=early) == (422, "/endedAt")
    assert put("span", endedAt=late) == (200, "")
    assert put("span", startedAt="2020-01-01T10:00:01Z") == (422, "/startedAt")
    assert put("span", startedAt=early) == (200, "")
    assert put("span", endedAt=None, startedAt=late) == (200, "")
    assert put("span", userId="") == (422, "/userId")
    assert put("span", agentId="") == (422, "/agentId")


def test_no_session_of_a_batch_ends_before_it_starts(service: Running) -> None:
    early, late = "2020-01-01T09:00:00Z", "2020-01-01T10:00:00Z"
    told: list[dict[str, object]] = [
        {"sessionKey": "batch-span", "startedAt": late, "endedAt": early},
        {"sessionKey": "batch-span", "startedAt": late},
        {"sessionKey": "batch-span", "endedAt": early},
        {"sessionKey": "batch-span", "endedAt": late},
        {"sessionKey": "batch-span", "userId": ""},
        {"sessionKey": "batch-span", "agentId": ""},
        {"sessionKey": "batch-span", "label": "kept"},
    ]

    answer = service.post("/api/events", [{"type": "session", **one} for one in told])

    results = answer.body["results"]
    assert [result["index"] for result in results] == list(range(7))
    assert [result["status"] for result in results] == [422, 200, 422, 200, 422, 422, 200]
    assert results[2]["problem"]["errors"][0]["pointer"] == "/endedAt"
    session = service.get("/api/sessions/batch-span").body
    assert (session["endedAt"], session["label"]) == ("2020-01-01T10:00:00.000Z", "kept")


def test_why_and_policies_answer(service: Running) -> None:
    service.beat("asked")

    why = service.get("/api/agents/asked/why").body
    policies = service.get("/api/policies").body

    assert [answer["policy"] for answer in why["policies"]] == [
        policy["name"] for policy in policies["policies"]
    ]
    assert policies["enforcing"] == 0
    assert all(answer["words"] for answer in why["policies"])


def test_the_exposition_parses_whatever_agents_call_themselves(service: Running) -> None:
    service.beat("q%22%5C%7B%7D%0A".replace("%0A", ""), name='x"\\{}', role="rôle", model="m")
    service.beat("nameless")

    families = list(text_string_to_metric_families(service.get("/metrics").body))

    assert len(families) > 20


def test_the_page_shows_them(service: Running) -> None:
    service.beat("seen", currentTask="<b>write</b>", status="WORKING")

    page = service.get("/").body

    assert "&lt;b&gt;write&lt;/b&gt;" in page
    assert "<b>write" not in page


def test_what_was_done_under_a_key_is_not_done_again_after_a_restart(tmp_path: Path) -> None:
    def act(running: Running) -> Any:
        body = b'{"stopped": true, "reason": "drill"}'
        return raw(running, "/api/enforcement", body, Idempotency_Key="drill-1")

    first = start(tmp_path)
    answer = act(first)
    first.kill()
    with serving(tmp_path) as second:
        again = act(second)

        assert again == answer
        assert second.get("/api/enforcement").body["stopped"]["reason"] == "drill"


def test_a_second_process_names_the_first_and_answers_nothing_else(tmp_path: Path) -> None:
    with (
        serving(tmp_path) as first,
        serving(tmp_path, wait_until_ready=False) as second,
    ):
        first.beat("a")

        refused = eventually(
            lambda: (answer := second.get("/api/agents")).body.get("holder") and answer
        )

        assert (refused.status, refused.body["code"]) == (503, "not_serving")
        assert str(first.process.pid) in refused.body["holder"]
        assert second.get("/-/healthy").status == 200
        assert second.get("/-/ready").status == 503
        assert second.beat("a").status == 503
        assert first.beat("a").status == 200
