"""A backend in memory, for shapes, errors and what a real one does rarely: being away, slow or broken.

It keeps no promise but the types. What the service really does is tested over the real parts.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from msgspec import UNSET
from msgspec.structs import replace

from pinkslip.fleet.snapshot import AgentView, Snapshot
from pinkslip.judge.conclusions import PolicyAnswer, Recomputed, Waiting
from pinkslip.model.decisions import Evidence
from pinkslip.model.errors import Conflict, NotFound
from pinkslip.model.events import Finish, Heartbeat, Outcome, Report, SessionReport
from pinkslip.model.facts import Silence
from pinkslip.model.policy import Matcher, PolicySet
from pinkslip.model.ports import Order, Receipt
from pinkslip.model.words import (
    SEED_REASONS,
    Action,
    ActorKind,
    EpisodeState,
    Guard,
    Mode,
    Result,
    Source,
    Standing,
    Status,
    Verdict,
    code_of,
)
from pinkslip.policies.known import Known
from pinkslip.policies.load import Source as Text
from pinkslip.policies.load import load
from pinkslip.store.acts import FireDone
from pinkslip.store.chain import ChainReport
from pinkslip.store.views import (
    AgentFilters,
    DecisionFilters,
    EnforcementState,
    Fire,
    PolicyCount,
    Remembered,
    Reversal,
    Session,
    SessionFilters,
    SessionPlace,
    Stopped,
    StoredDecision,
    StoredReview,
    StoredSilence,
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
from pinkslip.web.selection import words_match

NOW = 1_795_000_000_000
HOME = Workspace(1, "5f3f2c1e-0000-7000-8000-000000000001", "default")

POLICIES = """\
version: 1
policies:
  - name: unresponsive
    reason: unresponsive
    when: heartbeat_age > 3 * heartbeat_interval
    for: 30s
    mode: enforce
    action: fire
  - name: failing
    reason: dumb
    when: success_rate[1h] < 50%
    action: fire
"""


def make_view(agent_id: str, *, number: int = 1, **changes: Any) -> AgentView:
    """An agent just seen for the first time."""
    view = AgentView(
        agent_no=number,
        agent_id=agent_id,
        uuid=f"00000000-0000-7000-8000-{number:012d}",
        name=None,
        model=None,
        role=None,
        host=None,
        lineage=None,
        labels={},
        boot_id=None,
        session_key=None,
        status=Status.IDLE,
        standing=Standing.ACTIVE,
        incarnation=1,
        created_at=NOW,
        updated_at=NOW,
        last_heartbeat=None,
        interval_ms=None,
        is_stale=False,
        status_since=NOW,
        current_task=None,
        task_since=None,
        progress=None,
        progress_at=None,
        context_used=None,
        finished_at=None,
        terminated_at=None,
        protected_until=None,
        standing_until=None,
        fired_count=0,
        tasks=0,
        successes=0,
        failed=(0, 0, 0, 0, 0, 0),
        duration_ms_sum=0,
        duration_count=0,
        tokens_in=0,
        tokens_out=0,
        cost_micros=0,
        score_e6_sum=0,
        score_count=0,
        error_count=0,
        last_error=None,
        streak=0,
    )
    return replace(view, **changes)


class MemoryBackend:
    """Implements `web.backend.Backend`."""

    def __init__(self) -> None:
        self.state = State(Phase.SERVING)
        self.time = NOW
        self.agents: dict[str, AgentView] = {}
        self.gone: dict[str, AgentView] = {}
        """Out of memory, in the database."""
        self.kept_fires: list[Fire] = []
        self.kept_sessions: dict[str, Session] = {}
        self.kept_decisions: list[StoredDecision] = []
        self.outcomes: dict[str, Outcome] = {}
        self.reports: list[Report] = []
        self.stopped: Stopped | None = None
        self.everywhere: Stopped | None = None
        self.keys: dict[str, Remembered] = {}
        self.acts: list[str] = []
        loaded = load([Text("policies.yaml", POLICIES)])
        assert loaded.policy_set is not None
        self.policy_set: PolicySet = loaded.policy_set
        self.policy_state = PolicyState(policy_set=self.policy_set, loaded_at=NOW)
        self.facts = Facts(
            started_at=NOW,
            observing_since=NOW,
            holder="here",
            epoch=1,
            database="./pinkslip.db",
            last_tick_at=NOW,
        )
        self.silent: set[str] = set()
        """Who has stopped reporting."""
        self.bypassed: tuple[Guard, ...] = ()
        self.before_report: Callable[[], Any] | None = None
        self.answers: dict[str, Any] = {}
        """What the one policy answers beside that."""
        self.kept_silences: list[SilenceState] = []
        self.silenced_at_most = 2
        self.kept_counts: list[PolicyCount] = []
        self.kept_reversals: list[Reversal] = []
        self.known_now = Known()
        self.chain = ChainReport(
            workspace_id=1, decisions=0, redacted=0, head=b"\x05\x06", broken=None
        )
        self.shown = {**{reason: reason for reason in SEED_REASONS}, "dumb": "underperforming"}

    def now(self) -> int:
        return self.time

    def workspace(self, workspace_id: int) -> Workspace:
        return HOME

    def displays(self, workspace_id: int) -> Mapping[str, str]:
        return self.shown

    def add(self, agent_id: str, **changes: Any) -> AgentView:
        number = len(self.agents) + len(self.gone) + 1
        view = make_view(agent_id, number=number, **changes)
        left = view.finished_at or view.standing is Standing.FIRED
        self.agents[agent_id] = view
        assert left is not None
        return view

    async def report(self, reports: Sequence[Report]) -> list[Receipt]:
        if self.before_report is not None:
            await self.before_report()
        return [self._take(report) for report in reports]

    def _take(self, report: Report) -> Receipt:
        self.reports.append(report)
        event = report.event
        if isinstance(event, SessionReport):
            self._put(report.session_key, event)
            return Receipt("accepted", len(self.reports), Status.IDLE, Standing.ACTIVE)
        view = self.agents.get(report.agent_id) or self.add(report.agent_id)
        verdict, detail, event_id = "accepted", "", None
        match event:
            case Heartbeat():
                if view.standing is Standing.FIRED and event.boot_id not in {
                    UNSET,
                    view.boot_id,
                }:
                    verdict, detail = "refused", "fired: dumb"
                else:
                    view = self._beat(view, event)
                    if view.interval_ms is None:
                        detail = "no interval declared: 30 s assumed"
            case Outcome():
                event_id = event.event_id or f"made-{len(self.reports)}"
                known = self.outcomes.setdefault(event_id, event)
                if known is not event:
                    verdict = "duplicate" if known == event else "conflict"
                else:
                    view = replace(
                        view,
                        tasks=view.tasks + 1,
                        successes=view.successes + (event.result is Result.SUCCESS),
                    )
            case Finish():
                view = replace(view, finished_at=self.time, status=Status.IDLE)
        self.agents[report.agent_id] = view
        orders = (Order("stop", "dumb"),) if view.standing is Standing.FIRED else ()
        return Receipt(
            verdict,
            len(self.reports),
            view.status,
            view.standing,
            orders,
            view.interval_ms,
            event_id,
            detail,
        )

    def _beat(self, view: AgentView, event: Heartbeat) -> AgentView:
        changes: dict[str, Any] = {"last_heartbeat": self.time}
        for name in ("status", "current_task", "progress", "context_used", "boot_id", "name"):
            if (value := getattr(event, name)) is not UNSET:
                changes[name] = value
        for name in ("model", "role", "host", "lineage", "session_key", "last_error"):
            if (value := getattr(event, name)) is not UNSET:
                changes[name] = value
        if event.labels is not UNSET:
            changes["labels"] = event.labels or {}
        if event.interval is not UNSET:
            changes["interval_ms"] = event.interval and round(event.interval * 1000)
        if event.leaving:
            changes |= {"finished_at": self.time, "status": Status.IDLE}
        return replace(view, **changes)

    async def snapshot(self, workspace_id: int) -> Snapshot:
        return make_snapshot(list(self.agents.values()), now=self.time)

    async def agent(self, workspace_id: int, ident: str) -> AgentView | None:
        for place in (self.agents, self.gone):
            if ident in place:
                return place[ident]
        everybody = [*self.agents.values(), *self.gone.values()]
        return next((view for view in everybody if view.uuid == ident), None)

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
        matches = words_match(filters)
        rows = [
            view
            for view in [*self.gone.values(), *self.agents.values()]
            if view.agent_no > after
            and (
                (finished and view.finished_at is not None)
                or (fired and view.standing is Standing.FIRED)
            )
            and matches(view)
        ]
        return sorted(rows, key=lambda view: view.agent_no)[:limit]

    async def fires(self, workspace_id: int, numbers: Sequence[int]) -> dict[int, list[Fire]]:
        found: dict[int, list[Fire]] = {}
        for fire in self.kept_fires:
            if fire.agent_no in numbers:
                found.setdefault(fire.agent_no, []).append(fire)
        return found

    def _known(self, ident: str) -> AgentView:
        if ident not in self.agents:
            raise NotFound(f"no agent {ident!r}")
        return self.agents[ident]

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
        view = self._known(ident)
        if view.standing is Standing.FIRED:
            raise Conflict("fired already", firedAt=self.time, firedBy="local", reason="dumb")
        if view.protected_until is not None and not force:
            raise Conflict("protected", protectedUntil=view.protected_until)
        done = FireDone(
            agent_no=view.agent_no,
            agent_id=view.agent_id,
            reason=reason,
            context=context,
            at=self.time,
            dry_run=dry_run,
            was_silent=ident in self.silent,
            bypassed=self.bypassed,
        )
        if dry_run:
            return done
        self.acts.append(f"fire {ident}")
        self.agents[ident] = replace(
            view,
            status=Status.TERMINATED,
            standing=Standing.FIRED,
            terminated_at=self.time,
            fired_count=view.fired_count + 1,
        )
        fire_id = f"fire-{len(self.kept_fires) + 1}"
        self.kept_fires.append(
            Fire(
                id=fire_id,
                agent_no=view.agent_no,
                agent_id=view.agent_id,
                incarnation=view.incarnation,
                decision_id="decision-1",
                fired_at=self.time,
                reason=reason,
                context=context,
                policy=None,
                actor_kind=actor.kind,
                actor=actor.name,
                post_mortem={"currentTask": view.current_task},
            )
        )
        return replace(done, fire_id=fire_id, decision_id="decision-1")

    async def reinstate(
        self, workspace_id: int, ident: str, *, context: str, wrong: bool, actor: Actor
    ) -> AgentView:
        view = self._known(ident)
        if view.standing is not Standing.FIRED:
            raise Conflict("not fired")
        self.acts.append(f"reinstate {ident}")
        self.agents[ident] = replace(
            view,
            status=Status.IDLE,
            standing=Standing.ACTIVE,
            incarnation=view.incarnation + 1,
            terminated_at=None,
        )
        return self.agents[ident]

    async def protect(
        self, workspace_id: int, ident: str, *, until: int | None, context: str, actor: Actor
    ) -> AgentView:
        self.agents[ident] = replace(self._known(ident), protected_until=until)
        return self.agents[ident]

    async def quarantine(
        self, workspace_id: int, ident: str, *, until: int, context: str, actor: Actor
    ) -> AgentView:
        view = self._known(ident)
        if view.standing is Standing.FIRED:
            raise Conflict(f"{ident} is fired")
        self.acts.append(f"quarantine {ident}")
        self.agents[ident] = replace(view, standing=Standing.QUARANTINED, standing_until=until)
        return self.agents[ident]

    async def release(
        self, workspace_id: int, ident: str, *, context: str, actor: Actor
    ) -> AgentView:
        view = self._known(ident)
        if view.standing in {Standing.ACTIVE, Standing.FIRED}:
            raise Conflict(f"{ident} is {view.standing}; there is nothing to release it from")
        self.acts.append(f"release {ident}")
        self.agents[ident] = replace(view, standing=Standing.ACTIVE, standing_until=None)
        return self.agents[ident]

    async def review(
        self, workspace_id: int, event_id: str, *, score: float, comment: str, actor: Actor
    ) -> StoredReview:
        if event_id not in self.outcomes:
            raise NotFound(f"no outcome {event_id!r}")
        self.acts.append(f"review {event_id}")
        outcome = self.outcomes[event_id]
        self.outcomes[event_id] = replace(outcome, score=score)
        return StoredReview(
            event_id=event_id.encode(),
            at=self.time,
            agent_no=1,
            outcome_at=self.time,
            score_e6=round(score * 1_000_000),
            before_e6=None if outcome.score is None else round(outcome.score * 1_000_000),
            comment=comment,
            source=Source.PERSON,
            who=actor.name,
            counted=True,
        )

    def wait(self, decision: StoredDecision, **changes: Any) -> Waiting:
        """Make what the decision announced wait."""
        waiting = Waiting(
            decision_id=decision.id,
            policy=decision.policy,
            agent_no=decision.agent_no,
            agent_id=decision.agent_id,
            state=EpisodeState.NOTICED,
            since=decision.at,
            until=decision.at + 300_000,
            reason=decision.reason,
            words=decision.evidence.words,
        )
        waiting = replace(waiting, **changes)
        self.facts = replace(self.facts, waiting=(*self.facts.waiting, waiting))
        return waiting

    def _rule(
        self, decision_id: str, verdict: Verdict, context: str, actor: Actor
    ) -> StoredDecision:
        announced = next((one for one in self.kept_decisions if one.id == decision_id), None)
        if announced is None:
            raise NotFound(f"no decision {decision_id!r}")
        if all(one.decision_id != decision_id for one in self.facts.waiting):
            raise Conflict("nothing waits on it any more: it was vetoed by ann")
        self.acts.append(f"{verdict} {decision_id}")
        rest = tuple(one for one in self.facts.waiting if one.decision_id != decision_id)
        self.facts = replace(self.facts, waiting=rest)
        return self.decide(
            verdict=verdict,
            agent_no=announced.agent_no,
            agent_id=announced.agent_id,
            policy=announced.policy,
            actor_kind=actor.kind,
            actor=actor.name,
            context=context,
            evidence=replace(
                EVIDENCE,
                words=f"a person {verdict} what decision {decision_id} announced: {EVIDENCE.words}",
            ),
        )

    async def veto(
        self, workspace_id: int, decision_id: str, *, context: str, actor: Actor
    ) -> StoredDecision:
        return self._rule(decision_id, Verdict.VETOED, context, actor)

    async def approve(
        self, workspace_id: int, decision_id: str, *, context: str, actor: Actor
    ) -> StoredDecision:
        return self._rule(decision_id, Verdict.APPROVED, context, actor)

    async def silences(
        self, workspace_id: int, *, active: bool | None, limit: int
    ) -> list[SilenceState]:
        return [
            state
            for state in reversed(self.kept_silences)
            if active in {None, state.stored.is_active(self.time)}
        ][:limit]

    async def add_silence(
        self,
        workspace_id: int,
        *,
        match: Sequence[Matcher],
        ends_at: int,
        reason: str,
        force: bool,
        actor: Actor,
    ) -> SilenceState:
        matched = len(self.agents)
        if matched > self.silenced_at_most and not force:
            raise Conflict(
                f"it takes in {matched} of {matched} agents, and {self.silenced_at_most} are allowed",
                matched=matched,
                active=len(self.agents),
            )
        silence = Silence(
            id=f"silence-{len(self.kept_silences) + 1}",
            match=tuple((one.field, tuple(sorted(one.values)), one.patterns) for one in match),
            owner=actor.name,
            reason=reason,
            starts_at=self.time,
            ends_at=ends_at,
        )
        stored = StoredSilence(silence=silence, created_at=self.time)
        self.kept_silences.append(SilenceState(stored=stored, matched=matched))
        return self.kept_silences[-1]

    async def end_silence(
        self, workspace_id: int, silence_id: str, *, actor: Actor
    ) -> SilenceState:
        for place, state in enumerate(self.kept_silences):
            stored = state.stored
            if stored.silence.id == silence_id:
                if not stored.is_active(self.time):
                    raise Conflict("it is over already")
                ended = replace(stored, ended_at=self.time, ended_by=actor.name)
                self.kept_silences[place] = replace(state, stored=ended)
                return self.kept_silences[place]
        raise NotFound(f"no silence {silence_id!r}")

    async def sessions(
        self,
        workspace_id: int,
        *,
        filters: SessionFilters,
        after: SessionPlace | None,
        limit: int,
    ) -> list[Session]:
        def place(session: Session) -> tuple[int, str]:
            return (-session.started_at, session.session_key)

        mark = None if after is None else (-after.started_at, after.session_key)
        rows = [
            session
            for session in sorted(self.kept_sessions.values(), key=place)
            if (mark is None or place(session) > mark)
            and filters.channel in {None, session.channel}
        ]
        return rows[:limit]

    async def session(self, workspace_id: int, key: str) -> Session | None:
        return self.kept_sessions.get(key)

    async def put_session(
        self, workspace_id: int, key: str, report: SessionReport, *, actor: Actor
    ) -> tuple[Session, bool]:
        created = key not in self.kept_sessions
        return self._put(key, report), created

    def _put(self, key: str, report: SessionReport) -> Session:
        session = self.kept_sessions.get(key) or Session(
            id=f"00000000-0000-7000-9000-{len(self.kept_sessions):012d}",
            session_key=key,
            user_id="00000000-0000-7000-a000-000000000001",
            agent_uuid=None,
            agent_id=None,
            label=None,
            channel=None,
            context_summary=None,
            message_count=0,
            is_active=True,
            started_at=self.time,
            last_message_at=None,
            ended_at=None,
            metadata={},
        )
        changes = {}
        for name in ("agent_id", "label", "channel", "context_summary", "message_count"):
            if (value := getattr(report, name)) is not UNSET:
                changes[name] = value
        if report.metadata is not UNSET:
            changes["metadata"] = report.metadata or {}
        self.kept_sessions[key] = replace(session, **changes)
        return self.kept_sessions[key]

    def decide(self, **changes: Any) -> StoredDecision:
        number = len(self.kept_decisions) + 1
        decision = StoredDecision(
            id=f"decision-{number}",
            number=number,
            at=self.time + number,
            writer=1,
            watermark=number,
            epoch=1,
            policy="failing",
            policy_hash="0123456789abcdef",
            policy_set_hash="0123456789abcdef",
            agent_no=1,
            agent_id="a",
            role="",
            incarnation=1,
            verdict=Verdict.FIRED,
            mode=Mode.ENFORCE,
            action=Action.FIRE,
            reason="dumb",
            guard=None,
            guard_detail="",
            actor_kind=ActorKind.POLICY,
            actor="failing",
            evidence=EVIDENCE,
            context="",
            content_digest=b"\x01\x02",
            chain_digest=b"\x03\x04",
        )
        self.kept_decisions.append(replace(decision, **changes))
        return self.kept_decisions[-1]

    async def decisions(
        self, workspace_id: int, *, filters: DecisionFilters, before: int | None, limit: int
    ) -> list[StoredDecision]:
        rows = [
            decision
            for decision in reversed(self.kept_decisions)
            if (before is None or decision.number < before)
            and filters.verdict in {None, decision.verdict}
            and filters.agent_id in {None, decision.agent_id}
            and filters.policy in {None, decision.policy}
            and (filters.since is None or decision.at >= filters.since)
        ]
        return rows[:limit]

    async def decision(self, workspace_id: int, decision_id: str) -> StoredDecision | None:
        return next((kept for kept in self.kept_decisions if kept.id == decision_id), None)

    async def recompute(self, workspace_id: int, decision_id: str) -> Recomputed:
        return Recomputed(identical=True, evidence=EVIDENCE, differences=())

    async def why(self, workspace_id: int, ident: str) -> Why | None:
        view = await self.agent(workspace_id, ident)
        if view is None:
            return None
        answer = PolicyAnswer(
            policy="failing",
            mode=Mode.SHADOW,
            action=Action.FIRE,
            reason="dumb",
            matches=True,
            when="success_rate[1h] < 50%",
            truth="unknown",
            values={"success_rate[1h]": None},
            state=EpisodeState.CLEAR,
            began_at=None,
            true_since=None,
            for_ms=0,
            guard=None,
            guard_detail="",
            guards=(),
            words="success_rate[1h] is unknown: 0 of 5 tasks",
        )
        answer = replace(answer, **self.answers)
        return Why(agent=view, at=self.time, policies=(answer,))

    async def policies(self, workspace_id: int) -> PolicyState:
        return self.policy_state

    async def policy_counts(self, workspace_id: int, *, since: int) -> list[PolicyCount]:
        return self.kept_counts

    async def reversals(self, workspace_id: int, *, since: int) -> list[Reversal]:
        return [one for one in self.kept_reversals if one.at >= since]

    async def restore_policy(
        self, workspace_id: int, name: str, *, context: str, actor: Actor
    ) -> StoredDecision:
        if all(policy.name != name for policy in self.policy_set.policies):
            raise NotFound(f"no policy {name!r} is loaded")
        if name not in self.policy_state.demoted:
            raise Conflict(f"policy {name} is not demoted")
        self.acts.append(f"restore {name}")
        self.policy_state = replace(self.policy_state, demoted={})
        return self.decide(
            verdict=Verdict.RESTORED,
            policy=name,
            agent_no=0,
            agent_id="",
            actor_kind=actor.kind,
            actor=actor.name,
            context=context,
        )

    async def known(self, workspace_id: int) -> Known:
        return self.known_now

    async def check_policies(
        self, workspace_id: int, sources: Sequence[tuple[str, str]]
    ) -> Checked:
        loaded = load([Text(file, text) for file, text in sources])
        return Checked(policy_set=loaded.policy_set, problems=loaded.problems)

    async def verify_chain(self, workspace_id: int) -> ChainReport:
        return self.chain

    async def enforcement(self, workspace_id: int) -> EnforcementState:
        return EnforcementState(stopped=self.stopped, everywhere=self.everywhere)

    async def stop_enforcement(
        self, workspace_id: int, *, everywhere: bool, reason: str, actor: Actor
    ) -> EnforcementState:
        self.acts.append("stop")
        stopped = Stopped(at=self.time, actor=actor.name, reason=reason)
        if everywhere:
            self.everywhere = stopped
        else:
            self.stopped = stopped
        return await self.enforcement(workspace_id)

    async def resume_enforcement(
        self, workspace_id: int, *, everywhere: bool, reason: str, actor: Actor
    ) -> EnforcementState:
        if (self.everywhere if everywhere else self.stopped) is None:
            raise Conflict("enforcement is running; nothing to resume")
        if everywhere:
            self.everywhere = None
        else:
            self.stopped = None
        return await self.enforcement(workspace_id)

    async def reload(self, *, actor: Actor) -> PolicyState:
        return self.policy_state

    async def metrics(
        self, workspace_id: int, *, accept: str, accept_encoding: str
    ) -> MetricsPage:
        return MetricsPage(b"# EOF\n", {"Content-Type": "text/plain; version=0.0.4"})

    async def recall(self, workspace_id: int, key: str) -> Remembered | None:
        return self.keys.get(key)

    async def remember(self, workspace_id: int, key: str, remembered: Remembered) -> None:
        self.keys[key] = remembered


EVIDENCE = Evidence(
    when="success_rate[1h] < 50%",
    values={"success_rate[1h]": 0.2},
    words="1 of 5 tasks succeeded",
    true_since=NOW,
    tasks=5,
)


def make_snapshot(views: Sequence[AgentView], *, now: int = NOW) -> Snapshot:
    """Views as the fleet publishes them."""

    def times(name: str) -> Any:
        return np.array([getattr(view, name) or 0 for view in views], dtype=np.int64)

    def reals(name: str) -> Any:
        held = [getattr(view, name) for view in views]
        return np.array([np.nan if value is None else value for value in held], dtype=float)

    def each(name: str) -> list[Any]:
        return [getattr(view, name) for view in views]

    columns: Mapping[str, Any] = {
        name: times(name)
        for name in [
            "incarnation",
            "created_at",
            "updated_at",
            "last_heartbeat",
            "interval_ms",
            "status_since",
            "task_since",
            "progress_at",
            "finished_at",
            "terminated_at",
            "protected_until",
            "standing_until",
            "fired_count",
            "tasks",
            "successes",
            "duration_ms_sum",
            "duration_count",
            "tokens_in",
            "tokens_out",
            "cost_micros",
            "score_e6_sum",
            "score_count",
            "error_count",
            "streak",
        ]
    }
    return Snapshot(
        workspace_id=1,
        seq=0,
        at=now,
        observing_since=NOW,
        numbers=times("agent_no"),
        agent_ids=each("agent_id"),
        uuids=each("uuid"),
        names=each("name"),
        models=each("model"),
        roles=each("role"),
        hosts=each("host"),
        lineages=each("lineage"),
        labels=each("labels"),
        boot_ids=each("boot_id"),
        session_keys=each("session_key"),
        current_tasks=each("current_task"),
        last_errors=each("last_error"),
        status=np.array([code_of(view.status) for view in views], dtype=np.uint8),
        standing=np.array([code_of(view.standing) for view in views], dtype=np.uint8),
        is_stale=np.array(each("is_stale"), dtype=np.bool_),
        progress=reals("progress"),
        context_used=reals("context_used"),
        failed=np.array([view.failed for view in views], dtype=np.int64).reshape(-1, 6),
        duration_buckets=np.zeros((len(views), 13), dtype=np.int64),
        assumed_interval_ms=30_000,
        role_totals=(),
        **columns,
    )


REASONS = SEED_REASONS
