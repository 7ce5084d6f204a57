"""Columns that stand for rows of the store: instants that may be missing, and texts."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pinkslip.fleet.snapshot import Integers

NEVER = -1
"""Stands for None in columns of instants."""

Texts = NDArray[np.object_]


def integers(values: Sequence[int]) -> Integers:
    """A column of numbers."""
    return np.array(values, dtype=np.int64)


def instants(values: Sequence[int | None]) -> Integers:
    """A column of instants, some of them missing."""
    return integers([NEVER if value is None else value for value in values])


def instant(value: np.int64) -> int | None:
    """One of them, as the store keeps it."""
    return None if value == NEVER else int(value)


def texts(values: Sequence[str | None]) -> Texts:
    """A column of Python strings."""
    column = np.empty(len(values), dtype=np.object_)
    column[:] = list(values)
    return column
