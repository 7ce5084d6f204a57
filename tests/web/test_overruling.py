"""People and policies over the real parts: what is announced can be stopped, what is done can be taken back."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.running import Running, eventually, serving

POLICIES = """\
version: 1
guards:
  max_fired: {share: 100%, per: 1h, at_least: 100}
  max_fires: {count: 100, per: 10m}
  max_quarantined: {share: 100%, at_least: 100}
  max_silenced: {share: 0%, at_least: 2}
  min_active: 0
  panic: off
  common_cause: off
  mass_restart: off
  newborn: {age: 0s, tasks: 0}
policies:
  - name: announcing
    reason: dumb
    match: {role: announced}
    when: failures[10 tasks] >= 3
    mode: enforce
    action: fire
    notice: 1h
  - name: asking
    reason: rude
    match: {role: asked}
    when: failures[10 tasks] >= 3
    mode: enforce
    action: fire
    approval: true
  - name: descending
    reason: dumb
    match: {role: descending}
    when: proven(success < 70%, error=5%)
    mode: enforce
    ladder: [probation, quarantine 10m, fire]
"""


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    home: Path = tmp_path_factory.mktemp("service")
    policies = home / "policies.yaml"
    policies.write_text(POLICIES)
    (home / "pinkslip.yaml").write_text("reasons: [rude=impolite]\n")
    with serving(
        home,
        "--config",
        str(home / "pinkslip.yaml"),
        policies=policies,
        settings={"tick": "200ms"},
    ) as running:
        yield running
        assert "Traceback" not in running.log.read_text()


def _fail(service: Running, agent: str, count: int, **about: str) -> None:
    service.beat(agent, interval=3600, **about)
    service.events(
        *({"type": "outcome", "agentId": agent, "result": "failure"} for _ in range(count))
    )


def _announced(service: Running, agent: str, *, role: str) -> Any:
    """The fire of `agent` that waits, once its policy has spoken."""
    _fail(service, agent, 3, role=role)
    return eventually(lambda: _waiting(service, agent))[0]


def _waiting(service: Running, agent: str) -> list[Any]:
    why = service.get(f"/api/agents/{agent}/why").body
    waiting: list[Any] = why["waiting"]
    return waiting


def _verdicts(service: Running, agent: str) -> list[str]:
    """Oldest first."""
    return [one["verdict"] for one in reversed(service.decisions(f"&agentId={agent}"))]


# standings


def test_a_quarantined_agent_is_told_to_pause_until_it_is_released(service: Running) -> None:
    service.beat("paused")
    path = "/api/agents/paused"

    done = service.post(
        f"{path}/quarantine", {"until": "2099-01-01T00:00:00Z", "context": "it loops"}
    )
    beat = service.beat("paused")
    released = service.post(f"{path}/release", {"context": "it was the tool"})

    assert (done.status, done.body["standing"]) == (200, "quarantined")
    assert done.body["standingUntil"] == "2099-01-01T00:00:00.000Z"
    (order,) = beat.body["orders"]
    assert (order["type"], order["until"]) == ("pause", "2099-01-01T00:00:00.000Z")
    assert (released.status, released.body["standing"]) == (200, "active")
    assert service.beat("paused").body["orders"] == []
    assert service.agent("paused")["standingUntil"] is None
    assert service.post(f"{path}/release").status == 409
    assert _verdicts(service, "paused") == ["quarantined", "released"]
    assert {one["actor"] for one in service.decisions("&agentId=paused")} == {"local"}


def test_who_is_fired_or_has_finished_is_paused_by_nobody(service: Running) -> None:
    service.beat("gone")
    service.post("/api/agents/gone/fire", {"reason": "dumb"})
    service.finish("done")
    until = {"until": "2099-01-01T00:00:00Z"}

    for agent in ("gone", "done"):
        assert service.post(f"/api/agents/{agent}/quarantine", until).status == 409
        assert service.post(f"/api/agents/{agent}/release").status == 409


# notice, veto, approval


def test_an_announced_fire_is_shown_and_stopped_by_a_veto(service: Running) -> None:
    waiting = _announced(service, "announced-1", role="announced")
    ident = waiting["decisionId"]

    agent = service.agent("announced-1")
    page = service.get(f"/decisions/{ident}").body
    listed = service.get("/api/enforcement").body["waiting"]
    vetoed = service.post(f"/api/decisions/{ident}/veto", {"context": "known outage"})
    again = service.post(f"/api/decisions/{ident}/veto")

    assert (waiting["state"], waiting["policy"]) == ("noticed", "announcing")
    assert (agent["standing"], agent["standingUntil"]) == ("notice", waiting["until"])
    assert "Policy announcing announced that it will fire announced-1 as" in page
    assert ident in [one["decisionId"] for one in listed]
    assert (vetoed.status, vetoed.body["verdict"]) == (200, "vetoed")
    assert vetoed.body["policy"] == "announcing"
    assert again.status == 409
    eventually(lambda: service.agent("announced-1")["standing"] == "active")
    assert _waiting(service, "announced-1") == []
    assert "known outage" in service.get(f"/decisions/{ident}").body


def test_what_needs_no_approval_refuses_one(service: Running) -> None:
    waiting = _announced(service, "announced-2", role="announced")

    refused = service.post(f"/api/decisions/{waiting['decisionId']}/approve")

    assert refused.status == 409
    assert "asks nobody for approval" in refused.body["detail"]
    assert service.post("/api/decisions/nothing/veto").status == 404


def test_what_was_asked_for_happens_once_it_is_approved(service: Running) -> None:
    waiting = _announced(service, "asked-1", role="asked")

    assert (waiting["state"], waiting["reasonShown"]) == ("awaiting", "impolite")
    approved = service.post(
        f"/api/decisions/{waiting['decisionId']}/approve", {"context": "go"}
    )

    assert (approved.status, approved.body["verdict"]) == (200, "approved")
    fired = eventually(
        lambda: (agent := service.agent("asked-1"))["standing"] == "fired" and agent
    )
    assert fired["fireHistory"][0]["reasonShown"] == "impolite"
    assert _verdicts(service, "asked-1") == ["asked", "approved", "fired"]
    asked = service.get("/api/audit/report?agentId=asked-1").body["cases"][0]
    allowed, done = asked["paragraphs"][-2:]
    assert "allowed policy asking to fire asked-1 as impolite: “go”" in allowed
    assert "policy asking fired asked-1" in done


def test_a_release_takes_an_announced_fire_back(service: Running) -> None:
    _announced(service, "announced-3", role="announced")

    released = service.post("/api/agents/announced-3/release", {"context": "let it be"})

    assert released.status == 200
    eventually(lambda: not _waiting(service, "announced-3"))
    assert service.agent("announced-3")["standing"] != "fired"


# ladders


def test_a_ladder_is_told_rung_by_rung_with_its_statistics(service: Running) -> None:
    _fail(service, "descending-1", 30, role="descending")
    eventually(lambda: service.agent("descending-1")["standing"] == "probation")
    (first,) = service.decisions("&agentId=descending-1")

    _fail(service, "descending-1", 30)
    paused = eventually(
        lambda: (agent := service.agent("descending-1"))["standing"] == "quarantined" and agent
    )
    second = service.decisions("&agentId=descending-1")[0]
    why = service.get("/api/agents/descending-1/why").body
    again = service.get(f"/api/decisions/{second['id']}?recompute=true").body

    assert (first["verdict"], first["evidence"]["rung"], first["evidence"]["rungs"]) == (
        "probation",
        1,
        3,
    )
    (statistic,) = first["evidence"]["statistics"]
    assert statistic["function"].startswith("proven(success < 70%")
    assert statistic["value"] >= statistic["threshold"]
    assert (statistic["tasks"], statistic["successes"]) == (30, 0)
    assert [one["held"] for one in first["evidence"]["guards"]].count(True) == 0
    assert (second["verdict"], second["evidence"]["until"]) == (
        "quarantined",
        paused["standingUntil"],
    )
    assert second["evidence"]["statistics"][0]["tasks"] == 30
    assert again["recomputed"]["identical"], again["recomputed"]["differences"]
    descending = next(one for one in why["policies"] if one["policy"] == "descending")
    assert (descending["rung"], descending["rungs"]) == (2, 3)
    assert (descending["standing"], descending["until"]) == (
        "quarantined",
        paused["standingUntil"],
    )


# reviews


def test_a_review_changes_the_score_and_nothing_else(service: Running) -> None:
    body = {"result": "success", "eventId": "scored", "score": 0.5}
    service.post("/api/agents/scored/outcomes", body)

    first = service.post("/api/outcomes/scored/review", {"score": 0.9, "comment": "good"})
    second = service.post("/api/outcomes/scored/review", {"score": 0.1})

    assert (first.status, first.body["before"], first.body["reviewer"]) == (200, 0.5, "local")
    assert (second.body["score"], second.body["before"]) == (0.1, 0.9)
    agent = service.agent("scored")
    assert agent["totals"]["meanScore"] == pytest.approx(0.1)
    assert agent["metrics"]["totalTasks"] == 1
    assert service.post("/api/outcomes/nothing/review", {"score": 1}).status == 404


# silences


def test_a_silence_keeps_policies_away_until_it_ends(service: Running) -> None:
    match = {"agent": "silenced-1"}
    made = service.post(
        "/api/silences", {"match": match, "forSeconds": 3600, "reason": "a deploy"}
    )
    _fail(service, "silenced-1", 3, role="asked")

    held = eventually(
        lambda: (found := service.decisions("&agentId=silenced-1&verdict=held")) and found[0]
    )
    why = service.get("/api/agents/silenced-1/why").body
    listed = service.get("/api/silences?active=true").body["items"]
    ended = service.ask("DELETE", f"/api/silences/{made.body['id']}")

    assert (made.status, made.body["owner"], made.body["active"]) == (201, "local", True)
    assert (held["guard"], "a deploy" in held["guardDetail"]) == ("silence", True)
    assert [one["id"] for one in why["silences"]] == [made.body["id"]]
    assert [one["id"] for one in listed] == [made.body["id"]]
    assert (ended.status, ended.body["endedBy"]) == (200, "local")
    assert service.ask("DELETE", f"/api/silences/{made.body['id']}").status == 409
    assert eventually(lambda: _waiting(service, "silenced-1"))[0]["state"] == "awaiting"


def test_a_silence_over_very_many_needs_force(service: Running) -> None:
    for name in ("broad-1", "broad-2", "broad-3"):
        service.beat(name, role="broad")
    body = {"match": {"role": "broad"}, "forSeconds": 60, "reason": "a deploy"}

    refused = service.post("/api/silences", body)
    forced = service.post("/api/silences", {**body, "force": True})

    assert (refused.status, refused.body["matched"]) == (409, 3)
    assert refused.body["active"] >= 3
    assert (forced.status, forced.body["matched"]) == (201, 3)


# reversals and what is told of policies


def test_a_policy_overruled_twice_is_in_shadow_until_a_person_restores_it(
    tmp_path: Path,
) -> None:
    (tmp_path / "policies.yaml").write_text(POLICIES)
    with serving(
        tmp_path,
        policies=tmp_path / "policies.yaml",
        settings={"tick": "200ms", "reasons": "rude"},
    ) as service:
        for name in ("a", "b"):
            waiting = _announced(service, name, role="announced")
            service.post(f"/api/decisions/{waiting['decisionId']}/veto", {"context": "no"})
        demoted = _policy(service, "announcing")
        status = service.get("/api/policies/status").body["policies"][0]
        _fail(service, "c", 3, role="announced")
        eventually(lambda: _verdicts(service, "c") == ["shadowed"])

        restored = service.post("/api/policies/announcing/restore", {"context": "it was right"})
        again = service.post("/api/policies/announcing/restore")

        assert demoted["demoted"]["why"].startswith("overruled 2 times within a day")
        assert (status["reversed"], status["verdicts"]["noticed"]) == (2, 2)
        assert "shadow, since it was overruled too often" in status["words"]
        assert (restored.status, restored.body["verdict"]) == (200, "restored")
        assert again.status == 409
        assert _policy(service, "announcing")["demoted"] is None
        assert service.post("/api/policies/nothing/restore").status in {404, 409}
        eventually(lambda: _waiting(service, "c"))


def _policy(service: Running, name: str) -> Any:
    policies = service.get("/api/policies").body["policies"]
    return next(policy for policy in policies if policy["name"] == name)


def test_what_guards_allow_is_said_of_each_pool(service: Running) -> None:
    service.beat("pooled", role="pooled")

    limits = eventually(
        lambda: [
            one
            for one in service.get("/api/policies").body["limits"]
            if one["pool"] == "pooled"
        ]
    )

    assert limits[0]["agents"] == 1
    assert "pooled has 1 agent, 0 an hour ago: " in limits[0]["words"]


def test_what_the_fleet_has_shown_is_what_was_reported(service: Running) -> None:
    service.post("/api/agents/shown/outcomes", {"result": "timeout"})
    service.beat("shown", role="shown-role")

    known = eventually(
        lambda: (
            "timeout" in (told := service.get("/api/policies/known").body)["results"] and told
        )
    )

    assert "shown-role" in known["fields"]["role"]
    assert known["displays"]["rude"] == "impolite"


# audit


def test_the_record_is_whole_and_told_in_words(service: Running) -> None:
    service.beat("audited")
    service.post("/api/agents/audited/fire", {"reason": "derailed", "context": "wrong branch"})
    service.post("/api/agents/audited/reinstate", {"context": "right one", "wrong": True})

    chain = service.get("/api/audit/verify").body
    report = service.get("/api/audit/report?agentId=audited").body
    since = service.get("/api/audit/report?since=2020-01-01T00:00:00Z").body

    assert (chain["state"], chain["broken"]) == ("ok", None)
    assert chain["decisions"] == len(service.decisions())
    assert next(case["title"] for case in report["cases"]) == (
        "A person (local) fired audited as off track"
    )
    words = " ".join(report["text"].split())
    assert "marked the fire as wrong: “right one”" in words
    assert "They gave this reason: “wrong branch”" in words
    assert report["chain"]["head"] == chain["head"]
    assert len(since["cases"]) >= len(report["cases"])
