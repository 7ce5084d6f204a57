"""`docs/metrics.md`, written from the catalogue: `python -m pinkslip.metrics.document > docs/metrics.md`."""

import sys
from collections.abc import Iterator

from pinkslip.metrics.catalogue import (
    KNOWN_VALUES,
    PROCESS_SERIES,
    Group,
    Kind,
    Series,
    of_group,
    series_per_agent,
)
from pinkslip.metrics.selection import SeriesSettings

_INTRODUCTION = """\
# Metrics

Everything `/metrics` exports. This page is written from `src/pinkslip/metrics/catalogue.py`; a test compares them.

Formats: text 0.0.4 and 1.0.0, OpenMetrics 1.0.0, by the scraper's `Accept` header (q, then position); gzip where
`Accept-Encoding` lists it. No sample carries a timestamp, so a series that ends is stale at the next scrape.
Counters of the fleet and of agents come from the journal: they go on after a restart and never step back; those of
Pinkslip itself count from the start of the process. Every label with a fixed vocabulary is there from the start with
0, so `increase()` sees the first event.

Two jobs that scrape the same fleet must not add up: aggregate `instance` away, `max by (workspace, agent) (...)`.
"""

_TITLES = {
    Group.FLEET: "The fleet",
    Group.AGENT_CORE: "Each agent: core",
    Group.AGENT_FULL: "Each agent: full",
    Group.OURSELVES: "Pinkslip itself",
}

_WORDS = {
    Group.FLEET: """\
Always there, whatever becomes of single agents: what a finished or fired agent did stays counted. A role or model
an agent did not give is the empty value. A role starts at 0 once anybody here has it.
""",
    Group.AGENT_CORE: """\
For every agent whose rule says `core` or `full`. Names and words of an agent are on `pinkslip_agent_info` alone; join
them: `* on (workspace, agent) group_left (role, model) pinkslip_agent_info`.
""",
    Group.AGENT_FULL: """\
Added for agents whose rule says `full`.
""",
    Group.OURSELVES: """\
This process and what it is in charge of. Times are by the wall clock.
""",
}


def page() -> str:
    """The whole page."""
    return "\n".join(_parts())


def _parts() -> Iterator[str]:
    yield _INTRODUCTION
    yield from _cardinality()
    for group in Group:
        yield f"## {_TITLES[group]}\n"
        yield _WORDS[group]
        yield _table(group)
    yield "Process series come from prometheus-client as they are:\n"
    yield ", ".join(f"`{name}`" for name in PROCESS_SERIES) + ".\n"
    yield "## Labels with a fixed vocabulary\n"
    yield _vocabularies()


def _cardinality() -> Iterator[str]:
    core = series_per_agent(Group.AGENT_CORE)
    full = core + series_per_agent(Group.AGENT_FULL)
    settings = SeriesSettings()
    minutes = settings.ttl_ms // 60_000
    yield "## How many series\n"
    yield "Rules choose by agent how much it exports (`per_agent`); the first that matches decides, and who matches none gets `core`.\n"
    yield "| `per_agent` | series for one agent | for 1,000 agents | for 50,000 agents |"
    yield "|---|--:|--:|--:|"
    for name, count in (("off", 0), ("core", core), ("full", full)):
        yield f"| `{name}` | {count} | {count * 1_000:,} | {count * 50_000:,} |"
    yield ""
    yield "These are the most: what an agent never told (a heartbeat, progress, context used) has no series.\n"
    yield (
        f"The series of a finished or fired agent leave all together {minutes} minutes later (`series_ttl`), or when it "
        f"leaves memory. At most {settings.max_agents:,} agents have series (`max_agents_exported`): beyond "
        "that newcomers get none, `pinkslip_series_dropped_total` counts what they were refused, "
        "`pinkslip_agents_without_series` how many there are now, and whoever has series keeps them. Aggregates stay "
        "whole in any case.\n"
    )


def _table(group: Group) -> str:
    rows = ["| series | type | labels | meaning |", "|---|---|---|---|"]
    rows += [_row(series) for series in of_group(group)]
    return "\n".join((*rows, ""))


def _row(series: Series) -> str:
    labels = ", ".join(f"`{label}`" for label in series.labels) or "none"
    return f"| `{series.name}` | {_kind(series)} | {labels} | {series.help} |"


def _kind(series: Series) -> str:
    if series.kind is Kind.INFO:
        return "info (gauge in text)"
    return str(series.kind)


def _vocabularies() -> str:
    rows = ["| label | values |", "|---|---|"]
    for label, values in KNOWN_VALUES.items():
        rows.append(f"| `{label}` | {', '.join(f'`{value}`' for value in values)} |")
    return "\n".join((*rows, ""))


if __name__ == "__main__":
    sys.stdout.write(page())
