"""What was read of one fleet at one instant, so that twenty policies read it once."""

from collections.abc import Callable, Hashable
from typing import Any, TypeVar

import numpy as np

from pinkslip.fleet.snapshot import Floats, Integers
from pinkslip.judge.docket import Pools, pools_of
from pinkslip.judge.evidence import expected
from pinkslip.judge.view import Bools, FleetView
from pinkslip.model.policy import Filter, Matcher, Measured, Window
from pinkslip.model.words import Scope

QUANTILES = frozenset({"duration_p50", "duration_p95"})
"""Measures the fleet works out agent by agent, on request."""

DEFAULT_POOL = "role"

EXPECTED_RATIO = "expected_ratio"
"""The one measure that compares an agent with its pool; the judge works it out from kinds of task."""

_ANY_OUTCOME = Filter()

T = TypeVar("T")


class Readings:
    """A fleet as the judge reads it. Every vector is worked out when it is first asked for."""

    def __init__(self, view: FleetView) -> None:
        self.view = view
        self.everybody = np.arange(view.size, dtype=np.int64)
        self.matched: dict[tuple[tuple[Matcher, ...], bool], Bools] = {}
        """Who a combination of matchers is about; see `matching`."""
        self.admitted: dict[Matcher, Bools] = {}
        self._known: dict[Hashable, Any] = {}
        self._quantiles: dict[tuple[str, Window, Filter], tuple[Floats, Bools]] = {}

    def number(
        self, measured: Measured, outcomes: Filter, slots: Integers, *, pool: str = DEFAULT_POOL
    ) -> Floats:
        """A measure of the agents in `slots`. `pool`: the label whose agents are compared, where any are."""
        if measured.name in QUANTILES and measured.window is not None:
            return self._quantile(measured.name, measured.window, outcomes, slots)
        values = self.whole(measured, outcomes, pool=pool)
        return values if slots is self.everybody else values[slots]

    def whole(self, measured: Measured, outcomes: Filter, *, pool: str) -> Floats:
        """A measure of everybody; no quantile."""
        name, window = measured.name, measured.window
        if name == EXPECTED_RATIO and window is not None:
            return self.once(
                (name, window, outcomes, pool),
                lambda: self._expected_ratio(window, outcomes, pool),
            )
        return self._value(name, window, outcomes)

    def plain(self, name: str) -> Floats:
        """A measure without a window, of everybody."""
        return self._value(name, None, _ANY_OUTCOME)

    def counts(self, outcomes: Filter, scope: Scope) -> tuple[Integers, Integers]:
        """Tasks and successes since the incarnation, or the lineage, began."""
        return self.once(("counts", outcomes, scope), lambda: self.view.counts(outcomes, scope))

    def cusum(self, good: float, bad: float, outcomes: Filter, scope: Scope) -> Floats:
        """As `FleetView.cusum`."""
        return self.once(
            ("cusum", good, bad, outcomes, scope),
            lambda: self.view.cusum(good, bad, outcomes, scope),
        )

    def pools(self, label: str) -> Pools:
        """Everybody's pool."""
        return self.once(("pools", label), lambda: pools_of(self.view, label))

    def once(self, key: Hashable, work: Callable[[], T]) -> T:
        """What `work` gives, worked out by whoever asks first. The same key must mean the same work."""
        if key not in self._known:
            self._known[key] = work()
        known: T = self._known[key]
        return known

    def _value(self, name: str, window: Window | None, outcomes: Filter) -> Floats:
        return self.once(
            (name, window, outcomes), lambda: finite(self.view.value(name, window, outcomes))
        )

    def _expected_ratio(self, window: Window, outcomes: Filter, pool: str) -> Floats:
        tasks, successes = self.view.task_kinds(window, outcomes)
        pools = self.pools(pool)
        return expected.ratios(
            tasks,
            successes,
            pools.codes,
            self.view.active,
            count=len(pools.names),
            at_least=self.view.min_tasks,
        )

    def _quantile(self, name: str, window: Window, outcomes: Filter, slots: Integers) -> Floats:
        key = (name, window, outcomes)
        if key not in self._quantiles:
            size = self.view.size
            self._quantiles[key] = (np.full(size, np.nan), np.zeros(size, dtype=np.bool_))
        values, is_known = self._quantiles[key]
        missing = slots[~is_known[slots]]
        if missing.size:
            values[missing] = finite(self.view.quantile(name, window, outcomes, missing))
            is_known[missing] = True
        return values[slots]


def finite(values: Floats) -> Floats:
    """Infinite is no measurement: unknown."""
    infinite = np.isinf(values)
    return np.where(infinite, np.nan, values) if infinite.any() else values
