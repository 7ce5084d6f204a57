"""A condition's tree as text again: one spelling per tree, which reads back as the same tree."""

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
)
from pinkslip.policies.evidence import SIGNATURES, written_call
from pinkslip.policies.quantities import written_quantity

_BINDING = {
    "or": 1,
    "and": 2,
    "not": 3,
    "compare": 4,
    "+": 5,
    "-": 5,
    "*": 6,
    "/": 6,
    "negative": 7,
}
_TIGHTEST = 8


def written(tree: Expression) -> str:
    """The canonical text of `tree`."""
    return _write(tree)[0]


def _write(tree: Expression) -> tuple[str, int]:
    """The text and how tightly its outermost operator binds."""
    match tree:
        case Constant():
            return written_quantity(tree.value, tree.unit), _TIGHTEST
        case Measured():
            return tree.key, _TIGHTEST
        case Call():
            arguments = [written(argument) for argument in tree.arguments]
            if tree.function in SIGNATURES:
                return written_call(tree, arguments), _TIGHTEST
            return f"{tree.function}({', '.join(arguments)})", _TIGHTEST
        case Negative():
            return "-" + _within(tree.operand, _BINDING["negative"]), _BINDING["negative"]
        case Arithmetic():
            binding = _BINDING[tree.operator]
            left, right = _within(tree.left, binding), _within(tree.right, binding + 1)
            return f"{left} {tree.operator} {right}", binding
        case Comparison():
            binding = _BINDING["compare"]
            left, right = _within(tree.left, binding + 1), _within(tree.right, binding + 1)
            return f"{left} {tree.operator} {right}", binding
        case Not():
            return "not " + _within(tree.operand, _BINDING["not"]), _BINDING["not"]
        case Logic():
            binding = _BINDING[tree.operator]
            operands = [_within(operand, binding + 1) for operand in tree.operands]
            return f" {tree.operator} ".join(operands), binding


def _within(tree: Expression, binding: int) -> str:
    text, own = _write(tree)
    return text if own >= binding else f"({text})"
