"""Bodies in and out: bounded reading, decoding into the types that document them, and checks of text.

msgspec checks shapes, ranges, lengths, NaN and surrogates. What it lets pass and a database, a label or a
terminal would choke on is refused here: NUL, control characters in names, instants that are none.
"""

import asyncio
import re
import zlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

import msgspec
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from msgspec import Struct
from multidict import CIMultiDict

from pinkslip.model.time import from_rfc3339
from pinkslip.web.problems import Fault, Refused, escaped, fault_of, invalid

JSON = "application/json"
NDJSON = "application/x-ndjson"
COMPRESSED = frozenset({"gzip", "deflate"})
ENCODINGS = COMPRESSED | {"", "identity"}
MEMBERS_MAX = 32
"""A gzip body may come in several members, and each is looked at once."""
CHEWED_ON_THE_LOOP = 256 * 1024
"""Bytes of a body that decompress and decode in the blink of an eye."""
DEPTH_MAX = 32
ID_MAX = 200

T = TypeVar("T")

_HEADERS = CIMultiDict({"Content-Type": JSON, "X-Content-Type-Options": "nosniff"})
_encode = msgspec.json.Encoder().encode


def reply(value: object, *, status: int = 200) -> web.Response:
    """`value` as JSON."""
    return web.Response(body=_encode(value), status=status, headers=_HEADERS.copy())


async def read_body(
    request: web.Request, *, limit: int, media: tuple[str, ...], timeout_s: float
) -> bytes:
    """The whole body, decompressed, at most `limit` bytes, within `timeout_s`."""
    if not request.body_exists:
        return b""
    is_here = request.content.is_eof()
    if not is_here and (request.content_length or 0) > limit:
        raise _too_large(limit)
    encoding = request.headers.get("Content-Encoding", "").strip().lower()
    if encoding not in ENCODINGS:
        raise Refused(
            415,
            "unsupported_encoding",
            f"Content-Encoding {encoding[:40]!r} is not understood; send gzip, deflate or none",
            headers={"Accept-Encoding": "gzip, deflate"},
            close=True,
        )
    body = await _arrived(request, limit=limit, timeout_s=timeout_s)
    if body and not (
        request.headers.get("Content-Type") == JSON or request.content_type in media
    ):
        raise Refused(
            415,
            "unsupported_media",
            f"Content-Type {request.content_type[:80]!r} is not taken here; send {' or '.join(media)}",
        )
    if body and encoding in COMPRESSED:
        return await aside(len(body), lambda: inflated(body, encoding, limit=limit))
    return body


async def _arrived(request: web.Request, *, limit: int, timeout_s: float) -> bytes:
    try:
        if request.content.is_eof():
            return await _drained(request, limit)
        async with asyncio.timeout(timeout_s):
            return await _drained(request, limit)
    except TimeoutError:
        raise Refused(
            408,
            "slow_body",
            f"the body did not arrive within {timeout_s:g} s; send it at once, or in smaller batches",
            close=True,
        ) from None
    except ConnectionError:
        raise Refused(
            400, "cut_off", "the connection ended inside the body", close=True
        ) from None
    except (HttpProcessingError, web.RequestPayloadError) as error:
        raise Refused(
            400,
            "bad_body",
            f"the body is not what its headers announce: {_first_line(error)}",
            close=True,
        ) from None


async def _drained(request: web.Request, limit: int) -> bytes:
    content = request.content
    body = await content.readany()
    if not content.at_eof():
        rest = bytearray(body)
        while chunk := await content.readany():
            rest += chunk
            if len(rest) > limit:
                break
        body = bytes(rest)
    if len(body) > limit:
        raise _too_large(limit)
    return body


async def aside(size: int, work: Callable[[], T]) -> T:
    """`work`, in a thread when it has so much to chew on that others would wait for it."""
    if size <= CHEWED_ON_THE_LOOP:
        return work()
    return await asyncio.to_thread(work)


def inflated(body: bytes, encoding: str, *, limit: int) -> bytes:
    """A compressed body, whole and no longer than `limit`.

    Ours instead of aiohttp's, which takes a gzip body that was cut for a whole one.
    """
    whole = b""
    rest = body
    try:
        for _ in range(MEMBERS_MAX):
            stream = zlib.decompressobj(_window(rest, encoding))
            whole += stream.decompress(rest, limit + 1 - len(whole))
            if len(whole) > limit:
                raise _too_large(limit)
            if not stream.eof:
                raise _not_compressed(encoding, "it ends too early")
            rest = stream.unused_data
            if not rest:
                return whole
    except zlib.error as error:
        raise _not_compressed(encoding, str(error)) from None
    raise _not_compressed(encoding, f"it has more than {MEMBERS_MAX} members")


def _window(body: bytes, encoding: str) -> int:
    if encoding == "gzip":
        return zlib.MAX_WBITS | 16
    # some clients leave out the two bytes of zlib's header that deflate should begin with
    return zlib.MAX_WBITS if body[0] & 0x0F == 8 else -zlib.MAX_WBITS


def _not_compressed(encoding: str, why: str) -> Refused:
    return Refused(400, "bad_encoding", f"the body is not valid {encoding} data: {why}")


def _too_large(limit: int) -> Refused:
    return Refused(
        413,
        "too_large",
        f"the body is larger than the {limit:,} bytes taken here (after decompression); send less at once",
        close=True,
    )


def _first_line(error: BaseException) -> str:
    return (
        str(error).strip().splitlines()[0][:200] if str(error).strip() else type(error).__name__
    )


def decode(body: bytes, decoder: msgspec.json.Decoder[T]) -> T:
    """`body` as the decoder's type, its text checked; `Refused` with a pointer to what is wrong."""
    try:
        value = decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        fault = fault_of(error, body=body, expected=decoder.type)
        raise _unusable(error, fault) from None
    if faults := faults_of(value, plain=is_plain(body)):
        raise invalid(f"{_where(faults[0])}{faults[0].detail}", *faults)
    return value


def _unusable(error: Exception, fault: Fault) -> Refused:
    if isinstance(error, msgspec.ValidationError):
        return invalid(f"{_where(fault)}{fault.detail}", fault)
    return Refused(400, "malformed", f"not JSON we can read: {fault.detail}", errors=[fault])


def _where(fault: Fault) -> str:
    return f"{fault.pointer}: " if fault.pointer else ""


def is_plain(body: bytes | memoryview) -> bool:
    """No text in it can hold a control character: printable ASCII without a backslash."""
    raw = bytes(body)
    return raw.isascii() and b"\\" not in raw and b"\x7f" not in raw


_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
NUL_OR_HALF = "holds a NUL character, or half of a surrogate pair; leave it out"
_NUL_OR_HALF = re.compile("[\x00\ud800-\udfff]")
_FREE_TEXT = frozenset(
    {"current_task", "last_error", "error", "context", "context_summary", "text", "comment"}
)
_INSTANTS = frozenset({"sent_at", "started_at", "last_message_at", "ended_at", "until"})
_RFC3339 = re.compile(
    r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(\.\d{1,9})?([Zz]|[+-]\d{2}:\d{2})", re.ASCII
)
_LAST_YEAR = "9998"
NO_INSTANT = "not an RFC 3339 instant since 1970; send for example 2026-11-23T09:30:00Z"


def faults_of(value: Any, *, plain: bool, at: str = "") -> list[Fault]:
    """What is wrong with the text of an event or a request. `plain` spares the walk through its strings."""
    instants, has_metadata = _looked_at(type(value))
    faults = []
    for name in instants:
        text = getattr(value, name)
        if type(text) is str and not is_instant(text):
            faults.append(Fault(f"{at}/{_camel(name)}", NO_INSTANT))
    if has_metadata and isinstance(metadata := getattr(value, "metadata", None), dict):
        faults += _bad_json(metadata, f"{at}/metadata", depth=0)
    if not plain:
        faults += _bad_text(value, at)
    return faults


def _looked_at(kind: type[Any]) -> tuple[tuple[str, ...], bool]:
    """Which fields of a type are instants, and whether it holds free-form JSON."""
    found = _LOOKED_AT.get(kind)
    if found is None:
        names = getattr(kind, "__struct_fields__", ())
        found = tuple(name for name in names if name in _INSTANTS), "metadata" in names
        _LOOKED_AT[kind] = found
    return found


_LOOKED_AT: dict[type[Any], tuple[tuple[str, ...], bool]] = {}
"""One entry for each type of body there is."""


def is_instant(text: str) -> bool:
    """Whether `text` is an RFC 3339 instant that every answer can spell again."""
    if not _RFC3339.fullmatch(text) or text[:4] > _LAST_YEAR:
        return False
    try:
        return from_rfc3339(text) >= 0
    except (ValueError, OverflowError):
        return False


def _bad_text(value: object, at: str) -> Iterator[Fault]:
    if not isinstance(value, Struct):
        return
    for name, encoded in zip(
        value.__struct_fields__, value.__struct_encode_fields__, strict=True
    ):
        held = getattr(value, name)
        if isinstance(held, str):
            fault = _text_fault(held, f"{at}/{encoded}", free=name in _FREE_TEXT)
            if fault:
                yield fault
        elif name == "labels" and isinstance(held, Mapping):
            for label, word in held.items():
                pointer = f"{at}/labels/{escaped(label)}"
                fault = _text_fault(label, pointer, free=False) or _text_fault(
                    word, pointer, free=False
                )
                if fault:
                    yield fault


def _text_fault(text: str, pointer: str, *, free: bool) -> Fault | None:
    if text.isascii() and text.isprintable():
        return None
    if "\x00" in text:
        return Fault(pointer, NUL_OR_HALF)
    if not free and _CONTROL.search(text):
        return Fault(
            pointer, "holds a control character or a line break; a name is one line of text"
        )
    return None


def _bad_json(value: Any, pointer: str, *, depth: int) -> Iterator[Fault]:
    """Free-form JSON that a database or a later answer could not hold."""
    if depth > DEPTH_MAX:
        yield Fault(pointer, f"nested deeper than {DEPTH_MAX} levels; flatten it")
    elif isinstance(value, str):
        if _NUL_OR_HALF.search(value):
            yield Fault(pointer, NUL_OR_HALF)
    elif isinstance(value, int) and not -(2**63) <= value < 2**63:
        yield Fault(pointer, "is larger than 64 bits; send it as a string")
    elif isinstance(value, dict):
        for key, held in value.items():
            if _NUL_OR_HALF.search(key):
                yield Fault(pointer, "has a key with a NUL character; leave it out")
            else:
                yield from _bad_json(held, f"{pointer}/{escaped(key)}", depth=depth + 1)
    elif isinstance(value, list):
        for index, held in enumerate(value):
            yield from _bad_json(held, f"{pointer}/{index}", depth=depth + 1)


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def name_fault(text: str, *, what: str, limit: int = ID_MAX) -> str | None:
    """Why `text` cannot name a thing in a path; None when it can."""
    if 2 < len(text) <= limit and text.isascii() and text.isprintable():
        return None
    if not text:
        return f"{what} is empty"
    if len(text) > limit:
        return f"{what} is longer than {limit} characters"
    if _CONTROL.search(text):
        return f"{what} holds a control character or bytes that are not UTF-8; percent-encode it as UTF-8"
    if text in {".", ".."}:
        return f"{what} {text!r} cannot stand in a path; choose another"
    return None
