"""HTTP to a running service, with nothing but the standard library: a command must start fast."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from http.client import HTTPException, HTTPResponse
from typing import Any, ParamSpec
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urlencode, urlsplit
from urllib.request import ProxyHandler, Request, build_opener

import click

from pinkslip.cli.failures import Away, Failure, Refused, Unusable

P = ParamSpec("P")
TIMEOUT_S = 15
JSON = "application/json"
PAGE = 500


@dataclass(frozen=True, slots=True)
class Listed:
    """The beginning of a list, and whether it goes on."""

    items: list[Any]
    more: bool


class Service:
    """One service at one address. What it refuses, and its silence, end the command (see `failures`)."""

    def __init__(self, url: str, token: str | None = None) -> None:
        self.url = url.rstrip("/")
        self._headers: dict[str, str] = {}
        if token:
            self._headers["Authorization"] = f"Bearer {token}"
        # a proxy of the environment is no way to a service on this machine
        self._opener = build_opener(ProxyHandler({}))

    def get(self, path: str, query: Mapping[str, object] | None = None) -> Any:
        """The answer's JSON."""
        return self._ask("GET", path + _query(query or {}))

    def post(self, path: str, body: Mapping[str, object]) -> Any:
        """The same with a body."""
        return self._ask("POST", path, json.dumps(body).encode())

    def delete(self, path: str) -> Any:
        """What was ended."""
        return self._ask("DELETE", path)

    def text(self, path: str, query: Mapping[str, object], *, media: str) -> str:
        """The answer as a text of this media type."""
        return str(self._ask("GET", path + _query(query), accept=media))

    def listed(self, path: str, query: Mapping[str, object], *, limit: int | None) -> Listed:
        """The items of a list, page by page, up to `limit`."""
        items: list[Any] = []
        cursor: str | None = None
        while limit is None or len(items) < limit:
            size = PAGE if limit is None else min(limit - len(items), PAGE)
            page = self.get(path, {**query, "limit": size, "cursor": cursor})
            items += page["items"]
            cursor = page["next"]
            if cursor is None:
                return Listed(items, more=False)
        return Listed(items, more=True)

    def _ask(
        self, method: str, path: str, body: bytes | None = None, *, accept: str = JSON
    ) -> Any:
        headers = {**self._headers, "Accept": accept}
        if body is not None:
            headers["Content-Type"] = JSON
        request = Request(self.url + path, data=body, headers=headers, method=method)  # noqa: S310 - the user's own address
        try:
            with self._opener.open(request, timeout=TIMEOUT_S) as response:
                return _decoded(response, accept)
        except HTTPError as error:
            raise _refusal(error) from error
        except (URLError, HTTPException, OSError) as error:
            raise Away(
                f"{self.url} does not answer: {_reason(error)}. "
                "Is `pinkslip serve` running there? PINKSLIP_URL or --url says where."
            ) from error


def agent_id(_ctx: click.Context, _parameter: click.Parameter, given: str | None) -> str | None:
    """What an agent calls itself: anything but nothing."""
    if given == "":
        raise click.BadParameter("an agent's id is not empty")
    return given


def agent_path(agent: str, rest: str = "") -> str:
    """The address of an agent, whatever its id holds."""
    return f"/api/agents/{segment(agent)}{rest}"


def segment(text: str) -> str:
    """`text` as one step of a path. Bytes that are no UTF-8 go as they came: the service names what is wrong."""
    return quote(text, safe="", errors="surrogateescape")


def service_options(command: Callable[P, None]) -> Callable[P, None]:
    """`--url`, `--token` and `--json`, and the service handed in as `service`."""

    @click.option(
        "--url",
        envvar="PINKSLIP_URL",
        default="http://127.0.0.1:8740",
        show_default=True,
        show_envvar=True,
        callback=address,
        help="Where the service is.",
    )
    @click.option(
        "--token",
        envvar="PINKSLIP_TOKEN",
        default=None,
        show_envvar=True,
        callback=_token,
        help="Bearer token, where one is needed.",
    )
    @click.option("--json", "as_json", is_flag=True, help="Print the answer as JSON.")
    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        url, token = kwargs.pop("url"), kwargs.pop("token")
        kwargs["service"] = Service(str(url), str(token) if token else None)
        command(*args, **kwargs)

    return run


context_option = click.option(
    "--reason", "--context", "context", default="", help="Why, in words; kept on record."
)
"""For acts of people. `fire` has a reason of another kind."""


def address(_ctx: click.Context, _parameter: click.Parameter, given: str | None) -> str | None:
    """An http(s) address, also where only host and port are given."""
    if given is None:
        return None
    url = given if "://" in given else f"http://{given}"
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:
        usable = False
    if not usable or not url.isascii() or not url.isprintable() or " " in url:
        raise click.BadParameter(
            f"{given!r} is no address of a service; write for example http://127.0.0.1:8740"
        )
    return url


def _token(_ctx: click.Context, _parameter: click.Parameter, token: str | None) -> str | None:
    if token is not None and not (token.isascii() and token.isprintable()):
        raise click.BadParameter("a token is made of plain ASCII characters")
    return token


def _decoded(response: HTTPResponse, media: str) -> Any:
    body = response.read()
    try:
        answer = body.decode() if media != JSON else json.loads(body)
    except ValueError:
        answer = None
    is_ours = (
        isinstance(answer, dict)
        if media == JSON
        else response.headers.get_content_type() == media
    )
    if not is_ours or answer is None:
        raise Away(f"{response.url} answers, but not as Pinkslip does; is the address right?")
    return answer


def _query(query: Mapping[str, object]) -> str:
    given = {
        key: str(value).lower() if isinstance(value, bool) else value
        for key, value in query.items()
        if value is not None and value != ()
    }
    return "?" + urlencode(given, doseq=True, errors="surrogateescape") if given else ""


def _refusal(error: HTTPError) -> Failure:
    """Its words, with what they point at, as the failure its status means."""
    try:
        problem = json.loads(error.read())
        detail = problem.get("detail") or problem["title"]
        faults = [(fault["pointer"], fault["detail"]) for fault in problem.get("errors", ())]
    except (ValueError, LookupError, TypeError, AttributeError, OSError, HTTPException):
        return Away(
            f"{error.url} answered {error.code} {error.reason}, which is not how Pinkslip answers; "
            "is the address right?"
        )
    details = [f"{pointer}: {said}" for pointer, said in faults if said not in detail]
    match error.code:
        case 400 | 413 | 422:
            return Unusable(detail, details=details)
        case 502 | 503 | 504:
            return Away(detail, details=details)
        case _:
            return Refused(detail, details=details)


def _reason(error: Exception) -> str:
    reason = getattr(error, "reason", error)
    if isinstance(reason, OSError) and reason.strerror:
        return reason.strerror
    return str(reason) or type(reason).__name__
