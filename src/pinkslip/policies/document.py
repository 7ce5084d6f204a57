"""From text to nodes with places. The text may be hostile: nothing is built beyond the bounds, nothing recurses.

The reader hands out events one by one; each is checked before a node is made of it. The C reader's own
composer recurses and can take the process down, so it is never called.
"""

import re
from dataclasses import dataclass, replace
from typing import NoReturn

import yaml

from pinkslip.policies.problems import quoted
from pinkslip.policies.text import Place, Report, Text

SIZE_MAX = 1_048_576
DEPTH_MAX = 50
EVENTS_MAX = 50_000

_UNPRINTABLE = re.compile(
    "[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
)
_CORE_TAG = "tag:yaml.org,2002:"
_HINTS = {
    "mapping values are not allowed": "put it on its own line, or quote the text that holds the colon",
    "found character that cannot start any token": "indent with blanks, not tabs; quote text that begins with % @ or `",
    "could not find expected ':'": "write `key: value`",
    "did not find expected ',' or": "close the bracket, or quote text that holds brackets",
    "did not find expected key": "line keys of one mapping up in the same column",
    "found unexpected end of stream": "close the quote",
}

_Position = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Scalar:
    """A word, number or sentence, as its text reads. `is_plain` tells it from a quoted one."""

    text: str
    is_plain: bool
    is_block: bool
    place: Place
    end: _Position
    """Line and column just past it."""
    is_elsewhere: bool = False
    """Its text stands in another file: `place` is where this one refers to it."""


@dataclass(frozen=True, slots=True)
class Items:
    """A sequence."""

    items: tuple["Node", ...]
    place: Place
    end: _Position


@dataclass(frozen=True, slots=True)
class Fields:
    """A mapping, in the order written, without duplicate keys."""

    entries: tuple[tuple[Scalar, "Node"], ...]
    place: Place
    end: _Position


Node = Scalar | Items | Fields


def referred(node: Node, place: Place) -> Node:
    """`node` of another file, as seen from `place` in this one."""
    end = (place.line, place.column)
    match node:
        case Scalar():
            return replace(node, place=place, end=end, is_elsewhere=True)
        case Items():
            return Items(tuple(referred(item, place) for item in node.items), place, end)
        case Fields():
            entries = tuple(
                (replace(key, place=place, end=end, is_elsewhere=True), referred(value, place))
                for key, value in node.entries
            )
            return Fields(entries, place, end)


class _Refused(Exception):
    """Reading stops here; the problem has been noted."""


def read(text: Text, report: Report) -> Node | None:
    """The one document in `text`; None when there is none to use, and `report` says why."""
    try:
        _guard_characters(text, report)
        return _Builder(text, report).build()
    except _Refused:
        return None
    except yaml.MarkedYAMLError as error:
        _note(text, report, error)
        return None


def _guard_characters(text: Text, report: Report) -> None:
    if len(text.text) > SIZE_MAX or len(text.text.encode(errors="surrogatepass")) > SIZE_MAX:
        report.add(
            text,
            Place(0, 0),
            "the file is larger than 1 MiB",
            hint="split it into several files",
        )
        raise _Refused
    found = _UNPRINTABLE.search(text.text)
    if found is None:
        return
    code = ord(found.group())
    place = text.place(found.start())
    if 0xDC80 <= code <= 0xDCFF:  # how a byte that is not UTF-8 was carried here
        report.add(
            text,
            place,
            f"the byte 0x{code - 0xDC00:02x} is not UTF-8",
            hint="save the file as UTF-8",
        )
    else:
        report.add(text, place, f"the character U+{code:04X} is not allowed", hint="remove it")
    raise _Refused


def _note(text: Text, report: Report, error: yaml.MarkedYAMLError) -> None:
    mark = error.problem_mark or error.context_mark
    place = Place(mark.line, mark.column) if mark else Place(0, 0)
    if not text.line(place.line):  # past the end
        place = text.place(max(len(text.text.rstrip()) - 1, 0))
    said = error.problem or "cannot be read"
    hint = next((hint for begin, hint in _HINTS.items() if begin in said), "")
    report.add(text, place, f"not YAML: {said}", hint=hint)


class _Builder:
    """Events to nodes, with a stack of its own."""

    def __init__(self, text: Text, report: Report) -> None:
        self._text = text
        self._report = report
        self._open: list[tuple[yaml.Event, list[Node]]] = []
        self._documents = 0
        self._root: Node | None = None

    def build(self) -> Node:
        for number, event in enumerate(yaml.parse(self._text.text, Loader=yaml.CSafeLoader)):
            self._guard(event, number)
            self._take(event)
        if self._root is None:
            self._refuse(Place(0, 0), "the file is empty", "write `version: 1` and `policies:`")
        return self._root

    def _refuse(self, place: Place, message: str, hint: str) -> NoReturn:
        self._report.add(self._text, place, message, hint=hint)
        raise _Refused

    def _guard(self, event: yaml.Event, number: int) -> None:
        place = _place(event)
        if number >= EVENTS_MAX:
            self._refuse(
                place, "the file holds too much to read", "split it into several files"
            )
        if isinstance(event, yaml.DocumentStartEvent):
            self._documents += 1
            if self._documents > 1:
                self._refuse(place, "a second document begins here", "one document per file")
        if isinstance(event, yaml.AliasEvent):
            self._refuse(place, f"the alias *{event.anchor} is not allowed", "write it out")
        if isinstance(event, yaml.NodeEvent) and event.anchor is not None:
            self._refuse(place, f"the anchor &{event.anchor} is not allowed", "write it out")
        tag = getattr(event, "tag", None)
        if tag is not None:
            self._refuse(
                place,
                f"the tag {quoted(tag.replace(_CORE_TAG, '!!'))} is not allowed",
                "remove it",
            )
        opens = isinstance(event, yaml.CollectionStartEvent)
        if opens and len(self._open) >= DEPTH_MAX:
            self._refuse(place, f"nested deeper than {DEPTH_MAX} levels", "flatten it")

    def _take(self, event: yaml.Event) -> None:
        if isinstance(event, yaml.CollectionStartEvent):
            self._open.append((event, []))
        elif isinstance(event, yaml.ScalarEvent):
            self._put(_scalar(event))
        elif isinstance(event, yaml.SequenceEndEvent):
            start, items = self._open.pop()
            self._put(Items(tuple(items), _place(start), _end(start, event, items)))
        elif isinstance(event, yaml.MappingEndEvent):
            start, items = self._open.pop()
            self._put(Fields(self._entries(items), _place(start), _end(start, event, items)))

    def _put(self, node: Node) -> None:
        if self._open:
            self._open[-1][1].append(node)
        else:
            self._root = node

    def _entries(self, nodes: list[Node]) -> tuple[tuple[Scalar, Node], ...]:
        entries: dict[str, tuple[Scalar, Node]] = {}
        for key, value in zip(nodes[::2], nodes[1::2], strict=True):
            if not isinstance(key, Scalar):
                self._report.add(self._text, key.place, "a key must be a word")
            elif key.text in entries:
                first = entries[key.text][0].place.line + 1
                self._report.add(
                    self._text,
                    key.place,
                    f"the key {quoted(key.text)} is already given in line {first}",
                    hint="remove one of them",
                )
            else:
                entries[key.text] = (key, value)
        return tuple(entries.values())


def _marks(event: yaml.Event) -> tuple[_Position, _Position]:
    """Line and column where it starts and just past it."""
    start, end = event.start_mark, event.end_mark
    assert start is not None
    assert end is not None
    return (start.line, start.column), (end.line, end.column)


def _place(event: yaml.Event) -> Place:
    (line, column), (last_line, last_column) = _marks(event)
    return Place(line, column, max(1, last_column - column) if last_line == line else 1)


def _scalar(event: yaml.ScalarEvent) -> Scalar:
    return Scalar(
        text=event.value,
        is_plain=event.style in (None, ""),
        is_block=event.style in ("|", ">"),
        place=_place(event),
        end=_marks(event)[1],
    )


def _end(start: yaml.Event, end: yaml.Event, nodes: list[Node]) -> _Position:
    """Past the closing bracket; a block collection has none and ends with its last node."""
    if getattr(start, "flow_style", False) or not nodes:
        return _marks(end)[1]
    return nodes[-1].end
