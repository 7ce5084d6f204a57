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
from pinkslip.policies.problems import ExpressionError, Finding

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


def findings_of(text: str) -> tuple[Finding, ...]:
    condition, findings = compile_condition(text)
    assert condition is None
    return findings


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


COUNTED = "counts every task since the evidence began and reads success"
SHOWS = (
    "shows that success is below a share: evidence that an agent is good enough fires nobody"
)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("peers(5) > 3", 'peers takes one measure, not "5"'),
        ("upper(70%) < 50%", 'upper takes one measure, not "70%"'),
        (
            "proven(success() < 70%, error=1%)",
            'proven reads success, not "success()"',
        ),
        (
            "proven(success < success, error=1%)",
            '"success" is not written out: evidence is asked at a fixed value',
        ),
        ("posterior(success < 7)", 'the target must be a share, not "7"'),
        ("decayed(success, from=85%, from=80%)", "from is given twice"),
        ("decayed(success, from=60%, to=85%) > 3", "to is above from: that is no decay"),
        (
            "proven(success[7d] < 7, error=1%)",
            "success has no window: proven counts every task since the evidence began",
        ),
        (
            "proven(timeouts < 7, error=1%)",
            'proven reads success, not "timeouts"',
        ),
        (
            "proven(success >= 70%, error=1%)",
            f"proven {SHOWS}",
        ),
        ("decayed(score, from=60%, to=85%)", f'decayed {COUNTED}, not "score"'),
        *(
            (f"proven({name} < 7, error=1%)", f'proven {COUNTED}, not "{name}"')
            for name in ("success_rate[7d]", "successes", "failures[1d]", "score", "tasks")
        ),
    ],
)
def test_what_is_wrong_in_a_call_of_evidence_is_said_once(text: str, message: str) -> None:
    [finding] = findings_of(text)

    assert finding.message == message


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("decayed(success, 85%)", "write from=85%"),
        ("proven(success < 70%, 1%)", "write error=1% or fdr=1%"),
        ("decayed(success, from=85%, to=60%, limit=9%)", "write limit=9"),
        (
            "proven(70% > success, error=1%, fdr=5%)",
            "write proven(success < 70%, error=1%, fdr=5%)",
        ),
        *(
            (f"proven(success < {written}, error=1%)", f"write success < {meant}")
            for written, meant in {
                "0": "70%",
                "0.005": "0.5%",
                "0.07": "7%",
                "1": "1%",
                "1.5": "1.5%",
                "99": "99%",
                "100": "70%",
                "90s": "70%",
            }.items()
        ),
    ],
)
def test_a_hint_shows_what_was_probably_meant(text: str, hint: str) -> None:
    assert findings_of(text)[0].hint == hint


@pytest.mark.parametrize(
    "text",
    [
        "proven(success < 70%, error=50%)",
        "decayed(success, from=85%, to=60%, limit=1000)",
    ],
)
def test_the_largest_value_allowed_is_allowed(text: str) -> None:
    parse_condition(text)


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
    "text",
    [
        "age > 1d or outlier(score[7d]) > 3.5 and score[7d] < 70%",
        "score[7d] < 70% and (age > 2d or outlier(score[7d]) > 3.5)",
        "not (age > 1d and (outlier(score[7d]) <= 3.5 or not score[7d] < 70%))",
    ],
)
def test_a_floor_counts_however_deep_the_outlier_stands(text: str) -> None:
    parse_condition(text)


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


@pytest.mark.parametrize(
    ("beside", "vain"),
    [
        ("proven(success < 70%, error=1%)", ""),
        ("upper(success_rate[7d]) < 70%", ""),
        ("(score[7d] < 70% or age > 1d)", ""),
        ("not age > 1d", ""),
        ("not failures[7d] < 0", "not failures[7d] < 0"),
        ("not not failures[7d] > 0", "failures[7d] > 0"),
        ("not score[7d] >= 100%", "not score[7d] >= 100%"),
        ("(age > 1d or failures[7d] > 0)", "failures[7d] > 0"),
        ("failures[7d] >= 5 / 0", "failures[7d] >= 5 / 0"),
    ],
)
def test_only_a_floor_that_keeps_out_nobody_is_named_as_vain(beside: str, vain: str) -> None:
    [finding] = findings_of(f"outlier(score[7d]) > 3.5 and {beside}")

    why = (
        f', and "{vain}" is none: next to everybody meets it'
        if vain
        else (": among the good, too, one is the worst")
    )
    assert finding.message == f"outlier(score[7d]) needs an absolute floor beside it{why}"


@pytest.mark.parametrize(
    ("measure", "floor"),
    [("score[7d]", "< 70%"), ("context_used", "> 90%"), ("heartbeat_age", "> 10m")],
)
def test_the_floor_proposed_is_toward_the_worse(measure: str, floor: str) -> None:
    [finding] = findings_of(f"outlier({measure}) > 3.5")

    assert finding.hint == f"write outlier({measure}) > 3.5 and {measure} {floor}"


def test_an_outlier_that_only_ends_an_episode_needs_no_floor() -> None:
    condition, findings = compile_condition("outlier(score[7d]) < 1", acts=False)

    assert condition is not None
    assert findings == ()


def test_a_condition_is_taken_for_one_that_acts() -> None:
    [finding] = findings_of("outlier(score[7d]) > 3.5")

    assert "absolute floor" in finding.message


def test_values_are_in_base_units() -> None:
    tree = parse_condition("duration_mean[1h] > 2m").tree

    assert isinstance(tree, Comparison)
    assert isinstance(tree.left, Measured)
    assert tree.left.key == "duration_mean[1h]"
    assert tree.left.window == Window(WindowKind.TIME, 3_600_000)
    assert isinstance(tree.right, Constant)
    assert tree.right.value == 120.0


@pytest.mark.parametrize(
    ("written", "window"),
    [
        ("1s", Window(WindowKind.TIME, 1_000)),
        ("30d", Window(WindowKind.TIME, 2_592_000_000)),
        ("1 task", Window(WindowKind.TASKS, 1)),
        ("1 tasks", Window(WindowKind.TASKS, 1)),
        ("10000 tasks", Window(WindowKind.TASKS, 10_000)),
    ],
)
def test_the_shortest_and_the_longest_window(written: str, window: Window) -> None:
    tree = parse_condition(f"failures[{written}] > 0").tree

    assert isinstance(tree, Comparison)
    assert isinstance(tree.left, Measured)
    assert tree.left.window == window


@pytest.mark.parametrize(
    ("written", "message", "hint"),
    [
        ("999ms", "a window is between 1s and 30d long", ""),
        ("721h", "a window is between 1s and 30d long", ""),
        ("0 tasks", "a window holds between 1 and 10000 tasks", ""),
        ("10001 tasks", "a window holds between 1 and 10000 tasks", ""),
        ("1w", 'the unit "w" is not known', "write weeks in days: 7d"),
        ("50", '"50" has no unit', "write [50 tasks] or [50s]"),
        (
            "1000.5ms",
            '"1000.5ms" is finer than a millisecond',
            "write for example [1h] or [50 tasks]",
        ),
    ],
)
def test_no_window(written: str, message: str, hint: str) -> None:
    [finding] = findings_of(f"failures[{written}] > 0")

    assert (finding.message, finding.hint) == (message, hint)


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


@pytest.mark.parametrize(
    "part",
    [
        "sucess_rate[1h] + 5%",
        "success_rate[1h] + sucess_rate[1h]",
        "success_rate[1w]",
        "abs(score[1h], score[1d])",
        "abs()",
        "min(score[1h])",
        "min(score[1h], age > 1h)",
        "min(score[1h], 90s)",
        "(age > 1h and sucess_rate[1h] > 3%)",
        "(not sucess_rate[1h] > 3%)",
    ],
)
def test_what_holds_a_wrong_part_is_not_refused_a_second_time(part: str) -> None:
    assert len(findings_of(f"{part} > 3")) == 1


def test_ten_misspelt_names_are_guessed_at() -> None:
    findings = findings_of(" or ".join(["taks[1h] > 3"] * 12))

    assert [finding.hint for finding in findings] == ['did you mean "tasks"?'] * 10 + [""] * 2


def test_fifty_findings_are_enough() -> None:
    assert len(findings_of(" or ".join(["nonsense > 3"] * 60))) == 50


def test_a_refused_condition_is_kept_with_what_is_wrong() -> None:
    with pytest.raises(ExpressionError) as refused:
        parse_condition("age > 3")

    assert refused.value.text == "age > 3"


@pytest.mark.parametrize(
    ("text", "example"),
    [
        ("cost[1h]", "cost[1h] > $5"),
        ("tasks[1h]", "tasks[1h] >= 20"),
        ("age", "age > 90s"),
        ("score[1h]", "score[1h] < 70%"),
        ("3", "success_rate[1h] < 70%"),
        ("age / 2", "success_rate[1h] < 70%"),
    ],
)
def test_a_value_alone_is_answered_with_how_to_compare_it(text: str, example: str) -> None:
    [finding] = findings_of(text)

    assert finding.hint == f"compare it, for example {example}"


@pytest.mark.parametrize(
    ("blanks", "hint"),
    [
        (183, f"write 1{' ' * 183}+1 < 3 and 3 < 5"),
        (184, "join them with and"),
    ],
)
def test_a_chain_is_written_out_while_that_is_readable(blanks: int, hint: str) -> None:
    [finding] = findings_of(f"1{' ' * blanks}+1 < 3 < 5")

    assert finding.hint == hint


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
