"""Which facts the rows of a checkpoint include already.

Every restored row stands at a journal place of its own: what the same writer numbered up to there, and everything
of former writers, is in it.
"""

import numpy as np
from numpy.typing import NDArray

from pinkslip.fleet.snapshot import Integers

Place = tuple[int, int]
"""(writer, seq)."""


class Numbering:
    """Who numbers the facts now, how far they have come, and up to which writer rows were restored."""

    def __init__(self) -> None:
        self.writer = 0
        """0: nobody said; nothing is in any row then."""
        self.seq = 0
        self._newest_restored = -1

    def begin(self, writer: int) -> None:
        """Another writer numbers from now on."""
        self.writer, self.seq = writer, 0

    def reached(self, seq: int) -> None:
        """A fact with this number was folded."""
        self.seq = max(self.seq, seq)

    def restored(self, writer: int) -> None:
        """A row was restored that stands at a place of this writer."""
        self._newest_restored = max(self._newest_restored, writer)

    @property
    def may_be_in_rows(self) -> bool:
        """Whether anything told now can be in a restored row: almost always it is surely new."""
        return 0 < self.writer <= self._newest_restored

    def is_in(self, place: Place, seq: int) -> bool:
        """Whether a row at `place` includes the fact with this number."""
        return self.may_be_in_rows and (self.writer, seq) <= place

    def are_after(
        self, seqs: Integers, writers: int | Integers, places: int | Integers
    ) -> NDArray[np.bool_]:
        """Which facts rows at these places do not include."""
        same = self.writer == np.asarray(writers)
        after: NDArray[np.bool_] = (self.writer > np.asarray(writers)) | (
            same & (seqs > np.asarray(places))
        )
        return after
