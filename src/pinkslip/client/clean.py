"""What agents hand in, made fit for the wire: cut to its limits, without what the service refuses.

A value that cannot be sent is left out and said in the log; the rest of the report still goes.
"""

import logging
import math
import re

logger = logging.getLogger("pinkslip.client")

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_COUNT_MAX = 2**53 - 1
COST_MAX = 1_000_000_000.0

RESULTS = (
    "success",
    "failure",
    "timeout",
    "off_track",
    "refused",
    "context_overflow",
    "unparsable",
    "cancelled",
)
FAULTS = ("agent", "provider", "tool", "infra", "user", "unknown")
STATUSES = ("IDLE", "WORKING", "WAITING", "ERROR")


def name(value: object, length_max: int) -> str | None:
    """One line of text; None stays None, and so does what is empty."""
    if value is None:
        return None
    return _CONTROL.sub(" ", _text(value))[:length_max] or None


def prose(value: object, length_max: int) -> str | None:
    """Text in lines; None stays None."""
    if value is None:
        return None
    text = _text(value).replace("\x00", " ")
    return text if len(text) <= length_max else text[: length_max - 1] + "…"


def count(value: object, what: str) -> int | None:
    """A whole number from 0; None with a word in the log when it is none."""
    number = real(value, what, most=_COUNT_MAX)
    return None if number is None else int(number)


def real(
    value: object, what: str, *, least: float = 0.0, most: float = math.inf
) -> float | None:
    """A number within bounds; None with a word in the log when it is none."""
    if value is None:
        return None
    try:
        number = float(value)  # type: ignore[arg-type]  # whatever it is, asking is how to know
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if math.isfinite(number) and least <= number <= most:
        return number
    logger.warning(
        "%s %.60r is left out: it must be between %g and %g", what, value, least, most
    )
    return None


def word(value: object, what: str, known: tuple[str, ...]) -> str | None:
    """One of `known`; None with a word in the log when it is none."""
    if value is None:
        return None
    text = str(getattr(value, "value", value))
    if text in known:
        return text
    logger.warning("%s %.60r is left out: it must be one of %s", what, value, ", ".join(known))
    return None


def labels(value: object) -> dict[str, str] | None:
    """At most 20 pairs of names."""
    if not isinstance(value, dict) or not value:
        return None
    pairs = ((name(key, 64), name(held, 200)) for key, held in list(value.items())[:20])
    return {key: held for key, held in pairs if key and held}


def _text(value: object) -> str:
    """Half a surrogate pair cannot be sent as UTF-8, and what an agent hands in may fail to show itself."""
    try:
        return str(value).encode("utf-8", "replace").decode("utf-8")
    except Exception:  # noqa: BLE001 - somebody else's __str__
        return "(cannot be shown)"
