"""How a change of an agent is written: the fact as JSON, less what its row's columns hold.

Both ways work on text: what msgspec writes for the whole fact starts with the columns, so they are cut off
and put back.
"""

import msgspec

from pinkslip.fleet.admission import Change

_encode = msgspec.json.Encoder(order=None).encode
_decode = msgspec.json.Decoder(Change).decode


def encode(change: Change) -> tuple[str, str]:
    """(kind, changes) for a row of `agent_changes`."""
    kind = type(change).__name__
    start = _start(kind, change.agent_no, change.at, change.seq)
    rest = _encode(change)[len(start) :].decode()
    return kind, "{" + rest.removeprefix(",")


def decode(kind: str, changes: str, *, agent_no: int, at: int, seq: int) -> Change:
    """The fact a row of `agent_changes` stands for."""
    comma = "" if changes == "{}" else ","
    change: Change = _decode(f"{_start(kind, agent_no, at, seq)}{comma}{changes[1:]}")
    return change


def _start(kind: str, agent_no: int, at: int, seq: int) -> str:
    return f'{{"type":"{kind}","agent_no":{agent_no},"at":{at},"seq":{seq}'


__all__ = ["Change", "decode", "encode"]
