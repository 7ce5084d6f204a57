"""The whole way of an alert on real parts: a page, Prometheus, our rules, Alertmanager, a webhook receiver.

The rules are the shipped ones, rendered for one job per test and hastened; so are the routes.
"""

import time
from collections.abc import Callable, Iterator

import pytest
from tests.alerting.chain import hastened_rules, routes
from tests.alerting.pages import Agent, Fleet
from tests.prometheus import Notification, Stack, Watched, wait_for

SETTLED_S = 4.0
"""Longer than scrape, rule, group_wait and group_interval together: what has not come by then will not come."""

HUNDRED = tuple(Agent(name=f"silent-{n:03}", silent_s=600) for n in range(100))
QUIETLY = (
    Agent(name="waiting", silent_s=600, is_exempt=True),
    Agent(name="finished", silent_s=600, is_exempt=True),
    Agent(name="slow", silent_s=600, interval_s=300),
    Agent(name="mute", silent_s=None),
    Agent(name="well"),
)
TEN = HUNDRED[:10]
ELSEWHERE = Agent(name="elsewhere", role="researcher", silent_s=600)

STARTS = {
    "grouping": Fleet(agents=(*HUNDRED, *QUIETLY, ELSEWHERE)),
    "tickets": Fleet(agents=(Agent(name="night", role="batch", silent_s=600), ELSEWHERE)),
    "panic": Fleet(
        agents=(*TEN, ELSEWHERE), stale={"developer": 10}, panic=frozenset({"developer"})
    ),
    "share": Fleet(agents=(*TEN, ELSEWHERE), stale={"developer": 10}),
    "absent": Fleet(agents=(Agent(name="well"),)),
    "zombies": Fleet(agents=(Agent(name="well"),), zombies={"developer": 2}),
}


class Watch:
    """The stack with one page per job on it."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.receiver = stack.receiver
        self.settled_at = 0.0

    def start(self) -> None:
        for job, fleet in STARTS.items():
            self.show(job, fleet)
        self.settled_at = time.monotonic() + 2 * SETTLED_S

    def settle(self) -> None:
        """Wait until whatever the first pages cause has happened. Only the first caller waits."""
        time.sleep(max(0.0, self.settled_at - time.monotonic()))

    def show(self, job: str, fleet: Fleet) -> None:
        self.stack.page.show(f"/{job}", lambda: fleet.text(time.time()))

    def firing(self, job: str) -> set[str]:
        return self.stack.prometheus.firing(job)

    def pages(self, job: str, alert: str, **labels: str) -> list[Notification]:
        return self.receiver.firing(job=job, alertname=alert, **labels)

    def page(self, job: str, alert: str, **labels: str) -> Notification:
        """The first one, waited for."""
        return self._first(lambda: self.pages(job, alert, **labels), f"{alert} of {job}")

    def resolved(self, job: str, alert: str) -> Notification:
        return self._first(
            lambda: [
                call
                for call in self.receiver.calls(job=job, alertname=alert)
                if not call.is_firing
            ],
            f"the end of {alert} of {job}",
        )

    def _first(self, found: Callable[[], list[Notification]], what: str) -> Notification:
        return wait_for(found, what=what)[0]


@pytest.fixture(scope="module")
def watch(prometheus_stack: Stack) -> Iterator[Watch]:
    watch = Watch(prometheus_stack)
    prometheus_stack.alertmanager.configure(routes(prometheus_stack.receiver))
    for job in STARTS:
        watch.show(job, Fleet())
    prometheus_stack.prometheus.watch(
        {
            job: Watched(prometheus_stack.page.address, f"/{job}", hastened_rules(job))
            for job in STARTS
        }
    )
    watch.start()
    yield watch
    prometheus_stack.prometheus.forget(*STARTS)


def test_a_hundred_silent_agents_of_a_role_are_one_page(watch: Watch) -> None:
    page = watch.page("grouping", "PinkslipAgentHeartbeatStale", role="developer")
    watch.settle()

    assert page.path == "/page"
    assert page.agents() == [agent.name for agent in HUNDRED]
    assert len(watch.pages("grouping", "PinkslipAgentHeartbeatStale", role="developer")) == 1


def test_another_role_is_another_page(watch: Watch) -> None:
    page = watch.page("grouping", "PinkslipAgentHeartbeatStale", role="researcher")

    assert page.agents() == ["elsewhere"]


def test_silence_in_a_ticket_role_makes_a_ticket(watch: Watch) -> None:
    ticket = watch.page("tickets", "PinkslipAgentHeartbeatStale", role="batch")
    page = watch.page("tickets", "PinkslipAgentHeartbeatStale", role="researcher")

    assert (ticket.path, page.path) == ("/ticket", "/page")


def test_zombies_page(watch: Watch) -> None:
    assert watch.page("zombies", "PinkslipZombies", role="developer").path == "/page"
    assert watch.firing("zombies") == {"PinkslipZombies"}


@pytest.mark.parametrize(
    ("job", "cause"),
    [
        pytest.param("panic", "PinkslipPanic", id="panic"),
        pytest.param("share", "PinkslipAgentsStaleShare", id="the share that is silent"),
    ],
)
def test_many_at_once_are_one_page_of_their_role_and_hide_no_other_role(
    watch: Watch, job: str, cause: str
) -> None:
    watch.page(job, cause, role="developer")
    watch.page(job, "PinkslipAgentHeartbeatStale", role="researcher")
    watch.settle()

    held = watch.stack.alertmanager.alerts(
        job=job, alertname="PinkslipAgentHeartbeatStale", role="developer"
    )
    assert len(held) == len(TEN)
    assert {alert["status"]["state"] for alert in held} == {"suppressed"}
    assert [call.group["alertname"] for call in watch.receiver.calls(job=job)].count(cause) == 1
    assert not watch.pages(job, "PinkslipAgentHeartbeatStale", role="developer")


def test_panic_is_the_only_page_of_its_role_though_the_share_fires_too(watch: Watch) -> None:
    watch.page("panic", "PinkslipPanic")

    assert "PinkslipAgentsStaleShare" in watch.firing("panic")
    assert not watch.pages("panic", "PinkslipAgentsStaleShare")


def test_an_absent_monitor_pages_and_inhibits_what_its_agents_would_say(watch: Watch) -> None:
    watch.stack.page.take_down("/absent")
    page = watch.page("absent", "PinkslipMonitorAbsent")
    stale = {"job": "absent", "alertname": "PinkslipAgentHeartbeatStale", "agent": "held"}
    watch.stack.alertmanager.tell(**stale, severity="critical", workspace="default")
    time.sleep(SETTLED_S)

    (held,) = watch.stack.alertmanager.alerts(**stale)
    assert page.path == "/page"
    assert held["status"]["state"] == "suppressed"
    assert not watch.pages("absent", "PinkslipAgentHeartbeatStale")

    watch.show("absent", STARTS["absent"])
    watch.resolved("absent", "PinkslipMonitorAbsent")


def test_agents_that_beat_again_end_the_page(watch: Watch) -> None:
    watch.page("grouping", "PinkslipAgentHeartbeatStale", role="developer")
    watch.show("grouping", Fleet(agents=(Agent(name="silent-000"),)))

    assert watch.resolved("grouping", "PinkslipAgentHeartbeatStale").path == "/page"
