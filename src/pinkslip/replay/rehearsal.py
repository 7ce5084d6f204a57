"""A service without store, threads or clock: a fleet, a judge's state and policies, on virtual time.

What agents report is admitted as live, by `fleet.admission`; what a tick concludes becomes the facts that the
store would make of it in the tick's transaction, by the same rules (`settling`). A fire whose evidence followed
a lineage condemns it. Facts of a tick are later than the tick: it saw exactly those before.
"""

from collections.abc import Callable, Iterable, Sequence

from pinkslip.fleet.admission import Admission, Head, apply
from pinkslip.fleet.fleet import Fleet, FleetSettings
from pinkslip.fleet.measures import Measures
from pinkslip.judge.conclusions import Judgement
from pinkslip.judge.judge import judge
from pinkslip.judge.settling import Overruled, may_stand, settled
from pinkslip.judge.state import JudgeState
from pinkslip.model.decisions import Decision, Episode, StandingChange
from pinkslip.model.events import Finish, Heartbeat, Outcome
from pinkslip.model.facts import (
    Absolved,
    Beat,
    Blinded,
    Condemned,
    Demoted,
    Done,
    Fact,
    Fired,
    Registered,
    Restored,
    Ruled,
    Stood,
)
from pinkslip.model.policy import PolicySet
from pinkslip.model.ports import Receipt
from pinkslip.model.words import BlindCause, Source, Verdict
from pinkslip.policies.load import needs

START_MS = 1_767_225_600_000
"""2026-01-01 00:00 UTC: when virtual time begins where nobody says otherwise."""
WORKSPACE = 1
_WRITER = 1

Event = Heartbeat | Outcome | Finish
Report = tuple[str, Event, Source]
"""Whose, what, and by whom it was told."""


class Rehearsal:
    """One workspace on virtual time. Time goes where `now` is set, never back."""

    def __init__(
        self,
        policy_set: PolicySet,
        *,
        now: int = START_MS,
        settings: FleetSettings | None = None,
        workspace_id: int = WORKSPACE,
        state: JudgeState | None = None,
    ) -> None:
        self.workspace_id = workspace_id
        self.now = now
        self.fleet = Fleet(workspace_id, settings or FleetSettings())
        self.state = state or JudgeState()
        self.stopped: str | None = None
        """Why enforcement is stopped, while it is."""
        self.decisions: list[Decision] = []
        """All of them, in order, as recorded: what could not be done reads superseded."""
        self.made: dict[str, Decision] = {}
        """The same by id."""
        self.heads: dict[str, Head] = {}
        """Every agent that reported or was told of, by agentId."""
        self.by_number: dict[int, Head] = {}
        self.condemned: dict[str, str] = {}
        """The lineages that are turned away, each with the reason of its fire."""
        self.newest: dict[int, Done] = {}
        """Each agent's newest outcome that was reported, by number."""
        self.on_fact: Callable[[Fact], None] = lambda _fact: None
        """Called with every fact in journal order, by whoever wants to keep a journal."""
        self._reasons: dict[str, str] = {}
        """By fire."""
        self._rows: dict[int, Restored] = {}
        """Those that left memory, as they were."""
        self._meanwhile: list[Ruled | Demoted] = []
        """What people said since the last look."""
        self._seq = 0
        self._passes = 0
        self._last_at = now
        self.policy_set = policy_set
        self.adopt(policy_set)

    def adopt(self, policy_set: PolicySet) -> tuple[Episode, ...]:
        """From now on judge by these; returns the episodes that ended with the old ones."""
        ended = self.state.adopt(policy_set, now=self.now)
        self.policy_set = policy_set
        self.fleet.declare(needs(policy_set), presence_ms=policy_set.guards.max_fired.per_ms)
        return ended

    # what happens

    @property
    def at(self) -> int:
        """The instant that a fact told now has: never before one told already."""
        return max(self.now, self._last_at)

    def allot(self) -> int:
        """The next number of the journal."""
        self._seq += 1
        return self._seq

    def tell(self, *facts: Fact) -> None:
        """Let facts be true. Whoever hands them in has given them an instant, not before `at`, and numbers."""
        for fact in facts:
            self._note(fact)
        absent = (getattr(fact, "agent_no", 0) for fact in facts)
        self._take([*self._recalled(absent), *facts])

    def tell_many(self, facts: Sequence[Done]) -> None:
        """As `tell`, of outcomes by the hundred thousand."""
        self._last_at = max(self._last_at, max((fact.at for fact in facts), default=0))
        self.fleet.fold(facts, writer=_WRITER)

    def report(self, agent_id: str, event: Event, source: Source = Source.SELF) -> Receipt:
        """One report as an agent sends it, and what it is told."""
        (receipt,) = self.reports([(agent_id, event, source)])
        return receipt

    def reports(self, reports: Iterable[Report]) -> list[Receipt]:
        """Reports that came at one instant, in order, each with what it is told."""
        admission = self._admission()
        receipts = [self._admit(admission, *report) for report in reports]
        self._seq = admission.seq
        absent = admission.absent.get(self.workspace_id, ())
        facts = [fact for _workspace, fact in admission.facts]
        self._take([*self._recalled(absent), *facts])
        return receipts

    def meet(self, agent_id: str, identity: Heartbeat) -> None:
        """First contact without a heartbeat: the agent is known, and has not beaten yet."""
        admission = self._admission()
        admission.heartbeat(self._registered(admission, agent_id), identity, is_new=True)
        self._seq = admission.seq
        self._take([fact for _, fact in admission.facts if not isinstance(fact, Beat)])

    def head(self, agent_id: str) -> Head:
        """What is known of an agent beside its outcomes; KeyError when there is none."""
        return self.heads[agent_id]

    def go_blind(self, span_ms: int, *, cause: BlindCause = BlindCause.RESTART) -> None:
        """Nobody looked or listened for so long; time goes on by it."""
        start, self.now = self.at, self.at + span_ms
        self.tell(Blinded(self.now, self.allot(), start, self.now, cause))

    def record(self, *decisions: Decision) -> None:
        """Add to what is decided, in order."""
        self.decisions += decisions
        self.made.update((one.id, one) for one in decisions)

    def forget(self, *, left_before: int) -> None:
        """Let those that left before an instant leave memory. They are known again when something is said of them."""
        leaving = self.fleet.leaving(left_before=left_before)
        self._rows.update((row.agent_no, row) for row in self.fleet.checkpoint(leaving))
        self.fleet.forget(left_before=left_before)

    # what follows

    def look(self) -> Measures:
        """Every measure now."""
        return self.fleet.at(self.now)

    def tick(self, after_ms: int = 0) -> Judgement:
        """One pass of the judge, `after_ms` from now, with all that follows from it."""
        self.now = max(self.now + after_ms, self._last_at)
        self._meanwhile.clear()
        judgement = judge(
            self.look(),
            self.policy_set,
            self.state,
            workspace_id=self.workspace_id,
            stopped=self.stopped,
        )
        self.enact(judgement)
        return judgement

    def enact(self, judgement: Judgement) -> None:
        """What the store's transaction makes of a tick's conclusions, and the judge's state after it."""
        decisions = settled(
            judgement.decisions,
            lambda decision: self.by_number.get(decision.agent_no),
            self._overruled(),
            judged_at=judgement.now,
            now=self.now,
        )
        self.record(*decisions)
        self._last_at = max(self._last_at, judgement.now + 1)
        for decision in decisions:
            if decision.verdict is Verdict.FIRED:
                self._fire(decision)
        for change in judgement.standings:
            self._stand(change, judged_at=judgement.now)
        superseded = [one.id for one in decisions if one.verdict is Verdict.SUPERSEDED]
        self.state.apply(judgement, superseded=superseded)

    def live(
        self,
        span_ms: int,
        *,
        tick_ms: int = 5_000,
        meanwhile: Callable[[int], None] | None = None,
    ) -> None:
        """Tick through a stretch of time; `meanwhile` is called with each instant, just before its tick."""
        end = self.now + span_ms
        while self.now + tick_ms <= end:
            self.now += tick_ms
            if meanwhile is not None:
                meanwhile(self.now)
            self.tick()

    # as the store does it

    def _overruled(self) -> Overruled:
        """What people said since the tick's look."""
        vetoed = [
            self.made[fact.decision_id]
            for fact in self._meanwhile
            if isinstance(fact, Ruled)
            and fact.verdict is Verdict.VETOED
            and fact.decision_id in self.made
        ]
        return Overruled(
            vetoed=frozenset((one.policy, one.agent_no) for one in vetoed),
            demoted=frozenset(
                fact.policy for fact in self._meanwhile if isinstance(fact, Demoted)
            ),
        )

    def _fire(self, decision: Decision) -> None:
        self.tell(
            Fired(
                decision.agent_no,
                self.at,
                self.allot(),
                fire_id=decision.id,
                reason=decision.reason or "",
                by_policy=decision.policy,
            )
        )
        lineage = decision.evidence.lineage
        if lineage is not None and lineage not in self.condemned:
            self.tell(Condemned(self.at, self.allot(), lineage, decision.id))

    def _stand(self, change: StandingChange, *, judged_at: int) -> None:
        if not may_stand(self.by_number.get(change.agent_no), change, judged_at=judged_at):
            return
        self.tell(
            Stood(
                change.agent_no,
                self.at,
                self.allot(),
                standing=change.standing,
                until=change.until,
                policy=change.policy,
            )
        )

    # as the writer does it

    def _admission(self) -> Admission:
        self._passes += 1
        return Admission(
            pass_no=self._passes,
            now=self.at,
            seq=self._seq,
            assumed_interval_ms=self.fleet.settings.assumed_interval_ms,
            stopped=frozenset() if self.stopped is None else frozenset({self.workspace_id}),
            condemned={self.workspace_id: self.condemned},
        )

    def _admit(
        self,
        admission: Admission,
        agent_id: str,
        event: Event,
        source: Source,
    ) -> Receipt:
        head, is_new = self.heads.get(agent_id), False
        if head is None:
            if isinstance(event, Heartbeat):
                refused = admission.stranger(self.workspace_id, agent_id, event)
                if refused is not None:
                    return refused
            head, is_new = self._registered(admission, agent_id), True
        if isinstance(event, Heartbeat):
            return admission.heartbeat(head, event, is_new=is_new)
        if isinstance(event, Finish):
            return admission.finish(head, event, is_new=is_new)
        event_id = event.event_id or f"{self.workspace_id}-{admission.seq + 1}"
        key = (admission.seq + 1).to_bytes(16)
        receipt, done = admission.outcome(head, event, key, event_id, source, is_new=is_new)
        self.newest[head.agent_no] = done
        return receipt

    def _registered(self, admission: Admission, agent_id: str) -> Head:
        number = len(self.heads) + 1
        uuid = f"00000000-0000-4000-8000-{number:012d}"
        head = admission.register(
            self.workspace_id, agent_no=number, agent_id=agent_id, uuid=uuid
        )
        self._keep(head)
        return head

    def _keep(self, head: Head) -> None:
        self.heads[head.agent_id] = self.by_number[head.agent_no] = head

    def _note(self, fact: Fact) -> None:
        """Whoever is admitted next is admitted knowing this."""
        if isinstance(fact, Registered):
            self._keep(Head(self.workspace_id, fact.agent_no, fact.agent_id, fact.uuid))
        elif isinstance(fact, Fired):
            self._reasons[fact.fire_id] = fact.reason
        elif isinstance(fact, Condemned):
            self.condemned[fact.lineage] = self._reasons[fact.fire_id]
        elif isinstance(fact, Absolved):
            self.condemned.pop(fact.lineage, None)
        elif isinstance(fact, Ruled | Demoted):
            self._meanwhile.append(fact)
        number = getattr(fact, "agent_no", None)
        if number is not None:
            apply(self.by_number[number], fact)

    def _take(self, facts: Sequence[Fact]) -> None:
        for fact in facts:
            self._last_at = max(self._last_at, fact.at)
            self.on_fact(fact)
        self.fleet.fold(facts, writer=_WRITER)

    def _recalled(self, numbers: Iterable[int]) -> list[Fact]:
        """Who they are, of those that were forgotten, before anything else is said of them."""
        return [self._rows.pop(number) for number in sorted(set(numbers) & self._rows.keys())]
