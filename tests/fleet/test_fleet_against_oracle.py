"""The columns answer what the words say, whatever happens, in whatever pieces it arrives."""

from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from tests.fleet.comparing import all_needs, assert_alike, assert_same
from tests.fleet.journals import (
    FILTERS,
    MINUTE,
    ONE,
    SECOND,
    SIX,
    START,
    Teller,
    moves_of,
    permuted,
)
from tests.fleet.oracle import Oracle

from pinkslip.fleet.fleet import Fleet, FleetSettings, Need
from pinkslip.fleet.snapshot import RoleTotals
from pinkslip.model.facts import Blinded, Done, Fact, Restored
from pinkslip.model.policy import Window, WindowKind
from pinkslip.model.words import Scope

SETTINGS = FleetSettings(assumed_interval_ms=30_000, stale_factor=2.5, min_tasks=2)
NEEDS = all_needs()
SEEDS = st.integers(0, 2**32)
runs = settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow], database=None
)


def pieces(random: Random, facts: list[Fact]) -> list[list[Fact]]:
    """The same facts in batches of any size."""
    cut, begin = [], 0
    while begin < len(facts):
        size = random.choice((1, 2, 7, 40, 400))
        cut.append(facts[begin : begin + size])
        begin += size
    return cut


@runs
@given(SEEDS)
def test_every_measure_row_and_total_is_what_the_words_say(seed: int) -> None:
    random = Random(seed)
    teller, oracle, fleet = Teller(random), Oracle(SETTINGS), Fleet(1, SETTINGS)
    fleet.declare(NEEDS)

    for batch in pieces(random, list(teller.facts(random.choice((5, 60, 200))))):
        fleet.fold(batch)
        oracle.fold(batch)
        if random.random() < 0.15:
            needs = random.sample(NEEDS, 30)
            assert_same(fleet, oracle, needs, now=batch[-1].at + random.choice((0, 1, 999)))

    assert_same(
        fleet, oracle, NEEDS, now=teller.now + random.choice((0, 1_000, 59_999, 60_000))
    )


@runs
@given(SEEDS)
def test_who_was_active_is_known_as_far_back_as_is_asked_and_further_once_it_is_told(
    seed: int,
) -> None:
    random = Random(seed)
    teller, oracle, fleet = Teller(random), Oracle(SETTINGS), Fleet(1, SETTINGS)
    told: list[Fact] = []

    for _ in range(6):
        presence_ms = random.choice((1, 1_000, 30_000, 200_000))
        fleet.declare([], presence_ms=presence_ms)
        horizon = fleet.horizon()
        after = teller.now - presence_ms
        if after < horizon.presence_since:
            fleet.fold_presence(moves_of(told, after=after, until=horizon.presence_since))
        facts = list(teller.facts(random.choice((1, 30, 200))))
        told += facts
        fleet.fold(facts)
        oracle.fold(facts)
        measures = fleet.at(teller.now)
        for number, row in oracle.rows.items():
            for ago in {0, 1, presence_ms // 2, presence_ms}:
                was_active = measures.active_at(teller.now - ago)[measures.slot_of(number)]
                assert was_active == row.was_active(teller.now - ago), (number, ago)


@runs
@given(SEEDS)
def test_agents_come_go_and_come_back_in_reused_slots(seed: int) -> None:
    random = Random(seed)
    teller, oracle, fleet = Teller(random), Oracle(SETTINGS), Fleet(1, SETTINGS)
    fleet.declare(NEEDS)
    history: list[Done] = []
    rows: dict[int, Restored] = {}

    for _ in range(12):
        facts = list(teller.facts(20))
        history += [fact for fact in facts if isinstance(fact, Done)]
        fleet.fold(facts)
        oracle.fold(facts)
        left_before = teller.now - random.choice((0, 1_000, 100_000))
        leaving = fleet.leaving(left_before=left_before)
        rows |= {row.agent_no: row for row in fleet.checkpoint(leaving)}
        assert fleet.forget(left_before=left_before) == leaving
        assert sorted(oracle.forget(left_before=left_before)) == sorted(leaving)
        away = {number: teller.living.pop(number) for number in leaving}
        if away and random.random() < 0.7:
            number = random.choice(sorted(away))
            teller.living[number] = away[number]
            oracle.bring_back(number)
            fleet.fold([rows[number]])
            fleet.horizon()
            fleet.fold_history(teller.as_scored(history))
        assert_same(fleet, oracle, random.sample(NEEDS, 30), now=teller.now)


@runs
@given(SEEDS)
def test_a_new_declaration_is_exact_once_the_history_it_lacks_is_handed_over(seed: int) -> None:
    random = Random(seed)
    teller, oracle, fleet = Teller(random), Oracle(SETTINGS), Fleet(1, SETTINGS)
    windows = [SECOND, MINUTE, ONE, SIX, Window(WindowKind.TIME, 5_000)]
    history: list[Done] = []

    for _ in range(6):
        chosen = random.sample(windows, random.randint(0, len(windows)))
        needs = all_needs(random.sample(FILTERS, random.randint(1, 3)), chosen)
        needs = random.sample(needs, len(needs) * 2 // 3)
        # whose outcomes those of a lineage were, history does not tell
        needs = [need for need in needs if need.scope is Scope.AGENT]
        fleet.declare(needs)
        if fleet.horizon().lacking:
            fleet.fold_history(teller.as_scored(history))
        assert fleet.horizon().lacking == ()
        facts = list(teller.facts(30))
        history += [fact for fact in facts if isinstance(fact, Done)]
        fleet.fold(facts)
        oracle.fold(facts)
        assert_same(fleet, oracle, random.sample(needs, min(30, len(needs))), now=teller.now)


@runs
@given(SEEDS)
def test_a_rebuild_gives_the_same_fleet(seed: int) -> None:
    random = Random(seed)
    teller, oracle = Teller(random), Oracle(SETTINGS)
    facts = list(teller.facts(200))
    oracle.fold(facts)
    place = random.randint(0, len(facts))
    live = Fleet(1, SETTINGS)
    live.declare(NEEDS)
    live.fold(facts[:place], writer=3)
    stored = {row.agent_no: row for row in live.checkpoint(live.dirty())}
    complete = facts[place - 1].seq if place else 0
    later = random.randint(place, len(facts))
    live.fold(facts[place:later])
    some = [number for number in live.dirty() if random.random() < 0.5]
    stored |= {row.agent_no: row for row in live.checkpoint(some)}
    totals_after = random.randint(later, len(facts))
    live.fold(facts[later:totals_after])
    totals, totals_seq = live.role_totals(), facts[totals_after - 1].seq if totals_after else 0
    books = live.lineages()
    live.fold(facts[totals_after:])

    rebuilt = Fleet(1, SETTINGS)
    rebuilt.declare(NEEDS)
    rebuilt.fold(stored.values())
    rebuilt.restore_totals(totals, writer=3, seq=totals_seq)
    rebuilt.restore_lineages(books, writer=3, seq=totals_seq)
    rebuilt.fold(fact for fact in facts[:place] if isinstance(fact, Blinded))
    rebuilt.fold_history(done for done in teller.as_scored(facts) if done.seq <= complete)
    for batch in pieces(random, facts[place:]):
        rebuilt.fold(batch, writer=3)
    rebuilt.fold_presence(moves_of(facts, after=START - 1, until=teller.now))

    if (
        not oracle.blind
    ):  # a restart is blind time; without any, the first fact may be long gone
        oracle.first_at = rebuilt.observing_since
    assert_same(rebuilt, oracle, random.sample(NEEDS, 60), now=teller.now + 500)
    assert rebuilt.horizon().lacking == ()
    assert rebuilt.lineages() == live.lineages()
    assert with_anything(rebuilt.role_totals()) == with_anything(live.role_totals())
    numbers = sorted(teller.living)
    # wherever in the journal each stands: of a rebuild without facts, nobody says
    assert without_places(rebuilt.checkpoint(numbers)) == without_places(
        live.checkpoint(numbers)
    )


def with_anything(totals: tuple[RoleTotals, ...]) -> list[RoleTotals]:
    """Without those made for a role that has done nothing yet."""
    return [row for row in totals if row.tasks or row.finished]


def without_places(rows: list[Restored]) -> list[Restored]:
    return [replace(row, writer=0, seq=0) for row in rows]


@runs
@given(SEEDS)
def test_batches_and_the_order_within_an_instant_change_neither_digest_nor_fleet(
    seed: int,
) -> None:
    random = Random(seed)
    teller = Teller(random, pace=random.choice((0.05, 0.2, 0.5)))
    facts = [at_a_loss(fact) for fact in teller.facts(250)]
    together, apart = Fleet(1, SETTINGS), Fleet(1, SETTINGS)
    for fleet in (together, apart):
        fleet.declare(NEEDS)

    together.fold(facts)
    for batch in pieces(random, permuted(random, facts)):
        apart.fold(batch)
        apart.snapshot(seq=0, now=START)

    assert together.take_digest() == apart.take_digest() != (len(facts), bytes(16))
    assert together.take_digest()[0] == 0
    numbers = together.dirty()
    assert together.checkpoint(numbers) == apart.checkpoint(numbers)
    assert together.lineages() == apart.lineages()
    assert_alike(together, apart, NEEDS, now=teller.now + random.choice((0, 1_000, 59_999)))


def at_a_loss(fact: Fact) -> Fact:
    """With errors that are all alike: which of two at one instant is the last, only their order says."""
    if isinstance(fact, Done) and fact.error is not None:
        return replace(fact, error="broke")
    return fact


def test_without_the_lacking_history_a_longer_window_is_exact_once_time_has_passed() -> None:
    random = Random(7)
    teller, oracle, fleet = Teller(random), Oracle(SETTINGS), Fleet(1, SETTINGS)
    short, long = [Need("tasks", SECOND)], [Need("tasks", MINUTE)]
    fleet.declare(short)
    facts = list(teller.facts(200))
    fleet.fold(facts)
    oracle.fold(facts)
    fleet.advance(teller.now)
    fleet.declare(long)

    assert fleet.horizon().lacking
    since = teller.now - SECOND.length
    while teller.now < since + MINUTE.length:
        facts = list(teller.facts(20))
        fleet.fold(facts)
        oracle.fold(facts)

    assert fleet.horizon().lacking == ()
    assert_same(fleet, oracle, long, now=teller.now)


@pytest.mark.parametrize("size", [1, 5_000, 40_000])
def test_many_outcomes_of_one_agent_in_one_batch_are_exact(size: int) -> None:
    random = Random(size)
    teller = Teller(random)
    oracle, fleet = Oracle(SETTINGS), Fleet(1, SETTINGS)
    needs = [need for need in all_needs(FILTERS[:1]) if need.name in {"tasks", "errors"}]
    fleet.declare(needs)
    facts: list[Fact] = [teller.register()]
    number = next(iter(teller.living))
    facts += [teller.done(number) for _ in range(size)]
    fleet.fold(facts)
    oracle.fold(facts)

    measures = fleet.at(teller.now)

    for need in needs:
        row = oracle.rows[number]
        expected = oracle.value(row, need.name, need.window, need.outcomes, teller.now)
        assert measures.value(need.name, need.window, need.outcomes)[0] == expected
