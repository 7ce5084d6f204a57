"""Those that fail share something: their model, their host, their version. Then it is not their own fault.

For each value of each factor its agents are held against the rest in a 2x2 table of failing and not failing,
by Fisher's exact test, one-sided (R. A. Fisher, "On the interpretation of chi-squared from contingency tables",
1922; "The Design of Experiments", 1935). The error is divided by the number of groups that could be found at all
(Bonferroni). A group is guilty when enough of it fail, a large enough share of it, and chance is unlikelier than
that. They are found in rounds: the unlikeliest by chance, with all that follow it and are of the same factor, which
share no agent with it. What a round explains is set aside before the next, so that a model's failure is not told a
second time of its provider.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile

import numpy as np
from msgspec import Struct

from pinkslip.fleet.needs import Words
from pinkslip.fleet.snapshot import Floats, Integers
from pinkslip.judge.docket import Cases, Hold
from pinkslip.judge.numeric import fisher_greater, recorded, share_in_billionths
from pinkslip.judge.view import Bools
from pinkslip.model.policy import CommonCause

_UNKNOWN = -1


class Cause(Struct, frozen=True):
    """What failing agents share. Agents that a former round explains are not counted."""

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
    values: Integers
    """Per slot: the code of the agent's value, judged or not."""
    value: int
    """The code that is guilty."""

    def concerns(self, slots: Integers) -> Bools:
        """Whether the agents in `slots` have the value."""
        concerned: Bools = self.values[slots] == self.value
        return concerned


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
    limit = rule.error / max(tested, 1)
    found: list[Guilty] = []
    while groups := _next_round(tables, rule, limit=limit):
        explained = np.zeros(len(judged), dtype=np.bool_)
        for table, code, cause in groups:
            explained |= table.codes == code
            found.append(Guilty(cause, table.everybody, code))
        for table in tables:
            table.set_aside(explained, failing)
    return tuple(found)


def hold(cases: Cases, *, real: Sequence[Guilty], virtual: Sequence[Guilty]) -> Hold:
    """Probation, quarantine and fire of agents in a guilty group; in shadow as though all were enforced."""
    holds = np.zeros(len(cases), dtype=np.bool_)
    for found, side in ((real, ~cases.is_shadow), (virtual, cases.is_shadow)):
        for group in found:
            holds |= side & group.concerns(cases.slot)

    def words(case: int) -> str:
        found = virtual if cases.is_shadow[case] else real
        slot = cases.slot[[case]]
        return next(group for group in found if group.concerns(slot).all()).cause.words

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

    def unlikely(self, rule: CommonCause, *, limit: float) -> "list[_Group]":
        """The values whose failures chance explains with less than `limit`."""
        codes = self.suspects(rule)
        chances = self._chances(codes)
        is_below = chances < limit
        return [
            (self, code, self._cause(code, chance))
            for code, chance in zip(
                codes[is_below].tolist(), chances[is_below].tolist(), strict=True
            )
        ]

    def _chances(self, codes: Integers) -> Floats:
        """The chance of each value's failures, as records keep it. Of a thousand hosts most have the same numbers."""
        fails, sizes = self.fails[codes], self.sizes[codes]
        all_fails, everybody = int(self.fails.sum()), int(self.sizes.sum())
        pairs, place = np.unique(fails * (everybody + 1) + sizes, return_inverse=True)
        chances = [
            fisher_greater(own_fails, size, all_fails - own_fails, everybody - size)
            for own_fails, size in (divmod(pair, everybody + 1) for pair in pairs.tolist())
        ]
        return np.array([recorded(chance) or 0.0 for chance in chances])[place]

    def _cause(self, code: int, chance: float) -> Cause:
        failing, size = int(self.fails[code]), int(self.sizes[code])
        return Cause(
            factor=self.factor,
            value=self.values[code],
            failing=failing,
            size=size,
            others_failing=int(self.fails.sum()) - failing,
            others_size=int(self.sizes.sum()) - size,
            p=chance,
        )


_Group = tuple[_Table, int, Cause]
"""A factor's table, the code of one of its values, and what that value is guilty of."""


def _next_round(
    tables: Sequence[_Table], rule: CommonCause, *, limit: float
) -> Sequence[_Group]:
    """The guilty group that chance explains worst, and those of its factor that come before any other factor's."""
    groups = [group for table in tables for group in table.unlikely(rule, limit=limit)]
    groups.sort(key=lambda group: _precedence(group[2], rule))
    return list(takewhile(lambda group: group[0] is groups[0][0], groups))


def _precedence(cause: Cause, rule: CommonCause) -> tuple[float, int, int, str]:
    """By chance; of equals the one with more failing first, then by name."""
    return cause.p, -cause.failing, rule.factors.index(cause.factor), cause.value
