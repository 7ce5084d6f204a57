"""`outlier` needs an absolute floor: among the excellent, somebody is always the worst.

A condition that acts on being unlike the others must also say, in an `and` beside it, that the agent is bad by
itself: the same measure against a constant toward the worse, or a number of failures. The constant must lie
inside what the measure can be: `score[7d] < 100%` and `failures[7d] >= 0` keep out next to nobody.
"""

from collections.abc import Iterator

from pinkslip.fleet.catalogue import MEASURES
from pinkslip.model.policy import Call, Comparison, Expression, Logic, Measured, Not, Unit
from pinkslip.policies.printing import written
from pinkslip.policies.problems import Finding, quoted
from pinkslip.policies.quantities import written_quantity
from pinkslip.policies.ranges import reach
from pinkslip.policies.trees import calls
from pinkslip.policies.units import is_constant

FAILURES = frozenset(
    {
        "failures",
        "refusals",
        "off_track",
        "timeouts",
        "corruptions",
        "errors",
        "consecutive_failures",
        "missed_beats",
    }
)
"""Counts of what went wrong: at least so many of them is a floor for any measure."""

_OPPOSITE = {"<": ">=", "<=": ">", ">": "<=", ">=": "<"}
_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}


def findings(tree: Expression) -> list[Finding]:
    """One error per `outlier` without a floor beside it."""
    return _bare(tree, holds=True, beside=())


def _bare(
    tree: Expression, *, holds: bool, beside: tuple[tuple[Expression, bool], ...]
) -> list[Finding]:
    """`beside`: what must be so (or not so) for `tree` to matter."""
    match tree:
        case Not():
            return _bare(tree.operand, holds=not holds, beside=beside)
        case Logic():
            is_and = (tree.operator == "and") is holds
            found: list[Finding] = []
            for at, operand in enumerate(tree.operands):
                others = [other for i, other in enumerate(tree.operands) if i != at]
                near = tuple((other, holds) for other in others) if is_and else ()
                found += _bare(operand, holds=holds, beside=(*beside, *near))
            return found
        case _:
            return [
                _finding(call, beside)
                for call in calls(tree, "outlier")
                if not any(_is_floor(other, truth, call) for other, truth in beside)
            ]


def _is_floor(tree: Expression, holds: bool, call: Call) -> bool:
    """Whether `tree` being so keeps those out who are merely the worst of the good."""
    match tree:
        case Not():
            return _is_floor(tree.operand, not holds, call)
        case Logic():
            floors = [_is_floor(operand, holds, call) for operand in tree.operands]
            return any(floors) if (tree.operator == "and") is holds else all(floors)
        case Comparison():
            return _bounds(tree, holds, call)
        case _:
            return False


def _bounds(comparison: Comparison, holds: bool, call: Call) -> bool:
    bound = _bound(comparison, holds, call)
    return bound is not None and _cuts(*bound)


def _bound(
    comparison: Comparison, holds: bool, call: Call
) -> tuple[Measured, bool, float] | None:
    """What is bounded on its good side, whether from below, and by which constant; None when nothing is."""
    side, other, operator = comparison.left, comparison.right, comparison.operator
    if operator not in _OPPOSITE:
        return None
    if is_constant(side):
        side, other, operator = other, side, _MIRRORED[operator]
    if not holds:
        operator = _OPPOSITE[operator]
    if not isinstance(side, Measured) or not is_constant(other):
        return None
    (subject,) = call.arguments
    assert isinstance(subject, Measured)
    is_above = operator in (">", ">=")
    is_toward_worse = is_above == (MEASURES[side.name].worse > 0)
    if not is_toward_worse or (side.name not in FAILURES and side.name != subject.name):
        return None
    return side, is_above, reach(other)[0]


def _cuts(side: Measured, is_above: bool, limit: float) -> bool:
    """Whether the constant keeps anybody out but the very best."""
    low, high = reach(side)
    if is_above:
        return limit > low
    return low < limit < high and (side.name != "expected_ratio" or limit <= _AS_THE_POOL)


_AS_THE_POOL = 1.0
"""The `expected_ratio` of whoever does as well as the others: it has no greatest value, and this is good."""


def _finding(call: Call, beside: tuple[tuple[Expression, bool], ...]) -> Finding:
    (subject,) = call.arguments
    assert isinstance(subject, Measured)
    is_above = MEASURES[subject.name].worse > 0
    limit = written_quantity((_HIGH if is_above else _LOW)[subject.unit], subject.unit)
    vain = next((each for other, truth in beside for each in _vain(other, truth, call)), None)
    return Finding(
        call.span,
        f"{written(call)} needs an absolute floor beside it"
        + (
            ": among the good, too, one is the worst"
            if vain is None
            else f", and {quoted(vain)} is none: next to everybody meets it"
        ),
        f"write {written(call)} > 3.5 and {subject.key} {'>' if is_above else '<'} {limit}",
    )


def _vain(tree: Expression, holds: bool, call: Call) -> Iterator[str]:
    """Floors, in words, whose constant keeps out nobody."""
    match tree:
        case Not():
            yield from _vain(tree.operand, not holds, call)
        case Logic():
            for operand in tree.operands:
                yield from _vain(operand, holds, call)
        case Comparison():
            if _bound(tree, holds, call) is not None and not _bounds(tree, holds, call):
                yield written(tree) if holds else f"not {written(tree)}"
        case _:
            return


_HIGH = {Unit.NUMBER: 20.0, Unit.SECONDS: 600.0, Unit.RATIO: 0.9, Unit.DOLLARS: 5.0}
_LOW = {Unit.NUMBER: 20.0, Unit.SECONDS: 600.0, Unit.RATIO: 0.7, Unit.DOLLARS: 5.0}
"""A floor to begin with, per unit, for measures of which more, or less, is worse."""
