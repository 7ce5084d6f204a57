"""A person asked for quiet: policies leave the agents a silence matches alone until it ends."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from pinkslip.judge.docket import Cases, Hold
from pinkslip.judge.numeric import share_in_billionths
from pinkslip.judge.phrases import counted
from pinkslip.judge.view import Bools
from pinkslip.model.facts import Silence
from pinkslip.model.policy import Matcher, MaxSilenced
from pinkslip.model.time import rfc3339


@dataclass(frozen=True, slots=True)
class Quiet:
    """A silence in force, and whom it is about."""

    silence: Silence
    agents: Bools
    """Per slot."""


def in_force(silences: Iterable[Silence], *, now: int) -> list[Silence]:
    """Those that hold at `now`: from their first instant until just before their last. The longest comes first."""
    holding = [each for each in silences if each.starts_at <= now < each.ends_at]
    return sorted(holding, key=lambda each: (-each.ends_at, each.id))


def matchers(silence: Silence) -> tuple[Matcher, ...]:
    """What a silence asks of an agent, as a policy's `match` would say it."""
    return tuple(
        Matcher(field, frozenset(values), patterns) for field, values, patterns in silence.match
    )


def hold(cases: Cases, *, quiets: Sequence[Quiet]) -> Hold:
    """Whatever is wanted of a silenced agent, notices too. The silence that ends last gives the reason."""
    holds = np.zeros(len(cases), dtype=np.bool_)
    for quiet in quiets:
        holds |= quiet.agents[cases.slot]

    def words(case: int) -> str:
        slot = cases.slot[case]
        silence = next(quiet.silence for quiet in quiets if quiet.agents[slot])
        return f"silenced by {silence.owner} until {rfc3339(silence.ends_at)}: {silence.reason}"

    return Hold(holds, words)


def too_broad(silenced: int, *, active: int, rule: MaxSilenced) -> str:
    """Why a silence that takes in `silenced` of the `active` agents asks for force; empty when it does not."""
    share = share_in_billionths(rule.share) * active // 1_000_000_000
    most = max(rule.at_least, share)
    if silenced <= most:
        return ""
    return (
        f"it silences {silenced} of {counted(active, 'active agent')}; "
        f"guards.max_silenced allows {most} without force"
    )
