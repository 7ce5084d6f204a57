"""Who fails, and whether they share a cause: worked out when a guard first asks, and once.

An agent fails when the `when` of a policy that would do more than notify is true for it, or nearly so: as
soon as the evidence begins to weigh against it (`Evaluator.leaning`). When something they share breaks, they do not
all cross the line in the same tick; the first one must not be fired before the others are seen. In 8 simulated outages
in which 30 of 100 agents of one model began to fail nine tasks of ten, asking at half the evidence let 29 of them be
fired before the cause was found, at a quarter 11, and where evidence begins none.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from pinkslip.judge.conclusions import Finding
from pinkslip.judge.evaluate import Readings
from pinkslip.judge.guards.common_cause import Guilty, guilty
from pinkslip.judge.hearing import Hearing, broken
from pinkslip.judge.matching import Matching
from pinkslip.judge.view import Bools
from pinkslip.model.policy import CommonCause
from pinkslip.model.words import Action, Mode


@dataclass(slots=True, kw_only=True)
class Causes:
    """What the failing agents of one fleet share at one instant. Asking changes nothing but what is remembered."""

    hearings: Sequence[Hearing]
    readings: Readings
    matching: Matching
    rule: CommonCause | None
    findings: list[Finding] = field(default_factory=list)
    """Policies that broke while they were asked."""
    _known: dict[frozenset[Mode], tuple[Guilty, ...]] = field(default_factory=dict)
    _answers: dict[str, tuple[Bools, Bools]] = field(default_factory=dict)
    """By policy: what `real` asked is not asked again for `virtual`."""

    def real(self) -> tuple[Guilty, ...]:
        """Of what enforcing policies say."""
        return self._of(frozenset({Mode.ENFORCE}))

    def virtual(self) -> tuple[Guilty, ...]:
        """Of what they would say, were every policy in shadow enforced."""
        return self._of(frozenset({Mode.ENFORCE, Mode.SHADOW}))

    def found(self) -> tuple[Guilty, ...]:
        """The real ones, if anybody had reason to ask; nothing is worked out for it."""
        return self._known.get(frozenset({Mode.ENFORCE}), ())

    def _of(self, modes: frozenset[Mode]) -> tuple[Guilty, ...]:
        if self.rule is None:
            return ()
        if modes not in self._known:
            self._known[modes] = self._found(modes, self.rule)
        return self._known[modes]

    def _found(self, modes: frozenset[Mode], rule: CommonCause) -> tuple[Guilty, ...]:
        view = self.readings.view
        failing, judged = self._failing(modes)
        if np.count_nonzero(failing) < rule.at_least:
            return ()
        factors = [(factor, view.words(factor)) for factor in rule.factors]
        return guilty(factors, failing=failing, judged=judged, rule=rule)

    def _failing(self, modes: frozenset[Mode]) -> tuple[Bools, Bools]:
        """Per slot: whether it fails, and whether anybody can tell."""
        size = self.readings.view.size
        failing, judged = np.zeros(size, dtype=np.bool_), np.zeros(size, dtype=np.bool_)
        for hearing in self.hearings:
            policy = hearing.policy
            if policy.mode not in modes or policy.action is Action.NOTIFY:
                continue
            try:
                yes, no = self._leaning(hearing)
            except Exception as error:  # noqa: BLE001 - one policy is a unit of isolation; the finding tells
                self.findings.append(broken(policy, error))
                continue
            failing |= yes
            judged |= yes | no
        return failing, judged

    def _leaning(self, hearing: Hearing) -> tuple[Bools, Bools]:
        """Whom one policy finds failing, or nearly so, and whom not."""
        if hearing.policy.name in self._answers:
            return self._answers[hearing.policy.name]
        matched = self.matching.matched(
            hearing.policy, self.readings, stale_type=hearing.is_stale_type
        )
        slots = np.flatnonzero(matched)
        answer = hearing.evaluator.leaning(hearing.policy.when.tree, slots)
        yes, no = np.zeros_like(matched), np.zeros_like(matched)
        yes[slots], no[slots] = answer.yes, answer.no
        self._answers[hearing.policy.name] = yes, no
        return yes, no
