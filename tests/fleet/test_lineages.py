"""Evidence that follows a worker through its ids."""

import numpy as np
import pytest
from tests.fleet.builders import (
    ANY,
    T0,
    beat,
    changed,
    done,
    finished,
    fired,
    make_fleet,
    registered,
)

from pinkslip.fleet.fleet import Fleet, FleetSettings, Need
from pinkslip.fleet.lineages import QUIET_MS
from pinkslip.model.facts import (
    Absolved,
    Condemned,
    Done,
    Fact,
    LineageBook,
    Reinstated,
    Stood,
)
from pinkslip.model.words import Result, Scope, Standing

DECAYED = Need("decayed", parameters=(0.85, 0.6), scope=Scope.LINEAGE)


def member(number: int, *, lineage: str | None = "digger", at: int = T0) -> list[Fact]:
    return [registered(number, at=at), changed(number, at=at, lineage=lineage)]


def failed(number: int = 1, *, at: int = T0) -> Done:
    return done(number, at=at, result=Result.FAILURE)


def counts(fleet: Fleet, number: int, *, now: int = T0) -> tuple[int, int]:
    measures = fleet.at(now)
    slot = measures.slot_of(number)
    tasks, successes = measures.counts(ANY, Scope.LINEAGE)
    return int(tasks[slot]), int(successes[slot])


def cusum(fleet: Fleet, number: int, *, now: int = T0) -> float:
    measures = fleet.at(now)
    return float(measures.cusum(0.85, 0.6, ANY, Scope.LINEAGE)[measures.slot_of(number)])


def test_it_sums_over_all_who_ever_had_it_and_outlives_them() -> None:
    fleet = make_fleet(*member(1), failed(1), done(1), finished(1), *member(2), failed(2))
    assert counts(fleet, 2) == (3, 1)

    fleet.forget(left_before=T0 + 1, unsaved=True)
    fleet.fold([*member(3), done(3)])

    assert counts(fleet, 2) == counts(fleet, 3) == (4, 2)


def test_an_agent_without_one_is_its_own() -> None:
    fleet = make_fleet(*member(1, lineage=None), failed(1), *member(2, lineage=None), done(2))

    assert (counts(fleet, 1), counts(fleet, 2)) == ((1, 0), (1, 1))
    fleet.declare([DECAYED])
    assert np.isnan(cusum(fleet, 1))


def test_an_outcome_counts_for_the_lineage_its_agent_then_had() -> None:
    fleet = make_fleet(*member(1, lineage="a"), failed(1), changed(1, lineage="b"), done(1))
    fleet.fold([*member(2, lineage="a")])

    assert (counts(fleet, 1), counts(fleet, 2)) == ((1, 1), (1, 0))


@pytest.mark.parametrize(
    "fact",
    [Reinstated(1, T0 + 9, 10**6, 2), Absolved(T0 + 9, 10**6, "digger")],
    ids=["a member reinstated", "absolved"],
)
def test_it_begins_anew(fact: Fact) -> None:
    fleet = make_fleet(*member(1), *member(2), failed(1), failed(2), fired(1), needs=(DECAYED,))

    fleet.fold([fact, failed(2, at=T0 + 10)])

    assert counts(fleet, 2) == (1, 0)
    assert cusum(fleet, 2) == pytest.approx(0.98, abs=0.01)


def test_tests_begin_anew_with_the_standing_of_any_member_and_counts_go_on() -> None:
    fleet = make_fleet(*member(1), *member(2), failed(1), needs=(DECAYED,))

    fleet.fold([Stood(2, T0 + 5, 10**6, Standing.PROBATION, None, "p")])

    assert np.isnan(cusum(fleet, 1))
    assert counts(fleet, 1) == (1, 0)


@pytest.mark.parametrize(("after", "kept"), [(-1, True), (0, True), (1, False)])
def test_after_a_long_silence_it_is_as_good_as_new(after: int, kept: bool) -> None:
    now = T0 + QUIET_MS + after
    fleet = make_fleet(*member(1), failed(1), needs=(DECAYED,))
    asked = make_fleet(*member(1), failed(1), needs=(DECAYED,))

    fleet.fold([done(1, at=now)])

    assert counts(fleet, 1, now=now) == ((2, 1) if kept else (1, 1))
    assert counts(asked, 1, now=now) == ((1, 0) if kept else (0, 0))
    assert np.isnan(cusum(asked, 1, now=now)) != kept


def test_a_long_silence_within_one_batch_is_a_silence_too() -> None:
    late = T0 + 2 * QUIET_MS
    facts = [failed(1), failed(2), done(1, at=late), done(1, at=late + 1)]
    fleet = make_fleet(*member(1), *member(2, lineage="other"), *facts)

    assert counts(fleet, 1, now=late + 1) == (2, 2)
    assert [book.lineage for book in fleet.lineages()] == ["digger", "other"]


def test_memory_lets_a_silent_lineage_go_once_nobody_has_it() -> None:
    fleet = make_fleet(*member(1), failed(1), finished(1), *member(2, lineage="b"), done(2))
    fleet.advance(T0 + QUIET_MS + 1)
    fleet.forget(left_before=0)
    assert [book.lineage for book in fleet.lineages()] == ["b", "digger"]

    fleet.forget(left_before=T0 + 1, unsaved=True)

    assert [book.lineage for book in fleet.lineages()] == ["b"]
    fleet.fold([*member(3, lineage="c", at=T0 + 2 * QUIET_MS)])
    assert counts(fleet, 3, now=T0 + 2 * QUIET_MS) == (0, 0)


def test_only_what_changed_is_asked_to_be_written_again() -> None:
    fleet = make_fleet(*member(1), *member(2, lineage="b"), failed(1), done(2))

    def asked() -> list[str]:
        return [book.lineage for book in fleet.dirty_lineages()]

    assert asked() == ["b", "digger"]
    assert asked() == []
    fleet.fold([beat(1), done(1)])
    assert asked() == ["digger"]
    fleet.mark_lineages_dirty(["b", "nobody"])
    assert asked() == ["b"]


def test_one_of_whom_nothing_was_heard_has_no_book() -> None:
    assert make_fleet(*member(1)).lineages() == ()


def test_books_say_who_is_condemned_and_tell_a_rebuilt_fleet() -> None:
    live = make_fleet(*member(1), failed(1), Condemned(T0, 10**6, "digger", "fire-1"))

    (book,) = live.lineages()
    rebuilt = Fleet(1, FleetSettings())
    rebuilt.restore_lineages([book, LineageBook("silent", "")])

    assert (book.condemned_at, book.fire_id) == (T0, "fire-1")
    assert list(rebuilt.at(T0).acts.condemned) == ["digger"]
    assert rebuilt.lineages() == live.lineages()


def test_a_test_declared_late_finds_any_number_of_lineages() -> None:
    fleet = make_fleet()
    for number in range(1, 60):
        fleet.fold([*member(number, lineage=f"worker-{number}"), failed(number)])

    fleet.declare([DECAYED])

    assert not np.isnan(cusum(fleet, 1))
    assert not np.isnan(cusum(fleet, 59))


def test_a_newly_declared_test_is_worked_out_from_the_members_in_memory() -> None:
    past = [failed(1, at=T0 + 1), failed(2, at=T0 + 1), done(1, at=T0 + 2)]
    fleet = make_fleet(*member(1), *member(2), *past)
    fleet.advance(T0 + 9)
    fleet.fold([failed(2, at=T0 + 9)])
    fleet.advance(T0 + 10)
    fleet.declare([DECAYED])

    assert fleet.horizon().lacking == (1, 2)
    fleet.fold_history(past)

    assert fleet.horizon().lacking == ()
    assert (
        cusum(fleet, 1) == cusum(fleet, 2) == pytest.approx(2 * 0.981 - 0.348 + 0.981, abs=0.01)
    )
