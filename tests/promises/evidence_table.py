"""Who is fired by which rule, and how soon: the table of sequential tests, by the real compiler, fleet and judge.

Workers of six qualities do 400 tasks each, one at a time, and are looked at after every one. Each rule has a
fleet of its own, enforces, and fires; what is counted is who was ever fired, and after how many tasks. A ladder
goes on for as long as its rungs take: whoever is in quarantine does no task meanwhile.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from pinkslip.model.facts import Changed, Done, Fact, Fired, Registered, Stood
from pinkslip.model.policy import PolicySet
from pinkslip.model.words import Fault, Mode, Result, Source, Standing, Verdict
from pinkslip.policies.load import Source as File
from pinkslip.policies.load import load
from pinkslip.policies.packaged import packaged_sources
from pinkslip.replay.rehearsal import Rehearsal

QUALITIES = (0.90, 0.85, 0.70, 0.55, 0.40, 0.20)
TASKS = 400
LOOK_MS = 60_000
"""A task a minute: what a rule says of time is then a matter of minutes of work."""
SEED = 20_261_123
WAITS_AT_MOST = 2_000
"""Looks beyond TASKS that a ladder may take: its quarantines are hours without a task."""

_OPEN = """
guards:
  max_fired: {share: 100%, per: 1h, at_least: 100000}
  max_fires: {count: 100000, per: 10m}
  min_active: 0
  panic: off
  newborn: {age: 0s, tasks: 0}
  common_cause: off
  mass_restart: off
  max_notices: {count: 100000, per: 10m}
  max_quarantined: {share: 100%, at_least: 100000}
"""
"""Guards stand wide open: the rule alone decides."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One way to judge."""

    name: str
    when: str
    rest: str = "action: fire"
    """The keys of the policy that say what it does."""

    def policies(self) -> PolicySet:
        """As an operator would write it."""
        text = (
            f"version: 1\n{_OPEN}\npolicies:\n  - name: rule\n    reason: dumb\n    mode: enforce\n"
            f"    when: {self.when}\n    {self.rest}\n"
        )
        loaded = load([File("rule.yaml", text)])
        assert loaded.policy_set is not None, [each.render() for each in loaded.problems]
        return loaded.policy_set


PROVEN = Rule("proven", "proven(success < 70%, error=1%)")
RULES = (
    Rule("rate of 20", "tasks[20 tasks] >= 20 and success_rate[20 tasks] < 70%"),
    Rule(
        "Wilson 95% of 50",
        "tasks[50 tasks] >= 20 and upper(success_rate[50 tasks], confidence=95%) < 70%",
    ),
    PROVEN,
    Rule("CUSUM 9", "decayed(success, from=85%, to=60%, limit=9)"),
)


@dataclass(frozen=True, slots=True)
class Row:
    """What one rule made of workers of one quality."""

    rule: str
    quality: float
    agents: int
    ever: dict[str, float]
    """By verdict: the share of them on whom it ever came."""
    median_tasks: float | None
    """Of those that were fired, tasks done until then; None: nobody was."""

    @property
    def fired(self) -> float:
        """The share ever fired."""
        return self.ever.get(Verdict.FIRED, 0.0)


@dataclass(slots=True)
class Trial:
    """One rule on its own fleet. Agent numbers count from 1; quality by quality."""

    policy_set: PolicySet
    agents: int
    """Per quality."""
    seed: int = SEED
    played: Rehearsal = field(init=False)
    done: NDArray[np.int64] = field(init=False)
    """Tasks done, per agent."""
    seen: dict[str, dict[int, int]] = field(default_factory=dict)
    """By verdict and agent_no, after how many tasks it first came."""
    _fired: NDArray[np.bool_] = field(init=False)
    _resting: NDArray[np.bool_] = field(init=False)
    """In quarantine: no task meanwhile."""

    def run(self) -> None:
        """Everybody works until the tasks are done, or the looks are."""
        size = self.agents * len(QUALITIES)
        self.done = np.zeros(size, dtype=np.int64)
        self._fired, self._resting = np.zeros((2, size), dtype=np.bool_)
        self.played = Rehearsal(self.policy_set)
        self.played.on_fact = self._note
        self.played.tell(*self._hired(size))
        succeeds = self._successes(size)
        for _ in range(TASKS + WAITS_AT_MOST):
            unfinished = (self.done < TASKS) & ~self._fired
            if not unfinished.any():
                break
            working = np.flatnonzero(unfinished & ~self._resting)
            self.played.now += LOOK_MS
            self.played.tell_many(self._tasks(working, succeeds))
            self.done[working] += 1
            self._look()

    def rows(self, rule: str) -> list[Row]:
        """What came of it, quality by quality."""
        return [
            self._row(rule, quality, 1 + place * self.agents)
            for place, quality in enumerate(QUALITIES)
        ]

    def _row(self, rule: str, quality: float, first: int) -> Row:
        group = range(first, first + self.agents)
        came = {
            verdict: [tasks for number, tasks in first_at.items() if number in group]
            for verdict, first_at in self.seen.items()
        }
        fired_after = came.get(Verdict.FIRED, [])
        return Row(
            rule,
            quality,
            self.agents,
            {verdict: len(tasks) / self.agents for verdict, tasks in came.items()},
            float(np.median(fired_after)) if fired_after else None,
        )

    def _hired(self, size: int) -> Iterator[Fact]:
        at = self.played.now
        for number in range(1, size + 1):
            yield Registered(
                number, at, self.played.allot(), f"agent-{number}", f"uuid-{number}"
            )
            yield Changed(number, at, self.played.allot(), role="worker")

    def _successes(self, size: int) -> NDArray[np.bool_]:
        """Per agent and task, the same whatever the rule."""
        chance = np.random.default_rng(self.seed).random((size, TASKS))
        drawn: NDArray[np.bool_] = chance < np.repeat(QUALITIES, self.agents)[:, None]
        return drawn

    def _tasks(self, working: NDArray[np.int64], succeeds: NDArray[np.bool_]) -> list[Done]:
        at, seq = self.played.at, self.played.allot
        results = succeeds[working, self.done[working]].tolist()
        return [
            Done(
                place + 1,
                at,
                number := seq(),
                number.to_bytes(16),
                Result.SUCCESS if is_success else Result.FAILURE,
                Fault.AGENT,
                Source.ORCHESTRATOR,
                counted=True,
            )
            for place, is_success in zip(working.tolist(), results, strict=True)
        ]

    def _look(self) -> None:
        known = len(self.played.decisions)
        findings = self.played.tick().findings
        assert not findings, findings
        for one in self.played.decisions[known:]:
            first = self.seen.setdefault(one.verdict, {})
            first.setdefault(one.agent_no, int(self.done[one.agent_no - 1]))

    def _note(self, fact: Fact) -> None:
        if isinstance(fact, Fired):
            self._fired[fact.agent_no - 1] = True
        elif isinstance(fact, Stood):
            self._resting[fact.agent_no - 1] = fact.standing is Standing.QUARANTINED


def default_ladder() -> PolicySet:
    """The policy of the default pack that rests on `proven`, enforcing, its guards wide open."""
    loaded = load(packaged_sources())
    assert loaded.policy_set is not None
    proven = [each for each in loaded.policy_set.policies if "proven(" in each.when.text]
    guards = PROVEN.policies().guards
    enforcing = tuple(replace(each, mode=Mode.ENFORCE) for each in proven)
    return replace(loaded.policy_set, policies=enforcing, guards=guards)


def trial(policy_set: PolicySet, *, agents: int) -> Trial:
    """One rule, run."""
    made = Trial(policy_set, agents)
    made.run()
    return made


def printed(rows: Sequence[Row]) -> str:
    """The table as people read it: by rule, the share ever fired and the median of tasks until then; of a ladder
    also who ever stood on each rung."""
    by_rule: dict[str, list[Row]] = {}
    for row in rows:
        by_rule.setdefault(row.rule, []).append(row)
    lines = ["| rule | " + " | ".join(f"p={quality:.2f}" for quality in QUALITIES) + " |"]
    lines.append("|---|" + "---|" * len(QUALITIES))
    for rule, of_rule in by_rule.items():
        lines.append(f"| {rule} | " + " | ".join(map(_cell, of_rule)) + " |")
        seen = {verdict for row in of_rule for verdict in row.ever} - {Verdict.FIRED}
        for verdict in (each for each in Verdict if each in seen):
            shares = " | ".join(f"{row.ever.get(verdict, 0.0):.1%}" for row in of_rule)
            lines.append(f"| ... ever {verdict} | {shares} |")
    return "\n".join(lines)


def as_json(row: Row) -> str:
    """One line for machines."""
    ever = {verdict: round(share, 6) for verdict, share in sorted(row.ever.items())}
    return json.dumps(
        {
            "proof": "evidence",
            "rule": row.rule,
            "p": row.quality,
            "agents": row.agents,
            "tasks": TASKS,
            "ever": ever,
            "median_tasks_to_fire": row.median_tasks,
        }
    )


def _cell(row: Row) -> str:
    if row.median_tasks is None:
        return "0"
    return f"{row.fired:.1%} t{row.median_tasks:.0f}"
