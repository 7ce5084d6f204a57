"""How the judge speaks: numbers with their units, measures, comparisons and whole expressions as people say them."""

from dataclasses import dataclass
from math import isnan

from pinkslip.model.policy import (
    Arithmetic,
    Call,
    Comparison,
    Constant,
    Expression,
    Logic,
    Measured,
    Negative,
    Not,
    Unit,
    Window,
    WindowKind,
)
from pinkslip.model.time import MINUTE_MS, SECOND_MS, spoken

Values = dict[str, float]
"""What one agent's measures are, by key; NaN where unknown."""

_NEGATED = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "==": "!=", "!=": "=="}
_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}
_RELATION = {
    "<": "below",
    "<=": "at most",
    ">": "above",
    ">=": "at least",
    "==": "exactly",
    "!=": "other than",
}
_ALLOWED = {">": "allowed", ">=": "allowed less than"}
_WHOLE_MAX = 10**15
_TIMES = {"*": "x", "/": "/", "+": "+", "-": "-"}
_STRENGTH = {"+": 1, "-": 1, "*": 2, "/": 2}

_SILENCE = {
    "heartbeat_age": "no heartbeat for {value}",
    "progress_age": "no progress for {value}",
    "status_age": "status unchanged for {value}",
    "task_age": "on the same task for {value}",
    "missed_beats": "{value} heartbeats missed",
}
_SUBJECT = {
    "heartbeat_interval": "its interval is {value}",
    "age": "known for {value}",
    "context_used": "{value} of its context used",
    "consecutive_failures": "{value} failures in a row",
    "tasks": "{value} tasks{window}",
    "successes": "{value} successes{window}",
    "failures": "{value} failures{window}",
    "refusals": "{value} refusals{window}",
    "off_track": "{value} tasks off track{window}",
    "timeouts": "{value} timeouts{window}",
    "corruptions": "{value} corrupted tasks{window}",
    "errors": "{value} errors{window}",
    "success_rate": "success rate {value}{window}",
    "score": "mean score {value}{window}",
    "duration_mean": "mean duration {value}{window}",
    "duration_p50": "median duration {value}{window}",
    "duration_p95": "95th percentile of durations {value}{window}",
    "tokens": "{value} tokens{window}",
    "cost": "{value} spent{window}",
    "cost_per_success": "{value} per success{window}",
}


def span(span_ms: float) -> str:
    """A span for a sentence: seconds below two minutes, then as `model.time.spoken`."""
    return f"{span_ms / SECOND_MS:.3g} s" if span_ms < 2 * MINUTE_MS else spoken(span_ms)


def counted(count: int, noun: str) -> str:
    """`1 fire`, `3 fires`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def quantity(value: float, unit: Unit, *, digits: int = 3) -> str:
    """A value in base units, as people write it."""
    if isnan(value):
        return "unknown"
    value += 0.0  # no negative zero
    match unit:
        case Unit.SECONDS:
            return span(value * 1000) if digits <= 3 else f"{value:.{digits}g} s"
        case Unit.RATIO:
            return f"{value * 100:.{digits}g} %"
        case Unit.DOLLARS:
            return f"${value:.2f}" if digits <= 3 and value >= 0.01 else f"${value:.{digits}g}"
        case Unit.NUMBER | Unit.TRUTH:
            is_whole = value == int(value) and abs(value) < _WHOLE_MAX
            return f"{int(value)}" if is_whole else f"{value:.{digits}g}"


def window_words(window: Window | None) -> str:
    """` in 1 h`, ` in its last 50 tasks`; nothing without a window."""
    if window is None:
        return ""
    if window.kind is WindowKind.TASKS:
        return f" in its last {counted(window.length, 'task')}"
    return f" in {span(window.length)}"


@dataclass(frozen=True, slots=True)
class Sides:
    """A comparison's two sides as numbers."""

    left: float
    right: float


def comparison_words(
    node: Comparison, sides: Sides, values: Values, *, holds: bool, text: str
) -> str:
    """One comparison of the expression `text` that holds (or does not, said the other way round).

    `no heartbeat for 95 s; allowed 90 s (3 x its 30 s interval)`, `success rate 40 % in 1 h (below 70 %)`.
    """
    operator = node.operator if holds else _NEGATED[node.operator]
    subject, limit, here, there = node.left, node.right, sides.left, sides.right
    if not _reads(subject) and _reads(limit):
        subject, limit, here, there = limit, subject, there, here
        operator = _MIRRORED[operator]
    unit = limit.unit if isinstance(limit, Constant) else subject.unit
    here_text, there_text = _told_apart(here, there, unit)
    how = working(limit, values)
    if isinstance(subject, Measured) and subject.name in _SILENCE and operator in _ALLOWED:
        said = _SILENCE[subject.name].format(value=here_text)
        return f"{said}; {_ALLOWED[operator]} {there_text}" + (f" ({how})" if how else "")
    if isinstance(subject, Measured):
        said = _said(subject, here_text)
    else:
        inner = working(subject, values)
        said = f"{written(subject, text)} is " + (f"{inner} = " if inner else "") + here_text
    return f"{said} ({_RELATION[operator]} {there_text}" + (f": {how})" if how else ")")


def working(node: Expression, values: Values) -> str:
    """How a side that is worked out came about, with values in place: `3 x its 30 s interval`.

    Empty where the side is a literal or one measure alone, whose value is the side itself.
    """
    return "" if isinstance(node, Constant | Measured) else _worked(node, values)


def _worked(node: Expression, values: Values) -> str:
    match node:
        case Constant():
            return quantity(node.value, node.unit)
        case Measured(name="heartbeat_interval"):
            return f"its {quantity(values[node.key], node.unit)} interval"
        case Measured():
            return quantity(values[node.key], node.unit)
        case Arithmetic():
            left = _bracketed(node, node.left, _worked(node.left, values))
            right = _bracketed(node, node.right, _worked(node.right, values), is_right=True)
            return f"{left} {_TIMES[node.operator]} {right}"
        case Negative():
            return f"-{_worked(node.operand, values)}"
        case Call():
            parts = ", ".join(_worked(argument, values) for argument in node.arguments)
            return f"{node.function}({parts})"
        case Comparison() | Not() | Logic():
            raise TypeError(f"{type(node).__name__} is a condition, not a number")


def written(node: Expression, text: str) -> str:
    """A part of an expression as its author wrote it, on one line."""
    return " ".join(text[node.span.start : node.span.end].split())


def _bracketed(
    outer: Arithmetic, inner: Expression, text: str, *, is_right: bool = False
) -> str:
    if not isinstance(inner, Arithmetic):
        return text
    weaker = _STRENGTH[inner.operator] < _STRENGTH[outer.operator]
    level = _STRENGTH[inner.operator] == _STRENGTH[outer.operator]
    return f"({text})" if weaker or (is_right and level) else text


def _said(measured: Measured, text: str) -> str:
    pattern = _SUBJECT.get(measured.name, measured.name.replace("_", " ") + " {value}{window}")
    if measured.name in _SILENCE:
        pattern = _SILENCE[measured.name]
    return pattern.format(value=text, window=window_words(measured.window))


def _told_apart(here: float, there: float, unit: Unit) -> tuple[str, str]:
    """Both values with as many digits as it takes to see that they differ, where they do."""
    for digits in (3, 6):
        texts = quantity(here, unit, digits=digits), quantity(there, unit, digits=digits)
        if texts[0] != texts[1] or here == there:
            return texts
    return quantity(here, unit, digits=12), quantity(there, unit, digits=12)


def _reads(node: Expression) -> bool:
    match node:
        case Measured():
            return True
        case Arithmetic():
            return _reads(node.left) or _reads(node.right)
        case Negative():
            return _reads(node.operand)
        case Call():
            return any(_reads(argument) for argument in node.arguments)
        case _:
            return False
