"""The condition language: what it means, what it refuses, and that printing loses nothing."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pinkslip.fleet.catalogue import MEASURES
from pinkslip.model.policy import (
    Arithmetic,
    Call,
    Comparison,
    Constant,
    Expression,
    Logic,
    Measured,
    Negative,
    Not,
    Span,
    Unit,
    Window,
    WindowKind,
)
from pinkslip.policies import units
from pinkslip.policies.language import compile_condition, parse_condition
from pinkslip.policies.printing import written
from pinkslip.policies.problems import ExpressionError

NOWHERE = Span(0, 0)


def placeless(tree: Expression) -> Expression:
    """`tree` without spans, to compare by meaning."""
    match tree:
        case Constant() | Measured():
            return replace(tree, span=NOWHERE)
        case Negative() | Not():
            return replace(tree, span=NOWHERE, operand=placeless(tree.operand))
        case Arithmetic() | Comparison():
            return replace(
                tree, span=NOWHERE, left=placeless(tree.left), right=placeless(tree.right)
            )
        case Call():
            return replace(
                tree, span=NOWHERE, arguments=tuple(placeless(one) for one in tree.arguments)
            )
        case Logic():
            return replace(
                tree, span=NOWHERE, operands=tuple(placeless(one) for one in tree.operands)
            )


def constants() -> st.SearchStrategy[Expression]:
    values = st.one_of(
        st.integers(0, 1000).map(float),
        st.floats(min_value=1e-6, max_value=1e9, allow_subnormal=False),
    )
    kinds = st.sampled_from([Unit.NUMBER, Unit.SECONDS, Unit.RATIO, Unit.DOLLARS])
    return st.builds(Constant, values, kinds, st.just(NOWHERE))


def measured() -> st.SearchStrategy[Expression]:
    windows = st.one_of(
        st.integers(1, 10_000).map(lambda length: Window(WindowKind.TASKS, length)),
        st.integers(1_000, 30 * 86_400_000).map(lambda length: Window(WindowKind.TIME, length)),
    )
    kinds = st.sampled_from(list(MEASURES.values()))
    return st.builds(
        lambda kind, window: Measured(
            kind.name, window if kind.windowed else None, kind.unit, NOWHERE
        ),
        kinds,
        windows,
    )


@st.composite
def combined(draw: st.DrawFn, inner: st.SearchStrategy[Expression]) -> Expression:
    left, right = draw(inner), draw(inner)
    operator = draw(st.sampled_from("+-*/nma"))
    if operator == "n":
        return Negative(left, left.unit, NOWHERE)
    if operator == "a":
        return Call("abs", (left,), (), left.unit, NOWHERE)
    if operator in "*/":
        unit = units.product(left, right) if operator == "*" else units.quotient(left, right)
        return left if unit is None else Arithmetic(operator, left, right, unit, NOWHERE)
    if not units.are_alike(left, right):
        return left
    unit = units.common(left, right)
    if operator == "m":
        return Call("min", (left, right), (), unit, NOWHERE)
    return Arithmetic(operator, left, right, unit, NOWHERE)


shares = st.integers(1, 999).map(lambda thousandths: thousandths / 1000)
windowed = measured().filter(
    lambda tree: isinstance(tree, Measured) and tree.window is not None
)


def evidence_numbers() -> st.SearchStrategy[Expression]:
    rates = windowed.filter(lambda tree: tree.key.startswith("success_rate"))  # type: ignore[attr-defined]  # Measured alone
    usual = measured().filter(lambda tree: not tree.key.startswith("duration_p"))  # type: ignore[attr-defined]  # Measured alone
    confidences = st.integers(501, 999).map(lambda thousandths: thousandths / 1000)
    return st.one_of(
        st.builds(
            lambda name, rate, sure: Call(
                name, (rate,), (("confidence", sure),), Unit.RATIO, NOWHERE
            ),
            st.sampled_from(["upper", "lower"]),
            rates,
            confidences,
        ),
        st.builds(
            lambda share: Call("posterior", (), (("target", share),), Unit.RATIO, NOWHERE),
            shares,
        ),
        st.builds(lambda tree: Call("peers", (tree,), (), tree.unit, NOWHERE), usual),
    )


def evidence_conditions() -> st.SearchStrategy[Expression]:
    return st.one_of(
        st.builds(
            lambda share, name, error: Call(
                "proven", (), (("target", share), (name, error / 2)), Unit.TRUTH, NOWHERE
            ),
            shares,
            st.sampled_from(["error", "fdr"]),
            shares,
        ),
        st.builds(
            lambda pair, limit: Call(
                "decayed",
                (),
                (("from", max(pair)), ("to", min(pair)), ("limit", float(limit))),
                Unit.TRUTH,
                NOWHERE,
            ),
            st.lists(shares, min_size=2, max_size=2, unique=True),
            st.integers(1, 1000),
        ),
    )


leaves = st.one_of(constants(), measured(), evidence_numbers())
numbers = st.recursive(leaves, combined, max_leaves=8)


@st.composite
def comparisons(draw: st.DrawFn) -> Expression:
    left, right = draw(numbers), draw(numbers)
    operator = draw(st.sampled_from(["<", "<=", ">", ">=", "==", "!="]))
    if not units.are_alike(left, right):
        right = left
    return Comparison(operator, left, right, NOWHERE)


conditions = st.recursive(
    st.one_of(comparisons(), evidence_conditions()),
    lambda inner: st.one_of(
        st.builds(Not, inner, st.just(NOWHERE)),
        st.builds(
            Logic,
            st.sampled_from(["and", "or"]),
            st.lists(inner, min_size=2, max_size=4).map(tuple),
            st.just(NOWHERE),
        ),
    ),
    max_leaves=6,
)


@given(conditions)
def test_a_printed_tree_reads_back_as_the_same_tree(tree: Expression) -> None:
    text = written(tree)
    if len(text) > 4_096:
        return

    assert placeless(parse_condition(text).tree) == tree


@given(conditions)
def test_layout_and_spare_parentheses_change_nothing(tree: Expression) -> None:
    text = written(tree)
    if len(text) > 2_000:
        return

    spread = "( " + text.replace(" ", " \n  ").replace("(", "( ").replace(")", " )") + ")"

    assert placeless(parse_condition(spread).tree) == tree


@given(st.text(max_size=300))
def test_no_text_does_worse_than_be_refused_inside_itself(text: str) -> None:
    condition, findings = compile_condition(text)

    assert (condition is None) == any(found.severity == "error" for found in findings)
    for found in findings:
        assert 0 <= found.span.start <= len(text)


fragments = st.sampled_from(
    [
        "age",
        "tasks[1h]",
        "success_rate[50",
        "tasks]",
        "[",
        "]",
        "(",
        ")",
        "<",
        "<=",
        "==",
        "=",
        "!=",
        "and",
        "or",
        "not",
        "+",
        "-",
        "*",
        "/",
        ",",
        "70%",
        "90s",
        "$5",
        "3",
        "min",
        "max(",
        "proven(",
        "heartbeat_age",
        "'x'",
        "[50",
        "tasks]",
        "[1h]",
        ".",
        "&",
        "%",
        "AND",
        "error=1%",
        "success",
        "success_rate[1h]",
        "decayed(",
        "upper(",
        "outlier(",
        "peers(",
        "posterior(",
        "from=85%",
        "to=60%",
        "limit=9",
        "confidence=95%",
    ]
)


@given(st.lists(fragments, max_size=40))
def test_no_mixture_of_words_does_worse_than_be_refused(words: list[str]) -> None:
    condition, findings = compile_condition(" ".join(words))

    assert (condition is None) == any(found.severity == "error" for found in findings)


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("not age > 1h and tasks[1h] > 3", "(not age > 1h) and tasks[1h] > 3"),
        ("age > 1h or age < 1m and tasks[1h] > 3", "age > 1h or (age < 1m and tasks[1h] > 3)"),
        ("tasks[1h] - 1 - 2 > 0", "(tasks[1h] - 1) - 2 > 0"),
        ("tasks[1h] - 2 * 3 > 0", "tasks[1h] - (2 * 3) > 0"),
        ("-tasks[1h] * 2 < 0", "(-tasks[1h]) * 2 < 0"),
        ("not not age > 1h", "not (not age > 1h)"),
        ("android > 3", None),
    ],
)
def test_operators_bind_as_in_arithmetic_and_logic(text: str, meaning: str | None) -> None:
    if meaning is None:
        with pytest.raises(ExpressionError, match='there is no measure "android"'):
            parse_condition(text)
        return

    assert placeless(parse_condition(text).tree) == placeless(parse_condition(meaning).tree)


@pytest.mark.parametrize(
    "text",
    [
        "2 * success_rate[1h] < 70%",
        "success_rate[1h] < success_rate[1d] - 20%",
        "failures[1h] > 50% * tasks[1h]",
        "failures[1h] / tasks[1h] > 30%",
        "failures[1h] / tasks[1h] > 0.3",
        "heartbeat_age / heartbeat_interval > 3",
        "-(heartbeat_age / heartbeat_interval) < -3",
        "heartbeat_age > 70% * heartbeat_interval",
        "cost[1d] / successes[1d] > $2",
        "cost[1d] / cost[30d] > 50%",
        "tasks[1h] / 2 > 5",
        "duration_p95[1h] > max(2 * duration_p50[1d], 5m)",
        "abs(score[1h] - score[1d]) > 10%",
        "consecutive_failures >= 5",
        "missed_beats > 3",
        "context_used >= 95%",
        "proven(success < 70%, error=1%)",
        "proven(success < 72.5%, fdr=5%) and tasks[1h] > 3",
        "decayed(success, to=60%, from=85%)",
        "upper(success_rate[1d]) < 70%",
        "lower(success_rate[50 tasks], confidence=99%) >= 50%",
        "posterior(success < 70%) > 99%",
        "success_rate[1d] < peers(success_rate[1d]) - 20%",
        "heartbeat_age > 3 * peers(heartbeat_age)",
        "cost_per_success[7d] > 2 * peers(cost_per_success[7d])",
        "outlier(score[7d]) > 3.5 and score[7d] < 70%",
        "expected_ratio[7d] < 80%",
    ],
)
def test_units_that_fit_are_accepted(text: str) -> None:
    assert parse_condition(text).tree.unit is Unit.TRUTH


@pytest.mark.parametrize(
    "text",
    [
        "failures[1h] > 50% * 20%",
        "success_rate[1h] * success_rate[1h] < 3",
        "tasks[1h] * 2 > 50%",
        "cost[1d] * 2 > 5",
        "heartbeat_age - 5 > 90s",
        "heartbeat_age + heartbeat_interval > 90",
        "1 / heartbeat_age > 3",
        "abs(heartbeat_age) > 3",
        "cost[1d] * cost[1d] > $3",
    ],
)
def test_units_that_do_not_fit_are_refused(text: str) -> None:
    with pytest.raises(ExpressionError):
        parse_condition(text)


def test_an_evidence_function_carries_every_argument_in_its_order() -> None:
    """Defaults filled in, in the order of the table, however they were written."""
    calls = {
        "proven(success < 70%, error=1%)": (("target", 0.7), ("error", 0.01)),
        "proven(success < 70%, fdr=5%)": (("target", 0.7), ("fdr", 0.05)),
        "decayed(success, to=60%, from=85%)": (("from", 0.85), ("to", 0.6), ("limit", 9.0)),
    }
    for text, named in calls.items():
        tree = parse_condition(text).tree
        assert isinstance(tree, Call)
        assert (tree.arguments, tree.named, tree.unit) == ((), named, Unit.TRUTH)


def test_a_bound_is_asked_at_95_percent_unless_said() -> None:
    tree = parse_condition("upper(success_rate[1d]) < 70%").tree

    assert isinstance(tree, Comparison)
    assert isinstance(tree.left, Call)
    assert tree.left.named == (("confidence", 0.95),)
    assert written(tree) == "upper(success_rate[1d], confidence=95%) < 70%"


@pytest.mark.parametrize(
    "floor",
    [
        "score[7d] < 70%",
        "score[1d] <= 70%",
        "70% > score[7d]",
        "failures[7d] >= 5",
        "consecutive_failures > 3",
        "not score[7d] >= 70%",
        "(score[7d] < 70% or failures[7d] >= 5)",
        "(age > 1d and score[7d] < 70%)",
    ],
)
def test_an_outlier_with_an_absolute_floor_beside_it_is_accepted(floor: str) -> None:
    parse_condition(f"outlier(score[7d]) > 3.5 and {floor}")
    parse_condition(f"not (outlier(score[7d]) <= 3.5 or not {floor})")


@pytest.mark.parametrize(
    "beside",
    [
        "score[7d] > 70%",
        "score[7d] < score[30d]",
        "success_rate[7d] < 70%",
        "failures[7d] <= 5",
        "not score[7d] < 70%",
        "(score[7d] < 70% or age > 1d)",
        "score[7d] == 70%",
        "score[7d] < 100%",
        "score[7d] < 200%",
        "score[7d] <= 100%",
        "score[7d] < 0%",
        "not score[7d] >= 100%",
        "failures[7d] >= 0",
        "failures[7d] > 0",
        "consecutive_failures > -1",
        "0 < 1 * failures[7d]",
        "(score[7d] < 70% or failures[7d] >= 0)",
    ],
)
def test_what_keeps_out_nobody_who_is_good_is_no_floor(beside: str) -> None:
    with pytest.raises(ExpressionError, match="absolute floor"):
        parse_condition(f"outlier(score[7d]) > 3.5 and {beside}")


@pytest.mark.parametrize(
    ("measure", "floor", "is_one"),
    [
        ("cost[7d]", "cost[7d] > $0", False),
        ("cost[7d]", "cost[7d] > $0.5", True),
        ("context_used", "context_used >= 0%", False),
        ("context_used", "context_used < 80%", False),
        ("successes[20 tasks]", "successes[20 tasks] < 20", False),
        ("successes[20 tasks]", "successes[20 tasks] < 19", True),
        ("successes[7d]", "successes[7d] < 500", True),
        ("successes[7d]", "successes[7d] < 0", False),
        ("expected_ratio[7d]", "expected_ratio[7d] < 300%", False),
        ("expected_ratio[7d]", "expected_ratio[7d] < 100%", True),
    ],
)
def test_a_floor_lies_inside_what_its_measure_can_be(
    measure: str, floor: str, is_one: bool
) -> None:
    condition, findings = compile_condition(f"outlier({measure}) > 3.5 and {floor}")

    assert (condition is not None) is is_one
    assert is_one is not any("absolute floor" in found.message for found in findings)


def test_an_outlier_that_only_ends_an_episode_needs_no_floor() -> None:
    condition, findings = compile_condition("outlier(score[7d]) < 1", acts=False)

    assert condition is not None
    assert findings == ()


def test_values_are_in_base_units() -> None:
    tree = parse_condition("duration_mean[1h] > 2m").tree

    assert isinstance(tree, Comparison)
    assert isinstance(tree.left, Measured)
    assert tree.left.key == "duration_mean[1h]"
    assert tree.left.window == Window(WindowKind.TIME, 3_600_000)
    assert isinstance(tree.right, Constant)
    assert tree.right.value == 120.0


def test_spans_point_into_the_text() -> None:
    text = "tasks[1h] >= 20  and  (success_rate[50 tasks] < 50%)"
    tree = parse_condition(text).tree

    assert isinstance(tree, Logic)
    second = tree.operands[1]
    assert isinstance(second, Comparison)
    assert text[second.left.span.start : second.left.span.end] == "success_rate[50 tasks]"


def test_everything_wrong_is_said_at_once() -> None:
    with pytest.raises(ExpressionError) as refused:
        parse_condition("heartbeat_age > 90 and sucess_rate[1h] < 70% and tasks > 3")

    assert [found.span.start for found in refused.value.findings] == [0, 23, 49]
    assert refused.value.span == refused.value.findings[0].span


def test_every_measure_is_known() -> None:
    limits = {Unit.NUMBER: "1", Unit.SECONDS: "1s", Unit.RATIO: "1%", Unit.DOLLARS: "$1"}
    for kind in MEASURES.values():
        text = f"{kind.name}{'[1h]' if kind.windowed else ''} > {limits[kind.unit]}"
        assert parse_condition(text).text == text


def test_a_long_or_is_one_flat_node() -> None:
    tree = parse_condition(" or ".join(["tasks[1h] > 3"] * 200)).tree

    assert isinstance(tree, Logic)
    assert len(tree.operands) == 200


@pytest.mark.parametrize(
    ("when", "can_be"),
    [
        ("consecutive_failures > 3 and consecutive_failures < 4", False),
        ("consecutive_failures > 3 and consecutive_failures < 5", True),
        ("consecutive_failures > 3.2 and consecutive_failures < 3.8", False),
        ("suspicion > 3 and suspicion < 4", True),
        ("score[1h] > 3% and score[1h] < 4%", True),
        ("successes[20 tasks] > 15 and failures[20 tasks] > 10", False),
        ("successes[20 tasks] > 9 and failures[20 tasks] > 9", True),
        ("successes[20 tasks] > 9 and failures[20 tasks] > 10", False),
        ("refusals[20 tasks] > 9 and failures[20 tasks] > 10", True),
        ("refusals[20 tasks] > 9 and timeouts[20 tasks] > 10", False),
        ("successes[20 tasks] > 15 and failures[40 tasks] > 10", True),
        ("successes[20 tasks] > 15 or failures[20 tasks] > 10", True),
        ("successes[1h] > 15 and failures[1h] > 10", True),
        ("successes[1h] > 15 and (failures[1h] > 10 and tasks[1h] < 20)", False),
        ("successes[1h] > 2 and tasks[1h] < 3", False),
        ("successes[1h] > 2 and tasks[1h] <= 3", True),
    ],
)
def test_what_whole_numbers_and_shared_tasks_leave_no_room_for_is_named(
    when: str, can_be: bool
) -> None:
    _, findings = compile_condition(when)

    assert [found.message.partition(" because")[0] for found in findings] == (
        [] if can_be else ["the condition can never match"]
    )
