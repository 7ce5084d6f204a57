"""How a set of policies differs from the packaged one it extends, and what a newer packaged one would change.

Key by key, in the words one would write, of what is in effect: a patch that says what was so anyway is none.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from enum import StrEnum

from pinkslip.model.policy import Filter, Guards, Matcher, Policy, PolicySet, Unit
from pinkslip.model.words import Action, Mode, Scope
from pinkslip.policies.document import Fields, Scalar, read
from pinkslip.policies.extends import version_named
from pinkslip.policies.load import Reasons, Source, load
from pinkslip.policies.packaged import BUILTIN, builtin_sources, builtin_versions
from pinkslip.policies.printing import written
from pinkslip.policies.problems import Problem
from pinkslip.policies.quantities import written_quantity
from pinkslip.policies.text import Report, Text


class Kind(StrEnum):
    """What became of a policy."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class KeyChange:
    """One key, as it is written before and after; None: not written."""

    key: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class PolicyChange:
    """One policy that is not the same in both sets."""

    name: str
    kind: Kind
    keys: tuple[KeyChange, ...]


@dataclass(frozen=True, slots=True)
class Changes:
    """From one set to another. What is the same is not listed."""

    policies: tuple[PolicyChange, ...]
    guards: tuple[KeyChange, ...]

    def __bool__(self) -> bool:
        return bool(self.policies or self.guards)


@dataclass(frozen=True, slots=True)
class Upgrade:
    """What it would mean to extend a newer packaged set."""

    to: str
    effect: Changes | None
    """From what is in effect to what would be; None: the set would be refused, see `problems`."""
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class Diff:
    """A set against a packaged one."""

    base: str
    """`builtin@1`."""
    is_extended: bool
    """False: the files extend nothing, and `base` is the newest there is."""
    changes: Changes | None
    """None: the set has errors, see `problems`."""
    problems: tuple[Problem, ...]
    upgrades: tuple[Upgrade, ...] = ()
    """To each newer packaged set, the oldest first."""


def diff(sources: Sequence[Source], *, extra_reasons: Reasons = ()) -> Diff:
    """The set that `sources` make, against the packaged one it extends (or the newest, by policy name)."""
    versions = builtin_versions()
    extended = _extended(sources)
    version = extended if extended is not None and extended in versions else versions[-1]
    loaded = load(sources, extra_reasons=extra_reasons)
    base = f"{BUILTIN}@{version}"
    if loaded.policy_set is None:
        return Diff(base, extended is not None, None, loaded.problems)
    newer = [other for other in versions if extended is not None and other > version]
    return Diff(
        base,
        extended is not None,
        changes(_packaged(version), loaded.policy_set),
        loaded.problems,
        tuple(_upgrade(sources, loaded.policy_set, to, extra_reasons) for to in newer),
    )


def changes(before: PolicySet, after: PolicySet) -> Changes:
    """Policy by policy, key by key."""
    old = {policy.name: policy for policy in before.policies}
    new = {policy.name: policy for policy in after.policies}
    found = []
    for name in (*old, *(name for name in new if name not in old)):
        was, now = old.get(name), new.get(name)
        keys = _changed(
            {} if was is None else keys_of(was), {} if now is None else keys_of(now)
        )
        if keys or was is None or now is None:
            kind = Kind.ADDED if was is None else Kind.REMOVED if now is None else Kind.CHANGED
            found.append(PolicyChange(name, kind, keys))
    guards = _changed(guards_of(before.guards), guards_of(after.guards))
    return Changes(tuple(found), guards)


def keys_of(policy: Policy) -> dict[str, str]:
    """Everything a policy says, by key, as one would write it; what is as by default is left out."""
    said = {
        "description": policy.description,
        "match": _matchers(policy.match),
        "scope": "" if policy.scope is Scope.AGENT else policy.scope.value,
        "when": written(policy.when.tree),
        "clear_when": "" if policy.clear_when is None else written(policy.clear_when.tree),
        "for": _span(policy.for_ms),
        "keep_for": _span(policy.keep_for_ms),
        "mode": "" if policy.mode is Mode.SHADOW else policy.mode.value,
        "percent": "" if policy.percent == 1 else written_quantity(policy.percent, Unit.RATIO),
        "action": _action(policy),
        "ladder": f"[{', '.join(str(rung) for rung in policy.ladder)}]"
        if policy.ladder
        else "",
        "reason": policy.reason or "",
        "notice": _span(policy.notice_ms),
        "approval": "true" if policy.approval else "",
        "severity": policy.severity or "",
        "labels": ", ".join(f"{name}: {value}" for name, value in policy.labels),
        **_filter(policy.outcomes),
    }
    return {key: text for key, text in said.items() if text}


def guards_of(guards: Guards) -> dict[str, str]:
    """Every guard's every limit, as `max_fired.share`."""
    said: dict[str, str] = {}
    for field in fields(guards):
        value = getattr(guards, field.name)
        if not is_dataclass(value):
            said[field.name] = "off" if value is None else str(value)
            continue
        for inner in fields(value):
            key = f"{field.name}.{inner.name.removesuffix('_ms')}"
            said[key] = _limit(inner.name, getattr(value, inner.name))
    return said


def _limit(name: str, value: object) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(value)}]"
    if isinstance(value, float):
        return written_quantity(value, Unit.RATIO)
    if name.endswith("_ms") and isinstance(value, int):
        return written_quantity(value / 1000, Unit.SECONDS)
    return str(value)


def _changed(before: Mapping[str, str], after: Mapping[str, str]) -> tuple[KeyChange, ...]:
    keys = (*before, *(key for key in after if key not in before))
    return tuple(
        KeyChange(key, before.get(key), after.get(key))
        for key in keys
        if before.get(key) != after.get(key)
    )


def _action(policy: Policy) -> str:
    is_default = policy.action is Action.NOTIFY
    return "" if policy.ladder or is_default else policy.action.value


def _span(span_ms: int) -> str:
    return written_quantity(span_ms / 1000, Unit.SECONDS) if span_ms else ""


def _matchers(matchers: tuple[Matcher, ...]) -> str:
    return ", ".join(
        f"{matcher.field}: [{', '.join(_values(matcher))}]"
        for matcher in sorted(matchers, key=lambda matcher: matcher.field)
    )


def _values(matcher: Matcher) -> list[str]:
    return [*sorted(matcher.values), *(f"~{pattern}" for pattern in matcher.patterns)]


def _filter(outcomes: Filter) -> dict[str, str]:
    default = Filter()
    said = {}
    if outcomes.faults != default.faults:
        said["faults"] = _words(outcomes.faults)
    if outcomes.sources != default.sources:
        said["sources"] = _words(outcomes.sources)
    return said


def _words(words: Iterable[StrEnum]) -> str:
    return f"[{', '.join(sorted(word.value for word in words))}]"


def _packaged(version: int) -> PolicySet:
    packaged = load(builtin_sources(version)).policy_set
    assert packaged is not None, f"{BUILTIN}@{version} is packaged and does not load"
    return packaged


def _upgrade(
    sources: Sequence[Source], present: PolicySet, to: int, extra_reasons: Reasons
) -> Upgrade:
    upgraded = [_extending(source, to) for source in sources]
    loaded = load(upgraded, extra_reasons=extra_reasons)
    effect = None if loaded.policy_set is None else changes(present, loaded.policy_set)
    return Upgrade(f"{BUILTIN}@{to}", effect, loaded.problems)


def _extended(sources: Sequence[Source]) -> int | None:
    """The version that one of the files extends."""
    for source in sources:
        word = _reference(source)
        if word is not None:
            return version_named(word.text)
    return None


def _extending(source: Source, version: int) -> Source:
    """The file as it were if it extended another version."""
    word = _reference(source)
    if word is None:
        return source
    text = Text(source.file, source.text)
    at = text.offset(word.place.line, word.place.column)
    rest = text.text[at:].replace(word.text, f"{BUILTIN}@{version}", 1)
    return replace(source, text=text.text[:at] + rest)


def _reference(source: Source) -> Scalar | None:
    """What `extends` says in a file."""
    root = read(Text(source.file, source.text), Report())
    entries = root.entries if isinstance(root, Fields) else ()
    return next(
        (
            value
            for key, value in entries
            if key.text == "extends" and isinstance(value, Scalar)
        ),
        None,
    )
