"""What agents of a test report: the keys of heartbeats and outcomes, and the sentences that say when."""

from collections.abc import Callable, Mapping
from typing import TypeVar

import msgspec

from pinkslip.model.events import Heartbeat, Outcome
from pinkslip.model.time import DAY_MS, SECOND_MS
from pinkslip.model.words import Result, Source, Status
from pinkslip.policies.cases import Worked
from pinkslip.policies.document import Fields, Node, Scalar
from pinkslip.policies.quantities import BadQuantity, parse_quantity
from pinkslip.policies.schedules import LONGEST_MS, BadSchedule, parse_series
from pinkslip.policies.text import Place
from pinkslip.policies.values import Values

IDENTITY_KEYS = (
    "name", "role", "model", "host", "lineage", "labels", "status", "task", "progress", "context_used",
    "interval", "boot",
)  # fmt: skip
SAY_KEYS = ("at", *IDENTITY_KEYS, "error", "leaving")
OUTCOME_KEYS = (
    "of", "kind", "score", "duration", "cost", "tokens", "error", "source",
)  # fmt: skip

Sentence = TypeVar("Sentence")
_SUCCESS = Outcome(result=Result.SUCCESS)


def read_heartbeat(values: Values, given: Mapping[str, Node], path: str) -> Heartbeat:
    """What an agent says of itself, in the keys of `SAY_KEYS`."""
    said: dict[str, object] = {}
    for key, (name, read) in SAYINGS.items():
        if key in given and (value := read(values, given[key], f"{path}.{key}")) is not None:
            said[name] = value
    try:
        return msgspec.convert(said, Heartbeat, from_attributes=False)
    except msgspec.ValidationError as error:
        values.refuse(next(iter(given.values())), f"{path}: {error}", path)
        return Heartbeat()


def read_worked(values: Values, node: Node, path: str) -> Worked | None:
    """Tasks an agent did: a sentence, or a mapping that holds one."""
    if isinstance(node, Scalar):
        series = read_sentence(values, node, path, parse_series)
        return None if series is None else Worked(series, _SUCCESS)
    given = values.fields(node, path, known=OUTCOME_KEYS)
    if given is None:
        return None
    if "of" not in given:
        hint = "of: 12 success, 8 failure every 1m"
        values.refuse(node, "it is not said which outcomes", path, hint)
        return None
    series = read_sentence(values, given["of"], f"{path}.of", parse_series)
    outcome = _SUCCESS
    for key, (name, read) in OUTCOMES.items():
        value = read(values, given[key], f"{path}.{key}") if key in given else None
        if value is not None:
            outcome = msgspec.structs.replace(outcome, **{name: value})
    source = Source.SELF
    if "source" in given:
        source = values.choice(given["source"], f"{path}.source", Source) or source
    return None if series is None else Worked(series, outcome, source)


def read_sentence(
    values: Values, node: Node, path: str, parse: Callable[[str], Sentence]
) -> Sentence | None:
    """A sentence that says when, or what and when; None, and a caret in it, when it cannot be read."""
    word = values.word(node, path, length_max=1_000)
    if word is None:
        return None
    try:
        return parse(word)
    except BadSchedule as error:
        values.refuse(_within(node, error), f"{path}: {error}", path, error.hint)
        return None


def _within(node: Node, error: BadSchedule) -> Place:
    """Where in the file a part of a sentence stands; of one over several lines, where it begins."""
    is_one_line = isinstance(node, Scalar) and node.place.line == node.end[0]
    if not is_one_line or not isinstance(node, Scalar):
        return node.place
    shift = error.at + (0 if node.is_plain else 1)
    return Place(node.place.line, node.place.column + shift, error.width)


Reading = Callable[[Values, Node, str], object]


def read_word(values: Values, node: Node, path: str) -> str | None:
    """Text of any kind."""
    return values.word(node, path, length_max=4_000)


def read_truth(values: Values, node: Node, path: str) -> bool | None:
    """true or false."""
    word = values.one_of(node, path, ["true", "false"])
    return None if word is None else word == "true"


def _seconds(values: Values, node: Node, path: str) -> float | None:
    span = values.span_ms(node, path, least=SECOND_MS, most=DAY_MS)
    return None if span is None else span / SECOND_MS


def _milliseconds(values: Values, node: Node, path: str) -> int | None:
    return values.span_ms(node, path, least=0, most=LONGEST_MS)


def _share(values: Values, node: Node, path: str) -> float | None:
    return values.share(node, path)


def _count(values: Values, node: Node, path: str) -> int | None:
    return values.count(node, path, least=0, most=10**12)


def _number(values: Values, node: Node, path: str) -> float | None:
    word = values.word(node, path)
    try:
        return None if word is None else float(word)
    except ValueError:
        values.refuse(node, f"{path} must be a number", path)
        return None


def _dollars(values: Values, node: Node, path: str) -> float | None:
    word = values.word(node, path)
    if word is None:
        return None
    try:
        return parse_quantity(word if word.startswith("$") else f"${word}")[0]
    except BadQuantity as error:
        values.refuse(
            node, f"{path} must be an amount: {error}", path, "write for example $0.25"
        )
        return None


def _status(values: Values, node: Node, path: str) -> Status | None:
    return values.choice(node, path, Status)


def _labels(values: Values, node: Node, path: str) -> dict[str, str] | None:
    if not isinstance(node, Fields):
        values.refuse(node, f"{path} must be a mapping", path, "write for example {version: 2}")
        return None
    return {
        key.text: values.word(value, f"{path}.{key.text}") or "" for key, value in node.entries
    }


SAYINGS: Mapping[str, tuple[str, Reading]] = {
    "name": ("name", read_word),
    "role": ("role", read_word),
    "model": ("model", read_word),
    "host": ("host", read_word),
    "lineage": ("lineage", read_word),
    "labels": ("labels", _labels),
    "status": ("status", _status),
    "task": ("currentTask", read_word),
    "progress": ("progress", _number),
    "context_used": ("contextUsed", _share),
    "interval": ("interval", _seconds),
    "boot": ("bootId", read_word),
    "error": ("lastError", read_word),
    "leaving": ("leaving", read_truth),
}
"""Keys of the format to fields of a heartbeat as the wire spells them."""

OUTCOMES: Mapping[str, tuple[str, Reading]] = {
    "kind": ("kind", read_word),
    "score": ("score", _share),
    "duration": ("duration_ms", _milliseconds),
    "cost": ("cost_usd", _dollars),
    "tokens": ("tokens_out", _count),
    "error": ("error", read_word),
}
