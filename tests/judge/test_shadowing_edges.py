"""Whom a share of a policy that follows lineages leaves out, where an agent has none."""

from tests.judge.world import Agent, World, make_policy

from pinkslip.judge.shadowing import in_shadow
from pinkslip.model.words import Scope


def test_who_has_no_lineage_is_left_out_by_its_own_id() -> None:
    own: list[Agent | None] = [Agent(number=number) for number in range(1, 31)]
    of_worker = [Agent(number=31, lineage="worker"), Agent(number=32, lineage="")]
    world = World([*own, *of_worker])
    policy = make_policy(percent=0.5)

    by_lineage = in_shadow(
        make_policy(percent=0.5, scope=Scope.LINEAGE), world, world.numbers - 1
    )

    by_id = in_shadow(policy, world, world.numbers - 1)
    assert by_lineage[:30].tolist() == by_id[:30].tolist()
    assert by_lineage[31] == by_id[31]
    assert 0 < by_lineage[:30].sum() < 30
