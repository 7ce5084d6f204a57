"""One policy heard on one fleet: whom it is about, for whom it holds, how its episodes and places went on, who is
due, and for which rung."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from pinkslip.fleet.snapshot import Floats, Integers
from pinkslip.judge.columns import NEVER
from pinkslip.judge.conclusions import Finding
from pinkslip.judge.docket import NO_CASES, Cases
from pinkslip.judge.episodes import (
    ACTED,
    NOTHING_OPEN,
    SHADOWED,
    Advanced,
    Seen,
    advance,
    decided_at,
    inherited,
    is_announced,
    must_be_announced,
    opened,
    ruled,
    with_opened,
)
from pinkslip.judge.evaluate import Evaluator, Readings, Truth
from pinkslip.judge.holding import holding, truths
from pinkslip.judge.kinds import is_proof, nature_of, starts_anew
from pinkslip.judge.memory import NO_EPISODES, Track
from pinkslip.judge.places import (
    NOBODY_LET_GO,
    LetGo,
    Places,
    Steps,
    ledger_of,
    may_come_back,
    recovered,
    standing_now,
    steps_of,
)
from pinkslip.judge.shadowing import as_it_may, in_shadow
from pinkslip.judge.state import JudgeState
from pinkslip.judge.view import Bools, FleetView
from pinkslip.model.policy import Policy, PolicySet
from pinkslip.model.words import Action, Mode, Scope, Standing, code_of

_FIRE = code_of(Action.FIRE)
_FIRED = code_of(Standing.FIRED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """The episodes that want to act, and what each wants."""

    rows: Integers
    """Of the track."""
    steps: Steps
    action: Integers
    """Code of the rung's action."""
    announces: Bools
    """A fire that begins with a notice or a question."""
    in_shadow: Bools
    strength: Floats

    def __len__(self) -> int:
        return len(self.rows)


_NO_NUMBERS = np.zeros(0, dtype=np.int64)
_NO_MARKS = np.zeros(0, dtype=np.bool_)
NOBODY_DUE = Due(
    rows=_NO_NUMBERS,
    steps=Steps(rung=_NO_NUMBERS, moves=_NO_MARKS, is_done=_NO_MARKS),
    action=_NO_NUMBERS,
    announces=_NO_MARKS,
    in_shadow=_NO_MARKS,
    strength=np.zeros(0),
)
"""Nothing wants to act."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hearing:
    """What came of it. Nothing is decided yet: guards speak next."""

    policy: Policy
    """As people let it act now."""
    evaluator: Evaluator
    is_stale_type: bool
    reads_outcomes: bool
    matched: int
    holding: int
    advanced: Advanced
    disowned: Track
    """Episodes begun under another version of the policy, or that went further than it may: they end."""
    due: Due
    places: Places
    let_go: LetGo
    """Who climbs back, which guards never hold."""

    @property
    def slots(self) -> Integers:
        """Where the agents of the open episodes stand."""
        return self.advanced.track.slot

    @property
    def turned(self) -> tuple[Integers, Integers]:
        """Slot and beginning of each episode whose `when` is true now."""
        track, is_true = self.advanced.track, self.advanced.is_true
        return track.slot[is_true], track.began_at[is_true]


def hear(policy: Policy, state: JudgeState, readings: Readings, *, pool: str) -> Hearing:
    """Hear one policy. `pool` is the label whose agents are compared with each other.

    1. Its places come to this instant; they say from when evidence counts.
    2. Whom it is about, and the truth of `when` for them: where it has begun nothing, only for whom it holds.
    3. Open episodes advance; who on the ladder has recovered.
    4. The episodes it starts are added.
    5. For the due ones: which rung it is about, and how strong the case is.
    """
    view = readings.view
    policy = as_it_may(policy, view.acts)
    nature = nature_of(policy.when.tree)
    evaluator, matched, places = evaluator_of(
        policy, state, readings, pool=pool, stale_type=nature.is_stale_type
    )
    before = state.memory.tracks.get(policy.name, NO_EPISODES)
    advanced, disowned, let_go = NOTHING_OPEN, NO_EPISODES, NOBODY_LET_GO
    if len(before) or len(places.rows):
        open_now = located_track(before, view)
        begun = np.union1d(open_now.track.slot[open_now.here], places.slots)
        when = truths(nature, matched, begun, evaluator)
        holds = when.yes & matched
        advanced, disowned = _gone_on(policy, open_now, matched, when, places, evaluator)
        let_go = _recovered(policy, matched, when, advanced.track, places, evaluator)
    else:
        holds = holding(nature, matched, evaluator)
    if holds.any():
        advanced = with_opened(advanced, _new(policy, holds, advanced.track, view), policy)
    return Hearing(
        policy=policy,
        evaluator=evaluator,
        is_stale_type=nature.is_stale_type,
        reads_outcomes=nature.reads_outcomes,
        matched=int(np.count_nonzero(matched)),
        holding=int(np.count_nonzero(holds)),
        advanced=advanced,
        disowned=disowned,
        due=_due(policy, advanced, places, evaluator),
        places=places,
        let_go=let_go,
    )


def evaluator_of(
    policy: Policy, state: JudgeState, readings: Readings, *, pool: str, stale_type: bool
) -> tuple[Evaluator, Bools, Places]:
    """What a policy is asked with: its evidence as its places leave it, of whom it is about. With these both."""
    shelf = state.memory.places.get(policy.name)
    places = standing_now(policy, shelf, readings, state.lexicon)
    matched = state.matching.matched(policy, readings, stale_type=stale_type)
    matched = _without(matched, places.away)
    ledger = ledger_of(policy, places, readings)
    evaluator = Evaluator.of(policy, readings, ledger=ledger, pool=pool, among=matched)
    return evaluator, matched, places


def _gone_on(
    policy: Policy,
    open_now: "Located",
    matched: Bools,
    when: Truth,
    places: Places,
    evaluator: Evaluator,
) -> tuple[Advanced, Track]:
    """Episodes that were open, as they are now; and those the policy does not go on with."""
    track, here = open_now.track, open_now.here.copy()
    if not len(track):
        return NOTHING_OPEN, NO_EPISODES
    view = evaluator.readings.view
    # what people said comes first: the veto that demotes a policy is heard as a veto
    said = ruled(track, view.acts.rulings, _let_go(track, here, view))
    here[here] = _without(view.active, places.away)[track.slot[here]]
    aside = may_be_judged(track, view) & ~here
    gone = track.slot < 0
    if gone.any():
        aside |= gone & may_come_back(policy, places, track, now=view.now)
    all_rows, stays = inherited(policy, said, in_shadow=_in_shadow(policy, track, view))
    rows = all_rows.take(stays)
    advanced = advance(
        track.take(stays),
        rows,
        _seen(rows, here[stays], aside[stays], matched, when, policy, places, evaluator),
        policy,
        now=view.now,
        blind_between=view.blind_between,
    )
    return advanced, NO_EPISODES if stays.all() else all_rows.take(~stays)


def _recovered(
    policy: Policy,
    matched: Bools,
    when: Truth,
    track: Track,
    places: Places,
    evaluator: Evaluator,
) -> LetGo:
    """Who climbs back."""
    if not len(places.rows):
        return NOBODY_LET_GO
    view = evaluator.readings.view
    announced = np.zeros(view.size, dtype=np.bool_)
    announced[track.slot[is_announced(track)]] = True
    return recovered(
        policy,
        places,
        view=view,
        matched=matched,
        when=when,
        clear=_clear(policy, places.slots, evaluator),
        announced=announced,
        blind_between=view.blind_between,
    )


def _due(policy: Policy, advanced: Advanced, places: Places, evaluator: Evaluator) -> Due:
    """Those that want to act, but for whom shadow would have fired already."""
    if not advanced.due.any():
        return NOBODY_DUE
    view, track = evaluator.readings.view, advanced.track
    rows = np.flatnonzero(advanced.due)
    steps = steps_of(policy, places, track.slot[rows], track.began_at[rows])
    rows, steps = rows[~steps.is_done], steps.take(~steps.is_done)
    slots = track.slot[rows]
    shadow = in_shadow(policy, view, slots)
    actions = np.array([code_of(rung.action) for rung in policy.rungs], dtype=np.int64)
    action = actions[steps.rung]
    announces = must_be_announced(track.take(rows), policy) & (action == _FIRE) & ~shadow
    return Due(
        rows=rows,
        steps=steps,
        action=action,
        announces=announces,
        in_shadow=shadow,
        strength=evaluator.strength(policy.when.tree, slots),
    )


def _without(members: Bools, slots: Integers) -> Bools:
    if not len(slots):
        return members
    rest = members.copy()
    rest[slots] = False
    return rest


def _in_shadow(policy: Policy, track: Track, view: FleetView) -> Bools:
    """Per row; of agents who are not here any more, whatever: their episodes end."""
    shadow = np.full(len(track), policy.mode is not Mode.ENFORCE)
    known = track.slot >= 0
    shadow[known] = in_shadow(policy, view, track.slot[known])
    return shadow


class Located(NamedTuple):
    """Episodes with their agents' slots of now, -1 where it is gone, and whether each is still there to be judged."""

    track: Track
    here: Bools


def located_track(track: Track, view: FleetView) -> Located:
    """Where the agents of these episodes are now."""
    if not len(track):
        return Located(track, np.zeros(0, dtype=np.bool_))
    slot = track.slot.copy()
    within = (slot >= 0) & (slot < view.size)
    known = within.copy()
    known[within] = view.numbers[slot[within]] == track.number[within]
    for row in np.flatnonzero(~known).tolist():
        found = view.slot_of(int(track.number[row]))
        slot[row] = -1 if found is None else found
    now_at = replace(track, slot=slot)
    return Located(now_at, _is_same(now_at, view, view.active))


def may_be_judged(track: Track, view: FleetView) -> Bools:
    """Whose agent is there, or will be: the same incarnation, at work, in quarantine or finished."""
    return _is_same(track, view, view.standing != _FIRED)


def _is_same(track: Track, view: FleetView, among: Bools) -> Bools:
    """Whose agent is one of `among`, by slot, in the incarnation that the episode is about."""
    same: Bools = track.slot >= 0
    slots = track.slot[same]
    same[same] = (view.incarnation[slots] == track.incarnation[same]) & among[slots]
    return same


def _seen(
    track: Track,
    here: Bools,
    aside: Bools,
    matched: Bools,
    when: Truth,
    policy: Policy,
    places: Places,
    evaluator: Evaluator,
) -> Seen:
    """What this moment says of each open episode; of agents no longer here, nothing."""
    slots = track.slot[here]

    def of_rows(column: Bools) -> Bools:
        rows = np.zeros(len(track), dtype=np.bool_)
        rows[here] = column
        return rows

    clear = _clear(policy, slots, evaluator)
    if clear is not None:
        clear = Truth(of_rows(clear.yes), of_rows(clear.no))
    return Seen(
        here=here,
        aside=aside,
        matched=of_rows(matched[slots]),
        when=Truth(of_rows(when.yes[slots]), of_rows(when.no[slots])),
        clear=clear,
        crosses_anew=of_rows((when.yes & matched)[slots]) & _may_cross_anew(policy, track),
        climbed=_climbed(track, here, places),
    )


def _let_go(track: Track, here: Bools, view: FleetView) -> Bools:
    """Whom a person released after the newest decision of the episode."""
    rows = np.zeros(len(track), dtype=np.bool_)
    released_at = view.released_at[track.slot[here]]
    if released_at.any():  # ids are read only where somebody was released at all
        rows[here] = released_at > decided_at(track.take(np.flatnonzero(here)))
    return rows


def _climbed(track: Track, here: Bools, places: Places) -> Bools:
    """Whose lineage another of its agents took back to the top after the newest decision of the episode."""
    rows = np.zeros(len(track), dtype=np.bool_)
    if not len(places.rows):
        return rows
    shelf, place = places.shelf, places.row_of[track.slot]
    on_top = here & (place >= 0) & (shelf.rung[place] < 0) & is_announced(track)
    if on_top.any():
        some = track.take(on_top)
        rows[on_top] = shelf.since[place[on_top]] > decided_at(some)
    return rows


def _may_cross_anew(policy: Policy, track: Track) -> Bools:
    """Whose episode took a rung that started the evidence anew, and whose `when` was not true ever since: it was
    seen not to be, or cannot be by what it was true of before."""
    if not policy.ladder or not starts_anew(policy):
        return np.zeros(len(track), dtype=np.bool_)
    settled: Bools = (track.state == ACTED) | (track.state == SHADOWED)
    settled &= (track.true_since == NEVER) | np.bool_(is_proof(policy))
    return settled


def _clear(policy: Policy, slots: Integers, evaluator: Evaluator) -> Truth | None:
    """`clear_when` of the agents in `slots`; None where none is given."""
    if policy.clear_when is None:
        return None
    return evaluator.truth(policy.clear_when.tree, slots)


def _new(policy: Policy, holds: Bools, track: Track, view: FleetView) -> Track:
    """Episodes for agents for whom the policy holds and who have none."""
    fresh = holds.copy()
    fresh[track.slot[track.slot >= 0]] = False
    slots = np.flatnonzero(fresh)
    numbers = view.numbers[slots]
    order = np.argsort(numbers, kind="stable")
    slots = slots[order]
    return opened(
        policy,
        number=numbers[order],
        slot=slots,
        incarnation=view.incarnation[slots].astype(np.int64),
        now=view.now,
    )


def hear_all(
    policy_set: PolicySet, state: JudgeState, readings: Readings
) -> tuple[list[Hearing], list[Finding]]:
    """Hear every policy that is not off, each by itself, in their order."""
    hearings: list[Hearing] = []
    findings: list[Finding] = []
    for policy in policy_set.policies:
        if policy.mode is Mode.OFF:
            continue
        try:
            hearings.append(hear(policy, state, readings, pool=policy_set.guards.pool))
        except Exception as error:  # noqa: BLE001 - one policy is a unit of isolation; the finding tells
            findings.append(broken(policy, error))
    return hearings, findings


def broken(policy: Policy, error: Exception) -> Finding:
    """What a person is told of a policy that could not be judged."""
    return Finding(
        policy.name,
        f"policy {policy.name} ({policy.file}:{policy.line}) could not be judged, and nothing was decided "
        f"by it: {type(error).__name__}: {error}",
    )


def without(hearings: Sequence[Hearing], findings: Sequence[Finding]) -> list[Hearing]:
    """The hearings of policies that did not break afterwards."""
    broke = {finding.policy for finding in findings}
    return [hearing for hearing in hearings if hearing.policy.name not in broke]


def cases_of(hearings: Sequence[Hearing]) -> Cases:
    """Everything that wants to act, policy by policy, each in order of agent_no."""
    asking = [(rank, hearing) for rank, hearing in enumerate(hearings) if len(hearing.due)]
    if not asking:
        return NO_CASES
    counts = [len(hearing.due) for _, hearing in asking]

    def each(values: Sequence[bool]) -> Bools:
        return np.repeat(np.array(values, dtype=np.bool_), counts)

    return Cases(
        rank=np.repeat(np.array([rank for rank, _ in asking]), counts),
        slot=np.concatenate([h.advanced.track.slot[h.due.rows] for _, h in asking]),
        number=np.concatenate([h.advanced.track.number[h.due.rows] for _, h in asking]),
        strength=np.concatenate([hearing.due.strength for _, hearing in asking]),
        action=np.concatenate([hearing.due.action for _, hearing in asking]),
        announces=np.concatenate([hearing.due.announces for _, hearing in asking]),
        is_shadow=np.concatenate([hearing.due.in_shadow for _, hearing in asking]),
        is_stale_type=each([hearing.is_stale_type for _, hearing in asking]),
        reads_outcomes=each([hearing.reads_outcomes for _, hearing in asking]),
        by_lineage=each([hearing.policy.scope is Scope.LINEAGE for _, hearing in asking]),
    )
