"""From the guards' rulings to decisions, episodes and places: one record per edge, never one per tick."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import msgspec
import numpy as np

from pinkslip.judge.columns import NEVER, instant
from pinkslip.judge.conclusions import Finding, Waiting
from pinkslip.judge.consult import Ruling
from pinkslip.judge.docket import Cases
from pinkslip.judge.episodes import (
    ACTED,
    AWAITING,
    HELD,
    NOTICED,
    SHADOWED,
    is_announced,
)
from pinkslip.judge.hearing import Hearing, broken
from pinkslip.judge.memory import NOBODY, Track
from pinkslip.judge.places import Places, let_go, place_of, taken, with_taken
from pinkslip.judge.records import Ruled, called_off, freed, made_at, released, ruled
from pinkslip.judge.shelf import Shelf
from pinkslip.judge.verdicts import Account
from pinkslip.judge.view import Bools
from pinkslip.model.decisions import Decision, Episode, Place
from pinkslip.model.words import EpisodeState, Verdict, word_of

RECORDS_MAX = 5_000
"""Decisions one tick may make. The transaction that writes them must end long before the lease does."""

_ANNOUNCING = frozenset({Verdict.NOTICED, Verdict.ASKED})


@dataclass(frozen=True, slots=True)
class Concluded:
    """What one policy's tick comes to."""

    policy: str
    track: Track
    shelf: Shelf
    located: Places | None
    """Where the shelf's subjects are; None: it is another one than was heard."""
    decisions: tuple[Decision, ...]
    """By agent_no."""
    episodes: tuple[Episode, ...]
    """Those that ended, then those that changed, each by agent_no."""
    places: tuple[Place, ...]
    """Those given up, then those that changed."""
    waiting: tuple[Waiting, ...]


@dataclass(frozen=True, slots=True)
class Conclusions:
    """What a tick comes to, policy by policy."""

    concluded: list[Concluded]
    findings: list[Finding]
    deferred: int
    """Records put off to the next ticks."""


@dataclass(frozen=True, slots=True)
class _Room:
    """What one policy may record in this tick."""

    first: int
    """Its first case, as the ruling counts them."""
    recorded: Bools
    """Of its cases: which are recorded now."""
    releases: int
    """How many may climb back now."""


def conclude_all(
    hearings: Sequence[Hearing],
    cases: Cases,
    ruling: Ruling,
    *,
    workspace_id: int,
    records_max: int,
) -> Conclusions:
    """Conclude each policy by itself; one that breaks is a finding. Nothing that is handed in changes.

    With a finding the rest cannot stand: the guards ruled on what the broken policy asked. Ask them again without.
    At most `records_max` decisions are made; whoever is left stays as it is and is tried again next tick. Only
    what was announced and comes to nothing, and who is let go because a policy changed, is recorded at once, for it
    cannot be told later.
    """
    concluded: list[Concluded] = []
    findings: list[Finding] = []
    edges = _edges(hearings, ruling)
    recorded = _recorded(cases, ruling, edges, records_max)
    deferred = int(np.count_nonzero(edges & ~recorded))
    left = records_max - int(np.count_nonzero(recorded))
    first = 0
    for hearing in hearings:
        last = first + len(hearing.due)
        own, first = slice(first, last), last
        releases = min(left, len(hearing.let_go.rows))
        left -= releases
        deferred += len(hearing.let_go.rows) - releases
        try:
            room = _Room(own.start, recorded[own], releases)
            concluded.append(_conclude(hearing, ruling, room, workspace_id))
        except Exception as error:  # noqa: BLE001 - one policy is a unit of isolation; the finding tells
            findings.append(broken(hearing.policy, error))
    return Conclusions(concluded, findings, deferred)


def _edges(hearings: Sequence[Hearing], ruling: Ruling) -> Bools:
    """The cases with something to record: acting, and being held when one was not, or by another guard."""
    due = [(each.advanced.track, each.due.rows) for each in hearings if len(each.due)]
    if not due:
        return np.zeros(0, dtype=np.bool_)
    state = np.concatenate([track.state[rows] for track, rows in due])
    guard = np.concatenate([track.guard[rows] for track, rows in due])
    goes_on = (ruling.guard != NOBODY) & (state == HELD) & (guard == ruling.guard)
    edges: Bools = ~goes_on & ~ruling.moot
    return edges


def _recorded(cases: Cases, ruling: Ruling, edges: Bools, records_max: int) -> Bools:
    """The edges for which this tick has room: fires first, then what else acts, then what is held."""
    if np.count_nonzero(edges) <= records_max:
        return edges
    fires = cases.fires & ~cases.announces & ~cases.is_shadow
    rank = np.where(ruling.guard != NOBODY, 2, np.where(fires, 0, 1))
    candidates = np.flatnonzero(edges)
    kept = candidates[np.argsort(rank[candidates], kind="stable")[:records_max]]
    recorded = np.zeros_like(edges)
    recorded[kept] = True
    return recorded


def _conclude(hearing: Hearing, ruling: Ruling, room: _Room, workspace_id: int) -> Concluded:
    policy, advanced = hearing.policy, hearing.advanced
    if _nothing_happened(hearing, room):
        return _as_it_was(hearing)
    due = np.flatnonzero(room.recorded)
    made = ruled(hearing, ruling, room.first + due, due, workspace_id=workspace_id)
    climbing = released(hearing, room.releases, workspace_id=workspace_id)
    shelf, unwritten, made = _climbed(hearing, climbing, made)
    track = advanced.track.to_be_ruled() if made else advanced.track
    changed = advanced.changed.copy()
    for one in made:
        _put(track, one, ruling)
        changed[one.row] = True
    decisions = [
        *called_off(hearing, workspace_id=workspace_id),
        *freed(hearing, workspace_id=workspace_id),
        *climbing,
        *(one.decision for one in made),
    ]
    settled = _settled(hearing, track, climbing)
    ended = (
        _without(hearing.disowned, track),
        _without(advanced.ended, track),
        track.take(settled),
    )
    return Concluded(
        policy=policy.name,
        track=track.take(~settled),
        shelf=shelf,
        located=hearing.places if shelf is hearing.places.shelf else None,
        decisions=tuple(sorted(decisions, key=lambda each: each.agent_no)),
        episodes=(
            *(part.ended(policy.name, row) for part in ended for row in range(len(part))),
            *(
                track.episode(policy.name, row)
                for row in np.flatnonzero(changed & ~settled).tolist()
            ),
        ),
        places=_places(policy.name, hearing.places.given_up, shelf, unwritten),
        waiting=_waiting(hearing, track),
    )


def _nothing_happened(hearing: Hearing, room: _Room) -> bool:
    """Whether there is nothing to tell anybody of, nor to write."""
    advanced, places = hearing.advanced, hearing.places
    if room.releases or len(advanced.ended) or len(hearing.disowned) or len(places.given_up):
        return False
    # columns of nobody are not even looked at
    marks = (room.recorded, advanced.changed, places.changed)
    return not any(len(each) and each.any() for each in marks)


def _as_it_was(hearing: Hearing) -> Concluded:
    """What a tick comes to in which nothing happened: what waits still waits."""
    track = hearing.advanced.track
    return Concluded(
        policy=hearing.policy.name,
        track=track,
        shelf=hearing.places.shelf,
        located=hearing.places,
        decisions=(),
        episodes=(),
        places=(),
        waiting=_waiting(hearing, track),
    )


def _settled(hearing: Hearing, track: Track, climbing: Sequence[Decision]) -> Bools:
    """Episodes of those who climb back: what was done is over, even where `when` cannot be told."""
    if not climbing:
        return np.zeros(len(track), dtype=np.bool_)
    done: Bools = ((track.state == ACTED) | (track.state == SHADOWED)) & (track.slot >= 0)
    rows = hearing.let_go.rows[: len(climbing)]
    return done & np.isin(hearing.places.row_of[track.slot], rows)


def _climbed(
    hearing: Hearing, climbing: Sequence[Decision], made: Sequence[Ruled]
) -> tuple[Shelf, Bools, list[Ruled]]:
    """Places after those who climb back and those who take a rung; the latter's records say until when."""
    policy = hearing.policy
    if not policy.ladder or not (climbing or made):
        return hearing.places.shelf, hearing.places.changed, _noticed(hearing, made)
    readings = hearing.evaluator.readings
    places = _own(hearing.places)
    rows = hearing.let_go.rows[: len(climbing)]
    let_go(policy, places, rows, readings)
    places.shelf.decision_id[rows] = [each.id for each in climbing]
    moved: dict[str, Place] = {}
    told = []
    for one in _noticed(hearing, made):
        if one.decision.verdict is Verdict.HELD or one.decision.verdict in _ANNOUNCING:
            told.append(one)
            continue
        slot = int(hearing.advanced.track.slot[one.row])
        shadow = bool(hearing.due.in_shadow[one.place])
        place = place_of(policy, places, readings.view, slot, is_shadow=shadow)
        place = moved.get(place.subject, place)
        if hearing.due.steps.moves[one.place] and place.subject not in moved:
            place = taken(
                policy,
                msgspec.structs.replace(place, decision_id=one.decision.id),
                rung=int(hearing.due.steps.rung[one.place]),
                now=readings.view.now,
                counts=_counts_of(hearing, slot),
            )
            moved[place.subject] = place
        told.append(_until(one, place.until))
    shelf, unwritten = with_taken(places, list(moved.values()))
    return shelf, unwritten, told


def _own(places: Places) -> Places:
    """A copy that may be written."""
    return replace(places, shelf=places.shelf.copied(), changed=places.changed.copy())


def _counts_of(hearing: Hearing, slot: int) -> tuple[int, int]:
    policy = hearing.policy
    tasks, successes = hearing.evaluator.readings.counts(policy.outcomes, policy.scope)
    return int(tasks[slot]), int(successes[slot])


def _noticed(hearing: Hearing, made: Sequence[Ruled]) -> list[Ruled]:
    """With the end of the notice in the record of each announced fire."""
    now, policy, track = (
        hearing.evaluator.readings.view.now,
        hearing.policy,
        hearing.advanced.track,
    )
    noticed = []
    for one in made:
        until = instant(track.until[one.row])
        if one.decision.verdict in _ANNOUNCING:
            if until is None and policy.notice_ms:
                until = now + policy.notice_ms
            noticed.append(_until(one, until))
        else:
            noticed.append(one)
    return noticed


def _until(one: Ruled, until: int | None) -> Ruled:
    if until is None:
        return one
    evidence = msgspec.structs.replace(one.decision.evidence, until=until)
    return replace(one, decision=msgspec.structs.replace(one.decision, evidence=evidence))


def _put(track: Track, one: Ruled, ruling: Ruling) -> None:
    """The episode after its record. One that was announced keeps that decision while it is held: it is the one
    a person may veto."""
    row, decision = one.row, one.decision
    is_held = decision.verdict is Verdict.HELD
    if not (is_held and _is_announced(track, row)):
        track.decision_id[row] = decision.id
    if not is_held:
        until = decision.evidence.until if decision.verdict in _ANNOUNCING else None
        track.until[row] = NEVER if until is None else until
    track.state[row] = _state_after(decision.verdict)
    track.guard[row] = ruling.guard[one.case]
    track.guard_detail[row] = decision.guard_detail


def _is_announced(track: Track, row: int) -> bool:
    return bool(is_announced(track.take(np.array([row])))[0])


def _state_after(verdict: Verdict) -> int:
    match verdict:
        case Verdict.HELD:
            return HELD
        case Verdict.SHADOWED:
            return SHADOWED
        case Verdict.NOTICED:
            return NOTICED
        case Verdict.ASKED:
            return AWAITING
        case Verdict.NOTIFIED | Verdict.PROBATION | Verdict.QUARANTINED | Verdict.FIRED:
            return ACTED
        case (
            Verdict.SUPERSEDED
            | Verdict.CANCELLED
            | Verdict.RELEASED
            | Verdict.VETOED
            | Verdict.APPROVED
            | Verdict.REINSTATED
            | Verdict.DEMOTED
            | Verdict.RESTORED
        ):
            raise ValueError(f"no ruling ends {verdict}")


def _places(policy: str, given_up: Shelf, shelf: Shelf, unwritten: Bools) -> tuple[Place, ...]:
    """What the store must know. A place given up and taken anew in one tick was only changed."""
    changed = [shelf.place(policy, row) for row in np.flatnonzero(unwritten).tolist()]
    anew = {place.subject for place in changed}
    gone = [given_up.place(policy, row, gone=True) for row in range(len(given_up))]
    return (*(place for place in gone if place.subject not in anew), *changed)


def _waiting(hearing: Hearing, track: Track) -> tuple[Waiting, ...]:
    """Every announced fire, with what is said of its agent now."""
    waits_now: Bools = (track.state == NOTICED) | (track.state == AWAITING)
    if not waits_now.any():
        return ()
    waiting = track.take(waits_now)
    account = Account.of(hearing.policy, hearing.evaluator, waiting.slot)
    view, reason = hearing.evaluator.readings.view, hearing.policy.reason
    return tuple(
        waits(
            hearing.policy.name,
            waiting,
            row,
            agent_id=view.agent_ids[int(waiting.slot[row])],
            reason=reason,
            words=" and ".join(account.reasons(row)),
            holds=account.truth(row) == "true",
        )
        for row in range(len(waiting))
    )


def waits(
    policy: str,
    track: Track,
    row: int,
    *,
    agent_id: str,
    reason: str | None,
    words: str,
    holds: bool,
) -> Waiting:
    """One announced fire. Who was approved waits for nobody any more: for its notice, or for `when` to hold."""
    is_approved = track.state[row] == AWAITING and track.ruled_by[row] is not None
    state = (
        EpisodeState.NOTICED if is_approved else word_of(EpisodeState, int(track.state[row]))
    )
    return Waiting(
        decision_id=track.decision_id[row],
        policy=policy,
        agent_no=int(track.number[row]),
        agent_id=agent_id,
        state=state,
        since=made_at(track.decision_id[row]),
        until=instant(track.until[row]),
        reason=reason,
        words=words,
        holds=holds,
    )


def _without(track: Track, others: Track) -> Track:
    """Ended episodes but those whose agent has a new one: the new row takes the old one's place."""
    if not len(track) or not len(others):
        return track
    return track.take(~np.isin(track.number, others.number))
