"""One workspace as the fleet thread holds it: its fleet, its judge's state, its policies, its last tick.

A tick, step by step (design section 9 names them): the writer marks an instant; everything before the mark
is folded; the judge looks once; what it concludes goes back to the writer as one fenced transaction; and
only when that is durable does the judge's state move on. A tick that cannot be written never happened.
"""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Protocol

import structlog
from msgspec import Struct

from pinkslip.fleet.fleet import Fleet
from pinkslip.fleet.needs import Horizon
from pinkslip.fleet.outcomes import Arrivals
from pinkslip.fleet.presence import Moves
from pinkslip.fleet.snapshot import AgentView, Snapshot
from pinkslip.judge.conclusions import Judgement, PolicyAnswer
from pinkslip.judge.judge import judge
from pinkslip.judge.nearness import nearness
from pinkslip.judge.state import JudgeState
from pinkslip.judge.why import why
from pinkslip.model.decisions import Episode, TickRecord, TickWritten
from pinkslip.model.errors import Unavailable
from pinkslip.model.facts import Fact, Mark
from pinkslip.model.policy import PolicySet
from pinkslip.model.time import spoken
from pinkslip.policies.load import needs
from pinkslip.store.checkpoint import Place

log = structlog.get_logger(__name__)


class TickStore(Protocol):
    """Where a tick becomes durable, and what it must know is read; `app` gives it journal and database."""

    def read_past(
        self, workspace_id: int, horizon: Horizon, *, now: int
    ) -> tuple[Moves | None, Sequence[Arrivals]]:
        """What the fleet's horizon says is missing: of who came and went (None: nothing), and of outcomes.

        Raises:
            Unavailable: it cannot be read now.
        """
        ...

    def record_tick(self, record: TickRecord, policy_set: PolicySet) -> "Future[TickWritten]":
        """One fenced transaction."""
        ...

    def record_stall(
        self, workspace_id: int, *, start: int, end: int, wall_offset_ms: int, detail: str
    ) -> "Future[None]":
        """We did not look between `start` and `end`."""
        ...


class TickReport(Struct, frozen=True, kw_only=True):
    """What became of one tick."""

    now: int
    judgement: Judgement | None
    """None: nothing was judged, because we had been blind or had no policies yet."""
    written: TickWritten | None
    folded: int
    refused: str = ""
    """Why the tick could not be written."""
    observing_since: int = 0
    roles: Mapping[int, str] = {}
    """Of the agents decided about, by agent_no; empty for those that gave none."""


@dataclass(slots=True, kw_only=True)
class Seat:
    """Touched by the fleet thread only."""

    workspace_id: int
    fleet: Fleet
    policy_set: PolicySet
    state: JudgeState
    store: TickStore
    stall_ms: int
    """Two marks further apart than this: we stalled, and what we did not see counts against nobody."""
    writer: int
    """Who numbers the facts to come."""
    stopped: str | None = None
    """Why enforcement is stopped, while it is."""
    seq: int = 0
    """Everything of `writer` up to here is folded."""
    last_mark: int = 0
    known_at: int = 0
    """The newest instant known here: no mark to come is earlier, so looking at it moves no window ahead."""
    on_tick: Callable[[TickReport], None] = field(default=lambda _report: None)
    """Called on whatever thread the news comes from; must only hand it over."""
    defer: Callable[[Callable[[], None]], None] = field(default=lambda work: work())
    """How work comes back to the fleet thread; set by whoever owns that."""
    _writing: bool = False
    _unwritten: int = 0
    _snapshot: Snapshot | None = None

    def fold(self, facts: Sequence[Fact], *, seq: int, at: int) -> None:
        """Take in what one commit made true; what a rebuild has read already is passed over."""
        if seq <= self.seq:
            return
        if facts:
            self.fleet.fold(facts, writer=self.writer)
            self._snapshot = None
        self.seq = seq
        self.known_at = max(self.known_at, at)

    @property
    def place(self) -> Place:
        """Where in the journal the fleet stands."""
        return Place(self.writer, self.seq)

    def agent(self, ident: str, *, now: int) -> AgentView | None:
        """By agentId, else by uuid; None when it is not in memory."""
        return self.fleet.agent(ident, now=now) or self.fleet.by_uuid(ident, now=now)

    def role_of(self, agent_no: int) -> str:
        """Empty for an agent that gave none, or has left memory."""
        view = self.fleet.by_number(agent_no, now=self.last_mark)
        return (view.role if view else None) or ""

    def grace_ms(self, agent_no: int) -> int:
        """How long an agent may be silent before it is stale."""
        view = self.fleet.by_number(agent_no, now=self.last_mark)
        settings = self.fleet.settings
        interval_ms = (view.interval_ms if view else None) or settings.assumed_interval_ms
        return round(interval_ms * settings.stale_factor)

    def why(self, ident: str) -> tuple[int, AgentView, tuple[PolicyAnswer, ...]] | None:
        """Every policy's answer about one agent, and for which instant; None when it is not in memory."""
        view = self.agent(ident, now=self.known_at)
        if view is None:
            return None
        measures = self.fleet.at(self.known_at)
        slot = measures.slot_of(view.agent_no)
        if slot is None:
            return None
        answers = why(measures, self.policy_set, self.state, slot=slot, stopped=self.stopped)
        return measures.now, view, answers

    def open_episodes(self) -> dict[str, int]:
        """How many, by policy."""
        return dict(self.state.open_counts())

    def evidence(self) -> Mapping[int, float]:
        """By agent_no, how near the worst policy is to acting: 1 enough; whoever has nothing against it is left out."""
        return nearness(self.fleet.at(self.known_at), self.policy_set, self.state)

    def adopt(self, policy_set: PolicySet, *, now: int) -> tuple[Episode, ...]:
        """From now on judge by these; returns the episodes that ended with the old ones."""
        ended = self.state.adopt(policy_set, now=now)
        self.policy_set = policy_set
        self.fleet.declare(needs(policy_set), presence_ms=policy_set.guards.max_fired.per_ms)
        return ended

    def snapshot(self, *, now: int, fresh_ms: int = 1_000) -> Snapshot:
        """An immutable copy; shared between askers until something is folded, or it is `fresh_ms` old."""
        held = self._snapshot
        if held is None or now - held.at >= fresh_ms or held.seq < self.seq:
            self._snapshot = held = self.fleet.snapshot(seq=self.seq, now=now)
        return held

    def judge_at(self, mark: Mark) -> None:
        """Take the tick that `mark` gave its instant and place."""
        before, self.last_mark = self.last_mark, mark.now
        self.known_at = max(self.known_at, mark.now)
        if before and mark.now - before > self.stall_ms:
            self._note_stall(before, mark)
            return
        if self._writing:  # the tick before is still being written; its outcome decides ours
            self._refuse(mark, "the tick before is still being written")
            return
        try:
            self._recall(mark.now)
            judgement = judge(
                self.fleet.at(mark.now),
                self.policy_set,
                self.state,
                workspace_id=self.workspace_id,
                stopped=self.stopped,
            )
        except Unavailable as error:
            self._refuse(mark, str(error))
            return
        except (
            Exception
        ) as error:  # a tick is a unit of isolation: log, count, and the next one comes
            log.exception("judging failed", workspace=self.workspace_id)
            self._refuse(mark, repr(error))
            return
        self._write(mark, judgement)

    def _recall(self, now: int) -> None:
        """Read what is missing from windows now. A tick waits for that: judged by what an agent did since it came
        back, or since a policy was declared, it would seem to have failed at nothing.

        Almost everything was read before the mark, on another thread; this is what came between.
        """
        if not self.fleet.may_lack(now=now):
            return
        horizon = self.fleet.horizon()
        moves, outcomes = self.store.read_past(self.workspace_id, horizon, now=now)
        if moves is not None:
            self.fleet.fold_presence(moves)
        if horizon.lacking:
            self.fleet.fold_arrivals(outcomes)

    def _refuse(self, mark: Mark, why: str, *, folded: int = 0) -> None:
        self.on_tick(
            TickReport(now=mark.now, judgement=None, written=None, folded=folded, refused=why)
        )

    def _note_stall(self, before: int, mark: Mark) -> None:
        gap = mark.now - before
        written = self.store.record_stall(
            self.workspace_id,
            start=before,
            end=mark.now,
            wall_offset_ms=mark.wall_offset_ms,
            detail=f"no tick for {spoken(gap)}",
        )
        report = TickReport(
            now=mark.now,
            judgement=None,
            written=None,
            folded=0,
            refused=f"stalled for {spoken(gap)}",
        )
        written.add_done_callback(lambda _done: self.on_tick(report))

    def _write(self, mark: Mark, judgement: Judgement) -> None:
        folded, digest = self.fleet.take_digest()
        self._unwritten += folded
        record = TickRecord(
            workspace_id=self.workspace_id,
            now=mark.now,
            writer=mark.writer,
            watermark=mark.seq,
            epoch=mark.epoch,
            policy_set_hash=self.policy_set.hash,
            folded=self._unwritten,
            digest=digest,
            wall_offset_ms=mark.wall_offset_ms,
            decisions=judgement.decisions,
            episodes=judgement.episodes,
            places=judgement.places,
            standings=judgement.standings,
        )
        self._writing = True
        try:
            written = self.store.record_tick(record, self.policy_set)
        except Unavailable as error:
            self._writing = False
            self._refuse(mark, str(error), folded=folded)
            return
        written.add_done_callback(
            lambda done: self.defer(lambda: self._written(mark, judgement, done))
        )

    def _written(self, mark: Mark, judgement: Judgement, done: "Future[TickWritten]") -> None:
        self._writing = False
        folded, error = self._unwritten, done.exception()
        if error is not None:
            self._refuse(mark, str(error), folded=folded)
            return
        self._unwritten = 0
        written = done.result()
        self.state.apply(judgement, superseded=written.superseded)
        self.on_tick(
            TickReport(
                now=mark.now,
                judgement=judgement,
                written=written,
                folded=folded,
                observing_since=self.fleet.observing_since,
                roles={one.agent_no: self.role_of(one.agent_no) for one in judgement.decisions},
            )
        )
