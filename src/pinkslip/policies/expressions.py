"""Conditions inside YAML scalars: compiled within a budget, their findings put where they stand in the file."""

from dataclasses import dataclass

from pinkslip.model.policy import Condition, Span
from pinkslip.policies.document import Node, Scalar
from pinkslip.policies.grammar import LENGTH_MAX
from pinkslip.policies.language import compile_condition
from pinkslip.policies.text import Place, Text
from pinkslip.policies.values import Values

CHARACTERS_MAX = 131_072
"""In all conditions of one load together; some two thousand ordinary ones. Keeps hostile input quick to refuse."""


@dataclass(slots=True)
class Budget:
    """What is left of CHARACTERS_MAX."""

    left: int = CHARACTERS_MAX
    is_exhausted: bool = False


def read_condition(
    values: Values, node: Node, path: str, budget: Budget, *, acts: bool = True
) -> Condition | None:
    """The compiled condition of a key; None when it cannot be used, with the reasons reported.

    `acts`: something is done to an agent because it holds, so more is asked of it than of one that ends.
    """
    if not isinstance(node, Scalar):
        values.refuse(
            node,
            f"{path} must be a condition",
            path,
            "write it as text, in quotes if it begins with [",
        )
        return None
    budget.left -= min(len(node.text), LENGTH_MAX)  # what is longer is refused unread
    if budget.left < 0:
        if not budget.is_exhausted:
            budget.is_exhausted = True
            values.refuse(
                node,
                f"the conditions of one set hold more than {CHARACTERS_MAX} characters together",
                path,
                "load fewer policies",
            )
        return None
    condition, findings = compile_condition(node.text.rstrip(), acts=acts)
    offsets = _offsets(values.text, node) if findings else []
    for finding in findings:
        values.report.add(
            values.text,
            _placed(values.text, node, offsets, finding.span),
            finding.message,
            hint=finding.hint,
            severity=finding.severity,
            key_path=path,
        )
    return condition


def place_in(text: Text, node: Node, span: Span) -> Place:
    """Where in the file a part of a condition stands."""
    if not isinstance(node, Scalar):
        return node.place
    return _placed(text, node, _offsets(text, node), span)


def _placed(text: Text, node: Scalar, offsets: list[int], span: Span) -> Place:
    if node.is_elsewhere or span.start >= len(offsets):
        return node.place
    first = offsets[span.start]
    last = offsets[min(max(span.end - 1, span.start), len(offsets) - 1)]
    return text.place(first, last - first + 1)


def _offsets(text: Text, node: Scalar) -> list[int]:
    """For each character of the scalar's value, its offset in the file.

    Between characters of the value the file holds only blanks, line breaks and indentation, and the opening
    quote or the block's header before the first; escapes are taken as they come.
    """
    at = text.offset(node.place.line, node.place.column)
    if node.is_block:
        at = text.offset(node.place.line + 1, 0)
    end = text.offset(*node.end)
    offsets: list[int] = []
    for letter in node.text:
        if not letter.isspace():
            found = text.text.find(letter, at, end)
            at = found if found >= 0 else at
        offsets.append(min(at, max(end - 1, 0)))
        at += 1
    return offsets
