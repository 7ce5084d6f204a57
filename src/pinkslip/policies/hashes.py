"""Names for what a policy decides: the same for the same meaning, whatever comments and layout."""

import hashlib
import json
from dataclasses import asdict

from pinkslip.model.policy import Condition, Filter, Guards, Matcher, Policy
from pinkslip.model.words import Action, Mode
from pinkslip.policies.printing import written


def policy_hash(
    *,
    when: Condition,
    clear_when: Condition | None,
    for_ms: int,
    keep_for_ms: int,
    match: tuple[Matcher, ...],
    outcomes: Filter,
    mode: Mode,
    action: Action,
    reason: str | None,
) -> str:
    """`<episode>-<rest>`: while the first part stays, episodes go on over a reload."""
    episode = [
        written(when.tree),
        None if clear_when is None else written(clear_when.tree),
        for_ms,
        keep_for_ms,
        sorted([m.field, sorted(m.values), sorted(m.patterns)] for m in match),
        sorted(outcomes.faults),
        sorted(outcomes.sources),
    ]
    return f"{_digest(episode)}-{_digest([mode.value, action.value, reason])}"


def set_hash(guards: Guards, policies: tuple[Policy, ...]) -> str:
    """Over guards and every policy's name and hash, in order."""
    return _digest([asdict(guards), [[policy.name, policy.hash] for policy in policies]])


def _digest(content: object) -> str:
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]
