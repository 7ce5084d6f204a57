"""What people did that is about no single agent, as the judge must know it: silences, rulings, demotions, condemnations."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from pinkslip.model.facts import (
    AboutNobody,
    Absolved,
    Condemned,
    Demoted,
    Promoted,
    Ruled,
    Silence,
    Silenced,
    Unsilenced,
)

_RULINGS_KEPT = 10_000
"""Far more than can wait at once; the judge notes a ruling in its episode at the next tick."""


class Acts:
    """The fold of `AboutNobody` facts. Folding one twice changes nothing, so a rebuild may start from tables."""

    def __init__(self) -> None:
        self._silences: dict[str, Silence] = {}
        self._rulings: dict[str, Ruled] = {}
        self._demoted: dict[str, Demoted] = {}
        self._condemned: dict[str, Condemned] = {}

    @property
    def silences(self) -> Mapping[str, Silence]:
        """By id, those that were not ended early; whether one holds now is a matter of its instants."""
        return MappingProxyType(self._silences)

    @property
    def rulings(self) -> Mapping[str, Ruled]:
        """By decision id."""
        return MappingProxyType(self._rulings)

    @property
    def demoted(self) -> Mapping[str, Demoted]:
        """By policy. Of another version than the one loaded: it does not count."""
        return MappingProxyType(self._demoted)

    @property
    def condemned(self) -> Mapping[str, Condemned]:
        """By lineage."""
        return MappingProxyType(self._condemned)

    def fold(self, facts: Iterable[AboutNobody]) -> None:
        """Take in facts in journal order."""
        for fact in facts:
            match fact:
                case Silenced():
                    self._silences[fact.silence.id] = fact.silence
                case Unsilenced():
                    self._silences.pop(fact.id, None)
                case Ruled():
                    self._rulings[fact.decision_id] = fact
                    if len(self._rulings) > _RULINGS_KEPT:
                        del self._rulings[next(iter(self._rulings))]
                case Demoted():
                    self._demoted[fact.policy] = fact
                case Promoted():
                    self._demoted.pop(fact.policy, None)
                case Condemned():
                    self._condemned[fact.lineage] = fact
                case Absolved():
                    self._condemned.pop(fact.lineage, None)

    def forget(self, *, ended_before: int) -> None:
        """Drop silences that are long over."""
        over = [key for key, one in self._silences.items() if one.ends_at < ended_before]
        for key in over:
            del self._silences[key]
