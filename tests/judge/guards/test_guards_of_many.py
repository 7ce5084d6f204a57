"""Guards where there is more than one of something: silences, causes, fires under way, shadow beside what is real."""

from dataclasses import replace

import numpy as np
import pytest
from tests.judge.guards.cases import Case, held
from tests.judge.guards.test_envelope_of_rungs import (
    allotted,
    fire,
    pool,
    quarantine,
)
from tests.judge.world import (
    CALM,
    HOUR,
    MINUTE,
    START,
    Agent,
    Ticker,
    make_policy,
)

from pinkslip.judge.guards.envelope import Outstanding
from pinkslip.model.facts import Silence, Silenced
from pinkslip.model.policy import (
    CommonCause,
    MaxFired,
    MaxQuarantined,
    Newborn,
    Panic,
    Rung,
)
from pinkslip.model.words import Action, Guard, Mode, Scope, Status

ONE = replace(CALM, max_fired=MaxFired(share=0.0, at_least=1))
ALERT = replace(CALM, panic=Panic(share=0.1, at_least=3, per_ms=2 * MINUTE))
FAILING = {"success_rate[1h]": 0.1}
FINE = {"success_rate[1h]": 0.9}
FAIL = "success_rate[1h] < 50%"


def late(number: int, **given: object) -> Agent:
    return Agent(number=number, silent_s=95.0, **given)  # type: ignore[arg-type]  # fields of Agent


def outcomes(ticker: Ticker, after_ms: int = 0) -> list[tuple[int, str]]:
    """Who, and what came of it or which guard held it."""
    decisions = ticker.tick(after_ms).decisions
    return [(each.agent_no, str(each.guard or each.verdict)) for each in decisions]


def silenced(number: int) -> Silenced:
    match = (("agent", (f"agent-{number}",), ()),)
    return Silenced(START, number, Silence(f"s{number}", match, "kim", "", 0, START + HOUR))


def test_every_silence_in_force_counts() -> None:
    ticker = Ticker([late(1), late(2), late(3)], make_policy())
    ticker.acts.fold([silenced(1), silenced(2)])

    judgement = ticker.tick()

    assert judgement.silenced == (1, 2)
    assert [each.guard for each in judgement.decisions] == [Guard.SILENCE, Guard.SILENCE, None]


@pytest.mark.parametrize("mode", [Mode.ENFORCE, Mode.SHADOW])
def test_whoever_has_one_of_several_causes_is_held(mode: Mode) -> None:
    models = ["x"] * 10 + ["y"] * 10 + ["z"] * 40
    ticker = Ticker(
        [
            Agent(number=n, model=model, values=FINE if model == "z" else FAILING)
            for n, model in enumerate(models, 1)
        ],
        make_policy(FAIL, mode=mode),
        guards=replace(CALM, common_cause=CommonCause()),
    )

    assert outcomes(ticker) == [(n, "common_cause") for n in range(1, 21)]


def test_who_waits_for_a_user_does_not_fail_by_silence() -> None:
    waiting = [late(n, model="x", status=Status.WAITING) for n in (1, 2, 3)]
    others = [Agent(number=n, model="y") for n in range(5, 45)]
    ticker = Ticker(
        [*waiting, late(4, model="x"), *others],
        make_policy(),
        guards=replace(CALM, common_cause=CommonCause(at_least=3)),
    )

    assert outcomes(ticker) == [(4, "fired")]


@pytest.mark.parametrize(("after_ms", "panics"), [(2 * MINUTE - 1, True), (2 * MINUTE, False)])
def test_silence_that_is_not_stale_counts_as_turned_for_per_only(
    after_ms: int, *, panics: bool
) -> None:
    agents: list[Agent | None] = [Agent(number=n, silent_s=70.0) for n in (1, 2, 3)]
    ticker = Ticker(
        agents, make_policy("heartbeat_age > 1m", action=Action.NOTIFY), guards=ALERT
    )
    ticker.tick()

    assert bool(ticker.tick(after_ms).panics) is panics


def test_shadow_panics_by_what_enforcing_policies_and_shadow_say_together() -> None:
    agents: list[Agent | None] = [Agent(number=n, values=FAILING) for n in (1, 2)]
    ticker = Ticker(
        [*agents, Agent(number=3, silent_s=70.0)],
        make_policy(FAIL, name="failing", action=Action.NOTIFY),
        make_policy("heartbeat_age > 1m", mode=Mode.SHADOW),
        guards=ALERT,
    )

    judgement = ticker.tick()

    assert judgement.panics == ()
    assert [each.guard for each in judgement.decisions] == [None, None, Guard.PANIC]


@pytest.mark.parametrize(
    ("scope", "outcome"), [(Scope.AGENT, "newborn"), (Scope.LINEAGE, "fired")]
)
def test_a_new_id_of_an_old_worker_is_newborn_unless_its_lineage_is_followed(
    scope: Scope, outcome: str
) -> None:
    ticker = Ticker(
        [Agent(number=1, lineage="w"), late(2, lineage="w", created_at=START - 1)],
        make_policy(scope=scope),
        guards=replace(CALM, newborn=Newborn(age_ms=HOUR, tasks=0)),
    )

    assert outcomes(ticker) == [(2, outcome)]


def test_whom_a_person_was_asked_about_counts_in_the_ticks_after() -> None:
    ticker = Ticker([late(1), Agent(number=2)], make_policy(approval=True), guards=ONE)
    ticker.tick()
    ticker.agent(2).silent_s = 95.0

    assert outcomes(ticker, 5_000) == [(2, "envelope")]


def test_whom_shadow_paused_is_away_and_counts_in_the_ticks_after() -> None:
    policy = make_policy(
        mode=Mode.SHADOW,
        action=Action.QUARANTINE,
        ladder=(Rung(Action.QUARANTINE, HOUR),),
    )
    guards = replace(CALM, max_quarantined=MaxQuarantined(share=0.0, at_least=1))
    ticker = Ticker([late(1), Agent(number=2)], policy, guards=guards)
    ticker.tick()
    ticker.agent(2).silent_s = 95.0

    judgement = ticker.tick(5_000)

    assert judgement.matched == {"unresponsive": 1}
    assert [each.guard for each in judgement.decisions] == [Guard.ENVELOPE]


@pytest.mark.parametrize(
    ("announced", "cases", "holds", "moot"),
    [
        pytest.param(
            (),
            [fire(1, 0.9), fire(2, 0.1), quarantine(2, rank=1)],
            [1],
            [],
            id="whose fire was refused may be quarantined",
        ),
        pytest.param(
            (1, 2),
            [fire(1, 0.9), fire(2, 0.1), quarantine(1, rank=1)],
            [0],
            [],
            id="whose announced fire was refused may be quarantined",
        ),
        pytest.param(
            (1,),
            [fire(1, 0.9), quarantine(1, rank=1)],
            [],
            [1],
            id="whose announced fire comes need not be quarantined",
        ),
        pytest.param(
            (),
            [fire(1, is_shadow=True), fire(1, is_shadow=True, rank=1)],
            [],
            [],
            id="two policies in shadow both say what they would do",
        ),
    ],
)
def test_who_goes_by_one_case_is_moot_in_others(
    announced: tuple[int, ...], cases: list[Case], holds: list[int], moot: list[int]
) -> None:
    answer = allotted(pool(4), *cases, guards=ONE, outstanding=Outstanding(announced=announced))

    assert held(answer.hold) == holds
    assert np.flatnonzero(answer.moot).tolist() == moot
