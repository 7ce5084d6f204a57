"""The files in `bad/`, each with the problems expected of it beside it.

Run as a program it rewrites what is expected; the difference is read in review like code.
"""

import sys
from pathlib import Path

from pinkslip.policies.load import Source, load, read_sources

BAD = Path(__file__).parent / "bad"
KEY_PATHS = Path(__file__).parent / "key_paths.txt"


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


def key_paths(file: Path) -> list[str]:
    """Which key each problem of `file` is about, as editors and forms ask."""
    [source] = read_sources(file)
    problems = load([Source(file.name, source.text)]).problems
    return [
        f"{each.file}:{each.line}:{each.column} {each.key_path}".strip() for each in problems
    ]


def expected_key_paths() -> dict[str, list[str]]:
    """What is expected of every file in `bad/`, by its name."""
    by_file: dict[str, list[str]] = {}
    for line in KEY_PATHS.read_text(encoding="utf-8").splitlines():
        by_file.setdefault(line.partition(":")[0], []).append(line)
    return by_file


def expected(file: Path) -> Path:
    """Where the expected problems of `file` stand."""
    return file.with_suffix(".txt")


if __name__ == "__main__":
    for bad in bad_files():
        expected(bad).write_text(rendered(bad), encoding="utf-8")
    lines = [line for bad in bad_files() for line in key_paths(bad)]
    KEY_PATHS.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    sys.exit(0)
