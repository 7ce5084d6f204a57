"""The one way in: a thread that commits whatever queued while it last committed.

There is no linger: a commit takes what is there. Reports share a transaction, each act has its own, and a
mark is a place between two transactions. For each transaction:

1. BEGIN, and the fence: the lease is ours, by holder and epoch.
2. Admit: find the agents, tell changes from repetitions, number the facts (`fleet.admission`, `desk`).
3. Write: outcomes first, since an event id may be taken. Then the transaction starts over, knowing which
   ids are, so that numbers stay gapless and no report pays for the question before it must be asked.
4. COMMIT; followers get the facts; callers get their receipts.

A row the database will not have is found by halving, and only its own report is refused. When the database
itself fails, nothing of the transaction happened: heads are as before, callers hear Unavailable at once, and
the thread tries until the database is back (`writer`).

What agents wanted to say and we refused counts against nobody: from the first refusal to the first success after
it is on record as blind, once an outage, be it the database's or a full queue's.
"""

import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, TypeVar

from sqlalchemy import Connection, select

from pinkslip.fleet.admission import ASSUMED_INTERVAL_MS, STALE_FACTOR
from pinkslip.model.errors import Unavailable
from pinkslip.model.events import Outcome, Report
from pinkslip.model.facts import Mark
from pinkslip.model.ports import Clock, Follower, Receipt
from pinkslip.model.words import BlindCause
from pinkslip.store.desk import Desk, invalid
from pinkslip.store.engine import Database
from pinkslip.store.facts import DONE_COLUMNS, done_of
from pinkslip.store.failures import is_away, is_data, is_taken, spoken
from pinkslip.store.lease import TTL_MS, HeldElsewhere, Lease
from pinkslip.store.tables import outcomes
from pinkslip.store.transaction import Transaction
from pinkslip.store.writer import Assumptions, Away, Writer

T = TypeVar("T")
Answer = list[Receipt] | Exception
Resolve = Callable[[list[tuple[Any, Answer]]], None]
"""Called on the writer thread with (token, answer) pairs, once a commit. Must only hand them over."""

EVENTS_AT_MOST = 1_000
"""In one transaction, unless one caller's batch is larger."""
QUEUE_LIMIT = 50_000
RENEW_EVERY_MS = 3_000
BACKOFF_S = (0.05, 0.1, 0.2, 0.5, 1.0)
ASK_AT_MOST = 500
COMMITS_KEPT = 100_000

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Stats:
    """What the writer has done since it started."""

    events: dict[tuple[str, str], int] = field(default_factory=dict)
    """Reports answered, by (kind, verdict). Only grows."""
    _commits: deque[float] = field(default_factory=lambda: deque(maxlen=COMMITS_KEPT))

    def drain_commits(self) -> list[float]:
        """Durations in seconds, from BEGIN to COMMIT, of the commits since last asked."""
        return [self._commits.popleft() for _ in range(len(self._commits))]

    def count(self, counts: dict[tuple[str, str], int]) -> None:
        """Add what one commit answered."""
        for key, number in counts.items():
            self.events[key] = self.events.get(key, 0) + number

    def committed(self, duration_ms: int) -> None:
        """One more commit."""
        self._commits.append(duration_ms / 1000)


@dataclass(slots=True)
class _Reports:
    """What one caller sent, and what is known of its answer."""

    reports: Sequence[Report]
    token: Any
    resolve: Resolve
    receipts: list[Receipt] = field(default_factory=list)
    is_answered: bool = False


@dataclass(slots=True)
class _Slice:
    """Part of one caller's reports, to be committed together."""

    entry: _Reports
    start: int
    stop: int

    def reports(self) -> Sequence[Report]:
        return self.entry.reports[self.start : self.stop]


@dataclass(slots=True)
class _Act:
    work: Callable[[Transaction], Any]
    future: "Future[Any]"


@dataclass(slots=True)
class _MarkWanted:
    workspace_id: int
    future: "Future[Mark]"


@dataclass(slots=True)
class _Overflow:
    """The queue was full, and is not yet half empty again."""

    since: int
    refused: int = 0
    """Reports."""


_Entry = _Reports | _Act | _MarkWanted


class Journal:
    """Reports, acts and marks in one order, durable before they are answered."""

    def __init__(
        self,
        database: Database,
        *,
        clock: Clock,
        holder: str,
        lease_ttl_ms: int = TTL_MS,
        renew_every_ms: int = RENEW_EVERY_MS,
        queue_limit: int = QUEUE_LIMIT,
        assumed_interval_ms: int = ASSUMED_INTERVAL_MS,
        stale_factor: float = STALE_FACTOR,
        on_lost: Callable[[str], None] = lambda _holder: None,
    ) -> None:
        """`on_lost` hears on the writer thread who has the lease now; it must only hand that over."""
        self.stats = Stats()
        self.answered = 0
        """The newest seq any caller has been told is durable."""
        self._where = database.where
        self._clock = clock
        self._queue_limit = queue_limit
        self._on_lost = on_lost
        self._writer = Writer(
            database,
            clock=clock,
            lease=Lease(database, clock=clock, holder=holder, ttl_ms=lease_ttl_ms),
            assumptions=Assumptions(interval_ms=assumed_interval_ms, stale_factor=stale_factor),
            renew_every_ms=renew_every_ms,
        )
        self._entries: deque[_Entry] = deque()
        self._queued = 0
        self._overflow: _Overflow | None = None
        self._ready = threading.Condition(threading.Lock())
        self._is_waiting = False
        self._is_stopping = False
        self._refusal: str | None = "not serving yet"
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)

    @property
    def queue_length(self) -> int:
        """Reports waiting to be committed."""
        return self._queued

    @property
    def writer(self) -> int:
        """The number of this process start, once started."""
        return self._writer.number

    @property
    def epoch(self) -> int:
        """The epoch of our lease."""
        return self._writer.lease.epoch

    @property
    def leads(self) -> bool:
        """Whether we may decide, by our own stopwatch."""
        return self._writer.lease.leads

    @property
    def wall_offset_ms(self) -> int:
        """Wall clock less journal time, as last recorded."""
        return self._writer.instants.wall_offset_ms

    def now(self) -> int:
        """Journal time, for whoever must name an instant between commits."""
        return self._writer.instants.peek()

    def follow(self, follower: Follower) -> None:
        """Hear of every commit and mark, on the writer thread. Before `start`, to miss nothing."""
        self._writer.followers.append(follower)

    def start(self) -> None:
        """Take the lease and begin. `HeldElsewhere` names who has it; try again later.

        Unavailable when the database does not answer. What was missed since the last entry is on record as
        blind afterwards.
        """
        try:
            self._writer.open()
        except Exception as error:
            self._writer.close()
            if isinstance(error, Away) or is_away(error):
                raise Unavailable(f"{self._where}: {spoken(error)}") from error
            raise
        self._refusal = None
        self._thread.start()

    def stop(self) -> None:
        """Refuse new work, commit what is queued, let go of the lease."""
        with self._ready:
            self._refusal = "stopping"
            self._is_stopping = True
            self._ready.notify()
        if self._thread.is_alive():
            self._thread.join()

    def submit(self, reports: Sequence[Report], *, token: Any, resolve: Resolve) -> None:
        """Queue reports; `resolve` gets (token, receipts or what went wrong). The cheap way into a loop.

        Unavailable at once when the queue is full or nothing can be written.
        """
        self._put(_Reports(reports, token, resolve), len(reports))

    def report(self, reports: Sequence[Report]) -> "Future[list[Receipt]]":
        """Queue reports; one receipt each, in order. Unavailable at once when the queue is full."""
        future: Future[list[Receipt]] = Future()
        future.set_running_or_notify_cancel()
        self.submit(reports, token=future, resolve=_settle)
        return future

    def act(self, work: Callable[[Transaction], T]) -> "Future[T]":
        """Run `work` in its turn, in a fenced transaction of its own. What it raises comes back."""
        future: Future[T] = Future()
        future.set_running_or_notify_cancel()
        self._put(_Act(work, future), 0)
        return future

    def mark(self, workspace_id: int) -> "Future[Mark]":
        """Allot a tick its instant and its place, after everything queued before."""
        future: Future[Mark] = Future()
        future.set_running_or_notify_cancel()
        self._put(_MarkWanted(workspace_id, future), 0)
        return future

    def _put(self, entry: _Entry, size: int) -> None:
        with self._ready:
            if self._refusal is not None:
                raise Unavailable(self._refusal)
            if self._queued and self._queued + size > self._queue_limit:
                self._overflow = self._overflow or _Overflow(since=self.now())
                self._overflow.refused += size
                raise Unavailable(f"{self._queued} reports wait to be written already")
            self._queued += size
            self._entries.append(entry)
            if self._is_waiting:
                self._ready.notify()

    # what follows runs on the writer thread

    def _run(self) -> None:
        holder = ""
        try:
            while self._turn():
                pass
            self._writer.retire()
        except HeldElsewhere as lost:
            holder = lost.holder
        except Exception:
            log.exception("the writer failed")
            holder = "nobody: the writer failed, see its log"
        finally:
            self._writer.close()
            self._refuse_queued(f"{holder} serves this database" if holder else "stopped")
        if holder:
            self._on_lost(holder)

    def _turn(self) -> bool:
        """Take what is queued and do it. False when there is no more to do."""
        work = self._take()
        if work is None and self._is_stopping:
            return False
        try:
            self._writer.keep()
        except (Away, HeldElsewhere) as error:
            self._refuse(work or [], Unavailable(str(error)))
            if isinstance(error, HeldElsewhere):
                raise
            self._recover(error)
            return True
        match work:
            case [_Act() as act]:
                self._do(act)
            case [_MarkWanted() as wanted]:
                wanted.future.set_result(self._writer.mark(wanted.workspace_id))
            case [*entries]:
                parts = [entry for entry in entries if isinstance(entry, _Reports)]
                self._commit([_Slice(entry, 0, len(entry.reports)) for entry in parts])
            case None:
                pass
        self._close_overflow()
        return True

    def _take(self) -> list[_Entry] | None:
        """Reports together up to a bound, anything else alone. None: nothing came for a while."""
        with self._ready:
            if not self._entries and not self._is_stopping:
                self._is_waiting = True
                self._ready.wait(self._writer.renewal_due_s())
                self._is_waiting = False
            if not self._entries:
                return None
            taken = [self._entries.popleft()]
            size = _size(taken[0])
            while size and self._entries and _size(self._entries[0]):
                if size + _size(self._entries[0]) > EVENTS_AT_MOST:
                    break
                taken.append(self._entries.popleft())
                size += _size(taken[-1])
            self._queued -= size
            return taken

    def _close_overflow(self) -> None:
        """Once the queue is half empty again: say what we did not hear. Half, so that one outage is one row."""
        with self._ready:
            over = self._overflow
            if over is None or self._queued > self._queue_limit // 2:
                return
            self._overflow = None
        try:
            self._writer.record_blind(
                over.since,
                self._writer.instants.now(),
                BlindCause.INGEST,
                f"{over.refused} reports were refused: {self._queue_limit} were waiting already",
            )
        except Away as away:
            self._reopen_overflow(over)
            self._recover(away)

    def _reopen_overflow(self, over: _Overflow) -> None:
        """It could not be told, and another may have begun meanwhile."""
        with self._ready:
            later = self._overflow.refused if self._overflow is not None else 0
            self._overflow = _Overflow(over.since, over.refused + later)

    def _do(self, act: _Act) -> None:
        result: Any = None

        def work(tx: Transaction) -> None:
            nonlocal result
            result = act.work(tx)

        began_at = self._clock.monotonic_ms()
        try:
            self._writer.transact(work)
        except Away as away:
            if away.in_doubt:
                self._do_in_doubt(act, away, lambda: result)
            else:
                act.future.set_exception(Unavailable(str(away)))
                self._recover(away)
        except Exception as error:  # noqa: BLE001 - an act is a unit of isolation; whoever asked gets it
            act.future.set_exception(error)
        else:
            self.stats.committed(self._clock.monotonic_ms() - began_at)
            self.answered = self._writer.seq
            act.future.set_result(result)

    def _do_in_doubt(self, act: _Act, away: Away, result: Callable[[], Any]) -> None:
        """Whoever asked for this act hears what became of it, once that is known."""
        stands = False
        try:
            stands = self._recover(away)
        finally:
            if stands:
                act.future.set_result(result())
            else:
                act.future.set_exception(Unavailable(str(away)))

    def _commit(self, slices: list[_Slice]) -> None:
        """Commit these reports together; halve them when a row is bad; answer those that are complete."""
        desk = Desk([report for part in slices for report in part.reports()])
        began_at = self._clock.monotonic_ms()
        try:
            self._write(desk)
        except Away as away:
            self._answer([part.entry for part in slices], Unavailable(str(away)))
            self._recover(away)
            return
        except Exception as error:  # noqa: BLE001 - a report is a unit of isolation; its sender gets it
            if len(desk.reports) > 1:
                for half in _halves(slices):
                    self._commit(half)
                return
            desk.receipts = [self._refused(desk.reports[0], error)]
        else:
            self.stats.committed(self._clock.monotonic_ms() - began_at)
        self.stats.count(desk.counts())
        self.answered = self._writer.seq
        self._hand_out(slices, desk.receipts)

    def _write(self, desk: Desk) -> None:
        """One transaction, begun again each time that event ids turn out to be taken."""
        while True:
            try:
                self._writer.transact(desk.admit)
            except Exception as error:
                if not (desk.are_ids_in_question and is_taken(error)):
                    raise
                before = len(desk.known)
                self._writer.look(lambda connection: _look_up(connection, desk))
                if len(desk.known) == before:
                    raise
            else:
                return

    def _refused(self, report: Report, error: Exception) -> Receipt:
        """The one report that cannot be written. Its neighbours were, or will be."""
        if not is_data(error):
            log.error("a report could not be admitted", exc_info=error)
        event_id = report.event.event_id if isinstance(report.event, Outcome) else None
        return invalid(None, f"cannot be stored: {spoken(error)}", self._writer.seq, event_id)

    def _hand_out(self, slices: list[_Slice], receipts: list[Receipt]) -> None:
        place = 0
        complete: list[_Reports] = []
        for part in slices:
            size = part.stop - part.start
            part.entry.receipts += receipts[place : place + size]
            place += size
            if part.stop == len(part.entry.reports):
                complete.append(part.entry)
        self._answer(complete)

    def _answer(self, entries: Sequence[_Reports], error: Exception | None = None) -> None:
        """Let callers know, with one call for all who share a way to be told."""
        by_way: dict[Resolve, list[tuple[Any, Answer]]] = {}
        for entry in entries:
            if not entry.is_answered:
                entry.is_answered = True
                pairs = by_way.setdefault(entry.resolve, [])
                pairs.append((entry.token, entry.receipts if error is None else error))
        for resolve, pairs in by_way.items():
            try:
                resolve(pairs)
            except Exception:
                log.exception("an answer could not be handed over")

    def _recover(self, error: Exception) -> bool:
        """Try until the database is back; meanwhile refuse everything. Whether what was in doubt stands."""
        log.error("nothing can be written: %s", error)
        words = f"nothing can be written: {error}"
        attempt = 0
        while True:
            self._refuse_queued(words)
            try:
                was_committed = self._writer.recover()
            except Away as away:
                words = f"nothing can be written: {away}"
            else:
                self._accept()
                log.warning("the database is back")
                return was_committed
            with self._ready:
                if not self._is_stopping:
                    self._ready.wait(BACKOFF_S[min(attempt, len(BACKOFF_S) - 1)])
                if self._is_stopping:
                    return False
            attempt += 1

    def _accept(self) -> None:
        with self._ready:
            if not self._is_stopping:
                self._refusal = None

    def _refuse_queued(self, words: str) -> None:
        """Fail what waits, and what comes until `_accept`."""
        with self._ready:
            self._refusal = words
            entries = list(self._entries)
            self._entries.clear()
            self._queued = 0
        self._refuse(entries, Unavailable(words))

    def _refuse(self, entries: Sequence[_Entry], error: Exception) -> None:
        self._answer([entry for entry in entries if isinstance(entry, _Reports)], error)
        for entry in entries:
            if not isinstance(entry, _Reports):
                entry.future.set_exception(error)


def _size(entry: _Entry) -> int:
    return len(entry.reports) if isinstance(entry, _Reports) else 0


def _halves(slices: list[_Slice]) -> tuple[list[_Slice], list[_Slice]]:
    """The same reports in two groups, in order, of sizes that differ by one at most."""
    half = sum(part.stop - part.start for part in slices) // 2
    first: list[_Slice] = []
    second: list[_Slice] = []
    for part in slices:
        cut = min(part.stop, part.start + half)
        if cut > part.start:
            first.append(_Slice(part.entry, part.start, cut))
            half -= cut - part.start
        if cut < part.stop:
            second.append(_Slice(part.entry, cut, part.stop))
    return first, second


def _look_up(connection: Connection, desk: Desk) -> None:
    """Learn which of the desk's event ids are taken, and by what."""
    for workspace_id, keys in desk.keys().items():
        for start in range(0, len(keys), ASK_AT_MOST):
            rows = connection.execute(
                select(*DONE_COLUMNS).where(
                    outcomes.c.workspace_id == workspace_id,
                    outcomes.c.event_id.in_(keys[start : start + ASK_AT_MOST]),
                )
            )
            for row in rows:
                done = done_of(row)
                desk.known[workspace_id, done.event_id] = done


def _settle(pairs: list[tuple[Any, Answer]]) -> None:
    for future, answer in pairs:
        if isinstance(answer, Exception):
            future.set_exception(answer)
        else:
            future.set_result(answer)
