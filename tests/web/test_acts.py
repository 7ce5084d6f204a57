"""What people do: fire, reinstate, protect, stop and resume; and that a repeated request is done once."""

import asyncio
from typing import Any

import pytest
from msgspec.structs import replace
from tests.web.backend import MemoryBackend
from tests.web.conftest import Served

from pinkslip.model.words import Guard
from pinkslip.policies.load import Source, load

FIRE = "/api/agents/a/fire"


@pytest.fixture(autouse=True)
def _an_agent(backend: MemoryBackend) -> None:
    backend.add("a", current_task="the report")


async def test_a_fire_says_plainly_what_it_does_and_goes_on_record(served: Served) -> None:
    status, fired = await served.post(FIRE, {"reason": "derailed", "context": "went off"})
    _, agent = await served.get("/api/agents/a")

    assert status == 200
    assert "marked TERMINATED" in fired["effect"]
    assert "reads its orders" in fired["effect"]
    assert (agent["status"], agent["firedCount"]) == ("TERMINATED", 1)
    (entry,) = agent["fireHistory"]
    assert entry.items() >= {"reason": "derailed", "context": "went off"}.items()
    assert entry["firedAt"] == fired["firedAt"]
    assert entry["postMortem"] == {"currentTask": "the report"}


LIVES = "Its process goes on until it reads its orders, in the answer to its next report, and obeys."
NO_ORDER = "Enforcement is stopped: no order to stop goes out until it is resumed."
TOLD = "Should it report again, it is told to stop."


@pytest.mark.parametrize(
    ("state", "bypassed", "expected"),
    [
        pytest.param("live", (), LIVES, id="live"),
        pytest.param("live", (Guard.NEWBORN,), LIVES, id="a guard that stops no order"),
        pytest.param(
            "live", (Guard.STOPPED,), f"Its process goes on. {NO_ORDER}", id="live, stopped"
        ),
        pytest.param("silent", (), f"It has stopped reporting. {TOLD}", id="silent"),
        pytest.param(
            "silent",
            (Guard.STOPPED,),
            f"It has stopped reporting. {NO_ORDER}",
            id="silent, stopped",
        ),
        pytest.param(
            "finished",
            (),
            f"It had finished: nothing of it is running as far as we know. {TOLD}",
            id="finished",
        ),
        pytest.param(
            "finished",
            (Guard.STOPPED,),
            f"It had finished: nothing of it is running as far as we know. {NO_ORDER}",
            id="finished, stopped",
        ),
    ],
)
@pytest.mark.parametrize("dry_run", [False, True])
async def test_a_fire_says_what_is_true_of_the_process_now(
    served: Served,
    backend: MemoryBackend,
    state: str,
    bypassed: tuple[Guard, ...],
    expected: str,
    dry_run: bool,
) -> None:
    backend.bypassed = bypassed
    if state == "silent":
        backend.silent.add("a")
    elif state == "finished":
        backend.agents["a"] = replace(backend.agents["a"], finished_at=backend.time)

    _, fired = await served.post(FIRE, {"reason": "derailed", "dryRun": dry_run})

    marked = "would be" if dry_run else "is"
    nothing = " Nothing was changed: this was a dry run." if dry_run else ""
    assert fired["effect"] == f"a {marked} marked TERMINATED. {expected}{nothing}"
    assert fired["bypassed"] == [guard.value for guard in bypassed]


async def test_lists_leave_post_mortems_to_the_agent(served: Served) -> None:
    await served.post(FIRE, {"reason": "derailed"})

    _, page = await served.get("/api/agents?include=fired")

    (entry,) = page["items"][0]["fireHistory"]
    assert "postMortem" not in entry


async def test_a_dry_run_says_what_would_happen_and_changes_nothing(
    served: Served, backend: MemoryBackend
) -> None:
    status, answer = await served.post(FIRE, {"reason": "dumb", "dryRun": True})

    assert (status, answer["dryRun"], answer["fireId"]) == (200, True, None)
    assert "would be marked TERMINATED" in answer["effect"]
    assert not backend.acts


async def test_a_second_fire_is_a_conflict_that_says_when_by_whom_and_why(
    served: Served, backend: MemoryBackend
) -> None:
    await served.post(FIRE, {"reason": "dumb"})

    status, problem = await served.post(FIRE, {"reason": "dumb"})

    assert (status, problem["code"]) == (409, "conflict")
    assert problem["firedAt"] == "2026-11-18T11:06:40.000Z"
    assert (problem["firedBy"], problem["reason"]) == ("local", "dumb")
    assert problem["status"] == 409
    assert backend.acts == ["fire a"]


async def test_a_protected_agent_needs_force(served: Served) -> None:
    until = "2026-11-19T00:00:00Z"

    _, agent = await served.post("/api/agents/a/protect", {"until": until, "context": "demo"})
    refused = await served.post(FIRE, {"reason": "dumb"})
    forced = await served.post(FIRE, {"reason": "dumb", "force": True})

    assert agent["protectedUntil"] == "2026-11-19T00:00:00.000Z"
    assert (refused[0], refused[1]["protectedUntil"]) == (409, "2026-11-19T00:00:00.000Z")
    assert forced[0] == 200


async def test_a_protection_is_lifted_by_null_and_cannot_lie_in_the_past(
    served: Served, backend: MemoryBackend
) -> None:
    await served.post("/api/agents/a/protect", {"until": "2026-11-19T00:00:00Z"})

    _, agent = await served.post("/api/agents/a/protect", {"until": None})
    past = await served.post("/api/agents/a/protect", {"until": "2020-01-01T00:00:00Z"})
    missing = await served.post("/api/agents/a/protect", {})

    assert agent["protectedUntil"] is None
    assert (past[0], past[1]["errors"][0]["pointer"]) == (422, "/until")
    assert missing[0] == 422


async def test_a_fired_agent_is_reinstated_with_its_history(served: Served) -> None:
    await served.post(FIRE, {"reason": "dumb"})

    status, agent = await served.post(
        "/api/agents/a/reinstate", {"context": "my mistake", "wrong": True}
    )
    again = await served.post("/api/agents/a/reinstate")

    assert status == 200
    assert (agent["standing"], agent["incarnation"]) == ("active", 2)
    assert agent["terminatedAt"] is None
    assert len(agent["fireHistory"]) == 1
    assert again[0] == 409


@pytest.mark.parametrize("act", ["fire", "reinstate", "protect"])
async def test_an_unknown_agent_is_a_404(served: Served, act: str) -> None:
    body = {"fire": {"reason": "dumb"}, "reinstate": {}, "protect": {"until": None}}[act]

    assert (await served.post(f"/api/agents/nobody/{act}", body))[0] == 404


# idempotency


async def with_key(
    served: Served, key: str, body: Any, path: str = FIRE
) -> tuple[int, Any, Any]:
    headers = {"Idempotency-Key": key}
    async with served.session.post(path, json=body, headers=headers) as response:
        return response.status, await response.json(content_type=None), response.headers


async def test_the_same_request_under_its_key_is_done_once_and_answered_alike(
    served: Served, backend: MemoryBackend
) -> None:
    first = await with_key(served, "k-1", {"reason": "dumb"})
    again = await with_key(served, '"k-1"', {"reason": "dumb"})

    assert (first[0], again[0]) == (200, 200)
    assert again[1] == first[1]
    assert again[2]["Idempotency-Replayed"] == "true"
    assert "Idempotency-Replayed" not in first[2]
    assert backend.acts == ["fire a"]


async def test_a_key_belongs_to_one_request(served: Served) -> None:
    await with_key(served, "k-1", {"reason": "dumb"})

    other_body = await with_key(served, "k-1", {"reason": "derailed"})
    other_path = await with_key(served, "k-1", {}, path="/api/agents/a/reinstate")

    assert (other_body[0], other_body[1]["code"]) == (422, "key_reused")
    assert other_path[0] == 422


async def test_what_was_refused_may_be_tried_again_under_the_same_key(
    served: Served, backend: MemoryBackend
) -> None:
    missing = await with_key(served, "k", {"reason": "dumb"}, path="/api/agents/b/fire")
    backend.add("b")
    found = await with_key(served, "k", {"reason": "dumb"}, path="/api/agents/b/fire")

    assert (missing[0], found[0]) == (404, 200)


async def test_a_key_in_progress_is_a_conflict(served: Served, backend: MemoryBackend) -> None:
    inside, go_on = asyncio.Event(), asyncio.Event()
    recall = backend.recall

    async def held(workspace_id: int, key: str) -> Any:
        inside.set()
        await go_on.wait()
        return await recall(workspace_id, key)

    backend.recall = held  # type: ignore[method-assign]  # the real one is never this slow
    first = asyncio.create_task(with_key(served, "k", {"reason": "dumb"}))
    await inside.wait()

    second = await with_key(served, "k", {"reason": "dumb"})
    go_on.set()

    assert (second[0], second[1]["code"]) == (409, "in_progress")
    assert second[2]["Retry-After"] == "1"
    assert (await first)[0] == 200


@pytest.mark.parametrize("key", ["", "x" * 201, '""'])
async def test_a_key_is_a_line_of_bounded_length(served: Served, key: str) -> None:
    assert (await with_key(served, key, {"reason": "dumb"}))[0] == 422


# policies and enforcement


async def test_enforcement_is_stopped_with_a_reason_and_resumed(served: Served) -> None:
    path = "/api/enforcement"
    _, running = await served.get(path)

    _, stopped = await served.post(path, {"stopped": True, "reason": "deploy"})
    _, everywhere = await served.post(
        path, {"stopped": True, "reason": "fire drill", "everywhere": True}
    )
    _, half = await served.post(path, {"stopped": False, "reason": "done"})
    _, resumed = await served.post(
        path, {"stopped": False, "reason": "done", "everywhere": True}
    )

    assert running == {
        "enabled": True,
        "stopped": None,
        "everywhere": None,
        "panics": [],
        "causes": [],
        "deploys": [],
        "waiting": [],
    }
    assert (stopped["enabled"], stopped["stopped"]["reason"]) == (False, "deploy")
    assert stopped["stopped"]["by"] == "local"
    assert everywhere["everywhere"]["reason"] == "fire drill"
    assert (half["enabled"], half["stopped"]) == (False, None)
    assert resumed == running
    assert (await served.post(path, {"stopped": False, "reason": "again"}))[0] == 409
    assert (await served.post(path, {"stopped": True}))[0] == 422


async def test_policies_are_shown_as_loaded(served: Served) -> None:
    _, answer = await served.get("/api/policies")

    assert answer["enforcing"] == 1
    assert [policy["name"] for policy in answer["policies"]] == ["unresponsive", "failing"]
    assert answer["policies"][0]["when"] == "heartbeat_age > 3 * heartbeat_interval"
    assert answer["policies"][0]["forSeconds"] == 30.0
    assert set(answer["reasons"]) >= {
        "derailed",
        "obstinate",
        "dumb",
        "unresponsive",
        "corrupted",
    }


async def test_a_text_is_checked_without_being_loaded(served: Served) -> None:
    good = "version: 1\npolicies:\n  - {name: x, when: heartbeat_age > 1m, reason: dumb}\n"
    bad = "version: 1\npolicies:\n  - {name: x, whn: heartbeat_age > 1m}\n"

    _, fine = await served.post("/api/policies/check", {"text": good})
    _, wrong = await served.post("/api/policies/check", {"text": bad, "file": "dev.yaml"})
    _, loaded = await served.get("/api/policies")

    assert (fine["ok"], [policy["name"] for policy in fine["policies"]]) == (True, ["x"])
    assert (wrong["ok"], wrong["policies"]) == (False, [])
    assert (wrong["problems"][0]["file"], wrong["problems"][0]["line"]) == ("dev.yaml", 3)
    assert len(loaded["policies"]) == 2


@pytest.mark.parametrize("method", ["POST", "PUT"])
async def test_a_failed_reload_says_where_and_keeps_the_old_set(
    served: Served, backend: MemoryBackend, method: str
) -> None:
    worked = await served.ask(method, "/-/reload")
    broken = load([Source("dev.yaml", "version: 1\npolicies:\n  - name: x\n")])
    backend.policy_state = replace(
        backend.policy_state, reload_failed=True, problems=broken.problems
    )

    failed = await served.ask(method, "/-/reload")

    assert (worked[0], worked[1]["reloadFailed"]) == (200, False)
    assert (failed[0], failed[1]["code"]) == (422, "bad_policies")
    assert failed[1]["errors"][0]["pointer"].startswith("dev.yaml:3:")


async def test_why_answers_for_every_policy(served: Served) -> None:
    _, answer = await served.get("/api/agents/a/why")

    (policy,) = answer["policies"]
    assert (policy["truth"], policy["state"]) == ("unknown", "clear")
    assert "0 of 5 tasks" in policy["words"]
