"""Instants and spans. Journal time is integer milliseconds since 1970, UTC; spans are milliseconds too."""

from datetime import UTC, datetime

SECOND_MS = 1_000
MINUTE_MS = 60 * SECOND_MS
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS


def rfc3339(at_ms: int) -> str:
    """`at_ms` as every answer spells it: UTC, milliseconds, a Z."""
    moment = datetime.fromtimestamp(at_ms // 1000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{at_ms % 1000:03d}Z"


def from_rfc3339(text: str) -> int:
    """Milliseconds since 1970. ValueError when `text` is no RFC 3339 instant with an offset."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        msg = f"{text!r} has no offset; write for example {text}Z"
        raise ValueError(msg)
    return round(moment.timestamp() * 1000)


def spoken(span_ms: float) -> str:
    """A span in words short enough for a sentence: `45 s`, `2 min 30 s`, `1 h 5 min`, `3 d 2 h`."""
    if span_ms < MINUTE_MS:
        return f"{span_ms / SECOND_MS:.3g} s"
    seconds = round(span_ms / SECOND_MS)
    for big, big_name, small, small_name in (
        (86_400, "d", 3_600, "h"),
        (3_600, "h", 60, "min"),
        (60, "min", 1, "s"),
    ):
        if seconds >= big:
            rest = seconds % big // small
            return f"{seconds // big} {big_name}" + (f" {rest} {small_name}" if rest else "")
    return f"{seconds} s"
