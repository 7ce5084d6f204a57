"""The shipped rules over the real service: silence becomes a page, a restart becomes nobody's fault."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import pytest
from tests.alerting.chain import hastened_rules, routes
from tests.prometheus import Notification, Stack, Watched, wait_for
from tests.running import Running, serving
from tests.system import policies

JOB = "service"
INTERVAL_S = 1
GRACE_S = 3 * INTERVAL_S
LONGER_THAN_EVERY_LIMIT_S = 11
"""Grace, tick, scrape, rule and group_wait of these tests come to nine seconds."""
SETTINGS = {"tick": "1s"}


class Beating:
    """A thread that beats for some agents, each second, as long as they are among the living."""

    def __init__(self, *agents: str) -> None:
        self.living = set(agents)
        self._service: Running | None = None
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def report_to(self, service: Running) -> None:
        self._service = service

    def _run(self) -> None:
        while not self._ended.wait(INTERVAL_S / 2):
            for agent in sorted(self.living):
                self._beat(agent)

    def _beat(self, agent: str) -> None:
        if self._service is None:
            return
        try:
            self._service.beat(agent, **introduced(agent))
        except OSError:
            return  # the service is away: a heartbeat is lost, as with a real reporter


def introduced(agent: str, status: str = "WORKING") -> dict[str, object]:
    return {"status": status, "interval": INTERVAL_S, "role": "developer", "bootId": agent}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("service")


@pytest.fixture(scope="module")
def beating() -> Iterator[Beating]:
    with Beating("beats", "silent", "doomed") as beating:
        yield beating


@pytest.fixture(scope="module")
def service(home: Path, beating: Beating, prometheus_stack: Stack) -> Iterator[Running]:
    """Three agents that beat, one that waits for its user, one that finished; all watched, one of them judged."""
    judged = policies.GUARDS + policies.UNRESPONSIVE.replace(
        "{status: [IDLE, WORKING, ERROR]}",
        "{status: [IDLE, WORKING, ERROR], agent: ~doomed|waiting|finished}",
    ).replace("for: 1s", "for: 12s")
    file = policies.write(home, judged)
    with serving(home, settings=SETTINGS, policies=file) as service:
        beating.report_to(service)
        service.beat("waiting", **introduced("waiting", "WAITING"))
        service.beat("finished", **introduced("finished"))
        service.finish("finished", context="done", bootId="finished")
        stack = prometheus_stack
        stack.alertmanager.configure(routes(stack.receiver))
        stack.prometheus.watch({JOB: Watched(service.address, rules=hastened_rules(JOB))})
        yield service
        if JOB in stack.prometheus.jobs:
            stack.prometheus.forget(JOB)


def told(stack: Stack) -> list[Notification]:
    return stack.receiver.calls(job=JOB)


def test_an_agent_that_goes_silent_pages_and_nobody_else_does(
    service: Running, beating: Beating, prometheus_stack: Stack
) -> None:
    time.sleep(2 * GRACE_S)
    assert told(prometheus_stack) == []

    beating.living.remove("silent")
    wait_for(lambda: told(prometheus_stack), what="the page about the silent agent")

    (page,) = told(prometheus_stack)
    assert page.path == "/page"
    assert page.group["alertname"] == "PinkslipAgentHeartbeatStale"
    assert page.group["role"] == "developer"
    assert page.agents() == ["silent"]

    beating.living.add("silent")
    wait_for(
        lambda: not told(prometheus_stack)[-1].is_firing,
        what="the end of the page once the agent beats again",
    )


def test_pinkslips_own_policy_fires_the_one_that_stays_silent_and_its_page_ends(
    service: Running, beating: Beating, prometheus_stack: Stack
) -> None:
    before = len(told(prometheus_stack))

    beating.living.remove("doomed")
    wait_for(lambda: told(prometheus_stack)[before:], what="the page about the doomed agent")
    wait_for(
        lambda: service.agent("doomed")["standing"] == "fired", what="the policy to fire it"
    )
    wait_for(
        lambda: not told(prometheus_stack)[-1].is_firing,
        what="the end of the page: who is fired is nobody to wait for",
    )

    assert told(prometheus_stack)[before].agents() == ["doomed"]
    (decision,) = service.decisions("&verdict=fired")
    assert (decision["agentId"], decision["policy"]) == ("doomed", "unresponsive")
    assert service.agent("waiting")["standing"] == "active"
    assert service.agent("finished")["standing"] == "active"


def test_a_stop_longer_than_every_limit_pages_once_for_the_monitor_and_for_no_agent(
    service: Running, beating: Beating, home: Path, prometheus_stack: Stack
) -> None:
    before = len(told(prometheus_stack))
    service.stop()
    time.sleep(LONGER_THAN_EVERY_LIMIT_S)
    with serving(home, settings=SETTINGS, listen=service.address) as again:
        beating.report_to(again)
        time.sleep(LONGER_THAN_EVERY_LIMIT_S)
        prometheus_stack.prometheus.forget(JOB)

    after = told(prometheus_stack)[before:]
    assert [(call.group["alertname"], call.body["status"]) for call in after] == [
        ("PinkslipMonitorAbsent", "firing"),
        ("PinkslipMonitorAbsent", "resolved"),
    ]
