"""What a ladder leaves out of each agent's evidence: counts before the rung it took last, and its pass.

Every rung taken and every new pass starts the evidence anew, so that one bad stretch pays for one rung only;
and the k-th pass may err with error/(k(k+1)) only, so that all passes together stay within the error.
"""

from dataclasses import dataclass

import numpy as np

from pinkslip.fleet.snapshot import Integers
from pinkslip.judge.view import FleetView


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """One policy's, per slot. Vectors are for reading only."""

    has_ladder: bool
    """False: nothing is left out, and the whole error is spent on the one crossing there is."""
    base_tasks: Integers
    """Counted by the policy's filter and scope before its evidence began."""
    base_successes: Integers
    passes: Integers
    """The k of error/(k(k+1)): 1 for everybody who never took a rung."""
    since: Integers
    """When the evidence began: the rung taken last, the pass, or the incarnation. 0: a lineage from its first day."""


def whole(view: FleetView, *, has_ladder: bool = False) -> Ledger:
    """Nothing left out, for anybody."""
    nothing = np.zeros(view.size, dtype=np.int64)
    return Ledger(
        has_ladder=has_ladder,
        base_tasks=nothing,
        base_successes=nothing,
        passes=np.ones(view.size, dtype=np.int64),
        since=view.created_at,
    )
