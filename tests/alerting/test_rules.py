"""The shipped rules: checked by promtool, tested by promtool, and held to the conventions of alerting."""

import re
from pathlib import Path

import pytest
from tests.alerting.shipped import (
    ALERTING,
    RULES,
    RUNBOOKS,
    UNIT_TESTS,
    Rule,
    alerts,
    rules,
)
from tests.prometheus import Suite, check
from tests.promql import metrics_of, selectors

from pinkslip.metrics.catalogue import CATALOGUE, sample_names

NOT_OURS = {"up"}
"""What Prometheus itself says of a target."""

RECORDED = {rule.name for rule in rules() if not rule.is_alert}


def named(rule: Rule) -> str:
    return rule.name


def test_promtool_accepts_rules_and_configuration(suite: Suite) -> None:
    check([suite.promtool, "check", "rules", "--lint=all", "--lint-fatal", *RULES])
    check([suite.promtool, "check", "config", ALERTING / "prometheus.yml"])


@pytest.mark.parametrize("path", UNIT_TESTS, ids=lambda path: path.stem)
def test_the_unit_tests_of_the_rules_pass(suite: Suite, path: Path) -> None:
    check([suite.promtool, "test", "rules", path])


def test_every_alert_is_unit_tested_with_what_it_says() -> None:
    tested = "".join(path.read_text() for path in UNIT_TESTS)

    assert [alert.name for alert in alerts() if f"{alert.name}.md" not in tested] == []


@pytest.mark.parametrize("rule", rules(), ids=named)
def test_rules_name_only_metrics_that_exist(rule: Rule) -> None:
    assert metrics_of(rule.expr) <= sample_names() | NOT_OURS | RECORDED


@pytest.mark.parametrize("rule", rules(), ids=named)
def test_rules_look_at_one_job_and_say_which(rule: Rule) -> None:
    assert {selector.matchers["job"] for selector in selectors(rule.expr)} == {"=pinkslip"}
    assert rule.said["labels"]["job"] == "pinkslip"


@pytest.mark.parametrize("rule", rules(), ids=named)
def test_rules_aggregate_the_instance_away(rule: Rule) -> None:
    """A raw selector at the top would make an alert per process."""
    raw = [
        selector.metric
        for selector in selectors(rule.expr)
        if selector.keeps_instance and selector.metric not in RECORDED
    ]

    assert raw == []


@pytest.mark.parametrize("alert", alerts(), ids=named)
def test_an_alert_says_all_that_a_person_needs(alert: Rule) -> None:
    said = alert.said["annotations"]

    assert alert.name.startswith("Pinkslip")
    assert alert.said["labels"]["severity"] in {"critical", "warning"}
    assert said["summary"].endswith(".")
    assert said["description"].endswith(".")
    assert said["dashboard_url"].startswith("http://127.0.0.1:3000/d/pinkslip-")
    assert said["runbook_url"] == f"runbooks/{alert.name}.md"


@pytest.mark.parametrize("alert", alerts(), ids=named)
def test_no_alert_changes_its_identity_with_its_value(alert: Rule) -> None:
    assert not [label for label in alert.said["labels"].values() if "$value" in label]


@pytest.mark.parametrize("alert", alerts(), ids=named)
def test_an_alert_compares_or_asks_for_absence(alert: Rule) -> None:
    compares = re.search(r"[<>]|[=!]= \d", alert.expr)
    reads_a_filter = "workspace_agent:pinkslip_agent_silence:seconds" in alert.expr

    assert compares or reads_a_filter or "absent(" in alert.expr


def test_each_alert_has_a_runbook_and_each_runbook_an_alert() -> None:
    assert [path.stem for path in RUNBOOKS] == sorted(alert.name for alert in alerts())


@pytest.mark.parametrize("path", RUNBOOKS, ids=lambda path: path.stem)
def test_a_runbook_says_what_it_means_what_to_look_at_and_what_to_do(path: Path) -> None:
    text = path.read_text()

    assert text.startswith(f"# {path.stem}\n")
    assert [line for line in text.splitlines() if line.startswith("## ")][:3] == [
        "## What it means",
        "## Look at",
        "## Do",
    ]
    assert re.search(r"`pinkslip [a-z]+|`(GET|POST) /", text), "it names none of our commands"


def test_per_agent_series_are_read_by_the_rule_about_agents_only() -> None:
    """Everything else reads aggregates, which stay whole when an agent has no series."""
    per_agent = {
        name for series in CATALOGUE if "agent" in series.labels for name in series.sample_names
    }
    readers = {rule.name for rule in rules() if metrics_of(rule.expr) & per_agent}

    assert readers == {
        "workspace_agent:pinkslip_agent_silence:seconds",
        "PinkslipAgentHeartbeatStale",
    }
