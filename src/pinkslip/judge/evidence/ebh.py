"""False discoveries over a whole fleet: of all that are declared bad, at most a share is so by chance.

e-BH: Wang and Ramdas, "False discovery rate control with e-values", JRSS B 84 (2022). Of N e-values in descending
order the k* largest are declared, k* = max{k: e_(k) >= N / (fdr k)}. It holds whatever the e-values have to do
with one another, as those of agents that share a model do.
"""

import numpy as np

from pinkslip.fleet.snapshot import Floats
from pinkslip.judge.evidence.proven import DECIMALS


def bar(log_e: Floats, known: int, fdr: float) -> float:
    """What ln of an e-value must reach to be declared: ln(N / (fdr k*)), with N = `known`.

    `log_e` holds those of at least 1/fdr, which the others cannot help: k is at most N. Exactly k* reach the bar,
    and equal e-values share their fate: were the next one as large, k* would be larger. Where nobody is declared
    it is what one alone would have to reach.
    """
    worth = np.sort(log_e)[::-1]
    alone = np.log(max(known, 1) / fdr)
    bars = np.round(alone - np.log(np.arange(1, len(worth) + 1)), DECIMALS)
    enough = np.flatnonzero(worth >= bars)
    return float(bars[enough[-1]] if len(enough) else np.round(alone, DECIMALS))
