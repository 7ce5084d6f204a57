"""Pieces of a page that are made once and sent many times, plain or inside one gzip member.

A block is compressed on its own and ends in a full flush, so its bytes can stand in any stream at any place:
a page of cached blocks is one gzip member without compressing anything again. The member's checksum is
combined from the blocks' own (zlib's `crc32_combine`).
"""

import struct
import zlib
from collections.abc import Iterable, Sequence
from functools import reduce

_RAW_DEFLATE = -zlib.MAX_WBITS
_LEVEL = 1
"""Label text repeats so much that higher levels cost twice as much for a tenth."""
_MEMBER_START = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x04\xff"
_STREAM_END = b"\x03\x00"
"""An empty last block."""
_POLYNOMIAL = 0xEDB88320
_ONE = 1 << 31
"""x to the 0th, in CRC's reflected order."""


class Block:
    """A run of whole lines. Immutable to its users; forgets its plain text once compressed."""

    __slots__ = ("_checksum", "_deflated", "_plain", "_shift", "samples", "size")

    def __init__(self, text: str, *, samples: int) -> None:
        self._plain: bytes | None = text.encode()
        self._deflated = b""
        self._checksum = 0
        self._shift = _ONE
        self.samples = samples
        self.size = len(self._plain)

    @property
    def plain(self) -> bytes:
        """The lines."""
        if self._plain is not None:
            return self._plain
        return zlib.decompressobj(_RAW_DEFLATE).decompress(self._deflated)

    @property
    def deflated(self) -> bytes:
        """The lines as a piece of a raw deflate stream that needs nothing before it."""
        self.pack()
        return self._deflated

    def extend_checksum(self, before: int) -> int:
        """The checksum of everything before and this. Compressed blocks only."""
        assert self._plain is None
        return _multiply(self._shift, before) ^ self._checksum

    def pack(self) -> None:
        """Compress, and forget the plain text. Done while the text is still in the processor's cache, it is cheaper."""
        plain = self._plain
        if plain is None:
            return
        deflate = zlib.compressobj(_LEVEL, zlib.DEFLATED, _RAW_DEFLATE)
        self._deflated = deflate.compress(plain) + deflate.flush(zlib.Z_FULL_FLUSH)
        self._checksum = zlib.crc32(plain)
        self._shift = _power_of_x(8 * len(plain))
        self._plain = None


def gzip_member(blocks: Sequence[Block]) -> bytes:
    """All blocks as one gzip member."""
    body = [block.deflated for block in blocks]
    checksum = reduce(lambda before, block: block.extend_checksum(before), blocks, 0)
    size = total_size(blocks)
    trailer = struct.pack("<II", checksum, size & 0xFFFFFFFF)
    return b"".join((_MEMBER_START, *body, _STREAM_END, trailer))


def total_size(blocks: Iterable[Block]) -> int:
    """Bytes of the plain text."""
    return sum(block.size for block in blocks)


def _multiply(left: int, right: int) -> int:
    """The product of two polynomials over GF(2), modulo CRC-32's."""
    product = 0
    while left:
        if left & _ONE:
            product ^= right
        left = (left << 1) & 0xFFFFFFFF
        right = (right >> 1) ^ _POLYNOMIAL if right & 1 else right >> 1
    return product


def _power_of_x(exponent: int) -> int:
    """x to the `exponent`: what appending so many bits does to a checksum."""
    power, square = _ONE, _ONE >> 1
    while exponent:
        if exponent & 1:
            power = _multiply(square, power)
        square = _multiply(square, square)
        exponent >>= 1
    return power
