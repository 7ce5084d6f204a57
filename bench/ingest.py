"""What taking events in costs, beside what bounds it: the bare database, and a bare HTTP handler.

    python -m bench.ingest [--part journal|http] [--database sqlite|postgresql] [--seconds S] [--url URL]

- `journal`: the journal alone, in this process, bodies decoded: single outcomes from many callers, and
  batches of 500 with time-ordered ids. Beside it the same rows put into the same tables by the bare driver,
  one transaction a batch.
- `http`: the service and a bare aiohttp handler that decodes the same bodies, each in a process of its own,
  under the same load from a third. `--url` measures a service that runs already, and nothing else.

PostgreSQL is started for the purpose, on loopback, with fsync on. One JSON line a measurement. On a machine
where other things run, read the shares, not the figures.
"""

import argparse
import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import msgspec
from tests.clocks import RealClock
from tests.postgres import DURABLE, free_port, postgres_server

from pinkslip.fleet.admission import Admission, Head, uuid7
from pinkslip.model.events import Outcome, Report
from pinkslip.model.words import Result
from pinkslip.store.engine import open_database
from pinkslip.store.journal import Journal
from pinkslip.store.maintenance import upgrade
from pinkslip.store.rows import write_outcomes
from pinkslip.store.transaction import Transaction
from pinkslip.web.payloads import OutcomeItem

AGENTS = 100
BATCH = 500
IN_FLIGHT = 8
CALLERS = 256
BUDGETS = {("sqlite", BATCH): 150_000, ("postgresql", BATCH): 60_000}
ROOT = Path(__file__).resolve().parents[1]

decode = msgspec.json.Decoder(list[OutcomeItem]).decode


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--part", choices=["journal", "http"])
    parser.add_argument("--database", choices=["sqlite", "postgresql"])
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--url", help="a running service; loads it and nothing else")
    options = parser.parse_args()
    if options.url:
        loaded_both_ways("running service", options.url, options.seconds)
        return
    for dialect in ("sqlite", "postgresql"):
        if options.database in (None, dialect):
            measure(dialect, options.part, options.seconds)


def measure(dialect: str, part: str | None, seconds: float) -> None:
    """All parts asked for, on one kind of database."""
    if part in (None, "journal"):
        for batch in (1, BATCH):
            with fresh_database(dialect) as url:
                ceiling = bare_database(url, batch, seconds)
            with fresh_database(dialect) as url:
                figure = journal_alone(url, batch, seconds)
            show("journal", dialect, batch, figure, "bare_database", ceiling)
    if part in (None, "http"):
        with bare_handler() as url:
            ceilings = loaded_both_ways("bare aiohttp", url, seconds)
        with fresh_database(dialect) as database, service(database) as url:
            figures = loaded_both_ways(f"pinkslip serve, {dialect}", url, seconds)
        for batch, figure in figures.items():
            show("http", dialect, batch, figure, "bare_handler", ceilings[batch])


class Figure(NamedTuple):
    """What was measured; the CPU is this process's own, which a busy machine does not change."""

    events_per_s: float
    cpu_us: float = 0.0


def show(
    part: str, dialect: str, batch: int, figure: Figure, beside: str, ceiling: Figure
) -> None:
    line: dict[str, object] = {
        "bench": "ingest",
        "part": part,
        "database": dialect,
        "batch": batch,
        "events_per_s": round(figure.events_per_s),
        f"{beside}_events_per_s": round(ceiling.events_per_s),
        "share": round(figure.events_per_s / max(ceiling.events_per_s, 1), 2),
    }
    if figure.cpu_us:
        line["cpu_us_per_event"] = round(figure.cpu_us, 1)
        line[f"{beside}_cpu_us_per_event"] = round(ceiling.cpu_us, 1)
    if (dialect, batch) in BUDGETS:
        line["budget_events_per_s"] = BUDGETS[dialect, batch]
    print(json.dumps(line), flush=True)


# the journal alone


def bodies(batch: int) -> Iterator[bytes]:
    """Batches as they come over the wire, without end, ids in order of time."""
    number = 0
    while True:
        now = time.time_ns() // 1_000_000
        ids = sorted(uuid7(now, os.urandom(10)) for _ in range(batch))
        yield msgspec.json.encode(
            [
                {
                    "type": "outcome",
                    "agentId": f"agent-{(number + place) % AGENTS}",
                    "eventId": event_id,
                    "result": "success",
                    "kind": "review",
                    "durationMs": 1000 + place,
                    "tokensIn": 100,
                    "tokensOut": 200,
                    "costUsd": 0.0015,
                    "score": 0.9,
                    "taskId": f"task-{place}",
                }
                for place, event_id in enumerate(ids)
            ]
        )
        number += batch


def journal_alone(url: str, batch: int, seconds: float) -> Figure:
    """Events a second, decoding included, everything answered after COMMIT."""
    database = open_database(url)
    journal = Journal(database, clock=RealClock(), holder="bench")
    journal.start()
    try:
        return _kept_busy(journal, batch, seconds)
    finally:
        journal.stop()
        database.close()


def _kept_busy(journal: Journal, batch: int, seconds: float) -> Figure:
    in_flight = threading.Semaphore(CALLERS if batch == 1 else IN_FLIGHT)
    answered = 0

    def resolve(pairs: list[tuple[Any, Any]]) -> None:
        nonlocal answered
        for _token, receipts in pairs:
            assert receipts[0].verdict == "accepted", receipts[0]
            answered += len(receipts)
        in_flight.release(len(pairs))

    def send(body: bytes) -> None:
        in_flight.acquire()
        items = decode(body)
        reports = [Report(1, item.agent_id, item) for item in items]
        journal.submit(reports, token=None, resolve=resolve)

    made = _made_ahead(batch, seconds)
    for body in made[: 2 * IN_FLIGHT]:
        send(body)
    before, began, cpu = answered, time.perf_counter(), time.process_time()
    for body in made[2 * IN_FLIGHT :]:
        if time.perf_counter() - began > seconds:
            break
        send(body)
    done = answered - before
    cpu_us = (time.process_time() - cpu) * 1e6 / done
    return Figure(done / (time.perf_counter() - began), cpu_us)


def _made_ahead(batch: int, seconds: float) -> list[bytes]:
    """More than will be used, so that making them is not what is measured."""
    events = int(min(seconds, 4.0) * 200_000) if batch > 1 else int(min(seconds, 4.0) * 60_000)
    source = bodies(batch)
    return [next(source) for _ in range(max(events // batch, 4 * IN_FLIGHT))]


def bare_database(url: str, batch: int, seconds: float) -> Figure:
    """The same rows by the same driver, one transaction a batch (256 rows where callers come singly)."""
    size = CALLERS if batch == 1 else batch
    database = open_database(url)
    source = bodies(size)
    spent = rows = cpu = 0.0
    with database.writer_engine.connect() as connection:
        seq = 0
        deadline = time.perf_counter() + seconds
        while time.perf_counter() < deadline:
            tx = _bare_transaction(connection, database.dialect, decode(next(source)), seq)
            seq += size
            began, cpu_began = time.perf_counter(), time.process_time()
            with connection.begin():
                write_outcomes(tx)
            spent += time.perf_counter() - began
            cpu += time.process_time() - cpu_began
            rows += size
    database.close()
    return Figure(rows / spent, cpu * 1e6 / rows)


def _bare_transaction(
    connection: Any, dialect: Any, items: list[OutcomeItem], seq: int
) -> Transaction:
    from pinkslip.fleet.admission import event_key  # noqa: PLC0415 - outside what is measured

    admission = Admission(pass_no=1, now=time.time_ns() // 1_000_000, seq=seq)
    for item in items:
        head = Head(1, int(item.agent_id[6:]), item.agent_id, "")
        outcome = Outcome(
            result=Result.SUCCESS,
            kind=item.kind,
            duration_ms=item.duration_ms,
            tokens_in=item.tokens_in,
            tokens_out=item.tokens_out,
            cost_usd=item.cost_usd,
            score=item.score,
            task_id=item.task_id,
        )
        admission.outcome(
            head, outcome, event_key(item.event_id or ""), "", Report(1, "", outcome).source
        )
    return Transaction(
        connection=connection,
        dialect=dialect,
        writer=1,
        epoch=1,
        roster=None,  # type: ignore[arg-type]  # writing outcomes asks for no agent
        admission=admission,
        ids=None,  # type: ignore[arg-type]  # nor for an id
    )


# over HTTP


def loaded_both_ways(name: str, url: str, seconds: float) -> dict[int, Figure]:
    """Events a second by batch size, from a load generator in a process of its own."""
    address = urlsplit(url)
    events: dict[int, Figure] = {}
    for connections, batch in ((64, 1), (256, 1), (8, BATCH)):
        command = [
            sys.executable,
            "-m",
            "bench._load",
            str(address.hostname),
            str(address.port),
        ]
        command += ["--connections", str(connections), "--batch", str(batch)]
        command += ["--seconds", str(seconds)]
        done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
        said = json.loads(done.stdout)
        print(
            json.dumps({"bench": "ingest", "part": "load", "server": name} | said), flush=True
        )
        events[batch] = max(events.get(batch, Figure(0.0)), Figure(said["events_per_s"]))
    return events


@contextmanager
def bare_handler() -> Iterator[str]:
    port = free_port()
    with _process([sys.executable, "-m", "bench._bare", str(port)], port):
        yield f"http://127.0.0.1:{port}"


@contextmanager
def service(database: str) -> Iterator[str]:
    """`pinkslip serve`, on a port of its own."""
    port = free_port()
    program = Path(sys.executable).with_name("pinkslip")
    command = [str(program), "serve", "--listen", f"127.0.0.1:{port}", "--database", database]
    with _process(command, port, ready="/-/ready"):
        yield f"http://127.0.0.1:{port}"


@contextmanager
def _process(command: list[str], port: int, ready: str = "/") -> Iterator[None]:
    with tempfile.TemporaryDirectory() as folder:
        process = subprocess.Popen(
            command,
            cwd=folder,
            stdout=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}"},
        )
        try:
            _until(lambda: _answers(port, ready), process)
            yield
        finally:
            process.terminate()
            process.wait(30)


def _until(holds: Callable[[], bool], process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + 60
    while not holds():
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"{process.args} does not serve")
        time.sleep(0.1)


def _answers(port: int, path: str) -> bool:
    from http.client import HTTPConnection  # noqa: PLC0415 - used here alone

    with contextlib.suppress(OSError):
        connection = HTTPConnection("127.0.0.1", port, timeout=5)
        connection.request("GET", path)
        status = connection.getresponse().status
        connection.close()
        return path == "/" or status == 200
    return False


@contextmanager
def fresh_database(dialect: str) -> Iterator[str]:
    """An empty, migrated database that flushes; gone afterwards."""
    if dialect == "sqlite":
        folder = Path(tempfile.mkdtemp(prefix="pinkslip-bench-"))
        try:
            url = f"sqlite:///{folder / 'pinkslip.db'}"
            upgrade(url)
            yield url
        finally:
            shutil.rmtree(folder)
        return
    with postgres_server(DURABLE) as server:
        url = server.create("bench")
        upgrade(url)
        yield url


if __name__ == "__main__":
    main()
