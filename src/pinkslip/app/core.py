"""Everything that lives while this process holds the lease: the fleet, the ticks, the deliveries, the checkpoints.

Built anew each time the lease is won, from what the database holds; dropped whole when it is lost.
"""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import ParamSpec, TypeVar

import structlog

from pinkslip.app.explaining import as_decision
from pinkslip.app.policy_files import LoadedPolicies
from pinkslip.app.questions import demoted_of, silence_states
from pinkslip.app.tallies import Tallies
from pinkslip.deciding.fleet_thread import FleetThread
from pinkslip.deciding.seat import Seat, TickReport
from pinkslip.enforce.review import EnforceSettings, review
from pinkslip.fleet.fleet import Fleet, FleetSettings
from pinkslip.fleet.needs import Horizon
from pinkslip.fleet.outcomes import Arrivals
from pinkslip.fleet.presence import Moves
from pinkslip.judge.conclusions import Judgement
from pinkslip.judge.state import JudgeState
from pinkslip.metrics.own import Own
from pinkslip.model.decisions import Decision, Delivery, TickRecord, TickWritten
from pinkslip.model.errors import PinkslipError
from pinkslip.model.facts import Batch, Demoted, Mark
from pinkslip.model.policy import Guards, PolicySet
from pinkslip.model.ports import Clock, Follower, Receipt
from pinkslip.model.words import Action, BlindCause, DeliveryState, Verdict
from pinkslip.policies.load import needs
from pinkslip.settings import Settings
from pinkslip.store import ticks
from pinkslip.store.checkpoint import Place, TotalsAt, checkpoint
from pinkslip.store.engine import Database
from pinkslip.store.firing import Grace
from pinkslip.store.journal import Answer, Journal, Resolve
from pinkslip.store.readers import Readers
from pinkslip.store.rebuild import history, moves, rebuild
from pinkslip.store.tables import DEFAULT_WORKSPACE
from pinkslip.store.transaction import Transaction
from pinkslip.store.views import (
    DecisionFilters,
    EnforcementState,
    RefusedAgent,
    Tick,
    Workspace,
)
from pinkslip.ticker import Ticker
from pinkslip.web.backend import SilenceState

log = structlog.get_logger(__name__)

T = TypeVar("T")
P = ParamSpec("P")
READER_THREADS = 3
CHECKPOINT_CHUNK = 1_000
SHADOWED_PAGE = 1_000
REFUSED_SHOWN_MS = 3_600_000
LOOKS_AT_MOST = 5
"""At who lacks history, before one tick."""
STALL_TICKS = 3
STALL_MIN_MS = 10_000


@dataclass(slots=True, kw_only=True)
class Core:
    """One tenure of the lease. Methods run on the event loop; what they wait for runs on its own threads."""

    settings: Settings
    clock: Clock
    database: Database
    journal: Journal
    readers: Readers
    workspace: Workspace
    seat: Seat
    fleet_thread: FleetThread
    tallies: Tallies
    own: Own
    policies: LoadedPolicies
    enforcement: EnforcementState
    pool: ThreadPoolExecutor
    holder: str
    started_at: int
    observing_since: int
    ingested: dict[tuple[str, str], int] = field(default_factory=dict)
    """Events of this tenure that the process's counters have by now."""
    last_tick_at: int | None = None
    judgement: Judgement | None = None
    deliveries: Sequence[Delivery] = ()
    delivery_counts: Mapping[DeliveryState, int] = field(default_factory=dict)
    zombies: Mapping[str, int] = field(default_factory=dict)
    silences: tuple[SilenceState, ...] = ()
    """In force as of the newest tick."""
    demoted: Mapping[str, Demoted] = field(default_factory=dict)
    refusals: Sequence[RefusedAgent] = ()
    """Agents of condemned lineages turned away within the last hour."""
    tell: Callable[[], Awaitable[None]] = field(default=lambda: asyncio.sleep(0))
    """Called after each tick that concluded something: tells people what stands."""
    resolve: Resolve = field(default=lambda _answers: None)
    """How the writer hands receipts over: one for all, so that a commit wakes the loop once."""
    _catching_up: asyncio.Lock = field(default_factory=asyncio.Lock)
    _tickers: list[Ticker] = field(default_factory=list)
    _ticked: "asyncio.Future[TickReport] | None" = None

    @classmethod
    def build(
        cls,
        *,
        settings: Settings,
        clock: Clock,
        database: Database,
        journal: Journal,
        policies: LoadedPolicies,
        own: Own,
        early: "Early",
        holder: str,
        folded: Callable[[int], None] = lambda _count: None,
    ) -> "Core":
        """Rebuild the fleet from the database. Blocks; call it on a thread of its own. `folded` hears of progress.

        `early` has heard the journal since before it started: what it holds and the rebuild has read already
        is passed over by number.
        """
        readers = Readers(database)
        workspace = readers.workspace_by_id(DEFAULT_WORKSPACE)
        assert workspace is not None, "the first migration makes the default workspace"
        fleet = Fleet(workspace.id, fleet_settings(settings))
        guards = policies.policy_set.guards
        fleet.declare(needs(policies.policy_set), presence_ms=guards.max_fired.per_ms)
        now = journal.now()
        keep_after = now - keep_ms(settings, policies)
        last = readers.last_tick(workspace.id)
        folded_seq = _refold(
            fleet,
            database,
            workspace.id,
            now=now,
            keep_after=keep_after,
            last=last,
            writer=journal.writer,
            folded=folded,
        )
        state = JudgeState.restore(
            readers.episodes(workspace.id),
            shadowed=_shadowed(readers, workspace.id, guards, now=now),
            places=readers.places(workspace.id),
            told=readers.told(workspace.id, since=now - guards.max_notices.per_ms),
        )
        ended = state.adopt(policies.policy_set, now=now)
        enforcement = readers.enforcement(workspace.id)
        seat = Seat(
            workspace_id=workspace.id,
            fleet=fleet,
            policy_set=policies.policy_set,
            state=state,
            store=JournalTicks(journal, database, grace_of(settings)),
            stall_ms=max(STALL_MIN_MS, STALL_TICKS * settings.tick_ms),
            stopped=stopped_because(enforcement),
            writer=journal.writer,
            seq=folded_seq,
            known_at=now,
        )
        fleet_thread = FleetThread({workspace.id: seat})
        early.hand_over(fleet_thread.follow)
        if ended:
            journal.act(lambda tx: ticks.end_episodes(tx, workspace.id, ended)).result()
        fleet_thread.start()
        return cls(
            settings=settings,
            clock=clock,
            database=database,
            journal=journal,
            readers=readers,
            workspace=workspace,
            seat=seat,
            fleet_thread=fleet_thread,
            tallies=Tallies.read(readers, workspace.id),
            own=own,
            policies=policies,
            enforcement=enforcement,
            pool=ThreadPoolExecutor(READER_THREADS, thread_name_prefix="reader"),
            holder=holder,
            started_at=now,
            observing_since=fleet.observing_since,
        )

    # its beats

    def start(self) -> None:
        """Begin to tick. On the event loop."""
        loop = asyncio.get_running_loop()
        self.resolve = lambda answers: _call_soon(loop, _settle, answers)
        self.seat.on_tick = lambda report: _call_soon(loop, self._take_report, report)
        self._tickers = [
            Ticker(self.clock, self.settings.tick_ms, self.tick),
            Ticker(self.clock, self.settings.checkpoint_ms, self.save, name="checkpoint"),
        ]
        for ticker in self._tickers:
            ticker.start()

    async def stop(self, *, save: bool) -> None:
        """Stop ticking and, unless the lease is lost, write the last checkpoint. Then end the threads."""
        for ticker in self._tickers:
            await ticker.stop()
        if save:
            try:
                await self.save()
            except PinkslipError as error:
                log.warning("the last checkpoint could not be written", reason=str(error))
        await asyncio.to_thread(self.fleet_thread.stop)
        self.pool.shutdown(wait=False, cancel_futures=True)

    async def tick(self) -> None:
        """One pass of the judge, then one look at what became of fires."""
        began = self.clock.monotonic_ms()
        self._ticked = asyncio.get_running_loop().create_future()
        try:
            await self.catch_up()
            await asyncio.wrap_future(self.journal.mark(self.workspace.id))
            report = await self._ticked
        except PinkslipError as error:
            log.warning("no tick", reason=str(error))
            return
        finally:
            self._ticked = None
        self.own.evaluated((self.clock.monotonic_ms() - began) / 1000)
        if report.judgement is None or report.written is None:
            log.warning("a tick concluded nothing", reason=report.refused)
            return
        self._note(report)
        await self.follow_up()
        await self.look_around()
        await self.tell()

    async def catch_up(self) -> None:
        """Give windows the history they lack: policies look further back, or an agent came back from the database.

        Who begins to lack something meanwhile is in the next look; what is missing after the last one, and what
        begins to be missing before the mark, the tick reads itself.
        """
        async with self._catching_up:
            for _ in range(LOOKS_AT_MOST):
                horizon = await self.ask(lambda seat: seat.fleet.horizon())
                past = await self.read(
                    moves, self.database, self.workspace.id, horizon, now=self.journal.now()
                )
                if past is not None:
                    await self.ask(partial(_remember, past))
                if not horizon.lacking:
                    return
                older = await self.read(
                    history, self.database, self.workspace.id, horizon, now=self.journal.now()
                )
                if await self.ask(partial(_completed, horizon, older)):
                    return

    async def follow_up(self) -> None:
        """Settle deliveries that are due, unless enforcement is stopped; then count them."""
        await self.recount()
        if not self.deliveries or stopped_because(self.enforcement):
            return
        graces, seen_since = await self.ask(partial(_graces, self.deliveries))
        changes = review(
            self.deliveries,
            now=self.journal.now(),
            grace_ms=graces.__getitem__,
            seen_since=seen_since,
            settings=EnforceSettings(stop_grace_ms=self.settings.stop_grace_ms),
        )
        if not changes:
            return
        await self.act(partial(ticks.record_deliveries, changes=changes))
        for change in changes:
            log.info(
                "a delivery moved on",
                fire=change.fire_id,
                generation=change.generation,
                state=change.state.value,
                detail=change.detail,
            )
        await self.recount()

    async def look_around(self) -> None:
        """What people did that pages and messages tell of: silences, demotions, refusals."""
        now = self.journal.now()
        stored = await self.read(self.readers.silences, self.workspace.id, active_at=now)
        self.silences = tuple(await self.ask(partial(silence_states, stored))) if stored else ()
        self.demoted = await self.ask(demoted_of)
        self.refusals = await self.read(
            self.readers.refused, self.workspace.id, since=now - REFUSED_SHOWN_MS
        )

    @property
    def refused(self) -> int:
        """Reports of condemned lineages within the last hour."""
        return sum(refusal.reports for refusal in self.refusals)

    async def recount(self) -> None:
        """How deliveries stand, for whoever asks next. An agent told again is a zombie until it is settled."""
        self.deliveries = await self.read(self.readers.open_deliveries, self.workspace.id)
        self.delivery_counts = await self.read(self.readers.delivery_counts, self.workspace.id)
        risen = {
            delivery.agent_no
            for delivery in self.deliveries
            if delivery.state is DeliveryState.ZOMBIE or delivery.generation > 1
        }
        self.zombies = await self.ask(partial(_roles_counted, sorted(risen)))

    async def save(self) -> None:
        """Write changed agents to their rows, and let go of those that left long ago."""
        numbers, place = await self.ask(lambda seat: (seat.fleet.dirty(), seat.place))
        for start in range(0, len(numbers), CHECKPOINT_CHUNK):
            await self._save_some(numbers[start : start + CHECKPOINT_CHUNK])
        await self._save_some((), complete=place)
        left_before = self.journal.now() - keep_ms(self.settings, self.policies)
        leaving = await self.ask(lambda seat: seat.fleet.leaving(left_before=left_before))
        if leaving:
            await self._save_some(leaving)
            gone = await self.ask(lambda seat: seat.fleet.forget(left_before=left_before))
            await self.act(lambda tx: tx.roster.forget(self.workspace.id, gone))

    async def _save_some(
        self, numbers: Sequence[int], *, complete: Place | None = None
    ) -> None:
        """Rows and totals at one place, in one transaction: what moves between roles is in one of them."""
        rows, totals = await self.ask(
            lambda seat: (
                seat.fleet.checkpoint(numbers),
                TotalsAt(seat.fleet.role_totals(), seat.place, seat.fleet.dirty_lineages()),
            )
        )
        try:
            await self.act(
                lambda tx: checkpoint(tx, self.workspace.id, rows, totals, complete=complete)
            )
        except PinkslipError:
            await self.ask(partial(_unsaved, numbers, [one.lineage for one in totals.lineages]))
            raise

    # the ways to other threads

    async def read(self, question: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Ask the database, on a reader thread."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self.pool, partial(question, *args, **kwargs))

    async def ask(self, question: Callable[[Seat], T]) -> T:
        """Ask the fleet, on its thread, after everything committed so far."""
        return await asyncio.wrap_future(self.fleet_thread.ask(self.workspace.id, question))

    async def act(self, work: Callable[[Transaction], T]) -> T:
        """One fenced transaction."""
        return await asyncio.wrap_future(self.journal.act(work))

    # within

    def _take_report(self, report: TickReport) -> None:
        if self._ticked is not None and not self._ticked.done():
            self._ticked.set_result(report)

    def _note(self, report: TickReport) -> None:
        judgement, written = report.judgement, report.written
        assert judgement is not None
        assert written is not None
        known = self.judgement.findings if self.judgement else ()
        self.last_tick_at = report.now
        self.observing_since = report.observing_since
        self.judgement = judgement
        self.tallies.count_tick(judgement.decisions, written, report.roles)
        for decision in judgement.decisions:
            superseded = decision.id in written.superseded
            log.info(
                "decided",
                verdict=(Verdict.SUPERSEDED if superseded else decision.verdict).value,
                agent=decision.agent_id,
                policy=decision.policy,
                reason=decision.reason,
                guard=decision.guard.value if decision.guard else None,
                why=decision.guard_detail or decision.evidence.words,
                decision=decision.id,
            )
        if judgement.deferred:
            log.warning("too many edges at once; the rest follows", deferred=judgement.deferred)
        for finding in judgement.findings:
            if finding in known:
                continue
            log.error("a policy is broken", policy=finding.policy, reason=finding.message)


class Early:
    """Hears the journal before there is a fleet to tell."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: list[Batch | Mark] = []
        self._follower: Follower | None = None

    def follow(self, item: Batch | Mark) -> None:
        """Keep it, or pass it on to whoever took over."""
        with self._lock:
            if self._follower is None:
                self._held.append(item)
            else:
                self._follower(item)

    def hand_over(self, follower: Follower) -> None:
        """Everything kept so far, then everything to come, in order."""
        with self._lock:
            for item in self._held:
                follower(item)
            self._held.clear()
            self._follower = follower


class JournalTicks:
    """Where a seat's ticks become durable, the journal; and where their past is read, the database."""

    def __init__(self, journal: Journal, database: Database, grace: Grace) -> None:
        self._journal = journal
        self._database = database
        self._grace = grace

    def read_past(
        self, workspace_id: int, horizon: Horizon, *, now: int
    ) -> tuple[Moves | None, Sequence[Arrivals]]:
        """On the thread that asks."""
        return (
            moves(self._database, workspace_id, horizon, now=now),
            history(self._database, workspace_id, horizon, now=now),
        )

    def record_tick(self, record: TickRecord, policy_set: PolicySet) -> "Future[TickWritten]":
        """One fenced transaction."""
        return self._journal.act(
            lambda tx: ticks.record_tick(tx, record, policy_set, grace=self._grace)
        )

    def record_stall(
        self, workspace_id: int, *, start: int, end: int, wall_offset_ms: int, detail: str
    ) -> "Future[None]":
        """We did not look between `start` and `end`."""

        def work(tx: Transaction) -> None:
            ticks.record_blind(
                tx,
                workspace_id,
                start=start,
                end=end,
                cause=BlindCause.STALL,
                wall_offset_ms=wall_offset_ms,
                detail=detail,
            )

        return self._journal.act(work)


def fleet_settings(settings: Settings) -> FleetSettings:
    """The fleet's share of the settings."""
    return FleetSettings(
        assumed_interval_ms=settings.heartbeat_interval_ms,
        stale_factor=settings.stale_factor,
        min_tasks=settings.min_tasks,
    )


def keep_ms(settings: Settings, policies: LoadedPolicies) -> int:
    """How long those who left stay in memory: never shorter than the guards look back."""
    guards = policies.policy_set.guards
    return max(
        settings.keep_in_memory_ms,
        guards.max_fired.per_ms,
        guards.max_fires.per_ms,
        guards.panic.per_ms if guards.panic is not None else 0,
    )


def grace_of(settings: Settings) -> Grace:
    """The store's share of them."""
    return Grace(
        assumed_interval_ms=settings.heartbeat_interval_ms, stale_factor=settings.stale_factor
    )


def stopped_because(enforcement: EnforcementState) -> str | None:
    """Why policies may not act, in words; None when they may."""
    for stop, where in ((enforcement.everywhere, "everywhere"), (enforcement.stopped, "here")):
        if stop is not None:
            return f"stopped {where} by {stop.actor}: {stop.reason}"
    return None


def _refold(
    fleet: Fleet,
    database: Database,
    workspace_id: int,
    *,
    now: int,
    keep_after: int,
    last: Tick | None,
    writer: int,
    folded: Callable[[int], None],
) -> int:
    """Fold what the database holds. The newest number of `writer` among it, 0 when there is none.

    The digest of ticks goes on from the last one: facts after it are in the next.
    """
    newest = 0
    resume_at = last.now if last else -1
    with rebuild(
        database, workspace_id, now=now, horizon=fleet.horizon(), keep_after=keep_after
    ) as stored:
        fleet.fold(stored.restored)
        fleet.restore_totals(
            stored.totals.rows, writer=stored.totals.place.writer, seq=stored.totals.place.seq
        )
        fleet.restore_lineages(
            stored.lineages.books,
            writer=stored.lineages.place.writer,
            seq=stored.lineages.place.seq,
        )
        fleet.fold(stored.acts)
        fleet.fold(stored.blinds)
        fleet.fold_arrivals(stored.history)
        for by, batch in stored.batches():
            facts = batch
            first_unseen = next(
                (i for i, fact in enumerate(facts) if fact.at > resume_at), None
            )
            if last is not None and first_unseen is not None:
                fleet.fold(facts[:first_unseen], writer=by)
                fleet.resume_digest(last.digest)
                facts, resume_at, last = facts[first_unseen:], -1, None
            fleet.fold(facts, writer=by)
            if by == writer:
                newest = max(newest, facts[-1].seq)
            folded(len(batch))
        fleet.fold_presence(stored.moves)
    if last is not None:
        fleet.resume_digest(last.digest)
    return newest


def _shadowed(
    readers: Readers, workspace_id: int, guards: Guards, *, now: int
) -> Iterator[Decision]:
    """What policies in shadow would have fired within the envelope's longest window."""
    since = now - max(guards.max_fired.per_ms, guards.max_fires.per_ms)
    filters = DecisionFilters(verdict=Verdict.SHADOWED, since=since)
    before: int | None = None
    while page := readers.decisions(
        workspace_id, filters=filters, before=before, limit=SHADOWED_PAGE
    ):
        yield from (as_decision(row) for row in page if row.action is Action.FIRE)
        before = page[-1].number


def _completed(horizon: Horizon, older: Iterable[Arrivals], seat: Seat) -> bool:
    """Folded, unless others lack something by now: folding says of all that nothing is missing."""
    if seat.fleet.horizon().lacking != horizon.lacking:
        return False
    seat.fleet.fold_arrivals(older)
    return True


def _remember(past: Moves, seat: Seat) -> None:
    seat.fleet.fold_presence(past)


def _unsaved(numbers: Sequence[int], lineages: Sequence[str], seat: Seat) -> None:
    seat.fleet.mark_dirty(numbers)
    seat.fleet.mark_lineages_dirty(lineages)


def _graces(deliveries: Sequence[Delivery], seat: Seat) -> tuple[dict[int, int], int]:
    numbers = {delivery.agent_no for delivery in deliveries}
    return {number: seat.grace_ms(number) for number in numbers}, seat.fleet.observing_since


def _roles_counted(numbers: Sequence[int], seat: Seat) -> dict[str, int]:
    counted: dict[str, int] = {}
    for number in numbers:
        role = seat.role_of(number)
        counted[role] = counted.get(role, 0) + 1
    return counted


def _settle(answers: list[tuple["asyncio.Future[list[Receipt]]", Answer]]) -> None:
    for future, answer in answers:
        if future.done():  # its caller has gone
            continue
        if isinstance(answer, Exception):
            future.set_exception(answer)
        else:
            future.set_result(answer)


def _call_soon(loop: asyncio.AbstractEventLoop, work: Callable[[T], None], value: T) -> None:
    """From any thread; a loop that is closing no longer cares."""
    try:
        loop.call_soon_threadsafe(work, value)
    except RuntimeError:
        log.debug("the loop is gone")
