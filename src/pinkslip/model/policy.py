"""A firing policy as the judge takes it: parsed, checked, compiled once, free of YAML.

Expressions are trees of small frozen nodes. Values inside an expression are in base units: seconds,
ratios (70 % is 0.7), dollars, plain numbers. Unknown is NaN for numbers and a third truth for conditions.
"""

from dataclasses import dataclass, field
from enum import StrEnum

from pinkslip.model.words import Action, Fault, Mode, Scope, Source


class Unit(StrEnum):
    """The dimension of a value. Comparing or adding two different ones is refused at load."""

    NUMBER = "number"
    SECONDS = "duration"
    RATIO = "ratio"
    DOLLARS = "dollars"
    TRUTH = "condition"


class WindowKind(StrEnum):
    """What a window counts by."""

    TIME = "time"
    TASKS = "tasks"


@dataclass(frozen=True, slots=True)
class Window:
    """`[1h]` or `[50 tasks]`."""

    kind: WindowKind
    length: int
    """Milliseconds, or a number of tasks."""

    def __str__(self) -> str:
        if self.kind is WindowKind.TASKS:
            return f"[{self.length} tasks]"
        for unit, size in (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000)):
            if self.length % size == 0:
                return f"[{self.length // size}{unit}]"
        return f"[{self.length}ms]"


@dataclass(frozen=True, slots=True)
class Filter:
    """Which outcomes a policy counts: whose fault is a failure, and whose word is taken."""

    faults: frozenset[Fault] = frozenset({Fault.AGENT})
    sources: frozenset[Source] = frozenset(Source)


@dataclass(frozen=True, slots=True)
class Span:
    """Where in the expression's text a node stands: offsets of its first character and one past its last."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Constant:
    """A literal, already in base units."""

    value: float
    unit: Unit
    span: Span


@dataclass(frozen=True, slots=True)
class Measured:
    """A measure, windowed or not."""

    name: str
    window: Window | None
    unit: Unit
    span: Span

    @property
    def key(self) -> str:
        """As evidence names it: `success_rate[1h]`."""
        return self.name + (str(self.window) if self.window else "")


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """`+ - * /`; division by zero is unknown."""

    operator: str
    left: "Expression"
    right: "Expression"
    unit: Unit
    span: Span


@dataclass(frozen=True, slots=True)
class Negative:
    """Unary minus."""

    operand: "Expression"
    unit: Unit
    span: Span


@dataclass(frozen=True, slots=True)
class Call:
    """A function: of numbers (`min`, `max`, `abs`) or of evidence.

    | function | arguments | named | unit |
    |---|---|---|---|
    | `proven(success < 70%, error=1%)` | none | target, and error or fdr | condition |
    | `decayed(success, from=85%, to=60%, limit=9)` | none | from, to, limit | condition |
    | `posterior(success < 70%)` | none | target | ratio |
    | `upper(success_rate[w], confidence=95%)`, `lower(…)` | the measure | confidence | ratio |
    | `peers(measure)` | the measure | none | the measure's |
    | `outlier(measure)` | the measure | none | number |
    """

    function: str
    arguments: tuple["Expression", ...]
    named: tuple[tuple[str, float], ...]
    """Every named argument the function has, defaults filled in, in the order of the table."""
    unit: Unit
    span: Span


@dataclass(frozen=True, slots=True)
class Comparison:
    """`< <= > >= == !=`; unknown when a side is."""

    operator: str
    left: "Expression"
    right: "Expression"
    span: Span
    unit: Unit = Unit.TRUTH


@dataclass(frozen=True, slots=True)
class Not:
    """Kleene's: not unknown is unknown."""

    operand: "Expression"
    span: Span
    unit: Unit = Unit.TRUTH


@dataclass(frozen=True, slots=True)
class Logic:
    """`and` or `or` over two or more conditions, Kleene's."""

    operator: str
    operands: tuple["Expression", ...]
    span: Span
    unit: Unit = Unit.TRUTH


Expression = Constant | Measured | Arithmetic | Negative | Call | Comparison | Not | Logic


@dataclass(frozen=True, slots=True)
class Condition:
    """A compiled `when` or `clear_when` with the text it came from."""

    text: str
    tree: Expression


@dataclass(frozen=True, slots=True)
class Matcher:
    """One line of `match`: `field` is agent, name, role, model, host, status, standing, lineage or label.<name>.

    Holds when the field equals one of `values` or is fully matched by one of `patterns`. A field the agent
    does not have matches nothing.
    """

    field: str
    values: frozenset[str] = frozenset()
    patterns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rung:
    """One step of a ladder: `notify`, `probation`, `probation 1d`, `quarantine 10m`, `fire`."""

    action: Action
    for_ms: int | None = None
    """Quarantine: how long the first one lasts. Probation: until when at the latest; None: until recovery."""

    def __str__(self) -> str:
        if self.for_ms is None:
            return self.action.value
        return f"{self.action.value} {str(Window(WindowKind.TIME, self.for_ms))[1:-1]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What the operator wrote, checked."""

    name: str
    when: Condition
    text: str
    """The policy's own YAML lines, as written: frozen into fire records."""
    hash: str
    """SHA-256 (first 16 hex digits) of everything that changes what the policy decides."""
    file: str
    line: int
    description: str = ""
    match: tuple[Matcher, ...] = ()
    clear_when: Condition | None = None
    for_ms: int = 0
    keep_for_ms: int = 0
    mode: Mode = Mode.SHADOW
    action: Action = Action.NOTIFY
    """The worst it may do: of a ladder, its worst rung."""
    ladder: tuple[Rung, ...] = ()
    """Empty: `action` at the first crossing, once an episode, and evidence does not start anew."""
    scope: Scope = Scope.AGENT
    notice_ms: int = 0
    """How long a fire waits after it was announced."""
    approval: bool = False
    """A fire waits for a person who approves it."""
    percent: float = 1.0
    """The share of agents for whom it is enforced, always the same ones; for the others it is in shadow."""
    reason: str | None = None
    severity: str | None = None
    """The label `severity` of what people are told; None: what is usual for the kind of message."""
    labels: tuple[tuple[str, str], ...] = ()
    """Labels added to what people are told, by name."""
    outcomes: Filter = field(default_factory=Filter)

    @property
    def rungs(self) -> tuple[Rung, ...]:
        """What it does, crossing by crossing; one rung where no ladder is given."""
        return self.ladder or (Rung(self.action),)

    @property
    def may_fire(self) -> bool:
        """Whether any rung fires."""
        return any(rung.action is Action.FIRE for rung in self.rungs)

    @property
    def episode_hash(self) -> str:
        """Of when, for, match, scope: while it stays, episodes go on over a reload."""
        return self.hash.partition("-")[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class MaxFired:
    """At most max(at_least, floor(share x pool)) fired within `per_ms`, per pool."""

    share: float = 0.10
    per_ms: int = 3_600_000
    at_least: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class MaxFires:
    """At most `count` fires within `per_ms`, per workspace."""

    count: int = 3
    per_ms: int = 600_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Panic:
    """When this share of a pool (and at least so many) is newly stale or failing within `per_ms`."""

    share: float = 0.15
    at_least: int = 3
    per_ms: int = 120_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Newborn:
    """Agents younger than `age_ms`, or with fewer tasks where outcomes are judged, are left alone."""

    age_ms: int = 300_000
    tasks: int = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class CommonCause:
    """When the failing agents share a factor: at least so many of it fail, and this share of its group, and
    Fisher's exact test against the rest is below `error` divided by the number of groups looked at."""

    factors: tuple[str, ...] = ("model", "host", "label.provider", "label.version")
    at_least: int = 3
    share: float = 0.5
    error: float = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class MassRestart:
    """When this share of a pool (and at least so many) came with a new bootId within `per_ms`: a deploy."""

    share: float = 0.3
    at_least: int = 3
    per_ms: int = 300_000


@dataclass(frozen=True, slots=True, kw_only=True)
class MaxNotices:
    """At most `count` notifications and notices within `per_ms`, per workspace."""

    count: int = 30
    per_ms: int = 600_000


@dataclass(frozen=True, slots=True, kw_only=True)
class MaxQuarantined:
    """At most max(at_least, floor(share x pool)) in quarantine at once, counted after the action."""

    share: float = 0.2
    at_least: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class MaxSilenced:
    """A silence that takes in more than max(at_least, floor(share x active agents)) is refused unless forced."""

    share: float = 0.5
    at_least: int = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Guards:
    """What no policy may override. One per workspace; the defaults stand where none is written."""

    pool: str = "role"
    """The label whose agents make a pool: role, model, host, lineage or label.<name>."""
    max_fired: MaxFired = field(default_factory=MaxFired)
    max_fires: MaxFires = field(default_factory=MaxFires)
    min_active: int = 1
    panic: Panic | None = field(default_factory=Panic)
    """None: `panic: off`."""
    newborn: Newborn = field(default_factory=Newborn)
    common_cause: CommonCause | None = field(default_factory=CommonCause)
    """None: off."""
    mass_restart: MassRestart | None = field(default_factory=MassRestart)
    """None: off."""
    max_notices: MaxNotices = field(default_factory=MaxNotices)
    max_quarantined: MaxQuarantined = field(default_factory=MaxQuarantined)
    max_silenced: MaxSilenced = field(default_factory=MaxSilenced)


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicySet:
    """All policies of one workspace, as loaded together."""

    policies: tuple[Policy, ...]
    guards: Guards
    hash: str
    """SHA-256 (first 16 hex digits) over guards and every policy's hash, in order."""
    texts: tuple[tuple[str, str], ...] = ()
    """(file, text): what was loaded, kept with the decisions it leads to."""
    reasons: tuple[str, ...] = ()
    """Every reason a fire may give: the seed's and the operator's."""
    displays: tuple[tuple[str, str], ...] = ()
    """(reason, how it is shown to people), for every one of `reasons`."""
