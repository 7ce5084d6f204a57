"""What counts, and how it is remembered."""

import numpy as np
import pytest
from tests.fleet.builders import ANY, HOUR, T0, done, make_fleet, of, registered

from pinkslip.fleet.fleet import Need
from pinkslip.fleet.growing import MOST, add_up
from pinkslip.fleet.outcome_log import OutcomeLog
from pinkslip.fleet.outcomes import Arrivals, counting, kind_of
from pinkslip.model.policy import Filter
from pinkslip.model.words import Fault, Result, Source

EVERYBODY = frozenset(Fault)
OURS = frozenset({Fault.AGENT})
THEIRS = EVERYBODY - OURS

CASES = [
    # result, faults, in the denominator by default, and when every fault is counted
    (Result.SUCCESS, EVERYBODY, True, True),
    (Result.FAILURE, OURS, True, True),
    (Result.FAILURE, THEIRS, False, True),
    (Result.TIMEOUT, OURS, True, True),
    (Result.TIMEOUT, THEIRS, False, True),
    (Result.CANCELLED, OURS, True, True),
    (Result.CANCELLED, THEIRS - {Fault.USER}, False, True),
    (Result.CANCELLED, {Fault.USER}, False, False),
]


@pytest.mark.parametrize(("result", "faults", "by_default", "widened"), CASES)
def test_what_a_rate_divides_by(
    result: Result, faults: set[Fault], by_default: bool, widened: bool
) -> None:
    wide = Filter(faults=EVERYBODY)
    for fault in faults:
        kind = kind_of(result, fault, Source.SELF, has_error=False)

        assert counting(ANY).denominator[kind] == by_default
        assert counting(wide).denominator[kind] == widened


def test_a_users_cancellation_is_a_task_and_nothing_else() -> None:
    fleet = make_fleet(registered(), done(result=Result.CANCELLED, fault=Fault.USER))

    view = fleet.agent("agent-1", now=T0)

    assert view is not None
    assert (view.tasks, view.successes, sum(view.failed)) == (1, 0, 0)


def test_a_cancellation_somebody_else_caused_is_told_by_fault_and_in_no_rate() -> None:
    needs = (Need("tasks", HOUR),)
    fleet = make_fleet(
        registered(), done(result=Result.CANCELLED, fault=Fault.INFRA), needs=needs
    )

    view = fleet.agent("agent-1", now=T0)

    assert view is not None
    assert view.failed[list(Fault).index(Fault.INFRA)] == 1
    assert of(fleet.at(T0), "tasks", HOUR) == 0


def test_an_outcome_of_a_fired_agent_counts_nowhere() -> None:
    needs = (Need("tasks", HOUR), Need("tokens", HOUR))
    fleet = make_fleet(registered(), done(counted=False, tokens_in=5, error="no"), needs=needs)

    view = fleet.agent("agent-1", now=T0)
    measures = fleet.at(T0)

    assert view is not None
    assert (view.tasks, view.tokens_in, view.error_count, view.last_error) == (0, 0, 0, None)
    assert of(measures, "tasks", HOUR) == of(measures, "tokens", HOUR) == 0


@pytest.mark.parametrize(("after", "tasks"), [(-1, 1), (0, 0), (1, 0)])
def test_an_outcome_leaves_its_window_when_it_is_as_old_as_the_window(
    after: int, tasks: int
) -> None:
    fleet = make_fleet(registered(), done(), needs=(Need("tasks", HOUR),))

    assert of(fleet.at(T0 + HOUR.length + after), "tasks", HOUR) == tasks


@pytest.mark.parametrize(("count", "rate"), [(4, np.nan), (5, 1.0), (6, 1.0)])
def test_a_rate_of_too_few_is_unknown(count: int, rate: float) -> None:
    fleet = make_fleet(
        registered(), *(done() for _ in range(count)), needs=(Need("success_rate", HOUR),)
    )

    np.testing.assert_equal(of(fleet.at(T0), "success_rate", HOUR), rate)


def test_the_log_takes_at_most_64_bytes_an_outcome_and_gives_memory_back() -> None:
    log = OutcomeLog()
    rows = Arrivals.of([done(at=T0 + place) for place in range(5_000)]).rows(
        np.zeros(5_000, np.intp), np.zeros(5_000, np.uint8)
    )
    for _ in range(60):
        log.append(rows)
        if len(log) > 20_000:
            assert log.nbytes / len(log) <= 64
            log.drop_before(log.end - 150_000)
    full = log.nbytes

    log.drop_before(log.end - 10)

    assert log.nbytes < full // 10
    assert log.rows(log.first, log.end).at.tolist() == [T0 + 4_990 + i for i in range(10)]


def test_a_counter_stops_at_the_largest_number_instead_of_stepping_back() -> None:
    totals = np.zeros(2, np.int64)
    huge = np.full(3_000, 2**53, np.int64)

    add_up(totals, np.zeros(3_000, np.intp), huge)
    add_up(totals, np.zeros(1, np.intp), huge[:1])
    add_up(totals, np.ones(5, np.intp), huge[:5])

    assert totals.tolist() == [MOST, 5 * 2**53]


def test_a_sum_beyond_64_bits_is_unknown_until_it_fits_again() -> None:
    needs = (Need("tokens", HOUR),)
    huge = [done(tokens_in=2**53, tokens_out=2**53) for _ in range(600)]
    small = done(at=T0 + 10, tokens_in=3)
    fleet = make_fleet(registered(), *huge, small, needs=needs)

    assert np.isnan(of(fleet.at(T0 + 10), "tokens", HOUR))
    assert of(fleet.at(T0 + HOUR.length), "tokens", HOUR) == 3
