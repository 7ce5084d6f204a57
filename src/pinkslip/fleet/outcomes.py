"""Outcomes as columns: how facts become numbers, and which of them a filter counts.

What an outcome means for a rate depends on result, fault, source, and whether it carried an error: few
enough combinations to be one small number, its *kind*. A filter is then a table from kind to 0 or 1.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pinkslip.fleet.slots import Places
from pinkslip.fleet.snapshot import Integers
from pinkslip.model.facts import Done
from pinkslip.model.policy import Filter
from pinkslip.model.words import Fault, Result, Source

Kinds = NDArray[np.uint16]
Table = NDArray[np.int8]

_WITHOUT_ERROR = len(Result) * len(Fault) * len(Source)
NOTHING = 2 * _WITHOUT_ERROR
"""The kind of no outcome: an empty place in a ring. Counts nowhere."""
NOT_GIVEN = -1
"""A duration or score that the outcome did not carry."""

_RESULT_OF = {id(word): code * len(Fault) * len(Source) for code, word in enumerate(Result)}
_FAULT_OF = {id(word): code * len(Source) for code, word in enumerate(Fault)}
_SOURCE_OF = {id(word): code for code, word in enumerate(Source)}


class Field(StrEnum):
    """What windows add up. The first are counts, the last sums."""

    TASKS = "tasks"
    SUCCESSES = "successes"
    REFUSALS = "refusals"
    OFF_TRACK = "off_track"
    TIMEOUTS = "timeouts"
    CORRUPTIONS = "corruptions"
    ERRORS = "errors"
    DURATIONS = "durations"
    SCORED = "scored"
    DURATION_MS = "duration_ms"
    TOKENS = "tokens"
    COST = "cost"
    SCORE = "score"

    @property
    def is_sum(self) -> bool:
        """A sum needs 64 bits; a count does not."""
        return self in _SUMS

    @property
    def column(self) -> str | None:
        """The column of the log it reads beside the kind."""
        return _COLUMN_OF.get(self)


_SUMS = frozenset({Field.DURATION_MS, Field.TOKENS, Field.COST, Field.SCORE})
_COLUMN_OF: Mapping[Field, str] = {
    Field.DURATIONS: "duration",
    Field.DURATION_MS: "duration",
    Field.TOKENS: "tokens",
    Field.COST: "cost",
    Field.SCORED: "score",
    Field.SCORE: "score",
}


@dataclass(frozen=True, slots=True)
class Rows:
    """Some outcomes, as parallel columns."""

    slot: Places
    at: Integers
    kind: Kinds
    duration: Integers
    """Milliseconds; NOT_GIVEN where the outcome had none."""
    tokens: Integers
    cost: Integers
    score: Integers
    """Millionths; NOT_GIVEN where the outcome had none."""
    key: Integers
    """Tells the outcomes of one agent and instant apart, and puts them in order."""
    task: NDArray[np.uint8]
    """The kind of task, as `task_kinds` numbers it."""

    def __len__(self) -> int:
        return len(self.slot)

    def take(self, which: NDArray[np.bool_] | Places) -> "Rows":
        """Those of a mask, or those at places, in that order."""
        return Rows(
            self.slot[which],
            self.at[which],
            self.kind[which],
            self.duration[which],
            self.tokens[which],
            self.cost[which],
            self.score[which],
            self.key[which],
            self.task[which],
        )

    @classmethod
    def joined(cls, parts: "Sequence[Rows]") -> "Rows":
        """One after the other."""
        return cls(
            np.concatenate([part.slot for part in parts]),
            np.concatenate([part.at for part in parts]),
            np.concatenate([part.kind for part in parts]),
            np.concatenate([part.duration for part in parts]),
            np.concatenate([part.tokens for part in parts]),
            np.concatenate([part.cost for part in parts]),
            np.concatenate([part.score for part in parts]),
            np.concatenate([part.key for part in parts]),
            np.concatenate([part.task for part in parts]),
        )


@dataclass(frozen=True, slots=True)
class Counting:
    """A filter as tables over kinds."""

    denominator: Table
    """1 where an outcome counts for rates."""
    work: Table
    """1 where it counts as work: any result, from a source the filter takes the word of."""
    tables: Mapping[Field, Table]
    """For the counts that follow from the kind alone."""

    def amounts(self, field: Field, rows: Rows) -> NDArray[np.int64] | Table:
        """What each outcome adds to `field`."""
        kind = rows.kind
        match field:
            case Field.DURATIONS:
                return self.work[kind] * (rows.duration >= 0).view(np.int8)
            case Field.DURATION_MS:
                return self.work[kind] * np.maximum(rows.duration, 0)
            case Field.TOKENS:
                return self.work[kind] * rows.tokens
            case Field.COST:
                return self.work[kind] * rows.cost
            case Field.SCORED:
                return self.denominator[kind] * (rows.score >= 0).view(np.int8)
            case Field.SCORE:
                return self.denominator[kind] * np.maximum(rows.score, 0)
            case (
                Field.TASKS
                | Field.SUCCESSES
                | Field.REFUSALS
                | Field.OFF_TRACK
                | Field.TIMEOUTS
                | Field.CORRUPTIONS
                | Field.ERRORS
            ):
                return self.tables[field][kind]


def is_failure(result: Result, fault: Fault) -> bool:
    """Counted in `failed`: any non-success but a user's cancellation."""
    if result is Result.CANCELLED:
        return fault is not Fault.USER
    return result is not Result.SUCCESS


def kind_of(result: Result, fault: Fault, source: Source, *, has_error: bool) -> int:
    """The one number an outcome's meaning comes down to."""
    kind = _RESULT_OF[id(result)] + _FAULT_OF[id(fault)] + _SOURCE_OF[id(source)]
    return kind + _WITHOUT_ERROR * has_error


def kinds_of(result: Any, fault: Any, source: Any, *, has_error: Any) -> Any:
    """`kind_of` from the codes of the words, by arithmetic alone: of arrays, or of columns in a query."""
    return (result * len(Fault) + fault) * len(Source) + source + has_error * _WITHOUT_ERROR


@cache
def counting(outcomes: Filter) -> Counting:
    """The tables of a filter (design section 7 holds the words)."""

    def in_denominator(result: Result, fault: Fault, source: Source) -> bool:
        if source not in outcomes.sources:
            return False
        return result is Result.SUCCESS or (
            is_failure(result, fault) and fault in outcomes.faults
        )

    denominator = _table(in_denominator)

    def ended(*results: Result) -> Table:
        return denominator & _table(lambda result, _fault, _source: result in results)

    work = _table(lambda _result, _fault, source: source in outcomes.sources)
    errors = work.copy()
    errors[:_WITHOUT_ERROR] = 0
    tables = {
        Field.TASKS: denominator,
        Field.SUCCESSES: ended(Result.SUCCESS),
        Field.REFUSALS: ended(Result.REFUSED),
        Field.OFF_TRACK: ended(Result.OFF_TRACK),
        Field.TIMEOUTS: ended(Result.TIMEOUT),
        Field.CORRUPTIONS: ended(Result.CONTEXT_OVERFLOW, Result.UNPARSABLE),
        Field.ERRORS: errors,
    }
    return Counting(denominator, work, MappingProxyType(tables))


def _table(holds: Callable[[Result, Fault, Source], bool]) -> Table:
    table = np.zeros(NOTHING + 1, np.int8)
    for result in Result:
        for fault in Fault:
            for source in Source:
                for has_error in (False, True):
                    kind = kind_of(result, fault, source, has_error=has_error)
                    table[kind] = holds(result, fault, source)
    return table


IS_SUCCESS = _table(lambda result, _fault, _source: result is Result.SUCCESS)
IS_FAILURE = _table(lambda result, fault, _source: is_failure(result, fault))
HAS_ERROR = np.concatenate(
    [np.zeros(_WITHOUT_ERROR, np.int8), np.ones(_WITHOUT_ERROR, np.int8), np.zeros(1, np.int8)]
)
RESULT_OF_KIND = np.array(
    [kind % _WITHOUT_ERROR // (len(Source) * len(Fault)) for kind in range(NOTHING + 1)],
    np.intp,
)
SOURCE_OF_KIND = np.array(
    [kind % _WITHOUT_ERROR % len(Source) for kind in range(NOTHING + 1)], np.intp
)
FAULT_OF_KIND = np.array(
    [kind % _WITHOUT_ERROR // len(Source) % len(Fault) for kind in range(NOTHING + 1)], np.intp
)


@dataclass(frozen=True, slots=True)
class Arrivals:
    """Done facts as they came, turned into arrays once."""

    number: Integers
    at: Integers
    seq: Integers
    event_id: NDArray[np.bytes_]
    counted: NDArray[np.bool_]
    kind: Kinds
    duration: Integers
    tokens_in: Integers
    tokens_out: Integers
    cost: Integers
    score: Integers
    errors: Sequence[str | None]
    task: NDArray[np.object_]
    """The kind of task as it was reported; None where none was."""

    @classmethod
    def of(cls, dones: Sequence[Done]) -> "Arrivals":
        """In the order given."""
        kinds = [
            _RESULT_OF[id(done.result)]
            + _FAULT_OF[id(done.fault)]
            + _SOURCE_OF[id(done.source)]
            + (_WITHOUT_ERROR if done.error is not None else 0)
            for done in dones
        ]
        return cls(
            np.array([done.agent_no for done in dones], np.int64),
            np.array([done.at for done in dones], np.int64),
            np.array([done.seq for done in dones], np.int64),
            np.array([done.event_id for done in dones], "S16"),
            np.array([done.counted for done in dones], np.bool_),
            np.array(kinds, np.uint16),
            _optional([done.duration_ms for done in dones], NOT_GIVEN),
            _optional([done.tokens_in for done in dones], 0),
            _optional([done.tokens_out for done in dones], 0),
            _optional([done.cost_micros for done in dones], 0),
            _optional([done.score_e6 for done in dones], NOT_GIVEN),
            [done.error for done in dones],
            texts([done.kind for done in dones]),
        )

    def __len__(self) -> int:
        return len(self.number)

    def take(self, which: Places) -> "Arrivals":
        """Those at places, in that order."""
        return Arrivals(
            self.number[which],
            self.at[which],
            self.seq[which],
            self.event_id[which],
            self.counted[which],
            self.kind[which],
            self.duration[which],
            self.tokens_in[which],
            self.tokens_out[which],
            self.cost[which],
            self.score[which],
            [self.errors[place] for place in which.tolist()],
            self.task[which],
        )

    def rows(self, slots: Places, task: NDArray[np.uint8]) -> Rows:
        """As the log keeps them; `task` are the numbers of the kinds of task."""
        return Rows(
            slots,
            self.at,
            self.kind,
            self.duration,
            self.tokens_in + self.tokens_out,
            self.cost,
            self.score,
            keys(self.event_id),
            task,
        )


def keys(event_ids: NDArray[np.bytes_]) -> Integers:
    """A number for each event id. Both halves count: the random part may be in either."""
    halves = np.ascontiguousarray(event_ids).view(np.int64).reshape(-1, 2)
    mixed: Integers = halves[:, 0] * _SPREAD + halves[:, 1]
    return mixed


_SPREAD = np.int64(0x1E3779B97F4A7C15)


def texts(words: Sequence[str | None]) -> NDArray[np.object_]:
    """Words as a column of the very objects given."""
    column = np.empty(len(words), np.object_)
    column[:] = words
    return column


def _optional(values: Sequence[int | None], absent: int) -> Integers:
    return np.array([absent if value is None else value for value in values], np.int64)
