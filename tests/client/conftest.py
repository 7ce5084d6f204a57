"""A service to report to, and reporters that are closed when the test is over."""

from collections.abc import Callable, Iterator

import pytest
from tests.client.service import Service

from pinkslip.client import Reporter


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    running = Service()
    monkeypatch.setenv("PINKSLIP_URL", running.url)
    monkeypatch.delenv("PINKSLIP_TOKEN", raising=False)
    yield running
    running.close()


@pytest.fixture
def report(service: Service) -> Iterator[Callable[..., Reporter]]:
    """Makes reporters that do not end this process."""
    made: list[Reporter] = []

    def make(agent_id: str = "dev-1", **options: object) -> Reporter:
        defaults: dict[str, object] = {"interval": 1.0, "exit_when_fired": False, "flush": 2.0}
        reporter = Reporter(agent_id, **(defaults | options))  # type: ignore[arg-type]
        made.append(reporter)
        return reporter

    yield make
    for reporter in made:
        reporter.close()
