"""One kept connection to the service, with a time limit on everything and no opinion about what is sent."""

import encodings.idna  # noqa: F401 - sockets import it when first used; a fork at that moment breaks its child
import json
import random
import ssl
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import urlsplit

ANSWER_MAX = 4 * 1024 * 1024
RETRY_AFTER_S_MAX = 60.0


class Unreachable(Exception):
    """No answer came: refused, timed out, cut off, or not HTTP."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    body: dict[str, object] = field(default_factory=dict)
    """The JSON object; empty when it was none."""
    retry_after_s: float | None = None

    @property
    def is_taken(self) -> bool:
        """2xx: it is durable."""
        return 200 <= self.status < 300

    @property
    def detail(self) -> str:
        """The service's own words about a refusal."""
        return str(self.body.get("detail") or self.body.get("title") or "")


class Backoff:
    """How long to wait after the next failure: twice as long each time, with jitter, up to a limit."""

    def __init__(self, *, first_s: float = 0.5, most_s: float = 30.0) -> None:
        self._first_s = first_s
        self._most_s = most_s
        self._failures = 0

    def failed(self) -> float:
        """Seconds to wait now."""
        full = min(self._most_s, self._first_s * float(2**self._failures))
        self._failures = min(self._failures + 1, 16)
        return full * random.uniform(0.5, 1.0)  # noqa: S311 - spreads load, hides nothing

    def succeeded(self) -> None:
        """Start over."""
        self._failures = 0


class Wire:
    """Posts JSON. Used by one thread."""

    def __init__(self, url: str, *, token: str | None, timeout_s: float) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            msg = f"{url!r} is no address of a service; write for example http://127.0.0.1:8740"
            raise ValueError(msg)
        self._host, self._port = parts.hostname, parts.port
        self._is_tls = parts.scheme == "https"
        self._prefix = parts.path.rstrip("/")
        self._headers = {"Content-Type": "application/json", "User-Agent": "pinkslip-client"}
        if token:
            self._headers["Authorization"] = f"Bearer {token}"
        self._timeout_s = timeout_s
        self._connection: HTTPConnection | None = None

    def post(self, path: str, body: bytes, *, timeout_s: float | None = None) -> Answer:
        """The answer to `body` at `path`; Unreachable when there is none."""
        limit_s = self._timeout_s if timeout_s is None else timeout_s
        is_kept = self._connection is not None
        try:
            return self._exchange(path, body, limit_s)
        except (ConnectionError, HTTPException) as error:
            # a kept connection may have been closed by the other side while it was idle
            if not is_kept:
                raise Unreachable(str(error) or type(error).__name__) from error
        except (OSError, ValueError) as error:
            raise Unreachable(str(error) or type(error).__name__) from error
        try:
            return self._exchange(path, body, limit_s)
        except (OSError, HTTPException, ValueError) as error:
            raise Unreachable(str(error) or type(error).__name__) from error

    def close(self) -> None:
        """Give the connection up."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _exchange(self, path: str, body: bytes, timeout_s: float) -> Answer:
        connection = self._connected(timeout_s)
        try:
            connection.request("POST", self._prefix + path, body, self._headers)
            response = connection.getresponse()
            content = response.read(ANSWER_MAX)
            answer = Answer(
                response.status, _object(content), _seconds(response.getheader("Retry-After"))
            )
            if response.will_close or not response.isclosed():
                self.close()
        except BaseException:
            self.close()
            raise
        return answer

    def _connected(self, timeout_s: float) -> HTTPConnection:
        if self._connection is None:
            self._connection = self._made(timeout_s)
        self._connection.timeout = timeout_s
        if self._connection.sock is not None:
            self._connection.sock.settimeout(timeout_s)
        return self._connection

    def _made(self, timeout_s: float) -> HTTPConnection:
        if not self._is_tls:
            return HTTPConnection(self._host, self._port, timeout=timeout_s)
        context = ssl.create_default_context()
        return HTTPSConnection(self._host, self._port, timeout=timeout_s, context=context)


def _object(content: bytes) -> dict[str, object]:
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _seconds(text: str | None) -> float | None:
    """`Retry-After` in seconds; its other form, a date, is not used by the service."""
    try:
        return None if text is None else min(max(float(text), 0.0), RETRY_AFTER_S_MAX)
    except ValueError:
        return None
