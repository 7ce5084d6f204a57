"""Every panel's query returns data from a real Prometheus that scrapes the demo."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.grafana.panels import unanswered
from tests.prometheus import Prometheus, Stack, Watched, wait_for
from tests.running import Running, serving

JOB = "grafana-demo"


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    home: Path = tmp_path_factory.mktemp("demo")
    with serving(home, command="demo") as service:
        yield service


@pytest.fixture(scope="module")
def prometheus(prometheus_stack: Stack, demo: Running) -> Iterator[Prometheus]:
    prometheus_stack.prometheus.watch({JOB: Watched(demo.address)})
    # every role has ended tasks, so that each has a rate
    wait_for(
        lambda: prometheus_stack.prometheus.query(
            f'count(sum by (role) (rate(pinkslip_tasks_total{{job="{JOB}"}}[30s])) > 0)'
            f' == count(sum by (role) (pinkslip_agents{{job="{JOB}"}}))'
        ),
        what="tasks of every role of the demo",
        within_s=60,
    )
    yield prometheus_stack.prometheus
    prometheus_stack.prometheus.forget(JOB)


def test_every_panel_of_every_dashboard_has_data_from_the_demo(prometheus: Prometheus) -> None:
    (agent, *_) = (
        sample.labels["agent"]
        for sample in prometheus.query(f'topk(1, pinkslip_agent_tasks_total{{job="{JOB}"}})')
    )

    missing = unanswered(prometheus, job=JOB, agent=agent, rate_interval="30s")

    assert "\n".join(missing) == ""
