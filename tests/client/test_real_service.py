"""The reporter and the real service understand each other, also when the service dies in between."""

from pathlib import Path
from urllib.parse import urlsplit

import pytest
from tests.running import eventually, serving, start

from pinkslip.client import Fired, Reporter

NAME = "dev/1 ü"
PATH = "dev%2F1%20%C3%BC"


class ProviderDown(Exception):
    pass


def test_everything_a_reporter_says_arrives_as_meant(tmp_path: Path) -> None:
    with serving(tmp_path) as service:
        reporter = Reporter(
            "dev/1 ü",
            url=service.url,
            name="Dev",
            model="zai/glm-4.7",
            role="developer",
            labels={"team": "red"},
            interval=2,
        )
        with reporter:
            eventually(lambda: service.get(f"/api/agents/{PATH}").status == 200)
            for number in range(6):
                with reporter.task("fix", task_id=str(number)) as task:
                    task.tokens(100, 20)
                    task.cost(0.5)
                    task.score(0.5)
            with pytest.raises(ProviderDown), reporter.task("fix") as task:  # noqa: PT012 - the block is the subject
                task.fault("provider")
                raise ProviderDown("503")
            with reporter.task("fix") as task:
                task.result("refused")
            reporter.outcome("cancelled", event_id="mine", duration_ms=5)
            reporter.outcome("cancelled", event_id="mine", duration_ms=5)
            reporter.progress(7)
            reporter.context_used(0.25)
            with reporter.waiting():
                eventually(lambda: service.agent(NAME)["status"] == "WAITING")
            waited = service.agent(NAME)

        agent = service.agent(NAME)

    assert (waited["progress"], waited["contextUsed"], waited["interval"]) == (7, 0.25, 2)
    assert (agent["name"], agent["model"], agent["role"]) == ("Dev", "zai/glm-4.7", "developer")
    assert agent["labels"] == {"team": "red"}
    assert agent["metrics"]["totalTasks"] == 9
    assert agent["metrics"]["successfulTasks"] == 6
    assert agent["totals"]["failedByFault"]["provider"] == 1
    assert agent["totals"]["failedByFault"]["agent"] == 1
    assert (agent["totals"]["tokensIn"], agent["totals"]["tokensOut"]) == (600, 120)
    assert agent["totals"]["costUsd"] == 3.0
    assert agent["lastError"] == "ProviderDown: 503"
    assert agent["finishedAt"] is not None
    assert agent["terminatedAt"] is None
    assert reporter.counts.refused == 0


def test_outcomes_outlive_a_service_that_is_killed_and_count_once(tmp_path: Path) -> None:
    service = start(tmp_path)
    listen = urlsplit(service.url).netloc
    reporter = Reporter("dev-1", url=service.url, interval=1)
    try:
        for _ in range(300):
            reporter.outcome("success")
        eventually(lambda: reporter.counts.delivered)
        service.kill()
        for _ in range(300):
            reporter.outcome("success")
        service = start(tmp_path, listen=listen)

        eventually(lambda: reporter.counts.delivered == 600)
        eventually(lambda: service.agent("dev-1")["metrics"]["totalTasks"] == 600)
        assert reporter.counts.dropped == reporter.counts.refused == 0
    finally:
        reporter.close()
        service.stop()


def test_a_person_fires_and_the_next_process_under_the_id_is_refused(tmp_path: Path) -> None:
    with serving(tmp_path) as service:
        first = Reporter("dev-1", url=service.url, interval=1, exit_when_fired=False)
        eventually(lambda: service.ask("GET", "/api/agents/dev-1").status == 200)
        assert service.post("/api/agents/dev-1/fire", {"reason": "derailed"}).status == 200
        eventually(lambda: first.fired)

        def delivery() -> object:
            [fire] = service.agent("dev-1")["fireHistory"]
            return fire["deliveries"][0]["state"]

        eventually(lambda: delivery() == "confirmed")
        second = Reporter("dev-1", url=service.url, interval=1, exit_when_fired=False)
        eventually(lambda: second.fired)

        with pytest.raises(Fired, match="derailed"):
            first.heartbeat_point()
        with pytest.raises(Fired, match="derailed"):
            second.heartbeat_point()
        assert service.agent("dev-1")["firedCount"] == 1
        first.close()
        second.close()
