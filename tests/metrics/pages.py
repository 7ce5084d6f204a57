"""Reading a page back."""

import re
from collections import defaultdict
from collections.abc import Mapping

from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families as parse_openmetrics,
)
from prometheus_client.parser import text_string_to_metric_families as parse_text

from pinkslip.metrics.render import Page, Renderer
from pinkslip.metrics.text import Exposition

Key = tuple[str, tuple[tuple[str, str], ...]]
_LINE_END = re.compile("\n")


def read(page: bytes, *, is_openmetrics: bool = False) -> dict[Key, float]:
    """Every sample by name and labels, as prometheus-client reads it. Twice the same is an error."""
    parse = parse_openmetrics if is_openmetrics else parse_text
    samples: dict[Key, float] = {}
    for family in parse(page.decode()):
        for sample in family.samples:
            key = (sample.name, tuple(sorted(sample.labels.items())))
            assert key not in samples, f"{key} twice"
            samples[key] = sample.value
    return samples


def families(page: bytes) -> Mapping[str, list[str]]:
    """The lines of each family, sorted; a family that comes twice is an error."""
    found: dict[str, list[str]] = defaultdict(list)
    current = ""
    for line in _LINE_END.split(page.decode()):
        if line.startswith("# HELP "):
            current = line.split(" ")[2]
            assert current not in found, f"{current} twice"
        found[current].append(line)
    return {name: sorted(lines) for name, lines in found.items()}


def agents_on(page: bytes) -> dict[str, int]:
    """How many series of its own each agent has."""
    counted: dict[str, int] = defaultdict(int)
    for _, labels in read(page):
        for name, value in labels:
            if name == "agent":
                counted[value] += 1
    return dict(counted)


def text_page(renderer: Renderer, facts: object) -> bytes:
    """The text page of these facts."""
    page: Page = renderer.render(facts, Exposition.TEXT_0_0_4)  # type: ignore[arg-type]  # Facts
    return page.body
