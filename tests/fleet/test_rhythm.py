"""Which gaps between heartbeats count, and what is made of them."""

from random import Random

import numpy as np
import pytest
from tests.fleet.builders import (
    T0,
    beat,
    blinded,
    changed,
    finished,
    fired,
    make_fleet,
    of,
    registered,
)

from pinkslip.fleet.fleet import Fleet
from pinkslip.model.facts import Fact, Reinstated, Revived
from pinkslip.model.words import Status

EVERY = 30_000
GRACE = 90_000


def beats(*gaps: int, number: int = 1, since: int = T0) -> list[Fact]:
    told, at = [beat(number, at=since)], since
    for gap in gaps:
        at += gap
        told.append(beat(number, at=at))
    return told


def rhythm(fleet: Fleet, number: int = 1) -> tuple[int, float, float, int]:
    """Gaps seen, their mean and deviation in ms, and which of the last beats were late."""
    fleet.advance(0)
    columns = fleet._agents.columns  # the rhythm itself is nobody's measure
    slot = fleet._agents.slots.get(number)
    mean, variance = columns.gap_mean[slot] / 256, columns.gap_variance[slot]
    return columns.gaps[slot], mean, float(np.sqrt(variance)), columns.late_beats[slot]


def test_mean_and_deviation_of_the_first_gaps_are_what_numpy_says() -> None:
    gaps = [29_000, 31_500, 30_000, 45_000, 12_345, 30_001, 30_002, 70_000]

    fleet = make_fleet(registered(), *beats(*gaps))

    count, mean, deviation, _ = rhythm(fleet)
    assert count == 8
    assert mean == pytest.approx(np.mean(gaps), abs=0.1)
    assert deviation == pytest.approx(np.std(gaps), rel=1e-4)


def test_after_32_gaps_the_newest_weighs_one_part_in_32() -> None:
    fleet = make_fleet(registered(), *beats(*[EVERY] * 40, EVERY + 3_200))

    count, mean, _, _ = rhythm(fleet)
    assert count == 32
    assert mean == pytest.approx(EVERY + 100, abs=1)


def test_a_gap_longer_than_ten_intervals_counts_as_ten() -> None:
    fleet = make_fleet(registered(), *beats(EVERY, 86_400_000))

    assert rhythm(fleet)[1] == pytest.approx((EVERY + 10 * EVERY) / 2)


@pytest.mark.parametrize(("more", "late"), [(-1, 0), (0, 0), (1, 1)])
def test_a_beat_is_late_just_after_the_grace(more: int, late: int) -> None:
    fleet = make_fleet(registered(), *beats(EVERY, GRACE + more))

    assert rhythm(fleet)[3] == late


def test_flap_score_is_unknown_without_a_heartbeat_and_rises_with_every_turn() -> None:
    fleet = make_fleet(registered())
    assert np.isnan(of(fleet.at(T0), "flap_score"))

    fleet.fold(beats(EVERY, 2 * GRACE, EVERY))

    scores = 1.25 + 1.25 - 0.5 / 19
    assert of(fleet.at(T0), "flap_score") == pytest.approx(scores / 20)


@pytest.mark.parametrize(
    "between",
    [
        [changed(at=T0, status=Status.WAITING), changed(at=T0 + 60_000, status=Status.WORKING)],
        [
            changed(at=T0 + 10, status=Status.WAITING),
            changed(at=T0 + 20, status=Status.WORKING),
        ],
        [finished(at=T0 + 5), Revived(1, T0 + 59_000, 1_000_000)],
        [fired(at=T0 + 5), Reinstated(1, T0 + 59_000, 1_000_000, 2)],
    ],
    ids=["waiting all the time", "for a moment", "ended and back", "fired and reinstated"],
)
def test_a_gap_in_which_no_beat_was_expected_does_not_count(between: list[Fact]) -> None:
    fleet = make_fleet(registered(), beat(at=T0), *between, beat(at=T0 + 60_000))

    assert rhythm(fleet)[0] == 0


def test_a_gap_that_ends_with_waiting_counts_whichever_is_told_first() -> None:
    end = T0 + EVERY
    waits, beats_ = changed(at=end, status=Status.WAITING), beat(at=end)
    for last in ([waits, beats_], [beats_, waits]):
        fleet = make_fleet(registered(), beat(at=T0), *last)

        assert rhythm(fleet)[0] == 1


def test_blind_time_is_taken_off_a_gap() -> None:
    spell = blinded(T0 + 1_000, T0 + 201_000)
    fleet = make_fleet(registered(), beat(at=T0), spell, beat(at=T0 + 200_000 + EVERY))

    assert rhythm(fleet)[1] == EVERY
    assert rhythm(fleet)[3] == 0


def test_a_beat_is_judged_by_the_interval_before_it() -> None:
    end = T0 + EVERY + 1
    slower, last = changed(at=end, interval_ms=60_000), beat(at=end)
    for order in ([slower, last], [last, slower]):
        fleet = make_fleet(
            registered(), changed(interval_ms=10_000), beat(at=T0), *order, stale_factor=3.0
        )

        assert rhythm(fleet)[3] > 0


def test_the_same_beats_give_the_same_bits_however_many_come_together() -> None:
    random = Random(5)
    agents = range(1, 40)
    facts = [
        told
        for number in agents
        for told in beats(
            *(random.randint(1, 4 * GRACE) for _ in range(random.choice((1, 30, 90)))),
            number=number,
        )
    ]
    facts.sort(key=lambda fact: fact.at)
    everybody = [registered(number) for number in agents]
    together, apart = make_fleet(*everybody, *facts), make_fleet(*everybody)

    for fact in facts:
        apart.fold([fact])
        apart.advance(0)

    assert together.checkpoint(agents) == apart.checkpoint(agents)
