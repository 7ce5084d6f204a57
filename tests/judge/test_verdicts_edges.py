"""Records at their edges: the instant in a decision's id, and evidence that begins after a single task."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.judge.world import Agent, World, make_policy

from pinkslip.judge.evaluate import Evaluator, Readings
from pinkslip.judge.ledger import whole
from pinkslip.judge.records import made_at
from pinkslip.judge.verdicts import Account, decision_id
from pinkslip.model.words import Verdict


@given(st.integers(0, 2**48 - 1))
@example(1)
@example(2**48 - 1)
def test_an_id_tells_its_instant_to_the_millisecond(now: int) -> None:
    assert made_at(decision_id(1, now, "dumb", 1, 1, Verdict.FIRED)) == now


@pytest.mark.parametrize(("before", "is_anew"), [(0, False), (1, True)])
def test_evidence_that_leaves_out_one_task_began_anew(before: int, *, is_anew: bool) -> None:
    world = World([Agent(number=1, counted=(21, 1))])
    ledger = replace(
        whole(world, has_ladder=True), base_tasks=np.array([before], dtype=np.int64)
    )
    policy = make_policy("proven(success < 70%, error=1%)")
    evaluator = Evaluator(Readings(world), policy.outcomes, ledger=ledger)

    [words] = Account.of(policy, evaluator, np.array([0])).reasons(0)

    assert ("since its evidence began anew" in words) is is_anew
