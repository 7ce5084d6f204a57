"""We have not watched long enough: silence is judged only after an agent's whole interval under our eyes."""

from pinkslip.judge.docket import Cases, Hold
from pinkslip.judge.phrases import span
from pinkslip.judge.view import FleetView


def hold(cases: Cases, *, view: FleetView) -> Hold:
    """Stale-type cases, notices too, until the agent's own interval has passed since we began to watch."""
    watched_ms = view.now - view.observing_since
    needed_ms = view.interval_s[cases.slot] * 1000
    holds = cases.is_stale_type & ~(watched_ms >= needed_ms)

    def words(case: int) -> str:
        return (
            f"we have watched again for {span(watched_ms)} only; "
            f"the agent reports every {span(needed_ms[case])}"
        )

    return Hold(holds, words)
