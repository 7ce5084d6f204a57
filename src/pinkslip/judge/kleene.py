"""Kleene's three values over a fleet: two masks, `yes` and `no`; where neither is set the answer is unknown.

Comparisons with NaN are false in IEEE arithmetic, which is exactly what sets neither.
"""

from dataclasses import dataclass

import numpy as np

from pinkslip.fleet.snapshot import Floats
from pinkslip.judge.view import Bools


@dataclass(frozen=True, slots=True)
class Truth:
    """A condition's answer per slot asked."""

    yes: Bools
    no: Bools

    @property
    def unknown(self) -> Bools:
        return ~(self.yes | self.no)


def neutral(operator: str, size: int) -> Truth:
    """What changes nothing when joined: true for `and`, false for `or`."""
    everywhere, nowhere = np.ones(size, dtype=np.bool_), np.zeros(size, dtype=np.bool_)
    return Truth(everywhere, nowhere) if operator == "and" else Truth(nowhere, everywhere)


def joined(operator: str, one: Truth, other: Truth) -> Truth:
    """`and` or `or` of two answers."""
    if operator == "and":
        return Truth(one.yes & other.yes, one.no | other.no)
    if operator == "or":
        return Truth(one.yes | other.yes, one.no & other.no)
    raise ValueError(f"unknown operator {operator!r}")


def compared(operator: str, left: Floats, right: Floats) -> Truth:
    """A comparison of two numbers; unknown where one of them is."""
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
