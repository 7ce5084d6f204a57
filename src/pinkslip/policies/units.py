"""What may be added, multiplied, divided and compared, and what comes out.

Two rules are ours and worth knowing. A plain number that holds no measure scales: `2 * success_rate[1h]` is
a ratio. A ratio scales a count: `50% * tasks[1h]` is a plain number. What is left when like is divided by
like is a quotient, and compares with shares and plain numbers alike: `failures[1h] / tasks[1h] > 30%`,
`heartbeat_age / heartbeat_interval > 3`.
"""

from pinkslip.model.policy import (
    Arithmetic,
    Call,
    Constant,
    Expression,
    Measured,
    Negative,
    Unit,
)

ARTICLED = {
    Unit.NUMBER: "a plain number",
    Unit.SECONDS: "a duration",
    Unit.RATIO: "a ratio",
    Unit.DOLLARS: "an amount in dollars",
    Unit.TRUTH: "a condition",
}
"""Each unit as a sentence says it."""

_BARE = frozenset({Unit.NUMBER, Unit.RATIO})


def is_constant(tree: Expression) -> bool:
    """Whether nothing about an agent is read anywhere in `tree`."""
    match tree:
        case Constant():
            return True
        case Measured():
            return False
        case Negative():
            return is_constant(tree.operand)
        case Arithmetic():
            return is_constant(tree.left) and is_constant(tree.right)
        case Call():
            return not tree.named and all(is_constant(argument) for argument in tree.arguments)
        case _:
            return False


def is_quotient(tree: Expression) -> bool:
    """Whether `tree` is like divided by like, or made of such."""
    match tree:
        case Arithmetic(operator="/"):
            return tree.unit is Unit.RATIO and _cancels(tree.left.unit, tree.right)
        case Negative():
            return is_quotient(tree.operand)
        case Arithmetic(operator="+" | "-"):
            return is_quotient(tree.left) or is_quotient(tree.right)
        case Call(function="min" | "max" | "abs"):
            return any(is_quotient(argument) for argument in tree.arguments)
        case _:
            return False


def are_alike(left: Expression, right: Expression) -> bool:
    """Whether the two may be compared, added, or handed to one `min`."""
    if left.unit is right.unit:
        return left.unit is not Unit.TRUTH
    return {left.unit, right.unit} == _BARE and (is_quotient(left) or is_quotient(right))


def common(left: Expression, right: Expression) -> Unit:
    """The unit of two that are alike."""
    return left.unit if left.unit is right.unit else Unit.RATIO


def product(left: Expression, right: Expression) -> Unit | None:
    """The unit of `left * right`; None when there is none."""
    units = {left.unit, right.unit}
    if Unit.TRUTH in units:
        return None
    if units == _BARE:
        number = left if left.unit is Unit.NUMBER else right
        return Unit.RATIO if is_constant(number) else Unit.NUMBER
    if len(units) == 1:
        return left.unit if units <= _BARE else None
    scaled = units - _BARE
    return scaled.pop() if len(scaled) == 1 else None


def quotient(left: Expression, right: Expression) -> Unit | None:
    """The unit of `left / right`; None when there is none."""
    if Unit.TRUTH in (left.unit, right.unit):
        return None
    if _cancels(left.unit, right):
        return Unit.RATIO
    return left.unit if right.unit in _BARE else None


def _cancels(unit: Unit, divisor: Expression) -> bool:
    """Dividing a plain number by a constant scales it; every other like by like cancels."""
    return unit is divisor.unit and not (unit is Unit.NUMBER and is_constant(divisor))
