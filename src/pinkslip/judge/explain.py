"""A decision worked out again: the same measures at the same instant must give the same evidence."""

import numpy as np

from pinkslip.judge.conclusions import Recomputed
from pinkslip.judge.episodes import lasted_ms
from pinkslip.judge.evaluate import Evaluator, Readings
from pinkslip.judge.verdicts import Account
from pinkslip.judge.view import FleetView
from pinkslip.model.decisions import Decision, Evidence
from pinkslip.model.policy import Policy
from pinkslip.model.time import rfc3339

__all__ = ["Recomputed", "recompute"]


def recompute(
    measures: FleetView, policy: Policy, *, slot: int, decision: Decision
) -> Recomputed:
    """Work out `decision`'s evidence from a fleet as it stood at `decision.at`, agent in `slot`.

    The fleet must have been declared what the policy reads.
    """
    account = Account.of(
        policy, Evaluator(Readings(measures), policy.outcomes), np.array([slot])
    )
    since = decision.evidence.true_since
    lasted = lasted_ms(np.array([since]), measures.now, measures.blind_between)
    evidence = account.evidence(0, true_since=since, lasted_ms=int(lasted[0]))
    differences = (
        *_other_case(measures, policy, slot, decision),
        *_other_truth(account),
        *_other_evidence(decision.evidence, evidence),
    )
    return Recomputed(identical=not differences, evidence=evidence, differences=differences)


def _other_case(
    measures: FleetView, policy: Policy, slot: int, decision: Decision
) -> list[str]:
    found = []
    if measures.now != decision.at:
        found.append(f"made at {rfc3339(decision.at)}, recomputed at {rfc3339(measures.now)}")
    if policy.hash != decision.policy_hash:
        found.append(
            f"made under version {decision.policy_hash} of policy {decision.policy}, "
            f"recomputed under {policy.hash}"
        )
    who = int(measures.numbers[slot]), int(measures.incarnation[slot])
    if who != (decision.agent_no, decision.incarnation):
        found.append(
            f"made about agent {decision.agent_no}, incarnation {decision.incarnation}; "
            f"recomputed about agent {who[0]}, incarnation {who[1]}"
        )
    return found


def _other_truth(account: Account) -> list[str]:
    truth = account.truth(0)
    return [] if truth == "true" else [f"`when` is {truth} on what the journal holds"]


def _other_evidence(recorded: Evidence, recomputed: Evidence) -> list[str]:
    found = []
    for key in dict.fromkeys((*recorded.values, *recomputed.values)):
        before, after = recorded.values.get(key), recomputed.values.get(key)
        if before != after:
            found.append(f"{key}: recorded {_shown(before)}, recomputed {_shown(after)}")
    for name in ("when", "words", "for_ms", "tasks"):
        before, after = getattr(recorded, name), getattr(recomputed, name)
        if before != after:
            found.append(f"{name}: recorded {before!r}, recomputed {after!r}")
    return found


def _shown(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.9g}"
