"""One file's nodes to policies and guards. Everything wrong is noted; what is wrong is left out."""

from dataclasses import dataclass, field

from pinkslip.model.policy import Guards, Policy
from pinkslip.policies.advice import Advice, advise
from pinkslip.policies.document import Items, Node, Scalar
from pinkslip.policies.entries import POLICY_KEYS, Entry, EntryReader
from pinkslip.policies.extends import (
    Base,
    entry_of,
    inherited,
    merged_guards,
    patched,
    read_extends,
)
from pinkslip.policies.guards import read_guards
from pinkslip.policies.problems import did_you_mean, quoted
from pinkslip.policies.values import Values

FILE_KEYS = ("version", "extends", "guards", "policies", "tests")
VERSION = 1


@dataclass(frozen=True, slots=True)
class Named:
    """A name that a file gives to a policy, whether or not the policy is good."""

    name: str
    node: Node
    path: str


@dataclass(slots=True)
class Contents:
    """What one file holds."""

    base: Base | None = None
    extends_node: Node | None = None
    guards: Guards | None = None
    guards_node: Node | None = None
    policies: list[Policy] = field(default_factory=list)
    names: list[Named] = field(default_factory=list)
    tests_node: Node | None = None


def read_contents(
    values: Values, root: Node, *, reader: EntryReader, advice: Advice
) -> Contents:
    """Everything in the file, as far as it can be used. Its tests are left for when all names are known."""
    contents = Contents()
    fields = values.fields(root, "", known=FILE_KEYS)
    if fields is None:
        return contents
    _check_version(values, root, fields.get("version"))
    contents.tests_node = fields.get("tests")
    if "extends" in fields:
        contents.extends_node = fields["extends"]
        contents.base = read_extends(values, fields["extends"])
    _read_guards(values, contents, fields.get("guards"))
    _Policies(values, contents, reader, advice).read(fields.get("policies"))
    is_empty = not {"guards", "policies", "extends", "tests"} & fields.keys()
    if is_empty and not values.report.has_errors:
        values.warn(root, "the file holds neither policies nor guards", "")
    return contents


def _check_version(values: Values, root: Node, node: Node | None) -> None:
    if node is None:
        values.refuse(
            root, "the version is missing", "version", f"begin the file with version: {VERSION}"
        )
    elif not isinstance(node, Scalar) or not node.is_plain or node.text != str(VERSION):
        values.refuse(
            node, f"version must be {VERSION}", "version", f"write version: {VERSION}"
        )


def _read_guards(values: Values, contents: Contents, node: Node | None) -> None:
    base = contents.base.guards if contents.base else None
    contents.guards_node = node
    if node is not None:
        contents.guards = read_guards(values, merged_guards(base, node))
    elif base is not None:
        contents.guards = read_guards(values, base)


@dataclass(frozen=True, slots=True)
class _Policies:
    """Reads the policies of one file, over those of the set it extends."""

    values: Values
    contents: Contents
    reader: EntryReader
    advice: Advice

    def read(self, node: Node | None) -> None:
        written = [] if node is None else self._written(node)
        base, extends = self.contents.base, self.contents.extends_node
        if extends is None:
            self._take_all(written)
            return
        if base is None:  # nobody can tell a patch from a policy that lacks something
            for entry in written:
                self._name(entry)
            return
        place = extends.place
        for name, original in base.entries.items():
            patches = [entry for entry in written if _name(entry) == name]
            if not patches:
                self._take(inherited(original, place))
            for patch in patches:  # of two, the second is refused for its name
                self._take_patch(original, patch)
        self._take_all(
            [
                entry
                for entry in written
                if _name(entry) not in base.entries and not self._is_misspelt(entry, base)
            ]
        )

    def _is_misspelt(self, entry: Entry, base: Base) -> bool:
        """Whether it is no policy by itself, and has nearly the name of a packaged one: then that is said."""
        hint = did_you_mean(_name(entry), base.entries)
        if not hint or ("when" in entry.keys and "enabled" not in entry.keys):
            return False
        self.values.refuse(
            entry.keys["name"],
            f"{base.name} has no policy {quoted(_name(entry))}",
            f"{entry.path}.name",
            hint,
        )
        return True

    def _written(self, node: Node) -> list[Entry]:
        if not isinstance(node, Items):
            self.values.refuse(
                node,
                "policies must be a list",
                "policies",
                "begin each policy with a dash",
            )
            return []
        if not node.items:
            self.values.warn(node, "the list of policies is empty", "policies")
        return [
            entry
            for index, item in enumerate(node.items)
            if (entry := self._entry(item, f"policies[{index}]")) is not None
        ]

    def _entry(self, node: Node, path: str) -> Entry | None:
        if self.values.report.is_settled:
            return None
        keys = self.values.fields(node, path, known=POLICY_KEYS)
        return None if keys is None else entry_of(self.values.text, node, path, keys)

    def _take_patch(self, original: Entry, patch: Entry) -> None:
        enabled = patch.keys.get("enabled")
        if enabled is None or self.values.flag(enabled, f"{patch.path}.enabled") is not False:
            self._take(patched(original, patch))
            return
        self._name(patch)
        rest = [key for key in patch.keys if key not in ("name", "enabled")]
        if rest:
            self.values.warn(
                patch.keys[rest[0]],
                f"{rest[0]} has no effect: the policy is not enabled",
                f"{patch.path}.{rest[0]}",
                "remove it",
            )

    def _take_all(self, entries: list[Entry]) -> None:
        for entry in entries:
            if "enabled" in entry.keys:
                self.values.refuse(
                    entry.keys["enabled"],
                    "enabled is for policies of the set that the file extends",
                    f"{entry.path}.enabled",
                    "write mode: off",
                )
            self._take(entry)

    def _take(self, entry: Entry) -> None:
        report = self.values.report
        if report.is_settled:
            return
        before = report.errors
        policy = self.reader.policy(entry, self._name(entry))
        if policy is not None and report.errors == before:
            advise(self.values, policy, entry, self.advice)
            self.contents.policies.append(policy)

    def _name(self, entry: Entry) -> str | None:
        name = self.reader.name(entry)
        if name is not None:
            named = Named(name, entry.keys["name"], f"{entry.path}.name")
            self.contents.names.append(named)
        return name


def _name(entry: Entry) -> str:
    node = entry.keys.get("name")
    return node.text if isinstance(node, Scalar) else ""
