"""`tests:` of one file to cases: each whole, or all that is wrong with it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from pinkslip.model.policy import Guards
from pinkslip.model.time import SECOND_MS
from pinkslip.model.words import Mode
from pinkslip.policies.case_scene import Scene
from pinkslip.policies.cases import (
    OPEN,
    REPORTS_MAX,
    TICK_MS,
    TICKS_MAX,
    Act,
    ActKind,
    Agents,
    Case,
    Expectation,
)
from pinkslip.policies.document import Fields, Items, Node, Scalar
from pinkslip.policies.guards import KEYS, read_guards
from pinkslip.policies.problems import quoted
from pinkslip.policies.schedules import LONGEST_MS
from pinkslip.policies.values import Values

_CASE_KEYS = (
    "name", "description", "policies", "mode", "guards", "tick", "lasts", "agents", "happens", "expect",
)  # fmt: skip
_MISSING = {
    "name": "say what it shows: name: the silent are fired",
    "agents": "name at least one: agents: [{agent: worker}]",
    "expect": "say what must come of it: expect: nothing",
}


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
        before = self.values.report.errors
        for key in ("name", "agents", "expect"):
            if key not in given:
                self.values.refuse(node, f"the test has no {key}", path, _MISSING[key])
        name = self._name(given, path)
        scene = Scene(self.values, self._policies(given, path))
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
        if self.values.report.errors > before:
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
        return tuple(key.text for key, _ in node.entries if key.text in KEYS)

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
