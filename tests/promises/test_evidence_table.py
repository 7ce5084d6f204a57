"""What `proven` promises, kept: whoever meets the target is left alone, and whoever does not is found soon."""

import os
from collections.abc import Mapping

import pytest
from tests.promises.evidence_table import (
    PROVEN,
    QUALITIES,
    RULES,
    Row,
    Rule,
    as_json,
    default_ladder,
    printed,
    trial,
)

AGENTS = int(os.environ.get("PINKSLIP_TEST_EVIDENCE_AGENTS", "100"))
"""Per quality; 1,500 in the proof."""

pytestmark = [
    pytest.mark.timeout(3_600),  # at full length
    pytest.mark.xdist_group("evidence_table"),  # one table, in one process
]
Table = Mapping[tuple[str, float], Row]


@pytest.fixture(scope="module")
def table() -> Table:
    rows = [
        row
        for rule in _rules()
        for row in trial(rule.policies(), agents=AGENTS).rows(rule.name)
    ]
    rows += trial(default_ladder(), agents=AGENTS).rows("default ladder")
    for row in rows:
        print(as_json(row))
    print(printed(rows))
    return {(row.rule, row.quality): row for row in rows}


def _rules() -> tuple[Rule, ...]:
    return RULES


def test_proven_leaves_alone_whoever_meets_the_target(table: Table) -> None:
    assert table[PROVEN.name, 0.90].fired == 0
    assert table[PROVEN.name, 0.85].fired == 0


def test_proven_errs_at_the_edge_within_its_error(table: Table) -> None:
    assert table[PROVEN.name, 0.70].fired <= 0.01


def test_proven_finds_the_worst_soonest(table: Table) -> None:
    worst, bad = table[PROVEN.name, 0.20], table[PROVEN.name, 0.40]

    assert (worst.fired, bad.fired) == (1, 1)
    assert worst.median_tasks is not None
    assert worst.median_tasks <= 10
    assert bad.median_tasks is not None
    assert bad.median_tasks <= 30


def test_the_default_ladder_fires_nobody_who_meets_its_target(table: Table) -> None:
    for quality in (0.90, 0.85):
        assert table["default ladder", quality].fired == 0
    assert table["default ladder", 0.70].fired <= 0.01


def test_a_fixed_line_over_a_small_sample_fires_the_healthy(table: Table) -> None:
    assert table["rate of 20", 0.85].fired > 0.5
    assert table["rate of 20", 0.70].fired > 0.95


def test_a_bound_for_one_look_does_not_hold_for_many(table: Table) -> None:
    assert table["Wilson 95% of 50", 0.70].fired > 0.25
    assert table["Wilson 95% of 50", 0.90].fired == 0


def test_decay_is_no_judgement_of_a_life(table: Table) -> None:
    assert table["CUSUM 9", 0.85].fired <= 0.03
    assert table["CUSUM 9", 0.70].fired > 0.9
    assert [table["CUSUM 9", quality].fired for quality in QUALITIES[3:]] == [1, 1, 1]
