"""What the judge will ask of the fleet: what the policies read, and what guards and evidence ask beside it."""

from pinkslip.fleet.catalogue import MEASURES
from pinkslip.fleet.needs import Need
from pinkslip.judge.evaluate import measures_of
from pinkslip.judge.verdicts import tasks_in, tasks_since_start, windows_of
from pinkslip.model.policy import Measured, Policy, PolicySet
from pinkslip.model.words import Action, Mode


def is_stale_type(policy: Policy) -> bool:
    """Whether it judges silence."""
    return any(MEASURES[each.name].stale_type for each in measures_of(policy.when.tree))


def reads_outcomes(policy: Policy) -> bool:
    """Whether it judges finished tasks."""
    return any(MEASURES[each.name].reads_outcomes for each in measures_of(policy.when.tree))


def needs(policy_set: PolicySet) -> tuple[Need, ...]:
    """Everything to declare to the fleet, once each. Policies that are off ask nothing."""
    found = {
        Need(measured.name, measured.window, policy.outcomes): None
        for policy in policy_set.policies
        if policy.mode is not Mode.OFF
        for measured in _asked(policy, newborn_tasks=policy_set.guards.newborn.tasks)
    }
    return tuple(found)


def _asked(policy: Policy, *, newborn_tasks: int) -> list[Measured]:
    asked = list(measures_of(policy.when.tree))
    if policy.clear_when is not None:
        asked += measures_of(policy.clear_when.tree)
    asked += [tasks_in(window) for window in windows_of(policy)]
    if asks_for_tasks(policy, newborn_tasks):
        asked.append(tasks_since_start(newborn_tasks))
    return asked


def asks_for_tasks(policy: Policy, newborn_tasks: int) -> bool:
    """Whether the newborn guard wants to know how many tasks an agent has done."""
    return policy.action is Action.FIRE and newborn_tasks > 0 and reads_outcomes(policy)
