"""Warnings about comparisons that always come out the same, because of what their sides can be at all."""

import math

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
)
from pinkslip.policies.problems import Finding, Severity

_Range = tuple[float, float]
_ANYTHING: _Range = (-math.inf, math.inf)


def findings(tree: Expression) -> list[Finding]:
    """One warning per comparison in `tree` that is always true or never."""
    match tree:
        case Comparison():
            return _judged(tree)
        case Not():
            return findings(tree.operand)
        case Logic():
            return [found for operand in tree.operands for found in findings(operand)]
        case _:
            return []


def _judged(comparison: Comparison) -> list[Finding]:
    left, right = _range(comparison.left), _range(comparison.right)
    if any(math.isnan(end) for end in (*left, *right)):
        return [_warning(comparison.span, "this divides by zero and is never known")]
    verdict = _always(comparison.operator, left, right)
    if verdict is None:
        return []
    return [_warning(comparison.span, f"this is {'always' if verdict else 'never'} true")]


def _warning(span: Span, message: str) -> Finding:
    return Finding(
        span, message, "compare a measure with a value it can reach", Severity.WARNING
    )


def _always(operator: str, left: _Range, right: _Range) -> bool | None:
    match operator:
        case "<":
            return True if left[1] < right[0] else False if left[0] >= right[1] else None
        case "<=":
            return True if left[1] <= right[0] else False if left[0] > right[1] else None
        case ">" | ">=":
            return _always("<" if operator == ">" else "<=", right, left)
        case _:
            apart = left[1] < right[0] or right[1] < left[0]
            same = left[0] == left[1] == right[0] == right[1]
            if not apart and not same:
                return None
            return same if operator == "==" else apart


def _range(tree: Expression) -> _Range:
    """The least and the greatest value; NaN when it is never known."""
    match tree:
        case Constant():
            return tree.value, tree.value
        case Measured():
            return (0.0, 1.0) if tree.unit is Unit.RATIO else (0.0, math.inf)
        case Negative():
            low, high = _range(tree.operand)
            return -high, -low
        case Call():
            return _of_call(tree)
        case Arithmetic():
            return _of_arithmetic(tree)
        case _:
            return _ANYTHING


def _of_call(call: Call) -> _Range:
    ranges = [_range(argument) for argument in call.arguments]
    if call.function == "abs":
        low, high = ranges[0]
        return max(low, -high, 0.0), max(abs(low), abs(high))
    choose = min if call.function == "min" else max
    return choose(low for low, _ in ranges), choose(high for _, high in ranges)


def _of_arithmetic(tree: Arithmetic) -> _Range:
    left, right = _range(tree.left), _range(tree.right)
    match tree.operator:
        case "+":
            return left[0] + right[0], left[1] + right[1]
        case "-":
            return left[0] - right[1], left[1] - right[0]
        case "*":
            corners = [_times(one, other) for one in left for other in right]
            return min(corners), max(corners)
        case _:
            if right == (0.0, 0.0):
                return math.nan, math.nan
            if right[0] <= 0 <= right[1]:
                return _ANYTHING
            corners = [_times(one, 1 / other) for one in left for other in right]
            return min(corners), max(corners)


def _times(one: float, other: float) -> float:
    """Nothing times anything is nothing, however large."""
    return 0.0 if 0.0 in (one, other) else one * other
