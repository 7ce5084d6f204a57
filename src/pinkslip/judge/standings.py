"""What everybody's standing is: the worst that any enforcing policy or a person makes of an agent.

Places and announced fires claim it, a person's quarantine besides. Of two claims that are as bad, the one that
lasts longer holds (of two notices the one that ends first), and then the policy that comes first.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pinkslip.fleet.snapshot import Integers
from pinkslip.judge.columns import NEVER
from pinkslip.judge.view import FleetView
from pinkslip.model.decisions import StandingChange
from pinkslip.model.time import rfc3339
from pinkslip.model.words import SEVERITY_OF_STANDING, Standing, code_of, word_of

_SEVERITY = np.array([SEVERITY_OF_STANDING.index(each) for each in Standing], dtype=np.int64)
"""By code."""
_ALWAYS = 1 << 43
"""Later than every instant: severity and end in one number."""

_ACTIVE = code_of(Standing.ACTIVE)
_NOTICE = code_of(Standing.NOTICE)
_QUARANTINED = code_of(Standing.QUARANTINED)
_FIRED = code_of(Standing.FIRED)

_SAID = {
    Standing.ACTIVE: "nobody holds anything against it any more",
    Standing.PROBATION: "on probation",
    Standing.NOTICE: "its fire is announced",
    Standing.QUARANTINED: "in quarantine",
    Standing.FIRED: "fired",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What one policy makes of some agents."""

    policy: str | None
    """None: a person."""
    slots: Integers
    standing: Integers
    """Codes."""
    until: Integers
    """NEVER: no end is set."""


def changes(
    claims: Sequence[Claim], view: FleetView, *, most: int
) -> tuple[StandingChange, ...]:
    """Whose standing is not what it should be, by agent_no; `claims` in the policies' order.

    At most so many: the next tick finds the others.
    """
    present = (view.numbers > 0) & ~view.finished & (view.standing != _FIRED)
    orders = _ordered(view)
    if not any(len(claim.slots) for claim in (*claims, orders)):
        # nobody holds anything against anybody: whoever is as they should be needs no comparing
        present &= (view.standing != _ACTIVE) | (view.standing_until != 0)
        if not present.any():
            return ()
    standing, until, whose = _worst([*claims, orders], view.size)
    differs = (standing != view.standing) | (np.maximum(until, 0) != view.standing_until)
    slots = np.flatnonzero(present & differs)
    slots = slots[np.argsort(view.numbers[slots], kind="stable")][:most]
    return tuple(
        _change(
            view,
            slot,
            standing=word_of(Standing, int(standing[slot])),
            until=None if until[slot] == NEVER else int(until[slot]),
            policy=claims[whose[slot]].policy if 0 <= whose[slot] < len(claims) else None,
        )
        for slot in slots.tolist()
    )


def _change(
    view: FleetView, slot: int, *, standing: Standing, until: int | None, policy: str | None
) -> StandingChange:
    who = (
        "" if standing is Standing.ACTIVE else f"policy {policy}: " if policy else "a person: "
    )
    end = "" if until is None else f" until {rfc3339(until)}"
    return StandingChange(
        agent_no=int(view.numbers[slot]),
        agent_id=view.agent_ids[slot],
        incarnation=int(view.incarnation[slot]),
        standing=standing,
        until=until,
        policy=policy,
        why=f"{who}{_SAID[standing]}{end}",
    )


def _ordered(view: FleetView) -> Claim:
    """People's quarantines that last."""
    slots = np.flatnonzero(view.ordered_until > view.now)
    return Claim(
        policy=None,
        slots=slots,
        standing=np.full(len(slots), _QUARANTINED),
        until=view.ordered_until[slots],
    )


def _worst(claims: Sequence[Claim], size: int) -> tuple[Integers, Integers, Integers]:
    """Per slot: the standing, until when, and which claim it is; nobody's: -1."""
    best = np.zeros(size, dtype=np.int64)
    standing = np.full(size, _ACTIVE, dtype=np.int64)
    until = np.full(size, NEVER, dtype=np.int64)
    whose = np.full(size, -1, dtype=np.int64)
    for place, claim in enumerate(claims):
        weight = _weight(claim)
        worse = np.flatnonzero(weight > best[claim.slots])
        worse = worse[
            np.argsort(weight[worse], kind="stable")
        ]  # of several of one agent the last holds
        slots = claim.slots[worse]
        best[slots] = weight[worse]
        standing[slots] = claim.standing[worse]
        until[slots] = claim.until[worse]
        whose[slots] = place
    return standing, until, whose


def _weight(claim: Claim) -> Integers:
    """How bad a claim is, and within that how long it lasts; nothing at all for `active`."""
    severity = _SEVERITY[claim.standing]
    end = np.where(claim.until == NEVER, _ALWAYS - 1, claim.until)
    end = np.where(claim.standing == _NOTICE, _ALWAYS - 1 - end, end)
    return np.where(severity == 0, 0, severity * _ALWAYS + end)
