"""Whatever is sent in whatever order: each event id counts once, numbers have no gaps, followers hear all."""

import itertools
import shutil
import tempfile
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from tests.clocks import ManualClock
from tests.databases import PostgresPool, copy_sqlite
from tests.postgres import PostgresServer
from tests.store.journals import WORKSPACE, Kept, beat, finish, outcome

from pinkslip.fleet.admission import event_key
from pinkslip.model.errors import Conflict, NotFound
from pinkslip.model.events import Report
from pinkslip.model.facts import Batch, Done, Restored
from pinkslip.model.words import ActorKind
from pinkslip.store import reviewing, silencing, standings
from pinkslip.store.engine import open_database
from pinkslip.store.maintenance import verify
from pinkslip.store.transaction import Transaction

BY = {"actor_kind": ActorKind.PERSON, "actor": "jason"}
BAD = "\ud800"

agents = st.sampled_from(["a", "b", "c"])
ids = st.sampled_from([f"id-{number}" for number in range(8)])
kinds = st.sampled_from(["x", "y"])
said = st.one_of(
    st.builds(
        lambda event_id, agent, kind: outcome(event_id, agent, kind=kind), ids, agents, kinds
    ),
    st.builds(lambda agent: outcome(None, agent, kind=BAD), agents),
    st.builds(lambda agent, task: beat(agent, current_task=task), agents, kinds),
    st.builds(finish, agents),
)


class Machine(RuleBasedStateMachine):
    """A journal against a dictionary."""

    url: str

    @initialize()
    def begin(self) -> None:
        self.clock = ManualClock()
        self.database = open_database(self.fresh())
        self.known: dict[str, tuple[str, Any]] = {}
        self.writers: list[Kept] = []
        self.open()

    def fresh(self) -> str:
        raise NotImplementedError

    def open(self) -> None:
        self.kept = Kept(self.database, self.clock)
        self.kept.journal.start()
        self.writers.append(self.kept)

    @rule(reports=st.lists(said, min_size=1, max_size=8))
    def report(self, reports: list[Report]) -> None:
        for sent, receipt in zip(reports, self.kept.report(*reports), strict=True):
            assert receipt.verdict == self.expected(sent), sent

    def expected(self, sent: Report) -> str:
        event: Any = sent.event
        if getattr(event, "kind", None) == BAD:
            return "invalid"
        if not hasattr(event, "event_id"):
            return "ignored" if self.has_finished(sent) else "accepted"
        body = (sent.agent_id, event.kind)
        if event.event_id not in self.known:
            self.known[event.event_id] = body
            return "accepted"
        return "duplicate" if self.known[event.event_id] == body else "conflict"

    finished: frozenset[str] = frozenset()

    def has_finished(self, sent: Report) -> bool:
        """Finishing twice is ignored; a beat without a boot revives."""
        is_finish = hasattr(sent.event, "context")
        was = sent.agent_id in self.finished
        self.finished = (
            self.finished | {sent.agent_id} if is_finish else self.finished - {sent.agent_id}
        )
        return is_finish and was

    @rule(agent=agents, what=st.sampled_from([standings.quarantine, standings.release]))
    def order(self, agent: str, what: Any) -> None:
        """What a person says of an agent changes nothing of what is admitted."""
        until = {"until": self.clock.wall_ms() + 10**9} if what is standings.quarantine else {}
        self.act(what, ident=agent, context="", **until)

    @rule(event_id=ids, score=st.sampled_from([0.0, 1.0]))
    def review(self, event_id: str, score: float) -> None:
        given = {"event_id": event_id, "score": score, "comment": "", "actor": "jason"}
        with suppress(NotFound):
            self.kept.act(partial(reviewing.review, workspace_id=WORKSPACE, **given))
            assert event_id in self.known

    @rule()
    def silence(self) -> None:
        ends_at = self.clock.wall_ms() + 10**9
        given = {"match": (), "reason": "deploy", "owner": "jason", "ends_at": ends_at}
        added = self.kept.act(partial(silencing.silence_add, workspace_id=WORKSPACE, **given))
        end = {"silence_id": added.silence.id, "actor": "jason"}
        self.kept.act(partial(silencing.silence_end, workspace_id=WORKSPACE, **end))

    @rule(agent=agents)
    def change_my_mind(self, agent: str) -> None:
        """What is raised after an act takes all of it back."""

        def work(tx: Transaction) -> None:
            given = {"workspace_id": WORKSPACE, "ident": agent, "until": tx.now + 1}
            standings.quarantine(tx, context="", **given, **BY)
            raise LookupError

        standing = self.standing(agent)
        with suppress(LookupError, NotFound, Conflict):
            self.kept.act(work)
        assert self.standing(agent) == standing

    def act(self, what: Any, **given: Any) -> None:
        with suppress(NotFound, Conflict):
            self.kept.act(partial(what, workspace_id=WORKSPACE, **given, **BY))

    def standing(self, agent: str) -> Any:
        def look(tx: Transaction) -> Any:
            head = tx.head(WORKSPACE, agent)
            return head and (head.standing, head.standing_until, head.stood_at, head.stood_by)

        return self.kept.act(look)

    @rule(span=st.integers(0, 200_000))
    def wait(self, span: int) -> None:
        self.clock.advance(span)

    @rule()
    def restart(self) -> None:
        self.kept.journal.stop()
        self.open()

    @invariant()
    def each_id_counts_once(self) -> None:
        if not hasattr(self, "kept"):
            return
        stored = [bytes(row.event_id) for row in self.kept.rows("outcomes")]
        assert len(stored) == len(set(stored))
        assert set(stored) == {event_key(event_id) for event_id in self.known}

    @invariant()
    def followers_heard_each_once_and_in_order(self) -> None:
        if not hasattr(self, "kept"):
            return
        heard = [
            fact
            for kept in self.writers
            for batch in kept.told
            if isinstance(batch, Batch)
            for _owner, fact in batch.facts
            if not isinstance(fact, Restored)  # what was, told again
        ]
        done = [fact.event_id for fact in heard if isinstance(fact, Done)]
        assert sorted(done) == sorted(event_key(event_id) for event_id in self.known)
        assert all(one.at <= other.at for one, other in itertools.pairwise(heard))

    @invariant()
    def the_chain_of_decisions_is_whole(self) -> None:
        if hasattr(self, "kept"):
            assert verify(self.database, WORKSPACE).state == "ok"

    @invariant()
    def numbers_have_no_gaps_but_those_of_extended_runs(self) -> None:
        if not hasattr(self, "kept"):
            return
        told = {fact.seq for fact in self.kept.facts if not isinstance(fact, Restored)}
        numbers = set(self.kept.numbers()) | told
        assert numbers == set(range(1, len(numbers) + 1))

    def teardown(self) -> None:
        if hasattr(self, "kept"):
            self.kept.journal.stop()
            self.database.close()


LAWS = settings(
    max_examples=20,
    stateful_step_count=12,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],
    suppress_health_check=list(HealthCheck),
)


def test_the_laws_hold_on_sqlite(sqlite_template: Path) -> None:
    folder = Path(tempfile.mkdtemp(prefix="pinkslip-laws-"))
    numbers = itertools.count()

    class OnSqlite(Machine):
        def fresh(self) -> str:
            return copy_sqlite(sqlite_template, folder / f"{next(numbers)}.db")

    try:
        run_state_machine_as_test(OnSqlite, settings=LAWS)
    finally:
        shutil.rmtree(folder)


def test_the_laws_hold_on_postgresql(
    postgres: PostgresServer, postgres_pool: PostgresPool
) -> None:
    class OnPostgres(Machine):
        def fresh(self) -> str:
            self.name = postgres_pool.take()
            return postgres.url(self.name)

        def teardown(self) -> None:
            super().teardown()
            if hasattr(self, "name"):
                postgres_pool.give_back(self.name)

    run_state_machine_as_test(OnPostgres, settings=LAWS)


@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_halving_loses_no_report(size: int) -> None:
    from pinkslip.store.journal import _halves, _Reports, _Slice  # noqa: PLC0415 - tried from inside

    entries = [
        _Reports([beat()] * number, None, lambda _pairs: None) for number in (size, 1, 4)
    ]
    slices = [_Slice(entry, 0, len(entry.reports)) for entry in entries]

    first, second = _halves(slices)

    total = sum(part.stop - part.start for part in first + second)
    assert total == size + 5
    assert (
        abs(sum(p.stop - p.start for p in first) - sum(p.stop - p.start for p in second)) <= 1
    )
