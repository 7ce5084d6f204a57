"""Kinds of task as numbers while outcomes pass through the driver as integers, and as words again afterwards."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import BigInteger, ColumnElement, Connection, cast, func, text

from pinkslip.store.tables import outcomes

NONE = 0
"""The number of an outcome that named no kind."""

Integers = NDArray[np.int64]
_FUNCTION = "pinkslip_task"


class Tasks:
    """The numbers of one reading. SQLite asks for each word; PostgreSQL sends digests, and one look finds the words."""

    def __init__(self, connection: Connection, workspace_id: int) -> None:
        self._connection = connection
        self._workspace_id = workspace_id
        self._words: dict[int, str] = {}
        self._numbers: dict[str, int] = {}
        self._is_sqlite = connection.dialect.name == "sqlite"
        if self._is_sqlite:
            driver: Any = connection.connection.driver_connection
            driver.create_function(_FUNCTION, 1, self._number, deterministic=True)

    @property
    def column(self) -> ColumnElement[Any]:
        """Of `outcomes`: the number of its kind of task."""
        if self._is_sqlite:
            return getattr(func, _FUNCTION)(outcomes.c.kind)  # type: ignore[no-any-return]  # a function by name
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

    def _number(self, word: str | None) -> int:
        if word is None:
            return NONE
        number = self._numbers.get(word)
        if number is None:
            number = self._numbers[word] = len(self._numbers) + 1
            self._words[number] = word
        return number

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
