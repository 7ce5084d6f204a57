"""Who fails, and whether they share a cause: worked out when a guard first asks, and once.

An agent fails when the `when` of a policy that would do more than notify is true for it, or nearly so: as
soon as the evidence begins to weigh against it (`Evaluator.leaning`). When something they share breaks, they do not
all cross the line in the same tick; the first one must not be fired before the others are seen. In 8 simulated outages
in which 30 of 100 agents of one model began to fail nine tasks of ten, asking at half the evidence let 29 of them be
fired before the cause was found, at a quarter 11, and where evidence begins none.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from pinkslip.judge.conclusions import Finding
from pinkslip.judge.evaluate import Readings
from pinkslip.judge.guards.common_cause import Guilty, guilty
from pinkslip.judge.hearing import Hearing, broken
from pinkslip.judge.holding import holding
from pinkslip.judge.kinds import nature_of
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
    _known: dict[Mode, tuple[Guilty, ...]] = field(default_factory=dict)
    _asked: dict[Mode, "_Failing"] = field(default_factory=dict)

    def real(self) -> tuple[Guilty, ...]:
        """Of what enforcing policies say."""
        return self._of(Mode.ENFORCE)

    def virtual(self) -> tuple[Guilty, ...]:
        """Of what they would say, were every policy in shadow enforced."""
        return self._of(Mode.SHADOW)

    def found(self) -> tuple[Guilty, ...]:
        """The real ones, if anybody had reason to ask; nothing is worked out for it."""
        return self._known.get(Mode.ENFORCE, ())

    def _of(self, mode: Mode) -> tuple[Guilty, ...]:
        if self.rule is None:
            return ()
        if mode not in self._known:
            self._known[mode] = self._found(mode, self.rule)
        return self._known[mode]

    def _found(self, mode: Mode, rule: CommonCause) -> tuple[Guilty, ...]:
        answer = self._failing(mode)
        if np.count_nonzero(answer.failing) < rule.at_least:
            return ()
        factors = [(factor, self.readings.view.words(factor)) for factor in rule.factors]
        return guilty(factors, failing=answer.failing, judged=answer.judged, rule=rule)

    def _failing(self, mode: Mode) -> "_Failing":
        """By what the policies of that mode say; in shadow also by what the enforcing ones do."""
        if mode not in self._asked:
            before = self._failing(Mode.ENFORCE) if mode is Mode.SHADOW else None
            self._asked[mode] = self._said(mode, before)
        return self._asked[mode]

    def _said(self, mode: Mode, before: "_Failing | None") -> "_Failing":
        nobody = np.zeros(self.readings.view.size, dtype=np.bool_)
        answer = before or _Failing(nobody, nobody)
        policies = [
            hearing
            for hearing in self.hearings
            if hearing.policy.mode is mode and hearing.policy.action is not Action.NOTIFY
        ]
        for hearing in sorted(policies, key=_cost):
            try:
                answer = self._with(answer, hearing)
            except Exception as error:  # noqa: BLE001 - one policy is a unit of isolation; the finding tells
                self.findings.append(broken(hearing.policy, error))
        return answer

    def _with(self, answer: "_Failing", hearing: Hearing) -> "_Failing":
        """What one policy more says. Who fails already is not asked again, and whether it can tell, only of those
        of whom no other could."""
        tree, evaluator = hearing.policy.when.tree, hearing.evaluator.leaning
        matched = self.matching.matched(
            hearing.policy, self.readings, stale_type=hearing.is_stale_type
        )
        fails = holding(nature_of(tree), matched & ~answer.failing, evaluator)
        judged = answer.judged | fails
        slots = np.flatnonzero(matched & ~judged)
        if len(slots):
            judged[slots] = evaluator.truth(tree, slots).no
        return _Failing(answer.failing | fails, judged)


class _Failing(NamedTuple):
    """Per slot."""

    failing: Bools
    judged: Bools
    """Whether anybody can tell."""


def _cost(hearing: Hearing) -> int:
    return nature_of(hearing.policy.when.tree).cost
