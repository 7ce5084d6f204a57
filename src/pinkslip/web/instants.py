"""Instants as every answer spells them."""

from pinkslip.model.time import rfc3339


def instant(at: int | None) -> str | None:
    """Journal ms as RFC 3339; None stays None."""
    return None if at is None else rfc3339(at)
