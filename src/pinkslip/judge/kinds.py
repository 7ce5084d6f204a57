"""What kind of question a policy asks, from the measures its `when` reads."""

from pinkslip.fleet.catalogue import MEASURES
from pinkslip.judge.evaluate import measures_of
from pinkslip.model.policy import Policy


def is_stale_type(policy: Policy) -> bool:
    """Whether it judges silence."""
    return any(MEASURES[each.name].stale_type for each in measures_of(policy.when.tree))


def reads_outcomes(policy: Policy) -> bool:
    """Whether it judges finished tasks."""
    return any(MEASURES[each.name].reads_outcomes for each in measures_of(policy.when.tree))
