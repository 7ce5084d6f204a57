"""A later score takes the place of an earlier one, wherever the outcome still counts, and counts once."""

import pytest
from msgspec.structs import replace
from tests.fleet.builders import HOUR, T0, done, fired, make_fleet, of, registered

from pinkslip.fleet.fleet import Fleet, FleetSettings, Need
from pinkslip.model.facts import Done, Fact, Reinstated, Reviewed
from pinkslip.model.policy import Window, WindowKind

LAST_2 = Window(WindowKind.TASKS, 2)
NEEDS = (Need("score", HOUR), Need("score", LAST_2), Need("success_rate", HOUR))
HALF = 500_000


def scored(score_e6: int | None = HALF, *, at: int = T0, **more: object) -> Done:
    return done(at=at, score_e6=score_e6, **more)


def review(
    outcome: Done,
    score_e6: int,
    *,
    before: int | None = HALF,
    at: int = T0 + 10,
    seq: int = 10**6,
) -> Reviewed:
    return Reviewed(
        outcome.agent_no,
        at,
        seq,
        outcome.event_id,
        outcome_writer=1,
        outcome_seq=outcome.seq,
        outcome_at=outcome.at,
        score_e6=score_e6,
        before_e6=before,
        counted=outcome.counted,
    )


def told(*facts: Fact) -> Fleet:
    return make_fleet(registered(), *facts, needs=NEEDS, min_tasks=1)


def totals(fleet: Fleet) -> tuple[int, int]:
    view = fleet.by_number(1, now=T0)
    assert view is not None
    return view.score_e6_sum, view.score_count


@pytest.mark.parametrize("settled", [False, True], ids=["together", "long after"])
def test_it_replaces_the_score_everywhere(settled: bool) -> None:
    one, other = scored(), scored(at=T0 + 1)
    fleet = told(one, other)
    if settled:
        fleet.at(T0 + 5)

    fleet.fold([review(one, 900_000)])
    measures = fleet.at(T0 + 10)

    assert of(measures, "score", HOUR) == of(measures, "score", LAST_2) == 0.7
    assert totals(fleet) == (1_400_000, 2)
    assert of(measures, "success_rate", HOUR) == 1


def test_an_outcome_without_a_score_gains_one() -> None:
    one = scored(None)
    fleet = told(one, scored())

    fleet.fold([review(one, 0, before=None)])
    measures = fleet.at(T0 + 10)

    assert of(measures, "score", HOUR) == of(measures, "score", LAST_2) == 0.25
    assert totals(fleet) == (HALF, 2)


def test_the_newest_of_several_holds() -> None:
    one = scored()
    fleet = told(one, review(one, 0), review(one, 900_000, before=0, at=T0 + 11))

    measures = fleet.at(T0 + 11)

    assert of(measures, "score", HOUR) == of(measures, "score", LAST_2) == 0.9
    assert totals(fleet) == (900_000, 1)


def test_what_left_a_window_is_no_longer_replaced_there() -> None:
    one = scored()
    fleet = told(one, scored(at=T0 + 1), scored(at=T0 + 2))
    fleet.at(T0 + HOUR.length)

    fleet.fold([review(one, 0, at=T0 + HOUR.length)])
    measures = fleet.at(T0 + HOUR.length)

    assert of(measures, "score", HOUR) == of(measures, "score", LAST_2) == 0.5
    assert totals(fleet) == (2 * HALF, 3)


def test_of_an_outcome_that_counts_nowhere_it_counts_nowhere() -> None:
    one = scored(counted=False)
    fleet = told(scored(), one, review(one, 0))

    assert of(fleet.at(T0 + 10), "score", HOUR) == 0.5
    assert totals(fleet) == (HALF, 1)


def test_of_a_former_incarnation_it_counts_in_the_totals_alone() -> None:
    one = scored()
    back = Reinstated(1, T0 + 5, 10**5, 2)
    fleet = told(one, fired(), back, scored(at=T0 + 6), review(one, 0))

    measures = fleet.at(T0 + 10)

    assert of(measures, "score", HOUR) == of(measures, "score", LAST_2) == 0.5
    assert totals(fleet) == (HALF, 2)


def test_of_an_agent_that_is_not_here_it_changes_nothing() -> None:
    stranger = scored(number=7)

    fleet = told(scored(), review(stranger, 0))

    assert of(fleet.at(T0 + 10), "score", HOUR) == 0.5


@pytest.mark.parametrize("handed", ["as it was", "as it is"])
def test_a_rebuild_counts_it_once_whatever_the_history_says(handed: str) -> None:
    """The row includes it, the history may; and it is told again."""
    one = scored()
    first, second = review(one, 0), review(one, 900_000, before=0, at=T0 + 11, seq=10**6 + 1)
    live = make_fleet(needs=NEEDS, min_tasks=1)
    live.fold([registered(), one, first], writer=4)
    row = live.checkpoint([1])
    live.fold([second])
    rebuilt = Fleet(1, FleetSettings(min_tasks=1))
    rebuilt.declare(NEEDS)
    rebuilt.fold(row)
    rebuilt.fold_history([one if handed == "as it was" else replace(one, score_e6=900_000)])

    rebuilt.fold([first, second], writer=4)
    measures = rebuilt.at(T0 + 11)

    assert of(measures, "score", HOUR) == of(measures, "score", LAST_2) == 0.9
    assert totals(rebuilt) == totals(live) == (900_000, 1)


def test_it_is_no_news_of_the_agent_to_windows_that_read_no_score() -> None:
    one = scored()
    needs = (Need("tokens", HOUR), Need("tokens", LAST_2))
    fleet = make_fleet(registered(), one, review(one, 0), needs=needs)

    assert of(fleet.at(T0 + 10), "tokens", LAST_2) == 0
    assert totals(fleet) == (0, 1)
