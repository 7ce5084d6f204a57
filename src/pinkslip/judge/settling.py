"""What of a tick's conclusions still stands when its transaction comes: people may have come between.

1. What is done to an agent is done where it is still the one that was judged: the same incarnation, neither fired,
   finished nor released since, and fired by no earlier decision of the tick.
2. A fire spares besides whom a person protected or set aside since the tick's look, and comes to nothing where
   one vetoed it or overruled the policy.
3. A standing changes where the agent is still the one that was judged, and nobody changed it since.

The rest is superseded: recorded, and not done.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import msgspec

from pinkslip.fleet.admission import Head
from pinkslip.model.decisions import Decision, StandingChange
from pinkslip.model.words import Standing, Verdict

DONE_TO_AGENTS = frozenset(
    {
        Verdict.FIRED,
        Verdict.QUARANTINED,
        Verdict.PROBATION,
        Verdict.NOTICED,
        Verdict.ASKED,
    }
)
"""Verdicts that need the agent they are about; the others are only said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Overruled:
    """What people said between a tick's look and its transaction."""

    vetoed: frozenset[tuple[str, int]]
    """(policy, agent_no)."""
    demoted: frozenset[str]
    """Policies."""


def settled(
    decisions: Sequence[Decision],
    head_of: Callable[[Decision], Head | None],
    overruled: Overruled,
    *,
    judged_at: int,
    now: int,
) -> list[Decision]:
    """Every decision as it is recorded. `head_of` knows agents as they are `now`; None: the agent is gone."""
    final, fired = [], set[int]()
    for decision in decisions:
        if decision.verdict not in DONE_TO_AGENTS:
            final.append(decision)
            continue
        head = head_of(decision)
        if (
            head is None
            or decision.agent_no in fired
            or not _is_as_judged(head, decision, judged_at=judged_at)
            or _is_spared(head, decision, overruled, judged_at=judged_at, now=now)
        ):
            final.append(msgspec.structs.replace(decision, verdict=Verdict.SUPERSEDED))
            continue
        if decision.verdict is Verdict.FIRED:
            fired.add(decision.agent_no)
        final.append(decision)
    return final


def may_stand(head: Head | None, change: StandingChange, *, judged_at: int) -> bool:
    """Whether a tick's standing is still news."""
    return head is not None and _is_same(head, change) and head.stood_at <= judged_at


def _is_same(head: Head, about: Decision | StandingChange) -> bool:
    return (
        head.agent_no == about.agent_no
        and head.incarnation == about.incarnation
        and head.standing is not Standing.FIRED
        and head.finished_at is None
    )


def _is_as_judged(head: Head, decision: Decision, *, judged_at: int) -> bool:
    was_released = head.standing is Standing.ACTIVE and head.stood_at > judged_at
    return _is_same(head, decision) and not was_released


def _is_spared(
    head: Head, decision: Decision, overruled: Overruled, *, judged_at: int, now: int
) -> bool:
    if decision.verdict is not Verdict.FIRED:
        return False
    is_protected = head.protected_until is not None and head.protected_until > now
    return (
        is_protected
        or head.stood_at > judged_at
        or (decision.policy, decision.agent_no) in overruled.vetoed
        or decision.policy in overruled.demoted
    )
