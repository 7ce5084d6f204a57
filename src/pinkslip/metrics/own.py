"""What this process measures of itself, kept by prometheus-client: durations, events, the process.

Times come in as numbers; nobody here reads a clock. Recording is cheap enough for every commit and event.
"""

import platform
from collections.abc import Iterable
from itertools import product

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    Info,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.openmetrics import exposition as openmetrics

from pinkslip import __version__
from pinkslip.metrics import catalogue
from pinkslip.metrics.catalogue import Series

_END = b"# EOF\n"


class Own:
    """One process's own series."""

    def __init__(self) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # untyped there; each would add a series nobody reads
        self.registry = CollectorRegistry()
        self._evaluations = self._histogram(catalogue.EVALUATION_DURATION)
        self._commits = self._histogram(catalogue.JOURNAL_COMMIT_DURATION)
        events = catalogue.INGEST_EVENTS
        counter = Counter(events.name, events.help, ("kind", "result"), registry=self.registry)
        self._events = {
            (kind, result): counter.labels(kind, result)
            for kind, result in product(catalogue.EVENT_KINDS, catalogue.EVENT_RESULTS)
        }
        self._told = self._counter(catalogue.NOTIFICATIONS)
        self._untold = self._counter(catalogue.NOTIFICATIONS_FAILED)
        build = catalogue.BUILD_INFO
        Info(build.family, build.help, registry=self.registry).info(
            {"version": __version__, "python": platform.python_version()}
        )
        ProcessCollector(registry=self.registry)

    def evaluated(self, seconds: float) -> None:
        """A tick of the judge took so long, its transaction included."""
        self._evaluations.observe(seconds)

    def committed(self, seconds: Iterable[float]) -> None:
        """Transactions of the journal took so long."""
        for duration in seconds:
            self._commits.observe(duration)

    def ingested(self, kind: str, result: str, count: int = 1) -> None:
        """So many reports of a kind ended like this; KeyError for words not in the catalogue."""
        self._events[kind, result].inc(count)

    def expect(self, receivers: Iterable[str]) -> None:
        """These will be told: their counters begin at 0."""
        for receiver in receivers:
            self._told.labels(receiver)
            self._untold.labels(receiver)

    def notified(self, receiver: str, *, taken: bool) -> None:
        """One call to somebody who is told what stands, and whether it was taken."""
        self._told.labels(receiver).inc()
        if not taken:
            self._untold.labels(receiver).inc()

    def page(self, *, is_openmetrics: bool) -> str:
        """All families, without OpenMetrics' last line: the page goes on."""
        if is_openmetrics:
            whole: bytes = openmetrics.generate_latest(self.registry)  # type: ignore[no-untyped-call]  # untyped there
            return whole.removesuffix(_END).decode()
        return generate_latest(self.registry).decode()

    def _counter(self, series: Series) -> Counter:
        return Counter(series.name, series.help, series.labels, registry=self.registry)

    def _histogram(self, series: Series) -> Histogram:
        return Histogram(
            series.name, series.help, buckets=series.buckets, registry=self.registry
        )
