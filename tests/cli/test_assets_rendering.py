"""The files of an installation: for its addresses, its job name, its roles."""

import json
from pathlib import Path

import pytest
import yaml
from tests.alerting.shipped import ALERTING, alerts
from tests.prometheus import Suite, check

from pinkslip.cli.assets import render
from pinkslip.model.errors import Invalid


def written(files: dict[str, str], directory: Path) -> Path:
    for name, text in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return directory


def severities(files: dict[str, str]) -> dict[str, str]:
    return {
        rule["alert"]: rule["labels"]["severity"]
        for name, text in files.items()
        if name.startswith("rules/")
        for group in yaml.safe_load(text)["groups"]
        for rule in group["rules"]
        if "alert" in rule
    }


class TestPrometheus:
    def test_the_defaults_change_nothing_that_matters(self) -> None:
        files = render("prometheus")

        for name, text in files.items():
            assert text == (ALERTING / name).read_text() or yaml.safe_load(
                text
            ) == yaml.safe_load((ALERTING / name).read_text())

    def test_address_and_job_are_mine(self, suite: Suite, tmp_path: Path) -> None:
        files = render(
            "prometheus",
            address="https://pinkslip.example:9443/team/",
            job="agents.prod",
            alertmanager="http://am.example:9093",
        )
        directory = written(files, tmp_path)
        (scrape,) = yaml.safe_load(files["prometheus.yml"])["scrape_configs"]

        check([suite.promtool, "check", "config", directory / "prometheus.yml"])
        assert scrape["job_name"] == "agents.prod"
        assert scrape["scheme"] == "https"
        assert scrape["metrics_path"] == "/team/metrics"
        assert scrape["static_configs"] == [{"targets": ["pinkslip.example:9443"]}]
        assert "am.example:9093" in files["prometheus.yml"]
        assert not [
            text
            for name, text in files.items()
            if name.startswith("rules/") and 'job="pinkslip"' in text
        ]

    def test_a_bare_host_and_port_is_an_address(self) -> None:
        assert (
            '"10.0.0.7:8740"' in render("prometheus", address="10.0.0.7:8740")["prometheus.yml"]
        )

    def test_the_rules_still_pass_their_unit_tests_under_another_job(
        self, suite: Suite, tmp_path: Path
    ) -> None:
        directory = written(render("prometheus", job="prod"), tmp_path)
        for path in (ALERTING / "tests").glob("*.yml"):
            text = path.read_text().replace('job="pinkslip"', 'job="prod"')
            written(
                {f"tests/{path.name}": text.replace("job: pinkslip", "job: prod")}, directory
            )

        check([suite.promtool, "test", "rules", *sorted((directory / "tests").glob("*.yml"))])

    def test_links_lead_where_they_are_told(self) -> None:
        text = render(
            "prometheus",
            grafana_url="https://grafana.example/",
            runbooks_url="https://wiki.example/p",
        )["rules/agents.yml"]

        assert "https://grafana.example/d/pinkslip-agent?" in text
        assert "https://wiki.example/p/PinkslipAgentHeartbeatStale.md" in text

    def test_every_runbook_comes_along(self) -> None:
        files = render("prometheus")

        assert {f"runbooks/{alert.name}.md" for alert in alerts()} <= files.keys()


class TestTickets:
    ROLES = ('night "shift"', "it's a \\ batch", "größte")

    @pytest.mark.parametrize("role", ROLES)
    def test_a_role_makes_its_silence_a_ticket_and_no_other(
        self, suite: Suite, tmp_path: Path, role: str
    ) -> None:
        directory = written(render("prometheus", ticket_roles=self.ROLES), tmp_path)
        unit_tests = {
            "mine.yml": _unit_test(role, "warning"),
            "other.yml": _unit_test("other", "critical"),
        }
        written(unit_tests, directory)

        check([suite.promtool, "test", "rules", *(directory / name for name in unit_tests)])

    def test_only_the_alerts_about_silence_go_by_role(self) -> None:
        by_role = {
            name
            for name, severity in severities(
                render("prometheus", ticket_roles=["batch"])
            ).items()
            if "$labels.role" in severity
        }

        assert by_role == {"PinkslipAgentHeartbeatStale", "PinkslipAgentsStaleShare"}

    def test_any_alert_can_be_made_a_ticket_by_name(self) -> None:
        plain = severities(render("prometheus"))
        asked = severities(render("prometheus", ticket_alerts=["PinkslipEnforcementStopped"]))

        assert plain["PinkslipEnforcementStopped"] == "critical"
        assert asked == {**plain, "PinkslipEnforcementStopped": "warning"}

    def test_an_alert_that_does_not_exist_is_refused_with_those_that_do(self) -> None:
        with pytest.raises(Invalid, match="no alert PinkslipTypo; there are Pinkslip"):
            render("prometheus", ticket_alerts=["PinkslipTypo"])


class TestStaleFactor:
    def test_another_grace_moves_the_limit(self, suite: Suite, tmp_path: Path) -> None:
        text = render("prometheus", stale_factor=4.5)["rules/agents.yml"]

        assert "4.5 * max by (workspace, agent)" in text
        assert "4.5 of its own intervals have passed" in text
        check([suite.promtool, "check", "rules", written({"r.yml": text}, tmp_path) / "r.yml"])

    @pytest.mark.parametrize("factor", [0.5, 0, -1, float("nan"), float("inf")])
    def test_nonsense_is_refused(self, factor: float) -> None:
        with pytest.raises(Invalid, match="stale factor"):
            render("prometheus", stale_factor=factor)


class TestAlertmanager:
    def test_pages_and_tickets_go_where_i_say(self, suite: Suite, tmp_path: Path) -> None:
        files = render(
            "alertmanager",
            page_url="https://pager.example/x?y=1",
            ticket_url="http://t.example/",
        )
        directory = written(files, tmp_path)
        receivers = {
            receiver["name"]: receiver["webhook_configs"][0]["url"]
            for receiver in yaml.safe_load(files["alertmanager.yml"])["receivers"]
        }

        check([suite.amtool, "check-config", directory / "alertmanager.yml"])
        assert receivers["pinkslip-page"] == "https://pager.example/x?y=1"
        assert receivers["pinkslip-ticket"] == "http://t.example/"


class TestGrafana:
    def test_dashboards_and_provisioning_come_together(self) -> None:
        files = render("grafana", prometheus_url="https://prometheus.example")

        assert [name for name in files if name.endswith(".json")] == [
            f"dashboards/{name}.json" for name in ("agent", "fleet", "pinkslip", "policies")
        ]
        assert "https://prometheus.example" in files["provisioning/datasources/pinkslip.yml"]
        assert yaml.safe_load(files["provisioning/dashboards/pinkslip.yml"])["apiVersion"] == 1

    def test_a_job_of_another_name_is_chosen_beforehand(self) -> None:
        fleet = json.loads(render("grafana", job="prod")["dashboards/fleet.json"])
        chosen = {v["name"]: v["current"] for v in fleet["templating"]["list"]}

        assert chosen["job"]["value"] == ["prod"]

    def test_links_lead_to_this_pinkslip(self) -> None:
        files = render(
            "grafana", address="10.0.0.7:8740", external_url="https://pinkslip.example"
        )

        assert "https://pinkslip.example/" in files["dashboards/fleet.json"]
        assert "127.0.0.1:8740" not in "".join(files.values())


class TestBadInput:
    @pytest.mark.parametrize(
        "address",
        [
            "",
            "ftp://x",
            "http://",
            "http://x y",
            'http://x"y',
            "http://x:notaport",
            "http://x\ny",
        ],
    )
    def test_an_address_that_is_no_url_is_refused(self, address: str) -> None:
        with pytest.raises(Invalid, match="is no http or https URL"):
            render("prometheus", address=address)

    @pytest.mark.parametrize("job", ["", 'a"b', "a b", "a\nb", "x" * 101, "{{ . }}"])
    def test_a_job_name_that_would_break_the_files_is_refused(self, job: str) -> None:
        with pytest.raises(Invalid, match="cannot be a job name"):
            render("grafana", job=job)

    def test_other_assets_are_refused_with_those_there_are(self) -> None:
        with pytest.raises(Invalid, match="there are prometheus, grafana, alertmanager"):
            render("zabbix")

    def test_a_role_with_a_line_break_is_refused(self) -> None:
        with pytest.raises(Invalid, match="holds a character"):
            render("prometheus", ticket_roles=["a\nb"])


def _unit_test(role: str, severity: str) -> str:
    """A promtool test: an agent of `role` goes silent, and that has `severity`."""
    at = {"job": "pinkslip", "instance": "a", "workspace": "default"}
    series = [
        ("pinkslip_evaluation_last_timestamp_seconds", at, "0+15x40"),
        ("pinkslip_observing_since_timestamp_seconds", at, "-9000x40"),
        ("pinkslip_agent_info", {**at, "agent": "a", "role": role}, "1x40"),
        ("pinkslip_agent_heartbeat_interval_seconds", {**at, "agent": "a"}, "30x40"),
        ("pinkslip_agent_last_heartbeat_timestamp_seconds", {**at, "agent": "a"}, "0x40"),
    ]
    found = {"alertname": "PinkslipAgentHeartbeatStale", "severity": severity}
    return yaml.safe_dump(
        {
            "rule_files": ["rules/agents.yml"],
            "evaluation_interval": "15s",
            "tests": [
                {
                    "interval": "15s",
                    "input_series": [
                        {"series": f"{name}{_braces(labels)}", "values": values}
                        for name, labels, values in series
                    ],
                    "promql_expr_test": [
                        {
                            "expr": "count by (alertname, severity) (ALERTS)",
                            "eval_time": "5m",
                            "exp_samples": [{"labels": _braces(found), "value": 1}],
                        }
                    ],
                }
            ],
        },
        allow_unicode=True,
    )


def _braces(labels: dict[str, str]) -> str:
    inside = ", ".join(
        f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in labels.items()
    )
    return f"{{{inside}}}"
