"""Mutation of the rooms that decide: `python -m tests.mutation [MODULE ...]`.

On a copy of the tree: runs the fast tests once for coverage, lets mutmut make its mutants, and tries every one
whose verdict is not known yet with the tests that reach it. Prints a JSON line per module and in all, and every
survivor without a reason in `survivors.txt`. Fails when score or coverage is below what is promised, or a test failed
before anything was changed.
"""

import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from itertools import accumulate
from pathlib import Path
from typing import Any

from tests.mutation.making import Mutant, mutants_of
from tests.mutation.results import KILLED, Results
from tests.mutation.suite import FOLDERS, ROOMS, TELLING
from tests.mutation.survivors import explained, unexplained

ROOT = Path(__file__).parents[2]
KEPT = Path(os.environ.get("PINKSLIP_TEST_MUTATION_KEPT", ROOT / "var" / "mutation"))
SCORE_AT_LEAST = 0.85
BRANCHES_AT_LEAST = 0.95
COST_AT_MOST_S = float(os.environ.get("PINKSLIP_TEST_MUTATION_COST", "2.5"))
UNREACHED, EQUIVALENT, SURVIVED = "unreached", "equivalent", "survived"
PYTEST = (
    "-m",
    "pytest",
    "-q",
    "-n0",
    "--assert=plain",  # nobody reads why
    "-p",
    "no:cacheprovider",
    "-o",
    "timeout=0",
)


def main() -> int:
    """Everything, in order; whether it falls short."""
    began = time.monotonic()
    KEPT.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="pinkslip-mutation-") as scratch:
        tree = _copied(Path(scratch) / "tree")
        reach = Reach.measured(tree, Path(scratch))
        mutants = [
            mutant
            for module in _modules(tree)
            for mutant in mutants_of(tree / "src/pinkslip" / module, module)
        ]
        verdicts = _verdicts(mutants, reach, tree, Path(scratch))
    return _told(mutants, verdicts, reach, took_s=time.monotonic() - began)


class Reach:
    """Which tests reach which lines."""

    def __init__(self, found: dict[str, Any]) -> None:
        self.names = [name for name, _ in found["tests"]]
        self.took_s = dict(found["tests"])
        self.reached = found["reached"]
        self.failed = set(found["failed"])
        self.coverage = found["coverage"]

    @classmethod
    def measured(cls, tree: Path, scratch: Path) -> "Reach":
        """By running all of them once, or as kept from the same tree."""
        kept, of = KEPT / "reach.json", _digest(tree)
        if kept.exists() and (before := json.loads(kept.read_text()))["of"] == of:
            return cls(before)
        path = scratch / "reach.json"
        command, environment = _pytest(tree, ("suite", "covering"), map=path)
        ran = subprocess.run(
            command, cwd=tree, env=environment, capture_output=True, text=True, check=False
        )
        if not path.exists():
            raise SystemExit(ran.stdout + ran.stderr)
        found = json.loads(path.read_text()) | {"of": of}
        kept.write_text(json.dumps(found))
        return cls(found)

    def tests(self, mutant: Mutant) -> list[str]:
        """Those that reach what was changed: the module's own, those that tell most, then the quickest."""
        lines = self.reached.get(mutant.module, {})
        found = _of_lines(lines, mutant.lines) or _of_lines(lines, mutant.statement)
        own = Path(mutant.module).stem
        names = {self.names[number] for number in found} - self.failed
        return sorted(
            names,
            key=lambda name: (
                f"test_{own}" not in name,
                not name.startswith(TELLING),
                self.took_s[name],
                name,
            ),
        )

    def affordable(self, tests: list[str]) -> list[str]:
        """As many of them as a mutant may cost."""
        spent = accumulate(self.took_s[name] for name in tests)
        return [name for name, cost in zip(tests, spent, strict=True) if cost <= COST_AT_MOST_S]


def _digest(tree: Path) -> str:
    files = sorted(
        path for room in ("src", "tests", "config", "docs") for path in (tree / room).rglob("*")
    )
    digest = hashlib.sha256()
    for path in files:
        if path.is_file():
            digest.update(f"{path.relative_to(tree)}\0".encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def _of_lines(lines: dict[str, list[int]], span: tuple[int, int]) -> set[int]:
    return {test for line in range(span[0], span[1] + 1) for test in lines.get(str(line), ())}


def _copied(tree: Path) -> Path:
    """The tree as it is now, so that nobody's edits get between a run's steps."""
    tree.mkdir()
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            (tree / name).write_bytes((ROOT / name).read_bytes())
    return tree


def _modules(tree: Path) -> list[str]:
    package = tree / "src" / "pinkslip"
    found = [
        path.relative_to(package).as_posix()
        for room in ROOMS
        for path in sorted((package / room).rglob("*.py"))
    ]
    return [module for module in found if not sys.argv[1:] or module in sys.argv[1:]]


def _pytest(
    tree: Path, plugins: Iterable[str], **environment: object
) -> tuple[list[str], dict[str, str]]:
    """A command and its environment."""
    named = [argument for plugin in plugins for argument in ("-p", f"tests.mutation.{plugin}")]
    settings = {
        f"PINKSLIP_TEST_MUTATION_{name.upper()}": str(value)
        for name, value in environment.items()
    }
    ours = {
        "PYTHONPATH": f"{tree / 'src'}:{tree}",
        "PYTHONHASHSEED": "0",
        "OPENBLAS_NUM_THREADS": "1",
    }
    return [sys.executable, *PYTEST, *named, *FOLDERS], {**os.environ, **ours, **settings}


def _verdicts(mutants: list[Mutant], reach: Reach, tree: Path, scratch: Path) -> dict[str, str]:
    results = Results.read(KEPT / "results.jsonl", tree, budget=str(COST_AT_MOST_S))
    verdicts, jobs = {}, {}
    for mutant in mutants:
        tests = reach.tests(mutant)
        known = (
            results.verdict(mutant.key, module=mutant.module, tests=tests)
            if tests
            else UNREACHED
        )
        if known is not None:
            verdicts[mutant.key] = known
        else:
            jobs[mutant.key] = (mutant, tests)
    print(f"{len(mutants)} mutants, {len(jobs)} to try", flush=True)
    in_any_order = dict(
        sorted(jobs.items())
    )  # by digest: a run that is stopped has tried a fair sample
    for key, verdict in _tried(in_any_order, reach, tree, scratch):
        mutant, tests = jobs[key]
        results.learn(key, verdict, module=mutant.module, tests=tests)
        verdicts[key] = verdict
    return verdicts


def _tried(
    jobs: dict[str, tuple[Mutant, list[str]]], reach: Reach, tree: Path, scratch: Path
) -> Iterator[tuple[str, str]]:
    """Verdicts, as they come."""
    if not jobs:
        return
    wanted = scratch / "jobs.json"
    wanted.write_text(json.dumps(_wanted(jobs, reach)))
    reads, writes = os.pipe()
    command, environment = _pytest(tree, ("suite", "trying"), jobs=wanted, results=writes)
    with subprocess.Popen(
        command, cwd=tree, env=environment, stdout=subprocess.DEVNULL, pass_fds=(writes,)
    ) as trying:
        os.close(writes)
        with os.fdopen(reads) as told:
            for line in told:
                key, verdict = json.loads(line)
                yield key, verdict
    if trying.returncode:
        raise SystemExit(f"trying mutants ended with {trying.returncode}")


def _wanted(jobs: dict[str, tuple[Mutant, list[str]]], reach: Reach) -> dict[str, Any]:
    """All jobs; mutants that the same tests reach share one list of them."""
    lists: dict[tuple[str, ...], int] = {}
    rows = []
    for mutant, tests in jobs.values():
        number = lists.setdefault(tuple(reach.affordable(tests)), len(lists))
        row = [
            mutant.key,
            mutant.module,
            mutant.function,
            mutant.first_line,
            mutant.source,
            number,
        ]
        rows.append(row)
    costs = [sum(reach.took_s[test] for test in tests) for tests in lists]
    return {"jobs": rows, "lists": list(lists), "costs": costs}


def _told(
    mutants: list[Mutant], verdicts: dict[str, str], reach: Reach, *, took_s: float
) -> int:
    by_module = defaultdict(Counter)
    for mutant in mutants:
        by_module[mutant.module][_kind(verdicts[mutant.key])] += 1
    for module, counts in sorted(by_module.items()):
        print(json.dumps(_figures(module, counts, [reach.coverage[module]])))
    ours = [reach.coverage[module] for module in by_module]
    total = _figures("all", sum(by_module.values(), Counter()), ours) | {
        "took_s": round(took_s)
    }
    print(json.dumps(total))
    left = [
        mutant for mutant in mutants if _kind(verdicts[mutant.key]) in {SURVIVED, UNREACHED}
    ]
    (KEPT / "survivors.txt").write_text("".join(sorted(f"{mutant.name}\n" for mutant in left)))
    surprising = unexplained((mutant.name for mutant in left), explained())
    for name in surprising:
        print(f"no reason: {name}")
    for test in sorted(reach.failed):
        print(f"failed before anything was changed: {test}")
    is_whole = not reach.failed and "broken" not in total
    is_enough = total["score"] >= SCORE_AT_LEAST and total["branches"] >= BRANCHES_AT_LEAST
    return int(not is_whole or not is_enough)


def _kind(verdict: str) -> str:
    return "killed" if verdict.startswith(KILLED) else verdict.partition(" ")[0]


def _figures(
    name: str, counts: Counter[str], coverages: list[dict[str, int]]
) -> dict[str, Any]:
    """Killed, of all that do anything: a crash and a run without end are noticed too."""
    noticed = counts["killed"] + counts["crashed"] + counts["timeout"]
    tried = noticed + counts["survived"] + counts["unreached"]
    branches = sum(each["num_branches"] for each in coverages)
    taken = sum(each["covered_branches"] for each in coverages)
    return {
        "module": name,
        "score": round(noticed / tried, 4) if tried else 1.0,
        **{
            kind: counts[kind]
            for kind in (
                "killed",
                "crashed",
                "timeout",
                "survived",
                "unreached",
                "equivalent",
                "broken",
            )
            if counts[kind]
        },
        "branches": round(taken / branches, 4) if branches else 1.0,
    }


if __name__ == "__main__":
    sys.exit(main())
