"""Where an alert goes and what it is grouped with, asked of amtool."""

import pytest
import yaml
from tests.alerting.shipped import ALERTING, Rule, alerts
from tests.prometheus import Suite, check

CONFIGURATION = ALERTING / "alertmanager.yml"


def test_amtool_accepts_the_configuration(suite: Suite) -> None:
    check([suite.amtool, "check-config", CONFIGURATION])


@pytest.mark.parametrize("alert", alerts(), ids=lambda alert: alert.name)
@pytest.mark.parametrize(
    ("severity", "receiver"), [("critical", "pinkslip-page"), ("warning", "pinkslip-ticket")]
)
def test_severity_decides_between_page_and_ticket(
    suite: Suite, alert: Rule, severity: str, receiver: str
) -> None:
    reaches(suite, receiver, alertname=alert.name, severity=severity, job="pinkslip", role="r")


def test_an_alert_of_a_severity_nobody_knows_makes_a_ticket(suite: Suite) -> None:
    reaches(suite, "pinkslip-ticket", alertname="PinkslipNew", severity="info")


def reaches(suite: Suite, receiver: str, **labels: str) -> None:
    said = [f"{name}={value}" for name, value in labels.items()]
    ask = ("config", "routes", "test", f"--config.file={CONFIGURATION}")
    check([suite.amtool, *ask, f"--verify.receivers={receiver}", *said])


def test_alerts_are_grouped_by_workspace_and_role_never_by_agent() -> None:
    route = yaml.safe_load(CONFIGURATION.read_text())["route"]

    assert route["group_by"] == ["alertname", "job", "workspace", "role"]
    assert "group_by" not in str(route["routes"])


def test_inhibitions_name_alerts_that_exist() -> None:
    known = {alert.name for alert in alerts()}
    rules = yaml.safe_load(CONFIGURATION.read_text())["inhibit_rules"]
    matchers = [
        m for rule in rules for m in (*rule["source_matchers"], *rule["target_matchers"])
    ]
    named = {name for m in matchers for name in m.split('"')[1].split("|")}

    assert named - {"Pinkslip.+"} <= known
    assert all("job" in rule["equal"] for rule in rules)
