"""People are told only so often, and nobody is fired unannounced instead."""

import numpy as np
import pytest
from tests.judge.guards.cases import Case, everybody, held, make_cases
from tests.judge.world import MINUTE, START, Agent, World

from pinkslip.judge.docket import Hold
from pinkslip.judge.guards.notices import hold, remembered
from pinkslip.model.policy import MaxNotices
from pinkslip.model.words import Action

RULE = MaxNotices(count=2, per_ms=10 * MINUTE)
WORLD = World([Agent(number=n) for n in range(1, 10)])


def asked(
    *given: Case, told: tuple[int, ...] = (), rule: MaxNotices = RULE, going: str = ""
) -> Hold:
    """`going` marks with an x the cases that the envelope holds."""
    cases = make_cases(WORLD, *given)
    free = everybody(cases)
    goes = np.array([mark != "x" for mark in going.ljust(len(cases))], dtype=np.bool_)
    return hold(cases, asking=free, going=goes, told=told, now=START, rule=rule)


def notify(number: int, strength: float = 0.5) -> Case:
    return Case(number=number, action=Action.NOTIFY, strength=strength)


def announce(number: int, strength: float = 0.5) -> Case:
    return Case(number=number, announces=True, strength=strength)


@pytest.mark.parametrize(
    ("count", "holds"),
    [
        pytest.param(1, [], id="below"),
        pytest.param(2, [], id="at"),
        pytest.param(3, [2], id="above"),
    ],
)
def test_so_many_are_told(count: int, holds: list[int]) -> None:
    assert held(asked(*[notify(n) for n in range(1, count + 1)])) == holds


@pytest.mark.parametrize("build", [notify, announce])
@pytest.mark.parametrize(
    ("told_ms", "holds"),
    [
        pytest.param(10 * MINUTE - 1, [1], id="just before it is forgotten"),
        pytest.param(10 * MINUTE, [], id="when it is forgotten"),
        pytest.param(10 * MINUTE + 1, [], id="afterwards"),
    ],
)
def test_what_was_told_counts_for_per(build: object, told_ms: int, holds: list[int]) -> None:
    cases = (build(1), build(2))  # type: ignore[operator]  # either builder

    assert held(asked(*cases, told=(START - told_ms,))) == holds


def test_fires_themselves_are_never_held() -> None:
    told = (START - 1,) * 9

    assert held(asked(Case(number=1), notify(2), told=told)) == [1]


@pytest.mark.parametrize("action", [Action.PROBATION, Action.QUARANTINE])
def test_other_rungs_are_never_held(action: Action) -> None:
    assert held(asked(Case(action=action), told=(START,) * 9)) == []


def test_shadow_tells_nobody_and_is_never_held() -> None:
    shadow = Case(number=1, action=Action.NOTIFY, is_shadow=True)

    assert held(asked(shadow, shadow, shadow, told=(START,) * 9)) == []


def test_the_strongest_evidence_is_told_first() -> None:
    cases = (notify(1, 0.1), announce(2, 0.9), notify(3, 0.5))

    assert held(asked(*cases)) == [0]


def test_equal_evidence_is_told_by_number_whatever_the_order() -> None:
    assert held(asked(notify(7), notify(3), notify(5))) == [0]


def test_whom_the_envelope_holds_takes_no_room() -> None:
    cases = (announce(1, 0.9), announce(2, 0.8), notify(3, 0.1), notify(4, 0.2))

    assert held(asked(*cases, going="xx")) == []


def test_when_there_is_no_room_nobody_else_is_announced() -> None:
    """Else the envelope would give a place to one who cannot be told of."""
    cases = (announce(1, 0.9), notify(2, 0.8), notify(3, 0.7), announce(4, 0.1))

    assert held(asked(*cases, going="   x")) == [2, 3]


def test_it_says_why_with_numbers() -> None:
    answer = asked(notify(1), notify(2), notify(3), told=(START - 1,))

    assert answer.words(2) == "the workspace tells people at most 2 times in 10 min, 2 done"


def test_a_count_of_zero_tells_nobody() -> None:
    answer = asked(notify(1), rule=MaxNotices(count=0, per_ms=MINUTE))

    assert answer.words(0) == "the workspace tells people at most 0 times in 60 s, 0 done"
    assert held(answer) == [0]


def test_only_those_who_would_be_told_are_asked() -> None:
    answer = asked(notify(1), Case(number=2), announce(3))

    assert answer.asked is not None
    assert answer.asked.tolist() == [True, False, True]


def test_what_is_too_old_is_forgotten() -> None:
    told = (START - 10 * MINUTE, START - 10 * MINUTE + 1, START)

    assert remembered(told, rule=RULE, now=START) == told[1:]
