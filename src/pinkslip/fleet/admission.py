"""What a report means for its agent, at one instant: new facts, and what the agent is told.

The journal's writer keeps a `Head` for each agent it has heard of: as much as it must know to tell a change
from a repetition. An `Admission` is one pass over reports at one instant; it numbers the facts, changes the
heads and remembers how they were. It does no I/O: ids, time and numbers are handed in, and whether an
outcome was seen before is for the database to say.
"""

from collections.abc import Callable, Iterable, Mapping
from copy import copy
from hashlib import blake2b

from msgspec import UNSET, Struct, UnsetType

from pinkslip.model.events import Finish, Heartbeat, Outcome
from pinkslip.model.facts import (
    Absolved,
    Beat,
    Blinded,
    Changed,
    Condemned,
    Demoted,
    Done,
    Fact,
    Finished,
    Fired,
    Promoted,
    Protected,
    Registered,
    Reinstated,
    Released,
    Restored,
    Reviewed,
    Revived,
    Ruled,
    Silenced,
    Stood,
    Unsilenced,
)
from pinkslip.model.ports import Order, Receipt
from pinkslip.model.time import from_rfc3339, spoken
from pinkslip.model.words import (
    EVERYWHERE,
    ActorKind,
    Fault,
    Result,
    Source,
    Standing,
    Status,
)

ASSUMED_INTERVAL_MS = 30_000
STALE_FACTOR = 3.0
LATEST_MS = 253_402_300_799_999
"""The end of the year 9999: no instant an agent names may be later."""

FORMER_BOOTS = 4
"""Boots before the present one that are remembered of each agent."""

NO_LABELS: Mapping[str, str] = {}

Condemnations = Mapping[int, Mapping[str, str]]
"""By workspace and lineage, for what reason its worker was fired."""
NOBODY: Condemnations = {}

Change = (
    Registered
    | Changed
    | Finished
    | Revived
    | Fired
    | Reinstated
    | Protected
    | Stood
    | Released
)
"""What is kept of an agent beside its beats and outcomes."""


class Head(Struct, gc=False):
    """The writer's record of one agent. Small: there may be a million.

    UNSET in a field means that the writer does not know it, so that any value given is a change.
    """

    workspace_id: int
    agent_no: int
    agent_id: str
    uuid: str
    status: Status = Status.IDLE
    standing: Standing = Standing.ACTIVE
    incarnation: int = 1
    current_task: str | None | UnsetType = None
    progress: float | None = None
    context_used: float | None = None
    interval_ms: int | None = None
    boot_id: str | None = None
    boot_seq: int | None = None
    """The newest number of this boot. This and what follows of boots is kept in memory only."""
    boot_at: int | None = None
    """When this boot beat last."""
    former_boots: tuple[tuple[str, int | None], ...] = ()
    """The boots before this one, newest first, each with its newest number."""
    name: str | None = None
    model: str | None = None
    role: str | None = None
    host: str | None = None
    lineage: str | None = None
    labels: Mapping[str, str] = NO_LABELS
    session_key: str | None = None
    last_error: str | None | UnsetType = None
    finished_at: int | None = None
    protected_until: int | None = None
    standing_until: int | None = None
    """When the standing ends by time, if it does."""
    stood_at: int = 0
    """When it was given, as far as this process knows: a tick that began earlier knew less."""
    stood_by: str | None = None
    """The policy that gave it; None: a person, or nobody."""
    fire_id: str | None = None
    """While fired: which fire, and for what reason."""
    fire_reason: str | None = None
    last_beat: int | None = None
    run_started: int | None = None
    """The stretch of beats that is being extended, if one is; see `store.beats`."""
    run_beats: int = 0
    pass_no: int = 0
    """The pass that touched it last."""


class Transition(Struct, frozen=True, gc=False):
    """A change of status or standing: who and why."""

    workspace_id: int
    seq: int
    agent_no: int
    at: int
    subject: str
    old: str | None
    new: str
    actor_kind: ActorKind
    actor: str
    why: str


class FiredReport(Struct, frozen=True, gc=False):
    """A fired agent's own process reported: its open delivery hears of it."""

    workspace_id: int
    fire_id: str
    at: int
    last_word: bool


class Refusal(Struct, frozen=True, gc=False):
    """A report that was turned away, because its worker was fired under another id."""

    workspace_id: int
    lineage: str
    agent_id: str
    at: int


class Admission:
    """One pass over reports at one instant. Numbers run on from `seq`; `undo` takes everything back."""

    def __init__(
        self,
        *,
        pass_no: int,
        now: int,
        seq: int,
        assumed_interval_ms: int = ASSUMED_INTERVAL_MS,
        stopped: frozenset[int] = frozenset(),
        condemned: Condemnations = NOBODY,
    ) -> None:
        """`stopped`: the workspaces in which enforcement is stopped, so that no order goes out; 0 is all.
        `condemned`: the lineages that are turned away.
        """
        self.now = now
        self.seq = seq
        """The last number allotted."""
        self.facts: list[tuple[int, Fact]] = []
        """Everything for the fleet, in order; the lists below hold the same things by kind, for the store."""
        self.registered: list[tuple[Head, int]] = []
        self.beats: list[tuple[Head, int]] = []
        self.outcomes: list[tuple[int, Done]] = []
        self.changes: list[tuple[int, Change]] = []
        self.transitions: list[Transition] = []
        self.fired_reports: list[FiredReport] = []
        self.refusals: list[Refusal] = []
        self.absent: dict[int, set[int]] = {}
        """By workspace, who had finished or was fired when a fact about them was made: see `recall`."""
        self.undo: list[tuple[Head, Head]] = []
        """(head, as it was before)."""
        self._pass_no = pass_no
        self._assumed_interval_ms = assumed_interval_ms
        self._stopped = stopped
        self._condemned = condemned
        self._assumed = f"no interval declared: {spoken(assumed_interval_ms)} assumed"

    def allot(self) -> int:
        """The next number."""
        self.seq += 1
        return self.seq

    def touch(self, head: Head) -> None:
        """Remember how `head` is before this pass changes it."""
        if head.pass_no != self._pass_no:
            self.undo.append((head, copy(head)))
            head.pass_no = self._pass_no

    def recall(self, workspace_id: int, rows: Iterable[Restored]) -> None:
        """Tell the fleet who the `absent` are before anything else of this pass.

        A fleet lets go only of agents that have finished or are fired, and nobody here knows of whom, or
        when. So each pass that says something of one that had left says first who it is, from its row; a
        fleet that still has it passes that over. Whatever else is said is of agents that every fleet has.
        """
        self.facts[:0] = [(workspace_id, row) for row in rows]

    def emit(self, head: Head, fact: Change) -> None:
        """A change that is already numbered: for the fleet, for the store, and on the head."""
        self.touch(head)
        self._may_be_absent(head)
        apply(head, fact)
        self.facts.append((head.workspace_id, fact))
        self.changes.append((head.workspace_id, fact))

    def reviewed(self, head: Head, fact: Reviewed) -> None:
        """An outcome of the agent was given another score: for the fleet alone."""
        self._may_be_absent(head)
        self.facts.append((head.workspace_id, fact))

    def transition(
        self,
        head: Head,
        *,
        subject: str,
        old: str | None,
        new: str,
        actor_kind: ActorKind,
        actor: str,
        why: str,
    ) -> None:
        """Record who changed a status or standing, and why."""
        self.transitions.append(
            Transition(
                head.workspace_id,
                self.allot(),
                head.agent_no,
                self.now,
                subject,
                old,
                new,
                actor_kind,
                actor,
                why,
            )
        )

    def register(self, workspace_id: int, *, agent_no: int, agent_id: str, uuid: str) -> Head:
        """First contact. What the agent says of itself is admitted next."""
        head = Head(workspace_id, agent_no, agent_id, uuid, pass_no=self._pass_no)
        fact = Registered(agent_no, self.now, self.allot(), agent_id, uuid)
        self.registered.append((head, fact.seq))
        self.facts.append((workspace_id, fact))
        self.changes.append((workspace_id, fact))
        return head

    def heartbeat(self, head: Head, event: Heartbeat, *, is_new: bool = False) -> Receipt:
        """My loop is alive, and perhaps more.

        What is ignored is no sign of life either: nobody knows for how long it was under way.
        """
        boot_id = event.boot_id
        if head.standing is Standing.FIRED:
            return self._answer_fired(head, boot_id=boot_id, last_word=event.leaving)
        if self._is_late(head, boot_id, event.seq):
            return self._answer(head, "ignored", _LATE)
        if self._condemned:
            refused = self._refused_lineage(head, event)
            if refused is not None:
                return refused
        is_same_boot = boot_id is not UNSET and boot_id is not None and boot_id == head.boot_id
        if head.finished_at is not None:
            if is_same_boot:
                return self._answer(head, "ignored", "finished; another bootId starts it again")
            self.emit(head, Revived(head.agent_no, self.now, self.allot()))
        elif is_same_boot and _is_old(event.seq, head.boot_seq):
            return self._answer(head, "ignored", "an older seq of this bootId")
        self._beat(head, event)
        changes = _changes(head, event)
        if event.leaving:
            changes = _given(changes | _ending(head))
        why = "first contact" if is_new else "heartbeat"
        self._change(head, changes, why=_with_error(why, event), is_new=is_new)
        if event.leaving:
            self.emit(head, Finished(head.agent_no, self.now, self.allot()))
        detail = self._assumed if head.interval_ms is None else ""
        return self._answer(head, "accepted", detail)

    def outcome(
        self,
        head: Head,
        event: Outcome,
        key: bytes,
        event_id: str,
        source: Source,
        *,
        is_new: bool = False,
    ) -> tuple[Receipt, Done]:
        """One task ended. `key` is what `event_key` makes of `event_id`, and not seen before."""
        if is_new:
            self._change(head, {}, why="first contact", is_new=True)
        standing = head.standing
        counted = standing is not Standing.FIRED
        orders = () if standing is Standing.ACTIVE else self._told(head, source)
        self.seq = seq = self.seq + 1
        done = done_of(event, head.agent_no, self.now, seq, key, source, counted)
        pair = (head.workspace_id, done)
        self.outcomes.append(pair)
        self.facts.append(pair)
        if counted:
            self._may_be_absent(head)
            if done.error is not None:
                self.touch(head)
                head.last_error = done.error
        receipt = Receipt(
            "accepted", seq, head.status, head.standing, orders, head.interval_ms, event_id
        )
        return receipt, done

    def repeated(self, head: Head, *, event_id: str, source: Source, is_same: bool) -> Receipt:
        """An outcome whose id is taken: said again, or another body under the same id."""
        return Receipt(
            "duplicate" if is_same else "conflict",
            self.seq,
            head.status,
            head.standing,
            self._told(head, source),
            head.interval_ms,
            event_id,
            "" if is_same else f"eventId {event_id} stands for another outcome already",
        )

    def finish(self, head: Head, event: Finish, *, is_new: bool = False) -> Receipt:
        """The agent ended as planned. The boot that says so is the one whose later beats change nothing."""
        if head.standing is Standing.FIRED:
            return self._answer_fired(
                head, boot_id=UNSET if event.boot_id is None else event.boot_id, last_word=True
            )
        if head.finished_at is not None:
            return self._answer(head, "ignored", "finished already")
        if self._is_late(head, event.boot_id, UNSET):
            return self._answer(head, "ignored", _LATE)
        self.touch(head)
        self._note_boot(head, UNSET if event.boot_id is None else event.boot_id, UNSET)
        changes = _given(_ending(head))
        if event.boot_id is not None and event.boot_id != head.boot_id:
            changes["boot_id"] = event.boot_id
        why = "finished" if event.context is None else f"finished: {event.context}"
        self._change(head, changes, why=why, is_new=is_new)
        self.emit(head, Finished(head.agent_no, self.now, self.allot(), event.context))
        return self._answer(head, "accepted", "")

    def stranger(self, workspace_id: int, agent_id: str, event: Heartbeat) -> Receipt | None:
        """The refusal of an agent nobody knows yet, where its worker was fired under another id."""
        lineage = event.lineage
        if not isinstance(lineage, str):
            return None
        reason = self._condemned.get(workspace_id, {}).get(lineage)
        if reason is None:
            return None
        return self._refuse_lineage(workspace_id, agent_id, lineage, reason)

    def mentioned(self, head: Head, *, is_new: bool = False) -> Receipt:
        """A session names the agent."""
        if is_new:
            self._change(head, {}, why="first contact", is_new=True)
        return self._answer(head, "accepted", "")

    def _may_be_absent(self, head: Head) -> None:
        if head.finished_at is not None or head.standing is Standing.FIRED:
            self.absent.setdefault(head.workspace_id, set()).add(head.agent_no)

    def _is_late(
        self, head: Head, boot_id: str | None | UnsetType, seq: int | UnsetType
    ) -> bool:
        """Whether this was said by a process that another one has followed.

        What its number shows to be old is late for good. Otherwise a former boot is late while the present one
        goes on; once that is silent for its interval, the former is the one that lives: two processes under one
        id must not make a dead agent of a living one.
        """
        for former, newest in head.former_boots:
            if former == boot_id and boot_id != head.boot_id:
                interval_ms = head.interval_ms or self._assumed_interval_ms
                goes_on = head.boot_at is not None and self.now - head.boot_at < interval_ms
                return goes_on or _is_old(seq, newest)
        return False

    def _note_boot(
        self, head: Head, boot_id: str | None | UnsetType, seq: int | UnsetType
    ) -> None:
        """Remember which process speaks, and its number. Before the change of `boot_id` is emitted.

        A number without a boot belongs to none.
        """
        if boot_id is UNSET:
            return
        if boot_id != head.boot_id:
            former = dict(head.former_boots)
            if head.boot_id is not None:
                former = {head.boot_id: head.boot_seq} | former
            head.boot_seq = None if boot_id is None else former.pop(boot_id, None)
            head.former_boots = tuple(former.items())[:FORMER_BOOTS]
            head.boot_at = None
        if boot_id is not None and seq is not UNSET:
            head.boot_seq = seq

    def _beat(self, head: Head, event: Heartbeat) -> None:
        self.touch(head)
        seq = self.allot()
        self.facts.append((head.workspace_id, Beat(head.agent_no, self.now, seq)))
        self.beats.append((head, seq))
        self._note_boot(head, event.boot_id, event.seq)
        if event.boot_id is not UNSET and event.boot_id is not None:
            head.boot_at = self.now

    def _change(
        self, head: Head, changes: dict[str, object], *, why: str, is_new: bool
    ) -> None:
        old = None if is_new else head.status
        if changes:
            # the names and types of `changes` are those of Changed, by `_changes` and `_ending`
            self.emit(head, Changed(head.agent_no, self.now, self.allot(), **changes))  # type: ignore[arg-type]
        if old != head.status:
            self.transition(
                head,
                subject="status",
                old=old,
                new=head.status,
                actor_kind=ActorKind.AGENT,
                actor=head.agent_id,
                why=why,
            )

    def _refused_lineage(self, head: Head, event: Heartbeat) -> Receipt | None:
        """A living agent may not take a condemned lineage on, nor a finished one of it begin again.

        Its living members stay until they are fired themselves.
        """
        said = head.lineage if event.lineage is UNSET else event.lineage
        if said is None or (said == head.lineage and head.finished_at is None):
            return None
        reason = self._condemned.get(head.workspace_id, {}).get(said)
        if reason is None:
            return None
        return self._refuse_lineage(head.workspace_id, head.agent_id, said, reason)

    def _refuse_lineage(
        self, workspace_id: int, agent_id: str, lineage: str, reason: str
    ) -> Receipt:
        self.refusals.append(Refusal(workspace_id, lineage, agent_id, self.now))
        return Receipt(
            "refused",
            self.seq,
            Status.TERMINATED,
            Standing.FIRED,
            self._unless_stopped(workspace_id, Order("stop", reason)),
            detail=f"fired: {reason}; lineage {lineage} needs a reinstatement, whatever its agentId",
        )

    def _answer_fired(
        self, head: Head, *, boot_id: str | None | UnsetType, last_word: bool
    ) -> Receipt:
        if boot_id is not UNSET and boot_id is not None and boot_id != head.boot_id:
            return Receipt(
                "refused",
                self.seq,
                head.status,
                head.standing,
                self._order(head),
                head.interval_ms,
                None,
                f"fired: {head.fire_reason}; another process under its id needs a reinstatement",
            )
        return Receipt(
            "accepted",
            self.seq,
            head.status,
            head.standing,
            self._stop(head, last_word=last_word),
            head.interval_ms,
            None,
            f"fired: {head.fire_reason}",
        )

    def _is_withheld(self, workspace_id: int) -> bool:
        return workspace_id in self._stopped or EVERYWHERE in self._stopped

    def _unless_stopped(self, workspace_id: int, order: Order) -> tuple[Order, ...]:
        return () if self._is_withheld(workspace_id) else (order,)

    def _order(self, head: Head) -> tuple[Order, ...]:
        """What its standing asks of the agent now."""
        if head.standing is Standing.FIRED:
            return self._unless_stopped(head.workspace_id, Order("stop", head.fire_reason))
        if head.standing is not Standing.QUARANTINED:
            return ()
        until = head.standing_until
        if until is not None and until <= self.now:
            return ()
        by = "a person" if head.stood_by is None else f"policy {head.stood_by}"
        order = Order("pause", f"quarantined by {by}", until)
        return self._unless_stopped(head.workspace_id, order)

    def _stop(self, head: Head, *, last_word: bool) -> tuple[Order, ...]:
        if head.fire_id is not None and not self._is_withheld(head.workspace_id):
            self.fired_reports.append(
                FiredReport(head.workspace_id, head.fire_id, self.now, last_word)
            )
        return self._order(head)

    def _told(self, head: Head, source: Source) -> tuple[Order, ...]:
        """The order, in answer to an outcome: only what the agent itself sends shows that it lives."""
        if source is Source.SELF and head.standing is Standing.FIRED:
            return self._stop(head, last_word=False)
        return self._order(head)

    def _answer(self, head: Head, verdict: str, detail: str) -> Receipt:
        return Receipt(
            verdict,
            self.seq,
            head.status,
            head.standing,
            () if head.standing is Standing.ACTIVE else self._order(head),
            head.interval_ms,
            detail=detail,
        )


def apply(head: Head, fact: Fact) -> None:
    """What `fact` leaves on the head. The same when it is made and when it is read back."""
    match fact:
        case Changed():
            _apply_changed(head, fact)
        case Finished():
            head.finished_at = fact.at
        case Revived():
            head.finished_at = None
        case Fired():
            head.status = Status.TERMINATED
            head.standing = Standing.FIRED
            head.fire_id = fact.fire_id
            head.fire_reason = fact.reason
            _forget_task(head)
            _stand(head, fact.at)
        case Reinstated():
            head.status = Status.IDLE
            head.standing = Standing.ACTIVE
            head.incarnation = fact.incarnation
            head.finished_at = None
            head.fire_id = head.fire_reason = None
            _forget_task(head)
            _stand(head, fact.at)
        case Protected():
            head.protected_until = fact.until
        case Stood():
            head.standing = fact.standing
            _stand(head, fact.at, until=fact.until, by=fact.policy)
        case Released():
            head.standing = Standing.ACTIVE
            _stand(head, fact.at)
        case Registered() | Beat() | Done() | Reviewed() | Blinded() | Restored():
            pass
        case Silenced() | Unsilenced() | Ruled() | Demoted() | Promoted():
            pass
        case Condemned() | Absolved():
            pass


def refusal(event: Heartbeat | Outcome | Finish) -> str | None:
    """Why `event` cannot be admitted, before anything is changed for it; None when it can."""
    if isinstance(event, Outcome):
        return None if event.started_at is None else _bad_instant("startedAt", event.started_at)
    if isinstance(event, Heartbeat) and event.status is Status.TERMINATED:
        return "status: TERMINATED is ours to give; an agent that ends says `leaving: true`"
    return None


def done_of(
    event: Outcome,
    agent_no: int,
    at: int,
    seq: int,
    key: bytes,
    source: Source,
    counted: bool,
) -> Done:
    """An outcome as the journal keeps it."""
    result = event.result
    fault = event.fault
    if fault is None:
        fault = Fault.USER if result is Result.CANCELLED else Fault.AGENT
    cost, score, started_at = event.cost_usd, event.score, event.started_at
    return Done(
        agent_no,
        at,
        seq,
        key,
        result,
        fault,
        source,
        counted,
        event.kind,
        event.duration_ms,
        None if started_at is None else from_rfc3339(started_at),
        event.tokens_in,
        event.tokens_out,
        None if cost is None else round(cost * 1_000_000),
        None if score is None else round(score * 1_000_000),
        event.error,
        event.session_key,
        event.task_id,
    )


def is_same_body(one: Done, other: Done) -> bool:
    """Whether two outcomes under one id say the same. When, and by whom they were told is not the body."""
    return (
        one.agent_no == other.agent_no
        and one.result == other.result
        and one.fault == other.fault
        and one.kind == other.kind
        and one.duration_ms == other.duration_ms
        and one.started_at == other.started_at
        and one.tokens_in == other.tokens_in
        and one.tokens_out == other.tokens_out
        and one.cost_micros == other.cost_micros
        and one.score_e6 == other.score_e6
        and one.error == other.error
        and one.session_key == other.session_key
        and one.task_id == other.task_id
    )


def event_key(event_id: str) -> bytes:
    """Sixteen bytes for an event id: a UUID as it is, any other string by digest."""
    if (
        len(event_id) == 36
        and event_id[8] == event_id[13] == event_id[18] == event_id[23] == "-"
    ):
        try:
            key = bytes.fromhex(event_id.replace("-", ""))
        except ValueError:
            key = b""
        if len(key) == 16:
            return key
    return blake2b(event_id.encode(), digest_size=16).digest()


def uuid7(now_ms: int, randomness: bytes) -> str:
    """A time-ordered UUID from an instant and ten random bytes."""
    tail = bytearray(randomness)
    tail[0] = 0x70 | (tail[0] & 0x0F)
    tail[2] = 0x80 | (tail[2] & 0x3F)
    text = f"{now_ms & 0xFFFF_FFFF_FFFF:012x}{tail.hex()}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


_LATE = "an earlier bootId; another process has followed it, and goes on"


def _is_old(seq: int | UnsetType, newest: int | None) -> bool:
    return seq is not UNSET and newest is not None and seq <= newest


def _with_error(why: str, event: Heartbeat) -> str:
    if event.status is Status.ERROR and isinstance(event.last_error, str):
        return f"{why}: {event.last_error}"
    return why


def _ending(head: Head) -> dict[str, object]:
    """What an ending changes: status IDLE, which clears the task."""
    changes: dict[str, object] = {}
    changes["status"] = UNSET if head.status is Status.IDLE else Status.IDLE
    changes["current_task"] = UNSET if head.current_task is None else None
    return changes


def _given(changes: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in changes.items() if value is not UNSET}


def _changes(head: Head, event: Heartbeat) -> dict[str, object]:
    """What a heartbeat really changes. Absent keeps, null clears."""
    changes: dict[str, object] = {}
    status = event.status
    if status is not UNSET and status is not head.status:
        changes["status"] = status
    task = None if status is Status.IDLE else event.current_task
    if task is not UNSET and task != head.current_task:
        changes["current_task"] = task
    if event.progress is not UNSET and event.progress != head.progress:
        changes["progress"] = event.progress
    if event.context_used is not UNSET and event.context_used != head.context_used:
        changes["context_used"] = event.context_used
    if event.interval is not UNSET:
        interval_ms = None if event.interval is None else round(event.interval * 1000)
        if interval_ms != head.interval_ms:
            changes["interval_ms"] = interval_ms
    if event.boot_id is not UNSET and event.boot_id != head.boot_id:
        changes["boot_id"] = event.boot_id
    _identity_changes(head, event, changes)
    if event.session_key is not UNSET and event.session_key != head.session_key:
        changes["session_key"] = event.session_key
    if event.last_error is not UNSET and event.last_error != head.last_error:
        changes["last_error"] = event.last_error
    return changes


def _identity_changes(head: Head, event: Heartbeat, changes: dict[str, object]) -> None:
    if event.name is not UNSET and event.name != head.name:
        changes["name"] = event.name
    if event.model is not UNSET and event.model != head.model:
        changes["model"] = event.model
    if event.role is not UNSET and event.role != head.role:
        changes["role"] = event.role
    if event.host is not UNSET and event.host != head.host:
        changes["host"] = event.host
    if event.lineage is not UNSET and event.lineage != head.lineage and not _is_bound(head):
        changes["lineage"] = event.lineage
    if event.labels is not UNSET:
        labels = event.labels or NO_LABELS
        if labels != head.labels:
            changes["labels"] = labels or None


def _is_bound(head: Head) -> bool:
    """Whether it stays of its lineage whatever it says: nobody leaves probation, quarantine or a notice that way."""
    return isinstance(head.lineage, str) and head.standing is not Standing.ACTIVE


def _apply_changed(head: Head, fact: Changed) -> None:
    for name in Changed.__struct_fields__[3:]:
        value = getattr(fact, name)
        if value is not UNSET:
            setattr(head, name, NO_LABELS if name == "labels" and value is None else value)


def _stand(head: Head, at: int, *, until: int | None = None, by: str | None = None) -> None:
    head.stood_at, head.standing_until, head.stood_by = at, until, by


def _forget_task(head: Head) -> None:
    # what firing does to the task is the fleet's to say; whatever comes next is a change
    if head.current_task is not None:
        head.current_task = UNSET


def _bad_instant(field: str, written: str) -> str | None:
    try:
        at = from_rfc3339(written)
    except (ValueError, OverflowError) as error:
        return f"{field}: {error}"
    if not 0 <= at <= LATEST_MS:
        return f"{field}: {written} is not between 1970 and 9999"
    return None


Ids = Callable[[], str]
"""Hands out fresh time-ordered UUIDs."""
