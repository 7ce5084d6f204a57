"""Who is calling, and what they may do: scopes per route, and trust in the loopback until tokens are made.

Without tokens the loopback is trusted, and a browser on it is not: Host must name the loopback (or the
external address), Origin must be our own, and a request that came through a proxy nobody named is refused.
`Gate` is the seam for tokens: another gate reads them and answers with another `Caller`.
"""

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol
from urllib.parse import urlsplit

from aiohttp import web

from pinkslip.model.words import ActorKind, Source
from pinkslip.web.backend import Actor
from pinkslip.web.problems import Refused

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

DEFAULT_WORKSPACE = 1


class Scope(StrEnum):
    """What a caller may do. Every route declares one."""

    ANYONE = "anyone"
    """Asks nothing: probes."""
    INGEST = "ingest"
    READ = "read"
    SCRAPE = "scrape"
    OPERATE = "operate"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who sent a request, as their credentials say."""

    workspace_id: int
    actor: Actor
    source: Source
    """What outcomes they report are marked with."""
    scopes: frozenset[str]
    """Values of `Scope`: a member's own hash is slow, and this is asked of every request."""


LOCAL = Caller(
    workspace_id=DEFAULT_WORKSPACE,
    actor=Actor(kind=ActorKind.PERSON, name="local"),
    source=Source.SELF,
    scopes=frozenset(scope.value for scope in Scope),
)
"""Anybody on the loopback, until the first token is made."""


NOBODY = Caller(
    workspace_id=DEFAULT_WORKSPACE,
    actor=Actor(kind=ActorKind.SERVICE, name="anyone"),
    source=Source.SELF,
    scopes=frozenset({Scope.ANYONE.value}),
)
"""Who asks a route that asks nothing back."""


class Gate(Protocol):
    """Lets a request in as somebody, or raises `Refused`."""

    def admit(self, request: web.Request) -> Caller:
        """Who is calling."""
        ...


class LoopbackGate:
    """No tokens yet: whoever reaches the loopback is the local person."""

    def __init__(
        self, *, external_url: str | None, trusted_proxies: Iterable[str] = ()
    ) -> None:
        self._proxies: tuple[Network, ...] = tuple(
            ipaddress.ip_network(proxy, strict=False) for proxy in trusted_proxies
        )
        external = urlsplit(external_url) if external_url else None
        self._external_host = external.hostname if external else None
        self._external_origin = (
            f"{external.scheme}://{external.netloc}".lower() if external else None
        )
        self._known_hosts: set[str] = set()

    def admit(self, request: web.Request) -> Caller:
        self._refuse_strange_proxies(request)
        host = request.headers.get("Host", "")
        if host not in self._known_hosts:
            self._check_host(host)
        origin = request.headers.get("Origin")
        if origin is not None:
            self._check_origin(origin, host)
        return LOCAL

    def _refuse_strange_proxies(self, request: web.Request) -> None:
        for name, _ in request.raw_headers:
            if (
                name[:1] in b"fFxX"
                and _tells_of_a_proxy(name)
                and not self._is_trusted(request)
            ):
                raise Refused(
                    403,
                    "forwarded",
                    f"the request came through a proxy ({name.decode('ascii', 'replace')}) that is not "
                    "trusted; name its address in trusted_proxies, or reach the service directly",
                )

    def _is_trusted(self, request: web.Request) -> bool:
        peer = request.transport.get_extra_info("peername") if request.transport else None
        if not isinstance(peer, tuple):
            return False
        address = ipaddress.ip_address(peer[0].partition("%")[0])
        return any(address in network for network in self._proxies)

    def _check_host(self, host: str) -> None:
        name = _host_name(host)
        if name is None or not (is_loopback(name) or name == self._external_host):
            raise Refused(
                403,
                "unknown_host",
                f"Host {host[:100]!r} is neither the loopback nor external_url's; without tokens only "
                "http://127.0.0.1 and http://localhost are answered",
            )
        if len(self._known_hosts) < 100:
            self._known_hosts.add(host)

    def _check_origin(self, origin: str, host: str) -> None:
        ours = {f"http://{host}".lower(), f"https://{host}".lower(), self._external_origin}
        if origin.lower() not in ours:
            raise Refused(
                403,
                "cross_origin",
                f"Origin {origin[:100]!r} is not this service; pages of other sites may not use it",
            )


_F_OR_X = frozenset(b"fFxX")


def _tells_of_a_proxy(header: bytes) -> bool:
    name = header.lower()
    return name == b"forwarded" or name.startswith(b"x-forwarded-")


def _host_name(host: str) -> str | None:
    """`host` without its port; None when it is none."""
    try:
        return urlsplit(f"//{host}").hostname
    except ValueError:
        return None


def is_loopback(name: str) -> bool:
    """Whether a host name or address means this machine itself."""
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def require(caller: Caller, scope: str) -> None:
    """Refuse a caller whose credentials do not reach so far."""
    if scope not in caller.scopes:
        raise Refused(
            403, "forbidden", f"this needs the scope {scope!r}; use a token that has it"
        )
