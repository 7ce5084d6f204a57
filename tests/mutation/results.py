"""What became of each mutant, kept between runs so that only what changed is tried again.

A kill is believed for as long as the changed function, its module and the killing test's file are what they were;
anything else, for as long as the module and the file of every test that reaches the change are.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

KILLED = "killed "


@dataclass(slots=True)
class Results:
    """Verdicts, each with a digest of what it rests on."""

    path: Path
    tree: Path
    budget: str = ""
    """What those that nobody noticed were tried for: a larger one tries them again."""
    known: dict[str, tuple[str, str]] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path, tree: Path, *, budget: str = "") -> "Results":
        """As the runs before left them."""
        results = cls(path, tree, budget)
        for line in path.read_text().splitlines() if path.exists() else []:
            key, verdict, rests_on = json.loads(line)
            results.known[key] = (verdict, rests_on)
        return results

    def verdict(self, key: str, *, module: str, tests: Iterable[str]) -> str | None:
        """What is known of a mutant and still holds."""
        verdict, rests_on = self.known.get(key, ("", ""))
        is_valid = verdict and rests_on == self._digest(verdict, module, tests)
        return verdict if is_valid else None

    def learn(self, key: str, verdict: str, *, module: str, tests: Iterable[str]) -> None:
        """Remember, and write it down at once: a run that is stopped loses nothing."""
        self.known[key] = (verdict, self._digest(verdict, module, tests))
        with self.path.open("a") as file:
            file.write(json.dumps([key, *self.known[key]]) + "\n")

    def forget_all_but(self, keys: Iterable[str]) -> None:
        """Write the file anew, without mutants that are no more."""
        kept = {key: self.known[key] for key in keys if key in self.known}
        self.path.write_text(
            "".join(json.dumps([key, *known]) + "\n" for key, known in kept.items())
        )

    def _digest(self, verdict: str, module: str, tests: Iterable[str]) -> str:
        is_killed = verdict.startswith(KILLED)
        told = [verdict.removeprefix(KILLED)] if is_killed else tests
        files = {self.tree / test.partition("::")[0] for test in told}
        files.add(self.tree / "src" / "pinkslip" / module)
        rests_on = "".join(map(_content, sorted(files))) + ("" if is_killed else self.budget)
        return hashlib.sha256(rests_on.encode()).hexdigest()[:16]


@cache
def _content(path: Path) -> str:
    data = path.read_bytes() if path.exists() else b""
    return hashlib.sha256(data).hexdigest()
