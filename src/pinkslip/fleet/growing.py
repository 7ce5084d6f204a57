"""Arrays that grow, and totals that never step back."""

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from pinkslip.fleet.slots import Places
from pinkslip.fleet.snapshot import Integers

Item = TypeVar("Item", bound=np.generic)


def grown(array: NDArray[Item], capacity: int, fill: float = 0) -> NDArray[Item]:
    """A copy with room for `capacity` rows."""
    shape = (capacity, *array.shape[1:])
    if fill:
        longer = np.full(shape, fill, array.dtype)
        longer[: len(array)] = array
        return longer
    # zeros are the system's to give: pages nobody touches take no memory, and copying touches them
    longer = np.zeros(shape, array.dtype)
    if array.any():
        longer[: len(array)] = array
    return longer


MOST = np.iinfo(np.int64).max
_SAFE = 1 << 62


def add_up(total: Integers, places: Places, amounts: Integers) -> None:
    """Add amounts (none negative) to totals, which stop at 2**63 - 1: a counter never steps back."""
    if not len(amounts):
        return
    if int(amounts.max()) * len(amounts) >= _SAFE and len(amounts) > 1:
        half = len(amounts) // 2
        add_up(total, places[:half], amounts[:half])
        add_up(total, places[half:], amounts[half:])
        return
    np.add.at(total, places, amounts)
    beyond = total[places] < 0
    if beyond.any():
        total[places[beyond]] = MOST
