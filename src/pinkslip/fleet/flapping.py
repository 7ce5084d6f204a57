"""How often an agent turns late and back: the weighted share of changes between its last states.

Nagios' rule ("Detection and Handling of State Flapping", `base/flapping.c`): of the last 21 states, each change
from one to the next counts, the oldest for 0.75, the newest for 1.25, evenly between; the sum over 20 is the
score. A state here is one heartbeat: late or in time. States are bits, the newest the lowest.
"""

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from pinkslip.fleet.snapshot import Floats, Integers

STATES = 21
_CHANGES = STATES - 1
_ALL = (1 << STATES) - 1
_TABLE_BITS = 10
"""Two tables of 1,024 sums instead of twenty passes over all agents."""
_WHOLE = 76
"""In 76ths all weights are integers: 0.75 + 0.5 (place - 1) / 19 is (55 + 2 place) / 76."""

Bits = NDArray[np.uint32]
Number = TypeVar("Number", int, Integers)
"""One agent's, or many agents' at once."""


def shifted(states: Number, *, late: Number, is_first: Number) -> Number:
    """States after one more heartbeat each; `late` and `is_first` are 0 or 1.

    What was before the first is taken to have been alike: no change.
    """
    return is_first * late * _ALL + (1 - is_first) * (((states << 1) | late) & _ALL)


def flap_score(states: Bits) -> Floats:
    """Between 0 and 1: 1 for states that change every time, 0 for states that never do."""
    changes = ((states ^ (states >> np.uint32(1))) & np.uint32(_ALL >> 1)).astype(np.intp)
    newer, older = changes & (len(_NEWER) - 1), changes >> _TABLE_BITS
    scores: Floats = (_NEWER[newer] + _OLDER[older]) / (_WHOLE * _CHANGES)
    return scores


def _halves(first: int) -> NDArray[np.int64]:
    """By the bits of ten changes, the lowest the `first`th from the newest: the sum of their weights."""
    weights = [55 + 2 * (_CHANGES - first - bit) for bit in range(_TABLE_BITS)]
    return np.array(
        [
            sum(weight for bit, weight in enumerate(weights) if changes >> bit & 1)
            for changes in range(1 << _TABLE_BITS)
        ],
        np.int64,
    )


_NEWER, _OLDER = _halves(0), _halves(_TABLE_BITS)
