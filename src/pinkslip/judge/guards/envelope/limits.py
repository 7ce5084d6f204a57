"""What the guards come to for each pool: what the envelope would hold a fire against now."""

import numpy as np
from msgspec import Struct

from pinkslip.judge.docket import pools_of
from pinkslip.judge.guards.envelope.ledger import share_or_least
from pinkslip.judge.phrases import counted, span
from pinkslip.judge.view import FleetView
from pinkslip.model.policy import Guards
from pinkslip.model.time import DAY_MS, HOUR_MS, MINUTE_MS


class PoolLimit(Struct, frozen=True):
    """What the guards allow one pool now, said when they are loaded and wherever policies are shown."""

    pool: str
    """The value of the guards' pool label; empty for agents without one."""
    agents: int
    """Active ones."""
    max_fires: int
    """How many policies may fire of it within `per_ms`."""
    per_ms: int
    min_active: int
    words: str
    """`pool researcher has 99 agents, 5 an hour ago: at most 1 fire an hour`."""


def limits(view: FleetView, guards: Guards) -> tuple[PoolLimit, ...]:
    """What the guards allow each pool that has active agents now, by name."""
    pools = pools_of(view, guards.pool)
    now = pools.count(view.active).tolist()
    at_start = pools.count(view.active_at(view.now - guards.max_fired.per_ms)).tolist()
    found = [
        limit_of(
            pools.names[code],
            spoken=pools.spoken(code),
            agents=agents,
            at_start=before,
            guards=guards,
        )
        for code, (agents, before) in enumerate(zip(now, at_start, strict=True))
        if agents
    ]
    return tuple(sorted(found, key=lambda limit: limit.pool))


def limit_of(
    pool: str, *, spoken: str, agents: int, guards: Guards, at_start: int | None = None
) -> PoolLimit:
    """What the guards allow a pool of so many agents, in which nobody was fired lately.

    `at_start`: how many it had when the window of `max_fired` began, against which its share is counted. Where
    only sizes are known it is left out: the limit of a pool that has been this large for as long.
    """
    rule = guards.max_fired
    before = agents if at_start is None else at_start
    most = int(share_or_least(rule.share, np.array([before]), rule.at_least)[0])
    allowed = most if guards.max_fires.count else 0
    staying = max(0, agents - guards.min_active)
    has = f"{spoken} has {counted(agents, 'agent')}"
    if before != agents:
        has += f", {before} {_ago(rule.per_ms)}"
    return PoolLimit(
        pool=pool,
        agents=agents,
        max_fires=min(allowed, staying),
        per_ms=rule.per_ms,
        min_active=guards.min_active,
        words=f"{has}: {_allowance(allowed, staying, guards)}",
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


_SPOKEN = {MINUTE_MS: "a minute", HOUR_MS: "an hour", DAY_MS: "a day"}


def _per(per_ms: int) -> str:
    """`an hour`, `a day`; `in 10 min` where there is no word for it."""
    return _SPOKEN.get(per_ms, f"in {span(per_ms)}")


def _ago(per_ms: int) -> str:
    """`an hour ago`; `as of 10 min ago` where there is no word for it."""
    return f"{_SPOKEN.get(per_ms, f'as of {span(per_ms)}')} ago"
