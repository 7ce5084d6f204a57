"""Who was active when, as far back as the envelope asks: each time somebody left, came back or was set aside.

A log of what each agent was before a change. What it was at an earlier instant is what the first change after
it says; without one, what it is now. So nothing is guessed, however often an agent comes and goes.
"""

from array import array
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pinkslip.fleet.columns import Columns
from pinkslip.fleet.slots import Slots
from pinkslip.fleet.snapshot import Codes
from pinkslip.model.facts import Finished, Fired, Reinstated, Released, Revived, Stood
from pinkslip.model.policy import Guards
from pinkslip.model.words import Standing, code_of

Bools = NDArray[np.bool_]
Move = Finished | Revived | Fired | Reinstated | Stood | Released
"""What changes whether an agent is active."""
Stand = Fired | Reinstated | Stood | Released
"""Those that change its standing."""
End = Finished | Revived | Reinstated
"""Those after which it has finished, or has not."""

EVERYTHING = -1
LEAST_MS = Guards().max_fired.per_ms
"""How far back is kept where nobody asks for more."""
_ACTIVE, _FIRED = code_of(Standing.ACTIVE), code_of(Standing.FIRED)
_FINISHED_BIT = 7
_COMPACT = 4_096


@dataclass(frozen=True, slots=True)
class Moves:
    """Who came and went later than `after`, up to `until`, in journal order."""

    after: int
    until: int
    moves: Sequence[Move]
    """With the change of standing before `after` of everybody whose standing is among them; and of those who were
    reinstated before they finished or came back, the end or return before that. Where there is one."""


class Was(NamedTuple):
    """What an agent was."""

    has_finished: bool
    standing: int
    """As a code."""


class Presence:
    """One workspace's changes, oldest first."""

    def __init__(self) -> None:
        self.keep_ms = LEAST_MS
        self.since = EVERYTHING
        """Every change later than this is here."""
        self._first = 0
        """Where the changes begin that are asked for still."""
        self._at = array("q")
        self._numbers = array("q")
        self._was = bytearray()
        """The standing, and whether it had finished as the highest bit."""

    def __len__(self) -> int:
        return len(self._at) - self._first

    def note(self, number: int, at: int, was: Was) -> None:
        """What an agent was until a change at `at`, which is no earlier than those noted before."""
        self._at.append(at)
        self._numbers.append(number)
        self._was.append(was.standing | was.has_finished << _FINISHED_BIT)

    def leave(self, now: int) -> None:
        """Let go of what lies further back than is asked for."""
        self.since = max(self.since, now - self.keep_ms)
        self._first = bisect_right(self._at, self.since, self._first)
        if self._first > max(_COMPACT, len(self)):
            for column in (self._at, self._numbers, self._was):
                del column[: self._first]
            self._first = 0

    def at(self, then: int, columns: Columns, slots: Slots) -> tuple[Bools, Codes]:
        """Per slot: whether it had finished by an instant, and its standing. Before `since` it is as at `since`."""
        finished: Bools = columns.finished_at[: slots.size] > 0
        standing: Codes = columns.standing[: slots.size].copy()
        begin = bisect_right(self._at, max(then, self.since), self._first)
        places = slots.of(np.array(self._numbers[begin:], np.int64))
        known = np.flatnonzero(places >= 0)[::-1]  # of several for one place the last one stays
        was = np.array(self._was[begin:], np.uint8)[known]
        finished[places[known]] = was >> _FINISHED_BIT > 0
        standing[places[known]] = was & ((1 << _FINISHED_BIT) - 1)
        return finished, standing

    def begin_with(self, past: Moves, columns: Columns, slots: Slots) -> None:
        """What the journal says of the time up to `past.until` stands in place of what was noted of it."""
        moves, after = past.moves, past.after
        finished, standing = self.at(past.until, columns, slots)
        self._first = bisect_right(self._at, past.until, self._first)
        began_finished = {
            move.agent_no: isinstance(move, Revived)
            for move in reversed(moves)
            if isinstance(move, End)
        }
        stood = {move.agent_no for move in moves if isinstance(move, Stand)}
        later = self._at[self._first :], self._numbers[self._first :], self._was[self._first :]
        self._first, self._at, self._numbers, self._was = 0, array("q"), array("q"), bytearray()
        known: dict[int, Was] = {}
        for move in moves:
            number = move.agent_no
            slot = slots.get(number)
            if slot is None:
                continue
            was = known.get(number) or Was(
                began_finished.get(number, bool(finished[slot])),
                _ACTIVE if number in stood else int(standing[slot]),
            )
            if move.at > after:
                self.note(number, move.at, was)
            known[number] = _after(was, move)
        self._at += later[0]
        self._numbers += later[1]
        self._was += later[2]
        self.since = after


def _after(was: Was, move: Move) -> Was:
    match move:
        case Finished():
            return was._replace(has_finished=True)
        case Revived():
            return was._replace(has_finished=False)
        case Fired():
            return was._replace(standing=_FIRED)
        case Stood():
            is_fired = was.standing == _FIRED
            return was if is_fired else was._replace(standing=code_of(move.standing))
        case Released():
            return was._replace(standing=_ACTIVE)
        case Reinstated():
            return Was(has_finished=False, standing=_ACTIVE)
