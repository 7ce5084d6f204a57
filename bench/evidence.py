"""What each evidence function costs a tick, per 100,000 agents.

    python bench/evidence.py [--agents N ...] [--rounds N]

Prints one JSON line per function: the median CPU time in milliseconds, beside a floor (what numpy takes for the
one pass or sort that nobody can do without) and, where there is one, a peer that computes the same: scipy, or a
plain loop measured on a part of the fleet and scaled. 20 pools; three agents in a hundred are bad.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import betainc
from scipy.stats import hypergeom

from pinkslip.fleet.snapshot import Floats, Integers
from pinkslip.judge.evidence import (
    cusum,
    ebh,
    expected,
    outlier,
    peers,
    posterior,
    proven,
    wilson,
)
from pinkslip.judge.numeric import fisher_greater
from pinkslip.judge.view import Bools

POOLS = 20
KINDS = 10
TARGET = 0.7
LIMIT = proven.limit(0.01)
LOOPED = 2_000
"""How many agents a plain loop is measured on."""


@dataclass(frozen=True, slots=True)
class Workers:
    """Agents as evidence functions see them."""

    tasks: Integers
    successes: Integers
    pools: Integers
    everybody: Integers
    members: Bools

    @classmethod
    def of(cls, agents: int, *, bad: float = 0.03) -> "Workers":
        rng = np.random.default_rng(7)
        tasks = rng.integers(1, 400, agents)
        rate = np.where(rng.random(agents) < bad, 0.5, 0.9)
        return cls(
            tasks=tasks,
            successes=rng.binomial(tasks, rate),
            pools=rng.integers(0, POOLS, agents),
            everybody=np.arange(agents),
            members=np.ones(agents, dtype=np.bool_),
        )

    @property
    def rates(self) -> Floats:
        rates: Floats = self.successes / self.tasks
        return rates


def spent(work: Callable[[], object], rounds: int) -> float:
    """The median of some rounds, in milliseconds of CPU."""
    times = []
    work()
    for _ in range(rounds):
        begun = time.process_time_ns()
        work()
        times.append((time.process_time_ns() - begun) / 1e6)
    return statistics.median(times)


class Table:
    """Prints lines; measures everything the same way."""

    def __init__(self, agents: int, rounds: int) -> None:
        self._agents, self._rounds = agents, rounds

    def line(
        self,
        name: str,
        work: Callable[[], object],
        *,
        floor: tuple[str, Callable[[], object]] | None = None,
        peer: tuple[str, Callable[[], object]] | None = None,
        scale: float = 1.0,
    ) -> None:
        """One function; `scale` is by how much more a whole fleet is than what the peer was given."""
        told: dict[str, object] = {}
        if floor is not None:
            told |= {"floor": round(spent(floor[1], self._rounds), 3), "floor_is": floor[0]}
        if peer is not None:
            cost = spent(peer[1], 1 if scale > 1 else self._rounds) * scale
            told |= {"peer": round(cost, 3), "peer_is": peer[0]}
        value = round(spent(work, self._rounds), 3)
        line = {"bench": "evidence", "name": name, "value": value, "unit": "ms"}
        print(json.dumps(line | {"agents": self._agents} | told), flush=True)


def run(agents: int, rounds: int) -> None:
    """Every function on one fleet."""
    table, fleet = Table(agents, rounds), Workers.of(agents)
    _by_counts(table, fleet)
    _by_pools(table, fleet)
    table.line(
        "Fisher's exact test, 100 groups",
        lambda: [fisher_greater(30, agents // 100, 300, agents) for _ in range(100)],
        peer=(
            "scipy.stats.hypergeom.sf",
            lambda: [
                hypergeom.sf(29, agents // 100 + agents, 330, agents // 100) for _ in range(100)
            ],
        ),
    )


def _by_counts(table: Table, fleet: Workers) -> None:
    tasks, successes = fleet.tasks, fleet.successes
    limits = np.full(len(tasks), LIMIT)
    compare = "one multiplication and comparison", lambda: successes < TARGET * tasks
    scale = len(tasks) / LOOPED
    sick = Workers.of(len(tasks), bad=1.0)
    table.line(
        "proven, its truth",
        lambda: proven.reaches(tasks, successes, TARGET, limits),
        floor=compare,
        peer=(f"a plain loop, {LOOPED} agents, scaled", lambda: plain_proofs(fleet, LOOPED)),
        scale=scale,
    )
    table.line(
        "proven, its truth where every agent is bad",
        lambda: proven.reaches(sick.tasks, sick.successes, TARGET, limits),
        floor=compare,
    )
    table.line(
        "proven, the e-value of everybody",
        lambda: proven.log_e(tasks, successes, TARGET),
        floor=compare,
    )
    worth = proven.log_e(tasks, successes, TARGET)
    table.line(
        "proven over the fleet (e-BH), given e-values",
        lambda: ebh.bar(worth[worth >= -np.log(0.05)], len(tasks), 0.05),
        floor=("one sort", lambda: np.sort(worth)),
    )
    sums = np.abs(worth)
    table.line(
        "decayed",
        lambda: cusum.alarms(sums, 9.0),
        floor=("one comparison", lambda: sums >= 9.0),
    )
    n, s = tasks.astype(np.float64), successes.astype(np.float64)
    table.line(
        "upper and lower",
        lambda: wilson.bounds(n, s, 0.95),
        floor=("a division and a root", lambda: np.sqrt(s / n)),
    )
    table.line(
        "posterior, the priors of its pools",
        lambda: posterior.pool_priors(
            tasks, successes, fleet.pools, fleet.members, count=POOLS
        ),
        floor=("one sum by pool", lambda: np.bincount(fleet.pools, weights=s)),
    )
    priors = posterior.pool_priors(tasks, successes, fleet.pools, fleet.members, count=POOLS)
    a, b = priors.a[fleet.pools] + s, priors.b[fleet.pools] + (n - s)
    table.line(
        "posterior, everybody",
        lambda: posterior.below(tasks, successes, fleet.pools, priors, TARGET),
        peer=("scipy.special.betainc", lambda: betainc(a, b, TARGET)),
    )


def _by_pools(table: Table, fleet: Workers) -> None:
    rates, pools = fleet.rates, fleet.pools
    a_few = fleet.everybody[rates < 0.6]

    def ranks() -> peers.Ranks:
        return peers.ranked(rates, pools, fleet.members, count=POOLS)

    sort = "one sort", lambda: np.argsort(rates)
    scale = len(rates) / 20
    table.line(
        "peers, everybody",
        lambda: peers.usual(ranks(), fleet.everybody),
        floor=sort,
        peer=("numpy.median of the others, 20 agents, scaled", lambda: plain_peers(fleet, 20)),
        scale=scale,
    )
    table.line(
        "outlier, everybody",
        lambda: outlier.distance(ranks(), rates, fleet.everybody, worse=-1),
        floor=sort,
    )
    table.line(
        f"outlier, the {len(a_few)} below its floor",
        lambda: outlier.distance(ranks(), rates, a_few, worse=-1),
        floor=sort,
    )
    rng = np.random.default_rng(8)
    tasks = rng.multinomial(40, np.full(KINDS, 1 / KINDS), len(rates)).T.copy()
    successes = rng.binomial(tasks, 0.85)
    table.line(
        f"expected_ratio, {KINDS} kinds of task",
        lambda: expected.ratios(
            tasks, successes, pools, fleet.members, count=POOLS, at_least=5
        ),
        floor=(
            "two sums by pool and kind",
            lambda: [
                np.bincount(pools, weights=part) for both in (tasks, successes) for part in both
            ],
        ),
    )


def plain_proofs(fleet: Workers, agents: int) -> list[bool]:
    """As one would write it at first: agent by agent, alternative by alternative."""
    worse = [TARGET * (cell + 0.5) / proven.CELLS for cell in range(proven.CELLS)]
    found = []
    for n, s in zip(
        fleet.tasks[:agents].tolist(), fleet.successes[:agents].tolist(), strict=True
    ):
        best = max(s / n, TARGET)
        # in plain numbers, not logarithms: a longer history would run out of them
        against = best**s * (1 - best) ** (n - s)
        mixed = sum(g**s * (1 - g) ** (n - s) for g in worse) / proven.CELLS
        found.append(mixed >= 100 * against > 0)
    return found


def plain_peers(fleet: Workers, agents: int) -> list[float]:
    """As one would write it at first: each agent's others picked out."""
    found = []
    for agent in range(agents):
        others = fleet.pools == fleet.pools[agent]
        others[agent] = False
        found.append(float(np.median(fleet.rates[others])))
    return found


def main() -> None:
    """Measure each size."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--agents", type=int, nargs="+", default=[100_000])
    parser.add_argument("--rounds", type=int, default=9)
    given = parser.parse_args()
    for agents in given.agents:
        run(agents, given.rounds)


if __name__ == "__main__":
    main()
