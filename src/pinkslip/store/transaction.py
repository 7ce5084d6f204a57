"""One fenced transaction of the writer: its instant, its numbers, and what it will leave behind.

Work handed to `Journal.act` is called with one. It may execute what it likes on `connection`; facts go
through `emit`, which also writes the row of `agent_changes`, and changes of status or standing are explained
through `transition`. Nothing is committed, published or kept in the roster unless the work returns.
"""

import os
from typing import Any

from sqlalchemy import Connection, insert

from pinkslip.fleet.admission import Admission, Change, Head, uuid7
from pinkslip.model.errors import NotFound
from pinkslip.model.facts import AboutNobody, Absolved, Blinded, Condemned, Reviewed
from pinkslip.model.words import ActorKind
from pinkslip.store.changes import act_row
from pinkslip.store.engine import Dialect
from pinkslip.store.roster import Roster
from pinkslip.store.tables import acts

_RANDOM_POOL = 4_000
_RANDOM_EACH = 10


class Transaction:
    """What `Journal.act` hands to its work. Valid until the work returns."""

    def __init__(
        self,
        *,
        connection: Connection,
        dialect: Dialect,
        writer: int,
        epoch: int,
        roster: Roster,
        admission: Admission,
        ids: "Ids",
    ) -> None:
        self.connection = connection
        self.dialect = dialect
        self.writer = writer
        self.epoch = epoch
        self.roster = roster
        self.admission = admission
        self._ids = ids
        self._by_number: dict[tuple[int, int], Head] = {}

    @property
    def driver(self) -> Any:
        """The driver's own connection, for what happens once an event."""
        return self.connection.connection.driver_connection

    @property
    def now(self) -> int:
        """The one instant of everything in this transaction."""
        return self.admission.now

    def allot(self) -> int:
        """The next number of this writer. Every number allotted must end up in a row."""
        return self.admission.allot()

    def new_id(self) -> str:
        """A fresh UUIDv7 of this instant."""
        return self._ids.at(self.now)

    def emit(self, workspace_id: int, fact: Change | Blinded) -> None:
        """Let a fact be known once this is committed.

        A change of an agent is written to `agent_changes` and applied to its head here. `Blinded` is only
        passed on: its row has more in it.
        """
        if isinstance(fact, Blinded):
            self.admission.facts.append((workspace_id, fact))
            return
        head = self.head_of(workspace_id, fact.agent_no)
        if head is None:
            raise LookupError(f"no agent {fact.agent_no} in workspace {workspace_id}")
        self.admission.emit(head, fact)

    def emit_review(self, workspace_id: int, fact: Reviewed) -> None:
        """Let a review be known once this is committed; its row is the caller's, as there is more in it."""
        head = self.head_of(workspace_id, fact.agent_no)
        if head is None:
            raise LookupError(f"no agent {fact.agent_no} in workspace {workspace_id}")
        self.admission.reviewed(head, fact)

    def emit_about(self, workspace_id: int, fact: AboutNobody) -> None:
        """Journal what is about no single agent, and let it be known once this is committed."""
        row = {"workspace_id": workspace_id, "writer": self.writer, **act_row(fact)}
        self.connection.execute(insert(acts), row)
        self.admission.facts.append((workspace_id, fact))
        if isinstance(fact, Condemned | Absolved):
            self.roster.forget_condemned()

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
        """Say who changed `subject` (status or standing) of an agent, and why."""
        self.admission.transition(
            head,
            subject=subject,
            old=old,
            new=new,
            actor_kind=actor_kind,
            actor=actor,
            why=why,
        )

    def head(self, workspace_id: int, ident: str) -> Head | None:
        """An agent by its agentId, or else by its uuid. Look at it; change it only through `emit`."""
        heads = self.roster.of(workspace_id)
        if ident not in heads:
            aliases = self.roster.load(self.connection, workspace_id, [ident])
            ident = aliases.get(ident, ident)
        head = heads.get(ident)
        if head is not None:
            self._by_number[workspace_id, head.agent_no] = head
        return head

    def head_of(self, workspace_id: int, agent_no: int) -> Head | None:
        """An agent by its number."""
        head = self._by_number.get((workspace_id, agent_no))
        if head is None:
            head = self.roster.load_number(self.connection, workspace_id, agent_no)
            if head is not None:
                self._by_number[workspace_id, agent_no] = head
        return head

    def register(self, workspace_id: int, agent_id: str) -> Head:
        """First contact with an agent that `head` does not know. NotFound: no such workspace."""
        head = self.enrol(workspace_id, agent_id)
        self.admission.mentioned(head, is_new=True)
        return head

    def enrol(self, workspace_id: int, agent_id: str) -> Head:
        """As `register`, for a report that says itself how the agent stands."""
        agent_no = self.roster.next_agent_no(self.connection, workspace_id)
        if agent_no is None:
            raise NotFound(f"there is no workspace {workspace_id}")
        head = self.admission.register(
            workspace_id, agent_no=agent_no, agent_id=agent_id, uuid=self.new_id()
        )
        self.roster.add(head)
        self._by_number[workspace_id, agent_no] = head
        return head


class Ids:
    """Time-ordered ids out of a pool of randomness, so that one costs no system call."""

    def __init__(self) -> None:
        self._pool = b""
        self._used = 0

    def at(self, now: int) -> str:
        """A fresh UUIDv7 of the instant `now`."""
        if self._used >= len(self._pool):
            self._pool, self._used = os.urandom(_RANDOM_POOL), 0
        start, self._used = self._used, self._used + _RANDOM_EACH
        return uuid7(now, self._pool[start : self._used])
