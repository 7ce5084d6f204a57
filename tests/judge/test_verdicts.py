"""Decisions: the same verdict always has the same id, its numbers, and one sentence a person understands."""

import uuid
from dataclasses import replace

import msgspec
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.judge.world import HOUR, SECOND, START, Agent, Ticker, World, make_policy

from pinkslip.fleet.catalogue import MEASURES
from pinkslip.judge.evaluate import Evaluator, Readings
from pinkslip.judge.ledger import Ledger, whole
from pinkslip.judge.records import made_at
from pinkslip.judge.verdicts import Account, decision_id
from pinkslip.model.decisions import Decision, Evidence, Statistic
from pinkslip.model.words import Action, Guard, Mode, Scope, Verdict


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
    kinds = {"easy": (10, 7)}
    agent = Agent(number=1, interval_s=7.0, silent_s=7.0, values={key: 7.0}, kinds=kinds)
    peer = Agent(number=2, silent_s=None, kinds={"easy": (10, 10)})
    limit = {"duration": "1s", "ratio": "1%", "dollars": "$1"}.get(kind.unit, "1")
    policy = make_policy(f"{key} > {limit}", action=Action.NOTIFY)

    decision = Ticker([agent, peer], policy).tick().decisions[0]

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
            guards=decision.evidence.guards,
        ),
    )
    assert [each.guard for each in decision.evidence.guards][-1] == Guard.ENVELOPE


def test_its_id_is_a_uuid_of_its_instant() -> None:
    decision = decided()

    made = uuid.UUID(decision.id)
    assert (made.version, made.variant, str(made)) == (7, uuid.RFC_4122, decision.id)
    assert made.int >> 80 == decision.at


@given(st.integers(0, 2**48 - 1))
@example(1)
@example(2**48 - 1)
def test_an_id_tells_its_instant_to_the_millisecond(now: int) -> None:
    assert made_at(decision_id(1, now, "dumb", 1, 1, Verdict.FIRED)) == now


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


# evidence


def account_of(
    when: str, *agents: Agent, scope: Scope = Scope.AGENT, ledger: Ledger | None = None
) -> Account:
    """What `when` says of the first of these agents."""
    policy = make_policy(when, scope=scope)
    evaluator = Evaluator.of(policy, Readings(World(agents)), ledger=ledger, pool="role")
    return Account.of(policy, evaluator, np.array([0]))


def ledger_of(*agents: Agent, **columns: int) -> Ledger:
    """The first agent's place on a ladder."""
    given = {
        name: np.array([value] + [0] * (len(agents) - 1), dtype=np.int64)
        for name, value in columns.items()
    }
    return replace(whole(World(agents), has_ladder=True), **given)


def worker(*counts: int, **given: object) -> Agent:
    tasks, successes = counts
    return Agent(number=1, counted=(tasks, successes), **given)  # type: ignore[arg-type]  # fields of Agent


PROVEN = "proven(success < 70%, error=1%)"
DECAYED = "decayed(success, from=85%, to=60%)"


@pytest.mark.parametrize(
    ("when", "agent", "words"),
    [
        pytest.param(
            PROVEN,
            worker(40, 16),
            "16 of 40 tasks succeeded; a 70 % worker does this badly once in 590 (proven at 1 %)",
            id="proven",
        ),
        pytest.param(
            PROVEN,
            worker(1_000, 100),
            "100 of 1000 tasks succeeded; a 70 % worker does this badly less than once in a million"
            " (proven at 1 %)",
            id="proven beyond counting",
        ),
        pytest.param(
            PROVEN,
            worker(1, 0),
            "0 of 1 task succeeded; a 70 % worker does this badly once in 2.2, and once in 100 is needed",
            id="not proven",
        ),
        pytest.param(
            PROVEN,
            worker(40, 38),
            "38 of 40 tasks succeeded, which is no evidence of less than 70 %",
            id="nothing of the kind",
        ),
        pytest.param(
            "proven(success < 85%, fdr=5%)",
            worker(40, 16),
            "16 of 40 tasks succeeded; an 85 % worker does this badly less than once in a million"
            " (proven, as are others, of whom at most 5 % falsely)",
            id="over the fleet",
        ),
        pytest.param(
            DECAYED,
            worker(0, 0, cusum=9.39),
            "its newest outcomes are 12,000 times as likely from a 60 % worker as from an 85 % worker"
            " (decayed: 9.39 of 9)",
            id="decayed",
        ),
        pytest.param(
            DECAYED,
            worker(0, 0, cusum=90.0),
            "its newest outcomes are over a million times as likely from a 60 % worker as from an"
            " 85 % worker (decayed: 90 of 9)",
            id="decayed beyond counting",
        ),
        pytest.param(
            DECAYED,
            worker(0, 0, cusum=1.1),
            "its newest outcomes are 3 times as likely from a 60 % worker as from an 85 % worker"
            " (1.1 of 9; 9 failures in a row would be enough)",
            id="not decayed",
        ),
        pytest.param(
            DECAYED,
            worker(0, 0, cusum=0.0),
            "its newest outcomes are those of an 85 % worker (0 of 9; 10 failures in a row would be enough)",
            id="as good as ever",
        ),
        pytest.param(
            f"not {PROVEN}",
            worker(40, 16),
            "16 of 40 tasks succeeded; a 70 % worker does this badly once in 590 (proven at 1 %)",
            id="denied",
        ),
        pytest.param(
            "posterior(success < 70%) > 99%",
            worker(10, 3),
            "less than 70 % of its tasks succeed with probability 99.6 %, by 3 of 10 tasks (above 99 %)",
            id="posterior",
        ),
        pytest.param(PROVEN, worker(0, 0), "", id="unknown"),
    ],
)
def test_evidence_is_said_as_what_was_seen_and_how_rarely_chance_would_do_it(
    when: str, agent: Agent, words: str
) -> None:
    assert " and ".join(account_of(when, agent).reasons(0)) == words


def test_evidence_says_whose_and_since_when_it_is() -> None:
    agent = worker(30, 10, lineage="worker")
    ledger = ledger_of(agent, base_tasks=10, base_successes=8, passes=2)

    (words,) = account_of(PROVEN, agent, scope=Scope.LINEAGE, ledger=ledger).reasons(0)

    assert words == (
        "2 of 20 tasks of its lineage since its evidence began anew succeeded; a 70 % worker does"
        " this badly less than once in a million (proven at 0.167 %, what pass 2 may spend of 1 %)"
    )


@pytest.mark.parametrize(("before", "is_anew"), [(0, False), (1, True)])
def test_evidence_that_leaves_out_one_task_began_anew(before: int, *, is_anew: bool) -> None:
    agent = worker(21, 1)
    ledger = ledger_of(agent, base_tasks=before)

    (words,) = account_of(PROVEN, agent, ledger=ledger).reasons(0)

    assert ("since its evidence began anew" in words) is is_anew


def peers_and(*rates: float) -> list[Agent]:
    return [
        Agent(
            number=place + 1,
            values={
                "success_rate[1h]": rate,
                "tasks[1h]": 20.0,
                "successes[1h]": 20 * rate,
            },
        )
        for place, rate in enumerate(rates)
    ]


@pytest.mark.parametrize(
    ("when", "words"),
    [
        (
            "success_rate[1h] < 0.5 * peers(success_rate[1h])",
            "success rate 20 % in 1 h (below 42.5 %: 0.5 x its peers' 85 %)",
        ),
        (
            "success_rate[1h] < peers(success_rate[1h])",
            "success rate 20 % in 1 h (below 85 %: the median of its peers)",
        ),
        (
            "peers(success_rate[1h]) > 80%",
            "usual among its peers: success rate 85 % in 1 h (above 80 %)",
        ),
        (
            "outlier(success_rate[1h]) > 3.5 and success_rate[1h] < 60%",
            (
                "success rate 20 % in 1 h, which is 8.77 deviations worse than its peers (above 3.5)"
                " and success rate 20 % in 1 h (below 60 %)"
            ),
        ),
        (
            "upper(success_rate[1h]) < 70%",
            "at best 41.6 % of its tasks succeed, by 4 of 20 tasks in 1 h at 95 % confidence (below 70 %)",
        ),
        (
            "lower(success_rate[1h], confidence=99%) < 70%",
            "at worst 6.16 % of its tasks succeed, by 4 of 20 tasks in 1 h at 99 % confidence (below 70 %)",
        ),
        (
            "70% > upper(success_rate[1h]) + 1%",
            "upper(success_rate[1h]) + 1% is 41.6 % + 1 % = 42.6 % (below 70 %)",
        ),
    ],
)
def test_what_compares_with_others_is_said_with_them(when: str, words: str) -> None:
    account = account_of(when, *peers_and(0.2, 0.8, 0.8, 0.85, 0.9, 0.9))

    assert " and ".join(account.reasons(0)) == words


def test_a_decision_records_the_statistics_it_rests_on() -> None:
    agent = worker(140, 116, cusum=12.5)
    ledger = ledger_of(agent, base_tasks=100, base_successes=100, passes=2, since=START - HOUR)
    when = f"{PROVEN} and {DECAYED} and posterior(success < 70%) > 99%"

    evidence = account_of(when, agent, ledger=ledger).evidence(0, true_since=START, lasted_ms=0)

    proven, decayed, posterior = evidence.statistics
    assert proven == Statistic(
        function=PROVEN,
        value=proven.value,
        threshold=2.77815125,  # log10 of 600
        tasks=40,
        successes=16,
        since=START - HOUR,
        base_tasks=100,
        base_successes=100,
        pass_no=2,
    )
    assert proven.value == pytest.approx(2.778, abs=0.01)
    assert decayed == Statistic(function=DECAYED, value=12.5, threshold=9.0)
    assert (posterior.threshold, posterior.tasks, posterior.since) == (0.99, 40, START - HOUR)
    assert evidence.tasks == 40
    assert evidence.values == {}


def test_a_number_is_recorded_with_what_it_was_compared_to() -> None:
    when = (
        "upper(success_rate[1h]) < 70% and 3.5 < outlier(success_rate[1h])"
        " and success_rate[1h] < 60% and -peers(success_rate[1h]) < 0%"
    )

    account = account_of(when, *peers_and(0.2, 0.8, 0.8, 0.85, 0.9, 0.9))

    upper, outlier, peers = account.statistics(0)
    assert (upper.threshold, upper.tasks, upper.successes) == (0.7, 20, 4)
    assert (outlier.threshold, outlier.tasks, outlier.since) == (3.5, 0, 0)
    assert (peers.value, peers.threshold) == (0.85, None)


def test_what_is_unknown_is_named_as_it_is_written() -> None:
    when = f"{PROVEN} and score[1h] < 50% or {DECAYED}"

    account = account_of(when, worker(0, 0))

    assert account.unknowns(0) == ["score[1h]", PROVEN, DECAYED]
    assert account.truth(0) == "unknown"
    assert [each.value for each in account.statistics(0)] == [None, None]


def test_equal_counts_are_recorded_in_equal_bytes_whoever_else_is_there() -> None:
    alone = account_of(PROVEN, worker(137, 71))
    among_others = account_of(PROVEN, worker(137, 71), *peers_and(*[0.5] * 40))

    def recorded(account: Account) -> bytes:
        return msgspec.json.encode(account.evidence(0, true_since=START, lasted_ms=0))

    assert recorded(alone) == recorded(among_others)
