"""What is read back is what was told, and a fleet made from it is the fleet that was."""

import itertools
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.clocks import ManualClock
from tests.conftest import TEMPLATE
from tests.databases import copy_sqlite
from tests.postgres import PostgresServer
from tests.store.service import WORKSPACE, serving

from pinkslip.fleet.fleet import Fleet, FleetSettings
from pinkslip.fleet.needs import Need
from pinkslip.model.decisions import TickRecord
from pinkslip.model.errors import Conflict, NotFound
from pinkslip.model.events import Finish, Heartbeat, Outcome, Report
from pinkslip.model.facts import Beat, Fact, Restored
from pinkslip.model.policy import Filter, Guards, PolicySet, Window, WindowKind
from pinkslip.model.words import ActorKind, BlindCause, Fault, Result, Source, Status
from pinkslip.store import acts, ticks
from pinkslip.store.engine import Database, open_database
from pinkslip.store.rebuild import Rebuild, rebuild

AGENTS = ("a", "b", "c")
MINUTE = 60_000
TOOL = Filter(faults=frozenset({Fault.AGENT, Fault.TOOL}))
JUDGED = Filter(sources=frozenset({Source.JUDGE}))
TIME = Window(WindowKind.TIME, 5 * MINUTE)
LAST = Window(WindowKind.TASKS, 4)
NEEDS = (
    *(Need(name, TIME) for name in ("tasks", "failures", "tokens", "cost", "score")),
    Need("duration_mean", TIME, TOOL),
    Need("success_rate", LAST),
    Need("failures", LAST, TOOL),
    Need("tasks", LAST, JUDGED),
    Need("consecutive_failures"),
    Need("consecutive_failures", None, TOOL),
    Need("consecutive_failures", None, JUDGED),
    Need("heartbeat_age"),
    Need("progress_age"),
    Need("status_age"),
    Need("task_age"),
    Need("age"),
)
POLICIES = PolicySet(policies=(), guards=Guards(), hash="0" * 16)

maybe_text = st.none() | st.sampled_from(["x", "y"])
heartbeats = st.builds(
    Heartbeat,
    status=st.sampled_from([Status.IDLE, Status.WORKING, Status.WAITING, Status.ERROR]),
    current_task=maybe_text,
    progress=st.none() | st.sampled_from([0.0, 0.5]),
    interval=st.sampled_from([1.0, 30.0]),
    boot_id=st.sampled_from(["b1", "b2"]),
    role=maybe_text,
    model=maybe_text,
    labels=st.sampled_from([{}, {"team": "x"}]),
    last_error=maybe_text,
    leaving=st.sampled_from([False, False, False, True]),
)
outcomes = st.builds(
    Outcome,
    result=st.sampled_from([Result.SUCCESS, *Result]),
    fault=st.sampled_from([None, *Fault]),
    duration_ms=st.none() | st.integers(0, 10_000),
    tokens_in=st.none() | st.integers(0, 100),
    cost_usd=st.none() | st.just(0.25),
    score=st.none() | st.sampled_from([0.0, 0.5, 1.0]),
    error=maybe_text,
)
reports = st.builds(
    Report,
    st.just(WORKSPACE),
    st.sampled_from(AGENTS),
    heartbeats | st.just(Heartbeat()) | outcomes | st.builds(Finish),
    st.sampled_from([Source.SELF, Source.SELF, Source.JUDGE]),
)
steps = st.one_of(
    st.tuples(st.just("report"), st.lists(reports, min_size=1, max_size=5)),
    st.tuples(st.just("report"), st.lists(reports, min_size=1, max_size=5)),
    st.tuples(st.just("advance"), st.sampled_from([1, 700, MINUTE, 4 * MINUTE])),
    st.tuples(st.sampled_from(["fire", "reinstate", "protect"]), st.sampled_from(AGENTS)),
    st.tuples(st.sampled_from(["checkpoint", "tick", "restart", "blind"]), st.just(None)),
)
histories = st.lists(steps, min_size=1, max_size=25)


class Life:
    """A service whose process may start again, and everything its journals ever told."""

    def __init__(self, database: Database) -> None:
        self.clock = ManualClock()
        self.told: list[Fact] = []
        self.whole = Fleet(WORKSPACE, FleetSettings())
        """Folded from the very start, without a rebuild."""
        self.whole.declare(NEEDS)
        self._database = database
        self._context = serving(database, self.clock, NEEDS)
        self.service = self._context.__enter__()

    def close(self) -> None:
        self.catch_up()
        self._context.__exit__(None, None, None)

    def catch_up(self) -> None:
        service = self.service
        facts = [fact for fact in service.facts if not isinstance(fact, Restored)]
        self.told += facts
        self.whole.fold(service.facts, writer=service.journal.writer)
        service.fold()

    def step(self, name: str, argument: Any) -> None:
        service, now = self.service, self.clock.wall_ms()
        person = {"actor_kind": ActorKind.PERSON, "actor": "jason"}
        match name:
            case "report":
                service.report(*argument)
            case "advance":
                self.clock.advance(argument)
            case "fire":
                self._try(acts.fire, ident=argument, reason="dumb", context="", **person)
            case "reinstate":
                self._try(acts.reinstate, ident=argument, context="", wrong=False, **person)
            case "protect":
                until = now + MINUTE
                self._try(acts.protect, ident=argument, until=until, context="", **person)
            case "checkpoint":
                self.catch_up()
                service.checkpoint()
            case "tick":
                self._tick()
            case "blind":
                self._blind(now)
            case "restart":
                self.catch_up()
                fleet = service.fleet
                self._context.__exit__(None, None, None)
                self.clock.advance(1_500)
                self._context = serving(self._database, self.clock, NEEDS)
                self.service = self._context.__enter__()
                self.service.fleet = fleet

    def _try(self, act: Callable[..., object], **arguments: object) -> None:
        with suppress(Conflict, NotFound):
            self.service.act(partial(act, workspace_id=WORKSPACE, **arguments))

    def _tick(self) -> None:
        mark = self.service.journal.mark(WORKSPACE).result(10)
        record = TickRecord(
            workspace_id=WORKSPACE,
            now=mark.now,
            writer=mark.writer,
            watermark=mark.seq,
            epoch=mark.epoch,
            policy_set_hash=POLICIES.hash,
            folded=0,
            digest=bytes(16),
            wall_offset_ms=0,
            decisions=(),
            episodes=(),
        )
        self.service.act(partial(ticks.record_tick, record=record, policy_set=POLICIES))

    def _blind(self, now: int) -> None:
        self.clock.advance(2_000)
        self.service.act(
            lambda tx: ticks.record_blind(
                tx,
                WORKSPACE,
                start=now,
                end=now + 2_000,
                cause=BlindCause.STALL,
                wall_offset_ms=0,
                detail="",
            )
        )


def remade(database: Database, now: int, *, keep_after: int = 0) -> Fleet:
    """A fleet as a start makes it."""
    fleet = Fleet(WORKSPACE, FleetSettings())
    fleet.declare(NEEDS)
    with rebuild(
        database, WORKSPACE, now=now, horizon=fleet.horizon(), keep_after=keep_after
    ) as past:
        fold_all(fleet, past)
    return fleet


def fold_all(fleet: Fleet, past: Rebuild) -> None:
    fleet.fold(past.restored)
    totals = past.totals
    fleet.restore_totals(totals.rows, writer=totals.place.writer, seq=totals.place.seq)
    fleet.fold(past.blinds)
    fleet.fold_history(past.history)
    for writer, batch in past.batches():
        fleet.fold(batch, writer=writer)


def shown(fleet: Fleet, now: int) -> dict[str, Any]:
    """Everything a fleet says at an instant, by agent."""
    measures = fleet.at(now)
    order = [slot for agent in AGENTS if (slot := _slot(fleet, agent, now)) is not None]
    found: dict[str, Any] = {}
    for number, need in enumerate(NEEDS):
        values = measures.value(need.name, need.window, need.outcomes)[order]
        found[f"{number} {need.name}"] = [None if np.isnan(v) else v for v in values.tolist()]
    found["agents"] = [fleet.agent(agent, now=now) for agent in AGENTS]
    found["totals"] = [row for row in fleet.role_totals() if row.tasks or row.finished]
    found["active"] = np.asarray(measures.active)[order].tolist()
    return found


def _slot(fleet: Fleet, agent: str, now: int) -> int | None:
    view = fleet.agent(agent, now=now)
    return None if view is None else fleet.at(now).slot_of(view.agent_no)


def unnumbered(facts: Sequence[Fact]) -> tuple[list[Fact], Counter[tuple[int, int]]]:
    """Everything but beats in order; beats by agent and instant, since runs keep no number for each."""
    beats = Counter((fact.agent_no, fact.at) for fact in facts if isinstance(fact, Beat))
    return [fact for fact in facts if not isinstance(fact, Beat)], beats


_numbers = itertools.count(1)


@contextmanager
def database_of(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[Database]:
    """A fresh one for each example."""
    number = next(_numbers)
    server: PostgresServer | None = None
    if kind == "sqlite":
        template = request.getfixturevalue("sqlite_template")
        url = copy_sqlite(template, tmp_path / f"{number}.db")
    else:
        server = request.getfixturevalue("postgres_template")
        url = server.create(f"rebuild_{number}", template=TEMPLATE)
    database = open_database(url)
    try:
        yield database
    finally:
        database.close()
        if server is not None:
            server.drop(f"rebuild_{number}")


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
@given(history=histories)
@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_any_history_reads_back_as_it_was_told_and_makes_the_same_fleet(
    kind: str,
    history: list[tuple[str, Any]],
    request: pytest.FixtureRequest,
    tmp_path: Path,
) -> None:
    with database_of(kind, request, tmp_path) as database:
        life = Life(database)
        for name, argument in history:
            life.step(name, argument)
        life.close()
        now = life.clock.wall_ms() + 1

        assert shown(remade(database, now), now) == shown(life.whole, now)
        if not any(name in {"checkpoint", "tick"} for name, _ in history):
            with rebuild(
                database, WORKSPACE, now=now, horizon=life.whole.horizon(), keep_after=0
            ) as past:
                list(past.restored)
                assert unnumbered(list(past.facts)) == unnumbered(life.told)
