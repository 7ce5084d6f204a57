"""A decision worked out again: the same measures at the same instant must give the same evidence."""

from dataclasses import replace

import numpy as np
from msgspec import structs

from pinkslip.fleet.snapshot import Integers
from pinkslip.judge.conclusions import Recomputed
from pinkslip.judge.episodes import lasted_ms
from pinkslip.judge.evaluate import Evaluator, Readings, calls_of
from pinkslip.judge.kinds import is_stale_type
from pinkslip.judge.ledger import Ledger
from pinkslip.judge.matching import Matching
from pinkslip.judge.numeric import LOG_10
from pinkslip.judge.phrases import written
from pinkslip.judge.readings import DEFAULT_POOL
from pinkslip.judge.verdicts import Account
from pinkslip.judge.view import FleetView
from pinkslip.judge.weighing import controls_discoveries
from pinkslip.model.decisions import Decision, Evidence, Statistic
from pinkslip.model.policy import Call, Policy
from pinkslip.model.time import rfc3339
from pinkslip.model.words import Verdict

__all__ = ["Recomputed", "began_anew", "recompute"]

_NOTHING = (0, 0)
_TAKEN_BACK = frozenset({Verdict.CANCELLED, Verdict.RELEASED})
"""Verdicts that let an agent go. They say so in words of their own, and rest on what no longer holds."""


def began_anew(decision: Decision) -> int | None:
    """When a ladder last started the decision's evidence anew, so that `recompute` must be told what had been
    counted by then; None: it never did."""
    since = [each.since for each in decision.evidence.statistics if each.base_tasks > 0]
    return since[0] if since else None


def recompute(
    measures: FleetView,
    policy: Policy,
    *,
    slot: int,
    decision: Decision,
    pool: str = DEFAULT_POOL,
    before: tuple[int, int] = _NOTHING,
) -> Recomputed:
    """Work out `decision`'s evidence from a fleet as it stood at `decision.at`, agent in `slot`.

    The fleet must have been declared what the policy reads, and hold everybody the agent is compared with
    (`kinds.compares_agents`). `pool`: the label of the guards of then. `before`: the tasks and successes that
    `FleetView.counts`, by the policy's filter and scope, gave for the agent at `began_anew(decision)`.

    What the record says of the ladder (pass, rung, until when) and of the guards is taken as it is. So is one
    that rests on no number: the agent left, or the policy did.
    """
    if not decision.evidence.when:
        return Recomputed(identical=True, evidence=decision.evidence, differences=())
    is_taken_back = decision.verdict in _TAKEN_BACK
    if is_taken_back and policy.clear_when and decision.evidence.when == policy.clear_when.text:
        policy = replace(policy, when=policy.clear_when)
    readings = Readings(measures)
    evaluator = Evaluator(
        readings,
        policy.outcomes,
        ledger=_ledger(measures, policy, slot, decision, before),
        pool=pool,
        scope=policy.scope,
        among=Matching().matched(policy, readings, stale_type=is_stale_type(policy)),
        bars=_bars(policy, decision),
    )
    account = Account.of(policy, evaluator, np.array([slot]))
    since = decision.evidence.true_since
    lasted = lasted_ms(np.array([since]), measures.now, measures.blind_between)
    evidence = structs.replace(
        account.evidence(0, true_since=since, lasted_ms=int(lasted[0])),
        guards=decision.evidence.guards,
        rung=decision.evidence.rung,
        rungs=decision.evidence.rungs,
        until=decision.evidence.until,
        lineage=decision.evidence.lineage,
    )
    if is_taken_back:
        evidence = structs.replace(
            evidence, words=decision.evidence.words, for_ms=decision.evidence.for_ms
        )
    differences = (
        *_other_case(measures, policy, slot, decision),
        *([] if is_taken_back else _other_truth(account)),
        *_other_evidence(decision.evidence, evidence),
        *_other_statistics(decision.evidence, evidence),
    )
    return Recomputed(identical=not differences, evidence=evidence, differences=differences)


def _ledger(
    measures: FleetView,
    policy: Policy,
    slot: int,
    decision: Decision,
    before: tuple[int, int],
) -> Ledger:
    """The agent's place on the ladder as the record says it; of everybody else nothing is left out."""
    recorded = next(
        (each for each in decision.evidence.statistics if each.since), Statistic("", None, None)
    )

    def of_agent(value: int, others: int) -> Integers:
        column = np.full(measures.size, others, dtype=np.int64)
        column[slot] = value
        return column

    tasks, successes = before
    return Ledger(
        has_ladder=bool(policy.ladder),
        base_tasks=of_agent(tasks, 0),
        base_successes=of_agent(successes, 0),
        passes=of_agent(recorded.pass_no, 1),
        since=of_agent(recorded.since, 0),
    )


def _bars(policy: Policy, decision: Decision) -> dict[Call, float]:
    """What false discoveries were held against. On a ladder it rests on everybody's places of then, which the
    record of one agent does not hold: it is taken as it is."""
    recorded = {each.function: each.threshold for each in decision.evidence.statistics}
    return {
        call: bar * LOG_10
        for call in calls_of(policy.when.tree)
        if policy.ladder and controls_discoveries(call)
        if (bar := recorded.get(written(call, policy.when.text))) is not None
    }


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


def _other_statistics(recorded: Evidence, recomputed: Evidence) -> list[str]:
    found = []
    before = {each.function: each for each in recorded.statistics}
    after = {each.function: each for each in recomputed.statistics}
    for function in dict.fromkeys((*before, *after)):
        if function not in before or function not in after:
            side = "recorded" if function in before else "recomputed"
            found.append(f"{function}: only {side}")
            continue
        then, now = structs.asdict(before[function]), structs.asdict(after[function])
        found += [
            f"{function}, {name}: recorded {_shown(then[name])}, recomputed {_shown(now[name])}"
            for name in then
            if then[name] != now[name]
        ]
    return found


def _shown(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.9g}"
