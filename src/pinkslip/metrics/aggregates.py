"""The fleet's series and the plain ones of ourselves: few lines, spelled from plain values.

A role is known while anybody here has it or ever worked under it; every known role starts at 0 in every
series that counts by role, so that `increase()` sees the first event.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import TypeVar

import numpy as np

from pinkslip.fleet.snapshot import DURATION_BUCKETS_MS, Integers, RoleTotals, Snapshot
from pinkslip.metrics import catalogue, text
from pinkslip.metrics.blocks import Block
from pinkslip.metrics.catalogue import TASK_BUCKETS_S, Series
from pinkslip.metrics.inputs import (
    DecisionKind,
    FireKind,
    HeldKind,
    OwnFacts,
    PolicyFacts,
    ReversalKind,
    WorkspaceFacts,
)
from pinkslip.model.words import (
    SEED_REASONS,
    Action,
    ActorKind,
    DeliveryState,
    Fault,
    Guard,
    Mode,
    Standing,
    Status,
    Verdict,
    word_of,
)

Labels = dict[str, str]
Key = TypeVar("Key")

_BOUNDS = tuple(text.number(bound) for bound in (*TASK_BUCKETS_S, float("inf")))
_NO_BUCKETS = (0,) * (len(DURATION_BUCKETS_MS) + 1)


@dataclass(frozen=True, slots=True)
class Family:
    """A family's samples, ready for a page."""

    series: Series
    block: Block


def family(series: Series, samples: Iterable[tuple[Labels, float]]) -> Family:
    """A family of plain samples."""
    lines = [_line(series.name, labels, value) for labels, value in samples]
    return Family(series, Block("".join(lines), samples=len(lines)))


class Aggregates:
    """One workspace's aggregates. What rests on unchanged facts is not spelled again."""

    def __init__(self, workspace: str) -> None:
        self._workspace = workspace
        self._roster = _Roster()
        self._totals: tuple[RoleTotals, ...] | None = None
        self._work: list[Family] = []
        self._tally_facts: object = None
        self._tallies: list[Family] = []

    def families(self, facts: WorkspaceFacts) -> list[Family]:
        """All of them, in the catalogue's order, empty ones too."""
        self._roster.follow(facts.snapshot)
        totals = self._roster.totals(facts.snapshot)
        roles = sorted({total.role for total in totals} | {*facts.zombies} | facts.panic)
        if totals != self._totals:
            self._totals, self._work = totals, list(self._work_done(totals))
        tally_facts = (
            (roles, facts.policies),
            (facts.fires, facts.decisions, facts.held, facts.reversals),
        )
        if tally_facts != self._tally_facts:
            self._tally_facts, self._tallies = tally_facts, list(self._tallied(facts, roles))
        return [*self._work, *self._present(facts, totals, roles), *self._tallies]

    def _work_done(self, totals: Sequence[RoleTotals]) -> Iterator[Family]:
        named = [({**self._of(total.role), "model": total.model}, total) for total in totals]
        yield family(catalogue.TASKS, [(labels, total.tasks) for labels, total in named])
        yield family(
            catalogue.TASKS_FAILED,
            [
                ({**labels, "fault": fault}, count)
                for labels, total in named
                for fault, count in zip(Fault, total.failed, strict=True)
            ],
        )
        yield _durations(named)
        yield family(
            catalogue.TOKENS,
            [
                ({**labels, "direction": direction}, count)
                for labels, total in named
                for direction, count in zip(
                    catalogue.DIRECTIONS, (total.tokens_in, total.tokens_out), strict=True
                )
            ],
        )
        yield family(
            catalogue.COST, [(labels, total.cost_micros / 1e6) for labels, total in named]
        )

    def _present(
        self, facts: WorkspaceFacts, totals: Sequence[RoleTotals], roles: Sequence[str]
    ) -> Iterator[Family]:
        """Who is here now, and who finished."""
        by_status, stale = self._roster.census(facts.snapshot)
        by_standing = self._roster.standings(facts.snapshot)
        finished = dict.fromkeys(roles, 0)
        for total in totals:
            finished[total.role] += total.finished
        yield family(
            catalogue.AGENTS,
            [
                ({**self._of(role), "status": status}, by_status.get((role, status), 0))
                for role in roles
                for status in Status
            ],
        )
        yield family(
            catalogue.AGENTS_STANDING,
            [
                (
                    {**self._of(role), "standing": standing},
                    by_standing.get((role, standing), 0),
                )
                for role in roles
                for standing in Standing
            ],
        )
        yield self._by_role(catalogue.AGENTS_STALE, roles, stale)
        yield self._by_role(catalogue.AGENTS_FINISHED, roles, finished)
        yield self._by_role(catalogue.ZOMBIES, roles, facts.zombies)
        yield self._by_role(catalogue.PANIC, roles, dict.fromkeys(facts.panic, 1))

    def _tallied(self, facts: WorkspaceFacts, roles: Sequence[str]) -> Iterator[Family]:
        """What was decided and done since counting began."""
        policies = [policy for policy in facts.policies if policy.mode is not Mode.OFF]
        fires = _from_zero(facts.fires, _possible_fires(policies, roles))
        yield family(
            catalogue.FIRES,
            [
                (
                    {
                        **self._of(k.role),
                        "policy": k.policy,
                        "reason": k.reason,
                        "actor": k.actor,
                    },
                    n,
                )
                for k, n in fires
            ],
        )
        decisions = _from_zero(facts.decisions, _possible_decisions(policies, roles))
        yield family(
            catalogue.DECISIONS,
            [
                (
                    {
                        **self._of(k.role),
                        "policy": k.policy,
                        "verdict": k.verdict,
                        "mode": k.mode,
                    },
                    n,
                )
                for k, n in decisions
            ],
        )
        held = _from_zero(
            facts.held,
            (
                HeldKind(p.name, guard, role)
                for p in policies
                for guard in Guard
                for role in roles
            ),
        )
        yield family(
            catalogue.HELD,
            [({**self._of(k.role), "policy": k.policy, "guard": k.guard}, n) for k, n in held],
        )
        reversals = _from_zero(
            facts.reversals,
            (ReversalKind(p.name, role) for p in policies if _may_fire(p) for role in roles),
        )
        yield family(
            catalogue.REVERSALS,
            [({**self._of(k.role), "policy": k.policy}, n) for k, n in reversals],
        )

    def _by_role(
        self, series: Series, roles: Sequence[str], values: Mapping[str, float]
    ) -> Family:
        return family(series, [(self._of(role), values.get(role, 0)) for role in roles])

    def _of(self, role: str) -> Labels:
        return {"workspace": self._workspace, "role": role}


class _Roster:
    """Who has which role and model, kept while the snapshot's words stay the same."""

    def __init__(self) -> None:
        self._words: tuple[list[str | None], list[str | None]] | None = None
        self._roles: list[str] = []
        self._codes: Integers = np.empty(0, np.int64)
        self._pairs: frozenset[tuple[str, str]] = frozenset()

    def follow(self, snapshot: Snapshot) -> None:
        words = (snapshot.roles, snapshot.models)
        if words == self._words:
            return
        self._words = words
        known: dict[str | None, int] = {}
        codes = [known.setdefault(role, len(known)) for role in snapshot.roles]
        self._codes = np.array(codes, np.int64)
        self._roles = [role or "" for role in known]
        pairs = set(zip(snapshot.roles, snapshot.models, strict=True))
        self._pairs = frozenset((role or "", model or "") for role, model in pairs)

    def totals(self, snapshot: Snapshot) -> tuple[RoleTotals, ...]:
        """What every known role and model did, those without a task yet at 0, sorted."""
        given = {(total.role, total.model): total for total in snapshot.role_totals}
        idle = {pair: _untouched(*pair) for pair in self._pairs - given.keys()}
        everyone = given | idle
        return tuple(everyone[pair] for pair in sorted(everyone))

    def census(
        self, snapshot: Snapshot
    ) -> tuple[dict[tuple[str, Status], int], dict[str, int]]:
        """Agents by role and status, and stale ones by role. Who finished is not here any more."""
        here = (snapshot.finished_at == 0) & (snapshot.numbers != 0)
        width = len(Status)
        places = self._codes * width + snapshot.status
        by_status = np.bincount(places[here], minlength=len(self._roles) * width)
        stale = np.bincount(
            self._codes[here & snapshot.is_stale], minlength=len(self._roles)
        ).tolist()
        statuses: dict[tuple[str, Status], int] = {}
        late: dict[str, int] = {}
        for code, role in enumerate(self._roles):
            late[role] = late.get(role, 0) + stale[code]
            for status, count in zip(
                Status, by_status[code * width : (code + 1) * width].tolist(), strict=True
            ):
                statuses[role, status] = statuses.get((role, status), 0) + count
        return statuses, late

    def standings(self, snapshot: Snapshot) -> dict[tuple[str, Standing], int]:
        """Agents by role and standing. Who finished is not here any more."""
        here = (snapshot.finished_at == 0) & (snapshot.numbers != 0)
        width = len(Standing)
        places = self._codes * width + snapshot.standing
        counts = np.bincount(places[here], minlength=len(self._roles) * width).tolist()
        found: dict[tuple[str, Standing], int] = {}
        for place, count in enumerate(counts):
            key = (self._roles[place // width], word_of(Standing, place % width))
            found[key] = found.get(key, 0) + count
        return found


def ourselves(
    workspaces: Sequence[WorkspaceFacts],
    own: OwnFacts,
    *,
    refused: Mapping[str, int],
    dropped: int,
) -> Iterator[Family]:
    """What is said of this process, except what `own` measures. `refused` are agents the cap left out."""
    offset = own.wall_offset_ms
    names = [({"workspace": facts.name}, facts) for facts in workspaces]
    yield family(
        catalogue.OBSERVING_SINCE,
        [(labels, (it.snapshot.observing_since + offset) / 1000) for labels, it in names],
    )
    yield family(
        catalogue.EVALUATION_LAST,
        [
            (labels, (it.evaluated_at + offset) / 1000)
            for labels, it in names
            if it.evaluated_at is not None
        ],
    )
    yield family(catalogue.LEADER, [({}, own.leader)])
    yield family(catalogue.LEASE_EPOCH, [({}, own.lease_epoch)])
    yield family(
        catalogue.ENFORCEMENT_ENABLED,
        [(labels, it.enforcement_enabled) for labels, it in names],
    )
    yield family(
        catalogue.POLICIES,
        [
            ({**labels, "mode": mode}, sum(policy.mode is mode for policy in it.policies))
            for labels, it in names
            for mode in Mode
        ],
    )
    yield family(
        catalogue.POLICY_BROKEN,
        [
            ({**labels, "policy": policy.name}, policy.name in it.broken)
            for labels, it in names
            for policy in it.policies
            if policy.mode is not Mode.OFF
        ],
    )
    yield family(
        catalogue.POLICY_DEMOTED,
        [
            ({**labels, "policy": policy.name}, policy.name in it.demoted)
            for labels, it in names
            for policy in it.policies
            if policy.mode is Mode.ENFORCE
        ],
    )
    yield family(catalogue.NOTICES, [(labels, it.noticed) for labels, it in names])
    yield family(catalogue.APPROVALS_ASKED, [(labels, it.awaiting) for labels, it in names])
    yield family(catalogue.SILENCES, [(labels, it.silences) for labels, it in names])
    yield family(catalogue.COMMON_CAUSES, [(labels, it.common_causes) for labels, it in names])
    yield family(catalogue.MASS_RESTARTS, [(labels, it.mass_restarts) for labels, it in names])
    yield family(catalogue.JOURNAL_QUEUE_LENGTH, [({}, own.journal_queue_length)])
    yield family(
        catalogue.DELIVERIES,
        [
            ({**labels, "state": state}, it.deliveries.get(state, 0))
            for labels, it in names
            for state in DeliveryState
        ],
    )
    yield family(catalogue.CONFIG_RELOAD_SUCCESSFUL, [({}, own.config_reload_successful)])
    loaded_at = own.config_reloaded_at
    yield family(
        catalogue.CONFIG_RELOAD_AT, [] if loaded_at is None else [({}, loaded_at / 1000)]
    )
    yield family(catalogue.SERIES_DROPPED, [({}, dropped)])
    yield family(
        catalogue.AGENTS_WITHOUT_SERIES, [(labels, refused[it.name]) for labels, it in names]
    )


def _durations(named: Sequence[tuple[Labels, RoleTotals]]) -> Family:
    name = catalogue.TASK_DURATION.name
    lines: list[str] = []
    for labels, total in named:
        running = list(accumulate(total.duration_buckets))
        lines += [
            _line(f"{name}_bucket", {**labels, "le": bound}, count)
            for bound, count in zip(_BOUNDS, running, strict=True)
        ]
        lines.append(_line(f"{name}_count", labels, running[-1]))
        lines.append(_line(f"{name}_sum", labels, total.duration_ms_sum / 1000))
    return Family(catalogue.TASK_DURATION, Block("".join(lines), samples=len(lines)))


def _line(name: str, labels: Labels, value: float) -> str:
    return f"{name}{text.label_set(labels)} {text.number(value)}\n"


def _untouched(role: str, model: str) -> RoleTotals:
    return RoleTotals(
        role=role,
        model=model,
        tasks=0,
        failed=(0,) * len(Fault),
        duration_ms_sum=0,
        duration_count=0,
        duration_buckets=_NO_BUCKETS,
        tokens_in=0,
        tokens_out=0,
        cost_micros=0,
        finished=0,
    )


def _from_zero(counted: Mapping[Key, int], possible: Iterable[Key]) -> list[tuple[Key, int]]:
    """Every count, and 0 for what could be counted but was not yet, in the keys' order."""
    everything = {**dict.fromkeys(possible, 0), **counted}
    return sorted(everything.items(), key=lambda item: item[0])  # type: ignore[arg-type,return-value]  # named tuples of strings


def _may_fire(policy: PolicyFacts) -> bool:
    return Action.FIRE in policy.deeds and policy.mode is Mode.ENFORCE


def _possible_fires(
    policies: Sequence[PolicyFacts], roles: Sequence[str]
) -> Iterator[FireKind]:
    for role in roles:
        for policy in policies:
            if _may_fire(policy) and policy.reason is not None:
                yield FireKind(policy.name, policy.reason, ActorKind.POLICY, role)
        for actor in (ActorKind.PERSON, ActorKind.API):
            for reason in SEED_REASONS:
                yield FireKind("", reason, actor, role)


def _possible_decisions(
    policies: Sequence[PolicyFacts], roles: Sequence[str]
) -> Iterator[DecisionKind]:
    """Verdicts a policy can come to in the mode it is in."""
    for policy in policies:
        for verdict in _verdicts(policy):
            for role in roles:
                yield DecisionKind(policy.name, verdict, policy.mode, role)


_VERDICT_OF = {
    Action.NOTIFY: (Verdict.NOTIFIED,),
    Action.PROBATION: (Verdict.PROBATION,),
    Action.QUARANTINE: (Verdict.QUARANTINED,),
    Action.FIRE: (Verdict.FIRED, Verdict.SUPERSEDED),
}
_WAITING = (Verdict.NOTICED, Verdict.ASKED, Verdict.CANCELLED)


def _verdicts(policy: PolicyFacts) -> tuple[Verdict, ...]:
    match policy.mode:
        case Mode.OFF:
            return ()
        case Mode.SHADOW:
            return (Verdict.HELD, Verdict.SHADOWED)
        case Mode.ENFORCE:
            deeds = [
                verdict
                for action in Action
                if action in policy.deeds
                for verdict in _VERDICT_OF[action]
            ]
            waits = _WAITING if policy.waits else ()
            released = (Verdict.RELEASED,) if policy.actions else ()
            return (Verdict.HELD, *deeds, *waits, *released)
