"""How unusual an agent's present silence is, by its own rhythm: the phi accrual failure detector.

Hayashibara, Defago, Yared and Katayama, "The phi accrual failure detector" (2004): phi(t) = -log10(1 - F(t)), F the
normal distribution with the mean and deviation of the agent's own gaps between heartbeats. 1 is one in ten,
8 one in a hundred million.
"""

from math import erfc

import numpy as np
from numpy.typing import NDArray

from pinkslip.fleet.snapshot import Floats, Integers

CAP = 300.0
"""More than this is beyond what doubles tell apart, and nobody needs it."""
GAPS_LEAST = 8
"""Fewer gaps than this show no rhythm."""
DEVIATION_LEAST = 0.25
"""In heartbeat intervals: of an agent that beats like a clock, a late packet is still no news."""


def suspicion(
    silence_ms: Integers,
    *,
    mean_ms: Floats,
    variance_ms2: Integers,
    gaps: Integers | NDArray[np.uint8],
    interval_ms: Integers,
) -> Floats:
    """Phi of each silence; unknown below `GAPS_LEAST` gaps."""
    phi = np.full(len(silence_ms), np.nan)
    known = np.flatnonzero(gaps >= GAPS_LEAST)
    deviation = np.maximum(np.sqrt(variance_ms2[known]), DEVIATION_LEAST * interval_ms[known])
    distance = (silence_ms[known] - mean_ms[known]) / deviation
    phi[known] = _phi(distance)
    return phi


def _phi(distance: Floats) -> Floats:
    """-log10 of the chance to be so many deviations above the mean, or more."""
    chance = np.array([erfc(one) for one in (distance / np.sqrt(2.0)).tolist()]) / 2.0
    with np.errstate(divide="ignore"):  # no chance at all is the cap
        phi: Floats = np.minimum(-np.log10(chance), CAP)
    return phi + 0.0  # no negative zero
