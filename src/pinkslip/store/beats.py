"""Beat runs: a stretch of heartbeats as one row, extended in place, with the gaps between them.

The gaps are milliseconds as LEB128 varints, so history replays exactly. A run ends when a gap exceeds the
agent's grace; after `SEALED_AT` beats it is sealed and the next beat opens another, so that no row grows
without bound.
"""

from collections.abc import Iterable

from pinkslip.fleet.admission import Head

SEALED_AT = 256


class Run:
    """What one transaction adds to a run: a new row, or an extension of the one that is there."""

    __slots__ = ("agent_no", "beats", "gaps", "last_at", "seq", "started_at", "workspace_id")

    def __init__(self, workspace_id: int, agent_no: int, started_at: int) -> None:
        self.workspace_id = workspace_id
        self.agent_no = agent_no
        self.started_at = started_at
        self.last_at = started_at
        self.beats = 0
        """Of the whole run."""
        self.gaps = bytearray()
        """Of this transaction's beats only: they are appended to what is stored."""
        self.seq = 0


Runs = dict[tuple[int, int, int], Run]
"""By workspace, agent and start."""


def add_beat(runs: Runs, head: Head, *, at: int, seq: int, grace_ms: float) -> None:
    """Count one beat of `head` into its run, or open the next one."""
    started_at = head.run_started
    last_at = head.last_beat
    # a full run takes what falls in its first instant too: its start is its key
    is_full = head.run_beats >= SEALED_AT and started_at != at
    if started_at is None or last_at is None or is_full or at - last_at > grace_ms:
        started_at = head.run_started = at
        head.run_beats = 0
        last_at = None
    key = (head.workspace_id, head.agent_no, started_at)
    run = runs.get(key)
    if run is None:
        run = runs[key] = Run(*key)
    if last_at is not None:
        _append_varint(run.gaps, at - last_at)
    head.last_beat = run.last_at = at
    head.run_beats = run.beats = head.run_beats + 1
    run.seq = seq


def encode_gaps(gaps: Iterable[int]) -> bytes:
    """Milliseconds as LEB128 varints."""
    blob = bytearray()
    for gap in gaps:
        _append_varint(blob, gap)
    return bytes(blob)


def decode_gaps(blob: bytes) -> list[int]:
    """What `encode_gaps` was given. ValueError when the last one is cut off."""
    gaps: list[int] = []
    gap = shift = 0
    for byte in blob:
        gap |= (byte & 0x7F) << shift
        if byte & 0x80:
            shift += 7
        else:
            gaps.append(gap)
            gap = shift = 0
    if shift:
        raise ValueError("the last gap is cut off")
    return gaps


def _append_varint(blob: bytearray, number: int) -> None:
    while number > 0x7F:
        blob.append(0x80 | (number & 0x7F))
        number >>= 7
    blob.append(number)
