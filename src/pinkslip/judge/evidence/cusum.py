"""`decayed`: evidence that a worker who used to be good no longer is.

CUSUM: Page, "Continuous inspection schemes", Biometrika 41 (1954). Each outcome moves the sum by the logarithm
of how much likelier it is from a bad worker than from a good one; the sum never goes below 0, so a long good past
is no credit, and it alarms at a limit. The fleet keeps the sums, in billionths of a nat, as outcomes come;
here is what moves them and what a sum says.
"""

from math import ceil, log

from pinkslip.fleet.snapshot import Floats
from pinkslip.judge.view import Bools


def increments(good: float, bad: float) -> tuple[float, float]:
    """What a success and a failure add: ln(bad/good), which is negative, and ln((1-bad)/(1-good))."""
    return log(bad / good), log((1.0 - bad) / (1.0 - good))


def failures_to_alarm(good: float, bad: float, missing: float) -> int:
    """How many failures in a row raise the sum by what is missing to its limit."""
    _, failure = increments(good, bad)
    return ceil(missing / failure)


def alarms(sums: Floats, limit: float) -> tuple[Bools, Bools]:
    """Where it has decayed, and where it has not; neither before the first outcome."""
    return sums >= limit, sums < limit
