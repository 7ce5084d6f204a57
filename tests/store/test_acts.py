"""What people do to agents, sessions and enforcement, on both databases."""

from collections.abc import Callable, Iterator
from functools import partial

import pytest
from tests.store.service import WORKSPACE, Service, serving

from pinkslip.model.errors import Conflict, Invalid, NotFound
from pinkslip.model.events import Finish, Report, SessionReport
from pinkslip.model.facts import Fired, Protected, Registered, Reinstated
from pinkslip.model.words import (
    EVERYWHERE,
    ActorKind,
    DeliveryState,
    Guard,
    Result,
    Standing,
    Status,
)
from pinkslip.store import acts
from pinkslip.store.engine import Database
from pinkslip.store.views import Remembered, SessionFilters, SessionPlace


@pytest.fixture
def service(database: Database) -> Iterator[Service]:
    with serving(database) as running:
        yield running


def fire(service: Service, ident: str = "a", **more: object) -> acts.FireDone:
    given = {
        "reason": "derailed",
        "context": "went off",
        "actor_kind": ActorKind.PERSON,
        "actor": "jason",
        **more,
    }
    return service.act(partial(acts.fire, workspace_id=WORKSPACE, ident=ident, **given))


def reinstate(service: Service, ident: str = "a", *, wrong: bool = True) -> object:
    return service.act(
        partial(
            acts.reinstate,
            workspace_id=WORKSPACE,
            ident=ident,
            context="it was the provider",
            wrong=wrong,
            actor_kind=ActorKind.PERSON,
            actor="mary",
        )
    )


def put(service: Service, key: str, **fields: object) -> object:
    report = SessionReport(**fields)  # type: ignore[arg-type]  # names checked by the Struct
    return service.act(
        partial(acts.put_session, workspace_id=WORKSPACE, key=key, report=report)
    )


def test_a_fire_terminates_with_a_record_a_decision_a_delivery_and_transitions(
    service: Service,
) -> None:
    service.beat("a", role="dev", boot_id="b1")

    done = fire(service)

    agent = service.readers.agent(WORKSPACE, "a")
    assert agent is not None
    assert (agent.status, agent.standing) == (Status.TERMINATED, Standing.FIRED)
    assert agent.terminated_at == done.at
    assert agent.fired_count == 1
    (record,) = service.readers.fires(WORKSPACE, [agent.agent_no])[agent.agent_no]
    assert (record.id, record.reason, record.context) == (done.fire_id, "derailed", "went off")
    assert (record.actor_kind, record.actor) == (ActorKind.PERSON, "jason")
    assert record.policy is None
    (delivery,) = record.deliveries
    assert (delivery.state, delivery.generation) == (DeliveryState.PENDING, 1)
    assert not delivery.was_silent
    decision = service.readers.decision(WORKSPACE, done.decision_id or "")
    assert decision is not None
    assert (decision.number, decision.actor, decision.role) == (1, "jason", "dev")
    moved = {
        (move.subject, move.old, move.new, move.actor, move.why)
        for move in service.readers.transitions(WORKSPACE, agent.agent_no)
    }
    assert ("standing", "active", "fired", "jason", "fired: derailed: went off") in moved
    assert ("status", "IDLE", "TERMINATED", "jason", "fired: derailed: went off") in moved
    assert any(isinstance(fact, Fired) and fact.by_policy is None for fact in service.facts)


def test_a_second_fire_says_when_by_whom_and_why_and_counts_nothing(service: Service) -> None:
    service.beat("a")
    first = fire(service)

    with pytest.raises(Conflict) as refusal:
        fire(service.after(1_000))

    assert refusal.value.facts["firedBy"] == "jason"
    assert refusal.value.facts["reason"] == "derailed"
    assert refusal.value.facts["fireId"] == first.fire_id
    assert "went off" in str(refusal.value)
    agent = service.readers.agent(WORKSPACE, "a")
    assert agent is not None
    assert agent.fired_count == 1


def test_an_unknown_agent_cannot_be_fired(service: Service) -> None:
    with pytest.raises(NotFound):
        fire(service, "nobody")


def test_an_agent_is_also_found_by_its_uuid(service: Service) -> None:
    service.beat("a")
    agent = service.readers.agent(WORKSPACE, "a")
    assert agent is not None

    assert fire(service, agent.uuid).agent_id == "a"


def test_a_protected_agent_needs_force_and_the_answer_says_what_was_bypassed(
    service: Service,
) -> None:
    service.beat("a")
    until = service.clock.wall_ms() + 60_000
    service.act(
        partial(
            acts.protect,
            workspace_id=WORKSPACE,
            ident="a",
            until=until,
            context="a demo",
            actor_kind=ActorKind.PERSON,
            actor="mary",
        )
    )
    assert any(isinstance(fact, Protected) and fact.until == until for fact in service.facts)

    with pytest.raises(Conflict) as refusal:
        fire(service)
    done = fire(service, force=True)

    assert "protectedUntil" in refusal.value.facts
    assert done.bypassed == (Guard.PROTECTED,)


def test_protection_ends_with_none_and_cannot_begin_in_the_past(service: Service) -> None:
    service.beat("a")
    protect = partial(
        acts.protect,
        workspace_id=WORKSPACE,
        ident="a",
        context="",
        actor_kind=ActorKind.PERSON,
        actor="mary",
    )
    service.act(partial(protect, until=service.clock.wall_ms() + 60_000))

    lifted = service.act(partial(protect, until=None))

    assert lifted.protected_until is None
    assert not fire(service).bypassed
    with pytest.raises(Invalid, match="past"):
        service.act(partial(protect, until=1))


def test_a_dry_run_says_what_would_happen_and_does_nothing(service: Service) -> None:
    service.beat("a", interval=10)

    done = fire(service.after(31_000), dry_run=True)

    assert done.dry_run
    assert done.fire_id is None
    assert done.was_silent
    agent = service.readers.agent(WORKSPACE, "a")
    assert agent is not None
    assert agent.standing is Standing.ACTIVE
    assert service.readers.decisions(WORKSPACE) == []


@pytest.mark.parametrize(("silence_ms", "expected"), [(90_000, False), (90_001, True)])
def test_silence_at_the_fire_goes_by_the_grace(
    service: Service, silence_ms: int, *, expected: bool
) -> None:
    service.beat("a")

    assert fire(service.after(silence_ms)).was_silent is expected


def test_the_post_mortem_freezes_what_was_known(service: Service) -> None:
    service.beat("a", status=Status.WORKING, current_task="fix the build", model="glm")
    for number in range(12):
        service.after(1_000).outcome(
            "a", Result.FAILURE, error=f"boom {number}", kind="build", duration_ms=number
        )
    put(service, "s1", agent_id="a", label="main")

    fire(service)

    (record,) = service.readers.recent_fires(WORKSPACE)
    mortem = record.post_mortem
    assert mortem["currentTask"] == "fix the build"
    assert mortem["status"] == "WORKING"
    assert mortem["lastError"] == "boom 11"
    last = mortem["lastOutcomes"]
    assert isinstance(last, list)
    assert [outcome["durationMs"] for outcome in last] == list(range(11, 1, -1))
    sessions = mortem["sessions"]
    assert isinstance(sessions, list)
    assert sessions[0]["sessionKey"] == "s1"
    assert "told to stop" in str(mortem["does"])


def test_reinstating_keeps_the_history_and_begins_the_next_incarnation(
    service: Service,
) -> None:
    service.beat("a")
    fire(service)

    reinstate(service.after(5_000))

    agent = service.readers.agent(WORKSPACE, "a")
    assert agent is not None
    assert (agent.status, agent.standing, agent.incarnation) == (
        Status.IDLE,
        Standing.ACTIVE,
        2,
    )
    assert (agent.terminated_at, agent.fired_count) == (None, 1)
    (record,) = service.readers.fires(WORKSPACE, [agent.agent_no])[agent.agent_no]
    assert (record.was_wrong, record.reinstated_by) == (True, "mary")
    assert record.reinstate_context == "it was the provider"
    assert [delivery.state for delivery in record.deliveries] == [DeliveryState.CANCELLED]
    assert any(isinstance(fact, Reinstated) and fact.incarnation == 2 for fact in service.facts)
    again = fire(service.after(1_000))
    assert again.fire_id != record.id


def test_an_agent_that_is_not_fired_cannot_be_reinstated(service: Service) -> None:
    service.beat("a")

    with pytest.raises(Conflict, match="not fired"):
        reinstate(service)


def test_a_fleet_that_let_go_of_an_agent_has_it_again_when_it_is_reinstated(
    service: Service,
) -> None:
    service.beat("a", role="dev")
    fire(service)
    service.after(1_000).checkpoint()
    fleet = service.fold()
    assert fleet.forget(left_before=service.clock.wall_ms())
    service.checkpoint()

    reinstate(service)

    back = service.fold().agent("a", now=service.clock.wall_ms())
    assert back is not None
    assert (back.role, back.incarnation, back.standing) == ("dev", 2, Standing.ACTIVE)


def test_stopped_enforcement_survives_a_restart_and_keeps_its_first_reason(
    database: Database,
) -> None:
    clock = None
    with serving(database) as service:
        clock = service.clock
        for reason in ("a bad deploy", "again"):
            service.act(
                partial(
                    acts.stop_enforcement,
                    workspace_id=WORKSPACE,
                    reason=reason,
                    actor_kind=ActorKind.PERSON,
                    actor="jason",
                )
            )

    with serving(database, clock) as later:
        state = later.readers.enforcement(WORKSPACE)
        assert state.stopped is not None
        assert (state.stopped.reason, state.stopped.actor) == ("a bad deploy", "jason")
        assert state.why_stopped == "stopped by jason: a bad deploy"
        resume = partial(
            acts.resume_enforcement,
            workspace_id=WORKSPACE,
            reason="fixed",
            actor_kind=ActorKind.PERSON,
            actor="mary",
        )
        assert later.act(resume).why_stopped is None
        with pytest.raises(Conflict, match="running"):
            later.act(resume)
        moves = later.readers.transitions(WORKSPACE, 0)
        assert [(move.old, move.new, move.why) for move in moves] == [
            ("stopped", "running", "fixed"),
            ("running", "stopped", "a bad deploy"),
        ]


def test_everywhere_stops_every_workspace(service: Service) -> None:
    state = service.act(
        partial(
            acts.stop_enforcement,
            workspace_id=EVERYWHERE,
            reason="panic",
            actor_kind=ActorKind.API,
            actor="token 1",
        )
    )

    assert state.everywhere is not None
    assert service.readers.enforcement(WORKSPACE).why_stopped == (
        "stopped everywhere by token 1: panic"
    )
    service.beat("a")
    assert fire(service).bypassed == (Guard.STOPPED,)


def test_what_cannot_be_resumed_here_is_said_to_be_stopped_where_it_is(
    service: Service,
) -> None:
    def switched(act: Callable[..., object], where: int) -> object:
        by = {"reason": "drill", "actor_kind": ActorKind.PERSON, "actor": "jason"}
        return service.act(partial(act, workspace_id=where, **by))

    switched(acts.stop_enforcement, EVERYWHERE)
    with pytest.raises(Conflict, match=r"stopped everywhere, since .* by jason: drill; resume"):
        switched(acts.resume_enforcement, WORKSPACE)
    switched(acts.resume_enforcement, EVERYWHERE)

    switched(acts.stop_enforcement, WORKSPACE)
    with pytest.raises(Conflict, match="not stopped everywhere; nothing to resume"):
        switched(acts.resume_enforcement, EVERYWHERE)


def test_a_session_registers_the_agent_and_the_user_it_names(service: Service) -> None:
    session, created = put(  # type: ignore[misc]  # a pair
        service, "s1", agent_id="new", user_id="jason", started_at="2026-11-23T09:00:00Z"
    )

    assert created
    assert (session.agent_id, session.user_id, session.is_active) == ("new", "jason", True)
    assert service.readers.agent(WORKSPACE, "new") is not None
    assert any(isinstance(fact, Registered) for fact in service.facts)
    moves = service.readers.transitions(WORKSPACE, 1)
    assert [(move.old, move.new, move.why) for move in moves] == [
        (None, "IDLE", "first contact")
    ]


def test_absent_keeps_and_null_clears(service: Service) -> None:
    put(service, "s1", agent_id="a", label="one", channel="web", metadata={"x": 1})

    changed, created = put(  # type: ignore[misc]  # a pair
        service, "s1", label=None, message_count=3, ended_at="2026-11-23T09:00:00Z"
    )

    assert not created
    assert (changed.label, changed.channel, changed.message_count) == (None, "web", 3)
    assert changed.metadata == {"x": 1}
    assert not changed.is_active
    again, _ = put(service, "s1", ended_at=None)  # type: ignore[misc]  # a pair
    assert again.is_active


def test_a_session_without_a_user_is_the_built_in_ones(service: Service) -> None:
    session, _ = put(service, "s1")  # type: ignore[misc]  # a pair

    assert len(session.user_id) == 36
    assert session.agent_id is None
    named, _ = put(service, "s2", user_id="local")  # type: ignore[misc]  # a pair
    assert named.user_id == session.user_id


def test_an_instant_that_cannot_be_read_is_named(service: Service) -> None:
    with pytest.raises(Invalid, match="lastMessageAt"):
        put(service, "s1", last_message_at="yesterday")


def test_sessions_are_paged_newest_first(service: Service) -> None:
    for number in range(5):
        put(service, f"s{number}", started_at=f"2026-11-23T09:0{number // 2}:00Z")

    first = service.readers.sessions(WORKSPACE, limit=2)
    place = SessionPlace(first[-1].started_at, first[-1].session_key)
    rest = service.readers.sessions(WORKSPACE, after=place, limit=10)

    assert [session.session_key for session in (*first, *rest)] == [
        "s4",
        "s2",
        "s3",
        "s0",
        "s1",
    ]
    put(service, "mine", user_id="jason", agent_id="a", channel="web")
    filters = SessionFilters(user_id="jason", agent_no=1, channel="web", active=True)
    (mine,) = service.readers.sessions(WORKSPACE, filters=filters)
    assert mine.session_key == "mine"


def test_an_answer_is_remembered_for_a_day(service: Service) -> None:
    remembered = Remembered(request_digest=b"x", status=200, answer="{}")
    service.act(partial(acts.remember, workspace_id=WORKSPACE, key="k", remembered=remembered))
    now = service.clock.wall_ms()

    assert service.readers.recall(WORKSPACE, "k", now=now + 86_399_999) == remembered
    assert service.readers.recall(WORKSPACE, "k", now=now + 86_400_000) is None
    service.after(86_400_000).act(
        partial(acts.remember, workspace_id=WORKSPACE, key="l", remembered=remembered)
    )
    assert service.readers.recall(WORKSPACE, "k", now=now) is None


def test_what_a_fired_agent_reports_reaches_its_delivery(service: Service) -> None:
    service.beat("a", boot_id="b1")
    fire(service)

    receipt = service.after(1_000).beat("a", boot_id="b1")
    service.report(Report(WORKSPACE, "a", Finish(boot_id="b1")))

    assert [order.type for order in receipt.orders] == ["stop"]
    (delivery,) = service.readers.open_deliveries(WORKSPACE)
    assert delivery.state is DeliveryState.DELIVERED
    assert delivery.last_word
