"""What kind of question a policy asks, from the measures and the evidence its `when` reads."""

from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from pinkslip.fleet.catalogue import MEASURES
from pinkslip.judge.evaluate import calls_of, measures_of, reads_quantile
from pinkslip.judge.readings import EXPECTED_RATIO
from pinkslip.judge.weighing import controls_discoveries
from pinkslip.model.policy import Call, Expression, Logic, Policy

_SINCE_A_RUNG = frozenset({"proven", "decayed", "posterior"})
_OF_OUTCOMES = _SINCE_A_RUNG
"""Those that rest on outcomes and name no measure."""
_OF_A_POOL = frozenset({"posterior", "peers", "outlier"})
_BY_CALL = {"proven": 1, "decayed": 1, "posterior": 3, "peers": 3, "outlier": 3}
"""What a function costs beside a comparison of measures, roughly: counts of its own, a table, the whole pool."""
_BY_AGENT = 2
_OF_KINDS = 4
_CONDITIONS_KEPT = 4_096
"""Far more than any workspace's policies have."""


class Part(NamedTuple):
    """One of the conditions that must all be true for another to be."""

    tree: Expression
    asks_one_by_one: bool
    """Each agent more that is asked costs more: then nobody is asked for nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Nature:
    """What kind of question a condition is."""

    tree: Expression
    is_stale_type: bool
    """It judges silence."""
    reads_outcomes: bool
    """It judges finished tasks."""
    starts_anew: bool
    """It judges evidence that a rung starts anew: then that it is false says nothing of having recovered."""
    is_proof: bool
    """It cannot be true without a `proven`: then it is not true of the same evidence after a rung."""
    asks_one_by_one: bool
    """As `Part` says."""
    cost: int
    """By what costs most of it, in the order of costs."""
    parts: tuple[Part, ...]
    """The conditions that must all be true for it to be, what costs least first."""


@lru_cache(_CONDITIONS_KEPT)
def nature_of(tree: Expression) -> Nature:
    """Every tick asks this of every policy, and a condition never changes: what was found is remembered."""
    measured, calls = tuple(measures_of(tree)), tuple(calls_of(tree))
    kinds = [MEASURES[each.name] for each in measured]
    return Nature(
        tree=tree,
        is_stale_type=any(kind.stale_type for kind in kinds),
        reads_outcomes=any(kind.reads_outcomes for kind in kinds)
        or any(call.function in _OF_OUTCOMES for call in calls),
        starts_anew=any(call.function in _SINCE_A_RUNG for call in calls),
        is_proof=_needs_proof(tree),
        asks_one_by_one=reads_quantile(tree),
        cost=_cost(tree),
        parts=_parts_by_cost(tree),
    )


def is_stale_type(policy: Policy) -> bool:
    """Whether it judges silence."""
    return nature_of(policy.when.tree).is_stale_type


def reads_outcomes(policy: Policy) -> bool:
    """Whether it judges finished tasks."""
    return nature_of(policy.when.tree).reads_outcomes


def starts_anew(policy: Policy) -> bool:
    """Whether it judges evidence that a rung starts anew."""
    return nature_of(policy.when.tree).starts_anew


def is_proof(policy: Policy) -> bool:
    """Whether `when` cannot be true without a `proven`."""
    return nature_of(policy.when.tree).is_proof


def stays_proven(policy: Policy) -> bool:
    """Whether a fire that was announced waits for `clear_when` alone. What was proven once stays proven: the error
    is spent on ever getting there (Ville's inequality), and a success that lowers the evidence again takes
    nothing back."""
    return policy.clear_when is not None and is_proof(policy)


def compares_agents(policy: Policy) -> bool:
    """Whether what it says of one agent rests on others: working it out again takes the whole fleet."""
    tree = policy.when.tree
    return any(each.name == EXPECTED_RATIO for each in measures_of(tree)) or any(
        call.function in _OF_A_POOL or controls_discoveries(call) for call in calls_of(tree)
    )


def _parts_by_cost(tree: Expression) -> tuple[Part, ...]:
    operands: tuple[Expression, ...] = (tree,)
    if isinstance(tree, Logic) and tree.operator == "and":
        operands = tree.operands
    return tuple(Part(each, reads_quantile(each)) for each in sorted(operands, key=_cost))


def _cost(tree: Expression) -> int:
    """By what costs most of it."""
    costs = [_BY_CALL.get(call.function, 0) for call in calls_of(tree)]
    if any(measured.name == EXPECTED_RATIO for measured in measures_of(tree)):
        costs.append(_OF_KINDS)
    return max([_BY_AGENT if reads_quantile(tree) else 0, *costs])


def _needs_proof(node: Expression) -> bool:
    match node:
        case Call():
            return node.function == "proven"
        case Logic(operator="and"):
            return any(_needs_proof(each) for each in node.operands)
        case Logic():
            return all(_needs_proof(each) for each in node.operands)
        case _:
            return False
