"""What a scrape costs: our renderer beside prometheus-client on the same data in the same run.

Prints one JSON line per measurement. CPU is the process' own, in ms: the median of the rounds for ours, one round
for prometheus-client, which takes seconds. `--series 6` is the budget's page (50,000 agents x 6 series), `core` is
what the service really exports. The peer's gzip is what prometheus-client itself does.
"""

import argparse
import gc
import gzip
import json
import multiprocessing
import statistics
import time
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import islice

import numpy as np
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    InfoMetricFamily,
    Metric,
    SummaryMetricFamily,
)
from prometheus_client.registry import Collector

from pinkslip.fleet.snapshot import DURATION_BUCKETS_MS, Snapshot
from pinkslip.metrics import catalogue
from pinkslip.metrics.agents import Table
from pinkslip.metrics.blocks import Block, gzip_member, total_size
from pinkslip.metrics.catalogue import Series
from pinkslip.metrics.inputs import Facts, WorkspaceFacts
from pinkslip.metrics.lines import CORE
from pinkslip.metrics.own import Own
from pinkslip.metrics.render import Renderer
from pinkslip.metrics.text import Exposition, header
from pinkslip.model.words import Fault, Status

NOW = 1_795_000_000_000
ROLES = ("coordinator", "researcher", "developer", "reviewer")
MODELS = ("zai/glm-4.7", "ollama/llama3.1", "claude")
SIX = (
    catalogue.AGENT_LAST_HEARTBEAT,
    catalogue.AGENT_TASKS,
    catalogue.AGENT_TASK_DURATION,
    catalogue.AGENT_EVIDENCE,
    catalogue.AGENT_EXEMPT,
)
"""Six samples an agent, most of which move."""
SHARES = {"all": 1.0, "10 %": 0.1, "nothing": 0.0}
BUDGET_MS = {("6", 50_000, "all"): 150, ("6", 50_000, "nothing"): 20}

Render = Callable[[WorkspaceFacts], int]


def fleet(agents: int) -> Snapshot:
    """Agents in the middle of their work."""
    random = np.random.default_rng(1)
    zeros = np.zeros(agents, np.int64)
    nobody: list[str | None] = [None] * agents
    unknown = np.full(agents, np.nan)
    buckets = random.integers(0, 20, (agents, len(DURATION_BUCKETS_MS) + 1))
    return Snapshot(
        workspace_id=1,
        seq=1,
        at=NOW,
        observing_since=NOW - 3_600_000,
        numbers=np.arange(1, agents + 1),
        agent_ids=[f"agent-{number:06d}-{number % 97:02x}" for number in range(agents)],
        uuids=[""] * agents,
        names=[f"worker {number}" for number in range(agents)],
        models=[MODELS[number % len(MODELS)] for number in range(agents)],
        roles=[ROLES[number % len(ROLES)] for number in range(agents)],
        hosts=nobody,
        lineages=nobody,
        labels=[{}] * agents,
        boot_ids=nobody,
        session_keys=nobody,
        current_tasks=nobody,
        last_errors=nobody,
        status=random.integers(0, len(Status) - 1, agents).astype(np.uint8),
        standing=np.zeros(agents, np.uint8),
        incarnation=zeros,
        created_at=zeros,
        updated_at=zeros,
        last_heartbeat=NOW - random.integers(0, 30_000, agents),
        interval_ms=np.full(agents, 15_000),
        is_stale=np.zeros(agents, np.bool_),
        status_since=zeros,
        task_since=zeros,
        progress=unknown,
        progress_at=zeros,
        context_used=unknown,
        finished_at=zeros,
        terminated_at=zeros,
        protected_until=zeros,
        standing_until=zeros,
        fired_count=zeros,
        tasks=random.integers(0, 9_000, agents),
        successes=zeros,
        failed=random.integers(0, 50, (agents, len(Fault))),
        duration_ms_sum=random.integers(0, 10**8, agents),
        duration_count=buckets.sum(axis=1),
        duration_buckets=buckets,
        tokens_in=zeros,
        tokens_out=zeros,
        cost_micros=zeros,
        score_e6_sum=zeros,
        score_count=zeros,
        error_count=zeros,
        streak=zeros,
        assumed_interval_ms=30_000,
        role_totals=(),
    )


def history(agents: int, share: float) -> Iterator[WorkspaceFacts]:
    """The same fleet ever later: each time this share of the agents has beaten and ended a task."""
    random = np.random.default_rng(2)
    now = fleet(agents)
    yield WorkspaceFacts(name="default", snapshot=now)
    while True:
        busy = (random.random(agents) < share).astype(np.int64)
        fault = random.integers(0, len(Fault), agents)
        failed = now.failed.copy()
        failed[np.arange(agents), fault] += busy
        beaten = NOW + (now.seq * 15_000) - random.integers(0, 15_000, agents)
        now = replace(
            now,
            seq=now.seq + 1,
            last_heartbeat=np.where(busy, beaten, now.last_heartbeat),
            tasks=now.tasks + busy,
            failed=failed,
            duration_count=now.duration_count + busy,
            duration_ms_sum=now.duration_ms_sum + busy * random.integers(1, 60_000, agents),
            status=np.where(busy, (now.status + 1) % 4, now.status).astype(np.uint8),
        )
        evidence = {int(number): now.seq % 9 / 10 for number in now.numbers[busy > 0].tolist()}
        yield WorkspaceFacts(name="default", snapshot=now, evidence=evidence)


def core_page(*, gzipped: bool) -> Render:
    """The service's own page."""
    renderer = Renderer(own=Own())

    def render(facts: WorkspaceFacts) -> int:
        page = renderer.render(Facts(workspaces=(facts,)), Exposition.TEXT_0_0_4, gzip=gzipped)
        return page.length

    return render


def six_page(*, gzipped: bool) -> Render:
    """The budget's page: the same machinery over six samples an agent."""
    table = Table("default", [lines for lines in CORE if lines.series in SIX])

    def render(facts: WorkspaceFacts) -> int:
        table.update(facts, np.arange(len(facts.snapshot)), wall_offset_ms=0)
        blocks: list[Block] = []
        for series, lines in table.blocks(packed=gzipped):
            blocks += [Block(header(series, openmetrics=False), samples=0), *lines]
        return len(gzip_member(blocks)) if gzipped else total_size(blocks)

    return render


def peer_page(series: Sequence[Series], *, gzipped: bool) -> Render:
    """prometheus-client with a custom collector, as its documentation shows."""

    def render(facts: WorkspaceFacts) -> int:
        registry = CollectorRegistry()
        registry.register(PeerCollector(facts, frozenset(it.name for it in series)))
        page = generate_latest(registry)
        return len(gzip.compress(page)) if gzipped else len(page)

    return render


class PeerCollector(Collector):
    """The per-agent families, built anew for each scrape."""

    def __init__(self, facts: WorkspaceFacts, names: frozenset[str]) -> None:
        self._facts = facts
        self._names = names

    def describe(self) -> list[Metric]:
        return []

    def collect(self) -> Iterator[Metric]:
        return (family for family in self._families() if family is not None)

    def _families(self) -> Iterator[Metric | None]:
        it, name = self._facts.snapshot, self._facts.name
        who = [(agent, name) for agent in it.agent_ids]
        yield self._info(who)
        yield self._each(catalogue.AGENT_STATUS, who, tuple(Status), self._statuses())
        yield self._gauge(
            catalogue.AGENT_LAST_HEARTBEAT, who, (it.last_heartbeat / 1000).tolist()
        )
        yield self._gauge(catalogue.AGENT_INTERVAL, who, (it.interval_ms / 1000).tolist())
        yield self._gauge(catalogue.AGENT_EXEMPT, who, (it.status == 2).tolist())
        yield self._counter(catalogue.AGENT_TASKS, who, it.tasks.tolist())
        yield self._each(catalogue.AGENT_TASKS_FAILED, who, tuple(Fault), it.failed.tolist())
        evidence = [self._facts.evidence.get(number, 0) for number in it.numbers.tolist()]
        yield self._gauge(catalogue.AGENT_EVIDENCE, who, evidence)
        yield self._summary(who)

    def _statuses(self) -> list[list[int]]:
        codes = self._facts.snapshot.status.tolist()
        return [[int(code == mine) for code in range(len(Status))] for mine in codes]

    def _info(self, who: list[tuple[str, str]]) -> Metric | None:
        if catalogue.AGENT_INFO.name not in self._names:
            return None
        it, series = self._facts.snapshot, catalogue.AGENT_INFO
        family = InfoMetricFamily(series.family, series.help, labels=("agent", "workspace"))
        for labels, name, model, role in zip(who, it.names, it.models, it.roles, strict=True):
            words = {"name": name or "", "model": model or "", "role": role or ""}
            family.add_metric(labels, words)
        return family

    def _gauge(
        self, series: Series, who: list[tuple[str, str]], values: list[float]
    ) -> Metric | None:
        if series.name not in self._names:
            return None
        family = GaugeMetricFamily(series.family, series.help, labels=series.labels)
        for labels, value in zip(who, values, strict=True):
            family.add_metric(labels, value)
        return family

    def _counter(
        self, series: Series, who: list[tuple[str, str]], values: list[int]
    ) -> Metric | None:
        if series.name not in self._names:
            return None
        family = CounterMetricFamily(series.family, series.help, labels=series.labels)
        for labels, value in zip(who, values, strict=True):
            family.add_metric(labels, value)
        return family

    def _each(
        self,
        series: Series,
        who: list[tuple[str, str]],
        words: Sequence[str],
        values: list[list[int]],
    ) -> Metric | None:
        if series.name not in self._names:
            return None
        make = CounterMetricFamily if series.name.endswith("_total") else GaugeMetricFamily
        family = make(series.family, series.help, labels=series.labels)
        for (agent, workspace), row in zip(who, values, strict=True):
            for word, value in zip(words, row, strict=True):
                family.add_metric((agent, word, workspace), value)
        return family

    def _summary(self, who: list[tuple[str, str]]) -> Metric | None:
        series = catalogue.AGENT_TASK_DURATION
        if series.name not in self._names:
            return None
        it = self._facts.snapshot
        family = SummaryMetricFamily(series.family, series.help, labels=series.labels)
        sums = (it.duration_ms_sum / 1000).tolist()
        for labels, count, total in zip(who, it.duration_count.tolist(), sums, strict=True):
            family.add_metric(labels, count, total)
        return family


def measure(render: Render, facts: WorkspaceFacts) -> tuple[float, float, int]:
    """CPU and wall time in ms, and the page's bytes."""
    gc.collect()
    cpu, wall = time.process_time(), time.perf_counter()
    size = render(facts)
    return (time.process_time() - cpu) * 1e3, (time.perf_counter() - wall) * 1e3, size


def peer_cost(agents: int, series: Sequence[Series], *, gzipped: bool) -> float:
    """CPU of one page by prometheus-client, in ms."""
    cpu, _, _ = measure(peer_page(series, gzipped=gzipped), next(history(agents, 0)))
    return cpu


def run(agents: int, page: str, *, gzipped: bool, rounds: int, with_peer: bool) -> None:
    """All shares of change for one kind of page; each after a first page, which is printed too."""
    make = core_page if page == "core" else six_page
    exported = (
        [catalogue.AGENT_INFO, *(lines.series for lines in CORE)] if page == "core" else SIX
    )
    peer = peer_cost(agents, exported, gzipped=gzipped) if with_peer else None
    for change, share in SHARES.items():
        render, moments = make(gzipped=gzipped), history(agents, share)
        first = measure(render, next(moments))
        costs = [measure(render, next(moments)) for _ in range(rounds)]
        cpu = statistics.median(cost[0] for cost in costs)
        line = {
            "bench": "scrape",
            "agents": agents,
            "series_per_agent": sum(it.lines_per_set for it in exported),
            "changed": change,
            "encoding": "gzip" if gzipped else "identity",
            "bytes": costs[-1][2],
            "cpu_ms": round(cpu, 1),
            "wall_ms": round(statistics.median(cost[1] for cost in costs), 1),
            "first_page_cpu_ms": round(first[0], 1),
        }
        if peer is not None:
            line |= {
                "prometheus_client_cpu_ms": round(peer),
                "times_faster": round(peer / cpu, 1),
            }
        if (page, agents, change) in BUDGET_MS:
            line["budget_cpu_ms"] = BUDGET_MS[page, agents, change]
        print(json.dumps(line), flush=True)


def memory(agents: int, *, gzipped: bool) -> None:
    """What is kept between scrapes, the snapshot left out; in a process of its own."""
    moments = list(islice(history(agents, 1.0), 4))
    tracemalloc.start()
    render = core_page(gzipped=gzipped)
    for facts in moments:
        render(facts)
    gc.collect()
    kept, peak = tracemalloc.get_traced_memory()
    line = {
        "bench": "scrape memory",
        "agents": agents,
        "encoding": "gzip" if gzipped else "identity",
        "kept_mb": round(kept / 1e6, 1),
        "peak_mb": round(peak / 1e6, 1),
        "kept_bytes_per_agent": round(kept / agents),
    }
    print(json.dumps(line), flush=True)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--agents", type=int, nargs="+", default=[10_000, 50_000])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--series", choices=("6", "core"), nargs="+", default=["6", "core"])
    parser.add_argument("--no-peer", action="store_true", help="leave prometheus-client out")
    asked = parser.parse_args()
    for agents in asked.agents:
        for gzipped in (False, True):
            for page in asked.series:
                run(
                    agents,
                    page,
                    gzipped=gzipped,
                    rounds=asked.rounds,
                    with_peer=not asked.no_peer,
                )
            own = multiprocessing.get_context("spawn").Process(
                target=memory, args=(agents,), kwargs={"gzipped": gzipped}
            )
            own.start()
            own.join()


if __name__ == "__main__":
    main()
