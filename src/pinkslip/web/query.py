"""Query parameters: declared by routes, checked before a handler runs, unknown ones refused."""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from multidict import MultiMapping

from pinkslip.model.time import from_rfc3339
from pinkslip.web.problems import invalid_parameter
from pinkslip.web.wire import is_instant, name_fault

Word = TypeVar("Word", bound=StrEnum)

TEXT_MAX = 500
VALUES_MAX = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One query parameter of a route."""

    name: str
    """A trailing `*` takes any name that begins so: `label.*`."""
    description: str
    kind: str = "string"
    """string, integer or boolean, as the OpenAPI document says it."""
    words: tuple[str, ...] = ()
    """The only values; several may be given, separated by commas or by repeating the parameter."""
    many: bool = False
    minimum: int | None = None
    maximum: int | None = None
    default: object = None


class Query:
    """The parameters of one request, every one of them declared."""

    __slots__ = ("_values",)

    def __init__(self, values: Mapping[str, list[str]]) -> None:
        self._values = values

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def text(self, name: str) -> str | None:
        """The one value; given twice is refused."""
        values = self._values.get(name)
        if values is None:
            return None
        if len(values) > 1:
            raise invalid_parameter(name, f"{name} is given {len(values)} times; give it once")
        return values[0]

    def texts(self, name: str) -> frozenset[str]:
        """Every value of a repeatable parameter."""
        return frozenset(self._values.get(name, ()))

    def words(self, name: str, vocabulary: type[Word]) -> frozenset[Word]:
        """Values among a fixed vocabulary."""
        return frozenset(vocabulary(word) for word in self._values.get(name, ()))

    def word(self, name: str, vocabulary: type[Word]) -> Word | None:
        """One value of a fixed vocabulary."""
        text = self.text(name)
        return None if text is None else vocabulary(text)

    def truth(self, name: str) -> bool | None:
        """true or false; None when absent."""
        text = self.text(name)
        if text is None:
            return None
        if text not in {"true", "false"}:
            raise invalid_parameter(name, f"{name} is {text[:40]!r}; send true or false")
        return text == "true"

    def instant(self, name: str) -> int | None:
        """Journal ms; None when absent."""
        text = self.text(name)
        if text is None:
            return None
        if not is_instant(text):
            raise invalid_parameter(
                name, f"{name} is no RFC 3339 instant; send for example 2026-11-23T09:30:00Z"
            )
        return from_rfc3339(text)

    def number(self, parameter: Parameter) -> int:
        """An integer within its bounds, or the default."""
        text = self.text(parameter.name)
        if text is None:
            assert isinstance(parameter.default, int)
            return parameter.default
        low, high = parameter.minimum or 0, parameter.maximum or 0
        digits = text.isascii() and text.isdigit() and len(text) <= 18
        if not digits or not low <= int(text) <= high:
            raise invalid_parameter(
                parameter.name,
                f"{parameter.name} is {text[:40]!r}; send a whole number from {low} to {high}",
            )
        return int(text)

    def starting(self, prefix: str) -> dict[str, frozenset[str]]:
        """`label.team=a` under the prefix `label.` as {team: {a}}."""
        return {
            name[len(prefix) :]: frozenset(values)
            for name, values in self._values.items()
            if name.startswith(prefix)
        }

    def fingerprint(self, *, without: Sequence[str]) -> list[tuple[str, list[str]]]:
        """What a cursor is bound to: every parameter but the paging ones, in a fixed order."""
        return sorted(
            (name, sorted(set(values)))
            for name, values in self._values.items()
            if name not in without
        )


NO_QUERY = Query({})

SINCE = Parameter(name="since", description="Taken at this instant (RFC 3339) or later.")


def read_query(given: MultiMapping[str], parameters: Sequence[Parameter]) -> Query:
    """The request's parameters by name; refuses unknown names, wrong words and text no database holds."""
    values: dict[str, list[str]] = {}
    for name, text in given.items():
        parameter = _declared(name, parameters)
        if parameter is None:
            raise invalid_parameter(name[:100], _unknown(name, parameters))
        if (fault := _text_fault(name, text)) is not None:
            raise invalid_parameter(name[:100], fault)
        values.setdefault(name, []).extend(_split(parameter, text))
        if len(values[name]) > VALUES_MAX:
            raise invalid_parameter(name, f"{name} has more than {VALUES_MAX} values")
    return Query(values)


def _declared(name: str, parameters: Sequence[Parameter]) -> Parameter | None:
    for parameter in parameters:
        if parameter.name == name:
            return parameter
        if (
            parameter.name.endswith("*")
            and name.startswith(parameter.name[:-1])
            and len(name) >= len(parameter.name)
        ):
            return parameter
    return None


def _split(parameter: Parameter, text: str) -> list[str]:
    if not parameter.words:
        return [text]
    words = text.split(",") if parameter.many else [text]
    for word in words:
        if word not in parameter.words:
            raise invalid_parameter(
                parameter.name,
                f"{parameter.name} is {word[:40]!r}; send {' or '.join(parameter.words)}",
            )
    return words


def _text_fault(name: str, text: str) -> str | None:
    if len(name) > TEXT_MAX:
        return "the name of a parameter is too long"
    fault = name_fault(name, what="the name of a parameter", limit=TEXT_MAX)
    if fault is None and text not in {"", ".", ".."}:
        fault = name_fault(text, what=name, limit=TEXT_MAX)
    return fault


def _unknown(name: str, parameters: Sequence[Parameter]) -> str:
    known = [parameter.name for parameter in parameters]
    close = difflib.get_close_matches(name[:100], known, n=1)
    if close:
        return f"unknown parameter {name[:100]!r}; did you mean {close[0]!r}?"
    return f"unknown parameter {name[:100]!r}" + (
        f"; known are {', '.join(known)}" if known else "; this route takes none"
    )
