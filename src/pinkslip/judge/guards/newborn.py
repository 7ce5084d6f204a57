"""A young agent is left alone: too short a life, or too few tasks where tasks are judged."""

import numpy as np

from pinkslip.fleet.snapshot import Floats
from pinkslip.judge.docket import Cases, Hold
from pinkslip.judge.phrases import counted, span
from pinkslip.judge.view import FleetView
from pinkslip.model.policy import Newborn


def hold(cases: Cases, *, view: FleetView, age_s: Floats, newborn: Newborn) -> Hold:
    """Fires of agents younger than `newborn.age_ms`, or with fewer than `newborn.tasks` where outcomes are read.

    `age_s` is per case. An age nobody knows is young.
    """
    with np.errstate(invalid="ignore"):
        is_young = ~(age_s * 1000 >= newborn.age_ms)
    tasks = view.tasks[cases.slot]
    is_untried = cases.reads_outcomes & (tasks < newborn.tasks)

    def words(case: int) -> str:
        if is_young[case]:
            return (
                f"known for {span(age_s[case] * 1000)} only; "
                f"left alone for its first {span(newborn.age_ms)}"
            )
        return (
            f"{counted(int(tasks[case]), 'task')} done; "
            f"judged by its tasks only from {newborn.tasks} on"
        )

    return Hold(cases.fires & (is_young | is_untried), words)
