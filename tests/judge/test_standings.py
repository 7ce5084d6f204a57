"""The worst of all that policies and people make of an agent."""

from dataclasses import replace

import numpy as np
import pytest
from tests.judge.ladders import (
    FIRE,
    PROBATION,
    QUARANTINE,
    SILENT,
    fail,
    make_ladder,
    make_worker,
)
from tests.judge.world import (
    DAY,
    HOUR,
    MINUTE,
    START,
    Agent,
    Ticker,
    World,
    broken_condition,
    make_set,
)

from pinkslip.judge.columns import NEVER
from pinkslip.judge.standings import Claim, changes
from pinkslip.model.policy import Rung
from pinkslip.model.words import Action, Standing, code_of


def claim(policy: str, standing: Standing, until: int | None = None, *, slot: int = 0) -> Claim:
    return Claim(
        policy=policy,
        slots=np.array([slot]),
        standing=np.array([code_of(standing)]),
        until=np.array([NEVER if until is None else until]),
    )


SOON, LATER = START + HOUR, START + DAY


@pytest.mark.parametrize(
    ("claims", "expected"),
    [
        pytest.param([], None, id="nobody's: active as it was"),
        pytest.param(
            [claim("a", Standing.PROBATION), claim("b", Standing.QUARANTINED, SOON)],
            (Standing.QUARANTINED, SOON, "b"),
            id="the worst",
        ),
        pytest.param(
            [claim("a", Standing.NOTICE, SOON), claim("b", Standing.PROBATION)],
            (Standing.NOTICE, SOON, "a"),
            id="a notice is worse than probation",
        ),
        pytest.param(
            [claim("a", Standing.NOTICE), claim("b", Standing.QUARANTINED, SOON)],
            (Standing.QUARANTINED, SOON, "b"),
            id="and milder than quarantine",
        ),
        pytest.param(
            [claim("a", Standing.QUARANTINED, SOON), claim("b", Standing.QUARANTINED, LATER)],
            (Standing.QUARANTINED, LATER, "b"),
            id="of two the longer",
        ),
        pytest.param(
            [claim("a", Standing.PROBATION), claim("b", Standing.PROBATION, LATER)],
            (Standing.PROBATION, None, "a"),
            id="without an end is longest",
        ),
        pytest.param(
            [claim("a", Standing.NOTICE, LATER), claim("b", Standing.NOTICE, SOON)],
            (Standing.NOTICE, SOON, "b"),
            id="of two notices the first to pass",
        ),
        pytest.param(
            [claim("a", Standing.NOTICE), claim("b", Standing.NOTICE, LATER)],
            (Standing.NOTICE, LATER, "b"),
            id="before a question that has no end",
        ),
        pytest.param(
            [claim("a", Standing.PROBATION, SOON), claim("b", Standing.PROBATION, SOON)],
            (Standing.PROBATION, SOON, "a"),
            id="of equals the policy that comes first",
        ),
        pytest.param([claim("a", Standing.ACTIVE)], None, id="active is no claim"),
    ],
)
def test_the_worst_holds(
    claims: list[Claim], expected: tuple[Standing, int | None, str] | None
) -> None:
    found = changes(claims, World([Agent(number=1)]), most=9)

    told = [(each.standing, each.until, each.policy) for each in found]
    assert told == ([] if expected is None else [expected])


@pytest.mark.parametrize(
    ("claims", "agent", "expected"),
    [
        pytest.param(
            [claim("a", Standing.PROBATION), claim("b", Standing.NOTICE)],
            Agent(number=1),
            [(Standing.NOTICE, None, "policy b: its fire is announced")],
            id="a question without an end is worse than probation without one",
        ),
        pytest.param(
            [claim("a", Standing.ACTIVE, SOON)],
            Agent(number=1),
            [],
            id="active is no claim, whatever its end",
        ),
        pytest.param(
            [],
            Agent(number=1, standing_until=SOON),
            [(Standing.ACTIVE, None, "nobody holds anything against it any more")],
            id="an end that nobody set is taken away",
        ),
        pytest.param(
            [claim("a", Standing.PROBATION)],
            Agent(number=1, ordered_until=SOON),
            [
                (
                    Standing.QUARANTINED,
                    SOON,
                    "a person: in quarantine until 2025-11-24T17:00:00.000Z",
                )
            ],
            id="a person's quarantine is a person's",
        ),
    ],
)
def test_the_worst_holds_and_says_whose_it_is(
    claims: list[Claim], agent: Agent, expected: list[tuple[Standing, int | None, str]]
) -> None:
    found = changes(claims, World([agent]), most=9)

    assert [(each.standing, each.until, each.why) for each in found] == expected


def test_several_claims_of_one_policy_on_one_agent_are_the_worst_of_them() -> None:
    both = Claim(
        policy="a",
        slots=np.array([0, 0]),
        standing=np.array([code_of(Standing.QUARANTINED), code_of(Standing.PROBATION)]),
        until=np.array([SOON, NEVER]),
    )

    (change,) = changes([both], World([Agent(number=1)]), most=9)

    assert change.standing is Standing.QUARANTINED


@pytest.mark.parametrize(
    ("ordered_until", "expected"),
    [
        (START - 1, (Standing.ACTIVE, None)),
        (START, (Standing.ACTIVE, None)),
        (START + 1, (Standing.QUARANTINED, START + 1)),
    ],
)
def test_a_persons_quarantine_ends_by_itself(
    ordered_until: int, expected: tuple[Standing, int | None]
) -> None:
    agent = Agent(
        number=1,
        standing=Standing.QUARANTINED,
        standing_until=START + 7,
        ordered_until=ordered_until,
    )

    (change,) = changes([], World([agent]), most=9)

    assert (change.standing, change.until) == expected
    assert change.policy is None


def test_no_policy_shortens_a_persons_quarantine() -> None:
    agent = Agent(
        number=1, standing=Standing.QUARANTINED, standing_until=LATER, ordered_until=LATER
    )

    assert changes([claim("a", Standing.QUARANTINED, SOON)], World([agent]), most=9) == ()


@pytest.mark.parametrize(
    "agent",
    [
        Agent(number=1, finished=True),
        Agent(number=1, finished=True, standing=Standing.QUARANTINED),
        Agent(number=1, fires=[(START, True)]),
        None,
    ],
    ids=["finished", "finished in quarantine", "fired", "a free slot"],
)
def test_who_is_gone_has_no_new_standing(agent: Agent | None) -> None:
    assert changes([claim("a", Standing.PROBATION)], World([agent]), most=9) == ()


def test_changes_come_by_agent_no_and_say_why() -> None:
    world = World([Agent(number=2), Agent(number=1, standing=Standing.PROBATION)])

    found = changes([claim("slow", Standing.QUARANTINED, SOON)], world, most=2)

    assert [(each.agent_no, each.agent_id, each.why) for each in found] == [
        (1, "agent-1", "nobody holds anything against it any more"),
        (2, "agent-2", "policy slow: in quarantine until 2025-11-24T17:00:00.000Z"),
    ]


def test_only_so_many_change_at_once_and_the_next_tick_finds_the_others() -> None:
    world = World([Agent(number=n, standing=Standing.PROBATION) for n in (3, 1, 2)])

    assert [each.agent_no for each in changes([], world, most=2)] == [1, 2]


def test_two_policies_on_one_agent_and_one_of_them_lets_go() -> None:
    ticker = Ticker(
        [make_worker()],
        make_ladder(QUARANTINE, FIRE, name="a"),
        make_ladder(PROBATION, FIRE, name="b"),
    )
    fail(ticker)
    ticker.tick()
    both = ticker.agent(1).standing
    ticker.policy_set = make_set(ticker.policy_set.policies[1])

    ticker.tick(MINUTE)

    assert (both, ticker.agent(1).standing) == (Standing.QUARANTINED, Standing.PROBATION)


def test_a_broken_policy_lets_nobody_go() -> None:
    policy = make_ladder(PROBATION, FIRE)
    ticker = Ticker([make_worker()], policy)
    fail(ticker)
    ticker.tick()
    ticker.policy_set = make_set(replace(policy, when=broken_condition()))

    judgement = ticker.tick(2 * DAY)

    assert [each.standing for each in judgement.standings] == [Standing.PROBATION]
    assert judgement.places == ()
    assert ticker.agent(1).standing is Standing.PROBATION


def test_probation_whose_time_passed_while_the_policy_holds_says_no_end() -> None:
    policy = make_ladder(Rung(Action.PROBATION, 10 * MINUTE), FIRE, when=SILENT)
    ticker = Ticker([Agent(number=1, silent_s=95.0)], policy)
    (before,) = ticker.tick().standings
    (after,) = ticker.tick(10 * MINUTE).standings
    again = ticker.tick(10 * MINUTE).standings

    assert (before.until, after.until, again) == (START + 10 * MINUTE, None, ())
