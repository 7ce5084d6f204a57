"""Those that fail share something: their model, their host, their version. Then it is not their own fault.

For each value of each factor its agents are held against the rest in a 2x2 table of failing and not failing,
by Fisher's exact test, one-sided (R. A. Fisher, "On the interpretation of chi-squared from contingency tables",
1922; "The Design of Experiments", 1935). The error is divided by the number of groups that could be found at all
(Bonferroni). A group is guilty when enough of it fail, a large enough share of it, and chance is unlikelier than
that. What one group explains is set aside before the next is looked for, so that a model's failure is not told
a second time of its provider.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from msgspec import Struct

from pinkslip.fleet.needs import Words
from pinkslip.fleet.snapshot import Integers
from pinkslip.judge.docket import Cases, Hold
from pinkslip.judge.numeric import fisher_greater, recorded, share_in_billionths
from pinkslip.judge.view import Bools
from pinkslip.model.policy import CommonCause

_UNKNOWN = -1


class Cause(Struct, frozen=True):
    """What failing agents share. Agents that a cause found before explains are not counted."""

    factor: str
    """`model`, `host`, `label.version`."""
    value: str
    failing: int
    """Agents with that value that fail."""
    size: int
    """All agents with that value, of those that are judged at all."""
    others_failing: int
    others_size: int
    """Of agents with another value."""
    p: float
    """The chance of so many failing among them, did the factor not matter; 9 significant digits."""

    @property
    def words(self) -> str:
        """`12 of 13 failing agents have model x: 12 of its 14 agents fail, 1 of the 60 others`."""
        return (
            f"{self.failing} of {self.failing + self.others_failing} failing agents have "
            f"{self.factor} {self.value}: {self.failing} of its {self.size} agents fail, "
            f"{self.others_failing} of the {self.others_size} others"
        )


@dataclass(frozen=True, slots=True)
class Guilty:
    """A cause, and whom it concerns."""

    cause: Cause
    agents: Bools
    """Per slot: every agent with the value."""


def guilty(
    factors: Sequence[tuple[str, Words]],
    *,
    failing: Bools,
    judged: Bools,
    rule: CommonCause,
) -> tuple[Guilty, ...]:
    """The groups that explain who fails, the unlikeliest by chance first.

    Only `judged` agents count: of others nobody knows whether they fail. Factors and their values come in any
    order; what is found does not depend on it.
    """
    tables = [_Table.of(name, words, failing=failing, judged=judged) for name, words in factors]
    tables = [table for table in tables if np.count_nonzero(table.sizes) >= 2]
    tested = sum(int(np.count_nonzero(table.sizes >= rule.at_least)) for table in tables)
    limit, known = rule.error / max(tested, 1), _Chances()
    found: list[Guilty] = []
    while (group := _unlikeliest(tables, rule, limit=limit, chances=known)) is not None:
        table, code, cause = group
        explained = table.codes == code
        found.append(Guilty(cause, table.everybody == code))
        for each in tables:
            each.set_aside(explained, failing)
    return tuple(found)


def hold(cases: Cases, *, real: Sequence[Guilty], virtual: Sequence[Guilty]) -> Hold:
    """Probation, quarantine and fire of agents in a guilty group; in shadow as though all were enforced."""
    holds = np.zeros(len(cases), dtype=np.bool_)
    for found, side in ((real, ~cases.is_shadow), (virtual, cases.is_shadow)):
        for group in found:
            holds |= side & group.agents[cases.slot]

    def words(case: int) -> str:
        found = virtual if cases.is_shadow[case] else real
        return next(group for group in found if group.agents[cases.slot[case]]).cause.words

    return Hold(cases.does_more_than_notify & holds, words)


@dataclass(slots=True)
class _Table:
    """One factor's groups, counted; what is explained already is taken off."""

    factor: str
    values: Sequence[str]
    everybody: Integers
    """Per slot: the code of its value, whether judged or not."""
    codes: Integers
    """The same of those judged and not explained yet."""
    sizes: Integers
    """Per value."""
    fails: Integers

    @classmethod
    def of(cls, factor: str, words: Words, *, failing: Bools, judged: Bools) -> "_Table":
        everybody = words.codes.astype(np.int64)
        if "" in words.vocabulary:  # an empty value is no value
            everybody[everybody == list(words.vocabulary).index("")] = _UNKNOWN
        codes = np.where(judged, everybody, _UNKNOWN)
        count = len(words.vocabulary)
        known = codes >= 0
        return cls(
            factor,
            words.vocabulary,
            everybody,
            codes,
            sizes=np.bincount(codes[known], minlength=count),
            fails=np.bincount(codes[known & failing], minlength=count),
        )

    def set_aside(self, explained: Bools, failing: Bools) -> None:
        """Count no more those whom a group explains."""
        gone = explained & (self.codes >= 0)
        count = len(self.sizes)
        self.sizes = self.sizes - np.bincount(self.codes[gone], minlength=count)
        self.fails = self.fails - np.bincount(self.codes[gone & failing], minlength=count)
        self.codes = np.where(gone, _UNKNOWN, self.codes)

    def suspects(self, rule: CommonCause) -> Integers:
        """Values of which enough fail, and more than elsewhere."""
        share = share_in_billionths(rule.share)
        rest_sizes, rest_fails = self.sizes.sum() - self.sizes, self.fails.sum() - self.fails
        are = (self.fails >= rule.at_least) & (self.fails * 1_000_000_000 >= share * self.sizes)
        are &= (self.fails > 0) & (self.fails * rest_sizes > rest_fails * self.sizes)
        return np.flatnonzero(are)

    def cause(self, code: int, chances: "_Chances") -> Cause:
        failing, size = int(self.fails[code]), int(self.sizes[code])
        others_failing = int(self.fails.sum()) - failing
        others_size = int(self.sizes.sum()) - size
        return Cause(
            factor=self.factor,
            value=self.values[code],
            failing=failing,
            size=size,
            others_failing=others_failing,
            others_size=others_size,
            p=chances.of(failing, size, others_failing, others_size),
        )


class _Chances:
    """Remembers tests: of a thousand hosts most have the same numbers."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, int, int, int], float] = {}

    def of(self, failing: int, size: int, others_failing: int, others_size: int) -> float:
        """The chance of so many failing in a group, as records keep it."""
        key = failing, size, others_failing, others_size
        if key not in self._known:
            self._known[key] = recorded(fisher_greater(*key)) or 0.0
        return self._known[key]


def _unlikeliest(
    tables: Sequence[_Table], rule: CommonCause, *, limit: float, chances: _Chances
) -> tuple[_Table, int, Cause] | None:
    """The guilty group that chance explains worst; of equals the one with more failing, then by name."""
    groups = [
        (table, code, table.cause(code, chances))
        for table in tables
        for code in table.suspects(rule).tolist()
    ]
    return min(
        (group for group in groups if group[2].p < limit),
        key=lambda group: _precedence(group[2], rule),
        default=None,
    )


def _precedence(cause: Cause, rule: CommonCause) -> tuple[float, int, int, str]:
    return cause.p, -cause.failing, rule.factors.index(cause.factor), cause.value
