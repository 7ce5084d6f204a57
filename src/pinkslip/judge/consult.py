"""All guards asked, in their order, about everything that wants to act. The first that holds names the verdict."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from pinkslip.fleet.snapshot import Integers
from pinkslip.judge.docket import Cases, Hold, Pools, pools_of
from pinkslip.judge.evaluate import Readings
from pinkslip.judge.guards import blind, envelope, newborn, panic, protected, stopped
from pinkslip.judge.guards.panic import Burst, Turned
from pinkslip.judge.hearing import Hearing
from pinkslip.judge.memory import NOBODY, VirtualFire
from pinkslip.judge.view import Bools
from pinkslip.model.policy import Guards
from pinkslip.model.words import Guard, Mode, code_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What guards know beside the cases."""

    readings: Readings
    guards: Guards
    stopped: str | None
    pools: Pools
    panics: Mapping[int, Burst]
    """Pools in panic now, by code."""
    virtual_panics: Mapping[int, Burst]
    """Those that would be, were every policy in shadow enforced."""
    virtual: Sequence[VirtualFire]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """What the guards say of each case."""

    guard: Integers
    """Code of the first guard that holds it; NOBODY: it may act."""
    moot: Bools
    """Another policy fires the same agent now: nothing is left to do."""
    holds: tuple[tuple[Guard, Hold], ...]
    """Every guard's answer, in order."""
    virtual: tuple[VirtualFire, ...]
    """Fires that shadow would have made now."""

    def words(self, case: int) -> str:
        """The reason of the guard that holds a case."""
        return next(hold.words(case) for _, hold in self.holds if hold.holds[case])

    def all_words(self, case: int) -> tuple[tuple[Guard, str], ...]:
        """Everybody who holds a case, with their reasons."""
        return tuple(
            (guard, hold.words(case)) for guard, hold in self.holds if hold.holds[case]
        )


def circumstances(
    hearings: Sequence[Hearing],
    *,
    readings: Readings,
    guards: Guards,
    stopped: str | None,
    virtual: Sequence[VirtualFire],
) -> Circumstances:
    """What is true of the whole fleet: its pools, and which of them panic."""
    view = readings.view
    pools = pools_of(view, guards.pool)
    recently = view.fired_by_policy_since(view.now - guards.panic.per_ms)
    silent = [_stale(readings), Turned(*_since_now(recently, view.now))]
    members = view.active | recently

    def newly_matched(hearing: Hearing) -> Turned:
        slots, began_at = hearing.turned
        is_new = began_at > view.now - guards.panic.per_ms
        if hearing.is_stale_type:
            # a stale agent turned when it fell silent, however new the policy
            is_new &= ~view.stale[slots]
        return Turned(slots[is_new], began_at[is_new])

    def panics(modes: frozenset[Mode]) -> Mapping[int, Burst]:
        turned = [*silent, *(newly_matched(h) for h in hearings if h.policy.mode in modes)]
        return panic.bursts(_together(turned), pools=pools, members=members, panic=guards.panic)

    return Circumstances(
        readings=readings,
        guards=guards,
        stopped=stopped,
        pools=pools,
        panics=panics(frozenset({Mode.ENFORCE})),
        virtual_panics=panics(frozenset({Mode.ENFORCE, Mode.SHADOW})),
        virtual=envelope.remembered(virtual, guards=guards, now=view.now),
    )


def consult(cases: Cases, given: Circumstances) -> Ruling:
    """Ask everybody. The envelope is spent only on cases that no other guard holds."""
    holds = _single_holds(cases, given)
    first = np.full(len(cases), NOBODY, dtype=np.int64)
    for guard, hold in reversed(holds):
        first[hold.holds] = code_of(guard)
    allotted = _allotted(cases, given, free=first == NOBODY)
    first[allotted.hold.holds] = code_of(Guard.ENVELOPE)
    return Ruling(
        guard=first,
        moot=allotted.moot,
        holds=(*holds, (Guard.ENVELOPE, allotted.hold)),
        virtual=allotted.virtual,
    )


def everybody_asked(cases: Cases, given: Circumstances) -> tuple[tuple[Guard, Hold], ...]:
    """What each guard would say were it the only one: the envelope too, whoever else holds a case."""
    allotted = _allotted(cases, given, free=np.ones(len(cases), dtype=np.bool_))
    return (*_single_holds(cases, given), (Guard.ENVELOPE, allotted.hold))


def _single_holds(cases: Cases, given: Circumstances) -> tuple[tuple[Guard, Hold], ...]:
    """The guards that look at each case by itself, in their order."""
    view, guards = given.readings.view, given.guards
    ages = given.readings.plain("age")[cases.slot]
    return (
        (Guard.STOPPED, stopped.hold(cases, reason=given.stopped)),
        (Guard.BLIND_TIME, blind.hold(cases, view=view)),
        (Guard.NEWBORN, newborn.hold(cases, view=view, age_s=ages, newborn=guards.newborn)),
        (Guard.PROTECTED, protected.hold(cases, view=view)),
        (
            Guard.PANIC,
            panic.hold(
                cases,
                pools=given.pools,
                real=given.panics,
                virtual=given.virtual_panics,
                panic=guards.panic,
            ),
        ),
    )


def _allotted(cases: Cases, given: Circumstances, *, free: Bools) -> envelope.Allotted:
    return envelope.allot(
        cases,
        free=free,
        view=given.readings.view,
        pools=given.pools,
        guards=given.guards,
        virtual=given.virtual,
    )


def _stale(readings: Readings) -> Turned:
    """Who is stale, and since when, blind time taken off."""
    view = readings.view
    slots = np.flatnonzero(view.stale & view.active)
    if not len(slots):
        return Turned(slots, np.empty(0, dtype=np.int64))
    silent_s = readings.plain("heartbeat_age")[slots]
    late_s = silent_s - view.stale_factor * view.interval_s[slots]
    return Turned(slots, view.now - np.round(np.nan_to_num(late_s) * 1000).astype(np.int64))


def _since_now(members: Bools, now: int) -> tuple[Integers, Integers]:
    slots = np.flatnonzero(members)
    return slots, np.full(len(slots), now, dtype=np.int64)


def _together(turned: Sequence[Turned]) -> Turned:
    return Turned(
        np.concatenate([each.slot for each in turned]),
        np.concatenate([each.at for each in turned]),
    )
