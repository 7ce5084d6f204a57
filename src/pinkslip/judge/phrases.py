"""How the judge speaks: numbers with their units, measures, comparisons and whole expressions as people say them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import isnan

from pinkslip.judge.weighing import EVIDENCE, named
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
from pinkslip.model.words import Scope


@dataclass(frozen=True, slots=True, kw_only=True)
class Weight:
    """What one evidence function makes of one agent."""

    value: float
    """Of `proven` the natural logarithm of the e-value; NaN where unknown."""
    threshold: float = float("nan")
    tasks: int = 0
    successes: int = 0
    pass_no: int | None = None
    """Which pass through the ladder; None: there is no ladder."""
    is_anew: bool = False
    """Whether tasks were left out, because a rung or a pass started the evidence anew."""
    scope: Scope = Scope.AGENT


@dataclass(frozen=True, slots=True)
class Found:
    """What is known of one agent, to be put in words."""

    values: Mapping[str, float]
    """Its measures, by key; NaN where unknown."""
    weights: Mapping[Call, Weight] = field(default_factory=dict)
    """Its evidence, by the call that asks for it."""


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
    "expected_ratio": "{value} of the successes its peers would have had{window}",
    "flap_score": "{value} of its beats come and go",
    "suspicion": "suspicion {value} of its silence",
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
    node: Comparison, sides: Sides, found: Found, *, holds: bool, text: str
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
    how = working(limit, found)
    if isinstance(subject, Measured) and subject.name in _SILENCE and operator in _ALLOWED:
        said = _SILENCE[subject.name].format(value=here_text)
        return f"{said}; {_ALLOWED[operator]} {there_text}" + (f" ({how})" if how else "")
    if isinstance(subject, Measured):
        said = _said(subject, here_text)
    elif isinstance(subject, Call) and subject.function in EVIDENCE:
        said = _asked(subject, here_text, found)
    else:
        inner = working(subject, found)
        said = f"{written(subject, text)} is " + (f"{inner} = " if inner else "") + here_text
    return f"{said} ({_RELATION[operator]} {there_text}" + (f": {how})" if how else ")")


def working(node: Expression, found: Found) -> str:
    """How a side that is worked out came about, with values in place: `3 x its 30 s interval`.

    Empty where the side is a literal or one measure alone, whose value is the side itself.
    """
    match node:
        case Constant() | Measured() | Negative(operand=Constant()):
            return ""
        case Call(function="peers"):
            return "the median of its peers"
        case _:
            return _worked(node, found)


def _worked(node: Expression, found: Found) -> str:
    match node:
        case Constant():
            return quantity(node.value, node.unit)
        case Measured(name="heartbeat_interval"):
            return f"its {quantity(found.values[node.key], node.unit)} interval"
        case Measured():
            return quantity(found.values[node.key], node.unit)
        case Arithmetic():
            left = _bracketed(node, node.left, _worked(node.left, found))
            right = _bracketed(node, node.right, _worked(node.right, found), is_right=True)
            return f"{left} {_TIMES[node.operator]} {right}"
        case Negative():
            return f"-{_worked(node.operand, found)}"
        case Call() if node.function in EVIDENCE:
            value = quantity(found.weights[node].value, node.unit)
            return f"its peers' {value}" if node.function == "peers" else value
        case Call():
            parts = ", ".join(_worked(argument, found) for argument in node.arguments)
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


def _asked(call: Call, text: str, found: Found) -> str:
    """An evidence function that is a number, with its value `text`: `at best 62 % of its tasks succeed`."""
    weight = found.weights[call]
    seen = f"{weight.successes} of {counted(weight.tasks, 'task')}"
    match call.function:
        case "upper" | "lower":
            bound = "at best" if call.function == "upper" else "at worst"
            confidence = quantity(named(call, "confidence"), Unit.RATIO)
            window = window_words(_subject_of(call).window)
            return f"{bound} {text} of its tasks succeed, by {seen}{window} at {confidence} confidence"
        case "posterior":
            target = quantity(named(call, "target"), Unit.RATIO)
            whose = " of its lineage" if weight.scope is Scope.LINEAGE else ""
            return f"less than {target} of its tasks succeed with probability {text}, by {seen}{whose}"
        case "peers":
            return f"usual among its peers: {_said(_subject_of(call), text)}"
        case "outlier":
            measured = _subject_of(call)
            said = _said(measured, quantity(found.values[measured.key], measured.unit))
            return f"{said}, which is {text} deviations worse than its peers"
        case _:
            raise ValueError(f"unknown function {call.function!r}")


def _subject_of(call: Call) -> Measured:
    (measured,) = call.arguments
    assert isinstance(measured, Measured)
    return measured


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
            is_evidence = node.function in EVIDENCE
            return is_evidence or any(_reads(argument) for argument in node.arguments)
        case _:
            return False
