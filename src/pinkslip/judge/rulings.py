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


@dataclass(frozen=True, slots=True)
class Concluded:
    """What one policy's tick comes to."""

    policy: str
    track: Track
    decisions: tuple[Decision, ...]
    """By agent_no."""
    episodes: tuple[Episode, ...]
    """Those that ended, then those that changed, each by agent_no."""


def conclude_all(
    hearings: Sequence[Hearing], ruling: Ruling, *, view: FleetView, workspace_id: int
) -> tuple[list[Concluded], list[Finding]]:
    """Conclude each policy by itself; one that breaks concludes nothing."""
    concluded: list[Concluded] = []
    findings: list[Finding] = []
    first = 0
    for hearing in hearings:
        cases = np.arange(first, first + len(hearing.due))
        first += len(hearing.due)
        try:
            concluded.append(_conclude(hearing, ruling, cases, view, workspace_id))
        except Exception as error:  # noqa: BLE001 - one policy is a unit of isolation; the finding tells
            findings.append(broken(hearing.policy, error))
    return concluded, findings


def _conclude(
    hearing: Hearing, ruling: Ruling, cases: Integers, view: FleetView, workspace_id: int
) -> Concluded:
    track, policy = hearing.advanced.track, hearing.policy
    changed = hearing.advanced.changed.copy()
    edges = cases[_is_edge(track, hearing.due, ruling, cases)]
    rows = hearing.due[edges - cases[0]] if len(edges) else edges
    decisions = _decide(hearing, rows, edges, ruling, view=view, workspace_id=workspace_id)
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


def _is_edge(track: Track, due: Integers, ruling: Ruling, cases: Integers) -> Bools:
    """Acting is one; being held is one when it was not, or by another guard."""
    guard = ruling.guard[cases]
    goes_on: Bools = (
        (guard != NOBODY) & (track.state[due] == HELD) & (track.guard[due] == guard)
    )
    return ~goes_on & ~ruling.moot[cases]


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
