"""A real Prometheus scrapes what we render, over HTTP as we negotiate it."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from tests.metrics.fleets import NOW, Row, make_facts, make_totals
from tests.metrics.strategies import HOSTILE, clean
from tests.prometheus import Prometheus, Stack, Watched, wait_for

from pinkslip.metrics.catalogue import Group, series_per_agent
from pinkslip.metrics.inputs import Facts
from pinkslip.metrics.negotiation import Choice, negotiate
from pinkslip.metrics.own import Own
from pinkslip.metrics.render import Renderer
from pinkslip.metrics.selection import Detail, SeriesSettings
from pinkslip.model.words import Status

CORE = series_per_agent(Group.AGENT_CORE)
NEGOTIATED, TEXT, LEAVING = "metrics-negotiated", "metrics-text", "metrics-leaving"
FORCED = {TEXT: "text/plain;version=0.0.4"}
NAMES = (*HOSTILE, "nul \x00 byte", "x" * 200)


@dataclass
class Exporter:
    """A service reduced to its `/metrics`: one page per path, each with facts of its own."""

    facts: dict[str, Facts]
    renderers: dict[str, Renderer]
    answered: list[tuple[str, Choice]] = field(default_factory=list)

    def page(self, job: str, accept: str | None, encoding: str | None) -> tuple[Choice, bytes]:
        choice = negotiate(FORCED.get(job, accept), encoding)
        page = self.renderers[job].render(
            self.facts[job], choice.exposition, gzip=choice.is_gzipped
        )
        self.answered.append((job, choice))
        return choice, page.body


@pytest.fixture(scope="module")
def exporter() -> Exporter:
    hostile = make_facts(
        [
            Row(number=number, agent_id=f"{number} {name}", name=name, model=name, role=name)
            for number, name in enumerate(NAMES, 1)
        ],
        role_totals=[make_totals(name, name, tasks=7) for name in NAMES],
    )
    leaving = make_facts([Row(number=1), Row(number=2)])
    settings = SeriesSettings(otherwise=Detail.FULL)
    return Exporter(
        facts={NEGOTIATED: hostile, TEXT: hostile, LEAVING: leaving},
        renderers={
            NEGOTIATED: Renderer(settings, own=Own()),
            TEXT: Renderer(settings, own=Own()),
            LEAVING: Renderer(),
        },
    )


@pytest.fixture(scope="module")
def prometheus(exporter: Exporter, prometheus_stack: Stack) -> Iterator[Prometheus]:
    """The session's Prometheus, watching all pages."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            accept, encoding = self.headers["Accept"], self.headers["Accept-Encoding"]
            choice, body = exporter.page(self.path.strip("/"), accept, encoding)
            self.send_response(200)
            for name, value in choice.headers(len(body)).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Quietly."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        address = f"127.0.0.1:{server.server_address[1]}"
        jobs = {job: Watched(address, path=f"/{job}") for job in exporter.facts}
        prometheus_stack.prometheus.watch(jobs)
        yield prometheus_stack.prometheus
        prometheus_stack.prometheus.forget(*jobs)
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("job", [NEGOTIATED, TEXT])
def test_every_sample_of_a_hostile_page_arrives(prometheus: Prometheus, job: str) -> None:
    said = prometheus.value(f'pinkslip_series{{job="{job}"}}')

    stored = prometheus.value(f'count({{job="{job}",__name__=~"pinkslip_.*|process_.*"}})')

    assert stored == said


@pytest.mark.parametrize("job", [NEGOTIATED, TEXT])
def test_hostile_names_arrive_as_they_were_given(prometheus: Prometheus, job: str) -> None:
    found = prometheus.query(f'pinkslip_agent_info{{job="{job}"}}')

    arrived = {sample.labels["agent"]: sample.labels for sample in found}
    assert arrived.keys() == {f"{number} {clean(name)}" for number, name in enumerate(NAMES, 1)}
    for number, name in enumerate(NAMES, 1):
        labels = arrived[f"{number} {clean(name)}"]
        assert [labels.get(word, "") for word in ("name", "model", "role")] == [clean(name)] * 3


def test_prometheus_is_answered_in_openmetrics_and_gzipped(
    exporter: Exporter, prometheus: Prometheus
) -> None:
    answers = {choice for job, choice in exporter.answered if job == NEGOTIATED}

    assert {choice.content_type.partition(";")[0] for choice in answers} == {
        "application/openmetrics-text"
    }
    assert all(choice.is_gzipped for choice in answers)


def test_types_and_help_arrive(prometheus: Prometheus) -> None:
    found = prometheus.get(
        "/api/v1/targets/metadata", match_target=f'{{job="{NEGOTIATED}"}}', limit="1000"
    )

    types = {row["metric"]: row["type"] for row in found}
    assert types["pinkslip_agent"] == "info"
    assert types["pinkslip_agent_status"] == "gauge"
    assert types["pinkslip_agent_tasks"] == "counter"
    assert types["pinkslip_task_duration_seconds"] == "histogram"
    assert types["pinkslip_agent_task_duration_seconds"] == "summary"
    assert all(row["help"] for row in found)


def test_an_agents_series_leave_prometheus_together(
    exporter: Exporter, prometheus: Prometheus
) -> None:
    count = f'count({{job="{LEAVING}",agent="agent-1"}})'
    assert prometheus.value(count) == CORE
    finished = Row(number=1, status=Status.IDLE, finished_at=NOW)
    exporter.facts[LEAVING] = make_facts([finished, Row(number=2)], at=NOW + 600_000)
    seen = []

    def is_gone() -> bool:
        found = prometheus.query(count)
        seen.extend(sample.value for sample in found)
        return not found

    wait_for(is_gone, what="the agent's series to go", every_s=0.02)
    assert set(seen) <= {CORE}
    assert prometheus.value(count.replace("agent-1", "agent-2")) == CORE

    exporter.facts[LEAVING] = make_facts([replace(finished, finished_at=0), Row(number=2)])
    wait_for(lambda: prometheus.query(count), what="the agent's series to come back")
    assert prometheus.value(count) == CORE
