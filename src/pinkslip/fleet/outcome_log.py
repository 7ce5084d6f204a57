"""The outcomes that still matter, in time order, as columns that give memory back."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from pinkslip.fleet.outcomes import Rows

_LOG_COLUMNS: Mapping[str, type[np.generic]] = {
    "slot": np.int32,
    "at": np.int64,
    "kind": np.uint16,
    "duration": np.int64,
    "tokens": np.int64,
    "cost": np.int64,
    "score": np.int32,
    "key": np.int64,
    "task": np.uint8,
}
"""51 bytes an outcome; with the room to grow at most 64."""
_SMALLEST = 1_024


class OutcomeLog:
    """Outcomes in time order. Each has a place, a number that only grows while the log is not sorted anew."""

    def __init__(self) -> None:
        self.first = 0
        """The place of the oldest outcome kept."""
        self.end = 0
        """One past the place of the newest."""
        self.is_sorted = True
        self.newest_at = -1
        self._offset = 0
        """Where in the arrays the place 0 would be, negative once outcomes have been dropped."""
        self._columns = {
            name: np.zeros(_SMALLEST, dtype) for name, dtype in _LOG_COLUMNS.items()
        }

    def __len__(self) -> int:
        return self.end - self.first

    @property
    def nbytes(self) -> int:
        """Memory held."""
        return sum(column.nbytes for column in self._columns.values())

    def append(self, rows: Rows) -> None:
        """The newest outcomes. Ones older than those already here leave the log unsorted."""
        count = len(rows)
        if not count:
            return
        self._make_room(count)
        begin = self.end + self._offset
        for name, column in self._columns.items():
            column[begin : begin + count] = getattr(rows, name)
        if self.is_sorted:
            is_late = rows.at[0] < self.newest_at or bool((rows.at[1:] < rows.at[:-1]).any())
            self.is_sorted = not is_late
        self.newest_at = max(self.newest_at, int(rows.at.max()))
        self.end += count

    def rows(self, begin: int, end: int) -> Rows:
        """Outcomes at places [begin, end)."""
        part = slice(begin + self._offset, end + self._offset)
        columns = self._columns
        return Rows(
            columns["slot"][part].astype(np.intp),
            columns["at"][part],
            columns["kind"][part],
            columns["duration"][part],
            columns["tokens"][part],
            columns["cost"][part],
            columns["score"][part],
            columns["key"][part],
            columns["task"][part],
        )

    def slots(self, begin: int, end: int) -> NDArray[np.int32]:
        """Whose the outcomes at places [begin, end) are."""
        return self._columns["slot"][begin + self._offset : end + self._offset]

    def find(self, slot: int, at: int, key: int) -> int | None:
        """The place of one outcome. The log must be sorted."""
        begin, end = self.after(at - 1), self.after(at)
        part = slice(begin + self._offset, end + self._offset)
        found = np.flatnonzero(
            (self._columns["key"][part] == key) & (self._columns["slot"][part] == slot)
        )
        return begin + int(found[-1]) if len(found) else None

    def rescore(self, place: int, score: int) -> None:
        """Give the outcome at a place another score."""
        self._columns["score"][place + self._offset] = score

    def after(self, then: int) -> int:
        """The place of the first outcome later than `then`. The log must be sorted."""
        begin, end = self.first + self._offset, self.end + self._offset
        at = self._columns["at"][begin:end]
        return self.first + int(np.searchsorted(at, then, side="right"))

    def drop_before(self, place: int) -> None:
        """Forget the outcomes before `place`."""
        self.first = max(self.first, place)
        capacity = len(self._columns["at"])
        if capacity > 16 * _SMALLEST and len(self) < capacity // 4:
            self._move(2 * len(self) + _SMALLEST)

    def replace(self, rows: Rows) -> None:
        """Hold exactly these, sorted by time; outcomes of one instant stay in the order given."""
        order = np.argsort(rows.at, kind="stable")
        self.first = self.end = 0
        self._offset = 0
        self.newest_at = -1
        self.is_sorted = True
        self.append(rows.take(order))

    def _make_room(self, count: int) -> None:
        capacity = len(self._columns["at"])
        if self.end + self._offset + count <= capacity:
            return
        needed = len(self) + count
        if needed <= capacity * 7 // 8:
            self._move(capacity)
        else:
            self._move(max(needed, capacity * 5 // 4))

    def _move(self, capacity: int) -> None:
        part = slice(self.first + self._offset, self.end + self._offset)
        for name, column in self._columns.items():
            moved = column
            if len(column) != capacity:
                moved = np.zeros(capacity, column.dtype)
            moved[: len(self)] = column[part]
            self._columns[name] = moved
        self._offset = -self.first
