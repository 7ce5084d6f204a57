"""How places on a ladder go: a rung further down at each crossing, and back up by time, recovery or a person.

1. A place is given up 30 days after its last change where nobody of it is in memory any more, at once where that
   one was fired; when the policy was edited, has no ladder any more, or changed between enforcing and shadow for its
   subject.
2. A person who releases or reinstates the agent starts a new pass: on no rung, evidence counted anew.
3. A quarantine whose time has passed becomes probation; evidence starts anew, for a paused agent shows nothing.
4. A crossing takes the rung after the place's; past the last one the last repeats. Whoever of a lineage crossed
   before the rung was taken is part of that crossing, and shares its rung.
5. While the policy does not hold, probation ends when its time has passed, and any rung by recovery: `clear_when`, or,
   where none is given and the evidence of `when` does not start anew by itself, `when` false for as long as
   `keep_for` and `for` ask. That starts the next pass, which has less error to spend.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from pinkslip.fleet.needs import Words
from pinkslip.fleet.snapshot import Integers
from pinkslip.judge.columns import NEVER
from pinkslip.judge.episodes import BlindBetween, lasted_ms
from pinkslip.judge.kinds import starts_anew
from pinkslip.judge.kleene import Truth
from pinkslip.judge.ledger import Ledger, whole
from pinkslip.judge.memory import Track
from pinkslip.judge.readings import Readings
from pinkslip.judge.shadowing import in_shadow, in_shadow_by_key
from pinkslip.judge.shelf import NO_PLACES, Shelf, agent_subject, lineage_subject, shelf_of
from pinkslip.judge.view import Bools, FleetView
from pinkslip.model.decisions import Place
from pinkslip.model.policy import Policy, Rung
from pinkslip.model.time import DAY_MS
from pinkslip.model.words import Action, Scope, Standing, code_of

PROBATION_MS = DAY_MS
"""How long probation lasts where neither a time nor a `clear_when` ends it."""
QUARANTINE_MS_MAX = DAY_MS
"""Quarantines double up to here."""
FORGET_MS = DAY_MS
"""One quarantine less counts for doubling for each of these since the newest ended."""
KEPT_MS = 30 * DAY_MS
"""A place outlives for so long that its agents are in memory."""

_ACTIVE = code_of(Standing.ACTIVE)
_PROBATION = code_of(Standing.PROBATION)
_QUARANTINED = code_of(Standing.QUARANTINED)
_FIRED = code_of(Standing.FIRED)
_NOWHERE = np.empty(0, dtype=np.int64)


class Lexicon:
    """Finds words of a field by their text. A cache: answers never depend on what was asked before."""

    def __init__(self) -> None:
        self._generation: int | None = None
        self._codes: dict[str, int] = {}

    def codes(self, words: Words, texts: Sequence[str]) -> Integers:
        """The code of each text, -1 where nobody ever had it."""
        if words.generation != self._generation:
            self._generation, self._codes = words.generation, {}
        known = len(self._codes)
        if known < len(words.vocabulary):
            self._codes.update(
                (word, known + place) for place, word in enumerate(words.vocabulary[known:])
            )
        return np.array([self._codes.get(text, -1) for text in texts], dtype=np.int64)


@dataclass(frozen=True, slots=True, kw_only=True)
class LetGo:
    """Who is let go now: who climbs back, step 5, and whose place is given up, step 1."""

    rows: Integers
    slots: Integers
    """For each the agent by which it is recorded: the first by agent_no of those that show it."""
    by_time: Bools


NOBODY_LET_GO = LetGo(rows=_NOWHERE, slots=_NOWHERE, by_time=np.zeros(0, dtype=np.bool_))


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """One policy's places on the fleet of this instant."""

    shelf: Shelf
    """Its columns are its own and may be written."""
    changed: Bools
    """Per row: differs from what the store has."""
    given_up: Shelf = NO_PLACES
    freed: LetGo = field(default_factory=lambda: NOBODY_LET_GO)
    """Whom probation or quarantine on a place that was given up kept until now; rows are of those given up."""
    slots: Integers = field(default_factory=lambda: _NOWHERE)
    """The agents in memory who stand somewhere, and pairwise in which row. Who came to a lineage after it had
    taken a rung by itself stands in both."""
    rows: Integers = field(default_factory=lambda: _NOWHERE)
    row_of: Integers
    """Per slot: the row that its evidence and its next rung go by, -1 without one."""
    with_lineage: Bools
    """Per slot: whether the policy follows its agent through a lineage."""

    @property
    def away(self) -> Integers:
        """Slots of agents whom shadow would have paused now: to the policy they are not there."""
        if not len(self.rows):
            return _NOWHERE
        shelf = self.shelf
        paused = shelf.is_shadow & (shelf.standing == _QUARANTINED)
        away: Integers = self.slots[paused[self.rows]]
        return away


def _no_places(scope: Scope, readings: Readings, lexicon: Lexicon) -> Places:
    """Nobody is on the ladder; the same for all policies of a scope."""
    view = readings.view
    return readings.once(
        ("no places", scope),
        lambda: Places(
            shelf=NO_PLACES,
            changed=np.zeros(0, dtype=np.bool_),
            row_of=np.full(view.size, -1, dtype=np.int64),
            with_lineage=_with_lineage(scope, view, lexicon),
        ),
    )


def located(shelf: Shelf, scope: Scope, view: FleetView, lexicon: Lexicon) -> Places:
    """Where the subjects are in the fleet now. An agent with a lineage stands where its lineage stands."""
    slot = shelf.slot.copy()
    of_agent = ~shelf.of_lineage
    known = (slot >= 0) & (slot < view.size) & of_agent
    known[known] = view.numbers[slot[known]] == shelf.number[known]
    for row in np.flatnonzero(of_agent & ~known).tolist():
        found = view.slot_of(int(shelf.number[row]))
        slot[row] = -1 if found is None else found
    row_of = np.full(view.size, -1, dtype=np.int64)
    here = np.flatnonzero(of_agent & (slot >= 0))
    row_of[slot[here]] = here
    with_lineage = _with_lineage(scope, view, lexicon)
    if with_lineage.any():
        row_of = np.where(with_lineage, _rows_by_lineage(shelf, view, lexicon), row_of)
    own = shelf.copied()
    own.slot[:] = slot
    slots = np.flatnonzero(row_of >= 0)
    former = here[row_of[slot[here]] != here]
    return Places(
        shelf=own,
        changed=np.zeros(len(own), dtype=np.bool_),
        slots=np.concatenate((slots, slot[former])),
        rows=np.concatenate((row_of[slots], former)),
        row_of=row_of,
        with_lineage=with_lineage,
    )


def _with_lineage(scope: Scope, view: FleetView, lexicon: Lexicon) -> Bools:
    """Who is known as one worker under several ids. An empty key is none."""
    if scope is Scope.AGENT:
        return np.zeros(view.size, dtype=np.bool_)
    words = view.words("lineage")
    (empty,) = lexicon.codes(words, [""])
    given: Bools = (words.codes >= 0) & (words.codes != empty)
    return given


def _rows_by_lineage(shelf: Shelf, view: FleetView, lexicon: Lexicon) -> Integers:
    words = view.words("lineage")
    rows = np.flatnonzero(shelf.of_lineage)
    codes = lexicon.codes(words, shelf.lineage[rows].tolist())
    by_code = np.full(len(words.vocabulary) + 1, -1, dtype=np.int64)  # the last: no lineage
    by_code[codes[codes >= 0]] = rows[codes >= 0]
    return by_code[words.codes]


def standing_now(
    policy: Policy, shelf: Shelf | None, readings: Readings, lexicon: Lexicon
) -> Places:
    """Take places to this instant, before anybody is heard: steps 1 to 3."""
    view = readings.view
    if shelf is None or not len(shelf):
        return _no_places(policy.scope, readings, lexicon)
    places = located(shelf, policy.scope, view, lexicon)
    stays = _fits(policy, places, view)
    if not stays.all():
        given_up = shelf.take(~stays)
        freed = freed_from(given_up, view, lexicon)
        places = located(shelf.take(stays), policy.scope, view, lexicon)
        places = replace(places, given_up=given_up, freed=freed)
    _begin_passes(policy, places, readings)
    _forget_what_was_forgotten(policy, places, readings)
    _end_quarantines(policy, places, readings)
    return places


def _fits(policy: Policy, places: Places, view: FleetView) -> Bools:
    """Which places go on: step 1."""
    shelf = places.shelf
    fits: Bools = (shelf.episode_hash == policy.episode_hash) & np.bool_(bool(policy.ladder))
    of_agent, slot = ~shelf.of_lineage, shelf.slot
    here = of_agent & (slot >= 0)
    present = here | _any(places, np.ones(len(places.rows), dtype=np.bool_))
    fires = [rung.action is Action.FIRE for rung in policy.rungs]
    is_fired = of_agent & ~shelf.is_shadow & (shelf.rung >= 0)
    is_fired[is_fired] = np.array(fires)[np.minimum(shelf.rung[is_fired], len(fires) - 1)]
    fits &= present | (~is_fired & (_last_change(shelf) > view.now - KEPT_MS))
    shadow = shelf.is_shadow.copy()
    shadow[here] = in_shadow(policy, view, slot[here])
    shadow[~of_agent] = in_shadow_by_key(policy, shelf.lineage[~of_agent].tolist())
    fits &= shadow == shelf.is_shadow
    return fits


def may_come_back(policy: Policy, places: Places, track: Track, *, now: int) -> Bools:
    """Per episode of an agent that has left memory: whether its place, or its lineage's, may still be there when it is
    back. Of which lineage it was cannot be told, so such an episode is kept for as long as a place is."""
    kept: Bools = np.isin(track.number, places.shelf.number)
    if policy.ladder and policy.scope is Scope.LINEAGE:
        kept |= track.began_at > now - KEPT_MS
    return kept


def freed_from(shelf: Shelf, view: FleetView, lexicon: Lexicon) -> LetGo:
    """Whom places that are given up kept until now. The scope they were made for may have gone before them: their
    subjects tell. Not who left, was fired, or was released by a person: that ended it before."""
    places = located(shelf, Scope.LINEAGE, view, lexicon)
    slots, pairs = places.slots, places.rows
    kept = (shelf.standing == _PROBATION) | (shelf.standing == _QUARANTINED)
    present = ~view.finished[slots] & (view.standing[slots] != _FIRED)
    present &= view.released_at[slots] <= shelf.since[pairs]
    present &= shelf.of_lineage[pairs] | (view.incarnation[slots] == shelf.incarnation[pairs])
    rows, found = _first_by_number(places, kept & ~shelf.is_shadow, present, view)
    return LetGo(rows=rows, slots=found, by_time=np.zeros(len(rows), dtype=np.bool_))


def _last_change(shelf: Shelf) -> Integers:
    return np.maximum(shelf.since, np.maximum(shelf.until, shelf.quarantined_until))


def _begin_passes(policy: Policy, places: Places, readings: Readings) -> None:
    """People released or reinstated somebody: step 2."""
    view = readings.view
    shelf, slots, rows = places.shelf, places.slots, places.rows
    since = shelf.since[rows]
    born = view.created_at[slots]
    anew = np.where(
        shelf.of_lineage[rows],
        (view.incarnation[slots] > 1) & (born > since),
        view.incarnation[slots] != shelf.incarnation[rows],
    )
    released_at = view.released_at[slots]
    if not (anew.any() or released_at.any()):
        return
    start = _latest(places, np.where(anew, born, NEVER))
    released = _latest(places, released_at)
    is_anew = start != NEVER
    since_then = np.where(is_anew, start, shelf.since)
    is_released = ((shelf.rung >= 0) | is_anew) & (released > since_then)
    if not (is_anew | is_released).any():
        return
    shelf.incarnation[rows] = np.where(
        shelf.of_lineage[rows], 0, view.incarnation[slots].astype(np.int64)
    )
    _reset(policy, places, np.flatnonzero(is_anew | is_released), readings)
    only_anew = is_anew & ~is_released
    shelf.since[only_anew] = start[only_anew]
    shelf.base_tasks[only_anew] = shelf.base_successes[only_anew] = 0


def _forget_what_was_forgotten(policy: Policy, places: Places, readings: Readings) -> None:
    """A lineage of which nothing was heard for long is counted from nothing; nothing is left out of that."""
    shelf = places.shelf
    if not shelf.of_lineage.any():
        return
    tasks, _ = readings.counts(policy.outcomes, policy.scope)
    lost = tasks[places.slots] < shelf.base_tasks[places.rows]
    rows = np.unique(places.rows[lost & shelf.of_lineage[places.rows]])
    shelf.base_tasks[rows] = shelf.base_successes[rows] = 0
    places.changed[rows] = True


def _end_quarantines(policy: Policy, places: Places, readings: Readings) -> None:
    """Time has passed: step 3. Nobody is there to be let out where nobody is in memory."""
    shelf, now = places.shelf, readings.view.now
    over = (shelf.standing == _QUARANTINED) & (shelf.until <= now)
    if not over.any():
        return
    over &= _any(places, np.ones(len(places.rows), dtype=np.bool_))
    for row in np.flatnonzero(over).tolist():
        lasts = _probation_ms(policy, policy.rungs[: int(shelf.rung[row]) + 1])
        shelf.standing[row] = _PROBATION
        shelf.until[row] = NEVER if lasts is None else now + lasts
    if over.any():
        _count_anew(policy, places, np.flatnonzero(over), readings)


def _probation_ms(policy: Policy, rungs: Sequence[Rung]) -> int | None:
    """How long probation lasts at most, after these rungs; None: until it recovers."""
    given = [rung.for_ms for rung in rungs if rung.action is Action.PROBATION and rung.for_ms]
    if given:
        return given[-1]
    return PROBATION_MS if policy.clear_when is None else None


def _reset(policy: Policy, places: Places, rows: Integers, readings: Readings) -> None:
    """A new pass begins: on no rung."""
    shelf, now = places.shelf, readings.view.now
    shelf.rung[rows] = -1
    shelf.standing[rows] = _ACTIVE
    shelf.until[rows] = NEVER
    shelf.passes[rows] += 1
    shelf.quarantined_until[rows] = np.minimum(shelf.quarantined_until[rows], now)
    _count_anew(policy, places, rows, readings)


def _count_anew(policy: Policy, places: Places, rows: Integers, readings: Readings) -> None:
    """Evidence begins at this tick."""
    shelf = places.shelf
    tasks, successes = readings.counts(policy.outcomes, policy.scope)
    base_tasks, base_successes = np.zeros((2, len(shelf)), dtype=np.int64)
    base_tasks[places.rows] = tasks[places.slots]  # the same for everybody of a lineage
    base_successes[places.rows] = successes[places.slots]
    shelf.base_tasks[rows] = base_tasks[rows]
    shelf.base_successes[rows] = base_successes[rows]
    shelf.since[rows] = readings.view.now
    shelf.false_since[rows] = NEVER
    places.changed[rows] = True


def ledger_of(policy: Policy, places: Places, readings: Readings) -> Ledger:
    """What the places leave out of evidence, per slot."""
    unmoved = _unmoved(policy, places, readings)
    if not len(places.rows):
        return unmoved
    shelf, placed, row = places.shelf, places.row_of >= 0, places.row_of
    return Ledger(
        has_ladder=unmoved.has_ladder,
        base_tasks=np.where(placed, shelf.base_tasks[row], 0),
        base_successes=np.where(placed, shelf.base_successes[row], 0),
        passes=np.where(placed, shelf.passes[row], 1),
        since=np.where(placed, shelf.since[row], unmoved.since),
    )


def _unmoved(policy: Policy, places: Places, readings: Readings) -> Ledger:
    """The ledger of those who stand nowhere; the same for all policies of a scope."""
    has_ladder, is_followed = bool(policy.ladder), policy.scope is Scope.LINEAGE

    def nothing_left_out() -> Ledger:
        ledger = readings.once("whole", lambda: whole(readings.view))
        since = np.where(places.with_lineage, 0, ledger.since) if is_followed else ledger.since
        return replace(ledger, has_ladder=has_ladder, since=since)

    return readings.once(("unmoved", has_ladder, is_followed), nothing_left_out)


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps:
    """Which rung each crossing is about: step 4."""

    rung: Integers
    """Its index; 0 without a ladder."""
    moves: Bools
    """False: the rung was taken already, and the crossing shares it."""
    is_done: Bools
    """Shadow would have fired already: there is nothing left to do."""

    def take(self, which: Bools) -> "Steps":
        """Some of them, in order."""
        return Steps(
            rung=self.rung[which], moves=self.moves[which], is_done=self.is_done[which]
        )


def steps_of(policy: Policy, places: Places, slots: Integers, began_at: Integers) -> Steps:
    """The rungs of crossings that began at these instants."""
    rungs = policy.rungs
    row = places.row_of[slots]
    on = np.full(len(slots), -1, dtype=np.int64)
    shares, is_done = np.zeros((2, len(slots)), dtype=np.bool_)
    placed = row >= 0
    if placed.any():
        shelf, at = places.shelf, row[placed]
        on[placed] = np.minimum(shelf.rung[at], len(rungs) - 1)
        shares[placed] = (on[placed] >= 0) & (began_at[placed] <= shelf.since[at])
        fires = np.array([rung.action is Action.FIRE for rung in rungs])
        is_done[placed] = shelf.is_shadow[at] & (on[placed] >= 0) & fires[on[placed]]
    rung = np.where(shares, on, np.minimum(on + 1, len(rungs) - 1))
    return Steps(
        rung=rung, moves=~shares & np.bool_(bool(policy.ladder)), is_done=is_done & ~shares
    )


def taken(
    policy: Policy, place: Place, *, rung: int, now: int, counts: tuple[int, int]
) -> Place:
    """The place after a rung was taken; `counts` are its subject's tasks and successes so far."""
    step = policy.rungs[rung]
    standing, until = place.standing, place.until
    quarantines, quarantined_until = place.quarantines, place.quarantined_until
    match step.action:
        case Action.NOTIFY:
            pass
        case Action.PROBATION:
            lasts = _probation_ms(policy, (step,))
            standing, until = Standing.PROBATION, None if lasts is None else now + lasts
        case Action.QUARANTINE:
            quarantines = remembered_quarantines(place, now=now) + 1
            until = quarantined_until = now + quarantine_ms(step, quarantines)
            standing = Standing.QUARANTINED
        case Action.FIRE:
            until = None
    return Place(
        policy=place.policy,
        episode_hash=place.episode_hash,
        subject=place.subject,
        incarnation=place.incarnation,
        rung=rung,
        standing=standing,
        since=now,
        until=until,
        passes=place.passes,
        quarantines=quarantines,
        quarantined_until=quarantined_until,
        base_tasks=counts[0],
        base_successes=counts[1],
        is_shadow=place.is_shadow,
        decision_id=place.decision_id,
    )


def remembered_quarantines(place: Place, *, now: int) -> int:
    """How many former ones count for doubling: one is forgotten for each day since the newest ended."""
    forgotten = max(0, now - place.quarantined_until) // FORGET_MS
    return max(0, place.quarantines - forgotten)


def quarantine_ms(rung: Rung, count: int) -> int:
    """The `count`-th quarantine: twice the one before, up to a day, and never less than what the rung says."""
    if rung.for_ms is None:
        raise ValueError("a quarantine needs a time")
    doubled = rung.for_ms << min(count - 1, 32)
    return max(rung.for_ms, min(doubled, QUARANTINE_MS_MAX))


def place_of(
    policy: Policy, places: Places, view: FleetView, slot: int, *, is_shadow: bool
) -> Place:
    """The place of the agent in `slot`, or of its lineage; one on no rung, where there is none yet."""
    row = int(places.row_of[slot])
    if row >= 0:
        return places.shelf.place(policy.name, row)
    lineage = lineage_of(policy, view, slot)
    number = int(view.numbers[slot])
    return Place(
        policy=policy.name,
        episode_hash=policy.episode_hash,
        subject=agent_subject(number) if lineage is None else lineage_subject(lineage),
        incarnation=int(view.incarnation[slot]) if lineage is None else 0,
        rung=-1,
        standing=Standing.ACTIVE,
        since=view.now,
        is_shadow=is_shadow,
    )


def lineage_of(policy: Policy, view: FleetView, slot: int) -> str | None:
    """The worker the policy's evidence follows, where it follows one."""
    if policy.scope is Scope.AGENT:
        return None
    words = view.words("lineage")
    code = int(words.codes[slot])
    return (words.vocabulary[code] or None) if code >= 0 else None


def with_taken(places: Places, moved: Sequence[Place]) -> tuple[Shelf, Bools]:
    """The shelf after this tick, and which of its rows the store does not have yet."""
    if not moved:
        return places.shelf, places.changed
    new = shelf_of(moved)
    subjects = {place.subject for place in moved}
    stays = np.array(
        [places.shelf.subject(row) not in subjects for row in range(len(places.shelf))],
        dtype=np.bool_,
    )
    shelf = places.shelf.take(stays).joined(new)
    unwritten = {places.shelf.subject(row) for row in np.flatnonzero(places.changed).tolist()}
    unwritten |= subjects
    changed = [shelf.subject(row) in unwritten for row in range(len(shelf))]
    return shelf, np.array(changed, dtype=np.bool_)


def recovered(
    policy: Policy,
    places: Places,
    *,
    view: FleetView,
    matched: Bools,
    when: Truth,
    clear: Truth | None,
    announced: Bools,
    blind_between: BlindBetween,
) -> LetGo:
    """Find who recovered, and note since when the others have been calm. `clear` is per pair of slot and row.

    Time takes nobody back whose fire is `announced`, per slot: it has crossed again.
    """
    if not len(places.rows):
        return NOBODY_LET_GO
    shelf, slots = places.shelf, places.slots
    active, holds = view.active[slots], when.yes[slots]
    on_rung = (shelf.rung >= 0) & (shelf.standing != _QUARANTINED)
    calm = on_rung & _any(places, active) & ~_any(places, active & holds & matched[slots])
    by_time = calm & (shelf.standing == _PROBATION) & _has_passed(shelf.until, view.now)
    by_time &= ~_any(places, announced[slots])
    by_recovery = np.zeros(len(shelf), dtype=np.bool_)
    if clear is not None:
        by_recovery = calm & _any(places, active & clear.yes)
        by_recovery &= ~_any(places, active & (clear.no | holds))
    elif not starts_anew(policy):
        _note_calm(places, calm & ~_any(places, active & ~when.no[slots]), view.now)
        needed = max(policy.keep_for_ms, policy.for_ms)
        lasted = lasted_ms(shelf.false_since, view.now, blind_between)
        by_recovery = calm & (shelf.false_since != NEVER) & (lasted >= needed)
    if not (by_time | by_recovery).any():
        return NOBODY_LET_GO
    telling = active if clear is None else active & (clear.yes | ~by_recovery[places.rows])
    rows, found = _first_by_number(places, by_time | by_recovery, telling, view)
    return LetGo(rows=rows, slots=found, by_time=by_time[rows] & ~by_recovery[rows])


def let_go(policy: Policy, places: Places, rows: Integers, readings: Readings) -> None:
    """Start their next pass."""
    if len(rows):
        _reset(policy, places, rows, readings)


def _note_calm(places: Places, calm: Bools, now: int) -> None:
    shelf = places.shelf
    since = np.where(calm, np.where(shelf.false_since == NEVER, now, shelf.false_since), NEVER)
    places.changed[:] |= since != shelf.false_since
    shelf.false_since[:] = since


def _has_passed(until: Integers, now: int) -> Bools:
    passed: Bools = (until != NEVER) & (until <= now)
    return passed


def _any(places: Places, members: Bools) -> Bools:
    """Per row: whether any of its agents is among `members`, given pair by pair."""
    found = np.zeros(len(places.shelf), dtype=np.bool_)
    found[places.rows[members]] = True
    return found


def _latest(places: Places, instants: Integers) -> Integers:
    """Per row: the latest of its agents' instants, given pair by pair."""
    latest = np.full(len(places.shelf), NEVER, dtype=np.int64)
    np.maximum.at(latest, places.rows, instants)
    return latest


def _first_by_number(
    places: Places, which: Bools, members: Bools, view: FleetView
) -> tuple[Integers, Integers]:
    """The rows among `which`, and for each the slot of its member with the lowest agent_no."""
    pairs = np.flatnonzero(which[places.rows] & members)
    order = pairs[np.lexsort((view.numbers[places.slots[pairs]], places.rows[pairs]))]
    rows, first = np.unique(places.rows[order], return_index=True)
    return rows, places.slots[order[first]]
