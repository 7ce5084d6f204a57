"""Which rows of a snapshot a list asks for: filters over columns, in the order agents were first seen."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from pinkslip.fleet.snapshot import AgentView, Snapshot
from pinkslip.model.words import Standing, code_of
from pinkslip.store.views import AgentFilters

Mask = NDArray[np.bool_]


def left(snapshot: Snapshot) -> tuple[Mask, Mask]:
    """Who is finished, and who is fired."""
    fired = snapshot.standing == code_of(Standing.FIRED)
    return (snapshot.finished_at > 0) & ~fired, fired


def select(
    snapshot: Snapshot,
    filters: AgentFilters,
    *,
    finished: bool,
    fired: bool,
    after: int,
    limit: int,
) -> list[int]:
    """Rows that match, with agent_no > `after`, ascending, at most `limit`."""
    is_finished, is_fired = left(snapshot)
    wanted = (snapshot.numbers > after) & _codes_match(snapshot, filters)
    if not finished:
        wanted &= ~is_finished
    if not fired:
        wanted &= ~is_fired
    rows = np.flatnonzero(wanted)
    rows = rows[np.argsort(snapshot.numbers[rows], kind="stable")]
    matches = words_match(filters)
    found: list[int] = []
    for row in rows.tolist():
        if matches(_Words(snapshot, row)):
            found.append(row)
            if len(found) == limit:
                break
    return found


def _codes_match(snapshot: Snapshot, filters: AgentFilters) -> Mask:
    wanted = np.ones(len(snapshot), dtype=np.bool_)
    if filters.status:
        wanted &= np.isin(snapshot.status, [code_of(word) for word in filters.status])
    if filters.standing:
        wanted &= np.isin(snapshot.standing, [code_of(word) for word in filters.standing])
    if filters.stale is not None:
        wanted &= snapshot.is_stale == filters.stale
    return wanted


class _Words:
    """One row's words under an `AgentView`'s names, without building the view."""

    __slots__ = ("_row", "_snapshot")

    def __init__(self, snapshot: Snapshot, row: int) -> None:
        self._snapshot, self._row = snapshot, row

    @property
    def agent_id(self) -> str:
        return self._snapshot.agent_ids[self._row]

    @property
    def name(self) -> str | None:
        return self._snapshot.names[self._row]

    @property
    def role(self) -> str | None:
        return self._snapshot.roles[self._row]

    @property
    def model(self) -> str | None:
        return self._snapshot.models[self._row]

    @property
    def host(self) -> str | None:
        return self._snapshot.hosts[self._row]

    @property
    def lineage(self) -> str | None:
        return self._snapshot.lineages[self._row]

    @property
    def labels(self) -> Mapping[str, str]:
        return self._snapshot.labels[self._row]

    @property
    def current_task(self) -> str | None:
        return self._snapshot.current_tasks[self._row]


def words_match(filters: AgentFilters) -> Callable[["AgentView | _Words"], bool]:
    """Whether an agent's words are those asked for. An empty value asks for agents that gave none."""
    texts = [
        (name, wanted)
        for name in ("role", "model", "host", "lineage")
        if (wanted := getattr(filters, name))
    ]
    needle = filters.q.casefold()

    def matches(agent: "AgentView | _Words") -> bool:
        return (
            all((getattr(agent, name) or "") in wanted for name, wanted in texts)
            and all(agent.labels.get(label) in wanted for label, wanted in filters.labels)
            and (not needle or _mentions(agent, needle))
        )

    return matches


def _mentions(agent: "AgentView | _Words", needle: str) -> bool:
    said: Sequence[str | None] = (agent.agent_id, agent.name, agent.current_task)
    return any(text and needle in text.casefold() for text in said)
