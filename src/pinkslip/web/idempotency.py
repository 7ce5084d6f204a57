"""`Idempotency-Key`: an act of a person, sent again, is not done again.

What was done is remembered with its answer for a day. What was refused changed nothing, is not remembered,
and may be tried again under the same key.
"""

from collections.abc import Awaitable, Callable
from hashlib import blake2b
from typing import Any

from aiohttp import web

from pinkslip.store.views import Remembered
from pinkslip.web.problems import Refused, invalid_parameter
from pinkslip.web.routes import Call
from pinkslip.web.wire import JSON, name_fault

HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"


class Once:
    """Runs acts at most once per key. In a process, since one process serves a database."""

    def __init__(self) -> None:
        self._in_progress: set[tuple[int, str]] = set()

    async def run(
        self, call: Call[Any], body: bytes, act: Callable[[], Awaitable[web.Response]]
    ) -> web.Response:
        """`act`, or the answer it gave when the same request came before under its key."""
        key = _key(call.request)
        if key is None:
            return await act()
        place = (call.workspace_id, key)
        if place in self._in_progress:
            raise Refused(
                409,
                "in_progress",
                f"a request under {HEADER} {key!r} is still being worked on; ask again shortly",
                headers={"Retry-After": "1"},
            )
        self._in_progress.add(place)
        try:
            return await _answered(call, key, _digest(call.request, body), act)
        finally:
            self._in_progress.discard(place)


async def _answered(
    call: Call[Any], key: str, digest: bytes, act: Callable[[], Awaitable[web.Response]]
) -> web.Response:
    remembered = await call.backend.recall(call.workspace_id, key)
    if remembered is None:
        response = await act()
        await call.backend.remember(
            call.workspace_id,
            key,
            Remembered(
                request_digest=digest, status=response.status, answer=response.text or ""
            ),
        )
        return response
    if remembered.request_digest != digest:
        raise Refused(
            422,
            "key_reused",
            f"{HEADER} {key!r} was used for another request; use a new key for each act",
        )
    return web.Response(
        status=remembered.status,
        text=remembered.answer,
        content_type=JSON,
        headers={REPLAYED: "true"},
    )


def _key(request: web.Request) -> str | None:
    """The header's value, quoted (RFC 8941) or bare."""
    text = request.headers.get(HEADER)
    if text is None:
        return None
    if len(text) >= 2 and text[0] == text[-1] == '"':
        text = text[1:-1]
    if (fault := name_fault(text, what=HEADER)) is not None:
        raise invalid_parameter(HEADER, fault)
    return text


def _digest(request: web.Request, body: bytes) -> bytes:
    digest = blake2b(f"{request.method} {request.raw_path}\n".encode("utf-8", "replace"))
    digest.update(body)
    return digest.digest()[:16]
