"""Whoever left the fleet's memory is there again with the first fact about them, whatever brings it."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from tests.clocks import ManualClock
from tests.databases import copy_sqlite
from tests.store.service import WORKSPACE, Service, serving

from pinkslip.fleet.fleet import Fleet, FleetSettings
from pinkslip.fleet.snapshot import AgentView, RoleTotals
from pinkslip.model.errors import Conflict, NotFound
from pinkslip.model.events import Finish, Heartbeat, Outcome, Report, SessionReport
from pinkslip.model.facts import Fact
from pinkslip.model.words import ActorKind, Result, Standing, Status
from pinkslip.store import acts, reviewing
from pinkslip.store.engine import Database, open_database
from pinkslip.store.rebuild import rebuild
from pinkslip.store.transaction import Transaction

PERSON = {"actor_kind": ActorKind.PERSON, "actor": "jason"}
AGENTS = ("a", "b")


@pytest.fixture
def service(database: Database) -> Iterator[Service]:
    """Agent `a` has one outcome, and left; so the fleet let go of it."""
    with serving(database) as running:
        running.beat("a", boot_id="b1", role="dev")
        running.outcome("a")
        running.report(Report(WORKSPACE, "a", Finish()))
        let_go(running)
        yield running


def let_go(service: Service, *, of_heads: bool = True) -> None:
    """As a checkpoint does with those that left long ago."""
    service.after(1_000).checkpoint()
    gone = service.fleet.forget(left_before=service.clock.wall_ms())
    if of_heads:
        service.act(lambda tx: tx.roster.forget(WORKSPACE, gone))


def session(service: Service) -> None:
    event = SessionReport(agent_id="a")
    service.report(Report(WORKSPACE, "", event, session_key="s"))


def put_session(service: Service) -> None:
    act = partial(
        acts.put_session, workspace_id=WORKSPACE, key="s", report=SessionReport(agent_id="a")
    )
    service.act(act)


def ignored(service: Service) -> None:
    assert service.beat("a", boot_id="b1").verdict == "ignored"


def finished_again(service: Service) -> None:
    (receipt,) = service.report(Report(WORKSPACE, "a", Finish()))
    assert receipt.verdict == "ignored"


def taken_back(service: Service) -> None:
    def work(tx: Transaction) -> None:
        protect(tx)
        raise Conflict("changed my mind")

    with pytest.raises(Conflict):
        service.act(work)


def protected(service: Service) -> None:
    service.act(protect)


def protect(tx: Transaction) -> object:
    return acts.protect(
        tx, workspace_id=WORKSPACE, ident="a", until=tx.now + 1, context="", **PERSON
    )


def fire(tx: Transaction, agent: str = "a") -> object:
    return acts.fire(
        tx, workspace_id=WORKSPACE, ident=agent, reason="dumb", context="", **PERSON
    )


def reinstate(tx: Transaction, agent: str = "a") -> object:
    return acts.reinstate(
        tx, workspace_id=WORKSPACE, ident=agent, context="", wrong=False, **PERSON
    )


def nothing(_service: Service) -> None:
    """Straight away."""


def started_again(service: Service) -> Fleet:
    """What a process that starts now would hold."""
    fleet = Fleet(WORKSPACE, FleetSettings())
    now = service.clock.wall_ms()
    with rebuild(
        service.database, WORKSPACE, now=now, horizon=fleet.horizon(), keep_after=now
    ) as past:
        fleet.fold(past.restored)
        totals = past.totals
        fleet.restore_totals(totals.rows, writer=totals.place.writer, seq=totals.place.seq)
        fleet.fold(past.blinds)
        for writer, batch in past.batches():
            fleet.fold(batch, writer=writer)
    return fleet


def seen(fleet: Fleet, agent: str = "a") -> AgentView | None:
    return fleet.agent(agent, now=0)


def totals(fleet: Fleet) -> list[RoleTotals]:
    return [row for row in fleet.role_totals() if row.tasks or row.finished]


WAYS = [nothing, session, put_session, ignored, finished_again, protected, taken_back]


@pytest.mark.parametrize("before", WAYS)
def test_one_that_comes_back_is_seen_and_counted(
    service: Service, before: Callable[[Service], None]
) -> None:
    before(service)

    service.beat("a", boot_id="b2", status=Status.WORKING)
    service.outcome("a", Result.FAILURE)

    for fleet in (service.fold(), started_again(service)):
        view = seen(fleet)
        assert view is not None
        assert (view.status, view.finished_at) == (Status.WORKING, None)
        assert (view.tasks, view.successes, view.role, view.streak) == (2, 1, "dev", 1)
        assert [(row.role, row.tasks, row.finished) for row in totals(fleet)] == [("dev", 2, 1)]


@pytest.mark.parametrize("before", WAYS)
def test_an_outcome_told_after_the_end_is_counted_once(
    service: Service, before: Callable[[Service], None]
) -> None:
    before(service)

    service.outcome("a", Result.FAILURE)

    for fleet in (service.fold(), started_again(service)):
        view = seen(fleet)
        assert view is not None
        assert (view.tasks, view.successes) == (2, 1)
        assert view.finished_at is not None
        assert sum(row.tasks for row in fleet.role_totals()) == 2

    let_go(service)
    service.outcome("a")
    service.outcome("a")

    for fleet in (service.fold(), started_again(service)):
        view = seen(fleet)
        assert view is not None
        assert view.tasks == 4
        assert sum(row.tasks for row in fleet.role_totals()) == 4


def test_a_review_of_one_that_left_is_counted_once(service: Service) -> None:
    service.outcome("a", event_id="e", score=0.5)
    let_go(service)
    give = partial(reviewing.review, workspace_id=WORKSPACE, event_id="e", score=1.0)
    service.act(partial(give, comment="", actor="jason"))

    for fleet in (service.fold(), started_again(service)):
        view = seen(fleet)
        assert view is not None
        assert (view.score_e6_sum, view.score_count, view.tasks) == (1_000_000, 1, 2)


@pytest.mark.parametrize("before", WAYS)
def test_one_that_is_fired_after_it_left_is_fired_everywhere(
    service: Service, before: Callable[[Service], None]
) -> None:
    before(service)
    service.after(10)

    service.act(fire)

    for fleet in (service.fold(), started_again(service)):
        view = seen(fleet)
        assert view is not None
        assert (view.standing, view.fired_count, view.role) == (Standing.FIRED, 1, "dev")

    let_go(service)
    service.outcome("a")  # kept, and counts nowhere
    assert seen(service.fold()) is None
    service.act(reinstate)

    for fleet in (service.fold(), started_again(service)):
        view = seen(fleet)
        assert view is not None
        assert (view.standing, view.incarnation, view.tasks) == (Standing.ACTIVE, 2, 1)


def test_the_fleet_may_let_go_before_the_writer_hears_of_it(service: Service) -> None:
    """Facts that are on their way while the fleet lets go are about an agent it no longer holds."""
    service.outcome("a")
    let_go(service, of_heads=False)

    service.outcome("a")
    service.beat("a")

    view = seen(service.fold())
    assert view is not None
    assert (view.tasks, view.finished_at) == (3, None)


def test_who_is_known_anew_under_a_deleted_ones_name_keeps_it(service: Service) -> None:
    service.beat("a", boot_id="b2")
    service.report(Report(WORKSPACE, "a", Finish()))
    service.fold()
    service.act(partial(acts.delete_agent, workspace_id=WORKSPACE, ident="a"))

    service.beat("a")
    fleet = service.fold()
    fleet.forget(left_before=service.after(5).clock.wall_ms(), unsaved=True)

    view = seen(fleet)
    assert view is not None
    assert (view.agent_no, view.tasks) == (2, 0)
    assert view == seen(started_again(service))


reports = st.sampled_from(
    [
        Heartbeat(),
        Heartbeat(boot_id="b1", role="x"),
        Heartbeat(boot_id="b2", role="y", status=Status.ERROR),
        Outcome(result=Result.SUCCESS, tokens_in=3, duration_ms=5),
        Outcome(result=Result.FAILURE, error="e"),
        Finish(),
        Finish(),
    ]
)
steps = st.tuples(
    st.sampled_from(
        ["report"] * 8
        + ["let go", "let go", "let go", "told late", "session", "undo", "fire", "protect"]
        + ["reinstate", "checkpoint", "start", "crash"]
    ),
    st.sampled_from(AGENTS),
    reports,
)


class Lives:
    """One service over many process lives, beside a fleet that never lets go of anybody."""

    def __init__(self, url: str) -> None:
        self.database = open_database(url)
        self.clock = ManualClock()
        self.whole = Fleet(WORKSPACE, FleetSettings())
        self.open()

    def open(self) -> None:
        self.context = serving(self.database, self.clock)
        self.service = self.context.__enter__()
        self.told: list[Fact] = []
        self.service.journal.follow(self._follow)

    def _follow(self, item: object) -> None:
        self.told += [fact for _owner, fact in getattr(item, "facts", ())]

    def close(self) -> None:
        self.whole.fold(self.told, writer=self.service.journal.writer)
        self.told.clear()
        self.context.__exit__(None, None, None)

    def step(self, name: str, agent: str, event: Heartbeat | Outcome | Finish) -> None:
        service = self.service
        self.clock.advance(10)
        match name:
            case "report":
                service.report(Report(WORKSPACE, agent, event))
            case "session":
                report = SessionReport(agent_id=agent)
                service.report(Report(WORKSPACE, "", report, session_key="s"))
            case "fire":
                self.try_to(partial(fire, agent=agent))
            case "reinstate":
                self.try_to(partial(reinstate, agent=agent))
            case "protect":
                self.try_to(
                    partial(
                        acts.protect,
                        workspace_id=WORKSPACE,
                        ident=agent,
                        until=None,
                        context="",
                        **PERSON,
                    )
                )
            case "undo":
                self.try_to(self._undone)
            case "checkpoint":
                service.checkpoint()
            case "let go":
                let_go(service)
            case "told late":  # the writer has not heard yet that the fleet let go
                let_go(service, of_heads=False)
            case "start" | "crash":
                if name == "start":
                    service.checkpoint()
                self.close()
                fleet = started_again(service)
                self.open()
                self.service.fleet = fleet

    def try_to(self, work: Callable[[Transaction], object]) -> None:
        with suppress(Conflict, NotFound):
            self.service.act(work)

    def _undone(self, tx: Transaction) -> None:
        acts.put_session(
            tx, workspace_id=WORKSPACE, key="u", report=SessionReport(agent_id="a")
        )
        raise Conflict("no")

    def compare(self, fleet: Fleet) -> None:
        assert totals(fleet) == totals(self.whole)
        for agent in AGENTS:
            view, known = seen(fleet, agent), seen(self.whole, agent)
            if known is not None and known.finished_at is None and known.terminated_at is None:
                assert view is not None, agent
            if view is not None:
                assert view == known


@given(history=st.lists(steps, min_size=3, max_size=30))
@settings(
    max_examples=60,
    deadline=None,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_letting_go_loses_nothing_and_counts_nothing_twice(
    history: list[tuple[str, str, Heartbeat | Outcome | Finish]],
    sqlite_template: object,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    path = tmp_path_factory.mktemp("lives") / "pinkslip.db"
    lives = Lives(copy_sqlite(sqlite_template, path))  # type: ignore[arg-type]  # a Path, by its fixture
    try:
        for step in history:
            lives.step(*step)
        lives.close()
        lives.compare(lives.service.fold())
        lives.compare(started_again(lives.service))
    finally:
        lives.database.close()
