"""`tests:` of a policy file: what agents did, what people did, and what the policies must have made of it.

This is the format only; `case_reader` reads it from a file, and `replay` runs it. Instants are offsets from the
beginning of the test, in milliseconds. docs/policies/testing.md shows the format to people.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

from pinkslip.model.events import Heartbeat, Outcome
from pinkslip.model.policy import (
    Guards,
    Matcher,
    MaxFired,
    MaxFires,
    MaxNotices,
    MaxQuarantined,
    Newborn,
)
from pinkslip.model.time import DAY_MS
from pinkslip.model.words import Action, Guard, Mode, Source, Standing, Verdict
from pinkslip.policies.schedules import (
    Rhythm,
    Series,
)
from pinkslip.policies.text import Place

TICK_MS = 5_000
AGE_MS = DAY_MS
AGENTS_MAX = 5_000
TICKS_MAX = 100_000
REPORTS_MAX = 1_000_000
"""In one test: what it would take longer to run than people wait is refused."""

OPEN = Guards(
    max_fired=MaxFired(share=1.0, at_least=1_000_000),
    max_fires=MaxFires(count=1_000_000),
    min_active=0,
    panic=None,
    newborn=Newborn(age_ms=0, tasks=0),
    common_cause=None,
    mass_restart=None,
    max_notices=MaxNotices(count=1_000_000),
    max_quarantined=MaxQuarantined(share=1.0, at_least=1_000_000),
)
"""`guards: open`: nobody is held, except by what people did and by our own blindness."""


@dataclass(frozen=True, slots=True)
class Said:
    """A heartbeat that says more than that the loop is alive."""

    at_ms: int
    heartbeat: Heartbeat


@dataclass(frozen=True, slots=True)
class Worked:
    """Tasks an agent did."""

    series: Series
    outcome: Outcome
    """What all of them share; result and fault are the series'."""
    source: Source = Source.SELF


@dataclass(frozen=True, slots=True, kw_only=True)
class Agents:
    """One agent, or several that do the same."""

    ids: tuple[str, ...]
    age_ms: int
    """For how long they have been known when the test begins."""
    identity: Heartbeat
    """What they said of themselves at first contact."""
    beats: tuple[Rhythm, ...]
    """Empty: never a heartbeat of their own accord."""
    silent: tuple[Rhythm, ...] = ()
    """Stretches without a heartbeat."""
    said: tuple[Said, ...] = ()
    worked: tuple[Worked, ...] = ()


class ActKind(StrEnum):
    """What may happen besides what agents report, as the key that says so."""

    RESTART = "restart"
    PROTECT = "protect"
    SILENCE = "silence"
    QUARANTINE = "quarantine"
    RELEASE = "release"
    REINSTATE = "reinstate"
    VETO = "veto"
    APPROVE = "approve"
    REVIEW = "review"
    RESTORE = "restore"
    STOP = "stop"
    RESUME = "resume"


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """One thing that a person did, or that befell Pinkslip itself."""

    at_ms: int
    kind: ActKind
    place: Place
    agents: tuple[str, ...] = ()
    policy: str | None = None
    """Of a veto or an approval: which policy's, where an agent has several. Of a restore: the policy."""
    for_ms: int | None = None
    """Restart: how long nobody listened. Protect, silence, quarantine: for how long."""
    match: tuple[Matcher, ...] = ()
    wrong: bool = False
    """Reinstate: the fire was a mistake."""
    score_e6: int | None = None
    """Review: of the agent's newest outcome."""
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """What must be so: at an instant, or, without one, at some time of the test. Everything named must hold."""

    place: Place
    at_ms: int | None = None
    agents: tuple[str, ...] = ()
    """Empty: everybody."""
    policy: str | None = None
    """None: whichever."""
    nothing: bool = False
    """No verdict at all."""
    verdict: Verdict | None = None
    """At an instant: the newest one by then."""
    verdicts: tuple[Verdict, ...] | None = None
    """All of them by then, in order."""
    never: frozenset[Verdict] = frozenset()
    action: Action | None = None
    """What the verdict was about: of a ladder, the rung's."""
    held: Guard | None = None
    """Who holds an episode of theirs then; without an instant: who ever did."""
    standing: Standing | None = None
    cause: str | None = None
    """A common cause was named: `model=gpt-9`."""
    demoted: str | None = None
    """A policy that people overruled too often, and that is in shadow since."""
    count: int | None = None
    """So many of the agents, no more and no fewer; None: each of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One test."""

    name: str
    file: str
    place: Place
    key_path: str
    """`tests[0]`."""
    policies: tuple[str, ...]
    """Which are judged."""
    mode: Mode | None = None
    """As if every policy were in this mode; None: as written."""
    is_open: bool = False
    """The guards of the set are wide open, but for `guards`."""
    guards: Guards | None = None
    overridden: tuple[str, ...] = ()
    """The fields of `guards` that were written."""
    tick_ms: int = TICK_MS
    lasts_ms: int
    agents: tuple[Agents, ...]
    acts: tuple[Act, ...] = ()
    """In the order of their instants."""
    expectations: tuple[Expectation, ...]

    def guards_over(self, guards: Guards) -> Guards:
        """The guards of this test, in a set with these."""
        base = replace(OPEN, pool=guards.pool) if self.is_open else guards
        if self.guards is None:
            return base
        return replace(base, **{name: getattr(self.guards, name) for name in self.overridden})
