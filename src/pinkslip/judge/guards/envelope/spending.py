"""Who goes while there is room: cases in order of evidence, and of those refused by which rule, in words."""

from dataclasses import dataclass, field

import numpy as np

from pinkslip.fleet.snapshot import Integers
from pinkslip.judge.docket import Cases, Pools, strongest_first
from pinkslip.judge.guards.envelope.ledger import (
    FREE,
    MAX_FIRES,
    MAX_QUARANTINED,
    MIN_ACTIVE,
    Ledger,
)
from pinkslip.judge.phrases import counted, span
from pinkslip.judge.view import Bools


@dataclass(slots=True)
class Spending:
    """Passes over the cases in order of evidence, with what was refused and why."""

    cases: Cases
    pools: Pools
    rules: Integers
    """Per case: which rule refused it."""
    moot: Bools
    stage: Integers
    """Per refused case: which of `ledgers` refused it."""
    ledgers: list[Ledger] = field(default_factory=list)
    """As they stood when they refused."""

    @classmethod
    def of(cls, cases: Cases, pools: Pools) -> "Spending":
        count = len(cases)
        return cls(
            cases,
            pools,
            rules=np.full(count, FREE, dtype=np.int64),
            moot=np.zeros(count, dtype=np.bool_),
            stage=np.zeros(count, dtype=np.int64),
        )

    def spend(self, ledger: Ledger, asking: Bools, *, doubles_are_moot: bool) -> None:
        """Fire, then quarantine, whom there is room for."""
        self._fire(ledger, np.flatnonzero(asking & self.cases.fires), doubles_are_moot)
        self._quarantine(
            ledger, np.flatnonzero(asking & self.cases.quarantines), doubles_are_moot
        )

    def _fire(self, ledger: Ledger, asking: Integers, doubles_are_moot: bool) -> None:
        """1. Who is gone already is moot. 2. What was announced is redeemed. 3. The rest, while there is room."""
        order = strongest_first(self.cases, asking)
        order = self._without_gone(order, ledger, doubles_are_moot)
        is_announced = self._among(order, ledger.announced)
        self._redeem(ledger, order[is_announced], doubles_are_moot)
        fresh = order[~is_announced]
        firsts = self._one_of_each(fresh)
        passing = firsts[self._has_room(firsts, ledger.fire_room())]
        going = passing[: ledger.fires_left]
        ledger.fire(self._pool(going))
        self._refuse(fresh[~self._concern(fresh, going)], ledger.fire_refusals(), ledger)
        self._go(ledger, fresh, going, doubles_are_moot)

    def _redeem(self, ledger: Ledger, order: Integers, doubles_are_moot: bool) -> None:
        """Ask again for those whose fire was announced. They are few, and counted already.

        Who is refused gives the place back, for those behind.
        """
        firsts = self._one_of_each(order)
        for place in range(len(firsts)):
            first = firsts[place : place + 1]
            pool, number = self._pool(first), int(self.cases.number[first[0]])
            ledger.take_back(pool, number)
            refusals = ledger.fire_refusals()
            if refusals[pool[0]] == FREE:
                ledger.fire(pool)
                self._go(ledger, order, first, doubles_are_moot)
            else:
                ledger.announced.discard(number)
                self._refuse(order[self._concern(order, first)], refusals, ledger)

    def _go(
        self, ledger: Ledger, order: Integers, going: Integers, doubles_are_moot: bool
    ) -> None:
        """Agents go, each by the strongest of its cases that need not wait; where all wait, it is announced.

        In shadow nothing waits, and each policy's case is recorded.
        """
        cases = order[self._concern(order, going)]
        at_once_first = cases[np.argsort(self.cases.announces[cases], kind="stable")]
        acting = self._one_of_each(at_once_first)
        waits = self.cases.announces[acting] & doubles_are_moot
        gone = set(self.cases.number[acting[~waits]].tolist())
        ledger.gone |= gone
        ledger.announced |= set(self.cases.number[acting[waits]].tolist())
        ledger.announced -= gone
        if doubles_are_moot:
            self.moot[np.setdiff1d(cases, acting)] = True

    def _quarantine(self, ledger: Ledger, asking: Integers, doubles_are_moot: bool) -> None:
        """Several policies may quarantine one agent at once: that is one quarantine, and the longest holds."""
        order = strongest_first(self.cases, asking)
        order = self._without_gone(order, ledger, doubles_are_moot)
        order = order[~self._among(order, ledger.aside)]
        firsts = self._one_of_each(order)
        is_announced = self._among(firsts, ledger.announced)
        for some, is_staying in ((firsts[is_announced], False), (firsts[~is_announced], True)):
            room = ledger.quarantine_room(of_staying=is_staying)
            going = some[self._has_room(some, room)]
            ledger.quarantine(self._pool(going), of_staying=is_staying)
            ledger.aside.update(self.cases.number[going].tolist())
        refused = ~self._among(order, ledger.aside)
        self._refuse(order[refused], ledger.quarantine_refusals(), ledger)

    def _without_gone(
        self, order: Integers, ledger: Ledger, doubles_are_moot: bool
    ) -> Integers:
        double = self._among(order, ledger.gone)
        if doubles_are_moot:
            self.moot[order[double]] = True
        return order[~double]

    def _among(self, which: Integers, numbers: set[int]) -> Bools:
        return np.isin(self.cases.number[which], np.fromiter(numbers, np.int64, len(numbers)))

    def _one_of_each(self, order: Integers) -> Integers:
        """The first case of each agent, in the same order."""
        _, first = np.unique(self.cases.number[order], return_index=True)
        return order[np.sort(first)]

    def _concern(self, order: Integers, going: Integers) -> Bools:
        """Whether a case is about the agent of one of `going`."""
        return np.isin(self.cases.number[order], self.cases.number[going])

    def _pool(self, which: Integers) -> Integers:
        return self.pools.codes[self.cases.slot[which]]

    def _has_room(self, firsts: Integers, room: Integers) -> Bools:
        """Whether a case is among the first of its pool for whom there is room.

        Taking them one by one and counting anew comes to the same: a pool's room shrinks by its own only.
        """
        pool = self._pool(firsts)
        order = np.argsort(pool, kind="stable")
        begins = np.searchsorted(pool[order], pool[order], side="left")
        place = np.empty(len(firsts), dtype=np.int64)
        place[order] = np.arange(len(firsts)) - begins
        return place < room[pool]

    def _refuse(self, refused: Integers, refusals: Integers, ledger: Ledger) -> None:
        """Note which rule, and the numbers of this moment. `refusals` is by pool."""
        if len(refused):
            self.rules[refused] = refusals[self._pool(refused)]
            self.stage[refused] = len(self.ledgers)
            self.ledgers.append(ledger.copy())

    def reason(self, case: int) -> str:
        """Why a case was refused, in words."""
        ledger = self.ledgers[self.stage[case]]
        pool = int(self.pools.codes[self.cases.slot[case]])
        name = self.pools.spoken(pool)
        if self.rules[case] == MIN_ACTIVE:
            active, stay = int(ledger.active[pool]), ledger.guards.min_active
            return f"{name} has {counted(active, 'active agent')}: at least {stay} must stay"
        if self.rules[case] == MAX_FIRES:
            rule = ledger.guards.max_fires
            return (
                f"the workspace allows {counted(rule.count, 'fire')} in {span(rule.per_ms)}, "
                f"{ledger.fires} done{_counting(ledger)}"
            )
        if self.rules[case] == MAX_QUARANTINED:
            return (
                f"{name} has {counted(int(ledger.size[pool]), 'agent')}: at most "
                f"{int(ledger.quarantine_limit[pool])} in quarantine at once, "
                f"{int(ledger.quarantined[pool])} there"
            )
        return f"{name} {_fired_of(ledger, pool)}"


def _fired_of(ledger: Ledger, pool: int) -> str:
    """`had 10 agents 1 h ago (9 now): at most 1 fire in 1 h, 1 done`."""
    active, at_start = int(ledger.active[pool]), int(ledger.at_start[pool])
    per = span(ledger.guards.max_fired.per_ms)
    size = f"has {counted(active, 'agent')}"
    if at_start != active:
        size = f"had {counted(at_start, 'agent')} {per} ago ({active} now)"
    return (
        f"{size}: at most {counted(int(ledger.fire_limit[pool]), 'fire')} in {per}, "
        f"{int(ledger.fired[pool])} done{_counting(ledger)}"
    )


def _counting(ledger: Ledger) -> str:
    return " or announced" if ledger.announced else ""
