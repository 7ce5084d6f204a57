"""HTTP to a running service, with nothing but the standard library: a command must start fast."""

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import wraps
from http.client import HTTPException, HTTPResponse
from typing import Any, NoReturn, ParamSpec
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urlencode
from urllib.request import ProxyHandler, Request, build_opener

import click

from pinkslip.cli.exits import Exit

P = ParamSpec("P")
TIMEOUT_S = 15
PAGE = 500


class Service:
    """One service at one address."""

    def __init__(self, url: str, token: str | None = None) -> None:
        self.url = url.rstrip("/")
        self._headers = {"Accept": "application/json"}
        if token:
            self._headers["Authorization"] = f"Bearer {token}"
        # a proxy of the environment is no way to a service on this machine
        self._opener = build_opener(ProxyHandler({}))

    def get(self, path: str, query: Mapping[str, object] | None = None) -> Any:
        """The answer's JSON. Exits with the problem's words where it is refused."""
        return self._ask("GET", path + _query(query or {}))

    def post(self, path: str, body: Mapping[str, object]) -> Any:
        """The same with a body."""
        return self._ask("POST", path, json.dumps(body).encode())

    def items(
        self, path: str, query: Mapping[str, object], *, limit: int | None
    ) -> Iterator[Any]:
        """Every item of a list, page by page, up to `limit`."""
        left = limit
        cursor: str | None = None
        while left is None or left > 0:
            size = PAGE if left is None else min(left, PAGE)
            page = self.get(path, {**query, "limit": size, "cursor": cursor})
            yield from page["items"]
            cursor = page["next"]
            if cursor is None:
                return
            left = None if left is None else left - len(page["items"])

    def _ask(self, method: str, path: str, body: bytes | None = None) -> Any:
        headers = dict(self._headers)
        if body is not None:
            headers["Content-Type"] = "application/json"
        request = Request(self.url + path, data=body, headers=headers, method=method)  # noqa: S310 - the user's own address
        try:
            with self._opener.open(request, timeout=TIMEOUT_S) as response:
                return _decoded(response)
        except HTTPError as error:
            _refused(error)
        except (URLError, HTTPException, OSError) as error:
            reason = getattr(error, "reason", error)
            away(
                f"{self.url} does not answer: {reason}. Is `pinkslip serve` running there? PINKSLIP_URL or --url says where."
            )


def agent_path(agent_id: str, rest: str = "") -> str:
    """The address of an agent, whatever its id holds."""
    return f"/api/agents/{quote(agent_id, safe='')}{rest}"


def service_options(command: Callable[P, None]) -> Callable[P, None]:
    """`--url`, `--token` and `--json`, and the service handed in as `service`."""

    @click.option(
        "--url",
        envvar="PINKSLIP_URL",
        default="http://127.0.0.1:8740",
        show_default=True,
        show_envvar=True,
        help="Where the service is.",
    )
    @click.option(
        "--token",
        envvar="PINKSLIP_TOKEN",
        default=None,
        show_envvar=True,
        help="Bearer token, where one is needed.",
    )
    @click.option("--json", "as_json", is_flag=True, help="Print the answer as JSON.")
    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        url, token = kwargs.pop("url"), kwargs.pop("token")
        kwargs["service"] = Service(str(url), str(token) if token else None)
        command(*args, **kwargs)

    return run


def print_json(value: object) -> None:
    """Indented, whole, unescaped."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))


def away(message: str) -> NoReturn:
    """End with AWAY."""
    click.echo(f"pinkslip: {message}", err=True)
    sys.exit(Exit.AWAY)


def _decoded(response: HTTPResponse) -> Any:
    body = response.read()
    return json.loads(body) if body else None


def _query(query: Mapping[str, object]) -> str:
    given = {
        key: str(value).lower() if isinstance(value, bool) else value
        for key, value in query.items()
        if value is not None and value != ()
    }
    return "?" + urlencode(given, doseq=True) if given else ""


def _refused(error: HTTPError) -> NoReturn:
    try:
        problem = json.loads(error.read())
    except ValueError:
        away(
            f"{error.url} answered {error.code} {error.reason}, which is not how Pinkslip answers"
        )
    click.echo(f"pinkslip: {problem.get('detail') or problem.get('title')}", err=True)
    for fault in problem.get("errors", ()):
        click.echo(f"  {fault['pointer']}: {fault['detail']}", err=True)
    sys.exit(Exit.AWAY if error.code in {502, 503, 504} else Exit.REFUSED)
