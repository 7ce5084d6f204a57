"""What has been spent of the envelope: really, and as shadow imagines it."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from pinkslip.fleet.snapshot import Integers
from pinkslip.judge.docket import Pools
from pinkslip.judge.memory import VirtualFire
from pinkslip.judge.numeric import share_in_billionths
from pinkslip.judge.view import Bools, FleetView
from pinkslip.model.policy import Guards
from pinkslip.model.words import Standing, code_of

FREE, MIN_ACTIVE, MAX_FIRED, MAX_FIRES, MAX_QUARANTINED = range(5)
"""Which rule refuses; FREE: none."""

_QUARANTINED = code_of(Standing.QUARANTINED)


def share_or_least(share: float, sizes: Integers, at_least: int) -> Integers:
    """The larger of `at_least` and the share of each size, rounded down, exactly."""
    return np.maximum(at_least, share_in_billionths(share) * sizes // 1_000_000_000)


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


@dataclass(slots=True)
class Ledger:
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
    """Active or in quarantine, without those who are fired or whose fire was announced."""
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
        return share_or_least(rule.share, self.at_start, rule.at_least)

    @property
    def quarantine_limit(self) -> Integers:
        """How many of each pool may be in quarantine at once."""
        rule = self.guards.max_quarantined
        return share_or_least(rule.share, self.size, rule.at_least)

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
        refusals = np.full(len(self.active), FREE, dtype=np.int64)
        if not self.fires_left:
            refusals[:] = MAX_FIRES
        refusals[self.fired + 1 > self.fire_limit] = MAX_FIRED
        refusals[self.active - 1 < self.guards.min_active] = MIN_ACTIVE
        return refusals

    def quarantine_refusals(self) -> Integers:
        """Per pool: which rule one more quarantine would break."""
        refusals = np.full(len(self.active), FREE, dtype=np.int64)
        refusals[self.quarantined + 1 > self.quarantine_limit] = MAX_QUARANTINED
        refusals[self.active - 1 < self.guards.min_active] = MIN_ACTIVE
        return refusals

    def fire(self, pools: Integers, *, times: int = 1) -> None:
        """Count one fire for each of `pools`, or with `times=-1` take it back."""
        counts = times * np.bincount(pools, minlength=len(self.active))
        self.active = self.active - counts
        self.size = self.size - counts
        self.fired = self.fired + counts
        self.fires += times * len(pools)

    def take_back(self, pool: Integers, number: int) -> None:
        """Count no more what was counted of an agent whose fire was announced."""
        self.fire(pool, times=-1)
        self.fires += number in self.asked

    def quarantine(self, pools: Integers, *, of_staying: bool) -> None:
        """Count one quarantine for each of `pools`."""
        counts = np.bincount(pools, minlength=len(self.active))
        self.active = self.active - of_staying * counts
        self.quarantined = self.quarantined + counts

    def copy(self) -> "Ledger":
        """As it stands: columns are replaced and never written, so they may be shared."""
        return Ledger(
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


def opened(view: FleetView, pools: Pools, guards: Guards, outstanding: Outstanding) -> Ledger:
    """The real envelope before this tick's fires."""
    start = view.now - guards.max_fired.per_ms
    active = pools.count(view.active)
    set_aside: Bools = (view.standing == _QUARANTINED) & (view.numbers > 0) & ~view.finished
    for_longer = set_aside & ((view.standing_until > view.now) | (view.standing_until == 0))
    ledger = Ledger(
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


def imagined(
    real: Ledger, outstanding: Outstanding, *, view: FleetView, pools: Pools
) -> Ledger:
    """The envelope as though shadow had acted: agents it would have sent away, and who are there still, are gone."""
    ledger = real.copy()
    for fire in outstanding.virtual:
        slot = view.slot_of(fire.agent_no)
        if slot is None or not view.active[slot]:
            continue
        if view.incarnation[slot] != fire.incarnation or fire.agent_no in ledger.gone:
            continue
        _imagine_fire(ledger, fire, int(pools.codes[slot]), now=view.now)
    aside = set(outstanding.virtually_quarantined) - ledger.gone - ledger.aside
    for some, is_staying in (
        (aside & ledger.announced, False),
        (aside - ledger.announced, True),
    ):
        slots = _still_active(view, sorted(some))
        ledger.quarantine(pools.codes[slots], of_staying=is_staying)
        ledger.aside.update(view.numbers[slots].tolist())
    return ledger


def _imagine_fire(ledger: Ledger, fire: VirtualFire, pool: int, *, now: int) -> None:
    """Count a fire of shadow where it would have counted: in its windows while they last, else in the pool's size."""
    ledger.gone.add(fire.agent_no)
    if fire.agent_no in ledger.announced:
        return
    guards, one = ledger.guards, np.bincount([pool], minlength=len(ledger.active))
    is_recent = fire.at > now - guards.max_fired.per_ms
    leaving = one * (fire.agent_no not in ledger.aside)
    ledger.active = ledger.active - leaving
    ledger.size = ledger.size - leaving
    ledger.fired = ledger.fired + one * is_recent
    ledger.at_start = ledger.at_start - one * (not is_recent)
    ledger.fires += fire.at > now - guards.max_fires.per_ms
