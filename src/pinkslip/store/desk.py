"""Reports of one commit, in order: whose they are, what they mean, and which were said before.

Outcomes are taken to be new until the database objects. Then the desk is told which ids are taken and by
what (`known`), and admits everything once more.
"""

from collections.abc import Sequence

from pinkslip.fleet.admission import Head, done_of, event_key, is_same_body, refusal
from pinkslip.model.errors import Invalid, NotFound
from pinkslip.model.events import Finish, Heartbeat, Outcome, Report, SessionReport
from pinkslip.model.facts import Done
from pinkslip.model.ports import Receipt
from pinkslip.model.words import Standing, Status
from pinkslip.store.acts import put_session
from pinkslip.store.rows import write_outcomes
from pinkslip.store.transaction import Transaction


class Desk:
    """Used for one commit, perhaps several times until it holds."""

    def __init__(self, reports: Sequence[Report]) -> None:
        self.reports = reports
        self.receipts: list[Receipt] = []
        self.known: dict[tuple[int, bytes], Done] = {}
        """Outcomes stored already, by workspace and key."""
        self.are_ids_in_question = False
        """The last attempt failed while writing outcomes."""
        self._keys: dict[tuple[int, bytes], Done] = {}
        self._aliases: dict[tuple[int, str], str] = {}

    def admit(self, tx: Transaction) -> None:
        """Admit all, and write the outcomes."""
        self.are_ids_in_question = False
        self._find(tx)
        self._keys = dict(self.known)
        self.receipts = [
            self._outcome(tx, report, report.event)
            if isinstance(report.event, Outcome)
            else self._other(tx, report, report.event)
            for report in self.reports
        ]
        self.are_ids_in_question = True
        write_outcomes(tx)
        self.are_ids_in_question = False

    def keys(self) -> dict[int, list[bytes]]:
        """The event keys of the last attempt, by workspace."""
        keys: dict[int, list[bytes]] = {}
        for workspace_id, key in self._keys:
            keys.setdefault(workspace_id, []).append(key)
        return keys

    def counts(self) -> dict[tuple[str, str], int]:
        """How many of each (kind, verdict) there were."""
        counts: dict[tuple[str, str], int] = {}
        for report, receipt in zip(self.reports, self.receipts, strict=True):
            key = (_kind(report.event), receipt.verdict)
            counts[key] = counts.get(key, 0) + 1
        return counts

    def _find(self, tx: Transaction) -> None:
        """Read the heads that are not in the roster, in one go for each workspace."""
        of = tx.roster.of
        unknown: dict[int, set[str]] = {}
        for report in self.reports:
            workspace_id = report.workspace_id
            if report.agent_id not in of(workspace_id) and not isinstance(
                report.event, SessionReport
            ):
                unknown.setdefault(workspace_id, set()).add(report.agent_id)
        for workspace_id, idents in unknown.items():
            aliases = tx.roster.load(tx.connection, workspace_id, idents)
            self._aliases.update(
                ((workspace_id, uuid), agent_id) for uuid, agent_id in aliases.items()
            )

    def _head(self, tx: Transaction, report: Report) -> Head | None:
        heads = tx.roster.of(report.workspace_id)
        head = heads.get(report.agent_id)
        if head is None and self._aliases:
            alias = self._aliases.get((report.workspace_id, report.agent_id))
            return None if alias is None else heads.get(alias)
        return head

    def _other(
        self, tx: Transaction, report: Report, event: Heartbeat | Finish | SessionReport
    ) -> Receipt:
        if isinstance(event, SessionReport):
            return _session(tx, report, event)
        head = self._head(tx, report)
        refused = refusal(event)
        if refused is not None:
            return invalid(head, refused, tx.admission.seq)
        is_new = head is None
        if head is None:
            if isinstance(event, Heartbeat):
                turned_away = tx.admission.stranger(report.workspace_id, report.agent_id, event)
                if turned_away is not None:
                    return turned_away
            try:
                head = tx.enrol(report.workspace_id, report.agent_id)
            except NotFound as error:
                return invalid(None, str(error), tx.admission.seq)
        if isinstance(event, Heartbeat):
            return tx.admission.heartbeat(head, event, is_new=is_new)
        return tx.admission.finish(head, event, is_new=is_new)

    def _outcome(self, tx: Transaction, report: Report, event: Outcome) -> Receipt:
        # once an event, a hundred thousand times a second: plain, in one piece, positional
        admission = tx.admission
        head = self._head(tx, report)
        event_id = event.event_id
        if event.started_at is not None:
            refused = refusal(event)
            if refused is not None:
                return invalid(head, refused, admission.seq, event_id)
        if event_id is None:
            event_id = tx.new_id()
        place = (report.workspace_id, event_key(event_id))
        if place in self._keys:
            return self._repeated(tx, report, event, head, self._keys[place], event_id)
        is_new = head is None
        if head is None:
            try:
                head = tx.enrol(report.workspace_id, report.agent_id)
            except NotFound as error:
                return invalid(None, str(error), admission.seq, event_id)
        receipt, done = admission.outcome(
            head, event, place[1], event_id, report.source, is_new=is_new
        )
        self._keys[place] = done
        return receipt

    def _repeated(
        self,
        tx: Transaction,
        report: Report,
        event: Outcome,
        head: Head | None,
        former: Done,
        event_id: str,
    ) -> Receipt:
        if (
            head is None
        ):  # somebody else's id, used by an agent nobody knows: not a first contact
            detail = f"eventId {event_id} stands for another outcome already"
            return Receipt(
                "conflict",
                tx.admission.seq,
                Status.IDLE,
                Standing.ACTIVE,
                event_id=event_id,
                detail=detail,
            )
        again = done_of(
            event,
            head.agent_no,
            former.at,
            former.seq,
            former.event_id,
            report.source,
            former.counted,
        )
        is_same = is_same_body(former, again)
        return tx.admission.repeated(
            head, event_id=event_id, source=report.source, is_same=is_same
        )


def invalid(head: Head | None, detail: str, seq: int, event_id: str | None = None) -> Receipt:
    """The receipt of a report that was not admitted."""
    status = Status.IDLE if head is None else head.status
    standing = Standing.ACTIVE if head is None else head.standing
    return Receipt("invalid", seq, status, standing, event_id=event_id, detail=detail)


def _kind(event: Heartbeat | Outcome | Finish | SessionReport) -> str:
    if isinstance(event, Outcome):
        return "outcome"
    if isinstance(event, Heartbeat):
        return "heartbeat"
    return "finish" if isinstance(event, Finish) else "session"


def _session(tx: Transaction, report: Report, event: SessionReport) -> Receipt:
    try:
        put_session(tx, workspace_id=report.workspace_id, key=report.session_key, report=event)
    except (Invalid, NotFound) as error:
        return invalid(None, str(error), tx.admission.seq)
    named = event.agent_id if isinstance(event.agent_id, str) else None
    head = tx.head(report.workspace_id, named) if named is not None else None
    if head is None:
        return Receipt("accepted", tx.admission.seq, Status.IDLE, Standing.ACTIVE)
    return tx.admission.mentioned(head)
