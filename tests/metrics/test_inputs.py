"""Small helps for whoever fills the inputs."""

import pytest
from tests.metrics.fleets import Row, make_snapshot

from pinkslip.metrics.inputs import WorkspaceFacts, roles_in_panic
from pinkslip.metrics.selection import Detail, series_rule
from pinkslip.model.policy import Matcher

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


def test_a_rule_from_settings_matches_whole_values() -> None:
    rule = series_rule({"agent": "tmp-.*", "label.team": "red|blue"}, detail="off")

    assert rule.detail is Detail.OFF
    assert rule.match == (
        Matcher("agent", patterns=("tmp-.*",)),
        Matcher("label.team", patterns=("red|blue",)),
    )


def test_a_level_nobody_knows_is_refused() -> None:
    with pytest.raises(ValueError, match="loud"):
        series_rule({}, detail="loud")
