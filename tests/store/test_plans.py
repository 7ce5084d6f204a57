"""No question a running service asks reads a whole table: each has its index, whatever the tables hold."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from typing import Any

import pytest
from sqlalchemy import event
from tests.store.service import WORKSPACE, Service, serving

from pinkslip.fleet.fleet import Fleet, FleetSettings
from pinkslip.fleet.needs import Need
from pinkslip.model.policy import Filter, Window, WindowKind
from pinkslip.model.words import ActorKind, Source, Verdict
from pinkslip.store import acts, reviewing
from pinkslip.store.engine import Database, open_database
from pinkslip.store.readers import Readers
from pinkslip.store.rebuild import history_of, rebuild
from pinkslip.store.views import AgentFilters, DecisionFilters, SessionFilters

NEEDS = (
    Need("tasks", Window(WindowKind.TIME, 60_000)),
    Need("success_rate", Window(WindowKind.TASKS, 50)),
    Need("consecutive_failures", None, Filter(sources=frozenset({Source.JUDGE}))),
)
SMALL = {"workspaces", "writers", "users", "sqlite_master"}
"""A handful of rows each, for good."""


class Asked:
    """What a database's readers were asked, and how SQLite goes about it."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.statements: set[str] = set()
        event.listen(database.reader_engine, "connect", self._listen)

    def _listen(self, connection: Any, _record: Any) -> None:
        connection.set_trace_callback(self.statements.add)

    def steps(self) -> list[tuple[str, str]]:
        """(step, statement) of every plan."""
        assert self._database.path is not None
        with closing(sqlite3.connect(self._database.path)) as connection:
            return [
                (step, statement)
                for statement in sorted(self.statements)
                if statement.startswith("SELECT")
                for *_, step in connection.execute(f"EXPLAIN QUERY PLAN {statement}")
            ]

    def whole_tables(self) -> list[str]:
        """Steps that read a table from end to end."""
        return [
            f"{step}: {statement}"
            for step, statement in self.steps()
            if step.startswith("SCAN ") and not _is_small(step)
        ]


def _is_small(step: str) -> bool:
    words = step.split()
    return words[1] in SMALL or "SUBQUERY" in words or words[1].startswith("(")


@pytest.fixture
def asked(sqlite_url: str) -> Iterator[tuple[Asked, Service]]:
    database = open_database(sqlite_url)
    asked = Asked(database)
    with serving(database) as service:
        service.beat("a")
        service.outcome("a")
        service.after(120_000).checkpoint()
        service.outcome("a", event_id="scored")
        give = partial(reviewing.review, workspace_id=WORKSPACE, event_id="scored", score=0.5)
        service.act(partial(give, comment="", actor="jason"))
        yield asked, service
    database.close()


def test_a_start_scans_no_table(asked: tuple[Asked, Service]) -> None:
    plans, service = asked
    fleet = Fleet(WORKSPACE, FleetSettings())
    fleet.declare(NEEDS)
    now = service.clock.wall_ms()

    with rebuild(
        service.database, WORKSPACE, now=now, horizon=fleet.horizon(), keep_after=now
    ) as past:
        fleet.fold(past.restored)
        fleet.fold_arrivals(past.history)
        assert list(past.batches())
        fleet.fold_presence(past.moves)
    assert history_of(service.database, WORKSPACE, 1, until=now)

    assert len(plans.statements) > 15
    assert plans.whole_tables() == []


def test_lists_and_looks_scan_no_table(asked: tuple[Asked, Service]) -> None:
    plans, service = asked
    service.act(
        partial(
            acts.fire,
            workspace_id=WORKSPACE,
            ident="a",
            reason="dumb",
            context="",
            actor_kind=ActorKind.PERSON,
            actor="jason",
        )
    )
    readers = Readers(service.database)
    (fire,) = readers.recent_fires(WORKSPACE)

    readers.agent(WORKSPACE, "a")
    readers.agents_left(WORKSPACE, finished=True, fired=True, filters=AgentFilters(q="a"))
    readers.agents_left(WORKSPACE, finished=False, fired=True, after=5)
    readers.fires(WORKSPACE, [1])
    readers.fire(WORKSPACE, fire.id)
    readers.outcomes(WORKSPACE, 1, before=5)
    readers.transitions(WORKSPACE, 1)
    readers.session(WORKSPACE, "s")
    readers.sessions(WORKSPACE, filters=SessionFilters(agent_no=1))
    readers.decision(WORKSPACE, fire.decision_id)
    readers.decisions(WORKSPACE, before=5)
    for filters in (
        DecisionFilters(agent_no=1),
        DecisionFilters(policy="p", verdict=Verdict.HELD),
        DecisionFilters(since=5),
    ):
        readers.decisions(WORKSPACE, filters=filters)
    readers.episodes(WORKSPACE)
    readers.open_deliveries(WORKSPACE)
    readers.last_tick(WORKSPACE)
    readers.ticks(WORKSPACE, since=1)
    readers.recall(WORKSPACE, "k", now=1)
    readers.policy_set_texts(WORKSPACE, "h")
    readers.enforcement(WORKSPACE)
    readers.ruling(WORKSPACE, fire.decision_id)
    readers.told(WORKSPACE, since=5)
    readers.policy_counts(WORKSPACE, since=5)
    readers.reversals(WORKSPACE, since=5)
    readers.reversals(WORKSPACE, policy="p")
    readers.demotions(WORKSPACE)
    readers.places(WORKSPACE)
    readers.silence(WORKSPACE, "s")
    readers.silences(WORKSPACE, active_at=5)
    readers.reviews(WORKSPACE, "scored")
    readers.condemned(WORKSPACE)
    readers.refused(WORKSPACE, since=5)

    assert plans.whole_tables() == []


def test_a_newest_page_is_not_sorted(asked: tuple[Asked, Service]) -> None:
    plans, service = asked
    readers = Readers(service.database)
    readers.decisions(WORKSPACE)
    readers.decisions(WORKSPACE, filters=DecisionFilters(agent_no=1))
    readers.decisions(WORKSPACE, filters=DecisionFilters(policy="p"))
    readers.outcomes(WORKSPACE, 1)
    readers.last_tick(WORKSPACE)

    assert not [step for step, _ in plans.steps() if "TEMP B-TREE" in step]
