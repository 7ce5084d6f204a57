"""A young agent is left alone: too short a life, or too few tasks where tasks are judged.

Where evidence follows the worker through its ids, the worker's life counts: it is as old as the oldest of its
ids that the fleet still remembers, and has done the tasks of them all. Who takes one of them back begins it anew.
"""

import numpy as np

from pinkslip.fleet.snapshot import Floats, Integers
from pinkslip.judge.docket import Cases, Hold
from pinkslip.judge.phrases import counted, span
from pinkslip.judge.view import FleetView
from pinkslip.model.policy import Filter, Newborn
from pinkslip.model.words import Fault, Scope

_EVERY_FAULT = Filter(faults=frozenset(Fault))


def hold(cases: Cases, *, view: FleetView, age_s: Floats, newborn: Newborn) -> Hold:
    """Probation, quarantine and fire of the young.

    Young is younger than `newborn.age_ms`, or with fewer than `newborn.tasks` where outcomes are read. `age_s`
    is per slot. An age nobody knows is young.
    """
    age_ms = _ages_s(cases, view, age_s) * 1000
    tasks = _tasks(cases, view)
    with np.errstate(invalid="ignore"):
        is_young = ~(age_ms >= newborn.age_ms)
    is_untried = cases.reads_outcomes & (tasks < newborn.tasks)

    def words(case: int) -> str:
        if is_young[case]:
            return (
                f"known for {span(age_ms[case])} only; left alone for its first "
                f"{span(newborn.age_ms)}"
            )
        return (
            f"{counted(int(tasks[case]), 'task')} done; "
            f"judged by its tasks only from {newborn.tasks} on"
        )

    return Hold(cases.does_more_than_notify & (is_young | is_untried), words)


def _ages_s(cases: Cases, view: FleetView, age_s: Floats) -> Floats:
    ages = age_s[cases.slot]
    if cases.by_lineage.any():
        ages = np.where(cases.by_lineage, _of_workers(view, age_s)[cases.slot], ages)
    return ages


def _of_workers(view: FleetView, age_s: Floats) -> Floats:
    """Per slot: the age of the oldest agent of the same lineage, but no more than of the one reinstated last; its own
    where it has none."""
    words = view.words("lineage")
    oldest = np.full(len(words.vocabulary) + 1, -np.inf)
    known = (words.codes >= 0) & ~np.isnan(age_s)
    np.maximum.at(oldest, words.codes[known], age_s[known])
    is_back = known & (view.incarnation > 1)
    np.minimum.at(oldest, words.codes[is_back], age_s[is_back])
    return np.where(known, oldest[words.codes], age_s)


def _tasks(cases: Cases, view: FleetView) -> Integers:
    tasks = view.tasks[cases.slot]
    if cases.by_lineage.any():
        together, _ = view.counts(_EVERY_FAULT, Scope.LINEAGE)
        tasks = np.where(cases.by_lineage, np.maximum(tasks, together[cases.slot]), tasks)
    return tasks
