"""People read only so much: beyond `max_notices` nobody is told, and nobody is fired unannounced instead."""

from collections.abc import Sequence

import numpy as np

from pinkslip.judge.docket import Cases, Hold, strongest_first
from pinkslip.judge.phrases import counted, span
from pinkslip.judge.view import Bools
from pinkslip.model.policy import MaxNotices


def hold(
    cases: Cases,
    *,
    asking: Bools,
    going: Bools,
    told: Sequence[int],
    now: int,
    rule: MaxNotices,
) -> Hold:
    """Notifications, notices and questions for which there is no room left, strongest evidence first.

    `asking` is whom no guard before held, `going` whom the envelope would let go as well: only these spend.
    Once there is no room, everybody else who is asking is held. `told` are the instants at which people were
    told lately. A fire without a notice is never held, and shadow tells nobody.
    """
    asked = asking & cases.tells
    done = sum(1 for at in told if at > now - rule.per_ms)
    wanting = strongest_first(cases, np.flatnonzero(asked & going))
    room = max(0, rule.count - done)
    holds = np.zeros(len(cases), dtype=np.bool_)
    if len(wanting) > room:
        holds = asked.copy()
        holds[wanting[:room]] = False
    spent = min(done + room, done + len(wanting))
    words = (
        f"the workspace tells people at most {counted(rule.count, 'time')} in {span(rule.per_ms)}, "
        f"{spent} done"
    )
    return Hold(holds, lambda _case: words, asked)


def remembered(told: Sequence[int], *, rule: MaxNotices, now: int) -> tuple[int, ...]:
    """Without those too old to count."""
    return tuple(at for at in told if at > now - rule.per_ms)
