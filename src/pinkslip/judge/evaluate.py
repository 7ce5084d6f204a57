"""Expressions over a fleet: every agent at once, three-valued, what costs most last and only where it matters.

A number is a float64, NaN where unknown; a condition is a `Truth`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import KW_ONLY, dataclass, field, replace

import numpy as np

from pinkslip.fleet.snapshot import Floats, Integers
from pinkslip.judge.kleene import Truth, compared, joined, neutral
from pinkslip.judge.ledger import Ledger, whole
from pinkslip.judge.readings import DEFAULT_POOL, QUANTILES, Readings, finite
from pinkslip.judge.view import Bools
from pinkslip.judge.weighing import CONDITIONS, EVIDENCE, Weighed, Weighing
from pinkslip.model.policy import (
    Arithmetic,
    Call,
    Comparison,
    Constant,
    Expression,
    Filter,
    Logic,
    Measured,
    Negative,
    Not,
    Policy,
)
from pinkslip.model.words import Scope

__all__ = [
    "QUANTILES",
    "Evaluator",
    "Readings",
    "Truth",
    "calls_of",
    "measures_of",
    "reads_quantile",
]

_SLOW = frozenset({"posterior", "peers", "outlier"})
"""Functions that compare an agent with its pool: asked when it is known of whom."""


@dataclass(frozen=True, slots=True)
class Evaluator:
    """Evaluates one policy's expressions: the readings under its own filter of outcomes, its own evidence."""

    readings: Readings
    outcomes: Filter
    _: KW_ONLY
    ledger: Ledger | None = None
    """What its ladder leaves out; None: nothing."""
    pool: str = DEFAULT_POOL
    """The label whose agents are compared with each other."""
    scope: Scope = Scope.AGENT
    among: Bools | None = None
    """Whom the policy is about, per slot, for `fdr`; None: everybody active."""
    is_leaning: bool = False
    """Whether conditions are asked where they begin to lean, not where they are true."""
    bars: Mapping[Call, float] = field(default_factory=dict)
    """What `proven(..., fdr=...)` was held against, where a record says it; else it is worked out."""
    _weighing: Weighing = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Set the scales up."""
        view = self.readings.view
        weighing = Weighing(
            readings=self.readings,
            outcomes=self.outcomes,
            ledger=whole(view) if self.ledger is None else self.ledger,
            pool=self.pool,
            scope=self.scope,
            among=view.active if self.among is None else self.among,
            is_leaning=self.is_leaning,
            bars=dict(self.bars),
        )
        object.__setattr__(self, "_weighing", weighing)

    @classmethod
    def of(
        cls,
        policy: Policy,
        readings: Readings,
        *,
        ledger: Ledger | None,
        pool: str,
        among: Bools | None = None,
    ) -> "Evaluator":
        """One policy's, as its keys say."""
        return cls(
            readings,
            policy.outcomes,
            ledger=ledger,
            pool=pool,
            scope=policy.scope,
            among=among,
        )

    @property
    def books(self) -> Ledger:
        """What is left out of the evidence, and whether anything may be."""
        return self._weighing.ledger

    def truth(self, node: Expression, slots: Integers) -> Truth:
        """Kleene's three values of a condition, for the agents in `slots`."""
        match node:
            case Comparison():
                left, right = self.number(node.left, slots), self.number(node.right, slots)
                return compared(node.operator, left, right)
            case Not():
                answer = self.truth(node.operand, slots)
                return Truth(answer.no, answer.yes)
            case Logic():
                return self._logic(node, slots)
            case Call() if node.function in CONDITIONS:
                return self._weighing.truth(node, slots)
            case _:
                raise TypeError(f"{type(node).__name__} is a number, not a condition")

    @property
    def leaning(self) -> "Evaluator":
        """The same, its conditions asked earlier: every `proven` where its evidence begins to weigh against the agent
        (an e-value of 1), every `decayed` at a quarter of its limit. Who leans is no case yet, and tells of a
        cause that is about to make many."""
        return replace(self, is_leaning=True)

    def number(self, node: Expression, slots: Integers) -> Floats:
        """A number, NaN where unknown; never infinite."""
        match node:
            case Constant():
                return np.broadcast_to(np.float64(node.value), slots.shape)
            case Measured():
                return self.readings.number(node, self.outcomes, slots, pool=self.pool)
            case Negative():
                return -self.number(node.operand, slots)
            case Arithmetic():
                left, right = self.number(node.left, slots), self.number(node.right, slots)
                return _calculated(node.operator, left, right)
            case Call() if node.function in EVIDENCE:
                return self._weighing.number(node, slots)
            case Call():
                return _called(node, [self.number(each, slots) for each in node.arguments])
            case _:
                raise TypeError(f"{type(node).__name__} is a condition, not a number")

    def weigh(self, call: Call, slots: Integers) -> Weighed:
        """An evidence function's statistic, for the record."""
        return self._weighing.weigh(call, slots)

    def meter(self, node: Expression, slots: Integers) -> Floats:
        """How much of the way a condition has come, 0 to 1: `proven` and `decayed` by their statistic over what it
        must reach, comparisons all or nothing, `and` as far as its last part, `or` as its first; 0 where unknown."""
        match node:
            case Call():
                return self.weigh(node, slots).reached
            case Logic():
                meters = [self.meter(each, slots) for each in node.operands]
                return _least(meters) if node.operator == "and" else _most(meters)
            case _:
                return self.truth(node, slots).yes.astype(np.float64)

    def strength(self, node: Expression, slots: Integers, *, holds: bool = True) -> Floats:
        """How far beyond its threshold a condition is, from 0 to 1, for agents for whom it holds (or does not).

        A comparison's is |left - right| / (|left| + |right|): twice the limit is 1/3 whatever the unit and the
        direction, nothing at all against something is 1; with `posterior` it is that of the remaining doubt, so
        that half the doubt allowed is 1/3. That of `proven` and `decayed` is 1 - limit/statistic: twice the
        evidence needed is 1/2. `and` is as strong as its weakest part, `or` as its strongest true one. An
        equality that holds is beyond nothing: 0. To 9 decimals.
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
                if _weighs_chances(node):
                    left, right = 1.0 - left, 1.0 - right
                return _margin(left, right)
            case Call() if node.function in CONDITIONS:
                return self.weigh(node, slots).strength(holds=holds)
            case _:
                raise TypeError(f"{type(node).__name__} is a number, not a condition")

    def _logic(self, node: Logic, slots: Integers) -> Truth:
        """Cheap operands first; the others only for agents they can still change."""
        quick = [each for each in node.operands if not _is_slow(each)]
        slow = [each for each in node.operands if _is_slow(each)]
        answer = neutral(node.operator, slots.size)
        for operand in quick:
            answer = joined(node.operator, answer, self.truth(operand, slots))
        for operand in slow:
            is_open = ~(answer.no if node.operator == "and" else answer.yes)
            part = self.truth(operand, slots[is_open])
            every = neutral(node.operator, slots.size)
            every.yes[is_open], every.no[is_open] = part.yes, part.no
            answer = joined(node.operator, answer, every)
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


def calls_of(node: Expression) -> Iterator[Call]:
    """Every evidence function an expression asks, as often as it is written, left to right."""
    match node:
        case Call() if node.function in EVIDENCE:
            yield node
        case Call():
            for argument in node.arguments:
                yield from calls_of(argument)
        case Arithmetic() | Comparison():
            yield from calls_of(node.left)
            yield from calls_of(node.right)
        case Negative() | Not():
            yield from calls_of(node.operand)
        case Logic():
            for operand in node.operands:
                yield from calls_of(operand)
        case Constant() | Measured():
            return


def _weighs_chances(node: Comparison) -> bool:
    """Whether it compares a probability, of which the last percent is the one that matters."""
    return any(
        isinstance(side, Call) and side.function == "posterior"
        for side in (node.left, node.right)
    )


def _is_slow(node: Expression) -> bool:
    return reads_quantile(node) or any(call.function in _SLOW for call in calls_of(node))


def _calculated(operator: str, left: Floats, right: Floats) -> Floats:
    with np.errstate(all="ignore"):
        match operator:
            case "+":
                return finite(left + right)
            case "-":
                return finite(left - right)
            case "*":
                return finite(left * right)
            case "/":
                return finite(left / right)
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


def _margin(left: Floats, right: Floats) -> Floats:
    with np.errstate(all="ignore"):
        beyond = np.abs(left - right) / (np.abs(left) + np.abs(right))
    return np.where(np.isfinite(beyond), beyond, 0.0)
