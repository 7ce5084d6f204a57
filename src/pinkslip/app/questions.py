"""What is asked of a seat on the fleet thread, and answered with copies: silences, limits, rungs, demotions."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from pinkslip.deciding.seat import Seat
from pinkslip.judge.guards.envelope import PoolLimit, limits
from pinkslip.judge.guards.silence import matchers
from pinkslip.judge.readings import Readings
from pinkslip.model.facts import Demoted, Silence
from pinkslip.model.policy import Matcher, PolicySet
from pinkslip.model.words import SEED_DISPLAY
from pinkslip.policies.known import Known
from pinkslip.policies.matchers import LABEL
from pinkslip.store.views import StoredSilence
from pinkslip.web.backend import SilenceState

KNOWN_FIELDS = ("agent", "name", "role", "model", "host", "lineage")
WORDS_AT_MOST = 100_000
"""Values of one field that `policy check` is told of; beyond it nothing is said of the field."""
LABELS_AT_MOST = 200
LABEL_WORDS_AT_MOST = 1_000
"""The same of labels, which agents make up themselves: names in all, beyond which nothing is said of any, and
values of one."""

Labels = Sequence[Mapping[str, str]]
"""Of every agent in memory."""


def displays_of(policy_set: PolicySet) -> dict[str, str]:
    """How people read each reason: the operator's words, else ours, else the name."""
    given = dict(policy_set.displays)
    return {
        reason: given.get(reason) or SEED_DISPLAY.get(reason) or reason.replace("_", " ")
        for reason in policy_set.reasons
    }


def silence_states(stored: Sequence[StoredSilence], seat: Seat) -> list[SilenceState]:
    """Each with how many live agents it takes in now."""
    readings = Readings(seat.fleet.at(seat.known_at))
    return [
        SilenceState(
            stored=one,
            matched=int(
                np.count_nonzero(seat.state.matching.admits(matchers(one.silence), readings))
            ),
        )
        for one in stored
    ]


def silences_about(silences: Sequence[Silence], agent_no: int, seat: Seat) -> frozenset[str]:
    """Ids of those that take in one agent."""
    measures = seat.fleet.at(seat.known_at)
    slot, readings = measures.slot_of(agent_no), Readings(measures)
    if slot is None:
        return frozenset()
    return frozenset(
        silence.id
        for silence in silences
        if seat.state.matching.admits(matchers(silence), readings)[slot]
    )


def pool_limits(seat: Seat) -> tuple[PoolLimit, ...]:
    """What the guards allow in each pool now."""
    return limits(seat.fleet.at(seat.known_at), seat.policy_set.guards)


def demoted_of(seat: Seat) -> dict[str, Demoted]:
    """Policies in force that are in shadow because they were overruled too often."""
    demoted = seat.fleet.at(seat.known_at).acts.demoted
    return {
        policy.name: demoted[policy.name]
        for policy in seat.policy_set.policies
        if policy.name in demoted and demoted[policy.name].policy_hash == policy.hash
    }


def rungs_of(seat: Seat) -> dict[str, list[int]]:
    """By policy with a ladder, how many stand on each rung."""
    counts: dict[str, Counter[int]] = {}
    for place in seat.state.places():
        counts.setdefault(place.policy, Counter())[place.rung] += 1
    return {
        policy.name: [
            counts.get(policy.name, Counter())[rung] for rung in range(len(policy.ladder))
        ]
        for policy in seat.policy_set.policies
        if policy.ladder
    }


def known_of(seat: Seat) -> tuple[Known, Labels]:
    """What the fleet has shown so far, for checking policies against it; labels are for `with_labels`."""
    measures = seat.fleet.at(seat.known_at)
    fields = {}
    for name in KNOWN_FIELDS:
        words = measures.words(name)
        living = np.unique(words.codes[words.codes >= 0])
        if len(living) <= WORDS_AT_MOST:
            fields[name] = frozenset(words.vocabulary[code] for code in living.tolist())
    guards = seat.policy_set.guards
    known = Known(
        results=seat.fleet.results_seen(),
        fields=fields,
        pools={limit.pool: limit.agents for limit in limits(measures, guards)},
        pool_label=guards.pool,
        min_tasks=seat.fleet.settings.min_tasks,
    )
    return known, seat.snapshot(now=seat.known_at).labels


def with_labels(known: Known, labels: Labels) -> Known:
    """The same with what agents call themselves; it walks over all of them, so not on the fleet thread."""
    found: dict[str, set[str]] = {}
    for given in labels:
        for name, word in given.items():
            words = found.setdefault(name, set())
            if len(words) <= LABEL_WORDS_AT_MOST:
                words.add(word)
        if len(found) > LABELS_AT_MOST:
            return known
    told = {
        f"{LABEL}{name}": frozenset(words)
        for name, words in found.items()
        if len(words) <= LABEL_WORDS_AT_MOST
    }
    return replace(known, fields={**known.fields, **told}, labels=frozenset(found))


def taken_in(match: tuple[Matcher, ...], seat: Seat) -> tuple[int, int]:
    """Of the active agents: those that match, and all."""
    measures = seat.fleet.at(seat.known_at)
    matched = seat.state.matching.admits(match, Readings(measures)) & measures.active
    return int(np.count_nonzero(matched)), int(np.count_nonzero(measures.active))
