"""Spans and instants as people write them on a command line: `30m`, `1h30m`, `7d`, `2026-11-23`, `2026-11-23T09:30Z`."""

import re
from datetime import UTC, datetime, timedelta

import click

UNITS_S = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
LONGEST = timedelta(days=3_650)
_SPAN = re.compile(r"([0-9]{1,9}[smhd])+")


def span(
    _ctx: click.Context, _parameter: click.Parameter, text: str | None
) -> timedelta | None:
    """A span of time, more than nothing."""
    if text is None:
        return None
    if not _SPAN.fullmatch(text):
        raise click.BadParameter("write for example 30m, 2h, 1h30m or 1d")
    return _span(text)


def since(_ctx: click.Context, _parameter: click.Parameter, text: str | None) -> str | None:
    """An instant, or how long ago it was, as the API takes it."""
    if text is None:
        return None
    if _SPAN.fullmatch(text):
        return spelled(now() - _span(text))
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise click.BadParameter(
            "write how long ago, for example 7d, or when, for example 2026-11-23T09:30Z"
        ) from None
    return spelled(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


def until(span: timedelta) -> str:
    """The instant `span` from now, as the API takes it."""
    return spelled(now() + span)


def spelled(moment: datetime) -> str:
    """RFC 3339, UTC."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def now() -> datetime:
    """A person's \"for two hours\" begins now, by the clock of their own machine."""
    return datetime.now(UTC)  # noqa: TID251 - a person's now


def _span(text: str) -> timedelta:
    parts = re.findall(r"([0-9]+)([smhd])", text)
    found = timedelta(seconds=sum(int(number) * UNITS_S[unit] for number, unit in parts))
    if not timedelta(0) < found <= LONGEST:
        raise click.BadParameter("must be more than nothing and at most ten years, 3650d")
    return found
