"""A decision worked out again: identical on the same measures, and every difference named."""

from dataclasses import replace

import msgspec
import pytest
from tests.judge.world import HOUR, SECOND, START, Agent, Ticker, World, make_policy

from pinkslip.judge.explain import Recomputed, recompute
from pinkslip.model.decisions import Decision
from pinkslip.model.policy import Policy
from pinkslip.model.words import Action

POLICY = make_policy(
    "success_rate[1h] < 70% and tasks[1h] >= 5",
    name="dumb",
    for_ms=30 * SECOND,
    action=Action.NOTIFY,
)
BLIND = (START + 1_000, START + 3_000)


def made() -> Decision:
    ticker = Ticker([failing()], POLICY)
    ticker.blind.append(BLIND)
    ticker.tick()
    (decision,) = ticker.tick(40 * SECOND).decisions
    return decision


def failing(**values: float) -> Agent:
    given = {"success_rate[1h]": 1 / 3, "tasks[1h]": 6.0} | {
        f"{name}[1h]": value for name, value in values.items()
    }
    return Agent(number=1, values=given)


def again(
    agent: Agent,
    decision: Decision,
    *,
    policy: Policy = POLICY,
    now: int | None = None,
    blind: tuple[tuple[int, int], ...] = (BLIND,),
) -> Recomputed:
    world = World([agent], now=decision.at if now is None else now, blind=blind)
    return recompute(world, policy, slot=0, decision=decision)


def test_the_same_measures_give_the_same_evidence() -> None:
    decision = made()

    found = again(failing(), decision)

    assert found.identical
    assert found.differences == ()
    assert msgspec.json.encode(found.evidence) == msgspec.json.encode(decision.evidence)


def test_beyond_nine_digits_nothing_differs() -> None:
    assert again(failing(success_rate=0.33333333333), made()).identical


@pytest.mark.parametrize(
    ("values", "differences"),
    [
        pytest.param(
            {"success_rate": 0.5},
            (
                "success_rate[1h]: recorded 0.333333333, recomputed 0.5",
                (
                    "words: recorded 'success rate 33.3 % in 1 h (below 70 %) and 6 tasks in 1 h "
                    "(at least 5), for 38 s', recomputed 'success rate 50 % in 1 h (below 70 %) "
                    "and 6 tasks in 1 h (at least 5), for 38 s'"
                ),
            ),
            id="an input",
        ),
        pytest.param(
            {"success_rate": float("nan")},
            (
                "`when` is unknown on what the journal holds",
                "success_rate[1h]: recorded 0.333333333, recomputed unknown",
            ),
            id="an input that is gone",
        ),
        pytest.param(
            {"success_rate": 0.9},
            ("`when` is false on what the journal holds",),
            id="an input that acquits",
        ),
    ],
)
def test_a_changed_input_is_named(
    values: dict[str, float], differences: tuple[str, ...]
) -> None:
    found = again(failing(**values), made())

    assert not found.identical
    assert found.differences[: len(differences)] == differences


def test_a_changed_count_shows_in_tasks() -> None:
    assert "tasks: recorded 6, recomputed 7" in again(failing(tasks=7.0), made()).differences


def test_forgotten_blind_time_shows() -> None:
    (difference,) = again(failing(), made(), blind=()).differences

    assert difference.endswith("(at least 5), for 40 s'")


@pytest.mark.parametrize(
    ("policy", "agent", "now", "difference"),
    [
        (
            replace(POLICY, hash="dumb2-x"),
            failing(),
            None,
            "made under version dumb1-enforcenotify of policy dumb, recomputed under dumb2-x",
        ),
        (
            POLICY,
            replace(failing(), incarnation=2),
            None,
            "made about agent 1, incarnation 1; recomputed about agent 1, incarnation 2",
        ),
        (
            POLICY,
            failing(),
            START + HOUR,
            "made at 2025-11-24T16:00:40.000Z, recomputed at 2025-11-24T17:00:00.000Z",
        ),
    ],
)
def test_another_case_is_named(
    policy: Policy, agent: Agent, now: int | None, difference: str
) -> None:
    found = again(agent, made(), policy=policy, now=now)

    assert not found.identical
    assert difference in found.differences
