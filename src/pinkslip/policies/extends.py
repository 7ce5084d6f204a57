"""`extends: builtin@1`: a file that changes a packaged set of policies instead of copying it.

A policy of the file with the name of a packaged one is a patch: the keys it gives replace the packaged ones,
whole; every other policy is new. Guards are changed in the same way, key by key, down to `max_fired.share`.
The packaged set never changes, so an upgrade of Pinkslip changes nothing that was extended.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from pinkslip.policies.document import Fields, Items, Node, Scalar, read, referred
from pinkslip.policies.entries import Entry
from pinkslip.policies.packaged import BUILTIN, builtin_sources, builtin_versions
from pinkslip.policies.problems import quoted
from pinkslip.policies.text import Place, Report, Text
from pinkslip.policies.values import Values

INSTEAD_OF = {
    "action": ("ladder",),
    "ladder": ("action",),
    "keep_for": ("clear_when",),
    "clear_when": ("keep_for",),
}
"""A patch that gives the key takes the other out, since the two exclude each other."""

_REFERENCE = re.compile(rf"{BUILTIN}@([1-9][0-9]{{0,5}})")


@dataclass(frozen=True, slots=True)
class Base:
    """A packaged set as it is patched: nodes, not yet read."""

    version: int
    entries: Mapping[str, Entry]
    """By name, in their order."""
    guards: Node | None

    @property
    def name(self) -> str:
        """As `extends` writes it."""
        return f"{BUILTIN}@{self.version}"


def read_extends(values: Values, node: Node) -> Base | None:
    """The set that `extends` names; None when there is none, with what exists said."""
    word = values.word(node, "extends")
    if word is None:
        return None
    versions = builtin_versions()
    version = version_named(word)
    if version in versions:
        return base(version)
    existing = ", ".join(f"{BUILTIN}@{version}" for version in versions)
    hint = f"there is {existing}"
    if word == BUILTIN:
        hint = f"write {BUILTIN}@{versions[-1]}: a version, so that an upgrade changes nothing"
    values.refuse(node, f"there is no set of policies {quoted(word)}", "extends", hint)
    return None


def version_named(word: str) -> int:
    """Which version `builtin@1` names; 0 when it names none."""
    found = _REFERENCE.fullmatch(word)
    return 0 if found is None else int(found[1])


@cache
def base(version: int) -> Base:
    """One packaged set."""
    entries: dict[str, Entry] = {}
    guards: Node | None = None
    for source in builtin_sources(version):
        report = Report()
        text = Text(source.file, source.text)
        root = read(text, report)
        assert isinstance(root, Fields), f"{source.file} is packaged and cannot be read"
        keys = _keys(root)
        guards = keys.get("guards", guards)
        policies = keys.get("policies")
        for item in policies.items if isinstance(policies, Items) else ():
            entry = entry_of(text, item, "", _keys(item))
            name = entry.keys["name"]
            assert isinstance(name, Scalar), f"{source.file} is packaged and has no names"
            entries[name.text] = entry
    return Base(version, entries, guards)


def entry_of(text: Text, node: Node, path: str, keys: Mapping[str, Node]) -> Entry:
    """A policy as it stands in its file."""
    return Entry(node, keys, path, text.file, node.place.line + 1, _own_text(text, node))


def patched(original: Entry, patch: Entry) -> Entry:
    """The packaged policy with the patch's keys in place of its own, to be read where the patch stands."""
    replaced = {other for key in patch.keys for other in INSTEAD_OF.get(key, ())}
    kept = {
        key: referred(value, patch.node.place)
        for key, value in original.keys.items()
        if key not in replaced
    }
    text = f"# {original.file}\n{original.text}\n# {patch.file}\n{patch.text}"
    return Entry(patch.node, {**kept, **patch.keys}, patch.path, patch.file, patch.line, text)


def inherited(original: Entry, place: Place) -> Entry:
    """The packaged policy as it is, to be read where the file says that it extends the set."""
    keys = {key: referred(value, place) for key, value in original.keys.items()}
    node = referred(original.node, place)
    path = f"extends.{_name_of(original)}"
    return Entry(node, keys, path, original.file, original.line, original.text)


def merged_guards(guards: Node | None, own: Node) -> Node:
    """The packaged guards with those of the file in their place, key by key."""
    if not isinstance(guards, Fields) or not isinstance(own, Fields):
        return own
    return _merged(guards, own)


def _merged(original: Fields, own: Fields) -> Fields:
    given = {key.text: (key, value) for key, value in own.entries}
    entries = []
    for key, value in original.entries:
        if key.text not in given:
            entries.append((_as_seen(key, own.place), referred(value, own.place)))
            continue
        own_key, own_value = given.pop(key.text)
        both = isinstance(value, Fields) and isinstance(own_value, Fields)
        merged = _merged(value, own_value) if both else own_value  # type: ignore[arg-type]  # both are Fields
        entries.append((own_key, merged))
    return Fields((*entries, *given.values()), own.place, own.end)


def _as_seen(key: Scalar, place: Place) -> Scalar:
    seen = referred(key, place)
    assert isinstance(seen, Scalar)
    return seen


def _name_of(entry: Entry) -> str:
    name = entry.keys["name"]
    return name.text if isinstance(name, Scalar) else ""


def _keys(node: Node) -> dict[str, Node]:
    return {key.text: value for key, value in node.entries} if isinstance(node, Fields) else {}


def _own_text(text: Text, node: Node) -> str:
    last_line, column = node.end
    if column == 0 and last_line > node.place.line:
        last_line -= 1
    return "\n".join(text.lines(node.place.line, last_line)).rstrip()
