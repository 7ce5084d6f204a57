"""How processes end: planned, crashed, fired; and what becomes of forked children. Real processes throughout."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.client.service import Reply, Service, Told, taken

from pinkslip.client import EXIT_FIRED

LIMIT_S = 40
ROOT = Path(__file__).parents[2]

HEAD = """
import sys, time, threading, asyncio, os, signal, subprocess, logging
from pinkslip.client import AsyncReporter, Fired, Order, Reporter
"""

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def run(service: Service) -> Run:
    def running(program: str, **environment: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-W", "error", "-c", HEAD + textwrap.dedent(program)],
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            check=False,
            env={**os.environ, "PINKSLIP_URL": service.url, **environment},
        )

    return running


def firing(told: Told) -> Reply:
    """The order to stop, with every heartbeat, once the process has had time to get to its work."""
    reply = taken(told)
    if told.act == "heartbeat":
        time.sleep(0.5)
        reply.body["orders"] = [{"type": "stop", "reason": "dumb"}]  # type: ignore[index]
    return reply


def test_a_process_that_ends_flushes_and_finishes(service: Service, run: Run) -> None:
    done = run("""
        reporter = Reporter("a")
        for _ in range(50):
            reporter.outcome("success")
    """)

    assert (done.returncode, done.stderr) == (0, "")
    assert len(service.outcomes()) == 50
    assert service.told[-1].act == "finish"


def test_a_process_that_crashes_is_last_seen_in_error(service: Service, run: Run) -> None:
    done = run("""
        reporter = Reporter("a")
        reporter.outcome("success")
        raise LookupError("boom")
    """)

    assert done.returncode == 1
    assert service.all("finish") == []
    assert service.told[-1].body["status"] == "ERROR"
    assert service.told[-1].body["lastError"] == "LookupError: boom"


def test_an_exit_code_of_its_own_is_kept(service: Service, run: Run) -> None:
    done = run("""
        with Reporter("a"):
            sys.exit(3)
    """)

    assert done.returncode == 3
    assert service.all("finish") == []
    assert service.told[-1].body["lastError"] == "SystemExit: 3"


def test_an_identity_may_come_from_the_environment(service: Service, run: Run) -> None:
    run("Reporter().close()", PINKSLIP_AGENT_ID="from-env", PINKSLIP_TOKEN="id.secret")

    assert service.told[-1].path == "/api/agents/from-env/finish"
    assert service.told[-1].headers["Authorization"] == "Bearer id.secret"


def test_a_service_that_hangs_does_not_keep_a_process(service: Service, run: Run) -> None:
    """The process ends while the service still holds every request; the run's own limit is the bound."""
    import threading  # noqa: PLC0415 - beside its only use

    release = threading.Event()

    def hanging(told: Told) -> Reply:
        release.wait(LIMIT_S)
        return taken(told)

    service.answering = hanging
    done = run("""
        reporter = Reporter("a", flush=2)
        reporter.outcome("success")
        time.sleep(0.5)
    """)
    held = not release.is_set()
    release.set()

    assert held
    assert done.returncode == 0
    assert "the last word was not heard" in done.stderr


BLOCKED = {
    "in a sleep": "time.sleep(600)",
    "in a lock": "threading.Lock().acquire() and threading.Event().wait()",
    "in a join": "t = threading.Thread(target=time.sleep, args=(600,), daemon=True); t.start(); t.join()",
    "in a child": "subprocess.run(['sleep', '600'])",
    "in a read": "os.read(os.pipe()[0], 1)",
    "at work": "total = 0\nwhile True: total += sum(range(1000))",
    "behind a broad except": """
while True:
    try:
        time.sleep(600)
    except Exception:
        pass
""",
    "in asyncio": "asyncio.run(asyncio.sleep(600))",
}


@pytest.mark.parametrize("blocked", BLOCKED.values(), ids=BLOCKED.keys())
def test_a_fired_process_ends_with_86_wherever_it_is(
    service: Service, run: Run, blocked: str
) -> None:
    service.answering = firing

    program = (
        "reporter = Reporter('a', on_order=lambda order: print(order.type, order.reason))\n"
    )
    program += "try:\n" + textwrap.indent(blocked.strip(), "    ") + "\n"
    program += "finally:\n    print('cleaned up')\n"
    done = run(program)

    assert done.returncode == EXIT_FIRED == 86
    assert done.stdout == "stop dumb\ncleaned up\n"
    assert "Traceback" not in done.stderr
    [finish] = service.all("finish")
    assert finish.body["context"] == "stopped: fired (dumb)"
    assert service.told[-1].act == "finish"


def test_a_fired_process_ends_with_86_from_inside_its_task(service: Service, run: Run) -> None:
    service.answering = firing

    done = run("""
        with Reporter("a") as reporter:
            with reporter.task("long"):
                time.sleep(600)
    """)

    assert done.returncode == EXIT_FIRED
    assert service.told[-1].act == "finish"


def test_a_fired_process_ends_with_86_when_it_asks_for_more_work(
    service: Service, run: Run
) -> None:
    service.answering = firing

    done = run("""
        def slowly(order):
            time.sleep(1)
            print("handed over", flush=True)

        with Reporter("a", on_order=slowly, interval=1) as reporter:
            while True:
                with reporter.task("short"):
                    pass
    """)

    assert done.returncode == EXIT_FIRED
    assert done.stdout == "handed over\n", "the callback is waited for"
    assert service.told[-1].act == "finish"


def test_tasks_of_asyncio_are_cancelled_and_clean_up(service: Service, run: Run) -> None:
    service.answering = firing

    done = run("""
        async def work(reporter):
            try:
                async with reporter.task("long"):
                    await asyncio.sleep(600)
            finally:
                print("cleaned up")

        async def main():
            async with AsyncReporter("a") as reporter:
                await asyncio.gather(work(reporter), work(reporter))

        asyncio.run(main())
    """)

    assert done.returncode == EXIT_FIRED
    assert done.stdout == "cleaned up\ncleaned up\n"


def test_an_async_reporter_reports_and_finishes(service: Service, run: Run) -> None:
    done = run("""
        async def main():
            async with AsyncReporter("a") as reporter:
                async with reporter.task("one"):
                    pass
                try:
                    async with reporter.task("two"):
                        raise LookupError("x")
                except LookupError:
                    pass
                with reporter.waiting():
                    await asyncio.sleep(0)
                work = asyncio.create_task(hang(reporter))
                await asyncio.sleep(0.01)
                work.cancel()
                await asyncio.gather(work, return_exceptions=True)

        async def hang(reporter):
            async with reporter.task("three"):
                await asyncio.sleep(600)

        asyncio.run(main())
    """)

    assert (done.returncode, done.stderr) == (0, "")
    assert [event["result"] for event in service.outcomes()] == [
        "success",
        "failure",
        "cancelled",
    ]
    assert service.told[-1].act == "finish"


def test_a_process_that_may_live_on_does_and_takes_no_more_work(
    service: Service, run: Run
) -> None:
    service.answering = firing

    done = run("""
        stopped = threading.Event()
        reporter = Reporter("a", exit_when_fired=False, on_order=lambda order: stopped.set())
        stopped.wait()
        try:
            with reporter.task("more"):
                print("worked")
        except Fired as fired:
            print(fired, fired.code)
        reporter.close()
    """)

    assert done.returncode == 0
    assert done.stdout == "fired: dumb 86\n"
    assert service.told[-1].act == "finish"


def test_a_reporter_made_in_another_thread_stops_at_its_safe_points(
    service: Service, run: Run
) -> None:
    service.answering = firing

    done = run("""
        def work():
            reporter = Reporter("a", interval=1)
            try:
                while True:
                    with reporter.task("short"):
                        time.sleep(0.05)
            finally:
                print("stopped")

        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    """)

    assert done.returncode == 0
    assert done.stdout == "stopped\n"


def test_a_handler_that_was_there_before_still_hears_its_signal(
    service: Service, run: Run
) -> None:
    done = run("""
        signal.signal(signal.SIGURG, lambda number, frame: print("urgent", number == signal.SIGURG))
        reporter = Reporter("a")
        os.kill(os.getpid(), signal.SIGURG)
        reporter.close()
    """)

    assert (done.returncode, done.stdout, done.stderr) == (0, "urgent True\n", "")


def test_a_forked_child_is_not_the_agent(service: Service, run: Run) -> None:
    done = run("""
        reporter = Reporter("a", interval=1)
        reporter.outcome("success", task_id="before")
        child = os.fork()
        if child == 0:
            reporter.outcome("failure", task_id="child")
            with reporter.task("child"):
                reporter.heartbeat_point()
            reporter.close()
            sys.exit(0)
        assert os.waitpid(child, 0)[1] == 0
        reporter.outcome("success", task_id="after")
    """)

    assert done.returncode == 0, done.stderr
    assert {event.get("taskId") for event in service.outcomes()} == {"before", "after"}
    assert len({told.body["bootId"] for told in service.all("heartbeat")}) == 1
    assert len(service.all("finish")) == 1


def test_a_forked_child_may_be_an_agent_of_its_own(service: Service, run: Run) -> None:
    service.answering = lambda told: firing(told) if "/child/" in told.path else taken(told)

    done = run("""
        reporter = Reporter("parent")
        child = os.fork()
        if child == 0:
            Reporter("child")
            time.sleep(600)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    """)

    assert done.returncode == 0, done.stderr
    assert done.stdout == "86\n"
    assert {told.path.split("/")[3] for told in service.all("finish")} == {"parent", "child"}


def test_a_killed_process_leaves_without_a_word(service: Service) -> None:
    """Nothing is said for a process that was killed: its silence is the truth."""
    program = HEAD + "Reporter('a', interval=1); time.sleep(600)"
    process = subprocess.Popen(
        [sys.executable, "-c", program], env={**os.environ, "PINKSLIP_URL": service.url}
    )
    service.until_told("heartbeat")

    process.send_signal(signal.SIGKILL)
    process.wait(LIMIT_S)

    assert service.all("finish") == []


EXAMPLES = sorted((ROOT / "examples").glob("*.py"))


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.stem)
def test_examples_run_and_report(service: Service, example: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", str(example), "--tasks", "3"],
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
        env={**os.environ, "PINKSLIP_URL": service.url},
    )

    assert done.returncode == 0, done.stderr
    assert len(service.outcomes()) >= 3
    assert service.told[-1].act == "finish"
