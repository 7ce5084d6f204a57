"""How tests speak of instants and of several things."""

from collections.abc import Sequence

from pinkslip.model.policy import Unit
from pinkslip.model.time import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS
from pinkslip.policies.quantities import written_quantity

LISTED_AT_MOST = 5

_UNITS = (("d", DAY_MS), ("h", HOUR_MS), ("m", MINUTE_MS), ("s", SECOND_MS), ("ms", 1))


def instant(at_ms: int) -> str:
    """An offset as tests write it: `12m5s`."""
    parts, left = [], at_ms
    for unit, size in _UNITS:
        if left >= size:
            parts.append(f"{left // size}{unit}")
            left %= size
    return "".join(parts) or "0s"


def span(span_ms: int) -> str:
    """A length of time as policies write it: `30s`."""
    return written_quantity(span_ms / SECOND_MS, Unit.SECONDS)


def listed(words: Sequence[str]) -> str:
    """The first few, and how many more there are."""
    shown = ", ".join(words[:LISTED_AT_MOST])
    more = len(words) - LISTED_AT_MOST
    return f"{shown} and {more} more" if more > 0 else shown
