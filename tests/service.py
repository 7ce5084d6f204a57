"""The real `pinkslip` command in a process of its own, for tests that need the whole thing."""

import json
import os
import signal
import subprocess
import sys
import urllib.parse
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.postgres import free_port
from tests.prometheus import fetch, wait_for

STARTED_WITHIN_S = 60
STOPPED_WITHIN_S = 30


@dataclass(frozen=True, slots=True)
class Service:
    """A running Pinkslip."""

    address: str
    """host:port."""
    process: "subprocess.Popen[bytes]"

    @property
    def url(self) -> str:
        return f"http://{self.address}"

    def send(self, agent: str, what: str, **fields: object) -> None:
        """Post a report about an agent: heartbeat, outcomes, finish."""
        path = f"/api/agents/{urllib.parse.quote(agent, safe='')}/{what}"
        body = json.dumps(fields).encode()
        fetch(f"{self.url}{path}", data=body, content_type="application/json")

    def page(self) -> str:
        return fetch(f"{self.url}/metrics").decode()


@contextmanager
def running_service(
    home: Path, *arguments: str, command: str = "serve", address: str | None = None
) -> Iterator[Service]:
    """`pinkslip <command>` in `home`, until it serves; ended with SIGTERM."""
    where = address or f"127.0.0.1:{free_port()}"
    home.mkdir(parents=True, exist_ok=True)
    argv: Sequence[str] = (
        sys.executable,
        "-c",
        "from pinkslip.cli.main import main; main()",
        command,
        f"--listen={where}",
        *arguments,
    )
    log = home / "log"
    with log.open("ab") as output:
        process = subprocess.Popen(
            argv,
            cwd=home,
            stdout=output,
            stderr=output,
            env=os.environ | {"PYTHONUNBUFFERED": "1"},
        )
    service = Service(where, process)
    try:
        wait_for(
            lambda: _serves(service, log),
            what=f"pinkslip {command} to serve",
            within_s=STARTED_WITHIN_S,
        )
        yield service
    finally:
        stop(service)


def stop(service: Service) -> None:
    """As a service manager does; harmless when it has ended already."""
    if service.process.poll() is None:
        service.process.send_signal(signal.SIGTERM)
    try:
        service.process.wait(timeout=STOPPED_WITHIN_S)
    except subprocess.TimeoutExpired:
        service.process.kill()
        service.process.wait()


def _serves(service: Service, log: Path) -> bool:
    ended = service.process.poll()
    assert ended is None, f"pinkslip ended with {ended}:\n{log.read_text()[-3000:]}"
    try:
        fetch(f"{service.url}/-/ready", within_s=2)
    except (OSError, RuntimeError):
        return False
    return True
