"""Many at once is a common cause or our own problem, not theirs: silence fires nobody in such a pool.

An agent turns when it becomes stale, or when the `when` of an enforcing policy becomes true for it. A pool
panics when so many of its agents turned within one `per`: stale ones count for as long as they are stale,
failing ones and agents fired by policy only within the last `per`. So the panic of a pool that fell silent
stays until enough of it is back, or a person has finished or fired it: time alone makes nobody guilty. And a
new policy that finds many long silent is no panic. Everything is worked out from the fleet and the open
episodes, so a restart neither forgets a panic nor invents one.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from pinkslip.fleet.snapshot import Integers
from pinkslip.judge.docket import Cases, Hold, Pools
from pinkslip.judge.numeric import share_in_billionths
from pinkslip.judge.phrases import span
from pinkslip.judge.view import Bools
from pinkslip.model.policy import Panic
from pinkslip.model.time import rfc3339

_POOL = 1 << 42
"""Above every instant in ms until the year 2109: pool and instant in one number."""


@dataclass(frozen=True, slots=True)
class Burst:
    """Too many of a pool at once."""

    since: int
    """When there were first too many."""
    newly: int
    """The most that turned within one `per`."""
    size: int


@dataclass(frozen=True, slots=True)
class Turned:
    """Who turned, and when; an agent may have turned in several ways."""

    slot: Integers
    at: Integers


def bursts(
    turned: Turned, *, pools: Pools, members: Bools, panic: Panic
) -> Mapping[int, Burst]:
    """The pools in panic, by code. `members` (a mask over slots) are those a share is taken of."""
    if len(turned.slot) < panic.at_least:
        return {}
    codes = pools.codes[turned.slot]
    order = np.lexsort((turned.slot, turned.at, codes))
    codes, at = codes[order], turned.at[order]
    size = pools.count(members)[codes]
    count = _turned_within(codes, turned.slot[order], at, panic.per_ms)
    enough = (count >= panic.at_least) & (
        count * 1_000_000_000 >= share_in_billionths(panic.share) * size
    )
    found: dict[int, Burst] = {}
    for code in np.unique(codes[enough]).tolist():
        own = np.flatnonzero(enough & (codes == code))
        found[code] = Burst(int(at[own[0]]), int(count[own].max()), int(size[own[0]]))
    return found


def hold(
    cases: Cases,
    *,
    pools: Pools,
    real: Mapping[int, Burst],
    virtual: Mapping[int, Burst],
    panic: Panic | None,
) -> Hold:
    """Stale-type cases in pools that panic. Policies in shadow ask as though all of them were enforced.

    Without a rule (`panic: off`): nobody.
    """
    if panic is None:
        return Hold.nobody(cases)
    per = span(panic.per_ms)
    codes = pools.codes[cases.slot]
    holds = cases.is_stale_type & np.where(
        cases.is_shadow, np.isin(codes, list(virtual)), np.isin(codes, list(real))
    )

    def words(case: int) -> str:
        code = int(codes[case])
        burst = (virtual if cases.is_shadow[case] else real)[code]
        return (
            f"{pools.spoken(code)} is in panic since {rfc3339(burst.since)}: {burst.newly} of "
            f"{burst.size} agents turned stale or failing within {per}"
        )

    return Hold(holds, words)


def _turned_within(codes: Integers, slots: Integers, at: Integers, per_ms: int) -> Integers:
    """At each event: how many agents of its pool turned in the `per_ms` up to it, each counted once.

    Events come by pool and instant. One counts from its own place until its window has passed, or until the
    same agent's next event takes its place.
    """
    count = len(at)
    place = np.arange(count, dtype=np.int64)
    instant = codes * _POOL + at
    last = np.searchsorted(instant, instant + per_ms, side="left")
    by_agent = np.lexsort((place, slots))
    follows = slots[by_agent[1:]] == slots[by_agent[:-1]]
    last[by_agent[:-1][follows]] = np.minimum(
        last[by_agent[:-1][follows]], by_agent[1:][follows]
    )
    gone = np.cumsum(np.bincount(last, minlength=count + 1))[:count]
    return place + 1 - gone
