"""Evidence functions asked of a fleet: the counts since the evidence began, the pools, the ladder's ledger, and
the statistics of `judge.evidence` over them."""

from dataclasses import dataclass, field

import numpy as np

from pinkslip.fleet.catalogue import MEASURES
from pinkslip.fleet.snapshot import Floats, Integers
from pinkslip.judge.evidence import cusum, ebh, outlier, peers, posterior, proven, wilson
from pinkslip.judge.kleene import Truth
from pinkslip.judge.ledger import Ledger
from pinkslip.judge.readings import Readings, finite
from pinkslip.judge.view import Bools
from pinkslip.model.policy import Call, Filter, Measured, Span, Unit
from pinkslip.model.words import Scope

CONDITIONS = frozenset({"proven", "decayed"})
"""Functions that are true or false."""
NUMBERS = frozenset({"upper", "lower", "posterior", "peers", "outlier"})
"""Functions that are numbers."""
EVIDENCE = CONDITIONS | NUMBERS

DECAY_LEANS = 0.25
"""Of its limit: where a `decayed` begins to lean. A `proven` does where its evidence weighs against at all."""

_NOWHERE = Span(0, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighed:
    """What one evidence function makes of the agents asked, in the order they were asked."""

    value: Floats
    """Of `proven` the natural logarithm of the e-value; NaN where unknown."""
    threshold: Floats
    """What a condition's value must reach; NaN for a function that is a number."""
    tasks: Integers
    successes: Integers

    @property
    def reached(self) -> Floats:
        """How much of the way to its threshold a condition has come, 0 to 1; nothing where unknown."""
        share = np.clip(self.value / self.threshold, 0.0, 1.0)
        return np.where(np.isnan(share), 0.0, share)

    def strength(self, *, holds: bool) -> Floats:
        """How far beyond its threshold a condition is, in [0, 1): 1 - threshold/value; or how much is missing."""
        if not holds:
            return 1.0 - self.reached
        with np.errstate(divide="ignore", invalid="ignore"):
            beyond = 1.0 - self.threshold / self.value
        return np.where(self.value >= self.threshold, beyond, 0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighing:
    """One policy's evidence functions: whose outcomes it counts, from when, and whom it compares."""

    readings: Readings
    outcomes: Filter
    ledger: Ledger
    pool: str
    scope: Scope
    among: Bools
    """Whom the policy is about: the family whose false discoveries are controlled."""
    is_leaning: bool = False
    """Whether conditions are asked where they begin to lean, not where they are true."""
    bars: dict[Call, float] = field(default_factory=dict, repr=False, compare=False)
    """The bar of each `proven(..., fdr=...)` that was asked, or is known from a record."""

    def truth(self, call: Call, slots: Integers) -> Truth:
        """A condition, for the agents in `slots`."""
        match call.function:
            case "proven":
                return self._proves(call, slots)
            case "decayed":
                return Truth(*cusum.alarms(self._sums(call)[slots], self._decay_limit(call)))
            case _:
                raise TypeError(f"{call.function} is a number, not a condition")

    def number(self, call: Call, slots: Integers) -> Floats:
        """A number, NaN where unknown; never infinite. Nobody asked costs nothing."""
        if not len(slots):
            return np.empty(0)
        match call.function:
            case "upper" | "lower":
                tasks, successes = self._in_window(call, slots)
                low, high = wilson.bounds(tasks, successes, named(call, "confidence"))
                return high if call.function == "upper" else low
            case "posterior":
                return self._posterior(call, slots)
            case "peers":
                return finite(peers.usual(self._ranks(call), slots))
            case "outlier":
                return self._outlier(call, slots)
            case _:
                raise ValueError(f"unknown function {call.function!r}")

    def weigh(self, call: Call, slots: Integers) -> Weighed:
        """A function's statistic, what it is held against, and the counts it rests on."""
        nothing, unknown = np.zeros(len(slots), dtype=np.int64), np.full(len(slots), np.nan)
        match call.function:
            case "proven":
                tasks, successes = self._since(slots)
                return Weighed(
                    value=proven.log_e(tasks, successes, named(call, "target")),
                    threshold=self._limits(call, slots),
                    tasks=tasks,
                    successes=successes,
                )
            case "decayed":
                return Weighed(
                    value=self._sums(call)[slots],
                    threshold=np.full(len(slots), self._decay_limit(call)),
                    tasks=nothing,
                    successes=nothing,
                )
            case "posterior":
                tasks, successes = self._since(slots)
            case "upper" | "lower":
                counted = self._in_window(call, slots)
                tasks, successes = (np.nan_to_num(each).astype(np.int64) for each in counted)
            case _:
                tasks = successes = nothing
        return Weighed(
            value=self.number(call, slots),
            threshold=unknown,
            tasks=tasks,
            successes=successes,
        )

    def _proves(self, call: Call, slots: Integers) -> Truth:
        tasks, successes = self._since(slots)
        yes = proven.reaches(tasks, successes, named(call, "target"), self._limits(call, slots))
        return Truth(yes & (tasks > 0), ~yes & (tasks > 0))

    def _since(self, slots: Integers) -> tuple[Integers, Integers]:
        """Tasks and successes since the evidence began."""
        tasks, successes = self.readings.counts(self.outcomes, self.scope)
        n = np.maximum(tasks[slots] - self.ledger.base_tasks[slots], 0)
        return n, np.clip(successes[slots] - self.ledger.base_successes[slots], 0, n)

    def _limits(self, call: Call, slots: Integers) -> Floats:
        """What ln of an e-value must reach: ln(1/error), spent by pass; or the fleet's bar. To lean, nothing:
        an e-value of 1 is where evidence begins to speak against."""
        if self.is_leaning:
            return np.zeros(len(slots))
        if controls_discoveries(call):
            return np.full(len(slots), self._bar(call))
        limits = np.full(len(slots), proven.limit(named(call, "error")))
        if self.ledger.has_ladder:
            limits = limits + proven.spent(self.ledger.passes[slots])
        return limits

    def _decay_limit(self, call: Call) -> float:
        return named(call, "limit") * (DECAY_LEANS if self.is_leaning else 1.0)

    def _bar(self, call: Call) -> float:
        if call not in self.bars:
            tasks, successes = self._since(np.flatnonzero(self.among))
            target, fdr = named(call, "target"), named(call, "fdr")
            family = tasks > 0
            alone = np.full(len(tasks), proven.limit(fdr))
            worth = proven.reaches(tasks, successes, target, alone)
            self.bars[call] = ebh.bar(
                proven.log_e(tasks[worth], successes[worth], target),
                int(np.count_nonzero(family)),
                fdr,
            )
        return self.bars[call]

    def _sums(self, call: Call) -> Floats:
        good, bad = named(call, "from"), named(call, "to")
        return self.readings.cusum(good, bad, self.outcomes, self.scope)

    def _in_window(self, call: Call, slots: Integers) -> tuple[Floats, Floats]:
        """Tasks and successes in the window of the rate it is about."""
        window = _measured(call).window

        def amount(name: str) -> Floats:
            measured = Measured(name, window, Unit.NUMBER, _NOWHERE)
            return self.readings.number(measured, self.outcomes, slots)

        return amount("tasks"), amount("successes")

    def _posterior(self, call: Call, slots: Integers) -> Floats:
        pools = self.readings.pools(self.pool)
        tasks, successes = self._since(slots)
        target = named(call, "target")
        return posterior.below(tasks, successes, pools.codes[slots], self._priors(), target)

    def _priors(self) -> posterior.Priors:
        """Of every pool: of all that its active members did, whatever a ladder leaves out."""

        def fitted() -> posterior.Priors:
            view, pools = self.readings.view, self.readings.pools(self.pool)
            tasks, successes = self.readings.counts(self.outcomes, self.scope)
            members = view.active & (tasks >= max(view.min_tasks, 1))
            return posterior.pool_priors(
                tasks, successes, pools.codes, members, count=len(pools.names)
            )

        return self.readings.once(("priors", self.outcomes, self.scope, self.pool), fitted)

    def _outlier(self, call: Call, slots: Integers) -> Floats:
        measured = _measured(call)
        values = self.readings.whole(measured, self.outcomes, pool=self.pool)
        worse = MEASURES[measured.name].worse
        return finite(outlier.distance(self._ranks(call), values, slots, worse=worse))

    def _ranks(self, call: Call) -> peers.Ranks:
        """The measure it is about, sorted pool by pool: active agents, whose value is known."""
        measured = _measured(call)

        def sorted_by_pool() -> peers.Ranks:
            pools = self.readings.pools(self.pool)
            return peers.ranked(
                self.readings.whole(measured, self.outcomes, pool=self.pool),
                pools.codes,
                self.readings.view.active,
                count=len(pools.names),
            )

        key = ("ranks", measured.name, measured.window, self.outcomes, self.pool)
        return self.readings.once(key, sorted_by_pool)


def named(call: Call, name: str) -> float:
    """A named argument of a call; the compiler has filled in defaults."""
    return dict(call.named)[name]


def controls_discoveries(call: Call) -> bool:
    """Whether it is `proven(..., fdr=...)`: over the whole fleet, not agent by agent."""
    return any(name == "fdr" for name, _ in call.named)


def _measured(call: Call) -> Measured:
    (measured,) = call.arguments
    assert isinstance(measured, Measured)
    return measured
