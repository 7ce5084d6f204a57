"""How many may go: the envelope holds after the action.

Per pool, fires by policy within the window are at most max(at_least, floor(share x pool)), the pool counted
active when the window began; at once in quarantine are at most max(at_least, floor(share x pool)), the pool
counted without those who are fired; and `min_active` stay at work. Per workspace, at most `max_fires`. Fires come
before quarantines, each strongest evidence first, ties by agent_no, everything counted anew after each.

A fire that was announced and waits for its notice or its approval is counted as though it had been done, for
everybody but the agent it is about. Only `max_fires`, which limits a rate, does not count what waits for approval:
questions that nobody answers over a weekend must not stop the whole workspace.

Policies in shadow have an envelope of their own: it starts from the real one and adds what shadow would have
done, and takes nothing from the real one.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from pinkslip.judge.docket import Cases, Hold, Pools
from pinkslip.judge.guards.envelope.ledger import FREE, Outstanding, imagined, opened
from pinkslip.judge.guards.envelope.limits import PoolLimit, limit_of, limits
from pinkslip.judge.guards.envelope.spending import Spending
from pinkslip.judge.memory import VirtualFire
from pinkslip.judge.view import Bools, FleetView
from pinkslip.model.policy import Guards

__all__ = [
    "Allotted",
    "Outstanding",
    "PoolLimit",
    "allot",
    "limit_of",
    "limits",
    "remembered",
]


@dataclass(frozen=True, slots=True)
class Allotted:
    """What the envelope made of the cases."""

    hold: Hold
    moot: Bools
    """Cases whose agent another policy fires in this very tick."""


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
    spending = Spending.of(cases, pools)
    if asking.any():
        ledger = opened(view, pools, guards, outstanding)
        spending.spend(ledger, asking & ~cases.is_shadow, doubles_are_moot=True)
        virtual = imagined(ledger, outstanding, view=view, pools=pools)
        spending.spend(virtual, asking & cases.is_shadow, doubles_are_moot=False)
    hold = Hold(spending.rules != FREE, spending.reason, asking)
    return Allotted(hold, spending.moot)


def remembered(
    virtual: Sequence[VirtualFire], *, guards: Guards, now: int
) -> tuple[VirtualFire, ...]:
    """Without those too old for any window."""
    longest = max(guards.max_fired.per_ms, guards.max_fires.per_ms)
    return tuple(fire for fire in virtual if fire.at > now - longest)
