"""How `proven` and `decayed` are said: what was seen, how rarely chance would do it, and what it is held against."""

from math import exp, log

from pinkslip.judge.evidence import cusum
from pinkslip.judge.phrases import Weight, counted, quantity
from pinkslip.judge.weighing import controls_discoveries, named
from pinkslip.model.policy import Call, Unit
from pinkslip.model.words import Scope

_MILLION = log(1e6)


def claim_words(call: Call, weight: Weight, *, holds: bool) -> str:
    """A condition of evidence that holds, or does not.

    `12 of 40 tasks succeeded; a 70 % worker does this badly once in 2,300 (proven at 1 %)`.
    """
    match call.function:
        case "proven":
            return _proven(call, weight, holds=holds)
        case "decayed":
            return _decayed(call, weight, holds=holds)
        case _:
            raise ValueError(f"unknown function {call.function!r}")


def _proven(call: Call, weight: Weight, *, holds: bool) -> str:
    seen = f"{weight.successes} of {counted(weight.tasks, 'task')}{_whose(weight)} succeeded"
    target = named(call, "target")
    if weight.value <= 0:
        return f"{seen}, which is no evidence of less than {quantity(target, Unit.RATIO)}"
    said = f"{seen}; {_worker(target)} does this badly {_odds(weight.value)}"
    if not holds:
        return f"{said}, and {_odds(weight.threshold)} is needed"
    return f"{said} ({_standard(call, weight)})"


def _standard(call: Call, weight: Weight) -> str:
    """To what error it is proven."""
    if controls_discoveries(call):
        share = quantity(named(call, "fdr"), Unit.RATIO)
        return f"proven, as are others, of whom at most {share} falsely"
    error = quantity(named(call, "error"), Unit.RATIO)
    if weight.pass_no is None:
        return f"proven at {error}"
    spent = quantity(exp(-weight.threshold), Unit.RATIO)
    return f"proven at {spent}, what pass {weight.pass_no} may spend of {error}"


def _decayed(call: Call, weight: Weight, *, holds: bool) -> str:
    good, bad = named(call, "from"), named(call, "to")
    reached = f"{weight.value:.3g} of {weight.threshold:.3g}"
    if weight.value <= 0:
        said = f"its newest outcomes are those of {_worker(good)}"
    else:
        times = _times(weight.value)
        said = f"its newest outcomes are {times} as likely from {_worker(bad)} as from {_worker(good)}"
    if holds:
        return f"{said} (decayed: {reached})"
    failures = cusum.failures_to_alarm(good, bad, weight.threshold - weight.value)
    return f"{said} ({reached}; {counted(failures, 'failure')} in a row would be enough)"


def _whose(weight: Weight) -> str:
    """Whose tasks these are, where they are not all of the agent's."""
    lineage = " of its lineage" if weight.scope is Scope.LINEAGE else ""
    return lineage + (" since its evidence began anew" if weight.is_anew else "")


def _worker(rate: float) -> str:
    """`a 70 % worker`, `an 85 % worker`."""
    said = quantity(rate, Unit.RATIO)
    vowel = said.startswith(("8", "11 ", "18 ", "11.", "18."))
    return f"{'an' if vowel else 'a'} {said} worker"


def _odds(log_odds: float) -> str:
    """`once in 2,300`, to two digits."""
    if log_odds >= _MILLION:
        return "less than once in a million"
    return f"once in {_two_digits(exp(log_odds))}"


def _times(log_ratio: float) -> str:
    """`7,500 times`, to two digits."""
    if log_ratio >= _MILLION:
        return "over a million times"
    return f"{_two_digits(exp(log_ratio))} times"


def _two_digits(value: float) -> str:
    rounded = float(f"{value:.2g}")
    return f"{rounded:,.0f}" if rounded >= 10 else f"{rounded:g}"
