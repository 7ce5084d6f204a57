"""Names for what a policy decides: the same for the same meaning, whatever comments and layout.

What is not written leaves a hash as it was before there was anything to write, so that an upgrade that
brings a key starts no episode afresh.
"""

import hashlib
import json
from dataclasses import asdict

from pinkslip.model.policy import Guards, Policy
from pinkslip.model.words import Scope
from pinkslip.policies.printing import written


def policy_hash(policy: Policy) -> str:
    """`<episode>-<rest>`: while the first part stays, episodes go on over a reload.

    The first is what a policy rests on, the second what it does. Its name, where it stands and what people
    are told beside are in neither.
    """
    return f"{_digest(_rests_on(policy))}-{_digest(_does(policy))}"


def set_hash(guards: Guards, policies: tuple[Policy, ...]) -> str:
    """Over guards and every policy's name and hash, in order."""
    return _digest([asdict(guards), [[policy.name, policy.hash] for policy in policies]])


def _rests_on(policy: Policy) -> list[object]:
    said: list[object] = [
        written(policy.when.tree),
        None if policy.clear_when is None else written(policy.clear_when.tree),
        policy.for_ms,
        policy.keep_for_ms,
        sorted([m.field, sorted(m.values), sorted(m.patterns)] for m in policy.match),
        sorted(policy.outcomes.faults),
        sorted(policy.outcomes.sources),
    ]
    return said if policy.scope is Scope.AGENT else [*said, policy.scope.value]


def _does(policy: Policy) -> list[object]:
    said: list[object] = [policy.mode.value, policy.action.value, policy.reason]
    more: dict[str, object] = {}
    if policy.ladder:
        more["ladder"] = [str(rung) for rung in policy.ladder]
    if policy.notice_ms:
        more["notice"] = policy.notice_ms
    if policy.approval:
        more["approval"] = True
    if policy.percent < 1:
        more["percent"] = policy.percent
    return [*said, more] if more else said


def _digest(content: object) -> str:
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]
