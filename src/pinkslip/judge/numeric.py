"""Small mathematics that the judge's parts share."""

from math import isfinite


def recorded(value: float) -> float | None:
    """A number as records keep it: 9 significant digits, None when unknown."""
    if not isfinite(value):
        return None
    rounded = float(f"{value:.9g}")
    return rounded + 0.0  # no negative zero: the same fact has one spelling


def share_in_billionths(share: float) -> int:
    """A share as an integer, so that comparing is exact: 29 % of 100 is 29, whatever binary makes of 0.29."""
    return round(share * 1_000_000_000)
