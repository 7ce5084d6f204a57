"""How commands end: every exit code as the guide tells it, one line that says why, and never a traceback."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from tests.cli.conftest import ODD, Pinkslip
from tests.cli.terminals import CTRL_C_HEEDED
from tests.running import Running, serving, start

from pinkslip.cli.exits import Exit
from pinkslip.cli.main import main

PINKSLIP = [sys.executable, "-m", "pinkslip"]
NOBODY = "http://127.0.0.1:1"


def _ask(*arguments: str, url: str = NOBODY) -> Result:
    return CliRunner().invoke(main, arguments, env={"PINKSLIP_URL": url})


def test_done_is_0(pinkslip: Pinkslip) -> None:
    assert pinkslip("agents").exit_code == Exit.OK


def test_found_what_you_asked_about_is_1(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text("version: 1\npolicies: [{name: x}]\n")

    assert _ask("policy", "check", str(tmp_path)).exit_code == Exit.FOUND


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["agnets"], "No such command 'agnets'. Did you mean 'agents'?"),
        (["xyzzy"], "No such command 'xyzzy'. They are listed by --help."),
        (["db", "upgrad"], "Did you mean 'upgrade'?"),
        (["agents", "--stauts", "IDLE"], "'--status'"),
        (["agents", "--limit", "0"], "0 is not in the range x>=1"),
        (["agents", "--watch"], "--watch needs a terminal"),
        (["agents", "--watch", "--json"], "leave one out"),
        (["agents", "--url", "ftp://x"], "'ftp://x' is no address of a service"),
        (["agents", "--url", "http://127.0.0.1:99999"], "is no address of a service"),
        (["agents", "--token", "a\nb"], "plain ASCII"),
        (["why", ""], "an agent's id is not empty"),
        (["fire", "x"], "Missing option '--reason'"),
        (["protect", "x"], "say either --for SPAN"),
        (["protect", "x", "--for", "2h", "--lift"], "say either --for SPAN"),
        (["protect", "x", "--for", "2w"], "write for example 30m, 2h, 1h30m or 1d"),
        (["protect", "x", "--for", "99999999d"], "at most ten years"),
        (["quarantine", "x"], "Missing option '--for'"),
        (["quarantine", "x", "--for", "0h"], "must be more than nothing"),
        (["review", "x", "--score", "1.5"], "1.5 is not in the range 0<=x<=1"),
        (["silence", "add", "--for", "1h", "--reason", "x"], "Missing option '--match'"),
        (["silence", "add", "--match", "x", "--for", "1h", "--reason", "x"], "'x' is no matcher"),
        (["silence", "ad"], "Did you mean 'add'?"),
        (["audit", "report"], "say whom the report is about"),
        (["audit", "report", "--since", "lately"], "write how long ago"),
        (["decisions", "--since", "2026-13-01"], "write how long ago"),
        (["policy", "status", "--since", "9999999d"], "at most ten years"),
        (["decisions", "--verdict", "sacked"], "'sacked' is not one of"),
        (["assets", "nagios"], "'nagios' is not one of"),
        (["assets", "prometheus", "--job", "a b"], "'a b' cannot be a job name"),
        (["completion", "tcsh"], "'tcsh' is not one of"),
        (["serve", "--tick", "5"], '--tick: "5" has no unit; write 5s'),
        (["serve", "--set", "tik=5s"], "unknown setting 'tik'; did you mean \"tick\"?"),
        (["serve", "--set", "tick"], "'tick' must look like tick=2s"),
        (["serve", "--listen", "0.0.0.0:1"], "needs tokens"),
        (["serve", "--config", "nowhere.yaml"], "nowhere.yaml: cannot be read"),
    ],
)  # fmt: skip
def test_what_cannot_be_used_as_given_is_2_and_says_why(
    arguments: list[str], said: str
) -> None:
    done = _ask(*arguments)

    assert done.exit_code == Exit.USAGE
    assert said in done.stderr
    assert done.stdout == ""


def test_what_the_service_cannot_use_is_2_with_its_words(pinkslip: Pinkslip) -> None:
    status = pinkslip("agents", "--status", "SLEEPING")
    reason = pinkslip("fire", "good-1", "--reason", "ugly")

    assert (status.exit_code, reason.exit_code) == (Exit.USAGE, Exit.USAGE)
    assert status.stderr.startswith("pinkslip: status is 'SLEEPING'; send IDLE or WORKING")
    assert len(status.stderr.splitlines()) == 1
    assert "reason 'ugly' is not one of derailed" in reason.stderr


def test_bytes_that_are_no_text_are_refused_and_not_a_crash(service: Running) -> None:
    done = subprocess.run(
        [*PINKSLIP, "why", b"caf\xe9"],
        env={**os.environ, "PINKSLIP_URL": service.url},
        capture_output=True,
        check=False,
    )

    assert done.returncode == Exit.USAGE
    assert done.stderr.startswith(b"pinkslip: the agentId")


def test_a_service_that_does_not_answer_is_3() -> None:
    done = _ask("status")

    assert done.exit_code == Exit.AWAY
    assert done.stderr == (
        f"pinkslip: {NOBODY} does not answer: Connection refused. Is `pinkslip serve` running "
        "there? PINKSLIP_URL or --url says where.\n"
    )


def test_an_address_needs_no_scheme(service: Running) -> None:
    assert _ask("status", url=service.url.removeprefix("http://")).exit_code == Exit.OK


@pytest.mark.parametrize("command", [["agents"], ["why", "x"], ["status"], ["decisions"]])
@pytest.mark.parametrize(
    "answer", [(200, b"<html>"), (200, b"[1]"), (404, b"no"), (403, b"[]")]
)
def test_somebody_else_at_the_address_is_3(
    command: list[str], answer: tuple[int, bytes]
) -> None:
    with _somebody_else(*answer) as url:
        done = _ask(*command, url=url)

    assert done.exit_code == Exit.AWAY
    assert "is the address right?" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_service_standing_by_is_3_and_names_the_holder(tmp_path: Path) -> None:
    with serving(tmp_path):
        second = start(tmp_path, listen="127.0.0.1:0", wait_until_ready=False)
        try:
            done = _ask("status", url=second.url)
        finally:
            second.stop()

    assert done.exit_code == Exit.AWAY
    assert "serves this database" in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["why", "nobody"],
        ["fire", "nobody", "--reason", "dumb"],
        ["fire", "bad-1", "--reason", "dumb"],
        ["reinstate", "nobody"],
        ["reinstate", "good-1"],
        ["protect", "nobody", "--for", "1h"],
        ["sessions", "nobody/at all"],
        ["explain", "no such/decision?"],
        ["quarantine", "nobody", "--for", "1h"],
        ["quarantine", "bad-1", "--for", "1h"],
        ["release", "good-1"],
        ["release", "bad-1"],
        ["veto", "no such/decision?"],
        ["approve", "no such/decision?"],
        ["review", "no such/event", "--score", "1"],
        ["silence", "end", "no such/silence"],
        ["policy", "restore", "dumb"],
        ["audit", "report", "nobody/at all"],
    ],
    ids=" ".join,
)
def test_what_the_service_refuses_is_4(pinkslip: Pinkslip, arguments: list[str]) -> None:
    done = pinkslip(*arguments)

    assert done.exit_code == Exit.REFUSED
    assert done.stderr.startswith("pinkslip: ")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    "arguments", [["agents"], ["--help"], ["agents", "--json"], ["why", ODD]]
)
def test_a_reader_that_has_gone_ends_it_quietly(service: Running, arguments: list[str]) -> None:
    reader, writer = os.pipe()
    os.close(reader)

    done = subprocess.run(
        [*PINKSLIP, *arguments],
        env={**os.environ, "PINKSLIP_URL": service.url},
        stdout=writer,
        stderr=subprocess.PIPE,
        check=False,
    )
    os.close(writer)

    assert (done.returncode, done.stderr) == (Exit.UNREAD, b"")


def test_ctrl_c_ends_a_command_quietly() -> None:
    asked = threading.Event()
    with _somebody_else(200, b"{}", asked=asked, after_s=60) as url:
        process = subprocess.Popen(
            [*CTRL_C_HEEDED, *PINKSLIP, "status"],
            env={**os.environ, "PINKSLIP_URL": url},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        assert asked.wait(30)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)

    assert (process.returncode, out, err) == (Exit.INTERRUPTED, b"", b"")


def test_an_address_that_is_taken_is_said_plainly(tmp_path: Path, service: Running) -> None:
    address = service.url.removeprefix("http://")

    done = subprocess.run(
        [*PINKSLIP, "serve", "--listen", address, "--database", str(tmp_path / "x.db")],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert done.returncode == Exit.USAGE
    assert done.stderr.splitlines()[-1] == (
        f"pinkslip: cannot listen on {address}: Address already in use; choose another with --listen"
    )


@contextmanager
def _somebody_else(
    status: int, body: bytes, *, asked: threading.Event | None = None, after_s: float = 0.0
) -> Iterator[str]:
    """An HTTP server that is no Pinkslip."""
    over = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if asked is not None:
                asked.set()
            over.wait(after_s)
            if over.is_set():
                return
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_args: object) -> None:
            """Nothing to tell."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            over.set()
            server.shutdown()
            thread.join()
