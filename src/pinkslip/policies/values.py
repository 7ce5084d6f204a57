"""Nodes to values: words, choices, counts, shares and spans, each refusal with its place.

Word-valued keys read the scalar's text, so `off` is a word. Numbers are YAML 1.2 core integers, and only
where a number is asked for.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from pinkslip.model.policy import Unit
from pinkslip.policies.document import Fields, Items, Node, Scalar
from pinkslip.policies.problems import Severity, quoted
from pinkslip.policies.quantities import (
    BadQuantity,
    parse_quantity,
    parse_span_ms,
    written_quantity,
)
from pinkslip.policies.text import Place, Report, Text

Word = TypeVar("Word", bound=StrEnum)

_INTEGER = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_DIGITS_MAX = 16
_BASES = {"0o": 8, "0x": 16}


@dataclass(frozen=True, slots=True)
class Values:
    """Reads nodes of one file."""

    text: Text
    report: Report

    def refuse(self, node: Node | Place, message: str, path: str, hint: str = "") -> None:
        """Note an error."""
        place = node if isinstance(node, Place) else node.place
        self.report.add(self.text, place, message, hint=hint, key_path=path)

    def warn(self, node: Node | Place, message: str, path: str, hint: str = "") -> None:
        """Note a warning."""
        place = node if isinstance(node, Place) else node.place
        self.report.add(
            self.text, place, message, hint=hint, severity=Severity.WARNING, key_path=path
        )

    def fields(self, node: Node, path: str, *, known: Iterable[str]) -> dict[str, Node] | None:
        """The known keys of a mapping; unknown ones are refused, and those without a value."""
        if not isinstance(node, Fields):
            self.refuse(
                node,
                f"{path or 'the file'} must be a mapping",
                path,
                "write `key: value` lines",
            )
            return None
        found: dict[str, Node] = {}
        words = list(known)
        for key, value in node.entries:
            inner = f"{path}.{key.text}" if path else key.text
            if key.text in words:
                if self._has_value(key, value, inner):
                    found[key.text] = value
            else:
                self._refuse_key(key, value, inner, words)
        return found

    def _refuse_key(self, key: Scalar, value: Node, path: str, words: list[str]) -> None:
        is_rest = _is_nothing(value) and " " in key.text
        hint = (
            "text with a comma stands in quotes inside { }"
            if is_rest
            else self.report.guess(key.text, words)
        )
        self.refuse(key, f"unknown key {quoted(key.text)}", path, hint)

    def _has_value(self, key: Scalar, value: Node, path: str) -> bool:
        if _is_nothing(value):
            self.refuse(
                key, f"{quoted(key.text)} has no value", path, "give it one, or remove the key"
            )
            return False
        return True

    def word(self, node: Node, path: str, *, length_max: int = 200) -> str | None:
        """The text of a scalar, whatever type YAML would give it."""
        if not isinstance(node, Scalar):
            self.refuse(node, f"{path} must be a word", path)
            return None
        if len(node.text) > length_max:
            self.refuse(
                node, f"{path} has {len(node.text)} characters; at most {length_max}", path
            )
            return None
        return node.text

    def choice(self, node: Node, path: str, vocabulary: type[Word]) -> Word | None:
        """A member of a fixed vocabulary."""
        word = self.word(node, path)
        if word is None:
            return None
        members = [member.value for member in vocabulary]
        if word not in members:
            self._refuse_choice(node, word, path, members)
            return None
        return vocabulary(word)

    def one_of(
        self, node: Node, path: str, words: list[str], *, word: str | None = None
    ) -> str | None:
        """One of `words`; `word` where only a part of the scalar is meant."""
        word = self.word(node, path) if word is None else word
        if word is not None and word not in words:
            self._refuse_choice(node, word, path, words)
            return None
        return word

    def _refuse_choice(self, node: Node, word: str, path: str, words: list[str]) -> None:
        guess = self.report.guess(word, words) or f"one of {', '.join(words)}"
        self.refuse(node, f"{path} cannot be {quoted(word)}", path, guess)

    def choices(self, node: Node, path: str, vocabulary: type[Word]) -> frozenset[Word] | None:
        """One member or a list of them."""
        if isinstance(node, Items) and not node.items:
            self.refuse(node, f"{path} is empty", path, "name at least one, or remove the key")
            return None
        nodes = node.items if isinstance(node, Items) else (node,)
        members = [
            self.choice(item, self.item_path(path, node, index), vocabulary)
            for index, item in enumerate(nodes)
        ]
        known = frozenset(member for member in members if member is not None)
        return known if None not in members else None

    @staticmethod
    def item_path(path: str, node: Node, index: int) -> str:
        """The path of an item of `node`, which may be a lone value."""
        return f"{path}[{index}]" if isinstance(node, Items) else path

    def count(self, node: Node, path: str, *, least: int, most: int) -> int | None:
        """A whole number within bounds, ends included."""
        if (
            not isinstance(node, Scalar)
            or not _INTEGER.fullmatch(node.text)
            or not node.is_plain
        ):
            unquoted = isinstance(node, Scalar) and _INTEGER.fullmatch(node.text)
            hint = "write it without quotes" if unquoted else ""
            self.refuse(node, f"{path} must be a whole number", path, hint)
            return None
        digits = node.text.lstrip("+-").removeprefix("0o").removeprefix("0x").lstrip("0")
        value = (
            most + 1
            if len(digits) > _DIGITS_MAX
            else int(node.text, _BASES.get(node.text[:2], 10))
        )
        if not least <= value <= most:
            self.refuse(node, f"{path} must be between {least} and {most}", path)
            return None
        return value

    def span_ms(self, node: Node, path: str, *, least: int, most: int) -> int | None:
        """A duration within bounds, ends included."""
        word = self.word(node, path)
        if word is None:
            return None
        try:
            span = parse_span_ms(word)
        except BadQuantity as error:
            self.refuse(
                node,
                f"{path} must be a duration: {error}",
                path,
                error.hint or "write for example 30s",
            )
            return None
        if not least <= span <= most:
            limits = [written_quantity(limit / 1000, Unit.SECONDS) for limit in (least, most)]
            self.refuse(node, f"{path} must be between {limits[0]} and {limits[1]}", path)
            return None
        return span

    def flag(self, node: Node, path: str) -> bool | None:
        """`true` or `false`."""
        word = self.word(node, path)
        if word is None or word in ("true", "false"):
            return None if word is None else word == "true"
        meant = {"yes": "true", "on": "true", "no": "false", "off": "false"}.get(word.lower())
        if word.lower() in ("true", "false"):
            meant = word.lower()
        hint = f"write {meant}" if meant else "write true or false"
        self.refuse(node, f"{path} cannot be {quoted(word)}", path, hint)
        return None

    def share(self, node: Node, path: str) -> float | None:
        """A share between 0% and 100%."""
        word = self.word(node, path)
        if word is None:
            return None
        try:
            value, unit = parse_quantity(word)
        except BadQuantity:
            value, unit = 0.0, Unit.TRUTH
        if unit is Unit.NUMBER:
            self.refuse(
                node,
                f"{path} must be a share",
                path,
                f"write {value if value > 1 else value * 100:g}%",
            )
            return None
        if unit is not Unit.RATIO or value > 1:
            self.refuse(
                node,
                f"{path} must be a share between 0% and 100%",
                path,
                "write for example 10%",
            )
            return None
        return value


def _is_nothing(node: Node) -> bool:
    """Nothing was written."""
    return isinstance(node, Scalar) and node.is_plain and not node.text
