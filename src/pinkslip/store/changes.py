"""How what is journaled is written: the fact as JSON, less what its row's columns hold.

Both ways work on text: what msgspec writes for the whole fact starts with the columns, so they are cut off
and put back.
"""

from typing import Any

import msgspec

from pinkslip.fleet.admission import Change
from pinkslip.model.facts import (
    AboutNobody,
    Absolved,
    Condemned,
    Demoted,
    Promoted,
    Ruled,
    Silenced,
    Unsilenced,
)

_encode = msgspec.json.Encoder(order=None).encode
_decode = msgspec.json.Decoder(Change).decode
_decode_act = msgspec.json.Decoder(AboutNobody).decode


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


def act_row(fact: AboutNobody) -> dict[str, Any]:
    """The columns of `acts` for a fact, all but its workspace and writer."""
    kind = type(fact).__name__
    start = _act_start(kind, fact.at, fact.seq)
    body = "{" + _encode(fact)[len(start) :].decode().removeprefix(",")
    return {
        "seq": fact.seq,
        "at": fact.at,
        "kind": kind,
        "subject": subject_of(fact),
        "body": body,
    }


def act_of(kind: str, body: str, *, at: int, seq: int) -> AboutNobody:
    """The fact a row of `acts` stands for."""
    fact: AboutNobody = _decode_act(f"{_act_start(kind, at, seq)},{body[1:]}")
    return fact


def subject_of(fact: AboutNobody) -> str:
    """The silence, decision, policy or lineage it is about."""
    match fact:
        case Silenced():
            return fact.silence.id
        case Unsilenced():
            return fact.id
        case Ruled():
            return fact.decision_id
        case Demoted() | Promoted():
            return fact.policy
        case Condemned() | Absolved():
            return fact.lineage


def _start(kind: str, agent_no: int, at: int, seq: int) -> str:
    return f'{{"type":"{kind}","agent_no":{agent_no},"at":{at},"seq":{seq}'


def _act_start(kind: str, at: int, seq: int) -> str:
    return f'{{"type":"{kind}","at":{at},"seq":{seq}'


__all__ = ["Change", "act_of", "act_row", "decode", "encode", "subject_of"]
