"""Silences: agents that policies leave alone for a while, because a person said so and why."""

from collections.abc import Mapping, Sequence

from aiohttp import web

from pinkslip.model.policy import Matcher
from pinkslip.model.time import DAY_MS, SECOND_MS
from pinkslip.policies.document import Fields, Items, Node, Scalar
from pinkslip.policies.matchers import read_match
from pinkslip.policies.text import Place, Report, Text
from pinkslip.policies.values import Values
from pinkslip.web.answers_on_decisions import silence_answer
from pinkslip.web.handlers.acts import to_come
from pinkslip.web.handlers.agents import LIMIT
from pinkslip.web.payloads import SilencePage, SilenceRequest
from pinkslip.web.problems import Fault, escaped, invalid
from pinkslip.web.query import Parameter
from pinkslip.web.routes import Call
from pinkslip.web.wire import name_fault, reply

LONGEST_MS = 30 * DAY_MS

FILTERS = (
    Parameter(
        name="active",
        kind="boolean",
        description="Only those in force now, or only the others.",
    ),
    LIMIT,
)


async def list_silences(call: Call[None]) -> web.Response:
    """Newest start first."""
    found = await call.backend.silences(
        call.workspace_id,
        active=call.query.truth("active"),
        limit=call.query.number(LIMIT),
    )
    now = call.backend.now()
    return reply(
        SilencePage(items=[silence_answer(state, now=now) for state in found], next=None)
    )


async def add_silence(call: Call[SilenceRequest]) -> web.Response:
    """Leave these agents alone from now on. One that takes in many needs `force`."""
    request = call.body
    state = await call.backend.add_silence(
        call.workspace_id,
        match=matchers(request.match),
        ends_at=_end(call),
        reason=request.reason,
        force=request.force,
        actor=call.caller.actor,
    )
    return reply(silence_answer(state, now=call.backend.now()), status=201)


async def end_silence(call: Call[None]) -> web.Response:
    """End it now, before its time."""
    state = await call.backend.end_silence(
        call.workspace_id,
        call.named("id", what="the silence's id"),
        actor=call.caller.actor,
    )
    return reply(silence_answer(state, now=call.backend.now()))


def _end(call: Call[SilenceRequest]) -> int:
    request, now = call.body, call.backend.now()
    if (request.until is None) == (request.for_seconds is None):
        raise invalid(
            "/until: say when the silence ends, by either until or forSeconds",
            Fault("/until", "needed, or forSeconds in its place; not both"),
        )
    if request.until is not None:
        end = to_come(call, request.until, "or forSeconds")
    else:
        assert request.for_seconds is not None
        end = now + max(1, round(request.for_seconds * SECOND_MS))
    if end - now > LONGEST_MS:
        raise invalid(
            "/until: lies more than 30 days ahead; a silence that long is a policy's `match`",
            Fault("/until", "lies more than 30 days ahead"),
        )
    return end


# what policies read from YAML comes here as JSON, and is read by the same reader


def matchers(match: Mapping[str, str | Sequence[str]]) -> tuple[Matcher, ...]:
    """A policy's `match`; `Refused` with a pointer to every line that cannot be used."""
    read = {field: _matcher(field, words) for field, words in match.items()}
    faults = [
        fault for found in read.values() if not isinstance(found, Matcher) for fault in found
    ]
    if faults:
        raise invalid(f"{faults[0].pointer}: {faults[0].detail}", *faults)
    return tuple(found for found in read.values() if isinstance(found, Matcher))


def _matcher(field: str, words: str | Sequence[str]) -> Matcher | list[Fault]:
    pointer = f"/match/{escaped(field)}"
    texts = [words] if isinstance(words, str) else list(words)
    for text in (field, *texts):
        if text and (fault := name_fault(text, what="a matcher", limit=500)) is not None:
            return [Fault(pointer, fault)]
    report = Report()
    nodes: Node = _scalar(words) if isinstance(words, str) else _items(texts)
    line = Fields(((_scalar(field), nodes),), _NOWHERE, _END)
    found = read_match(Values(Text("match", ""), report), line, "match")
    if found is not None:
        return found[0]
    return [
        Fault(
            pointer, f"{problem.message}; {problem.hint}" if problem.hint else problem.message
        )
        for problem in report.problems
    ]


_NOWHERE = Place(0, 0)
_END = (0, 0)


def _scalar(text: str) -> Scalar:
    return Scalar(text, is_plain=False, is_block=True, place=_NOWHERE, end=_END)


def _items(texts: Sequence[str]) -> Items:
    return Items(tuple(map(_scalar, texts)), _NOWHERE, _END)
