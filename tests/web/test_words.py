"""Sentences about decisions: every verdict has one, none holds more than one line, and numbers keep their units."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from tests.web.backend import EVIDENCE, NOW, MemoryBackend

from pinkslip.model.decisions import Consulted, Statistic
from pinkslip.model.facts import Silence
from pinkslip.model.words import Action, ActorKind, Guard, Verdict
from pinkslip.store.chain import BrokenLink, ChainReport
from pinkslip.store.views import StoredDecision, StoredSilence
from pinkslip.web.words import (
    GUARD_NAMES,
    GUARD_SAID,
    chain_said,
    concluded,
    counted,
    done,
    guards_said,
    listed,
    match_said,
    rests_on,
    sentence,
    silence_said,
    statistic_said,
    value_shown,
)

DISPLAYS = {"dumb": "underperforming"}


def _decision(**changes: object) -> StoredDecision:
    return MemoryBackend().decide(**changes)


def _by_person(**changes: object) -> StoredDecision:
    return _decision(actor_kind=ActorKind.PERSON, actor="ann", **changes)


UNTIL = replace(EVIDENCE, until=NOW + 60_000)
AT = "2026-11-18 11:07:40 UTC"


@pytest.mark.parametrize(
    ("decision", "said"),
    [
        (_decision(), "policy failing fired a as underperforming"),
        (_by_person(), "a person (ann) fired a as underperforming"),
        (_by_person(reason="rude"), "a person (ann) fired a as rude"),
        (
            _decision(verdict=Verdict.HELD, guard=Guard.PANIC, guard_detail="5 of 9"),
            ("policy failing would have fired a as underperforming, and was held back: "
            "too many agents fell silent or failed at once (5 of 9)"),
        ),
        (
            _decision(verdict=Verdict.SHADOWED, action=Action.PROBATION, evidence=UNTIL),
            f"policy failing, which only records, would have put a on probation until {AT}",
        ),
        (_decision(verdict=Verdict.NOTIFIED), "policy failing told people about a"),
        (
            _decision(verdict=Verdict.SUPERSEDED, action=Action.NOTIFY),
            "policy failing would have told people about a, but somebody had acted before",
        ),
        (_decision(verdict=Verdict.PROBATION), "policy failing put a on probation"),
        (
            _by_person(verdict=Verdict.QUARANTINED, evidence=UNTIL, policy=""),
            f"a person (ann) put a in quarantine until {AT}",
        ),
        (
            _decision(verdict=Verdict.NOTICED, evidence=UNTIL),
            f"policy failing announced that it will fire a as underperforming at {AT}",
        ),
        (
            _decision(verdict=Verdict.ASKED),
            "policy failing asked a person whether to fire a as underperforming",
        ),
        (
            _decision(verdict=Verdict.CANCELLED),
            "policy failing called off what it had announced about a",
        ),
        (_decision(verdict=Verdict.RELEASED), "policy failing let a go"),
        (_by_person(verdict=Verdict.RELEASED, policy=""), "a person (ann) let a go"),
        (
            _by_person(verdict=Verdict.VETOED),
            "a person (ann) stopped policy failing from firing a",
        ),
        (
            _by_person(verdict=Verdict.APPROVED),
            "a person (ann) allowed policy failing to fire a as underperforming",
        ),
        (_by_person(verdict=Verdict.REINSTATED, policy=""), "a person (ann) brought a back"),
        (
            _decision(verdict=Verdict.DEMOTED, actor_kind=ActorKind.SERVICE),
            "policy failing was put into shadow, where it only records",
        ),
        (
            _by_person(verdict=Verdict.RESTORED),
            "a person (ann) let policy failing act again",
        ),
        (
            replace(_by_person(verdict=Verdict.REINSTATED), actor=""),
            "a person (name erased) brought a back",
        ),
    ],
)  # fmt: skip
def test_what_was_concluded_is_one_sentence(decision: StoredDecision, said: str) -> None:
    assert concluded(decision, DISPLAYS) == said


@given(text=st.text(min_size=1, max_size=60), verdict=st.sampled_from(Verdict))
def test_whatever_strangers_call_themselves_it_stays_one_line(
    text: str, verdict: Verdict
) -> None:
    decision = _decision(
        verdict=verdict, agent_id=text, policy=text, reason=text, actor=text, guard_detail=text
    )

    said = sentence(concluded(decision, {})) + rests_on(decision)

    assert said.isprintable()


@pytest.mark.parametrize("action", Action)
def test_every_action_can_be_said(action: Action) -> None:
    assert "a" in done(_decision(action=action), {})


def test_every_guard_has_its_words() -> None:
    assert set(GUARD_SAID) == set(GUARD_NAMES) == set(Guard)


def test_the_safeguards_asked_are_named_and_who_held_says_why() -> None:
    passed = (Consulted(Guard.NEWBORN, False), Consulted(Guard.SILENCE, False))
    held = (*passed, Consulted(Guard.ENVELOPE, True, "1 of 1"))

    def said(*guards: Consulted) -> str:
        return guards_said(_decision(evidence=replace(EVIDENCE, guards=guards)))

    assert said() == ""
    assert said(*passed) == (
        "2 safeguards were asked first: whether the agent is new and silences. None held it back."
    )
    assert said(passed[0]).startswith("1 safeguard was asked first: ")
    assert said(*held).endswith(
        "It was held back because the limit on how many may be taken out was reached (1 of 1)."
    )


def test_evidence_is_the_policys_words_or_the_persons_reason() -> None:
    lasting = replace(EVIDENCE, words="no heartbeat for 95 s, for 30 s", for_ms=30_000)

    assert rests_on(_decision(evidence=lasting)) == "No heartbeat for 95 s, for 30 s."
    assert rests_on(_by_person(context="it\nloops")) == "They gave this reason: “it loops”"
    assert rests_on(_by_person()) == ""
    service = _decision(actor_kind=ActorKind.SERVICE, evidence=lasting)
    assert rests_on(service) == "No heartbeat for 95 s, for 30 s."


def test_a_statistic_has_its_counts_and_what_was_asked_for() -> None:
    whole = Statistic("proven(success < 70%)", 4.34242, 2.301, 40, 12, NOW)

    assert statistic_said(whole) == (
        "proven(success < 70%): a worker who is good enough comes to such a record at most once in 22,000, "
        "and at most once in 200 was asked for (12 of 40 tasks succeeded since 2026-11-18 11:06:40 UTC)"
    )
    assert statistic_said(Statistic("peers(cost[1h])", None, None)) == (
        "peers(cost[1h]) is unknown"
    )


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (-3.0, "often"),
        (0.0, "often"),
        (0.29, "often"),
        (0.302, "at most once in 2"),
        (0.5, "at most once in 3.2"),
        (1.0, "at most once in 10"),
        (3.38, "at most once in 2,400"),
        (8.99, "at most once in 980,000,000"),
        (9.0, "less than once in a billion"),
        (400.0, "less than once in a billion"),
    ],
)
def test_how_strong_a_proof_is_says_how_rarely_chance_does_it(value: float, said: str) -> None:
    assert statistic_said(Statistic("proven(success < 70%)", value, None)).endswith(
        f"such a record {said}"
    )


@pytest.mark.parametrize(
    ("statistic", "said"),
    [
        (
            Statistic("decayed(success, from=85%, to=60%)", 9.3123, 9.0),
            "decayed(success, from=85%, to=60%): what speaks for a decline added up to 9.312, and 9 was asked for",
        ),
        (
            Statistic("posterior(success < 70%)", 0.991, 0.95),
            "posterior(success < 70%) came to 99.1 %, and 95 % was asked for",
        ),
        (
            Statistic("upper(success_rate[1h])", 0.4567, 0.5),
            "upper(success_rate[1h]) came to 45.7 %, and 50 % was asked for",
        ),
        (
            Statistic("outlier(cost[1h])", 4.2, 3.5),
            "outlier(cost[1h]) came to 4.2, and 3.5 was asked for",
        ),
    ],
)
def test_other_statistics_come_with_their_units(statistic: Statistic, said: str) -> None:
    assert statistic_said(statistic) == said


@pytest.mark.parametrize(
    ("measure", "value", "shown"),
    [
        ("success_rate[1h]", 0.25, "25 %"),
        ("heartbeat_age", 95.0, "95 s"),
        ("cost[1d]", 1.5, "$1.50"),
        ("tasks[50 tasks]", 7.0, "7"),
        ("of a version to come", 7.5, "7.5"),
        ("tasks[1h]", None, "unknown"),
    ],
)
def test_values_keep_their_units(measure: str, value: float | None, shown: str) -> None:
    assert value_shown(measure, value) == shown


def test_lists_and_counts_read_as_people_write_them() -> None:
    assert [listed(list("abc")[:count]) for count in range(4)] == [
        "",
        "a",
        "a and b",
        "a, b and c",
    ]
    assert [counted(1, "policy"), counted(2, "policy"), counted(1200, "agent")] == [
        "1 policy",
        "2 policies",
        "1,200 agents",
    ]
    assert [sentence("so it is"), sentence("was it?"), sentence(" ")] == [
        "So it is.",
        "Was it?",
        "",
    ]


def test_a_silence_says_whom_how_long_and_why() -> None:
    match = (("role", ("a", ""), ("b.*",)), ("label.team", ("x",), ()))
    silence = Silence("s", match, "ann", "deploy", NOW, NOW + 60_000)
    stored = StoredSilence(silence=silence, created_at=NOW)

    assert match_said(match) == "role is a, empty or like b.*, and label.team is x"
    assert silence_said(stored) == (
        "agents whose role is a, empty or like b.*, and label.team is x are silenced by ann "
        f"from 2026-11-18 11:06:40 UTC until {AT}: deploy"
    )
    ended = replace(stored, ended_at=NOW + 1000, ended_by="bob")
    assert "until bob ended it on 2026-11-18 11:06:41 UTC: deploy" in silence_said(ended)


MISSING = BrokenLink(number=8, decision_id=None, problem="is missing")


def _chain(
    *, decisions: int, redacted: int = 0, broken: BrokenLink | None = None
) -> ChainReport:
    return ChainReport(
        workspace_id=1, decisions=decisions, redacted=redacted, head=b"", broken=broken
    )


@pytest.mark.parametrize(
    ("chain", "said"),
    [
        (_chain(decisions=0), "Nothing was decided yet"),
        (_chain(decisions=1), "intact: 1 decision, in order"),
        (_chain(decisions=7, redacted=2), "Personal details of 2 were erased"),
        (
            _chain(decisions=7, broken=MISSING),
            "NOT intact: number 8 is missing. The 7 records before it are whole.",
        ),
    ],
)
def test_the_chain_is_said_to_be_whole_erased_or_broken(chain: ChainReport, said: str) -> None:
    assert said in chain_said(chain)
