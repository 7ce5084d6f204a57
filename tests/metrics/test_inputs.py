"""Small helps for whoever fills the inputs."""

import pytest
from tests.metrics.fleets import Row, make_snapshot

from pinkslip.metrics.inputs import WorkspaceFacts, roles_in_panic

AGENTS = [
    Row(number=1, role="developer", model="small", host="a", labels={"team": "red"}),
    Row(number=2, role="researcher", model="big", host="a"),
    Row(number=3, role=None, model=None, lineage="l"),
]


@pytest.mark.parametrize(
    ("pool", "panicking", "roles"),
    [
        ("role", {"developer"}, {"developer"}),
        ("role", set(), set()),
        ("model", {"big"}, {"researcher"}),
        ("model", {""}, {""}),
        ("host", {"a"}, {"developer", "researcher"}),
        ("lineage", {"l"}, {""}),
        ("label.team", {"red"}, {"developer"}),
        ("label.team", {""}, {"researcher", ""}),
    ],
)
def test_a_pool_in_panic_puts_its_roles_in_panic(
    pool: str, panicking: set[str], roles: set[str]
) -> None:
    assert roles_in_panic(make_snapshot(AGENTS), pool=pool, panicking=panicking) == roles


def test_a_workspace_without_a_word_from_anybody_is_quiet() -> None:
    facts = WorkspaceFacts(name="default", snapshot=make_snapshot(AGENTS))

    assert {*facts.fires, *facts.decisions, *facts.held, *facts.zombies, *facts.panic} == set()
    assert facts.enforcement_enabled


def test_nobody_can_fill_another_ones_defaults() -> None:
    facts = WorkspaceFacts(name="default", snapshot=make_snapshot([]))

    with pytest.raises(TypeError):
        facts.zombies["developer"] = 1  # type: ignore[index]  # that is the point


def test_facts_do_not_change_after_they_were_handed_over() -> None:
    zombies = {"developer": 1}
    facts = WorkspaceFacts(name="default", snapshot=make_snapshot(AGENTS), zombies=zombies)

    zombies["developer"] = 2

    assert facts.zombies == {"developer": 1}
