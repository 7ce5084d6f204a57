"""Kinds of task: told apart up to a point, by their names, and the same after a restart."""

from tests.fleet.builders import ANY, HOUR, LAST_5, T0, done, make_fleet, registered

from pinkslip.fleet.fleet import Fleet, FleetSettings, Need
from pinkslip.fleet.task_kinds import TOLD_APART
from pinkslip.model.policy import Window
from pinkslip.model.words import Result

NEEDS = (Need("expected_ratio", HOUR), Need("expected_ratio", LAST_5))


def kinds(fleet: Fleet, window: Window = HOUR, *, now: int = T0) -> list[list[list[int]]]:
    tasks, successes = fleet.at(now).task_kinds(window, ANY)
    return [tasks.tolist(), successes.tolist()]


def test_rows_are_without_a_kind_and_then_by_name() -> None:
    fleet = make_fleet(
        registered(1),
        registered(2),
        done(1, kind="plan"),
        done(2, kind="dig", result=Result.FAILURE),
        done(2, kind="dig"),
        done(1),
        needs=NEEDS,
    )

    assert (
        kinds(fleet)
        == kinds(fleet, LAST_5)
        == [[[1, 0], [0, 2], [1, 0]], [[1, 0], [0, 1], [1, 0]]]
    )


def test_what_leaves_the_window_leaves_its_kind() -> None:
    fleet = make_fleet(
        registered(), done(kind="dig"), done(at=T0 + 1, kind="plan"), needs=NEEDS
    )

    assert kinds(fleet, now=T0 + HOUR.length) == [[[1]], [[1]]]
    fleet.fold([done(at=T0 + HOUR.length, kind="fill") for _ in range(5)])
    assert kinds(fleet, LAST_5) == [[[5]], [[5]]]


def test_beyond_64_kinds_they_share_one() -> None:
    many = [done(kind=f"kind {place}") for place in range(TOLD_APART + 3)]
    fleet = make_fleet(registered(), *many, done(), needs=NEEDS[:1])

    tasks, _ = kinds(fleet)

    assert [row[0] for row in tasks] == [1, 3, *[1] * TOLD_APART]


def test_numbers_are_those_of_the_totals_after_a_restart() -> None:
    many = [done(kind=f"kind {place}") for place in range(TOLD_APART)]
    live = make_fleet(registered(), *many, needs=NEEDS[:1])
    (totals,) = live.role_totals()
    rebuilt = Fleet(1, FleetSettings())
    rebuilt.declare(NEEDS[:1])
    rebuilt.fold(live.checkpoint([1]))
    rebuilt.restore_totals([totals])
    for fleet in (live, rebuilt):
        fleet.fold(
            [done(at=T0 + 2 * HOUR.length, kind=kind) for kind in ("new", "kind 7", "new")]
        )

    assert len(totals.kinds) == TOLD_APART
    now = T0 + 2 * HOUR.length
    assert kinds(live, now=now) == kinds(rebuilt, now=now) == [[[2], [1]], [[2], [1]]]
