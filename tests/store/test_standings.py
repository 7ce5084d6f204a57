"""How agents stand: what people order, what ticks conclude, what agents are told, and what is on record of it."""

from collections.abc import Iterator
from functools import partial

import pytest
from tests.store.service import WORKSPACE, Service, serving
from tests.store.ticking import stands, tick

from pinkslip.fleet.snapshot import AgentView
from pinkslip.model.errors import Conflict, Invalid, NotFound
from pinkslip.model.events import Finish, Report
from pinkslip.model.facts import Stood
from pinkslip.model.ports import Order
from pinkslip.model.time import MINUTE_MS, rfc3339
from pinkslip.model.words import Action, ActorKind, Standing, Verdict
from pinkslip.store import acts, standings
from pinkslip.store.engine import Database
from pinkslip.store.maintenance import verify
from pinkslip.store.views import DecisionFilters

MARY = {"actor_kind": ActorKind.PERSON, "actor": "mary"}


@pytest.fixture
def service(database: Database) -> Iterator[Service]:
    with serving(database) as running:
        yield running


def quarantine(service: Service, ident: str = "a", *, for_ms: int = MINUTE_MS) -> AgentView:
    until = service.clock.wall_ms() + for_ms
    act = partial(
        standings.quarantine, workspace_id=WORKSPACE, ident=ident, until=until, **MARY
    )
    return service.act(partial(act, context="looks odd"))


def release(service: Service, ident: str = "a") -> AgentView:
    act = partial(standings.release, workspace_id=WORKSPACE, ident=ident, **MARY)
    return service.act(partial(act, context="all well"))


def fire(service: Service, ident: str = "a") -> None:
    act = partial(acts.fire, workspace_id=WORKSPACE, ident=ident, reason="dumb", **MARY)
    service.act(partial(act, context=""))


def standing(service: Service, agent: str = "a") -> tuple[Standing, int | None]:
    """As the database has it."""
    view = service.readers.agent(WORKSPACE, agent)
    assert view is not None
    return view.standing, view.standing_until


def in_the_fleet(service: Service, agent: str = "a") -> tuple[Standing, int | None]:
    """As the fleet has it."""
    view = service.fold().agent(agent, now=service.clock.wall_ms())
    assert view is not None
    return view.standing, view.standing_until


# what people order


def test_a_quarantine_pauses_an_agent_until_it_is_over(service: Service) -> None:
    service.beat("a")
    until = service.clock.wall_ms() + MINUTE_MS
    pause = (Order("pause", "quarantined by a person", until),)

    view = quarantine(service)

    assert (view.standing, view.standing_until) == (Standing.QUARANTINED, until)
    assert standing(service) == in_the_fleet(service) == (Standing.QUARANTINED, until)
    assert service.beat("a").orders == pause
    assert service.outcome("a").orders == pause
    assert service.after(MINUTE_MS - 1).beat("a").orders == pause
    assert service.after(1).beat("a").orders == ()
    assert service.beat("a").verdict == "accepted"


def test_beats_and_outcomes_of_a_quarantined_agent_count_as_ever(service: Service) -> None:
    service.beat("a")
    quarantine(service)

    service.after(500).beat("a")
    service.outcome("a")

    view = service.fold().agent("a", now=service.clock.wall_ms())
    assert view is not None
    assert (view.last_heartbeat, view.tasks) == (service.clock.wall_ms(), 1)


def test_no_pause_goes_out_while_enforcement_is_stopped(service: Service) -> None:
    service.beat("a")
    quarantine(service)
    stop = partial(acts.stop_enforcement, workspace_id=WORKSPACE, reason="drill", **MARY)
    service.act(stop)

    assert service.beat("a").orders == ()


def test_what_a_person_orders_is_on_record_and_explained(service: Service) -> None:
    service.beat("a", role="dev")
    until = service.clock.wall_ms() + MINUTE_MS
    quarantine(service)
    service.after(10)
    release(service)

    released, quarantined = service.readers.decisions(WORKSPACE)
    assert (quarantined.verdict, released.verdict) == (Verdict.QUARANTINED, Verdict.RELEASED)
    assert (quarantined.action, quarantined.evidence.until) == (Action.QUARANTINE, until)
    assert (quarantined.policy, quarantined.role) == ("", "dev")
    assert (quarantined.actor_kind, quarantined.actor) == (ActorKind.PERSON, "mary")
    assert (quarantined.context, released.context) == ("looks odd", "all well")
    assert (
        "mary" not in quarantined.evidence.words
    )  # erasable where it stands, and nowhere else
    up, down, _first = service.readers.transitions(WORKSPACE, 1)
    assert (down.subject, down.old, down.new) == ("standing", "active", "quarantined")
    assert down.why == f"quarantined until {rfc3339(until)}: looks odd"
    assert (up.old, up.new, up.actor, up.why) == (
        "quarantined",
        "active",
        "mary",
        "released: all well",
    )
    assert verify(service.database, WORKSPACE).state == "ok"


def test_a_later_quarantine_replaces_an_earlier_one(service: Service) -> None:
    service.beat("a")
    quarantine(service)
    quarantine(service, for_ms=3 * MINUTE_MS)

    assert standing(service) == (
        Standing.QUARANTINED,
        service.clock.wall_ms() + 3 * MINUTE_MS,
    )
    assert len(service.readers.decisions(WORKSPACE)) == 2  # within the same millisecond


def test_a_release_ends_it_at_once(service: Service) -> None:
    service.beat("a")
    quarantine(service)

    release(service)

    assert standing(service) == in_the_fleet(service) == (Standing.ACTIVE, None)
    assert service.beat("a").orders == ()
    (row,) = service.fold().checkpoint([1])
    assert (row.released_at, row.ordered_until) == (service.clock.wall_ms(), None)


def test_what_does_not_fit_is_refused_and_changes_nothing(service: Service) -> None:
    service.beat("a")
    with pytest.raises(NotFound):
        quarantine(service, "b")
    with pytest.raises(Invalid, match="is past"):
        quarantine(service, for_ms=0)
    with pytest.raises(Conflict, match="is active"):
        release(service)
    service.report(Report(WORKSPACE, "f", Finish()))
    with pytest.raises(Conflict, match="finished at"):
        quarantine(service, "f")
    fire(service)
    for act in (quarantine, release):
        with pytest.raises(Conflict, match=r"is fired: dumb; reinstate it"):
            act(service)

    assert service.readers.decisions(WORKSPACE, filters=DecisionFilters(agent_no=2)) == []


def test_a_fire_and_a_reinstatement_end_a_quarantine(service: Service) -> None:
    service.beat("a")
    quarantine(service)

    fire(service)
    assert standing(service) == in_the_fleet(service) == (Standing.FIRED, None)
    take_back = partial(acts.reinstate, workspace_id=WORKSPACE, ident="a", **MARY)
    service.act(partial(take_back, context="", wrong=False))

    assert standing(service) == in_the_fleet(service) == (Standing.ACTIVE, None)
    assert service.beat("a").orders == ()


def test_a_start_goes_on_pausing(database: Database) -> None:
    with serving(database) as service:
        service.beat("a")
        service.beat("b")
        until = service.clock.wall_ms() + MINUTE_MS
        quarantine(service)
        tick(service, standings=(stands(service, "b", Standing.QUARANTINED, until),))
        clock = service.clock

    with serving(database, clock) as again:
        assert again.beat("a").orders == (Order("pause", "quarantined by a person", until),)
        assert again.beat("b").orders == (Order("pause", "quarantined by policy slow", until),)


def test_a_start_from_checkpoints_goes_on_pausing(database: Database) -> None:
    with serving(database) as service:
        service.beat("a")
        until = service.clock.wall_ms() + MINUTE_MS
        quarantine(service)
        service.checkpoint()
        clock = service.clock

    with serving(database, clock) as again:
        receipt = again.beat("a")
        assert receipt.standing is Standing.QUARANTINED
        assert receipt.orders == (Order("pause", "quarantined by a person", until),)


# what ticks conclude


def test_a_tick_makes_standings_so_and_explains_them(service: Service) -> None:
    service.beat("a")
    until = service.clock.wall_ms() + MINUTE_MS

    tick(service, standings=(stands(service, "a", Standing.QUARANTINED, until),))
    tick(
        service.after(10),
        standings=(stands(service, "a", Standing.ACTIVE, policy=None, why="nothing holds it"),),
    )

    stood = [fact for fact in service.facts if isinstance(fact, Stood)]
    assert [(fact.standing, fact.until, fact.policy, fact.by_person) for fact in stood] == [
        (Standing.QUARANTINED, until, "slow", False),
        (Standing.ACTIVE, None, None, False),
    ]
    up, down, _first = service.readers.transitions(WORKSPACE, 1)
    assert (down.actor_kind, down.actor, down.why) == (ActorKind.POLICY, "slow", "too slow")
    assert (up.actor_kind, up.actor, up.why) == (
        ActorKind.SERVICE,
        "pinkslip",
        "nothing holds it",
    )
    assert standing(service) == in_the_fleet(service) == (Standing.ACTIVE, None)


def test_a_policys_word_leaves_a_persons_order_alone(service: Service) -> None:
    service.beat("a")
    quarantine(service)
    ordered = service.clock.wall_ms() + MINUTE_MS

    later = ordered + MINUTE_MS
    tick(service.after(1), standings=(stands(service, "a", Standing.QUARANTINED, later),))

    (row,) = service.fold().checkpoint([1])
    assert (row.standing_until, row.ordered_until) == (later, ordered)


def moved_on(service: Service, how: str) -> None:
    match how:
        case "fired":
            fire(service)
        case "finished":
            service.report(Report(WORKSPACE, "a", Finish()))
        case "quarantined":
            quarantine(service)
        case "released":
            release(service)
        case "reinstated":
            fire(service)
            take_back = partial(acts.reinstate, workspace_id=WORKSPACE, ident="a", **MARY)
            service.act(partial(take_back, context="", wrong=False))


@pytest.mark.parametrize("how", ["fired", "finished", "quarantined", "released", "reinstated"])
def test_a_standing_is_passed_over_where_the_agent_moved_on_since(
    service: Service, how: str
) -> None:
    service.beat("a")
    tick(service, standings=(stands(service, "a", Standing.PROBATION),))
    change = stands(service.after(5_000), "a", Standing.NOTICE)
    mark = service.journal.mark(WORKSPACE).result(10)

    moved_on(service, how)
    before = standing(service)
    tick(service, standings=(change,), mark=mark)

    assert standing(service) == before
    tick(service.after(5_000), standings=(stands(service, "a", Standing.NOTICE),))
    gone = how in {"fired", "finished"}
    assert (standing(service)[0] is Standing.NOTICE) is not gone


def test_a_new_bootid_is_remembered_over_a_start(database: Database) -> None:
    with serving(database) as service:
        service.beat("a", boot_id="one")
        service.after(1_000).beat("a", boot_id="two")
        at = service.clock.wall_ms()
        service.checkpoint()

    with serving(database, service.clock) as again:
        statement = "SELECT boot_changed_at FROM agents"
        assert again.act(lambda tx: tx.connection.exec_driver_sql(statement).scalar()) == at
