"""One process: it listens at once, waits for the lease, serves while it holds it, and gives everything back.

    starting → standby ⇄ serving → stopping

Losing the lease drops the whole tenure; winning it again builds the fleet anew from the database.
"""

import asyncio
import contextlib
import os
import signal
import socket
from collections.abc import Callable

import structlog
from aiohttp import web

from pinkslip import __version__
from pinkslip.app.announcing import Crier
from pinkslip.app.clock import SystemClock
from pinkslip.app.core import Core, Early
from pinkslip.app.memory import give_back
from pinkslip.app.policy_files import LoadedPolicies
from pinkslip.app.service import Service
from pinkslip.metrics.own import Own
from pinkslip.model.errors import Invalid, PinkslipError
from pinkslip.model.words import ActorKind
from pinkslip.settings import Read, Settings
from pinkslip.store import maintenance
from pinkslip.store.engine import Database, check, open_database
from pinkslip.store.journal import Journal
from pinkslip.store.lease import HeldElsewhere
from pinkslip.web.application import application
from pinkslip.web.backend import Actor, Phase, State
from pinkslip.web.server import Runner

log = structlog.get_logger(__name__)

STANDBY_RETRY_S = 1.0
OPERATOR = Actor(ActorKind.PERSON, "signal")
TELL_AFTER_S = (1.0, 5.0)
"""How long a rebuild may be silent: at first, and then between its lines."""


class Progress:
    """How far a rebuild has come: counted on its thread, told on the loop, so that a long start explains itself."""

    def __init__(self) -> None:
        self.folded = 0

    def count(self, events: int) -> None:
        """So many more are folded."""
        self.folded += events

    async def tell(self) -> None:
        """A line once it takes long, and more while it does. Until cancelled."""
        first, between = TELL_AFTER_S
        await asyncio.sleep(first)
        while True:
            log.info("rebuilding the fleet from the journal", folded=self.folded)
            await asyncio.sleep(between)


class Replica:
    """Serve `settings` until told to stop."""

    def __init__(
        self, settings: Settings, policies: LoadedPolicies, *, read_again: Callable[[], Read]
    ) -> None:
        self._settings = settings
        self._clock = SystemClock()
        self._own = Own()
        self.service = Service(
            settings, policies, clock=self._clock, own=self._own, read_again=read_again
        )
        self._holder = f"{socket.gethostname()}:{os.getpid()}"
        self._stop = asyncio.Event()
        self._lost = asyncio.Event()
        self._crier: Crier | None = None
        self._reloads: set[asyncio.Task[object]] = set()
        self.address = ""
        self.database = ""
        """Where the data is, for people."""

    async def run(self, *, ready: Callable[["Replica"], None]) -> None:
        """Until SIGTERM or SIGINT. `ready` is called once, when serving or standing by begins.

        Invalid, Conflict or Unavailable when the address or the database cannot be used.
        """
        database = await asyncio.to_thread(self._open)
        self.database = database.where
        runner = self._runner()
        try:
            await self._listen(runner)
            self._heed_signals()
            await self._tenures(database, ready)
        finally:
            self.service.state = State(Phase.STOPPING, detail="stopping")
            await runner.cleanup()
            await self._end_tenure()
            self.service.close()
            await asyncio.to_thread(database.close)

    def stop(self) -> None:
        """End soon. On the event loop."""
        self._stop.set()

    # the database

    def _open(self) -> Database:
        database = open_database(self._settings.database)
        try:
            if database.dialect == "sqlite" and maintenance.needs_upgrade(database):
                done = maintenance.upgrade(self._settings.database)
                if done.backup is not None:
                    log.info("schema upgraded", to=done.after, backup=str(done.backup))
            maintenance.check_schema(database)
            for warning in check(database):
                log.warning("the database", note=warning)
        except BaseException:
            database.close()
            raise
        return database

    # the address

    def _runner(self) -> web.AppRunner:
        settings = self._settings
        return Runner(
            application(
                self.service,
                clock=self._clock,
                version=__version__,
                assumed_interval_s=settings.heartbeat_interval_ms / 1000,
                external_url=settings.external_url,
                route_prefix=settings.route_prefix,
                trusted_proxies=settings.trusted_proxies,
            )
        )

    async def _listen(self, runner: web.AppRunner) -> None:
        await runner.setup()
        host, port = self._settings.listen_host, self._settings.listen_port
        site = web.TCPSite(runner, host, port)
        try:
            await site.start()
        except OSError as error:
            await runner.cleanup()
            # asyncio says it all again in its own words; the number says it plainly
            number = error.errno or 0
            reason = os.strerror(number) if number > 0 else error.strerror
            raise Invalid(
                f"cannot listen on {host}:{port}: {reason}; choose another with --listen"
            ) from error
        bound = runner.addresses[0][1]
        shown = f"[{host}]" if ":" in host else host
        self.address = f"http://{shown}:{bound}{self._settings.route_prefix}"

    def _heed_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        loop.add_signal_handler(signal.SIGHUP, self._reload_soon)

    def _reload_soon(self) -> None:
        task: asyncio.Task[object] = asyncio.ensure_future(self._reload())
        self._reloads.add(task)
        task.add_done_callback(self._reloads.discard)

    async def _reload(self) -> None:
        try:
            await self.service.reload(actor=OPERATOR)
        except PinkslipError as error:
            log.warning("not reloaded", reason=str(error))

    # the lease

    async def _tenures(self, database: Database, ready: Callable[["Replica"], None]) -> None:
        announced = False
        while not self._stop.is_set():
            serving = await self._take_office(database)
            if not announced:
                announced = True
                ready(self)
            if not serving:
                await self._wait_for_stop(STANDBY_RETRY_S)
                continue
            if await self._serve_until_over():
                return
            await self._end_tenure()

    async def _take_office(self, database: Database) -> bool:
        settings, loop = self._settings, asyncio.get_running_loop()
        early = Early()
        self._lost.clear()

        def lost(holder: str) -> None:
            loop.call_soon_threadsafe(self._note_loss, holder)

        journal = Journal(
            database,
            clock=self._clock,
            holder=self._holder,
            lease_ttl_ms=settings.lease_ttl_ms,
            renew_every_ms=settings.lease_ttl_ms * 3 // 10,
            queue_limit=settings.queue_limit,
            assumed_interval_ms=settings.heartbeat_interval_ms,
            stale_factor=settings.stale_factor,
            on_lost=lost,
        )
        journal.follow(early.follow)
        try:
            await asyncio.to_thread(journal.start)
        except HeldElsewhere as held:
            self._stand_by(held.holder)
            return False
        except PinkslipError as error:
            self.service.state = State(Phase.STANDBY, detail=str(error))
            log.warning("cannot serve yet", reason=str(error))
            return False
        self.service.state = State(Phase.STARTING, detail="rebuilding the fleet")
        began = self._clock.monotonic_ms()
        progress = Progress()
        telling = asyncio.create_task(progress.tell(), name="rebuild-progress")
        try:
            core = await asyncio.to_thread(
                lambda: Core.build(
                    settings=settings,
                    clock=self._clock,
                    database=database,
                    journal=journal,
                    policies=self.service.policies_loaded,
                    own=self._own,
                    early=early,
                    holder=self._holder,
                    folded=progress.count,
                )
            )
        except BaseException:
            await asyncio.to_thread(journal.stop)
            raise
        finally:
            telling.cancel()
        await asyncio.to_thread(give_back)
        await core.recount()
        await core.look_around()
        self._crier = Crier.of(core, settings, base_url=settings.external_url or self.address)
        if self._crier is not None:
            self._crier.start()
            core.tell = self._crier.tell
        core.start()
        self.service.core = core
        self.service.state = State(Phase.SERVING, holder=self._holder)
        log.info(
            "serving",
            holder=self._holder,
            epoch=journal.epoch,
            folded=progress.folded,
            rebuilt_in_s=(self._clock.monotonic_ms() - began) / 1000,
        )
        await self.service.tell_limits()
        return True

    async def _serve_until_over(self) -> bool:
        """True when told to stop, False when the lease was lost."""
        waits = [asyncio.ensure_future(event.wait()) for event in (self._stop, self._lost)]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()
        return self._stop.is_set()

    async def _end_tenure(self) -> None:
        core, self.service.core = self.service.core, None
        if core is None:
            return
        await core.stop(save=not self._lost.is_set())
        if self._crier is not None:
            await self._crier.stop()
            self._crier = None
        await asyncio.to_thread(core.journal.stop)

    def _note_loss(self, holder: str) -> None:
        log.error("the lease is lost", holder=holder)
        self._stand_by(holder)
        self._lost.set()

    def _stand_by(self, holder: str) -> None:
        if self.service.state.phase is not Phase.STANDBY:
            log.info("standing by", holder=holder)
        self.service.state = State(
            Phase.STANDBY, holder=holder, detail=f"{holder} serves this database"
        )

    async def _wait_for_stop(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stop.wait(), seconds)
