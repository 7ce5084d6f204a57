"""A decision worked out again: identical on the same measures, and every difference named."""

from dataclasses import replace

import msgspec
import numpy as np
import pytest
from msgspec import structs
from tests.judge.ladders import FIRE, PROBATION, crossed, make_ladder, make_worker
from tests.judge.world import CALM, HOUR, SECOND, START, Agent, Ticker, World, make_policy

from pinkslip.judge.evaluate import Evaluator, Readings
from pinkslip.judge.explain import Recomputed, began_anew, recompute
from pinkslip.judge.ledger import Ledger, whole
from pinkslip.judge.verdicts import Account, decision
from pinkslip.model.decisions import Consulted, Decision
from pinkslip.model.policy import Matcher, Policy, Rung
from pinkslip.model.words import Action, Guard, Scope, Status, Verdict

POLICY = make_policy(
    "success_rate[1h] < 70% and tasks[1h] >= 5",
    name="dumb",
    for_ms=30 * SECOND,
    action=Action.NOTIFY,
)
BLIND = (START + 1_000, START + 3_000)


def made() -> Decision:
    ticker = Ticker([failing()], POLICY)
    ticker.blind.append(BLIND)
    ticker.tick()
    (decision,) = ticker.tick(40 * SECOND).decisions
    return decision


def failing(**values: float) -> Agent:
    given = {"success_rate[1h]": 1 / 3, "tasks[1h]": 6.0} | {
        f"{name}[1h]": value for name, value in values.items()
    }
    return Agent(number=1, values=given)


def again(
    agent: Agent,
    decision: Decision,
    *,
    policy: Policy = POLICY,
    now: int | None = None,
    blind: tuple[tuple[int, int], ...] = (BLIND,),
) -> Recomputed:
    world = World([agent], now=decision.at if now is None else now, blind=blind)
    return recompute(world, policy, slot=0, decision=decision)


def test_the_same_measures_give_the_same_evidence() -> None:
    decision = made()

    found = again(failing(), decision)

    assert found.identical
    assert found.differences == ()
    assert msgspec.json.encode(found.evidence) == msgspec.json.encode(decision.evidence)


def test_beyond_nine_digits_nothing_differs() -> None:
    assert again(failing(success_rate=0.33333333333), made()).identical


@pytest.mark.parametrize(
    ("values", "differences"),
    [
        pytest.param(
            {"success_rate": 0.5},
            (
                "success_rate[1h]: recorded 0.333333333, recomputed 0.5",
                (
                    "words: recorded 'success rate 33.3 % in 1 h (below 70 %) and 6 tasks in 1 h "
                    "(at least 5), for 38 s', recomputed 'success rate 50 % in 1 h (below 70 %) "
                    "and 6 tasks in 1 h (at least 5), for 38 s'"
                ),
            ),
            id="an input",
        ),
        pytest.param(
            {"success_rate": float("nan")},
            (
                "`when` is unknown on what the journal holds",
                "success_rate[1h]: recorded 0.333333333, recomputed unknown",
            ),
            id="an input that is gone",
        ),
        pytest.param(
            {"success_rate": 0.9},
            ("`when` is false on what the journal holds",),
            id="an input that acquits",
        ),
    ],
)
def test_a_changed_input_is_named(
    values: dict[str, float], differences: tuple[str, ...]
) -> None:
    found = again(failing(**values), made())

    assert not found.identical
    assert found.differences[: len(differences)] == differences


def test_a_changed_count_shows_in_tasks() -> None:
    assert "tasks: recorded 6, recomputed 7" in again(failing(tasks=7.0), made()).differences


def test_forgotten_blind_time_shows() -> None:
    (difference,) = again(failing(), made(), blind=()).differences

    assert difference.endswith("(at least 5), for 40 s'")


@pytest.mark.parametrize(
    ("policy", "agent", "now", "difference"),
    [
        (
            replace(POLICY, hash="dumb2-x"),
            failing(),
            None,
            "made under version dumb1-enforcenotify of policy dumb, recomputed under dumb2-x",
        ),
        (
            POLICY,
            replace(failing(), incarnation=2),
            None,
            "made about agent 1, incarnation 1; recomputed about agent 1, incarnation 2",
        ),
        (
            POLICY,
            failing(),
            START + HOUR,
            "made at 2025-11-24T16:00:40.000Z, recomputed at 2025-11-24T17:00:00.000Z",
        ),
    ],
)
def test_another_case_is_named(
    policy: Policy, agent: Agent, now: int | None, difference: str
) -> None:
    found = again(agent, made(), policy=policy, now=now)

    assert not found.identical
    assert difference in found.differences


# evidence

PROVEN = make_policy("proven(success < 70%, error=1%)", name="proven", reason="dumb")
ON_A_LADDER = replace(PROVEN, ladder=(Rung(Action.PROBATION), Rung(Action.FIRE)))
OF_LATE = replace(ON_A_LADDER, scope=Scope.LINEAGE)
OVER_THE_FLEET = make_policy(
    "proven(success < 70%, fdr=5%)", name="proven", reason="dumb", ladder=ON_A_LADDER.ladder
)


def place(world: World, **columns: int) -> Ledger:
    """What its ladder leaves out of the first agent's evidence."""
    ledger = whole(world, has_ladder=True)
    for name, value in columns.items():
        column = getattr(ledger, name).copy()
        column[0] = value
        ledger = replace(ledger, **{name: column})
    return ledger


def concluded(policy: Policy, world: World, ledger: Ledger | None) -> Decision:
    """The decision on the first agent, with what a ladder and the guards add."""
    evaluator = Evaluator.of(policy, Readings(world), ledger=ledger, pool="role")
    account = Account.of(policy, evaluator, np.array([0]))
    return decision(
        policy,
        workspace_id=1,
        now=world.now,
        agent_no=1,
        agent_id="agent-1",
        incarnation=1,
        verdict=Verdict.FIRED,
        guard=None,
        guard_detail="",
        evidence=structs.replace(
            account.evidence(0, true_since=world.now, lasted_ms=0),
            guards=(Consulted(Guard.ENVELOPE, held=False),),
            rung=2,
            rungs=2,
            until=START + HOUR,
            lineage="worker",
        ),
    )


def workers(*counts: tuple[int, int]) -> World:
    return World([Agent(number=n + 1, counted=each) for n, each in enumerate(counts)])


def test_what_is_proven_is_worked_out_again_with_all_the_record_holds() -> None:
    made = concluded(PROVEN, workers((40, 12)), None)

    found = recompute(workers((40, 12)), PROVEN, slot=0, decision=made)

    assert found.identical, found.differences
    assert found.evidence == made.evidence
    assert began_anew(made) is None


def test_what_a_ladder_left_out_is_told_by_whoever_folded_to_its_beginning() -> None:
    world = workers((140, 112), (40, 38))
    ledger = place(world, base_tasks=100, base_successes=100, passes=3, since=START - HOUR)
    made = concluded(ON_A_LADDER, world, ledger)

    found = recompute(world, ON_A_LADDER, slot=0, decision=made, before=(100, 100))

    assert began_anew(made) == START - HOUR
    assert found.identical, found.differences
    assert found.evidence == made.evidence


def test_evidence_began_anew_after_a_single_task_too() -> None:
    world = workers((41, 5))
    ledger = place(world, base_tasks=1, since=START - HOUR)

    assert began_anew(concluded(ON_A_LADDER, world, ledger)) == START - HOUR


def test_another_count_before_the_rung_is_a_difference_by_name() -> None:
    world = workers((140, 112))
    ledger = place(world, base_tasks=100, base_successes=100, since=START - HOUR)
    made = concluded(ON_A_LADDER, world, ledger)

    found = recompute(world, ON_A_LADDER, slot=0, decision=made, before=(101, 100))

    statistic = "proven(success < 70%, error=1%)"
    assert f"{statistic}, base_tasks: recorded 100, recomputed 101" in found.differences
    assert f"{statistic}, tasks: recorded 40, recomputed 39" in found.differences


def test_a_statistic_that_was_tampered_with_is_a_difference_by_name() -> None:
    made = concluded(PROVEN, workers((40, 12)), None)
    (statistic,) = made.evidence.statistics
    forged = structs.replace(
        made,
        evidence=structs.replace(
            made.evidence, statistics=(structs.replace(statistic, value=9.5),)
        ),
    )

    found = recompute(workers((40, 12)), PROVEN, slot=0, decision=forged)

    assert found.differences == (
        f"proven(success < 70%, error=1%), value: recorded 9.5, recomputed {statistic.value:.9g}",
    )


def test_a_statistic_that_one_side_lacks_is_named() -> None:
    made = concluded(PROVEN, workers((40, 12)), None)
    bare = structs.replace(made, evidence=structs.replace(made.evidence, statistics=()))

    found = recompute(workers((40, 12)), PROVEN, slot=0, decision=bare)

    assert found.differences == ("proven(success < 70%, error=1%): only recomputed",)


def test_every_difference_between_statistics_is_named() -> None:
    first, second, third = (f"proven(success < {rate}%, error=1%)" for rate in (70, 75, 80))
    policy = make_policy(f"{first} and {second} and {third}", action=Action.NOTIFY)
    ticker = Ticker([Agent(number=1, counted=(40, 4))], policy)
    (decision,) = ticker.tick().decisions
    one, two, three = decision.evidence.statistics
    forged = (structs.replace(one, function="older"), structs.replace(two, tasks=41), three)
    decision = structs.replace(
        decision, evidence=structs.replace(decision.evidence, statistics=forged)
    )

    found = recompute(ticker.look(), policy, slot=0, decision=decision)

    assert found.differences == (
        "older: only recorded",
        f"{second}, tasks: recorded 41, recomputed 40",
        f"{first}: only recomputed",
    )


def test_a_lineage_is_worked_out_again_by_all_of_its_agents() -> None:
    def world() -> World:
        agents = [Agent(number=n + 1, counted=(20, 6), lineage="worker") for n in range(2)]
        return World(agents, past={"worker": (30, 10)})

    made = concluded(OF_LATE, world(), whole(world(), has_ladder=True))

    found = recompute(world(), OF_LATE, slot=0, decision=made)

    assert made.evidence.tasks == 70
    assert found.identical, found.differences


def test_false_discoveries_on_a_ladder_are_held_to_the_bar_on_record() -> None:
    world = workers((14, 4), *[(40, 34)] * 60)
    others_anew = replace(
        whole(world, has_ladder=True), base_tasks=np.array([0] + [40] * 60, dtype=np.int64)
    )
    made = concluded(OVER_THE_FLEET, world, others_anew)

    found = recompute(world, OVER_THE_FLEET, slot=0, decision=made)

    assert found.identical, found.differences


OF_DEVELOPERS = make_policy(
    "proven(success < 70%, fdr=5%) and heartbeat_age > 1s",
    action=Action.NOTIFY,
    match=(Matcher("role", frozenset({"developer"}), ()),),
)


def fleet() -> list[Agent | None]:
    """Whom the policy is about, and others whose outcomes are none of its business."""
    return [
        Agent(number=1, counted=(14, 4), silent_s=2.0),
        Agent(number=2, counted=(1, 1)),
        Agent(number=3, counted=(8, 2)),
        *(Agent(number=n, counted=(1, 1), status=Status.WAITING) for n in range(4, 8)),
        *(Agent(number=n, counted=(1, 1), role="tester") for n in range(8, 12)),
    ]


def test_a_bar_for_the_fleet_is_worked_out_again_from_those_the_policy_is_about() -> None:
    ticker = Ticker(fleet(), OF_DEVELOPERS)
    (decision,) = ticker.tick().decisions

    found = recompute(ticker.look(), OF_DEVELOPERS, slot=0, decision=decision)

    assert found.identical, found.differences


def test_a_forged_bar_is_named() -> None:
    ticker = Ticker(fleet(), OF_DEVELOPERS)
    (decision,) = ticker.tick().decisions
    (statistic,) = decision.evidence.statistics
    forged = structs.replace(
        decision,
        evidence=structs.replace(
            decision.evidence, statistics=(structs.replace(statistic, threshold=0.5),)
        ),
    )

    found = recompute(ticker.look(), OF_DEVELOPERS, slot=0, decision=forged)

    assert f"{statistic.function}, threshold: recorded 0.5" in found.differences[0]


def test_a_chance_is_worked_out_again_in_the_pool_of_then() -> None:
    agents = [
        Agent(number=n, model="small" if n < 5 else "large", counted=(20, 4 + n))
        for n in range(1, 10)
    ]
    policy = make_policy("posterior(success < 70%) > 50%", action=Action.NOTIFY)
    ticker = Ticker([*agents], policy, guards=replace(CALM, pool="model"))
    decision = ticker.tick().decisions[0]

    found = recompute(ticker.look(), policy, slot=0, decision=decision, pool="model")

    assert found.identical, found.differences


def test_evidence_that_is_gone_is_no_longer_true() -> None:
    made = concluded(PROVEN, workers((40, 12)), None)

    found = recompute(workers((0, 0)), PROVEN, slot=0, decision=made)

    assert found.differences[0] == "`when` is unknown on what the journal holds"
    assert not found.identical


def test_what_let_an_agent_go_is_worked_out_again_too() -> None:
    policy = make_ladder(PROBATION, FIRE, clear_when="success_rate[1h] > 90%")
    ticker = Ticker([make_worker()], policy)
    crossed(ticker)
    ticker.agent(1).values["success_rate[1h]"] = 0.95
    ticker.tick(5_000)
    decision = ticker.decisions[-1]

    same = recompute(ticker.look(), policy, slot=0, decision=decision)
    ticker.agent(1).values["success_rate[1h]"] = 0.5
    other = recompute(ticker.look(), policy, slot=0, decision=decision)

    assert decision.verdict == "released"
    assert (same.identical, same.evidence) == (True, decision.evidence)
    assert other.differences == ("success_rate[1h]: recorded 0.95, recomputed 0.5",)


def test_what_was_called_off_is_worked_out_again_and_what_rests_on_nothing_is_as_it_is() -> (
    None
):
    policy = make_policy(notice_ms=HOUR)
    ticker = Ticker([Agent(number=1, silent_s=95.0), Agent(number=2, silent_s=95.0)], policy)
    ticker.tick()
    ticker.agent(1).silent_s = 1.0
    ticker.agent(2).fires.append((ticker.now + 1, False))
    ticker.tick(5_000)
    recovered, gone = ticker.decisions[-2:]

    for slot, each in enumerate((recovered, gone)):
        found = recompute(ticker.look(), policy, slot=slot, decision=each)
        assert (found.identical, found.evidence) == (True, each.evidence)
    assert gone.evidence.values == {}


@pytest.mark.parametrize("agent_left", [False, True])
def test_what_was_called_off_after_for_is_found_again_without_a_difference(
    *, agent_left: bool
) -> None:
    policy = make_policy(for_ms=30 * SECOND, notice_ms=HOUR)
    ticker = Ticker([Agent(number=1, silent_s=95.0)], policy)
    ticker.tick()
    ticker.tick(30 * SECOND)
    ticker.agent(1).silent_s = 1.0
    if agent_left:
        ticker.agent(1).fires.append((ticker.now + 1, False))
    (cancelled,) = ticker.tick(5 * SECOND).decisions

    found = recompute(ticker.look(), policy, slot=0, decision=cancelled)

    assert (found.identical, found.differences) == (True, ())
