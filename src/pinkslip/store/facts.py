"""Journal rows read back as facts: `agent_changes`, `outcomes`, `reviews`, `beat_runs`, `acts` and `blind`.

A beat run keeps the gaps between its beats as LEB128 varints of milliseconds; of their numbers, only the
newest beat's is known.
"""

from typing import Any

from pinkslip.model.facts import AboutNobody, Beat, Blinded, Done, Reviewed
from pinkslip.model.words import BlindCause, Fault, Result, Source
from pinkslip.store.changes import Change, act_of, decode
from pinkslip.store.tables import acts, agent_changes, blind, outcomes, reviews

_RESULTS, _FAULTS, _SOURCES = tuple(Result), tuple(Fault), tuple(Source)

CHANGE_COLUMNS = [
    agent_changes.c[name] for name in ("writer", "seq", "agent_no", "at", "kind", "changes")
]
DONE_COLUMNS = [
    outcomes.c[name]
    for name in (
        "writer",
        "agent_no",
        "at",
        "seq",
        "event_id",
        "result",
        "fault",
        "source",
        "counted",
        "kind",
        "duration_ms",
        "started_at",
        "tokens_in",
        "tokens_out",
        "cost_micros",
        "score_e6",
        "error",
        "session_key",
        "task_id",
    )
]
REVIEW_COLUMNS = [
    reviews.c[name]
    for name in (
        "writer",
        "agent_no",
        "at",
        "seq",
        "event_id",
        "outcome_writer",
        "outcome_seq",
        "outcome_at",
        "score_e6",
        "before_e6",
    )
]
ACT_COLUMNS = [acts.c[name] for name in ("writer", "at", "seq", "kind", "body")]
BLIND_COLUMNS = [
    blind.c[name] for name in ("writer", "at", "seq", "started_at", "ended_at", "cause")
]


def change_of(row: Any) -> Change:
    """The fact behind a row of `CHANGE_COLUMNS`."""
    _writer, seq, agent_no, at, kind, changes = row
    return decode(kind, changes, agent_no=agent_no, at=at, seq=seq)


def done_of(row: Any) -> Done:
    """The fact behind a row of `DONE_COLUMNS`."""
    _writer, agent_no, at, seq, event_id, result, fault, source, counted, *rest = row
    return Done(
        agent_no,
        at,
        seq,
        bytes(event_id),
        _RESULTS[result],
        _FAULTS[fault],
        _SOURCES[source],
        bool(counted),
        *rest,
    )


def reviewed_of(row: Any) -> Reviewed:
    """The fact behind a row of `REVIEW_COLUMNS`."""
    _writer, agent_no, at, seq, event_id, *rest = row
    return Reviewed(agent_no, at, seq, bytes(event_id), *rest)


def about_of(row: Any) -> AboutNobody:
    """The fact behind a row of `ACT_COLUMNS`."""
    _writer, at, seq, kind, body = row
    return act_of(kind, body, at=at, seq=seq)


def blinded_of(row: Any) -> Blinded:
    """The fact behind a row of `BLIND_COLUMNS`."""
    _writer, at, seq, started_at, ended_at, cause = row
    return Blinded(at=at, seq=seq, start=started_at, end=ended_at, cause=BlindCause(cause))


def beats_of(agent_no: int, last_at: int, gaps: bytes, seq: int, *, after: int) -> list[Beat]:
    """A run's beats later than `after`, oldest first. The newest has the run's number; the others' are lost: 0.

    Read from the end, since a start wants the newest few of long runs.
    """
    if last_at <= after:
        return []
    beats, at, place = [Beat(agent_no, last_at, seq)], last_at, len(gaps)
    while place:
        place -= 1
        gap = gaps[place]  # a number's last byte, the highest seven bits, has no mark
        while place and gaps[place - 1] & 0x80:
            place -= 1
            gap = gap << 7 | gaps[place] & 0x7F
        at -= gap
        if at <= after:
            break
        beats.append(Beat(agent_no, at, 0))
    beats.reverse()
    return beats
