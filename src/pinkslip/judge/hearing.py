"""One policy heard on one fleet: whom it is about, for whom it holds, how its episodes went on, and who is due."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from pinkslip.fleet.snapshot import Floats, Integers
from pinkslip.judge.conclusions import Finding
from pinkslip.judge.docket import Cases
from pinkslip.judge.episodes import Advanced, Seen, advance, inherited, opened, with_opened
from pinkslip.judge.evaluate import Evaluator, Readings, Truth, reads_quantile
from pinkslip.judge.kinds import is_stale_type, reads_outcomes
from pinkslip.judge.matching import Matching
from pinkslip.judge.memory import Track, track_of
from pinkslip.judge.state import JudgeState
from pinkslip.judge.view import Bools, FleetView
from pinkslip.model.policy import Expression, Policy, PolicySet
from pinkslip.model.words import Mode, Scope, code_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Hearing:
    """What came of it. Nothing is decided yet: guards speak next."""

    policy: Policy
    evaluator: Evaluator
    is_stale_type: bool
    reads_outcomes: bool
    matched: int
    holding: int
    advanced: Advanced
    disowned: Track
    """Episodes begun under another version of the policy: they end."""
    due: Integers
    """Rows of the track that want to act."""
    strength: Floats
    """Per due row."""

    @property
    def slots(self) -> Integers:
        """Where the agents of the open episodes stand."""
        return self.advanced.track.slot

    @property
    def turned(self) -> tuple[Integers, Integers]:
        """Slot and beginning of each episode whose `when` is true now."""
        track, is_true = self.advanced.track, self.advanced.is_true
        return track.slot[is_true], track.began_at[is_true]


def hear(
    policy: Policy,
    track: Track | None,
    *,
    readings: Readings,
    matching: Matching,
) -> Hearing:
    """Hear one policy.

    1. Whom it is about, and the truth of `when` for them.
    2. Open episodes advance; those it starts are added.
    3. For the due ones: how strong the case is.
    """
    view = readings.view
    evaluator = Evaluator(readings, policy.outcomes)
    stale_type = is_stale_type(policy)
    matched = matching.matched(policy, readings, stale_type=stale_type)
    when = _truth(policy.when.tree, matched, evaluator)
    all_rows, stays = inherited(policy, track if track is not None else track_of(()))
    before, here = _located(all_rows.take(stays), view)
    advanced = advance(
        before,
        _seen(before, here, matched, when, policy, evaluator),
        policy,
        now=view.now,
        blind_between=view.blind_between,
    )
    holds = when.yes & matched
    advanced = with_opened(advanced, _new(policy, holds, advanced.track, view), policy)
    due = np.flatnonzero(advanced.due)
    slots = advanced.track.slot[due]
    return Hearing(
        policy=policy,
        evaluator=evaluator,
        is_stale_type=stale_type,
        reads_outcomes=reads_outcomes(policy),
        matched=int(np.count_nonzero(matched)),
        holding=int(np.count_nonzero(holds)),
        advanced=advanced,
        disowned=all_rows.take(np.flatnonzero(~stays)),
        due=due,
        strength=evaluator.strength(policy.when.tree, slots),
    )


def _truth(tree: Expression, matched: Bools, evaluator: Evaluator) -> Truth:
    """Per slot, known only for those matched. Most of a fleet is asked whole, which costs less than picking."""
    everybody = evaluator.readings.everybody
    count = int(np.count_nonzero(matched))
    if count * 2 > len(everybody) and not reads_quantile(tree):
        return evaluator.truth(tree, everybody)
    whole = Truth(
        np.zeros(len(everybody), dtype=np.bool_), np.zeros(len(everybody), dtype=np.bool_)
    )
    if count:
        part = evaluator.truth(tree, np.flatnonzero(matched))
        whole.yes[matched], whole.no[matched] = part.yes, part.no
    return whole


def _located(track: Track, view: FleetView) -> tuple[Track, Bools]:
    """The same episodes with their agents' slots of now, and whether each is still there to be judged."""
    if not len(track):
        return track, np.zeros(0, dtype=np.bool_)
    slot = track.slot.copy()
    within = (slot >= 0) & (slot < view.size)
    known = within.copy()
    known[within] = view.numbers[slot[within]] == track.number[within]
    for row in np.flatnonzero(~known).tolist():
        found = view.slot_of(int(track.number[row]))
        slot[row] = -1 if found is None else found
    here = slot >= 0
    here[here] = (view.incarnation[slot[here]] == track.incarnation[here]) & view.active[
        slot[here]
    ]
    return replace(track, slot=slot), here


def _seen(
    track: Track,
    here: Bools,
    matched: Bools,
    when: Truth,
    policy: Policy,
    evaluator: Evaluator,
) -> Seen:
    """What this moment says of each open episode; of agents no longer here, nothing."""
    slots = track.slot[here]

    def of_rows(column: Bools) -> Bools:
        rows = np.zeros(len(track), dtype=np.bool_)
        rows[here] = column
        return rows

    clear = None
    if policy.clear_when is not None:
        answer = evaluator.truth(policy.clear_when.tree, slots)
        clear = Truth(of_rows(answer.yes), of_rows(answer.no))
    return Seen(
        here=here,
        matched=of_rows(matched[slots]),
        when=Truth(of_rows(when.yes[slots]), of_rows(when.no[slots])),
        clear=clear,
    )


def _new(policy: Policy, holds: Bools, track: Track, view: FleetView) -> Track:
    """Episodes for agents for whom the policy holds and who have none."""
    fresh = holds.copy()
    fresh[track.slot] = False
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
            hearings.append(
                hear(
                    policy,
                    state.memory.tracks.get(policy.name),
                    readings=readings,
                    matching=state.matching,
                )
            )
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
    counts = [len(hearing.due) for hearing in hearings]

    def each(values: Sequence[bool]) -> Bools:
        return np.repeat(np.array(values, dtype=np.bool_), counts)

    return Cases(
        rank=np.repeat(np.arange(len(hearings)), counts),
        slot=_joined([hearing.slots[hearing.due] for hearing in hearings]),
        number=_joined([hearing.advanced.track.number[hearing.due] for hearing in hearings]),
        strength=np.concatenate([np.empty(0), *(hearing.strength for hearing in hearings)]),
        action=np.repeat(
            np.array([code_of(hearing.policy.action) for hearing in hearings], dtype=np.int64),
            counts,
        ),
        announces=each([False for _ in hearings]),
        is_shadow=each([hearing.policy.mode is Mode.SHADOW for hearing in hearings]),
        is_stale_type=each([hearing.is_stale_type for hearing in hearings]),
        reads_outcomes=each([hearing.reads_outcomes for hearing in hearings]),
        by_lineage=each([hearing.policy.scope is Scope.LINEAGE for hearing in hearings]),
    )


def _joined(columns: Sequence[Integers]) -> Integers:
    return np.concatenate([np.empty(0, dtype=np.int64), *columns])
