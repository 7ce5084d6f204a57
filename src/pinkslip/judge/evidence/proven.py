"""`proven`: evidence that a worker succeeds less often than a target, valid at any number of looks.

An e-process by universal inference: Wasserman, Ramdas and Balakrishnan, "Universal inference", PNAS 117 (2020).
The likelihood of what was seen under a mixture of worse workers, over the highest it can have under any worker
that meets the target:

    E_n = mean over g of [ g^s (1-g)^f ]  /  [ p*^s (1-p*)^f ],      p* = max(s/n, target)

For whoever meets the target this is at most a non-negative martingale that starts at 1, and by Ville's inequality
(1939) the chance that it ever reaches 1/error is at most `error`, however often it is looked at. It is Wald's
sequential test (1945) without a single alternative to guess. The mixture is uniform over the midpoints of 50
equal cells between 0 and the target: fixed, so that equal counts are equal evidence everywhere.
"""

from collections.abc import Sequence

import numpy as np

from pinkslip.fleet.snapshot import Floats, Integers
from pinkslip.judge.evidence.distinct import by_distinct
from pinkslip.judge.numeric import log_mean_exp, times_log
from pinkslip.judge.view import Bools

CELLS = 50
"""How many worse workers the mixture is made of."""

DECIMALS = 9
"""Evidence is compared to a billionth of a nat: what a last bit says moves nobody over a line."""
_ROWS_AT_ONCE = 8_192
_SLACK = 1e-6
"""Far more than rounding can move a bound."""


def log_e(tasks: Integers, successes: Integers, target: float) -> Floats:
    """ln of the e-value against `target`; NaN where nothing has been done. 0 < target < 1."""

    def work(columns: Sequence[Integers]) -> Floats:
        parts = [
            _log_e(
                columns[0][at : at + _ROWS_AT_ONCE], columns[1][at : at + _ROWS_AT_ONCE], target
            )
            for at in range(0, len(columns[0]), _ROWS_AT_ONCE)
        ]
        return np.concatenate([np.empty(0), *parts])

    return by_distinct((tasks, successes), work)


def reaches(tasks: Integers, successes: Integers, target: float, limits: Floats) -> Bools:
    """Whether `log_e` is at least `limits` (above 0); never where nothing has been done.

    The e-value is worked out only where it can be enough. A mean is at most its largest part, so it is at most
    the likelihood ratio of the rate seen: ln E <= n KL(s/n, target) below the target, and 0 from there on.
    """
    reached = np.zeros(len(tasks), dtype=np.bool_)
    below = np.flatnonzero(successes < target * tasks)
    may = below[_ceiling(tasks[below], successes[below], target) >= limits[below] - _SLACK]
    reached[may] = log_e(tasks[may], successes[may], target) >= limits[may]
    return reached


def limit(error: float) -> float:
    """What `log_e` must reach for an error of at most `error`: ln(1/error)."""
    return float(-np.log(error))


def spent(passes: Integers) -> Floats:
    """What is added to the limit in the k-th pass through a ladder, ln(k(k+1)): the error of all passes
    together, error/2 + error/6 + error/12 + ..., is `error`."""
    added: Floats = np.log(passes * (passes + 1.0))
    return added


def _log_e(tasks: Integers, successes: Integers, target: float) -> Floats:
    n, s = tasks.astype(np.float64), successes.astype(np.float64)
    f = n - s
    worse = target * (np.arange(CELLS) + 0.5) / CELLS
    terms = s[:, None] * np.log(worse) + f[:, None] * np.log1p(-worse)
    with np.errstate(invalid="ignore"):
        best = np.maximum(s / n, target)
    against = times_log(s, best) + times_log(f, 1.0 - best)
    return np.where(n > 0, np.round(log_mean_exp(terms) - against, DECIMALS), np.nan)


def _ceiling(tasks: Integers, successes: Integers, target: float) -> Floats:
    """n KL(s/n, target)."""
    n, s = tasks.astype(np.float64), successes.astype(np.float64)
    f = n - s
    seen = times_log(s, s / n) + times_log(f, f / n)
    ratio: Floats = seen - (s * np.log(target) + f * np.log1p(-target))
    return ratio
