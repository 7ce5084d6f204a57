"""From the guards' rulings to decisions and episodes: one record per edge, never one per tick."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pinkslip.fleet.snapshot import Integers
from pinkslip.judge.conclusions import Finding
from pinkslip.judge.consult import Ruling
from pinkslip.judge.episodes import ACTED, HELD, NOTICED, SHADOWED, lasted_ms
from pinkslip.judge.hearing import Hearing, broken
from pinkslip.judge.memory import NOBODY, Track
from pinkslip.judge.verdicts import Account, decision
from pinkslip.judge.view import Bools, FleetView
from pinkslip.model.decisions import Decision, Episode
from pinkslip.model.policy import Policy
from pinkslip.model.words import Action, Guard, Mode, Verdict, word_of

RECORDS_MAX = 5_000
"""Decisions one tick may make. The transaction that writes them must end long before the lease does."""

_NONE = np.empty(0, dtype=np.int64)


@dataclass(frozen=True, slots=True)
class Concluded:
    """What one policy's tick comes to."""

    policy: str
    track: Track
    decisions: tuple[Decision, ...]
    """By agent_no."""
    episodes: tuple[Episode, ...]
    """Those that ended, then those that changed, each by agent_no."""


@dataclass(frozen=True, slots=True)
class Conclusions:
    """What a tick comes to, policy by policy."""

    concluded: list[Concluded]
    findings: list[Finding]
    deferred: int
    """Records put off to the next ticks."""


def conclude_all(
    hearings: Sequence[Hearing],
    ruling: Ruling,
    *,
    view: FleetView,
    workspace_id: int,
    records_max: int,
) -> Conclusions:
    """Conclude each policy by itself; one that breaks is a finding. Nothing that is handed in changes.

    With a finding the rest cannot stand: the guards ruled on what the broken policy asked. Ask them again without.
    At most `records_max` decisions are made; whoever is left stays as it is and is tried again next tick.
    """
    concluded: list[Concluded] = []
    findings: list[Finding] = []
    edges = _edges(hearings, ruling)
    recorded = _recorded(hearings, ruling, edges, records_max)
    first = 0
    for hearing in hearings:
        cases = np.arange(first, first + len(hearing.due))
        first += len(hearing.due)
        try:
            concluded.append(
                _conclude(hearing, ruling, cases, recorded[cases], view, workspace_id)
            )
        except Exception as error:  # noqa: BLE001 - one policy is a unit of isolation; the finding tells
            findings.append(broken(hearing.policy, error))
    return Conclusions(concluded, findings, int(np.count_nonzero(edges & ~recorded)))


def _edges(hearings: Sequence[Hearing], ruling: Ruling) -> Bools:
    """The cases with something to record: acting, and being held when one was not, or by another guard."""
    state = np.concatenate([_NONE, *(each.advanced.track.state[each.due] for each in hearings)])
    guard = np.concatenate([_NONE, *(each.advanced.track.guard[each.due] for each in hearings)])
    goes_on = (ruling.guard != NOBODY) & (state == HELD) & (guard == ruling.guard)
    edges: Bools = ~goes_on & ~ruling.moot
    return edges


def _recorded(
    hearings: Sequence[Hearing], ruling: Ruling, edges: Bools, records_max: int
) -> Bools:
    """The edges for which this tick has room: fires first, then what else acts, then what is held."""
    if np.count_nonzero(edges) <= records_max:
        return edges
    fires = np.repeat(
        [
            each.policy.mode is Mode.ENFORCE and each.policy.action is Action.FIRE
            for each in hearings
        ],
        [len(each.due) for each in hearings],
    )
    rank = np.where(ruling.guard != NOBODY, 2, np.where(fires, 0, 1))
    candidates = np.flatnonzero(edges)
    kept = candidates[np.argsort(rank[candidates], kind="stable")[:records_max]]
    recorded = np.zeros_like(edges)
    recorded[kept] = True
    return recorded


def _conclude(
    hearing: Hearing,
    ruling: Ruling,
    cases: Integers,
    recorded: Bools,
    view: FleetView,
    workspace_id: int,
) -> Concluded:
    policy = hearing.policy
    changed = hearing.advanced.changed.copy()
    edges, rows = cases[recorded], hearing.due[recorded]
    decisions = _decide(hearing, rows, edges, ruling, view=view, workspace_id=workspace_id)
    track = hearing.advanced.track.to_be_ruled() if decisions else hearing.advanced.track
    for row, case, made in zip(rows.tolist(), edges.tolist(), decisions, strict=True):
        track.state[row] = _state_after(made.verdict)
        track.guard[row] = ruling.guard[case]
        track.guard_detail[row] = made.guard_detail
        track.decision_id[row] = made.id
        changed[row] = True
    ended = _without(hearing.disowned, track), _without(hearing.advanced.ended, track)
    return Concluded(
        policy.name,
        track,
        tuple(decisions),
        (
            *(part.ended(policy.name, row) for part in ended for row in range(len(part))),
            *(track.episode(policy.name, row) for row in np.flatnonzero(changed).tolist()),
        ),
    )


def _decide(
    hearing: Hearing,
    rows: Integers,
    cases: Integers,
    ruling: Ruling,
    *,
    view: FleetView,
    workspace_id: int,
) -> list[Decision]:
    if not len(rows):
        return []
    track, policy = hearing.advanced.track, hearing.policy
    account = Account.of(policy, hearing.evaluator, track.slot[rows])
    true_since = track.true_since[rows]
    lasted = lasted_ms(true_since, view.now, view.blind_between)
    made = []
    for place, (row, case) in enumerate(zip(rows.tolist(), cases.tolist(), strict=True)):
        code = int(ruling.guard[case])
        guard = None if code == NOBODY else word_of(Guard, code)
        made.append(
            decision(
                policy,
                workspace_id=workspace_id,
                now=view.now,
                agent_no=int(track.number[row]),
                agent_id=view.agent_ids[int(track.slot[row])],
                incarnation=int(track.incarnation[row]),
                verdict=_verdict(policy, guard),
                guard=guard,
                guard_detail=ruling.words(case) if guard else "",
                evidence=account.evidence(
                    place,
                    true_since=int(true_since[place]),
                    lasted_ms=int(lasted[place]),
                ),
            )
        )
    return made


def _verdict(policy: Policy, guard: Guard | None) -> Verdict:
    if guard is not None:
        return Verdict.HELD
    if policy.mode is not Mode.ENFORCE:
        return Verdict.SHADOWED
    match policy.action:
        case Action.NOTIFY:
            return Verdict.NOTIFIED
        case Action.FIRE:
            return Verdict.FIRED


def _state_after(verdict: Verdict) -> int:
    match verdict:
        case Verdict.HELD:
            return HELD
        case Verdict.SHADOWED:
            return SHADOWED
        case Verdict.NOTIFIED:
            return NOTICED
        case Verdict.FIRED:
            return ACTED
        case Verdict.SUPERSEDED:
            raise ValueError("only the store supersedes")


def _without(track: Track, others: Track) -> Track:
    """Ended episodes but those whose agent has a new one: the new row takes the old one's place."""
    return track.take(~np.isin(track.number, others.number))
