"""The write connection, and what it takes to trust it: lease, fence, instants, numbers, recovery.

A transaction happens as a whole or not at all, for the database, the roster and the followers alike. There
is one case where nobody can tell at once: the answer to COMMIT was lost. Then the server is asked for the
transaction's fate by its number before anything else is done.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import Connection, RootTransaction, func, insert, select, text
from sqlalchemy.exc import DBAPIError

from pinkslip import __version__
from pinkslip.fleet.admission import Admission, Head
from pinkslip.model.facts import Batch, Mark
from pinkslip.model.ports import Clock, Follower
from pinkslip.model.words import BlindCause
from pinkslip.store.checkpoint import restored_agents
from pinkslip.store.engine import Database
from pinkslip.store.failures import is_away, spoken
from pinkslip.store.instants import Instants
from pinkslip.store.lease import Lease
from pinkslip.store.lineages import forget_lineages
from pinkslip.store.roster import Roster
from pinkslip.store.rows import write_rest
from pinkslip.store.tables import (
    acts,
    agent_changes,
    agents,
    beat_runs,
    blind,
    outcomes,
    reviews,
    ticks,
    transitions,
    workspaces,
    writers,
)
from pinkslip.store.ticks import record_blind
from pinkslip.store.transaction import Ids, Transaction

log = logging.getLogger(__name__)

RECALLED_TOGETHER = 500


class Away(Exception):
    """The database, or the lease, was not there: nothing of the transaction happened (but see `in_doubt`)."""

    def __init__(self, words: str, *, in_doubt: bool = False) -> None:
        super().__init__(words)
        self.in_doubt = in_doubt
        """COMMIT was sent and its answer never came; `recover` finds out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Assumptions:
    """What is assumed of agents that do not say."""

    interval_ms: int
    stale_factor: float

    def grace_ms(self, head: Head) -> float:
        """After how long a silence a stretch of beats is over."""
        return (head.interval_ms or self.interval_ms) * self.stale_factor


@dataclass(frozen=True, slots=True)
class _Doubt:
    xid: str
    admission: Admission


class Writer:
    """Used by one thread."""

    def __init__(
        self,
        database: Database,
        *,
        clock: Clock,
        lease: Lease,
        assumptions: Assumptions,
        renew_every_ms: int,
    ) -> None:
        self.roster = Roster()
        self.lease = lease
        self.number = 0
        """Of this process start; leads every journal row's place."""
        self.seq = 0
        """The last number of a committed transaction."""
        self.followers: list[Follower] = []
        self._database = database
        self._clock = clock
        self._assumptions = assumptions
        self._renew_every_ms = renew_every_ms
        self._renew_at = 0
        self._connection: Connection | None = None
        self._instants: Instants | None = None
        self._looked_at = 0
        """Journal time when wall and monotonic clock were last seen together."""
        self._failed_at: int | None = None
        self._doubt: _Doubt | None = None
        self._was_committed = False
        self._pass_no = 0
        self._ids = Ids()

    @property
    def instants(self) -> Instants:
        """Journal time, once opened."""
        assert self._instants is not None, "the writer is open"
        return self._instants

    def open(self) -> None:
        """Take the lease (`lease.HeldElsewhere`), number this start, and say what was missed meanwhile."""
        connection = self._connect()
        self.lease.acquire(connection)
        self._renewed()
        with connection.begin():
            newest = _newest_instant(connection)
            self._instants = Instants(self._clock, after=newest or 0)
            self._looked_at = started_at = self._instants.now()
            self.number = 1 + (connection.execute(select(func.max(writers.c.id))).scalar() or 0)
            row = {
                "id": self.number,
                "started_at": started_at,
                "holder": self.lease.holder,
                "version": __version__,
            }
            connection.execute(insert(writers), row)
            forget_lineages(connection, now=started_at)
        if newest is not None:
            self.record_blind(newest, started_at, BlindCause.RESTART, "this process started")

    def close(self) -> None:
        """Let go of the connection and of the lock file; the lease is released by `retire`."""
        if self._connection is not None:
            with _unless_broken():
                self._connection.close()
            self._connection = None
        self.lease.unlock()

    def retire(self) -> None:
        """Let the next one in at once, where the database can still be told."""
        if self._connection is not None:
            with _unless_broken():
                self.lease.release(self._connection)

    def keep(self) -> None:
        """Renew the lease when it is due, and watch the clocks. Between transactions."""
        with self._away_when_broken():
            if self._clock.monotonic_ms() >= self._renew_at or not self.lease.leads:
                self.lease.renew(self._connected())
                self._renewed()
        self._watch_clocks()

    def renewal_due_s(self) -> float:
        """How long nothing needs to be done."""
        return max(0.01, (self._renew_at - self._clock.monotonic_ms()) / 1000)

    def mark(self, workspace_id: int) -> Mark:
        """A tick's place: it sees what was committed so far, and every later row has a later instant."""
        mark = Mark(
            workspace_id=workspace_id,
            now=self.instants.mark(),
            writer=self.number,
            seq=self.seq,
            epoch=self.lease.epoch,
            wall_offset_ms=self.instants.wall_offset_ms,
        )
        self._publish(mark)
        return mark

    def transact(self, work: Callable[[Transaction], None]) -> None:
        """Run `work` in a fenced transaction, write what it admitted, commit, and tell the followers.

        `Away`: recover before the next. Whatever else `work` or the database raises comes back as it is.
        """
        now = self.instants.now()
        with self._away_when_broken(now):
            connection = self._connected()
            transaction = connection.begin()
            admission = self._admission(connection, now)
        try:
            with self._away_when_broken(now):
                tx = self._transaction(connection, admission)
                xid = self._fence(tx)
                work(tx)
                _recall(tx)
                write_rest(tx, grace_ms=self._assumptions.grace_ms)
        except BaseException:
            self.roster.undo(admission)
            _roll_back(transaction)
            raise
        self._commit(transaction, _Doubt(xid, admission))

    def look(self, question: Callable[[Connection], None]) -> None:
        """Read something between two transactions."""
        with self._away_when_broken():
            connection = self._connected()
            with connection.begin():
                question(connection)

    def recover(self) -> bool:
        """One attempt to be whole again after `Away`, which it raises when that fails.

        True when the transaction in doubt turned out committed: its followers have been told by now.
        `lease.HeldElsewhere` when somebody else serves meanwhile: then this writer is over.
        """
        with self._away_when_broken():
            self._drop_connection()
            connection = self._connect()
            self._settle_doubt(connection)
            self.lease.renew(connection)
            self._renewed()
        if self._failed_at is not None:
            words = "nothing could be written"
            self.record_blind(self._failed_at, self.instants.now(), BlindCause.DATABASE, words)
            self._failed_at = None
        was_committed, self._was_committed = self._was_committed, False
        return was_committed

    def record_blind(self, start: int, end: int, cause: BlindCause, detail: str) -> None:
        """For every workspace: we did not see between these instants."""
        offset = self.instants.wall_offset_ms

        def work(tx: Transaction) -> None:
            for workspace_id in tx.connection.execute(select(workspaces.c.id)).scalars().all():
                record_blind(
                    tx,
                    workspace_id,
                    start=start,
                    end=end,
                    cause=cause,
                    wall_offset_ms=offset,
                    detail=detail,
                )

        self.transact(work)

    def _watch_clocks(self) -> None:
        parted = self.instants.parting()
        now = self.instants.now()
        if parted is None:
            self._looked_at = now
            return
        before, self.instants.wall_offset_ms = self.instants.wall_offset_ms, parted
        try:
            detail = f"the wall clock moved by {parted - before} ms against the monotonic one"
            self.record_blind(self._looked_at, now, BlindCause.CLOCK, detail)
        except Away:
            self.instants.wall_offset_ms = before
            raise
        self._looked_at = now

    def _admission(self, connection: Connection, now: int) -> Admission:
        self._pass_no += 1
        return Admission(
            stopped=self.roster.stopped(connection),
            condemned=self.roster.condemned(connection),
            pass_no=self._pass_no,
            now=now,
            seq=self.seq,
            assumed_interval_ms=self._assumptions.interval_ms,
        )

    def _transaction(self, connection: Connection, admission: Admission) -> Transaction:
        return Transaction(
            connection=connection,
            dialect=self._database.dialect,
            writer=self.number,
            epoch=self.lease.epoch,
            roster=self.roster,
            admission=admission,
            ids=self._ids,
        )

    def _fence(self, tx: Transaction) -> str:
        xid = self.lease.fence(tx.driver)
        if xid is None:
            raise Away("the lease ran out or was taken")
        return xid

    def _commit(self, transaction: RootTransaction, doubt: _Doubt) -> None:
        try:
            transaction.commit()
        except Exception as error:
            if not is_away(error):
                self.roster.undo(doubt.admission)
                _roll_back(transaction)
                raise
            self._failed_at = self._failed_at or doubt.admission.now
            if self._database.dialect == "sqlite":  # a COMMIT that fails there has not happened
                self.roster.undo(doubt.admission)
                _roll_back(transaction)
                raise Away(spoken(error)) from error
            self._doubt = doubt
            raise Away(spoken(error), in_doubt=True) from error
        self._keep_admission(doubt.admission)

    def _keep_admission(self, admission: Admission) -> None:
        self.seq = admission.seq
        if admission.facts:
            self._publish(Batch(tuple(admission.facts), admission.seq, admission.now))

    def _settle_doubt(self, connection: Connection) -> None:
        if self._doubt is None:
            return
        with connection.begin():
            fate = connection.execute(
                text("SELECT pg_xact_status(CAST(:xid AS xid8))"), {"xid": self._doubt.xid}
            ).scalar_one()
        if fate == "in progress":
            raise Away("the server has not noticed yet that the former connection is gone")
        doubt, self._doubt = self._doubt, None
        if fate == "committed":
            self._was_committed = True
            self._keep_admission(doubt.admission)
        else:
            self.roster.undo(doubt.admission)

    def _publish(self, item: Batch | Mark) -> None:
        for follower in self.followers:
            follower(item)

    def _renewed(self) -> None:
        self._renew_at = self._clock.monotonic_ms() + self._renew_every_ms

    def _connected(self) -> Connection:
        return self._connection or self._connect()

    def _connect(self) -> Connection:
        self._connection = self._database.writer_engine.connect()
        return self._connection

    def _drop_connection(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with _unless_broken():
                connection.invalidate()
            with _unless_broken():
                connection.close()

    @contextmanager
    def _away_when_broken(self, since: int | None = None) -> Iterator[None]:
        """Turn the database's own faults into `Away`, and remember since when nothing can be written."""
        try:
            yield
        except Away:
            self._note_failure(since)
            raise
        except Exception as error:
            if not is_away(error):
                raise
            self._note_failure(since)
            raise Away(spoken(error)) from error

    def _note_failure(self, since: int | None) -> None:
        if self._failed_at is None and self._instants is not None:
            self._failed_at = self._instants.now() if since is None else since


def _recall(tx: Transaction) -> None:
    """Read the rows of those a fleet may have let go of; one registered only now has none yet."""
    for workspace_id, numbers in tx.admission.absent.items():
        absent = sorted(numbers)
        for start in range(0, len(absent), RECALLED_TOGETHER):
            some = agents.c.agent_no.in_(absent[start : start + RECALLED_TOGETHER])
            tx.admission.recall(
                workspace_id, list(restored_agents(tx.connection, workspace_id, some))
            )


def _newest_instant(connection: Connection) -> int | None:
    """The newest journal time of any row, by each table's own order of places."""
    newest: list[int] = []
    for workspace_id in connection.execute(select(workspaces.c.id)).scalars().all():
        for table, at in (
            (outcomes, outcomes.c.at),
            (agent_changes, agent_changes.c.at),
            (beat_runs, beat_runs.c.last_at),
            (transitions, transitions.c.at),
            (blind, blind.c.at),
            (acts, acts.c.at),
            (reviews, reviews.c.at),
            (ticks, ticks.c.now),
        ):
            last = connection.execute(
                select(at)
                .where(table.c.workspace_id == workspace_id)
                .order_by(table.c.writer.desc(), table.c.seq.desc(), at.desc())
                .limit(1)
            ).scalar()
            if last is not None:
                newest.append(last)
    started_at = connection.execute(select(func.max(writers.c.started_at))).scalar()
    if started_at is not None:
        newest.append(started_at)
    return max(newest, default=None)


def _roll_back(transaction: RootTransaction) -> None:
    with _unless_broken():
        transaction.rollback()


@contextmanager
def _unless_broken() -> Iterator[None]:
    """For what is tried on a connection that may be gone: its state no longer matters."""
    try:
        yield
    except DBAPIError:
        log.debug("the connection was gone already", exc_info=True)
