"""Ticks for tests of the store: what a judge might have concluded, and the transaction that writes it."""

from functools import partial
from typing import Any

from msgspec.structs import replace
from tests.store.service import WORKSPACE, Service

from pinkslip.model.decisions import (
    Decision,
    Episode,
    Evidence,
    Place,
    StandingChange,
    TickRecord,
    TickWritten,
)
from pinkslip.model.facts import Mark
from pinkslip.model.policy import Condition, Constant, Guards, Policy, PolicySet, Span, Unit
from pinkslip.model.words import Action, EpisodeState, Mode, Standing, Verdict
from pinkslip.store import ticks

ALWAYS = Condition("1 > 0", Constant(1.0, Unit.TRUTH, Span(0, 5)))
POLICY = Policy(
    name="slow", when=ALWAYS, text="- name: slow\n  when: 1 > 0\n", hash="p1", file="f", line=1
)
POLICIES = PolicySet(policies=(POLICY,), guards=Guards(), hash="set1", texts=(("f", "text"),))


def decided(service: Service, agent: str, number: int = 1, **changes: Any) -> Decision:
    view = service.readers.agent(WORKSPACE, agent)
    assert view is not None
    return replace(
        Decision(
            id=f"00000000-0000-7000-8000-{number:012}",
            at=service.clock.wall_ms(),
            policy="slow",
            policy_hash="p1",
            agent_no=view.agent_no,
            agent_id=agent,
            incarnation=view.incarnation,
            verdict=Verdict.FIRED,
            mode=Mode.ENFORCE,
            action=Action.FIRE,
            reason="dumb",
            guard=None,
            guard_detail="",
            evidence=Evidence(
                when="1 > 0", values={"tasks[1h]": 5.0}, words="too slow", true_since=1
            ),
        ),
        **changes,
    )


def episode(agent_no: int = 1, **changes: Any) -> Episode:
    return replace(
        Episode(
            policy="slow",
            episode_hash="e1",
            agent_no=agent_no,
            incarnation=1,
            state=EpisodeState.PENDING,
            began_at=1,
            true_since=1,
            false_since=None,
        ),
        **changes,
    )


def tick(
    service: Service,
    *decisions: Decision,
    episodes: tuple[Episode, ...] = (),
    places: tuple[Place, ...] = (),
    standings: tuple[StandingChange, ...] = (),
    policies: PolicySet = POLICIES,
    mark: Mark | None = None,
) -> TickWritten:
    mark = mark or service.journal.mark(WORKSPACE).result(10)
    record = TickRecord(
        workspace_id=WORKSPACE,
        now=mark.now,
        writer=mark.writer,
        watermark=mark.seq,
        epoch=mark.epoch,
        policy_set_hash=policies.hash,
        folded=3,
        digest=b"d" * 16,
        wall_offset_ms=0,
        decisions=decisions,
        episodes=episodes,
        places=places,
        standings=standings,
    )
    return service.act(partial(ticks.record_tick, record=record, policy_set=policies))


def stands(
    service: Service, agent: str, standing: Standing, until: int | None = None, **changes: Any
) -> StandingChange:
    view = service.readers.agent(WORKSPACE, agent)
    assert view is not None
    return replace(
        StandingChange(
            agent_no=view.agent_no,
            agent_id=agent,
            incarnation=view.incarnation,
            standing=standing,
            until=until,
            policy="slow",
            why="too slow",
        ),
        **changes,
    )


def place(subject: str = "agent:1", **changes: Any) -> Place:
    return replace(
        Place(
            policy="slow",
            episode_hash="e1",
            subject=subject,
            incarnation=1,
            rung=0,
            standing=Standing.PROBATION,
            since=1,
        ),
        **changes,
    )
