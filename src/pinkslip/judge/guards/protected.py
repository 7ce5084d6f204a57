"""A person protects the agent until a time: no policy fires it, or sends it into quarantine, before."""

from pinkslip.judge.docket import Cases, Hold
from pinkslip.judge.view import FleetView
from pinkslip.model.time import rfc3339


def hold(cases: Cases, *, view: FleetView) -> Hold:
    """Quarantines and fires of protected agents."""
    until = view.protected_until[cases.slot]
    return Hold(
        cases.removes & (until > view.now),
        lambda case: f"protected until {rfc3339(int(until[case]))}",
    )
