"""What kind of question a policy asks, from the measures and the evidence its `when` reads.

Every tick asks this of every policy, and a condition never changes: what was found is remembered.
"""

from functools import lru_cache

from pinkslip.fleet.catalogue import MEASURES
from pinkslip.judge.evaluate import calls_of, measures_of, reads_quantile
from pinkslip.judge.readings import EXPECTED_RATIO
from pinkslip.judge.weighing import controls_discoveries
from pinkslip.model.policy import Call, Expression, Logic, Policy

_SINCE_A_RUNG = frozenset({"proven", "decayed", "posterior"})
_OF_OUTCOMES = _SINCE_A_RUNG
"""Those that rest on outcomes and name no measure."""
_OF_A_POOL = frozenset({"posterior", "peers", "outlier"})
_CONDITIONS_KEPT = 4_096
"""Far more than any workspace's policies have."""


def is_stale_type(policy: Policy) -> bool:
    """Whether it judges silence."""
    return _judges_silence(policy.when.tree)


def reads_outcomes(policy: Policy) -> bool:
    """Whether it judges finished tasks."""
    return _judges_outcomes(policy.when.tree)


def starts_anew(policy: Policy) -> bool:
    """Whether it judges evidence that a rung starts anew: then `when` false says nothing of having recovered."""
    return _restarts(policy.when.tree)


def is_proof(policy: Policy) -> bool:
    """Whether `when` cannot be true without a `proven`: then it is not true of the same evidence after a rung."""
    return _needs_proof(policy.when.tree)


def stays_proven(policy: Policy) -> bool:
    """Whether a fire that was announced waits for `clear_when` alone. What was proven once stays proven: the error
    is spent on ever getting there (Ville's inequality), and a success that lowers the evidence again takes
    nothing back."""
    return policy.clear_when is not None and is_proof(policy)


@lru_cache(_CONDITIONS_KEPT)
def asks_one_by_one(tree: Expression) -> bool:
    """Whether each agent more that is asked costs more: then nobody is asked for nothing."""
    return reads_quantile(tree)


@lru_cache(_CONDITIONS_KEPT)
def _judges_silence(tree: Expression) -> bool:
    return any(MEASURES[each.name].stale_type for each in measures_of(tree))


@lru_cache(_CONDITIONS_KEPT)
def _judges_outcomes(tree: Expression) -> bool:
    return any(MEASURES[each.name].reads_outcomes for each in measures_of(tree)) or any(
        call.function in _OF_OUTCOMES for call in calls_of(tree)
    )


@lru_cache(_CONDITIONS_KEPT)
def _restarts(tree: Expression) -> bool:
    return any(call.function in _SINCE_A_RUNG for call in calls_of(tree))


@lru_cache(_CONDITIONS_KEPT)
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


def compares_agents(policy: Policy) -> bool:
    """Whether what it says of one agent rests on others: working it out again takes the whole fleet."""
    tree = policy.when.tree
    return any(each.name == EXPECTED_RATIO for each in measures_of(tree)) or any(
        call.function in _OF_A_POOL or controls_discoveries(call) for call in calls_of(tree)
    )
