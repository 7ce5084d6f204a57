"""What each policy came to: decisions by verdict, what shadow would have done, who held it, how often it was overruled."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from pinkslip.model.words import Action, Guard, Verdict
from pinkslip.store.views import PolicyCount, Reversal


@dataclass(frozen=True, slots=True)
class Tally:
    """One policy's decisions since an instant."""

    verdicts: Counter[Verdict] = field(default_factory=Counter)
    would: Counter[Action] = field(default_factory=Counter)
    """By action: what it would have done, were it enforced."""
    held: Counter[Guard] = field(default_factory=Counter)
    """Decisions by the guard that held them."""
    overruled: Counter[Verdict] = field(default_factory=Counter)
    """Fires marked as wrong (REINSTATED), and vetoes."""


NOTHING_DONE = Tally()


def tallies(
    counts: Iterable[PolicyCount], reversals: Iterable[Reversal]
) -> Mapping[str, Tally]:
    """By policy; policies that decided nothing are absent."""
    found: dict[str, Tally] = {}
    for count in counts:
        tally = found.setdefault(count.policy, Tally())
        tally.verdicts[count.verdict] += count.count
        if count.verdict is Verdict.SHADOWED:
            tally.would[count.action] += count.count
        if count.guard is not None:
            tally.held[count.guard] += count.count
    for reversal in reversals:
        if reversal.counts:
            found.setdefault(reversal.policy, Tally()).overruled[reversal.verdict] += 1
    return found
