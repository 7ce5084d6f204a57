"""Lists of what is not in memory: filtered, paged, bounded."""

from collections.abc import Iterator
from functools import partial

import pytest
from tests.store.service import WORKSPACE, Service, serving

from pinkslip.model.errors import Unavailable
from pinkslip.model.events import Finish, Report
from pinkslip.model.words import ActorKind, Result, Standing, Status
from pinkslip.store import acts
from pinkslip.store.engine import Database, open_database
from pinkslip.store.readers import Readers
from pinkslip.store.views import AgentFilters


@pytest.fixture
def service(database: Database) -> Iterator[Service]:
    with serving(database) as running:
        yield running


@pytest.fixture
def left(service: Service) -> Service:
    """Six agents: even ones fired, every third finished, one of them both."""
    for number in range(6):
        service.beat(
            f"agent-{number}",
            role="dev" if number < 3 else "ops",
            name=f"Name_{number}",
            labels={"team": "x"} if number % 2 else {},
        )
    for number in (0, 3):
        service.report(Report(WORKSPACE, f"agent-{number}", Finish()))
    for number in (0, 2, 4):
        service.act(
            partial(
                acts.fire,
                workspace_id=WORKSPACE,
                ident=f"agent-{number}",
                reason="dumb",
                context="",
                actor_kind=ActorKind.PERSON,
                actor="jason",
            )
        )
    service.checkpoint()
    return service


def names(readers: Readers, **wanted: object) -> list[str]:
    filters = {"finished": True, "fired": True, **wanted}
    return [agent.agent_id for agent in readers.agents_left(WORKSPACE, **filters)]  # type: ignore[arg-type]  # as named


def test_finished_and_fired_agents_are_listed_apart_or_together(left: Service) -> None:
    assert names(left.readers) == ["agent-0", "agent-2", "agent-3", "agent-4"]
    assert names(left.readers, finished=False) == ["agent-0", "agent-2", "agent-4"]
    assert names(left.readers, fired=False) == ["agent-3"]
    assert names(left.readers, finished=False, fired=False) == []


def test_pages_follow_each_other_without_gap_or_repetition(left: Service) -> None:
    found: list[str] = []
    after = 0
    while page := left.readers.agents_left(
        WORKSPACE, finished=True, fired=True, after=after, limit=1
    ):
        found += [agent.agent_id for agent in page]
        after = page[-1].agent_no

    assert found == ["agent-0", "agent-2", "agent-3", "agent-4"]


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        (AgentFilters(role=frozenset({"ops"})), ["agent-3", "agent-4"]),
        (AgentFilters(role=frozenset({"ops", "dev"}), q="NAME_2"), ["agent-2"]),
        (AgentFilters(q="name%"), []),
        (AgentFilters(q="agent-"), ["agent-0", "agent-2", "agent-3", "agent-4"]),
        (AgentFilters(status=frozenset({Status.IDLE})), ["agent-3"]),
        (
            AgentFilters(standing=frozenset({Standing.FIRED})),
            ["agent-0", "agent-2", "agent-4"],
        ),
        (AgentFilters(labels=(("team", frozenset({"x"})),)), ["agent-3"]),
        (AgentFilters(stale=True), []),
    ],
    ids=["role", "text", "no wildcards", "id", "status", "standing", "label", "stale"],
)
def test_lists_are_narrowed(left: Service, filters: AgentFilters, expected: list[str]) -> None:
    assert names(left.readers, filters=filters) == expected
    assert names(left.readers, filters=filters, limit=1) == expected[:1]


def test_an_agent_is_shown_as_its_newest_change_left_it(service: Service) -> None:
    service.beat("a", status=Status.WORKING, current_task="x")
    service.checkpoint()
    service.after(1_000).beat("a", status=Status.ERROR, name="new", labels={"k": "v"})

    agent = service.readers.agent(WORKSPACE, "a")

    assert agent is not None
    assert (agent.status, agent.name, agent.current_task) == (Status.ERROR, "new", "x")
    assert agent.labels == {"k": "v"}
    assert agent.status_since == service.clock.wall_ms()
    by_uuid = service.readers.agent(WORKSPACE, agent.uuid)
    assert by_uuid == agent
    assert service.readers.agent(WORKSPACE, "nobody") is None
    assert service.readers.agent(2, "a") is None


def test_outcomes_come_newest_first(service: Service) -> None:
    for number in range(4):
        service.after(10).outcome("a", Result.SUCCESS, duration_ms=number)

    newest = service.readers.outcomes(WORKSPACE, 1, limit=2)
    older = service.readers.outcomes(WORKSPACE, 1, before=newest[-1].at)

    assert [done.duration_ms for done in (*newest, *older)] == [3, 2, 1, 0]


def test_fire_history_is_by_agent_and_oldest_first(left: Service) -> None:
    person = {"actor_kind": ActorKind.PERSON, "actor": "mary"}
    left.act(
        partial(
            acts.reinstate,
            workspace_id=WORKSPACE,
            ident="agent-2",
            context="",
            wrong=True,
            **person,
        )
    )
    left.after(1_000).act(
        partial(
            acts.fire,
            workspace_id=WORKSPACE,
            ident="agent-2",
            reason="derailed",
            context="again",
            **person,
        )
    )

    history = left.readers.fires(WORKSPACE, [1, 2, 3])

    assert set(history) == {1, 3}
    assert [(fire.incarnation, fire.reason) for fire in history[3]] == [
        (1, "dumb"),
        (2, "derailed"),
    ]
    (newest, *_) = left.readers.recent_fires(WORKSPACE, limit=1)
    assert newest == history[3][1]
    assert left.readers.fire(WORKSPACE, newest.id) == newest
    assert left.readers.fire(WORKSPACE, "none") is None


def test_workspaces_are_found_by_name_and_number(service: Service) -> None:
    (only,) = service.readers.workspaces()

    assert service.readers.workspace("default") == only
    assert service.readers.workspace_by_id(1) == only
    assert service.readers.workspace("other") is None


def test_a_database_that_does_not_answer_is_unavailable() -> None:
    database = open_database("postgresql://nobody@127.0.0.1:9/none")

    with pytest.raises(Unavailable):
        Readers(database).workspaces()

    database.close()
