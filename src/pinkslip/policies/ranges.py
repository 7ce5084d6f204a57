"""Conditions that can never hold, or always do, because of what their sides can be at all.

Everything here is a warning: the condition is right as a text and surely not meant.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

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
from pinkslip.policies.printing import written
from pinkslip.policies.problems import Finding, Severity, quoted
from pinkslip.policies.quantities import written_quantity

Range = tuple[float, float]
_ANYTHING: Range = (-math.inf, math.inf)
_SHARES = frozenset({"success_rate", "score", "context_used", "flap_score"})
_COUNTS = frozenset(
    {"tasks", "successes", "failures", "refusals", "off_track", "timeouts", "corruptions"}
)
"""Counts of outcomes in the denominator: a window of 20 tasks holds no more than 20 of them."""
_KINDS_OF_FAILURE = frozenset({"refusals", "off_track", "timeouts", "corruptions"})
"""Those of them that are failures, and exclude each other."""
_OTHERS: dict[str, Range] = {"heartbeat_interval": (1.0, 86_400.0), "suspicion": (0.0, 300.0)}
_OPPOSITE = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "==": "!=", "!=": "=="}
_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}


def findings(tree: Expression) -> list[Finding]:
    """One warning per comparison that always comes out the same, and per pair that excludes each other."""
    found = [*_constants(tree), *_contradictions(tree, holds=True)]
    if found and not _can_be(tree, True):
        first = found[0]
        message = first.message.replace(_NEVER_TRUE, _NEVER_MATCHES, 1)
        found[0] = Finding(first.span, message, first.hint, first.severity)
    return found


_NEVER_TRUE = "this is never true"
_NEVER_MATCHES = "the condition can never match"


def _constants(tree: Expression) -> list[Finding]:
    match tree:
        case Comparison():
            return _judged(tree)
        case Not():
            return _constants(tree.operand)
        case Logic():
            return [found for operand in tree.operands for found in _constants(operand)]
        case _:
            return []


def _judged(comparison: Comparison) -> list[Finding]:
    left, right = reach(comparison.left), reach(comparison.right)
    if any(math.isnan(end) for end in (*left, *right)):
        return [_warning(comparison.span, "this divides by zero and is never known")]
    verdict = _verdict(comparison)
    if verdict is None:
        return []
    said = "this is always true" if verdict else _NEVER_TRUE
    return [_warning(comparison.span, said + _because(comparison))]


def _warning(span: Span, message: str) -> Finding:
    return Finding(
        span, message, "compare a measure with a value it can reach", Severity.WARNING
    )


def _verdict(comparison: Comparison) -> bool | None:
    """How a comparison of known sides always comes out; None: either way."""
    if _between_whole(comparison) is not None and comparison.operator in ("==", "!="):
        return comparison.operator == "!="
    return _always(comparison.operator, reach(comparison.left), reach(comparison.right))


def _between_whole(comparison: Comparison) -> Expression | None:
    """The side that has no fractions, where the other is one; None: it is not so."""
    for side, other in (
        (comparison.left, comparison.right),
        (comparison.right, comparison.left),
    ):
        value = _point(other)
        if _is_whole(side) and value is not None and math.isfinite(value) and value % 1:
            return side
    return None


def _because(comparison: Comparison) -> str:
    """What the sides that are no constants can be."""
    said = []
    whole = _between_whole(comparison)
    if whole is not None and comparison.operator in ("==", "!="):
        return f" because {written(whole)} is a whole number"
    for side in (comparison.left, comparison.right):
        low, high = reach(side)
        if low == high:
            continue
        name = written(side)
        name = name if len(name) <= 60 else "the other side"
        if math.isfinite(low) and math.isfinite(high):
            ends = [written_quantity(end, side.unit) for end in (low, high)]
            said.append(f"{name} is between {ends[0]} and {ends[1]}")
        elif low == 0:
            said.append(f"{name} is never negative")
    return f" because {' and '.join(said)}" if said else ""


def _can_be(tree: Expression, holds: bool) -> bool:
    """Whether `tree` can be true (or false) of any agent, as far as ranges and contradictions tell."""
    match tree:
        case Comparison():
            left, right = reach(tree.left), reach(tree.right)
            if any(math.isnan(end) for end in (*left, *right)):
                return False
            return _verdict(tree) is not (not holds)
        case Not():
            return _can_be(tree.operand, not holds)
        case Logic():
            possible = [_can_be(operand, holds) for operand in tree.operands]
            if (tree.operator == "and") is not holds:
                return any(possible)
            return all(possible) and not any(_excluding(tree, holds))
        case _:
            return True


# contradictions


@dataclass(frozen=True, slots=True)
class Limits:
    """The values that comparisons with constants leave a measure."""

    low: float = -math.inf
    high: float = math.inf
    has_low: bool = True
    has_high: bool = True

    @property
    def is_empty(self) -> bool:
        return self.low > self.high or (
            self.low == self.high and not (self.has_low and self.has_high)
        )

    def of_whole_numbers(self) -> "Limits":
        """The same of a measure without fractions: above 3 is 4 or more."""
        low = self.low if math.isinf(self.low) else math.ceil(self.low)
        high = self.high if math.isinf(self.high) else math.floor(self.high)
        return Limits(
            low + (low == self.low and not self.has_low),
            high - (high == self.high and not self.has_high),
        )

    def within(self, other: "Limits") -> "Limits":
        """What both leave."""
        low, high = max(self.low, other.low), min(self.high, other.high)
        return Limits(
            low,
            high,
            all(each.has_low for each in (self, other) if each.low == low),
            all(each.has_high for each in (self, other) if each.high == high),
        )


def _contradictions(tree: Expression, *, holds: bool) -> list[Finding]:
    match tree:
        case Not():
            return _contradictions(tree.operand, holds=not holds)
        case Logic():
            inner = [
                found
                for operand in tree.operands
                for found in _contradictions(operand, holds=holds)
            ]
            if (tree.operator == "and") is not holds:
                return inner
            here = _excluding(tree, holds)
            nested = {found.span for found in inner}
            return inner + [found for found in here if found.span not in nested]
        case _:
            return []


@dataclass(frozen=True, slots=True)
class _Demand:
    """What must be so of one measure, and how that was written."""

    limits: Limits
    text: str


def _excluding(tree: Logic, holds: bool) -> Iterator[Finding]:
    """Per measure, the first comparison that cannot hold together with those before it."""
    standing: dict[str, tuple[Limits, list[_Demand]]] = {}
    shared: dict[Window, _Shared] = {}
    told: set[str] = set()
    for demanded in _demands(tree, holds):
        name, limits = written(demanded.side), demanded.limits
        if name in told or limits.is_empty:
            continue
        together, before = standing.get(name, (Limits(), []))
        both = together.within(limits)
        if both.is_empty:
            told.add(name)
            yield _exclusion(demanded.comparison, limits, before)
            continue
        before.append(_Demand(limits, demanded.text))
        standing[name] = (both, before)
        side = demanded.side
        if isinstance(side, Measured) and side.name in _COUNTS and side.window is not None:
            counts = shared.setdefault(side.window, _Shared(side.window))
            if counts.is_overfull_with(side, both):
                told |= {each.key for each in counts.sides}
                yield _overfull(demanded.comparison, counts)


@dataclass(slots=True)
class _Shared:
    """What is demanded of the counts of one window: every task is a success or one kind of failure."""

    window: Window
    lows: dict[str, float] = field(default_factory=dict)
    sides: list[Measured] = field(default_factory=list)
    room: float = math.inf
    needed: float = 0.0

    def is_overfull_with(self, side: Measured, limits: Limits) -> bool:
        """Take one more in; whether more tasks are demanded than there is room for."""
        if side not in self.sides:
            self.sides.append(side)
        if self.window.kind is WindowKind.TASKS:
            self.room = min(self.room, float(self.window.length))
        if side.name == "tasks":
            self.room = min(self.room, limits.high)
        else:
            self.lows[side.name] = max(limits.low, 0.0)
        kinds = sum(low for name, low in self.lows.items() if name in _KINDS_OF_FAILURE)
        failures = max(self.lows.get("failures", 0.0), kinds)
        self.needed = self.lows.get("successes", 0.0) + failures
        return self.needed > self.room >= 0


def _overfull(comparison: Comparison, counts: _Shared) -> Finding:
    names = " and ".join(dict.fromkeys(side.key for side in counts.sides))
    room = written_quantity(max(counts.room, 0.0), Unit.NUMBER)
    needed = written_quantity(counts.needed, Unit.NUMBER)
    return Finding(
        comparison.span,
        f"{_NEVER_TRUE} because {names} are of the same tasks: there are at most {room}, and it takes {needed}",
        "join them with or, or ask for fewer",
        Severity.WARNING,
    )


def _exclusion(comparison: Comparison, limits: Limits, before: list[_Demand]) -> Finding:
    """Intervals that meet in pairs meet all together, so one of those before excludes it alone."""
    rival = next(each for each in before if each.limits.within(limits).is_empty)
    return Finding(
        comparison.span,
        f"{_NEVER_TRUE} because it and {quoted(rival.text)} exclude each other",
        "join them with or, or turn one around",
        Severity.WARNING,
    )


def _together(tree: Expression, holds: bool) -> Iterator[tuple[Comparison, bool]]:
    """Every comparison that must be true (or false) for `tree` to be."""
    match tree:
        case Comparison():
            yield tree, holds
        case Not():
            yield from _together(tree.operand, not holds)
        case Logic() if (tree.operator == "and") is holds:
            for operand in tree.operands:
                yield from _together(operand, holds)
        case _:
            return


def demands(tree: Expression) -> Iterator["Demanded"]:
    """What must be so of one side of a comparison for `tree` to be true."""
    return _demands(tree, True)


def _demands(tree: Expression, holds: bool) -> Iterator["Demanded"]:
    for comparison, is_true in _together(tree, holds):
        found = _limits(comparison, is_true)
        if found is not None:
            text = written(comparison) if is_true else f"not {written(comparison)}"
            yield Demanded(comparison, *found, text)


@dataclass(frozen=True, slots=True)
class Demanded:
    """A comparison with a constant that must come out one way."""

    comparison: Comparison
    side: Expression
    limits: Limits
    text: str


def _limits(comparison: Comparison, is_true: bool) -> tuple[Expression, Limits] | None:
    """What a comparison with a constant leaves its other side."""
    operator = comparison.operator if is_true else _OPPOSITE[comparison.operator]
    side, other = comparison.left, comparison.right
    if _point(side) is not None:
        side, other, operator = other, side, _MIRRORED[operator]
    value = _point(other)
    if value is None or _point(side) is not None or operator == "!=":
        return None
    limits = {
        "<": Limits(high=value, has_high=False),
        "<=": Limits(high=value),
        ">": Limits(low=value, has_low=False),
        ">=": Limits(low=value),
        "==": Limits(low=value, high=value),
    }[operator]
    return side, limits.of_whole_numbers() if _is_whole(side) else limits


def _is_whole(side: Expression) -> bool:
    """Whether its values are whole numbers: counts are, and so are beats and tokens."""
    return isinstance(side, Measured) and side.unit is Unit.NUMBER and side.name != "suspicion"


def _point(tree: Expression) -> float | None:
    """The one value an expression can have."""
    low, high = reach(tree)
    return low if low == high else None


# ranges


def _always(operator: str, left: Range, right: Range) -> bool | None:
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


def reach(tree: Expression) -> Range:
    """The least and the greatest value; NaN when it is never known."""
    match tree:
        case Constant():
            return tree.value, tree.value
        case Measured():
            return _of_measure(tree)
        case Negative():
            low, high = reach(tree.operand)
            return -high, -low
        case Call():
            return _of_call(tree)
        case Arithmetic():
            return _of_arithmetic(tree)
        case _:
            return _ANYTHING


def _of_measure(measured: Measured) -> Range:
    if measured.name in _SHARES:
        return 0.0, 1.0
    window = measured.window
    if measured.name in _COUNTS and window is not None and window.kind is WindowKind.TASKS:
        return 0.0, float(window.length)
    return _OTHERS.get(measured.name, (0.0, math.inf))


def _of_call(call: Call) -> Range:
    ranges = [reach(argument) for argument in call.arguments]
    match call.function:
        case "abs":
            low, high = ranges[0]
            return max(low, -high, 0.0), max(abs(low), abs(high))
        case "min" | "max":
            choose = min if call.function == "min" else max
            return choose(low for low, _ in ranges), choose(high for _, high in ranges)
        case "peers":
            return ranges[0]
        case _:
            return (0.0, 1.0) if call.unit is Unit.RATIO else _ANYTHING


def _of_arithmetic(tree: Arithmetic) -> Range:
    left, right = reach(tree.left), reach(tree.right)
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
