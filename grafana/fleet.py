"""The Fleet dashboard: who is here, who is silent, which role fails and whose fault it is, what it costs."""

from grafana.common import (
    AGENT_UID,
    CARRY,
    DATASOURCE,
    FIRED,
    FLEET_UID,
    JOB,
    PANICKED,
    POLICIES_UID,
    ROLE,
    SERVICE,
    STOPPED,
    WORKSPACE,
)
from grafana.queries import (
    FLEET,
    PER_HOUR,
    PER_MINUTE,
    about,
    mean,
    now,
    own_failures,
    quantile,
    rate,
    share,
    silent,
    total,
)
from grafana.queries import WORKSPACE as IN_WORKSPACE
from grafana.schema import (
    BAD_ABOVE_ZERO,
    WARN_ABOVE_ZERO,
    Color,
    Column,
    Dashboard,
    Heatmap,
    Link,
    Row,
    Stat,
    Step,
    Table,
    Target,
    TimeSeries,
    Unit,
)

from pinkslip.metrics import catalogue as c

EMPLOYED = 'status!="TERMINATED"'
FAILING = (Step(None, Color.GOOD), Step(0.1, Color.WARN), Step(0.3, Color.BAD))
STATUS_COLORS = {
    "WORKING": Color.GOOD,
    "IDLE": Color.NEUTRAL,
    "WAITING": Color.QUIET,
    "ERROR": Color.BAD,
    "TERMINATED": Color.WARN,
}
TO_AGENT = Link(
    title="This agent",
    url=(
        f"/d/{AGENT_UID}?{CARRY}&var-workspace=${{__data.fields.Workspace:percentencode}}"
        "&var-role=$__all&var-agent=${__data.fields.Agent:percentencode}"
    ),
)
TO_FIRINGS = Link(
    title="Firings of this role",
    url=(
        f"/d/{POLICIES_UID}?{CARRY}&${{workspace:queryparam}}"
        "&var-role=${__data.fields.Role:percentencode}"
    ),
)


def _stale_share() -> str:
    return share(now(c.AGENTS_STALE, by=("role",)), now(c.AGENTS, by=("role",), only=EMPLOYED))


NOW = Row(
    title="Now",
    panels=(
        Stat(
            title="Agents",
            description="Agents that are neither finished nor fired.",
            targets=(Target(expr=now(c.AGENTS, only=EMPLOYED)),),
            unit=Unit.SHORT,
            sparkline=True,
        ),
        Stat(
            title="Working",
            description="Agents that say they are working on a task.",
            targets=(Target(expr=now(c.AGENTS, only='status="WORKING"')),),
            unit=Unit.SHORT,
            sparkline=True,
        ),
        Stat(
            title="Waiting for a user",
            description="Agents that wait for a person. They are never taken for silent.",
            targets=(Target(expr=now(c.AGENTS, only='status="WAITING"')),),
            unit=Unit.SHORT,
        ),
        Stat(
            title="In error",
            description="Agents whose own status is ERROR.",
            targets=(Target(expr=now(c.AGENTS, only='status="ERROR"')),),
            unit=Unit.SHORT,
            thresholds=WARN_ABOVE_ZERO,
        ),
        Stat(
            title="Silent",
            description="Agents without a heartbeat for longer than their grace (3 of their intervals).",
            targets=(Target(expr=now(c.AGENTS_STALE)),),
            unit=Unit.SHORT,
            thresholds=BAD_ABOVE_ZERO,
        ),
        Stat(
            title="Own failures",
            description=(
                "Share of the tasks in the time shown that failed by the agents' own fault; "
                "what provider, tools or users broke is not in it."
            ),
            targets=(
                Target(
                    expr=share(total(c.TASKS_FAILED, only='fault="agent"'), total(c.TASKS)),
                    instant=True,
                ),
            ),
            unit=Unit.RATIO,
            decimals=1,
            thresholds=FAILING,
            no_value="no tasks",
            may_be_empty="no task ended in the time shown",
        ),
        Stat(
            title="Fired",
            description="Agents fired in the time shown, by policies and people.",
            targets=(Target(expr=total(c.FIRES), instant=True),),
            unit=Unit.SHORT,
            decimals=0,
            thresholds=WARN_ABOVE_ZERO,
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

HERE = Row(
    title="Who is here",
    panels=(
        TimeSeries(
            title="Agents by status",
            description="What the agents say they are doing. Fired ones are TERMINATED until they leave memory.",
            targets=(Target(expr=now(c.AGENTS, by=("status",)), legend="{{status}}"),),
            unit=Unit.SHORT,
            width=12,
            stacked=True,
            steps=True,
            colors=STATUS_COLORS,
        ),
        TimeSeries(
            title="Agents by role",
            description="Agents that are neither finished nor fired.",
            targets=(
                Target(expr=now(c.AGENTS, by=("role",), only=EMPLOYED), legend="{{role}}"),
            ),
            unit=Unit.SHORT,
            width=12,
            stacked=True,
            steps=True,
        ),
    ),
)

SILENT = Row(
    title="Who is silent",
    panels=(
        TimeSeries(
            title="Silent agents",
            description="By role. A step shared by many is one cause; a staircase is a leak.",
            targets=(Target(expr=now(c.AGENTS_STALE, by=("role",)), legend="{{role}}"),),
            unit=Unit.SHORT,
            width=6,
            steps=True,
        ),
        TimeSeries(
            title="Share that is silent",
            description="Of each role's agents. From the line on, PinkslipAgentsStaleShare pages.",
            targets=(Target(expr=_stale_share(), legend="{{role}}"),),
            unit=Unit.RATIO,
            width=6,
            maximum=1,
            thresholds=(Step(None, Color.GOOD), Step(0.25, Color.BAD)),
            threshold_line=True,
            steps=True,
        ),
        Table(
            title="Silent the longest",
            description=(
                "The 20 agents that are silent the longest among those beyond their own grace. "
                "WAITING, finished and fired ones are not among them."
            ),
            targets=(
                Target(
                    expr=f"topk(20, {about(silent(IN_WORKSPACE), FLEET)})",
                    instant=True,
                    is_table=True,
                    name="silence",
                ),
            ),
            unit=Unit.NONE,
            width=12,
            columns=(
                Column(source="workspace", title="Workspace"),
                Column(source="role", title="Role"),
                Column(source="agent", title="Agent", links=(TO_AGENT,)),
                Column(source="name", title="Name"),
                Column(source="model", title="Model"),
                Column(source="silence", title="Silent for", unit=Unit.SECONDS, decimals=0),
            ),
            sort_by="Silent for",
            no_value="nobody",
            may_be_empty="nobody is silent",
        ),
    ),
)

FAILING_ROLES = Row(
    title="Which role fails, and whose fault it is",
    panels=(
        TimeSeries(
            title="Own failures by role",
            description="Share of the tasks that failed by the agent's own fault: what policies judge by default.",
            targets=(Target(expr=own_failures(by=("role",)), legend="{{role}}"),),
            unit=Unit.RATIO,
            width=12,
            maximum=1,
        ),
        TimeSeries(
            title="Failed tasks by fault",
            description=(
                "Who broke them. Agents are fired for their own faults; a wave of `provider` is an outage, not a purge."
            ),
            targets=(
                Target(
                    expr=rate(c.TASKS_FAILED, by=("fault",), times=PER_MINUTE),
                    legend="{{fault}}",
                ),
            ),
            unit=Unit.PER_MINUTE,
            width=12,
            stacked=True,
            colors={"agent": Color.BAD, "provider": Color.WARN, "user": Color.QUIET},
        ),
        Table(
            title="Roles",
            description="Each role in the time shown. Own failures as in the panel above.",
            targets=(
                Target(
                    expr=now(c.AGENTS, by=("role",), only=EMPLOYED),
                    instant=True,
                    is_table=True,
                    name="agents",
                ),
                Target(
                    expr=now(c.AGENTS_STALE, by=("role",)),
                    instant=True,
                    is_table=True,
                    name="silent",
                ),
                Target(
                    expr=total(c.TASKS, by=("role",)), instant=True, is_table=True, name="tasks"
                ),
                Target(
                    expr=share(
                        total(c.TASKS_FAILED, by=("role",), only='fault="agent"'),
                        total(c.TASKS, by=("role",)),
                    ),
                    instant=True,
                    is_table=True,
                    name="own",
                ),
                Target(
                    expr=share(
                        total(c.TASK_DURATION, by=("role",), suffix="_sum"),
                        total(c.TASK_DURATION, by=("role",), suffix="_count"),
                    ),
                    instant=True,
                    is_table=True,
                    name="duration",
                ),
                Target(
                    expr=total(c.COST, by=("role",)), instant=True, is_table=True, name="cost"
                ),
                Target(
                    expr=total(c.FIRES, by=("role",)), instant=True, is_table=True, name="fired"
                ),
            ),
            unit=Unit.SHORT,
            width=24,
            columns=(
                Column(source="role", title="Role", links=(TO_FIRINGS,)),
                Column(source="agents", title="Agents", decimals=0),
                Column(source="silent", title="Silent", decimals=0, thresholds=BAD_ABOVE_ZERO),
                Column(source="tasks", title="Tasks", decimals=0),
                Column(
                    source="own",
                    title="Own failures",
                    unit=Unit.RATIO,
                    decimals=1,
                    thresholds=FAILING,
                ),
                Column(source="duration", title="Mean duration", unit=Unit.SECONDS, decimals=1),
                Column(source="cost", title="Cost", unit=Unit.DOLLARS, decimals=2),
                Column(source="fired", title="Fired", decimals=0, thresholds=WARN_ABOVE_ZERO),
            ),
            sort_by="Own failures",
        ),
    ),
)

WORK = Row(
    title="Work",
    panels=(
        TimeSeries(
            title="Tasks",
            description="Tasks that ended, whatever their result, by role.",
            targets=(
                Target(expr=rate(c.TASKS, by=("role",), times=PER_MINUTE), legend="{{role}}"),
            ),
            unit=Unit.PER_MINUTE,
            width=8,
            stacked=True,
        ),
        TimeSeries(
            title="Duration of a task",
            description="Median and 95th percentile over all roles chosen, and the mean of each role.",
            targets=(
                Target(expr=quantile(0.5, c.TASK_DURATION), legend="median"),
                Target(expr=quantile(0.95, c.TASK_DURATION), legend="95th percentile"),
                Target(expr=mean(c.TASK_DURATION, by=("role",)), legend="mean of {{role}}"),
            ),
            unit=Unit.SECONDS,
            width=8,
            dashed=("median", "95th percentile"),
        ),
        Heatmap(
            title="Durations",
            description="How many tasks took how long. Two bands are two kinds of work, or one kind and a timeout.",
            targets=(
                Target(
                    expr=rate(c.TASK_DURATION, by=("le",), suffix="_bucket"),
                    legend="{{le}}",
                    is_heatmap=True,
                ),
            ),
            unit=Unit.SECONDS,
            width=8,
        ),
    ),
)

COST = Row(
    title="Models and money",
    panels=(
        TimeSeries(
            title="Own failures by model",
            description="Share of the tasks that failed by the agent's own fault, by the model it ran on.",
            targets=(Target(expr=own_failures(by=("model",)), legend="{{model}}"),),
            unit=Unit.RATIO,
            width=6,
            maximum=1,
        ),
        TimeSeries(
            title="Cost",
            description="Dollars per hour at the present rate, by model.",
            targets=(
                Target(expr=rate(c.COST, by=("model",), times=PER_HOUR), legend="{{model}}"),
            ),
            unit=Unit.DOLLARS,
            width=6,
            stacked=True,
        ),
        TimeSeries(
            title="Cost of a success",
            description=(
                "Dollars spent for each task that did not fail, by model: a cheap model that fails is not cheap."
            ),
            targets=(
                Target(
                    expr=share(
                        rate(c.COST, by=("model",)),
                        f"({rate(c.TASKS, by=('model',))} - {rate(c.TASKS_FAILED, by=('model',))})",
                    ),
                    legend="{{model}}",
                ),
            ),
            unit=Unit.DOLLARS,
            width=6,
        ),
        TimeSeries(
            title="Tokens",
            description="Per minute: in is what the agents read, out what they wrote.",
            targets=(
                Target(
                    expr=rate(c.TOKENS, by=("direction",), times=PER_MINUTE),
                    legend="{{direction}}",
                ),
            ),
            unit=Unit.PER_MINUTE,
            width=6,
        ),
    ),
)

LEAVING = Row(
    title="Coming and going",
    panels=(
        TimeSeries(
            title="Ended as planned",
            description="Agents that finished, per minute, by role.",
            targets=(
                Target(
                    expr=rate(c.AGENTS_FINISHED, by=("role",), times=PER_MINUTE),
                    legend="{{role}}",
                ),
            ),
            unit=Unit.PER_MINUTE,
            width=12,
        ),
        TimeSeries(
            title="Fires by reason",
            description="Agents fired, per hour at the present rate, by reason.",
            targets=(
                Target(expr=rate(c.FIRES, by=("reason",), times=PER_HOUR), legend="{{reason}}"),
            ),
            unit=Unit.SHORT,
            width=12,
            bars=True,
        ),
    ),
)

DASHBOARD = Dashboard(
    uid=FLEET_UID,
    title="Pinkslip / Fleet",
    description="Who is here, who is silent, which role fails and whose fault it is, and what it costs.",
    variables=(DATASOURCE, JOB, WORKSPACE, ROLE),
    rows=(NOW, HERE, SILENT, FAILING_ROLES, WORK, COST, LEAVING),
    annotations=(FIRED, PANICKED, STOPPED),
    links=(SERVICE,),
)
