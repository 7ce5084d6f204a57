"""Decisions and their evidence: the numbers a verdict rests on, and one sentence that a person understands."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial, reduce

import numpy as np
from msgspec import structs

from pinkslip.fleet.snapshot import Floats, Integers
from pinkslip.judge.claims import claim_words
from pinkslip.judge.evaluate import Evaluator, Truth, calls_of, measures_of
from pinkslip.judge.kleene import compared, joined
from pinkslip.judge.ledger import Ledger
from pinkslip.judge.numeric import LOG_10, recorded
from pinkslip.judge.phrases import Found, Sides, Weight, comparison_words, span, written
from pinkslip.judge.weighing import Weighed
from pinkslip.model.decisions import Decision, Evidence, Statistic
from pinkslip.model.policy import (
    Call,
    Comparison,
    Expression,
    Logic,
    Measured,
    Not,
    Policy,
    Span,
    Unit,
)
from pinkslip.model.words import Guard, Verdict

_NOWHERE = Span(0, 0)
_COUNT_MAX = 2**53
_SINCE_IT_BEGAN = frozenset({"proven", "posterior"})
"""Functions that count from when a ladder last started the evidence anew."""


@dataclass(slots=True)
class Account:
    """Everything `when` says of some agents, evaluated for all of them at once; rows are asked one by one."""

    policy: Policy
    keys: list[str]
    values: list[Floats]
    """Per key, per agent."""
    tasks: Integers
    ledger: Ledger
    slots: Integers
    _truths: dict[int, Truth]
    _sides: dict[int, tuple[Floats, Floats]]
    _weighed: dict[Call, Weighed]

    @classmethod
    def of(cls, policy: Policy, evaluator: Evaluator, slots: Integers) -> "Account":
        """Ask about the agents in `slots`."""
        measures = {measured.key: measured for measured in measures_of(policy.when.tree)}
        truths, sides = _answers(policy.when.tree, evaluator, slots)
        weighed = {call: evaluator.weigh(call, slots) for call in calls_of(policy.when.tree)}
        return cls(
            policy=policy,
            keys=list(measures),
            values=[evaluator.number(each, slots) for each in measures.values()],
            tasks=_tasks(policy, evaluator, slots, weighed),
            ledger=evaluator.books,
            slots=slots,
            _truths=truths,
            _sides=sides,
            _weighed=weighed,
        )

    def truth(self, row: int) -> str:
        """true, false or unknown."""
        truth = self._truths[id(self.policy.when.tree)]
        return "true" if truth.yes[row] else "false" if truth.no[row] else "unknown"

    def recorded_values(self, row: int) -> dict[str, float | None]:
        """Each measure as records keep it."""
        return {
            key: recorded(float(column[row]))
            for key, column in zip(self.keys, self.values, strict=True)
        }

    def reasons(self, row: int) -> list[str]:
        """The comparisons that make `when` true, or false, for one agent, each with both sides.

        None where it is unknown.
        """
        truth = self._truths[id(self.policy.when.tree)]
        if not (truth.yes[row] or truth.no[row]):
            return []
        found = self._found(row)
        return list(
            dict.fromkeys(
                self._reasons(self.policy.when.tree, row, found, holds=bool(truth.yes[row]))
            )
        )

    def unknowns(self, row: int) -> list[str]:
        """What is not known of one agent, as it is written: measures, then evidence."""
        measures = [
            key
            for key, column in zip(self.keys, self.values, strict=True)
            if np.isnan(column[row])
        ]
        evidence = [
            written(call, self.policy.when.text)
            for call, weighed in self._weighed.items()
            if np.isnan(weighed.value[row])
        ]
        return list(dict.fromkeys((*measures, *evidence)))

    def statistics(self, row: int) -> tuple[Statistic, ...]:
        """Each evidence function as it stood for one agent, in the order they are written."""
        return tuple(
            self._statistic(call, weighed, row) for call, weighed in self._weighed.items()
        )

    def evidence(self, row: int, *, true_since: int, lasted_ms: int) -> Evidence:
        """What a decision on one agent rests on; `lasted_ms`: how long `when` has held, blind time taken off."""
        words = " and ".join(self.reasons(row))
        if self.policy.for_ms:
            words += f", for {span(lasted_ms)}"
        return Evidence(
            when=self.policy.when.text,
            values=self.recorded_values(row),
            words=words,
            true_since=true_since,
            for_ms=self.policy.for_ms,
            tasks=int(self.tasks[row]),
            statistics=self.statistics(row),
        )

    def _found(self, row: int) -> Found:
        values = {
            key: float(column[row]) for key, column in zip(self.keys, self.values, strict=True)
        }
        slot, ledger = self.slots[row], self.ledger
        weights = {
            call: Weight(
                value=float(weighed.value[row]),
                threshold=float(weighed.threshold[row]),
                tasks=int(weighed.tasks[row]),
                successes=int(weighed.successes[row]),
                pass_no=int(ledger.passes[slot]) if ledger.has_ladder else None,
                is_anew=bool(ledger.base_tasks[slot] > 0),
                scope=self.policy.scope,
            )
            for call, weighed in self._weighed.items()
        }
        return Found(values, weights)

    def _statistic(self, call: Call, weighed: Weighed, row: int) -> Statistic:
        unit = LOG_10 if call.function == "proven" else 1.0
        found = Statistic(
            function=written(call, self.policy.when.text),
            value=recorded(float(weighed.value[row]) / unit),
            threshold=recorded(self._held_against(call, weighed, row) / unit),
            tasks=int(weighed.tasks[row]),
            successes=int(weighed.successes[row]),
        )
        if call.function not in _SINCE_IT_BEGAN:
            return found
        slot, ledger = self.slots[row], self.ledger
        return structs.replace(
            found,
            since=int(ledger.since[slot]),
            base_tasks=int(ledger.base_tasks[slot]),
            base_successes=int(ledger.base_successes[slot]),
            pass_no=int(ledger.passes[slot]),
        )

    def _held_against(self, call: Call, weighed: Weighed, row: int) -> float:
        """A condition's own threshold; of a number the other side of the comparison it stands in."""
        for node in _conditions(self.policy.when.tree):
            if isinstance(node, Comparison) and call in (node.left, node.right):
                left, right = self._sides[id(node)]
                return float((right if node.left == call else left)[row])
        return float(weighed.threshold[row])

    def _reasons(self, node: Expression, row: int, found: Found, *, holds: bool) -> list[str]:
        match node:
            case Comparison():
                left, right = self._sides[id(node)]
                sides = Sides(float(left[row]), float(right[row]))
                text = self.policy.when.text
                return [comparison_words(node, sides, found, holds=holds, text=text)]
            case Call():
                return [claim_words(node, found.weights[node], holds=holds)]
            case Not():
                return self._reasons(node.operand, row, found, holds=not holds)
            case Logic():
                answers = [self._truths[id(each)] for each in node.operands]
                return [
                    reason
                    for each, answer in zip(node.operands, answers, strict=True)
                    if (answer.yes if holds else answer.no)[row]
                    for reason in self._reasons(each, row, found, holds=holds)
                ]
            case _:
                raise TypeError(f"{type(node).__name__} is a number, not a condition")


def decision(
    policy: Policy,
    *,
    workspace_id: int,
    now: int,
    agent_no: int,
    agent_id: str,
    incarnation: int,
    verdict: Verdict,
    guard: Guard | None,
    guard_detail: str,
    evidence: Evidence,
) -> Decision:
    """The durable record of one verdict."""
    return Decision(
        id=decision_id(workspace_id, now, policy.name, agent_no, incarnation, verdict),
        at=now,
        policy=policy.name,
        policy_hash=policy.hash,
        agent_no=agent_no,
        agent_id=agent_id,
        incarnation=incarnation,
        verdict=verdict,
        mode=policy.mode,
        action=policy.action,
        reason=policy.reason,
        guard=guard,
        guard_detail=guard_detail,
        evidence=evidence,
    )


def decision_id(
    workspace_id: int, now: int, policy: str, agent_no: int, incarnation: int, verdict: Verdict
) -> str:
    """A UUIDv7 that the same verdict always gets: the instant, then a digest of whom it is about."""
    content = f"{workspace_id}\n{now}\n{policy}\n{agent_no}\n{incarnation}\n{verdict}"
    digest = int.from_bytes(hashlib.blake2b(content.encode(), digest_size=10).digest())
    random_a, random_b = digest >> 68, digest & ((1 << 62) - 1)
    number = (now & ((1 << 48) - 1)) << 80 | 0x7 << 76 | random_a << 64 | 0b10 << 62 | random_b
    text = f"{number:032x}"
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


def _conditions(node: Expression) -> list[Expression]:
    """A condition and every condition within it."""
    match node:
        case Not():
            return [node, *_conditions(node.operand)]
        case Logic():
            return [node, *(each for part in node.operands for each in _conditions(part))]
        case _:
            return [node]


def _answers(
    tree: Expression, evaluator: Evaluator, slots: Integers
) -> tuple[dict[int, Truth], dict[int, tuple[Floats, Floats]]]:
    """The truth of a condition and of every condition within it, and both sides of each comparison, by node. Each
    is worked out once: what a condition consists of comes before it."""
    truths: dict[int, Truth] = {}
    sides: dict[int, tuple[Floats, Floats]] = {}
    for node in reversed(_conditions(tree)):
        match node:
            case Comparison():
                left = evaluator.number(node.left, slots)
                right = evaluator.number(node.right, slots)
                sides[id(node)] = left, right
                truths[id(node)] = compared(node.operator, left, right)
            case Not():
                inner = truths[id(node.operand)]
                truths[id(node)] = Truth(inner.no, inner.yes)
            case Logic():
                parts = [truths[id(each)] for each in node.operands]
                truths[id(node)] = reduce(partial(joined, node.operator), parts)
            case _:
                truths[id(node)] = evaluator.truth(node, slots)
    return truths, sides


def _tasks(
    policy: Policy, evaluator: Evaluator, slots: Integers, weighed: Mapping[Call, Weighed]
) -> Integers:
    """The outcomes the evidence rests on: those of the fullest window it reads, or since it began."""
    windows = {each.window for each in measures_of(policy.when.tree) if each.window}
    columns: list[Floats] = [
        evaluator.number(Measured("tasks", window, Unit.NUMBER, _NOWHERE), slots)
        for window in windows
    ]
    columns += [each.tasks.astype(np.float64) for each in weighed.values()]
    if not columns:
        return np.zeros(len(slots), dtype=np.int64)
    fullest: Floats = np.maximum.reduce(columns)
    return np.clip(np.nan_to_num(fullest), 0, _COUNT_MAX).astype(np.int64)
