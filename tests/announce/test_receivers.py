"""What goes over the wire: to a real Alertmanager, and to a webhook that checks the signature."""

import asyncio
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from tests.announce.test_target import make_message
from tests.clocks import RealClock
from tests.prometheus import Alertmanager as RealAlertmanager
from tests.prometheus import running_alertmanager, running_receiver

from pinkslip.announce.alertmanager import Alertmanager
from pinkslip.announce.announcer import Announcer
from pinkslip.announce.messages import Message
from pinkslip.announce.target import Receiver, Target
from pinkslip.announce.webhook import SIGNATURE, Webhook

WITHIN_S = 20
SECRET = b"correct horse"
ROUTES = """
route: {receiver: all, group_by: [alertname, agent], group_wait: 0s, group_interval: 1s}
receivers: [{name: all, webhook_configs: [{url: "%s/page", send_resolved: true}]}]
"""


@dataclass
class Hook:
    """A webhook endpoint that answers as it is told and remembers what came."""

    status: int = 200
    calls: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    async def take(self, request: web.Request) -> web.Response:
        self.calls.append((dict(request.headers), await request.read()))
        headers = {"Location": "/elsewhere"} if self.status == 302 else {}
        return web.Response(status=self.status, headers=headers)

    def messages(self) -> list[dict[str, Any]]:
        """All of them, in the order they came."""
        return [each for _, body in self.calls for each in json.loads(body)["messages"]]


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as opened:
        yield opened


@pytest.fixture
async def hook() -> AsyncIterator[tuple[Hook, str]]:
    endpoint = Hook()
    app = web.Application()
    app.router.add_post("/{path:.*}", endpoint.take)
    async with TestServer(app, host="127.0.0.1") as server:
        yield endpoint, str(server.make_url("/hook"))


async def until(claim: Callable[[], object], what: str) -> None:
    end = time.monotonic() + WITHIN_S
    while not claim():
        assert time.monotonic() < end, f"never: {what}"
        await asyncio.sleep(0.05)


async def telling(
    receiver: Receiver, *steps: Callable[[Announcer], Awaitable[None]], resend_ms: int = 1_000
) -> list[bool]:
    """Run an announcer for one receiver through some steps; what it counted of each call."""
    counted: list[bool] = []

    def count(_receiver: str, *, taken: bool) -> None:
        counted.append(taken)

    announcer = Announcer(RealClock(), [Target(receiver, resend_ms)], count)
    announcer.start()
    try:
        for step in steps:
            await step(announcer)
    finally:
        await announcer.stop()
    return counted


def says(*messages: Message) -> Callable[[Announcer], Awaitable[None]]:
    async def step(announcer: Announcer) -> None:
        announcer.update(messages, journal_ms=1_000)

    return step


def waits(claim: Callable[[], object], what: str) -> Callable[[Announcer], Awaitable[None]]:
    async def step(_announcer: Announcer) -> None:
        await until(claim, what)

    return step


async def test_alertmanager_takes_a_message_pages_keeps_it_by_resends_and_resolves_it(
    session: aiohttp.ClientSession, tmp_path: Path
) -> None:
    with (
        running_receiver() as receiver,
        running_alertmanager(tmp_path, configuration=ROUTES % receiver.url) as manager,
    ):
        told = Alertmanager(session, manager.url)
        message = make_message("dev-7")

        def held() -> list[dict[str, Any]]:
            return manager.alerts(agent="dev-7")

        def ends() -> set[str]:
            return {alert["endsAt"] for alert in held()}

        seen: set[str] = set()

        async def note(_announcer: Announcer) -> None:
            seen.update(ends())

        taken = await telling(
            told,
            says(message),
            waits(held, "an alert in Alertmanager"),
            note,
            waits(lambda: receiver.firing(agent="dev-7"), "a page"),
            waits(lambda: ends() - seen, "a resend that moves its end ahead"),
            says(),
            waits(
                lambda: any(not call.is_firing for call in receiver.calls(agent="dev-7")),
                "a resolved notification",
            ),
        )

        assert all(taken)
        (page,) = receiver.firing(agent="dev-7")
        (alert,) = page.body["alerts"]
        assert alert["labels"]["alertname"] == "PinkslipAgentOnNotice"
        assert alert["annotations"]["summary"] == "s"
        assert alert["generatorURL"] == message.link


async def test_an_alertmanager_that_comes_late_is_told_all_that_stands(
    session: aiohttp.ClientSession, tmp_path: Path
) -> None:
    with running_receiver() as receiver:
        with running_alertmanager(tmp_path, configuration=ROUTES % receiver.url) as manager:
            url = manager.url
        told = Alertmanager(session, url)
        announcer = Announcer(RealClock(), [Target(told, 1_000)])
        announcer.update([make_message("dev-8")], journal_ms=1_000)
        announcer.start()
        try:
            await until(lambda: announcer.targets[0].failed, "a call that is not taken")
            with running_alertmanager(
                tmp_path, configuration=ROUTES % receiver.url, port=_port(url)
            ) as manager:
                await until(lambda: _holds(manager, "dev-8"), "the message, late")
        finally:
            await announcer.stop()


def _holds(manager: RealAlertmanager, agent: str) -> bool:
    return bool(manager.alerts(agent=agent))


def _port(url: str) -> int:
    return int(url.rpartition(":")[2])


async def test_a_webhook_is_told_signed_and_told_of_the_end(
    session: aiohttp.ClientSession, hook: tuple[Hook, str]
) -> None:
    endpoint, url = hook
    webhook = Webhook(session, url, secret=SECRET, wall_ms=RealClock().wall_ms)

    await telling(
        webhook,
        says(make_message()),
        waits(endpoint.messages, "a message"),
        says(),
        waits(lambda: endpoint.messages()[-1]["status"] == "resolved", "the end"),
    )

    headers, body = endpoint.calls[0]
    at, _, digest = headers[SIGNATURE].removeprefix("t=").partition(",v1=")
    signed = f"{at}.".encode() + body
    assert hmac.compare_digest(digest, hmac.new(SECRET, signed, hashlib.sha256).hexdigest())
    first, last = endpoint.messages()[0], endpoint.messages()[-1]
    assert (first["status"], first["endsAt"]) == ("firing", None)
    assert first["labels"]["agent"] == "dev-1"
    assert last["endsAt"] is not None


async def test_a_webhook_without_a_secret_is_not_signed(
    session: aiohttp.ClientSession, hook: tuple[Hook, str]
) -> None:
    endpoint, url = hook
    webhook = Webhook(session, url, secret=None, wall_ms=RealClock().wall_ms)

    await telling(webhook, says(make_message()), waits(endpoint.messages, "a message"))

    assert SIGNATURE not in endpoint.calls[0][0]


@pytest.mark.parametrize("status", [302, 500, 503])
async def test_what_is_not_taken_is_tried_again(
    session: aiohttp.ClientSession, hook: tuple[Hook, str], status: int
) -> None:
    endpoint, url = hook
    endpoint.status = status
    webhook = Webhook(session, url, secret=None, wall_ms=RealClock().wall_ms)

    async def recover(_announcer: Announcer) -> None:
        endpoint.status = 200

    taken = await telling(
        webhook,
        says(make_message()),
        waits(lambda: endpoint.calls, "a first try"),
        recover,
        waits(lambda: len(endpoint.calls) > 1, "another try"),
        resend_ms=600_000,
    )

    assert taken[0] is False
    assert all(headers["Host"] for headers, _ in endpoint.calls)


async def test_what_is_refused_for_good_does_not_stop_the_rest(
    session: aiohttp.ClientSession, hook: tuple[Hook, str]
) -> None:
    endpoint, url = hook
    endpoint.status = 400
    webhook = Webhook(session, url, secret=None, wall_ms=RealClock().wall_ms)

    await telling(
        webhook,
        says(make_message("bad")),
        waits(lambda: endpoint.calls, "the first"),
        says(make_message("bad"), make_message("good")),
        waits(lambda: len(endpoint.calls) > 1, "the second"),
        resend_ms=600_000,
    )

    assert [each["labels"]["agent"] for each in endpoint.messages()] == ["bad", "good"]
