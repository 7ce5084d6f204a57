"""One file's text and the places in it: lines as the YAML reader counts them, excerpts, carets."""

import re
from bisect import bisect_right
from dataclasses import dataclass

from pinkslip.policies.problems import (
    LISTED_AT_MOST,
    SUGGESTIONS_AT_MOST,
    Problem,
    Severity,
    did_you_mean,
    printable,
)

_LINE_BREAK = re.compile("\r\n|[\r\n\x85\u2028\u2029]")
_EXCERPT_WIDTH = 100


@dataclass(frozen=True, slots=True)
class Place:
    """A stretch of one line. Line and column count from 0, as the reader's marks do."""

    line: int
    column: int
    width: int = 1


class Text:
    """The text of one file, addressable by line and column and by offset."""

    def __init__(self, file: str, text: str) -> None:
        self.file = file
        self.text = text.removeprefix("\N{ZERO WIDTH NO-BREAK SPACE}")
        self._starts = [0, *(found.end() for found in _LINE_BREAK.finditer(self.text))]

    def line(self, number: int) -> str:
        """Line `number` without its break; empty past the end."""
        if number >= len(self._starts):
            return ""
        return self.text[self._starts[number] : self._end(number)]

    def lines(self, first: int, last: int) -> list[str]:
        """Lines `first` to `last`, both included."""
        return [self.line(number) for number in range(first, min(last + 1, len(self._starts)))]

    def offset(self, line: int, column: int) -> int:
        """Offset of a mark; the end of the text when it points past it."""
        if line >= len(self._starts):
            return len(self.text)
        return min(self._starts[line] + column, len(self.text))

    def place(self, offset: int, width: int = 1) -> Place:
        """The place of an offset; a stretch that runs past its line is cut there."""
        line = bisect_right(self._starts, offset) - 1
        column = offset - self._starts[line]
        room = max(self._end(line) - offset, 1)
        return Place(line, column, max(1, min(width, room)))

    def _end(self, number: int) -> int:
        """Offset of the break that ends line `number`."""
        found = _LINE_BREAK.search(self.text, self._starts[number])
        return len(self.text) if found is None else found.start()

    def problem(
        self, place: Place, message: str, *, hint: str, severity: Severity, key_path: str
    ) -> Problem:
        """A problem with its excerpt."""
        line = self.line(place.line)
        start = max(0, min(place.column - _EXCERPT_WIDTH // 2, len(line) - _EXCERPT_WIDTH))
        indent = len(line) - len(line.lstrip()) if start == 0 else 0
        first = start + min(indent, place.column)
        excerpt = line[first : start + _EXCERPT_WIDTH].rstrip()
        caret = min(place.column - first, len(excerpt))
        return Problem(
            file=self.file,
            line=place.line + 1,
            column=place.column + 1,
            severity=severity,
            message=message,
            hint=hint,
            excerpt=printable(excerpt),
            caret=caret,
            width=max(1, min(place.width, len(excerpt) - caret)),
            key_path=key_path,
        )


class Report:
    """Everything found wrong in one load, up to a bound; the rest is counted."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self.errors = 0
        """How many of the problems found so far are errors, listed or not."""
        self.unlisted = 0
        self._suggested = 0

    @property
    def has_errors(self) -> bool:
        """Whether anything found so far is an error."""
        return self.errors > 0

    @property
    def is_settled(self) -> bool:
        """Whether reading on would change nothing: there is an error, and no more is listed."""
        return self._is_full and self.has_errors

    def add(
        self,
        text: Text,
        place: Place,
        message: str,
        *,
        hint: str = "",
        severity: Severity = Severity.ERROR,
        key_path: str = "",
    ) -> None:
        """Note a problem. An error always finds room, so that a set with one is never used."""
        is_error = severity is Severity.ERROR
        self.errors += is_error
        if self._is_full and not (is_error and self.errors == 1):
            self.unlisted += 1
            return
        self.problems.append(
            text.problem(place, message, hint=hint, severity=severity, key_path=key_path)
        )

    @property
    def _is_full(self) -> bool:
        """Whether listing more would help nobody."""
        return len(self.problems) >= LISTED_AT_MOST

    def guess(self, word: str, known: "list[str] | tuple[str, ...]") -> str:
        """`did_you_mean`, as long as there are not too many to guess at."""
        self._suggested += 1
        return did_you_mean(word, known) if self._suggested <= SUGGESTIONS_AT_MOST else ""
