"""How long a start takes: read what the database holds, fold it, and be ready to answer and to judge.

    python -m bench.start [--small] [DATABASE_URL]

Two databases are built and thrown away: 100,000 agents with 1,000,000 outcomes in the windows, and 50,000
agents at work beside 2,000,000 that finished long ago. Without a URL they are SQLite files in the temporary
directory; a PostgreSQL URL names an empty database. One JSON line per measurement; beside ours stands a bare
SELECT of the same rows through the driver, which is as fast as Python can be handed them.
"""

import ctypes
import gc
import json
import multiprocessing
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from time import perf_counter
from typing import Any

from bench.fleet import needs

from pinkslip.fleet.fleet import Fleet, FleetSettings
from pinkslip.store.engine import Database, open_database
from pinkslip.store.maintenance import upgrade
from pinkslip.store.rebuild import rebuild
from pinkslip.store.tables import metadata

NOW = 1_800_000_000_000
HOUR_MS = 3_600_000
SINCE_CHECKPOINT_MS = 30_000
"""The journal goes on for as long after the last checkpoint."""
BUDGET_S = 5.0
BUDGET_AGENT_BYTES = 2_048
BUDGET_OUTCOME_BYTES = 64
CHUNK = 10_000
OUTCOME_COLUMNS = (
    "agent_no, at, seq, event_id, result, fault, source, duration_ms, tokens_in, tokens_out,"
    " cost_micros, score_e6, error"
)


@dataclass(frozen=True, slots=True)
class Case:
    """What the database holds."""

    name: str
    alive: int
    finished: int
    outcomes: int


CASES = (
    Case("100k agents, 1M outcomes", 100_000, 0, 1_000_000),
    Case("50k live, 2M finished", 50_000, 2_000_000, 500_000),
)
SMALL = (Case("1k agents, 10k outcomes", 1_000, 2_000, 10_000),)


def tell(
    case: Case, database: Database, name: str, value: float, unit: str, **more: object
) -> None:
    """One line."""
    line = {
        "bench": "start",
        "case": case.name,
        "database": database.dialect,
        "name": name,
        "value": round(value, 3),
        "unit": unit,
        **more,
    }
    print(json.dumps(line), flush=True)


# building


def build(database: Database, case: Case) -> None:
    """Rows as a service leaves them: checkpointed agents, outcomes of the last hour, a tick."""
    random = Random(1)
    place = case.outcomes  # numbers 1..outcomes of writer 1, then a change and a beat for some
    with database.writer_engine.begin() as connection:
        load = _loader(connection, database.dialect)
        load("writers", ("id", "started_at", "holder", "version"), [(1, 1, "bench", "0")])
        load("agents", *_agents(case, place))
        load("outcomes", *_outcomes(case, random))
        load("beat_runs", *_runs(case, place))
        load("ticks", *_tick(place))
        connection.exec_driver_sql(
            f"UPDATE workspaces SET folded_writer = 1, folded_seq = {_checkpointed(case)},"
            f" lineages_writer = 1, lineages_seq = {_checkpointed(case)},"
            f" next_agent_no = {case.alive + case.finished + 1}"
        )
    if database.dialect == "postgresql":
        with database.writer_engine.connect() as connection:
            connection.execution_options(isolation_level="AUTOCOMMIT").exec_driver_sql(
                "ANALYZE"
            )


def _checkpointed(case: Case) -> int:
    return int(case.outcomes * (1 - SINCE_CHECKPOINT_MS / HOUR_MS))


def _agents(case: Case, place: int) -> tuple[Sequence[str], Iterator[tuple[Any, ...]]]:
    names = [
        "workspace_id",
        "agent_no",
        "id",
        "agent_id",
        "name",
        "model",
        "role",
        "host",
        "status",
        "standing",
        "incarnation",
        "incarnation_at",
        "created_at",
        "updated_at",
        "last_heartbeat",
        "interval_ms",
        "status_since",
        "current_task",
        "task_since",
        "finished_at",
        "left_at",
        "tasks",
        "successes",
        "duration_buckets",
        "folded_writer",
        "folded_seq",
    ]
    born = NOW - 24 * HOUR_MS

    def rows() -> Iterator[tuple[Any, ...]]:
        for number in range(1, case.alive + case.finished + 1):
            left = None if number > case.finished else born
            yield (
                1,
                number,
                f"00000000-0000-4000-8000-{number:012}",
                f"agent-{number:07}",
                f"Agent {number}",
                f"model-{number % 5}",
                f"role-{number % 10}",
                f"host-{number % 100}",
                "IDLE" if left else "WORKING",
                "active",
                1,
                born,
                born,
                born if left else NOW - SINCE_CHECKPOINT_MS,
                born if left else NOW - SINCE_CHECKPOINT_MS - number % 30_000,
                30_000,
                born,
                None if left else f"task {number % 1000}",
                None if left else born,
                left,
                left,
                20,
                16,
                "[0,0,0,0,0,20,0,0,0,0,0,0,0]",
                1,
                0 if left else _checkpointed(case),
            )

    return names, rows()


def _outcomes(case: Case, random: Random) -> tuple[Sequence[str], Iterator[tuple[Any, ...]]]:
    names = [
        "workspace_id",
        "writer",
        "seq",
        "event_id",
        "agent_no",
        "at",
        "result",
        "fault",
        "source",
        "counted",
        "kind",
        "duration_ms",
        "tokens_in",
        "tokens_out",
        "cost_micros",
        "score_e6",
        "error",
    ]

    def rows() -> Iterator[tuple[Any, ...]]:
        for seq in range(1, case.outcomes + 1):
            failed = random.random() < 0.1
            yield (
                1,
                1,
                seq,
                seq.to_bytes(16, "big"),
                case.finished + 1 + random.randrange(case.alive),
                NOW - HOUR_MS + seq * HOUR_MS // (case.outcomes + 1),
                1 if failed else 0,
                0,
                0,
                True,
                "build",
                random.randrange(60_000),
                1_000,
                200,
                1_500,
                900_000 if seq % 10 == 0 else None,
                "it did not work" if failed else None,
            )

    return names, rows()


def _runs(case: Case, place: int) -> tuple[Sequence[str], Iterator[tuple[Any, ...]]]:
    """One run for each living agent: an hour of beats every 30 s, extended since the checkpoint."""
    names = [
        "workspace_id",
        "agent_no",
        "started_at",
        "last_at",
        "beats",
        "gaps",
        "sealed",
        "writer",
        "seq",
    ]
    gap = bytes([0x80 | (30_000 & 0x7F), 0x80 | (30_000 >> 7 & 0x7F), 30_000 >> 14])

    def rows() -> Iterator[tuple[Any, ...]]:
        for index in range(case.alive):
            last = NOW - index % 30_000
            number = case.finished + 1 + index
            yield (
                1,
                number,
                last - 119 * 30_000,
                last,
                120,
                gap * 119,
                False,
                1,
                place + index + 1,
            )

    return names, rows()


def _tick(place: int) -> tuple[Sequence[str], list[tuple[Any, ...]]]:
    names = [
        "workspace_id",
        "writer",
        "seq",
        "now",
        "epoch",
        "policy_set_hash",
        "folded",
        "digest",
        "wall_offset_ms",
    ]
    return names, [(1, 1, place, NOW - 5_000, 1, "x", 0, bytes(16), 0)]


def _loader(connection: Any, dialect: str) -> Callable[..., None]:
    driver = connection.connection.driver_connection

    def sqlite(table: str, names: Sequence[str], rows: Any) -> None:
        marks = ", ".join("?" for _ in names)
        driver.executemany(f"INSERT INTO {table} ({', '.join(names)}) VALUES ({marks})", rows)

    def postgresql(table: str, names: Sequence[str], rows: Any) -> None:
        with (
            driver.cursor() as cursor,
            cursor.copy(f"COPY {table} ({', '.join(names)}) FROM STDIN") as copying,
        ):
            for row in rows:
                copying.write_row(row)

    return sqlite if dialect == "sqlite" else postgresql


# measuring


@contextmanager
def timed(times: dict[str, float], name: str) -> Iterator[None]:
    """Seconds by the clock on the wall: waiting for the database is part of a start."""
    begun = perf_counter()
    yield
    times[name] = perf_counter() - begun


def resident() -> int:
    """Bytes of memory this process holds."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096


def start(database: Database) -> tuple[Fleet, dict[str, float]]:
    """What `app` does between the lease and the first answer, step by step."""
    times: dict[str, float] = {}
    fleet = Fleet(1, FleetSettings())
    fleet.declare(needs())
    with rebuild(
        database, 1, now=NOW, horizon=fleet.horizon(), keep_after=NOW - HOUR_MS
    ) as past:
        with timed(times, "agents"):
            fleet.fold(past.restored)
            totals = past.totals
            fleet.restore_totals(totals.rows, writer=totals.place.writer, seq=totals.place.seq)
            fleet.restore_lineages(
                past.lineages.books,
                writer=past.lineages.place.writer,
                seq=past.lineages.place.seq,
            )
            fleet.fold(past.acts)
            fleet.fold(past.blinds)
        with timed(times, "history"):
            fleet.fold_arrivals(past.history)
        with timed(times, "facts"):
            for writer, batch in past.batches():
                fleet.fold(batch, writer=writer)
            fleet.fold_presence(past.moves)
    with timed(times, "first look"):
        fleet.at(NOW)
        fleet.snapshot(seq=1, now=NOW)
    return fleet, times


def bare(database: Database, case: Case) -> float:
    """Seconds to be handed the same rows by the driver, and to drop them."""
    agents = ", ".join(column.name for column in metadata.tables["agents"].c)
    statements = (
        f"SELECT {agents} FROM agents WHERE workspace_id = 1 AND left_at IS NULL",
        f"SELECT {OUTCOME_COLUMNS} FROM outcomes WHERE workspace_id = 1 ORDER BY writer, seq",
        "SELECT agent_no, last_at, gaps, seq FROM beat_runs WHERE workspace_id = 1",
    )
    begun = perf_counter()
    with database.reader_engine.connect() as connection:
        driver = connection.connection.driver_connection
        assert driver is not None
        for number, statement in enumerate(statements):
            cursor = (
                driver.cursor() if database.dialect == "sqlite" else driver.cursor(f"c{number}")
            )
            cursor.execute(statement)
            while cursor.fetchmany(CHUNK):
                pass
            cursor.close()
    return perf_counter() - begun


def measure(database: Database, case: Case) -> None:
    """Twice: the first start warms the file cache, the second is told."""
    start(database)
    fleet, times = start(database)
    agents = len(fleet.snapshot(seq=1, now=NOW))
    assert agents == case.alive, agents
    total, select = sum(times.values()), bare(database, case)
    for name, seconds in times.items():
        tell(case, database, name, seconds, "s")
    tell(case, database, "bare SELECT of the same rows", select, "s")
    tell(
        case,
        database,
        "start",
        total,
        "s",
        budget=BUDGET_S,
        over_select=round(total / select, 2),
    )


def measure_memory(url: str, case: Case) -> None:
    """In a process of its own, whose memory nothing else has used before."""
    spawn = multiprocessing.get_context("spawn")
    child = spawn.Process(target=_memory, args=(url, case))
    child.start()
    child.join()


def _memory(url: str, case: Case) -> None:
    database = open_database(url)
    gc.collect()
    before = resident()
    fleet, _ = start(database)
    gc.collect()
    held = resident() - before
    ctypes.CDLL(None).malloc_trim(0)
    trimmed = resident() - before
    agents = len(fleet.snapshot(seq=1, now=NOW))
    outcomes = round(case.outcomes / case.alive * BUDGET_OUTCOME_BYTES)
    tell(
        case,
        database,
        "resident memory of the fleet",
        trimmed / agents,
        "bytes per agent",
        before_malloc_trim=round(held / agents),
        of_which_outcomes=outcomes,
        budget=BUDGET_AGENT_BYTES + outcomes,
    )


def run(url: str, case: Case) -> None:
    """Build and measure one case."""
    upgrade(url)
    database = open_database(url)
    try:
        begun = perf_counter()
        build(database, case)
        tell(case, database, "building the database", perf_counter() - begun, "s")
        database.close()
        measure_memory(url, case)
        measure(database, case)
        if database.dialect == "postgresql":
            with database.writer_engine.begin() as connection:
                connection.exec_driver_sql(
                    "TRUNCATE writers, agents, outcomes, beat_runs, ticks"
                )
    finally:
        database.close()


def main(arguments: Sequence[str]) -> None:
    """See the module's docstring."""
    cases = SMALL if "--small" in arguments else CASES
    urls = [argument for argument in arguments if not argument.startswith("--")]
    for case in cases:
        if urls:
            run(urls[0], case)
            continue
        with tempfile.TemporaryDirectory(prefix="pinkslip-bench-") as directory:
            run(f"sqlite:///{directory}/start.db", case)


if __name__ == "__main__":
    main(sys.argv[1:])
