"""A real `pinkslip serve` in a process of its own, on a port of its own, for tests that must not be fooled."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import quote
from urllib.request import ProxyHandler, Request, build_opener

PATIENCE_S = 30.0
_opener = build_opener(ProxyHandler({}))


@dataclass(slots=True)
class Answer:
    """What came back: status, and the JSON where it was some."""

    status: int
    body: Any


@dataclass(slots=True)
class Running:
    """One service process."""

    process: "subprocess.Popen[bytes]"
    log: Path
    url: str

    @property
    def address(self) -> str:
        """host:port."""
        return self.url.removeprefix("http://")

    def get(self, path: str) -> Answer:
        return self.ask("GET", path)

    def post(self, path: str, body: object = None) -> Answer:
        return self.ask("POST", path, {} if body is None else body)

    def ask(self, method: str, path: str, body: object = None) -> Answer:
        """Any status is an answer; a refused connection is not."""
        sent = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"} if sent is not None else {}
        request = Request(self.url + path, data=sent, headers=headers, method=method)
        try:
            with _opener.open(request, timeout=PATIENCE_S) as response:
                return Answer(response.status, _decoded(response.read()))
        except HTTPError as error:
            return Answer(error.code, _decoded(error.read()))

    def beat(self, agent_id: str, **fields: object) -> Answer:
        return self.post(f"/api/agents/{quote(agent_id, safe='')}/heartbeat", fields)

    def finish(self, agent_id: str, **fields: object) -> Answer:
        return self.post(f"/api/agents/{quote(agent_id, safe='')}/finish", fields)

    def events(self, *events: Mapping[str, object]) -> None:
        """A batch of which everything is taken."""
        answer = self.post("/api/events", events)
        assert {result["status"] for result in answer.body["results"]} == {200}, answer

    def agent(self, agent_id: str) -> Any:
        answer = self.get(f"/api/agents/{quote(agent_id, safe='')}")
        assert answer.status == 200, answer
        return answer.body

    def decisions(self, query: str = "") -> list[Any]:
        answer = self.get(f"/api/decisions?limit=1000{query}")
        assert answer.status == 200, answer
        items: list[Any] = answer.body["items"]
        return items

    def signal(self, number: signal.Signals) -> None:
        os.kill(self.process.pid, number)

    def kill(self) -> None:
        """As nobody expects it."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        """As a supervisor does, to its last resort; the exit code. Harmless when it has ended already."""
        if self.process.poll() is None:
            self.process.terminate()
        try:
            return self.process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.kill()
            raise


def _decoded(body: bytes) -> Any:
    try:
        return json.loads(body) if body else None
    except ValueError:
        return body.decode(errors="replace")


def eventually(
    check: Callable[[], Any], *, within_s: float = PATIENCE_S, every_s: float = 0.1
) -> Any:
    """The first true answer of `check`; an AssertionError with its last when there is none in time."""
    deadline = time.monotonic() + within_s
    while True:
        found = check()
        if found:
            return found
        assert time.monotonic() < deadline, f"not within {within_s:g} s; last seen: {found!r}"
        time.sleep(every_s)


def start(
    directory: Path,
    *arguments: str,
    command: str = "serve",
    program: Sequence[str] = (sys.executable, "-m", "pinkslip"),
    database: str | None = None,
    policies: Path | None = None,
    listen: str = "127.0.0.1:0",
    wait_until_ready: bool = True,
    settings: Mapping[str, str] | None = None,
    environment: Mapping[str, str] | None = None,
) -> Running:
    """Start and, unless told not to, wait until it serves. Its output is in `serve.log`."""
    directory.mkdir(parents=True, exist_ok=True)
    log = directory / "serve.log"
    argv = [*program, command, "--listen", listen, *arguments]
    argv += ["--database", database or str(directory / "pinkslip.db")]
    if policies is not None:
        argv += ["--policies", str(policies)]
    for key, value in (settings or {}).items():
        argv += ["--set", f"{key}={value}"]
    with log.open("ab") as output:
        offset = output.tell()
        process = subprocess.Popen(
            argv,
            cwd=directory,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, **(environment or {})},
        )

    def address() -> str | None:
        text = log.read_bytes()[offset:].decode(errors="replace")
        if process.poll() is not None:
            raise AssertionError(f"serve ended with {process.returncode}: {text}")
        found = re.search(r"address +(http://\S+)", text)
        return found.group(1) if found else None

    running = Running(process, log, eventually(address))
    if wait_until_ready:
        eventually(lambda: running.get("/-/ready").status == 200)
    return running


@contextmanager
def serving(directory: Path, *arguments: str, **options: Any) -> Iterator[Running]:
    """`start`, and `stop` at the end whatever happens."""
    running = start(directory, *arguments, **options)
    try:
        yield running
    finally:
        running.stop()
