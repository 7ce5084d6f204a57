"""Kinds of task as numbers while outcomes are tables of integers, and as words again afterwards."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import BigInteger, ColumnElement, Connection, cast, func, text

from pinkslip.store.tables import outcomes

NONE = 0
"""The number of an outcome that named no kind."""

Integers = NDArray[np.int64]


class Tasks:
    """The numbers of one reading. SQLite gives words; PostgreSQL sends digests, and one look finds the words."""

    def __init__(self, connection: Connection, workspace_id: int) -> None:
        self._connection = connection
        self._workspace_id = workspace_id
        self._words: dict[int, str] = {}
        self._numbers: dict[str | None, int] = {None: NONE}
        self._is_sqlite = connection.dialect.name == "sqlite"

    @property
    def column(self) -> ColumnElement[Any]:
        """Of `outcomes`: its kind of task, as this database gives it."""
        if self._is_sqlite:
            return outcomes.c.kind
        return func.coalesce(cast(func.hashtextextended(outcomes.c.kind, 0), BigInteger), NONE)

    def words(
        self, numbers: Integers, *, agents: Integers, at: Integers, seq: Integers
    ) -> NDArray[np.object_]:
        """The kinds behind `numbers`, None where there is none; the rest says of which outcomes they are."""
        distinct, first, inverse = np.unique(numbers, return_index=True, return_inverse=True)
        if not self._is_sqlite:
            is_new = [number not in self._words for number in distinct.tolist()]
            unknown = first[np.array(is_new, np.bool_) & (distinct != NONE)]
            if len(unknown):
                self._look(numbers[unknown], agents[unknown], at[unknown], seq[unknown])
        words = np.empty(len(distinct), np.object_)
        words[:] = [self._words.get(number) for number in distinct.tolist()]
        return words[inverse]

    def numbers(self, words: Sequence[str | None]) -> Integers:
        """The numbers of kinds that came as words."""
        for word in set(words) - self._numbers.keys():
            assert word is not None, "it has its number from the beginning"
            number = self._numbers[word] = len(self._numbers)
            self._words[number] = word
        return np.fromiter(map(self._numbers.__getitem__, words), np.int64, len(words))

    def _look(self, numbers: Integers, agents: Integers, at: Integers, seq: Integers) -> None:
        rows = self._connection.execute(
            _SAMPLES,
            {
                "workspace_id": self._workspace_id,
                "numbers": numbers.tolist(),
                "agents": agents.tolist(),
                "at": at.tolist(),
                "seq": seq.tolist(),
            },
        )
        self._words.update((row.number, row.kind) for row in rows)


_SAMPLES = text(
    "SELECT sample.number, outcomes.kind FROM unnest("
    "CAST(:numbers AS bigint[]), CAST(:agents AS bigint[]),"
    " CAST(:at AS bigint[]), CAST(:seq AS bigint[])) AS sample(number, agent_no, at, seq)"
    " JOIN outcomes ON outcomes.workspace_id = :workspace_id"
    " AND outcomes.agent_no = sample.agent_no AND outcomes.at = sample.at"
    " AND outcomes.seq = sample.seq"
)
