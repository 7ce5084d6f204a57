"""Who fails, of whom the common cause is looked for: asked of as few as can still change it, and the same whoever is
asked first."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.judge.test_evaluate import conditions, fleets
from tests.judge.world import Agent, World, make_policy, make_set

from pinkslip.judge import causes
from pinkslip.judge.causes import Causes
from pinkslip.judge.evaluate import Readings
from pinkslip.judge.guards.common_cause import Guilty
from pinkslip.judge.hearing import hear_all
from pinkslip.judge.state import JudgeState
from pinkslip.judge.view import Bools
from pinkslip.model.policy import CommonCause, Condition, Expression, Policy, PolicySet
from pinkslip.model.words import Action, Mode

Asked = list[tuple[list[bool], list[bool]]]

policies = st.builds(
    lambda tree, mode, action: make_policy(Condition("when", tree), mode=mode, action=action),
    conditions,
    st.sampled_from((Mode.ENFORCE, Mode.SHADOW)),
    st.sampled_from((Action.FIRE, Action.QUARANTINE, Action.NOTIFY)),
)


def asked(
    policy_set: PolicySet, world: World, questions: Sequence[str], patch: pytest.MonkeyPatch
) -> Asked:
    """Who failed and who was judged, each time that groups were looked for."""
    seen: Asked = []

    def remember(
        _factors: object, *, failing: Bools, judged: Bools, rule: CommonCause
    ) -> tuple[Guilty, ...]:
        seen.append((failing.tolist(), judged.tolist()))
        return ()

    state, readings = JudgeState(), Readings(world)
    hearings, _ = hear_all(policy_set, state, readings)
    found = Causes(
        hearings=hearings,
        readings=readings,
        matching=state.matching,
        rule=CommonCause(at_least=0),
    )
    with patch.context() as patched:
        patched.setattr(causes, "guilty", remember)
        for question in questions:
            getattr(found, question)()
    return seen


def by_hand(
    chosen: Sequence[Policy], world: World, modes: set[Mode]
) -> tuple[list[bool], list[bool]]:
    """Every policy asked of everybody."""
    failing, judged = np.zeros((2, world.size), dtype=np.bool_)
    readings = Readings(world)
    hearings, _ = hear_all(make_set(*chosen), JudgeState(), readings)
    for hearing in hearings:
        if hearing.policy.mode in modes and hearing.policy.action is not Action.NOTIFY:
            tree: Expression = hearing.policy.when.tree
            said = hearing.evaluator.leaning.truth(tree, readings.everybody)
            failing |= said.yes
            judged |= said.yes | said.no
    return failing.tolist(), judged.tolist()


@settings(deadline=None)
@given(st.lists(policies, min_size=1, max_size=4), fleets)
def test_who_fails_is_whom_any_policy_says_and_who_is_judged_of_whom_any_can_tell(
    chosen: list[Policy], fleet: list[dict[str, float]]
) -> None:
    world = World([Agent(number=n + 1, values=values) for n, values in enumerate(fleet)])
    named = [replace(each, name=f"policy-{place}") for place, each in enumerate(chosen)]
    real = by_hand(named, world, {Mode.ENFORCE})
    virtual = by_hand(named, world, {Mode.ENFORCE, Mode.SHADOW})

    with pytest.MonkeyPatch.context() as patch:
        both = asked(make_set(*named), world, ("real", "virtual"), patch)
        turned = asked(make_set(*named[::-1]), world, ("virtual", "real"), patch)

    assert both == [real, virtual]
    assert turned == [virtual, real]
