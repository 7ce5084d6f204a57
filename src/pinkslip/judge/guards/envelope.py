"""How many may go: the envelope holds after the action.

Per pool, fires by policy within the window are at most max(at_least, floor(share x pool)), the pool counted
active when the window began, and `min_active` stay. Per workspace, at most `max_fires`. Cases are taken
strongest evidence first, ties by agent_no, and everything is counted anew after each fire.

Policies in shadow have an envelope of their own: it starts from the real one and adds the fires shadow would
have made, and takes nothing from the real one.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from pinkslip.fleet.snapshot import Integers
from pinkslip.judge.docket import Cases, Hold, Pools
from pinkslip.judge.memory import VirtualFire
from pinkslip.judge.numeric import share_in_billionths
from pinkslip.judge.phrases import counted, span
from pinkslip.judge.view import Bools, FleetView
from pinkslip.model.policy import Guards

_FREE, _MIN_ACTIVE, _MAX_FIRED, _MAX_FIRES = range(4)


@dataclass(slots=True)
class _Ledger:
    """What has been spent of the envelope, pool by pool."""

    guards: Guards
    active: Integers
    at_start: Integers
    """Active when the window of `max_fired` began."""
    fired: Integers
    """Fired by policy within that window."""
    fires: int
    """Fired by policy in the workspace, within the window of `max_fires`."""
    gone: set[int] = field(default_factory=set)
    """agent_no of those fired in this tick, or virtually gone."""

    @property
    def limit(self) -> Integers:
        """How many fires each pool's window allows."""
        rule = self.guards.max_fired
        share = share_in_billionths(rule.share) * self.at_start // 1_000_000_000
        return np.maximum(rule.at_least, share)

    def refusals(self) -> Integers:
        """Per pool: which rule one more fire would break."""
        refusals = np.full(len(self.active), _FREE, dtype=np.int64)
        if self.fires + 1 > self.guards.max_fires.count:
            refusals[:] = _MAX_FIRES
        refusals[self.fired + 1 > self.limit] = _MAX_FIRED
        refusals[self.active - 1 < self.guards.min_active] = _MIN_ACTIVE
        return refusals

    def fire(self, pool: int, number: int) -> None:
        self.fired[pool] += 1
        self.active[pool] -= 1
        self.fires += 1
        self.gone.add(number)

    def copy(self) -> "_Ledger":
        return _Ledger(
            self.guards,
            self.active.copy(),
            self.at_start.copy(),
            self.fired.copy(),
            self.fires,
            set(self.gone),
        )


@dataclass(frozen=True, slots=True)
class Allotted:
    """What the envelope made of the cases."""

    hold: Hold
    moot: Bools
    """Cases whose agent another policy fires in this very tick."""
    virtual: tuple[VirtualFire, ...]
    """Fires that shadow would have made now."""


def allot(
    cases: Cases,
    *,
    free: Bools,
    view: FleetView,
    pools: Pools,
    guards: Guards,
    virtual: Sequence[VirtualFire],
) -> Allotted:
    """Spend the envelope on the cases that no other guard holds (`free`)."""
    asking = free & cases.fires
    spending = _Spending.of(cases, pools)
    would_fire: list[int] = []
    if asking.any():
        real = _opened(view, pools, guards)
        spending.spend(real, np.flatnonzero(asking & ~cases.is_shadow), doubles_are_moot=True)
        imagined = _imagined(real, virtual, view=view, pools=pools)
        would_fire = spending.spend(
            imagined, np.flatnonzero(asking & cases.is_shadow), doubles_are_moot=False
        )
    fires = tuple(
        VirtualFire(view.now, int(cases.number[case]), int(view.incarnation[cases.slot[case]]))
        for case in would_fire
    )
    return Allotted(Hold(spending.rules != _FREE, spending.reason), spending.moot, fires)


def remembered(
    virtual: Sequence[VirtualFire], *, guards: Guards, now: int
) -> tuple[VirtualFire, ...]:
    """Without those too old for any window."""
    longest = max(guards.max_fired.per_ms, guards.max_fires.per_ms)
    return tuple(fire for fire in virtual if fire.at > now - longest)


@dataclass(slots=True)
class _Spending:
    """One pass over cases in order of evidence, with what was refused and why."""

    cases: Cases
    pools: Pools
    rules: Integers
    """Per case: which rule refused it."""
    moot: Bools
    stage: Integers
    """Per refused case: which of `ledgers` refused it."""
    ledgers: list[_Ledger] = field(default_factory=list)
    """As they stood when they refused."""

    @classmethod
    def of(cls, cases: Cases, pools: Pools) -> "_Spending":
        count = len(cases)
        return cls(
            cases,
            pools,
            rules=np.full(count, _FREE, dtype=np.int64),
            moot=np.zeros(count, dtype=np.bool_),
            stage=np.zeros(count, dtype=np.int64),
        )

    def spend(self, ledger: _Ledger, asking: Integers, *, doubles_are_moot: bool) -> list[int]:
        """Fire the strongest case whose pool still may, count anew, and so on. Returns who goes."""
        cases = self.cases
        order = asking[
            np.lexsort((cases.rank[asking], cases.number[asking], -cases.strength[asking]))
        ]
        going: list[int] = []
        while len(order):
            double = np.isin(cases.number[order], list(ledger.gone))
            if doubles_are_moot:
                self.moot[order[double]] = True
            order = order[~double]
            refusals = ledger.refusals()[self.pools.codes[cases.slot[order]]]
            allowed = np.flatnonzero(refusals == _FREE)
            first = int(allowed[0]) if len(allowed) else len(order)
            self.refuse(order[:first], refusals[:first], ledger)
            if first < len(order):
                case = int(order[first])
                ledger.fire(int(self.pools.codes[cases.slot[case]]), int(cases.number[case]))
                going.append(case)
            order = order[first + 1 :]
        return going

    def refuse(self, refused: Integers, rules: Integers, ledger: _Ledger) -> None:
        """Note which rule, and the numbers of this moment."""
        if len(refused):
            self.rules[refused] = rules
            self.stage[refused] = len(self.ledgers)
            self.ledgers.append(ledger.copy())

    def reason(self, case: int) -> str:
        """Why a case was refused, in words."""
        return self._spoken(case, self.ledgers[self.stage[case]])

    def _spoken(self, case: int, ledger: _Ledger) -> str:
        pool = int(self.pools.codes[self.cases.slot[case]])
        name, guards = self.pools.spoken(pool), ledger.guards
        active, at_start = int(ledger.active[pool]), int(ledger.at_start[pool])
        if self.rules[case] == _MIN_ACTIVE:
            return f"{name} has {counted(active, 'active agent')}: at least {guards.min_active} must stay"
        if self.rules[case] == _MAX_FIRES:
            rule = guards.max_fires
            return (
                f"the workspace allows {counted(rule.count, 'fire')} in {span(rule.per_ms)}, "
                f"{ledger.fires} done"
            )
        per = span(guards.max_fired.per_ms)
        size = f"has {counted(active, 'agent')}"
        if at_start != active:
            size = f"had {counted(at_start, 'agent')} {per} ago ({active} now)"
        return (
            f"{name} {size}: at most "
            f"{counted(int(ledger.limit[pool]), 'fire')} in {per}, {int(ledger.fired[pool])} done"
        )


def _opened(view: FleetView, pools: Pools, guards: Guards) -> _Ledger:
    """The real envelope before this tick's fires."""
    start = view.now - guards.max_fired.per_ms
    return _Ledger(
        guards=guards,
        active=pools.count(view.active),
        at_start=pools.count(view.active_at(start)),
        fired=pools.count(view.fired_by_policy_since(start)),
        fires=int(
            np.count_nonzero(view.fired_by_policy_since(view.now - guards.max_fires.per_ms))
        ),
    )


def _imagined(
    real: _Ledger, virtual: Sequence[VirtualFire], *, view: FleetView, pools: Pools
) -> _Ledger:
    """The envelope as though shadow had fired: agents it would have fired, and who are there still, are gone."""
    ledger, guards = real.copy(), real.guards
    start = view.now - guards.max_fired.per_ms
    for fire in virtual:
        slot = view.slot_of(fire.agent_no)
        if slot is None or fire.agent_no in ledger.gone:
            continue
        if view.incarnation[slot] != fire.incarnation or not view.active[slot]:
            continue
        pool = int(pools.codes[slot])
        ledger.gone.add(fire.agent_no)
        ledger.active[pool] -= 1
        ledger.fired[pool] += fire.at > start
        ledger.at_start[pool] -= fire.at <= start
        ledger.fires += fire.at > view.now - guards.max_fires.per_ms
    return ledger
