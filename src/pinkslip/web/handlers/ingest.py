"""What agents say: heartbeats, outcomes, planned ends, and all of them in batches.

Answered once the journal has committed, and waiting for nothing else.
"""

from collections.abc import Callable
from typing import Any

import msgspec
from aiohttp import web

from pinkslip.model.events import Finish, Heartbeat, Outcome, Report, SessionReport
from pinkslip.model.ports import Receipt
from pinkslip.model.words import Status
from pinkslip.web.answers import interval_s, notes_of, orders_told
from pinkslip.web.names import in_capitals
from pinkslip.web.payloads import (
    BatchAnswer,
    FinishItem,
    HeartbeatItem,
    Item,
    ItemResult,
    OutcomeAnswer,
    OutcomeItem,
    ReportAnswer,
    SessionItem,
)
from pinkslip.web.problems import (
    Fault,
    Refused,
    fault_of,
    invalid,
    problem_body,
    without_half_characters,
)
from pinkslip.web.routes import Call
from pinkslip.web.spans import Spans
from pinkslip.web.wire import NDJSON, aside, faults_of, is_plain, name_fault, reply

BATCH_MAX = 1_000

AGENT = "the agentId"
_TERMINATED = Fault(
    "/status",
    "TERMINATED is ours to give; send leaving: true, or POST .../finish, when the agent ends",
)


async def heartbeat(call: Call[Heartbeat]) -> web.Response:
    """My loop is alive."""
    if call.body.status is Status.TERMINATED:
        raise invalid(f"/status: {_TERMINATED.detail}", _TERMINATED)
    receipt = await _reported(call, call.body)
    return reply(_report_answer(call, receipt))


async def outcome(call: Call[Outcome]) -> web.Response:
    """A task ended."""
    receipt = await _reported(call, call.body)
    return reply(
        OutcomeAnswer(
            status=receipt.status,
            standing=receipt.standing,
            orders=orders_told(receipt.orders),
            interval=interval_s(receipt, assumed_interval_s=call.service.assumed_interval_s),
            notes=notes_of(receipt),
            event_id=receipt.event_id,
            duplicate=receipt.verdict == "duplicate",
        )
    )


async def finish(call: Call[Finish]) -> web.Response:
    """The agent ended as planned."""
    receipt = await _reported(call, call.body)
    return reply(_report_answer(call, receipt))


async def _reported(call: Call[Any], event: Heartbeat | Outcome | Finish) -> Receipt:
    report = Report(
        workspace_id=call.workspace_id,
        agent_id=call.named("id", what=AGENT),
        event=event,
        source=call.caller.source,
    )
    (receipt,) = await call.backend.report((report,))
    if (status := _status_of(receipt)) != 200:
        raise _refused(receipt, status)
    return receipt


def _report_answer(call: Call[Any], receipt: Receipt) -> ReportAnswer:
    return ReportAnswer(
        status=receipt.status,
        standing=receipt.standing,
        orders=orders_told(receipt.orders),
        interval=interval_s(receipt, assumed_interval_s=call.service.assumed_interval_s),
        notes=notes_of(receipt),
    )


def _status_of(receipt: Receipt) -> int:
    match receipt.verdict:
        case "conflict" | "refused":
            return 409
        case "invalid":
            return 422
        case _:
            return 200


def _code_of(receipt: Receipt) -> str:
    """A new boot under a fired id has a code of its own: reporters stop on it."""
    return "fired" if receipt.verdict == "refused" else receipt.verdict


def _facts(receipt: Receipt) -> dict[str, object]:
    facts: dict[str, object] = {"agentStatus": receipt.status, "standing": receipt.standing}
    if receipt.orders:
        facts["orders"] = orders_told(receipt.orders)
    if receipt.event_id:
        facts["eventId"] = receipt.event_id
    return facts


def _refused(receipt: Receipt, status: int) -> Refused:
    return Refused(status, _code_of(receipt), _detail(receipt), facts=_facts(receipt))


def _detail(receipt: Receipt) -> str:
    if receipt.detail:
        return receipt.detail
    if receipt.verdict == "conflict":
        return (
            f"eventId {receipt.event_id} was already sent with another body; "
            "send a new outcome under a new eventId"
        )
    if receipt.verdict == "refused":
        return "the agent is fired and may not come back as a new process; a person can reinstate it"
    return "the report cannot be taken"


# batches

_item_decoder = msgspec.json.Decoder(Item)
_items_decoder = msgspec.json.Decoder(list[Item])
_raws_decoder = msgspec.json.Decoder(list[msgspec.Raw])


async def events(call: Call[bytes]) -> web.Response:
    """Up to 1,000 events; one bad item never costs the good ones."""
    batch = _Batch(call)
    read = batch.read_lines if call.request.content_type == NDJSON else batch.read_array
    await aside(len(call.body), lambda: read(call.body))
    await batch.look_up(call)
    if batch.reports:
        receipts = await call.backend.report(batch.reports)
        for index, receipt in zip(batch.places, receipts, strict=True):
            batch.results[index] = _item_result(index, receipt)
    return reply(BatchAnswer(results=batch.results))


class _Batch:
    """A batch being read: good events on their way to the journal, bad ones already answered."""

    def __init__(self, call: Call[bytes]) -> None:
        self._workspace_id = call.workspace_id
        self._source = call.caller.source
        self.reports: list[Report] = []
        self.places: list[int] = []
        """Where each report stands in the batch."""
        self._in_capitals: list[int] = []
        self._sessions: list[int] = []
        """Which of the reports need a look at what is known already."""
        self.results: list[ItemResult] = []

    def read_array(self, body: bytes) -> None:
        """A JSON array: whole in one pass where all is well, item by item where it is not."""
        plain = is_plain(body)
        try:
            items = _items_decoder.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            self._read_each(_raws_of(body))
            return
        _limit(len(items))
        for item in items:
            self._take(item, plain=plain)

    def read_lines(self, body: bytes) -> None:
        """NDJSON: one event a line; blank lines are nothing."""
        lines = [line for line in body.split(b"\n") if line.strip()]
        _limit(len(lines))
        self._read_each(lines)

    def _read_each(self, raws: "list[bytes] | list[msgspec.Raw]") -> None:
        _limit(len(raws))
        for raw in raws:
            try:
                item = _item_decoder.decode(raw)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
                held = bytes(raw)
                self._refuse([fault_of(error, body=held, expected=_expected(held))])
            else:
                self._take(item, plain=is_plain(memoryview(raw)))

    def _take(self, item: Item, *, plain: bool) -> None:
        index = len(self.results)
        faults = faults_of(item, plain=plain)
        report = _REPORT_OF[type(item)](item, self._workspace_id, self._source)
        if report.agent_id and (fault := name_fault(report.agent_id, what=AGENT)) is not None:
            faults.append(Fault("/agentId", fault))
        if type(item) is HeartbeatItem and item.status is Status.TERMINATED:
            faults.append(_TERMINATED)
        if faults:
            self._refuse(faults)
            return
        if in_capitals(report.agent_id):
            self._in_capitals.append(len(self.reports))
        if type(item) is SessionItem:
            self._sessions.append(len(self.reports))
        self.reports.append(report)
        self.places.append(index)
        self.results.append(_PENDING)

    async def look_up(self, call: Call[bytes]) -> None:
        """Judge by what is known already: whom a uuid in capitals means, and when a session began."""
        for place in self._in_capitals:
            self.reports[place] = await call.service.names.renamed(
                call.backend, self.reports[place]
            )
        spans, untimely = Spans(call.backend, call.workspace_id), list[int]()
        for place in self._sessions:
            report = self.reports[place]
            assert isinstance(report.event, SessionReport), "as `_take` noted"
            if (fault := await spans.fault(report.session_key, report.event)) is not None:
                untimely.append(place)
                self.results[self.places[place]] = _refusal(self.places[place], [fault])
        for place in reversed(untimely):
            del self.reports[place], self.places[place]

    def _refuse(self, faults: list[Fault]) -> None:
        self.results.append(_refusal(len(self.results), faults))


def _refusal(index: int, faults: list[Fault]) -> ItemResult:
    first = faults[0]
    where = f"{first.pointer}: " if first.pointer else ""
    problem = problem_body(422, "invalid", f"{where}{first.detail}", errors=faults)
    return ItemResult(index=index, status=422, problem=problem)


_PENDING = ItemResult(index=-1, status=503)


def _raws_of(body: bytes) -> list[msgspec.Raw]:
    try:
        # msgspec stops at half a character anywhere; the item that holds it is refused for it below
        return _raws_decoder.decode(without_half_characters(body))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        fault = fault_of(error, body=body, expected=list)
        raise Refused(
            400,
            "malformed",
            f"not a JSON array of events: {fault.detail}; send [..], or one event a line as {NDJSON}",
            errors=[fault],
        ) from None


def _expected(raw: bytes) -> object:
    """The type an item names, so that its problem can say what that type takes."""
    try:
        kind = _kind_decoder.decode(raw).type
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return _ITEM_OF.get(kind)


class _Kind(msgspec.Struct):
    type: str = ""


_kind_decoder = msgspec.json.Decoder(_Kind)
_ITEM_OF: dict[str, type[msgspec.Struct]] = {
    "heartbeat": HeartbeatItem,
    "outcome": OutcomeItem,
    "finish": FinishItem,
    "session": SessionItem,
}


def _limit(count: int) -> None:
    if count > BATCH_MAX:
        raise invalid(f"{count:,} events in one batch; send at most {BATCH_MAX:,}")


def _item_result(index: int, receipt: Receipt) -> ItemResult:
    status = _status_of(receipt)
    problem = None
    if status != 200:
        problem = problem_body(
            status, _code_of(receipt), _detail(receipt), facts=_facts(receipt)
        )
    return ItemResult(
        index=index,
        status=status,
        event_id=receipt.event_id,
        duplicate=receipt.verdict == "duplicate",
        orders=orders_told(receipt.orders) if receipt.orders else (),
        problem=problem,
    )


# An item is an event that says whose it is. The journal takes the event alone, so that one sent in a batch
# and one sent by itself are the same event, digest and all. Spelled out because it runs per event.


def _of_heartbeat(item: HeartbeatItem, workspace_id: int, source: Any) -> Report:
    event = Heartbeat(
        status=item.status,
        current_task=item.current_task,
        progress=item.progress,
        interval=item.interval,
        context_used=item.context_used,
        boot_id=item.boot_id,
        seq=item.seq,
        sent_at=item.sent_at,
        leaving=item.leaving,
        name=item.name,
        model=item.model,
        role=item.role,
        host=item.host,
        lineage=item.lineage,
        labels=item.labels,
        session_key=item.session_key,
        last_error=item.last_error,
    )
    return Report(workspace_id, item.agent_id, event, source)


def _of_outcome(item: OutcomeItem, workspace_id: int, source: Any) -> Report:
    event = Outcome(
        result=item.result,
        event_id=item.event_id,
        fault=item.fault,
        kind=item.kind,
        duration_ms=item.duration_ms,
        started_at=item.started_at,
        tokens_in=item.tokens_in,
        tokens_out=item.tokens_out,
        cost_usd=item.cost_usd,
        score=item.score,
        error=item.error,
        session_key=item.session_key,
        task_id=item.task_id,
    )
    return Report(workspace_id, item.agent_id, event, source)


def _of_finish(item: FinishItem, workspace_id: int, source: Any) -> Report:
    event = Finish(context=item.context, boot_id=item.boot_id)
    return Report(workspace_id, item.agent_id, event, source)


def _of_session(item: SessionItem, workspace_id: int, source: Any) -> Report:
    event = SessionReport(
        agent_id=item.agent_id,
        user_id=item.user_id,
        started_at=item.started_at,
        label=item.label,
        channel=item.channel,
        context_summary=item.context_summary,
        message_count=item.message_count,
        last_message_at=item.last_message_at,
        ended_at=item.ended_at,
        metadata=item.metadata,
    )
    agent_id = item.agent_id if isinstance(item.agent_id, str) else ""
    return Report(workspace_id, agent_id, event, source, item.session_key)


_REPORT_OF: dict[type[msgspec.Struct], Callable[[Any, int, Any], Report]] = {
    HeartbeatItem: _of_heartbeat,
    OutcomeItem: _of_outcome,
    FinishItem: _of_finish,
    SessionItem: _of_session,
}
