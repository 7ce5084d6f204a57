"""What is asked of a fleet once, of whom, and what may not be taken for something else that was asked."""

import numpy as np
import pytest
from tests.judge.ladders import FIRE, PROBATION, make_ladder
from tests.judge.world import HOUR, Agent, World

from pinkslip.fleet.snapshot import Floats, Integers
from pinkslip.judge.evaluate import Evaluator, Readings
from pinkslip.judge.holding import holding, truths
from pinkslip.judge.kinds import nature_of
from pinkslip.judge.matching import Matching
from pinkslip.judge.numeric import fisher_greater, share_in_billionths
from pinkslip.judge.places import Lexicon, standing_now
from pinkslip.model.policy import Filter, Matcher, Measured, Span, Unit, Window, WindowKind
from pinkslip.model.words import Scope
from pinkslip.policies.language import parse_condition


class Rates(World):
    """A fleet whose CUSUM tells what it was asked with, and whose kinds of task tell the window."""

    def cusum(self, good: float, bad: float, outcomes: Filter, scope: Scope) -> Floats:
        return np.full(self.size, good - bad)

    def task_kinds(self, window: Window, outcomes: Filter) -> tuple[Integers, Integers]:
        done = np.full((1, self.size), 100, dtype=np.int64)
        done_well = done.copy()
        done_well[0, 0] = window.length // HOUR
        return done, done_well


AGENTS: list[Agent | None] = [
    Agent(number=1, role="a", model="x", lineage="worker"),
    Agent(number=2, role="a", model="y"),
    Agent(number=3, role="b", model="y"),
]


def ratio(readings: Readings, window_ms: int) -> float:
    """Of the first agent."""
    window = Window(WindowKind.TIME, window_ms)
    measured = Measured("expected_ratio", window, Unit.RATIO, Span(0, 0))
    return float(readings.whole(measured, Filter(), pool="role")[0])


def test_what_is_asked_otherwise_is_answered_otherwise() -> None:
    readings = Readings(Rates(AGENTS))
    agents, lineages = make_ladder(PROBATION, FIRE), make_ladder(FIRE, scope=Scope.LINEAGE)

    sums = [readings.cusum(good, 0.5, Filter(), Scope.AGENT)[0] for good in (0.75, 1.0)]
    pools = [readings.pools(label).names for label in ("role", "model")]
    ratios = [ratio(readings, hours * HOUR) for hours in (10, 20)]
    followed = [
        standing_now(policy, None, readings, Lexicon()).with_lineage.tolist()
        for policy in (agents, lineages)
    ]

    assert sums == [0.25, 0.5]
    assert pools == [("a", "b", ""), ("x", "y", "")]
    assert ratios == [0.1, 0.2]
    assert followed == [[False] * 3, [True, False, False]]


@pytest.mark.parametrize("text", ["duration_p95[1h] > 90s", "duration_p50[1h] > 90s"])
def test_what_costs_by_the_agent_is_asked_of_nobody_else_however_many_there_are(
    text: str,
) -> None:
    world = World(AGENTS)
    nature, most = nature_of(parse_condition(text).tree), np.array([True, True, False])

    holding(nature, most, Evaluator(Readings(world), Filter()))
    truths(nature, most, np.array([0, 1]), Evaluator(Readings(world), Filter()))

    assert [slots for _, slots in world.asked] == [[0, 1], [0, 1]]


def test_every_matcher_counts_whatever_the_last_one_admits() -> None:
    matchers = (
        Matcher("role", frozenset({"a"})),
        Matcher("model", frozenset({"y"})),
        Matcher("agent", frozenset({"agent-1", "agent-2", "agent-3"})),
    )

    admitted = Matching().admits(matchers, Readings(World(AGENTS)))

    assert admitted.tolist() == [False, True, False]


@pytest.mark.parametrize("share", [0.29, 0.6, 0.8, 1.0])
def test_a_share_of_five_billion_is_exact(share: float) -> None:
    assert share_in_billionths(share) * 5 == round(share * 100) * 50_000_000


def test_one_marked_of_one_among_a_hundred_is_a_chance_of_one_in_a_hundred() -> None:
    assert fisher_greater(1, 1, 0, 99) == pytest.approx(0.01)
