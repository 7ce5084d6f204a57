"""Patterns in matchers, bounded before they are ever run: `re` backtracks, and one bad pattern stops a tick.

A small part of the syntax is read here, and the number of ways a pattern can try a text is counted as an
upper bound. What could take long, or is not read, is refused with a reason.
"""

import re
from dataclasses import dataclass

from pinkslip.policies.problems import quoted

LENGTH_MAX = 200
NESTING_MAX = 10
TEXT_LENGTH_MAX = 200
"""No field that is matched is longer."""
WAYS_MAX = 10_000_000
"""Three `*` in one pattern still fit."""

_REPEAT = re.compile(r"\{([0-9]{1,4})(?:(,)([0-9]{0,4}))?\}")
_CLASS = re.compile(r"\[\^?\]?(?:[^\]\\\[]|\\[^0-9A-Za-z]|\\[dDwWsStnr])*\]")
_ESCAPE = re.compile(r"\\(?:[^0-9A-Za-z]|[dDwWsSbBtnr])")


class BadPattern(ValueError):
    """A pattern that is refused; `at` is the offset of what is wrong."""

    def __init__(self, message: str, at: int = 0, hint: str = "") -> None:
        super().__init__(message)
        self.at = at
        self.hint = hint


def check(pattern: str) -> None:
    """BadPattern unless `pattern` is understood and quick on every text of TEXT_LENGTH_MAX characters."""
    if not pattern:
        raise BadPattern("the pattern is empty", hint="write for example ~dev-.*")
    if len(pattern) > LENGTH_MAX:
        raise BadPattern(
            f"the pattern has {len(pattern)} characters; at most {LENGTH_MAX} are read"
        )
    ways = _Reader(pattern).whole()
    if ways > WAYS_MAX:
        raise BadPattern(
            "the pattern can try one text in too many ways",
            hint="use at most three of * + {n,} and fewer of ? and |, or list the values",
        )
    try:
        re.compile(pattern)
    except (re.error, OverflowError) as error:
        raise BadPattern(f"not a pattern: {error}", getattr(error, "pos", None) or 0) from None


@dataclass(slots=True)
class _Reader:
    """Counts ways while reading: along a sequence they multiply, over alternatives they add up."""

    pattern: str
    at: int = 0
    depth: int = 0

    def whole(self) -> int:
        ways = self._alternatives()
        if self.at < len(self.pattern):
            raise BadPattern("this ) closes nothing", self.at)
        return ways

    def _alternatives(self) -> int:
        ways = self._sequence()
        while self._next() == "|":
            self.at += 1
            ways += self._sequence()
        return ways

    def _sequence(self) -> int:
        ways = 1
        while self._next() not in ("", "|", ")"):
            start = self.at
            inner = self._item()
            ways = min(ways * self._repeated(inner, start), WAYS_MAX + 1)
        return ways

    def _item(self) -> int:
        letter = self._next()
        if letter == "(":
            return self._group()
        if letter == "[":
            self._skip(_CLASS, "this class is not understood", "write for example [a-z0-9_]")
        elif letter == "\\":
            self._skip(
                _ESCAPE, "this escape is not understood", r"\d \w \s and escaped signs are"
            )
        elif letter in "*+?{":
            raise BadPattern(
                f"nothing to repeat before {letter}",
                self.at,
                rf"for the sign itself write \{letter}",
            )
        else:
            self.at += 1
        return 1

    def _group(self) -> int:
        start = self.at
        if self.pattern.startswith("(?:", self.at):
            self.at += 3
        elif self.pattern.startswith("(?", self.at):
            raise BadPattern(
                "lookaround, names and flags in groups are not understood",
                start,
                "write ( or (?:",
            )
        else:
            self.at += 1
        self.depth += 1
        if self.depth > NESTING_MAX:
            raise BadPattern(f"more than {NESTING_MAX} groups within one another", start)
        ways = self._alternatives()
        if self._next() != ")":
            raise BadPattern("this ( is not closed", start)
        self.at += 1
        self.depth -= 1
        return ways

    def _repeated(self, inner: int, start: int) -> int:
        low, high, is_repeat = self._bounds()
        if not is_repeat:
            return inner
        if self._next() == "?":
            self.at += 1
        if self._next() != "" and self._next() in "*+?{":
            raise BadPattern(
                "a repeat of a repeat", self.at, "write one of them, or use a group"
            )
        if inner == 1:
            return high - low + 1
        if high > 1:
            again = quoted(self.pattern[start : self.at])
            raise BadPattern(
                f"{again} repeats what can itself match in several ways",
                start,
                "such a pattern can take for ever: take the inner repeat or alternatives out",
            )
        return inner + 1

    def _bounds(self) -> tuple[int, int, bool]:
        match self._next():
            case "*":
                self.at += 1
                return 0, TEXT_LENGTH_MAX, True
            case "+":
                self.at += 1
                return 1, TEXT_LENGTH_MAX, True
            case "?":
                self.at += 1
                return 0, 1, True
            case "{":
                return self._counted()
            case _:
                return 1, 1, False

    def _counted(self) -> tuple[int, int, bool]:
        found = _REPEAT.match(self.pattern, self.at)
        if found is None:
            raise BadPattern(
                "this { is not understood",
                self.at,
                r"write {2} or {2,5}; for the sign itself \{",
            )
        self.at = found.end()
        low = int(found[1])
        high = low if found[2] is None else int(found[3] or TEXT_LENGTH_MAX)
        if low > high:
            raise BadPattern("the least is more than the most", found.start())
        return low, min(high, max(TEXT_LENGTH_MAX, low)), True

    def _skip(self, expected: "re.Pattern[str]", message: str, hint: str) -> None:
        found = expected.match(self.pattern, self.at)
        if found is None:
            raise BadPattern(message, self.at, hint)
        self.at = found.end()

    def _next(self) -> str:
        return self.pattern[self.at : self.at + 1]
