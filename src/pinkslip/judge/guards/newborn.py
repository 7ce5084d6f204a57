"""A young agent is left alone: too short a life, or too few tasks where tasks are judged."""

import numpy as np

from pinkslip.fleet.snapshot import Floats
from pinkslip.judge.docket import Cases, Hold
from pinkslip.judge.phrases import span
from pinkslip.model.policy import Newborn


def hold(cases: Cases, *, age_s: Floats, newborn: Newborn) -> Hold:
    """Fires of agents younger than `newborn.age_ms`, or with fewer than `newborn.tasks` where outcomes are read.

    `age_s` is per case. An age nobody knows is young.
    """
    with np.errstate(invalid="ignore"):
        is_young = ~(age_s * 1000 >= newborn.age_ms)
        is_untried = cases.reads_outcomes & ~(cases.tasks >= newborn.tasks)

    def words(case: int) -> str:
        if is_young[case]:
            return (
                f"known for {span(age_s[case] * 1000)} only; "
                f"left alone for its first {span(newborn.age_ms)}"
            )
        return (
            f"{int(np.nan_to_num(cases.tasks[case]))} tasks done; "
            f"judged by its tasks only from {newborn.tasks} on"
        )

    return Hold(cases.fires & (is_young | is_untried), words)
