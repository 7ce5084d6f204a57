"""Blocks: compressed once, and one gzip member in any company."""

import gzip
import zlib

from hypothesis import given
from hypothesis import strategies as st

from pinkslip.metrics.blocks import Block, gzip_member, total_size

texts = st.lists(st.text(max_size=50) | st.just("pinkslip_agents 1.0\n" * 2_000), max_size=6)


@given(texts)
def test_any_blocks_in_any_order_are_one_gzip_member(pieces: list[str]) -> None:
    blocks = [Block(piece, samples=0) for piece in pieces]

    for order in (blocks, blocks[::-1], blocks + blocks):
        whole = b"".join(block.plain for block in order)
        packed = gzip_member(order)

        member = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
        assert member.decompress(packed) == whole
        assert (member.eof, member.unused_data) == (True, b"")
        assert gzip.decompress(packed) == whole
        assert total_size(order) == len(whole)


def test_a_compressed_block_still_tells_its_text() -> None:
    block = Block("naïve\n", samples=1)

    assert block.deflated == block.deflated
    assert block.plain == "naïve\n".encode()
    assert block.plain == "naïve\n".encode()
