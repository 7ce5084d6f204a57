"""A situation in words: what is said, of whom, how urgently, and with which way out."""

import dataclasses
import re
from pathlib import Path

import pytest

from pinkslip.announce.messages import EVERY_NAME, Message, messages
from pinkslip.announce.situation import (
    Demotion,
    Held,
    Matter,
    Refusal,
    Situation,
    Standing,
)
from pinkslip.model.decisions import Decision, Delivery, Evidence
from pinkslip.model.policy import Policy
from pinkslip.model.words import Action, DeliveryState, Guard, Mode, Verdict
from pinkslip.policies.load import parse_condition

DOCS = Path(__file__).parents[2] / "docs" / "announcements.md"
AT = 1_800_000_000_000


def make_policy(name: str = "dumb", **given: object) -> Policy:
    policy = Policy(
        name=name,
        when=parse_condition("tasks[1h] > 0"),
        text="",
        hash="a-b",
        file="p.yaml",
        line=1,
        mode=Mode.ENFORCE,
        action=Action.FIRE,
        reason="dumb",
    )
    return dataclasses.replace(policy, **given)  # type: ignore[arg-type]  # fields by name


def make_decision(verdict: Verdict = Verdict.NOTICED, *, agent: str = "dev-7") -> Decision:
    return Decision(
        id="0199-d",
        at=AT,
        policy="dumb",
        policy_hash="a-b",
        agent_no=7,
        agent_id=agent,
        incarnation=1,
        verdict=verdict,
        mode=Mode.ENFORCE,
        action=Action.FIRE,
        reason="dumb",
        guard=None,
        guard_detail="",
        evidence=Evidence(
            when="tasks[1h] > 0",
            values={},
            words="12 of 40 tasks succeeded",
            true_since=AT,
            tasks=40,
            rung=3,
            rungs=3,
        ),
    )


def make_situation(**given: object) -> Situation:
    situation = Situation(
        workspace="default",
        now=AT + 1_000,
        base_url="https://ops.example/pinkslip",
        policies={"dumb": make_policy()},
        displays={"dumb": "underperforming"},
    )
    return dataclasses.replace(situation, **given)  # type: ignore[arg-type]  # fields by name


def one(situation: Situation) -> Message:
    (message,) = messages(situation)
    return message


def test_a_notice_says_who_when_on_what_evidence_and_how_to_stop_it() -> None:
    standing = Standing(
        matter=Matter.NOTICE, decision=make_decision(), role="developer", until=AT + 300_000
    )

    message = one(make_situation(standing=[standing]))

    assert message.name == "PinkslipAgentOnNotice"
    assert message.labels == {
        "alertname": "PinkslipAgentOnNotice",
        "workspace": "default",
        "severity": "critical",
        "agent": "dev-7",
        "role": "developer",
        "policy": "dumb",
        "reason": "dumb",
    }
    summary = message.annotations["summary"]
    assert "agent dev-7 (developer) will be fired as underperforming at" in summary
    assert message.annotations["description"] == (
        "12 of 40 tasks succeeded. It rests on 40 tasks. Rung 3 of 3."
    )
    assert message.annotations["decision"] == "https://ops.example/pinkslip/decisions/0199-d"
    assert message.annotations["veto"] == "https://ops.example/pinkslip/decisions/0199-d#veto"
    assert "pinkslip veto 0199-d" in message.annotations["veto_command"]
    assert message.starts_at == AT


def test_a_notice_whose_time_has_passed_promises_no_time_gone_by() -> None:
    standing = Standing(
        matter=Matter.NOTICE, decision=make_decision(), role="developer", until=AT - 1
    )

    message = one(make_situation(standing=[standing]))

    summary = message.annotations["summary"]
    assert summary.startswith(
        "agent dev-7 (developer) may be fired as underperforming at any time by policy dumb: "
    )
    assert "will be fired" not in summary


def test_a_question_says_how_to_approve_and_how_to_veto() -> None:
    standing = Standing(matter=Matter.APPROVAL, decision=make_decision(), role="")

    said = one(make_situation(standing=[standing])).annotations

    assert {"veto", "approve", "veto_command", "approve_command"} <= said.keys()
    assert said["summary"] == "policy dumb asks whether to fire agent dev-7 as underperforming"


def test_a_policys_own_severity_and_labels_are_on_messages_about_its_agents() -> None:
    policy = make_policy(severity="page", labels=(("team", "core"),))
    standing = Standing(matter=Matter.NOTICE, decision=make_decision(), role="")

    labels = one(make_situation(policies={"dumb": policy}, standing=[standing])).labels

    assert labels["severity"] == "page"
    assert labels["team"] == "core"


def test_a_policys_labels_never_hide_what_the_message_is_about() -> None:
    policy = make_policy(labels=(("agent", "somebody-else"), ("alertname", "Other")))
    standing = Standing(matter=Matter.NOTICE, decision=make_decision(), role="")

    labels = one(make_situation(policies={"dumb": policy}, standing=[standing])).labels

    assert labels["agent"] == "dev-7"
    assert labels["alertname"] == "PinkslipAgentOnNotice"


@pytest.mark.parametrize(
    ("matter", "name", "severity"),
    [
        (Matter.NOTIFIED, "PinkslipPolicyHolds", "warning"),
        (Matter.PROBATION, "PinkslipAgentOnProbation", "info"),
        (Matter.QUARANTINED, "PinkslipAgentQuarantined", "warning"),
        (Matter.FIRED, "PinkslipAgentFired", "warning"),
    ],
)
def test_each_rung_has_its_message(matter: Matter, name: str, severity: str) -> None:
    standing = Standing(matter=matter, decision=make_decision(), role="", until=AT)

    message = one(make_situation(standing=[standing]))

    assert (message.name, message.labels["severity"]) == (name, severity)
    assert "veto" not in message.annotations


def test_labels_without_a_value_are_left_out() -> None:
    decision = make_decision()
    standing = Standing(matter=Matter.NOTIFIED, decision=decision, role="")

    assert "" not in one(make_situation(standing=[standing])).labels.values()


def test_held_verdicts_are_one_message_a_guard_with_some_of_the_agents() -> None:
    held = Held(
        policy="dumb",
        guard=Guard.ENVELOPE,
        agents=tuple(f"dev-{number}" for number in range(12)),
        count=40,
        since=AT,
        detail="pool developer has 40 agents: at most 4 fires in 1h, 4 done",
    )

    message = one(make_situation(held=[held]))

    assert message.annotations["summary"] == "40 verdicts of policy dumb held back by envelope"
    assert (
        "dev-9 and 30 more: pool developer has 40 agents" in message.annotations["description"]
    )
    assert message.labels["severity"] == "warning"


def test_a_guard_that_holds_by_somebodys_wish_is_for_information() -> None:
    held = Held(
        policy="dumb", guard=Guard.SILENCE, agents=("a",), count=1, since=AT, detail="deploy"
    )

    assert one(make_situation(held=[held])).labels["severity"] == "info"


def test_a_demoted_policy_says_why_and_how_to_restore_it() -> None:
    demotion = Demotion(policy="dumb", at=AT, why="2 of its fires were taken back as wrong")

    message = one(make_situation(demotions=[demotion]))

    assert message.labels["severity"] == "critical"
    assert message.annotations["restore_command"] == "pinkslip policy restore dumb"


def test_a_zombie_says_how_long_it_has_ignored_us() -> None:
    delivery = Delivery(
        workspace_id=1,
        fire_id="f",
        generation=2,
        agent_no=7,
        agent_id="dev-7",
        executor="order",
        state=DeliveryState.ZOMBIE,
        created_at=AT - 90_000,
        delivered_at=AT - 59_000,
    )

    assert "1 min ago" in one(make_situation(zombies=[delivery])).annotations["description"]


def test_a_condemned_lineage_is_one_message_however_often_it_comes() -> None:
    refusals = [
        Refusal(lineage="planner", agent_id=f"sub-{number}", at=AT) for number in range(3)
    ]

    message = one(make_situation(refusals=refusals))

    assert message.labels["lineage"] == "planner"
    assert "sub-2" in message.annotations["description"]


def test_nothing_that_stands_is_no_message() -> None:
    assert messages(make_situation()) == []


def test_every_message_stands_in_the_documentation() -> None:
    told = set(re.findall(r"^\| `(Pinkslip\w+)` \|", DOCS.read_text(), re.MULTILINE))

    assert told == set(EVERY_NAME)
