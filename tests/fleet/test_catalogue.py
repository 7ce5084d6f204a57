"""The one table of measures."""

import pytest
from tests.fleet.builders import ANY, HOUR, make_fleet

from pinkslip.fleet.catalogue import MEASURES
from pinkslip.fleet.memory import READS
from pinkslip.model.policy import Unit

PLAIN = [
    "heartbeat_age",
    "heartbeat_interval",
    "progress_age",
    "status_age",
    "age",
    "task_age",
    "context_used",
    "consecutive_failures",
    "missed_beats",
    "flap_score",
    "suspicion",
]
WINDOWED = [
    "tasks",
    "successes",
    "failures",
    "refusals",
    "off_track",
    "timeouts",
    "corruptions",
    "success_rate",
    "score",
    "duration_mean",
    "duration_p50",
    "duration_p95",
    "tokens",
    "cost",
    "cost_per_success",
    "errors",
    "expected_ratio",
]


def test_it_names_every_measure_of_the_design_and_no_other() -> None:
    assert sorted(MEASURES) == sorted(PLAIN + WINDOWED)
    assert {kind.name for kind in MEASURES.values() if kind.windowed} == set(WINDOWED)


def test_silence_is_what_stale_type_measures_read() -> None:
    stale_type = {kind.name for kind in MEASURES.values() if kind.stale_type}

    ages = {"heartbeat_age", "progress_age", "status_age", "task_age"}
    assert stale_type == {*ages, "missed_beats", "suspicion"}


def test_windowed_measures_and_streaks_read_outcomes() -> None:
    reading = {kind.name for kind in MEASURES.values() if kind.reads_outcomes}

    assert reading == {*WINDOWED, "consecutive_failures"}


def test_every_windowed_measure_has_its_sums() -> None:
    built = {kind.name for kind in MEASURES.values() if kind.windowed}

    assert set(READS) == built


def test_every_measure_has_a_sentence_and_a_dimension() -> None:
    for kind in MEASURES.values():
        assert kind.doc.endswith("."), kind.name
        assert kind.unit is not Unit.TRUTH


def test_what_has_no_better_side_has_no_worse_one() -> None:
    neutral = {kind.name for kind in MEASURES.values() if kind.worse == 0}

    assert neutral == {"heartbeat_interval", "age", "tasks"}
    lower = {kind.name for kind in MEASURES.values() if kind.worse < 0}
    assert lower == {"successes", "success_rate", "expected_ratio", "score"}


@pytest.mark.parametrize("name", ["suspicoin", "hartbeat_age", "expected_ratio"])
def test_a_measure_that_is_not_there_is_refused_by_name(name: str) -> None:
    measures = make_fleet().at(1)

    with pytest.raises(KeyError, match=name):
        measures.value(name, None, ANY)


def test_a_window_nobody_declared_is_refused() -> None:
    measures = make_fleet().at(1)

    with pytest.raises(KeyError, match=r"nobody declared \[1h\]"):
        measures.value("tasks", HOUR, ANY)


def test_a_window_is_neither_forgotten_nor_made_up() -> None:
    measures = make_fleet().at(1)

    for name, window in (("tasks", None), ("age", HOUR)):
        with pytest.raises(KeyError, match=name):
            measures.value(name, window, ANY)
