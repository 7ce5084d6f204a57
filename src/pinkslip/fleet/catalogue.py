"""The one table of measures: what a policy may ask of every agent. Policies, judge and docs read it.

A measure is a number about each agent now, in base units (seconds, ratios, dollars, plain numbers). Unknown
is a value of its own (NaN), and never fires anybody.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from pinkslip.model.policy import Unit


@dataclass(frozen=True, slots=True)
class MeasureKind:
    """One measure: its name in policies, its dimension, and what kind of question it asks."""

    name: str
    unit: Unit
    windowed: bool
    """Written with a window: `success_rate[1h]`, `success_rate[50 tasks]`."""
    reads_outcomes: bool
    """Rests on finished tasks; the newborn guard then asks for some."""
    stale_type: bool
    """Reads silence: never true of WAITING, finished or fired agents, held in blind time and panic."""
    doc: str
    """One sentence, shown by the docs and by error messages."""
    worse: int = 0
    """Which way is worse: +1 higher, -1 lower, 0 neither; `outlier` is positive toward it."""


def _plain(
    name: str, unit: Unit, doc: str, *, stale_type: bool = False, worse: int = 0
) -> MeasureKind:
    return MeasureKind(name, unit, False, False, stale_type, doc, worse)


def _windowed(name: str, unit: Unit, doc: str, *, worse: int = 0) -> MeasureKind:
    return MeasureKind(name, unit, True, True, False, doc, worse)


_HIGHER, _LOWER = 1, -1


_NUMBER, _SECONDS, _RATIO, _DOLLARS = Unit.NUMBER, Unit.SECONDS, Unit.RATIO, Unit.DOLLARS

_KINDS = (
    _plain(
        "heartbeat_age",
        _SECONDS,
        "Time since the last heartbeat, our blind time taken off; unknown when the agent never sent one.",
        stale_type=True,
        worse=_HIGHER,
    ),
    _plain(
        "heartbeat_interval",
        _SECONDS,
        "How often the agent said it would beat, else the setting.",
    ),
    _plain(
        "missed_beats",
        _NUMBER,
        "Whole heartbeat intervals since the last heartbeat; unknown when the agent never sent one.",
        stale_type=True,
        worse=_HIGHER,
    ),
    _plain(
        "suspicion",
        _NUMBER,
        "How unusual the present silence is for this agent: 1 is one in ten, 8 one in a hundred million;"
        " unknown before 8 gaps between heartbeats.",
        stale_type=True,
        worse=_HIGHER,
    ),
    _plain(
        "flap_score",
        _RATIO,
        "How often the agent turned late and back, of its last 21 heartbeats, the newest weighing most.",
        worse=_HIGHER,
    ),
    _plain(
        "progress_age",
        _SECONDS,
        "Time since the progress number last changed; unknown when none was given.",
        stale_type=True,
        worse=_HIGHER,
    ),
    _plain(
        "status_age",
        _SECONDS,
        "Time since the status last changed.",
        stale_type=True,
        worse=_HIGHER,
    ),
    _plain(
        "task_age",
        _SECONDS,
        "Time since the current task last changed; unknown without a current task.",
        stale_type=True,
        worse=_HIGHER,
    ),
    _plain("age", _SECONDS, "Time since first contact, or since reinstatement."),
    _plain(
        "context_used",
        _RATIO,
        "Share of the context window in use; unknown when not given.",
        worse=_HIGHER,
    ),
    MeasureKind(
        "consecutive_failures",
        _NUMBER,
        False,
        True,
        False,
        "Failures since the last success, of those the policy counts.",
        _HIGHER,
    ),
    _windowed(
        "tasks",
        _NUMBER,
        "Outcomes that count for rates: successes, and failures of the faults the policy counts.",
    ),
    _windowed("successes", _NUMBER, "Tasks that ended in success.", worse=_LOWER),
    _windowed("failures", _NUMBER, "Counted tasks that did not end in success.", worse=_HIGHER),
    _windowed("refusals", _NUMBER, "Counted tasks the agent refused.", worse=_HIGHER),
    _windowed("off_track", _NUMBER, "Counted tasks that left their purpose.", worse=_HIGHER),
    _windowed("timeouts", _NUMBER, "Counted tasks that ran out of time.", worse=_HIGHER),
    _windowed(
        "corruptions",
        _NUMBER,
        "Counted tasks that ended in an overflown context or in output nobody can parse.",
        worse=_HIGHER,
    ),
    _windowed(
        "success_rate",
        _RATIO,
        "Successes over tasks; unknown below `min_tasks`.",
        worse=_LOWER,
    ),
    _windowed(
        "expected_ratio",
        _RATIO,
        "Successes over those the pool would have had on the same mix of task kinds, the agent left out;"
        " unknown below `min_tasks`.",
        worse=_LOWER,
    ),
    _windowed(
        "score",
        _RATIO,
        "Mean score of the counted tasks that carry one; unknown below `min_tasks` of them.",
        worse=_LOWER,
    ),
    _windowed(
        "duration_mean",
        _SECONDS,
        "Mean duration of all tasks that gave one, whosever fault; unknown below `min_tasks` of them.",
        worse=_HIGHER,
    ),
    _windowed(
        "duration_p50",
        _SECONDS,
        "Median duration (nearest rank), exact; unknown below `min_tasks` durations.",
        worse=_HIGHER,
    ),
    _windowed(
        "duration_p95",
        _SECONDS,
        "95th percentile of durations (nearest rank), exact; unknown below `min_tasks` durations.",
        worse=_HIGHER,
    ),
    _windowed(
        "tokens", _NUMBER, "Tokens in and out of all tasks, whosever fault.", worse=_HIGHER
    ),
    _windowed("cost", _DOLLARS, "Dollars spent on all tasks, whosever fault.", worse=_HIGHER),
    _windowed(
        "cost_per_success",
        _DOLLARS,
        "Dollars spent per success; unknown below `min_tasks` or without a success.",
        worse=_HIGHER,
    ),
    _windowed(
        "errors", _NUMBER, "Outcomes that carried an error, whosever fault.", worse=_HIGHER
    ),
)

MEASURES: Mapping[str, MeasureKind] = MappingProxyType({kind.name: kind for kind in _KINDS})
"""Every measure by its name, in the order the docs show them."""
