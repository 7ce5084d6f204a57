"""People overrule policies: vetoes and approvals of what waits, and what comes of too many reversals."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from tests.store.service import WORKSPACE, Service, serving
from tests.store.ticking import decided, episode, stands, tick

from pinkslip.model.decisions import Decision, Evidence
from pinkslip.model.errors import Conflict, NotFound
from pinkslip.model.facts import Demoted, Promoted, Ruled
from pinkslip.model.time import DAY_MS, HOUR_MS
from pinkslip.model.words import ActorKind, EpisodeState, Standing, Verdict
from pinkslip.store import acts, rulings, standings
from pinkslip.store.engine import Database
from pinkslip.store.maintenance import verify
from pinkslip.store.views import DecisionFilters, StoredDecision

MARY = {"actor_kind": ActorKind.PERSON, "actor": "mary"}


@pytest.fixture
def service(database: Database) -> Iterator[Service]:
    with serving(database) as running:
        yield running


def announce(
    service: Service,
    agent: str = "a",
    number: int = 1,
    *,
    asks: bool = False,
    **changes: Any,
) -> Decision:
    """A fire that waits, for its notice or for a person."""
    service.beat(agent, role="dev")
    verdict = Verdict.ASKED if asks else Verdict.NOTICED
    decision = decided(service, agent, number, verdict=verdict, **changes)
    waits = episode(
        decision.agent_no,
        state=EpisodeState.AWAITING if asks else EpisodeState.NOTICED,
        decision_id=decision.id,
        until=service.clock.wall_ms() + HOUR_MS,
    )
    tick(service.after(5_000), decision, episodes=(waits,))
    return decision


def veto(service: Service, decision: Decision, **by: Any) -> StoredDecision:
    act = partial(rulings.veto, workspace_id=WORKSPACE, decision_id=decision.id)
    return service.act(partial(act, context="it is the provider", **{**MARY, **by}))


def approve(service: Service, decision: Decision) -> StoredDecision:
    act = partial(rulings.approve, workspace_id=WORKSPACE, decision_id=decision.id)
    return service.act(partial(act, context="go on", **MARY))


def restore(service: Service) -> StoredDecision:
    act = partial(rulings.restore_policy, workspace_id=WORKSPACE, policy="slow", **MARY)
    return service.act(partial(act, context="it is mended"))


def fired(service: Service, agent: str, number: int, **changes: Any) -> Decision:
    service.beat(agent)
    decision = decided(service, agent, number, **changes)
    tick(service.after(5_000), decision)
    return decision


def take_back(service: Service, agent: str, *, wrong: bool = True) -> None:
    act = partial(acts.reinstate, workspace_id=WORKSPACE, ident=agent, wrong=wrong, **MARY)
    service.act(partial(act, context="a good one"))


def facts(service: Service, kind: type) -> list[Any]:
    return [fact for fact in service.facts if isinstance(fact, kind)]


# veto and approval


@pytest.mark.parametrize("asks", [False, True], ids=["noticed", "asked"])
def test_a_veto_is_on_record_and_told_to_the_judge(service: Service, asks: bool) -> None:
    announced = announce(service, asks=asks)

    vetoed = veto(service, announced)

    assert (vetoed.verdict, vetoed.policy, vetoed.policy_hash) == (
        Verdict.VETOED,
        "slow",
        "p1",
    )
    assert (vetoed.agent_no, vetoed.agent_id, vetoed.role) == (1, "a", "dev")
    assert (vetoed.reason, vetoed.action) == (announced.reason, announced.action)
    assert (vetoed.actor, vetoed.context) == ("mary", "it is the provider")
    assert announced.id in vetoed.evidence.words
    assert "mary" not in vetoed.evidence.words
    (ruled,) = facts(service, Ruled)
    assert (ruled.decision_id, ruled.verdict, ruled.actor) == (
        announced.id,
        Verdict.VETOED,
        "mary",
    )
    assert service.readers.ruling(WORKSPACE, announced.id) == ruled
    acts_known = service.fold().at(service.clock.wall_ms()).acts
    assert acts_known.rulings[announced.id].verdict is Verdict.VETOED
    assert verify(service.database, WORKSPACE).state == "ok"


def test_an_approval_is_on_record_and_told_to_the_judge(service: Service) -> None:
    announced = announce(service, asks=True)

    approved = approve(service, announced)

    assert approved.verdict is Verdict.APPROVED
    ruling = service.readers.ruling(WORKSPACE, announced.id)
    assert ruling is not None
    assert ruling.verdict is Verdict.APPROVED
    assert service.readers.reversals(WORKSPACE) == []


def test_what_asks_nobody_is_not_approved(service: Service) -> None:
    announced = announce(service)

    with pytest.raises(Conflict, match=r"asks nobody.*its notice passes at .*; veto it"):
        approve(service, announced)


def test_one_ruling_is_enough_but_a_veto_comes_after_an_approval(service: Service) -> None:
    announced = announce(service, asks=True)

    approve(service, announced)
    with pytest.raises(Conflict, match="was approved by mary at"):
        approve(service, announced)
    veto(service, announced, actor="jason")
    with pytest.raises(Conflict, match="was vetoed by jason at"):
        veto(service, announced)
    with pytest.raises(Conflict, match="was vetoed by jason at"):
        approve(service, announced)


def test_what_nobody_decided_is_not_found(service: Service) -> None:
    announced = announce(service)

    with pytest.raises(NotFound):
        veto(service, decided(service, "a", 99))
    held = decided(service, "a", 2, verdict=Verdict.HELD)
    tick(service, held)
    with pytest.raises(Conflict, match="announced nothing: it reads held"):
        veto(service, held)
    veto(service, announced)


@pytest.mark.parametrize(
    ("verdict", "state"),
    [
        (Verdict.FIRED, EpisodeState.ACTED),
        (Verdict.CANCELLED, EpisodeState.CLEAR),
        (Verdict.HELD, EpisodeState.HELD),
    ],
)
def test_a_ruling_that_comes_too_late_says_what_became_of_it(
    service: Service, verdict: Verdict, state: EpisodeState
) -> None:
    announced = announce(service)
    later = decided(service.after(5_000), "a", 2, verdict=verdict)
    tick(service, later, episodes=(episode(state=state, decision_id=later.id),))

    with pytest.raises(Conflict, match=f"agent a was {verdict} at ") as conflict:
        veto(service, announced)

    assert conflict.value.facts["verdict"] == verdict
    assert conflict.value.facts["decisionId"] == later.id
    assert facts(service, Ruled) == []


def test_an_episode_that_ended_without_a_word_waits_no_more(service: Service) -> None:
    announced = announce(service)
    tick(service.after(5_000), episodes=(episode(state=EpisodeState.CLEAR),))

    with pytest.raises(Conflict, match="its episode is over"):
        veto(service, announced)


# between a tick's look and its transaction


def test_a_veto_that_comes_between_look_and_transaction_is_heard(service: Service) -> None:
    announced = announce(service)
    mark = service.after(HOUR_MS).journal.mark(WORKSPACE).result(10)
    fire = decided(service, "a", 2)
    acted = episode(state=EpisodeState.ACTED, decision_id=fire.id)

    veto(service, announced)
    written = tick(service, fire, episodes=(acted,), mark=mark)

    assert (written.fired, written.superseded) == ((), (fire.id,))
    view = service.readers.agent(WORKSPACE, "a")
    assert view is not None
    assert view.standing is Standing.ACTIVE
    (open_now,) = service.readers.episodes(WORKSPACE)
    assert (open_now.state, open_now.decision_id) == (EpisodeState.NOTICED, announced.id)


def test_an_approval_in_between_stops_nothing(service: Service) -> None:
    announced = announce(service, asks=True)
    mark = service.journal.mark(WORKSPACE).result(10)
    other = decided(service, "a", 2, policy="other")

    approve(service, announced)

    assert tick(service, other, mark=mark).fired == (other.id,)


def test_a_veto_stops_only_its_own_policy_and_agent(service: Service) -> None:
    announced = announce(service)
    service.beat("b")
    mark = service.journal.mark(WORKSPACE).result(10)
    by_another = decided(service, "a", 2, policy="other")
    of_another = decided(service, "b", 3)

    veto(service, announced)

    assert tick(service, by_another, of_another, mark=mark).fired == (
        by_another.id,
        of_another.id,
    )


def test_a_protection_in_between_is_heard(service: Service) -> None:
    service.beat("a")
    mark = service.journal.mark(WORKSPACE).result(10)
    fire = decided(service, "a")
    until = service.clock.wall_ms() + HOUR_MS
    act = partial(acts.protect, workspace_id=WORKSPACE, ident="a", until=until, **MARY)

    service.act(partial(act, context="mine"))

    assert tick(service, fire, mark=mark).superseded == (fire.id,)


DONE = (Verdict.PROBATION, Verdict.QUARANTINED, Verdict.NOTICED, Verdict.ASKED)


@pytest.mark.parametrize("verdict", [*DONE, Verdict.FIRED])
def test_a_release_in_between_is_heard(service: Service, verdict: Verdict) -> None:
    service.beat("a")
    tick(service, standings=(stands(service, "a", Standing.PROBATION),))
    decision = decided(service.after(5_000), "a", verdict=verdict)
    mark = service.journal.mark(WORKSPACE).result(10)

    act = partial(standings.release, workspace_id=WORKSPACE, ident="a", context="", **MARY)
    service.act(act)

    assert tick(service, decision, mark=mark).superseded == (decision.id,)


@pytest.mark.parametrize("verdict", [*DONE, Verdict.FIRED])
def test_a_quarantine_in_between_spares_an_agent_its_fire_alone(
    service: Service, verdict: Verdict
) -> None:
    service.beat("a")
    decision = decided(service, "a", verdict=verdict)
    mark = service.journal.mark(WORKSPACE).result(10)

    until = service.clock.wall_ms() + HOUR_MS
    act = partial(standings.quarantine, workspace_id=WORKSPACE, ident="a", until=until)
    service.act(partial(act, context="", **MARY))

    is_fire = verdict is Verdict.FIRED
    assert bool(tick(service, decision, mark=mark).superseded) is is_fire


@pytest.mark.parametrize("verdict", DONE)
def test_what_would_be_done_to_an_agent_that_left_is_superseded(
    service: Service, verdict: Verdict
) -> None:
    service.beat("a")
    decision = decided(service, "a", verdict=verdict)
    act = partial(acts.fire, workspace_id=WORKSPACE, ident="a", reason="dumb", **MARY)
    service.act(partial(act, context=""))

    assert tick(service, decision).superseded == (decision.id,)


# reversals


def test_two_reversals_within_a_day_demote_the_policy_in_the_same_transaction(
    service: Service,
) -> None:
    veto(service, announce(service, "a", 1))
    assert service.readers.demotions(WORKSPACE) == []
    fired(service.after(DAY_MS - HOUR_MS), "b", 2)
    take_back(service, "b")

    (demotion,) = service.readers.demotions(WORKSPACE)
    assert (demotion.policy, demotion.policy_hash) == ("slow", "p1")
    assert "overruled 2 times within a day" in demotion.why
    assert "vetoed for a by mary" in demotion.why
    assert "reinstated for b by mary" in demotion.why
    (told,) = facts(service, Demoted)
    assert told.why == demotion.why
    newest, reinstated, *_ = service.readers.decisions(WORKSPACE)
    assert (newest.verdict, reinstated.verdict) == (Verdict.DEMOTED, Verdict.REINSTATED)
    assert newest.at == reinstated.at
    assert (newest.actor_kind, newest.agent_no) == (ActorKind.SERVICE, 0)
    assert newest.context == demotion.why
    assert "mary" not in newest.evidence.words
    demoted = service.fold().at(service.clock.wall_ms()).acts.demoted
    assert demoted["slow"].policy_hash == "p1"
    assert verify(service.database, WORKSPACE).state == "ok"


def test_what_does_not_speak_against_a_policy_demotes_nothing(service: Service) -> None:
    veto(service, announce(service, "a", 1))
    fired(service, "b", 2)
    take_back(service, "b", wrong=False)
    fired(service, "c", 3, policy_hash="p2")
    take_back(service, "c")
    fired(service, "d", 4, policy="other")
    take_back(service, "d")
    service.beat("e")
    act = partial(acts.fire, workspace_id=WORKSPACE, ident="e", reason="dumb", **MARY)
    service.act(partial(act, context=""))
    take_back(service, "e")

    assert service.readers.demotions(WORKSPACE) == []
    assert [
        (one.verdict, one.policy, one.wrong) for one in service.readers.reversals(WORKSPACE)
    ] == [
        (Verdict.VETOED, "slow", True),
        (Verdict.REINSTATED, "slow", False),
        (Verdict.REINSTATED, "slow", True),
        (Verdict.REINSTATED, "other", True),
    ]


@pytest.mark.parametrize(("after_ms", "demotes"), [(-1, True), (0, True), (1, False)])
def test_reversals_count_for_a_day(service: Service, after_ms: int, demotes: bool) -> None:
    first = announce(service, "a", 1)
    second = announce(service, "b", 2)
    veto(service.after(10), first)

    service.after(DAY_MS + after_ms)
    veto(service, second)

    assert bool(service.readers.demotions(WORKSPACE)) is demotes


def test_a_person_restores_a_policy_and_it_begins_with_a_clean_sheet(service: Service) -> None:
    for number, agent in enumerate("abc", 1):
        veto(service, announce(service, agent, number))
    assert len(facts(service, Demoted)) == 1  # once is enough

    restored = restore(service.after(10))

    assert (restored.verdict, restored.policy_hash) == (Verdict.RESTORED, "p1")
    assert [fact.policy for fact in facts(service, Promoted)] == ["slow"]
    assert service.readers.demotions(WORKSPACE) == []
    assert not service.fold().at(service.clock.wall_ms()).acts.demoted
    with pytest.raises(Conflict, match="is not demoted"):
        restore(service)
    veto(service.after(10), announce(service, "d", 4))
    assert service.readers.demotions(WORKSPACE) == []
    veto(service, announce(service, "e", 5))
    assert len(service.readers.demotions(WORKSPACE)) == 1


def test_another_version_is_demoted_on_its_own_account(service: Service) -> None:
    for number, agent in enumerate("ab", 1):
        veto(service, announce(service, agent, number))
    for number, agent in enumerate("cd", 3):
        veto(service, announce(service, agent, number, policy_hash="p2"))

    (demotion,) = service.readers.demotions(WORKSPACE)
    assert demotion.policy_hash == "p2"


# what is asked of the store


def test_what_policies_came_to_is_counted_since_an_instant(service: Service) -> None:
    announce(service, "a", 1)
    since = service.clock.wall_ms()
    held = decided(service, "a", 2, verdict=Verdict.HELD)
    fired(service, "b", 3)
    tick(service, held)
    veto(service, announce(service, "c", 4))

    counts = service.readers.policy_counts(WORKSPACE, since=since)

    assert {(one.policy, one.verdict, one.count) for one in counts} == {
        ("slow", Verdict.HELD, 1),
        ("slow", Verdict.FIRED, 1),
        ("slow", Verdict.NOTICED, 1),
    }  # a person's veto is no doing of the policy


def test_when_people_were_told_something_is_known_over_a_start(service: Service) -> None:
    announced = announce(service, "a", 1)
    asked = announce(service, "b", 2, asks=True)
    service.after(5_000).beat("c")
    notified = decided(service, "c", 3, verdict=Verdict.NOTIFIED)
    tick(service, notified, decided(service, "c", 4, verdict=Verdict.HELD))

    at = [announced.at, asked.at, notified.at]
    assert service.readers.told(WORKSPACE, since=0) == at
    assert service.readers.told(WORKSPACE, since=asked.at) == at[1:]
    assert service.readers.told(WORKSPACE, since=notified.at + 1) == []


def test_statistics_and_guards_stand_in_the_record(service: Service) -> None:
    evidence = Evidence(
        when="w", values={}, words="so", true_since=1, rung=2, rungs=3, lineage="l"
    )
    announce(service, "a", 1, evidence=evidence)

    (record,) = service.readers.decisions(WORKSPACE, filters=DecisionFilters(agent_no=1))

    assert record.evidence == evidence
