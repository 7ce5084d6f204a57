"""Mutants that no test notices and why that is right: `survivors.txt`, a reason and below it what it explains.

# A reason, in a sentence.
judge/kleene.py neutral: - one line as it is + the same line as changed
"""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

LIST = Path(__file__).with_suffix(".txt")


def explained(path: Path = LIST) -> dict[str, str]:
    """The reason of each name."""
    reasons, reason = {}, ""
    for line in path.read_text().splitlines() if path.exists() else []:
        if line.startswith("# "):
            reason = line.removeprefix("# ")
        elif line:
            reasons[line] = reason
    return reasons


def written(reasons: dict[str, str]) -> str:
    """The list as text, the commonest reason first."""
    sizes = Counter(reasons.values())
    parts = []
    for reason, _ in sorted(sizes.items(), key=lambda each: (-each[1], each[0])):
        names = sorted(name for name, why in reasons.items() if why == reason)
        parts.append("\n".join([f"# {reason}", *names]) + "\n")
    return "\n".join(parts)


def unexplained(names: Iterable[str], reasons: dict[str, str]) -> list[str]:
    """Survivors that nobody gave a reason for."""
    return sorted(set(names) - reasons.keys())
