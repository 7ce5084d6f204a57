"""The Policies dashboard: who was fired and why, what would have been, what the guards held, whether it arrived."""

from grafana.common import (
    DATASOURCE,
    FIRED,
    JOB,
    PANICKED,
    POLICIES_UID,
    ROLE,
    SERVICE,
    STOPPED,
    WORKSPACE,
)
from grafana.queries import PER_HOUR, now, rate, share, total
from grafana.queries import WORKSPACE as IN_WORKSPACE
from grafana.schema import (
    BAD_ABOVE_ZERO,
    WARN_ABOVE_ZERO,
    BarGauge,
    Color,
    Column,
    Dashboard,
    Mapped,
    Row,
    Stat,
    StateTimeline,
    Step,
    Table,
    Target,
    TimeSeries,
    Unit,
)

from pinkslip.metrics import catalogue as c
from pinkslip.metrics.catalogue import Series

REGRET = (Step(None, Color.GOOD), Step(0.05, Color.WARN), Step(0.2, Color.BAD))
ENFORCEMENT = (
    Mapped(value=0, text="stopped", color=Color.BAD),
    Mapped(value=1, text="on", color=Color.GOOD),
)
CALM = (
    Mapped(value=0, text="calm", color=Color.GOOD),
    Mapped(value=1, text="panic", color=Color.BAD),
)


def _decided(verdict: str) -> str:
    return total(c.DECISIONS, only=f'verdict="{verdict}"')


def _decided_by_policy(verdict: str) -> str:
    """0 where a policy is known and never came to this verdict."""
    decided = total(c.DECISIONS, by=("policy",), only=f'verdict="{verdict}"')
    return f"{decided} or 0 * {total(c.DECISIONS, by=('policy',))}"


def _taken_back() -> str:
    """0 for a policy that fired nobody."""
    reversals = total(c.REVERSALS, by=("policy",))
    fires = total(c.FIRES, by=("policy",), only='actor="policy"')
    return f"{share(reversals, fires)} or 0 * {reversals}"


NOW = Row(
    title="In the time shown",
    panels=(
        Stat(
            title="Fired",
            description="Agents fired, by policies and people.",
            targets=(Target(expr=total(c.FIRES), instant=True),),
            unit=Unit.SHORT,
            decimals=0,
            thresholds=WARN_ABOVE_ZERO,
        ),
        Stat(
            title="Would have been",
            description="Decisions of policies in shadow: recorded, nothing done.",
            targets=(
                Target(
                    expr=f"{_decided('shadowed')} or 0 * {total(c.DECISIONS)}", instant=True
                ),
            ),
            unit=Unit.SHORT,
            decimals=0,
        ),
        Stat(
            title="Held",
            description="Verdicts that a guard held back.",
            targets=(Target(expr=total(c.HELD), instant=True),),
            unit=Unit.SHORT,
            decimals=0,
        ),
        Stat(
            title="Taken back",
            description="How often a person overruled a policy: a fire taken back as wrong, or one vetoed.",
            targets=(Target(expr=total(c.REVERSALS), instant=True),),
            unit=Unit.SHORT,
            decimals=0,
            thresholds=WARN_ABOVE_ZERO,
        ),
        Stat(
            title="Enforcement",
            description="Whether policies may act. A stop survives restarts, until somebody resumes.",
            targets=(
                Target(
                    expr=f"min ({now(c.ENFORCEMENT_ENABLED, by=('workspace',), where=IN_WORKSPACE, each=True)})",
                    instant=True,
                ),
            ),
            unit=Unit.NONE,
            mapped=ENFORCEMENT,
        ),
        Stat(
            title="Policies that enforce",
            description="Policies loaded whose mode lets them act. None means that nobody is ever fired by one.",
            targets=(
                Target(
                    expr=now(c.POLICIES, where=IN_WORKSPACE, only='mode="enforce"'),
                    instant=True,
                ),
            ),
            unit=Unit.SHORT,
        ),
        Stat(
            title="Roles in panic",
            description="Roles whose agents fail so many at once that firing for silence is held.",
            targets=(Target(expr=now(c.PANIC)),),
            unit=Unit.SHORT,
            thresholds=BAD_ABOVE_ZERO,
        ),
        Stat(
            title="Zombies",
            description="Fired agents whose process still reports: the kill failed.",
            targets=(Target(expr=now(c.ZOMBIES)),),
            unit=Unit.SHORT,
            thresholds=BAD_ABOVE_ZERO,
        ),
    ),
)

FIRED_ROW = Row(
    title="Who was fired, and why",
    panels=(
        TimeSeries(
            title="Fires by reason",
            description="Per hour at the present rate.",
            targets=(
                Target(expr=rate(c.FIRES, by=("reason",), times=PER_HOUR), legend="{{reason}}"),
            ),
            unit=Unit.SHORT,
            width=12,
            bars=True,
            stacked=True,
        ),
        BarGauge(
            title="Fires by role",
            description="In the time shown.",
            targets=(
                Target(expr=total(c.FIRES, by=("role",)), legend="{{role}}", instant=True),
            ),
            unit=Unit.SHORT,
            width=6,
            decimals=0,
        ),
        BarGauge(
            title="Fires by who did it",
            description="In the time shown: a policy, a person, or the API on somebody's behalf.",
            targets=(
                Target(expr=total(c.FIRES, by=("actor",)), legend="{{actor}}", instant=True),
            ),
            unit=Unit.SHORT,
            width=6,
            decimals=0,
        ),
        Table(
            title="Policies",
            description=(
                "What each policy did in the time shown. Taken back is the share of its fires that a person undid: "
                "what it costs to trust it."
            ),
            targets=(
                Target(
                    expr=_decided_by_policy("fired"),
                    instant=True,
                    is_table=True,
                    name="fired",
                ),
                Target(
                    expr=_decided_by_policy("shadowed"),
                    instant=True,
                    is_table=True,
                    name="shadowed",
                ),
                Target(
                    expr=_decided_by_policy("notified"),
                    instant=True,
                    is_table=True,
                    name="notified",
                ),
                Target(
                    expr=total(c.HELD, by=("policy",)), instant=True, is_table=True, name="held"
                ),
                Target(
                    expr=_taken_back(),
                    instant=True,
                    is_table=True,
                    name="reversed",
                ),
            ),
            unit=Unit.SHORT,
            width=24,
            columns=(
                Column(source="policy", title="Policy"),
                Column(source="fired", title="Fired", decimals=0, thresholds=WARN_ABOVE_ZERO),
                Column(source="shadowed", title="Would have fired", decimals=0),
                Column(source="notified", title="Notified", decimals=0),
                Column(source="held", title="Held", decimals=0),
                Column(
                    source="reversed",
                    title="Taken back",
                    unit=Unit.RATIO,
                    decimals=0,
                    thresholds=REGRET,
                ),
            ),
            sort_by="Fired",
        ),
    ),
)

HELD = Row(
    title="What the guards held",
    panels=(
        TimeSeries(
            title="Held by guard",
            description="Verdicts held back, per hour at the present rate, counted once per episode and guard.",
            targets=(
                Target(expr=rate(c.HELD, by=("guard",), times=PER_HOUR), legend="{{guard}}"),
            ),
            unit=Unit.SHORT,
            width=12,
            bars=True,
            stacked=True,
        ),
        StateTimeline(
            title="Panic",
            description="When firing for silence was held, by role.",
            targets=(
                Target(expr=now(c.PANIC, by=("role",), each=True), legend="role {{role}}"),
            ),
            unit=Unit.NONE,
            width=6,
            mapped=CALM,
        ),
        StateTimeline(
            title="Enforcement over time",
            description="When it was stopped, by workspace.",
            targets=(
                Target(
                    expr=now(
                        c.ENFORCEMENT_ENABLED, by=("workspace",), where=IN_WORKSPACE, each=True
                    ),
                    legend="{{workspace}}",
                ),
            ),
            unit=Unit.NONE,
            width=6,
            mapped=ENFORCEMENT,
        ),
        Table(
            title="Guards and policies",
            description="Which guard held which policy, in the time shown.",
            targets=(
                Target(
                    expr=f"{total(c.HELD, by=('guard', 'policy', 'role'))} > 0",
                    instant=True,
                    is_table=True,
                    name="held",
                ),
            ),
            unit=Unit.SHORT,
            width=24,
            height=6,
            columns=(
                Column(source="guard", title="Guard"),
                Column(source="policy", title="Policy"),
                Column(source="role", title="Role"),
                Column(source="held", title="Held", decimals=0),
            ),
            sort_by="Held",
            no_value="nothing was held",
            may_be_empty="no guard held anything in the time shown",
        ),
    ),
)

DECISIONS = Row(
    title="What was decided",
    panels=(
        TimeSeries(
            title="Decisions by verdict",
            description="Records written, per hour at the present rate. They are written when something changes, not each tick.",
            targets=(
                Target(
                    expr=rate(c.DECISIONS, by=("verdict",), times=PER_HOUR),
                    legend="{{verdict}}",
                ),
            ),
            unit=Unit.SHORT,
            width=8,
            bars=True,
            stacked=True,
            colors={"fired": Color.BAD, "held": Color.WARN, "shadowed": Color.QUIET},
        ),
        TimeSeries(
            title="Policies by mode",
            description="Loaded policies: off, shadow (decide and record), enforce (act).",
            targets=(
                Target(
                    expr=now(c.POLICIES, by=("mode",), where=IN_WORKSPACE), legend="{{mode}}"
                ),
            ),
            unit=Unit.SHORT,
            width=8,
            stacked=True,
            steps=True,
            colors={"enforce": Color.WARN, "shadow": Color.NEUTRAL, "off": Color.QUIET},
        ),
        TimeSeries(
            title="Broken policies",
            description="1 where the newest tick could not judge a policy: it decides nothing, and the others go on.",
            targets=(
                Target(
                    expr=now(c.POLICY_BROKEN, by=("policy",), where=IN_WORKSPACE),
                    legend="{{policy}}",
                ),
            ),
            unit=Unit.SHORT,
            width=8,
            steps=True,
            thresholds=BAD_ABOVE_ZERO,
        ),
    ),
)


def _standing_now(title: str, description: str, series: Series) -> Stat:
    return Stat(
        title=title,
        description=description,
        targets=(Target(expr=now(series, where=IN_WORKSPACE)),),
        unit=Unit.SHORT,
        width=4,
        thresholds=WARN_ABOVE_ZERO,
    )


STANDING = Row(
    title="What stands now",
    panels=(
        _standing_now("Notices", "Fires that wait for their notice to pass.", c.NOTICES),
        _standing_now(
            "Approvals asked", "Fires that wait for a person's approval.", c.APPROVALS_ASKED
        ),
        _standing_now(
            "Silences", "Silences in force: policies leave their agents alone.", c.SILENCES
        ),
        _standing_now(
            "Common causes",
            "Factors that failing agents share: the agents are left alone.",
            c.COMMON_CAUSES,
        ),
        _standing_now(
            "Mass restarts",
            "Pools that are being restarted as a whole: silence fires nobody there.",
            c.MASS_RESTARTS,
        ),
        _standing_now(
            "Demoted policies",
            "Policies in shadow because people overruled them too often.",
            c.POLICY_DEMOTED,
        ),
        TimeSeries(
            title="Agents by standing",
            description="How policies and people regard the agents that have not finished.",
            targets=(
                Target(expr=now(c.AGENTS_STANDING, by=("standing",)), legend="{{standing}}"),
            ),
            unit=Unit.SHORT,
            width=24,
            steps=True,
            colors={
                "fired": Color.BAD,
                "quarantined": Color.WARN,
                "notice": Color.WARN,
                "active": Color.GOOD,
            },
        ),
    ),
)

ARRIVED = Row(
    title="Did the kills arrive",
    panels=(
        TimeSeries(
            title="Deliveries",
            description=(
                "Orders to stop, by how far they came: pending (not yet asked for), delivered, confirmed, unverified "
                "(the agent was silent already), zombie (told, and still running)."
            ),
            targets=(
                Target(
                    expr=now(c.DELIVERIES, by=("state",), where=IN_WORKSPACE),
                    legend="{{state}}",
                ),
            ),
            unit=Unit.SHORT,
            width=12,
            steps=True,
            colors={"zombie": Color.BAD, "confirmed": Color.GOOD, "pending": Color.WARN},
        ),
        TimeSeries(
            title="Zombies by role",
            description="Fired agents whose process still reports.",
            targets=(Target(expr=now(c.ZOMBIES, by=("role",)), legend="{{role}}"),),
            unit=Unit.SHORT,
            width=12,
            steps=True,
        ),
    ),
)

DASHBOARD = Dashboard(
    uid=POLICIES_UID,
    title="Pinkslip / Policies and firings",
    description="Who was fired and why, what would have been, what the guards held, and whether the kills arrived.",
    variables=(DATASOURCE, JOB, WORKSPACE, ROLE),
    rows=(NOW, FIRED_ROW, STANDING, HELD, DECISIONS, ARRIVED),
    annotations=(FIRED, PANICKED, STOPPED),
    links=(SERVICE,),
    since="now-24h",
)
