"""When those that fail share something, nobody is blamed for it, and it is named."""

from collections.abc import Mapping
from dataclasses import replace
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import fisher_exact
from tests.judge.guards.cases import Case, held, make_cases
from tests.judge.world import Agent, World

from pinkslip.fleet.needs import Words
from pinkslip.judge.guards.common_cause import Cause, Guilty, guilty, hold
from pinkslip.model.policy import CommonCause
from pinkslip.model.words import Action

RULE = CommonCause(factors=("model", "host"), at_least=3, share=0.5, error=0.01)

Row = tuple[bool, Mapping[str, str]]
"""Whether an agent fails, and what it has."""


def words_of(rows: list[Row], factor: str) -> Words:
    texts = [has.get(factor) for _, has in rows]
    vocabulary = sorted({text for text in texts if text is not None})
    codes = [-1 if text is None else vocabulary.index(text) for text in texts]
    return Words(np.array(codes, dtype=np.int32), vocabulary, 1)


def found(
    rows: list[Row], rule: CommonCause = RULE, judged: list[bool] | None = None
) -> tuple[Guilty, ...]:
    return guilty(
        [(factor, words_of(rows, factor)) for factor in rule.factors],
        failing=np.array([fails for fails, _ in rows], dtype=np.bool_),
        judged=np.array(judged if judged is not None else [True] * len(rows), dtype=np.bool_),
        rule=rule,
    )


def named(rows: list[Row], rule: CommonCause = RULE) -> list[str]:
    return [f"{each.cause.factor} {each.cause.value}" for each in found(rows, rule)]


def group(failing: int, size: int, **has: str) -> list[Row]:
    return [(n < failing, has) for n in range(size)]


@pytest.mark.parametrize(
    ("failing", "size", "guilty_groups"),
    [
        pytest.param(2, 2, [], id="fewer than at_least, however clear"),
        pytest.param(3, 3, ["model x"], id="at_least"),
        pytest.param(4, 9, [], id="less than the share"),
        pytest.param(4, 8, ["model x"], id="the share"),
        pytest.param(5, 9, ["model x"], id="more than the share"),
        pytest.param(0, 9, [], id="nobody"),
    ],
)
def test_a_group_needs_a_number_and_a_share(
    failing: int, size: int, guilty_groups: list[str]
) -> None:
    assert named(group(failing, size, model="x") + group(0, 40, model="y")) == guilty_groups


@pytest.mark.parametrize(
    ("others", "is_guilty"),
    [
        pytest.param(6, False, id="p = 1/84, chance does it too often"),
        pytest.param(9, True, id="p = 1/220, below one in 200"),
        pytest.param(8, False, id="p = 1/165, not quite"),
    ],
)
def test_chance_must_be_unlikelier_than_the_error_by_groups(
    others: int, is_guilty: bool
) -> None:
    """Two groups could have been found, so each has half the error."""
    rows = group(3, 3, model="x") + group(0, others, model="y")

    assert bool(named(rows)) is is_guilty


def test_groups_that_could_not_be_found_cost_nothing() -> None:
    rows = group(3, 3, model="x") + group(0, 9, model="y")
    alone = [(fails, {**has, "host": f"h{n}"}) for n, (fails, has) in enumerate(rows)]

    assert named(alone) == ["model x"]


def test_every_group_that_could_be_found_costs() -> None:
    rows = group(3, 3, model="x", host="a") + group(0, 9, model="y", host="b")
    rows = [(fails, {**has, "host": "ab"[n % 2]}) for n, (fails, has) in enumerate(rows)]

    assert named(rows) == []


@pytest.mark.parametrize(
    ("rows", "rule", "groups"),
    [
        pytest.param(
            group(1, 1, model="x") + group(0, 999, model="y"),
            CommonCause(factors=("model",), at_least=1, error=0.01),
            ["model x"],
            id="one failing agent, where one is enough",
        ),
        pytest.param(
            group(3, 3, model="x") + group(0, 3, model="y"),
            CommonCause(factors=("model",), at_least=3, error=0.1),
            [],
            id="as unlikely as the limit, 1/20 and half of 10 %",
        ),
        pytest.param(
            group(3, 3, model="x") + [(False, {"model": f"y{n}"}) for n in range(6)],
            CommonCause(factors=("model",), at_least=3, error=0.02),
            ["model x"],
            id="the only group has the whole error, 1/84 and 2 %",
        ),
    ],
)
def test_what_a_group_is_held_against(
    rows: list[Row], rule: CommonCause, groups: list[str]
) -> None:
    assert named(rows, rule) == groups


def test_with_one_group_only_it_cannot_be_told() -> None:
    assert named(group(30, 40, model="x")) == []
    assert named(group(30, 40, model="x") + group(0, 40)) == []
    assert named(group(30, 40, model="x") + group(0, 40, model="")) == []


def test_when_everybody_fails_nobody_is_special() -> None:
    assert named(group(30, 30, model="x") + group(70, 70, model="y")) == []


def test_the_rest_may_fail_a_little() -> None:
    rows = group(12, 14, model="x") + group(1, 60, model="y")

    (only,) = found(rows)

    assert only.cause.words == (
        "12 of 13 failing agents have model x: 12 of its 14 agents fail, 1 of the 60 others"
    )
    assert only.cause == Cause("model", "x", 12, 14, 1, 60, only.cause.p)
    assert only.cause.p == pytest.approx(
        fisher_exact([[12, 2], [1, 59]], alternative="greater").pvalue, rel=1e-8
    )


def test_what_a_group_explains_is_not_told_again() -> None:
    """All of provider p fail who use model x, and nobody of it who uses another."""
    rows = (
        group(20, 20, model="x", host="p")
        + group(0, 20, model="y", host="p")
        + group(0, 40, model="z", host="q")
    )

    assert named(rows) == ["model x"]


def test_two_causes_are_both_told_the_unlikelier_first() -> None:
    rows = (
        group(10, 10, model="x", host="a")
        + group(20, 20, model="y", host="b")
        + [(False, {"model": "z", "host": "ab"[n % 2]}) for n in range(100)]
    )

    assert named(rows) == ["model y", "model x"]


def test_of_causes_too_unlikely_for_floats_the_one_with_more_failing_comes_first() -> None:
    rows: list[Row] = [
        (
            n < 2000,
            {"host": "h" if n < 1800 else f"h{n}", "model": "x" if n < 1500 else f"m{n}"},
        )
        for n in range(4000)
    ]

    (first, *_) = found(rows)

    assert (first.cause.factor, first.cause.failing, first.cause.p) == ("host", 1800, 0.0)


def test_what_is_left_after_one_cause_may_have_another_of_another_factor() -> None:
    rows = (
        group(20, 20, model="x", host="a")
        + group(10, 10, model="y", host="b")
        + [(False, {"model": "yz"[n % 2], "host": "ac"[n % 2]}) for n in range(100)]
    )

    first, second = (each.cause for each in found(rows))

    assert (first.factor, first.value, first.others_size) == ("model", "x", 110)
    assert (second.factor, second.value, second.others_size) == ("host", "b", 100)
    assert (second.failing, second.size, second.others_failing) == (10, 10, 0)


def test_who_is_set_aside_in_one_round_is_not_set_aside_again() -> None:
    rows = [
        *group(2, 2, host="h", model="x"),
        *group(4, 4, host="k", model="x"),
        *[(True, {"host": "h", "model": f"h{n}"}) for n in range(5)],
        *[(True, {"host": "j", "model": f"j{n}"}) for n in range(4)],
        *group(0, 60, host="k", model="y"),
    ]

    causes = [each.cause for each in found(rows)]

    assert [(each.value, each.size, each.others_size) for each in causes] == [
        ("h", 7, 68),
        ("x", 4, 64),
        ("j", 4, 60),
    ]


def test_equally_unlikely_groups_go_by_the_factors_order() -> None:
    rows = group(10, 10, model="x", host="a") + group(0, 50, model="y", host="b")

    assert named(rows) == ["model x"]
    assert named(rows, replace(RULE, factors=("host", "model"))) == ["host a"]


def test_those_whom_nobody_judges_are_in_no_group() -> None:
    rows = group(5, 5, model="x") + group(0, 40, model="x") + group(0, 40, model="y")
    judged = [True] * 5 + [False] * 40 + [True] * 40

    (only,) = found(rows, judged=judged)

    assert (only.cause.failing, only.cause.size) == (5, 5)
    assert (only.cause.others_failing, only.cause.others_size) == (0, 40)
    assert int(only.concerns(np.arange(len(rows))).sum()) == 45


def test_a_value_of_which_nobody_is_judged_is_no_group() -> None:
    rows = [*group(3, 3, model="x"), *group(0, 40, model="y"), (False, {"model": "z"})]

    (guilty,) = found(rows, judged=[True] * 43 + [False])

    assert guilty.cause.value == "x"


def test_without_a_minimum_a_group_without_failures_is_not_guilty() -> None:
    assert (
        named(group(0, 5, model="x") + group(0, 5, model="y"), replace(RULE, at_least=0)) == []
    )


def asked(action: Action, *, is_shadow: bool = False) -> list[int]:
    world = World([Agent(number=1, model="x"), Agent(number=2, model="y")])
    cause = Cause("model", "x", 12, 14, 1, 60, 1e-9)
    group_x = Guilty(cause, np.array([7, -1]), 7)
    cases = make_cases(
        world,
        Case(number=1, action=action, is_shadow=is_shadow),
        Case(number=2, action=action, is_shadow=is_shadow),
    )
    answer = hold(cases, real=[group_x], virtual=[])
    assert all(answer.words(case) == cause.words for case in held(answer))
    return held(answer)


@pytest.mark.parametrize(
    ("action", "holds"),
    [
        (Action.NOTIFY, []),
        (Action.PROBATION, [0]),
        (Action.QUARANTINE, [0]),
        (Action.FIRE, [0]),
    ],
)
def test_it_holds_whatever_is_more_than_telling(action: Action, holds: list[int]) -> None:
    assert asked(action) == holds


def test_shadow_has_causes_of_its_own() -> None:
    assert asked(Action.FIRE, is_shadow=True) == []


def test_the_cause_found_first_gives_the_reason() -> None:
    world = World([Agent(number=1)])
    groups = [
        Guilty(Cause("model", name, 5, 5, 0, 9, 0.001), np.array([0]), code)
        for name, code in (("a", 1), ("b", 0), ("c", 0))
    ]

    answer = hold(make_cases(world, Case(is_shadow=True)), real=[], virtual=groups)

    assert "have model b" in answer.words(0)


def oracle(rows: list[Row], rule: CommonCause) -> list[tuple[str, str]]:
    """The same said with sets and loops, and somebody else's test."""
    left = set(range(len(rows)))

    def members(factor: str, value: str | None = None) -> set[int]:
        return {
            n
            for n in left
            if rows[n][1].get(factor) and (value is None or rows[n][1][factor] == value)
        }

    groups = [
        (place, factor, value)
        for place, factor in enumerate(rule.factors)
        for value in {rows[n][1][factor] for n in members(factor)}
    ]
    groups = [
        each for each in groups if len({value for _, f, value in groups if f == each[1]}) > 1
    ]
    tested = sum(len(members(factor, value)) >= rule.at_least for _, factor, value in groups)
    found_ones: list[tuple[str, str]] = []
    while True:
        guilty_ones: list[tuple[float, int, int, str, str]] = []
        for place, factor, value in groups:
            own, rest = members(factor, value), members(factor) - members(factor, value)
            a, b = (sum(rows[n][0] for n in some) for some in (own, rest))
            if a < max(rule.at_least, 1) or a < rule.share * len(own) - 1e-12:
                continue
            table = [[a, len(own) - a], [b, len(rest) - b]]
            p = float(f"{fisher_exact(table, alternative='greater').pvalue:.6g}")
            if p < rule.error / tested:
                guilty_ones.append((p, -a, place, value, factor))
        guilty_ones.sort()
        this_round = [
            each
            for n, each in enumerate(guilty_ones)
            if all(before[4] == each[4] == guilty_ones[0][4] for before in guilty_ones[: n + 1])
        ]
        if not this_round:
            return found_ones
        found_ones += [(factor, value) for *_, value, factor in this_round]
        for *_, value, factor in this_round:
            left -= members(factor, value)


agents = st.tuples(
    st.booleans(),
    st.fixed_dictionaries(
        {},
        optional={
            "model": st.sampled_from(["x", "y", "z", ""]),
            "host": st.sampled_from("abc"),
        },
    ),
)
fleets = st.lists(st.tuples(agents, st.integers(1, 9)), max_size=14).map(
    lambda runs: [row for row, count in runs for _ in range(count)]
)
rules = st.builds(
    CommonCause,
    factors=st.sampled_from([("model", "host"), ("host", "model"), ("model",)]),
    at_least=st.integers(1, 6),
    share=st.sampled_from([0.25, 0.5, 0.9]),
    error=st.sampled_from([0.01, 0.05, 0.2]),
)


@settings(deadline=None, max_examples=150)
@given(fleets, rules)
def test_groups_are_what_sets_and_loops_find(rows: list[Row], rule: CommonCause) -> None:
    assert [(each.cause.factor, each.cause.value) for each in found(rows, rule)] == oracle(
        rows, rule
    )


@settings(deadline=None, max_examples=50)
@given(fleets, rules, st.randoms(use_true_random=False))
def test_the_order_of_agents_changes_nothing(
    rows: list[Row], rule: CommonCause, random: object
) -> None:
    shuffled = list(rows)
    random.shuffle(shuffled)  # type: ignore[attr-defined]  # a Random

    assert [each.cause for each in found(rows, rule)] == [
        each.cause for each in found(shuffled, rule)
    ]


def test_the_order_of_factors_asked_changes_nothing() -> None:
    rows = group(10, 10, model="x", host="a") + group(0, 50, model="y", host="b")
    tables = [(factor, words_of(rows, factor)) for factor in RULE.factors]
    failing = np.array([fails for fails, _ in rows])

    causes = {
        tuple(
            each.cause
            for each in guilty(
                order, failing=failing, judged=np.ones(len(rows), dtype=np.bool_), rule=RULE
            )
        )
        for order in permutations(tables)
    }

    assert len(causes) == 1
