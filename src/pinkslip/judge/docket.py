"""What guards are asked about: the cases of one tick, in columns, and the pools their agents stand in."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from pinkslip.fleet.snapshot import Floats, Integers
from pinkslip.judge.view import Bools, FleetView
from pinkslip.model.words import Action, code_of

_NOTIFY = code_of(Action.NOTIFY)
_QUARANTINE = code_of(Action.QUARANTINE)
_FIRE = code_of(Action.FIRE)


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
    action: Integers
    """Code of what it wants to do now: the policy's action, or its ladder's next rung."""
    announces: Bools
    """A fire that begins with a notice or with asking for approval: people are told, nobody goes yet."""
    is_shadow: Bools
    is_stale_type: Bools
    reads_outcomes: Bools
    by_lineage: Bools
    """The policy's evidence follows the worker through its ids."""

    def __len__(self) -> int:
        return len(self.rank)

    @property
    def fires(self) -> Bools:
        """Whether it comes to a fire, announced or not."""
        fires: Bools = self.action == _FIRE
        return fires

    @property
    def quarantines(self) -> Bools:
        quarantines: Bools = self.action == _QUARANTINE
        return quarantines

    @property
    def removes(self) -> Bools:
        """Whether the agent would do no more work: quarantine and fire."""
        return self.fires | self.quarantines

    @property
    def tells(self) -> Bools:
        """Whether it comes to a person being told something, and to nothing else yet."""
        tells: Bools = ~self.is_shadow & ((self.action == _NOTIFY) | self.announces)
        return tells

    @property
    def does_more_than_notify(self) -> Bools:
        more: Bools = self.action != _NOTIFY
        return more


_NO_NUMBERS = np.zeros(0, dtype=np.int64)
_NO_MARKS = np.zeros(0, dtype=np.bool_)
NO_CASES = Cases(
    rank=_NO_NUMBERS,
    slot=_NO_NUMBERS,
    number=_NO_NUMBERS,
    strength=np.zeros(0),
    action=_NO_NUMBERS,
    announces=_NO_MARKS,
    is_shadow=_NO_MARKS,
    is_stale_type=_NO_MARKS,
    reads_outcomes=_NO_MARKS,
    by_lineage=_NO_MARKS,
)
"""Nobody wants to act on anybody."""


@dataclass(frozen=True, slots=True)
class Hold:
    """Which cases a guard holds back, and its reason for one of them in words with numbers."""

    holds: Bools
    words: Callable[[int], str]
    asked: Bools | None = None
    """Whom it was asked about; None: about every case."""

    @classmethod
    def nobody(cls, cases: Cases) -> "Hold":
        """The answer of a guard that is switched off."""
        return cls(np.zeros(len(cases), dtype=np.bool_), lambda _case: "")


def strongest_first(cases: Cases, which: Integers) -> Integers:
    """Some of the cases by strength of evidence, ties by agent_no, then by the policies' order."""
    return which[np.lexsort((cases.rank[which], cases.number[which], -cases.strength[which]))]


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
