"""What one agent says on the page: each per-agent family, how it is read from a snapshot and how it is written."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pinkslip.fleet.snapshot import Codes, Integers, Snapshot
from pinkslip.metrics import catalogue, text
from pinkslip.metrics.catalogue import TASK_BUCKETS_S, Series
from pinkslip.metrics.text import Texts
from pinkslip.model.words import Fault, Standing, Status, code_of

_WAITING = code_of(Status.WAITING)
_FIRED = code_of(Standing.FIRED)


def _one_line(values: Integers) -> Integers:
    """One value per agent as a row of one sample."""
    rows: Integers = values[:, np.newaxis]
    return rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One workspace's snapshot as a render looks at it."""

    snapshot: Snapshot
    rows: Integers
    """The snapshot's row of every place."""
    wall_offset_ms: int
    silenced: NDArray[np.bool_]
    """By place."""
    evidence: NDArray[np.float64]
    """By place."""

    def of(self, column: Integers | Codes) -> Integers:
        """A column by place, one line per agent."""
        return _one_line(column[self.rows].astype(np.int64, copy=False))

    def instants_of(self, column: Integers) -> Integers:
        """Journal times by the wall clock; 0 stays none."""
        times = self.of(column)
        return np.where(times > 0, times + self.wall_offset_ms, 0)


@dataclass(frozen=True, slots=True)
class Lines:
    """How one family's samples of one agent are read and written."""

    series: Series
    read: Callable[[Reading], Integers]
    """agents x samples. Floats travel as their bits, so that NaN equals itself."""
    write: tuple[Callable[[Integers], Texts], ...]
    """A spelling per sample, or one for all."""
    labels: tuple[tuple[str, str], ...] = (("", ""),)
    """(suffix of the sample's name, labels between agent and workspace) per sample."""
    absent: int | None = None
    """The value that stands for no sample."""


def _bits(values: NDArray[np.float64]) -> Integers:
    return np.ascontiguousarray(values).view(np.int64)


def _floats(bits: Integers) -> Texts:
    return text.floats(bits.view(np.float64))


_NAN = int(_bits(np.array([np.nan]))[0])


def _numbers(values: NDArray[np.float64]) -> Integers:
    """Floats as bits, every NaN the same one."""
    return _one_line(_bits(np.where(np.isnan(values), np.nan, values)))


def _statuses(reading: Reading) -> Integers:
    is_in: NDArray[np.bool_] = reading.of(reading.snapshot.status) == np.arange(len(Status))
    return is_in.astype(np.int64)


def _exempt(reading: Reading) -> Integers:
    snapshot = reading.snapshot
    at_rest = (
        (snapshot.status == _WAITING)
        | (snapshot.finished_at > 0)
        | (snapshot.standing == _FIRED)
    )
    return _one_line((at_rest[reading.rows] | reading.silenced).astype(np.int64))


def _interval(reading: Reading) -> Integers:
    declared = reading.of(reading.snapshot.interval_ms)
    return np.where(declared > 0, declared, reading.snapshot.assumed_interval_ms)


def _progress_at(reading: Reading) -> Integers:
    given = ~np.isnan(reading.snapshot.progress[reading.rows])
    return np.where(given[:, np.newaxis], reading.instants_of(reading.snapshot.progress_at), 0)


def _pair(reading: Reading, first: Integers, second: Integers) -> Integers:
    return np.hstack((reading.of(first), reading.of(second)))


def _distribution(reading: Reading) -> Integers:
    snapshot = reading.snapshot
    cumulative = np.cumsum(snapshot.duration_buckets[reading.rows], axis=1)
    return np.hstack((cumulative, cumulative[:, -1:], reading.of(snapshot.duration_ms_sum)))


def _each(name: str, values: Sequence[str]) -> tuple[tuple[str, str], ...]:
    return tuple(("", f',{name}="{value}"') for value in values)


_COUNT_AND_SUM = (("_count", ""), ("_sum", ""))
_BUCKETS = (
    *(("_bucket", f',le="{text.number(bound)}"') for bound in (*TASK_BUCKETS_S, float("inf"))),
    *_COUNT_AND_SUM,
)
_SPELLED_BUCKETS = (*((text.counts,) * (len(TASK_BUCKETS_S) + 2)), text.seconds)

CORE: tuple[Lines, ...] = (
    Lines(catalogue.AGENT_STATUS, _statuses, (text.counts,), _each("status", tuple(Status))),
    Lines(
        catalogue.AGENT_LAST_HEARTBEAT,
        lambda it: it.instants_of(it.snapshot.last_heartbeat),
        (text.instants,),
        absent=0,
    ),
    Lines(catalogue.AGENT_INTERVAL, _interval, (text.seconds,)),
    Lines(catalogue.AGENT_EXEMPT, _exempt, (text.counts,)),
    Lines(catalogue.AGENT_TASKS, lambda it: it.of(it.snapshot.tasks), (text.counts,)),
    Lines(
        catalogue.AGENT_TASKS_FAILED,
        lambda it: it.snapshot.failed[it.rows],
        (text.counts,),
        _each("fault", tuple(Fault)),
    ),
    Lines(catalogue.AGENT_EVIDENCE, lambda it: _numbers(it.evidence), (_floats,)),
    Lines(
        catalogue.AGENT_TASK_DURATION,
        lambda it: _pair(it, it.snapshot.duration_count, it.snapshot.duration_ms_sum),
        (text.counts, text.seconds),
        _COUNT_AND_SUM,
    ),
)
"""After `agent_info`, in the order of the page."""

FULL: tuple[Lines, ...] = (
    Lines(
        catalogue.AGENT_PROGRESS,
        lambda it: _numbers(it.snapshot.progress[it.rows]),
        (_floats,),
        absent=_NAN,
    ),
    Lines(catalogue.AGENT_PROGRESS_AT, _progress_at, (text.instants,), absent=0),
    Lines(
        catalogue.AGENT_CONTEXT,
        lambda it: _numbers(it.snapshot.context_used[it.rows]),
        (_floats,),
        absent=_NAN,
    ),
    Lines(
        catalogue.AGENT_TOKENS,
        lambda it: _pair(it, it.snapshot.tokens_in, it.snapshot.tokens_out),
        (text.counts,),
        _each("direction", catalogue.DIRECTIONS),
    ),
    Lines(catalogue.AGENT_COST, lambda it: it.of(it.snapshot.cost_micros), (text.millionths,)),
    Lines(catalogue.AGENT_ERRORS, lambda it: it.of(it.snapshot.error_count), (text.counts,)),
    Lines(
        catalogue.AGENT_SCORE,
        lambda it: _pair(it, it.snapshot.score_count, it.snapshot.score_e6_sum),
        (text.counts, text.millionths),
        _COUNT_AND_SUM,
    ),
    Lines(catalogue.AGENT_TASK_DISTRIBUTION, _distribution, _SPELLED_BUCKETS, _BUCKETS),
)
