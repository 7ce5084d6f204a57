"""The Agent dashboard: one agent, beside its role. The only place where per-agent series are drawn."""

from grafana.common import (
    AGENT as AGENT_VARIABLE,
)
from grafana.common import (
    AGENT_UID,
    DATASOURCE,
    FIRED,
    JOB,
    PANICKED,
    ROLE,
    SERVICE,
    STOPPED,
    WORKSPACE,
)
from grafana.queries import (
    AGENT,
    PER_MINUTE,
    grace,
    mean,
    now,
    own_failures,
    rate,
    share,
    silence,
    total,
)
from grafana.queries import (
    WORKSPACE as IN_WORKSPACE,
)
from grafana.schema import (
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

FULL_ONLY = "only agents with `per_agent: full` have this series"
ITS_ROLE = f"group (pinkslip_agent_info{{{AGENT}}}) by (role)"

HOLDS = (
    Mapped(value=0, text="no", color=Color.QUIET),
    Mapped(value=1, text="yes", color=Color.GOOD),
)
EXEMPTION = (
    Mapped(value=0, text="watched", color=Color.GOOD),
    Mapped(value=1, text="exempt", color=Color.QUIET),
)
EVIDENCE = (Step(None, Color.GOOD), Step(0.5, Color.WARN), Step(1, Color.BAD))


def _beside_its_role(query: str) -> str:
    """A query by role, for the role of this agent."""
    return f"{query} and on (role) {ITS_ROLE}"


WHO = Row(
    title="Who it is",
    panels=(
        Table(
            title="Agent",
            description="What the agent says of itself.",
            targets=(
                Target(
                    expr=now(
                        c.AGENT_INFO,
                        by=("workspace", "agent", "name", "role", "model"),
                        where=AGENT,
                        each=True,
                    ),
                    instant=True,
                    is_table=True,
                    name="info",
                ),
            ),
            unit=Unit.NONE,
            width=9,
            height=4,
            columns=(
                Column(source="workspace", title="Workspace"),
                Column(source="agent", title="Agent"),
                Column(source="name", title="Name"),
                Column(source="role", title="Role"),
                Column(source="model", title="Model"),
            ),
        ),
        Stat(
            title="Status",
            description="What it says it is doing.",
            targets=(
                Target(
                    expr=f"{now(c.AGENT_STATUS, by=('status',), where=AGENT, each=True)} == 1",
                    legend="{{status}}",
                    instant=True,
                ),
            ),
            unit=Unit.NONE,
            text="name",
        ),
        Stat(
            title="Last heartbeat",
            description="When its newest heartbeat reached us.",
            targets=(
                Target(
                    expr=f"1000 * {now(c.AGENT_LAST_HEARTBEAT, where=AGENT, each=True)}",
                    instant=True,
                ),
            ),
            unit=Unit.SINCE,
            no_value="never",
            may_be_empty="it is known through its outcomes only",
        ),
        Stat(
            title="Interval",
            description="How often it beats: what it declared, otherwise what is assumed.",
            targets=(Target(expr=now(c.AGENT_INTERVAL, where=AGENT, each=True), instant=True),),
            unit=Unit.SECONDS,
        ),
        Stat(
            title="Watched",
            description="Whether its silence would alert. WAITING, finished, fired and silenced agents are exempt.",
            targets=(Target(expr=now(c.AGENT_EXEMPT, where=AGENT, each=True), instant=True),),
            unit=Unit.NONE,
            mapped=EXEMPTION,
        ),
        Stat(
            title="Evidence",
            description="How near it is to a verdict by the worst policy: 0 nothing against it, 1 enough to act.",
            targets=(Target(expr=now(c.AGENT_EVIDENCE, where=AGENT, each=True)),),
            unit=Unit.RATIO,
            thresholds=EVIDENCE,
            sparkline=True,
        ),
    ),
)

ALIVE = Row(
    title="Is it alive",
    panels=(
        StateTimeline(
            title="Status over time",
            description="Which status it was in, and when.",
            targets=(
                Target(
                    expr=now(c.AGENT_STATUS, by=("status",), where=AGENT, each=True),
                    legend="{{status}}",
                ),
            ),
            unit=Unit.NONE,
            width=12,
            mapped=HOLDS,
        ),
        TimeSeries(
            title="Silence",
            description="From its last heartbeat to our last tick, and the grace from which it is stale.",
            targets=(
                Target(expr=f"max ({silence(AGENT)})", legend="silence"),
                Target(expr=f"max ({grace(AGENT)})", legend="grace"),
            ),
            unit=Unit.SECONDS,
            width=12,
            colors={"grace": Color.BAD},
            dashed=("grace",),
            may_be_empty="it never sent a heartbeat",
        ),
    ),
)

WORKS = Row(
    title="Does it work",
    panels=(
        TimeSeries(
            title="Tasks",
            description="Tasks that ended, and those of them that failed, by fault.",
            targets=(
                Target(
                    expr=rate(c.AGENT_TASKS, where=AGENT, times=PER_MINUTE), legend="all tasks"
                ),
                Target(
                    expr=rate(
                        c.AGENT_TASKS_FAILED, by=("fault",), where=AGENT, times=PER_MINUTE
                    ),
                    legend="failed: {{fault}}",
                ),
            ),
            unit=Unit.PER_MINUTE,
            width=8,
            colors={"failed: agent": Color.BAD, "all tasks": Color.NEUTRAL},
        ),
        TimeSeries(
            title="Own failures, beside its role",
            description="Share of the tasks that failed by its own fault; dashed, the same of all agents of its role.",
            targets=(
                Target(
                    expr=share(
                        rate(c.AGENT_TASKS_FAILED, where=AGENT, only='fault="agent"'),
                        rate(c.AGENT_TASKS, where=AGENT),
                    ),
                    legend="this agent",
                ),
                Target(
                    expr=_beside_its_role(own_failures(by=("role",), where=IN_WORKSPACE)),
                    legend="its role",
                ),
            ),
            unit=Unit.RATIO,
            width=8,
            maximum=1,
            dashed=("its role",),
            colors={"its role": Color.QUIET},
            may_be_empty="no task ended",
        ),
        TimeSeries(
            title="Duration of a task, beside its role",
            description="The mean; dashed, the same of all agents of its role.",
            targets=(
                Target(expr=mean(c.AGENT_TASK_DURATION, where=AGENT), legend="this agent"),
                Target(
                    expr=_beside_its_role(
                        mean(c.TASK_DURATION, by=("role",), where=IN_WORKSPACE)
                    ),
                    legend="its role",
                ),
            ),
            unit=Unit.SECONDS,
            width=8,
            dashed=("its role",),
            colors={"its role": Color.QUIET},
            may_be_empty="no task ended",
        ),
        TimeSeries(
            title="Evidence against it",
            description="By the worst policy. From the line on there is enough to act.",
            targets=(
                Target(expr=now(c.AGENT_EVIDENCE, where=AGENT, each=True), legend="evidence"),
            ),
            unit=Unit.RATIO,
            width=16,
            maximum=1,
            thresholds=(Step(None, Color.GOOD), Step(1, Color.BAD)),
            threshold_line=True,
        ),
        Table(
            title="In the time shown",
            description="Tasks, failures by its own fault, and failures by others.",
            targets=(
                Target(
                    expr=total(c.AGENT_TASKS, by=("agent",), where=AGENT),
                    instant=True,
                    is_table=True,
                    name="tasks",
                ),
                Target(
                    expr=total(
                        c.AGENT_TASKS_FAILED, by=("agent",), where=AGENT, only='fault="agent"'
                    ),
                    instant=True,
                    is_table=True,
                    name="own",
                ),
                Target(
                    expr=total(
                        c.AGENT_TASKS_FAILED, by=("agent",), where=AGENT, only='fault!="agent"'
                    ),
                    instant=True,
                    is_table=True,
                    name="others",
                ),
            ),
            unit=Unit.SHORT,
            width=8,
            columns=(
                Column(source="tasks", title="Tasks", decimals=0),
                Column(source="own", title="Own failures", decimals=0),
                Column(source="others", title="Failures by others", decimals=0),
            ),
        ),
    ),
)

FULL = Row(
    title="More of it (per_agent: full)",
    panels=(
        TimeSeries(
            title="Progress",
            description="The progress number it gives, in its own unit. A flat line while it beats is a busy nothing.",
            targets=(
                Target(expr=now(c.AGENT_PROGRESS, where=AGENT, each=True), legend="progress"),
            ),
            unit=Unit.SHORT,
            width=8,
            minimum=None,
            steps=True,
            may_be_empty=FULL_ONLY,
        ),
        TimeSeries(
            title="Context used",
            description="How full its context is.",
            targets=(Target(expr=now(c.AGENT_CONTEXT, where=AGENT, each=True), legend="used"),),
            unit=Unit.RATIO,
            width=8,
            maximum=1,
            may_be_empty=FULL_ONLY,
        ),
        TimeSeries(
            title="Score",
            description="Mean score of its tasks, from 0 to 1, where they were scored.",
            targets=(Target(expr=mean(c.AGENT_SCORE, where=AGENT), legend="score"),),
            unit=Unit.RATIO,
            width=8,
            maximum=1,
            may_be_empty=FULL_ONLY,
        ),
        TimeSeries(
            title="Tokens",
            description="Per minute: in is what it read, out what it wrote.",
            targets=(
                Target(
                    expr=rate(c.AGENT_TOKENS, by=("direction",), where=AGENT, times=PER_MINUTE),
                    legend="{{direction}}",
                ),
            ),
            unit=Unit.PER_MINUTE,
            width=8,
            may_be_empty=FULL_ONLY,
        ),
        TimeSeries(
            title="Cost",
            description="What its tasks cost, in dollars per hour at the present rate.",
            targets=(Target(expr=rate(c.AGENT_COST, where=AGENT, times=3600), legend="cost"),),
            unit=Unit.DOLLARS,
            width=8,
            may_be_empty=FULL_ONLY,
        ),
        TimeSeries(
            title="Errors",
            description="Outcomes with an error, and its changes to status ERROR, per minute.",
            targets=(
                Target(
                    expr=rate(c.AGENT_ERRORS, where=AGENT, times=PER_MINUTE), legend="errors"
                ),
            ),
            unit=Unit.PER_MINUTE,
            width=8,
            may_be_empty=FULL_ONLY,
        ),
    ),
    collapsed=True,
)

DASHBOARD = Dashboard(
    uid=AGENT_UID,
    title="Pinkslip / Agent",
    description="One agent: is it alive, does it work, how near is it to being fired.",
    variables=(DATASOURCE, JOB, WORKSPACE, ROLE, AGENT_VARIABLE),
    rows=(WHO, ALIVE, WORKS, FULL),
    annotations=(FIRED, PANICKED, STOPPED),
    links=(SERVICE,),
    since="now-3h",
)
