"""Everything the fleet answers, beside what the oracle answers."""

import numpy as np
from tests.fleet.journals import FILTERS, MINUTE, ONE, SECOND, SIX
from tests.fleet.oracle import Oracle, is_failed

from pinkslip.fleet.catalogue import MEASURES
from pinkslip.fleet.fleet import Fleet, Measures, Need
from pinkslip.model.words import Fault, Result, Standing, Status, word_of

OF_POOLS = "expected_ratio"
"""The judge works it out; the fleet answers its parts."""
BUILT = [kind for kind in MEASURES.values() if kind.name != OF_POOLS]


def all_needs(filters=FILTERS, windows=(SECOND, MINUTE, ONE, SIX)) -> list[Need]:
    """Every measure by every filter over every window."""
    return [
        Need(kind.name, window, outcomes)
        for kind in BUILT
        for outcomes in (filters if kind.reads_outcomes else FILTERS[:1])
        for window in (windows if kind.windowed else (None,))
    ]


def assert_same(fleet: Fleet, oracle: Oracle, needs: list[Need], *, now: int) -> None:
    """The fleet at `now` is what the oracle says, agent by agent, bit by bit."""
    measures = fleet.at(now)
    present = measures.numbers[measures.numbers > 0]
    assert sorted(present.tolist()) == sorted(oracle.rows)
    assert measures.observing_since == oracle.observing_since
    for need in needs:
        _assert_measure(measures, oracle, need)
    _assert_rows(fleet, measures, oracle)
    _assert_roles(fleet, oracle)


def _assert_measure(measures: Measures, oracle: Oracle, need: Need) -> None:
    got = measures.value(need.name, need.window, need.outcomes)
    for number, row in oracle.rows.items():
        slot = measures.slot_of(number)
        expected = oracle.value(row, need.name, need.window, need.outcomes, measures.now)
        np.testing.assert_array_equal(got[slot], expected, f"{need} of {number}")
        if need.name.startswith("duration_p"):
            alone = measures.quantile(
                need.name, need.window, need.outcomes, np.array([slot, slot])
            )
            np.testing.assert_array_equal(alone, [expected, expected])
    assert np.isnan(got[measures.numbers == 0]).all() or need.name == "heartbeat_interval"


def _assert_rows(fleet: Fleet, measures: Measures, oracle: Oracle) -> None:
    now = measures.now
    for number, row in oracle.rows.items():
        slot = measures.slot_of(number)
        view = fleet.by_number(number, now=now)
        assert view == fleet.agent(row.agent_id, now=now) == fleet.by_uuid(row.uuid, now=now)
        plain = ("status", "standing", "incarnation", "created_at", "updated_at")
        times = ("last_heartbeat", "status_since", "task_since", "progress_at", "finished_at")
        others = ("terminated_at", "protected_until", "fired_count")
        for name in (*plain, *times, *others):
            assert getattr(view, name) == getattr(row, name), (number, name)
        for name in ("name", "model", "role", "host", "lineage", "boot_id", "session_key"):
            assert getattr(view, name) == row.get(name), (number, name)
        for name in ("current_task", "progress", "context_used", "interval_ms", "last_error"):
            assert getattr(view, name) == row.get(name), (number, name)
        assert view.labels == (row.get("labels") or {})
        done = row.lifetime
        assert view.tasks == len(done)
        assert view.successes == sum(d.result is Result.SUCCESS for d in done)
        failed = [d.fault for d in done if is_failed(d)]
        assert view.failed == tuple(failed.count(fault) for fault in Fault)
        durations = [d.duration_ms for d in done if d.duration_ms is not None]
        assert (view.duration_ms_sum, view.duration_count) == (sum(durations), len(durations))
        assert view.tokens_in == sum(d.tokens_in or 0 for d in done)
        assert view.tokens_out == sum(d.tokens_out or 0 for d in done)
        assert view.cost_micros == sum(d.cost_micros or 0 for d in done)
        scores = [d.score_e6 for d in done if d.score_e6 is not None]
        assert (view.score_e6_sum, view.score_count) == (sum(scores), len(scores))
        assert view.error_count == row.errors
        assert view.streak == oracle.streak(row, FILTERS[0])
        assert view.is_stale == measures.stale[slot] == oracle.is_stale(row, now)
        is_active = row.finished_at is None and row.standing is Standing.ACTIVE
        assert measures.active[slot] == is_active
        assert measures.tasks[slot] == len(row.present)
        assert measures.interval_s[slot] * 1000 == oracle.interval_ms(row)
        assert word_of(Status, measures.status[slot]) is row.status
        for field in ("agent", "name", "role", "model", "host", "lineage", "label.team"):
            assert word(measures, field, slot) == _text(row, field), (number, field)
        assert word(measures, "status", slot) == row.status
        assert word(measures, "standing", slot) == row.standing


def word(measures: Measures, field: str, slot: int) -> str | None:
    """What a matcher sees."""
    words = measures.words(field)
    code = words.codes[slot]
    return words.vocabulary[code] if code >= 0 else None


def _text(row, field: str):
    if field == "agent":
        return row.agent_id
    if field == "label.team":
        return (row.get("labels") or {}).get("team")
    return row.get(field)


def _assert_roles(fleet: Fleet, oracle: Oracle) -> None:
    got = {}
    for totals in fleet.role_totals():
        row = {name: getattr(totals, name) for name in totals.__slots__}
        got[row.pop("role"), row.pop("model")] = row
    for key, expected in oracle.roles.items():
        lists = ("failed", "duration_buckets")
        wanted = {**expected, **{name: tuple(expected[name]) for name in lists}}
        assert got.pop(key) == wanted
    for row in got.values():  # made for an agent that has done nothing yet
        assert row["tasks"] == row["finished"] == 0
