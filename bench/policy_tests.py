"""What the tests of policy files cost: every packaged one, and a tick of a small fleet.

    python -m bench.policy_tests [--rounds N]

Prints one JSON line per test: milliseconds of CPU for the whole of it, from its schedule to its failures, with its
ticks; the least of some rounds. Beside it stands the floor: a bare fleet that folds the same facts and is looked at
at the same instants, with nobody who judges. Then the same for one tick of five agents under the five packaged
policies, and what of it is the judge's.
"""

import argparse
import json
import time
from collections.abc import Callable, Sequence
from typing import Any, cast

from pinkslip.fleet.fleet import Fleet, FleetSettings
from pinkslip.judge.judge import judge
from pinkslip.model.events import Heartbeat, Outcome
from pinkslip.model.facts import Fact
from pinkslip.model.policy import PolicySet
from pinkslip.model.words import Result, Source
from pinkslip.policies.cases import Case
from pinkslip.policies.load import load, needs
from pinkslip.policies.packaged import packaged_sources
from pinkslip.replay.play import Play
from pinkslip.replay.policy_tests import run
from pinkslip.replay.rehearsal import Rehearsal

TICK_MS = 5_000
TICKS = 1_000
AGENTS = 5
BUDGET_MS = 0.25
TASK_EVERY = 12
"""Ticks from one task of an agent to its next."""

Step = Callable[[Fleet], object]


class Watched:
    """A fleet that keeps what it is told and asked."""

    def __init__(self, fleet: Fleet) -> None:
        self.steps: list[Step] = []
        self._fleet = fleet

    def __getattr__(self, name: str) -> Any:
        return getattr(self._fleet, name)

    def fold(self, facts: Sequence[Fact], *, writer: int) -> None:
        """Keep what comes in, and hand it on."""
        kept = list(facts)
        self.steps.append(lambda fleet: fleet.fold(kept, writer=writer))
        self._fleet.fold(facts, writer=writer)

    def at(self, now: int) -> object:
        """Keep that it was looked at, and let it be."""
        self.steps.append(lambda fleet: fleet.at(now))
        return self._fleet.at(now)


def floor_ms(policy_set: PolicySet, case: Case, rounds: int) -> float:
    """The same facts in a bare fleet, looked at at the same instants."""
    play = Play(policy_set, case)
    watched = Watched(play.rehearsal.fleet)
    play.rehearsal.fleet = cast("Fleet", watched)
    play.run()

    def bare() -> None:
        fleet = Fleet(1, FleetSettings())
        fleet.declare(needs(play.policy_set))
        for step in watched.steps:
            step(fleet)

    return least_ms(bare, rounds)


def least_ms(work: Callable[[], object], rounds: int) -> float:
    """Milliseconds of CPU."""
    spent = []
    for _ in range(rounds):
        begun = time.process_time()
        work()
        spent.append((time.process_time() - begun) * 1000)
    return min(spent)


def tell(name: str, value: float, unit: str = "ms", **more: object) -> None:
    """One line."""
    line = {"bench": "policy_tests", "name": name, "value": round(value, 3), "unit": unit}
    print(json.dumps({**line, **more}), flush=True)


def small_fleet(policy_set: PolicySet, rounds: int) -> None:
    """Five agents at work: what one tick takes, and what of it is the judge's."""
    ticks, judged = [], []
    for _ in range(rounds):
        played = Rehearsal(policy_set)
        names = [f"agent-{number}" for number in range(AGENTS)]
        played.reports((name, Heartbeat(role="developer"), Source.SELF) for name in names)
        whole = within = 0.0
        for tick in range(TICKS):
            played.now += TICK_MS
            if tick % (TASK_EVERY // 2) == 0:
                played.reports((name, Heartbeat(), Source.SELF) for name in names)
            if tick % TASK_EVERY == 0:
                done = Outcome(result=Result.FAILURE if tick % 60 == 0 else Result.SUCCESS)
                played.reports((name, done, Source.SELF) for name in names)
            begun = time.process_time()
            view = played.look()
            looked = time.process_time()
            judgement = judge(view, policy_set, played.state, workspace_id=1, stopped=None)
            ended = time.process_time()
            played.enact(judgement)
            whole += ended - begun
            within += ended - looked
        ticks.append(whole / TICKS * 1000)
        judged.append(within / TICKS * 1000)
    policies = len(policy_set.policies)
    whole_of = f"a tick of {AGENTS} agents and {policies} policies"
    tell(whole_of, min(ticks), floor=round(min(ticks) - min(judged), 3), ticks=TICKS)
    tell(f"{whole_of}: the judge's part", min(judged), budget=BUDGET_MS, ticks=TICKS)


def main() -> None:
    """Measure each test, then a tick."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    loaded = load(packaged_sources())
    policy_set = loaded.policy_set
    assert policy_set is not None, [problem.render() for problem in loaded.problems]
    whole = floors = 0.0
    ticks = 0
    for case in loaded.cases:
        count = run(policy_set, case).ticks
        spent = least_ms(lambda case=case: run(policy_set, case), rounds)  # type: ignore[misc]  # bound now
        floor = floor_ms(policy_set, case, rounds)
        agents = sum(len(each.ids) for each in case.agents)
        tell(case.name, spent, floor=round(floor, 3), ticks=count, agents=agents)
        whole, floors, ticks = whole + spent, floors + floor, ticks + count
    tell("all of them", whole, floor=round(floors, 3), ticks=ticks, tests=len(loaded.cases))
    small_fleet(policy_set, rounds)


if __name__ == "__main__":
    main()
