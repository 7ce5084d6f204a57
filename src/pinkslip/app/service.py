"""The service as the web sees it: `web.backend.Backend` over the journal, the fleet thread and the readers."""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import Any

import structlog
from msgspec import structs

from pinkslip.app import explaining, observed
from pinkslip.app.acting import Acting
from pinkslip.app.core import Core, fleet_settings, grace_of, stopped_because
from pinkslip.app.policy_files import (
    BadPolicies,
    LoadedPolicies,
    as_problem,
    check_texts,
    load_policies,
)
from pinkslip.app.questions import (
    demoted_of,
    pool_limits,
    rungs_of,
    silence_states,
    silences_about,
)
from pinkslip.deciding.seat import Seat
from pinkslip.fleet.snapshot import AgentView, Snapshot
from pinkslip.judge.conclusions import Recomputed
from pinkslip.judge.why import bypassed
from pinkslip.metrics.negotiation import negotiate
from pinkslip.metrics.own import Own
from pinkslip.metrics.render import Renderer
from pinkslip.model.errors import Invalid, NotFound, PinkslipError, Unavailable
from pinkslip.model.events import Finish, Heartbeat, Outcome, Report, SessionReport
from pinkslip.model.ports import Clock, Receipt
from pinkslip.model.words import EVERYWHERE, Guard
from pinkslip.policies.problems import Problem
from pinkslip.settings import RELOADABLE, Read, Settings, restart_needed
from pinkslip.store import acts, ticks
from pinkslip.store.acts import FireDone
from pinkslip.store.views import (
    AgentFilters,
    DecisionFilters,
    EnforcementState,
    Fire,
    Remembered,
    Session,
    SessionFilters,
    SessionPlace,
    StoredDecision,
    Workspace,
)
from pinkslip.web.backend import (
    Actor,
    Checked,
    Facts,
    MetricsPage,
    Phase,
    PolicyState,
    SilenceState,
    State,
    Why,
)

log = structlog.get_logger(__name__)

LIMITS_TOLD = 20
"""Pools named in the log; all of them are in `GET /api/policies`."""


class Service(Acting):
    """One process, serving or not. On the event loop."""

    def __init__(
        self,
        settings: Settings,
        policies: LoadedPolicies,
        *,
        clock: Clock,
        own: Own,
        read_again: Callable[[], Read],
    ) -> None:
        """`read_again` reads file, environment and command line as at the start."""
        self.settings = settings
        self._read_settings = read_again
        self.policies_loaded = policies
        self.state = State(Phase.STARTING)
        self.core: Core | None = None
        self.own = own
        self._clock = clock
        self._loaded_at = self._reloaded_at = clock.wall_ms()
        self._problems: tuple[Problem, ...] = policies.problems
        self._reload_failed = False
        self._reloading = asyncio.Lock()
        self._renderer = Renderer(observed.series_settings(settings), own=own)
        self._rendering = ThreadPoolExecutor(1, thread_name_prefix="metrics")

    # at hand

    @property
    def serving(self) -> Core:
        """The tenure, while there is one; Unavailable otherwise."""
        if self.core is None or self.state.phase is not Phase.SERVING:
            raise Unavailable(self.state.detail or self.state.phase.value)
        return self.core

    @property
    def facts(self) -> Facts:
        """The service about itself."""
        core = self.serving
        return Facts(
            started_at=core.started_at,
            observing_since=core.observing_since,
            holder=core.holder,
            epoch=core.journal.epoch,
            database=core.database.where,
            last_tick_at=core.last_tick_at,
            journal_queue=core.journal.queue_length,
            panics=core.judgement.panics if core.judgement else (),
            zombies=sum(core.zombies.values()),
            waiting=core.judgement.waiting if core.judgement else (),
            causes=core.judgement.causes if core.judgement else (),
            deploys=core.judgement.deploys if core.judgement else (),
            silences=core.silences,
            demoted=tuple(core.demoted.values()),
            refused=core.refused,
        )

    def now(self) -> int:
        """Journal time."""
        return self.serving.journal.now()

    def workspace(self, workspace_id: int) -> Workspace:
        """Its name and uuid."""
        return self.serving.workspace

    # what agents say

    async def report(self, reports: Sequence[Report]) -> list[Receipt]:
        """Durable when it returns."""
        core = self.serving
        answer: asyncio.Future[list[Receipt]] = asyncio.get_running_loop().create_future()
        try:
            core.journal.submit(reports, token=answer, resolve=core.resolve)
            return await answer
        except Unavailable:
            for kind, count in Counter(map(_kind, reports)).items():
                self.own.ingested(kind, "unavailable", count)
            raise

    # agents

    async def snapshot(self, workspace_id: int) -> Snapshot:
        """Everything in memory."""
        core = self.serving
        now = core.journal.now()
        return await core.ask(lambda seat: seat.snapshot(now=now))

    async def agent(self, workspace_id: int, ident: str) -> AgentView | None:
        """Memory first, then the database."""
        core = self.serving
        now = core.journal.now()
        view = await core.ask(lambda seat: seat.agent(ident, now=now))
        return view or await core.read(core.readers.agent, workspace_id, ident)

    async def agents_left(
        self,
        workspace_id: int,
        *,
        finished: bool,
        fired: bool,
        filters: AgentFilters,
        after: int,
        limit: int,
    ) -> list[AgentView]:
        """Those in the database."""
        core = self.serving
        return await core.read(
            core.readers.agents_left,
            workspace_id,
            finished=finished,
            fired=fired,
            filters=filters,
            after=after,
            limit=limit,
        )

    async def fires(self, workspace_id: int, numbers: Sequence[int]) -> dict[int, list[Fire]]:
        """By agent_no, oldest first."""
        if not numbers:
            return {}
        core = self.serving
        return await core.read(core.readers.fires, workspace_id, numbers)

    # acts of people

    async def fire(
        self,
        workspace_id: int,
        ident: str,
        *,
        reason: str,
        context: str,
        force: bool,
        dry_run: bool,
        actor: Actor,
    ) -> FireDone:
        """Terminate, or say what would happen."""
        core = self.serving
        known = self.policies_loaded.policy_set.reasons
        if reason not in known:
            raise Invalid(
                f"reason {reason!r} is not one of {', '.join(known)}; add it to the setting `reasons`"
            )
        held = await _bypassed(core, ident)
        done = await core.act(
            partial(
                acts.fire,
                workspace_id=workspace_id,
                ident=ident,
                reason=reason,
                context=context,
                actor_kind=actor.kind,
                actor=actor.name,
                force=force,
                dry_run=dry_run,
                grace=grace_of(self.settings),
            )
        )
        done = structs.replace(
            done, bypassed=tuple(guard for guard in Guard if guard in {*held, *done.bypassed})
        )
        if not dry_run:
            role = await core.ask(lambda seat: seat.role_of(done.agent_no))
            core.tallies.count_fire(reason=reason, actor=actor.kind, role=role)
            await core.recount()
            log.info("fired by hand", agent=done.agent_id, reason=reason, actor=actor.name)
        return done

    async def reinstate(
        self, workspace_id: int, ident: str, *, context: str, wrong: bool, actor: Actor
    ) -> AgentView:
        """Bring a fired agent back."""
        core = self.serving
        view = await core.act(
            partial(
                acts.reinstate,
                workspace_id=workspace_id,
                ident=ident,
                context=context,
                wrong=wrong,
                actor_kind=actor.kind,
                actor=actor.name,
            )
        )
        if wrong:
            fires = await self.fires(workspace_id, [view.agent_no])
            newest = fires[view.agent_no][-1]
            core.tallies.count_reversal(policy=newest.policy, role=view.role or "")
        await core.recount()
        log.info("reinstated", agent=view.agent_id, wrong=wrong, actor=actor.name)
        return view

    async def protect(
        self, workspace_id: int, ident: str, *, until: int | None, context: str, actor: Actor
    ) -> AgentView:
        """No policy fires it before `until`."""
        return await self.serving.act(
            partial(
                acts.protect,
                workspace_id=workspace_id,
                ident=ident,
                until=until,
                context=context,
                actor_kind=actor.kind,
                actor=actor.name,
            )
        )

    # sessions

    async def sessions(
        self,
        workspace_id: int,
        *,
        filters: SessionFilters,
        after: SessionPlace | None,
        limit: int,
    ) -> list[Session]:
        """Newest start first."""
        core = self.serving
        return await core.read(
            core.readers.sessions, workspace_id, filters=filters, after=after, limit=limit
        )

    async def session(self, workspace_id: int, key: str) -> Session | None:
        """The conversation under its key."""
        core = self.serving
        return await core.read(core.readers.session, workspace_id, key)

    async def put_session(
        self, workspace_id: int, key: str, report: SessionReport, *, actor: Actor
    ) -> tuple[Session, bool]:
        """Create or change."""
        return await self.serving.act(
            partial(acts.put_session, workspace_id=workspace_id, key=key, report=report)
        )

    # decisions and policies

    async def decisions(
        self, workspace_id: int, *, filters: DecisionFilters, before: int | None, limit: int
    ) -> list[StoredDecision]:
        """Newest first."""
        core = self.serving
        return await core.read(
            core.readers.decisions, workspace_id, filters=filters, before=before, limit=limit
        )

    async def decision(self, workspace_id: int, decision_id: str) -> StoredDecision | None:
        """One record."""
        core = self.serving
        return await core.read(core.readers.decision, workspace_id, decision_id)

    async def recompute(self, workspace_id: int, decision_id: str) -> Recomputed:
        """Evaluate its policy again on the journal as it was."""
        core = self.serving
        stored = await self.decision(workspace_id, decision_id)
        if stored is None:
            raise NotFound(f"there is no decision {decision_id}")
        return await core.read(
            explaining.recomputed,
            core.database,
            workspace_id,
            stored,
            settings=fleet_settings(self.settings),
            reasons=self.settings.reasons,
        )

    async def why(self, workspace_id: int, ident: str) -> Why | None:
        """Every policy's answer about one agent now."""
        core = self.serving
        answered = await core.ask(lambda seat: seat.why(ident))
        if answered is not None:
            at, view, answers = answered
            silences = await self._silences_on(core, view)
            return Why(agent=view, at=at, policies=answers, silences=silences)
        left = await core.read(core.readers.agent, workspace_id, ident)
        return None if left is None else Why(agent=left, at=core.journal.now(), policies=())

    async def _silences_on(self, core: Core, view: AgentView) -> tuple[SilenceState, ...]:
        """Those in force now that take in this agent."""
        now = core.journal.now()
        stored = await core.read(core.readers.silences, core.workspace.id, active_at=now)
        about = await core.ask(
            partial(silences_about, [one.silence for one in stored], view.agent_no)
        )
        mine = [one for one in stored if one.silence.id in about]
        return tuple(await core.ask(partial(silence_states, mine))) if mine else ()

    async def policies(self, workspace_id: int) -> PolicyState:
        """What is loaded, and the newest problems."""
        core = self.serving
        counts, rungs, demoted, limits = await core.ask(
            lambda seat: (
                seat.open_episodes(),
                rungs_of(seat),
                demoted_of(seat),
                pool_limits(seat),
            )
        )
        return PolicyState(
            policy_set=self.policies_loaded.policy_set,
            loaded_at=self._loaded_at,
            places=self.policies_loaded.places,
            problems=self._problems,
            reload_failed=self._reload_failed,
            matched=core.judgement.matched if core.judgement else {},
            holding=core.judgement.holding if core.judgement else {},
            held=core.judgement.held if core.judgement else {},
            open_episodes=counts,
            rungs=rungs,
            demoted=demoted,
            limits=limits,
            findings={
                finding.policy: finding.message
                for finding in (core.judgement.findings if core.judgement else ())
            },
        )

    async def check_policies(
        self, workspace_id: int, sources: Sequence[tuple[str, str]]
    ) -> Checked:
        """Load and throw away."""
        known = await self.known(workspace_id)
        loaded = await self.serving.read(
            check_texts, sources, reasons=self.settings.reasons, known=known
        )
        return Checked(policy_set=loaded.policy_set, problems=loaded.problems)

    # running it

    async def enforcement(self, workspace_id: int) -> EnforcementState:
        """Whether policies may act."""
        return self.serving.enforcement

    async def stop_enforcement(
        self, workspace_id: int, *, everywhere: bool, reason: str, actor: Actor
    ) -> EnforcementState:
        """Hold everything, until resumed."""
        scope = EVERYWHERE if everywhere else workspace_id
        return await self._switch(
            partial(
                acts.stop_enforcement,
                workspace_id=scope,
                reason=reason,
                actor_kind=actor.kind,
                actor=actor.name,
            )
        )

    async def resume_enforcement(
        self, workspace_id: int, *, everywhere: bool, reason: str, actor: Actor
    ) -> EnforcementState:
        """Let policies act again."""
        scope = EVERYWHERE if everywhere else workspace_id
        return await self._switch(
            partial(
                acts.resume_enforcement,
                workspace_id=scope,
                reason=reason,
                actor_kind=actor.kind,
                actor=actor.name,
            )
        )

    async def reload(self, *, actor: Actor) -> PolicyState:
        """Read configuration and policies again, all or nothing."""
        core = self.serving
        async with self._reloading:
            try:
                settings, loaded = await core.read(self._read_again)
            except BadPolicies as error:
                self._refuse(error.problems, actor)
            except Invalid as error:
                place = str(self.settings.file or "policies")
                self._refuse([as_problem(error, file=place)], actor)
            else:
                await self._adopt(core, settings, loaded)
                log.info(
                    "reloaded",
                    actor=actor.name,
                    policies=len(loaded.policy_set.policies),
                    enforcing=loaded.enforcing,
                    hash=loaded.policy_set.hash,
                )
        return await self.policies(core.workspace.id)

    async def metrics(
        self, workspace_id: int, *, accept: str, accept_encoding: str
    ) -> MetricsPage:
        """The exposition, rendered and compressed off the loop."""
        core = self.serving
        self._count_ingested(core)
        facts = await observed.gather(
            core,
            reload_successful=not self._reload_failed,
            reloaded_at=self._reloaded_at,
        )
        choice = negotiate(accept, accept_encoding)

        def render() -> MetricsPage:
            page = self._renderer.render(facts, choice.exposition, gzip=choice.is_gzipped)
            return MetricsPage(page.body, choice.headers(page.length))

        return await asyncio.get_running_loop().run_in_executor(self._rendering, render)

    async def recall(self, workspace_id: int, key: str) -> Remembered | None:
        """The answer under an Idempotency-Key."""
        core = self.serving
        return await core.read(core.readers.recall, workspace_id, key, now=core.journal.now())

    async def remember(self, workspace_id: int, key: str, remembered: Remembered) -> None:
        """Keep an answer under its key."""
        await self.serving.act(
            partial(acts.remember, workspace_id=workspace_id, key=key, remembered=remembered)
        )

    def close(self) -> None:
        """End the threads of its own."""
        self._rendering.shutdown(wait=False, cancel_futures=True)

    # within

    async def _switch(self, work: Any) -> EnforcementState:
        core = self.serving
        await core.act(work)
        core.enforcement = await core.read(core.readers.enforcement, core.workspace.id)
        stopped = stopped_because(core.enforcement)

        def tell(seat: Any) -> None:
            seat.stopped = stopped

        await core.ask(tell)
        log.warning("enforcement switched", stopped=stopped)
        return core.enforcement

    def _read_again(self) -> tuple[Settings, LoadedPolicies]:
        read = self._read_settings()
        if read.settings is None:
            raise BadPolicies(read.problems)
        return read.settings, load_policies(
            read.settings.policies, reasons=read.settings.reasons
        )

    def _refuse(self, problems: Sequence[Problem], actor: Actor) -> None:
        self._problems = tuple(problems)
        self._reload_failed = True
        for problem in problems:
            log.error("not reloaded; the running policies stay", problem=problem.render())

    async def tell_limits(self) -> None:
        """Say once what the guards allow each pool: `pool researcher has 5 agents: at most 1 fire an hour`."""
        for limit in (await self.serving.ask(pool_limits))[:LIMITS_TOLD]:
            log.info(limit.words)

    async def _adopt(self, core: Core, settings: Settings, loaded: LoadedPolicies) -> None:
        now = core.journal.now()
        ended = await core.ask(lambda seat: seat.adopt(loaded.policy_set, now=now))
        if ended:
            await core.act(lambda tx: ticks.end_episodes(tx, core.workspace.id, ended))
        await core.catch_up()
        _forget_findings(core, loaded)
        core.policies = self.policies_loaded = loaded
        reloaded = replace(
            self.settings, **{name: getattr(settings, name) for name in RELOADABLE}
        )
        for name in restart_needed(reloaded, settings):
            log.warning("this setting needs a restart", setting=name)
        self.settings = reloaded
        self._renderer.configure(observed.series_settings(settings))
        self._loaded_at = now
        self._reloaded_at = self._clock.wall_ms()
        self._problems, self._reload_failed = loaded.problems, False
        await self.tell_limits()

    def _count_ingested(self, core: Core) -> None:
        for (kind, result), count in dict(core.journal.stats.events).items():
            counted = core.ingested.get((kind, result), 0)
            if count > counted:
                self.own.ingested(kind, result, count - counted)
                core.ingested[kind, result] = count


async def _bypassed(core: Core, ident: str) -> Sequence[Guard]:
    """Every guard that would hold a policy back from firing the agent now, as the judge sees it."""

    def ask(seat: Seat) -> Sequence[Guard]:
        view = seat.agent(ident, now=seat.known_at)
        measures = seat.fleet.at(seat.known_at)
        slot = None if view is None else measures.slot_of(view.agent_no)
        if slot is None:
            return ()
        return bypassed(measures, seat.policy_set, seat.state, slot=slot, stopped=seat.stopped)

    try:
        return await core.ask(ask)
    except PinkslipError:
        raise
    except Exception:
        # a person's fire is a unit of isolation: it goes through whatever ails the judge
        log.exception("the guards could not be asked about a fire by hand", agent=ident)
        return ()


def _forget_findings(core: Core, loaded: LoadedPolicies) -> None:
    """What broke under another text is not said of the new one; the next tick tells."""
    if core.judgement is None:
        return
    before = {policy.name: policy.hash for policy in core.policies.policy_set.policies}
    unchanged = {
        policy.name
        for policy in loaded.policy_set.policies
        if before.get(policy.name) == policy.hash
    }
    core.judgement = replace(
        core.judgement,
        findings=tuple(one for one in core.judgement.findings if one.policy in unchanged),
    )


def _kind(report: Report) -> str:
    match report.event:
        case Heartbeat():
            return "heartbeat"
        case Outcome():
            return "outcome"
        case Finish():
            return "finish"
        case SessionReport():
            return "session"
