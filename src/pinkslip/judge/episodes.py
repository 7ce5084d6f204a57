"""How episodes go: clear, pending, then held, shadowed, noticed, awaiting or acted, and clear again.

All open episodes of one policy advance at once, by the moment's answers to its `when` and `clear_when`:

1. An agent that was fired, or came back as another incarnation, ends its episodes; so does one that left memory, but
   for what took a rung of a ladder. One in quarantine, or finished, ends those in which nothing was said or done
   yet; the others rest: nothing it would have to do is seen. A notice runs on, and its fire comes when the agent is
   back and `when` holds: nobody calls it off by being away.
2. While nothing was done yet, `when` false ends it at once: while pending, and while a fire that was announced
   has not come; that is then called off. The latter ends by `clear_when` as well; and by that alone, where one is
   given and `when` rests on proof, which stays given whatever comes after. Then the fire comes when its notice has
   passed and `when` holds, or the next time it does.
3. Otherwise it ends when `clear_when` holds and `when` does not, where one is given and the policy still is
   about the agent; or when `when` has been false for `keep_for`.
4. Unknown ends nothing, and starts `for` and `keep_for` again.
5. Pending and held ones whose `when` has been true for `for` are due: they want to act. So are announced ones
   whose notice has passed and who were approved, where that is asked for.
6. On a ladder each rung needs its own crossing, so an episode that took one rests as well while the policy is not
   about the agent, as long as `when` is true: that it is taken in again is none. And evidence starts anew with
   each rung. Where `when` comes true by what came after, that is a crossing: the episode that took the rung ends,
   and another begins.
7. What a person vetoed does nothing more until it ends, nor what was announced of an agent a person released.

Time in which we were blind is taken off `for`, `keep_for` and notices. What became of the due ones is not known here.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from pinkslip.fleet.snapshot import Integers
from pinkslip.judge.columns import NEVER, texts
from pinkslip.judge.kinds import stays_proven
from pinkslip.judge.kleene import Truth
from pinkslip.judge.memory import NO_EPISODES, NOBODY, Track
from pinkslip.judge.view import Bools
from pinkslip.model.facts import Ruled
from pinkslip.model.policy import Policy
from pinkslip.model.words import EpisodeState, Mode, Verdict, code_of

PENDING = code_of(EpisodeState.PENDING)
HELD = code_of(EpisodeState.HELD)
SHADOWED = code_of(EpisodeState.SHADOWED)
NOTICED = code_of(EpisodeState.NOTICED)
ACTED = code_of(EpisodeState.ACTED)
VETOED = code_of(EpisodeState.VETOED)
AWAITING = code_of(EpisodeState.AWAITING)

BlindBetween = Callable[[int, int], int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What this moment says of each open episode's agent, row by row."""

    here: Bools
    """The same incarnation, still active."""
    aside: Bools
    """It may come back: the same incarnation, in quarantine or finished; or it has left memory, on a ladder. Nothing
    else is said of it."""
    matched: Bools
    """The policy is about it."""
    when: Truth
    clear: Truth | None
    """None: the policy gives no `clear_when`."""
    crosses_anew: Bools
    """What was done is settled, and `when` holds now by evidence that came after it."""
    climbed: Bools
    """The agent's lineage climbed back after the newest decision about it: its proof counts no more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Advanced:
    """Open episodes after this moment, and those it ended."""

    track: Track
    """For reading only."""
    is_true: Bools
    """Per row: `when` is true now."""
    changed: Bools
    """Per row: differs from what the store has."""
    due: Bools
    """Per row: wants to act."""
    ended: Track


_NO_ROWS = np.zeros(0, dtype=np.bool_)
NOTHING_OPEN = Advanced(
    track=NO_EPISODES,
    is_true=_NO_ROWS,
    changed=_NO_ROWS,
    due=_NO_ROWS,
    ended=NO_EPISODES,
)
"""What comes of no episodes."""


def advance(
    before: Track,
    track: Track,
    seen: Seen,
    policy: Policy,
    *,
    now: int,
    blind_between: BlindBetween,
) -> Advanced:
    """Take open episodes to `now`. `track` is what became of those `before`, as the store has them, already."""
    track = _told_for_long_enough(track, policy, now, blind_between)
    settled, announced = is_settled(track), is_announced(track)
    aside = seen.aside & (settled | (announced & (track.slot >= 0)))
    on_rung = settled & np.bool_(bool(policy.ladder))
    is_true = seen.when.yes & seen.matched
    stays_true = settled & (aside | (on_rung & seen.when.yes))
    is_false = (seen.when.no | (~seen.matched & ~on_rung)) & ~aside
    moved = replace(
        track,
        true_since=_since(
            track.true_since, is_true | (stays_true & (track.true_since != NEVER)), now=now
        ),
        false_since=_since(track.false_since, is_false, now=now),
    )
    undone = (track.state == PENDING) | announced
    over = _lasting(
        is_false & ~undone, moved.false_since, policy.keep_for_ms, now, blind_between
    )
    at_once = is_false & undone
    if seen.clear is not None:
        is_clear = seen.clear.yes & ~(is_true | stays_true)
        over = np.where(seen.matched | on_rung, is_clear, over)
        if stays_proven(policy):
            at_once = at_once & ~(announced & seen.matched) | (announced & seen.climbed)
        at_once |= is_clear & announced
    ends = ~(seen.here | aside) | seen.crosses_anew | np.where(undone, at_once, over)
    waits = _wants_to_act(track, policy, now)
    due = _lasting(waits & is_true, moved.true_since, policy.for_ms, now, blind_between)
    changed = (moved.true_since != track.true_since) | (moved.false_since != track.false_since)
    if track is not before:
        changed |= track.state != before.state
        changed |= track.ruled_by != before.ruled_by
        changed |= track.until != before.until
    if not ends.any():
        return Advanced(
            track=moved, is_true=is_true, changed=changed, due=due, ended=NO_EPISODES
        )
    stays = ~ends
    return Advanced(
        track=moved.take(stays),
        is_true=is_true[stays],
        changed=changed[stays],
        due=due[stays],
        ended=moved.take(ends),
    )


def decided_at(track: Track) -> Integers:
    """When the newest decision of each episode was taken, as its id says; NEVER without one."""
    return np.array(
        [
            NEVER if text is None else int(text.replace("-", "")[:12], 16)
            for text in track.decision_id
        ],
        dtype=np.int64,
    )


def is_vetoed(track: Track, policy: Policy) -> Bools:
    """Of which fires a person wants nothing, as long as the policy is about the same."""
    vetoed: Bools = (track.episode_hash == policy.episode_hash) & (track.state == VETOED)
    return vetoed if policy.mode is not Mode.OFF else np.zeros_like(vetoed)


def is_settled(track: Track) -> Bools:
    """For whom everything was done that will be, until the episode ends."""
    settled: Bools = (
        (track.state == ACTED) | (track.state == SHADOWED) | (track.state == VETOED)
    )
    return settled


def is_announced(track: Track) -> Bools:
    """Whose fire was announced or asked for, and has not come: waiting, or held when its time was up."""
    waiting: Bools = (track.state == NOTICED) | (track.state == AWAITING)
    held: Bools = track.state == HELD
    if not held.any():
        return waiting
    was_told = (track.until != NEVER) | (track.ruled_by != None)  # noqa: E711 - by element
    announced: Bools = waiting | (held & was_told)
    return announced


def is_unanswered(track: Track) -> Bools:
    """Whose fire a person was asked for and did not approve yet."""
    unanswered: Bools = (track.state == AWAITING) & (track.ruled_by == None)  # noqa: E711 - by element
    return unanswered


def must_be_announced(track: Track, policy: Policy) -> Bools:
    """For whom a fire would begin with a notice or a question, because neither was given yet."""
    unnoticed = (track.until == NEVER) & np.bool_(policy.notice_ms > 0)
    unapproved = (track.ruled_by == None) & np.bool_(policy.approval)  # noqa: E711 - by element
    announces: Bools = unnoticed | unapproved
    return announces


def _wants_to_act(track: Track, policy: Policy, now: int) -> Bools:
    """Whom only `when` and `for` still separate from acting, or from the guards."""
    waits: Bools = (track.state == PENDING) | (track.state == HELD)
    asked = (track.state == NOTICED) | (track.state == AWAITING)
    if not asked.any():
        return waits
    has_passed = track.until <= now  # NEVER has passed: no notice was asked for
    is_approved = (track.ruled_by != None) | np.bool_(not policy.approval)  # noqa: E711 - by element
    waits |= (track.state == NOTICED) & has_passed
    waits |= (track.state == AWAITING) & has_passed & is_approved
    return waits


def _told_for_long_enough(
    track: Track, policy: Policy, now: int, blind_between: BlindBetween
) -> Track:
    """Put off the ends of notices by the time in which we were blind since they were given: nobody could have
    vetoed then. One made longer is longer for whom it was given already; one made shorter ends as they were told.
    """
    running = is_announced(track) & (track.until != NEVER)
    if not running.any():
        return track
    given_at = decided_at(track.take(running))
    left = policy.notice_ms - lasted_ms(given_at, now, blind_between)
    told = track.until[running]
    goes_on = (left > 0) & (
        told > given_at
    )  # asked for after its notice had passed: that is no second one
    until = np.where(goes_on, np.maximum(told, now + left), told)
    if (until == told).all():
        return track
    put_off = track.copied()
    put_off.until[running] = until
    return put_off


def ruled(track: Track, rulings: Mapping[str, Ruled], let_go: Bools) -> Track:
    """Note what people said of what was announced, by decision. Who was let go meanwhile is not fired by what came
    before."""
    announced = is_announced(track)
    if not announced.any():
        return track
    rows = np.flatnonzero(announced).tolist()
    said = [(row, rulings.get(track.decision_id[row])) for row in rows]
    spared = announced & let_go
    if not spared.any() and not any(ruling for _, ruling in said):
        return track
    noted = track.copied()
    noted.state[spared], noted.guard[spared] = VETOED, NOBODY
    noted.ruled_by[spared], noted.guard_detail[spared] = None, ""
    for row, ruling in said:
        if ruling is None:
            continue
        if ruling.verdict is Verdict.VETOED:
            noted.state[row], noted.ruled_by[row] = VETOED, ruling.actor
            noted.guard[row], noted.guard_detail[row] = NOBODY, ""
        elif track.state[row] == AWAITING:
            noted.ruled_by[row] = ruling.actor
    return noted


def opened(
    policy: Policy, *, number: Integers, slot: Integers, incarnation: Integers, now: int
) -> Track:
    """New episodes, pending from now on. Agents come in order of `number`."""
    count = len(number)
    return Track(
        number=number,
        slot=slot,
        incarnation=incarnation,
        state=np.full(count, PENDING, dtype=np.uint8),
        began_at=np.full(count, now, dtype=np.int64),
        true_since=np.full(count, now, dtype=np.int64),
        false_since=np.full(count, NEVER, dtype=np.int64),
        guard=np.full(count, NOBODY, dtype=np.int8),
        guard_detail=texts([""] * count),
        decision_id=texts([None] * count),
        episode_hash=texts([policy.episode_hash] * count),
        until=np.full(count, NEVER, dtype=np.int64),
        ruled_by=texts([None] * count),
    )


def with_opened(advanced: Advanced, new: Track, policy: Policy) -> Advanced:
    """Add new episodes; those of a policy without `for` are due at once."""
    if not len(new):
        return advanced
    old = advanced.track
    order = np.argsort(np.concatenate((old.number, new.number)), kind="stable")
    count = len(new)

    def merged(column: Bools, added: bool) -> Bools:
        return np.concatenate((column, np.full(count, added, dtype=np.bool_)))[order]

    return Advanced(
        track=old.joined(new),
        is_true=merged(advanced.is_true, True),
        changed=merged(advanced.changed, True),
        due=merged(advanced.due, policy.for_ms <= 0),
        ended=advanced.ended,
    )


def inherited(policy: Policy, track: Track, *, in_shadow: Bools) -> tuple[Track, Bools]:
    """A policy's episodes as it finds them: all rows as they go on, and which rows do.

    Rows begun under another `when`, `for`, `match` or scope, or that went further than the policy may now for their
    agents, do not. What a person vetoed stays vetoed whatever the policy may. What was only shadowed is tried again
    once the policy may act; and so is an act after which the agent is still there, once the policy would fire.
    """
    same: Bools = track.episode_hash == policy.episode_hash
    announced = is_announced(track)
    too_far = in_shadow & (announced | (track.state == ACTED))
    again = ~in_shadow & (track.state == SHADOWED)
    if not policy.may_fire:
        too_far |= announced
    elif not policy.ladder:
        again |= ~in_shadow & (track.state == ACTED)
    stays = same & ~too_far & np.bool_(policy.mode is not Mode.OFF)
    return pending_again(track, again), stays


def pending_again(track: Track, again: Bools) -> Track:
    """Let some episodes want to act once more."""
    if not again.any():
        return track
    copy = track.copied()
    copy.state[again] = PENDING
    return copy


def lasted_ms(since: Integers, now: int, blind_between: BlindBetween) -> Integers:
    """How long each has lasted, the time in which we were blind taken off. NEVER has not begun: 0."""
    instants, place = np.unique(since, return_inverse=True)
    lasted = [
        0 if start == NEVER else now - start - blind_between(start, now)
        for start in instants.tolist()
    ]
    return np.array(lasted, dtype=np.int64)[place]


def _since(since: Integers, holds: Bools, *, now: int) -> Integers:
    return np.where(holds, np.where(since == NEVER, now, since), NEVER)


def _lasting(
    holds: Bools, since: Integers, limit_ms: int, now: int, blind_between: BlindBetween
) -> Bools:
    """Where something that `holds` has done so for `limit_ms`."""
    if limit_ms <= 0 or not holds.any():
        return holds
    lasting = np.zeros(len(since), dtype=np.bool_)
    lasting[holds] = lasted_ms(since[holds], now, blind_between) >= limit_ms
    return lasting
