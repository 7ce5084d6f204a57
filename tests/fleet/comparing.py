"""Everything the fleet answers, beside what the oracle answers."""

import numpy as np
from tests.fleet.journals import FILTERS, MINUTE, ONE, SECOND, SIX
from tests.fleet.oracle import Oracle, is_failed

from pinkslip.fleet.catalogue import MEASURES
from pinkslip.fleet.fleet import Fleet, Measures, Need
from pinkslip.fleet.presence import LEAST_MS
from pinkslip.model.words import Fault, Result, Scope, Status, word_of

OF_POOLS = "expected_ratio"
"""The judge works it out; the fleet answers its parts."""


def all_needs(filters=FILTERS, windows=(SECOND, MINUTE, ONE, SIX)) -> list[Need]:
    """Every measure by every filter over every window, and two tests by every filter."""
    return [
        Need(kind.name, window, outcomes)
        for kind in MEASURES.values()
        for outcomes in (filters if kind.reads_outcomes else FILTERS[:1])
        for window in (windows if kind.windowed else (None,))
    ] + [
        Need("decayed", outcomes=outcomes, parameters=rates, scope=scope)
        for outcomes in filters
        for rates in ((0.85, 0.6), (0.9, 0.2))
        for scope in Scope
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


def assert_alike(one: Fleet, other: Fleet, needs: list[Need], *, now: int) -> None:
    """Two fleets at `now` answer the same, bit by bit, wherever each keeps its agents."""
    mine, theirs = one.at(now), other.at(now)
    numbers = mine.numbers[mine.numbers > 0]
    assert sorted(numbers.tolist()) == sorted(theirs.numbers[theirs.numbers > 0].tolist())
    here = [mine.slot_of(number) for number in numbers.tolist()]
    there = [theirs.slot_of(number) for number in numbers.tolist()]
    for need in needs:
        for vector, same in zip(_answers(mine, need), _answers(theirs, need), strict=True):
            np.testing.assert_array_equal(vector[..., here], same[..., there], f"{need}")


def _answers(measures: Measures, need: Need) -> tuple[np.ndarray, ...]:
    if need.name == OF_POOLS:
        return measures.task_kinds(need.window, need.outcomes)
    if need.name == "decayed":
        counts = measures.counts(need.outcomes, need.scope)
        return (*counts, measures.cusum(*need.parameters, need.outcomes, need.scope))
    return (measures.value(need.name, need.window, need.outcomes),)


def _assert_measure(measures: Measures, oracle: Oracle, need: Need) -> None:
    if need.name == OF_POOLS:
        _assert_kinds(measures, oracle, need)
        return
    if need.name == "decayed":
        _assert_cusum(measures, oracle, need)
        return
    got = measures.value(need.name, need.window, need.outcomes)
    slots = np.array([measures.slot_of(number) for number in oracle.rows], np.intp)
    expected = [
        oracle.value(row, need.name, need.window, need.outcomes, measures.now)
        for row in oracle.rows.values()
    ]
    if need.name == "suspicion":  # by another way of computing
        np.testing.assert_allclose(got[slots], expected, 1e-9, 1e-9)
    else:
        np.testing.assert_array_equal(got[slots], expected, f"{need.name}{need.window or ''}")
    if need.name.startswith("duration_p"):
        twice = np.concatenate([slots, slots[::-1]])
        alone = measures.quantile(need.name, need.window, need.outcomes, twice)
        np.testing.assert_array_equal(alone, [*expected, *expected[::-1]])
    assert np.isnan(got[measures.numbers == 0]).all() or need.name == "heartbeat_interval"


def _assert_cusum(measures: Measures, oracle: Oracle, need: Need) -> None:
    good, bad = need.parameters
    got = measures.cusum(good, bad, need.outcomes, need.scope)
    tasks, successes = measures.counts(need.outcomes, need.scope)
    slots = [measures.slot_of(number) for number in oracle.rows]
    counts = [
        oracle.counts(row, need.outcomes, need.scope, measures.now)
        for row in oracle.rows.values()
    ]
    assert list(zip(tasks[slots].tolist(), successes[slots].tolist(), strict=True)) == counts
    expected = [
        oracle.cusum(row, good, bad, need.outcomes, need.scope, measures.now)
        for row in oracle.rows.values()
    ]
    np.testing.assert_array_equal(got[slots], expected, f"{need}")


def _assert_kinds(measures: Measures, oracle: Oracle, need: Need) -> None:
    tasks, successes = measures.task_kinds(need.window, need.outcomes)
    assert tasks.shape == successes.shape
    assert tasks.shape[1] == measures.size
    for number, row in oracle.rows.items():
        slot = measures.slot_of(number)
        kinds = oracle.kinds(row, need.window, need.outcomes, measures.now)
        names = {kind for kind, _ in kinds}
        expected = sorted(
            (kinds[name, True] + kinds[name, False], kinds[name, True]) for name in names
        )
        got = sorted(
            (done, well)
            for done, well in zip(
                tasks[:, slot].tolist(), successes[:, slot].tolist(), strict=True
            )
            if done
        )
        assert got == expected, (need, number)


def _assert_rows(fleet: Fleet, measures: Measures, oracle: Oracle) -> None:
    now = measures.now
    for number, row in oracle.rows.items():
        slot = measures.slot_of(number)
        view = fleet.by_number(number, now=now)
        assert view == fleet.agent(row.agent_id, now=now) == fleet.by_uuid(row.uuid, now=now)
        plain = ("status", "standing", "incarnation", "created_at", "updated_at")
        times = ("last_heartbeat", "status_since", "task_since", "progress_at", "finished_at")
        others = ("terminated_at", "protected_until", "standing_until", "fired_count")
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
        scores = [score for d in done if (score := oracle.score(d)) is not None]
        assert (view.score_e6_sum, view.score_count) == (sum(scores), len(scores))
        assert view.error_count == row.errors
        assert view.streak == oracle.streak(row, FILTERS[0])
        assert view.is_stale == measures.stale[slot] == oracle.is_stale(row, now)
        assert measures.active[slot] == row.is_active
        for ago in (0, 1, 1_000, 20_000, 300_000, LEAST_MS):
            then = now - ago
            assert measures.active_at(then)[slot] == row.was_active(then), (number, ago)
        assert measures.tasks[slot] == len(row.present)
        assert measures.interval_s[slot] * 1000 == oracle.interval_ms(row)
        for name in ("ordered_until", "released_at", "boot_changed_at"):
            assert getattr(measures, name)[slot] == (getattr(row, name) or 0), (number, name)
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
        del row["kinds"]  # whose is whose is told by the order of reports
    for key, expected in oracle.roles.items():
        lists = ("failed", "duration_buckets", "results")
        wanted = {**expected, **{name: tuple(expected[name]) for name in lists}}
        assert got.pop(key) == wanted
    for row in got.values():  # made for an agent that has done nothing yet
        assert row["tasks"] == row["finished"] == 0
