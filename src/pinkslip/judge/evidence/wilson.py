"""`upper` and `lower`: between what rates the true one lies, by one look at a small sample.

Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (1927). Two-sided: at 95 %
confidence one sample in forty lies beyond each bound. Valid for one look; who looks after every task wants `proven`.
"""

from statistics import NormalDist

import numpy as np

from pinkslip.fleet.snapshot import Floats

_DECIMALS = 12
"""Beyond is rounding: nobody without a success is above 0 by its doing."""


def bounds(tasks: Floats, successes: Floats, confidence: float) -> tuple[Floats, Floats]:
    """The lower and the upper bound; unknown where nothing has been done."""
    z = NormalDist().inv_cdf((1.0 + confidence) / 2.0)
    n = np.where(tasks > 0, tasks, np.nan)
    rate, share = successes / n, z * z / n
    centre = rate + share / 2.0
    half = z * np.sqrt(rate * (1.0 - rate) / n + share / (4.0 * n))
    low, high = (centre - half) / (1.0 + share), (centre + half) / (1.0 + share)
    return np.round(low, _DECIMALS), np.round(high, _DECIMALS)
