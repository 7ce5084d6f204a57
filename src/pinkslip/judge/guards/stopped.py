"""Enforcement is stopped, here or everywhere: people are told and nothing is done until a person resumes it."""

import numpy as np

from pinkslip.judge.docket import Cases, Hold


def hold(cases: Cases, *, reason: str | None) -> Hold:
    """Whatever is more than telling people, while there is a `reason` why enforcement is stopped."""
    holds = cases.does_more_than_notify & np.bool_(reason is not None)
    words = f"enforcement is stopped: {reason}" if reason else "enforcement is stopped"
    return Hold(holds, lambda _case: words)
