"""Many of a pool came with a new bootId at once: a deploy, not an outage. Silence is not judged meanwhile."""

from collections.abc import Mapping

import numpy as np
from msgspec import Struct

from pinkslip.judge.docket import Cases, Hold, Pools
from pinkslip.judge.numeric import share_in_billionths
from pinkslip.judge.phrases import span
from pinkslip.judge.view import FleetView
from pinkslip.model.policy import MassRestart
from pinkslip.model.time import rfc3339


class Deploy(Struct, frozen=True):
    """A pool in which too many restarted at once for it to be chance."""

    pool: str
    """The value of the guards' pool label; empty for agents without one."""
    since: int
    """When the first of them came back, of those that count."""
    restarted: int
    """How many came with a new bootId within one `per`."""
    size: int
    """Active agents of the pool."""


def deploys(view: FleetView, *, pools: Pools, rule: MassRestart) -> Mapping[int, Deploy]:
    """The pools that are restarting, by code. An agent counts for `per` after it came with its new bootId."""
    restarted = view.active & (view.boot_changed_at > view.now - rule.per_ms)
    if np.count_nonzero(restarted) < rule.at_least:
        return {}
    count, size = pools.count(restarted), pools.count(view.active)
    enough = (count >= rule.at_least) & (count > 0)
    enough &= count * 1_000_000_000 >= share_in_billionths(rule.share) * size
    return {
        code: Deploy(
            pool=pools.names[code],
            since=int(view.boot_changed_at[restarted & (pools.codes == code)].min()),
            restarted=int(count[code]),
            size=int(size[code]),
        )
        for code in np.flatnonzero(enough).tolist()
    }


def hold(
    cases: Cases, *, pools: Pools, deploys: Mapping[int, Deploy], rule: MassRestart | None
) -> Hold:
    """Stale-type cases in pools that are restarting, notices too. Without a rule: nobody."""
    if rule is None:
        return Hold.nobody(cases)
    per = span(rule.per_ms)
    codes = pools.codes[cases.slot]

    def words(case: int) -> str:
        code = int(codes[case])
        deploy = deploys[code]
        return (
            f"{pools.spoken(code)} restarts since {rfc3339(deploy.since)}: {deploy.restarted} of "
            f"{deploy.size} agents came with a new bootId within {per}, which is a deploy and no outage"
        )

    return Hold(cases.is_stale_type & np.isin(codes, list(deploys)), words)
