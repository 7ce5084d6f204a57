"""Expressions over a fleet: every agent at once, three-valued, quantiles last and only where they matter.

A number is a float64, NaN where unknown. A condition is two masks, `yes` and `no`; where neither is set the
answer is unknown. Comparisons with NaN are false in IEEE arithmetic, which is exactly what sets neither.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from pinkslip.fleet.snapshot import Floats, Integers
from pinkslip.judge.view import Bools, FleetView
from pinkslip.model.policy import (
    Arithmetic,
    Call,
    Comparison,
    Constant,
    Expression,
    Filter,
    Logic,
    Matcher,
    Measured,
    Negative,
    Not,
    Window,
)

QUANTILES = frozenset({"duration_p50", "duration_p95"})
"""Measures the fleet works out agent by agent, on request."""

_ANY_OUTCOME = Filter()


@dataclass(frozen=True, slots=True)
class Truth:
    """A condition's answer per slot asked."""

    yes: Bools
    no: Bools

    @property
    def unknown(self) -> Bools:
        return ~(self.yes | self.no)


class Readings:
    """What was read of one fleet at one instant, so that twenty policies read it once."""

    def __init__(self, view: FleetView) -> None:
        self.view = view
        self.everybody = np.arange(view.size, dtype=np.int64)
        self.matched: dict[tuple[tuple[Matcher, ...], bool], Bools] = {}
        """Who a combination of matchers is about; see `matching`."""
        self.admitted: dict[Matcher, Bools] = {}
        self._values: dict[tuple[str, Window | None, Filter], Floats] = {}
        self._quantiles: dict[tuple[str, Window, Filter], tuple[Floats, Bools]] = {}

    def number(self, measured: Measured, outcomes: Filter, slots: Integers) -> Floats:
        """A measure of the agents in `slots`."""
        if measured.name in QUANTILES and measured.window is not None:
            return self._quantile(measured.name, measured.window, outcomes, slots)
        values = self._value(measured.name, measured.window, outcomes)
        return values if slots is self.everybody else values[slots]

    def plain(self, name: str) -> Floats:
        """A measure without a window, of everybody."""
        return self._value(name, None, _ANY_OUTCOME)

    def _value(self, name: str, window: Window | None, outcomes: Filter) -> Floats:
        key = (name, window, outcomes)
        known = self._values.get(key)
        if known is None:
            known = self._values[key] = _finite(self.view.value(name, window, outcomes))
        return known

    def _quantile(self, name: str, window: Window, outcomes: Filter, slots: Integers) -> Floats:
        key = (name, window, outcomes)
        if key not in self._quantiles:
            size = self.view.size
            self._quantiles[key] = (np.full(size, np.nan), np.zeros(size, dtype=np.bool_))
        values, is_known = self._quantiles[key]
        missing = slots[~is_known[slots]]
        if missing.size:
            values[missing] = _finite(self.view.quantile(name, window, outcomes, missing))
            is_known[missing] = True
        return values[slots]


@dataclass(frozen=True, slots=True)
class Evaluator:
    """Evaluates one policy's expressions: the readings under its own filter of outcomes."""

    readings: Readings
    outcomes: Filter

    def truth(self, node: Expression, slots: Integers) -> Truth:
        """Kleene's three values of a condition, for the agents in `slots`."""
        match node:
            case Comparison():
                left, right = self.number(node.left, slots), self.number(node.right, slots)
                return _compared(node.operator, left, right)
            case Not():
                answer = self.truth(node.operand, slots)
                return Truth(answer.no, answer.yes)
            case Logic():
                return self._logic(node, slots)
            case _:
                raise TypeError(f"{type(node).__name__} is a number, not a condition")

    def number(self, node: Expression, slots: Integers) -> Floats:
        """A number, NaN where unknown; never infinite."""
        match node:
            case Constant():
                return np.broadcast_to(np.float64(node.value), slots.shape)
            case Measured():
                return self.readings.number(node, self.outcomes, slots)
            case Negative():
                return -self.number(node.operand, slots)
            case Arithmetic():
                left, right = self.number(node.left, slots), self.number(node.right, slots)
                return _calculated(node.operator, left, right)
            case Call():
                return _called(node, [self.number(each, slots) for each in node.arguments])
            case _:
                raise TypeError(f"{type(node).__name__} is a condition, not a number")

    def strength(self, node: Expression, slots: Integers, *, holds: bool = True) -> Floats:
        """How far beyond its threshold a condition is, from 0 to 1, for agents for whom it holds (or does not).

        A comparison's is |left - right| / (|left| + |right|): twice the limit is 1/3 whatever the unit and the
        direction, nothing at all against something is 1. `and` is as strong as its weakest part, `or` as its
        strongest true one. An equality that holds is beyond nothing: 0. To 9 decimals.
        """
        return np.round(self._strength(node, slots, holds), 9)

    def _strength(self, node: Expression, slots: Integers, holds: bool) -> Floats:
        match node:
            case Not():
                return self._strength(node.operand, slots, not holds)
            case Logic():
                # what holds of an `and` is all of it; what fails of it, any part; `or` the other way round
                strengths = [self._strength(each, slots, holds) for each in node.operands]
                if (node.operator == "and") is holds:
                    return _least(strengths)
                answers = [self.truth(each, slots) for each in node.operands]
                stand = [answer.yes if holds else answer.no for answer in answers]
                return _most(
                    [np.where(s, x, 0.0) for s, x in zip(stand, strengths, strict=True)]
                )
            case Comparison():
                left, right = self.number(node.left, slots), self.number(node.right, slots)
                return _margin(left, right)
            case _:
                raise TypeError(f"{type(node).__name__} is a number, not a condition")

    def _logic(self, node: Logic, slots: Integers) -> Truth:
        """Operands that read no quantile first; the others only for agents they can still change."""
        quick = [each for each in node.operands if not reads_quantile(each)]
        slow = [each for each in node.operands if reads_quantile(each)]
        answer = _neutral(node.operator, slots.size)
        for operand in quick:
            answer = _joined(node.operator, answer, self.truth(operand, slots))
        for operand in slow:
            is_open = ~(answer.no if node.operator == "and" else answer.yes)
            part = self.truth(operand, slots[is_open])
            whole = _neutral(node.operator, slots.size)
            whole.yes[is_open], whole.no[is_open] = part.yes, part.no
            answer = _joined(node.operator, answer, whole)
        return answer


def measures_of(node: Expression) -> Iterator[Measured]:
    """Every measure an expression reads, as often as it is written, left to right."""
    match node:
        case Measured():
            yield node
        case Constant():
            return
        case Arithmetic() | Comparison():
            yield from measures_of(node.left)
            yield from measures_of(node.right)
        case Negative() | Not():
            yield from measures_of(node.operand)
        case Call():
            for argument in node.arguments:
                yield from measures_of(argument)
        case Logic():
            for operand in node.operands:
                yield from measures_of(operand)


def reads_quantile(node: Expression) -> bool:
    """Whether answering it means asking agent by agent."""
    return any(measured.name in QUANTILES for measured in measures_of(node))


def _neutral(operator: str, size: int) -> Truth:
    """What changes nothing when joined: true for `and`, false for `or`."""
    everywhere, nowhere = np.ones(size, dtype=np.bool_), np.zeros(size, dtype=np.bool_)
    return Truth(everywhere, nowhere) if operator == "and" else Truth(nowhere, everywhere)


def _joined(operator: str, one: Truth, other: Truth) -> Truth:
    if operator == "and":
        return Truth(one.yes & other.yes, one.no | other.no)
    if operator == "or":
        return Truth(one.yes | other.yes, one.no & other.no)
    raise ValueError(f"unknown operator {operator!r}")


def _compared(operator: str, left: Floats, right: Floats) -> Truth:
    match operator:
        case "<":
            return Truth(left < right, left >= right)
        case "<=":
            return Truth(left <= right, left > right)
        case ">":
            return Truth(left > right, left <= right)
        case ">=":
            return Truth(left >= right, left < right)
        case "==":
            return Truth(left == right, (left < right) | (left > right))
        case "!=":
            return Truth((left < right) | (left > right), left == right)
        case _:
            raise ValueError(f"unknown operator {operator!r}")


def _calculated(operator: str, left: Floats, right: Floats) -> Floats:
    with np.errstate(all="ignore"):
        match operator:
            case "+":
                return _finite(left + right)
            case "-":
                return _finite(left - right)
            case "*":
                return _finite(left * right)
            case "/":
                return _finite(left / right)
            case _:
                raise ValueError(f"unknown operator {operator!r}")


def _called(node: Call, arguments: list[Floats]) -> Floats:
    match node.function:
        case "min":
            return _least(arguments)
        case "max":
            return _most(arguments)
        case "abs":
            (argument,) = arguments
            return np.abs(argument)
        case _:
            raise ValueError(f"unknown function {node.function!r}")


def _least(columns: list[Floats]) -> Floats:
    least: Floats = np.minimum.reduce(columns)  # NaN stays NaN
    return least


def _most(columns: list[Floats]) -> Floats:
    most: Floats = np.maximum.reduce(columns)
    return most


def _finite(values: Floats) -> Floats:
    """Infinite is no measurement: unknown."""
    infinite = np.isinf(values)
    return np.where(infinite, np.nan, values) if infinite.any() else values


def _margin(left: Floats, right: Floats) -> Floats:
    with np.errstate(all="ignore"):
        beyond = np.abs(left - right) / (np.abs(left) + np.abs(right))
    return np.where(np.isfinite(beyond), beyond, 0.0)
