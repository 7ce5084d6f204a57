"""Most of a fleet shares a few counts: work out each combination once, and give it to everybody who has it."""

from collections.abc import Callable, Sequence

import numpy as np

from pinkslip.fleet.snapshot import Floats, Integers

_TABLE_MAX = 1 << 22
_KEY_MAX = 1 << 62


def by_distinct(
    columns: Sequence[Integers], work: Callable[[Sequence[Integers]], Floats]
) -> Floats:
    """`work(columns)`, asked of each distinct row once. Counts are not negative; `work` goes row by row."""
    keys = _keys(columns)
    if keys is None:
        return work(columns)
    firsts, back = _firsts(keys)
    return work([column[firsts] for column in columns])[back]


def _keys(columns: Sequence[Integers]) -> Integers | None:
    """One number per row; None where they do not fit into one."""
    keys, room = np.zeros_like(columns[0]), 1
    for column in columns:
        width = int(column.max(initial=0)) + 1
        room *= width
        if room > _KEY_MAX:
            return None
        keys = keys * width + column
    return keys


def _firsts(keys: Integers) -> tuple[Integers, Integers]:
    """A row for each distinct key, and per row the place of its key among them.

    Small keys index a table, which is several times as fast as sorting.
    """
    highest = int(keys.max(initial=0))
    if highest >= _TABLE_MAX:
        _, firsts, back = np.unique(keys, return_index=True, return_inverse=True)
        return firsts, back
    row_of = np.full(highest + 1, -1, dtype=np.int64)
    row_of[keys] = np.arange(len(keys))
    present = np.flatnonzero(row_of >= 0)
    place = np.empty(highest + 1, dtype=np.int64)
    place[present] = np.arange(len(present))
    return row_of[present], place[keys]
