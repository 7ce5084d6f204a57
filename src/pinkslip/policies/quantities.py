"""Numbers with their units, as written: `90s`, `1h30m`, `70%`, `$0.25`, `20`; and back again, exactly.

Inside, every value is in its base unit: seconds, ratios, dollars, plain numbers. Decimal arithmetic on the
way in and out, so that what is printed reads back as the same float.
"""

import re
from decimal import Decimal, InvalidOperation

from pinkslip.model.policy import Unit
from pinkslip.model.time import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS
from pinkslip.policies.problems import quoted

SPAN_UNITS_MS = {"ms": 1, "s": SECOND_MS, "m": MINUTE_MS, "h": HOUR_MS, "d": DAY_MS}
"""The units of a duration, and what they are in milliseconds."""

_NUMBER = r"(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
_PLAIN = re.compile(_NUMBER)
_SPAN_PART = re.compile(rf"({_NUMBER})(ms|s|m|h|d)")
_SUFFIXED = re.compile(rf"({_NUMBER})\s*([A-Za-z%_]+)")
_LARGEST = Decimal("1e15")
_SMALLEST = Decimal("1e-15")
_OTHER_SPELLINGS = {
    "sec": "s", "secs": "s", "second": "s", "seconds": "s",
    "min": "m", "mins": "m", "minute": "m", "minutes": "m",
    "hr": "h", "hrs": "h", "hour": "h", "hours": "h",
    "day": "d", "days": "d", "msec": "ms", "millis": "ms",
}  # fmt: skip


class BadQuantity(ValueError):
    """Not a number we know. The message says why, `hint` what to write."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


def parse_quantity(text: str) -> tuple[float, Unit]:
    """The value in base units and its unit; BadQuantity when it is none."""
    if text.startswith("$"):
        return _bounded(text, _decimal(text[1:].strip(), text)), Unit.DOLLARS
    if text.endswith("%"):
        return _bounded(text, _decimal(text[:-1].rstrip(), text) / 100), Unit.RATIO
    if _PLAIN.fullmatch(text):
        return _bounded(text, _decimal(text, text)), Unit.NUMBER
    return _bounded(text, _span(text) / SECOND_MS), Unit.SECONDS


def parse_span_ms(text: str) -> int:
    """A duration in whole milliseconds; BadQuantity when it is none."""
    if _PLAIN.fullmatch(text):
        raise BadQuantity(f"{quoted(text)} has no unit", f"write {text}s")
    if not text[:1].isdigit():
        raise BadQuantity(f"{quoted(text)} is no duration", "write for example 30s")
    span = _span(text)
    if span != span.to_integral_value():
        raise BadQuantity(f"{quoted(text)} is finer than a millisecond")
    return int(span)


def written_quantity(value: float, unit: Unit) -> str:
    """The shortest text that reads back as exactly `value`."""
    exact = Decimal(repr(value))
    match unit:
        case Unit.RATIO:
            return f"{_plainly(exact * 100)}%"
        case Unit.DOLLARS:
            return f"${_plainly(exact)}"
        case Unit.SECONDS:
            return _written_span(exact * SECOND_MS)
        case Unit.NUMBER | Unit.TRUTH:
            return _plainly(exact)


def _span(text: str) -> Decimal:
    """Milliseconds of `1h30m`: parts one after the other, nothing between."""
    at, total = 0, Decimal(0)
    while at < len(text):
        part = _SPAN_PART.match(text, at)
        if part is None or (part.end() < len(text) and text[part.end()].isalpha()):
            raise _unreadable(text)
        total += _decimal(part[1], text) * SPAN_UNITS_MS[part[2]]
        at = part.end()
    if at == 0:
        raise _unreadable(text)
    return total


def _unreadable(text: str) -> BadQuantity:
    suffixed = _SUFFIXED.fullmatch(text)
    if suffixed is None:
        return BadQuantity(
            f"{quoted(text)} is no number", "write for example 20, 90s, 70% or $5"
        )
    number, unit = suffixed.groups()
    unit = unit.lower() if unit.lower() in SPAN_UNITS_MS else unit
    if unit == "w":
        return BadQuantity('the unit "w" is not known', "write weeks in days: 7d")
    meant = _OTHER_SPELLINGS.get(unit.lower(), unit if unit in SPAN_UNITS_MS else None)
    hint = f"write {number}{meant}" if meant else "the units are ms s m h d, % and $"
    return BadQuantity(f"the unit {quoted(suffixed[2])} is not known", hint)


def _decimal(text: str, whole: str) -> Decimal:
    if not _PLAIN.fullmatch(text):
        raise _unreadable(whole)
    try:
        value = Decimal(text)
    except InvalidOperation:  # an exponent beyond what Decimal holds
        raise BadQuantity(
            f"{quoted(whole)} is out of range", "numbers are between 1e-15 and 1e15"
        ) from None
    if value and not _SMALLEST <= value <= _LARGEST:
        limit = "largest number is 1e15" if value > _LARGEST else "smallest number is 1e-15"
        raise BadQuantity(f"{quoted(whole)} is out of range", f"the {limit}")
    return value


def _bounded(text: str, exact: Decimal) -> float:
    if exact > _LARGEST:
        raise BadQuantity(f"{quoted(text)} is out of range", "the largest number is 1e15")
    return float(exact)


def _written_span(span_ms: Decimal) -> str:
    if span_ms == span_ms.to_integral_value():
        for unit in ("d", "h", "m", "s"):
            if span_ms and span_ms % SPAN_UNITS_MS[unit] == 0:
                return f"{_plainly(span_ms / SPAN_UNITS_MS[unit])}{unit}"
        if span_ms == 0:
            return "0s"
    return f"{_plainly(span_ms)}ms"


def _plainly(exact: Decimal) -> str:
    """Without an exponent where that is short, without trailing zeros."""
    normal = exact.normalize()
    text = f"{normal:f}"
    return text if len(text) <= 24 else f"{normal:e}".replace("e+", "e")
