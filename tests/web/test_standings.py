"""What people do about standings, announced fires, scores and demoted policies; and what is told of each."""

import pytest
from msgspec.structs import replace
from tests.web.backend import NOW, MemoryBackend
from tests.web.conftest import Served

from pinkslip.judge.conclusions import Cause, Deploy
from pinkslip.judge.guards.envelope import PoolLimit
from pinkslip.model.decisions import Consulted, Statistic
from pinkslip.model.events import Outcome
from pinkslip.model.facts import Demoted
from pinkslip.model.time import rfc3339
from pinkslip.model.words import (
    Action,
    EpisodeState,
    Guard,
    Mode,
    Result,
    Standing,
    Verdict,
)
from pinkslip.policies.known import Known
from pinkslip.store.views import PolicyCount, Reversal

LATER = rfc3339(NOW + 3_600_000)


@pytest.fixture(autouse=True)
def _an_agent(backend: MemoryBackend) -> None:
    backend.add("a")


# quarantine and release


async def test_a_quarantine_has_an_end_and_a_release_takes_it_back(served: Served) -> None:
    path = "/api/agents/a"
    status, paused = await served.post(
        f"{path}/quarantine", {"until": LATER, "context": "it loops"}
    )
    _, listed = await served.get("/api/agents?standing=quarantined")

    released = await served.post(f"{path}/release")
    again = await served.post(f"{path}/release", {"context": "twice"})

    assert (status, paused["standing"], paused["standingUntil"]) == (200, "quarantined", LATER)
    assert [agent["standingUntil"] for agent in listed["items"]] == [LATER]
    assert (released[0], released[1]["standing"], released[1]["standingUntil"]) == (
        200,
        "active",
        None,
    )
    assert (again[0], again[1]["code"]) == (409, "conflict")


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, ""),
        ({"until": None}, "/until"),
        ({"until": rfc3339(NOW)}, "/until"),
        ({"until": "tomorrow"}, "/until"),
        ({"until": LATER, "for": 5}, "/for"),
    ],
)
async def test_a_quarantine_needs_an_instant_to_come(
    served: Served, backend: MemoryBackend, body: dict[str, object], pointer: str
) -> None:
    status, problem = await served.post("/api/agents/a/quarantine", body)

    assert (status, problem["errors"][0]["pointer"]) == (422, pointer)
    assert not backend.acts


@pytest.mark.parametrize("act", ["quarantine", "release"])
async def test_an_unknown_agent_is_a_404(served: Served, act: str) -> None:
    body = {"until": LATER} if act == "quarantine" else {}

    assert (await served.post(f"/api/agents/nobody/{act}", body))[0] == 404


# reviews


async def test_a_review_gives_an_outcome_another_score(
    served: Served, backend: MemoryBackend
) -> None:
    backend.outcomes["e{1}"] = Outcome(result=Result.SUCCESS, event_id="e{1}", score=0.4)

    status, review = await served.post(
        "/api/outcomes/e%7B1%7D/review", {"score": 0.9, "comment": "line one\nline two"}
    )

    assert status == 200
    assert review == {
        "eventId": "e{1}",
        "score": 0.9,
        "before": 0.4,
        "comment": "line one\nline two",
        "at": rfc3339(NOW),
        "reviewer": "local",
        "counted": True,
    }


@pytest.mark.parametrize("score", [-0.01, 1.01, "1", None])
async def test_a_score_lies_between_nothing_and_one(served: Served, score: object) -> None:
    status, problem = await served.post("/api/outcomes/e/review", {"score": score})

    assert (status, problem["errors"][0]["pointer"]) == (422, "/score")


async def test_the_review_of_an_outcome_nobody_sent_is_a_404(served: Served) -> None:
    assert (await served.post("/api/outcomes/e/review", {"score": 1}))[0] == 404


# veto and approval


@pytest.mark.parametrize(
    ("ruling", "verdict", "words"),
    [
        ("veto", "vetoed", "A person (local) stopped policy failing from firing a."),
        (
            "approve",
            "approved",
            "A person (local) allowed policy failing to fire a as underperforming.",
        ),
    ],
)
async def test_a_person_rules_on_what_was_announced(
    served: Served, backend: MemoryBackend, ruling: str, verdict: str, words: str
) -> None:
    announced = backend.decide(verdict=Verdict.ASKED)
    backend.wait(announced, state=EpisodeState.AWAITING, until=None)

    status, record = await served.post(
        f"/api/decisions/{announced.id}/{ruling}", {"context": "known outage"}
    )
    again = await served.post(f"/api/decisions/{announced.id}/{ruling}")

    assert status == 200
    assert (record["verdict"], record["actor"], record["context"]) == (
        verdict,
        "local",
        "known outage",
    )
    assert record["words"] == words
    assert record["id"] != announced.id
    assert (again[0], "vetoed by ann" in again[1]["detail"]) == (409, True)
    assert (await served.post(f"/api/decisions/nothing/{ruling}"))[0] == 404


async def test_what_waits_is_told_wherever_people_look(
    served: Served, backend: MemoryBackend
) -> None:
    waiting = backend.wait(backend.decide(verdict=Verdict.NOTICED))
    expected = {
        "decisionId": waiting.decision_id,
        "policy": "failing",
        "agentId": "a",
        "state": "noticed",
        "since": rfc3339(waiting.since),
        "until": rfc3339(waiting.since + 300_000),
        "reason": "dumb",
        "reasonShown": "underperforming",
        "words": "1 of 5 tasks succeeded",
        "holds": True,
    }
    backend.add("b")

    _, why = await served.get("/api/agents/a/why")
    _, of_another = await served.get("/api/agents/b/why")
    _, enforcement = await served.get("/api/enforcement")
    _, policies = await served.get("/api/policies")

    assert why["waiting"] == enforcement["waiting"] == [expected]
    assert of_another["waiting"] == []
    assert [policy["waiting"] for policy in policies["policies"]] == [0, 1]


# what decisions tell


async def test_a_decision_tells_its_statistics_guards_and_rung(
    served: Served, backend: MemoryBackend
) -> None:
    evidence = replace(
        backend.decide().evidence,
        statistics=(
            Statistic("proven(success < 70%, error=1%)", 2.4, 2.0, 40, 12, NOW, 0, 0, 2),
            Statistic("upper(success_rate[1h], confidence=95%)", None, None),
        ),
        guards=(Consulted(Guard.PANIC, False), Consulted(Guard.ENVELOPE, True, "3 of 3 fired")),
        rung=2,
        rungs=3,
        until=NOW + 600_000,
        lineage="researcher-7",
    )
    decision = backend.decide(
        verdict=Verdict.HELD,
        action=Action.QUARANTINE,
        guard=Guard.ENVELOPE,
        guard_detail="3 of 3 fired",
        evidence=evidence,
    )

    _, told = await served.get(f"/api/decisions/{decision.id}")

    assert told["reasonShown"] == "underperforming"
    assert told["words"] == (
        "Policy failing would have put a in quarantine until 2026-11-18 11:16:40 UTC, and was held back: "
        "the limit on how many may be taken out was reached (3 of 3 fired)."
    )
    shown = told["evidence"]
    assert shown["statistics"][0] == {
        "function": "proven(success < 70%, error=1%)",
        "value": 2.4,
        "threshold": 2.0,
        "tasks": 40,
        "successes": 12,
        "since": rfc3339(NOW),
        "passNo": 2,
    }
    assert shown["statistics"][1]["since"] is None
    assert shown["guards"] == [
        {"guard": "panic", "held": False, "detail": ""},
        {"guard": "envelope", "held": True, "detail": "3 of 3 fired"},
    ]
    assert (shown["rung"], shown["rungs"], shown["until"]) == (2, 3, rfc3339(NOW + 600_000))
    assert shown["lineage"] == "researcher-7"


async def test_reasons_are_told_with_their_neutral_names(served: Served) -> None:
    _, fired = await served.post("/api/agents/a/fire", {"reason": "dumb"})
    _, agent = await served.get("/api/agents/a")
    _, policies = await served.get("/api/policies")

    assert (fired["reason"], fired["reasonShown"]) == ("dumb", "underperforming")
    assert agent["fireHistory"][0]["reasonShown"] == "underperforming"
    assert policies["displays"]["dumb"] == "underperforming"


async def test_what_holds_everybody_is_told(served: Served, backend: MemoryBackend) -> None:
    backend.facts = replace(
        backend.facts,
        causes=(Cause("model", "gpt-9", 12, 14, 1, 60, 1e-9),),
        deploys=(Deploy("dev", NOW, 8, 9),),
    )

    _, told = await served.get("/api/enforcement")

    assert told["causes"][0].items() >= {"factor": "model", "value": "gpt-9", "p": 1e-9}.items()
    assert "12 of 13 failing agents have model gpt-9" in told["causes"][0]["words"]
    assert told["deploys"] == [
        {"pool": "dev", "restarted": 8, "size": 9, "since": rfc3339(NOW)}
    ]


# policies


def _counted(verdict: Verdict, count: int, **changes: object) -> PolicyCount:
    made = PolicyCount(
        policy="failing",
        verdict=verdict,
        mode=Mode.SHADOW,
        action=Action.FIRE,
        guard=None,
        count=count,
    )
    return replace(made, **changes)


def _reversal(**changes: object) -> Reversal:
    made = Reversal(
        at=NOW,
        policy="failing",
        policy_hash="0123456789abcdef",
        decision_id="decision-1",
        agent_no=1,
        agent_id="a",
        role="",
        verdict=Verdict.REINSTATED,
        actor="ann",
        context="",
        wrong=True,
    )
    return replace(made, **changes)


async def test_the_status_of_policies_says_what_they_came_to(
    served: Served, backend: MemoryBackend
) -> None:
    limit = PoolLimit(
        "dev", 5, 1, 3_600_000, 1, "pool dev has 5 agents: at most 1 fire an hour"
    )
    backend.policy_state = replace(
        backend.policy_state,
        matched={"failing": 12},
        holding={"failing": 3},
        held={("failing", Guard.NEWBORN): 2},
        rungs={"failing": (4, 1)},
        limits=(limit,),
    )
    backend.kept_counts = [
        _counted(Verdict.SHADOWED, 3),
        _counted(Verdict.SHADOWED, 2, action=Action.QUARANTINE),
        _counted(Verdict.HELD, 4, guard=Guard.ENVELOPE),
        _counted(Verdict.FIRED, 1, mode=Mode.ENFORCE),
    ]
    backend.kept_reversals = [_reversal(), _reversal(wrong=False), _reversal(at=NOW - 1)]

    status, told = await served.get(f"/api/policies/status?since={rfc3339(NOW)}")
    _, policies = await served.get("/api/policies")

    assert (status, told["since"]) == (200, rfc3339(NOW))
    quiet, failing = told["policies"]
    assert quiet["words"] == "enforce: about 0 agents, true of 0; decided nothing"
    assert failing["would"] == {"fire": 3, "quarantine": 2}
    assert failing["verdicts"] == {"shadowed": 5, "held": 4, "fired": 1}
    assert (failing["held"], failing["heldNow"]) == (
        {"envelope": 4},
        [{"guard": "newborn", "count": 2}],
    )
    assert (failing["reversed"], failing["onRungs"]) == (1, [4, 1])
    assert failing["words"] == (
        "shadow: about 12 agents, true of 3; fired 1; in shadow would have done: fire 3 and "
        "quarantine 2; held back by envelope 4; overruled 1"
    )
    assert told["limits"] == policies["limits"]
    assert told["limits"][0]["words"] == "pool dev has 5 agents: at most 1 fire an hour"
    assert told["limits"][0]["perSeconds"] == 3600.0


async def test_a_demoted_policy_says_why_and_is_restored_by_a_person(
    served: Served, backend: MemoryBackend
) -> None:
    demoted = Demoted(NOW, 1, "failing", "0123456789abcdef", "overruled 2 times within a day")
    backend.policy_state = replace(backend.policy_state, demoted={"failing": demoted})
    path = "/api/policies/failing/restore"

    _, policies = await served.get("/api/policies")
    _, status = await served.get("/api/policies/status")
    restored = await served.post(path, {"context": "the runbook was wrong"})
    again = await served.post(path)

    assert [policy["demoted"] for policy in policies["policies"]] == [
        None,
        {"at": rfc3339(NOW), "why": "overruled 2 times within a day"},
    ]
    assert status["policies"][1]["words"].startswith(
        "shadow, since it was overruled too often:"
    )
    assert (restored[0], restored[1]["words"]) == (
        200,
        "A person (local) let policy failing act again.",
    )
    assert again[0] == 409
    assert (await served.post("/api/policies/nothing/restore"))[0] == 404


async def test_what_the_fleet_has_shown_can_be_asked_for(
    served: Served, backend: MemoryBackend
) -> None:
    backend.known_now = Known(
        results=frozenset({Result.TIMEOUT, Result.SUCCESS}),
        fields={"role": frozenset({"writer", "dev"}), "host": frozenset()},
        labels=frozenset({"zone", "team"}),
        pools={"dev": 5},
        pool_label="role",
        min_tasks=5,
        retention_ms=86_400_000,
    )

    _, told = await served.get("/api/policies/known")

    assert told["results"] == ["success", "timeout"]
    assert told["fields"] == {"role": ["dev", "writer"], "host": []}
    assert told["labels"] == ["team", "zone"]
    assert (told["pools"], told["poolLabel"]) == ({"dev": 5}, "role")
    assert (told["minTasks"], told["retentionSeconds"]) == (5, 86_400.0)
    assert "dumb" in told["reasons"]


async def test_a_fleet_that_has_shown_nothing_is_not_said_to_have(served: Served) -> None:
    _, told = await served.get("/api/policies/known")

    assert (told["results"], told["fields"], told["retentionSeconds"]) == (None, {}, None)
    assert told["labels"] is None


# why


async def test_why_tells_the_ladder_and_how_far_the_evidence_has_come(
    served: Served, backend: MemoryBackend
) -> None:
    backend.agents["a"] = replace(
        backend.agents["a"], standing=Standing.PROBATION, standing_until=NOW + 1000
    )
    backend.answers = {
        "rung": 1,
        "rungs": 3,
        "standing": Standing.PROBATION,
        "until": NOW + 1000,
        "meter": 0.4,
        "statistics": (Statistic("proven(success < 70%)", 0.8, 2.0, 9, 4, NOW),),
    }

    _, told = await served.get("/api/agents/a/why")

    assert (told["standing"], told["standingUntil"]) == ("probation", rfc3339(NOW + 1000))
    (policy,) = told["policies"]
    assert (policy["rung"], policy["rungs"], policy["standing"]) == (1, 3, "probation")
    assert (policy["meter"], policy["until"]) == (0.4, rfc3339(NOW + 1000))
    assert policy["statistics"][0]["successes"] == 4
