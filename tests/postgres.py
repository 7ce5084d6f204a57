"""A real PostgreSQL for the tests: started by them, as a user without rights, on loopback, gone afterwards."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psycopg

START_WITHIN_S = 30
FAST = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "on"}
DURABLE: dict[str, str] = {"synchronous_commit": "on"}


class Missing(RuntimeError):
    """PostgreSQL is not installed. The tests fail then: they never skip what users rely on."""


class PostgresServer:
    """A server that can also crash, and come back."""

    def __init__(
        self, home: Path, options: Mapping[str, str], *, prefix: list[str], user: int | None
    ) -> None:
        self.port = free_port()
        self._home = home
        self._options = options
        self._prefix = prefix
        self._user = user
        self._process: subprocess.Popen[bytes] | None = None

    def url(self, name: str) -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/{name}"

    def create(self, name: str, *, template: str = "template0") -> str:
        """Make a database, as a copy of `template`, and return its URL."""
        self.run(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        return self.url(name)

    def drop(self, name: str) -> None:
        self.run(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def run(self, statement: str) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(statement.encode())

    def prepare(self) -> None:
        """initdb, in a directory of our own."""
        initdb = [str(_binaries() / "initdb"), "-D", str(self._data), "-U", "postgres"]
        initdb += ["-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"]
        subprocess.run(
            [*self._prefix, *initdb],
            cwd=self._home,
            check=True,
            stdout=subprocess.DEVNULL,
            user=self._user,
            group=self._user,
        )

    def start(self) -> None:
        """Start, and wait until it answers."""
        command = [str(_binaries() / "postgres"), "-D", str(self._data), "-h", "127.0.0.1"]
        command += ["-p", str(self.port), "-k", str(self._data)]
        for name, value in self._options.items():
            command += ["-c", f"{name}={value}"]
        with self._log.open("ab") as output:
            self._process = subprocess.Popen(
                [*self._prefix, *command],
                cwd=self._data,
                stdout=output,
                stderr=output,
                user=self._user,
                group=self._user,
            )
        self._wait_until_ready(self._process)

    def stop(self) -> None:
        """End in order."""
        self._end(signal.SIGINT)

    def crash(self) -> None:
        """End at once, as `pg_ctl -m immediate` does: what was not flushed is gone."""
        self._end(signal.SIGQUIT)

    @property
    def _data(self) -> Path:
        return self._home / "data"

    @property
    def _log(self) -> Path:
        return self._home / "log"

    def _end(self, how: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.send_signal(how)
            process.wait(timeout=START_WITHIN_S)

    def _wait_until_ready(self, process: "subprocess.Popen[bytes]") -> None:
        deadline = time.monotonic() + START_WITHIN_S
        while True:
            try:
                psycopg.connect(self.url("postgres")).close()
            except psycopg.OperationalError:
                if process.poll() is not None or time.monotonic() > deadline:
                    said = self._log.read_text(errors="replace")[-2000:]
                    raise RuntimeError(f"PostgreSQL did not start:\n{said}") from None
                time.sleep(0.02)
            else:
                return


@contextmanager
def postgres_server(options: Mapping[str, str] = FAST) -> Iterator[PostgresServer]:
    """A server in a directory of its own under the system's temporary one."""
    # not pytest's tmp_path: every parent must be searchable by a user that is not us
    home = Path(tempfile.mkdtemp(prefix="pinkslip-postgres-"))
    try:
        prefix, user = _demotion(home)
        server = PostgresServer(home, options, prefix=prefix, user=user)
        server.prepare()
        try:
            server.start()
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(home, ignore_errors=True)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _binaries() -> Path:
    candidates = sorted(
        Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name)
    )
    on_path = shutil.which("initdb")
    if on_path:
        candidates.append(Path(on_path).resolve().parent)
    for directory in reversed(candidates):
        if (directory / "initdb").exists() and (directory / "postgres").exists():
            return directory
    raise Missing(
        "these tests need PostgreSQL 15 or newer (initdb and postgres); "
        "install the Debian package `postgresql`: apt-get install postgresql"
    )


def _demotion(home: Path) -> tuple[list[str], int | None]:
    """How to become somebody PostgreSQL accepts: it refuses root. Also: die when the tests die."""
    setpriv = shutil.which("setpriv")
    if os.geteuid() != 0:
        return ([setpriv, "--pdeathsig", "INT"] if setpriv else []), None
    user = _unprivileged()
    os.chown(home, user, user)
    if setpriv is None:
        return [], user
    ids = [f"--reuid={user}", f"--regid={user}", "--clear-groups"]
    return [setpriv, *ids, "--pdeathsig", "INT"], None


def _unprivileged() -> int:
    try:
        return pwd.getpwnam("postgres").pw_uid
    except KeyError:
        return 65534
