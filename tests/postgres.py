"""A real PostgreSQL for the tests: started by them, as a user without rights, on loopback, gone afterwards."""

import getpass
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
from dataclasses import dataclass
from pathlib import Path

import psycopg

START_WITHIN_S = 30
FAST = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "on"}
DURABLE: dict[str, str] = {"synchronous_commit": "on"}


class Missing(RuntimeError):
    """PostgreSQL is not installed. The tests fail then: they never skip what users rely on."""


@dataclass(frozen=True, slots=True)
class PostgresServer:
    """A running server."""

    port: int
    process: "subprocess.Popen[bytes]"

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


@contextmanager
def postgres_server(options: Mapping[str, str] = FAST) -> Iterator[PostgresServer]:
    """initdb and postgres in a directory of their own under the system's temporary one."""
    binaries = _binaries()
    # not pytest's tmp_path: every parent must be searchable by a user that is not us
    home = Path(tempfile.mkdtemp(prefix="pinkslip-postgres-"))
    prefix, user = _demotion(home)
    try:
        data = home / "data"
        initdb = [binaries / "initdb", "-D", data, "-U", "postgres", "-A", "trust"]
        initdb += ["-E", "UTF8", "--locale=C.UTF-8", "--no-sync"]
        subprocess.run(
            [*prefix, *initdb],
            cwd=home,
            check=True,
            stdout=subprocess.DEVNULL,
            user=user,
            group=user,
        )
        with _running(binaries, data, options, prefix, user) as server:
            yield server
    finally:
        shutil.rmtree(home, ignore_errors=True)


@contextmanager
def _running(
    binaries: Path, data: Path, options: Mapping[str, str], prefix: list[str], user: int | None
) -> Iterator[PostgresServer]:
    port = free_port()
    log = data.parent / "log"
    command = [
        binaries / "postgres",
        "-D",
        data,
        "-h",
        "127.0.0.1",
        "-p",
        str(port),
        "-k",
        data,
    ]
    for name, value in options.items():
        command += ["-c", f"{name}={value}"]
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*prefix, *command], cwd=data, stdout=output, stderr=output, user=user, group=user
        )
    try:
        server = PostgresServer(port, process)
        _wait_until_ready(server, log)
        yield server
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(timeout=START_WITHIN_S)


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


def _wait_until_ready(server: PostgresServer, log: Path) -> None:
    deadline = time.monotonic() + START_WITHIN_S
    while True:
        try:
            psycopg.connect(server.url("postgres")).close()
        except psycopg.OperationalError:
            if server.process.poll() is not None or time.monotonic() > deadline:
                said = log.read_text(errors="replace")[-2000:]
                raise RuntimeError(
                    f"PostgreSQL did not start as {getpass.getuser()}:\n{said}"
                ) from None
            time.sleep(0.02)
        else:
            return
