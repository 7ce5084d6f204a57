"""What guards are asked about: the cases of one tick, in columns, and the pools their agents stand in."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from pinkslip.fleet.snapshot import Floats, Integers
from pinkslip.judge.view import Bools, FleetView


@dataclass(frozen=True, slots=True, kw_only=True)
class Cases:
    """Verdicts that want to act, one row each."""

    rank: Integers
    """The policy's place in its set."""
    slot: Integers
    number: Integers
    """agent_no."""
    strength: Floats
    """How far beyond its threshold the condition is; strongest first."""
    fires: Bools
    """The policy's action is fire."""
    is_shadow: Bools
    is_stale_type: Bools
    reads_outcomes: Bools

    def __len__(self) -> int:
        return len(self.rank)


@dataclass(frozen=True, slots=True)
class Hold:
    """Which cases a guard holds back, and its reason for one of them in words with numbers."""

    holds: Bools
    words: Callable[[int], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pools:
    """Every agent's pool: the value of the guards' pool label; agents without one make a pool of their own."""

    label: str
    codes: Integers
    """Per slot."""
    names: tuple[str, ...]

    def spoken(self, code: int) -> str:
        """`pool researcher`, as sentences name it."""
        name = self.names[code]
        return f"pool {name}" if name else f"the pool of agents without a {self.label}"

    def count(self, members: Bools) -> Integers:
        """How many of `members` (a mask over slots) each pool has."""
        return np.bincount(self.codes[members], minlength=len(self.names)).astype(np.int64)


def pools_of(view: FleetView, label: str) -> Pools:
    """Sort a fleet into pools."""
    words = view.words(label)
    names = list(words.vocabulary)
    codes = words.codes.astype(np.int64)
    if "" in names:  # an empty value is no value
        nameless = names.index("")
    else:
        nameless = len(names)
        names.append("")
    codes[codes < 0] = nameless
    return Pools(label=label, codes=codes, names=tuple(names))
