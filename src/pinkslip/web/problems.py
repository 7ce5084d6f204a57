"""Refusals as answers: RFC 9457 problem+json, one table from our errors to statuses.

Every error leaves through `problem_response`, whoever noticed it: a handler, the backend, aiohttp's
router or its parser. Strangers get a request id and no internals.
"""

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any

import msgspec
from aiohttp import web
from msgspec import Struct

from pinkslip.model.errors import Conflict, Invalid, NotFound, PinkslipError, Unavailable
from pinkslip.model.time import rfc3339
from pinkslip.model.words import Status

PROBLEM_JSON = "application/problem+json"

STATUS_OF: Mapping[type[PinkslipError], int] = {
    Invalid: 422,
    NotFound: 404,
    Conflict: 409,
    Unavailable: 503,
}
"""The one place where our refusals become statuses."""


class Fault(Struct, frozen=True, omit_defaults=True):
    """One thing wrong with what was sent."""

    pointer: str
    """JSON pointer into the body; the name of a parameter or header otherwise."""
    detail: str


class ProblemDetails(Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """RFC 9457, as documented; a conflict adds what it knows beside these."""

    type: str
    title: str
    status: int
    code: str
    detail: str = ""
    request_id: str = ""
    errors: tuple[Fault, ...] = ()


class Refused(Exception):
    """A refusal that only HTTP knows: wrong media type, too large, not allowed here."""

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        *,
        errors: Sequence[Fault] = (),
        headers: Mapping[str, str] | None = None,
        facts: Mapping[str, object] | None = None,
        close: bool = False,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.errors = tuple(errors)
        self.headers = dict(headers or {})
        self.facts = dict(facts or {})
        self.close = close
        """The rest of the request cannot be read, so the connection ends with the answer."""


def invalid(detail: str, *faults: Fault) -> Refused:
    """Understood as JSON, and not allowed."""
    return Refused(422, "invalid", detail, errors=faults)


def invalid_parameter(name: str, detail: str) -> Refused:
    """A query parameter or path segment that cannot be taken."""
    return invalid(detail, Fault(name, detail))


def problem_body(
    status: int,
    code: str,
    detail: str,
    *,
    request_id: str = "",
    errors: Sequence[Fault] = (),
    facts: Mapping[str, object] | None = None,
) -> dict[str, Any]:
    """The members of a problem, our own facts beside the standard ones."""
    body: dict[str, Any] = {
        "type": f"urn:pinkslip:problem:{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": code,
    }
    if detail:
        body["detail"] = detail
    if request_id:
        body["requestId"] = request_id
    if errors:
        body["errors"] = errors
    for name, value in (facts or {}).items():
        body.setdefault(name, _spelled(name, value))
    return body


def problem_response(
    status: int,
    code: str,
    detail: str,
    *,
    request_id: str = "",
    errors: Sequence[Fault] = (),
    facts: Mapping[str, object] | None = None,
    headers: Mapping[str, str] | None = None,
    close: bool = False,
) -> web.Response:
    """The answer that says what, where and what to do."""
    body = problem_body(status, code, detail, request_id=request_id, errors=errors, facts=facts)
    response = web.Response(
        status=status,
        body=msgspec.json.encode(body),
        headers={**(headers or {}), "Cache-Control": "no-store", "Content-Type": PROBLEM_JSON},
    )
    if close:
        response.force_close()
    return response


def response_for(error: PinkslipError, *, request_id: str) -> web.Response:
    """One of the four refusals as its answer."""
    headers = {}
    facts: Mapping[str, object] = {}
    if isinstance(error, Unavailable):
        headers["Retry-After"] = str(error.retry_after_s)
    if isinstance(error, Conflict):
        facts = error.facts
    return problem_response(
        STATUS_OF.get(type(error), 422),
        error.code,
        str(error),
        request_id=request_id,
        facts=facts,
        headers=headers,
    )


def refused_response(refused: Refused, *, request_id: str) -> web.Response:
    """A refusal of HTTP's own as its answer."""
    return problem_response(
        refused.status,
        refused.code,
        refused.detail,
        request_id=request_id,
        errors=refused.errors,
        facts=refused.facts,
        headers=refused.headers,
        close=refused.close,
    )


def _spelled(name: str, value: object) -> object:
    """Instants among a conflict's facts are journal ms; answers spell RFC 3339."""
    if (
        isinstance(value, int)
        and not isinstance(value, bool)
        and name.endswith(("At", "Until"))
    ):
        return rfc3339(value)
    return value


_AT = re.compile(r" - at `(?P<key>key` in `)?\$(?P<path>[^`]*)`$")
_STEP = re.compile(r"\.(?P<name>[^.\[]+)|\[(?P<index>\d+|\.\.\.)\]")
_UNKNOWN = re.compile(r"unknown field `(?P<name>.*)`", re.DOTALL)
_ESCAPE = re.compile(
    rb"\\(?:u(?P<high>[dD][89abAB][0-9a-fA-F]{2})(?P<low>\\u[dD][c-fC-F][0-9a-fA-F]{2})?"
    rb"|u(?P<alone>[dD][c-fC-F][0-9a-fA-F]{2})|.)",
    re.DOTALL,
)
"""Every escape of a JSON text in turn, so that an escaped backslash is not taken for the start of one."""
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


def without_half_characters(body: bytes) -> bytes:
    """`body` with a NUL for each half of a surrogate pair: JSON that can be read, and text that is refused."""

    def repaired(escape: re.Match[bytes]) -> bytes:
        is_half = escape["alone"] or (escape["high"] and not escape["low"])
        return b"\\u0000" if is_half else escape[0]

    return _ESCAPE.sub(repaired, body) if _SURROGATE.search(body) else body


def fault_of(error: Exception, *, body: bytes, expected: object, at: str = "") -> Fault:
    """What msgspec found, as a pointer and a sentence that says what to do."""
    if isinstance(error, RecursionError):
        return Fault(at, "nested too deeply; send at most a few dozen levels")
    if isinstance(error, UnicodeDecodeError):
        return Fault(at, "not UTF-8; encode the body as UTF-8")
    message = str(error)
    if not isinstance(error, msgspec.ValidationError):
        return Fault(at, _syntax(message, body))
    found = _AT.search(message)
    pointer = at + _pointer(found["path"] if found else "")
    sentence = message[: found.start()] if found else message
    if found and found["key"]:
        sentence += " for a key"
    if unknown := _UNKNOWN.search(sentence):
        here = pointer + "/" + escaped(unknown["name"])
        return Fault(here, f"unknown field{_did_you_mean(unknown['name'], expected)}")
    if sentence.startswith("Invalid enum value"):
        sentence += _allowed(expected, pointer[len(at) :])
    return Fault(pointer, sentence)


def _syntax(message: str, body: bytes) -> str:
    if not body.strip():
        return "the body is empty; send a JSON object"
    if without_half_characters(body) != body:
        return "a \\u escape holds half of a surrogate pair; send the whole character"
    # msgspec's sentences begin with a capital, and some with a name: "JSON is malformed"
    return message if message[1:2].isupper() else message[:1].lower() + message[1:]


def escaped(name: str) -> str:
    """One step of a JSON pointer (RFC 6901)."""
    return name.replace("~", "~0").replace("/", "~1")


def _pointer(path: str) -> str:
    """`$.labels[...]` without the dollar, as `/labels`: msgspec does not say which key."""
    steps = (step["name"] or step["index"] for step in _STEP.finditer(path))
    return "".join(f"/{escaped(step)}" for step in steps if step != "...")


def _structs(expected: object) -> Iterator[type[Struct]]:
    if isinstance(expected, type) and issubclass(expected, Struct):
        yield expected
    for argument in getattr(expected, "__args__", ()):
        yield from _structs(argument)


def _did_you_mean(name: str, expected: object) -> str:
    known = sorted(
        {field for kind in _structs(expected) for field in kind.__struct_encode_fields__}
    )
    close = difflib.get_close_matches(name[:100], known, n=1)
    if close:
        return f"; did you mean {close[0]!r}?"
    return f"; known are {', '.join(known)}" if known else ""


def _allowed(expected: object, pointer: str) -> str:
    """`, one of IDLE, WORKING`: the words a field takes."""
    name = pointer.rpartition("/")[2]
    for kind in _structs(expected):
        for field in msgspec.structs.fields(kind):
            if field.encode_name == name:
                words = [word for member in _enums(field.type) for word in member]
                # TERMINATED is ours to give, whatever asks for a status
                words = [word for word in words if word != Status.TERMINATED]
                return f"; send one of {', '.join(words)}" if words else ""
    return ""


def _enums(kind: object) -> Iterator[Any]:
    if isinstance(kind, type) and hasattr(kind, "__members__"):
        yield kind
    for argument in getattr(kind, "__args__", ()):
        yield from _enums(argument)
