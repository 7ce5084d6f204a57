"""Whom a policy is about: its matchers over interned words.

A matcher is asked once per word of the vocabulary and remembered, so that a tick costs one look-up per agent.
"""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

import numpy as np

from pinkslip.judge.evaluate import Readings
from pinkslip.judge.view import Bools, FleetView
from pinkslip.model.policy import Matcher, Policy
from pinkslip.model.time import rfc3339
from pinkslip.model.words import Standing, Status, code_of

_FIRED = code_of(Standing.FIRED)
_WAITING = code_of(Status.WAITING)


@dataclass(slots=True)
class _Known:
    """What a matcher says of each word of one field, so far."""

    generation: int
    patterns: tuple[re.Pattern[str], ...]
    table: Bools = field(default_factory=lambda: np.zeros(1, dtype=np.bool_))
    """By code, with a last False that code -1 (no such field) reads."""

    @property
    def words(self) -> int:
        """How many words it knows."""
        return len(self.table) - 1


class Matching:
    """Remembers matchers' answers. Answers never depend on what was asked before."""

    def __init__(self) -> None:
        self._known: dict[Matcher, _Known] = {}

    def matched(self, policy: Policy, readings: Readings, *, stale_type: bool) -> Bools:
        """The slots the policy is about. Finished and fired agents never are; WAITING ones are never late."""
        key = (policy.match, stale_type)
        matched = readings.matched.get(key)
        if matched is None:
            matched = readings.matched[key] = self._matched(*key, readings)
        return matched

    def admits(self, match: Sequence[Matcher], readings: Readings) -> Bools:
        """The slots whose words fit every matcher, whatever else is true of their agents."""
        admitted = np.ones(readings.view.size, dtype=np.bool_)
        for matcher in match:
            admitted &= self._admitted(matcher, readings)
        return admitted

    @property
    def size(self) -> int:
        """How many matchers it knows."""
        return len(self._known)

    def keep(self, matchers: Collection[Matcher]) -> None:
        """Forget all but these: silences come and go, and a matcher of agents may know a great many words."""
        self._known = {each: known for each, known in self._known.items() if each in matchers}

    def refusal(
        self, policy: Policy, readings: Readings, *, slot: int, stale_type: bool
    ) -> str:
        """Why the policy is not about this agent, in words; empty when it is."""
        view = readings.view
        if not view.active[slot]:
            return _why_inactive(view, slot)
        if stale_type and view.status[slot] == _WAITING:
            return "it is WAITING for a user, which is never unresponsive"
        for matcher in policy.match:
            if not self._admitted(matcher, readings)[slot]:
                has = spoken_word(view, matcher.field, slot)
                return f"its {matcher.field} is {has}, not {wanted(matcher)}"
        return ""

    def _matched(
        self, match: tuple[Matcher, ...], stale_type: bool, readings: Readings
    ) -> Bools:
        view = readings.view
        matched = view.active
        if stale_type:
            matched = matched & (view.status != _WAITING)
        return matched & self.admits(match, readings) if match else matched

    def _admitted(self, matcher: Matcher, readings: Readings) -> Bools:
        admitted = readings.admitted.get(matcher)
        if admitted is None:
            admitted = readings.admitted[matcher] = self._asked(matcher, readings.view)
        return admitted

    def _asked(self, matcher: Matcher, view: FleetView) -> Bools:
        words = view.words(matcher.field)
        known = self._known.get(matcher)
        if known is None or known.generation != words.generation:
            patterns = tuple(re.compile(text) for text in matcher.patterns)
            known = self._known[matcher] = _Known(words.generation, patterns)
        if known.words != len(words.vocabulary):
            _learn(known, matcher, words.vocabulary)
        return known.table[words.codes]


def _why_inactive(view: FleetView, slot: int) -> str:
    """What became of an agent that no policy is about."""
    if view.finished[slot]:
        return "the agent is finished"
    if view.standing[slot] == _FIRED:
        return "the agent is fired"
    until = int(view.standing_until[slot])
    return "the agent is in quarantine" + (f" until {rfc3339(until)}" if until else "")


def _learn(known: _Known, matcher: Matcher, vocabulary: Sequence[str]) -> None:
    learnt = [
        word in matcher.values or any(pattern.fullmatch(word) for pattern in known.patterns)
        for word in vocabulary[known.words :]
    ]
    known.table = np.concatenate((known.table[:-1], np.array([*learnt, False], dtype=np.bool_)))


def wanted(matcher: Matcher) -> str:
    """What a matcher asks for, as written: `developer or ~test-.*`."""
    return " or ".join([*sorted(matcher.values), *(f"~{text}" for text in matcher.patterns)])


def spoken_word(view: FleetView, field_name: str, slot: int) -> str:
    """What an agent has in a field, for a sentence."""
    words = view.words(field_name)
    code = int(words.codes[slot])
    return "not given" if code < 0 else words.vocabulary[code]
