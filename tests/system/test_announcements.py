"""A real service tells a real Alertmanager what stands, on what evidence and how to stop it, and when it is over."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.prometheus import Alertmanager, running_alertmanager, running_receiver
from tests.running import Running, eventually, serving

ROUTES = """
route: {receiver: all, group_by: [alertname, agent, policy], group_wait: 0s, group_interval: 1s}
receivers: [{name: all, webhook_configs: [{url: "%s/page", send_resolved: true}]}]
"""
POLICIES = """\
version: 1
guards:
  newborn: {age: 0s, tasks: 0}
  max_fired: {share: 50%, per: 1h, at_least: 5}
  min_active: 0
policies:
  - name: under
    reason: dumb
    when: proven(success < 70%, error=1%)
    action: fire
    notice: 10m
    mode: enforce
    severity: page
    labels: {team: core}
  - name: stubborn
    reason: obstinate
    when: refusals[20 tasks] >= 3
    action: fire
    approval: true
    mode: enforce
  - name: off-course
    reason: derailed
    when: off_track[20 tasks] >= 3
    action: fire
    mode: enforce
"""


def fails(service: Running, agent: str, result: str, count: int) -> None:
    service.beat(agent, role="developer", interval=60)
    service.events(
        *({"type": "outcome", "agentId": agent, "result": result} for _ in range(count))
    )


def alert_about(manager: Alertmanager, name: str, agent: str) -> Callable[[], Any]:
    def found() -> Any:
        return next(iter(manager.alerts(alertname=name, agent=agent)), None)

    return found


def test_notices_questions_and_fires_are_told_with_their_evidence_and_end_when_they_do(
    tmp_path: Path,
) -> None:
    policies = tmp_path / "policies.yaml"
    policies.write_text(POLICIES)
    with (
        running_receiver() as receiver,
        running_alertmanager(tmp_path / "am", configuration=ROUTES % receiver.url) as manager,
        serving(
            tmp_path / "service",
            policies=policies,
            settings={"tick": "300ms", "alertmanager": manager.url, "resend": "2s"},
        ) as service,
    ):
        fails(service, "dev-1", "failure", 12)
        fails(service, "dev-2", "refused", 3)
        fails(service, "dev-3", "off_track", 3)

        notice = eventually(alert_about(manager, "PinkslipAgentOnNotice", "dev-1"))
        question = eventually(alert_about(manager, "PinkslipApprovalAsked", "dev-2"))
        fire = eventually(alert_about(manager, "PinkslipAgentFired", "dev-3"))

        assert notice["labels"] | {"team": "core", "severity": "page"} == notice["labels"]
        said = notice["annotations"]
        assert "will be fired as underperforming" in said["summary"]
        assert "0 of 12 tasks succeeded" in said["description"]
        assert said["decision"].startswith(service.url + "/decisions/")
        assert said["veto"] == said["decision"] + "#veto"
        assert "approve" in question["annotations"]
        assert "was fired as off track" in fire["annotations"]["summary"]
        eventually(lambda: receiver.firing(alertname="PinkslipAgentOnNotice", agent="dev-1"))

        decision = said["decision"].rpartition("/")[2]
        page = service.get(f"/decisions/{decision}")
        assert page.status == 200
        assert "dev-1" in page.body
        vetoed = service.post(f"/api/decisions/{decision}/veto", {"context": "wrong data"})
        assert vetoed.status == 200, vetoed
        asked = question["annotations"]["decision"].rpartition("/")[2]
        approved = service.post(f"/api/decisions/{asked}/approve", {"context": "yes"})
        assert approved.status == 200, approved

        eventually(alert_about(manager, "PinkslipAgentFired", "dev-2"))
        for name, agent in (
            ("PinkslipAgentOnNotice", "dev-1"),
            ("PinkslipApprovalAsked", "dev-2"),
        ):
            eventually(
                lambda name=name, agent=agent: [  # type: ignore[misc]  # the loop's own values
                    call
                    for call in receiver.calls(alertname=name, agent=agent)
                    if not call.is_firing
                ]
            )
        assert service.agent("dev-1")["standing"] == "active"


def test_two_vetoes_within_a_day_put_the_policy_into_shadow_and_page(tmp_path: Path) -> None:
    policies = tmp_path / "policies.yaml"
    policies.write_text(POLICIES)
    with (
        running_receiver() as receiver,
        running_alertmanager(tmp_path / "am", configuration=ROUTES % receiver.url) as manager,
        serving(
            tmp_path / "service",
            policies=policies,
            settings={"tick": "300ms", "alertmanager": manager.url, "resend": "2s"},
        ) as service,
    ):
        for agent in ("dev-1", "dev-2"):
            fails(service, agent, "failure", 12)
        for agent in ("dev-1", "dev-2"):
            alert = eventually(alert_about(manager, "PinkslipAgentOnNotice", agent))
            decision = alert["annotations"]["decision"].rpartition("/")[2]
            service.post(f"/api/decisions/{decision}/veto", {"context": "no"})

        (demoted,) = eventually(lambda: manager.alerts(alertname="PinkslipPolicyDemoted"))
        assert demoted["labels"]["policy"] == "under"
        fails(service, "dev-3", "failure", 12)
        eventually(lambda: service.decisions("&verdict=shadowed&agentId=dev-3"))

        restored = service.post("/api/policies/under/restore", {"context": "read the data"})
        assert restored.status == 200, restored
        eventually(
            lambda: [
                call
                for call in receiver.calls(alertname="PinkslipPolicyDemoted")
                if not call.is_firing
            ]
        )
