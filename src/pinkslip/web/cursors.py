"""Where a page ended, as an opaque text bound to the filters it was made under."""

import base64
import binascii
from hashlib import blake2b
from typing import TypeVar

import msgspec

from pinkslip.web.problems import invalid_parameter
from pinkslip.web.query import Query

T = TypeVar("T")

PAGING = ("cursor", "limit")
CURSOR_MAX = 1_000


def write_cursor(place: object, query: Query, *, list_name: str) -> str:
    """`place` as a text that only the same list with the same filters takes back."""
    packed = _binding(query, list_name) + msgspec.msgpack.encode(place)
    return base64.urlsafe_b64encode(packed).decode().rstrip("=")


def read_cursor(query: Query, kind: type[T], *, list_name: str) -> T | None:
    """The place behind `?cursor=`; None on the first page."""
    text = query.text("cursor")
    if text is None:
        return None
    try:
        packed = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        bound, place = packed[:8], msgspec.msgpack.decode(packed[8:], type=kind)
    except (binascii.Error, ValueError, msgspec.DecodeError, UnicodeError):
        raise invalid_parameter(
            "cursor", "not a cursor of ours; pass `next` of the page before, as it is"
        ) from None
    if bound != _binding(query, list_name):
        raise invalid_parameter(
            "cursor", "this cursor belongs to other filters; start again without it"
        )
    return place


def _binding(query: Query, list_name: str) -> bytes:
    asked = msgspec.msgpack.encode([list_name, query.fingerprint(without=PAGING)])
    return blake2b(asked, digest_size=8).digest()
