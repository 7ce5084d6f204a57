"""Starts `journal_child`, talks to it, and reads what it says."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 60


class JournalChild:
    """A real process with a journal."""

    def __init__(
        self, url: str, *options: str, before: Sequence[str] = (), wait: bool = True
    ) -> None:
        command = [*before, sys.executable, "-m", "tests.system.journal_child", url, *options]
        self.process = subprocess.Popen(
            command,
            cwd=ROOT,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}"},
        )
        self.pid: int = self.heard("pid")
        """Of the child itself, whatever runs it."""
        self.port = 0
        self.epoch = 0
        if wait:
            self.wait_until_serving()

    def wait_until_serving(self) -> None:
        self.epoch = self.heard("epoch")
        self.port = self.heard("port")

    def heard(self, what: str) -> Any:
        """The next thing it says of this kind, passing over others."""
        assert self.process.stdout is not None
        while line := self.process.stdout.readline():
            said = json.loads(line)
            if what in said:
                return said[what]
        raise AssertionError(f"the child ended without saying {what!r}")

    def connect(self) -> "Talk":
        return Talk(self.port)

    def send(self, number: int) -> None:
        os.kill(self.pid, number)

    def kill(self) -> None:
        self.send(signal.SIGKILL)
        self.process.wait(PATIENCE_S)
        assert self.process.stdout is not None
        self.process.stdout.close()


class Talk:
    """One connection: a question, then its answer."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S)
        self._lines = self._socket.makefile("rb")

    def report(self, *events: tuple[str, str]) -> list[str]:
        """Verdicts; ConnectionError when the child is gone."""
        self._socket.sendall(json.dumps(events).encode() + b"\n")
        line = self._lines.readline()
        if not line.endswith(b"\n"):
            raise ConnectionResetError("the child is gone")
        answer: list[str] = json.loads(line)
        return answer

    def close(self) -> None:
        self._lines.close()
        self._socket.close()
