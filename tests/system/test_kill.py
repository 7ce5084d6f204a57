"""kill -9 under load: no answered event is lost, none counts twice; a control that answers early loses some.

`PINKSLIP_TEST_KILLS` sets how often each database's child is killed: 5 by default, 25 in `make prove`.
"""

import itertools
import os
import re
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import select
from tests.databases import TEMPLATE
from tests.postgres import PostgresServer
from tests.system.children import JournalChild

from pinkslip.fleet.admission import event_key
from pinkslip.store import tables
from pinkslip.store.engine import open_database

KILLS = int(os.environ.get("PINKSLIP_TEST_KILLS", "5"))
CLIENTS = 32
BATCH = 3
ANSWERS_BEFORE_KILL = 150


@pytest.fixture(params=["sqlite", "postgresql"])
def durable_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """A database that flushes: killing a process is no excuse for it."""
    if request.param == "sqlite":
        yield request.getfixturevalue("sqlite_url")
        return
    server: PostgresServer = request.getfixturevalue("durable_postgres")
    name = f"kill_{request.node.originalname}"[:60]
    yield server.create(name, template=TEMPLATE)
    server.drop(name)


class Load:
    """Clients that report new outcomes, each twice, as fast as they are answered."""

    def __init__(self, port: int, round_no: int) -> None:
        self.answered: list[str] = []
        """Event ids some client was told are durable."""
        self._round = round_no
        self._enough = threading.Semaphore(0)
        self._threads = [
            threading.Thread(target=self._client, args=(port, number))
            for number in range(CLIENTS)
        ]

    def run_until(self, answers: int) -> None:
        for thread in self._threads:
            thread.start()
        for _ in range(answers):
            assert self._enough.acquire(timeout=60), "the child does not answer"

    def join(self) -> None:
        for thread in self._threads:
            thread.join(60)

    def _client(self, port: int, number: int) -> None:
        from tests.system.children import Talk  # noqa: PLC0415 - a thread of its own

        agent = f"agent-{number % 7}"
        try:
            with closing(Talk(port)) as talk:
                for turn in itertools.count():
                    ids = [f"{self._round}-{number}-{turn}-{place}" for place in range(BATCH)]
                    for expected in ("accepted", "duplicate"):
                        verdicts = talk.report(*((agent, event_id) for event_id in ids))
                        if set(verdicts) != {expected}:
                            raise AssertionError(verdicts)
                        if expected == "accepted":
                            self.answered += ids
                        self._enough.release()
        except (ConnectionError, OSError):
            return  # it was killed


class EarlyLoad(Load):
    """As `Load`, without the repetition: an early answer knows nothing of duplicates."""

    def _client(self, port: int, number: int) -> None:
        from tests.system.children import Talk  # noqa: PLC0415 - a thread of its own

        try:
            with closing(Talk(port)) as talk:
                for turn in itertools.count():
                    ids = [f"{self._round}-{number}-{turn}-{place}" for place in range(BATCH)]
                    talk.report(*((f"agent-{number % 7}", event_id) for event_id in ids))
                    self.answered += ids
                    self._enough.release()
        except (ConnectionError, OSError):
            return


def stored(url: str) -> list[bytes]:
    database = open_database(url)
    with database.reader_engine.connect() as connection:
        keys = [
            bytes(key)
            for key in connection.execute(select(tables.outcomes.c.event_id)).scalars()
        ]
    database.close()
    return keys


def killed_under(load: Load, child: JournalChild, answers: int) -> list[str]:
    """What was answered before the child was killed in the middle of it."""
    load.run_until(answers)
    child.kill()
    load.join()
    return load.answered


def test_kill_9_loses_no_answered_event_and_counts_none_twice(durable_url: str) -> None:
    answered: list[str] = []
    epochs = []
    for round_no in range(KILLS):
        child = JournalChild(durable_url, "--ttl-ms", "1000", "--renew-every-ms", "200")
        epochs.append(child.epoch)
        answered += killed_under(
            Load(child.port, round_no), child, ANSWERS_BEFORE_KILL + 37 * round_no
        )

    keys = stored(durable_url)
    missing = {event_key(event_id) for event_id in answered} - set(keys)
    print(f"{len(answered)} answered, {len(keys)} stored, {len(missing)} lost in {KILLS} kills")
    assert len(answered) > KILLS * BATCH
    assert not missing
    assert len(keys) == len(set(keys))
    assert epochs == list(range(1, KILLS + 1))


def test_the_control_that_answers_before_commit_loses_some(durable_url: str) -> None:
    lost = 0
    for round_no in range(KILLS):
        child = JournalChild(durable_url, "--answer-early", "--ttl-ms", "1000")
        answered = killed_under(EarlyLoad(child.port, round_no), child, 40 * CLIENTS)
        lost += len({event_key(event_id) for event_id in answered} - set(stored(durable_url)))
        if lost:
            break

    assert lost, "the control lost nothing: this test would not see a loss"


def test_every_number_has_its_row_after_a_kill(durable_url: str) -> None:
    child = JournalChild(durable_url, "--ttl-ms", "1000")
    killed_under(Load(child.port, 0), child, ANSWERS_BEFORE_KILL)

    database = open_database(durable_url)
    with database.reader_engine.connect() as connection:
        numbers = sorted(
            {
                seq
                for table in (tables.outcomes, tables.agent_changes, tables.transitions)
                for seq in connection.execute(
                    select(table.c.seq).where(table.c.writer == 1)
                ).scalars()
            }
        )
    database.close()
    assert numbers == list(range(1, len(numbers) + 1))


@pytest.mark.parametrize("flush", ["fdatasync"])
def test_on_sqlite_the_flush_comes_before_the_answer(
    sqlite_url: str, tmp_path: Path, flush: str
) -> None:
    strace = shutil.which("strace")
    assert strace, "this test needs strace; install the Debian package `strace`"
    trace = tmp_path / "trace"
    calls = "trace=fdatasync,fsync,sendto,pwrite64"
    child = JournalChild(sqlite_url, before=(strace, "-f", "-o", str(trace), "-e", calls))
    with closing(child.connect()) as talk:
        for number in range(5):
            assert talk.report(("a", f"e{number}")) == ["accepted"]
    child.kill()

    events = [flush_or_answer(line) for line in settled(trace).splitlines()]
    story = "".join(event for event in events if event)
    answers = story.count("A")
    assert answers == 5, story
    # each answer has a write to the log and then a flush of its own since the answer before
    assert all(re.search("WF", part) for part in story.split("A")[:5]), story


def settled(trace: Path) -> str:
    """The trace once strace, which outlives its child for a moment, has written it out."""
    before = -1
    while trace.stat().st_size != before:
        before = trace.stat().st_size
        time.sleep(0.1)
    return trace.read_text()


def flush_or_answer(line: str) -> str:
    """A: an answer was sent. F: a flush had returned. W: something was written. By when each came to be."""
    if "sendto(" in line and "accepted" in line:
        return "A"
    if re.search(
        r"(fdatasync|fsync)\(\d+\)\s+= 0|<\.\.\. (fdatasync|fsync) resumed>.*= 0", line
    ):
        return "F"
    if "pwrite64(" in line:
        return "W"
    return ""
