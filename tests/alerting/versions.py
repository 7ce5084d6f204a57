"""Other versions of Prometheus and Alertmanager, unpacked beside the machine's own and never installed.

Debian's later suites have them; their programs need nothing that Debian 12 lacks. The mirror is the one the
machine's apt already uses; apt's own lists and sources stay as they are.
"""

import os
import re
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.prometheus import Suite

KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
SOURCES = Path("/etc/apt")
WANTED = ("prometheus", "promtool", "prometheus-alertmanager")
"""promtool is a package of its own in newer suites, and part of prometheus in older ones."""


class Unreachable(RuntimeError):
    """The suite cannot be had here: no mirror, no network, no such package."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the version matrix."""

    version: str
    """The first two numbers of Prometheus' version, where we know them."""
    suite: str
    """Debian's name of the suite that has it; empty for what the machine has."""


MATRIX = (Line("2.42", ""), Line("2.53", "trixie"), Line("3.5", "forky"))


def programs(line: Line) -> Suite:
    """The programs of one line, fetched at first use. Unreachable says why they cannot be had."""
    if not line.suite:
        return Suite.installed()
    home = cache() / line.suite
    if not (home / "complete").exists():
        _unpack(line.suite, home)
        (home / "complete").touch()
    return Suite.unpacked(home)


def cache() -> Path:
    """Outside the checkout, so that `make clean` and git leave it alone."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "pinkslip" / "prometheus"


def _unpack(suite: str, home: Path) -> None:
    home.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="pinkslip-apt-") as scratch:
        apt = _Apt(Path(scratch), suite)
        apt.update()
        for package in apt.available(WANTED):
            _run(["dpkg-deb", "--extract", str(apt.download(package)), str(home)])


class _Apt:
    """apt with lists, sources and a cache of its own."""

    def __init__(self, scratch: Path, suite: str) -> None:
        self._scratch = scratch
        for directory in ("lists/partial", "cache/archives/partial", "packages"):
            (scratch / directory).mkdir(parents=True)
        scratch.chmod(0o755)
        sources = scratch / "sources.list"
        sources.write_text(f"deb [signed-by={KEYRING}] {mirror(SOURCES)} {suite} main\n")
        self._options = [
            f"--option=Dir::Etc::sourcelist={sources}",
            "--option=Dir::Etc::sourceparts=-",
            f"--option=Dir::State::lists={scratch}/lists",
            f"--option=Dir::Cache={scratch}/cache",
            "--option=APT::Sandbox::User=root",
        ]

    def update(self) -> None:
        _run(["apt-get", *self._options, "--quiet=2", "update"])

    def available(self, packages: tuple[str, ...]) -> list[str]:
        """Those of `packages` that the suite has."""
        said = _run(["apt-cache", *self._options, "policy", *packages])
        return [
            p for p in packages if re.search(rf"^{p}:\n.*\n +Candidate: \d", said, re.MULTILINE)
        ]

    def download(self, package: str) -> Path:
        packages = self._scratch / "packages"
        before = set(packages.iterdir())
        _run(["apt-get", *self._options, "--quiet=2", "download", package], cwd=packages)
        (found,) = set(packages.iterdir()) - before
        return found


def mirror(sources: Path) -> str:
    """Where apt gets Debian's main archive from, by the machine's own sources."""
    texts = [path.read_text() for path in sorted(sources.glob("sources.list.d/*.sources"))]
    for text in texts:
        for stanza in re.split(r"\n\s*\n", text):
            found = re.search(r"^URIs:\s*(\S+)", stanza, re.MULTILINE)
            if found and re.search(r"^Signed-By:.*debian-archive", stanza, re.MULTILINE):
                return found[1]
    for path in (sources / "sources.list", *sorted(sources.glob("sources.list.d/*.list"))):
        if not path.exists():
            continue
        for line in path.read_text().splitlines():
            found = re.match(r"deb\s+(?:\[[^]]*]\s+)?(\S+/debian/?)\s+\S+\s+.*\bmain\b", line)
            if found:
                return found[1]
    raise Unreachable(f"{sources} names no mirror of Debian")


def _run(command: list[str], *, cwd: Path | None = None) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=cwd)
    except OSError as error:
        raise Unreachable(f"{command[0]} cannot be run: {error}") from error
    if done.returncode:
        raise Unreachable(
            f"{' '.join(command[:1])}: {done.stderr.strip() or done.stdout.strip()}"
        )
    return done.stdout
