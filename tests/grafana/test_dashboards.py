"""The dashboards as checked in: what the generator writes, and what the dashboard linter's rules ask for."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from grafana.generate import DASHBOARDS, HERE, differing, main, texts
from tests.grafana.panels import Question, questions
from tests.promql import Selector, selectors, with_macros

from pinkslip.metrics.catalogue import CATALOGUE, Kind, sample_names

FILES = sorted(HERE.glob("*.json"))
OF_PROMETHEUS = {"up", "scrape_samples_scraped", "scrape_duration_seconds"}
"""What Prometheus itself says of a target."""
COUNTERS = {
    name
    for series in CATALOGUE
    for name in series.sample_names
    if series.kind in {Kind.COUNTER, Kind.HISTOGRAM, Kind.SUMMARY}
} | {"process_cpu_seconds_total"}
PER_AGENT = {name for s in CATALOGUE if "agent" in s.labels for name in s.sample_names}
MIXED = {"datasource": {"type": "prometheus", "uid": "${datasource}"}}
VARIABLES = {"job": ".+", "workspace": ".+", "role": ".*", "instance": ".+", "agent": "a"}


def of_file(path: Path) -> str:
    return path.stem


def load(path: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(path.read_text())
    return loaded


def panels(dashboard: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Every panel, those of collapsed rows too, rows left out."""
    for panel in dashboard["panels"]:
        yield from panel.get("panels", [])
        if panel["type"] != "row":
            yield panel


class TestGenerated:
    def test_what_is_checked_in_is_what_the_generator_writes(self) -> None:
        assert differing() == [], "run: python -m grafana.generate"
        assert {path.name for path in FILES} == set(DASHBOARDS)

    def test_the_check_says_so_and_changes_nothing(self) -> None:
        assert main(["--check"]) == 0

    def test_writing_twice_gives_the_same_bytes(self) -> None:
        assert texts() == texts()


@pytest.mark.parametrize("path", FILES, ids=of_file)
class TestDashboard:
    def test_needs_nothing_but_a_prometheus(self, path: Path) -> None:
        dashboard = load(path)

        assert not {"__inputs", "__requires", "id", "version", "iteration"} & dashboard.keys()
        first = dashboard["templating"]["list"][0]
        assert (first["name"], first["type"], first["query"], first["label"]) == (
            "datasource",
            "datasource",
            "prometheus",
            "Data source",
        )

    def test_has_the_variables_job_workspace_and_role(self, path: Path) -> None:
        variables = {v["name"]: v for v in load(path)["templating"]["list"]}

        assert {"job", "workspace", "role"} <= variables.keys()
        assert variables["job"]["label"] == "Job"
        assert variables["job"]["multi"]
        assert variables["job"]["includeAll"]
        assert variables["job"]["allValue"] == ".+"

    def test_variables_ask_the_chosen_source_again_when_the_time_changes(
        self, path: Path
    ) -> None:
        for variable in load(path)["templating"]["list"][1:]:
            assert variable["refresh"] == 2
            assert variable["datasource"]["uid"] == "${datasource}"

    def test_is_not_editable_and_keeps_its_uid(self, path: Path) -> None:
        dashboard = load(path)

        assert dashboard["editable"] is False
        assert re.fullmatch(r"[A-Za-z0-9_-]{1,40}", dashboard["uid"])
        assert dashboard["uid"].startswith("pinkslip-")
        assert dashboard["title"]
        assert dashboard["description"].endswith(".")

    def test_every_panel_says_what_it_shows_and_in_which_unit(self, path: Path) -> None:
        for panel in panels(load(path)):
            assert panel["title"]
            assert panel["description"].endswith("."), panel["title"]
            assert panel["fieldConfig"]["defaults"]["unit"], panel["title"]
            assert panel["fieldConfig"]["defaults"]["thresholds"]["steps"], panel["title"]

    def test_every_panel_asks_the_chosen_source(self, path: Path) -> None:
        for panel in panels(load(path)):
            assert panel["datasource"] == MIXED["datasource"]
            assert panel["targets"], panel["title"]
            assert all(t["datasource"] == MIXED["datasource"] for t in panel["targets"])

    def test_panels_and_queries_are_told_apart(self, path: Path) -> None:
        dashboard = load(path)
        shown = [*panels(dashboard), *(p for p in dashboard["panels"] if p["type"] == "row")]

        assert len({p["id"] for p in shown}) == len(shown)
        assert len({p["title"] for p in shown}) == len(shown)
        for panel in panels(dashboard):
            names = [target["refId"] for target in panel["targets"]]
            assert len(set(names)) == len(names), panel["title"]

    def test_panels_lie_within_the_grid_and_not_on_each_other(self, path: Path) -> None:
        taken: set[tuple[int, int]] = set()
        for panel in load(path)["panels"]:
            place = panel["gridPos"]
            cells = {
                (x, y)
                for x in range(place["x"], place["x"] + place["w"])
                for y in range(place["y"], place["y"] + place["h"])
            }
            assert place["x"] + place["w"] <= 24, panel["title"]
            assert not cells & taken, panel["title"]
            taken |= cells

    def test_tooltips_of_lines_show_every_series_and_the_crosshair_is_shared(
        self, path: Path
    ) -> None:
        dashboard = load(path)

        assert dashboard["graphTooltip"] == 1
        for panel in panels(dashboard):
            if panel["type"] == "timeseries":
                assert panel["options"]["tooltip"]["mode"] == "multi"

    def test_links_lead_to_our_dashboards_with_what_was_chosen(self, path: Path) -> None:
        dashboard = load(path)
        uids = {d.uid for d in DASHBOARDS.values()}

        assert set(re.findall(r"/d/([\w-]+)", path.read_text())) <= uids
        siblings = dashboard["links"][0]
        assert siblings["tags"] == ["pinkslip"]
        assert siblings["includeVars"]
        assert siblings["keepTime"]
        assert "pinkslip" in dashboard["tags"]

    def test_a_table_names_columns_that_its_queries_answer_with(self, path: Path) -> None:
        for panel in panels(load(path)):
            if panel["type"] != "table":
                continue
            names = {f"Value #{t['refId']}" for t in panel["targets"]} | {"Value"}
            columns = panel["transformations"][1]["options"]["include"]["names"]
            labels = {column for column in columns if not column.startswith("Value")}
            assert set(columns) - labels <= names
            for label in labels:
                for target in panel["targets"]:
                    kept = re.search(rf"\b{label}\b", target["expr"])
                    assert kept, f"{panel['title']}: {label} is lost in {target['expr']}"


class TestQueries:
    """All of them at once; what a claim is about is in the list that should be empty."""

    def test_read_only_metrics_that_exist(self) -> None:
        unknown = {
            q.place: missing
            for q in questions()
            if (missing := {s.metric for s in _read(q)} - sample_names() - OF_PROMETHEUS)
        }

        assert unknown == {}

    def test_look_at_the_chosen_jobs(self) -> None:
        elsewhere = [
            q.place
            for q in questions()
            if not q.place.endswith("$job")
            and any(s.matchers["job"] != "=~$job" for s in _as_written(q.expr))
        ]

        assert elsewhere == []

    def test_read_counters_through_rate_or_increase(self) -> None:
        bare = [
            f"{q.place}: {s.metric}"
            for q in questions()
            for s in _read(q)
            if s.metric in COUNTERS and not {"rate", "increase"} & set(s.functions)
        ]

        assert bare == []

    def test_windows_follow_the_scrape_interval_or_the_time_shown(self) -> None:
        windows = {w for q in questions() for w in re.findall(r"\[([^\]]*)\]", q.expr)}

        assert windows == {"$__rate_interval", "$__range"}

    def test_aggregate_the_instance_away_where_it_is_not_asked_for(self) -> None:
        """Pinkslip's own dashboard has a variable for it: there, one looks at processes."""
        kept = [
            f"{q.place}: {s.metric}"
            for q in questions()
            if not q.place.startswith("pinkslip.json")
            for s in _read(q)
            if s.keeps_instance
        ]

        assert kept == []


def _read(question: Question) -> list[Selector]:
    return selectors(with_macros(question.expr, VARIABLES))


def _as_written(expression: str) -> list[Selector]:
    """Selectors with the dashboard's variables still in their matchers."""
    ranges = {"__rate_interval": "1m", "__range": "1h"}
    return selectors(with_macros(expression, ranges))


def test_per_agent_series_appear_on_the_agent_dashboard_and_in_one_bounded_table() -> None:
    elsewhere = {
        question.place
        for question in questions()
        if not question.place.startswith("agent.json")
        and {s.metric for s in selectors(with_macros(question.expr, VARIABLES))} & PER_AGENT
    }

    assert elsewhere == {"fleet.json: Silent the longest [0]"}
    assert [q.expr[:8] for q in questions() if q.place in elsewhere] == ["topk(20,"]


@pytest.mark.parametrize("path", FILES, ids=of_file)
def test_annotations_parse_and_read_what_exists(path: Path) -> None:
    for annotation in load(path)["annotations"]["list"]:
        found = {s.metric for s in selectors(with_macros(annotation["expr"], VARIABLES))}
        assert found <= sample_names()


def test_every_series_of_the_fleet_and_of_ourselves_is_on_some_dashboard() -> None:
    """What nobody looks at need not be exported."""
    shown = {s.metric for q in questions() for s in selectors(with_macros(q.expr, VARIABLES))}
    unseen = {series.name for series in CATALOGUE if not shown & set(series.sample_names)}

    assert (
        unseen
        == {
            "pinkslip_agent_progress_timestamp_seconds",  # for rules of one's own; the panel shows the number
            "pinkslip_agent_task_duration_distribution_seconds",  # likewise; the mean is shown
        }
    )


def test_provisioning_is_what_grafana_reads() -> None:
    base = HERE.parent / "provisioning"
    providers = yaml.safe_load((base / "dashboards/pinkslip.yml").read_text())
    sources = yaml.safe_load((base / "datasources/pinkslip.yml").read_text())

    assert providers["apiVersion"] == sources["apiVersion"] == 1
    assert providers["providers"][0]["type"] == "file"
    assert providers["providers"][0]["allowUiUpdates"] is False
    assert sources["datasources"][0]["type"] == "prometheus"
    assert sources["datasources"][0]["jsonData"]["httpMethod"] == "POST"
