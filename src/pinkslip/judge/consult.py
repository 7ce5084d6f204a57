"""All guards asked, in their order, about everything that wants to act. The first that holds names the verdict."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from pinkslip.fleet.snapshot import Integers
from pinkslip.judge.causes import Causes
from pinkslip.judge.conclusions import Finding
from pinkslip.judge.docket import Cases, Hold, Pools
from pinkslip.judge.evaluate import Readings
from pinkslip.judge.guards import (
    blind,
    common_cause,
    envelope,
    mass_restart,
    newborn,
    notices,
    panic,
    protected,
    silence,
    stopped,
)
from pinkslip.judge.guards.common_cause import Cause
from pinkslip.judge.guards.mass_restart import Deploy
from pinkslip.judge.guards.panic import Burst, Turned
from pinkslip.judge.guards.silence import Quiet
from pinkslip.judge.hearing import Hearing
from pinkslip.judge.matching import Matching
from pinkslip.judge.memory import NOBODY, VirtualFire
from pinkslip.judge.view import Bools, FleetView
from pinkslip.model.decisions import Consulted
from pinkslip.model.policy import Guards
from pinkslip.model.words import EpisodeState, Guard, Mode, Standing, code_of

_NOTICED = code_of(EpisodeState.NOTICED)
_AWAITING = code_of(EpisodeState.AWAITING)
_QUARANTINED = code_of(Standing.QUARANTINED)
_NOBODY = Turned(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64))


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What guards know beside the cases."""

    readings: Readings
    guards: Guards
    stopped: str | None
    quiets: tuple[Quiet, ...]
    """Silences in force."""
    deploys: Mapping[int, Deploy]
    """Pools that are restarting, by code."""
    causes: Causes
    """What failing agents share; worked out when a case wants to do more than notify."""
    panics: Mapping[int, Burst]
    """Pools in panic now, by code. One that is restarting does not panic."""
    virtual_panics: Mapping[int, Burst]
    """Those that would be, were every policy in shadow enforced."""
    told: tuple[int, ...]
    """When people were told lately."""
    outstanding: envelope.Outstanding

    @property
    def pools(self) -> Pools:
        """Everybody's pool, sorted out when it is first asked for."""
        return self.readings.pools(self.guards.pool)

    @property
    def virtual(self) -> tuple[VirtualFire, ...]:
        """Fires that shadow would have made, as far back as any window reaches."""
        return tuple(self.outstanding.virtual)

    @property
    def silenced(self) -> Bools:
        """Per slot: whether a silence in force is about it."""
        silenced = np.zeros(self.readings.view.size, dtype=np.bool_)
        for quiet in self.quiets:
            silenced |= quiet.agents
        return silenced


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """What the guards say of each case."""

    guard: Integers
    """Code of the first guard that holds it; NOBODY: it may act."""
    moot: Bools
    """Another policy fires the same agent now: nothing is left to do."""
    holds: tuple[tuple[Guard, Hold], ...]
    """Every guard's answer, in order."""
    causes: tuple[Cause, ...]
    """What failing agents share, the unlikeliest by chance first."""
    findings: tuple[Finding, ...]
    """Policies that broke when the guards asked of them. The ruling cannot stand: ask again without them."""

    def words(self, case: int) -> str:
        """The reason of the guard that holds a case."""
        return next(hold.words(case) for _, hold in self.holds if hold.holds[case])

    def all_words(self, case: int) -> tuple[tuple[Guard, str], ...]:
        """Everybody who holds a case, with their reasons."""
        return tuple(
            (guard, hold.words(case)) for guard, hold in self.holds if hold.holds[case]
        )

    def consulted(self, case: int) -> tuple[Consulted, ...]:
        """Everybody who was asked about a case, in order; whoever holds it says why."""
        return tuple(
            Consulted(guard, True, hold.words(case))
            if hold.holds[case]
            else Consulted(guard, False)
            for guard, hold in self.holds
            if hold.asked is None or hold.asked[case]
        )


NOTHING_RULED = Ruling(
    guard=np.zeros(0, dtype=np.int64),
    moot=np.zeros(0, dtype=np.bool_),
    holds=(),
    causes=(),
    findings=(),
)
"""What is said where nobody wants to act."""


def circumstances(
    hearings: Sequence[Hearing],
    *,
    readings: Readings,
    matching: Matching,
    guards: Guards,
    stopped: str | None,
    virtual: Sequence[VirtualFire],
    told: Sequence[int] = (),
    virtually_quarantined: Sequence[int] = (),
) -> Circumstances:
    """What is true of the whole fleet: its pools and what befell them, silences, and what was begun before."""
    view = readings.view
    deploys = _deploys(readings, guards)
    panics, virtual_panics = (
        {code: burst for code, burst in found.items() if code not in deploys}
        for found in _panics(hearings, readings, guards)
    )
    return Circumstances(
        readings=readings,
        guards=guards,
        stopped=stopped,
        quiets=_quiets(hearings, readings, matching),
        deploys=deploys,
        causes=Causes(
            hearings=hearings, readings=readings, matching=matching, rule=guards.common_cause
        ),
        panics=panics,
        virtual_panics=virtual_panics,
        told=notices.remembered(told, rule=guards.max_notices, now=view.now),
        outstanding=envelope.Outstanding(
            announced=_waiting(hearings, _NOTICED),
            asked=_waiting(hearings, _AWAITING),
            virtual=envelope.remembered(virtual, guards=guards, now=view.now),
            virtually_quarantined=virtually_quarantined,
        ),
    )


def consult(cases: Cases, given: Circumstances) -> Ruling:
    """Ask everybody. Notices and the envelope are spent only on cases that no other guard holds.

    A fire with a notice needs room in both: the envelope is asked, then the notices, and where these refuse,
    the envelope once more for those behind. Its rooms nest (pools within the workspace), so whoever had room
    the first time has it the second time as well.
    """
    if not len(cases):
        return NOTHING_RULED
    singles = _single_holds(cases, given)
    first = np.full(len(cases), NOBODY, dtype=np.int64)
    for guard, hold in reversed(singles):
        first[hold.holds] = code_of(guard)
    free = first == NOBODY
    allotted = _allotted(cases, given, free=free)
    unread = _unread(cases, given, free=free, going=~allotted.hold.holds & ~allotted.moot)
    if unread.holds.any():
        allotted = _allotted(cases, given, free=free & ~unread.holds)
    first[allotted.hold.holds] = code_of(Guard.ENVELOPE)
    first[unread.holds] = code_of(Guard.NOTICES)
    return Ruling(
        guard=first,
        moot=allotted.moot,
        holds=(*singles, (Guard.NOTICES, unread), (Guard.ENVELOPE, allotted.hold)),
        causes=tuple(found.cause for found in given.causes.found()),
        findings=tuple(given.causes.findings),
    )


def everybody_asked(cases: Cases, given: Circumstances) -> tuple[tuple[Guard, Hold], ...]:
    """What each guard would say were it the only one: notices and envelope too, whoever else holds a case."""
    everywhere = np.ones(len(cases), dtype=np.bool_)
    return (
        *_single_holds(cases, given),
        (Guard.NOTICES, _unread(cases, given, free=everywhere, going=everywhere)),
        (Guard.ENVELOPE, _allotted(cases, given, free=everywhere).hold),
    )


def _single_holds(cases: Cases, given: Circumstances) -> tuple[tuple[Guard, Hold], ...]:
    """The guards that look at each case by itself, in their order."""
    view, guards = given.readings.view, given.guards
    return (
        (Guard.STOPPED, stopped.hold(cases, reason=given.stopped)),
        (Guard.BLIND_TIME, blind.hold(cases, view=view)),
        (Guard.SILENCE, silence.hold(cases, quiets=given.quiets)),
        (
            Guard.NEWBORN,
            newborn.hold(
                cases, view=view, age_s=given.readings.plain("age"), newborn=guards.newborn
            ),
        ),
        (Guard.PROTECTED, protected.hold(cases, view=view)),
        (
            Guard.MASS_RESTART,
            mass_restart.hold(
                cases,
                pools=given.pools,
                deploys=given.deploys,
                rule=guards.mass_restart if given.deploys else None,
            ),
        ),
        (Guard.COMMON_CAUSE, _caused(cases, given)),
        (
            Guard.PANIC,
            panic.hold(
                cases,
                pools=given.pools,
                real=given.panics,
                virtual=given.virtual_panics,
                panic=guards.panic if given.panics or given.virtual_panics else None,
            ),
        ),
    )


def _caused(cases: Cases, given: Circumstances) -> Hold:
    """Common causes are looked for only where a case would do more than notify."""
    wants = cases.does_more_than_notify
    return common_cause.hold(
        cases,
        real=given.causes.real() if (wants & ~cases.is_shadow).any() else (),
        virtual=given.causes.virtual() if (wants & cases.is_shadow).any() else (),
    )


def _unread(cases: Cases, given: Circumstances, *, free: Bools, going: Bools) -> Hold:
    return notices.hold(
        cases,
        asking=free,
        going=going,
        told=given.told,
        now=given.readings.view.now,
        rule=given.guards.max_notices,
    )


def _allotted(cases: Cases, given: Circumstances, *, free: Bools) -> envelope.Allotted:
    return envelope.allot(
        cases,
        free=free,
        view=given.readings.view,
        pools=given.pools,
        guards=given.guards,
        outstanding=given.outstanding,
    )


def _deploys(readings: Readings, guards: Guards) -> Mapping[int, Deploy]:
    """Pools that are restarting. Nobody is sorted into pools before anybody has restarted."""
    view, rule = readings.view, guards.mass_restart
    if rule is None or not (view.boot_changed_at > view.now - rule.per_ms).any():
        return {}
    return mass_restart.deploys(view, pools=readings.pools(guards.pool), rule=rule)


def _quiets(
    hearings: Sequence[Hearing], readings: Readings, matching: Matching
) -> tuple[Quiet, ...]:
    """Silences in force, and whom each is about. The matchers of those that are over are forgotten."""
    view = readings.view
    matchers = {
        each: silence.matchers(each)
        for each in silence.in_force(view.acts.silences.values(), now=view.now)
    }
    if matching.size > sum(len(hearing.policy.match) for hearing in hearings):
        matching.keep(
            {
                *(matcher for hearing in hearings for matcher in hearing.policy.match),
                *(matcher for asked in matchers.values() for matcher in asked),
            }
        )
    return tuple(
        Quiet(each, matching.admits(asked, readings)) for each, asked in matchers.items()
    )


def _waiting(hearings: Sequence[Hearing], state: int) -> list[int]:
    """agent_no of those whose announced fire is in that state of waiting."""
    waiting: list[int] = []
    for hearing in hearings:
        track = hearing.advanced.track
        if hearing.policy.mode is Mode.ENFORCE and len(track):
            waiting += track.number[track.state == state].tolist()
    return waiting


def _panics(
    hearings: Sequence[Hearing], readings: Readings, guards: Guards
) -> tuple[Mapping[int, Burst], Mapping[int, Burst]]:
    """The pools in panic, and those that would be, were every policy in shadow enforced."""
    view, rule = readings.view, guards.panic
    if rule is None:
        return {}, {}
    since = view.now - rule.per_ms
    recently = view.fired_by_policy_since(since)
    here = _expected(view)
    silent = [_stale(readings, here), Turned(*_since_now(recently, view.now))]
    newly = [(h.policy.mode, _newly(h, view.stale, since)) for h in hearings]

    def of(*modes: Mode) -> Mapping[int, Burst]:
        turned = [*silent, *(some for mode, some in newly if mode in modes)]
        if sum(len(each.slot) for each in turned) < rule.at_least:
            return {}
        return panic.bursts(
            _together(turned),
            pools=readings.pools(guards.pool),
            members=here | recently,
            panic=rule,
        )

    real = of(Mode.ENFORCE)
    nobody_in_shadow = not any(len(some.slot) for mode, some in newly if mode is Mode.SHADOW)
    return real, real if nobody_in_shadow else of(Mode.ENFORCE, Mode.SHADOW)


def _newly(hearing: Hearing, stale: Bools, since: int) -> Turned:
    """Whom a policy matches since later than `since`."""
    if not len(hearing.advanced.track):
        return _NOBODY
    slots, began_at = hearing.turned
    is_new = began_at > since
    if hearing.is_stale_type:
        # a stale agent turned when it fell silent, however new the policy
        is_new &= ~stale[slots]
    return Turned(slots[is_new], began_at[is_new])


def _expected(view: FleetView) -> Bools:
    """Who is to be heard of: the active, and those in quarantine, whose heartbeats go on."""
    paused: Bools = (view.standing == _QUARANTINED) & ~view.finished & (view.numbers > 0)
    return view.active | paused


def _stale(readings: Readings, here: Bools) -> Turned:
    """Who is stale, and since when, blind time taken off."""
    view = readings.view
    slots = np.flatnonzero(view.stale & here)
    if not len(slots):
        return _NOBODY
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
