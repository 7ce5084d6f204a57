"""One file's nodes to policies and guards. Everything wrong is noted; what is wrong is left out."""

import re
from dataclasses import dataclass, field

from pinkslip.fleet.catalogue import MEASURES
from pinkslip.model.policy import (
    Arithmetic,
    Call,
    Comparison,
    Condition,
    Constant,
    Expression,
    Filter,
    Guards,
    Logic,
    Matcher,
    Measured,
    Negative,
    Not,
    Policy,
)
from pinkslip.model.time import DAY_MS
from pinkslip.model.words import Action, Fault, Mode, Source, Standing, Status
from pinkslip.policies.document import Items, Node, Scalar
from pinkslip.policies.expressions import Budget, read_condition
from pinkslip.policies.guards import read_guards
from pinkslip.policies.hashes import policy_hash
from pinkslip.policies.matchers import read_match
from pinkslip.policies.printing import written
from pinkslip.policies.problems import quoted
from pinkslip.policies.values import Values
from pinkslip.policies.vocabulary import LATER_FILE_KEYS, LATER_POLICY_KEYS

FILE_KEYS = ("version", "guards", "policies")
POLICY_KEYS = (
    "name",
    "description",
    "match",
    "when",
    "clear_when",
    "for",
    "keep_for",
    "mode",
    "action",
    "reason",
    "faults",
    "sources",
)
VERSION = 1
SPAN_MS_MAX = 30 * DAY_MS
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")


@dataclass(slots=True)
class Contents:
    """What one file holds."""

    guards: Guards | None = None
    guards_node: Node | None = None
    policies: list[Policy] = field(default_factory=list)
    names: list[tuple[str, Scalar, str]] = field(default_factory=list)
    """Every name given, where, and its key path, whether or not its policy is good."""


def read_contents(
    values: Values, root: Node, *, reasons: tuple[str, ...], budget: Budget
) -> Contents:
    """Everything in the file, as far as it can be used."""
    contents = Contents()
    fields = values.fields(root, "", known=FILE_KEYS, later=LATER_FILE_KEYS)
    if fields is None:
        return contents
    _check_version(values, root, fields.get("version"))
    if "guards" in fields:
        contents.guards_node = fields["guards"]
        contents.guards = read_guards(values, fields["guards"])
    if "policies" in fields:
        reader = _PolicyReader(values, contents, reasons, budget)
        _read_list(reader, fields["policies"])
    elif "guards" not in fields and not values.report.has_errors:
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


def _read_list(reader: "_PolicyReader", node: Node) -> None:
    if not isinstance(node, Items):
        reader.values.refuse(
            node, "policies must be a list", "policies", "begin each policy with a dash"
        )
        return
    if not node.items:
        reader.values.warn(node, "the list of policies is empty", "policies")
    for index, item in enumerate(node.items):
        if reader.values.report.is_full:
            break
        reader.read(item, f"policies[{index}]")


@dataclass(slots=True)
class _PolicyReader:
    """Reads the policies of one file."""

    values: Values
    contents: Contents
    reasons: tuple[str, ...]
    budget: Budget

    def read(self, node: Node, path: str) -> None:
        before = sum(problem.is_error for problem in self.values.report.problems)
        fields = self.values.fields(node, path, known=POLICY_KEYS, later=LATER_POLICY_KEYS)
        if fields is None:
            return
        policy = self._policy(node, fields, path)
        errors = sum(problem.is_error for problem in self.values.report.problems) - before
        if policy is not None and not errors:
            _warn(self.values, policy, fields, path)
            self.contents.policies.append(policy)

    def _policy(self, node: Node, fields: dict[str, Node], path: str) -> Policy | None:
        name = self._name(node, fields, path)
        when = self._when(node, fields, path)
        clear_when = self._condition(fields, "clear_when", path)
        match = self._match(fields, path)
        mode = self._mode(fields, path)
        action = self._action(fields, path)
        reason = self._reason(node, fields, action, path)
        for_ms, keep_for_ms = (
            self._span(fields, "for", path),
            self._span(fields, "keep_for", path),
        )
        outcomes = self._outcomes(fields, path)
        description = self._description(fields, path)
        if name is None or when is None:
            return None
        return Policy(
            name=name,
            when=when,
            text=self._own_text(node),
            hash=policy_hash(
                when=when,
                clear_when=clear_when,
                for_ms=for_ms,
                keep_for_ms=keep_for_ms,
                match=match,
                outcomes=outcomes,
                mode=mode,
                action=action,
                reason=reason,
            ),
            file=self.values.text.file,
            line=node.place.line + 1,
            description=description,
            match=match,
            clear_when=clear_when,
            for_ms=for_ms,
            keep_for_ms=keep_for_ms,
            mode=mode,
            action=action,
            reason=reason,
            outcomes=outcomes,
        )

    def _name(self, node: Node, fields: dict[str, Node], path: str) -> str | None:
        if "name" not in fields:
            self.values.refuse(
                node, "the policy has no name", path, "give it one: name: silent-developers"
            )
            return None
        given = fields["name"]
        word = self.values.word(given, f"{path}.name", length_max=1_000)
        if word is None:
            return None
        if not _NAME.fullmatch(word):
            self.values.refuse(
                given,
                f"{quoted(word)} is no name for a policy",
                f"{path}.name",
                "up to 64 small letters, digits and dashes, not beginning with a dash",
            )
            return None
        assert isinstance(given, Scalar)
        self.contents.names.append((word, given, f"{path}.name"))
        return word

    def _when(self, node: Node, fields: dict[str, Node], path: str) -> Condition | None:
        if "when" not in fields:
            self.values.refuse(
                node,
                "the policy has no when",
                path,
                "say when it holds: when: heartbeat_age > 90s",
            )
        return self._condition(fields, "when", path)

    def _condition(self, fields: dict[str, Node], key: str, path: str) -> Condition | None:
        if key not in fields:
            return None
        return read_condition(self.values, fields[key], f"{path}.{key}", self.budget)

    def _match(self, fields: dict[str, Node], path: str) -> tuple[Matcher, ...]:
        if "match" not in fields:
            return ()
        return read_match(self.values, fields["match"], f"{path}.match") or ()

    def _mode(self, fields: dict[str, Node], path: str) -> Mode:
        if "mode" not in fields:
            return Mode.SHADOW
        return self.values.choice(fields["mode"], f"{path}.mode", Mode) or Mode.SHADOW

    def _action(self, fields: dict[str, Node], path: str) -> Action:
        if "action" not in fields:
            return Action.NOTIFY
        return self.values.choice(fields["action"], f"{path}.action", Action) or Action.NOTIFY

    def _reason(
        self, node: Node, fields: dict[str, Node], action: Action, path: str
    ) -> str | None:
        if "reason" in fields:
            return self.values.one_of(fields["reason"], f"{path}.reason", list(self.reasons))
        if action is Action.FIRE:
            hint = f"reason: one of {', '.join(self.reasons)}"
            self.values.refuse(node, "the policy can fire and gives no reason", path, hint)
        return None

    def _span(self, fields: dict[str, Node], key: str, path: str) -> int:
        if key not in fields:
            return 0
        return self.values.span_ms(fields[key], f"{path}.{key}", least=0, most=SPAN_MS_MAX) or 0

    def _outcomes(self, fields: dict[str, Node], path: str) -> Filter:
        default = Filter()
        faults, sources = default.faults, default.sources
        if "faults" in fields:
            faults = self.values.choices(fields["faults"], f"{path}.faults", Fault) or faults
        if "sources" in fields:
            sources = (
                self.values.choices(fields["sources"], f"{path}.sources", Source) or sources
            )
        return Filter(faults, sources)

    def _description(self, fields: dict[str, Node], path: str) -> str:
        if "description" not in fields:
            return ""
        word = self.values.word(fields["description"], f"{path}.description", length_max=4_000)
        return (word or "").strip()

    def _own_text(self, node: Node) -> str:
        last_line, column = node.end
        if column == 0 and last_line > node.place.line:
            last_line -= 1
        return "\n".join(self.values.text.lines(node.place.line, last_line)).rstrip()


def measured(tree: Expression) -> list[Measured]:
    """Every measure `tree` reads, in the order written."""
    match tree:
        case Measured():
            return [tree]
        case Constant():
            return []
        case Negative() | Not():
            return measured(tree.operand)
        case Arithmetic() | Comparison():
            return [*measured(tree.left), *measured(tree.right)]
        case Call():
            return [found for argument in tree.arguments for found in measured(argument)]
        case Logic():
            return [found for operand in tree.operands for found in measured(operand)]


def _warn(values: Values, policy: Policy, fields: dict[str, Node], path: str) -> None:
    """What is allowed and surely not meant."""
    kinds = [MEASURES[found.name] for found in measured(policy.when.tree)]
    if "clear_when" in fields and "keep_for" in fields:
        values.warn(
            fields["keep_for"],
            "keep_for has no effect beside clear_when",
            f"{path}.keep_for",
            "remove one of them: clear_when alone ends the episode",
        )
    if policy.clear_when and written(policy.clear_when.tree) == written(policy.when.tree):
        values.warn(
            fields["clear_when"],
            "clear_when is the same as when",
            f"{path}.clear_when",
            "leave it out",
        )
    if not any(kind.reads_outcomes for kind in kinds):
        for key in ("faults", "sources"):
            if key in fields:
                message = f"{key} has no effect: this policy reads no outcomes"
                values.warn(fields[key], message, f"{path}.{key}", "remove it")
    if "match" in fields:
        stale = next((kind.name for kind in kinds if kind.stale_type), None)
        _warn_of_matchers(values, policy, fields["match"], stale, f"{path}.match")


def _warn_of_matchers(
    values: Values, policy: Policy, node: Node, stale: str | None, path: str
) -> None:
    words = {matcher.field: matcher.values for matcher in policy.match}
    if stale and Status.WAITING in words.get("status", ()):
        message = f"WAITING is never matched by a policy that reads {stale}"
        values.warn(node, message, f"{path}.status", "remove it: a waiting agent may be silent")
    if Status.TERMINATED in words.get("status", ()):
        values.warn(
            node, "TERMINATED is never matched: the agent is fired already", f"{path}.status"
        )
    if Standing.FIRED in words.get("standing", ()):
        values.warn(
            node, "fired is never matched: the agent is fired already", f"{path}.standing"
        )
