"""The decisions that one policy's hearing comes to, beside what guards ruled: the evidence of each, and its words.

Four kinds: what was ruled on (it acts, or is held), what was announced and comes to nothing, who climbs back, and
whom a policy lets go that was edited, removed or may enforce no more.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from msgspec import structs

from pinkslip.fleet.snapshot import Integers
from pinkslip.judge.columns import NEVER, instant
from pinkslip.judge.consult import Ruling
from pinkslip.judge.episodes import is_announced, lasted_ms
from pinkslip.judge.hearing import Hearing
from pinkslip.judge.kinds import stays_proven
from pinkslip.judge.memory import NOBODY, Track
from pinkslip.judge.phrases import span
from pinkslip.judge.places import LetGo, lineage_of
from pinkslip.judge.shelf import Shelf, lineage_in
from pinkslip.judge.verdicts import Account, decision, decision_id
from pinkslip.judge.view import FleetView
from pinkslip.model.decisions import Decision, Evidence, Place
from pinkslip.model.policy import Policy
from pinkslip.model.words import Action, Guard, Mode, Standing, Verdict, word_of

_GONE = "the agent is finished, fired or set aside"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruled:
    """One due episode as the guards left it, and the record of it."""

    row: int
    """Of the track."""
    case: int
    """Of the ruling."""
    place: int
    """Among the due."""
    decision: Decision


def ruled(
    hearing: Hearing, ruling: Ruling, cases: Integers, due: Integers, *, workspace_id: int
) -> list[Ruled]:
    """Record what the guards ruled of some of the due: `due` are places among them, `cases` their cases."""
    if not len(due):
        return []
    view, policy, track = (
        hearing.evaluator.readings.view,
        hearing.policy,
        hearing.advanced.track,
    )
    rows = hearing.due.rows[due]
    account = Account.of(policy, hearing.evaluator, track.slot[rows])
    true_since = track.true_since[rows]
    lasted = lasted_ms(true_since, view.now, view.blind_between)
    made = []
    for nth, (row, case, place) in enumerate(
        zip(rows.tolist(), cases.tolist(), due.tolist(), strict=True)
    ):
        code = int(ruling.guard[case])
        guard = None if code == NOBODY else word_of(Guard, code)
        slot = int(track.slot[row])
        evidence = structs.replace(
            account.evidence(nth, true_since=int(true_since[nth]), lasted_ms=int(lasted[nth])),
            guards=ruling.consulted(case),
            rung=int(hearing.due.steps.rung[place]) + 1 if policy.ladder else 0,
            rungs=len(policy.ladder),
            lineage=lineage_of(policy, view, slot),
        )
        record = decision(
            policy,
            workspace_id=workspace_id,
            now=view.now,
            agent_no=int(track.number[row]),
            agent_id=view.agent_ids[slot],
            incarnation=int(track.incarnation[row]),
            verdict=_verdict(hearing, guard, row, place),
            guard=guard,
            guard_detail=ruling.words(case) if guard else "",
            evidence=evidence,
        )
        record = structs.replace(
            record,
            mode=Mode.SHADOW if hearing.due.in_shadow[place] else policy.mode,
            action=word_of(Action, int(hearing.due.action[place])),
        )
        made.append(Ruled(row=row, case=case, place=place, decision=record))
    return made


def _verdict(hearing: Hearing, guard: Guard | None, row: int, place: int) -> Verdict:
    due, policy = hearing.due, hearing.policy
    if guard is not None:
        return Verdict.HELD
    if due.in_shadow[place]:
        return Verdict.SHADOWED
    match word_of(Action, int(due.action[place])):
        case Action.NOTIFY:
            return Verdict.NOTIFIED
        case Action.PROBATION:
            return Verdict.PROBATION
        case Action.QUARANTINE:
            return Verdict.QUARANTINED
        case Action.FIRE if not due.announces[place]:
            return Verdict.FIRED
        case Action.FIRE:
            is_open = policy.approval and hearing.advanced.track.ruled_by[row] is None
            return Verdict.ASKED if is_open else Verdict.NOTICED


def called_off(hearing: Hearing, *, workspace_id: int) -> Iterator[Decision]:
    """What was announced and comes to nothing, for agents that are still known."""
    policy, view = hearing.policy, hearing.evaluator.readings.view
    disowned = _announced(hearing.disowned)
    for row in range(len(disowned)):
        is_edited = disowned.episode_hash[row] != policy.episode_hash
        words = "was edited" if is_edited else "may not fire this agent any more"
        evidence = _only_words(disowned, row, f"policy {policy.name} {words}")
        yield cancelled(policy, disowned, row, evidence, view=view, workspace_id=workspace_id)
    ended = _announced(hearing.advanced.ended)
    if not len(ended):
        return
    here = (view.incarnation[ended.slot] == ended.incarnation) & view.active[ended.slot]
    account = Account.of(policy, hearing.evaluator, ended.slot)
    cleared = _clearing(hearing, ended.slot)
    for row in range(len(ended)):
        evidence = (
            _no_longer(account, cleared, ended, row)
            if here[row]
            else _only_words(ended, row, _GONE)
        )
        yield cancelled(policy, ended, row, evidence, view=view, workspace_id=workspace_id)


def _no_longer(account: Account, cleared: Account | None, track: Track, row: int) -> Evidence:
    """Why `when` does not hold any more, or `clear_when` does."""
    by_clearing = account.truth(row) != "false" or stays_proven(account.policy)
    if by_clearing and cleared is not None and cleared.truth(row) == "true":
        account = cleared
    elif account.truth(row) != "false":
        return _only_words(
            track, row, f"policy {account.policy.name} is not about this agent any more"
        )
    evidence = account.evidence(row, true_since=_true_since(track, row), lasted_ms=0)
    return structs.replace(evidence, words=" and ".join(account.reasons(row)), for_ms=0)


def _only_words(track: Track, row: int, words: str) -> Evidence:
    """Where it is not for any number."""
    return Evidence(when="", values={}, words=words, true_since=_true_since(track, row))


def _true_since(track: Track, row: int) -> int:
    since = instant(track.true_since[row])
    return int(track.began_at[row]) if since is None else since


def orphaned(name: str, track: Track, view: FleetView, *, workspace_id: int) -> list[Decision]:
    """What a policy that is gone or off had announced; `track` knows its agents' slots of now."""
    announced = _announced(track)
    words = f"policy {name} was removed or switched off"
    return [
        cancelled(
            name,
            announced,
            row,
            _only_words(announced, row, words),
            view=view,
            workspace_id=workspace_id,
        )
        for row in range(len(announced))
    ]


def cancelled(
    policy: Policy | str,
    track: Track,
    row: int,
    evidence: Evidence,
    *,
    view: FleetView,
    workspace_id: int,
) -> Decision:
    """A fire that was announced and will not come. Of a policy that is gone only its name is known."""
    number, incarnation = int(track.number[row]), int(track.incarnation[row])
    name = policy if isinstance(policy, str) else policy.name
    is_edited = isinstance(policy, str) or track.episode_hash[row] != policy.episode_hash
    return Decision(
        id=decision_id(workspace_id, view.now, name, number, incarnation, Verdict.CANCELLED),
        at=view.now,
        policy=name,
        policy_hash=track.episode_hash[row]
        if isinstance(policy, str) or is_edited
        else policy.hash,
        agent_no=number,
        agent_id=view.agent_ids[int(track.slot[row])],
        incarnation=incarnation,
        verdict=Verdict.CANCELLED,
        mode=Mode.ENFORCE,
        action=Action.FIRE,
        reason=None if isinstance(policy, str) else policy.reason,
        guard=None,
        guard_detail="",
        evidence=evidence,
    )


def released(hearing: Hearing, count: int, *, workspace_id: int) -> list[Decision]:
    """The first `count` of those who climb back, in their order."""
    policy, view, let_go = hearing.policy, hearing.evaluator.readings.view, hearing.let_go
    slots = let_go.slots[:count]
    if not len(slots):
        return []
    shelf = hearing.places.shelf
    account = _clearing(hearing, slots) or Account.of(policy, hearing.evaluator, slots)
    made = []
    for nth, (row, slot) in enumerate(zip(let_go.rows.tolist(), slots.tolist(), strict=False)):
        since, rung = int(shelf.since[row]), int(shelf.rung[row])
        words = (
            f"{span(view.now - since)} without another crossing"
            if let_go.by_time[nth]
            else " and ".join(account.reasons(nth))
        )
        number, incarnation = int(view.numbers[slot]), int(view.incarnation[slot])
        made.append(
            Decision(
                id=decision_id(
                    workspace_id, view.now, policy.name, number, incarnation, Verdict.RELEASED
                ),
                at=view.now,
                policy=policy.name,
                policy_hash=policy.hash,
                agent_no=number,
                agent_id=view.agent_ids[slot],
                incarnation=incarnation,
                verdict=Verdict.RELEASED,
                mode=Mode.SHADOW if shelf.is_shadow[row] else policy.mode,
                action=policy.rungs[min(rung, len(policy.rungs) - 1)].action,
                reason=policy.reason,
                guard=None,
                guard_detail="",
                evidence=structs.replace(
                    account.evidence(nth, true_since=since, lasted_ms=0),
                    words=words or f"policy {policy.name} is not about this agent any more",
                    for_ms=0,
                    rung=rung + 1,
                    rungs=len(policy.ladder),
                    lineage=lineage_of(policy, view, slot),
                ),
            )
        )
    return made


def freed(hearing: Hearing, *, workspace_id: int) -> list[Decision]:
    """Whom the policy lets go because it was edited, or is in shadow for them."""
    policy, places = hearing.policy, hearing.places
    return [
        _freed(
            policy,
            places.given_up.place(policy.name, row),
            slot,
            f"let go: policy {policy.name} {_why_given_up(policy, places.given_up, row)}",
            view=hearing.evaluator.readings.view,
            workspace_id=workspace_id,
        )
        for row, slot in zip(
            places.freed.rows.tolist(), places.freed.slots.tolist(), strict=True
        )
    ]


def _why_given_up(policy: Policy, given_up: Shelf, row: int) -> str:
    is_edited = given_up.episode_hash[row] != policy.episode_hash or not policy.ladder
    if is_edited:
        return "was edited"
    return "is in shadow" if policy.mode is Mode.SHADOW else "is in shadow for this agent"


def freed_by_removal(
    name: str, shelf: Shelf, let_go: LetGo, view: FleetView, *, workspace_id: int
) -> list[Decision]:
    """Whom a policy that is gone or off lets go."""
    words = f"let go: policy {name} was removed or switched off"
    return [
        _freed(name, shelf.place(name, row), slot, words, view=view, workspace_id=workspace_id)
        for row, slot in zip(let_go.rows.tolist(), let_go.slots.tolist(), strict=True)
    ]


def _freed(
    policy: Policy | str,
    place: Place,
    slot: int,
    words: str,
    *,
    view: FleetView,
    workspace_id: int,
) -> Decision:
    """The end of a probation or a quarantine whose place is given up."""
    number, incarnation = int(view.numbers[slot]), int(view.incarnation[slot])
    is_same = not isinstance(policy, str) and place.episode_hash == policy.episode_hash
    verdict, is_paused = Verdict.RELEASED, place.standing is Standing.QUARANTINED
    return Decision(
        id=decision_id(workspace_id, view.now, place.policy, number, incarnation, verdict),
        at=view.now,
        policy=place.policy,
        policy_hash=policy.hash
        if is_same and not isinstance(policy, str)
        else place.episode_hash,
        agent_no=number,
        agent_id=view.agent_ids[slot],
        incarnation=incarnation,
        verdict=verdict,
        mode=Mode.ENFORCE,
        action=Action.QUARANTINE if is_paused else Action.PROBATION,
        reason=None if isinstance(policy, str) else policy.reason,
        guard=None,
        guard_detail="",
        evidence=Evidence(
            when="",
            values={},
            words=words,
            true_since=place.since,
            lineage=lineage_in(place.subject),
        ),
    )


def made_at(decision_id: str) -> int:
    """When a decision was made: its id begins with the instant."""
    return int(decision_id.replace("-", "")[:12], 16)


def _announced(track: Track) -> Track:
    """Episodes with an announced fire, of agents that are still known."""
    if not len(track):
        return track
    return track.take(np.flatnonzero(is_announced(track) & (track.slot != NEVER)))


def _clearing(hearing: Hearing, slots: Integers) -> Account | None:
    """What `clear_when` says, where one is given."""
    clear_when = hearing.policy.clear_when
    if clear_when is None:
        return None
    return Account.of(replace(hearing.policy, when=clear_when), hearing.evaluator, slots)
