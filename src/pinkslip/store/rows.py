"""What an admission leaves behind, as rows: one statement a table, straight through the driver.

SQLite takes them by `executemany`; PostgreSQL as arrays, so that a batch costs one round trip a table.
Every row here is new (a duplicate is an error for the caller to resolve), except that a beat run is extended
in place and a fired agent's delivery hears of its reports.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from pinkslip.fleet.admission import Admission, FiredReport, Head
from pinkslip.model.facts import Done, Fact
from pinkslip.model.words import Fault, Result, Source, code_of
from pinkslip.store.beats import Run, Runs, add_beat
from pinkslip.store.changes import encode
from pinkslip.store.engine import Dialect
from pinkslip.store.transaction import Transaction

Row = tuple[Any, ...]

_RESULTS = {word: code_of(word) for word in Result}
_FAULTS = {word: code_of(word) for word in Fault}
_SOURCES = {word: code_of(word) for word in Source}


class _Insert:
    """One table's statement on each database."""

    def __init__(self, table: str, columns: dict[str, str], *, conflict: str = "") -> None:
        names = ", ".join(columns)
        marks = ", ".join("?" for _ in columns)
        arrays = ", ".join(f"%s::{kind}[]" for kind in columns.values())
        into = f"INSERT INTO {table} ({names})"
        self._sqlite = f"{into} VALUES ({marks}) {conflict}"
        self._postgresql = f"{into} SELECT * FROM unnest({arrays}) {conflict}"  # noqa: S608 - names are ours

    def write(self, driver: Any, dialect: Dialect, rows: Sequence[Row]) -> None:
        if not rows:
            return
        if dialect == "sqlite":
            driver.executemany(self._sqlite, rows)
        else:
            driver.execute(
                self._postgresql, [list(column) for column in zip(*rows, strict=True)]
            )


_AGENTS = _Insert(
    "agents",
    {
        "workspace_id": "bigint",
        "agent_no": "bigint",
        "id": "text",
        "agent_id": "text",
        "status": "text",
        "standing": "text",
        "incarnation_at": "bigint",
        "created_at": "bigint",
        "updated_at": "bigint",
        "status_since": "bigint",
        "folded_writer": "integer",
        "folded_seq": "bigint",
    },
)
_OUTCOMES = _Insert(
    "outcomes",
    {
        "workspace_id": "bigint",
        "writer": "integer",
        "seq": "bigint",
        "event_id": "bytea",
        "agent_no": "bigint",
        "at": "bigint",
        "result": "smallint",
        "fault": "smallint",
        "source": "smallint",
        "counted": "boolean",
        "kind": "text",
        "duration_ms": "bigint",
        "started_at": "bigint",
        "tokens_in": "bigint",
        "tokens_out": "bigint",
        "cost_micros": "bigint",
        "score_e6": "integer",
        "error": "text",
        "session_key": "text",
        "task_id": "text",
    },
)
_CHANGES = _Insert(
    "agent_changes",
    {
        "workspace_id": "bigint",
        "writer": "integer",
        "seq": "bigint",
        "agent_no": "bigint",
        "at": "bigint",
        "kind": "text",
        "changes": "text",
    },
)
_TRANSITIONS = _Insert(
    "transitions",
    {
        "workspace_id": "bigint",
        "writer": "integer",
        "seq": "bigint",
        "agent_no": "bigint",
        "at": "bigint",
        "subject": "text",
        "old": "text",
        "new": "text",
        "actor_kind": "text",
        "actor": "text",
        "why": "text",
    },
)
_RUN_COLUMNS = {
    "workspace_id": "bigint",
    "agent_no": "bigint",
    "started_at": "bigint",
    "last_at": "bigint",
    "beats": "integer",
    "gaps": "bytea",
    "sealed": "boolean",
    "writer": "integer",
    "seq": "bigint",
}
_EXTEND = (
    "ON CONFLICT (workspace_id, agent_no, started_at) DO UPDATE SET last_at = excluded.last_at,"
    " beats = excluded.beats, gaps = {gaps}, sealed = excluded.sealed,"
    " writer = excluded.writer, seq = excluded.seq"
)
_RUNS: dict[Dialect, _Insert] = {
    # in SQLite `||` makes text of two blobs, byte for byte; the cast makes it a blob again
    "sqlite": _Insert(
        "beat_runs",
        _RUN_COLUMNS,
        conflict=_EXTEND.format(gaps="CAST(beat_runs.gaps || excluded.gaps AS BLOB)"),
    ),
    "postgresql": _Insert(
        "beat_runs",
        _RUN_COLUMNS,
        conflict=_EXTEND.format(gaps="beat_runs.gaps || excluded.gaps"),
    ),
}
# whatever was concluded from silence, the agent is there: it has read its order now
_HEARD = (
    "UPDATE deliveries SET delivered_at = coalesce(delivered_at, {0}), last_report_at = {0},"
    " last_word = last_word OR {0}, settled_at = CASE WHEN state IN"
    " ('pending', 'unverified', 'confirmed') THEN NULL ELSE settled_at END,"
    " state = CASE WHEN state IN ('pending', 'unverified', 'confirmed') THEN 'delivered' ELSE state END"
    " WHERE workspace_id = {0} AND fire_id = {0} AND state <> 'cancelled' AND generation ="
    " (SELECT max(newest.generation) FROM deliveries newest WHERE"
    " newest.workspace_id = deliveries.workspace_id AND newest.fire_id = deliveries.fire_id)"
)
_HEARD_SQL: dict[Dialect, str] = {
    "sqlite": _HEARD.format("?"),
    "postgresql": _HEARD.format("%s"),
}


def write_outcomes(tx: Transaction) -> None:
    """First of all, since this is what may fail for good reason: an event id that is taken."""
    writer = tx.writer
    rows = [
        _outcome_row(workspace_id, writer, done) for workspace_id, done in tx.admission.outcomes
    ]
    _OUTCOMES.write(tx.driver, tx.dialect, rows)


def write_rest(tx: Transaction, *, grace_ms: Callable[[Head], float]) -> None:
    """Everything else the admission holds."""
    admission, writer, driver, dialect = tx.admission, tx.writer, tx.driver, tx.dialect
    if admission.registered:
        _AGENTS.write(
            driver,
            dialect,
            [
                _agent_row(head, admission.now, writer, seq)
                for head, seq in admission.registered
            ],
        )
        for workspace_id in {head.workspace_id for head, _seq in admission.registered}:
            tx.roster.write_next_agent_no(tx.connection, workspace_id)
    if admission.beats:
        _RUNS[dialect].write(driver, dialect, _run_rows(admission, writer, grace_ms))
    if admission.changes:
        _CHANGES.write(
            driver,
            dialect,
            [
                _change_row(workspace_id, writer, fact)
                for workspace_id, fact in admission.changes
            ],
        )
    if admission.transitions:
        _TRANSITIONS.write(
            driver, dialect, [_transition_row(row, writer) for row in admission.transitions]
        )
    if admission.fired_reports:
        cursor = driver.cursor()
        cursor.executemany(_HEARD_SQL[dialect], _heard_rows(admission.fired_reports))
        cursor.close()


def _outcome_row(workspace_id: int, writer: int, done: Done) -> Row:
    return (
        workspace_id,
        writer,
        done.seq,
        done.event_id,
        done.agent_no,
        done.at,
        _RESULTS[done.result],
        _FAULTS[done.fault],
        _SOURCES[done.source],
        done.counted,
        done.kind,
        done.duration_ms,
        done.started_at,
        done.tokens_in,
        done.tokens_out,
        done.cost_micros,
        done.score_e6,
        done.error,
        done.session_key,
        done.task_id,
    )


def _agent_row(head: Head, now: int, writer: int, seq: int) -> Row:
    """As it stood when it was registered; what it said of itself is in `agent_changes`."""
    return (
        head.workspace_id,
        head.agent_no,
        head.uuid,
        head.agent_id,
        "IDLE",
        "active",
        now,
        now,
        now,
        now,
        writer,
        seq,
    )


def _run_rows(
    admission: Admission, writer: int, grace_ms: Callable[[Head], float]
) -> list[Row]:
    runs: Runs = {}
    for head, seq in admission.beats:
        add_beat(runs, head, at=admission.now, seq=seq, grace_ms=grace_ms(head))
    ordered: list[Run] = list(runs.values())
    return [run.row(writer) for run in ordered]


def _change_row(workspace_id: int, writer: int, fact: Fact) -> Row:
    kind, changes = encode(fact)
    return (workspace_id, writer, fact.seq, fact.agent_no, fact.at, kind, changes)  # type: ignore[union-attr]  # every change has an agent


def _transition_row(row: Any, writer: int) -> Row:
    return (
        row.workspace_id,
        writer,
        row.seq,
        row.agent_no,
        row.at,
        row.subject,
        row.old,
        row.new,
        str(row.actor_kind),
        row.actor,
        row.why,
    )


def _heard_rows(reports: Iterable[FiredReport]) -> list[Row]:
    last_words: dict[tuple[int, str, int], bool] = {}
    for report in reports:
        key = (report.workspace_id, report.fire_id, report.at)
        last_words[key] = last_words.get(key, False) or report.last_word
    return [
        (at, at, last_word, workspace_id, fire_id)
        for (workspace_id, fire_id, at), last_word in last_words.items()
    ]
