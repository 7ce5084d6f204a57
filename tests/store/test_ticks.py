"""What a tick leaves behind: decisions in a chain, fires where they still apply, episodes, and its own row."""

import dataclasses
from collections.abc import Iterator
from functools import partial

import pytest
from sqlalchemy import text
from tests.store.service import WORKSPACE, Service, serving
from tests.store.ticking import POLICIES, POLICY, decided, episode, place, tick

from pinkslip.model.decisions import (
    DeliveryChange,
    TickRecord,
    TickWritten,
)
from pinkslip.model.events import Finish, Report
from pinkslip.model.facts import Blinded, Fired
from pinkslip.model.words import (
    ActorKind,
    BlindCause,
    DeliveryState,
    EpisodeState,
    Guard,
    Standing,
    Status,
    Verdict,
)
from pinkslip.store import acts, chain, ticks
from pinkslip.store.engine import Database
from pinkslip.store.maintenance import verify, verify_chain
from pinkslip.store.views import DecisionFilters


@pytest.fixture
def service(database: Database) -> Iterator[Service]:
    with serving(database) as running:
        yield running


def test_a_tick_is_on_record_with_the_policies_it_judged_by(service: Service) -> None:
    service.beat("a")

    tick(service)

    last = service.readers.last_tick(WORKSPACE)
    assert last is not None
    assert (last.policy_set_hash, last.folded, last.digest) == ("set1", 3, b"d" * 16)
    assert (last.writer, last.epoch) == (1, 1)
    assert service.readers.policy_set_texts(WORKSPACE, "set1") == (("f", "text"),)
    assert service.readers.policy_set_texts(WORKSPACE, "other") is None
    tick(service.after(5_000))
    assert len(service.readers.ticks(WORKSPACE, since=0)) == 2


def test_a_decision_to_fire_becomes_a_fire_with_its_evidence_and_policy_text(
    service: Service,
) -> None:
    service.beat("a", role="dev")
    decision = decided(service, "a")

    written = tick(service, decision)

    assert written == TickWritten(fired=(decision.id,), superseded=())
    agent = service.readers.agent(WORKSPACE, "a")
    assert agent is not None
    assert (agent.status, agent.standing) == (Status.TERMINATED, Standing.FIRED)
    (fire,) = service.readers.recent_fires(WORKSPACE)
    assert (fire.policy, fire.reason, fire.decision_id) == ("slow", "dumb", decision.id)
    assert (fire.actor_kind, fire.actor, fire.context) == (
        ActorKind.POLICY,
        "slow",
        "too slow",
    )
    assert fire.post_mortem["policyText"] == POLICY.text
    evidence = fire.post_mortem["evidence"]
    assert isinstance(evidence, dict)
    assert evidence["values"] == {"tasks[1h]": 5.0}
    (fact,) = (fact for fact in service.facts if isinstance(fact, Fired))
    assert fact.by_policy == "slow"
    stored = service.readers.decision(WORKSPACE, decision.id)
    assert stored is not None
    assert (stored.verdict, stored.role, stored.evidence) == (
        Verdict.FIRED,
        "dev",
        decision.evidence,
    )


def test_an_agent_that_changed_meanwhile_is_not_fired_and_the_record_says_so(
    service: Service,
) -> None:
    for name in ("fired", "finished", "reinstated"):
        service.beat(name)
    before = [
        decided(service, name, number)
        for number, name in enumerate(("fired", "finished", "reinstated"), start=1)
    ]
    person = {"actor_kind": ActorKind.PERSON, "actor": "jason"}
    for name in ("fired", "reinstated"):
        service.act(
            partial(
                acts.fire,
                workspace_id=WORKSPACE,
                ident=name,
                reason="dumb",
                context="",
                **person,
            )
        )
    service.act(
        partial(
            acts.reinstate,
            workspace_id=WORKSPACE,
            ident="reinstated",
            context="",
            wrong=False,
            **person,
        )
    )
    service.report(Report(WORKSPACE, "finished", Finish()))

    written = tick(service, *before)

    assert written == TickWritten(
        fired=(), superseded=tuple(decision.id for decision in before)
    )
    verdicts = {
        stored.agent_id: stored.verdict
        for stored in service.readers.decisions(
            WORKSPACE, filters=DecisionFilters(policy="slow")
        )
    }
    assert set(verdicts.values()) == {Verdict.SUPERSEDED}
    assert len(service.readers.recent_fires(WORKSPACE)) == 2


def test_two_policies_that_agree_fire_an_agent_once(service: Service) -> None:
    service.beat("a")
    first, second = decided(service, "a", 1), decided(service, "a", 2, policy="other")

    written = tick(service, first, second)

    assert (written.fired, written.superseded) == ((first.id,), (second.id,))
    assert len(service.readers.recent_fires(WORKSPACE)) == 1


def test_a_tick_that_cannot_be_written_leaves_nothing(service: Service) -> None:
    service.beat("a")
    decision = decided(service, "a", verdict=Verdict.HELD, guard=Guard.NEWBORN)
    tick(service, decision)

    with pytest.raises(Exception, match="decisions"):
        tick(service.after(5_000), decided(service, "a", 2), decision)

    agent = service.readers.agent(WORKSPACE, "a")
    assert agent is not None
    assert agent.standing is Standing.ACTIVE
    assert service.beat("a").orders == ()
    assert len(service.readers.decisions(WORKSPACE)) == 1
    assert len(service.readers.ticks(WORKSPACE, since=0)) == 1


def test_a_tick_is_not_filed_under_other_policies(service: Service) -> None:
    other = dataclasses.replace(POLICIES, hash="other")
    mark = service.journal.mark(WORKSPACE).result(10)
    record = TickRecord(
        workspace_id=WORKSPACE,
        now=mark.now,
        writer=mark.writer,
        watermark=mark.seq,
        epoch=mark.epoch,
        policy_set_hash="set1",
        folded=0,
        digest=b"",
        wall_offset_ms=0,
        decisions=(),
        episodes=(),
    )

    with pytest.raises(ValueError, match="judged by set1"):
        service.act(partial(ticks.record_tick, record=record, policy_set=other))


def test_episodes_stand_as_the_tick_left_them_and_end_when_clear(service: Service) -> None:
    held = episode(
        state=EpisodeState.HELD, guard=Guard.PANIC, guard_detail="3 of 9", decision_id="d"
    )

    tick(service, episodes=(held, episode(2)))
    assert service.readers.episodes(WORKSPACE) == [held, episode(2)]

    tick(service.after(5_000), episodes=(episode(state=EpisodeState.CLEAR),))
    assert service.readers.episodes(WORKSPACE) == [episode(2)]

    service.act(lambda tx: ticks.end_episodes(tx, WORKSPACE, [episode(2)]))
    assert service.readers.episodes(WORKSPACE) == []


def test_decisions_are_filtered_and_paged_newest_first(service: Service) -> None:
    service.beat("a")
    service.beat("b")
    for number in range(1, 7):
        agent = "a" if number % 2 else "b"
        held = decided(service, agent, number, verdict=Verdict.HELD, guard=Guard.NEWBORN)
        tick(service.after(5_000), held)

    page = service.readers.decisions(WORKSPACE, limit=2)
    rest = service.readers.decisions(WORKSPACE, before=page[-1].number)
    of_a = service.readers.decisions(WORKSPACE, filters=DecisionFilters(agent_id="a"))
    late = service.readers.decisions(WORKSPACE, filters=DecisionFilters(since=page[-1].at))
    none = service.readers.decisions(WORKSPACE, filters=DecisionFilters(verdict=Verdict.FIRED))

    assert [stored.number for stored in (*page, *rest)] == [6, 5, 4, 3, 2, 1]
    assert [stored.number for stored in of_a] == [5, 3, 1]
    assert [stored.number for stored in late] == [6, 5]
    assert none == []
    counts = service.readers.decision_counts(WORKSPACE)
    assert [(row.verdict, row.guard, row.count) for row in counts] == [
        (Verdict.HELD, Guard.NEWBORN, 6)
    ]


def test_counters_know_fires_and_what_was_taken_back(service: Service) -> None:
    service.beat("a", role="dev")
    service.beat("b", role="dev")
    tick(service, decided(service, "a", 1), decided(service, "b", 2))
    service.act(
        partial(
            acts.reinstate,
            workspace_id=WORKSPACE,
            ident="a",
            context="",
            wrong=True,
            actor_kind=ActorKind.PERSON,
            actor="jason",
        )
    )

    (fired,) = service.readers.fire_counts(WORKSPACE)
    (taken_back,) = service.readers.reversals(WORKSPACE)

    assert (fired.role, fired.policy, fired.reason, fired.count) == ("dev", "slow", "dumb", 2)
    assert (taken_back.policy, taken_back.role, taken_back.wrong) == ("slow", "dev", True)


def test_places_are_put_as_they_stand_and_given_up(service: Service) -> None:
    service.beat("a")
    mine = place(until=7, passes=2, quarantines=3, quarantined_until=5, decision_id="d" * 36)
    theirs = place("lineage:x", incarnation=0, base_tasks=9, base_successes=4, false_since=3)
    shadow = place(policy="other", is_shadow=True, rung=-1, standing=Standing.ACTIVE)

    tick(service, places=(mine, theirs, shadow))
    assert service.readers.places(WORKSPACE) == [shadow, mine, theirs]
    moved = place(rung=1, standing=Standing.QUARANTINED)
    tick(service.after(5_000), places=(moved, place("lineage:x", gone=True)))

    assert service.readers.places(WORKSPACE) == [shadow, moved]


def test_an_episode_that_waits_says_until_when_and_who_ruled(service: Service) -> None:
    service.beat("a")
    waits = episode(state=EpisodeState.AWAITING, until=9, ruled_by="mary", decision_id="d")

    tick(service, episodes=(waits,))

    assert service.readers.episodes(WORKSPACE) == [waits]


def test_deliveries_move_on_and_open_their_next_generation(service: Service) -> None:
    service.beat("a")
    tick(service, decided(service, "a"))
    (delivery,) = service.readers.open_deliveries(WORKSPACE)
    change = DeliveryChange(
        workspace_id=WORKSPACE,
        fire_id=delivery.fire_id,
        generation=1,
        state=DeliveryState.ZOMBIE,
        settled_at=None,
        detail="still there",
        next_generation=True,
    )

    service.act(lambda tx: ticks.record_deliveries(tx, [change]))

    opened = service.readers.open_deliveries(WORKSPACE)
    assert [(one.generation, one.state, one.detail) for one in opened] == [
        (1, DeliveryState.ZOMBIE, "still there"),
        (2, DeliveryState.PENDING, ""),
    ]
    assert service.readers.delivery_counts(WORKSPACE) == {
        DeliveryState.ZOMBIE: 1,
        DeliveryState.PENDING: 1,
    }


def test_a_cancelled_delivery_stays_cancelled(service: Service) -> None:
    service.beat("a")
    tick(service, decided(service, "a"))
    (delivery,) = service.readers.open_deliveries(WORKSPACE)
    service.act(
        partial(
            acts.reinstate,
            workspace_id=WORKSPACE,
            ident="a",
            context="",
            wrong=False,
            actor_kind=ActorKind.PERSON,
            actor="jason",
        )
    )
    change = DeliveryChange(
        workspace_id=WORKSPACE,
        fire_id=delivery.fire_id,
        generation=1,
        state=DeliveryState.CONFIRMED,
        settled_at=1,
        detail="",
        next_generation=True,
    )

    service.act(lambda tx: ticks.record_deliveries(tx, [change]))

    assert service.readers.delivery_counts(WORKSPACE) == {DeliveryState.CANCELLED: 1}


def test_blind_time_is_on_record_and_does_not_make_an_agent_silent(service: Service) -> None:
    service.beat("a")
    start = service.clock.wall_ms()
    service.after(90_001)
    blind = partial(
        ticks.record_blind,
        workspace_id=WORKSPACE,
        start=start,
        end=start + 60_000,
        cause=BlindCause.STALL,
        wall_offset_ms=5,
        detail="no tick",
    )

    service.act(blind)
    tick(service, decided(service, "a"))

    (spell,) = service.readers.blinds(WORKSPACE)
    assert (spell.started_at, spell.ended_at, spell.cause) == (
        start,
        start + 60_000,
        BlindCause.STALL,
    )
    assert any(isinstance(fact, Blinded) for fact in service.facts)
    (delivery,) = service.readers.open_deliveries(WORKSPACE)
    assert not delivery.was_silent


def test_the_chain_covers_people_and_policies_alike(
    service: Service, database: Database
) -> None:
    service.beat("a")
    service.beat("b")
    tick(service, decided(service, "a"))
    service.act(
        partial(
            acts.fire,
            workspace_id=WORKSPACE,
            ident="b",
            reason="dumb",
            context="no",
            actor_kind=ActorKind.PERSON,
            actor="jason",
        )
    )

    (verified,) = verify_chain(database)

    assert (verified.decisions, verified.broken) == (2, None)


@pytest.mark.parametrize(
    ("damage", "number", "problem"),
    [
        ("UPDATE decisions SET reason = 'x' WHERE number = 2", 2, "content"),
        (
            "UPDATE decisions SET agent_id = 'x' WHERE number = 2",
            2,
            "agent, actor, guard detail or context",
        ),
        ("DELETE FROM decisions WHERE number = 2", 2, "missing"),
        ("DELETE FROM decisions WHERE number = 3", 3, "missing"),
        ("UPDATE decisions SET chain_digest = content_digest WHERE number = 1", 1, "continue"),
        ("UPDATE workspaces SET decisions = 2", 3, "head"),
    ],
    ids=["content", "personal", "cut out", "cut off", "link", "head"],
)
def test_verifying_names_the_first_broken_link(
    service: Service, database: Database, damage: str, number: int, problem: str
) -> None:
    service.beat("a")
    for count in range(1, 4):
        held = decided(service, "a", count, verdict=Verdict.HELD)
        tick(service.after(5_000), held)
    service.act(lambda tx: tx.connection.execute(text(damage)) and None)

    (verified,) = verify_chain(database)

    assert verified.broken is not None
    assert verified.broken.number == number
    assert problem in verified.broken.problem


def test_erasing_personal_fields_keeps_the_chain(service: Service, database: Database) -> None:
    service.beat("a")
    tick(service, decided(service, "a"))
    erase = (
        "UPDATE decisions SET agent_id = '', actor = '', guard_detail = '', context = '',"
        " personal_salt = NULL"
    )
    service.act(lambda tx: tx.connection.execute(text(erase)) and None)

    (verified,) = verify_chain(database)

    assert (verified.state, verified.redacted, verified.broken) == ("redacted", 1, None)
    tick(service.after(5_000), decided(service, "a", 2, verdict=Verdict.HELD))
    assert (verify(database, WORKSPACE).decisions, verify(database, WORKSPACE).redacted) == (
        2,
        1,
    )


def test_an_erased_record_that_holds_something_again_is_broken(
    service: Service, database: Database
) -> None:
    service.beat("a")
    tick(service, decided(service, "a"))
    assert verify(database, WORKSPACE).state == "ok"
    forged = "UPDATE decisions SET personal_salt = NULL, actor = 'somebody else'"
    service.act(lambda tx: tx.connection.execute(text(forged)) and None)

    report = verify(database, WORKSPACE)

    assert report.state == "broken"
    assert report.broken is not None
    assert "were erased, and yet hold something" in report.broken.problem


def test_a_long_chain_is_walked_in_pieces(
    service: Service, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chain, "CHUNK", 2)
    service.beat("a")
    for count in range(1, 6):
        held = decided(service, "a", count, verdict=Verdict.HELD)
        tick(service.after(5_000), held)

    assert (verify(database, WORKSPACE).state, verify(database, WORKSPACE).decisions) == (
        "ok",
        5,
    )
    assert verify(database, 9).decisions == 0


def test_a_workspace_begins_its_own_chain() -> None:
    assert chain.genesis(1) != chain.genesis(2)


@pytest.mark.parametrize(
    ("tampering", "different"),
    [
        ("reason = 'derailed'", "reason"),
        ("context = 'because'", "context"),
        ("policy = NULL", "policy"),
        ("agent_no = 7", "agent_no"),
        ("agent_id = 'b'", "agent_id"),
        ("incarnation = 2", "incarnation"),
        ("actor_kind = 'person'", "actor_kind"),
        ("actor = 'jason'", "actor"),
        ("fired_at = fired_at + 1", "fired_at"),
        ("fired_at = 1", "fired_at"),
    ],
)
def test_verifying_names_the_first_fire_that_is_not_what_was_decided(
    service: Service, database: Database, tampering: str, different: str
) -> None:
    service.beat("a")
    tick(service, decided(service, "a"))
    assert verify(database, WORKSPACE).broken is None
    change = f"UPDATE fires SET {tampering}"
    service.act(lambda tx: tx.connection.execute(text(change)) and None)

    report = verify(database, WORKSPACE)

    assert (report.state, report.decisions) == ("broken", 1)
    assert report.broken is not None
    assert report.broken.words.startswith("fire ")
    assert report.broken.words.endswith(f" differs from decision 1: {different}")


@pytest.mark.parametrize(
    ("tampering", "words"),
    [
        ("DELETE FROM fires", "the fire of decision 1 is missing"),
        (
            "UPDATE fires SET decision_id = 'x'",
            "differs from no decision: there is no record x",
        ),
        (
            "UPDATE fires SET decision_id = '00000000-0000-7000-8000-000000000002'",
            "differs from decision 2: that says held",
        ),
    ],
    ids=["taken out", "of no decision", "of another decision"],
)
def test_a_fire_and_its_decision_stand_together(
    service: Service, database: Database, tampering: str, words: str
) -> None:
    service.beat("a")
    tick(service, decided(service, "a"), decided(service, "a", 2, verdict=Verdict.HELD))
    service.act(lambda tx: tx.connection.execute(text(tampering)) and None)

    report = verify(database, WORKSPACE)

    assert report.broken is not None
    assert report.broken.words.endswith(words)
