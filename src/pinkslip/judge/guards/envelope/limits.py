"""What the guards come to for each pool, said when they are loaded."""

import numpy as np
from msgspec import Struct

from pinkslip.judge.docket import pools_of
from pinkslip.judge.guards.envelope.ledger import share_or_least
from pinkslip.judge.phrases import counted, span
from pinkslip.judge.view import FleetView
from pinkslip.model.policy import Guards
from pinkslip.model.time import DAY_MS, HOUR_MS, MINUTE_MS


class PoolLimit(Struct, frozen=True):
    """What the guards allow one pool as it is now, said when they are loaded."""

    pool: str
    """The value of the guards' pool label; empty for agents without one."""
    agents: int
    """Active ones."""
    max_fires: int
    """How many policies may fire of it within `per_ms`."""
    per_ms: int
    min_active: int
    words: str
    """`pool researcher has 5 agents: at most 1 fire an hour`."""


def limits(view: FleetView, guards: Guards) -> tuple[PoolLimit, ...]:
    """What the guards allow each pool that has active agents now, by name."""
    pools = pools_of(view, guards.pool)
    counts = pools.count(view.active)
    found = [
        limit_of(pools.names[code], spoken=pools.spoken(code), agents=agents, guards=guards)
        for code, agents in enumerate(counts.tolist())
        if agents
    ]
    return tuple(sorted(found, key=lambda limit: limit.pool))


def limit_of(pool: str, *, spoken: str, agents: int, guards: Guards) -> PoolLimit:
    """What the guards allow a pool of so many agents, in which nobody was fired lately."""
    rule = guards.max_fired
    most = int(share_or_least(rule.share, np.array([agents]), rule.at_least)[0])
    allowed = most if guards.max_fires.count else 0
    staying = max(0, agents - guards.min_active)
    return PoolLimit(
        pool=pool,
        agents=agents,
        max_fires=min(allowed, staying),
        per_ms=rule.per_ms,
        min_active=guards.min_active,
        words=f"{spoken} has {counted(agents, 'agent')}: {_allowance(allowed, staying, guards)}",
    )


def _allowance(allowed: int, staying: int, guards: Guards) -> str:
    if not guards.max_fires.count:
        return "no policy may fire anybody, as max_fires is 0"
    if not allowed:
        return "no policy may fire any, as max_fired allows none of so few"
    if not staying:
        return f"no policy can ever fire one, as {guards.min_active} must stay (min_active)"
    most = min(allowed, staying)
    return f"at most {counted(most, 'fire')} {_per(guards.max_fired.per_ms)}"


def _per(per_ms: int) -> str:
    """`an hour`, `a day`; `in 10 min` where there is no word for it."""
    names = {MINUTE_MS: "a minute", HOUR_MS: "an hour", DAY_MS: "a day"}
    return names.get(per_ms, f"in {span(per_ms)}")
