"""What the fleet promises beyond its numbers: moments, copies, comings and goings."""

from dataclasses import replace

import numpy as np
import pytest
from tests.fleet.builders import (
    HOUR,
    LAST_5,
    T0,
    beat,
    blinded,
    changed,
    done,
    finished,
    fired,
    make_fleet,
    of,
    registered,
)
from tests.fleet.journals import moves_of

from pinkslip.fleet.digest import START
from pinkslip.fleet.fleet import Fleet, FleetSettings, Need
from pinkslip.model.facts import (
    Demoted,
    Reinstated,
    Released,
    Revived,
    Silence,
    Silenced,
    Stood,
)
from pinkslip.model.policy import Window, WindowKind
from pinkslip.model.words import Result, Standing, Status, word_of

GRACE = 90_000


@pytest.mark.parametrize(("after", "is_stale"), [(-1, False), (0, False), (1, True)])
def test_stale_begins_just_after_the_grace(after: int, is_stale: bool) -> None:
    fleet = make_fleet(registered(), beat())

    view = fleet.agent("agent-1", now=T0 + GRACE + after)
    measures = fleet.at(T0 + GRACE + after)

    assert view is not None
    assert view.is_stale == measures.stale[0] == is_stale
    assert fleet.snapshot(seq=1, now=T0 + GRACE + after).is_stale.tolist() == [is_stale]


@pytest.mark.parametrize(
    "excuse",
    [changed(status=Status.WAITING), finished(), fired()],
    ids=["waiting", "finished", "fired"],
)
def test_who_is_not_expected_to_beat_is_never_stale(excuse: object) -> None:
    fleet = make_fleet(registered(), beat(), excuse)

    assert not fleet.at(T0 + 100 * GRACE).stale.any()


def test_who_never_sent_a_heartbeat_is_not_stale_and_its_age_is_unknown() -> None:
    fleet = make_fleet(registered(), done())

    measures = fleet.at(T0 + 100 * GRACE)

    assert not measures.stale.any()
    assert np.isnan(of(measures, "heartbeat_age"))
    assert np.isnan(of(measures, "missed_beats"))


@pytest.mark.parametrize(("after", "is_stale"), [(-1, False), (0, True), (1, True)])
def test_after_blind_time_a_whole_interval_of_the_agents_own_must_pass(
    after: int, is_stale: bool
) -> None:
    silent_until = T0 + 10 * GRACE
    spell = blinded(silent_until, silent_until + 60_000)
    fleet = make_fleet(registered(), changed(interval_ms=20_000), beat(), spell)

    now = silent_until + 60_000 + 20_000 + after

    assert fleet.observing_since == silent_until + 60_000
    assert fleet.at(now).stale.tolist() == [is_stale]


def test_blind_time_is_taken_off_every_age() -> None:
    fleet = make_fleet(
        registered(),
        changed(progress=1.0, current_task="dig", status=Status.WORKING),
        beat(),
        blinded(T0 + 1_000, T0 + 61_000),
    )

    measures = fleet.at(T0 + 62_000)

    for name in ("heartbeat_age", "progress_age", "status_age", "task_age", "age"):
        assert of(measures, name) == 2.0, name


def test_a_reinstated_agent_starts_with_empty_evidence_and_its_counters_go_on() -> None:
    needs = (Need("tasks", HOUR), Need("tasks", LAST_5), Need("consecutive_failures"))
    failures = [done(result=Result.FAILURE) for _ in range(3)]
    fleet = make_fleet(registered(), beat(), *failures, fired(), needs=needs)

    fleet.fold([Reinstated(1, T0 + 5_000, 99, 2), done(at=T0 + 5_000)])
    measures = fleet.at(T0 + 6_000)
    view = fleet.agent("agent-1", now=T0 + 6_000)

    assert of(measures, "tasks", HOUR) == of(measures, "tasks", LAST_5) == 1
    assert of(measures, "consecutive_failures") == 0
    assert of(measures, "age") == of(measures, "heartbeat_age") == 1.0
    assert measures.tasks.tolist() == [1]
    assert view is not None
    assert (view.tasks, view.fired_count, view.incarnation, view.streak) == (4, 1, 2, 0)
    assert view.status is Status.IDLE


def test_outcomes_count_for_the_role_the_agent_then_had() -> None:
    fleet = make_fleet(registered(), changed(role="dev"), done(), changed(role="ops"), done())
    fleet.fold([done(), finished()])

    totals = {row.role: (row.tasks, row.finished) for row in fleet.role_totals()}

    assert totals == {"dev": (1, 0), "ops": (2, 1)}


def test_results_seen_are_those_of_everybody_who_ever_was_here() -> None:
    fleet = make_fleet(registered(), done(), done(result=Result.TIMEOUT), finished())
    fleet.forget(left_before=T0 + 1, unsaved=True)
    assert fleet.results_seen() == {Result.SUCCESS, Result.TIMEOUT}
    (row,) = fleet.role_totals()

    rebuilt, unsure = make_fleet(), make_fleet()
    rebuilt.restore_totals([row])
    unsure.restore_totals([replace(row, results=())])

    assert rebuilt.results_seen() == fleet.results_seen()
    assert unsure.results_seen() == set(Result)
    assert rebuilt.role_totals() == fleet.role_totals()


@pytest.mark.parametrize(
    ("boots", "at"),
    [((None, "a"), 0), (("a", "a"), 0), (("a", None, "b"), 0), (("a", "b"), T0 + 1)],
    ids=["its first", "the same", "after none", "another"],
)
def test_another_boot_is_one_after_another(boots: tuple[str | None, ...], at: int) -> None:
    said = [changed(at=T0 + place, boot_id=boot) for place, boot in enumerate(boots)]
    fleet = make_fleet(registered(), *said)

    assert fleet.at(T0 + 9).boot_changed_at.tolist() == [at]


def test_a_persons_quarantine_lasts_beyond_what_policies_say_of_the_agent() -> None:
    until = T0 + 60_000
    ordered = Stood(1, T0, 1, Standing.QUARANTINED, until, None, by_person=True)
    policys = Stood(1, T0 + 1, 2, Standing.PROBATION, None, "p")
    fleet = make_fleet(registered(), ordered)
    assert not fleet.at(T0).active[0]

    fleet.fold([policys])
    measures, view = fleet.at(T0 + 1), fleet.agent("agent-1", now=T0 + 1)

    assert (measures.ordered_until[0], measures.standing_until[0]) == (until, 0)
    assert view is not None
    assert (view.standing, view.standing_until) == (Standing.PROBATION, None)
    fleet.fold([Released(1, T0 + 2, 3)])
    measures = fleet.at(T0 + 2)
    assert (measures.ordered_until[0], measures.released_at[0]) == (0, T0 + 2)
    assert measures.active[0]


@pytest.mark.parametrize(
    "end", [fired(), Reinstated(1, T0 + 2, 9, 2)], ids=["fired", "reinstated"]
)
def test_an_end_ends_every_standing(end: object) -> None:
    ordered = Stood(1, T0, 1, Standing.QUARANTINED, T0 + 60_000, None, by_person=True)
    fleet = make_fleet(registered(), ordered, end)

    fleet.fold([Stood(1, T0 + 3, 10, Standing.PROBATION, None, "p")] if end.at == T0 else [])

    measures = fleet.at(T0 + 3)
    assert (measures.ordered_until[0], measures.standing_until[0]) == (0, 0)
    fired_stays = Standing.FIRED if end.at == T0 else Standing.ACTIVE
    assert word_of(Standing, measures.standing[0]) is fired_stays


def test_acts_of_people_are_folded_digested_and_let_go_when_over() -> None:
    silence = Silence("s1", (("role", ("dev",), ()),), "ann", "deploy", T0, T0 + 1_000)
    fleet, without = make_fleet(), make_fleet()

    fleet.fold([Silenced(T0, 1, silence), Demoted(T0, 2, "p", "h", "two reversals")])
    acts = fleet.at(T0).acts

    assert (list(acts.silences), list(acts.demoted)) == (["s1"], ["p"])
    assert fleet.take_digest()[0] == 2
    assert fleet.take_digest()[1] != without.take_digest()[1]
    fleet.advance(T0 + 1_000)
    assert list(acts.silences) == ["s1"]
    fleet.advance(T0 + 1_001)
    assert list(acts.silences) == []


def test_role_totals_keep_what_leaving_agents_did() -> None:
    fleet = make_fleet(registered(), changed(role="dev"), done(), finished())
    before = fleet.role_totals()

    assert fleet.forget(left_before=T0 + 1, unsaved=True) == [1]

    assert fleet.role_totals() == before
    assert len(fleet.snapshot(seq=1, now=T0)) == 0


def test_a_role_has_totals_before_it_has_done_anything() -> None:
    fleet = make_fleet(registered(), changed(role="dev", model="m"))

    rows = fleet.snapshot(seq=1, now=T0).role_totals

    assert [(row.role, row.model, row.tasks) for row in rows] == [("dev", "m", 0)]


def test_who_changed_since_the_checkpoint_is_not_forgotten() -> None:
    fleet = make_fleet(registered(), finished())

    assert fleet.forget(left_before=T0 + 1) == []
    fleet.checkpoint(fleet.leaving(left_before=T0 + 1))
    fleet.fold([done()])
    assert fleet.forget(left_before=T0 + 1) == []
    fleet.checkpoint([1])
    assert fleet.forget(left_before=T0 + 1) == [1]
    assert fleet.agent("agent-1", now=T0) is None


def test_the_one_who_takes_over_a_slot_inherits_nothing() -> None:
    needs = (Need("tasks", HOUR), Need("tasks", LAST_5), Need("tokens", LAST_5))
    fleet = make_fleet(
        registered(1), changed(1, role="dev", labels={"a": "b"}), beat(1), needs=needs
    )
    fleet.fold([*(done(1, tokens_in=9, error="x") for _ in range(7)), finished(1)])
    fleet.at(T0).words("label.a")
    fleet.forget(left_before=T0 + 1, unsaved=True)

    fleet.fold([registered(2, at=T0 + 1), done(2, at=T0 + 1)])
    measures = fleet.at(T0 + 2)
    view = fleet.by_number(2, now=T0 + 2)

    assert measures.slot_of(2) == 0
    assert of(measures, "tasks", HOUR, 2) == of(measures, "tasks", LAST_5, 2) == 1
    assert of(measures, "tokens", LAST_5, 2) == 0
    assert measures.words("label.a").codes.tolist() == [-1]
    assert view is not None
    assert (view.role, view.tasks, view.error_count, view.last_heartbeat) == (None, 1, 0, None)


def test_facts_about_agents_not_in_memory_change_nothing() -> None:
    fleet = make_fleet(registered(1))

    fleet.fold([beat(2), done(3), done(4, counted=False), changed(5, role="x")])

    assert [fleet.by_number(number, now=T0) for number in (2, 3, 4, 5)] == [None] * 4
    assert [row.tasks for row in fleet.role_totals()] == [0]


def test_the_envelope_sees_who_was_active_and_whom_policies_fired() -> None:
    minute = 60_000
    fleet = make_fleet(*(registered(number) for number in (1, 2, 3, 4)))
    fleet.fold([finished(1, at=T0 + minute), fired(4, at=T0 + minute)])
    fleet.fold([fired(2, at=T0 + 2 * minute), fired(3, at=T0 + 2 * minute, by=None)])
    fleet.fold([registered(5, at=T0 + 3 * minute)])
    fleet.fold([Reinstated(4, T0 + 3 * minute, 1_000_000, 2)])

    measures = fleet.at(T0 + 5 * minute)

    def who(mask: np.ndarray) -> list[int]:
        return measures.numbers[mask].tolist()

    assert who(measures.active) == [4, 5]
    assert who(measures.active_at(T0)) == [1, 2, 3, 4]
    assert who(measures.active_at(T0 + minute)) == [2, 3]
    assert who(measures.active_at(T0 + 2 * minute)) == []
    assert who(measures.active_at(T0 + 3 * minute)) == [4, 5]
    assert who(measures.fired_by_policy_since(T0)) == [2, 4]
    assert who(measures.fired_by_policy_since(T0 + minute)) == [2]
    assert who(measures.fired_by_policy_since(T0 + 2 * minute)) == []


def test_who_comes_and_goes_is_counted_as_what_it_was_at_that_very_instant() -> None:
    fleet = make_fleet(registered(1), registered(2))
    for ms in range(0, 60_000, 10_000):
        fleet.fold([finished(1, at=T0 + ms + 5_000), Revived(1, T0 + ms + 8_000, 1_000 + ms)])
    fleet.fold([Stood(2, T0 + 60_000, 100_000, Standing.QUARANTINED, None, None)])
    fleet.fold([Released(2, T0 + 70_000, 100_001)])

    measures = fleet.at(T0 + 80_000)

    def were_active(after_ms: int) -> list[bool]:
        return measures.active_at(T0 + after_ms).tolist()

    assert [were_active(ms)[0] for ms in range(0, 60_000, 1_000)] == 6 * [
        *(5 * [True]),
        *(3 * [False]),
        *(2 * [True]),
    ]
    assert [were_active(ms)[1] for ms in (59_999, 60_000, 69_999, 70_000)] == [
        True,
        False,
        False,
        True,
    ]


def test_a_restart_remembers_what_the_envelope_counts() -> None:
    live = make_fleet(registered(1), registered(2), fired(1), fired(2, by=None))
    live.fold([Reinstated(1, T0 + 1_000, 1_000_000, 2)])
    rebuilt = Fleet(1, FleetSettings())
    rebuilt.fold(live.checkpoint([1, 2]))
    told = [fired(1), fired(2, by=None), Reinstated(1, T0 + 1_000, 1_000_000, 2)]
    rebuilt.fold_presence(moves_of(told, after=T0 - 1, until=T0 + 2_000))

    one, other = live.at(T0 + 2_000), rebuilt.at(T0 + 2_000)

    assert one.fired_by_policy_since(T0 - 1).tolist() == [True, False]
    assert other.fired_by_policy_since(T0 - 1).tolist() == [True, False]
    assert other.active_at(T0 + 500).tolist() == one.active_at(T0 + 500).tolist()


def test_a_snapshot_never_changes_and_shares_what_did_not_change() -> None:
    fleet = make_fleet(registered(1), changed(1, role="dev"), beat(1), done(1))
    first = fleet.snapshot(seq=1, now=T0)

    fleet.fold([beat(1, at=T0 + 5)])
    second = fleet.snapshot(seq=2, now=T0 + 5)
    fleet.fold([done(1, at=T0 + 6), changed(1, at=T0 + 6, role="ops")])

    assert first.last_heartbeat.tolist() == [T0]
    assert second.last_heartbeat.tolist() == [T0 + 5]
    assert second.tasks is first.tasks
    assert (second.roles, second.tasks.tolist()) == (["dev"], [1])
    with pytest.raises(ValueError, match="read-only"):
        second.tasks[0] = 7


def test_a_snapshot_leaves_out_free_slots() -> None:
    fleet = make_fleet(*(registered(number) for number in (1, 2, 3)), finished(2))
    fleet.forget(left_before=T0 + 1, unsaved=True)

    snapshot = fleet.snapshot(seq=1, now=T0)

    assert snapshot.numbers.tolist() == [1, 3]
    assert snapshot.agent_ids == ["agent-1", "agent-3"]
    assert len(snapshot) == len(snapshot.is_stale) == len(snapshot.failed) == 2


def test_time_does_not_go_back() -> None:
    fleet = make_fleet(registered(), done(at=T0 + 100), needs=(Need("tasks", HOUR),))

    assert fleet.at(T0).now == T0 + 100
    fleet.advance(T0 + HOUR.length + 100)
    assert of(fleet.at(T0 + 100), "tasks", HOUR) == 0


def test_quantiles_are_given_in_the_order_asked_for() -> None:
    fleet = make_fleet(
        *(registered(number) for number in (1, 2, 3)),
        *(done(1, duration_ms=ms) for ms in range(1_000, 21_000, 1_000)),
        *(done(3, duration_ms=500) for _ in range(5)),
        needs=(Need("duration_p95", HOUR), Need("duration_p50", HOUR)),
    )
    measures = fleet.at(T0)
    asked = np.array([2, 0, 1, 0])

    p95 = measures.quantile("duration_p95", HOUR, Need("tasks").outcomes, asked)
    p50 = measures.quantile("duration_p50", HOUR, Need("tasks").outcomes, asked)

    np.testing.assert_array_equal(p95, [0.5, 19.0, np.nan, 19.0])
    np.testing.assert_array_equal(p50, [0.5, 10.0, np.nan, 10.0])


def test_the_digest_tells_histories_apart_and_goes_on_where_it_was() -> None:
    arrival = registered()
    facts = [arrival, changed(role="dev"), beat(), done(), done(result=Result.FAILURE)]
    one, other, without = make_fleet(*facts), make_fleet(*facts), make_fleet(*facts[:-1])

    digest = one.take_digest()

    assert digest == other.take_digest()
    assert digest[0] == 5
    assert digest[1] != without.take_digest()[1]
    assert make_fleet().take_digest() == (0, START)
    later = beat(at=T0 + 9)
    one.fold([later])
    without.resume_digest(digest[1])
    without.fold([later])
    assert one.take_digest() == without.take_digest()


def test_a_fact_at_or_before_the_restored_place_changes_nothing_a_second_time() -> None:
    facts = [registered(), changed(role="dev"), done(result=Result.FAILURE), finished()]
    live = make_fleet(needs=(Need("tasks", HOUR),))
    live.fold(facts, writer=4)
    rebuilt = Fleet(1, FleetSettings())
    rebuilt.declare((Need("tasks", HOUR),))
    rebuilt.fold(live.checkpoint([1]))
    rebuilt.restore_totals(live.role_totals(), writer=4, seq=facts[-1].seq)

    rebuilt.fold(facts, writer=4)

    assert rebuilt.role_totals() == live.role_totals()
    assert rebuilt.checkpoint([1]) == live.checkpoint([1])
    assert of(rebuilt.at(T0), "tasks", HOUR) == 1


def test_what_could_not_be_written_is_asked_for_again() -> None:
    fleet = make_fleet(registered(1), registered(2))
    assert fleet.dirty() == [1, 2]
    fleet.checkpoint([1, 2])
    assert fleet.dirty() == []

    fleet.mark_dirty([2, 77])
    fleet.fold([beat(1)])

    assert fleet.dirty() == [1, 2]


def test_the_horizon_says_what_history_is_needed() -> None:
    needs = (Need("tasks", HOUR), Need("tasks", LAST_5), Need("success_rate", LAST_5))
    live = make_fleet(registered(1), registered(2), done(1), needs=needs)
    rebuilt = Fleet(1, FleetSettings())
    rebuilt.declare(needs)
    rebuilt.fold(live.checkpoint([1, 2]))

    horizon = rebuilt.horizon()

    assert live.horizon().lacking == ()
    assert (horizon.time_ms, horizon.tasks) == (HOUR.length, 5)
    assert horizon.newest == ((needs[0].outcomes, 5),)
    assert horizon.lacking == (1,)
    assert horizon.until == T0


def test_a_rebuild_keeps_the_order_within_one_millisecond() -> None:
    """Before the common place, before the agent's own place, and after: all in the same instant."""
    last = Window(WindowKind.TASKS, 1)
    needs = (Need("errors", last),)
    arrival, first, second, third = registered(), done(), done(error="x"), done()
    for facts in ([arrival, first, second], [arrival, first, second, third]):
        live = make_fleet(needs=needs)
        live.fold([arrival, first, second], writer=4)
        row = live.checkpoint([1])
        live.fold(facts[3:])
        rebuilt = make_fleet(needs=needs)
        rebuilt.fold(row)

        rebuilt.fold_history([first])
        rebuilt.fold(facts[2:], writer=4)

        assert of(rebuilt.at(T0), "errors", last) == of(live.at(T0), "errors", last)
