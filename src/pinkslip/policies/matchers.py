"""`match`: which agents a policy is about."""

from enum import StrEnum

from pinkslip.model.policy import Matcher
from pinkslip.model.words import Standing, Status
from pinkslip.policies import patterns
from pinkslip.policies.document import Fields, Items, Node, Scalar
from pinkslip.policies.problems import quoted
from pinkslip.policies.text import Place
from pinkslip.policies.values import Values
from pinkslip.policies.vocabulary import FIELDS

LABEL = "label."
LABEL_LENGTH_MAX = 64
VALUES_MAX = 1_000

_VOCABULARIES: dict[str, type[StrEnum]] = {"status": Status, "standing": Standing}


def read_match(values: Values, node: Node, path: str) -> tuple[Matcher, ...] | None:
    """The matchers of a policy, all of which must hold; None when one cannot be used."""
    if not isinstance(node, Fields):
        values.refuse(
            node, f"{path} must be a mapping", path, "write for example {role: developer}"
        )
        return None
    matchers = [
        _matcher(values, key, value, f"{path}.{key.text}") for key, value in node.entries
    ]
    known = tuple(matcher for matcher in matchers if matcher is not None)
    return known if len(known) == len(matchers) else None


def _matcher(values: Values, key: Scalar, node: Node, path: str) -> Matcher | None:
    if not _is_field(values, key, path):
        return None
    items = node.items if isinstance(node, Items) else (node,)
    if not items or len(items) > VALUES_MAX:
        values.refuse(node, f"{path} must name between 1 and {VALUES_MAX} values", path)
        return None
    words: set[str] = set()
    expressions: list[str] = []
    is_good = True
    for index, item in enumerate(items):
        inner = Values.item_path(path, node, index)
        word = _value(values, item, key.text, inner)
        if word is None:
            is_good = False
        elif word.startswith("~"):
            expressions.append(word[1:])
        else:
            words.add(word)
    return Matcher(key.text, frozenset(words), tuple(expressions)) if is_good else None


def _is_field(values: Values, key: Scalar, path: str) -> bool:
    if key.text in FIELDS:
        return True
    if key.text.startswith(LABEL):
        if 1 <= len(key.text) - len(LABEL) <= LABEL_LENGTH_MAX:
            return True
        values.refuse(
            key, f"a label's name has between 1 and {LABEL_LENGTH_MAX} characters", path
        )
        return False
    guess = values.report.guess(key.text, [*FIELDS, "label.<name>"])
    hint = guess or f"one of {', '.join(FIELDS)}, or label.<name>"
    values.refuse(key, f"agents have no field {quoted(key.text)}", path, hint)
    return False


def _value(values: Values, node: Node, field: str, path: str) -> str | None:
    if isinstance(node, Scalar) and node.is_plain and not node.text:
        values.refuse(node, f"{path} has no value", path, 'write "" for the empty word')
        return None
    if isinstance(node, Scalar) and node.text.startswith("~"):
        return node.text if _is_quick(values, node, path) else None
    vocabulary = _VOCABULARIES.get(field)
    if vocabulary is not None:
        return values.choice(node, path, vocabulary)
    return values.word(node, path)


def _is_quick(values: Values, node: Scalar, path: str) -> bool:
    try:
        patterns.check(node.text[1:])
    except patterns.BadPattern as error:
        place = node.place
        if not node.is_block:
            shift = error.at + (1 if node.is_plain else 2)
            place = Place(place.line, place.column + min(shift, max(place.width - 1, 0)))
        values.refuse(place, str(error), path, error.hint)
        return False
    return True
