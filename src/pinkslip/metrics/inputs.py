"""What a page is made from: plain values that `app` collects from fleet, judge, store and journal.

Everything here is immutable once handed over: a render on another thread reads it without a lock.
Counts are cumulative and come from whoever keeps them durable; a counter that is absent reads 0.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import NamedTuple, TypeVar

from pinkslip.fleet.snapshot import Snapshot
from pinkslip.model.words import Action, ActorKind, DeliveryState, Guard, Mode, Verdict

_TALLIES = ("fires", "decisions", "held", "reversals", "zombies", "evidence", "deliveries")

Key = TypeVar("Key")
Value = TypeVar("Value")


def nothing() -> Mapping[Key, Value]:
    """An empty mapping that nobody can fill: the default of every tally."""
    return MappingProxyType({})


class PolicyFacts(NamedTuple):
    """One loaded policy, as far as it makes series that must start at 0."""

    name: str
    mode: Mode
    action: Action
    reason: str | None = None
    actions: frozenset[Action] = frozenset()
    """Of every rung; empty: `action` alone."""
    waits: bool = False
    """Its fires have a notice or ask for approval."""

    @property
    def deeds(self) -> frozenset[Action]:
        """Everything it may do."""
        return self.actions or frozenset({self.action})


class FireKind(NamedTuple):
    """Fires counted together. `policy` is empty where a person or the API fired."""

    policy: str
    reason: str
    actor: ActorKind
    role: str = ""


class DecisionKind(NamedTuple):
    """Decision records counted together."""

    policy: str
    verdict: Verdict
    mode: Mode
    role: str = ""


class HeldKind(NamedTuple):
    """Held verdicts counted together: decision records with verdict held, by the guard they name."""

    policy: str
    guard: Guard
    role: str = ""


class ReversalKind(NamedTuple):
    """Times a person overruled a policy, counted together."""

    policy: str
    role: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkspaceFacts:
    """One workspace: its agents, and what judge and store say of them."""

    name: str
    """The value of the label `workspace`."""
    snapshot: Snapshot
    policies: tuple[PolicyFacts, ...] = ()
    broken: frozenset[str] = frozenset()
    """Policies that the newest tick could not judge."""
    fires: Mapping[FireKind, int] = field(default_factory=nothing)
    decisions: Mapping[DecisionKind, int] = field(default_factory=nothing)
    held: Mapping[HeldKind, int] = field(default_factory=nothing)
    reversals: Mapping[ReversalKind, int] = field(default_factory=nothing)
    zombies: Mapping[str, int] = field(default_factory=nothing)
    """By role; the role is empty for agents that gave none."""
    panic: frozenset[str] = frozenset()
    """Roles in panic now; see `roles_in_panic` where a pool is not a role."""
    evidence: Mapping[int, float] = field(default_factory=nothing)
    """By agent_no, from 0 (nothing) to 1 (enough to act), the worst policy's; absent: 0."""
    silenced: frozenset[int] = frozenset()
    """Agents (agent_no) that a silence covers: exempt, besides those who are by their own state."""
    deliveries: Mapping[DeliveryState, int] = field(default_factory=nothing)
    demoted: frozenset[str] = frozenset()
    """Policies in shadow because they were overruled too often."""
    noticed: int = 0
    """Fires whose notice runs."""
    awaiting: int = 0
    """Fires that wait for approval."""
    silences: int = 0
    """In force."""
    common_causes: int = 0
    mass_restarts: int = 0
    enforcement_enabled: bool = True
    evaluated_at: int | None = None
    """Journal ms of the last tick's `now`."""

    def __post_init__(self) -> None:
        """Take copies: whoever counts goes on counting while another thread renders."""
        for name in _TALLIES:
            object.__setattr__(self, name, MappingProxyType(dict(getattr(self, name))))


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnFacts:
    """This process, as far as prometheus-client does not keep it (see `own`)."""

    leader: bool = False
    lease_epoch: int = 0
    journal_queue_length: int = 0
    config_reload_successful: bool = True
    config_reloaded_at: int | None = None
    """Wall ms of the last successful load."""
    wall_offset_ms: int = 0
    """Wall clock less journal time. Added to journal times, since Prometheus compares them with its clock.

    A page follows it only when it moves by a second or more: less is rounding, and would change every sample.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """All that one page says, except what `own` measures."""

    workspaces: tuple[WorkspaceFacts, ...] = ()
    ourselves: OwnFacts = field(default_factory=OwnFacts)


def roles_in_panic(
    snapshot: Snapshot, *, pool: str, panicking: Iterable[str]
) -> frozenset[str]:
    """The roles to export as in panic, where `guards.pool` says what makes a pool.

    A pool that is not a role puts every role in panic that has an agent in it.
    """
    pools = frozenset(panicking)
    if not pools or pool == "role":
        return pools
    members = zip(_pool_values(snapshot, pool), snapshot.roles, strict=True)
    return frozenset(role or "" for value, role in members if (value or "") in pools)


def _pool_values(snapshot: Snapshot, pool: str) -> Iterable[str | None]:
    match pool:
        case "model":
            return snapshot.models
        case "host":
            return snapshot.hosts
        case "lineage":
            return snapshot.lineages
        case _:
            label = pool.removeprefix("label.")
            return (labels.get(label) for labels in snapshot.labels)
