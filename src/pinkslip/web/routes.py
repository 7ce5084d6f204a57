"""What a route is, and what a handler is given. The table itself is `table.ROUTES`.

From the table come aiohttp's routes, the answers 405 and HEAD, the OpenAPI document and the tests.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar
from urllib.parse import unquote_to_bytes

import msgspec
from aiohttp import web
from msgspec import Struct

from pinkslip.model.ports import Clock
from pinkslip.web.auth import Caller, Scope
from pinkslip.web.backend import Backend
from pinkslip.web.links import Links
from pinkslip.web.names import Names
from pinkslip.web.problems import invalid_parameter
from pinkslip.web.query import Parameter, Query
from pinkslip.web.wire import JSON, name_fault

Body = TypeVar("Body")

SMALL_BODY = 64 * 1024
BATCH_BODY = 8 * 1024 * 1024
POLICY_BODY = 2 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """What every handler works with."""

    backend: Backend
    clock: Clock
    links: Links
    version: str
    assumed_interval_s: float
    """Counted with where an agent declared no interval."""
    names: Names = field(default_factory=Names)


@dataclass(frozen=True, slots=True)
class Call(Generic[Body]):
    """One request, let in, read and checked."""

    service: Service
    caller: Caller
    request: web.Request
    query: Query
    body: Body

    @property
    def backend(self) -> Backend:
        return self.service.backend

    @property
    def workspace_id(self) -> int:
        return self.caller.workspace_id

    @property
    def displays(self) -> Mapping[str, str]:
        """Reasons with their neutral names."""
        return self.backend.displays(self.caller.workspace_id)

    def named(self, name: str, *, what: str) -> str:
        """A path segment, decoded. `Refused` when it cannot name anything."""
        return path_name(self.request, name, what=what)


Handler = Callable[[Call[Any]], Awaitable[web.Response]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One operation."""

    method: str
    path: str
    scope: Scope
    handler: Handler
    summary: str
    answer: type[Struct] | None = None
    """None: not JSON."""
    media: str = JSON
    """Of the answer."""
    media_too: tuple[str, ...] = ()
    """Given where `Accept` asks for it."""
    body: Any = None
    """The type a body is decoded to; None: no body. `RAW` hands the bytes on."""
    empty_body: bool = False
    """No body at all means an empty object."""
    body_media: tuple[str, ...] = (JSON,)
    body_limit: int = SMALL_BODY
    query: tuple[Parameter, ...] = ()
    errors: tuple[int, ...] = ()
    """Beside those any route may give."""
    idempotent: bool = False
    """Takes `Idempotency-Key`."""
    in_document: bool = True
    tag: str = "service"
    also: Mapping[str, str] = field(default_factory=dict)
    """Further answers: status to what it means."""


class Raw:
    """Marks a body that its handler decodes itself."""


def path_name(request: web.Request, name: str, *, what: str) -> str:
    """`{name}` of the path: UTF-8, one line, of bounded length."""
    text = request.match_info[name]
    if "%" in text and not _is_utf8(request):
        raise invalid_parameter(name, f"{what} is not UTF-8; percent-encode it as UTF-8")
    if (fault := name_fault(text, what=what)) is not None:
        raise invalid_parameter(name, fault)
    return text


def _is_utf8(request: web.Request) -> bool:
    """yarl keeps escapes it cannot decode as they are, so only a name with a % in it is looked at."""
    try:
        unquote_to_bytes(request.rel_url.raw_path).decode()
    except UnicodeDecodeError:
        return False
    return True


def decoder_of(route: Route) -> msgspec.json.Decoder[Any] | None:
    """The compiled reader of a route's bodies."""
    if route.body is None or route.body is Raw:
        return None
    return msgspec.json.Decoder(route.body)
