"""The table of series keeps the rules of naming, and the docs keep to the table."""

import re
from pathlib import Path

from pinkslip.metrics.catalogue import (
    CATALOGUE,
    KNOWN_VALUES,
    Group,
    Kind,
    sample_names,
    series_per_agent,
)
from pinkslip.metrics.document import page

ROOT = Path(__file__).parents[2]
TARGET_LABELS = frozenset(
    (
        "job",
        "instance",
        "service",
        "team",
        "env",
        "environment",
        "region",
        "zone",
        "cluster",
        "type",
    )
)
FREE_TEXT = frozenset(
    ("host", "task", "session", "error", "context", "lineage", "label", "event")
)


def test_names_are_unique_and_never_run_into_each_other() -> None:
    names = [name for series in CATALOGUE for name in {*series.sample_names, series.family}]

    assert len(names) == len(set(names))
    assert len(sample_names()) > len(CATALOGUE)


def test_names_follow_the_conventions() -> None:
    for series in CATALOGUE:
        assert re.fullmatch(r"pinkslip_[a-z][a-z0-9]*(_[a-z0-9]+)*", series.name)
        assert series.name.endswith("_total") == (series.kind is Kind.COUNTER)
        assert series.name.endswith("_info") == (series.kind is Kind.INFO)
        assert not series.name.endswith(("_bucket", "_count", "_sum", "_created"))
        assert not re.search("milli|percent|minutes|hours|_ms", series.name)
        assert series.family.endswith(series.unit)
        assert bool(series.buckets) == (series.kind is Kind.HISTOGRAM)


def test_help_is_one_sentence() -> None:
    for series in CATALOGUE:
        assert series.help.endswith(".")
        assert series.help[0].isupper() or series.help[0].isdigit()
        assert "\n" not in series.help


def test_labels_are_sorted_and_none_is_a_target_label_or_free_text() -> None:
    for series in CATALOGUE:
        assert list(series.labels) == sorted(set(series.labels))
        assert not {*series.labels} & TARGET_LABELS
        assert not {*series.labels} & FREE_TEXT
        assert not {*series.labels} & {"le", "quantile", series.name}


def test_whatever_belongs_to_a_workspace_says_so() -> None:
    for series in CATALOGUE:
        if series.group is not Group.OURSELVES:
            assert "workspace" in series.labels
        assert ("agent" in series.labels) == (
            series.group in (Group.AGENT_CORE, Group.AGENT_FULL)
        )


def test_known_values_belong_to_labels_in_use() -> None:
    assert KNOWN_VALUES.keys() <= {label for series in CATALOGUE for label in series.labels}


def test_docs_say_what_the_catalogue_says() -> None:
    written = (ROOT / "docs" / "metrics.md").read_text()

    assert written == page(), "write it again: python -m pinkslip.metrics.document"


def test_docs_give_the_number_of_series_per_agent() -> None:
    written = page()

    assert f"| `core` | {series_per_agent(Group.AGENT_CORE)} |" in written
    both = series_per_agent(Group.AGENT_CORE) + series_per_agent(Group.AGENT_FULL)
    assert f"| `full` | {both} |" in written
    assert "| `off` | 0 |" in written
