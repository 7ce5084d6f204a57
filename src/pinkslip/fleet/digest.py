"""One number that says what was folded: equal digests, equal histories.

What is folded between two ticks is put into one order (outcomes by time and number, beats by time and agent,
changes by number), whatever the order and the batches it came in, and chained to what came before. Everything
in it is stored, so that it can be computed again from the rows.
"""

from collections.abc import Iterable
from hashlib import blake2b

import msgspec
import numpy as np

from pinkslip.fleet.changing import RowChange
from pinkslip.fleet.outcomes import Arrivals
from pinkslip.fleet.snapshot import Integers
from pinkslip.model.facts import AboutNobody, Blinded, Registered

Change = Registered | RowChange | AboutNobody | Blinded

SIZE = 16
START = bytes(SIZE)
"""The digest of a journal in which nothing has happened yet."""

_OUTCOME = np.dtype(
    [
        ("at", "<i8"),
        ("seq", "<i8"),
        ("number", "<i8"),
        ("event_id", "S16"),
        ("kind", "<u2"),
        ("counted", "u1"),
        ("duration", "<i8"),
        ("tokens_in", "<i8"),
        ("tokens_out", "<i8"),
        ("cost", "<i8"),
        ("score", "<i8"),
    ]
)
_BEAT = np.dtype([("at", "<i8"), ("number", "<i8")])
_canonical = msgspec.json.Encoder(order="deterministic").encode


class Digest:
    """Running BLAKE2b-128 over all facts folded."""

    def __init__(self) -> None:
        self.value = START
        self.folded = 0
        """Facts since the digest was last taken."""
        self._outcomes: list[np.ndarray] = []
        self._beats: list[np.ndarray] = []
        self._changes: list[tuple[int, bytes]] = []

    def add_outcomes(self, arrivals: Arrivals) -> None:
        """Outcomes, counted or not."""
        rows = np.empty(len(arrivals), _OUTCOME)
        for name in _OUTCOME.names or ():
            rows[name] = getattr(arrivals, name)
        self._outcomes.append(rows)
        self.folded += len(rows)

    def add_beats(self, numbers: Integers, at: Integers) -> None:
        """Heartbeats: a run of beats keeps no number for each, so none is in the digest."""
        rows = np.empty(len(numbers), _BEAT)
        rows["at"] = at
        rows["number"] = numbers
        self._beats.append(rows)
        self.folded += len(rows)

    def add_change(self, fact: Change) -> None:
        """Everything else, as the store writes it."""
        self._changes.append((fact.seq, _canonical(fact)))
        self.folded += 1

    def take(self) -> tuple[int, bytes]:
        """Facts since the last time, and the digest of everything; nothing new leaves it as it is."""
        folded, self.folded = self.folded, 0
        if folded:
            running = blake2b(self.value, digest_size=SIZE)
            for part in self._parts():
                running.update(len(part).to_bytes(8, "little"))
                running.update(part)
            self.value = running.digest()
            self._outcomes, self._beats, self._changes = [], [], []
        return folded, self.value

    def _parts(self) -> Iterable[bytes]:
        yield _in_order(self._outcomes, ("seq", "at"))
        yield _in_order(self._beats, ("number", "at"))
        yield b"\n".join(change for _, change in sorted(self._changes))


def _in_order(parts: list[np.ndarray], keys: tuple[str, str]) -> bytes:
    if not parts:
        return b""
    rows = np.concatenate(parts) if len(parts) > 1 else parts[0]
    second, first = (rows[key] for key in keys)
    later = first[1:] > first[:-1]
    later |= (first[1:] == first[:-1]) & (second[1:] >= second[:-1])
    if not later.all():
        rows = rows[np.lexsort([second, first])]
    return rows.tobytes()
