"""What an admission leaves behind, as rows: one statement a table, straight through the driver.

SQLite takes them by `executemany`; PostgreSQL by COPY, or as arrays where rows may be there already: text
arrays would cost the client six times as much. Columns that hold nothing are left out: to bind a None costs
Python's sqlite3 more than any number.
Every row here is new (a duplicate is an error for the caller to resolve), except that a beat run is extended
in place and a fired agent's delivery hears of its reports.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from pinkslip.fleet.admission import Admission, Change, FiredReport, Head, Refusal, Transition
from pinkslip.model.words import Fault, Result, Source, Standing, Status, code_of
from pinkslip.store.beats import SEALED_AT, Runs, add_beat
from pinkslip.store.changes import encode
from pinkslip.store.engine import Dialect
from pinkslip.store.transaction import Transaction

Column = list[Any]

_RESULTS = {word: code_of(word) for word in Result}
_FAULTS = {word: code_of(word) for word in Fault}
_SOURCES = {word: code_of(word) for word in Source}


class _Insert:
    """One table's statement on each database, for the columns that hold something."""

    def __init__(self, table: str, columns: dict[str, str], *, conflict: str = "") -> None:
        self._table = table
        self._kinds = columns
        self._conflict = conflict
        self._statements: dict[tuple[str, ...], tuple[str, str]] = {}

    def write(self, driver: Any, dialect: Dialect, columns: Sequence[Column]) -> None:
        """`columns` in the order of the table's."""
        size = len(columns[0])
        if not size:
            return
        held = {
            name: column
            for name, column in zip(self._kinds, columns, strict=True)
            if column.count(None) < size
        }
        names = tuple(held)
        statements = self._statements.get(names)
        if statements is None:
            statements = self._statements[names] = self._spelled(names)
        on_sqlite, on_postgresql = statements
        if dialect == "sqlite":
            driver.executemany(on_sqlite, zip(*held.values(), strict=True))
        elif self._conflict:
            driver.execute(on_postgresql, list(held.values()))
        else:
            with driver.cursor() as cursor, cursor.copy(on_postgresql) as copy:
                copy.set_types([self._kinds[name] for name in names])
                for row in zip(*held.values(), strict=True):
                    copy.write_row(row)

    def _spelled(self, names: tuple[str, ...]) -> tuple[str, str]:
        table = f"{self._table} ({', '.join(names)})"
        marks = ", ".join("?" for _ in names)
        on_sqlite = f"INSERT INTO {table} VALUES ({marks}) {self._conflict}"  # noqa: S608 - names are ours
        if not self._conflict:
            return on_sqlite, f"COPY {table} FROM STDIN (FORMAT binary)"
        arrays = ", ".join(f"%b::{self._kinds[name]}[]" for name in names)
        merge = f"INSERT INTO {table} SELECT * FROM unnest({arrays}) {self._conflict}"  # noqa: S608 - names are ours
        return on_sqlite, merge


_AGENTS = _Insert(
    "agents",
    {
        "workspace_id": "int8",
        "agent_no": "int8",
        "id": "text",
        "agent_id": "text",
        "status": "text",
        "standing": "text",
        "incarnation_at": "int8",
        "created_at": "int8",
        "updated_at": "int8",
        "status_since": "int8",
        "folded_writer": "int4",
        "folded_seq": "int8",
    },
)
_OUTCOMES = _Insert(
    "outcomes",
    {
        "workspace_id": "int8",
        "writer": "int4",
        "seq": "int8",
        "event_id": "bytea",
        "agent_no": "int8",
        "at": "int8",
        "result": "int2",
        "fault": "int2",
        "source": "int2",
        "counted": "bool",
        "kind": "text",
        "duration_ms": "int8",
        "started_at": "int8",
        "tokens_in": "int8",
        "tokens_out": "int8",
        "cost_micros": "int8",
        "score_e6": "int4",
        "error": "text",
        "session_key": "text",
        "task_id": "text",
    },
)
_CHANGES = _Insert(
    "agent_changes",
    {
        "workspace_id": "int8",
        "writer": "int4",
        "seq": "int8",
        "agent_no": "int8",
        "at": "int8",
        "kind": "text",
        "changes": "text",
    },
)
_TRANSITIONS = _Insert(
    "transitions",
    {
        "workspace_id": "int8",
        "writer": "int4",
        "seq": "int8",
        "agent_no": "int8",
        "at": "int8",
        "subject": "text",
        "old": "text",
        "new": "text",
        "actor_kind": "text",
        "actor": "text",
        "why": "text",
    },
)
_RUN_COLUMNS = {
    "workspace_id": "int8",
    "agent_no": "int8",
    "started_at": "int8",
    "last_at": "int8",
    "beats": "int4",
    "gaps": "bytea",
    "sealed": "bool",
    "writer": "int4",
    "seq": "int8",
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
# whatever was concluded from silence or a last word, the agent is there: it has read its order now, and a word
# after the last one shows that it was not the last
_HEARD = (
    "UPDATE deliveries SET delivered_at = coalesce(delivered_at, {0}), last_report_at = {0},"
    " last_word = {0}, settled_at = CASE WHEN state IN"
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
_REFUSED = (
    "INSERT INTO refusals (workspace_id, lineage, agent_id, first_at, last_at, reports)"
    " VALUES ({0}, {0}, {0}, {0}, {0}, {0}) ON CONFLICT (workspace_id, lineage, agent_id)"
    " DO UPDATE SET last_at = excluded.last_at, reports = refusals.reports + excluded.reports"
)
_REFUSED_SQL: dict[Dialect, str] = {
    "sqlite": _REFUSED.format("?"),
    "postgresql": _REFUSED.format("%s"),
}


def write_outcomes(tx: Transaction) -> None:
    """First of all, since this is what may fail for good reason: an event id that is taken."""
    dones = [done for _workspace_id, done in tx.admission.outcomes]
    columns: list[Column] = [
        [workspace_id for workspace_id, _done in tx.admission.outcomes],
        [tx.writer] * len(dones),
        [done.seq for done in dones],
        [bytearray(done.event_id) for done in dones],  # which sqlite3 binds faster than bytes
        [done.agent_no for done in dones],
        [done.at for done in dones],
        [_RESULTS[done.result] for done in dones],
        [_FAULTS[done.fault] for done in dones],
        [_SOURCES[done.source] for done in dones],
        [done.counted for done in dones],
        [done.kind for done in dones],
        [done.duration_ms for done in dones],
        [done.started_at for done in dones],
        [done.tokens_in for done in dones],
        [done.tokens_out for done in dones],
        [done.cost_micros for done in dones],
        [done.score_e6 for done in dones],
        [done.error for done in dones],
        [done.session_key for done in dones],
        [done.task_id for done in dones],
    ]
    if tx.dialect == "sqlite":
        columns[9] = [int(done.counted) for done in dones]
    _OUTCOMES.write(tx.driver, tx.dialect, columns)


def write_rest(tx: Transaction, *, grace_ms: Callable[[Head], float]) -> None:
    """Everything else the admission holds."""
    admission, driver, dialect = tx.admission, tx.driver, tx.dialect
    if admission.registered:
        _AGENTS.write(driver, dialect, _agent_columns(admission, tx.writer))
        for workspace_id in {head.workspace_id for head, _seq in admission.registered}:
            tx.roster.write_next_agent_no(tx.connection, workspace_id)
    if admission.beats:
        _RUNS[dialect].write(driver, dialect, _run_columns(admission, tx.writer, grace_ms))
    if admission.changes:
        _CHANGES.write(driver, dialect, _change_columns(admission.changes, tx.writer))
    if admission.transitions:
        columns = _transition_columns(admission.transitions, tx.writer)
        _TRANSITIONS.write(driver, dialect, columns)
    if admission.refusals:
        _write_refusals(driver, dialect, admission.refusals)
    if admission.fired_reports:
        cursor = driver.cursor()
        cursor.executemany(_HEARD_SQL[dialect], _heard_rows(admission.fired_reports))
        cursor.close()


def _write_refusals(driver: Any, dialect: Dialect, refusals: Iterable[Refusal]) -> None:
    """Counted by who was turned away: a loop that tries for ever is one row."""
    counts: dict[tuple[int, str, str, int, int], int] = {}
    for one in refusals:
        key = (one.workspace_id, one.lineage, one.agent_id, one.at, one.at)
        counts[key] = counts.get(key, 0) + 1
    cursor = driver.cursor()
    cursor.executemany(_REFUSED_SQL[dialect], [(*key, count) for key, count in counts.items()])
    cursor.close()


def _agent_columns(admission: Admission, writer: int) -> list[Column]:
    """As they stood when they were registered; what they said of themselves is in `agent_changes`."""
    heads = [head for head, _seq in admission.registered]
    size = len(heads)
    return [
        [head.workspace_id for head in heads],
        [head.agent_no for head in heads],
        [head.uuid for head in heads],
        [head.agent_id for head in heads],
        [str(Status.IDLE)] * size,
        [str(Standing.ACTIVE)] * size,
        *([admission.now] * size for _ in range(4)),
        [writer] * size,
        [seq for _head, seq in admission.registered],
    ]


def _run_columns(
    admission: Admission, writer: int, grace_ms: Callable[[Head], float]
) -> list[Column]:
    by_key: Runs = {}
    for head, seq in admission.beats:
        add_beat(by_key, head, at=admission.now, seq=seq, grace_ms=grace_ms(head))
    runs = list(by_key.values())
    return [
        [run.workspace_id for run in runs],
        [run.agent_no for run in runs],
        [run.started_at for run in runs],
        [run.last_at for run in runs],
        [run.beats for run in runs],
        [run.gaps for run in runs],
        [run.beats >= SEALED_AT for run in runs],
        [writer] * len(runs),
        [run.seq for run in runs],
    ]


def _change_columns(changes: Sequence[tuple[int, Change]], writer: int) -> list[Column]:
    texts = [encode(fact) for _workspace_id, fact in changes]
    return [
        [workspace_id for workspace_id, _fact in changes],
        [writer] * len(changes),
        [fact.seq for _workspace_id, fact in changes],
        [fact.agent_no for _workspace_id, fact in changes],
        [fact.at for _workspace_id, fact in changes],
        [kind for kind, _text in texts],
        [text for _kind, text in texts],
    ]


def _transition_columns(rows: Sequence[Transition], writer: int) -> list[Column]:
    return [
        [row.workspace_id for row in rows],
        [writer] * len(rows),
        [row.seq for row in rows],
        [row.agent_no for row in rows],
        [row.at for row in rows],
        [row.subject for row in rows],
        [row.old for row in rows],
        [row.new for row in rows],
        [str(row.actor_kind) for row in rows],
        [row.actor for row in rows],
        [row.why for row in rows],
    ]


def _heard_rows(reports: Iterable[FiredReport]) -> list[tuple[Any, ...]]:
    last_words: dict[tuple[int, str, int], bool] = {}
    for report in reports:
        key = (report.workspace_id, report.fire_id, report.at)
        last_words[key] = last_words.get(key, False) or report.last_word
    return [
        (at, at, last_word, workspace_id, fire_id)
        for (workspace_id, fire_id, at), last_word in last_words.items()
    ]
