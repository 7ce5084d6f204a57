"""What stands in a condition's tree."""

from collections.abc import Iterator

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
    Policy,
)


def nodes(tree: Expression) -> Iterator[Expression]:
    """Every node, each before its parts, left to right."""
    yield tree
    for part in parts(tree):
        yield from nodes(part)


def parts(tree: Expression) -> tuple[Expression, ...]:
    """The nodes right below."""
    match tree:
        case Constant() | Measured():
            return ()
        case Negative() | Not():
            return (tree.operand,)
        case Arithmetic() | Comparison():
            return (tree.left, tree.right)
        case Call():
            return tree.arguments
        case Logic():
            return tree.operands


def measured(tree: Expression) -> list[Measured]:
    """Every measure `tree` reads, in the order written."""
    return [node for node in nodes(tree) if isinstance(node, Measured)]


def calls(tree: Expression, *functions: str) -> list[Call]:
    """Every call of one of `functions`, in the order written."""
    return [
        node for node in nodes(tree) if isinstance(node, Call) and node.function in functions
    ]


def conditions(policy: Policy) -> list[Expression]:
    """The trees of `when` and, where there is one, `clear_when`."""
    trees = [policy.when.tree]
    return trees if policy.clear_when is None else [*trees, policy.clear_when.tree]
