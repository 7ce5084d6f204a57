"""Which agents have series of their own, and how many.

Rules say how much detail an agent gets; leavers keep theirs for `series_ttl`; a cap bounds how many agents have
any. Whoever has series keeps them, so that nothing comes and goes because others do.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from pinkslip.fleet.snapshot import Codes, Integers, Snapshot
from pinkslip.model.policy import Matcher
from pinkslip.model.words import Standing, Status, code_of

Mask = NDArray[np.bool_]

_REMEMBERED = 65_536
"""Names whose match is remembered, per matcher."""
_FIRED = code_of(Standing.FIRED)


class Detail(StrEnum):
    """How much of an agent is exported. Columns hold a member's code."""

    OFF = "off"
    CORE = "core"
    FULL = "full"


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesRule:
    """`detail` for the agents that every matcher takes."""

    detail: Detail
    match: tuple[Matcher, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesSettings:
    """What an operator says about per-agent series."""

    rules: tuple[SeriesRule, ...] = ()
    """The first that matches decides."""
    otherwise: Detail = Detail.CORE
    """For agents that no rule takes."""
    max_agents: int = 50_000
    """Agents with series, over all workspaces."""
    ttl_ms: int = 600_000
    """How long the series of a fired or finished agent stay."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Selected:
    """Rows of one snapshot."""

    core: Integers
    """Rows with the core series: those with full ones among them."""
    full: Integers
    newly_refused: Integers
    """Rows the cap left out for the first time."""
    refused: int
    """Agents the cap leaves out now."""
    details: Codes
    """Of every row, by its rule."""


@dataclass(slots=True)
class _Membership:
    """Who has series in a workspace, and who was refused: agent numbers."""

    holding: Integers = field(default_factory=lambda: np.empty(0, np.int64))
    refused: Integers = field(default_factory=lambda: np.empty(0, np.int64))


class Selection:
    """Remembers who has series. One render at a time."""

    def __init__(self, settings: SeriesSettings) -> None:
        self._settings = settings
        self._rules = tuple(
            (code_of(rule.detail), tuple(_test(matcher) for matcher in rule.match))
            for rule in settings.rules
        )
        self._members: dict[int, _Membership] = {}

    def under(self, settings: SeriesSettings) -> "Selection":
        """Other settings, the same holders."""
        other = Selection(settings)
        other._members = self._members
        return other

    def select(self, snapshots: Sequence[Snapshot]) -> list[Selected]:
        """Choose for all workspaces at once; the room left goes to new agents, oldest number first."""
        self._forget_all_but({snapshot.workspace_id for snapshot in snapshots})
        details = [self._details(snapshot) for snapshot in snapshots]
        holds = [
            _among(snapshot.numbers, self._member(snapshot).holding) & (detail > 0)
            for snapshot, detail in zip(snapshots, details, strict=True)
        ]
        room = self._settings.max_agents - sum(int(hold.sum()) for hold in holds)
        selected = []
        for snapshot, detail, hold in zip(snapshots, details, holds, strict=True):
            choice, room = self._admit(snapshot, detail, hold, room)
            selected.append(choice)
        return selected

    def _admit(
        self, snapshot: Snapshot, details: Codes, holds: Mask, room: int
    ) -> tuple[Selected, int]:
        waiting = np.flatnonzero((details > 0) & ~holds)
        waiting = waiting[np.argsort(snapshot.numbers[waiting], kind="stable")]
        admitted, refused = waiting[: max(room, 0)], waiting[max(room, 0) :]
        exported = holds.copy()
        exported[admitted] = True
        member = self._member(snapshot)
        known = _among(snapshot.numbers[refused], member.refused)
        member.holding = np.sort(snapshot.numbers[exported])
        member.refused = np.sort(snapshot.numbers[refused])
        selected = Selected(
            core=np.flatnonzero(exported),
            full=np.flatnonzero(exported & (details == code_of(Detail.FULL))),
            newly_refused=refused[~known],
            refused=len(refused),
            details=details,
        )
        return selected, room - len(admitted)

    def _details(self, snapshot: Snapshot) -> Codes:
        """The detail each row asks for; OFF for free rows and for those who left long enough ago."""
        details = np.full(len(snapshot), code_of(self._settings.otherwise), np.uint8)
        undecided = np.ones(len(snapshot), np.bool_)
        for code, tests in self._rules:
            taken = undecided.copy()
            for test in tests:
                taken &= test(snapshot)
            details[taken] = code
            undecided &= ~taken
        details[
            (snapshot.numbers == 0) | has_left(snapshot, since_ms=self._settings.ttl_ms)
        ] = 0
        return details

    def _member(self, snapshot: Snapshot) -> _Membership:
        return self._members.setdefault(snapshot.workspace_id, _Membership())

    def _forget_all_but(self, workspaces: set[int]) -> None:
        for gone in self._members.keys() - workspaces:
            del self._members[gone]


def has_left(snapshot: Snapshot, *, since_ms: int) -> Mask:
    """Who has been finished or fired for at least so long, by the snapshot's own time."""
    finished: Mask = (snapshot.finished_at > 0) & (
        snapshot.at - snapshot.finished_at >= since_ms
    )
    fired = (snapshot.standing == _FIRED) & (snapshot.at - snapshot.terminated_at >= since_ms)
    gone: Mask = finished | fired
    return gone


def _among(numbers: Integers, members: Integers) -> Mask:
    """Which of `numbers` are in `members`, which is sorted."""
    if not members.size:
        return np.zeros(len(numbers), np.bool_)
    places = np.minimum(np.searchsorted(members, numbers), len(members) - 1)
    found: Mask = members[places] == numbers
    return found


def _test(matcher: Matcher) -> Callable[[Snapshot], Mask]:
    """A matcher as a question to a whole snapshot."""
    if matcher.field in ("status", "standing"):
        return _code_test(matcher)
    accepts = _acceptor(matcher)

    def test(snapshot: Snapshot) -> Mask:
        words = _words(snapshot, matcher.field)
        return np.fromiter((accepts(word) for word in words), np.bool_, len(words))

    return test


def _code_test(matcher: Matcher) -> Callable[[Snapshot], Mask]:
    accepts = _acceptor(matcher)
    vocabulary: type[Status | Standing] = Status if matcher.field == "status" else Standing
    accepted = np.array([accepts(word) for word in vocabulary])

    def test(snapshot: Snapshot) -> Mask:
        codes = snapshot.status if matcher.field == "status" else snapshot.standing
        taken: Mask = accepted[codes]
        return taken

    return test


def _acceptor(matcher: Matcher) -> Callable[[str | None], bool]:
    patterns = tuple(re.compile(pattern) for pattern in matcher.patterns)

    @lru_cache(maxsize=_REMEMBERED)
    def accepts(word: str | None) -> bool:
        if word is None:
            return False
        return word in matcher.values or any(p.fullmatch(word) is not None for p in patterns)

    return accepts


def _words(snapshot: Snapshot, name: str) -> Sequence[str | None]:
    columns: Mapping[str, Sequence[str | None]] = {
        "agent": snapshot.agent_ids,
        "name": snapshot.names,
        "role": snapshot.roles,
        "model": snapshot.models,
        "host": snapshot.hosts,
        "lineage": snapshot.lineages,
    }
    if name in columns:
        return columns[name]
    label = name.removeprefix("label.")
    return [labels.get(label) for labels in snapshot.labels]
