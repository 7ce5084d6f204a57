"""What is allowed in a policy and surely not meant: said as warnings, with what to do instead.

Some of it can be told only of a fleet that has been seen (`Known`): a role nobody has, a result nobody ever
reported.
"""

import math
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from pinkslip.fleet.catalogue import MEASURES
from pinkslip.fleet.measures import FleetSettings
from pinkslip.judge.evidence.wilson import bounds
from pinkslip.model.policy import (
    Call,
    Comparison,
    Condition,
    Constant,
    Expression,
    Logic,
    Matcher,
    Measured,
    Policy,
    Unit,
    WindowKind,
)
from pinkslip.model.words import Action, Result, Scope, Standing, Status
from pinkslip.policies.document import Fields, Items, Node, Scalar
from pinkslip.policies.entries import Entry
from pinkslip.policies.expressions import place_in
from pinkslip.policies.known import Known
from pinkslip.policies.matchers import LABEL
from pinkslip.policies.printing import written
from pinkslip.policies.problems import did_you_mean, quoted
from pinkslip.policies.quantities import written_quantity
from pinkslip.policies.ranges import Demanded, Limits, demands
from pinkslip.policies.text import Place
from pinkslip.policies.trees import calls, measured
from pinkslip.policies.values import Values

RESULTS_OF: Mapping[str, frozenset[Result]] = {
    "successes": frozenset({Result.SUCCESS}),
    "refusals": frozenset({Result.REFUSED}),
    "off_track": frozenset({Result.OFF_TRACK}),
    "timeouts": frozenset({Result.TIMEOUT}),
    "corruptions": frozenset({Result.CONTEXT_OVERFLOW, Result.UNPARSABLE}),
}
"""Measures that are nothing without an outcome of one of these results."""

EVIDENCE = ("proven", "decayed", "posterior")
"""Functions that count outcomes themselves, since the evidence began."""

_RATES = (
    "success_rate",
    "score",
    "duration_mean",
    "duration_p50",
    "duration_p95",
    "cost_per_success",
    "expected_ratio",
)
"""Unknown below the setting `min_tasks`."""

_OF_TASKS = frozenset({"success_rate", "score", "cost_per_success", "expected_ratio"})
"""Those of them that count `tasks`, and not whatever gave a duration."""

_NEVER_JUDGED = {
    "status": {Status.TERMINATED.value: "the agent is fired already"},
    "standing": {
        Standing.FIRED.value: "the agent is fired already",
        Standing.QUARANTINED.value: "nobody in quarantine is judged",
    },
}


@dataclass(frozen=True, slots=True)
class Advice:
    """What advice is given from."""

    known: Known | None = None


def advise(values: Values, policy: Policy, entry: Entry, advice: Advice) -> None:
    """Note what is wrong with a policy that can be used."""
    adviser = _Adviser(values, policy, entry)
    adviser.of_endings()
    adviser.of_outcomes()
    adviser.of_actions()
    adviser.of_ladder()
    adviser.of_matchers()
    known = advice.known or Known()
    adviser.of_rates(known.min_tasks)
    adviser.of_short_windows(known.min_tasks)
    if advice.known is not None:
        adviser.of_fleet(advice.known)


@dataclass(frozen=True, slots=True)
class _Adviser:
    values: Values
    policy: Policy
    entry: Entry

    def _warn(self, key: str, message: str, hint: str = "") -> None:
        self._note(self.entry.keys[key], key, message, hint)

    def _note(self, node: Node | Place, key: str, message: str, hint: str) -> None:
        """A policy that is written in another file is named."""
        if self.entry.file != self.values.text.file:
            message = f"{self.policy.name}: {message}"
        self.values.warn(node, message, f"{self.entry.path}.{key}", hint)

    # endings

    def of_endings(self) -> None:
        """`clear_when` beside `keep_for`, and the same as `when`."""
        clear_when = self.policy.clear_when
        if clear_when is None:
            return
        if "keep_for" in self.entry.keys:
            self._warn(
                "keep_for",
                "keep_for has no effect beside clear_when",
                "remove one of them: clear_when alone ends the episode",
            )
        if written(clear_when.tree) == written(self.policy.when.tree):
            self._warn("clear_when", "clear_when is the same as when", "leave it out")
            return
        overlap = _overlap(self.policy.when.tree, clear_when.tree)
        if overlap is not None:
            held, cleared = overlap
            self._warn(
                "clear_when",
                f"clear_when is milder than when: {quoted(cleared.text)} can be true while"
                f" {quoted(held.text)} is",
                "put its limit beyond that of when, or leave clear_when out",
            )

    # outcomes

    def of_outcomes(self) -> None:
        """Filters of outcomes where none are read; a lineage where nothing follows it."""
        if not _reads_outcomes(self.policy.when.tree):
            for key in ("faults", "sources"):
                if key in self.entry.keys:
                    message = f"{key} has no effect: this policy reads no outcomes"
                    self._warn(key, message, "remove it")
        follows = calls(self.policy.when.tree, *EVIDENCE)
        lasts = self.policy.ladder or self.policy.may_fire
        if self.policy.scope is Scope.LINEAGE and not follows and not lasts:
            self._warn(
                "scope",
                "scope has no effect: nothing in this policy follows a lineage",
                "proven, decayed and posterior do, and so do ladders and fires",
            )

    # actions

    def of_actions(self) -> None:
        """Keys about fires where none is fired, and enforcement for nobody."""
        if not self.policy.may_fire:
            for key in ("notice", "approval"):
                if key in self.entry.keys:
                    self._warn(
                        key, f"{key} has no effect: this policy fires nobody", "remove it"
                    )
        if self.policy.percent == 0:
            self._warn(
                "percent",
                "0% of the agents: the policy is enforced for nobody",
                "write mode: shadow, which says so",
            )

    # ladders

    def of_ladder(self) -> None:
        """Rungs that no agent reaches, and agents that climb back before they do."""
        if len(self.policy.rungs) > 1:
            self._of_unreached()
        if self.policy.clear_when is not None and self.policy.ladder:
            self._of_easy_return(self.policy.clear_when)

    def _of_unreached(self) -> None:
        first, tree = self.policy.rungs[0], self.policy.when.tree
        is_told_only = first.action is Action.NOTIFY
        if _begins_anew(tree, *(("proven",) if is_told_only else ("proven", "decayed"))):
            return
        never = _stays_true(tree)
        whom = "no agent gets" if never else "an agent that stays bad does not get"
        why = "and this rests on nothing that begins anew"
        if never:
            why = "and this never turns false once it is true"
        elif _begins_anew(tree, "proven", "decayed"):
            why = "and decayed begins anew with a change of standing, which notify is not"
        self._warn(
            "when",
            f"{whom} beyond {first}: each rung needs its own crossing, {why}",
            "join it with proven(…), or write an action instead of a ladder",
        )

    def _of_easy_return(self, clear_when: Condition) -> None:
        proofs = calls(self.policy.when.tree, "proven")
        target = max((dict(call.named)["target"] for call in proofs), default=0.0)
        shown_target = written_quantity(target, Unit.RATIO)
        for rate, operator, limit in _lower_limits(clear_when.tree):
            if isinstance(rate, Call):
                if limit < _bound_at(target, rate):
                    self._warn(
                        "clear_when",
                        f"{written(rate)} {operator} {written_quantity(limit, Unit.RATIO)} lets an agent climb back"
                        f" whose rate is below the {shown_target} that proven holds it to",
                        f"write lower({written(rate.arguments[0])}) >= {shown_target} or more",
                    )
            elif limit < target:
                shown = [written_quantity(limit, Unit.RATIO), shown_target]
                self._warn(
                    "clear_when",
                    f"{rate.key} lets an agent climb back at {shown[0]}, while proven holds it to {shown[1]}",
                    f"write {rate.key} >= {shown[1]} or more",
                )

    # rates

    def of_rates(self, min_tasks: int | None) -> None:
        """Rates that are never known where the rest of the condition holds, since it leaves too few tasks."""
        few = FleetSettings().min_tasks if min_tasks is None else min_tasks
        for key, condition in self._conditions():
            demanded = list(demands(condition.tree))
            for each in demanded:
                tasks = each.side
                if not isinstance(tasks, Measured) or tasks.name != "tasks":
                    continue
                if each.limits.is_empty or each.limits.high >= few:
                    continue
                for rate in _rates(demanded, tasks):
                    self._warn_at(
                        key,
                        rate,
                        f"{rate.key} is never known where {quoted(each.text)}: rates of fewer than"
                        f" {few} tasks are unknown",
                        f"ask for {tasks.key} >= {few} (setting min_tasks), or join them with or",
                    )

    def of_short_windows(self, min_tasks: int | None) -> None:
        """Rates over fewer tasks than make one."""
        few = FleetSettings().min_tasks if min_tasks is None else min_tasks
        for key, condition in self._conditions():
            for each in _once(condition.tree):
                window = each.window
                if window is None or window.kind is not WindowKind.TASKS:
                    continue
                if each.name in _RATES and window.length < few:
                    self._warn_at(
                        key,
                        each,
                        f"{each.key} is never known: rates of fewer than {few} tasks are unknown",
                        f"write {each.name}[{few} tasks] or more (setting min_tasks)",
                    )

    # matchers

    def of_matchers(self) -> None:
        """Words that no agent this policy is about can have."""
        stale = next(
            (each.name for each in measured(self.policy.when.tree) if _is_stale(each)), None
        )
        for matcher in self.policy.match:
            never = dict(_NEVER_JUDGED.get(matcher.field, {}))
            if matcher.field == "status" and stale is not None:
                never[Status.WAITING.value] = "a waiting agent may be silent"
            hopeless = [word for word in sorted(matcher.values) if word in never]
            if hopeless:
                self._warn_of_words(matcher, hopeless, never, stale)

    def _warn_of_words(
        self, matcher: Matcher, hopeless: list[str], never: dict[str, str], stale: str | None
    ) -> None:
        is_all = len(hopeless) == len(matcher.values) and not matcher.patterns
        for word in hopeless:
            about = f" by a policy that reads {stale}" if word == Status.WAITING else ""
            message = f"{word} is never matched{about}: {never[word]}"
            if is_all:
                message = f"the policy can never match: {message}"
            self._warn_of_matcher(matcher.field, word, message, "remove it")

    def _warn_of_matcher(self, field: str, word: str, message: str, hint: str) -> None:
        match = self.entry.keys["match"]
        node = _value_node(match, field, word) or match
        self._note(node, f"match.{field}", message, hint)

    # the fleet as it is

    def of_fleet(self, known: Known) -> None:
        """What this fleet, as far as it was seen, can never answer."""
        for matcher in self.policy.match:
            self._of_seen_values(matcher, known)
        for each in _once(self.policy.when.tree):
            self._of_seen_results("when", each, known)
        for key, condition in self._conditions():
            for each in _once(condition.tree):
                self._of_windows(key, each, known)

    def _conditions(self) -> Iterator[tuple[str, Condition]]:
        yield "when", self.policy.when
        if self.policy.clear_when is not None:
            yield "clear_when", self.policy.clear_when

    def _of_seen_values(self, matcher: Matcher, known: Known) -> None:
        field = matcher.field
        name = field.removeprefix(LABEL)
        if field != name and known.labels is not None and name not in known.labels:
            hint = _nearest(name, known.labels) or "agents give labels when they register"
            self._warn_of_field(matcher, f"no agent has a label {name}", hint)
            return
        seen = known.fields.get(field)
        if seen is None:
            return
        if not seen:
            article = "an" if field.startswith("a") else "a"
            self._warn_of_field(matcher, f"no agent has {article} {field}", "")
            return
        for word in sorted(matcher.values - seen):
            self._warn_of_matcher(
                field, word, f"no agent has {field} {quoted(word)}", _nearest(word, seen)
            )

    def _warn_of_field(self, matcher: Matcher, message: str, hint: str) -> None:
        """What is wrong with the field, whatever is asked of it: said once, at its first value."""
        words = [*sorted(matcher.values), *(f"~{pattern}" for pattern in matcher.patterns)]
        self._warn_of_matcher(
            matcher.field, words[0], f"the policy can never match: {message}", hint
        )

    def _of_seen_results(self, key: str, each: Measured, known: Known) -> None:
        wanted = RESULTS_OF.get(each.name)
        if wanted is None or known.results is None or wanted & known.results:
            return
        names = " or ".join(sorted(wanted))
        self._warn_at(
            key,
            each,
            f"no agent has ever reported {names}: {each.key} has always been 0",
            f"have whoever reports outcomes give the result {names}, or leave it out",
        )

    def _of_windows(self, key: str, each: Measured, known: Known) -> None:
        window = each.window
        if window is None:
            return
        kept = known.retention_ms
        if window.kind is WindowKind.TIME and kept is not None and window.length > kept:
            shown = written_quantity(kept / 1000, Unit.SECONDS)
            self._warn_at(
                key,
                each,
                f"the window is longer than outcomes are kept: {shown}",
                "shorten it: it can hold no more than what is kept",
            )

    def _warn_at(self, key: str, each: Measured, message: str, hint: str) -> None:
        node = self.entry.keys[key]
        place = place_in(self.values.text, node, each.span)
        self._note(place, key, message, hint)


def _reads_outcomes(tree: Expression) -> bool:
    return bool(calls(tree, *EVIDENCE)) or any(
        MEASURES[each.name].reads_outcomes for each in measured(tree)
    )


def _is_stale(each: Measured) -> bool:
    return MEASURES[each.name].stale_type


def _once(tree: Expression) -> list[Measured]:
    """Each measure where it is first written."""
    return list({each.key: each for each in reversed(measured(tree))}.values())


def _begins_anew(tree: Expression, *functions: str) -> bool:
    """Whether it must turn false when the evidence of `functions` and of `posterior` is begun anew."""
    match tree:
        case Call():
            return tree.function in functions
        case Comparison():
            return any(calls(tree, "posterior"))
        case Logic():
            parts = [_begins_anew(operand, *functions) for operand in tree.operands]
            return any(parts) if tree.operator == "and" else all(parts)
        case _:
            return False


def _stays_true(tree: Expression) -> bool:
    """Whether it can only turn from false to true in an incarnation: of all measures, age alone grows so."""
    match tree:
        case Logic():
            return all(_stays_true(operand) for operand in tree.operands)
        case Comparison():
            larger = tree.left if tree.operator in (">", ">=") else tree.right
            smaller = tree.right if larger is tree.left else tree.left
            is_age = isinstance(larger, Measured) and larger.name == "age"
            return is_age and tree.operator not in ("==", "!=") and not measured(smaller)
        case _:
            return False


def _rates(demanded: Iterable[Demanded], tasks: Measured) -> Iterator[Measured]:
    """The rates over the window of `tasks` that comparisons read as they are."""
    for each in demanded:
        side = each.side
        if (
            isinstance(side, Measured)
            and side.window == tasks.window
            and side.name in _OF_TASKS
        ):
            yield side


def _overlap(when: Expression, clear_when: Expression) -> tuple[Demanded, Demanded] | None:
    """What both demand of one value, from opposite sides, and can have at once; None where anything parts them."""
    found = None
    for held in demands(when):
        for cleared in demands(clear_when):
            if written(held.side) != written(cleared.side):
                continue
            if held.limits.within(cleared.limits).is_empty:
                return None
            if found is None and _is_opposite(held.limits, cleared.limits):
                found = held, cleared
    return found


def _is_opposite(one: Limits, other: Limits) -> bool:
    """Whether one says at most, and the other at least."""
    ends = [(math.isfinite(each.low), math.isfinite(each.high)) for each in (one, other)]
    return ends in ([(True, False), (False, True)], [(False, True), (True, False)])


def _bound_at(rate: float, call: Call) -> float:
    """What `lower` or `upper` of a rate comes to where the rate is this; in a window of time, of ever more tasks."""
    (measure,) = call.arguments
    assert isinstance(measure, Measured)
    if measure.window is None or measure.window.kind is WindowKind.TIME:
        return rate
    tasks = np.array([float(measure.window.length)])
    low, high = bounds(tasks, rate * tasks, dict(call.named)["confidence"])
    return float((low if call.function == "lower" else high)[0])


def _lower_limits(tree: Expression) -> Iterator[tuple[Measured | Call, str, float]]:
    """Every `success_rate[…] > 60%` that must hold, and the same of its bounds; in parts."""
    match tree:
        case Logic(operator="and"):
            for operand in tree.operands:
                yield from _lower_limits(operand)
        case Comparison(operator=">" | ">=", left=Measured(name="success_rate") as rate):
            if isinstance(tree.right, Constant):
                yield rate, tree.operator, tree.right.value
        case Comparison(operator=">" | ">=", left=Call(function="lower" | "upper") as bound):
            if isinstance(tree.right, Constant):
                yield bound, tree.operator, tree.right.value
        case _:
            return


def _value_node(match: Node, field: str, word: str) -> Node | None:
    """Where in `match` a word of a field is written."""
    if not isinstance(match, Fields):
        return None
    for key, value in match.entries:
        if key.text == field:
            items = value.items if isinstance(value, Items) else (value,)
            return next(
                (item for item in items if isinstance(item, Scalar) and item.text == word), None
            )
    return None


def _nearest(word: str, seen: Collection[str]) -> str:
    """What may have been meant instead, of what there is; nothing where there is nothing."""
    known = sorted(seen)
    return did_you_mean(word, known) or (f"seen: {_listed(known)}" if known else "")


def _listed(words: list[str], most: int = 5) -> str:
    shown = ", ".join(quoted(word) for word in words[:most])
    return f"{shown} and {len(words) - most} more" if len(words) > most else shown
