"""What a set of policies asks the fleet to keep up, and how much history that takes."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from pinkslip.model.policy import Filter, Window
from pinkslip.model.words import Scope


@dataclass(frozen=True, slots=True)
class Need:
    """One measure as one policy reads it."""

    name: str
    """Of `catalogue.MEASURES`; or `decayed`, the one evidence function the fleet must keep up as outcomes come."""
    window: Window | None = None
    outcomes: Filter = field(default_factory=Filter)
    parameters: tuple[float, ...] = ()
    """Of `decayed`: from and to, ratios. Its limit is the judge's matter."""
    scope: Scope = Scope.AGENT


@dataclass(frozen=True, slots=True, kw_only=True)
class Horizon:
    """How far back outcomes matter to what is declared, and whose are missing."""

    time_ms: int
    """The longest time window; 0: none."""
    tasks: int
    """The longest task window; 0: none."""
    newest: tuple[tuple[Filter, int], ...]
    """Per filter, how many of an agent's newest outcomes in its denominator its task windows hold."""
    streaks: tuple[Filter, ...]
    """Filters `consecutive_failures` is read by, other than the default (which a checkpoint carries):
    exact when an agent's history reaches back to its last success by that filter."""
    lacking: tuple[int, ...]
    """The agents (`agent_no`, ascending) whose remembered outcomes do not reach that far back. Their history
    handed to `fold_history` makes them exact at once; without it they become exact as time passes."""
    until: int
    """For the lacking: outcomes at or before this instant are the ones that may be missing."""
    presence_ms: int
    """How far back it matters who was active."""
    presence_since: int
    """Who was active is known since then; -1: always."""


@dataclass(frozen=True, slots=True)
class Words:
    """One text field of every agent, as places in a vocabulary."""

    codes: NDArray[np.int32]
    """Per slot; -1: the agent has no such field, or the slot is free."""
    vocabulary: Sequence[str]
    """What the codes stand for. It only grows while `generation` stays."""
    generation: int
    """Another number: the vocabulary was made anew, and codes mean other words."""
