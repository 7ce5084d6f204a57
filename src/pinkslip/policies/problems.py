"""What is wrong with a policy file, said so that it can be put right: where, what, and what to do instead."""

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum

from pinkslip.model.errors import Invalid
from pinkslip.model.policy import Span

LISTED_AT_MOST = 200
"""Problems beyond this many are counted, not listed: nobody reads them, and a hostile file has a million."""
SUGGESTIONS_AT_MOST = 100
LONGEST_GUESSED = 64


class Severity(StrEnum):
    """An error keeps the whole set from being used; a warning is told and no more; a note is nothing wrong."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One finding in one file. Lines and columns count from 1."""

    file: str
    line: int
    column: int
    severity: Severity
    message: str
    hint: str = ""
    excerpt: str = ""
    """The line it stands in, cut to a readable length, free of control characters."""
    caret: int = 0
    """Offset in `excerpt` of the first character meant."""
    width: int = 1
    """How many characters are meant."""
    key_path: str = ""
    """`policies[0].when`."""

    @property
    def is_error(self) -> bool:
        """Whether it keeps the set from being used."""
        return self.severity is Severity.ERROR

    def render(self) -> str:
        """`file:line:column: error: message`, then the line, a caret under it, and what to do."""
        lines = [f"{self.file}:{self.line}:{self.column}: {self.severity}: {self.message}"]
        if self.excerpt:
            lines.append(f"  {self.excerpt}")
            lines.append("  " + " " * self.caret + "^" + "~" * (self.width - 1))
        if self.hint:
            lines.append(f"  {self.hint}")
        return "\n".join(lines)

    def as_json(self) -> dict[str, object]:
        """As the API and `--json` answer it."""
        return {
            "file": self.file,
            "line": self.line,
            "column": self.column,
            "severity": self.severity.value,
            "message": self.message,
            "hint": self.hint,
            "excerpt": self.excerpt,
            "keyPath": self.key_path,
        }


@dataclass(frozen=True, slots=True)
class Finding:
    """A problem inside one expression, not yet placed in a file."""

    span: Span
    message: str
    hint: str = ""
    severity: Severity = Severity.ERROR


class ExpressionError(Invalid):
    """An expression that cannot be used. `findings` holds everything wrong with it, the first one first."""

    def __init__(self, text: str, findings: Iterable[Finding]) -> None:
        self.text = text
        self.findings = tuple(findings)
        first = self.findings[0]
        super().__init__(f"{first.message}; {first.hint}" if first.hint else first.message)

    @property
    def span(self) -> Span:
        """Where the first problem stands in the text."""
        return self.findings[0].span


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`did you mean "grace"?`, or nothing when no known word is near."""
    if len(word) > LONGEST_GUESSED:
        return ""
    by_folded = {candidate.casefold(): candidate for candidate in known}
    near = get_close_matches(word.casefold().replace("-", "_"), by_folded, n=1)
    return f'did you mean "{by_folded[near[0]]}"?' if near else ""


def quoted(text: str) -> str:
    """`text` in double quotes for a message: one line, readable length, nothing a terminal would obey."""
    shown = text if len(text) <= LONGEST_GUESSED else text[: LONGEST_GUESSED - 1] + "…"
    return '"' + printable(shown) + '"'


def printable(text: str) -> str:
    """`text` with a blank for each tab and a replacement for everything else that is not shown as it is."""
    return "".join(
        letter
        if letter.isprintable()
        else " "
        if letter.isspace()
        else "\N{REPLACEMENT CHARACTER}"
        for letter in text
    )
