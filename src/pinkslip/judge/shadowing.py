"""For whom a policy is in shadow: it decides and records, and nobody feels it.

For everybody, when it says so or was demoted; otherwise for the agents that its `percent` leaves out, which are
always the same ones: a digest of the policy's name and the agent's id (its lineage, where that is the scope)
says so, whoever else there is.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np

from pinkslip.fleet.acts import Acts
from pinkslip.fleet.snapshot import Integers
from pinkslip.judge.view import Bools, FleetView
from pinkslip.model.policy import Policy
from pinkslip.model.words import Mode, Scope

_PARTS = 10_000
"""A percentage counts to two decimals."""


def as_it_may(policy: Policy, acts: Acts) -> Policy:
    """The policy as people let it act now: in shadow, when this very version of it was demoted."""
    return replace(policy, mode=Mode.SHADOW) if is_demoted(policy, acts) else policy


def is_demoted(policy: Policy, acts: Acts) -> bool:
    """Whether it would enforce, had it not been overruled too often."""
    demoted = acts.demoted.get(policy.name)
    is_this = demoted is not None and demoted.policy_hash == policy.hash
    return is_this and policy.mode is Mode.ENFORCE


def in_shadow(policy: Policy, view: FleetView, slots: Integers) -> Bools:
    """Per slot: whether nobody would feel what the policy concludes of its agent."""
    if policy.mode is Mode.ENFORCE and policy.percent < 1.0:
        return in_shadow_by_key(policy, _keys(policy, view, slots))
    return np.full(len(slots), policy.mode is not Mode.ENFORCE)


def in_shadow_by_key(policy: Policy, keys: Sequence[str]) -> Bools:
    """The same for agent ids or lineages."""
    if policy.mode is not Mode.ENFORCE:
        return np.ones(len(keys), dtype=np.bool_)
    enforced = round(policy.percent * _PARTS)
    if enforced >= _PARTS:
        return np.zeros(len(keys), dtype=np.bool_)
    return np.array([_part(policy.name, key) >= enforced for key in keys], dtype=np.bool_)


def _keys(policy: Policy, view: FleetView, slots: Integers) -> list[str]:
    ids = view.agent_ids
    if policy.scope is Scope.AGENT:
        return [ids[slot] for slot in slots.tolist()]
    words = view.words("lineage")
    codes = words.codes[slots].tolist()
    lineages = ["" if code < 0 else words.vocabulary[code] for code in codes]
    return [key or ids[slot] for key, slot in zip(lineages, slots.tolist(), strict=True)]


@lru_cache(maxsize=100_000)
def _part(policy: str, key: str) -> int:
    digest = hashlib.blake2b(f"{policy}\n{key}".encode(), digest_size=8).digest()
    return int.from_bytes(digest) % _PARTS
