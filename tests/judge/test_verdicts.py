"""Decisions: the same verdict always has the same id, its numbers, and one sentence a person understands."""

import uuid
from dataclasses import replace

import msgspec
import numpy as np
import pytest
from tests.judge.world import HOUR, SECOND, START, Agent, Ticker, World, make_policy

from pinkslip.fleet.catalogue import MEASURES
from pinkslip.judge.evaluate import Evaluator, Readings
from pinkslip.judge.verdicts import Account, decision_id
from pinkslip.model.decisions import Decision, Evidence
from pinkslip.model.words import Action, Mode, Verdict


def said(when: str, **given: object) -> str:
    """Why `when` is true, or false, of an agent that is 95 s late and has failed much."""
    values = {
        "tasks[1h]": 10.0,
        "failures[1h]": 6.0,
        "success_rate[1h]": 0.4,
        "success_rate[50 tasks]": 0.69999,
        "consecutive_failures": 5.0,
        "missed_beats": 3.0,
        "cost[1d]": 12.5,
        "cost_per_success[1d]": 0.0042,
        "tokens[1h]": 1_234_567.0,
        "duration_p95[1h]": 754.0,
        "progress_age": 4_000.0,
        "context_used": 0.953,
        "score[1h]": 0.4,
    }
    agent = Agent(number=1, silent_s=95.0, values=values, **given)  # type: ignore[arg-type]  # fields of Agent
    policy = make_policy(when)
    readings = Readings(World([agent]))
    account = Account.of(policy, Evaluator(readings, policy.outcomes), np.array([0]))
    return " and ".join(account.reasons(0))


@pytest.mark.parametrize(
    ("when", "words"),
    [
        (
            "heartbeat_age > 3 * heartbeat_interval",
            "no heartbeat for 95 s; allowed 90 s (3 x its 30 s interval)",
        ),
        ("heartbeat_age > 90s", "no heartbeat for 95 s; allowed 90 s"),
        ("heartbeat_age >= 90s", "no heartbeat for 95 s; allowed less than 90 s"),
        ("90s < heartbeat_age", "no heartbeat for 95 s; allowed 90 s"),
        ("missed_beats >= 3", "3 heartbeats missed; allowed less than 3"),
        ("progress_age > 1h", "no progress for 1 h 6 min; allowed 1 h"),
        ("heartbeat_age < 2m", "no heartbeat for 95 s (below 2 min)"),
        ("success_rate[1h] < 70%", "success rate 40 % in 1 h (below 70 %)"),
        ("70% > success_rate[1h]", "success rate 40 % in 1 h (below 70 %)"),
        (
            "success_rate[50 tasks] < 70%",
            "success rate 69.999 % in its last 50 tasks (below 70 %)",
        ),
        ("not (success_rate[1h] >= 70%)", "success rate 40 % in 1 h (below 70 %)"),
        ("consecutive_failures >= 5", "5 failures in a row (at least 5)"),
        ("consecutive_failures == 5", "5 failures in a row (exactly 5)"),
        ("consecutive_failures != 4", "5 failures in a row (other than 4)"),
        ("cost[1d] > $10", "$12.50 spent in 1 d (above $10.00)"),
        ("cost_per_success[1d] <= $1", "$0.0042 per success in 1 d (at most $1.00)"),
        ("tokens[1h] > 1000000", "1234567 tokens in 1 h (above 1000000)"),
        (
            "duration_p95[1h] > 10m",
            "95th percentile of durations 12 min 34 s in 1 h (above 10 min)",
        ),
        ("context_used > 95%", "95.3 % of its context used (above 95 %)"),
        ("score[1h] < 50%", "mean score 40 % in 1 h (below 50 %)"),
        (
            "failures[1h] / tasks[1h] > 50%",
            "failures[1h] / tasks[1h] is 6 / 10 = 60 % (above 50 %)",
        ),
        (
            "heartbeat_age / heartbeat_interval > 3",
            "heartbeat_age / heartbeat_interval is 95 s / its 30 s interval = 3.17 (above 3)",
        ),
        (
            "failures[1h] > 0.5 * (tasks[1h] + 1)",
            "6 failures in 1 h (above 5.5: 0.5 x (10 + 1))",
        ),
        (
            "heartbeat_age > max(60s, 2 * heartbeat_interval)",
            "no heartbeat for 95 s; allowed 60 s (max(60 s, 2 x its 30 s interval))",
        ),
        (
            "tasks[1h] >= 10 and success_rate[1h] < 70%",
            "10 tasks in 1 h (at least 10) and success rate 40 % in 1 h (below 70 %)",
        ),
        (
            "tasks[1h] > 99 or success_rate[1h] < 70% or task_age > 1s",
            "success rate 40 % in 1 h (below 70 %)",
        ),
        (
            "not (tasks[1h] < 10 or success_rate[1h] >= 70%)",
            "10 tasks in 1 h (at least 10) and success rate 40 % in 1 h (below 70 %)",
        ),
        ("success_rate[1h] < 30%", "success rate 40 % in 1 h (at least 30 %)"),
        (
            "tasks[1h] >= 10 and success_rate[1h] < 30% and heartbeat_age < 1s",
            "success rate 40 % in 1 h (at least 30 %) and no heartbeat for 95 s; allowed less than 1 s",
        ),
        ("task_age > 1s", ""),
    ],
)
def test_a_condition_is_said_with_both_sides_of_what_decides_it(when: str, words: str) -> None:
    assert said(when) == words


@pytest.mark.parametrize("name", [name for name, kind in MEASURES.items()])
def test_every_measure_can_be_said(name: str) -> None:
    kind = MEASURES[name]
    key = f"{name}[1h]" if kind.windowed else name
    agent = Agent(number=1, interval_s=7.0, silent_s=7.0, values={key: 7.0})
    limit = {"duration": "1s", "ratio": "1%", "dollars": "$1"}.get(kind.unit, "1")
    policy = make_policy(f"{key} > {limit}", action=Action.NOTIFY)

    (decision,) = Ticker([agent], policy).tick().decisions

    assert "7" in decision.evidence.words
    assert "_" not in decision.evidence.words


def decided(policy_name: str = "unresponsive") -> Decision:
    policy = make_policy(
        "heartbeat_age > 3 * heartbeat_interval or success_rate[1h] < 70%",
        name=policy_name,
        for_ms=30 * SECOND,
    )
    agent = Agent(
        number=7, silent_s=95.0, incarnation=2, values={"tasks[1h]": 3.0, "score[1h]": 1 / 3}
    )
    ticker = Ticker([agent], policy)
    ticker.tick()
    (decision,) = ticker.tick(35 * SECOND).decisions
    return decision


def test_a_decision_carries_all_it_rests_on() -> None:
    decision = decided()

    assert decision == Decision(
        id=decision.id,
        at=START + 35_000,
        policy="unresponsive",
        policy_hash="unresponsive1-enforcefire",
        agent_no=7,
        agent_id="agent-7",
        incarnation=2,
        verdict=Verdict.FIRED,
        mode=Mode.ENFORCE,
        action=Action.FIRE,
        reason="unresponsive",
        guard=None,
        guard_detail="",
        evidence=Evidence(
            when="heartbeat_age > 3 * heartbeat_interval or success_rate[1h] < 70%",
            values={
                "heartbeat_age": 95.0,
                "heartbeat_interval": 30.0,
                "success_rate[1h]": None,
            },
            words="no heartbeat for 95 s; allowed 90 s (3 x its 30 s interval), for 35 s",
            true_since=START,
            for_ms=30_000,
            tasks=3,
        ),
    )


def test_its_id_is_a_uuid_of_its_instant() -> None:
    decision = decided()

    made = uuid.UUID(decision.id)
    assert (made.version, made.variant, str(made)) == (7, uuid.RFC_4122, decision.id)
    assert made.int >> 80 == decision.at


def test_the_same_verdict_has_the_same_id_and_any_other_another() -> None:
    same = (1, START, "p", 7, 2, Verdict.FIRED)
    others = [
        (2, START, "p", 7, 2, Verdict.FIRED),
        (1, START + 1, "p", 7, 2, Verdict.FIRED),
        (1, START, "q", 7, 2, Verdict.FIRED),
        (1, START, "p", 8, 2, Verdict.FIRED),
        (1, START, "p", 7, 3, Verdict.FIRED),
        (1, START, "p", 7, 2, Verdict.HELD),
    ]

    ids = [decision_id(*case) for case in (same, same, *others)]

    assert ids[0] == ids[1]
    assert len(set(ids)) == 7


def test_values_are_recorded_to_nine_digits() -> None:
    policy = make_policy("score[1h] < 50%", action=Action.NOTIFY)
    agent = Agent(number=1, values={"score[1h]": 1 / 3, "tasks[1h]": 5.0})

    (decision,) = Ticker([agent], policy).tick().decisions

    assert decision.evidence.values == {"score[1h]": 0.333333333}


def test_zero_has_one_spelling() -> None:
    policy = make_policy("score[1h] < 50%", action=Action.NOTIFY)

    def bytes_of(score: float) -> bytes:
        agent = Agent(number=1, values={"score[1h]": score, "tasks[1h]": 5.0})
        return msgspec.json.encode(Ticker([agent], policy).tick().decisions)

    assert bytes_of(-0.0) == bytes_of(0.0)


def test_evidence_counts_the_fullest_window_it_reads() -> None:
    policy = make_policy("failures[1h] > 1 and failures[5m] > 1", action=Action.NOTIFY)
    values = {"failures[1h]": 8.0, "failures[5m]": 2.0, "tasks[1h]": 20.0, "tasks[5m]": 3.0}

    (decision,) = Ticker([Agent(number=1, values=values)], policy).tick().decisions

    assert decision.evidence.tasks == 20


def test_for_is_said_as_it_has_lasted_without_blind_time() -> None:
    ticker = Ticker(
        [Agent(number=1, silent_s=95.0)],
        replace(make_policy(for_ms=HOUR), action=Action.NOTIFY),
    )
    ticker.blind.append((START + 1, START + HOUR))
    ticker.tick()

    (decision,) = ticker.tick(2 * HOUR).decisions

    assert decision.evidence.words.endswith(", for 1 h")
