"""What must hold over any history: the caches never lie, and a counter never steps back."""

import random
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.metrics.fleets import BUCKETS, NOW, Row, make_facts, make_totals
from tests.metrics.pages import Key, families, read, text_page

from pinkslip.fleet.snapshot import RoleTotals
from pinkslip.metrics.catalogue import CATALOGUE, Kind
from pinkslip.metrics.inputs import Facts
from pinkslip.metrics.places import NOWHERE, Places, moved
from pinkslip.metrics.render import Renderer
from pinkslip.metrics.selection import Detail, SeriesRule, SeriesSettings
from pinkslip.metrics.text import Exposition
from pinkslip.model.policy import Matcher
from pinkslip.model.words import Fault, Standing, Status

SETTINGS = SeriesSettings(
    rules=(
        SeriesRule(
            detail=Detail.FULL, match=(Matcher("role", values=frozenset({"developer"})),)
        ),
        SeriesRule(detail=Detail.OFF, match=(Matcher("name", values=frozenset({"secret"})),)),
    ),
    ttl_ms=20_000,
)
COUNTERS = {
    name
    for series in CATALOGUE
    if series.kind in (Kind.COUNTER, Kind.HISTOGRAM, Kind.SUMMARY)
    for name in series.sample_names
}
ROLES = ("developer", "researcher", None)
NAMES = (None, "secret", 'who "else"\n', "plain", "naïve")
at_leisure = settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))


class World:
    """A fleet that lives: agents come, work, change, leave and return; counters only grow."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.now = NOW
        self.born = 0
        self.agents: dict[int, Row] = {}
        self.totals: dict[tuple[str, str], RoleTotals] = {}

    def step(self) -> Facts:
        """Some seconds pass; little happens."""
        self.now += self.random.choice((0, 1_000, 5_000))
        for _ in range(self.random.randint(0, 4)):
            self.random.choice(
                (
                    self.arrive,
                    self.work,
                    self.work,
                    self.work,
                    self.change,
                    self.leave,
                    self.revive,
                    self.forget,
                )
            )()
        return make_facts(
            list(self.agents.values()),
            at=self.now,
            role_totals=list(self.totals.values()),
            silenced=frozenset(n for n in self.agents if n % 5 == self.now // 10_000 % 5),
            evidence={n: 0.5 for n in self.agents if n % 3 == self.now // 5_000 % 3},
        )

    def arrive(self) -> None:
        self.born += 1
        row = Row(
            number=self.born,
            agent_id=f'agent "{self.born}"',
            name=self.random.choice(NAMES),
            role=self.random.choice(ROLES),
            last_heartbeat=self.random.choice((0, self.now)),
        )
        place = self.random.randint(0, len(self.agents))
        agents = list(self.agents.items())
        self.agents = dict([*agents[:place], (row.number, row), *agents[place:]])

    def work(self) -> None:
        row = self._somebody()
        if row is None or row.finished_at:
            return
        ms, bucket = self.random.randrange(5_000), self.random.randrange(BUCKETS)
        fault = self.random.choice((None, *range(len(Fault))))
        failed = tuple(n + (code == fault) for code, n in enumerate(row.failed))
        buckets = tuple(n + (code == bucket) for code, n in enumerate(row.duration_buckets))
        more = {
            "tasks": row.tasks + 1,
            "duration_ms_sum": row.duration_ms_sum + ms,
            "tokens_in": row.tokens_in + self.random.choice((7, 3_000_000)),
            "cost_micros": row.cost_micros + ms,
        }
        self.agents[row.number] = replace(
            row,
            **more,
            failed=failed,
            duration_buckets=buckets,
            last_heartbeat=self.now,
            score_count=row.score_count + 1,
            score_e6_sum=row.score_e6_sum + ms * 100,
        )
        self._total(row, ms, bucket, fault)

    def change(self) -> None:
        row = self._somebody()
        if row is None:
            return
        changes = self.random.choice(
            (
                {"status": self.random.choice((Status.IDLE, Status.WORKING, Status.ERROR))},
                {"name": self.random.choice(NAMES)},
                {"role": self.random.choice(ROLES)},
                {"progress": self.random.choice((0.25, float("nan"))), "progress_at": self.now},
                {"interval_ms": self.random.choice((0, 1_500))},
                {"last_heartbeat": self.now},
            )
        )
        self.agents[row.number] = replace(row, **changes)  # type: ignore[arg-type]  # any of them

    def leave(self) -> None:
        row = self._somebody()
        if row is None:
            return
        fired = {"standing": Standing.FIRED, "terminated_at": self.now}
        done = {"finished_at": self.now}
        self.agents[row.number] = replace(row, **self.random.choice((fired, done)))  # type: ignore[arg-type]  # either

    def revive(self) -> None:
        row = self._somebody()
        if row is not None:
            back = replace(row, standing=Standing.ACTIVE, terminated_at=0, finished_at=0)
            self.agents[row.number] = back

    def forget(self) -> None:
        row = self._somebody()
        if row is not None and (row.finished_at or row.terminated_at):
            del self.agents[row.number]

    def _somebody(self) -> Row | None:
        return self.random.choice(list(self.agents.values())) if self.agents else None

    def _total(self, row: Row, ms: int, bucket: int, fault: int | None) -> None:
        key = (row.role or "", row.model or "")
        old = self.totals.get(key, make_totals(*key))
        self.totals[key] = make_totals(
            *key,
            tasks=old.tasks + 1,
            failed=tuple(n + (code == fault) for code, n in enumerate(old.failed)),
            duration_ms_sum=old.duration_ms_sum + ms,
            duration_buckets=tuple(
                n + (code == bucket) for code, n in enumerate(old.duration_buckets)
            ),
            tokens_in=old.tokens_in + 7,
            cost_micros=old.cost_micros + ms,
        )


def pages(seed: int, steps: int) -> Iterator[tuple[Facts, bytes]]:
    """One renderer's pages over a history."""
    world, renderer = World(seed), Renderer(SETTINGS, rows_per_block=2)
    for _ in range(steps):
        facts = world.step()
        zipped = renderer.render(facts, Exposition.TEXT_0_0_4, gzip=world.random.random() < 0.3)
        assert zipped.length
        yield facts, text_page(renderer, facts)


@given(seed=st.integers(0, 2**32))
@at_leisure
def test_page_after_many_small_changes_equals_a_fresh_one(seed: int) -> None:
    for facts, page in pages(seed, 25):
        fresh = text_page(Renderer(SETTINGS), facts)

        assert families(page) == families(fresh)


@given(seed=st.integers(0, 2**32))
@at_leisure
def test_openmetrics_keeps_its_order_after_many_changes(seed: int) -> None:
    world, renderer = World(seed), Renderer(SETTINGS, rows_per_block=2)
    for _ in range(25):
        facts = world.step()
        text_page(renderer, facts)

    page = renderer.render(facts, Exposition.OPENMETRICS_1_0_0).body

    assert read(page, is_openmetrics=True) == read(text_page(renderer, facts))


@given(seed=st.integers(0, 2**32))
@at_leisure
def test_no_counter_ever_steps_back_not_even_of_who_was_away(seed: int) -> None:
    highest: dict[Key, float] = {}

    for _, page in pages(seed, 25):
        for key, value in read(page).items():
            if key[0] in COUNTERS:
                assert value >= highest.get(key, 0), key
                highest[key] = value


@given(
    memberships=st.lists(
        st.lists(st.integers(1, 30), unique=True, max_size=20), min_size=1, max_size=8
    )
)
@settings(deadline=None)
def test_everybody_has_one_place_and_columns_follow(memberships: list[list[int]]) -> None:
    places, column = Places(), np.empty(0, np.int64)

    for wanted in memberships:
        source = places.follow(np.array(wanted, np.int64))
        if source is not None:
            column = moved(column, source)
            new = source == NOWHERE
            column[new] = places.numbers[new]

        assert sorted(places.numbers.tolist()) == sorted(wanted)
        assert column.tolist() == places.numbers.tolist()
        assert [wanted[index] for index in places.index.tolist()] == column.tolist()


def test_one_leaver_disturbs_its_own_place_and_the_last() -> None:
    places = Places()
    places.follow(np.arange(1, 101))

    source = places.follow(np.array([n for n in range(1, 101) if n != 17]))

    assert source is not None
    assert np.flatnonzero(source != np.arange(99)).tolist() == [16]
    assert places.numbers[16] == 100
