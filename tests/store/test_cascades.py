"""Who takes what along: a session outlives its agent, tenants and people take what is theirs, audit rows stay."""

from collections.abc import Iterator
from functools import partial

import pytest
from sqlalchemy import func, select
from tests.store.service import WORKSPACE, Service, serving
from tests.store.ticking import place, tick

from pinkslip.model.errors import Conflict, NotFound
from pinkslip.model.events import SessionReport
from pinkslip.model.words import ActorKind
from pinkslip.store import acts, silencing
from pinkslip.store.chain import genesis
from pinkslip.store.engine import Database
from pinkslip.store.maintenance import verify_chain
from pinkslip.store.tables import api_tokens, metadata, workspaces

AUDIT = ("decisions", "fires", "transitions", "ticks", "blind", "policy_sets")


@pytest.fixture
def service(database: Database) -> Iterator[Service]:
    with serving(database) as running:
        yield running


def rows(service: Service, table: str, workspace_id: int = WORKSPACE) -> int:
    made = metadata.tables[table]
    statement = select(func.count()).where(made.c.workspace_id == workspace_id)
    with service.database.reader_engine.connect() as connection:
        return int(connection.execute(statement).scalar_one())


def put(service: Service, key: str, workspace_id: int = WORKSPACE, **fields: object) -> None:
    report = SessionReport(**fields)  # type: ignore[arg-type]  # names checked by the Struct
    service.act(
        lambda tx: acts.put_session(tx, workspace_id=workspace_id, key=key, report=report)
    )


def fire(service: Service, ident: str, workspace_id: int = WORKSPACE) -> None:
    service.act(
        partial(
            acts.fire,
            workspace_id=workspace_id,
            ident=ident,
            reason="dumb",
            context="",
            actor_kind=ActorKind.PERSON,
            actor="jason",
        )
    )


def test_a_session_outlives_its_agent_and_audit_rows_stay(service: Service) -> None:
    service.beat("a")
    service.outcome("a")
    put(service, "s1", agent_id="a")
    fire(service, "a")
    before = {table: rows(service, table) for table in AUDIT}

    service.act(lambda tx: acts.delete_agent(tx, workspace_id=WORKSPACE, ident="a"))

    session = service.readers.session(WORKSPACE, "s1")
    assert session is not None
    assert (session.agent_id, session.agent_uuid) == (None, None)
    assert service.readers.agent(WORKSPACE, "a") is None
    for table in ("agents", "outcomes", "agent_changes", "beat_runs", "deliveries"):
        assert rows(service, table) == 0
    assert {table: rows(service, table) for table in AUDIT} == before
    assert before["fires"] == before["decisions"] == 1


def test_an_agent_takes_its_places_along_and_leaves_its_lineages(service: Service) -> None:
    service.beat("a")
    service.beat("b")
    tick(
        service,
        places=tuple(place(who) for who in ("agent:1", "agent:2", "lineage:x")),
    )
    fire(service, "a")

    service.act(lambda tx: acts.delete_agent(tx, workspace_id=WORKSPACE, ident="a"))

    assert [one.subject for one in service.readers.places(WORKSPACE)] == [
        "agent:2",
        "lineage:x",
    ]


def test_a_deleted_agent_comes_again_as_another(service: Service) -> None:
    service.beat("a")
    first = service.readers.agent(WORKSPACE, "a")
    fire(service, "a")
    service.act(lambda tx: acts.delete_agent(tx, workspace_id=WORKSPACE, ident="a"))

    service.beat("a")

    second = service.readers.agent(WORKSPACE, "a")
    assert first is not None
    assert second is not None
    assert second.agent_no == first.agent_no + 1
    assert second.fired_count == 0


def test_a_checkpoint_does_not_bring_a_deleted_agent_back(service: Service) -> None:
    service.beat("a")
    fire(service, "a")
    fleet = service.fold()
    service.act(lambda tx: acts.delete_agent(tx, workspace_id=WORKSPACE, ident="a"))

    assert fleet.agent("a", now=service.clock.wall_ms()) is not None
    service.checkpoint()

    assert rows(service, "agents") == 0


def test_an_agent_at_work_is_not_deleted(service: Service) -> None:
    service.beat("a")

    with pytest.raises(Conflict, match="at work"):
        service.act(lambda tx: acts.delete_agent(tx, workspace_id=WORKSPACE, ident="a"))
    with pytest.raises(NotFound):
        service.act(lambda tx: acts.delete_agent(tx, workspace_id=WORKSPACE, ident="b"))


def test_a_user_takes_their_sessions_and_tokens(service: Service) -> None:
    put(service, "hers", user_id="mary", agent_id="a")
    put(service, "nobodys", agent_id="a")
    mary = service.act(lambda tx: acts.add_user(tx, workspace_id=WORKSPACE, name="mary"))
    token = {
        "workspace_id": WORKSPACE,
        "id": "t",
        "digest": b"x",
        "name": "t",
        "user_id": mary,
        "scopes": "read",
        "source": "self",
        "created_at": 1,
    }
    service.act(lambda tx: tx.connection.execute(api_tokens.insert(), token) and None)

    service.act(lambda tx: acts.delete_user(tx, workspace_id=WORKSPACE, user="mary"))

    assert service.readers.session(WORKSPACE, "hers") is None
    assert service.readers.session(WORKSPACE, "nobodys") is not None
    assert rows(service, "api_tokens") == 0
    assert service.readers.agent(WORKSPACE, "a") is not None


def test_the_built_in_user_and_workspace_stay(service: Service) -> None:
    with pytest.raises(Conflict, match="local"):
        service.act(lambda tx: acts.delete_user(tx, workspace_id=WORKSPACE, user="local"))
    with pytest.raises(Conflict, match="default"):
        service.act(lambda tx: acts.delete_workspace(tx, workspace_id=WORKSPACE))
    with pytest.raises(NotFound):
        service.act(lambda tx: acts.delete_user(tx, workspace_id=WORKSPACE, user="nobody"))
    with pytest.raises(NotFound):
        service.act(lambda tx: acts.delete_workspace(tx, workspace_id=9))


def test_a_workspace_takes_what_is_its_own_and_audit_rows_stay(
    service: Service, database: Database
) -> None:
    other = service.act(lambda tx: acts.add_workspace(tx, name="other"))
    put(service, "mine", agent_id="a")
    put(service, "theirs", other, agent_id="a", user_id="mary")
    fire(service, "a", other)
    silence = partial(silencing.silence_add, workspace_id=other, match=(), ends_at=1 << 42)
    service.act(partial(silence, reason="x", owner="jason", starts_at=(1 << 42) - 1))
    stop = partial(acts.stop_enforcement, workspace_id=other, reason="x")
    service.act(partial(stop, actor_kind=ActorKind.PERSON, actor="jason"))
    kept = {table: rows(service, table, other) for table in AUDIT}

    service.act(lambda tx: acts.delete_workspace(tx, workspace_id=other))

    theirs = [
        table.name
        for table in metadata.sorted_tables
        if "workspace_id" in table.c and rows(service, table.name, other)
    ]
    assert set(theirs) <= set(AUDIT)
    assert {table: rows(service, table, other) for table in AUDIT} == kept
    assert kept["fires"] == kept["decisions"] == 1
    assert service.readers.session(WORKSPACE, "mine") is not None
    assert [one.broken for one in verify_chain(database)] == [None, None]


def test_a_workspace_number_is_never_used_again(service: Service) -> None:
    first = service.act(lambda tx: acts.add_workspace(tx, name="other"))
    put(service, "s", first, agent_id="a")
    fire(service, "a", first)
    service.act(lambda tx: acts.delete_workspace(tx, workspace_id=first))

    second = service.act(lambda tx: acts.add_workspace(tx, name="other"))

    assert second == first + 1
    with service.database.reader_engine.connect() as connection:
        head = connection.execute(
            select(workspaces.c.decisions_head).where(workspaces.c.id == second)
        ).scalar_one()
    assert bytes(head) == genesis(second)


def test_two_workspaces_do_not_share_a_name(service: Service) -> None:
    with pytest.raises(Conflict, match="already"):
        service.act(lambda tx: acts.add_workspace(tx, name="default"))
