"""The alerting files as the repository ships them, for the tests that look at them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ALERTING = Path(__file__).parents[2] / "alerting"
RULES = sorted((ALERTING / "rules").glob("*.yml"))
UNIT_TESTS = sorted((ALERTING / "tests").glob("*.yml"))
RUNBOOKS = sorted((ALERTING / "runbooks").glob("*.md"))


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule with the file it stands in."""

    file: str
    said: dict[str, Any]

    @property
    def name(self) -> str:
        return str(self.said.get("alert") or self.said["record"])

    @property
    def is_alert(self) -> bool:
        return "alert" in self.said

    @property
    def expr(self) -> str:
        return str(self.said["expr"])


def rules() -> list[Rule]:
    return list(_rules())


def alerts() -> list[Rule]:
    return [rule for rule in _rules() if rule.is_alert]


def _rules() -> Iterator[Rule]:
    for path in RULES:
        for group in yaml.safe_load(path.read_text())["groups"]:
            for rule in group["rules"]:
                yield Rule(path.name, rule)


def hastened(text: str) -> str:
    """Rules that wait a second where they wait minutes, so that a test need not."""
    text = re.sub(r"\bfor: \w+", "for: 1s", text)
    text = re.sub(r"\bkeep_firing_for: \w+", "keep_firing_for: 1s", text)
    return re.sub(r"\binterval: \w+", "interval: 1s", text)
