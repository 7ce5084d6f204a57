"""The worst of all claims where they are nearly as bad, and who is said to have made it."""

import numpy as np
import pytest
from tests.judge.world import HOUR, START, Agent, World

from pinkslip.judge.columns import NEVER
from pinkslip.judge.standings import Claim, changes
from pinkslip.model.words import Standing, code_of

SOON = START + HOUR


def claim(policy: str, standing: Standing, until: int | None = None) -> Claim:
    return Claim(
        policy=policy,
        slots=np.array([0]),
        standing=np.array([code_of(standing)]),
        until=np.array([NEVER if until is None else until]),
    )


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
