"""What became of a decision, or will: whether it was carried out, stopped, taken back, and whether it was wrong.

Pure: from the records after it, the fire it led to, and what still waits.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pinkslip.judge.conclusions import Waiting
from pinkslip.model.time import spoken
from pinkslip.model.words import ActorKind, DeliveryState, EpisodeState, Verdict
from pinkslip.store.views import Fire, StoredDecision
from pinkslip.web.words import Displays, concluded, one_line, quoted, sentence, when

_SETTLES = frozenset(
    {
        Verdict.FIRED,
        Verdict.VETOED,
        Verdict.CANCELLED,
        Verdict.SUPERSEDED,
        Verdict.REINSTATED,
        Verdict.RELEASED,
    }
)
"""What ends the waiting of an announced fire."""
_ANNOUNCES = frozenset({Verdict.NOTICED, Verdict.ASKED})
_RULES = frozenset({Verdict.VETOED, Verdict.APPROVED})
"""What a person says of one announcement, and of no other."""
_NAMED = re.compile(r"^a person \w+ what decision (?P<id>\S+) announced")
"""How the record of a ruling names what it is about."""
_MOVES = _SETTLES | {Verdict.PROBATION, Verdict.QUARANTINED}
"""What changes an agent's standing after a milder rung."""
_ACTS = frozenset(
    {
        Verdict.FIRED,
        Verdict.QUARANTINED,
        Verdict.PROBATION,
        Verdict.NOTIFIED,
        Verdict.NOTICED,
        Verdict.ASKED,
    }
)
"""What a policy does once no guard holds it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """What is known beside the decision itself."""

    now: int
    displays: Displays
    later: Sequence[StoredDecision] = ()
    """Records after it about the same agent, oldest first."""
    fire: Fire | None = None
    """The fire it led to."""
    waiting: Waiting | None = None
    """What it announced and still waits."""


def became(decision: StoredDecision, beside: Beside) -> tuple[str, ...]:
    """Sentences; none where nothing can come of such a decision."""
    match decision.verdict:
        case Verdict.FIRED:
            return _after_fire(beside)
        case Verdict.NOTICED | Verdict.ASKED:
            return _after_announcement(decision, beside)
        case Verdict.QUARANTINED | Verdict.PROBATION:
            return _after_rung(decision, beside)
        case Verdict.HELD:
            return _after_hold(decision, beside)
        case (
            Verdict.SHADOWED
            | Verdict.NOTIFIED
            | Verdict.SUPERSEDED
            | Verdict.CANCELLED
            | Verdict.RELEASED
            | Verdict.VETOED
            | Verdict.APPROVED
            | Verdict.REINSTATED
            | Verdict.DEMOTED
            | Verdict.RESTORED
        ):
            return ()


def _after_fire(beside: Beside) -> tuple[str, ...]:
    fire = beside.fire
    if fire is None:
        return ("It left no fire behind: the agent's record was deleted.",)
    told = []
    if fire.deliveries:
        told.append(_DELIVERED[fire.deliveries[-1].state])
    told.append(_taken_back(fire))
    return tuple(told)


_DELIVERED = {
    DeliveryState.PENDING: "It has not been told to stop yet: the order waits for its next report.",
    DeliveryState.DELIVERED: "It was told to stop.",
    DeliveryState.CONFIRMED: "It stopped.",
    DeliveryState.UNVERIFIED: "It fell silent; nobody can say for sure that it stopped.",
    DeliveryState.ZOMBIE: "It was told to stop and still reports.",
    DeliveryState.CANCELLED: "The order to stop was withdrawn.",
}


def _taken_back(fire: Fire) -> str:
    if fire.reinstated_at is None:
        return "It was not taken back, and nobody has called it wrong."
    wrong = (
        "and marked the fire as wrong" if fire.was_wrong else "without calling the fire wrong"
    )
    because = f": {quoted(fire.reinstate_context)}" if fire.reinstate_context else ""
    by = one_line(fire.reinstated_by or "") or "name erased"
    return sentence(
        f"it was taken back: a person ({by}) reinstated the agent on {when(fire.reinstated_at)}, "
        f"{wrong}{because}"
    )


def _after_announcement(decision: StoredDecision, beside: Beside) -> tuple[str, ...]:
    """What happened to it, in order of time: an approval, a hold when its time was up, its end."""
    story = list(_story(decision, beside))
    told = tuple(_happened(one, beside) for one in story)
    if beside.waiting is not None:
        is_approved = any(one.verdict is Verdict.APPROVED for one in story)
        return (*told, _waits(beside.waiting, beside, is_approved=is_approved))
    if story and story[-1].verdict in _SETTLES:
        return told
    return (*told, "Nothing more has come of it." if told else "Nothing has come of it.")


def _story(decision: StoredDecision, beside: Beside) -> Iterator[StoredDecision]:
    """Of what came after, what is about this announcement: up to its end, or to the next announcement."""
    is_held = False
    for one in beside.later:
        if one.policy not in {decision.policy, ""} or one.number <= decision.number:
            continue
        if one.verdict in _ANNOUNCES:
            return
        if one.verdict in _RULES and ruled_on(one) != decision.id:
            continue
        is_first_hold = one.verdict is Verdict.HELD and not is_held
        if one.verdict is Verdict.APPROVED or is_first_hold or one.verdict in _SETTLES:
            yield one
        if one.verdict in _SETTLES:
            return
        is_held |= is_first_hold


def ruled_on(ruling: StoredDecision) -> str | None:
    """The decision that a veto or an approval is about: the record of a ruling names it in its words."""
    named = _NAMED.search(ruling.evidence.words)
    return named["id"] if named else None


def _waits(waiting: Waiting, beside: Beside, *, is_approved: bool) -> str:
    if waiting.state is EpisodeState.AWAITING and not is_approved:
        before = (
            f", and not before {when(waiting.until)}"
            if waiting.until is not None and waiting.until > beside.now
            else ""
        )
        return f"Nobody is fired unless a person approves{before}. It is called off by itself if the agent recovers."
    if waiting.until is None or waiting.until <= beside.now:
        if waiting.holds:
            return "Its time has come: the next tick asks the safeguards again, and fires the agent if they let it."
        over = "It was approved" if waiting.until is None else "Its notice has passed"
        return (
            f"{over}, and the policy does not hold for the agent just now. The agent is fired the "
            "next time it does, unless a person vetoes it or the agent recovers before."
        )
    left = spoken(waiting.until - beside.now)
    return (
        f"The agent is fired on {when(waiting.until)}, in {left}, unless a person vetoes it or the agent recovers. "
        "The safeguards are asked again then."
    )


def _after_rung(decision: StoredDecision, beside: Beside) -> tuple[str, ...]:
    moved = _first(decision, beside, _MOVES)
    if moved is not None:
        return (_happened(moved, beside),)
    until = decision.evidence.until
    if until is None:
        return ("It stands until the agent recovers, gets worse, or a person releases it.",)
    if until <= beside.now:
        return (f"Its time passed on {when(until)}.",)
    return (
        f"It ends by itself on {when(until)}, unless the agent recovers or a person releases it before.",
    )


def _after_hold(decision: StoredDecision, beside: Beside) -> tuple[str, ...]:
    acted = _first(decision, beside, _ACTS)
    if acted is None:
        return ("It has not been done since.",)
    return (_happened(acted, beside),)


def _first(
    decision: StoredDecision, beside: Beside, verdicts: frozenset[Verdict]
) -> StoredDecision | None:
    """The first of these afterwards: by the same policy, or by a person whatever the policy."""
    return next(
        (
            one
            for one in beside.later
            if one.verdict in verdicts
            and one.number > decision.number
            and one.policy in {decision.policy, ""}
        ),
        None,
    )


def _happened(one: StoredDecision, beside: Beside) -> str:
    by_policy = one.actor_kind is ActorKind.POLICY
    because = f": {quoted(one.context)}" if one.context and not by_policy else ""
    return sentence(f"on {when(one.at)} {concluded(one, beside.displays)}{because}")
