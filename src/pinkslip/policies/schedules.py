"""The short sentences of `tests:` that say when: `every 30s until 10m`, `12 success, 8 failure every 1m`.

Instants are offsets from the beginning of the test, in milliseconds.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count, cycle, islice

from pinkslip.model.time import DAY_MS
from pinkslip.model.words import Fault, Result
from pinkslip.policies.problems import did_you_mean, quoted
from pinkslip.policies.quantities import BadQuantity, parse_span_ms

LONGEST_MS = 30 * DAY_MS
COUNT_MAX = 100_000

_TOKEN = re.compile(r"[^\s,]+|,")
_CLAUSES = ("every", "from", "until", "at")


class BadSchedule(ValueError):
    """A sentence that cannot be read. `at` and `width` say where in it, `hint` what to write."""

    def __init__(self, message: str, *, at: int = 0, width: int = 1, hint: str = "") -> None:
        super().__init__(message)
        self.at, self.width, self.hint = at, width, hint


@dataclass(frozen=True, slots=True)
class Rhythm:
    """When something happens again and again."""

    every_ms: int | None = None
    """None: once, or all of it at one instant."""
    from_ms: int = 0
    until_ms: int | None = None
    """The last instant it may happen at; None: as long as there is something, or the test, goes on."""
    is_single: bool = False
    """It is one instant: `at`."""

    def instants(self, *, end_ms: int) -> Iterator[int]:
        """Those within the test."""
        last = end_ms if self.until_ms is None else min(end_ms, self.until_ms)
        if self.every_ms is None:
            return iter((self.from_ms,) if self.from_ms <= last else ())
        return iter(range(self.from_ms, last + 1, self.every_ms))

    def times(self, *, end_ms: int) -> int:
        """How often it happens within the test."""
        last = end_ms if self.until_ms is None else min(end_ms, self.until_ms)
        if last < self.from_ms:
            return 0
        return 1 if self.every_ms is None else (last - self.from_ms) // self.every_ms + 1


@dataclass(frozen=True, slots=True)
class Results:
    """So many outcomes that end alike."""

    times: int
    result: Result
    fault: Fault | None = None
    """None: whose it is by default."""


@dataclass(frozen=True, slots=True)
class Series:
    """Outcomes one after the other, and when."""

    results: tuple[Results, ...]
    rhythm: Rhythm

    @property
    def length(self) -> int:
        """Of one pass through `results`."""
        return sum(each.times for each in self.results)

    @property
    def last_ms(self) -> int:
        """When the last one happens, as far as the sentence says."""
        rhythm = self.rhythm
        if rhythm.until_ms is not None:
            return rhythm.until_ms
        return rhythm.from_ms + (rhythm.every_ms or 0) * (self.length - 1)

    def times(self, *, end_ms: int) -> int:
        """How many happen within the test."""
        if self.rhythm.every_ms is None:
            return self.length if self.rhythm.from_ms <= end_ms else 0
        return self.rhythm.times(end_ms=min(end_ms, self.last_ms))

    def happening(self, *, end_ms: int) -> Iterator[tuple[int, Results]]:
        """Each with its instant. With an `until`, the results begin again when they are through."""
        one_pass = (each for each in self.results for _ in range(each.times))
        if self.rhythm.every_ms is None:
            return (
                (self.rhythm.from_ms, each)
                for each in islice(one_pass, self.times(end_ms=end_ms))
            )
        instants = count(self.rhythm.from_ms, self.rhythm.every_ms)
        return islice(zip(instants, cycle(one_pass), strict=False), self.times(end_ms=end_ms))


def parse_rhythm(text: str) -> Rhythm:
    """`every 30s from 1m until 10m`, each part optional; BadSchedule when it is none."""
    reader = _Reader(text)
    rhythm = reader.clauses()
    reader.end()
    return rhythm


def parse_series(text: str) -> Series:
    """`12 success, 8 failure by tool every 1m until 2h`; BadSchedule when it is none."""
    reader = _Reader(text)
    results = [reader.results()]
    while reader.takes(","):
        results.append(reader.results())
    series = Series(tuple(results), reader.clauses())
    reader.end()
    if series.rhythm.until_ms is not None and series.rhythm.every_ms is None:
        raise BadSchedule("until needs an every", hint="write for example every 1m until 2h")
    return series


class _Reader:
    """Takes one sentence apart, word by word."""

    def __init__(self, text: str) -> None:
        self._words = [(found.group(), found.start()) for found in _TOKEN.finditer(text)]
        self._end = len(text)
        self._next = 0

    def takes(self, word: str) -> bool:
        """Whether `word` comes next; then it is taken."""
        if self._peek() != word:
            return False
        self._next += 1
        return True

    def end(self) -> None:
        word = self._peek()
        if word is not None:
            hint = (
                did_you_mean(word, _CLAUSES) or f"after it comes one of {', '.join(_CLAUSES)}"
            )
            raise self._bad(f"{quoted(word)} is not understood here", hint)

    def results(self) -> Results:
        times = self._count()
        result = self._member(Result, "a result")
        fault = self._member(Fault, "who is to blame") if self.takes("by") else None
        return Results(times, Result(result), None if fault is None else Fault(fault))

    def clauses(self) -> Rhythm:
        given: dict[str, int] = {}
        while (word := self._peek()) in _CLAUSES:
            assert word is not None
            if word in given:
                raise self._bad(f"{word} is said twice", "say it once")
            self._next += 1
            given[word] = self._span(word)
        if "at" in given and len(given) > 1:
            raise BadSchedule(
                "at stands alone", hint="write from for the beginning of a rhythm"
            )
        return Rhythm(
            given.get("every"),
            given.get("from", given.get("at", 0)),
            given.get("until"),
            is_single="at" in given,
        )

    def _count(self) -> int:
        word = self._peek() or ""
        if not word[:1].isdigit():
            return 1
        is_number = word.isascii() and word.isdigit() and len(word) <= len(str(COUNT_MAX))
        if not is_number or not 1 <= int(word) <= COUNT_MAX:
            raise self._bad(
                f"{quoted(word)} is no number of outcomes", f"between 1 and {COUNT_MAX}"
            )
        self._next += 1
        return int(word)

    def _member(self, vocabulary: type[Result] | type[Fault], what: str) -> str:
        word, known = self._peek(), [member.value for member in vocabulary]
        if word is None or word not in known:
            hint = did_you_mean(word or "", known) or f"one of {', '.join(known)}"
            found = "nothing" if word is None else quoted(word)
            raise self._bad(f"{found} stands where {what} is expected", hint)
        self._next += 1
        return word

    def _span(self, clause: str) -> int:
        word = self._peek()
        if word is None:
            raise self._bad(f"{clause} is not followed by a time", f"write {clause} 30s")
        try:
            span = parse_span_ms(word)
        except BadQuantity as error:
            raise self._bad(f"after {clause} comes a time: {error}", error.hint) from error
        if not (1 if clause == "every" else 0) <= span <= LONGEST_MS:
            raise self._bad(
                f"{clause} {word} is out of range", "up to 30d; every: at least 1ms"
            )
        self._next += 1
        return span

    def _peek(self) -> str | None:
        return self._words[self._next][0] if self._next < len(self._words) else None

    def _bad(self, message: str, hint: str) -> BadSchedule:
        if self._next >= len(self._words):
            return BadSchedule(message, at=max(self._end - 1, 0), hint=hint)
        word, at = self._words[self._next]
        return BadSchedule(message, at=at, width=len(word), hint=hint)
