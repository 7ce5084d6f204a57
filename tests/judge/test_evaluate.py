"""Expressions: Kleene's three values, unknown for what cannot be, quantiles last and exact all the same."""

import math
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.judge.world import Agent, World

from pinkslip.judge.evaluate import Evaluator, Readings
from pinkslip.model.policy import (
    Arithmetic,
    Call,
    Comparison,
    Constant,
    Expression,
    Filter,
    Logic,
    Measured,
    Negative,
    Not,
    Span,
    Unit,
    Window,
    WindowKind,
)
from pinkslip.policies.language import parse_condition

NOWHERE = Span(0, 0)
TRUE, FALSE, UNKNOWN = "progress_age > 1s", "progress_age < 1s", "task_age > 1s"
BY_WORD = {"true": TRUE, "false": FALSE, "unknown": UNKNOWN}


def truth_of(text: str, world: World | None = None) -> str:
    world = world or World([Agent(number=1, values={"progress_age": 2.0})])
    readings = Readings(world)
    answer = Evaluator(readings, Filter()).truth(parse_condition(text).tree, np.array([0]))
    return "true" if answer.yes[0] else "false" if answer.no[0] else "unknown"


def kleene_and(*words: str) -> str:
    return "false" if "false" in words else "unknown" if "unknown" in words else "true"


def kleene_or(*words: str) -> str:
    return "true" if "true" in words else "unknown" if "unknown" in words else "false"


@pytest.mark.parametrize(("left", "right"), list(product(BY_WORD, repeat=2)))
def test_and_and_or_follow_kleenes_tables(left: str, right: str) -> None:
    a, b = BY_WORD[left], BY_WORD[right]

    assert truth_of(f"({a}) and ({b})") == kleene_and(left, right)
    assert truth_of(f"({a}) or ({b})") == kleene_or(left, right)


@pytest.mark.parametrize(
    ("word", "negated"), [("true", "false"), ("false", "true"), ("unknown", "unknown")]
)
def test_not_unknown_is_unknown(word: str, negated: str) -> None:
    assert truth_of(f"not ({BY_WORD[word]})") == negated


@pytest.mark.parametrize("operator", ["<", "<=", ">", ">=", "==", "!="])
def test_a_comparison_with_an_unknown_side_is_unknown(operator: str) -> None:
    assert truth_of(f"task_age {operator} 1s") == "unknown"
    assert truth_of(f"1s {operator} task_age") == "unknown"


@pytest.mark.parametrize(
    ("operator", "below", "at", "above"),
    [
        ("<", "true", "false", "false"),
        ("<=", "true", "true", "false"),
        (">", "false", "false", "true"),
        (">=", "false", "true", "true"),
        ("==", "false", "true", "false"),
        ("!=", "true", "false", "true"),
    ],
)
def test_comparisons_just_below_at_and_just_above(
    operator: str, below: str, at: str, above: str
) -> None:
    for value, expected in ((0.999, below), (1.0, at), (1.001, above)):
        world = World([Agent(number=1, values={"progress_age": value})])
        assert truth_of(f"progress_age {operator} 1s", world) == expected


@pytest.mark.parametrize(
    "text",
    [
        "tasks[1h] / tasks[5m] > 0",
        "not (tasks[1h] / tasks[5m] > 0)",
        "tasks[5m] / tasks[5m] > 0",
        "-(tasks[1h] / tasks[5m]) < 0",
        "max(tasks[1h] / tasks[5m], 1) > 0",
        "abs(tasks[1h] / tasks[5m]) > 0",
    ],
)
def test_dividing_by_zero_is_unknown(text: str) -> None:
    world = World([Agent(number=1, values={"tasks[1h]": 5.0, "tasks[5m]": 0.0})])

    assert truth_of(text, world) == "unknown"


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan])
def test_what_is_not_finite_is_unknown(value: float) -> None:
    world = World([Agent(number=1, values={"progress_age": value})])

    assert truth_of("progress_age > 1s", world) == "unknown"
    assert truth_of("progress_age < 1s", world) == "unknown"


def test_arithmetic_and_functions() -> None:
    world = World([Agent(number=1, values={"tasks[1h]": 8.0, "failures[1h]": 2.0})])

    assert truth_of("failures[1h] / tasks[1h] == 25%", world) == "true"
    assert truth_of("(tasks[1h] - failures[1h]) * 2 + 1 == 13", world) == "true"
    assert truth_of("min(tasks[1h], failures[1h], 5) == 2", world) == "true"
    assert truth_of("max(tasks[1h], failures[1h], 5) == 8", world) == "true"
    assert truth_of("abs(failures[1h] - tasks[1h]) == 6", world) == "true"
    assert truth_of("-failures[1h] == -2", world) == "true"


def test_quantiles_are_asked_only_for_agents_whose_answer_they_can_change() -> None:
    agents = [
        Agent(number=1, values={"tasks[1h]": 20.0, "duration_p95[1h]": 100.0}),
        Agent(number=2, values={"tasks[1h]": 2.0, "duration_p95[1h]": 100.0}),
        Agent(number=3, values={"duration_p95[1h]": 100.0}),
    ]
    world = World(agents)
    condition = parse_condition("duration_p95[1h] > 90s and tasks[1h] >= 10")

    answer = Evaluator(Readings(world), Filter()).truth(condition.tree, np.array([0, 1, 2]))

    assert world.asked == [("duration_p95[1h]", [0, 2])]
    assert answer.yes.tolist() == [True, False, False]
    assert answer.no.tolist() == [False, True, False]


def test_a_quantile_is_worked_out_once_per_agent_and_tick() -> None:
    world = World([Agent(number=1, values={"duration_p95[1h]": 100.0})])
    readings = Readings(world)
    condition = parse_condition("duration_p95[1h] > 90s and duration_p95[1h] < 200s")

    Evaluator(readings, Filter()).truth(condition.tree, np.array([0]))

    assert world.asked == [("duration_p95[1h]", [0])]


# a second evaluator, agent by agent, eager and plain, to compare with


def plainly(node: Expression, values: dict[str, float]) -> float | bool | None:
    match node:
        case Constant():
            return node.value
        case Measured():
            value = values.get(node.key, math.nan)
            return value if math.isfinite(value) else None
        case Negative():
            inner = plainly(node.operand, values)
            return None if inner is None else -inner
        case Call():
            parts = [plainly(each, values) for each in node.arguments]
            known = [part for part in parts if part is not None]
            if len(known) < len(parts):
                return None
            return min(known) if node.function == "min" else max(known)
        case Arithmetic() | Comparison():
            left, right = plainly(node.left, values), plainly(node.right, values)
            if left is None or right is None:
                return None
            return operate(node.operator, left, right)
        case Not():
            inner = plainly(node.operand, values)
            return None if inner is None else not inner
        case Logic():
            answers = [plainly(each, values) for each in node.operands]
            decisive = node.operator == "or"
            if decisive in answers:
                return decisive
            return None if None in answers else not decisive


def operate(operator: str, left: float, right: float) -> float | bool | None:
    match operator:
        case "+":
            result = left + right
        case "-":
            result = left - right
        case "*":
            result = left * right
        case "/":
            if right == 0:
                return None
            result = left / right
        case _:
            return {
                "<": left < right,
                "<=": left <= right,
                ">": left > right,
                ">=": left >= right,
                "==": left == right,
                "!=": left != right,
            }[operator]
    return result if math.isfinite(result) else None


KEYS = ("tasks[1h]", "failures[1h]", "duration_p95[1h]", "duration_p50[1h]")
HOUR_WINDOW = Window(WindowKind.TIME, 3_600_000)
numbers = st.sampled_from([0.0, 1.0, 2.0, 3.0, -1.0, 0.5, 1e308])
leaves = st.one_of(
    numbers.map(lambda value: Constant(value, Unit.NUMBER, NOWHERE)),
    st.sampled_from(KEYS).map(
        lambda key: Measured(key.removesuffix("[1h]"), HOUR_WINDOW, Unit.NUMBER, NOWHERE)
    ),
)
arithmetic = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.builds(
            lambda op, a, b: Arithmetic(op, a, b, Unit.NUMBER, NOWHERE),
            st.sampled_from("+-*/"),
            inner,
            inner,
        ),
        inner.map(lambda a: Negative(a, Unit.NUMBER, NOWHERE)),
        st.builds(
            lambda name, parts: Call(name, tuple(parts), (), Unit.NUMBER, NOWHERE),
            st.sampled_from(["min", "max"]),
            st.lists(inner, min_size=1, max_size=3),
        ),
    ),
    max_leaves=4,
)
comparisons = st.builds(
    lambda op, a, b: Comparison(op, a, b, NOWHERE),
    st.sampled_from(["<", "<=", ">", ">=", "==", "!="]),
    arithmetic,
    arithmetic,
)
conditions = st.recursive(
    comparisons,
    lambda inner: st.one_of(
        inner.map(lambda a: Not(a, NOWHERE)),
        st.builds(
            lambda op, parts: Logic(op, tuple(parts), NOWHERE),
            st.sampled_from(["and", "or"]),
            st.lists(inner, min_size=2, max_size=3),
        ),
    ),
    max_leaves=6,
)
fleets = st.lists(
    st.dictionaries(st.sampled_from(KEYS), st.one_of(numbers, st.just(math.nan))), max_size=6
)


@settings(deadline=None)
@given(conditions, fleets)
def test_vectors_and_laziness_change_no_answer(
    tree: Expression, fleet: list[dict[str, float]]
) -> None:
    world = World([Agent(number=n + 1, values=values) for n, values in enumerate(fleet)])
    slots = np.arange(len(fleet))

    answer = Evaluator(Readings(world), Filter()).truth(tree, slots)

    expected = [plainly(tree, values) for values in fleet]
    assert answer.yes.tolist() == [each is True for each in expected]
    assert answer.no.tolist() == [each is False for each in expected]
    assert answer.unknown.tolist() == [each is None for each in expected]


@settings(deadline=None)
@given(conditions, fleets)
def test_strength_of_a_true_condition_is_between_nothing_and_one(
    tree: Expression, fleet: list[dict[str, float]]
) -> None:
    world = World([Agent(number=n + 1, values=values) for n, values in enumerate(fleet)])
    evaluator = Evaluator(Readings(world), Filter())
    slots = np.flatnonzero(evaluator.truth(tree, np.arange(len(fleet))).yes)

    strength = evaluator.strength(tree, slots)

    assert ((strength >= 0) & (strength <= 1)).all()


@pytest.mark.parametrize(
    ("text", "strength"),
    [
        pytest.param("progress_age > 1s", 1 / 3, id="twice the limit"),
        pytest.param("4s > progress_age", 1 / 3, id="half of it"),
        pytest.param("progress_age >= 2s", 0.0, id="just at it"),
        pytest.param("progress_age > 0s", 1.0, id="something against nothing"),
        pytest.param("progress_age > 1s and progress_age >= 2s", 0.0, id="weakest of and"),
        pytest.param("progress_age > 1s or progress_age >= 2s", 1 / 3, id="strongest of or"),
        pytest.param("progress_age > 1s or progress_age > 9s", 1 / 3, id="only what is true"),
        pytest.param("progress_age > 1s or task_age > 0s", 1 / 3, id="the unknown is silent"),
        pytest.param("not (progress_age < 1s)", 1 / 3, id="not"),
        pytest.param("not (progress_age < 1s and task_age > 1s)", 1 / 3, id="not and"),
        pytest.param("not (progress_age < 1s or progress_age < 2s)", 0.0, id="not or"),
        pytest.param("progress_age == 2s", 0.0, id="equal"),
        pytest.param("progress_age != 1s", 1 / 3, id="different"),
    ],
)
def test_strength_is_how_far_beyond_its_threshold_a_condition_is(
    text: str, strength: float
) -> None:
    world = World([Agent(number=1, values={"progress_age": 2.0})])

    found = Evaluator(Readings(world), Filter()).strength(
        parse_condition(text).tree, np.array([0])
    )

    assert found[0] == pytest.approx(strength, abs=1e-9)
