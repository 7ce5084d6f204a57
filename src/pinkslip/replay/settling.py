"""What the store's transaction makes of a tick's conclusions, by the rules of `store.ticks`, without a store.

1. What is done to an agent is done where it is still the one it was about: the same incarnation, neither fired nor
   finished, and fired by nobody earlier in this tick. A fire spares whom a person protected since the tick's look,
   and comes to nothing where one vetoed it or overruled the policy. The rest is superseded.
2. A standing changes where the agent is still the one it was about, and nobody changed it since.
"""

from collections.abc import Mapping, Sequence

import msgspec

from pinkslip.fleet.admission import Head
from pinkslip.judge.conclusions import Judgement
from pinkslip.model.decisions import Decision, StandingChange
from pinkslip.model.facts import Demoted, Ruled
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

Heads = Mapping[int, Head]
"""By agent_no."""


def settled(
    judgement: Judgement,
    heads: Heads,
    *,
    meanwhile: Sequence[Ruled | Demoted],
    made: Mapping[str, Decision],
) -> list[Decision]:
    """Every decision as it is recorded. `meanwhile`: what people said since the tick's look; `made`: earlier
    decisions, by id."""
    vetoed = {
        (announced.policy, announced.agent_no)
        for fact in meanwhile
        if isinstance(fact, Ruled) and fact.verdict is Verdict.VETOED
        if (announced := made.get(fact.decision_id)) is not None
    }
    demoted = {fact.policy for fact in meanwhile if isinstance(fact, Demoted)}
    decisions, fired = [], set[int]()
    for decision in judgement.decisions:
        head = heads.get(decision.agent_no)
        is_overruled = decision.verdict is Verdict.FIRED and (
            decision.policy in demoted
            or (decision.policy, decision.agent_no) in vetoed
            or _is_protected(head, judgement.now)
        )
        may = is_same(head, decision) and decision.agent_no not in fired and not is_overruled
        if decision.verdict in DONE_TO_AGENTS and not may:
            decisions.append(msgspec.structs.replace(decision, verdict=Verdict.SUPERSEDED))
            continue
        if decision.verdict is Verdict.FIRED:
            fired.add(decision.agent_no)
        decisions.append(decision)
    return decisions


def is_same(head: Head | None, about: Decision | StandingChange) -> bool:
    """Whether the agent is still the one that was judged."""
    return (
        head is not None
        and head.incarnation == about.incarnation
        and head.standing is not Standing.FIRED
        and head.finished_at is None
    )


def may_stand(head: Head | None, change: StandingChange, *, judged_at: int) -> bool:
    """Whether a tick's standing is still news."""
    return head is not None and is_same(head, change) and head.stood_at <= judged_at


def _is_protected(head: Head | None, now: int) -> bool:
    return head is not None and head.protected_until is not None and head.protected_until > now
