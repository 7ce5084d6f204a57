"""A small real HTTP service for the reporter: remembers what it was sent, answers as it is told, comes and goes."""

import contextlib
import json
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

WAIT_S = 20


@dataclass(frozen=True)
class Told:
    """One request."""

    path: str
    body: Any
    headers: dict[str, str]
    at: float

    @property
    def act(self) -> str:
        """`heartbeat`, `finish`, `events`."""
        return self.path.rpartition("/")[2]


@dataclass
class Reply:
    """What a request is answered with."""

    status: int = 200
    body: object = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    cut: bool = False
    """Close the connection instead of answering."""


Answering = Callable[[Told], Reply]


def taken(told: Told) -> Reply:
    """As the service does when all is well."""
    if told.act == "events":
        results = [
            {"index": index, "status": 200, "eventId": event["eventId"]}
            for index, event in enumerate(told.body)
        ]
        return Reply(body={"results": results})
    return Reply(body={"status": "IDLE", "standing": "active", "orders": [], "interval": 30})


def _bound(port: int) -> socket.socket:
    """A port nobody else is given, and nobody answers: neither another test, nor a client that meets itself there."""
    held = socket.socket()
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    held.bind(("127.0.0.1", port))
    return held


class Service:
    """Listens on a port of its own; `stop` and `start` keep the port."""

    def __init__(self) -> None:
        self.told: list[Told] = []
        self.answering: Answering = taken
        self.port = 0
        self._server: ThreadingHTTPServer | None = None
        self._held = _bound(0)
        self._news = threading.Condition()
        self.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        service = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = WAIT_S

            def setup(self) -> None:
                super().setup()
                service._open.add(self)

            def do_POST(self) -> None:
                service._handle(self)

            def log_message(self, *_: object) -> None:
                """Quiet."""

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            block_on_close = False
            allow_reuse_address = True

            def handle_error(self, *_: object) -> None:
                """A reporter may hang up."""

        self._server = Server(("127.0.0.1", self.port), Handler, bind_and_activate=False)
        self._server.socket.close()
        self._server.socket = self._held
        self.port = self._held.getsockname()[1]
        self._server.server_activate()
        self._open: set[Any] = set()
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def stop(self) -> None:
        """Gone: nothing listens, and kept connections are cut."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None
            self._held = _bound(self.port)
        for connection in list(self._open):
            connection.close_connection = True
            with contextlib.suppress(OSError):
                connection.connection.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Gone for good."""
        self.stop()
        self._held.close()

    def _handle(self, handler: BaseHTTPRequestHandler) -> None:
        content = handler.rfile.read(int(handler.headers["Content-Length"]))
        told = Told(handler.path, json.loads(content), dict(handler.headers), time.monotonic())
        if self._server is None:
            handler.close_connection = True
            return
        with self._news:
            self.told.append(told)
            self._news.notify_all()
        reply = self.answering(told)
        if reply.cut:
            handler.close_connection = True
            return
        body = json.dumps(reply.body).encode()
        handler.send_response(reply.status)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", str(len(body)))
        for name, value in reply.headers.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(body)

    # what tests ask

    def all(self, act: str) -> list[Told]:
        return [told for told in list(self.told) if told.act == act]

    def last_beat(self) -> dict[str, Any]:
        """The newest heartbeat; empty before the first."""
        beats = self.all("heartbeat")
        return beats[-1].body if beats else {}

    def outcomes(self) -> list[dict[str, Any]]:
        """Every outcome in every batch, repeats included."""
        return [event for told in self.all("events") for event in told.body]

    def until(self, claim: Callable[[], object], what: str) -> None:
        """Wait until `claim` holds after some request."""
        end = time.monotonic() + WAIT_S
        with self._news:
            while not claim():
                if time.monotonic() > end:
                    raise AssertionError(f"never: {what}; told {self.told[-5:]}")
                self._news.wait(0.05)

    def until_told(self, act: str, count: int = 1) -> Told:
        """Wait for the `count`th request of a kind."""
        self.until(lambda: len(self.all(act)) >= count, f"{count} x {act}")
        return self.all(act)[count - 1]
