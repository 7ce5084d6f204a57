"""The files in `bad/`, each with the problems expected of it beside it.

Run as a program it rewrites what is expected; the difference is read in review like code.
"""

import sys
from pathlib import Path

from pinkslip.policies.load import Source, load, read_sources

BAD = Path(__file__).parent / "bad"


def bad_files() -> list[Path]:
    """Every file that something is wrong with."""
    return sorted(BAD.glob("*.yaml"))


def rendered(file: Path) -> str:
    """What loading `file` says, as the command line prints it, and whether it can be used."""
    [source] = read_sources(file)
    loaded = load([Source(file.name, source.text)])
    said = [problem.render() for problem in loaded.problems]
    said.append("refused" if loaded.policy_set is None else "loaded")
    return "\n".join(said) + "\n"


def expected(file: Path) -> Path:
    """Where the expected problems of `file` stand."""
    return file.with_suffix(".txt")


if __name__ == "__main__":
    for bad in bad_files():
        expected(bad).write_text(rendered(bad), encoding="utf-8")
    sys.exit(0)
