"""What the reporter says, and that nothing it does reaches the agent's work."""

import asyncio
import logging
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.client.service import WAIT_S, Reply, Service, Told, taken

from pinkslip.client import AsyncReporter, Fired, Order, Reporter, clean
from pinkslip.client.core import BATCH_BYTES_MAX, Core
from pinkslip.client.ids import EventIds
from pinkslip.client.wire import Answer, Backoff, Wire
from pinkslip.model.events import Finish, Heartbeat, Outcome
from pinkslip.model.words import Fault, Result, Status

Make = Callable[..., Reporter]


class WorkFailed(Exception):
    pass


# heartbeats


def test_the_first_heartbeat_comes_at_once_and_says_who_it_is(
    service: Service, report: Make
) -> None:
    report(
        "dev/1 ü",
        name="Dev",
        model="zai/glm-4.7",
        role="developer",
        host="box",
        lineage="dev",
        labels={"team": "red"},
        session_key="s-1",
        interval=30,
        token="id.secret",
    )

    told = service.until_told("heartbeat")

    assert told.path == "/api/agents/dev%2F1%20%C3%BC/heartbeat"
    assert told.headers["Authorization"] == "Bearer id.secret"
    assert told.body["status"] == "IDLE"
    assert told.body["currentTask"] is None
    assert told.body["interval"] == 30
    assert told.body["labels"] == {"team": "red"}
    assert {"name", "model", "role", "host", "lineage", "sessionKey"} <= told.body.keys()
    msgspec.convert(told.body, Heartbeat)


def test_heartbeats_go_on_with_one_boot_and_growing_numbers(
    service: Service, report: Make
) -> None:
    report()

    service.until_told("heartbeat", 3)

    bodies = [told.body for told in service.all("heartbeat")[:3]]
    assert [body["seq"] for body in bodies] == [1, 2, 3]
    assert len({body["bootId"] for body in bodies}) == 1


def test_two_processes_or_reporters_never_share_a_boot(report: Make) -> None:
    assert report("a").boot_id != report("b").boot_id


def test_a_slow_answer_to_outcomes_holds_no_heartbeat_up(
    service: Service, report: Make
) -> None:
    release = threading.Event()

    def slowly(told: Told) -> Reply:
        if told.act == "events":
            release.wait(10)
        return taken(told)

    service.answering = slowly
    reporter = report()
    reporter.outcome("success")
    service.until_told("events")
    before = len(service.all("heartbeat"))

    service.until_told("heartbeat", before + 2)

    assert reporter.counts.delivered == 0
    release.set()
    service.until(lambda: reporter.counts.delivered == 1, "delivered")


def test_progress_context_and_errors_are_told(service: Service, report: Make) -> None:
    reporter = report()

    reporter.progress(42)
    reporter.context_used(0.5)
    reporter.error("disk full")

    service.until(lambda: service.last_beat().get("status") == "ERROR", "status ERROR")
    body = service.last_beat()
    assert (body["progress"], body["contextUsed"], body["lastError"]) == (42, 0.5, "disk full")

    reporter.recovered()

    service.until(lambda: service.last_beat().get("status") == "IDLE", "status IDLE")


# tasks


def test_a_task_is_working_and_ends_in_success(service: Service, report: Make) -> None:
    reporter = report()

    with reporter.task("fix", current_task="fix #7", task_id="7") as task:
        service.until(lambda: service.last_beat().get("currentTask") == "fix #7", "at work")
        assert service.last_beat()["status"] == "WORKING"
        task.tokens(10, 5)
        task.tokens(tokens_out=5)
        task.cost(0.25)
        task.cost(0.25)
        task.score(0.9)
        task.progress(3)

    service.until_told("events")
    [outcome] = service.outcomes()
    assert outcome.pop("durationMs") >= 0
    assert outcome.pop("startedAt").endswith("Z")
    assert uuid.UUID(outcome.pop("eventId")).version == 7
    assert outcome == {
        "type": "outcome",
        "agentId": "dev-1",
        "kind": "fix",
        "taskId": "7",
        "result": "success",
        "tokensIn": 10,
        "tokensOut": 10,
        "costUsd": 0.5,
        "score": 0.9,
    }


def test_an_exception_is_a_failure_and_goes_on(service: Service, report: Make) -> None:
    reporter = report()

    with pytest.raises(WorkFailed), reporter.task("fix"):
        raise WorkFailed("no such file")

    service.until_told("events")
    [outcome] = service.outcomes()
    assert outcome["result"] == "failure"
    assert outcome["error"] == "WorkFailed: no such file"


def test_a_failure_may_be_named_and_blamed(service: Service, report: Make) -> None:
    reporter = report()

    with pytest.raises(WorkFailed), reporter.task() as task:  # noqa: PT012 - the block is the subject
        task.result("timeout")
        task.fault("provider")
        raise WorkFailed("504")
    with reporter.task() as task:
        task.result("refused")
        task.error("will not")

    service.until(lambda: len(service.outcomes()) == 2, "two outcomes")
    first, second = service.outcomes()
    assert (first["result"], first["fault"]) == ("timeout", "provider")
    assert (second["result"], second["error"]) == ("refused", "will not")


@pytest.mark.parametrize("cut_off", [KeyboardInterrupt, GeneratorExit])
def test_work_cut_off_from_outside_is_nobodys_failure(
    service: Service, report: Make, cut_off: type[BaseException]
) -> None:
    reporter = report()

    with pytest.raises(cut_off), reporter.task():
        raise cut_off

    service.until_told("events")
    [outcome] = service.outcomes()
    assert outcome["result"] == "cancelled"
    assert "error" not in outcome


def test_waiting_for_a_person_is_told_and_ends(service: Service, report: Make) -> None:
    reporter = report()

    def now_is(status: str) -> None:
        service.until(lambda: service.last_beat().get("status") == status, status)

    with reporter.task("ask"):
        with reporter.waiting():
            now_is("WAITING")
        now_is("WORKING")
    now_is("IDLE")


def test_tasks_of_several_threads_are_one_agent_at_work() -> None:
    core = Core("a", identity={}, interval_s=30, buffer_max=10)

    def told() -> tuple[object, object]:
        body = msgspec.json.decode(core.heartbeat())
        return body["status"], body["currentTask"]

    core.task_began("first", "one")
    core.task_began("second", "two")
    assert told() == ("WORKING", "two")
    core.task_ended("second")
    assert told() == ("WORKING", "one")
    core.task_ended("first")
    assert told() == ("IDLE", None)


# outcomes that have it hard


def test_outcomes_wait_for_a_service_that_is_away_and_heartbeats_do_not(
    service: Service, report: Make
) -> None:
    reporter = report()
    service.until_told("heartbeat")
    service.stop()
    beats_before = len(service.all("heartbeat"))
    for number in range(20):
        reporter.outcome("success", task_id=str(number))
    service.until(lambda: reporter.counts.buffered == 20, "buffered")
    time.sleep(2.2)

    service.start()

    service.until(lambda: reporter.counts.delivered == 20, "delivered")
    assert [outcome["taskId"] for outcome in service.outcomes()] == [
        str(number) for number in range(20)
    ]
    service.until_told("heartbeat", beats_before + 1)
    first = service.all("heartbeat")[beats_before]
    assert first.body["seq"] > beats_before + 1, "beats were tried, failed, and were not kept"
    numbers = [told.body["seq"] for told in service.all("heartbeat")]
    assert numbers == sorted(set(numbers)), "none came late, none twice"


def test_an_answer_that_is_lost_costs_no_outcome_and_changes_no_id(
    service: Service, report: Make
) -> None:
    lost: list[Told] = []

    def losing(told: Told) -> Reply:
        if told.act == "events" and len(lost) < 3:
            lost.append(told)
            return Reply(cut=True)
        return taken(told)

    service.answering = losing
    reporter = report()
    reporter.outcome("success")

    service.until(lambda: reporter.counts.delivered == 1, "delivered")
    ids = {outcome["eventId"] for outcome in service.outcomes()}
    assert len(service.outcomes()) >= 4
    assert len(ids) == 1


def test_a_service_that_asks_for_time_gets_it(service: Service, report: Make) -> None:
    asked: list[float] = []

    def busy(told: Told) -> Reply:
        if told.act == "events" and not asked:
            asked.append(time.monotonic())
            return Reply(503, {"detail": "queue full"}, {"Retry-After": "2"})
        return taken(told)

    service.answering = busy
    reporter = report()
    reporter.outcome("success")

    service.until(lambda: reporter.counts.delivered == 1, "delivered")
    assert service.all("events")[1].at - asked[0] >= 2.0


def test_a_full_buffer_drops_the_oldest_and_counts_it(
    service: Service, report: Make, caplog: pytest.LogCaptureFixture
) -> None:
    service.stop()
    reporter = report(buffer=3)

    with caplog.at_level(logging.WARNING, "pinkslip.client"):
        for number in range(5):
            reporter.outcome("success", task_id=str(number))

    assert (reporter.counts.buffered, reporter.counts.dropped) == (3, 2)
    assert "the buffer is full" in caplog.text
    service.start()
    service.until(lambda: reporter.counts.delivered == 3, "delivered")
    assert {outcome["taskId"] for outcome in service.outcomes()} == {"2", "3", "4"}


def test_one_bad_outcome_costs_no_good_one(service: Service, report: Make) -> None:
    def picky(told: Told) -> Reply:
        reply = taken(told)
        if told.act == "events":
            for result, event in zip(reply.body["results"], told.body, strict=True):  # type: ignore[index]
                if event["taskId"] == "1":
                    result |= {"status": 422, "problem": {"detail": "no"}}
                if event["taskId"] == "2" and len(service.all("events")) < 3:
                    result |= {"status": 503}
        return reply

    service.answering = picky
    reporter = report()
    for number in range(4):
        reporter.outcome("success", task_id=str(number))

    service.until(lambda: reporter.counts.delivered == 3, "delivered")
    assert reporter.counts.refused == 1
    assert reporter.counts.buffered == 0


def test_a_batch_refused_whole_is_halved_until_the_bad_one_is_alone(
    service: Service, report: Make
) -> None:
    def strict(told: Told) -> Reply:
        if told.act == "events" and any(event["taskId"] == "5" for event in told.body):
            return Reply(400, {"detail": "not JSON we can read"})
        return taken(told)

    service.stop()
    service.answering = strict
    reporter = report()
    for number in range(16):
        reporter.outcome("success", task_id=str(number))
    service.start()

    service.until(lambda: reporter.counts.delivered == 15, "delivered")
    assert reporter.counts.refused == 1


def test_batches_are_bounded_in_events_and_bytes() -> None:
    core = Core("a", identity={}, interval_s=30, buffer_max=10_000)
    for number in range(1_200):
        core.add_outcome(str(number), {"result": "success", "error": "x" * 2_000})

    sizes = []
    while core.counts.buffered:
        ids, body = core.batch()
        assert len(body) <= BATCH_BYTES_MAX + 2
        sizes.append(len(ids))
        results: list[object] = [{"status": 200} for _ in ids]
        assert core.settle(ids, Answer(200, {"results": results}))

    assert sum(sizes) == 1_200
    assert max(sizes) <= 500


def test_a_refused_token_keeps_the_outcomes(service: Service, report: Make) -> None:
    service.answering = lambda told: Reply(401, {"detail": "no such token"})
    reporter = report()
    reporter.outcome("success")
    service.until_told("events", 2)
    assert reporter.counts.buffered == 1

    service.answering = taken

    service.until(lambda: reporter.counts.delivered == 1, "delivered")


# leaving


def test_leaving_flushes_and_finishes(service: Service, report: Make) -> None:
    with report() as reporter:
        for _ in range(700):
            reporter.outcome("success")

    assert reporter.counts.delivered == 700
    [finish] = service.all("finish")
    assert finish.body == {"context": None, "bootId": reporter.boot_id}
    msgspec.convert(finish.body, Finish)
    assert service.told[-1].act == "finish"


def test_a_crash_is_no_planned_end(service: Service, report: Make) -> None:
    with pytest.raises(WorkFailed), report() as reporter:  # noqa: PT012 - the block is the subject
        reporter.outcome("success")
        raise WorkFailed("boom")

    assert service.all("finish") == []
    last = service.told[-1]
    assert last.act == "heartbeat"
    assert (last.body["status"], last.body["lastError"]) == ("ERROR", "WorkFailed: boom")
    assert reporter.counts.delivered == 1


def test_closing_twice_and_reporting_after_is_harmless(service: Service, report: Make) -> None:
    reporter = report()
    reporter.close("done for today")
    reporter.close()

    reporter.outcome("success")
    with reporter.task():
        pass

    assert [told.body["context"] for told in service.all("finish")] == ["done for today"]
    assert service.outcomes() == []


def test_leaving_a_service_that_is_away_is_bounded(
    service: Service, report: Make, caplog: pytest.LogCaptureFixture
) -> None:
    service.stop()
    reporter = report(flush=1.0)
    reporter.outcome("success")

    with caplog.at_level(logging.WARNING, "pinkslip.client"):
        reporter.close()

    assert "1 outcomes were not delivered" in caplog.text


# orders


def fired(told: Told) -> Reply:
    reply = taken(told)
    if told.act == "heartbeat":
        reply.body["orders"] = [{"type": "stop", "reason": "dumb", "until": None}]  # type: ignore[index]
    return reply


def test_a_fired_agent_stops_taking_tasks_says_its_last_word_and_is_silent(
    service: Service, report: Make
) -> None:
    heard: list[Order] = []
    reporter = report(on_order=heard.append)
    service.until_told("heartbeat")
    service.answering = fired

    service.until_told("finish")

    assert heard == [Order("stop", "dumb")]
    assert service.all("finish")[0].body["context"] == "stopped: fired (dumb)"
    with pytest.raises(Fired, match="dumb"), reporter.task():
        raise AssertionError("no work is taken")
    with pytest.raises(Fired) as refused:
        reporter.heartbeat_point()
    assert refused.value.code == 86
    assert refused.value.reason == "dumb"
    told = len(service.told)
    time.sleep(1.5)
    assert len(service.told) == told


def test_what_was_done_before_the_fire_still_arrives(service: Service, report: Make) -> None:
    holding = threading.Event()

    def held(told: Told) -> Reply:
        if told.act == "events" and not holding.is_set():
            return Reply(503, {}, {})
        return fired(told) if holding.is_set() else taken(told)

    service.answering = held
    reporter = report()
    reporter.outcome("success")
    service.until_told("events")
    holding.set()

    service.until_told("finish")

    assert reporter.counts.delivered == 1


def test_a_new_process_under_a_fired_id_is_stopped(service: Service, report: Make) -> None:
    service.answering = lambda told: Reply(
        409,
        {
            "code": "fired",
            "detail": "the agent is fired",
            "orders": [{"type": "stop", "reason": "dumb"}],
        },
    )
    reporter = report()

    service.until(lambda: reporter.fired is not None, "fired")

    assert reporter.fired == Order("stop", "dumb")


def test_a_conflicting_outcome_is_no_order_to_stop(service: Service, report: Make) -> None:
    def conflict(told: Told) -> Reply:
        if told.act == "events":
            problem = {"code": "conflict", "detail": "another body"}
            return Reply(body={"results": [{"index": 0, "status": 409, "problem": problem}]})
        return taken(told)

    service.answering = conflict
    reporter = report()
    reporter.outcome("success", event_id="mine")

    service.until(lambda: reporter.counts.refused == 1, "refused")
    assert reporter.fired is None


def test_an_order_may_come_with_the_answer_to_an_outcome(
    service: Service, report: Make
) -> None:
    def ordering(told: Told) -> Reply:
        reply = taken(told)
        if told.act == "events":
            reply.body["results"][0]["orders"] = [{"type": "stop", "reason": "derailed"}]  # type: ignore[index]
        return reply

    service.answering = ordering
    reporter = report()
    reporter.outcome("success")

    service.until_told("finish")
    assert reporter.fired == Order("stop", "derailed")


def test_orders_of_later_services_are_handed_on_and_not_obeyed(
    service: Service, report: Make
) -> None:
    def aborting(told: Told) -> Reply:
        reply = taken(told)
        if told.act == "heartbeat":
            reply.body["orders"] = [{"type": "abort", "until": "2026-11-23T10:00:00.000Z"}]  # type: ignore[index]
        return reply

    service.answering = aborting
    heard: list[Order] = []
    reporter = report(on_order=heard.append)

    service.until_told("heartbeat", 2)

    assert heard[0] == Order("abort", None, "2026-11-23T10:00:00.000Z")
    with reporter.task():
        pass


def test_a_callback_that_fails_keeps_nothing_from_happening(
    service: Service, report: Make, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(order: Order) -> None:
        raise WorkFailed(order.type)

    service.answering = fired
    reporter = report(on_order=broken)

    service.until_told("finish")

    assert reporter.fired is not None
    assert "the agent goes on" in caplog.text


# whatever an agent hands in

anything = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=300),
    st.binary(max_size=20),
    st.lists(st.integers(), max_size=3),
    st.just("x" * 10_000),
    st.just("\ud800\x00\x1b[31m"),
    st.just(object()),
)


@given(
    values=st.fixed_dictionaries(
        {},
        optional=dict.fromkeys(
            (
                "kind",
                "fault",
                "duration_ms",
                "tokens_in",
                "tokens_out",
                "cost_usd",
                "score",
                "error",
                "task_id",
                "session_key",
                "event_id",
            ),
            anything,
        ),
    ),
    result=st.one_of(st.sampled_from(list(Result)), st.sampled_from(clean.RESULTS)),
)
def test_whatever_is_handed_in_is_sent_as_the_wire_wants_it(
    values: dict[str, object], result: str
) -> None:
    kept: list[dict[str, object]] = []
    reporter = object.__new__(Reporter)
    core = Core("a", identity={}, interval_s=30, buffer_max=10)

    class Desk:
        def keep(self, outcome: dict[str, object], *, event_id: str | None = None) -> None:
            kept.append(outcome)
            core.add_outcome(event_id or "made", outcome)

    reporter._courier = Desk()  # type: ignore[assignment]
    reporter.outcome(result, **values)  # type: ignore[arg-type]

    assert len(kept) == 1
    [event] = msgspec.json.decode(core.batch()[1])
    assert (event.pop("type"), event.pop("agentId")) == ("outcome", "a")
    msgspec.convert(event, Outcome)


@given(
    name=anything,
    error=anything,
    progress=anything,
    share=anything,
    labels=st.one_of(anything, st.dictionaries(st.text(max_size=80), anything, max_size=30)),
)
def test_whatever_an_agent_says_of_itself_is_a_heartbeat(
    name: object, error: object, progress: object, share: object, labels: object
) -> None:
    core = Core(
        "a",
        identity={
            "name": clean.name(name, 200),
            "role": clean.name(name, 100),
            "labels": clean.labels(labels),
        },
        interval_s=30,
        buffer_max=10,
    )
    core.failed(clean.prose(error, 4000))
    core.task_began(1, clean.name(error, 500))
    number = clean.real(progress, "progress", least=-1e308, most=1e308)
    if number is not None:
        core.progressed(number)
    ratio = clean.real(share, "context_used", most=1.0)
    if ratio is not None:
        core.context_filled(ratio)

    msgspec.json.decode(core.heartbeat(), type=Heartbeat)


def test_the_words_are_the_services() -> None:
    assert list(clean.RESULTS) == list(Result)
    assert list(clean.FAULTS) == list(Fault)
    assert [*clean.STATUSES, "TERMINATED"] == list(Status)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"agent_id": ""}, "no id"),
        ({"agent_id": "a\nb"}, "no agent id"),
        ({"agent_id": "x" * 201}, "no agent id"),
        ({"url": "ftp://x"}, "no address"),
        ({"url": "localhost:8740"}, "no address"),
        ({"interval": 0}, "between 1 and 86400"),
    ],
)
def test_a_reporter_that_could_never_report_is_refused_when_made(
    monkeypatch: pytest.MonkeyPatch, options: dict[str, object], message: str
) -> None:
    monkeypatch.delenv("PINKSLIP_AGENT_ID", raising=False)
    with pytest.raises(ValueError, match=message):
        Reporter(**({"agent_id": "a"} | options))  # type: ignore[arg-type]


# parts


def test_event_ids_are_uuid7_and_only_grow() -> None:
    ids = EventIds()

    made = [ids.make() for _ in range(10_000)]

    assert made == sorted(made)
    assert len(set(made)) == len(made)
    assert {uuid.UUID(one).version for one in made} == {7}


def test_waits_grow_with_jitter_and_start_over() -> None:
    backoff = Backoff(first_s=1, most_s=8)

    waits = [backoff.failed() for _ in range(6)]
    backoff.succeeded()

    for wait, full in zip(waits, [1, 2, 4, 8, 8, 8], strict=True):
        assert full / 2 <= wait <= full
    assert backoff.failed() <= 1


def test_a_prefix_in_the_address_is_kept(service: Service) -> None:
    wire = Wire(f"{service.url}/tenants/a/", token=None, timeout_s=5)

    wire.post("/api/events", b"[]")
    wire.close()

    assert service.told[0].path == "/tenants/a/api/events"


def test_importing_the_client_imports_nothing_of_the_server() -> None:
    program = (
        "import sys, pinkslip.client\n"
        "heavy = {'asyncio', 'numpy', 'sqlalchemy', 'aiohttp', 'msgspec', 'yaml', 'lark', 'structlog',"
        " 'click', 'rich', 'jinja2', 'apscheduler', 'psycopg', 'prometheus_client'}\n"
        "print(sorted(heavy & sys.modules.keys()))\n"
        "print(sorted(name for name in sys.modules if name.startswith('pinkslip.')"
        " and not name.startswith('pinkslip.client')))\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert done.stdout == "[]\n[]\n"


def pausing(until: str) -> Reply:
    """The answer to a heartbeat of an agent in quarantine."""
    order = {"type": "pause", "reason": "dumb", "until": until}
    return Reply(body={"status": "IDLE", "standing": "quarantined", "orders": [order]})


def test_a_paused_agent_takes_no_task_until_an_answer_no_longer_says_so(
    service: Service, report: Make
) -> None:
    orders: list[Order] = []
    held = threading.Event()
    service.answering = lambda told: (
        pausing("2999-01-01T00:00:00Z")
        if told.act == "heartbeat" and not held.is_set()
        else taken(told)
    )
    reporter = report(interval=1.0, on_order=orders.append)
    service.until(lambda: reporter.paused is not None, "paused")
    began = threading.Event()

    def work() -> None:
        with reporter.task("fix"):
            began.set()

    worker = threading.Thread(target=work)
    worker.start()
    service.until_told("heartbeat", 3)

    assert not began.is_set()
    assert orders == [Order("pause", "dumb", "2999-01-01T00:00:00Z")]
    held.set()
    assert began.wait(WAIT_S)
    worker.join(WAIT_S)
    assert reporter.paused is None


def test_a_pause_whose_time_has_passed_holds_nobody(service: Service, report: Make) -> None:
    service.answering = lambda told: (
        pausing("2001-01-01T00:00:00Z") if told.act == "heartbeat" else taken(told)
    )
    reporter = report()
    service.until_told("heartbeat")

    with reporter.task("fix"):
        pass

    assert reporter.wait_while_paused(0.0)


def test_whoever_does_not_want_to_wait_is_told_of_the_pause(
    service: Service, report: Make
) -> None:
    service.answering = lambda told: (
        pausing("2999-01-01T00:00:00Z") if told.act == "heartbeat" else taken(told)
    )
    reporter = report(wait_when_paused=False)
    service.until(lambda: reporter.paused is not None, "paused")

    with reporter.task("fix"):
        assert not reporter.wait_while_paused(0.01)


def test_being_fired_ends_the_wait_for_the_end_of_a_pause(
    service: Service, report: Make
) -> None:
    service.answering = lambda told: (
        pausing("2999-01-01T00:00:00Z") if told.act == "heartbeat" else taken(told)
    )
    reporter = report(interval=1.0, exit_when_fired=False)
    service.until(lambda: reporter.paused is not None, "paused")
    ended: list[BaseException] = []

    def work() -> None:
        try:
            with reporter.task("fix"):
                pass
        except Fired as error:
            ended.append(error)

    worker = threading.Thread(target=work)
    worker.start()
    service.answering = fired
    worker.join(WAIT_S)

    assert len(ended) == 1


def test_an_async_agent_waits_for_the_end_of_a_pause_without_holding_the_loop(
    service: Service,
) -> None:
    held = threading.Event()
    service.answering = lambda told: (
        pausing("2999-01-01T00:00:00Z")
        if told.act == "heartbeat" and not held.is_set()
        else taken(told)
    )
    reporter = AsyncReporter("dev-1", interval=1.0, exit_when_fired=False, flush=2.0)
    service.until(lambda: reporter.paused is not None, "paused")
    looks = 0

    async def look() -> None:
        nonlocal looks
        while looks < 3:
            await asyncio.sleep(0.01)
            looks += 1
        held.set()

    async def main() -> None:
        looking = asyncio.create_task(look())
        async with reporter.task("fix"):
            assert held.is_set()
        await looking
        await reporter.aclose()

    asyncio.run(main())

    assert looks == 3
