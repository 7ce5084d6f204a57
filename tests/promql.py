"""What a PromQL expression reads, and inside what: for tests of rules and dashboards."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import promql_parser
from promql_parser import AggModifierType

MACROS: Mapping[str, str] = {
    "$__rate_interval": "1m",
    "$__interval": "15s",
    "$__range": "1h",
}
"""Grafana's, with something a real Prometheus takes in their place."""


SIGNS = {
    "MatchOp.Equal": "=",
    "MatchOp.NotEqual": "!=",
    "MatchOp.Re": "=~",
    "MatchOp.NotRe": "!~",
}


@dataclass(frozen=True, slots=True)
class Selector:
    """One selector in an expression."""

    metric: str
    matchers: Mapping[str, str]
    """Label to what it must match: `=pinkslip`, `=~developer|.*`."""
    functions: tuple[str, ...]
    """Functions and aggregations around it, outermost first."""
    keeps_instance: bool
    """No aggregation around it takes the instance away."""
    range_s: float | None
    """Of a range selector."""


def with_macros(expression: str, variables: Mapping[str, str]) -> str:
    """Grafana's macros and variables replaced, longest name first."""
    replacements = {**MACROS, **{f"${name}": value for name, value in variables.items()}}
    for name in sorted(replacements, key=len, reverse=True):
        expression = expression.replace(name, replacements[name])
    return expression


def selectors(expression: str) -> list[Selector]:
    """Every selector; macros must have been replaced."""
    return list(_walk(promql_parser.parse(expression), (), keeps_instance=True))


def metrics_of(expression: str) -> set[str]:
    return {selector.metric for selector in selectors(expression)}


def _walk(node: Any, around: tuple[str, ...], *, keeps_instance: bool) -> Iterator[Selector]:
    match type(node).__name__:
        case "VectorSelector":
            yield _selector(node, around, keeps_instance, None)
        case "MatrixSelector":
            seconds = node.range.total_seconds()
            yield _selector(node.vector_selector, around, keeps_instance, seconds)
        case "AggregateExpr":
            inside = (*around, _operator(node.op))
            keeps = keeps_instance and _keeps_instance(node)
            yield from _walk(node.expr, inside, keeps_instance=keeps)
        case "Call":
            inside = (*around, node.func.name)
            keeps = keeps_instance and node.func.name != "absent"
            for argument in node.args:
                yield from _walk(argument, inside, keeps_instance=keeps)
        case "BinaryExpr":
            yield from _walk(node.lhs, around, keeps_instance=keeps_instance)
            yield from _walk(node.rhs, around, keeps_instance=keeps_instance)
        case "ParenExpr" | "UnaryExpr" | "SubqueryExpr":
            yield from _walk(node.expr, around, keeps_instance=keeps_instance)
        case "NumberLiteral" | "StringLiteral":
            return
        case kind:
            raise TypeError(f"a {kind} is new here: say what it reads")


def _selector(
    node: Any, around: tuple[str, ...], keeps_instance: bool, range_s: float | None
) -> Selector:
    written = {m.name: f"{SIGNS[str(m.op)]}{m.value}" for m in node.matchers.matchers}
    return Selector(node.name, written, around, keeps_instance, range_s)


def _operator(op: Any) -> str:
    return re.sub(r"\W.*", "", str(op).lower())


def _keeps_instance(node: Any) -> bool:
    """topk and its like keep every label; others keep what `by` names or `without` leaves."""
    if _operator(node.op) in {"topk", "bottomk"}:
        return True
    if node.modifier is None:
        return False
    named = "instance" in node.modifier.labels
    return named if node.modifier.type == AggModifierType.By else not named
