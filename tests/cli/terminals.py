"""A command on a terminal of its own: what it draws, and what its keys do."""

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Mapping, Sequence

PATIENCE_S = 30.0
CTRL_C_HEEDED = ("env", "--default-signal=INT")
"""Before a command: tests that run in the background of a shell ignore Ctrl-C, and their children inherit that."""
_ESCAPE = re.compile(r"\x1b(\[[0-9;?]*[A-Za-z]|\][^\x07]*\x07|[()][A-Z0-9]|[=>])")


class Terminal:
    """`argv` on a pseudo terminal of `columns` by `lines`."""

    def __init__(
        self,
        argv: Sequence[str],
        *,
        columns: int = 100,
        lines: int = 30,
        environment: Mapping[str, str],
    ) -> None:
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        self._ours = ours
        self.raw = ""
        """Everything it wrote."""
        self.process = subprocess.Popen(
            [*CTRL_C_HEEDED, "setsid", "--ctty", *argv],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env={**_without_a_size(os.environ), "TERM": "xterm-256color", **environment},
        )
        os.close(theirs)

    @property
    def text(self) -> str:
        """What it wrote, without what only moves and colours."""
        return _ESCAPE.sub("", self.raw).replace("\r", "")

    def press(self, keys: str) -> None:
        os.write(self._ours, keys.encode())

    def wait_for(self, text: str, *, after: int = 0) -> int:
        """Until `text` was written, behind place `after`; the place behind it."""
        deadline = time.monotonic() + PATIENCE_S
        while (found := self.text.find(text, after)) < 0:
            assert time.monotonic() < deadline, f"no {text!r} in {self.text[-2000:]!r}"
            assert self._read() or self.process.poll() is None, f"ended: {self.text!r}"
        return found + len(text)

    def end(self) -> int:
        """Read until it ends; the exit code."""
        deadline = time.monotonic() + PATIENCE_S
        while self._read() or self.process.poll() is None:
            if time.monotonic() > deadline:
                self.process.kill()
                raise AssertionError(f"does not end; it wrote {self.text!r}")
        os.close(self._ours)
        return self.process.wait(PATIENCE_S)

    def _read(self) -> bool:
        ready, _, _ = select.select([self._ours], [], [], 0.2)
        if not ready:
            return False
        try:
            piece = os.read(self._ours, 65_536)
        except OSError:  # the other side is closed
            return False
        self.raw += piece.decode(errors="replace")
        return bool(piece)


def _without_a_size(variables: Mapping[str, str]) -> dict[str, str]:
    """What a terminal's own size must not be overruled by."""
    return {
        name: value for name, value in variables.items() if name not in {"COLUMNS", "LINES"}
    }


def pinkslip(*arguments: str, url: str, columns: int = 100) -> Terminal:
    """Our command there."""
    argv = [sys.executable, "-m", "pinkslip", *arguments]
    return Terminal(argv, columns=columns, environment={"PINKSLIP_URL": url})
