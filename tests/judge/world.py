"""Builders for the judge's tests: a fleet given as plain rows, and policies written as operators write them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from types import MappingProxyType

import numpy as np

from pinkslip.fleet.acts import Acts
from pinkslip.fleet.catalogue import MEASURES
from pinkslip.fleet.needs import Words
from pinkslip.fleet.snapshot import Codes, Floats, Integers
from pinkslip.judge.judge import Judgement, JudgeState, judge
from pinkslip.judge.view import Bools
from pinkslip.model.decisions import Decision
from pinkslip.model.policy import (
    Condition,
    Filter,
    Guards,
    Matcher,
    MaxFired,
    MaxFires,
    MaxNotices,
    MaxQuarantined,
    Newborn,
    Panic,
    Policy,
    PolicySet,
    Rung,
    Window,
)
from pinkslip.model.words import Action, Mode, Scope, Standing, Status, code_of
from pinkslip.policies.language import parse_condition

START = 1_764_000_000_000
"""A fixed instant."""
SECOND = 1_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

CALM = Guards(
    max_fired=MaxFired(share=1.0, at_least=1_000_000),
    max_fires=MaxFires(count=1_000_000),
    min_active=0,
    panic=Panic(at_least=1_000_000),
    newborn=Newborn(age_ms=0, tasks=0),
    common_cause=None,
    mass_restart=None,
    max_notices=MaxNotices(count=1_000_000),
    max_quarantined=MaxQuarantined(share=1.0, at_least=1_000_000),
)
"""Guards that hold nobody, for tests of something else."""


@dataclass(slots=True, kw_only=True)
class Agent:
    """One row of a fleet."""

    number: int
    role: str | None = "developer"
    model: str | None = None
    host: str | None = None
    lineage: str | None = None
    labels: dict[str, str] = field(default_factory=dict)
    status: Status = Status.WORKING
    incarnation: int = 1
    interval_s: float = 30.0
    silent_s: float | None = 0.0
    """heartbeat_age."""
    values: dict[str, float] = field(default_factory=dict)
    """Other measures by key: `success_rate[1h]`. Missing ones are unknown."""
    created_at: int = START - DAY
    tasks: int = 1_000
    """Done in this incarnation."""
    finished: bool = False
    protected_until: int = 0
    fires: list[tuple[int, bool]] = field(default_factory=list)
    """(when, by a policy)."""
    back_at: int = 0
    """When it was reinstated, if it was."""
    standing: Standing = Standing.ACTIVE
    """But for fired, which `fires` tells."""
    standing_until: int = 0
    ordered_until: int = 0
    released_at: int = 0
    boot_changed_at: int = 0
    counted: tuple[int, int] = (0, 0)
    """Tasks and successes of this incarnation, as every filter counts them."""
    cusum: float = np.nan
    """Of every `decayed`; unknown before the first outcome."""
    kinds: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Tasks and successes in every window, by kind of task."""

    @property
    def agent_id(self) -> str:
        return f"agent-{self.number}"

    @property
    def is_fired(self) -> bool:
        return bool(self.fires) and self.fires[-1][0] >= self.back_at

    @property
    def is_active(self) -> bool:
        is_paused = self.standing is Standing.QUARANTINED
        return not self.finished and not self.is_fired and not is_paused

    @property
    def present_standing(self) -> Standing:
        return Standing.FIRED if self.is_fired else self.standing

    def was_active(self, then: int) -> bool:
        if self.created_at > then:
            return False
        fired = [at for at, _ in self.fires if at <= then]
        return not fired or fired[-1] < self.back_at <= then


class World:
    """A fleet as plain rows in slot order (None: a free slot), at one instant: what the judge reads."""

    def __init__(
        self,
        agents: Sequence[Agent | None],
        *,
        now: int = START,
        observing_since: int = START - DAY,
        blind: Sequence[tuple[int, int]] = (),
        stale_factor: float = 3.0,
        min_tasks: int = 5,
        acts: Acts | None = None,
        past: Mapping[str, tuple[int, int]] = MappingProxyType({}),
    ) -> None:
        self.agents = agents
        self.now = now
        self.observing_since = observing_since
        self.blind = blind
        self.stale_factor = stale_factor
        self.min_tasks = min_tasks
        self.acts = acts or Acts()
        self.past = past
        """Tasks and successes by lineage, of agents that have left memory."""
        self.asked: list[tuple[str, list[int]]] = []
        """Which quantiles were asked, for which slots."""

    @property
    def size(self) -> int:
        return len(self.agents)

    @cached_property
    def agent_ids(self) -> list[str]:
        return [agent.agent_id if agent else "" for agent in self.agents]

    @cached_property
    def numbers(self) -> Integers:
        return self._integers([agent.number if agent else 0 for agent in self.agents])

    @cached_property
    def incarnation(self) -> Integers:
        return self._integers([agent.incarnation if agent else 0 for agent in self.agents])

    @cached_property
    def active(self) -> Bools:
        return self._bools(agent is not None and agent.is_active for agent in self.agents)

    @cached_property
    def finished(self) -> Bools:
        return self._bools(agent is not None and agent.finished for agent in self.agents)

    @cached_property
    def tasks(self) -> Integers:
        return self._integers([agent.tasks if agent else 0 for agent in self.agents])

    @cached_property
    def stale(self) -> Bools:
        return self._bools(
            agent is not None
            and not agent.finished
            and agent.standing is not Standing.FIRED
            and agent.status is not Status.WAITING
            and agent.silent_s is not None
            and agent.silent_s > self.stale_factor * agent.interval_s
            for agent in self.agents
        )

    @cached_property
    def status(self) -> Codes:
        codes = [code_of(agent.status) if agent else 0 for agent in self.agents]
        return np.array(codes, dtype=np.uint8)

    @cached_property
    def protected_until(self) -> Integers:
        return self._integers([agent.protected_until if agent else 0 for agent in self.agents])

    @cached_property
    def standing(self) -> Codes:
        codes = [code_of(agent.present_standing) if agent else 0 for agent in self.agents]
        return np.array(codes, dtype=np.uint8)

    @cached_property
    def standing_until(self) -> Integers:
        return self._integers([agent.standing_until if agent else 0 for agent in self.agents])

    @cached_property
    def ordered_until(self) -> Integers:
        return self._integers([agent.ordered_until if agent else 0 for agent in self.agents])

    @cached_property
    def released_at(self) -> Integers:
        return self._integers([agent.released_at if agent else 0 for agent in self.agents])

    @cached_property
    def boot_changed_at(self) -> Integers:
        return self._integers([agent.boot_changed_at if agent else 0 for agent in self.agents])

    @cached_property
    def created_at(self) -> Integers:
        return self._integers([agent.created_at if agent else 0 for agent in self.agents])

    @cached_property
    def interval_s(self) -> Floats:
        return self._floats(agent.interval_s if agent else np.nan for agent in self.agents)

    def value(self, name: str, window: Window | None, outcomes: Filter) -> Floats:
        if name not in MEASURES:
            raise KeyError(name)
        key = name + (str(window) if window else "")
        return self._floats(
            np.nan if agent is None else self._value(agent, key) for agent in self.agents
        )

    def quantile(self, name: str, window: Window, outcomes: Filter, slots: Integers) -> Floats:
        key = name + str(window)
        self.asked.append((key, slots.tolist()))
        return self.value(name, window, outcomes)[slots]

    def counts(self, outcomes: Filter, scope: Scope) -> tuple[Integers, Integers]:
        pairs = [self._counted(agent, scope) if agent else (0, 0) for agent in self.agents]
        tasks, successes = zip(*pairs, strict=True) if pairs else ((), ())
        return self._integers(tasks), self._integers(successes)

    def cusum(self, good: float, bad: float, outcomes: Filter, scope: Scope) -> Floats:
        return self._floats(agent.cusum if agent else np.nan for agent in self.agents)

    def task_kinds(self, window: Window, outcomes: Filter) -> tuple[Integers, Integers]:
        kinds = sorted({kind for agent in self.agents if agent for kind in agent.kinds})
        counts = np.array(
            [
                [agent.kinds.get(kind, (0, 0)) if agent else (0, 0) for agent in self.agents]
                for kind in kinds
            ],
            dtype=np.int64,
        ).reshape(len(kinds), self.size, 2)
        return counts[:, :, 0], counts[:, :, 1]

    def words(self, field_name: str) -> Words:
        texts = [
            None if agent is None else self._text(agent, field_name) for agent in self.agents
        ]
        vocabulary = sorted({text for text in texts if text is not None})
        codes = [-1 if text is None else vocabulary.index(text) for text in texts]
        # every world makes its vocabulary anew, and says so
        return Words(np.array(codes, dtype=np.int32), vocabulary, hash(tuple(vocabulary)))

    def active_at(self, then: int) -> Bools:
        return self._bools(
            agent is not None and not agent.finished and agent.was_active(then)
            for agent in self.agents
        )

    def fired_by_policy_since(self, then: int) -> Bools:
        return self._bools(
            agent is not None and any(at > then and by for at, by in agent.fires)
            for agent in self.agents
        )

    def blind_between(self, start: int, end: int) -> int:
        return sum(max(0, min(end, e) - max(start, s)) for s, e in self.blind)

    def slot_of(self, agent_no: int) -> int | None:
        for slot, agent in enumerate(self.agents):
            if agent is not None and agent.number == agent_no:
                return slot
        return None

    def _counted(self, agent: Agent, scope: Scope) -> tuple[int, int]:
        """A lineage's counts are those of all its agents, whatever became of them."""
        if scope is Scope.AGENT or agent.lineage is None:
            return agent.counted
        counts = [one.counted for one in self.agents if one and one.lineage == agent.lineage]
        tasks, successes = zip(*counts, self.past.get(agent.lineage, (0, 0)), strict=True)
        return sum(tasks), sum(successes)

    def _value(self, agent: Agent, key: str) -> float:
        if key in agent.values:
            return agent.values[key]
        match key:
            case "heartbeat_age":
                return np.nan if agent.silent_s is None else agent.silent_s
            case "heartbeat_interval":
                return agent.interval_s
            case "age":
                return (self.now - agent.created_at) / 1000
            case _:
                return np.nan

    @staticmethod
    def _text(agent: Agent, field_name: str) -> str | None:
        match field_name:
            case "agent":
                return agent.agent_id
            case "role":
                return agent.role
            case "status":
                return agent.status.value
            case "standing":
                return agent.present_standing.value
            case "model" | "host" | "lineage":
                text: str | None = getattr(agent, field_name)
                return text
            case _:
                return agent.labels.get(field_name.removeprefix("label."))

    @staticmethod
    def _integers(values: Sequence[int]) -> Integers:
        return np.array(values, dtype=np.int64)

    @staticmethod
    def _floats(values: Iterable[float]) -> Floats:
        return np.array(list(values), dtype=np.float64)

    @staticmethod
    def _bools(values: Iterable[bool]) -> Bools:
        return np.array(list(values), dtype=np.bool_)


def make_policy(
    when: str | Condition = "heartbeat_age > 3 * heartbeat_interval",
    *,
    name: str = "unresponsive",
    clear_when: str | None = None,
    for_ms: int = 0,
    keep_for_ms: int = 0,
    mode: Mode = Mode.ENFORCE,
    action: Action = Action.FIRE,
    reason: str | None = "unresponsive",
    match: tuple[Matcher, ...] = (),
    version: str = "1",
    ladder: tuple[Rung, ...] = (),
    scope: Scope = Scope.AGENT,
    notice_ms: int = 0,
    approval: bool = False,
    percent: float = 1.0,
    outcomes: Filter | None = None,
) -> Policy:
    """A policy, by default one that fires the silent at once."""
    return Policy(
        name=name,
        when=parse_condition(when) if isinstance(when, str) else when,
        text=f"- name: {name}",
        hash=f"{name}{version}-{mode}{action}",
        file="policies.yaml",
        line=1,
        clear_when=parse_condition(clear_when) if clear_when else None,
        for_ms=for_ms,
        keep_for_ms=keep_for_ms,
        mode=mode,
        action=action,
        reason=reason,
        match=match,
        ladder=ladder,
        scope=scope,
        notice_ms=notice_ms,
        approval=approval,
        percent=percent,
        outcomes=outcomes or Filter(),
    )


def make_set(*policies: Policy, guards: Guards = CALM) -> PolicySet:
    """Policies under guards, by default ones that hold nobody."""
    return PolicySet(policies=policies, guards=guards, hash="set")


def broken_condition() -> Condition:
    """A condition that raises when it is evaluated: nobody has such a function."""
    condition = parse_condition("abs(age) > 1s")
    tree = condition.tree
    return Condition("oops(age) > 1s", replace(tree, left=replace(tree.left, function="oops")))  # type: ignore[arg-type, union-attr]  # known shape


def unspeakable(policy: Policy) -> Policy:
    """The policy with a `when` that can be evaluated and no longer be said: it forgot where it was written."""
    condition = parse_condition("abs(heartbeat_age) > 90s")
    nowhere = replace(condition.tree.left, span=None)  # type: ignore[union-attr]  # on purpose
    return replace(policy, when=replace(condition, tree=replace(condition.tree, left=nowhere)))  # type: ignore[arg-type]  # a comparison


class Ticker:
    """Ticks a fleet: judges, applies, and lets fires and standings be, as the store would."""

    def __init__(
        self,
        agents: list[Agent | None],
        *policies: Policy,
        guards: Guards = CALM,
        now: int = START,
        state: JudgeState | None = None,
    ) -> None:
        self.agents = agents
        self.policy_set = make_set(*policies, guards=guards)
        self.state = state or JudgeState()
        self.now = now
        self.observing_since = START - DAY
        self.blind: list[tuple[int, int]] = []
        self.stopped: str | None = None
        self.acts = Acts()
        self.decisions: list[Decision] = []

    def look(self) -> World:
        return World(
            self.agents,
            now=self.now,
            observing_since=self.observing_since,
            blind=tuple(self.blind),
            acts=self.acts,
        )

    def tick(self, after_ms: int = 0) -> Judgement:
        self.now += after_ms
        judgement = judge(
            self.look(), self.policy_set, self.state, workspace_id=1, stopped=self.stopped
        )
        self.state.apply(judgement)
        self.decisions += judgement.decisions
        for decision in judgement.decisions:
            if decision.verdict == "fired":
                self.agent(decision.agent_no).fires.append((self.now, True))
        for change in judgement.standings:
            agent = self.agent(change.agent_no)
            agent.standing, agent.standing_until = change.standing, change.until or 0
        return judgement

    def agent(self, number: int) -> Agent:
        return next(agent for agent in self.agents if agent and agent.number == number)

    def state_of(self, number: int = 1) -> str:
        """The agent's episode of the first policy."""
        name = self.policy_set.policies[0].name
        found = [each for each in self.state.open_episodes(number) if each.policy == name]
        return found[0].state if found else "clear"
