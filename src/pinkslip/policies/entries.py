"""One policy's keys to a `Policy`. Everything wrong is noted; a policy with anything wrong is left out."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial
from typing import TypeVar

from pinkslip.model.policy import Condition, Filter, Matcher, Policy, Rung
from pinkslip.model.time import DAY_MS
from pinkslip.model.words import Action, Fault, Mode, Scope, Source
from pinkslip.policies.document import Fields, Node, Scalar
from pinkslip.policies.expressions import Budget, read_condition
from pinkslip.policies.hashes import policy_hash
from pinkslip.policies.ladders import is_kept, read_action, read_ladder, worst
from pinkslip.policies.matchers import read_match
from pinkslip.policies.problems import quoted
from pinkslip.policies.values import Values

POLICY_KEYS = (
    "name",
    "enabled",
    "description",
    "match",
    "scope",
    "when",
    "clear_when",
    "for",
    "keep_for",
    "mode",
    "percent",
    "action",
    "ladder",
    "reason",
    "notice",
    "approval",
    "severity",
    "labels",
    "faults",
    "sources",
)
SPAN_MS_MAX = 30 * DAY_MS
LABELS_MAX = 20
OUR_LABELS = (
    "alertname",
    "severity",
    "workspace",
    "agent",
    "role",
    "policy",
    "reason",
    "guard",
)
"""What messages carry by themselves."""

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
_SEVERITY = re.compile(r"[A-Za-z0-9_-]{1,64}")
_LABEL = re.compile(r"(?!__)[A-Za-z_][A-Za-z0-9_]{0,63}")

Keys = Mapping[str, Node]
Word = TypeVar("Word", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class Entry:
    """One policy as written: its keys, where it stands and its own lines."""

    node: Node
    keys: Keys
    path: str
    file: str
    line: int
    text: str


@dataclass(frozen=True, slots=True)
class EntryReader:
    """Reads entries of one file."""

    values: Values
    reasons: tuple[str, ...]
    budget: Budget

    def name(self, entry: Entry) -> str | None:
        """The policy's name, when it has a good one."""
        path = f"{entry.path}.name"
        if "name" not in entry.keys:
            self.values.refuse(
                entry.node,
                "the policy has no name",
                entry.path,
                "give it one: name: silent-developers",
            )
            return None
        word = self.values.word(entry.keys["name"], path, length_max=1_000)
        if word is not None and not _NAME.fullmatch(word):
            self.values.refuse(
                entry.keys["name"],
                f"{quoted(word)} is no name for a policy",
                path,
                "up to 64 small letters, digits and dashes, not beginning with a dash",
            )
            return None
        return word

    def policy(self, entry: Entry, name: str | None) -> Policy | None:
        """The policy, when it can be told at all; whether it is good, the report says."""
        keys, path = entry.keys, entry.path
        when = self._when(entry)
        rungs = self._rungs(keys, path)
        rest = partial(  # reads every other key, so that all that is wrong comes at once
            Policy,
            text=entry.text,
            hash="",
            file=entry.file,
            line=entry.line,
            description=self._description(keys, path),
            match=self._match(keys, path),
            scope=self._choice(keys, "scope", path, Scope, Scope.AGENT),
            clear_when=self._condition(keys, "clear_when", path),
            for_ms=self._span(keys, "for", path),
            keep_for_ms=self._span(keys, "keep_for", path),
            mode=self._choice(keys, "mode", path, Mode, Mode.SHADOW),
            percent=self._percent(keys, path),
            action=worst(rungs),
            ladder=rungs if "ladder" in keys or is_kept(rungs[0]) else (),
            reason=self._reason(entry, rungs),
            notice_ms=self._span(keys, "notice", path),
            approval=self._flag(keys, "approval", path),
            severity=self._severity(keys, path),
            labels=self._labels(keys, path),
            outcomes=self._outcomes(keys, path),
        )
        if name is None or when is None:
            return None
        policy = rest(name=name, when=when)
        return replace(policy, hash=policy_hash(policy))

    def _when(self, entry: Entry) -> Condition | None:
        if "when" not in entry.keys:
            self.values.refuse(
                entry.node,
                "the policy has no when",
                entry.path,
                "say when it holds: when: heartbeat_age > 90s",
            )
        return self._condition(entry.keys, "when", entry.path)

    def _condition(self, keys: Keys, key: str, path: str) -> Condition | None:
        if key not in keys:
            return None
        return read_condition(
            self.values, keys[key], f"{path}.{key}", self.budget, acts=key == "when"
        )

    def _match(self, keys: Keys, path: str) -> tuple[Matcher, ...]:
        if "match" not in keys:
            return ()
        return read_match(self.values, keys["match"], f"{path}.match") or ()

    def _rungs(self, keys: Keys, path: str) -> tuple[Rung, ...]:
        """What it does, crossing by crossing; notify where nothing usable is written."""
        rungs: tuple[Rung, ...] = ()
        if "action" in keys and "ladder" in keys:
            self.values.refuse(
                keys["action"],
                "action and ladder are both given",
                f"{path}.action",
                "keep one: the ladder says every action in its order",
            )
        if "action" in keys:
            rungs = read_action(self.values, keys["action"], f"{path}.action")
        if "ladder" in keys:
            rungs = read_ladder(self.values, keys["ladder"], f"{path}.ladder")
        return rungs or (Rung(Action.NOTIFY),)

    def _reason(self, entry: Entry, rungs: tuple[Rung, ...]) -> str | None:
        if "reason" in entry.keys:
            return self.values.one_of(
                entry.keys["reason"], f"{entry.path}.reason", list(self.reasons)
            )
        if worst(rungs) is Action.FIRE:
            self.values.refuse(
                entry.node,
                "the policy can fire and gives no reason",
                entry.path,
                f"reason: one of {', '.join(self.reasons)}",
            )
        return None

    def _choice(
        self, keys: Keys, key: str, path: str, vocabulary: type[Word], default: Word
    ) -> Word:
        if key not in keys:
            return default
        return self.values.choice(keys[key], f"{path}.{key}", vocabulary) or default

    def _span(self, keys: Keys, key: str, path: str) -> int:
        if key not in keys:
            return 0
        return self.values.span_ms(keys[key], f"{path}.{key}", least=0, most=SPAN_MS_MAX) or 0

    def _flag(self, keys: Keys, key: str, path: str) -> bool:
        return key in keys and bool(self.values.flag(keys[key], f"{path}.{key}"))

    def _percent(self, keys: Keys, path: str) -> float:
        if "percent" not in keys:
            return 1.0
        share = self.values.share(keys["percent"], f"{path}.percent")
        return 1.0 if share is None else share

    def _severity(self, keys: Keys, path: str) -> str | None:
        if "severity" not in keys:
            return None
        word = self.values.word(keys["severity"], f"{path}.severity")
        if word is None or _SEVERITY.fullmatch(word):
            return word
        self.values.refuse(
            keys["severity"],
            f"{path}.severity cannot be {quoted(word)}",
            f"{path}.severity",
            "one word, as Alertmanager routes it: critical, warning, info",
        )
        return None

    def _labels(self, keys: Keys, path: str) -> tuple[tuple[str, str], ...]:
        if "labels" not in keys:
            return ()
        node, path = keys["labels"], f"{path}.labels"
        if not isinstance(node, Fields) or len(node.entries) > LABELS_MAX:
            self.values.refuse(
                node,
                f"{path} must be a mapping of at most {LABELS_MAX} labels",
                path,
                "write for example {team: research}",
            )
            return ()
        read = [self._label(key, value, f"{path}.{key.text}") for key, value in node.entries]
        return tuple(sorted(label for label in read if label is not None))

    def _label(self, key: Scalar, value: Node, path: str) -> tuple[str, str] | None:
        if not _LABEL.fullmatch(key.text):
            self.values.refuse(
                key,
                f"{quoted(key.text)} is no name for a label",
                path,
                "up to 64 letters, digits and _, not beginning with a digit or __",
            )
            return None
        if key.text in OUR_LABELS:
            hint = "write severity: beside labels" if key.text == "severity" else "rename it"
            self.values.refuse(key, f"the label {quoted(key.text)} is ours", path, hint)
            return None
        word = self.values.word(value, path)
        return None if word is None else (key.text, word)

    def _outcomes(self, keys: Keys, path: str) -> Filter:
        default = Filter()
        faults, sources = default.faults, default.sources
        if "faults" in keys:
            faults = self.values.choices(keys["faults"], f"{path}.faults", Fault) or faults
        if "sources" in keys:
            sources = self.values.choices(keys["sources"], f"{path}.sources", Source) or sources
        return Filter(faults, sources)

    def _description(self, keys: Keys, path: str) -> str:
        if "description" not in keys:
            return ""
        word = self.values.word(keys["description"], f"{path}.description", length_max=4_000)
        return (word or "").strip()
