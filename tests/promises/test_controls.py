"""The witness finds what it is there to find: with a mistake planted, a promise breaks."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from tests.promises.test_promises import EXAMPLES
from tests.promises.witness import Broken
from tests.promises.worlds import Hired, Step, World, compiled, policy_text, staff, steps

from pinkslip.fleet.blindness import Spells
from pinkslip.fleet.snapshot import Floats
from pinkslip.judge import episodes, evaluate, kleene
from pinkslip.judge.guards.envelope.ledger import Ledger
from pinkslip.judge.kleene import Truth
from pinkslip.judge.memory import Track
from pinkslip.judge.view import Bools

LOOKING = settings(
    deadline=None,
    phases=[Phase.generate],
    database=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
OPEN = {
    "share": 100, "per": "1h", "at_least": 9, "count": 9, "min_active": 0,
    "panic": "off", "common_cause": "off",
}  # fmt: skip
TIGHT = {**OPEN, "share": 10, "at_least": 1, "count": 5}


def envelope_before_the_action(monkeypatch: pytest.MonkeyPatch) -> None:
    limit = Ledger.fire_limit.fget
    assert limit is not None
    monkeypatch.setattr(Ledger, "fire_limit", property(lambda ledger: limit(ledger) + 1))


def blind_time_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Spells, "add", lambda *_spell, **_noted: None)


def unknown_treated_as_false(monkeypatch: pytest.MonkeyPatch) -> None:
    def compared(operator: str, left: Floats, right: Floats) -> Truth:
        truth = kleene.compared(operator, left, right)
        return Truth(truth.yes, np.logical_not(truth.yes))

    monkeypatch.setattr(evaluate, "compared", compared)


def coming_back_is_a_crossing(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody(track: Track) -> Bools:
        return np.zeros(len(track), dtype=np.bool_)

    monkeypatch.setattr(episodes, "is_settled", nobody)


MISTAKES: dict[
    str, tuple[Callable[[pytest.MonkeyPatch], None], list[str], dict[str, object]]
] = {
    "the envelope is asked before the action": (envelope_before_the_action, ["rate"], TIGHT),
    "blind time is ignored": (blind_time_ignored, ["silent"], OPEN),
    "unknown is treated as false": (unknown_treated_as_false, ["not-good"], OPEN),
    "coming back is a crossing": (coming_back_is_a_crossing, ["spent"], OPEN),
}


def look(names: list[str], rules: dict[str, object], *, histories_at_most: int = 400) -> None:
    """Live random histories under these policies until a promise breaks."""

    @settings(LOOKING, max_examples=histories_at_most)
    @given(st.just(policy_text(names, rules)), staff, steps)
    def histories(text: str, hired: list[Hired], story: list[Step]) -> None:
        for _ in World(compiled(text), hired).live(story):
            pass

    histories()


@pytest.mark.parametrize(("plant", "names", "rules"), MISTAKES.values(), ids=MISTAKES.keys())
def test_a_planted_mistake_is_found(
    plant: Callable[[pytest.MonkeyPatch], None],
    names: list[str],
    rules: dict[str, object],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plant(monkeypatch)

    with pytest.raises(Broken):
        look(names, rules)


@pytest.mark.parametrize(("plant", "names", "rules"), MISTAKES.values(), ids=MISTAKES.keys())
def test_without_it_nothing_is_found(
    plant: object, names: list[str], rules: dict[str, object]
) -> None:
    look(names, rules, histories_at_most=EXAMPLES)
