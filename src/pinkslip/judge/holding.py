"""A condition asked of those a policy is about, no further than makes a difference.

Where a policy has begun nothing, only `true` does: false and unknown come to the same. Then the parts of an `and` are asked one after the
other, what costs least first, and each only where all before it hold; and once that is nobody, no more. What comes
of it is what Kleene's `and` comes to: true where every part is.
"""

import numpy as np

from pinkslip.fleet.snapshot import Integers
from pinkslip.judge.evaluate import Evaluator, Truth
from pinkslip.judge.kinds import Nature, Part
from pinkslip.judge.view import Bools


def holding(nature: Nature, among: Bools, evaluator: Evaluator) -> Bools:
    """Per slot: whether it is one of `among` for whom a condition of that nature is true."""
    holds = among
    for part in nature.parts:
        if not holds.any():
            break
        holds = _of(part, holds, evaluator)
    return holds


def truths(nature: Nature, among: Bools, begun: Integers, evaluator: Evaluator) -> Truth:
    """Per slot: `yes` to be read for `among`, all three values where something has `begun`, which are slots, whether
    the policy is still about them or not."""
    everybody = evaluator.readings.everybody
    if len(begun) * 2 > len(everybody) and not nature.asks_one_by_one:
        return evaluator.truth(nature.tree, everybody)
    yes, no = holding(nature, among, evaluator).copy(), np.zeros_like(among)
    if len(begun):
        told = evaluator.truth(nature.tree, begun)
        yes[begun], no[begun] = told.yes, told.no
    return Truth(yes, no)


def _of(part: Part, among: Bools, evaluator: Evaluator) -> Bools:
    """Most of a fleet is asked whole, which costs less than picking."""
    everybody = evaluator.readings.everybody
    count = int(np.count_nonzero(among))
    if count * 2 > len(everybody) and not part.asks_one_by_one:
        return among & evaluator.truth(part.tree, everybody).yes
    slots = np.flatnonzero(among)
    holds = np.zeros(len(among), dtype=np.bool_)
    holds[slots] = evaluator.truth(part.tree, slots).yes
    return holds
