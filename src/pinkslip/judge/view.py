"""What the judge asks of a fleet at one instant. `fleet.measures.Measures` answers it; tests answer from arrays.

Every vector has one place per slot. Numbers are in base units, NaN where unknown.
"""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from pinkslip.fleet.acts import Acts
from pinkslip.fleet.needs import Words
from pinkslip.fleet.snapshot import Codes, Counts, Floats, Integers
from pinkslip.model.policy import Filter, Window
from pinkslip.model.words import Scope

Bools = NDArray[np.bool_]


class FleetView(Protocol):
    """One workspace's agents at `now`."""

    @property
    def now(self) -> int: ...
    @property
    def size(self) -> int: ...
    @property
    def agent_ids(self) -> Sequence[str]: ...
    @property
    def numbers(self) -> Integers:
        """`agent_no`, 0 where the slot is free."""
        ...

    @property
    def incarnation(self) -> Integers: ...
    @property
    def active(self) -> Bools:
        """In memory, not finished, not fired, not quarantined."""
        ...

    @property
    def finished(self) -> Bools:
        """Ended as planned."""
        ...

    @property
    def tasks(self) -> Integers:
        """Outcomes counted in the present incarnation, whatever a policy's filter says."""
        ...

    @property
    def stale(self) -> Bools:
        """Silent for longer than its grace, and expected to beat."""
        ...

    @property
    def status(self) -> Codes: ...
    @property
    def protected_until(self) -> Integers:
        """Journal ms, 0 where not protected."""
        ...

    @property
    def standing(self) -> Codes: ...
    @property
    def standing_until(self) -> Integers:
        """Journal ms; 0: no end is set."""
        ...

    @property
    def ordered_until(self) -> Integers:
        """The end of a person's quarantine, 0 where there is none."""
        ...

    @property
    def released_at(self) -> Integers:
        """When a person released it last, 0: never."""
        ...

    @property
    def boot_changed_at(self) -> Integers:
        """When it last came with a new bootId after another, 0: never."""
        ...

    @property
    def created_at(self) -> Integers:
        """Since when the present incarnation has been known."""
        ...

    @property
    def acts(self) -> Acts:
        """Silences, rulings, demotions and condemned lineages as of now."""
        ...

    @property
    def interval_s(self) -> Floats:
        """Declared, else assumed."""
        ...

    @property
    def stale_factor(self) -> float:
        """Grace in intervals."""
        ...

    @property
    def min_tasks(self) -> int:
        """Fewer contributing outcomes than this, and a rate is unknown."""
        ...

    @property
    def observing_since(self) -> int:
        """Since when we have watched without a gap."""
        ...

    def value(self, name: str, window: Window | None, outcomes: Filter) -> Floats: ...
    def quantile(
        self, name: str, window: Window, outcomes: Filter, slots: Integers
    ) -> Floats: ...
    def counts(self, outcomes: Filter, scope: Scope) -> tuple[Integers, Integers]:
        """Tasks and successes of each agent's incarnation, or of its lineage; an agent without one is its own."""
        ...

    def cusum(self, good: float, bad: float, outcomes: Filter, scope: Scope) -> Floats:
        """The CUSUM of ln(bad) against ln(good) over each agent's outcomes since its evidence began anew."""
        ...

    def task_kinds(self, window: Window, outcomes: Filter) -> tuple[Counts, Counts]:
        """Tasks and successes in the window by kind of task: two arrays of (kinds, size). Outcomes without
        a kind are a kind of their own."""
        ...

    def words(self, field: str) -> Words: ...
    def active_at(self, then: int) -> Bools: ...
    def fired_by_policy_since(self, then: int) -> Bools: ...
    def blind_between(self, start: int, end: int) -> int:
        """Milliseconds of [start, end] in which we did not see."""
        ...

    def slot_of(self, agent_no: int) -> int | None: ...
