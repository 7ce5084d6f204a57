"""Many cases at once, where a sort that does not keep the order of equals would choose other agents."""

from dataclasses import replace
from random import Random

import numpy as np
from tests.judge.guards.cases import Case, everybody, make_cases
from tests.judge.world import CALM, HOUR, Agent, World

from pinkslip.judge.docket import pools_of
from pinkslip.judge.guards.envelope import Allotted, Outstanding, allot
from pinkslip.model.policy import MaxFired, MaxFires

AGENTS, POOLS = 200, 4
EACH = 5
GUARDS = replace(CALM, max_fired=MaxFired(share=0.1, per_ms=HOUR, at_least=1))
WORLD = World([Agent(number=n, role=f"role-{n % POOLS}") for n in range(1, AGENTS + 1)])


def strengths() -> dict[int, float]:
    """By agent_no, all different, in no order."""
    numbers = list(range(1, AGENTS + 1))
    Random(7).shuffle(numbers)
    return {number: place / AGENTS for place, number in enumerate(numbers)}


def allotted(*cases: Case) -> Allotted:
    rows = make_cases(WORLD, *cases)
    return allot(
        rows,
        free=everybody(rows),
        view=WORLD,
        pools=pools_of(WORLD, GUARDS.pool),
        guards=GUARDS,
        outstanding=Outstanding(),
    )


def test_of_a_crowd_the_strongest_of_each_pool_go() -> None:
    evidence = strengths()

    answer = allotted(
        *(Case(number=number, strength=strength) for number, strength in evidence.items())
    )

    numbers = list(evidence)
    goes = {numbers[row] for row in np.flatnonzero(~answer.hold.holds).tolist()}
    expected = {
        number
        for pool in range(POOLS)
        for number in sorted(
            (number for number in numbers if number % POOLS == pool),
            key=lambda number: -evidence[number],
        )[:EACH]
    }
    assert goes == expected


def test_of_several_cases_of_one_of_a_crowd_the_strongest_that_need_not_wait_acts() -> None:
    evidence = strengths()
    by_policy = [
        Case(
            number=number,
            strength=(strength + rank) / 8,
            rank=rank,
            announces=rank % 2 == 1,
        )
        for rank in range(8)
        for number, strength in evidence.items()
    ]
    open_guards = replace(
        CALM,
        max_fired=MaxFired(share=1.0, per_ms=HOUR, at_least=1),
        max_fires=MaxFires(count=500),
    )
    rows = make_cases(WORLD, *by_policy)

    answer = allot(
        rows,
        free=everybody(rows),
        view=WORLD,
        pools=pools_of(WORLD, open_guards.pool),
        guards=open_guards,
        outstanding=Outstanding(),
    )

    acting = np.flatnonzero(~answer.hold.holds & ~answer.moot)
    assert sorted(rows.number[acting].tolist()) == sorted(evidence)
    assert set(rows.rank[acting].tolist()) == {6}
