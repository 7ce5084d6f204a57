"""Which format a scraper gets, and the headers that say so.

By q, then by position, among what we write: text 0.0.4 and 1.0.0, OpenMetrics 1.0.0. Whoever asks for nothing we
have gets text 0.0.4, as from every Prometheus target; a version nobody asked for is never claimed.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from pinkslip.metrics.text import Exposition

_TYPES = {
    Exposition.TEXT_0_0_4: "text/plain; version=0.0.4",
    Exposition.TEXT_1_0_0: "text/plain; version=1.0.0",
    Exposition.OPENMETRICS_1_0_0: "application/openmetrics-text; version=1.0.0",
}
_ELEMENT = re.compile(r'(?:[^,"]|"(?:[^"\\]|\\.)*")+')
_PARAMETER = re.compile(r';\s*([^\s=;]+)\s*=\s*("(?:[^"\\]|\\.)*"|[^;]*)')
_QUALITY = re.compile(r"(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?|\.\d{1,3})\Z")


class Escaping(StrEnum):
    """How names outside the classic alphabet are written. We have none, so these read the same.

    `dots` would change every underscore; who asks for it is answered, truthfully, with underscores.
    """

    ALLOW_UTF_8 = "allow-utf-8"
    UNDERSCORES = "underscores"
    VALUES = "values"


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What to answer with."""

    exposition: Exposition
    escaping: Escaping | None
    """None: the scraper's format does not know the word."""
    is_gzipped: bool

    @property
    def content_type(self) -> str:
        """Never without version and charset: Prometheus 3 refuses a page it cannot place."""
        plain = f"{_TYPES[self.exposition]}; charset=utf-8"
        return plain if self.escaping is None else f"{plain}; escaping={self.escaping}"

    def headers(self, length: int) -> dict[str, str]:
        """For GET and HEAD alike; `length` is the body's as sent."""
        encoded = {"Content-Encoding": "gzip"} if self.is_gzipped else {}
        return {
            "Content-Type": self.content_type,
            **encoded,
            "Content-Length": str(length),
            "Vary": "Accept, Accept-Encoding",
        }


@dataclass(frozen=True, slots=True)
class _Wish:
    """One element of an Accept header."""

    name: str
    parameters: Mapping[str, str]
    quality: float


def negotiate(accept: str | None, accept_encoding: str | None) -> Choice:
    """The best of what the two headers allow. Never fails: an unreadable wish is no wish."""
    exposition, escaping = _format(accept or "")
    return Choice(
        exposition=exposition, escaping=escaping, is_gzipped=_takes_gzip(accept_encoding or "")
    )


def _format(accept: str) -> tuple[Exposition, Escaping | None]:
    by_quality = sorted(_wishes(accept), key=lambda wish: -wish.quality)
    for wish in by_quality:
        exposition = _ours(wish) if wish.quality > 0 else None
        if exposition is not None:
            return exposition, _escaping(wish, exposition)
    return Exposition.TEXT_0_0_4, None


def _ours(wish: _Wish) -> Exposition | None:
    version = wish.parameters.get("version")
    match wish.name, version:
        case ("text/plain", None | "0.0.4") | ("text/*" | "*/*", None):
            return Exposition.TEXT_0_0_4
        case "text/plain", "1.0.0":
            return Exposition.TEXT_1_0_0
        case "application/openmetrics-text", None | "1.0.0":
            return Exposition.OPENMETRICS_1_0_0
        case _:
            return None


def _escaping(wish: _Wish, exposition: Exposition) -> Escaping | None:
    asked = wish.parameters.get("escaping")
    if exposition is Exposition.TEXT_0_0_4:
        return None
    if exposition is Exposition.OPENMETRICS_1_0_0 and asked is None:
        return None  # who does not say the word may not read it: Prometheus before 3.0
    return Escaping(asked) if asked in tuple(Escaping) else Escaping.UNDERSCORES


def _takes_gzip(accept_encoding: str) -> bool:
    """Only where gzip itself is listed, and not liked less than no encoding at all."""
    wishes = {wish.name: wish.quality for wish in _wishes(accept_encoding)}
    quality = wishes.get("gzip", 0.0)
    return quality > 0 and quality >= wishes.get("identity", 0.0)


def _wishes(header: str) -> Iterator[_Wish]:
    for element in _ELEMENT.findall(header):
        name, _, _ = element.partition(";")
        parameters = {
            key.lower(): value.strip().strip('"') for key, value in _PARAMETER.findall(element)
        }
        quality = _quality(parameters.get("q"))
        if name.strip() and quality is not None:
            yield _Wish(name.strip().lower(), parameters, quality)


def _quality(text: str | None) -> float | None:
    """1 unless given; None for what is no quality."""
    if text is None:
        return 1.0
    return float(text) if _QUALITY.match(text) else None
