"""All guards together: who is asked, who names the verdict, and how notices and envelope share what they spend."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.judge.guards.cases import Case, make_cases
from tests.judge.world import CALM, HOUR, MINUTE, START, Agent, World, make_policy, make_set

from pinkslip.judge.consult import (
    Circumstances,
    Ruling,
    circumstances,
    consult,
    everybody_asked,
)
from pinkslip.judge.evaluate import Evaluator, Readings
from pinkslip.judge.hearing import Hearing, hear_all
from pinkslip.judge.judge import JudgeState
from pinkslip.judge.matching import Matching
from pinkslip.judge.memory import NOBODY
from pinkslip.model.policy import (
    CommonCause,
    Guards,
    MaxFired,
    MaxFires,
    MaxNotices,
)
from pinkslip.model.words import Action, Guard, word_of

ORDER = [
    Guard.STOPPED,
    Guard.BLIND_TIME,
    Guard.SILENCE,
    Guard.NEWBORN,
    Guard.PROTECTED,
    Guard.MASS_RESTART,
    Guard.COMMON_CAUSE,
    Guard.PANIC,
    Guard.NOTICES,
    Guard.ENVELOPE,
]


def given_of(
    world: World,
    guards: Guards = CALM,
    *,
    stopped: str | None = None,
    told: Sequence[int] = (),
    hearings: Sequence[Hearing] = (),
) -> Circumstances:
    return circumstances(
        hearings,
        readings=Readings(world),
        matching=Matching(),
        guards=guards,
        stopped=stopped,
        virtual=(),
        told=told,
    )


def names(ruling: Ruling) -> list[str]:
    """Per case: the guard that holds it, or `moot`, or `acts`."""
    return [
        word_of(Guard, code).value if code != NOBODY else "moot" if is_moot else "acts"
        for code, is_moot in zip(ruling.guard.tolist(), ruling.moot.tolist(), strict=True)
    ]


TEN = World([Agent(number=n) for n in range(1, 11)])


def test_everybody_is_asked_in_order() -> None:
    cases = make_cases(TEN, Case(announces=True))

    ruling = consult(cases, given_of(TEN))

    assert [each.guard for each in ruling.consulted(0)] == ORDER
    assert not any(each.held or each.detail for each in ruling.consulted(0))


@pytest.mark.parametrize(
    ("case", "left_out"),
    [
        (Case(), {Guard.NOTICES}),
        (Case(action=Action.QUARANTINE), {Guard.NOTICES}),
        (Case(action=Action.PROBATION), {Guard.NOTICES, Guard.ENVELOPE}),
        (Case(action=Action.NOTIFY), {Guard.ENVELOPE}),
        (Case(action=Action.NOTIFY, is_shadow=True), {Guard.NOTICES, Guard.ENVELOPE}),
    ],
)
def test_who_has_no_say_is_not_asked(case: Case, left_out: set[Guard]) -> None:
    ruling = consult(make_cases(TEN, case), given_of(TEN))

    assert {*ORDER} - {each.guard for each in ruling.consulted(0)} == left_out


def test_whoever_holds_says_why_and_the_first_names_the_verdict() -> None:
    world = World([Agent(number=1, created_at=START, protected_until=START + MINUTE)])
    guards = replace(CALM, newborn=Guards().newborn, min_active=1)

    ruling = consult(make_cases(world, Case()), given_of(world, guards, stopped="incident"))

    assert names(ruling) == ["enforcement_stopped"]
    assert ruling.words(0) == "enforcement is stopped: incident"
    assert [(each.guard, each.detail) for each in ruling.consulted(0) if each.held] == [
        (Guard.STOPPED, "enforcement is stopped: incident"),
        (Guard.NEWBORN, "known for 0 s only; left alone for its first 5 min"),
        (Guard.PROTECTED, "protected until 2025-11-24T16:01:00.000Z"),
    ]
    assert Guard.ENVELOPE not in {each.guard for each in ruling.consulted(0)}
    assert ruling.all_words(0) == tuple(
        (each.guard, each.detail) for each in ruling.consulted(0) if each.held
    )


def test_asked_one_by_one_every_guard_answers_for_itself() -> None:
    world = World([Agent(number=1, protected_until=START + MINUTE)])

    answers = everybody_asked(
        make_cases(world, Case()),
        given_of(world, replace(CALM, min_active=1), stopped="incident"),
    )

    assert [guard for guard, _ in answers] == ORDER
    assert [guard for guard, hold in answers if hold.holds[0]] == [
        Guard.STOPPED,
        Guard.PROTECTED,
        Guard.ENVELOPE,
    ]


ONE_FIRE = replace(CALM, max_fired=MaxFired(share=0.1, at_least=1), min_active=0)


def test_who_cannot_be_announced_gives_its_place_to_those_behind() -> None:
    guards = replace(ONE_FIRE, max_notices=MaxNotices(count=0))
    cases = make_cases(TEN, Case(strength=0.9, announces=True), Case(number=2, strength=0.1))

    assert names(consult(cases, given_of(TEN, guards))) == ["notices", "acts"]


def test_whom_the_envelope_holds_leaves_people_free_to_hear_of_others() -> None:
    guards = replace(ONE_FIRE, max_notices=MaxNotices(count=2))
    cases = make_cases(
        TEN,
        Case(number=1, strength=0.9, announces=True),
        Case(number=2, strength=0.8, announces=True),
        Case(number=3, strength=0.1, action=Action.NOTIFY),
    )

    assert names(consult(cases, given_of(TEN, guards))) == ["acts", "envelope", "acts"]


def test_what_people_were_told_before_counts() -> None:
    guards = replace(CALM, max_notices=MaxNotices(count=2, per_ms=MINUTE))
    cases = make_cases(TEN, *(Case(number=n, action=Action.NOTIFY) for n in (1, 2)))

    told = (START - MINUTE, START - MINUTE + 1)

    assert names(consult(cases, given_of(TEN, guards, told=told))) == ["acts", "notices"]


def one_by_one(cases: Sequence[Case], guards: Guards, roles: Sequence[str]) -> list[str]:
    """The same said with a loop: the strongest first, each needs every room it takes."""
    notices, fires = guards.max_notices.count, guards.max_fires.count
    room = dict.fromkeys(roles, guards.max_fired.at_least)
    goes = ["held"] * len(cases)
    order = sorted(range(len(cases)), key=lambda n: (-cases[n].strength, cases[n].number))
    for place in order:
        case = cases[place]
        fire, tells = case.action is Action.FIRE, case.announces or case.action is Action.NOTIFY
        role = roles[case.number - 1]
        if (fire and (not fires or not room[role])) or (tells and not notices):
            continue
        goes[place] = "acts"
        notices -= tells
        fires -= fire
        room[role] -= fire
    return goes


wishes = st.lists(
    st.tuples(
        st.sampled_from([0.1, 0.5, 0.9]), st.sampled_from(["fire", "announce", "notify"])
    ),
    max_size=9,
)


@settings(deadline=None)
@given(
    wishes,
    st.lists(st.sampled_from("ab"), min_size=9, max_size=9),
    st.integers(0, 4),
    st.integers(0, 4),
    st.integers(0, 3),
)
def test_notices_and_envelope_together_come_to_asking_one_by_one(
    wanted: list[tuple[float, str]], roles: list[str], notices: int, fires: int, least: int
) -> None:
    cases = [
        Case(
            number=n,
            strength=strength,
            action=Action.NOTIFY if wish == "notify" else Action.FIRE,
            announces=wish == "announce",
        )
        for n, (strength, wish) in enumerate(wanted, 1)
    ]
    guards = replace(
        CALM,
        max_notices=MaxNotices(count=notices),
        max_fires=MaxFires(count=fires),
        max_fired=MaxFired(share=0.0, at_least=least),
    )
    world = World([Agent(number=n, role=role) for n, role in enumerate(roles, 1)])

    ruling = consult(make_cases(world, *cases), given_of(world, guards))

    goes = ["acts" if name == "acts" else "held" for name in names(ruling)]
    assert goes == one_by_one(cases, guards, roles)


@dataclass(frozen=True)
class Stumbling:
    """An evaluator that cannot say who is near the line."""

    @property
    def leaning(self) -> Evaluator:
        raise ZeroDivisionError("no luck")


def test_a_policy_that_breaks_when_asked_who_is_near_is_a_finding() -> None:
    world = World([Agent(number=n, silent_s=95.0) for n in range(1, 4)])
    hearings, _ = hear_all(make_set(make_policy()), JudgeState(), Readings(world))
    broken = [replace(each, evaluator=Stumbling()) for each in hearings]  # type: ignore[arg-type]  # on purpose
    guards = replace(CALM, common_cause=CommonCause())

    ruling = consult(
        make_cases(world, Case(is_stale_type=True)), given_of(world, guards, hearings=broken)
    )

    assert [each.policy for each in ruling.findings] == ["unresponsive"]
    assert "ZeroDivisionError: no luck" in ruling.findings[0].message


def test_nobody_looks_for_causes_where_people_are_only_told() -> None:
    world = World([Agent(number=n, silent_s=95.0) for n in range(1, 4)])
    hearings, _ = hear_all(make_set(make_policy()), JudgeState(), Readings(world))
    broken = [replace(each, evaluator=Stumbling()) for each in hearings]  # type: ignore[arg-type]  # on purpose
    guards = replace(CALM, common_cause=CommonCause())

    ruling = consult(
        make_cases(world, Case(action=Action.NOTIFY)), given_of(world, guards, hearings=broken)
    )

    assert (ruling.findings, ruling.causes) == ((), ())


def test_no_cases_no_questions() -> None:
    ruling = consult(make_cases(TEN), given_of(TEN, Guards()))

    assert len(ruling.guard) == 0
    assert np.count_nonzero(given_of(TEN).silenced) == 0


def test_circumstances_remember_only_what_counts() -> None:
    guards = replace(CALM, max_notices=MaxNotices(per_ms=HOUR))

    assert given_of(TEN, guards, told=(START - HOUR, START - 1)).told == (START - 1,)
