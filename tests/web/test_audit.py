"""Audits: whether the record is whole, and what a report says to someone who is no engineer."""

import dataclasses

import pytest
from msgspec.structs import replace
from tests.web.backend import EVIDENCE, NOW, MemoryBackend
from tests.web.conftest import Served

from pinkslip.model.decisions import Consulted, Delivery
from pinkslip.model.facts import Silence
from pinkslip.model.time import rfc3339
from pinkslip.model.words import Action, ActorKind, DeliveryState, EpisodeState, Guard, Verdict
from pinkslip.store.chain import BrokenLink, ChainReport
from pinkslip.store.views import Fire, StoredDecision, StoredSilence
from pinkslip.web.aftermath import Beside, became
from pinkslip.web.backend import SilenceState
from pinkslip.web.report import CASES_MAX, Material, as_markdown, as_text, report_of

WHOLE = ChainReport(workspace_id=1, decisions=4, redacted=0, head=b"\x01", broken=None)
CHANGED = BrokenLink(number=5, decision_id="decision-5", problem="its content was changed")
GUARDED = replace(EVIDENCE, guards=(Consulted(Guard.PANIC, False),))


@pytest.fixture
def past() -> MemoryBackend:
    """A backend to make decisions with; each is a millisecond after the one before."""
    return MemoryBackend()


def _fire(decision: StoredDecision, **changes: object) -> Fire:
    fire = Fire(
        id="fire-1",
        agent_no=decision.agent_no,
        agent_id=decision.agent_id,
        incarnation=1,
        decision_id=decision.id,
        fired_at=decision.at,
        reason="dumb",
        context="",
        policy="failing",
        actor_kind=ActorKind.POLICY,
        actor="failing",
        post_mortem={},
    )
    return replace(fire, **changes)


def _material(past: MemoryBackend, **changes: object) -> Material:
    given = {
        "now": NOW + 60_000,
        "displays": past.shown,
        "decisions": past.kept_decisions,
        "chain": WHOLE,
    }
    return Material(**{**given, **changes})


# what became of it


def _became(decision: StoredDecision, **known: object) -> tuple[str, ...]:
    return became(decision, Beside(**{"now": NOW + 60_000, "displays": {}, **known}))


@pytest.mark.parametrize(
    ("state", "said"),
    [
        (DeliveryState.PENDING, "has not been told to stop yet"),
        (DeliveryState.DELIVERED, "It was told to stop."),
        (DeliveryState.CONFIRMED, "It stopped."),
        (DeliveryState.UNVERIFIED, "nobody can say for sure"),
        (DeliveryState.ZOMBIE, "still reports"),
        (DeliveryState.CANCELLED, "withdrawn"),
    ],
)
def test_a_fire_says_how_far_the_order_has_come(
    past: MemoryBackend, state: DeliveryState, said: str
) -> None:
    decision = past.decide()
    delivery = Delivery(
        workspace_id=1,
        fire_id="fire-1",
        generation=1,
        agent_no=1,
        agent_id="a",
        executor="order",
        state=state,
        created_at=NOW,
    )

    told = _became(decision, fire=_fire(decision, deliveries=(delivery,)))

    assert said in told[0]
    assert told[1] == "It was not taken back, and nobody has called it wrong."


@pytest.mark.parametrize(
    ("was_wrong", "said"),
    [
        (True, "and marked the fire as wrong"),
        (False, "without calling the fire wrong"),
        (None, "without calling the fire wrong"),
    ],
)
def test_a_fire_that_was_taken_back_says_by_whom_and_whether_it_was_wrong(
    past: MemoryBackend, was_wrong: bool | None, said: str
) -> None:
    decision = past.decide()
    fire = _fire(
        decision,
        reinstated_at=NOW + 5_000,
        reinstated_by="ann",
        reinstate_context="bad runbook",
        was_wrong=was_wrong,
    )

    assert _became(decision, fire=fire) == (
        f"It was taken back: a person (ann) reinstated the agent on 2026-11-18 11:06:45 UTC, {said}: “bad runbook”.",
    )
    assert "deleted" in _became(decision)[0]


def test_what_was_announced_says_what_it_waits_for(past: MemoryBackend) -> None:
    decision = past.decide(verdict=Verdict.NOTICED)
    coming = past.wait(decision, until=NOW + 360_000)
    due = replace(coming, until=NOW + 60_000)
    asked = replace(coming, state=EpisodeState.AWAITING, until=None)
    both = replace(coming, state=EpisodeState.AWAITING)

    assert (
        "fired on 2026-11-18 11:12:40 UTC, in 5 min, unless"
        in _became(decision, waiting=coming)[0]
    )
    assert _became(decision, waiting=due)[0].startswith("Its time has come")
    assert _became(decision, waiting=asked)[0].startswith(
        "Nobody is fired unless a person approves."
    )
    assert "approves, and not before 2026-11-18 11:12:40" in _became(decision, waiting=both)[0]


def _ruled(past: MemoryBackend, verdict: Verdict, decision: StoredDecision) -> StoredDecision:
    """A person's ruling on what `decision` announced, as the store records it."""
    words = f"a person {verdict} what decision {decision.id} announced: 1 of 5 tasks succeeded"
    return past.decide(
        verdict=verdict,
        actor_kind=ActorKind.PERSON,
        actor="bob",
        context="go",
        evidence=replace(EVIDENCE, words=words),
    )


@pytest.mark.parametrize(
    ("verdict", "said"),
    [
        (Verdict.VETOED, "a person (bob) stopped policy failing from firing a: “go”."),
        (Verdict.CANCELLED, "policy failing called off what it had announced about a."),
        (Verdict.FIRED, "policy failing fired a as dumb."),
    ],
)
def test_what_was_announced_says_how_it_ended(
    past: MemoryBackend, verdict: Verdict, said: str
) -> None:
    decision = past.decide(verdict=Verdict.ASKED)
    past.decide(verdict=Verdict.FIRED, policy="another", agent_id="a")
    approved = _ruled(past, Verdict.APPROVED, decision)
    if verdict is Verdict.VETOED:
        _ruled(past, verdict, decision)
    else:
        past.decide(verdict=verdict)

    told = _became(decision, later=past.kept_decisions[1:])

    assert "a person (bob) allowed policy failing to fire a as dumb: “go”" in told[0]
    assert told[1].endswith(said)
    assert _became(decision) == ("Nothing has come of it.",)
    assert _became(decision, later=[approved])[1] == "Nothing more has come of it."


@pytest.mark.parametrize("verdict", [Verdict.APPROVED, Verdict.VETOED])
def test_a_ruling_is_told_of_the_announcement_it_names_and_of_no_other(
    past: MemoryBackend, verdict: Verdict
) -> None:
    first = past.decide(verdict=Verdict.NOTICED)
    past.decide(verdict=Verdict.CANCELLED)
    second = past.decide(verdict=Verdict.NOTICED)  # its policy was replaced: nothing came of it
    third = past.decide(verdict=Verdict.ASKED)
    _ruled(past, verdict, third)

    told = [_became(one, later=past.kept_decisions) for one in (first, second, third)]

    assert len(told[0]) == 1
    assert "called off" in told[0][0]
    assert told[1] == ("Nothing has come of it.",)
    assert "a person (bob)" in told[2][0]


def test_what_was_announced_is_told_in_order_of_time(past: MemoryBackend) -> None:
    asked = past.decide(verdict=Verdict.ASKED)
    _ruled(past, Verdict.APPROVED, asked)
    for guard in (Guard.ENVELOPE, Guard.PANIC):
        past.decide(verdict=Verdict.HELD, guard=guard)
    past.decide(verdict=Verdict.FIRED)
    past.decide(verdict=Verdict.REINSTATED, policy="")

    told = _became(asked, later=past.kept_decisions)

    assert [
        next(word for word in ("allowed", "held back", " fired ") if word in said)
        for said in told
    ] == ["allowed", "held back", " fired "]
    assert "the limit on how many" in told[1]


def test_an_approved_fire_that_waits_says_both(past: MemoryBackend) -> None:
    asked = past.decide(verdict=Verdict.ASKED)
    _ruled(past, Verdict.APPROVED, asked)
    waiting = past.wait(asked, state=EpisodeState.AWAITING, until=NOW + 360_000)

    told = _became(asked, later=past.kept_decisions, waiting=waiting)

    assert "allowed" in told[0]
    assert "is fired on" in told[1]


def test_a_milder_step_says_when_it_ends_or_how_it_ended(past: MemoryBackend) -> None:
    until = replace(EVIDENCE, until=NOW + 120_000)
    decision = past.decide(verdict=Verdict.QUARANTINED, evidence=until)
    forever = past.decide(verdict=Verdict.PROBATION)
    released = past.decide(
        verdict=Verdict.RELEASED, actor_kind=ActorKind.PERSON, actor="ann", policy=""
    )

    assert "ends by itself on 2026-11-18 11:08:40 UTC" in _became(decision)[0]
    assert "until the agent recovers" in _became(forever)[0]
    assert "Its time passed" in _became(decision, now=NOW + 120_000)[0]
    assert _became(decision, later=[forever, released])[0].endswith("put a on probation.")
    assert _became(forever, later=[released])[0].endswith("a person (ann) let a go.")


def test_what_was_held_says_whether_it_was_done_since(past: MemoryBackend) -> None:
    held = past.decide(verdict=Verdict.HELD, guard=Guard.PANIC)
    fired = past.decide()

    assert _became(held) == ("It has not been done since.",)
    assert _became(held, later=[fired])[0].endswith("policy failing fired a as dumb.")


# the report


def test_a_report_on_an_agent_tells_its_story_in_order(past: MemoryBackend) -> None:
    past.decide(verdict=Verdict.SHADOWED, policy="another")
    held = past.decide(verdict=Verdict.HELD, guard=Guard.NEWBORN, evidence=GUARDED)
    fired = past.decide(evidence=GUARDED)
    fire = _fire(fired, reinstated_at=NOW + 9, reinstated_by="ann", was_wrong=True)

    report = report_of(_material(past, agent_id="a", fires={fired.id: fire}))

    assert report.title == "What was decided about a"
    assert report.summary == (
        "3 decisions were recorded between 2026-11-18 11:06:40 UTC and 2026-11-18 11:06:40 UTC.",
        "1 fire: a (underperforming).",
        "1 fire taken back, 1 of them marked as wrong.",
        "Safeguards held 1 decision back: 1 because the agent was too new.",
        "Policies that only record would have done more: fire 1.",
    )
    assert [case.decision_id for case in report.cases] == ["decision-1", held.id, fired.id]
    assert report.cases[2].title == "Policy failing fired a as underperforming"
    assert report.cases[2].paragraphs == (
        "1 of 5 tasks succeeded.",
        "1 safeguard was asked first: many failing at once. None held it back.",
        (
            "It was taken back: a person (ann) reinstated the agent on 2026-11-18 11:06:40 UTC, "
            "and marked the fire as wrong."
        ),
    )
    assert report.chain.startswith("The record is intact: 4 decisions")


def test_a_report_on_a_fleet_counts_shadows_and_tells_what_people_did(
    past: MemoryBackend,
) -> None:
    past.decide(verdict=Verdict.SHADOWED, action=Action.QUARANTINE, agent_no=2, agent_id="b")
    asked = past.decide(verdict=Verdict.ASKED)
    for verdict in (Verdict.VETOED, Verdict.VETOED, Verdict.DEMOTED):
        past.decide(verdict=verdict, actor_kind=ActorKind.PERSON, actor="ann")
    silence = Silence("s", (("role", ("dev",), ()),), "ann", "deploy", NOW, NOW + 60_000)
    state = SilenceState(stored=StoredSilence(silence=silence, created_at=NOW), matched=1)

    report = report_of(
        _material(
            past,
            since=NOW,
            waiting={asked.id: past.wait(asked)},
            silences=(state,),
            is_cut=True,
        )
    )

    assert report.title == "What was decided since 2026-11-18 11:06:40 UTC"
    assert report.summary[0].startswith("5 decisions about 2 agents were recorded between")
    assert report.summary[1:] == (
        "Nobody was fired.",
        "Policies that only record would have done more: quarantine 1.",
        "2 announced fires were stopped by a person.",
        "1 policy was overruled too often and put into shadow.",
        "1 fire waits for its time.",
        (
            "Agents whose role is dev are silenced by ann from 2026-11-18 11:06:40 UTC until "
            "2026-11-18 11:07:40 UTC: deploy."
        ),
        "Older decisions are counted or left out here; ask for a shorter time to read them.",
    )
    assert [case.number for case in report.cases] == [2, 3, 4, 5]


def test_a_report_says_for_what_fires_wait(past: MemoryBackend) -> None:
    asked = [past.decide(verdict=Verdict.ASKED, agent_no=n) for n in (1, 2, 3)]
    awaiting = {
        one.id: past.wait(one, state=EpisodeState.AWAITING, agent_no=one.agent_no)
        for one in asked
    }

    def said() -> list[str]:
        return [
            one for one in report_of(_material(past, waiting=awaiting)).summary if "wait" in one
        ]

    assert said() == ["3 fires wait for approval."]
    _ruled(past, Verdict.APPROVED, asked[0])
    assert said() == ["2 fires wait for approval.", "1 fire waits for its time."]
    _ruled(past, Verdict.APPROVED, asked[1])
    assert said() == ["1 fire waits for approval.", "2 fires wait for their time."]


def test_a_long_report_keeps_the_newest(past: MemoryBackend) -> None:
    for _ in range(CASES_MAX + 3):
        past.decide()

    report = report_of(_material(past, since=NOW))

    assert len(report.cases) == CASES_MAX
    assert report.cases[-1].number == CASES_MAX + 3
    assert any("left out" in said for said in report.summary)
    assert any(f"{CASES_MAX + 3 - 10} more" in said for said in report.summary)


def test_nothing_decided_is_said_too(past: MemoryBackend) -> None:
    assert report_of(_material(past, since=NOW)).summary == (
        "Nothing was decided.",
        "Nobody was fired.",
    )


def test_no_rendering_lets_strangers_write_markup_or_lines(past: MemoryBackend) -> None:
    hostile = "x\n# Not ours <b>*bold*</b> [link](http://x) `code`\x1b[2J"
    past.decide(agent_id=hostile, reason=hostile, policy=hostile)

    report = report_of(_material(past, agent_id=hostile))
    text, markdown = as_text(report), as_markdown(report)

    assert all(letter.isprintable() or letter == "\n" for letter in text + markdown)
    assert "<b>" not in markdown
    assert "\\*bold\\*" in markdown
    assert [line for line in markdown.splitlines() if line.startswith("# ")] == [
        markdown.splitlines()[0]
    ]
    assert max(map(len, text.splitlines())) <= 100


# over HTTP


async def test_the_chain_is_walked_and_the_first_broken_link_named(
    served: Served, backend: MemoryBackend
) -> None:
    path = "/api/audit/verify"
    backend.chain = dataclasses.replace(WHOLE, redacted=1)
    _, redacted = await served.get(path)
    backend.chain = dataclasses.replace(WHOLE, broken=CHANGED)
    _, broken = await served.get(path)
    backend.chain = WHOLE
    _, whole = await served.get(path)

    assert (whole["state"], whole["decisions"], whole["head"]) == ("ok", 4, "01")
    assert (redacted["state"], redacted["redacted"]) == ("redacted", 1)
    assert broken["state"] == "broken"
    assert broken["broken"] == {
        "number": 5,
        "decisionId": "decision-5",
        "problem": "its content was changed",
    }
    assert "NOT intact: number 5 its content was changed" in broken["words"]


async def test_a_report_comes_as_json_text_or_markdown(
    served: Served, backend: MemoryBackend
) -> None:
    backend.add("a")
    decision = backend.decide()
    backend.kept_fires.append(_fire(decision))
    path = "/api/audit/report?agentId=a"

    status, told = await served.get(path)
    rendered = {}
    for media in ("text/plain", "text/markdown"):
        accept = {"Accept": f"{media};q=0.9, */*"}
        async with served.session.get(path, headers=accept) as response:
            assert response.content_type == media
            rendered[media] = await response.text()

    assert status == 200
    assert told["agentId"] == "a"
    assert told["cases"][0]["decisionId"] == decision.id
    assert told["cases"][0]["paragraphs"][-1].startswith("It was not taken back")
    assert told["text"] == rendered["text/plain"]
    assert rendered["text/markdown"].startswith("# What was decided about a\n")


async def test_a_report_is_about_somebody_or_some_time(
    served: Served, backend: MemoryBackend
) -> None:
    backend.decide(agent_id="deleted")
    backend.decide(agent_id="b", agent_no=2)

    _, since = await served.get(f"/api/audit/report?since={rfc3339(NOW + 2)}")
    left = await served.get("/api/audit/report?agentId=deleted")
    neither = await served.get("/api/audit/report")
    nobody = await served.get("/api/audit/report?agentId=nobody")

    assert [case["agentId"] for case in since["cases"]] == ["b"]
    assert since["since"] == rfc3339(NOW + 2)
    assert left[0] == 200
    assert (neither[0], neither[1]["errors"][0]["pointer"]) == (422, "agentId")
    assert nobody[0] == 404
