"""A worker that was fired for what all its ids did comes back under none of them, until one is reinstated."""

from collections.abc import Iterator
from functools import partial

import pytest
from msgspec.structs import replace
from tests.store.service import WORKSPACE, Service, serving
from tests.store.ticking import decided, tick

from pinkslip.model.events import Heartbeat, Report
from pinkslip.model.facts import Absolved, Condemned, LineageBook, Registered
from pinkslip.model.ports import Order
from pinkslip.model.words import ActorKind, Standing, Status
from pinkslip.store import acts
from pinkslip.store.checkpoint import Place, TotalsAt, checkpoint, lineages_at
from pinkslip.store.engine import Database
from pinkslip.store.lineages import KEPT_MS
from pinkslip.store.lineages import condemn as condemn_lineage
from pinkslip.store.rebuild import history_of
from pinkslip.store.transaction import Transaction

MARY = {"actor_kind": ActorKind.PERSON, "actor": "mary"}
STOP = (Order("stop", "dumb"),)


@pytest.fixture
def service(database: Database) -> Iterator[Service]:
    with serving(database) as running:
        yield running


def condemn(service: Service, agent: str = "a", number: int = 1, *, lineage: str = "l") -> None:
    """Fire an agent for what its lineage did."""
    service.beat(agent, lineage=lineage)
    decision = decided(service, agent, number)
    evidence = replace(decision.evidence, lineage=lineage)
    tick(service.after(5_000), replace(decision, evidence=evidence))


def reinstate(service: Service, agent: str = "a") -> None:
    act = partial(acts.reinstate, workspace_id=WORKSPACE, ident=agent, wrong=False, **MARY)
    service.act(partial(act, context=""))


def kinds(service: Service) -> list[tuple[str, str]]:
    return [
        (type(fact).__name__, fact.lineage)
        for fact in service.facts
        if isinstance(fact, Condemned | Absolved)
    ]


def test_a_fire_on_a_lineages_evidence_condemns_it(service: Service) -> None:
    condemn(service)

    (fire,) = service.readers.recent_fires(WORKSPACE)
    (one,) = service.readers.condemned(WORKSPACE)
    assert (one.lineage, one.fire_id, one.agent_id, one.reason) == ("l", fire.id, "a", "dumb")
    assert one.at == fire.fired_at
    assert kinds(service) == [("Condemned", "l")]
    known = service.fold().at(service.clock.wall_ms()).acts.condemned
    assert known["l"].fire_id == fire.id


def test_a_fire_for_what_one_agent_did_condemns_nobody(service: Service) -> None:
    service.beat("a", lineage="l")
    tick(service, decided(service, "a"))

    assert service.readers.condemned(WORKSPACE) == []
    assert service.beat("b", lineage="l").verdict == "accepted"


def test_a_new_id_of_a_condemned_lineage_is_turned_away(service: Service) -> None:
    condemn(service)

    receipt = service.beat("b", lineage="l", name="again")

    assert (receipt.verdict, receipt.orders) == ("refused", STOP)
    assert (receipt.status, receipt.standing) == (Status.TERMINATED, Standing.FIRED)
    assert "lineage l needs a reinstatement" in receipt.detail
    assert service.readers.agent(WORKSPACE, "b") is None
    assert [f.agent_id for f in service.facts if isinstance(f, Registered)] == ["a"]
    assert service.beat("c", lineage="other").verdict == "accepted"
    assert service.beat("d").verdict == "accepted"


def test_a_living_agent_does_not_take_a_condemned_lineage_on(service: Service) -> None:
    service.beat("b", lineage="mine")
    condemn(service)
    last = service.fold().agent("b", now=service.clock.wall_ms())

    receipt = service.after(500).beat("b", lineage="l", name="other")

    assert (receipt.verdict, receipt.orders) == ("refused", STOP)
    assert service.fold().agent("b", now=service.clock.wall_ms()) == last
    assert service.beat("b", name="other").verdict == "accepted"


def test_living_members_stay_until_they_are_fired_themselves(service: Service) -> None:
    service.beat("b", lineage="l")
    condemn(service)

    assert service.beat("b", lineage="l").verdict == "accepted"
    assert service.beat("b").orders == ()
    service.beat("b", leaving=True)
    assert service.beat("b", boot_id="new").verdict == "refused"  # it would begin again


def test_no_order_goes_out_to_who_is_turned_away_while_enforcement_is_stopped(
    service: Service,
) -> None:
    condemn(service)
    stop = partial(acts.stop_enforcement, workspace_id=WORKSPACE, reason="drill", **MARY)
    service.act(stop)

    receipt = service.beat("b", lineage="l")

    assert (receipt.verdict, receipt.orders) == ("refused", ())


def test_who_was_turned_away_is_counted_for_people(service: Service) -> None:
    condemn(service)
    first = service.after(10).clock.wall_ms()
    again = Report(WORKSPACE, "b", Heartbeat(lineage="l"))
    service.report(again, again, Report(WORKSPACE, "c", Heartbeat(lineage="l")))
    service.after(1_000).report(again)

    often, once = service.readers.refused(WORKSPACE, since=first)
    assert (often.lineage, often.agent_id, often.reports) == ("l", "b", 3)
    assert (often.first_at, often.last_at) == (first, first + 1_000)
    assert (once.agent_id, once.reports, once.last_at) == ("c", 1, first)
    assert service.readers.refused(WORKSPACE, since=first + 1) == [often]
    assert service.journal.stats.events["heartbeat", "refused"] == 4


def test_a_reinstatement_lets_the_lineage_in_again(service: Service) -> None:
    condemn(service)
    reinstate(service)

    assert service.readers.condemned(WORKSPACE) == []
    assert kinds(service) == [("Condemned", "l"), ("Absolved", "l")]
    assert service.beat("b", lineage="l").verdict == "accepted"
    condemn(service, "b", 2)
    assert service.beat("c", lineage="l").verdict == "refused"


def test_any_member_that_comes_back_lets_it_in(service: Service) -> None:
    service.beat("b", lineage="l")
    condemn(service)
    act = partial(acts.fire, workspace_id=WORKSPACE, ident="b", reason="dumb", **MARY)
    service.act(partial(act, context=""))

    reinstate(service, "b")

    assert service.readers.condemned(WORKSPACE) == []


def test_two_fires_of_one_lineage_condemn_it_once(service: Service) -> None:
    service.beat("b", lineage="l")
    condemn(service)
    condemn(service, "b", 2)

    assert kinds(service) == [("Condemned", "l")]
    (one,) = service.readers.condemned(WORKSPACE)
    assert one.agent_id == "a"


def test_a_lineage_is_turned_away_in_its_own_workspace_alone(service: Service) -> None:
    condemn(service)
    other = service.act(lambda tx: acts.add_workspace(tx, name="other"))

    (receipt,) = service.report(Report(other, "b", Heartbeat(lineage="l")))

    assert receipt.verdict == "accepted"


def test_a_condemnation_that_was_not_committed_turns_nobody_away(service: Service) -> None:
    service.beat("a", lineage="l")

    def work(tx: Transaction) -> None:
        condemn_lineage(tx, WORKSPACE, "l", fire_id="f")
        raise LookupError("cut off")

    with pytest.raises(LookupError):
        service.act(work)

    assert service.beat("b", lineage="l").verdict == "accepted"


def test_a_start_turns_them_away_still(database: Database) -> None:
    with serving(database) as service:
        condemn(service)

    with serving(database, service.clock) as again:
        assert again.beat("b", lineage="l").verdict == "refused"


def test_books_are_checkpointed_beside_who_is_condemned(service: Service) -> None:
    condemn(service)
    place = Place(service.journal.writer, service.journal.answered)
    books = (LineageBook("l", "counted"), LineageBook("m", "also"))

    totals = TotalsAt((), place, books)
    service.act(lambda tx: checkpoint(tx, WORKSPACE, (), totals))

    with service.database.reader_engine.connect() as connection:
        kept = lineages_at(connection, WORKSPACE)
    assert kept.place == place
    first, second = kept.books
    assert (first.lineage, first.evidence, second.evidence) == ("l", "counted", "also")
    assert first.condemned_at is not None
    assert (second.condemned_at, second.fire_id) == (None, None)
    reinstate(service)
    with service.database.reader_engine.connect() as connection:
        assert lineages_at(connection, WORKSPACE).books[0] == LineageBook("l", "counted")


@pytest.mark.parametrize(("after_ms", "kept"), [(0, ["l", "m"]), (1, ["l"])])
def test_a_start_lets_go_of_what_was_quiet_for_long(
    database: Database, after_ms: int, kept: list[str]
) -> None:
    with serving(database) as service:
        condemn(service)
        service.beat("b", lineage="l")
        books = TotalsAt((), Place(1, 1), (LineageBook("l", "x"), LineageBook("m", "x")))
        service.act(lambda tx: checkpoint(tx, WORKSPACE, (), books))
        written_at = service.act(lambda tx: tx.now)
        service.clock.advance(written_at + KEPT_MS + after_ms - service.clock.wall_ms())

    with serving(database, service.clock), database.reader_engine.connect() as connection:
        assert [one.lineage for one in lineages_at(connection, WORKSPACE).books] == kept


def test_an_explanation_hears_everybody_of_the_lineage(service: Service) -> None:
    service.outcome("b")
    service.beat("b", lineage="l")
    service.beat("b", lineage="m")
    service.outcome("c")
    service.beat("a", lineage="l")
    service.outcome("a")
    now = service.clock.wall_ms()

    def heard(lineage: str | None) -> set[int]:
        facts = history_of(service.database, WORKSPACE, 3, until=now, lineage=lineage)
        return {getattr(fact, "agent_no", 0) for fact in facts}

    assert heard(None) == {3}
    assert heard("l") == {1, 3}
