"""Evidence functions asked of a fleet: counts since the evidence began, scopes, ledgers, pools, and what is unknown."""

from dataclasses import replace
from math import exp, inf, log, nan

import numpy as np
import pytest
from tests.judge.world import START, Agent, World

from pinkslip.fleet.snapshot import Floats
from pinkslip.judge.claims import claim_words
from pinkslip.judge.evaluate import Evaluator, Readings, Truth, calls_of
from pinkslip.judge.evidence.proven import log_e
from pinkslip.judge.ledger import Ledger, whole
from pinkslip.judge.phrases import Weight
from pinkslip.judge.view import Bools
from pinkslip.model.policy import Filter
from pinkslip.model.words import Scope, Standing
from pinkslip.policies.language import parse_condition

PROVEN = "proven(success < 70%, error=1%)"
DECAYED = "decayed(success, from=85%, to=60%)"
CHANCE = "posterior(success < 70%) > 99%"


def make_ledger(world: World, *, has_ladder: bool = True, **columns: list[int]) -> Ledger:
    """What is left out, agent by agent; nothing where it is not said."""
    given = {name: np.array(values, dtype=np.int64) for name, values in columns.items()}
    return replace(whole(world, has_ladder=has_ladder), **given)


def asked(world: World, **given: object) -> Evaluator:
    return Evaluator(Readings(world), Filter(), **given)  # type: ignore[arg-type]  # its keywords


def truth(text: str, world: World, **given: object) -> list[str]:
    evaluator = asked(world, **given)
    return words(evaluator.truth(parse_condition(text).tree, evaluator.readings.everybody))


def words(answer: Truth) -> list[str]:
    return [
        "true" if yes else "false" if no else "unknown"
        for yes, no in zip(answer.yes.tolist(), answer.no.tolist(), strict=True)
    ]


def number(text: str, world: World, **given: object) -> Floats:
    return first_number(text, asked(world, **given))


def first_number(text: str, evaluator: Evaluator) -> Floats:
    """The first evidence function of a condition."""
    call = next(calls_of(parse_condition(text).tree))
    return evaluator.number(call, evaluator.readings.everybody)


def counted(*counts: tuple[int, int], **given: object) -> list[Agent | None]:
    return [
        Agent(number=place + 1, counted=each, **given)  # type: ignore[arg-type]  # fields of Agent
        for place, each in enumerate(counts)
    ]


# proven


def test_it_is_proven_denied_or_unknown() -> None:
    world = World([*counted((40, 12), (40, 26), (40, 38), (0, 0)), None])

    assert truth(PROVEN, world) == ["true", "false", "false", "unknown", "unknown"]


def test_a_single_failure_is_proof_where_it_is_enough() -> None:
    world = World(counted((1, 0), (1, 1)))

    assert truth("proven(success < 99%, error=5%)", world) == ["true", "false"]


def test_not_unknown_is_unknown_for_evidence_too() -> None:
    assert truth(f"not {PROVEN}", World(counted((0, 0), (40, 12)))) == ["unknown", "false"]


def first_proof(passes: int, *, has_ladder: bool) -> int:
    """After how many failures in a row."""
    for failures in range(1, 60):
        world = World(counted((failures, 0)))
        ledger = make_ledger(world, has_ladder=has_ladder, passes=[passes])
        if truth(PROVEN, world, ledger=ledger) == ["true"]:
            return failures
    raise AssertionError("never")


def test_without_a_ladder_the_whole_error_is_spent_at_once() -> None:
    assert first_proof(1, has_ladder=False) == first_proof(9, has_ladder=False) == 6


def test_each_pass_through_a_ladder_asks_for_more() -> None:
    needed = [first_proof(passes, has_ladder=True) for passes in (1, 2, 3, 30)]

    assert needed == sorted(needed)
    assert needed[0] >= first_proof(1, has_ladder=False)
    assert needed[-1] > needed[1] > needed[0]


@pytest.mark.parametrize("passes", [1, 2, 7])
def test_a_pass_spends_its_share_of_the_error(passes: int) -> None:
    world = World(counted((40, 12)))
    ledger = make_ledger(world, passes=[passes])

    (call,) = calls_of(parse_condition(PROVEN).tree)
    weighed = asked(world, ledger=ledger).weigh(call, np.array([0]))

    assert exp(-weighed.threshold[0]) == pytest.approx(0.01 / (passes * (passes + 1)))


def test_what_came_before_the_evidence_began_is_left_out() -> None:
    world = World(counted((140, 112), (140, 112)))
    ledger = make_ledger(world, has_ladder=False, base_tasks=[100, 0], base_successes=[100, 0])

    assert truth(PROVEN, world, ledger=ledger) == ["true", "false"]


def test_evidence_that_just_began_anew_is_unknown() -> None:
    world = World(counted((40, 12)))
    ledger = make_ledger(world, base_tasks=[40], base_successes=[12])

    assert truth(PROVEN, world, ledger=ledger) == ["unknown"]


def test_counts_that_began_again_below_their_base_are_nothing_rather_than_less() -> None:
    world = World(counted((3, 0)))
    ledger = make_ledger(world, base_tasks=[40], base_successes=[12])

    assert truth(PROVEN, world, ledger=ledger) == ["unknown"]


def test_a_lineage_of_which_failures_were_forgotten_has_no_more_successes_than_tasks() -> None:
    world = World(counted((12, 10)))
    ledger = make_ledger(world, has_ladder=False, base_tasks=[10])
    (call,) = calls_of(parse_condition(PROVEN).tree)

    weighed = asked(world, ledger=ledger).weigh(call, np.array([0]))

    assert (weighed.tasks.tolist(), weighed.successes.tolist()) == ([2], [2])


def test_a_lineage_is_proven_by_all_of_its_agents() -> None:
    agents = counted((10, 3), (10, 3), (10, 3), lineage="worker")
    world = World([*agents, *counted((10, 3))], past={"worker": (20, 6)})

    assert truth(PROVEN, world) == ["false"] * 4
    assert truth(PROVEN, world, scope=Scope.LINEAGE) == ["true"] * 3 + ["false"]


# proven over the fleet

FDR = "proven(success < 70%, fdr=5%)"


def test_one_bad_agent_pays_for_the_fleet_and_many_pay_less() -> None:
    good = [(40, 34)] * 60
    bad = (14, 4)  # an e-value of about 31: enough at 5 % alone, not among sixty

    assert truth(FDR, World(counted(bad))) == ["true"]
    assert truth(FDR, World(counted(bad, *good)))[0] == "false"
    assert truth(FDR, World(counted(*[bad] * 60, *good)))[:60] == ["true"] * 60


def test_the_unknown_and_those_the_policy_is_not_about_are_no_part_of_the_family() -> None:
    bad, good = (14, 4), (40, 34)
    world = World(counted(bad, *[good] * 60, (0, 0)))
    only_the_bad: Bools = np.arange(62) == 0

    assert truth(FDR, World(counted(bad, *[(0, 0)] * 60)))[:2] == ["true", "unknown"]
    assert truth(FDR, world, among=only_the_bad)[0] == "true"


def test_who_did_a_single_task_is_of_the_family() -> None:
    bad = (14, 4)

    assert truth(FDR, World(counted(bad)))[0] == "true"
    assert truth(FDR, World(counted(bad, *[(1, 1)] * 60)))[0] == "false"


def test_no_order_of_agents_changes_who_is_discovered() -> None:
    counts = [(14, 4)] * 3 + [(12, 4)] * 3 + [(40, 34)] * 20
    once = truth(FDR, World(counted(*counts)))

    again = truth(FDR, World(counted(*reversed(counts))))

    assert once == again[::-1]


def test_a_pass_does_not_spend_false_discoveries() -> None:
    world = World(counted((14, 4)))

    assert truth(FDR, world, ledger=make_ledger(world, passes=[50])) == ["true"]


def test_a_bar_on_record_is_taken_as_it_is() -> None:
    world = World(counted((14, 4)))
    (call,) = calls_of(parse_condition(FDR).tree)

    assert truth(FDR, world, bars={call: 99.0}) == ["false"]


# decayed


@pytest.mark.parametrize(
    ("value", "expected"), [(8.9, "false"), (9.0, "true"), (9.1, "true"), (nan, "unknown")]
)
def test_it_has_decayed_from_its_limit_on(value: float, expected: str) -> None:
    world = World([Agent(number=1, cusum=value)])

    assert truth(DECAYED, world) == [expected]
    assert truth("decayed(success, from=85%, to=60%, limit=20)", world) == [
        "unknown" if expected == "unknown" else "false"
    ]


# leaning, meter and strength


def test_a_proven_leans_where_its_evidence_begins_to_weigh_against_the_agent() -> None:
    world = World(counted((10, 5), (10, 6), (1, 1), (0, 0)))
    tree = parse_condition(PROVEN).tree
    everybody = np.arange(4)

    assert words(asked(world).truth(tree, everybody)) == ["false"] * 3 + ["unknown"]
    assert words(asked(world).leaning.truth(tree, everybody)) == [
        "true",
        "false",
        "false",
        "unknown",
    ]


@pytest.mark.parametrize(("value", "leans"), [(2.24, "false"), (2.25, "true"), (2.26, "true")])
def test_a_decayed_leans_at_a_quarter_of_its_limit(value: float, leans: str) -> None:
    world = World([Agent(number=1, cusum=value)])

    assert words(asked(world).leaning.truth(parse_condition(DECAYED).tree, np.array([0]))) == [
        leans
    ]


def test_leaning_spends_nothing_whatever_the_pass_and_the_family() -> None:
    world = World(counted((40, 12)))
    (call,) = calls_of(parse_condition(PROVEN).tree)
    (family,) = calls_of(parse_condition(FDR).tree)
    leaning = replace(asked(world, ledger=make_ledger(world, passes=[2])), is_leaning=True)

    assert leaning.weigh(call, np.array([0])).threshold.tolist() == [0.0]
    assert leaning.weigh(family, np.array([0])).threshold.tolist() == [0.0]


def test_leaning_leaves_comparisons_alone() -> None:
    world = World([Agent(number=1, values={"progress_age": 2.0})])
    tree = parse_condition("progress_age > 3s").tree

    assert words(asked(world).leaning.truth(tree, np.array([0]))) == ["false"]


def meter(text: str, world: World) -> list[float]:
    evaluator = asked(world)
    return evaluator.meter(parse_condition(text).tree, evaluator.readings.everybody).tolist()


def test_the_meter_says_how_much_of_the_way_is_done() -> None:
    world = World(counted((40, 12), (3, 0), (40, 38), (0, 0)))

    proven, some, none, unknown = meter(PROVEN, world)

    (e,) = log_e(np.array([3]), np.array([0]), 0.7)
    assert (proven, none, unknown) == (1.0, 0.0, 0.0)
    assert some == pytest.approx(e / log(100))


def test_the_meter_of_parts() -> None:
    world = World([Agent(number=1, cusum=4.5, values={"progress_age": 2.0})])

    assert meter(DECAYED, world) == [0.5]
    assert meter(f"{DECAYED} and progress_age > 1s", world) == [0.5]
    assert meter(f"{DECAYED} and progress_age > 3s", world) == [0.0]
    assert meter(f"{DECAYED} or progress_age > 1s", world) == [1.0]
    assert meter(f"{DECAYED} or task_age > 1s", world) == [0.5]
    assert meter(f"not {DECAYED}", world) == [1.0]


def strength(text: str, world: World, *, holds: bool = True) -> list[float]:
    evaluator = asked(world)
    tree = parse_condition(text).tree
    found: list[float] = evaluator.strength(
        tree, evaluator.readings.everybody, holds=holds
    ).tolist()
    return found


def test_stronger_evidence_is_stronger() -> None:
    world = World(counted((10, 1), (20, 2), (200, 20)))

    weak, strong, strongest = strength(PROVEN, world)

    assert 0 < weak < strong < strongest < 1


@pytest.mark.parametrize(
    ("text", "expected_strength"),
    [
        pytest.param("heartbeat_age > 45s", 0.333333333, id="to nine decimals"),
        pytest.param("failures[1h] <= 0", 0.0, id="nothing is not beyond nothing"),
        pytest.param("upper(success_rate[1h]) < 70%", 0.32023302, id="a bound, as it stands"),
    ],
)
def test_how_far_beyond_its_limit_a_comparison_is(text: str, expected_strength: float) -> None:
    agent = Agent(
        number=1,
        silent_s=90.0,
        values={"failures[1h]": 0.0, "tasks[1h]": 20.0, "successes[1h]": 3.0},
    )

    assert strength(text, World([agent])) == [expected_strength]


def test_strength_of_evidence_is_how_far_beyond_its_limit_it_is() -> None:
    world = World(
        [Agent(number=place + 1, cusum=value) for place, value in enumerate((9.0, 18.0, 3.0))]
    )

    assert strength(DECAYED, world) == [0.0, 0.5, 0.0]
    assert strength(DECAYED, world, holds=False) == [0.0, 0.0, pytest.approx(2 / 3)]
    assert strength(f"not {DECAYED}", world)[2] == pytest.approx(2 / 3)


def test_the_strength_of_a_chance_is_that_of_the_doubt_it_leaves() -> None:
    world = World(counted((10, 3), (14, 3)))
    doubts = 1.0 - number(CHANCE, world)

    assert strength(CHANCE, world) == pytest.approx(
        ((0.01 - doubts) / (0.01 + doubts)).tolist()
    )
    assert strength(CHANCE, world)[1] > strength(CHANCE, world)[0] > 0.3
    assert strength("99% < posterior(success < 70%)", world) == strength(CHANCE, world)


def test_in_a_pool_a_chance_is_as_strong_as_the_doubt_it_leaves() -> None:
    world = World(counted((20, 12), (20, 18), (20, 19), (20, 17)))
    text = "posterior(success < 70%) > 50%"
    doubt = 1.0 - number(text, world)[0]

    found = strength(text, world)[0]

    assert found == pytest.approx(abs(doubt - 0.5) / (doubt + 0.5), abs=1e-9)


def test_the_strength_of_what_is_unknown_is_none() -> None:
    world = World([Agent(number=1, cusum=nan, counted=(0, 0))])

    assert strength(f"{DECAYED} or {PROVEN}", world) == [0.0]


def test_evidence_of_nothing_is_no_strength() -> None:
    assert strength(DECAYED, World([Agent(number=1, cusum=0.0)])) == [0.0]


# bounds


def in_window(tasks: float, successes: float) -> Agent:
    values = {"tasks[1h]": tasks, "successes[1h]": successes}
    return Agent(number=1, values=values)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("upper(success_rate[1h]) < 70%", 0.78, id="95 % where none is given"),
        pytest.param("upper(success_rate[1h], confidence=99%) < 70%", 0.82, id="99 %"),
        pytest.param("lower(success_rate[1h]) < 70%", 0.39, id="lower"),
    ],
)
def test_bounds_of_a_rate(text: str, expected: float) -> None:
    assert number(text, World([in_window(20, 12)]))[0] == pytest.approx(expected, abs=0.006)


def test_bounds_are_known_below_min_tasks_and_unknown_without_any() -> None:
    text = "upper(success_rate[1h]) < 70%"

    assert truth(text, World([in_window(3, 0), in_window(0, 0), in_window(nan, nan)])) == [
        "true",
        "unknown",
        "unknown",
    ]


# pools


def in_pool(*rates: float, role: str = "developer") -> list[Agent | None]:
    return [
        Agent(number=place + 1, role=role, values={"success_rate[1h]": rate})
        for place, rate in enumerate(rates)
    ]


WITHOUT_POOL = pytest.approx(0.996, abs=0.001)


def test_peers_are_the_active_others_of_the_pool() -> None:
    agents = in_pool(0.2, 0.8, 0.9, 1.0) + in_pool(0.1, 0.1, 0.1, role="tester")
    agents += [
        Agent(number=20, finished=True, values={"success_rate[1h]": 0.0}),
        Agent(number=21, standing=Standing.QUARANTINED, values={"success_rate[1h]": 0.0}),
        None,
    ]

    found = number("peers(success_rate[1h]) > 0%", World(agents))

    assert found[0] == 0.9
    assert found[1] == pytest.approx(0.9)
    assert np.isnan(found[4:7]).all()


def test_the_pool_is_the_guards_label() -> None:
    agents = in_pool(0.2, 0.8, 0.9) + in_pool(1.0, role="tester")

    by_role = number("peers(success_rate[1h]) > 0%", World(agents))
    by_model = number("peers(success_rate[1h]) > 0%", World(agents), pool="model")

    assert np.isnan(by_role[0])
    assert by_model[0] == 0.9


def test_one_condition_ranks_each_measure_by_itself() -> None:
    agents: list[Agent | None] = [
        Agent(number=place + 1, values={"success_rate[1h]": 0.9, "cost[1h]": cost})
        for place, cost in enumerate((1.0, 1.1, 1.2, 1.3, 9.0))
    ]
    evaluator = asked(World(agents))

    rates = first_number("peers(success_rate[1h]) > 0%", evaluator)
    costs = first_number("peers(cost[1h]) > $0", evaluator)

    assert rates.tolist() == [0.9] * 5
    assert costs[4] == pytest.approx(1.15)


def test_an_outlier_is_worse_than_its_pool_whichever_way_worse_is() -> None:
    costs = [1.0, 1.1, 1.2, 1.3, 9.0]
    agents = in_pool(0.80, 0.82, 0.84, 0.86, 0.10)
    for agent, cost in zip(agents, costs, strict=True):
        agent.values["cost[1h]"] = cost  # type: ignore[union-attr]  # all are there

    rates = number("outlier(success_rate[1h]) > 3 and success_rate[1h] < 60%", World(agents))
    spent = number("outlier(cost[1h]) > 3 and cost[1h] > $5", World(agents))

    assert rates[4] > 20
    assert spent[4] > 20
    assert rates[0] < 3


def test_an_outlier_of_the_unknown_is_unknown() -> None:
    agents = in_pool(0.80, 0.82, 0.84, 0.86, 0.10, nan)

    assert truth("outlier(success_rate[1h]) > 3 and success_rate[1h] < 60%", World(agents)) == [
        "false", "false", "false", "false", "true", "unknown",
    ]  # fmt: skip


def test_what_costs_most_is_asked_only_of_those_it_can_change() -> None:
    class Counting(World):
        reads = 0

        def value(self, name: str, *rest: object) -> Floats:
            type(self).reads += name == "cost"
            return super().value(name, *rest)  # type: ignore[arg-type]  # passed on

    agents: list[Agent | None] = [Agent(number=1, values={"failures[1h]": 4.0})]

    assert truth("outlier(cost[1h]) > 3 and failures[1h] >= 5", Counting(agents)) == ["false"]
    assert Counting.reads == 0


@pytest.mark.parametrize(
    "text",
    ["max(lower(success_rate[1h]), 1%) > 2%", "success_rate[1h] < peers(success_rate[1h])"],
)
def test_nobody_asked_is_nobody_answered(text: str) -> None:
    nobody = np.zeros(0, dtype=np.int64)

    answer = asked(World(counted((10, 3)))).truth(parse_condition(text).tree, nobody)

    assert (len(answer.yes), len(answer.no)) == (0, 0)


def test_the_posterior_leans_on_the_pool_and_on_what_was_seen() -> None:
    alone = number(CHANCE, World(counted((10, 3))))
    in_good_company = number(
        CHANCE, World(counted((10, 3), *[(40, 36), (40, 38), (40, 35)] * 4))
    )

    assert alone[0] == WITHOUT_POOL
    assert in_good_company[0] < alone[0] - 0.02


def test_the_posterior_counts_since_the_evidence_began() -> None:
    world = World(counted((110, 103)))
    ledger = make_ledger(world, base_tasks=[100], base_successes=[100])

    assert number(CHANCE, world, ledger=ledger)[0] == WITHOUT_POOL


def test_the_posterior_of_who_has_done_nothing_is_unknown() -> None:
    world = World(counted((0, 0), (40, 2), (40, 3), (40, 4)))

    assert truth(CHANCE, world)[0] == "unknown"


def test_agents_with_too_few_tasks_make_no_prior() -> None:
    few = counted((10, 3), *[(4, 4)] * 9)

    assert number(CHANCE, World(few))[0] == WITHOUT_POOL
    assert number(CHANCE, World(few, min_tasks=4))[0] < 0.99


@pytest.mark.parametrize(
    ("others", "lineage", "min_tasks", "is_prior"),
    [
        pytest.param((4, 4), "worker", 5, False, id="agents, not the lineage they are of"),
        pytest.param((1, 1), None, 1, True, id="one task, where one is enough"),
        pytest.param((1, 1), None, 2, False, id="one task, where two are needed"),
        pytest.param((0, 0), None, 0, False, id="nothing done is nothing known"),
    ],
)
def test_a_prior_is_made_of_agents_with_tasks_enough(
    others: tuple[int, int], lineage: str | None, min_tasks: int, *, is_prior: bool
) -> None:
    agents = [*counted((10, 3)), *counted(*[others] * 9, lineage=lineage)]

    found = number(CHANCE, World(agents, min_tasks=min_tasks))[0]

    assert bool(found == WITHOUT_POOL) != is_prior


def test_two_policies_that_count_differently_have_a_prior_each() -> None:
    agents = [*counted((10, 3)), *counted(*[(4, 4)] * 9, lineage="worker")]
    readings = Readings(World(agents))

    by_agent, by_lineage = (
        first_number(CHANCE, Evaluator(readings, Filter(), scope=scope))[0]
        for scope in (Scope.AGENT, Scope.LINEAGE)
    )

    assert by_agent == WITHOUT_POOL
    assert by_lineage < 0.99


def test_what_is_expected_is_compared_within_the_pool() -> None:
    def worker(good: int, role: str = "developer") -> Agent:
        return Agent(number=1, role=role, kinds={"easy": (10, good), "": (2, 1)})

    agents: list[Agent | None] = [worker(9), worker(9), worker(2), worker(1, "tester"), None]

    found = asked(World(agents)).number(
        parse_condition("expected_ratio[1d] < 50%").tree.left,  # type: ignore[union-attr]  # a comparison
        np.arange(5),
    )

    assert found[2] == pytest.approx(3 / 10)
    assert found[0] > 1
    assert np.isnan(found[3:]).all()
    assert truth("expected_ratio[1d] < 50%", World(agents)) == [
        "false", "false", "true", "unknown", "unknown",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        "peers(expected_ratio[1d]) > 100%",
        "outlier(expected_ratio[1d]) > 3.5 and expected_ratio[1d] < 70%",
    ],
)
def test_what_is_expected_of_a_pool_is_compared_within_that_pool(text: str) -> None:
    def worker(good: int, model: str) -> Agent:
        return Agent(number=1, model=model, kinds={"easy": (100, good)})

    agents = [worker(90 + nth, "small") for nth in range(5)] + [worker(9, "large")]

    by_role, by_model = (number(text, World(agents), pool=pool) for pool in ("role", "model"))

    assert np.isfinite(by_role).all()
    assert np.isfinite(by_model[:5]).all()
    assert np.isnan(by_model[5])


def test_expecting_takes_min_tasks() -> None:
    agents = [Agent(number=n, kinds={"easy": (5, n)}) for n in (1, 2)]

    known = truth("expected_ratio[1d] < 90%", World(agents, min_tasks=5))
    unknown = truth("expected_ratio[1d] < 90%", World(agents, min_tasks=6))

    assert (known, unknown) == (["true", "false"], ["unknown"] * 2)


@pytest.mark.parametrize("value", [inf, -inf])
def test_nothing_infinite_comes_out(value: float) -> None:
    agents = in_pool(value, value, value, value, value, 0.1)

    assert np.isnan(number("peers(success_rate[1h]) > 0%", World(agents))).all()


# asked once


def test_twenty_policies_read_a_fleet_once() -> None:
    class Counting(World):
        asked_of: list[str] = []  # noqa: RUF012 - one world, one list

        def counts(self, *given: object) -> object:  # type: ignore[override]  # passed on
            self.asked_of.append("counts")
            return super().counts(*given)  # type: ignore[arg-type]  # passed on

        def cusum(self, *given: object) -> Floats:
            self.asked_of.append("cusum")
            return super().cusum(*given)  # type: ignore[arg-type]  # passed on

        def task_kinds(self, *given: object) -> object:  # type: ignore[override]  # passed on
            self.asked_of.append("kinds")
            return super().task_kinds(*given)  # type: ignore[arg-type]  # passed on

    readings = Readings(Counting(counted((40, 12), (40, 30))))
    for target in (50, 60, 70):
        text = f"proven(success < {target}%, error=1%) or {DECAYED} or expected_ratio[1h] < 50%"
        Evaluator(readings, Filter()).truth(parse_condition(text).tree, np.arange(2))

    assert sorted(Counting.asked_of) == ["counts", "cusum", "kinds"]


def test_a_condition_is_no_number_and_a_number_no_condition() -> None:
    evaluator = asked(World(counted((40, 12))))
    (proven,) = calls_of(parse_condition(PROVEN).tree)
    (posterior,) = calls_of(parse_condition(CHANCE).tree)

    with pytest.raises(TypeError):
        evaluator.truth(posterior, np.array([0]))
    with pytest.raises(ValueError, match="proven"):
        evaluator.number(proven, np.array([0]))


def test_a_function_nobody_has_heard_of_is_refused() -> None:
    evaluator = asked(World(counted((40, 12))))
    (proven,) = calls_of(parse_condition(PROVEN).tree)
    strange = replace(proven, function="divined")

    for refused in (evaluator.number, evaluator.truth):
        with pytest.raises((ValueError, TypeError)):
            refused(strange, np.array([0]))
    with pytest.raises(ValueError, match="divined"):
        claim_words(strange, Weight(value=1.0), holds=True)


def test_calls_are_found_wherever_they_stand() -> None:
    text = (
        f"not ({PROVEN}) and (-upper(success_rate[1h]) < 3 * peers(success_rate[1h])"
        f" or max(lower(success_rate[1h]), 1%) > 2% or {DECAYED})"
    )

    found = [call.function for call in calls_of(parse_condition(text).tree)]

    assert found == ["proven", "upper", "peers", "lower", "decayed"]


def test_the_ledger_says_since_when() -> None:
    world = World(counted((40, 12)))

    assert asked(world).books.since.tolist() == [START - 24 * 3_600_000]
