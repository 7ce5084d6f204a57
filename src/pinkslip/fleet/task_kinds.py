"""Kinds of task as small numbers, and how many of each an agent did within a window.

The first 64 kinds that a workspace ever reports are told apart; later ones share one number. Outcomes without a
kind are a kind of their own.
"""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from pinkslip.fleet.outcomes import Counting, Field, Rows
from pinkslip.fleet.slots import Places
from pinkslip.fleet.snapshot import Counts

WITHOUT, OTHER = 0, 1
TOLD_APART = 64
KINDS = 2 + TOLD_APART

Numbers = NDArray[np.uint8]


class TaskKinds:
    """The number of each kind, in the order they were first reported."""

    def __init__(self) -> None:
        self._number_of: dict[str | None, int] = {None: WITHOUT}
        self._next = OTHER + 1

    def numbers(self, texts: NDArray[np.object_]) -> Numbers:
        """Of kinds that `learn` was asked about."""
        get = self._number_of.get
        return np.array([get(text, OTHER) for text in texts.tolist()], np.uint8)

    def unknown(self, texts: NDArray[np.object_]) -> list[int]:
        """Where in `texts` each new kind stands first; none when no more are told apart."""
        if self._next == KINDS:
            return []
        first: dict[str | None, int] = {}
        for place, text in enumerate(texts.tolist()):
            if text not in self._number_of:
                first.setdefault(text, place)
        return list(first.values())

    def learn(self, text: str) -> int | None:
        """Give a new kind its number; None when no more are told apart."""
        if self._next == KINDS:
            return None
        number = self._number_of[text] = self._next
        self._next += 1
        return number

    def restore(self, kinds: Iterable[tuple[int, str]]) -> None:
        """Kinds with the numbers they were given."""
        for number, text in kinds:
            self._number_of[text] = number
            self._next = max(self._next, number + 1)

    def by_name(self) -> list[int]:
        """Every number given, in an order that has nothing to do with who came first."""
        named = sorted((text, number) for text, number in self._number_of.items() if text)
        return [WITHOUT, OTHER, *(number for _, number in named)]


class Mix:
    """Tasks and successes by kind, of each subject. A kind nobody did takes no memory."""

    def __init__(self, capacity: int) -> None:
        self._tasks = np.zeros((KINDS, capacity), np.int32)
        self._successes = np.zeros((KINDS, capacity), np.int32)
        self._used = np.zeros(KINDS, np.bool_)

    def add(self, subjects: Places, rows: Rows, counts: Counting, sign: int = 1) -> None:
        """Outcomes that come (or go, by a sign of -1), each of its subject."""
        where = rows.task.astype(np.intp) * self._tasks.shape[1] + subjects
        for column, field in (
            (self._tasks, Field.TASKS),
            (self._successes, Field.SUCCESSES),
        ):
            np.add.at(
                column.reshape(-1),
                where,
                sign * counts.tables[field][rows.kind].astype(np.int32),
            )
        self._used[rows.task] = True

    def clear(self, subjects: Places | slice) -> None:
        """Start over for these."""
        for number in np.flatnonzero(self._used):
            self._tasks[number, subjects] = self._successes[number, subjects] = 0

    def grow(self, capacity: int) -> None:
        """Room for more subjects."""
        for name in ("_tasks", "_successes"):
            column = getattr(self, name)
            longer = np.zeros((KINDS, capacity), np.int32)
            for number in np.flatnonzero(self._used):
                longer[number, : column.shape[1]] = column[number]
            setattr(self, name, longer)

    def of(self, numbers: Sequence[int], subjects: Places | slice) -> tuple[Counts, Counts]:
        """Tasks and successes, a row for each of these kinds that any of the subjects did."""
        used = [number for number in numbers if self._used[number]]
        done = [number for number in used if self._tasks[number, subjects].any()]
        size = len(self._tasks[0, subjects])
        tasks, successes = np.empty((2, len(done), size), np.int32)
        for place, number in enumerate(done):
            tasks[place] = self._tasks[number, subjects]
            successes[place] = self._successes[number, subjects]
        return tasks, successes
