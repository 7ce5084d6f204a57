"""How episodes go: clear, pending, then held, shadowed, noticed or acted, and clear again.

All open episodes of one policy advance at once, by the moment's answers to its `when` and `clear_when`:

1. An agent that left, or came back as another incarnation, ends its episodes.
2. While pending, `when` false ends it at once.
3. Afterwards it ends when `clear_when` holds and `when` does not, where one is given and the policy still is
   about the agent; otherwise when `when` has been false for `keep_for`.
4. Unknown ends nothing, and starts `for` and `keep_for` again.
5. Pending and held ones whose `when` has been true for `for` are due: they want to act.

Time in which we were blind is taken off `for` and `keep_for`. What became of the due ones is not known here.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from pinkslip.fleet.snapshot import Integers
from pinkslip.judge.evaluate import Truth
from pinkslip.judge.memory import NEVER, NOBODY, Track, texts
from pinkslip.judge.view import Bools
from pinkslip.model.policy import Policy
from pinkslip.model.words import Action, EpisodeState, Mode, code_of

PENDING = code_of(EpisodeState.PENDING)
HELD = code_of(EpisodeState.HELD)
SHADOWED = code_of(EpisodeState.SHADOWED)
NOTICED = code_of(EpisodeState.NOTICED)
ACTED = code_of(EpisodeState.ACTED)

BlindBetween = Callable[[int, int], int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What this moment says of each open episode's agent, row by row."""

    here: Bools
    """The same incarnation, still active."""
    matched: Bools
    """The policy is about it."""
    when: Truth
    clear: Truth | None
    """None: the policy gives no `clear_when`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Advanced:
    """Open episodes after this moment, and those it ended."""

    track: Track
    """Its columns are its own and may be written."""
    is_true: Bools
    """Per row: `when` is true now."""
    changed: Bools
    """Per row: differs from what the store has."""
    due: Bools
    """Per row: wants to act."""
    ended: Track


def advance(
    track: Track, seen: Seen, policy: Policy, *, now: int, blind_between: BlindBetween
) -> Advanced:
    """Take open episodes to `now`."""
    is_true = seen.when.yes & seen.matched
    is_false = seen.when.no | ~seen.matched
    moved = track.copied()
    moved.true_since[:] = _since(track.true_since, is_true, now=now)
    moved.false_since[:] = _since(track.false_since, is_false, now=now)
    pending = track.state == PENDING
    over = _lasting(
        is_false & ~pending, moved.false_since, policy.keep_for_ms, now, blind_between
    )
    if seen.clear is not None:
        over = np.where(seen.matched, seen.clear.yes & ~is_true, over)
    ends = ~seen.here | np.where(pending, is_false, over)
    waits = pending | (track.state == HELD)
    due = _lasting(waits & is_true, moved.true_since, policy.for_ms, now, blind_between)
    changed = (moved.true_since != track.true_since) | (moved.false_since != track.false_since)
    stays = ~ends
    return Advanced(
        track=moved.take(stays),
        is_true=is_true[stays],
        changed=changed[stays],
        due=due[stays],
        ended=moved.take(np.flatnonzero(ends)),
    )


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


def inherited(policy: Policy, track: Track) -> tuple[Track, Bools]:
    """A policy's episodes as it finds them: which rows go on, and all rows as they go on.

    Rows begun under another `when`, `for` or `match`, or that went further than the policy may now, do not.
    What was only shadowed or noticed is tried again once the policy may do more.
    """
    same: Bools = track.episode_hash == policy.episode_hash
    is_enforcing = policy.mode is Mode.ENFORCE
    may_fire = is_enforcing and policy.action is Action.FIRE
    too_far = np.zeros(len(track), dtype=np.bool_)
    again = np.zeros(len(track), dtype=np.bool_)
    if not may_fire:
        too_far |= track.state == ACTED
    if not is_enforcing:
        too_far |= track.state == NOTICED
    else:
        again |= track.state == SHADOWED
    if may_fire:
        again |= track.state == NOTICED
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
