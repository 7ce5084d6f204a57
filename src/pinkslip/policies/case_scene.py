"""What one test plays: its agents, what happens, and what is expected of whom."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar

from pinkslip.model.events import Heartbeat
from pinkslip.model.time import SECOND_MS
from pinkslip.model.words import Action, Guard, Standing, Verdict
from pinkslip.policies.case_reports import (
    IDENTITY_KEYS,
    SAY_KEYS,
    read_heartbeat,
    read_sentence,
    read_truth,
    read_word,
    read_worked,
)
from pinkslip.policies.cases import (
    AGE_MS,
    AGENTS_MAX,
    Act,
    ActKind,
    Agents,
    Expectation,
    Said,
    Worked,
)
from pinkslip.policies.document import Fields, Items, Node, Scalar
from pinkslip.policies.matchers import read_match
from pinkslip.policies.problems import quoted
from pinkslip.policies.schedules import LONGEST_MS, Rhythm, parse_rhythm
from pinkslip.policies.values import Values

_AGENT_KEYS = ("agent", "count", "age", *IDENTITY_KEYS, "beats", "silent", "says", "outcomes")
_EXPECT_KEYS = (
    "at", "agent", "policy", "verdict", "verdicts", "never", "action", "held", "standing", "cause", "demoted",
    "count",
)  # fmt: skip
_ACT_KEYS: Mapping[ActKind, tuple[str, ...]] = {
    ActKind.RESTART: (),
    ActKind.PROTECT: ("for",),
    ActKind.SILENCE: ("for", "reason"),
    ActKind.QUARANTINE: ("for",),
    ActKind.RELEASE: (),
    ActKind.REINSTATE: ("wrong",),
    ActKind.VETO: ("policy",),
    ActKind.APPROVE: ("policy",),
    ActKind.REVIEW: ("score",),
    ActKind.RESTORE: (),
    ActKind.STOP: (),
    ActKind.RESUME: (),
}
_NEEDS_SPAN = (ActKind.PROTECT, ActKind.SILENCE, ActKind.QUARANTINE)
_CLAIMS = ("verdict", "verdicts", "never", "held", "standing", "cause", "demoted")
_NOTHING = "nothing"
_NAME = re.compile(r"[^\x00-\x1f\x7f]{1,200}")


Read = TypeVar("Read")


@dataclass(slots=True)
class Scene:
    """Reads what one test plays: its agents, what happens, and what is expected of whom."""

    values: Values
    policies: tuple[str, ...]
    groups: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """The agents by the name they are called by."""

    # agents

    def agents(self, node: Node, path: str) -> tuple[Agents, ...]:
        read = self._each(node, path, self._agents)
        if sum(len(each.ids) for each in read) > AGENTS_MAX:
            self.values.refuse(
                node, f"more than {AGENTS_MAX} agents", path, "fewer show as much"
            )
        return read

    def _agents(self, node: Node, path: str) -> Agents | None:
        given = self.values.fields(node, path, known=_AGENT_KEYS)
        if given is None:
            return None
        identity = read_heartbeat(self.values, given, path)
        age = self._span(given, "age", path)
        return Agents(
            ids=self._ids(node, given, path),
            age_ms=AGE_MS if age is None else age,
            identity=identity,
            beats=self._beats(given, identity, path),
            silent=self._rhythms(given, "silent", path),
            said=self._list(given, "says", path, self._said),
            worked=self._list(given, "outcomes", path, self._worked),
        )

    def _ids(self, node: Node, given: Mapping[str, Node], path: str) -> tuple[str, ...]:
        if "agent" not in given:
            self.values.refuse(node, "the agent has no name", path, "agent: worker")
            return ()
        name = self.values.word(given["agent"], f"{path}.agent")
        if name is None:
            return ()
        if not _NAME.fullmatch(name) or name in self.groups:
            self.values.refuse(
                given["agent"],
                f"{quoted(name)} is taken already"
                if name in self.groups
                else f"{quoted(name)} is no agentId",
                f"{path}.agent",
                "give each agent a name of its own",
            )
            return ()
        ids: tuple[str, ...] = (name,)
        if "count" in given:
            count = self.values.count(given["count"], f"{path}.count", least=1, most=AGENTS_MAX)
            ids = tuple(f"{name}-{number}" for number in range(1, (count or 1) + 1))
        self.groups[name] = ids
        if ids != (name,):
            self.groups.update((each, (each,)) for each in ids)
        return ids

    def _beats(
        self, given: Mapping[str, Node], identity: Heartbeat, path: str
    ) -> tuple[Rhythm, ...]:
        interval_ms = 30_000
        if isinstance(identity.interval, float):
            interval_ms = round(identity.interval * SECOND_MS)
        node = given.get("beats")
        if node is None:
            return (Rhythm(interval_ms),)
        if isinstance(node, Scalar) and node.text == "none":
            return ()
        rhythms = self._rhythms(given, "beats", path)
        return tuple(
            each if each.every_ms or each.is_single else replace(each, every_ms=interval_ms)
            for each in rhythms
        )

    def _rhythms(self, given: Mapping[str, Node], key: str, path: str) -> tuple[Rhythm, ...]:
        if key not in given:
            return ()
        node, inner = given[key], f"{path}.{key}"
        items = node.items if isinstance(node, Items) else (node,)
        read = [
            read_sentence(self.values, item, Values.item_path(inner, node, index), parse_rhythm)
            for index, item in enumerate(items)
        ]
        return tuple(each for each in read if each is not None)

    def _said(self, node: Node, path: str) -> Said | None:
        given = self.values.fields(node, path, known=SAY_KEYS)
        if given is None:
            return None
        at = self._instant(node, given, path)
        return Said(at, read_heartbeat(self.values, given, path))

    def _worked(self, node: Node, path: str) -> Worked | None:
        return read_worked(self.values, node, path)

    # acts

    def acts(self, node: Node, path: str) -> tuple[Act, ...]:
        return tuple(sorted(self._each(node, path, self._act), key=lambda act: act.at_ms))

    def _act(self, node: Node, path: str) -> Act | None:
        kind = _act_kind(node)
        if kind is None:
            hint = f"say when, and one of {', '.join(each.value for each in ActKind)}"
            self.values.refuse(node, f"{path} does not say what happens", path, hint)
            return None
        given = self.values.fields(node, path, known=("at", kind.value, *_ACT_KEYS[kind]))
        if given is None or kind.value not in given:
            return None
        if kind in _NEEDS_SPAN and "for" not in given:
            self.values.refuse(
                node, f"{kind.value} does not say for how long", path, "for: 30m"
            )
        act = Act(
            at_ms=self._instant(node, given, path),
            kind=kind,
            place=node.place,
            for_ms=self._span(given, "for", path),
            policy=self._policy(given, path),
            wrong="wrong" in given
            and read_truth(self.values, given["wrong"], f"{path}.wrong") is True,
            score_e6=self._score(node, given, path) if kind is ActKind.REVIEW else None,
            reason=read_word(self.values, given["reason"], f"{path}.reason") or ""
            if "reason" in given
            else "",
        )
        return self._with_object(act, given[kind.value], f"{path}.{kind.value}")

    def _with_object(self, act: Act, node: Node, path: str) -> Act:
        match act.kind:
            case ActKind.RESTART:
                least, most = SECOND_MS, LONGEST_MS
                return replace(
                    act, for_ms=self.values.span_ms(node, path, least=least, most=most)
                )
            case ActKind.SILENCE:
                return replace(act, match=read_match(self.values, node, path) or ())
            case ActKind.STOP:
                return replace(act, reason=self.values.word(node, path, length_max=4_000) or "")
            case ActKind.RESUME:
                self.values.one_of(node, path, ["true"])
                return act
            case ActKind.RESTORE:
                return replace(act, policy=self._known_policy(node, path))
            case _:
                return replace(act, agents=self._called(node, path))

    def _score(self, node: Node, given: Mapping[str, Node], path: str) -> int | None:
        if "score" not in given:
            self.values.refuse(node, "the review gives no score", path, "score: 40%")
            return None
        share = self.values.share(given["score"], f"{path}.score")
        return None if share is None else round(share * 1_000_000)

    # expectations

    def expectations(self, node: Node, path: str) -> tuple[Expectation, ...]:
        if isinstance(node, Scalar):
            self.values.one_of(node, path, [_NOTHING])
            return (Expectation(place=node.place, nothing=True),)
        return self._each(node, path, self._expectation)

    def _expectation(self, node: Node, path: str) -> Expectation | None:
        given = self.values.fields(node, path, known=_EXPECT_KEYS)
        if given is None:
            return None
        if not any(claim in given for claim in _CLAIMS):
            hint = f"add one of {', '.join(_CLAIMS)}; verdict: nothing when none may come"
            self.values.refuse(node, f"{path} claims nothing", path, hint)
            return None
        values = self.values
        verdict = (
            self._verdict(given["verdict"], f"{path}.verdict") if "verdict" in given else None
        )
        return Expectation(
            place=node.place,
            at_ms=self._span(given, "at", path),
            agents=self._called(given["agent"], f"{path}.agent") if "agent" in given else (),
            policy=self._policy(given, path),
            nothing=verdict == _NOTHING,
            verdict=None if verdict in (None, _NOTHING) else Verdict(verdict),
            verdicts=self._sequence(given, path),
            never=(
                values.choices(given["never"], f"{path}.never", Verdict) or frozenset()
                if "never" in given
                else frozenset()
            ),
            action=values.choice(given["action"], f"{path}.action", Action)
            if "action" in given
            else None,
            held=values.choice(given["held"], f"{path}.held", Guard)
            if "held" in given
            else None,
            standing=(
                values.choice(given["standing"], f"{path}.standing", Standing)
                if "standing" in given
                else None
            ),
            cause=self._cause(given, path),
            demoted=(
                self._known_policy(given["demoted"], f"{path}.demoted")
                if "demoted" in given
                else None
            ),
            count=(
                values.count(given["count"], f"{path}.count", least=0, most=AGENTS_MAX)
                if "count" in given
                else None
            ),
        )

    def _verdict(self, node: Node, path: str) -> str | None:
        return self.values.one_of(node, path, [_NOTHING, *(each.value for each in Verdict)])

    def _sequence(self, given: Mapping[str, Node], path: str) -> tuple[Verdict, ...] | None:
        if "verdicts" not in given:
            return None
        node, inner = given["verdicts"], f"{path}.verdicts"
        items = node.items if isinstance(node, Items) else (node,)
        read = [
            self.values.choice(item, Values.item_path(inner, node, index), Verdict)
            for index, item in enumerate(items)
        ]
        return tuple(each for each in read if each is not None)

    def _cause(self, given: Mapping[str, Node], path: str) -> str | None:
        if "cause" not in given:
            return None
        word = self.values.word(given["cause"], f"{path}.cause")
        if word is not None and "=" not in word:
            self.values.refuse(
                given["cause"], "a cause is a factor and its value", path, "cause: model=gpt-9"
            )
        return word

    # parts

    def _each(
        self, node: Node, path: str, read: Callable[[Node, str], Read | None]
    ) -> tuple[Read, ...]:
        if not isinstance(node, Items):
            self.values.refuse(
                node, f"{path} must be a list", path, "begin each line with a dash"
            )
            return ()
        found = [read(item, f"{path}[{index}]") for index, item in enumerate(node.items)]
        return tuple(each for each in found if each is not None)

    def _list(
        self,
        given: Mapping[str, Node],
        key: str,
        path: str,
        read: Callable[[Node, str], Read | None],
    ) -> tuple[Read, ...]:
        if key not in given:
            return ()
        node = given[key]
        if isinstance(node, Items):
            return self._each(node, f"{path}.{key}", read)
        one = read(node, f"{path}.{key}")
        return () if one is None else (one,)

    def _instant(self, node: Node, given: Mapping[str, Node], path: str) -> int:
        if "at" not in given:
            self.values.refuse(node, "it is not said when", path, "at: 5m")
        return self._span(given, "at", path) or 0

    def _span(self, given: Mapping[str, Node], key: str, path: str) -> int | None:
        if key not in given:
            return None
        return self.values.span_ms(given[key], f"{path}.{key}", least=0, most=LONGEST_MS)

    def _policy(self, given: Mapping[str, Node], path: str) -> str | None:
        return (
            self._known_policy(given["policy"], f"{path}.policy") if "policy" in given else None
        )

    def _known_policy(self, node: Node, path: str) -> str | None:
        return self.values.one_of(node, path, [*self.policies])

    def _called(self, node: Node, path: str) -> tuple[str, ...]:
        items = node.items if isinstance(node, Items) else (node,)
        called = [
            self.values.one_of(item, Values.item_path(path, node, index), [*self.groups])
            for index, item in enumerate(items)
        ]
        ids = (each for name in called if name is not None for each in self.groups[name])
        return tuple(dict.fromkeys(ids))


def _act_kind(node: Node) -> ActKind | None:
    keys = {key.text for key, _ in node.entries} if isinstance(node, Fields) else set()
    return next((kind for kind in ActKind if kind.value in keys), None)
