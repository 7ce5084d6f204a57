"""How many may go: the envelope holds after the action.

Per pool, fires by policy within the window are at most max(at_least, floor(share x pool)), the pool counted
active when the window began; at once in quarantine are at most max(at_least, floor(share x pool)), the pool
counted as it is; and `min_active` stay at work. Per workspace, at most `max_fires`. Fires come before
quarantines, each strongest evidence first, ties by agent_no, everything counted anew after each.

A fire that was announced and waits for its notice or its approval is counted as though it had been done, for
everybody but the agent it is about. Only `max_fires`, which limits a rate, does not count what waits for approval:
questions that nobody answers over a weekend must not stop the whole workspace.

Policies in shadow have an envelope of their own: it starts from the real one and adds what shadow would have
done, and takes nothing from the real one.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from msgspec import Struct

from pinkslip.fleet.snapshot import Integers
from pinkslip.judge.docket import Cases, Hold, Pools, pools_of, strongest_first
from pinkslip.judge.memory import VirtualFire
from pinkslip.judge.numeric import share_in_billionths
from pinkslip.judge.phrases import counted, span
from pinkslip.judge.view import Bools, FleetView
from pinkslip.model.policy import Guards
from pinkslip.model.time import DAY_MS, HOUR_MS, MINUTE_MS
from pinkslip.model.words import Standing, code_of

_FREE, _MIN_ACTIVE, _MAX_FIRED, _MAX_FIRES, _MAX_QUARANTINED = range(5)
_QUARANTINED = code_of(Standing.QUARANTINED)


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
    size: Integers
    """Active or in quarantine now."""
    quarantined: Integers
    gone: set[int] = field(default_factory=set)
    """agent_no of those fired in this tick, or virtually gone."""
    announced: set[int] = field(default_factory=set)
    """Those whose fire was announced: counted as fired, and still there."""
    asked: set[int] = field(default_factory=set)
    """Those of them who wait for approval: not counted in `fires`."""
    aside: set[int] = field(default_factory=set)
    """Those sent into quarantine in this tick, or virtually there."""

    @property
    def fire_limit(self) -> Integers:
        """How many fires each pool's window allows."""
        rule = self.guards.max_fired
        return _share_or_least(rule.share, self.at_start, rule.at_least)

    @property
    def quarantine_limit(self) -> Integers:
        """How many of each pool may be in quarantine at once."""
        rule = self.guards.max_quarantined
        return _share_or_least(rule.share, self.size, rule.at_least)

    @property
    def fires_left(self) -> int:
        return max(0, self.guards.max_fires.count - self.fires)

    def fire_room(self) -> Integers:
        """Per pool: how many more it could lose, were there no limit to the workspace."""
        room: Integers = self.fire_limit - self.fired
        return np.minimum(room, self.active - self.guards.min_active)

    def quarantine_room(self, *, of_staying: bool) -> Integers:
        """Per pool: how many more may be set aside; of those counted as fired already, whoever stays."""
        room: Integers = self.quarantine_limit - self.quarantined
        return np.minimum(room, self.active - self.guards.min_active) if of_staying else room

    def fire_refusals(self) -> Integers:
        """Per pool: which rule one more fire would break."""
        refusals = np.full(len(self.active), _FREE, dtype=np.int64)
        if not self.fires_left:
            refusals[:] = _MAX_FIRES
        refusals[self.fired + 1 > self.fire_limit] = _MAX_FIRED
        refusals[self.active - 1 < self.guards.min_active] = _MIN_ACTIVE
        return refusals

    def quarantine_refusals(self) -> Integers:
        """Per pool: which rule one more quarantine would break."""
        refusals = np.full(len(self.active), _FREE, dtype=np.int64)
        refusals[self.quarantined + 1 > self.quarantine_limit] = _MAX_QUARANTINED
        refusals[self.active - 1 < self.guards.min_active] = _MIN_ACTIVE
        return refusals

    def fire(self, pools: Integers, *, times: int = 1) -> None:
        """Count one fire for each of `pools`, or with `times=-1` take it back."""
        counts = times * np.bincount(pools, minlength=len(self.active))
        self.active = self.active - counts
        self.fired = self.fired + counts
        self.fires += times * len(pools)

    def take_back(self, pool: Integers, number: int) -> None:
        """Count no more what was counted of an agent whose fire was announced."""
        self.fire(pool, times=-1)
        self.fires += number in self.asked

    def quarantine(self, pools: Integers, *, of_staying: bool = True) -> None:
        """Count one quarantine for each of `pools`."""
        counts = np.bincount(pools, minlength=len(self.active))
        self.active = self.active - of_staying * counts
        self.quarantined = self.quarantined + counts

    def copy(self) -> "_Ledger":
        """As it stands: columns are replaced and never written, so they may be shared."""
        return _Ledger(
            self.guards,
            self.active,
            self.at_start,
            self.fired,
            self.fires,
            self.size,
            self.quarantined,
            set(self.gone),
            set(self.announced),
            set(self.asked),
            set(self.aside),
        )


@dataclass(frozen=True, slots=True)
class Allotted:
    """What the envelope made of the cases."""

    hold: Hold
    moot: Bools
    """Cases whose agent another policy fires in this very tick."""
    virtual: tuple[VirtualFire, ...]
    """Fires that shadow would have made now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outstanding:
    """What was begun in former ticks and is still to be counted."""

    announced: Sequence[int] = ()
    """agent_no of those whose fire waits for its notice."""
    asked: Sequence[int] = ()
    """agent_no of those whose fire waits for approval."""
    virtual: Sequence[VirtualFire] = ()
    """Fires that shadow would have made."""
    virtually_quarantined: Sequence[int] = ()
    """agent_no of those whom shadow would have in quarantine now."""


def allot(
    cases: Cases,
    *,
    free: Bools,
    view: FleetView,
    pools: Pools,
    guards: Guards,
    outstanding: Outstanding,
) -> Allotted:
    """Spend the envelope on the cases that no other guard holds (`free`)."""
    asking = free & cases.removes
    spending = _Spending.of(cases, pools)
    would_fire: Sequence[int] = ()
    if asking.any():
        ledger = _opened(view, pools, guards, outstanding)
        spending.spend(ledger, asking & ~cases.is_shadow, doubles_are_moot=True)
        imagined = _imagined(ledger, outstanding, view=view, pools=pools)
        would_fire = spending.spend(imagined, asking & cases.is_shadow, doubles_are_moot=False)
    fires = tuple(
        VirtualFire(view.now, int(cases.number[case]), int(view.incarnation[cases.slot[case]]))
        for case in would_fire
    )
    hold = Hold(spending.rules != _FREE, spending.reason, asking)
    return Allotted(hold, spending.moot, fires)


def remembered(
    virtual: Sequence[VirtualFire], *, guards: Guards, now: int
) -> tuple[VirtualFire, ...]:
    """Without those too old for any window."""
    longest = max(guards.max_fired.per_ms, guards.max_fires.per_ms)
    return tuple(fire for fire in virtual if fire.at > now - longest)


class PoolLimit(Struct, frozen=True):
    """What the guards allow one pool as it is now, said when they are loaded."""

    pool: str
    """The value of the guards' pool label; empty for agents without one."""
    agents: int
    """Active ones."""
    max_fires: int
    """How many policies may fire of it within `per_ms`."""
    per_ms: int
    min_active: int
    words: str
    """`pool researcher has 5 agents: at most 1 fire an hour`."""


def limits(view: FleetView, guards: Guards) -> tuple[PoolLimit, ...]:
    """What the guards allow each pool that has active agents now, by name."""
    pools = pools_of(view, guards.pool)
    counts = pools.count(view.active)
    found = [
        limit_of(pools.names[code], spoken=pools.spoken(code), agents=agents, guards=guards)
        for code, agents in enumerate(counts.tolist())
        if agents
    ]
    return tuple(sorted(found, key=lambda limit: limit.pool))


def limit_of(pool: str, *, spoken: str, agents: int, guards: Guards) -> PoolLimit:
    """What the guards allow a pool of so many agents, in which nobody was fired lately."""
    rule = guards.max_fired
    share = share_in_billionths(rule.share) * agents // 1_000_000_000
    allowed = max(rule.at_least, share) if guards.max_fires.count else 0
    staying = max(0, agents - guards.min_active)
    return PoolLimit(
        pool=pool,
        agents=agents,
        max_fires=min(allowed, staying),
        per_ms=rule.per_ms,
        min_active=guards.min_active,
        words=f"{spoken} has {counted(agents, 'agent')}: {_allowance(allowed, staying, guards)}",
    )


def _allowance(allowed: int, staying: int, guards: Guards) -> str:
    if not guards.max_fires.count:
        return "no policy may fire anybody, as max_fires is 0"
    if not allowed:
        return "no policy may fire any, as max_fired allows none of so few"
    if not staying:
        return f"no policy can ever fire one, as {guards.min_active} must stay (min_active)"
    most = min(allowed, staying)
    return f"at most {counted(most, 'fire')} {_per(guards.max_fired.per_ms)}"


def _per(per_ms: int) -> str:
    """`an hour`, `a day`; `in 10 min` where there is no word for it."""
    names = {MINUTE_MS: "a minute", HOUR_MS: "an hour", DAY_MS: "a day"}
    return names.get(per_ms, f"in {span(per_ms)}")


@dataclass(slots=True)
class _Spending:
    """Passes over the cases in order of evidence, with what was refused and why."""

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

    def spend(self, ledger: _Ledger, asking: Bools, *, doubles_are_moot: bool) -> Sequence[int]:
        """Fire, then quarantine, whom there is room for. Returns one case of each agent that is fired."""
        going = self._fire(ledger, np.flatnonzero(asking & self.cases.fires), doubles_are_moot)
        self._quarantine(
            ledger, np.flatnonzero(asking & self.cases.quarantines), doubles_are_moot
        )
        return going

    def _fire(self, ledger: _Ledger, asking: Integers, doubles_are_moot: bool) -> Sequence[int]:
        """1. Who is gone already is moot. 2. What was announced is redeemed. 3. The rest, while there is room."""
        order = strongest_first(self.cases, asking)
        order = self._without_gone(order, ledger, doubles_are_moot)
        is_announced = self._among(order, ledger.announced)
        redeemed = self._redeem(ledger, order[is_announced], doubles_are_moot)
        fresh = order[~is_announced]
        firsts = self._one_of_each(fresh)
        passing = firsts[self._has_room(firsts, ledger.fire_room())]
        going = passing[: ledger.fires_left]
        ledger.fire(self._pool(going))
        self._refuse(fresh[~self._concern(fresh, going)], ledger.fire_refusals(), ledger)
        self._go(ledger, fresh, going, doubles_are_moot)
        return [*redeemed, *going.tolist()]

    def _redeem(
        self, ledger: _Ledger, order: Integers, doubles_are_moot: bool
    ) -> Sequence[int]:
        """Ask again for those whose fire was announced. They are few, and counted already.

        Who is refused gives the place back, for those behind.
        """
        redeemed: list[int] = []
        firsts = self._one_of_each(order)
        for place in range(len(firsts)):
            first = firsts[place : place + 1]
            pool, number = self._pool(first), int(self.cases.number[first[0]])
            ledger.take_back(pool, number)
            refusals = ledger.fire_refusals()
            if refusals[pool[0]] == _FREE:
                ledger.fire(pool)
                self._go(ledger, order, first, doubles_are_moot)
                redeemed += first.tolist()
            else:
                ledger.announced.discard(number)
                self._refuse(order[self._concern(order, first)], refusals, ledger)
        return redeemed

    def _go(
        self, ledger: _Ledger, order: Integers, going: Integers, doubles_are_moot: bool
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

    def _quarantine(self, ledger: _Ledger, asking: Integers, doubles_are_moot: bool) -> None:
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
        self, order: Integers, ledger: _Ledger, doubles_are_moot: bool
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

    def _refuse(self, refused: Integers, refusals: Integers, ledger: _Ledger) -> None:
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
        if self.rules[case] == _MIN_ACTIVE:
            active, stay = int(ledger.active[pool]), ledger.guards.min_active
            return f"{name} has {counted(active, 'active agent')}: at least {stay} must stay"
        if self.rules[case] == _MAX_FIRES:
            rule = ledger.guards.max_fires
            return (
                f"the workspace allows {counted(rule.count, 'fire')} in {span(rule.per_ms)}, "
                f"{ledger.fires} done{_counting(ledger)}"
            )
        if self.rules[case] == _MAX_QUARANTINED:
            return (
                f"{name} has {counted(int(ledger.size[pool]), 'agent')}: at most "
                f"{int(ledger.quarantine_limit[pool])} in quarantine at once, "
                f"{int(ledger.quarantined[pool])} there"
            )
        return f"{name} {_fired_of(ledger, pool)}"


def _fired_of(ledger: _Ledger, pool: int) -> str:
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


def _counting(ledger: _Ledger) -> str:
    return " or announced" if ledger.announced else ""


def _share_or_least(share: float, sizes: Integers, at_least: int) -> Integers:
    return np.maximum(at_least, share_in_billionths(share) * sizes // 1_000_000_000)


def _opened(view: FleetView, pools: Pools, guards: Guards, outstanding: Outstanding) -> _Ledger:
    """The real envelope before this tick's fires."""
    start = view.now - guards.max_fired.per_ms
    active = pools.count(view.active)
    set_aside: Bools = (view.standing == _QUARANTINED) & (view.numbers > 0) & ~view.finished
    for_longer = set_aside & ((view.standing_until > view.now) | (view.standing_until == 0))
    ledger = _Ledger(
        guards=guards,
        active=active,
        at_start=pools.count(view.active_at(start)),
        fired=pools.count(view.fired_by_policy_since(start)),
        fires=int(
            np.count_nonzero(view.fired_by_policy_since(view.now - guards.max_fires.per_ms))
        ),
        size=active + pools.count(set_aside),
        quarantined=pools.count(for_longer),
    )
    waiting = _still_active(view, [*outstanding.announced, *outstanding.asked])
    ledger.fire(pools.codes[waiting])
    ledger.announced = set(view.numbers[waiting].tolist())
    ledger.asked = ledger.announced - set(outstanding.announced)
    ledger.fires -= len(ledger.asked)
    return ledger


def _still_active(view: FleetView, numbers: Sequence[int]) -> Integers:
    """The slots of those who are still at work, each once."""
    slots = [view.slot_of(number) for number in sorted(set(numbers))]
    return np.array(
        [slot for slot in slots if slot is not None and view.active[slot]], dtype=np.int64
    )


def _imagined(
    real: _Ledger, outstanding: Outstanding, *, view: FleetView, pools: Pools
) -> _Ledger:
    """The envelope as though shadow had acted: agents it would have sent away, and who are there still, are gone."""
    ledger = real.copy()
    for fire in outstanding.virtual:
        slot = view.slot_of(fire.agent_no)
        if slot is None or not view.active[slot]:
            continue
        if view.incarnation[slot] != fire.incarnation or fire.agent_no in ledger.gone:
            continue
        _imagine_fire(ledger, fire, int(pools.codes[slot]), now=view.now)
    numbers = set(outstanding.virtually_quarantined) - ledger.gone - ledger.aside
    aside = _still_active(view, sorted(numbers))
    ledger.quarantine(pools.codes[aside])
    ledger.aside.update(view.numbers[aside].tolist())
    return ledger


def _imagine_fire(ledger: _Ledger, fire: VirtualFire, pool: int, *, now: int) -> None:
    """Count a fire of shadow where it would have counted: in its windows while they last, else in the pool's size."""
    ledger.gone.add(fire.agent_no)
    if fire.agent_no in ledger.announced:
        return
    guards, one = ledger.guards, np.bincount([pool], minlength=len(ledger.active))
    is_recent = fire.at > now - guards.max_fired.per_ms
    ledger.active = ledger.active - one * (fire.agent_no not in ledger.aside)
    ledger.fired = ledger.fired + one * is_recent
    ledger.at_start = ledger.at_start - one * (not is_recent)
    ledger.fires += fire.at > now - guards.max_fires.per_ms
