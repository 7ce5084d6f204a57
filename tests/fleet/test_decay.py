"""CUSUM by a loop; when it begins anew; what a newly declared one makes of the past."""

from itertools import pairwise
from math import log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fleet.builders import ANY, HOUR, T0, changed, done, fired, make_fleet, registered

from pinkslip.fleet.decay import NAT, Decay, Rates
from pinkslip.fleet.fleet import DECAYED_BY, Fleet, FleetSettings, Need
from pinkslip.fleet.outcomes import kind_of
from pinkslip.model.facts import Done, Reinstated, Released, Stood
from pinkslip.model.policy import Filter
from pinkslip.model.words import Fault, Result, Scope, Source, Standing

GOOD, BAD = 0.85, 0.6
DECAYED = Need("decayed", parameters=(GOOD, BAD))
FAILURE = log(0.4 / 0.15)
SUCCESS = log(0.6 / 0.85)
KIND = {
    well: kind_of(
        Result.SUCCESS if well else Result.FAILURE, Fault.AGENT, Source.SELF, has_error=False
    )
    for well in (True, False)
}


def cusum(fleet: Fleet, *, number: int = 1, scope: Scope = Scope.AGENT) -> float:
    measures = fleet.at(T0)
    slot = measures.slot_of(number)
    return float(measures.cusum(GOOD, BAD, ANY, scope)[slot])


def failed(*, number: int = 1, at: int = T0) -> Done:
    return done(number, at=at, result=Result.FAILURE)


def by_loop(told: list[tuple[int, int, bool]]) -> dict[int, float]:
    values: dict[int, float] = {}
    for subject, at in sorted({(subject, at) for subject, at, _ in told}):
        step = sum(
            round((SUCCESS if well else FAILURE) * NAT)
            for one, when, well in told
            if (one, when) == (subject, at)
        )
        values[subject] = max(0, values.get(subject, 0) + step)
    return {subject: value / NAT for subject, value in values.items()}


@pytest.mark.parametrize(
    ("good", "bad", "success", "failure"),
    [
        (0.9, 0.6, -0.41, 1.39),
        (0.85, 0.6, -0.35, 0.98),
        (1.0, 0.5, -0.69, 1000),
        (0.5, 0.0, -1000, 0.69),
    ],
)
def test_steps_are_the_logarithms_of_likelihood_ratios(
    good: float, bad: float, success: float, failure: float
) -> None:
    steps = Rates(good, bad, ANY).steps

    assert [step / NAT for step in steps] == pytest.approx([success, failure], abs=0.005)


@given(
    st.lists(st.tuples(st.integers(0, 2), st.integers(1, 6), st.booleans()), max_size=60),
    st.lists(st.integers(0, 60), max_size=4),
    st.randoms(),
)
def test_it_is_what_the_loop_says_in_any_pieces_and_any_order_within_an_instant(
    told: list[tuple[int, int, bool]], cuts: list[int], random
) -> None:
    told = sorted(random.sample(told, len(told)), key=lambda one: one[1])
    decay, bounds = Decay(Rates(GOOD, BAD, ANY), 3), sorted({0, *cuts, len(told)})

    for begin, end in pairwise(bounds):
        some = told[begin:end]
        decay.enter(
            np.array([subject for subject, _, _ in some], np.intp),
            np.array([at for _, at, _ in some], np.int64),
            np.array([KIND[well] for _, _, well in some], np.uint16),
            after=np.zeros(3, np.int64),
        )

    expected = by_loop(told)
    found = decay.nats(slice(None))
    np.testing.assert_array_equal(
        found, [expected.get(subject, np.nan) for subject in range(3)]
    )


def test_it_is_unknown_before_the_first_outcome_that_counts() -> None:
    fleet = make_fleet(registered(), needs=(DECAYED,))
    fleet.fold([done(fault=Fault.TOOL, result=Result.FAILURE)])
    assert np.isnan(cusum(fleet))

    fleet.fold([done(at=T0 + 1)])

    assert cusum(fleet) == 0


def test_one_that_nobody_declared_is_refused() -> None:
    measures = make_fleet(registered(), needs=(DECAYED,)).at(T0)

    for asked in ((GOOD, BAD, ANY, Scope.LINEAGE), (0.9, BAD, ANY, Scope.AGENT)):
        with pytest.raises(KeyError, match="nobody declared decayed"):
            measures.cusum(*asked)


@pytest.mark.parametrize(("after", "counts"), [(-1, False), (0, False), (1, True)])
def test_what_came_up_to_a_change_of_standing_is_no_evidence_of_decay(
    after: int, counts: bool
) -> None:
    moment = T0 + 1_000
    outcome = failed(at=moment + after)
    stood = Stood(1, moment, 0, Standing.PROBATION, None, "decaying")
    orders = (
        [[stood, outcome], [outcome, stood]]
        if after == 0
        else [sorted([outcome, stood], key=lambda f: f.at)]
    )
    for order in orders:
        fleet = make_fleet(registered(), *order, needs=(DECAYED,))

        assert np.isnan(cusum(fleet)) != counts


@pytest.mark.parametrize(
    ("fact", "anew"),
    [
        (Released(1, T0 + 1_000, 0), True),
        (Stood(1, T0 + 1_000, 0, Standing.ACTIVE, None, None), True),
        (Stood(1, T0 + 1_000, 0, Standing.NOTICE, None, "decaying"), False),
        (changed(at=T0 + 1_000, role="other"), False),
    ],
    ids=["released", "active again", "notice", "another role"],
)
def test_what_begins_it_anew(fact: object, anew: bool) -> None:
    fleet = make_fleet(registered(), failed(), fact, needs=(DECAYED,))

    assert np.isnan(cusum(fleet)) == anew
    assert fleet.at(T0).counts(ANY, Scope.AGENT)[0].tolist() == [1]


def test_a_new_incarnation_begins_it_anew() -> None:
    fleet = make_fleet(registered(), failed(), fired(), needs=(DECAYED,))

    fleet.fold([Reinstated(1, T0 + 5, 9, 2), failed(at=T0 + 5)])

    assert cusum(fleet) == pytest.approx(FAILURE)
    assert fleet.at(T0).counts(ANY, Scope.AGENT)[0].tolist() == [1]


def test_a_new_one_asks_for_the_past_once_and_then_knows_it() -> None:
    past = [failed(at=T0 + place) for place in range(5)]
    fleet = make_fleet(registered(1), registered(2), *past)
    fleet.advance(T0 + 1_000)
    fleet.fold([failed(at=T0 + 1_000)])
    fleet.advance(T0 + 2_000)
    fleet.declare([DECAYED])

    horizon = fleet.horizon()
    assert (horizon.lacking, horizon.newest) == ((1,), ((ANY, DECAYED_BY),))
    fleet.fold_history([*past, failed(at=T0 + 1_000)])

    assert cusum(fleet) == pytest.approx(6 * FAILURE)
    assert fleet.horizon().lacking == fleet.horizon().newest == ()


def test_the_history_of_a_start_completes_no_test_that_its_rows_do_not_know() -> None:
    """A start asks for the windows' history before it knows of anybody; the next look asks for the rest."""
    live = make_fleet(registered(), failed())
    rebuilt = Fleet(1, FleetSettings())
    rebuilt.declare([DECAYED])
    rebuilt.horizon()
    rebuilt.fold(live.checkpoint([1]))
    rebuilt.fold_history([])

    assert rebuilt.horizon().lacking == (1,)


def test_what_the_windows_history_holds_completes_a_test() -> None:
    everything = [failed(), failed(at=T0 + 1)]
    for scope in Scope:
        live = make_fleet(registered(), changed(lineage="digger"), *everything)
        rebuilt = Fleet(1, FleetSettings())
        rebuilt.declare(
            [Need("tasks", HOUR), Need("decayed", parameters=(GOOD, BAD), scope=scope)]
        )
        rebuilt.horizon()
        rebuilt.fold(live.checkpoint([1]))
        rebuilt.restore_lineages(live.lineages())
        rebuilt.fold_history(everything)

        assert rebuilt.horizon().lacking == ()
        assert cusum(rebuilt, scope=scope) == pytest.approx(2 * FAILURE)
        assert rebuilt.horizon().newest == ()


def test_a_restart_goes_on_within_the_newest_instant() -> None:
    live = make_fleet(registered(), failed(), needs=(DECAYED,))
    rebuilt = Fleet(1, FleetSettings())
    rebuilt.declare(
        [
            DECAYED,
            Need(
                "decayed",
                parameters=(GOOD, BAD),
                outcomes=Filter(sources=frozenset({Source.JUDGE})),
            ),
        ]
    )
    rebuilt.fold(live.checkpoint([1]))
    for fleet in (live, rebuilt):
        fleet.fold([done(at=T0), done(at=T0), failed(at=T0 + 1)])

    assert cusum(rebuilt) == cusum(live) == pytest.approx(2 * FAILURE + 2 * SUCCESS)
