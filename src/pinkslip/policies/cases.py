"""`tests:` of a policy file: what agents did, what people did, and what the policies must have made of it.

This is the format only, read and checked with places; `replay` runs it. Instants are offsets from the
beginning of the test, in milliseconds. docs/policies/testing.md shows the format to people.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from typing import TypeVar

import msgspec

from pinkslip.model.events import Heartbeat, Outcome
from pinkslip.model.policy import (
    Guards,
    Matcher,
    MaxFired,
    MaxFires,
    MaxNotices,
    MaxQuarantined,
    Newborn,
)
from pinkslip.model.time import DAY_MS, SECOND_MS
from pinkslip.model.words import Action, Guard, Mode, Result, Source, Standing, Status, Verdict
from pinkslip.policies.document import Fields, Items, Node, Scalar
from pinkslip.policies.guards import read_guards
from pinkslip.policies.matchers import read_match
from pinkslip.policies.problems import quoted
from pinkslip.policies.quantities import BadQuantity, parse_quantity
from pinkslip.policies.schedules import (
    LONGEST_MS,
    BadSchedule,
    Rhythm,
    Series,
    parse_rhythm,
    parse_series,
)
from pinkslip.policies.text import Place
from pinkslip.policies.values import Values

TICK_MS = 5_000
AGE_MS = DAY_MS
AGENTS_MAX = 5_000
TICKS_MAX = 100_000
REPORTS_MAX = 1_000_000
"""In one test: what it would take longer to run than people wait is refused."""

OPEN = Guards(
    max_fired=MaxFired(share=1.0, at_least=1_000_000),
    max_fires=MaxFires(count=1_000_000),
    min_active=0,
    panic=None,
    newborn=Newborn(age_ms=0, tasks=0),
    common_cause=None,
    mass_restart=None,
    max_notices=MaxNotices(count=1_000_000),
    max_quarantined=MaxQuarantined(share=1.0, at_least=1_000_000),
)
"""`guards: open`: nobody is held, except by what people did and by our own blindness."""


@dataclass(frozen=True, slots=True)
class Said:
    """A heartbeat that says more than that the loop is alive."""

    at_ms: int
    heartbeat: Heartbeat


@dataclass(frozen=True, slots=True)
class Worked:
    """Tasks an agent did."""

    series: Series
    outcome: Outcome
    """What all of them share; result and fault are the series'."""
    source: Source = Source.SELF


@dataclass(frozen=True, slots=True, kw_only=True)
class Agents:
    """One agent, or several that do the same."""

    ids: tuple[str, ...]
    age_ms: int
    """For how long they have been known when the test begins."""
    identity: Heartbeat
    """What they said of themselves at first contact."""
    beats: tuple[Rhythm, ...]
    """Empty: never a heartbeat of their own accord."""
    silent: tuple[Rhythm, ...] = ()
    """Stretches without a heartbeat."""
    said: tuple[Said, ...] = ()
    worked: tuple[Worked, ...] = ()


class ActKind(StrEnum):
    """What may happen besides what agents report, as the key that says so."""

    RESTART = "restart"
    PROTECT = "protect"
    SILENCE = "silence"
    QUARANTINE = "quarantine"
    RELEASE = "release"
    REINSTATE = "reinstate"
    VETO = "veto"
    APPROVE = "approve"
    REVIEW = "review"
    RESTORE = "restore"
    STOP = "stop"
    RESUME = "resume"


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """One thing that a person did, or that befell Pinkslip itself."""

    at_ms: int
    kind: ActKind
    place: Place
    agents: tuple[str, ...] = ()
    policy: str | None = None
    """Of a veto or an approval: which policy's, where an agent has several. Of a restore: the policy."""
    for_ms: int | None = None
    """Restart: how long nobody listened. Protect, silence, quarantine: for how long."""
    match: tuple[Matcher, ...] = ()
    wrong: bool = False
    """Reinstate: the fire was a mistake."""
    score_e6: int | None = None
    """Review: of the agent's newest outcome."""
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """What must be so: at an instant, or, without one, at some time of the test. Everything named must hold."""

    place: Place
    at_ms: int | None = None
    agents: tuple[str, ...] = ()
    """Empty: everybody."""
    policy: str | None = None
    """None: whichever."""
    nothing: bool = False
    """No verdict at all."""
    verdict: Verdict | None = None
    """At an instant: the newest one by then."""
    verdicts: tuple[Verdict, ...] | None = None
    """All of them by then, in order."""
    never: frozenset[Verdict] = frozenset()
    action: Action | None = None
    """What the verdict was about: of a ladder, the rung's."""
    held: Guard | None = None
    """Who holds an episode of theirs then; without an instant: who ever did."""
    standing: Standing | None = None
    cause: str | None = None
    """A common cause was named: `model=gpt-9`."""
    demoted: str | None = None
    """A policy that people overruled too often, and that is in shadow since."""
    count: int | None = None
    """So many of the agents, no more and no fewer; None: each of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One test."""

    name: str
    file: str
    place: Place
    key_path: str
    """`tests[0]`."""
    policies: tuple[str, ...]
    """Which are judged."""
    mode: Mode | None = None
    """As if every policy were in this mode; None: as written."""
    is_open: bool = False
    """The guards of the set are wide open, but for `guards`."""
    guards: Guards | None = None
    overridden: tuple[str, ...] = ()
    """The fields of `guards` that were written."""
    tick_ms: int = TICK_MS
    lasts_ms: int
    agents: tuple[Agents, ...]
    acts: tuple[Act, ...] = ()
    """In the order of their instants."""
    expectations: tuple[Expectation, ...]

    def guards_over(self, guards: Guards) -> Guards:
        """The guards of this test, in a set with these."""
        base = replace(OPEN, pool=guards.pool) if self.is_open else guards
        if self.guards is None:
            return base
        return replace(base, **{name: getattr(self.guards, name) for name in self.overridden})


def read_cases(
    values: Values,
    node: Node,
    *,
    policies: Iterable[str],
    own: Iterable[str] = (),
    path: str = "tests",
) -> tuple[Case, ...]:
    """The tests of one file. What is wrong is reported and left out.

    `policies`: the names of all that are loaded. `own`: of those of this file, which its tests are about where
    they name none; of a file without policies, all.
    """
    if not isinstance(node, Items):
        values.refuse(node, f"{path} must be a list", path, "begin each test with a dash")
        return ()
    everything = tuple(policies)
    reader = _Cases(values, everything, own=tuple(own) or everything)
    read = [reader.read(item, f"{path}[{index}]") for index, item in enumerate(node.items)]
    return tuple(case for case in read if case is not None)


_CASE_KEYS = (
    "name", "description", "policies", "mode", "guards", "tick", "lasts", "agents", "happens", "expect",
)  # fmt: skip
_IDENTITY_KEYS = (
    "name", "role", "model", "host", "lineage", "labels", "status", "task", "progress", "context_used",
    "interval", "boot",
)  # fmt: skip
_AGENT_KEYS = ("agent", "count", "age", *_IDENTITY_KEYS, "beats", "silent", "says", "outcomes")
_SAY_KEYS = ("at", *_IDENTITY_KEYS, "error", "leaving")
_OUTCOME_KEYS = (
    "of", "kind", "score", "duration", "cost", "tokens", "error", "source",
)  # fmt: skip
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
Sentence = TypeVar("Sentence")


@dataclass(slots=True)
class _Cases:
    """Reads the tests of one file."""

    values: Values
    policies: tuple[str, ...]
    own: tuple[str, ...]
    names: set[str] = field(default_factory=set)

    def read(self, node: Node, path: str) -> Case | None:
        given = self.values.fields(node, path, known=_CASE_KEYS)
        if given is None:
            return None
        before = _errors(self.values)
        for key in ("name", "agents", "expect"):
            if key not in given:
                self.values.refuse(node, f"the test has no {key}", path, _MISSING[key])
        name = self._name(given, path)
        scene = _Scene(self.values, self._policies(given, path))
        agents = scene.agents(given["agents"], f"{path}.agents") if "agents" in given else ()
        acts = scene.acts(given["happens"], f"{path}.happens") if "happens" in given else ()
        expected = (
            scene.expectations(given["expect"], f"{path}.expect") if "expect" in given else ()
        )
        tick_ms = self._span(given, "tick", path, least=SECOND_MS) or TICK_MS
        lasts_ms = self._span(given, "lasts", path, least=SECOND_MS)
        guards = self._guards(given, path)
        mode = (
            self.values.choice(given["mode"], f"{path}.mode", Mode) if "mode" in given else None
        )
        if "description" in given:
            self.values.word(given["description"], f"{path}.description", length_max=4_000)
        if _errors(self.values) > before:
            return None
        assert name is not None
        case = Case(
            name=name,
            file=self.values.text.file,
            place=node.place,
            key_path=path,
            policies=scene.policies,
            mode=mode,
            is_open=guards is OPEN,
            guards=None if guards is OPEN else guards,
            overridden=self._overridden(given),
            tick_ms=tick_ms,
            lasts_ms=lasts_ms or _last_instant(agents, acts, expected) + tick_ms,
            agents=agents,
            acts=acts,
            expectations=expected,
        )
        return case if self._is_short(case, node, path) else None

    def _name(self, given: Mapping[str, Node], path: str) -> str | None:
        if "name" not in given:
            return None
        name = self.values.word(given["name"], f"{path}.name")
        if name is not None and name in self.names:
            self.values.refuse(
                given["name"],
                f"another test of this file is called {quoted(name)}",
                f"{path}.name",
                "give one of them another name",
            )
        self.names.add(name or "")
        return name

    def _policies(self, given: Mapping[str, Node], path: str) -> tuple[str, ...]:
        if "policies" not in given:
            return self.own
        node, inner = given["policies"], f"{path}.policies"
        if isinstance(node, Scalar) and node.text == "all":
            return self.policies
        items = node.items if isinstance(node, Items) else (node,)
        named = [
            self.values.one_of(item, Values.item_path(inner, node, index), [*self.policies])
            for index, item in enumerate(items)
        ]
        return tuple(name for name in named if name is not None)

    def _span(
        self, given: Mapping[str, Node], key: str, path: str, *, least: int
    ) -> int | None:
        if key not in given:
            return None
        return self.values.span_ms(given[key], f"{path}.{key}", least=least, most=LONGEST_MS)

    def _guards(self, given: Mapping[str, Node], path: str) -> Guards | None:
        node = given.get("guards")
        if node is None:
            return None
        if isinstance(node, Scalar):
            if self.values.one_of(node, f"{path}.guards", ["open"]) is None:
                return None
            return OPEN
        return read_guards(self.values, node)

    def _overridden(self, given: Mapping[str, Node]) -> tuple[str, ...]:
        node = given.get("guards")
        if not isinstance(node, Fields):
            return ()
        known = {each.name for each in fields(Guards)}
        return tuple(key.text for key, _ in node.entries if key.text in known)

    def _is_short(self, case: Case, node: Node, path: str) -> bool:
        ticks = case.lasts_ms // case.tick_ms
        if ticks > TICKS_MAX:
            self.values.refuse(
                node,
                f"the test takes {ticks} ticks; at most {TICKS_MAX}",
                path,
                "give it a longer tick: tick: 1m",
            )
            return False
        reports = sum(_reports(each, case.lasts_ms) for each in case.agents)
        if reports > REPORTS_MAX:
            self.values.refuse(
                node,
                f"the agents of this test report {reports} times; at most {REPORTS_MAX}",
                path,
                "fewer agents, or a longer interval",
            )
            return False
        return True


_MISSING = {
    "name": "say what it shows: name: the silent are fired",
    "agents": "name at least one: agents: [{agent: worker}]",
    "expect": "say what must come of it: expect: nothing",
}


@dataclass(slots=True)
class _Scene:
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
        identity = self._heartbeat(given, path)
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
            each
            if each.every_ms or each.until_ms is None
            else replace(each, every_ms=interval_ms)
            for each in rhythms
        )

    def _rhythms(self, given: Mapping[str, Node], key: str, path: str) -> tuple[Rhythm, ...]:
        if key not in given:
            return ()
        node, inner = given[key], f"{path}.{key}"
        items = node.items if isinstance(node, Items) else (node,)
        read = [
            self._sentence(item, Values.item_path(inner, node, index), parse_rhythm)
            for index, item in enumerate(items)
        ]
        return tuple(each for each in read if each is not None)

    def _said(self, node: Node, path: str) -> Said | None:
        given = self.values.fields(node, path, known=_SAY_KEYS)
        if given is None:
            return None
        at = self._instant(node, given, path)
        return Said(at, self._heartbeat(given, path))

    def _heartbeat(self, given: Mapping[str, Node], path: str) -> Heartbeat:
        said: dict[str, object] = {}
        for key, (name, read) in _SAYINGS.items():
            if (
                key in given
                and (value := read(self.values, given[key], f"{path}.{key}")) is not None
            ):
                said[name] = value
        try:
            return msgspec.convert(said, Heartbeat, from_attributes=False)
        except msgspec.ValidationError as error:
            self.values.refuse(next(iter(given.values())), f"{path}: {error}", path)
            return Heartbeat()

    def _worked(self, node: Node, path: str) -> Worked | None:
        if isinstance(node, Scalar):
            series = self._sentence(node, path, parse_series)
            return None if series is None else Worked(series, _SUCCESS)
        given = self.values.fields(node, path, known=_OUTCOME_KEYS)
        if given is None:
            return None
        if "of" not in given:
            hint = "of: 12 success, 8 failure every 1m"
            self.values.refuse(node, "it is not said which outcomes", path, hint)
            return None
        series = self._sentence(given["of"], f"{path}.of", parse_series)
        outcome = _SUCCESS
        for key, (name, read) in _OUTCOMES.items():
            value = read(self.values, given[key], f"{path}.{key}") if key in given else None
            if value is not None:
                outcome = msgspec.structs.replace(outcome, **{name: value})
        source = Source.SELF
        if "source" in given:
            source = self.values.choice(given["source"], f"{path}.source", Source) or source
        return None if series is None else Worked(series, outcome, source)

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
            and _truth(self.values, given["wrong"], f"{path}.wrong") is True,
            score_e6=self._score(node, given, path) if kind is ActKind.REVIEW else None,
            reason=_word(self.values, given["reason"], f"{path}.reason") or ""
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

    def _sentence(
        self, node: Node, path: str, parse: Callable[[str], Sentence]
    ) -> Sentence | None:
        word = self.values.word(node, path, length_max=1_000)
        if word is None:
            return None
        try:
            return parse(word)
        except BadSchedule as error:
            self.values.refuse(_within(node, error), f"{path}: {error}", path, error.hint)
            return None


def _errors(values: Values) -> int:
    return sum(problem.is_error for problem in values.report.problems)


def _within(node: Node, error: BadSchedule) -> Place:
    """Where in the file a part of a sentence stands; of one over several lines, where it begins."""
    is_one_line = isinstance(node, Scalar) and node.place.line == node.end[0]
    if not is_one_line or not isinstance(node, Scalar):
        return node.place
    shift = error.at + (0 if node.is_plain else 1)
    return Place(node.place.line, node.place.column + shift, error.width)


def _act_kind(node: Node) -> ActKind | None:
    keys = {key.text for key, _ in node.entries} if isinstance(node, Fields) else set()
    return next((kind for kind in ActKind if kind.value in keys), None)


def _last_instant(
    agents: Iterable[Agents], acts: Iterable[Act], expected: Iterable[Expectation]
) -> int:
    """The latest that anything of the test speaks of."""
    told = [worked.series.last_ms for each in agents for worked in each.worked]
    told += [said.at_ms for each in agents for said in each.said]
    told += [
        rhythm.until_ms or rhythm.from_ms
        for each in agents
        for rhythm in (*each.beats, *each.silent)
    ]
    told += [
        act.at_ms + (act.for_ms or 0 if act.kind is ActKind.RESTART else 0) for act in acts
    ]
    told += [each.at_ms or 0 for each in expected]
    return max(told, default=0)


def _reports(agents: Agents, lasts_ms: int) -> int:
    each = sum(rhythm.times(end_ms=lasts_ms) for rhythm in agents.beats)
    each += sum(worked.series.times(end_ms=lasts_ms) for worked in agents.worked)
    return len(agents.ids) * (each + len(agents.said))


_SUCCESS = Outcome(result=Result.SUCCESS)

Reading = Callable[[Values, Node, str], object]


def _word(values: Values, node: Node, path: str) -> str | None:
    return values.word(node, path, length_max=4_000)


def _truth(values: Values, node: Node, path: str) -> bool | None:
    word = values.one_of(node, path, ["true", "false"])
    return None if word is None else word == "true"


def _seconds(values: Values, node: Node, path: str) -> float | None:
    span = values.span_ms(node, path, least=SECOND_MS, most=DAY_MS)
    return None if span is None else span / SECOND_MS


def _milliseconds(values: Values, node: Node, path: str) -> int | None:
    return values.span_ms(node, path, least=0, most=LONGEST_MS)


def _share(values: Values, node: Node, path: str) -> float | None:
    return values.share(node, path)


def _count(values: Values, node: Node, path: str) -> int | None:
    return values.count(node, path, least=0, most=10**12)


def _number(values: Values, node: Node, path: str) -> float | None:
    word = values.word(node, path)
    try:
        return None if word is None else float(word)
    except ValueError:
        values.refuse(node, f"{path} must be a number", path)
        return None


def _dollars(values: Values, node: Node, path: str) -> float | None:
    word = values.word(node, path)
    if word is None:
        return None
    try:
        return parse_quantity(word if word.startswith("$") else f"${word}")[0]
    except BadQuantity as error:
        values.refuse(
            node, f"{path} must be an amount: {error}", path, "write for example $0.25"
        )
        return None


def _status(values: Values, node: Node, path: str) -> Status | None:
    return values.choice(node, path, Status)


def _labels(values: Values, node: Node, path: str) -> dict[str, str] | None:
    if not isinstance(node, Fields):
        values.refuse(node, f"{path} must be a mapping", path, "write for example {version: 2}")
        return None
    return {
        key.text: values.word(value, f"{path}.{key.text}") or "" for key, value in node.entries
    }


_SAYINGS: Mapping[str, tuple[str, Reading]] = {
    "name": ("name", _word),
    "role": ("role", _word),
    "model": ("model", _word),
    "host": ("host", _word),
    "lineage": ("lineage", _word),
    "labels": ("labels", _labels),
    "status": ("status", _status),
    "task": ("currentTask", _word),
    "progress": ("progress", _number),
    "context_used": ("contextUsed", _share),
    "interval": ("interval", _seconds),
    "boot": ("bootId", _word),
    "error": ("lastError", _word),
    "leaving": ("leaving", _truth),
}
"""Keys of the format to fields of a heartbeat as the wire spells them."""

_OUTCOMES: Mapping[str, tuple[str, Reading]] = {
    "kind": ("kind", _word),
    "score": ("score", _share),
    "duration": ("duration_ms", _milliseconds),
    "cost": ("cost_usd", _dollars),
    "tokens": ("tokens_out", _count),
    "error": ("error", _word),
}
