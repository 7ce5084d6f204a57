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
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from msgspec.structs import asdict, replace
from tests.clocks import ManualClock
from tests.conftest import TEMPLATE
from tests.databases import copy_sqlite
from tests.fleet.comparing import assert_alike
from tests.postgres import PostgresServer
from tests.store.service import WORKSPACE, serving
from tests.store.ticking import decided, episode, stands, tick

from pinkslip.fleet.acts import Acts
from pinkslip.fleet.fleet import Fleet, FleetSettings
from pinkslip.fleet.needs import Need
from pinkslip.fleet.presence import LEAST_MS
from pinkslip.fleet.snapshot import AgentView
from pinkslip.model.errors import Conflict, NotFound
from pinkslip.model.events import Finish, Heartbeat, Outcome, Report
from pinkslip.model.facts import Beat, Done, Fact, Restored
from pinkslip.model.policy import Filter, Window, WindowKind
from pinkslip.model.words import (
    ActorKind,
    BlindCause,
    EpisodeState,
    Fault,
    Result,
    Scope,
    Source,
    Standing,
    Status,
    Verdict,
)
from pinkslip.store import acts, reviewing, rulings, silencing, standings, ticks
from pinkslip.store.engine import Database, open_database
from pinkslip.store.readers import Readers
from pinkslip.store.rebuild import Rebuild, history, history_of, moves, rebuild

AGENTS = ("a", "b", "c")
MINUTE, HOUR = 60_000, 3_600_000
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
    Need("flap_score"),
    Need("suspicion"),
)
EVIDENCE = (
    Need("expected_ratio", TIME),
    Need("expected_ratio", LAST, TOOL),
    *(
        Need("decayed", outcomes=outcomes, parameters=(0.85, 0.6), scope=scope)
        for outcomes in (Filter(), TOOL)
        for scope in Scope
    ),
)
SAID = {"context": "", "actor_kind": ActorKind.PERSON, "actor": "jason"}
WHAT_TICKS_CONCLUDE = {
    "announce": (Verdict.ASKED, EpisodeState.AWAITING),
    "condemn": (Verdict.FIRED, EpisodeState.ACTED),
    "probation": (Verdict.PROBATION, EpisodeState.ACTED),
}

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
    lineage=st.sampled_from([None, "l", "m"]),
    last_error=maybe_text,
    leaving=st.sampled_from([False, False, False, True]),
)
EVENTS = ("e1", "e2", "e3")
outcomes = st.builds(
    Outcome,
    event_id=st.none() | st.sampled_from(EVENTS),
    kind=maybe_text,
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
    st.tuples(st.sampled_from(["quarantine", "release"]), st.sampled_from(AGENTS)),
    st.tuples(st.sampled_from(["announce", "condemn", "probation"]), st.sampled_from(AGENTS)),
    st.tuples(st.sampled_from(["veto", "approve", "restore", "silence", "end"]), st.none()),
    st.tuples(st.just("review"), st.tuples(st.sampled_from(EVENTS), st.sampled_from([0, 1]))),
    st.tuples(st.sampled_from(["checkpoint", "tick", "restart", "blind"]), st.none()),
)
histories = st.lists(steps, min_size=1, max_size=25)


class Life:
    """A service whose process may start again, and everything its journals ever told."""

    def __init__(self, database: Database) -> None:
        self.clock = ManualClock()
        self.told: list[Fact] = []
        self.whole = Fleet(WORKSPACE, FleetSettings())
        """Folded from the very start, without a rebuild."""
        self.whole.declare((*NEEDS, *EVIDENCE))
        self._numbers = itertools.count(1)
        self._announced: list[str] = []
        self._silenced: list[str] = []
        self._database = database
        self._context = serving(database, self.clock, (*NEEDS, *EVIDENCE))
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
        match name:
            case "report":
                service.report(*argument)
            case "advance":
                self.clock.advance(argument)
            case "fire":
                self._try(acts.fire, ident=argument, reason="dumb", **SAID)
            case "reinstate":
                self._try(acts.reinstate, ident=argument, wrong=False, **SAID)
            case "protect":
                self._try(acts.protect, ident=argument, until=now + MINUTE, **SAID)
            case "quarantine":
                self._try(standings.quarantine, ident=argument, until=now + MINUTE, **SAID)
            case "release":
                self._try(standings.release, ident=argument, **SAID)
            case "review":
                event_id, score = argument
                said = {"event_id": event_id, "score": score, "comment": "", "actor": "jason"}
                self._try(reviewing.review, **said)
            case "checkpoint":
                self.catch_up()
                service.checkpoint()
            case "tick":
                tick(service)
            case "blind":
                self._blind(now)
            case "restart":
                self._restart()
            case "announce" | "condemn" | "probation":
                self._judge(name, argument)
            case "silence":
                self._silence(now)
            case "end" if self._silenced:
                given = {"silence_id": self._silenced[-1], "actor": "jason"}
                self._try(silencing.silence_end, **given)
            case "veto" | "approve" if self._announced:
                act = rulings.veto if name == "veto" else rulings.approve
                self._try(act, decision_id=self._announced[-1], **SAID)
            case "restore":
                self._try(rulings.restore_policy, policy="slow", **SAID)

    def _restart(self) -> None:
        self.catch_up()
        fleet = self.service.fleet
        self._context.__exit__(None, None, None)
        self.clock.advance(1_500)
        self._context = serving(self._database, self.clock, (*NEEDS, *EVIDENCE))
        self.service = self._context.__enter__()
        self.service.fleet = fleet

    def _silence(self, now: int) -> None:
        given = {"match": (), "ends_at": now + MINUTE, "reason": "deploy", "owner": "jason"}
        act = partial(silencing.silence_add, workspace_id=WORKSPACE, **given)
        self._silenced.append(self.service.act(act).silence.id)

    def _judge(self, what: str, agent: str) -> None:
        """A tick that concludes something of an agent, if there is one."""
        view = self.service.readers.agent(WORKSPACE, agent)
        if view is None:
            return
        verdict, state = WHAT_TICKS_CONCLUDE[what]
        decision = decided(self.service, agent, next(self._numbers), verdict=verdict)
        if what == "condemn":
            evidence = replace(decision.evidence, lineage=view.lineage)
            decision = replace(decision, evidence=evidence)
        open_now = episode(view.agent_no, state=state, decision_id=decision.id)
        stand = (stands(self.service, agent, Standing.PROBATION),)
        standings = stand if what == "probation" else ()
        tick(self.service, decision, episodes=(open_now,), standings=standings)
        if what == "announce":
            self._announced.append(decision.id)

    def _try(self, act: Callable[..., object], **arguments: object) -> None:
        with suppress(Conflict, NotFound):
            self.service.act(partial(act, workspace_id=WORKSPACE, **arguments))

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
    fleet.declare((*NEEDS, *EVIDENCE))
    with rebuild(
        database, WORKSPACE, now=now, horizon=fleet.horizon(), keep_after=keep_after
    ) as past:
        fold_all(fleet, past)
    return fleet


def fold_all(fleet: Fleet, past: Rebuild) -> None:
    fleet.fold(past.restored)
    totals = past.totals
    fleet.restore_totals(totals.rows, writer=totals.place.writer, seq=totals.place.seq)
    books = past.lineages
    fleet.restore_lineages(books.books, writer=books.place.writer, seq=books.place.seq)
    fleet.fold(past.blinds)
    fleet.fold(past.acts)
    fleet.fold_arrivals(past.history)
    for writer, batch in past.batches():
        fleet.fold(batch, writer=writer)
    fleet.fold_presence(past.moves)


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
    for name in ("active", "ordered_until", "released_at", "boot_changed_at"):
        found[name] = np.asarray(getattr(measures, name))[order].tolist()
    for ago in (0, 1, 700, MINUTE, 5 * MINUTE, LEAST_MS):
        found[f"active {ago} ms ago"] = measures.active_at(now - ago)[order].tolist()
    found["acts"] = said(measures.acts)
    return found


def said(known: Acts) -> dict[str, Any]:
    """What people's acts come to; which number one had is in the journal alone."""
    return {
        "silences": dict(known.silences),
        "demoted": {key: replace(one, seq=0) for key, one in known.demoted.items()},
        "condemned": {key: replace(one, seq=0) for key, one in known.condemned.items()},
    }


def ruled_on(fleet: Fleet, readers: Readers, now: int) -> dict[str, str]:
    """What people said of whatever waits."""
    rulings = fleet.at(now).acts.rulings
    waiting = (episode.decision_id for episode in readers.episodes(WORKSPACE))
    return {key: rulings[key].verdict for key in waiting if key in rulings}


def _slot(fleet: Fleet, agent: str, now: int) -> int | None:
    view = fleet.agent(agent, now=now)
    return None if view is None else fleet.at(now).slot_of(view.agent_no)


def in_memory(fleet: Fleet, agent: str, now: int) -> dict[str, Any] | None:
    """What the fleet shows of an agent, as far as its row and its changes must show it too."""
    return _exact(fleet.agent(agent, now=now))


def from_its_row(readers: Readers, agent: str) -> dict[str, Any] | None:
    """The same from the database."""
    return _exact(readers.agent(WORKSPACE, agent))


LAGGING = frozenset(
    [
        "updated_at",
        "last_heartbeat",
        "is_stale",
        "tasks",
        "successes",
        "failed",
        "duration_ms_sum",
        "duration_count",
        "tokens_in",
        "tokens_out",
        "cost_micros",
        "score_e6_sum",
        "score_count",
        "error_count",
        "last_error",
        "streak",
    ]
)
"""As of the checkpoint, by `Readers.agent`'s word."""


def _exact(view: AgentView | None) -> dict[str, Any] | None:
    if view is None:
        return None
    return {name: value for name, value in asdict(view).items() if name not in LAGGING}


def of_agent(fleet: Fleet, agent: str, now: int) -> dict[str, Any] | None:
    """Every measure of one agent."""
    slot = _slot(fleet, agent, now)
    if slot is None:
        return None
    measures = fleet.at(now)
    values = {
        str(number): measures.value(need.name, need.window, need.outcomes)[slot].item()
        for number, need in enumerate(NEEDS)
    }
    return {name: None if np.isnan(value) else value for name, value in values.items()}


def alone(database: Database, whole: Fleet, agent: str, now: int) -> dict[str, Any] | None:
    """The same from the agent's own journal, as `explain` does."""
    view = whole.agent(agent, now=now)
    if view is None:
        return None
    fleet = Fleet(WORKSPACE, FleetSettings())
    fleet.declare((*NEEDS, *EVIDENCE))
    fleet.fold(history_of(database, WORKSPACE, view.agent_no, until=now))
    return of_agent(fleet, agent, now)


def followed(fleet: Fleet, agent: str, now: int) -> list[Any] | None:
    """What an agent's lineage has come to."""
    slot = _slot(fleet, agent, now)
    if slot is None:
        return None
    measures = fleet.at(now)
    found = []
    for outcomes in (Filter(), TOOL):
        tasks, successes = measures.counts(outcomes, Scope.LINEAGE)
        nats = measures.cusum(0.85, 0.6, outcomes, Scope.LINEAGE)[slot].item()
        found.append((tasks[slot], successes[slot], None if np.isnan(nats) else nats))
    return found


def of_its_lineage(database: Database, whole: Fleet, agent: str, now: int) -> list[Any] | None:
    """The same from the journal of everybody who ever had it, as `explain` does."""
    view = whole.agent(agent, now=now)
    if view is None:
        return None
    fleet = Fleet(WORKSPACE, FleetSettings())
    fleet.declare((*NEEDS, *EVIDENCE))
    past = history_of(database, WORKSPACE, view.agent_no, until=now, lineage=view.lineage)
    fleet.fold(past)
    return followed(fleet, agent, now)


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
    max_examples=20,
    deadline=None,
    # each example lives on a database of its own: finding the smallest one takes many minutes
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
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
        # ticks at one instant push journal time ahead of the clock
        now = 1 + max([life.clock.wall_ms(), *(fact.at for fact in life.told)])

        again = remade(database, now)
        assert shown(again, now) == shown(life.whole, now)
        assert_alike(again, life.whole, EVIDENCE, now=now)
        assert again.lineages() == life.whole.lineages()
        readers = life.service.readers
        assert ruled_on(again, readers, now) == ruled_on(life.whole, readers, now)
        for agent in AGENTS:
            assert from_its_row(life.service.readers, agent) == in_memory(
                life.whole, agent, now
            )
            assert alone(database, life.whole, agent, now) == of_agent(life.whole, agent, now)
            kin = of_its_lineage(database, life.whole, agent, now)
            assert kin == followed(life.whole, agent, now)
        # whatever was checkpointed since, the next tick's digest is made of everything after the last one
        tick = life.service.readers.last_tick(WORKSPACE)
        ticked_at = tick.now if tick else -1
        horizon = life.whole.horizon()
        with rebuild(database, WORKSPACE, now=now, horizon=horizon, keep_after=0) as past:
            list(past.restored)
            read = [fact for fact in past.facts if fact.at > ticked_at]
        assert unnumbered(read) == unnumbered(
            [fact for fact in life.told if fact.at > ticked_at]
        )


@pytest.fixture
def life(database: Database) -> Iterator[Life]:
    running = Life(database)
    yield running
    running.close()


def test_those_that_left_long_ago_stay_in_the_database(life: Life, database: Database) -> None:
    for agent in AGENTS:
        life.step("report", [Report(WORKSPACE, agent, Heartbeat(boot_id="b1"))])
    life.step("fire", "a")
    life.step("report", [Report(WORKSPACE, "b", Finish())])
    left_at = life.clock.wall_ms()
    life.step("advance", MINUTE)
    life.step("tick", None)
    life.step("checkpoint", None)
    now = life.clock.wall_ms()

    assert _known(remade(database, now, keep_after=left_at)) == {"c"}
    assert _known(remade(database, now, keep_after=left_at - 1)) == {"a", "b", "c"}

    life.step("reinstate", "a")
    life.step("report", [Report(WORKSPACE, "b", Heartbeat(boot_id="b2"))])

    back = remade(database, life.clock.wall_ms(), keep_after=left_at)
    assert _known(back) == {"a", "b", "c"}
    view = back.agent("a", now=life.clock.wall_ms())
    assert view is not None
    assert view.incarnation == 2


def _known(fleet: Fleet) -> set[str]:
    return {agent for agent in AGENTS if fleet.agent(agent, now=0) is not None}


@pytest.mark.parametrize(("ring", "more"), [(4, 0), (7, 7), (50, 16)])
def test_a_start_reads_no_further_back_than_its_windows(
    life: Life, database: Database, ring: int, more: int
) -> None:
    for _ in range(20):
        life.step("report", [Report(WORKSPACE, "a", Outcome(result=Result.SUCCESS))])
        life.step("advance", MINUTE)
    life.step("checkpoint", None)
    life.step("tick", None)
    fleet = Fleet(WORKSPACE, FleetSettings())
    fleet.declare([Need("tasks", TIME), Need("tasks", Window(WindowKind.TASKS, ring))])
    now = life.clock.wall_ms()

    with rebuild(database, WORKSPACE, now=now, horizon=fleet.horizon(), keep_after=0) as past:
        list(past.restored)
        read = [at for some in past.history for at in some.at.tolist()]

    assert len([at for at in read if at > now - TIME.length]) == 4
    assert len(read) == 4 + more
    assert read == sorted(read)


@pytest.mark.parametrize("first", ["x", "y", "z"])
def test_of_many_outcomes_of_one_instant_a_start_keeps_the_same_few(
    life: Life, database: Database, first: str
) -> None:
    batch = [
        Report(
            WORKSPACE,
            "a",
            Outcome(
                event_id=f"{first}{number}",
                result=Result.FAILURE if number < 20 else Result.SUCCESS,
            ),
        )
        for number in range(24)
    ]
    life.step("report", batch)
    life.step("advance", 2 * TIME.length)
    life.step("checkpoint", None)
    life.step("tick", None)
    life.catch_up()
    now = life.clock.wall_ms()

    again = Fleet(WORKSPACE, FleetSettings())
    again.declare([Need("failures", LAST)])
    with rebuild(database, WORKSPACE, now=now, horizon=again.horizon(), keep_after=0) as past:
        fold_all(again, past)

    kept, told = (
        fleet.at(now).value("failures", LAST, Filter()).tolist()
        for fleet in (again, life.whole)
    )
    assert kept == told


def test_policies_that_ask_further_back_get_what_is_lacking(
    life: Life, database: Database
) -> None:
    for number in range(12):
        result = Result.FAILURE if number % 3 else Result.SUCCESS
        for agent in AGENTS[:2]:
            life.step("report", [Report(WORKSPACE, agent, Outcome(result=result, tokens_in=1))])
        life.step("advance", MINUTE)
    wider = [
        *NEEDS,
        Need("tokens", Window(WindowKind.TIME, 30 * MINUTE)),
        Need("success_rate", Window(WindowKind.TASKS, 9)),
    ]
    now = life.clock.wall_ms()
    life.catch_up()
    life.whole.advance(now)
    life.whole.declare(wider)
    lacking = life.whole.horizon()
    assert lacking.lacking

    life.whole.fold_arrivals(history(database, WORKSPACE, lacking, now=now))

    measures = life.whole.at(now)
    for need, expected in zip(wider[-2:], (12.0, 3 / 9), strict=True):
        for agent in AGENTS[:2]:
            slot = _slot(life.whole, agent, now)
            assert slot is not None
            assert measures.value(need.name, need.window, need.outcomes)[slot] == expected


def test_an_envelope_that_looks_back_further_is_told_who_was_active(
    life: Life, database: Database
) -> None:
    for boot in ("b1", "b2", "b3", "b4"):
        life.step("report", [Report(WORKSPACE, "a", Finish())])
        life.step("advance", 10 * MINUTE)
        life.step("report", [Report(WORKSPACE, "a", Heartbeat(boot_id=boot))])
        life.step("advance", 20 * MINUTE)
    now = life.clock.wall_ms()
    life.catch_up()
    life.whole.advance(now)
    slot = _slot(life.whole, "a", now)
    assert moves(database, WORKSPACE, life.whole.horizon(), now=now) is None

    life.whole.declare(NEEDS, presence_ms=2 * HOUR)
    past = moves(database, WORKSPACE, life.whole.horizon(), now=now)
    assert past is not None
    life.whole.fold_presence(past)

    measures = life.whole.at(now)
    was_active = [
        bool(measures.active_at(now - ago * MINUTE)[slot]) for ago in (95, 85, 65, 55)
    ]
    assert was_active == [True, False, True, False]
    assert moves(database, WORKSPACE, life.whole.horizon(), now=now) is None


def test_nothing_lacking_reads_nothing(life: Life, database: Database) -> None:
    life.step("report", [Report(WORKSPACE, "a", Heartbeat())])
    life.catch_up()

    assert history(database, WORKSPACE, life.whole.horizon(), now=1) == []


def test_an_agent_nobody_knows_has_no_history(database: Database) -> None:
    assert history_of(database, WORKSPACE, 9, until=1 << 60) == []


def test_history_ends_at_the_instant_asked_for(life: Life, database: Database) -> None:
    life.step("report", [Report(WORKSPACE, "a", Heartbeat())])
    then = life.clock.wall_ms()
    life.step("advance", 1)
    life.step("report", [Report(WORKSPACE, "a", Outcome(result=Result.SUCCESS))])
    life.step("report", [Report(WORKSPACE, "a", Heartbeat(status=Status.WORKING))])

    kinds = [type(fact) for fact in history_of(database, WORKSPACE, 1, until=then)]
    later = [type(fact) for fact in history_of(database, WORKSPACE, 1, until=then + 1)]

    assert Done not in kinds
    assert kinds.count(Beat) == 1
    assert Done in later
    assert later.count(Beat) == 2
