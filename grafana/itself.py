"""The Pinkslip dashboard: does the watcher see, judge, commit, and serve its page in time."""

from grafana.common import (
    DATASOURCE,
    INSTANCE,
    ITSELF_UID,
    JOB,
    ROLE,
    SERVICE,
    STOPPED,
    WORKSPACE,
)
from grafana.queries import OURSELVES, now, quantile, rate
from grafana.queries import WORKSPACE as IN_WORKSPACE
from grafana.schema import (
    BAD_WHEN_ZERO,
    WARN_ABOVE_ZERO,
    Color,
    Dashboard,
    Heatmap,
    Mapped,
    Row,
    Stat,
    Step,
    Target,
    TimeSeries,
    Unit,
)

from pinkslip.metrics import catalogue as c

TAKEN = (
    Mapped(value=0, text="refused", color=Color.BAD),
    Mapped(value=1, text="taken", color=Color.GOOD),
)


def _ours(metric: str) -> str:
    return f"{metric}{{{OURSELVES}}}"


def _age(metric: str) -> str:
    """Seconds since an instant of each workspace, at the time of the scrape."""
    series = f"{metric}{{{IN_WORKSPACE}}}"
    return f"min by (workspace) (timestamp({series}) - {series})"


NOW = Row(
    title="Is it well",
    panels=(
        Stat(
            title="Processes up",
            description="Processes of the job that answer their scrape. One serves; a standby answers 503 and is down.",
            targets=(Target(expr=f"sum ({_ours('up')})", instant=True),),
            unit=Unit.SHORT,
            thresholds=BAD_WHEN_ZERO,
        ),
        Stat(
            title="Leader",
            description="Processes that hold the lease to decide: exactly one should.",
            targets=(Target(expr=now(c.LEADER, where=OURSELVES), instant=True),),
            unit=Unit.SHORT,
            thresholds=BAD_WHEN_ZERO,
        ),
        Stat(
            title="Last judged",
            description="Seconds since the last tick of the workspace that waits longest; one is due every few seconds.",
            targets=(Target(expr=f"max ({_age(c.EVALUATION_LAST.name)})", instant=True),),
            unit=Unit.SECONDS,
            decimals=0,
            thresholds=(Step(None, Color.GOOD), Step(20, Color.WARN), Step(60, Color.BAD)),
        ),
        Stat(
            title="Watching for",
            description="Since when every workspace has been watched without a gap. Silence before that proves nothing.",
            targets=(Target(expr=f"min ({_age(c.OBSERVING_SINCE.name)})", instant=True),),
            unit=Unit.SECONDS,
            decimals=0,
        ),
        Stat(
            title="Last reload",
            description="Whether the newest policies and configuration were taken. Refused: the ones before still hold.",
            targets=(
                Target(expr=f"min ({_ours(c.CONFIG_RELOAD_SUCCESSFUL.name)})", instant=True),
            ),
            unit=Unit.NONE,
            mapped=TAKEN,
        ),
        Stat(
            title="Last good load",
            description="When policies and configuration were last taken.",
            targets=(
                Target(expr=f"1000 * max ({_ours(c.CONFIG_RELOAD_AT.name)})", instant=True),
            ),
            unit=Unit.SINCE,
            may_be_empty="nothing was loaded yet",
        ),
        Stat(
            title="Turned away",
            description="Reports per second answered 503 because the journal could not take them.",
            targets=(
                Target(
                    expr=rate(c.INGEST_EVENTS, where=OURSELVES, only='result="unavailable"')
                ),
            ),
            unit=Unit.PER_SECOND,
            thresholds=(Step(None, Color.GOOD), Step(0.001, Color.BAD)),
        ),
        Stat(
            title="Version",
            description="What is running.",
            targets=(
                Target(
                    expr=f"max by (version) ({_ours(c.BUILD_INFO.name)})",
                    legend="{{version}}",
                    instant=True,
                ),
            ),
            unit=Unit.NONE,
            text="name",
        ),
    ),
)

REPORTS = Row(
    title="Reports",
    panels=(
        TimeSeries(
            title="Reports by kind",
            description="Heartbeats, outcomes, sessions and goodbyes that reached us.",
            targets=(
                Target(
                    expr=rate(c.INGEST_EVENTS, by=("kind",), where=OURSELVES), legend="{{kind}}"
                ),
            ),
            unit=Unit.PER_SECOND,
            width=12,
            stacked=True,
        ),
        TimeSeries(
            title="Reports by what became of them",
            description=(
                "Duplicates are counted once; conflicts bring another body under a known id; refused ones come from a "
                "new process of a fired agent; unavailable ones are to be sent again."
            ),
            targets=(
                Target(
                    expr=rate(c.INGEST_EVENTS, by=("result",), where=OURSELVES),
                    legend="{{result}}",
                ),
            ),
            unit=Unit.PER_SECOND,
            width=12,
            colors={"accepted": Color.GOOD, "unavailable": Color.BAD, "conflict": Color.WARN},
        ),
        TimeSeries(
            title="Calls to those who are told",
            description="To Alertmanagers and the webhook, with what stands; none where nobody is named.",
            targets=(
                Target(
                    expr=rate(c.NOTIFICATIONS, by=("receiver",), where=OURSELVES),
                    legend="{{receiver}}",
                ),
            ),
            unit=Unit.PER_SECOND,
            width=12,
            may_be_empty="nobody is told",
        ),
        TimeSeries(
            title="Calls that were not taken",
            description="The receiver was away or refused; what stands is told again until it is back.",
            targets=(
                Target(
                    expr=rate(c.NOTIFICATIONS_FAILED, by=("receiver",), where=OURSELVES),
                    legend="{{receiver}}",
                ),
            ),
            unit=Unit.PER_SECOND,
            width=12,
            may_be_empty="nobody is told",
            thresholds=WARN_ABOVE_ZERO,
        ),
    ),
)

JOURNAL = Row(
    title="Journal",
    panels=(
        TimeSeries(
            title="Journal commits",
            description="How long a transaction took, its fsync included. Every answer waits for one.",
            targets=(
                Target(
                    expr=quantile(0.5, c.JOURNAL_COMMIT_DURATION, where=OURSELVES),
                    legend="median",
                ),
                Target(
                    expr=quantile(0.99, c.JOURNAL_COMMIT_DURATION, where=OURSELVES),
                    legend="99th percentile",
                ),
            ),
            unit=Unit.SECONDS,
            width=8,
        ),
        Heatmap(
            title="Commits by duration",
            description="Two bands are a disk that sometimes flushes something else first.",
            targets=(
                Target(
                    expr=rate(
                        c.JOURNAL_COMMIT_DURATION, by=("le",), where=OURSELVES, suffix="_bucket"
                    ),
                    legend="{{le}}",
                    is_heatmap=True,
                ),
            ),
            unit=Unit.SECONDS,
            width=8,
        ),
        TimeSeries(
            title="Reports waiting",
            description="For their transaction. It should be near zero; a plateau is a full queue.",
            targets=(
                Target(expr=now(c.JOURNAL_QUEUE_LENGTH, where=OURSELVES), legend="waiting"),
            ),
            unit=Unit.SHORT,
            width=8,
        ),
    ),
)

JUDGE = Row(
    title="Judge",
    panels=(
        TimeSeries(
            title="Duration of a tick",
            description="One pass of the judge over a workspace, its transaction included.",
            targets=(
                Target(
                    expr=quantile(0.5, c.EVALUATION_DURATION, where=OURSELVES), legend="median"
                ),
                Target(
                    expr=quantile(0.99, c.EVALUATION_DURATION, where=OURSELVES),
                    legend="99th percentile",
                ),
            ),
            unit=Unit.SECONDS,
            width=8,
        ),
        TimeSeries(
            title="Since the last tick",
            description="By workspace. From the line on, PinkslipEvaluationStuck is a minute away.",
            targets=(Target(expr=_age(c.EVALUATION_LAST.name), legend="{{workspace}}"),),
            unit=Unit.SECONDS,
            width=8,
            thresholds=(Step(None, Color.GOOD), Step(60, Color.BAD)),
            threshold_line=True,
        ),
        TimeSeries(
            title="Watching without a gap for",
            description="By workspace. Each fall is a restart, a stall, an outage of the database or a clock jump.",
            targets=(Target(expr=_age(c.OBSERVING_SINCE.name), legend="{{workspace}}"),),
            unit=Unit.SECONDS,
            width=8,
        ),
        TimeSeries(
            title="Lease",
            description="Who may decide. The epoch grows each time the lease changes hands.",
            targets=(
                Target(
                    expr=f"max by (instance) ({_ours(c.LEADER.name)})",
                    legend="leader {{instance}}",
                ),
                Target(
                    expr=f"max by (instance) ({_ours(c.LEASE_EPOCH.name)})",
                    legend="epoch of {{instance}}",
                ),
            ),
            unit=Unit.SHORT,
            width=12,
            steps=True,
        ),
        TimeSeries(
            title="Deliveries",
            description="Orders to stop, by how far making them real has come.",
            targets=(
                Target(
                    expr=now(c.DELIVERIES, by=("state",), where=IN_WORKSPACE),
                    legend="{{state}}",
                ),
            ),
            unit=Unit.SHORT,
            width=12,
            steps=True,
            colors={"zombie": Color.BAD, "confirmed": Color.GOOD},
        ),
    ),
)

PAGE = Row(
    title="The page we serve",
    panels=(
        TimeSeries(
            title="Samples",
            description="On the page, and what Prometheus took of it.",
            targets=(
                Target(expr=now(c.SERIES_EXPORTED, where=OURSELVES), legend="on the page"),
                Target(expr=f"sum ({_ours('scrape_samples_scraped')})", legend="scraped"),
            ),
            unit=Unit.SHORT,
            width=8,
        ),
        TimeSeries(
            title="Duration of a scrape",
            description="As Prometheus measures it.",
            targets=(
                Target(
                    expr=f"max by (instance) ({_ours('scrape_duration_seconds')})",
                    legend="{{instance}}",
                ),
            ),
            unit=Unit.SECONDS,
            width=8,
        ),
        TimeSeries(
            title="Agents without series",
            description="They came after the cap was reached; aggregates still count them, alerts cannot name them.",
            targets=(
                Target(
                    expr=now(c.AGENTS_WITHOUT_SERIES, by=("workspace",), where=IN_WORKSPACE),
                    legend="{{workspace}}",
                ),
                Target(
                    expr=rate(c.SERIES_DROPPED, where=OURSELVES),
                    legend="series refused per second",
                ),
            ),
            unit=Unit.SHORT,
            width=8,
            thresholds=WARN_ABOVE_ZERO,
            steps=True,
        ),
    ),
)

PROCESS = Row(
    title="Process",
    panels=(
        TimeSeries(
            title="CPU",
            description="Cores in use.",
            targets=(
                Target(
                    expr=f"sum by (instance) (rate({_ours('process_cpu_seconds_total')}[$__rate_interval]))",
                    legend="{{instance}}",
                ),
            ),
            unit=Unit.SHORT,
            width=6,
        ),
        TimeSeries(
            title="Memory",
            description="Resident memory: about 2 KB for each agent and 64 bytes for each outcome in a window.",
            targets=(
                Target(
                    expr=f"max by (instance) ({_ours('process_resident_memory_bytes')})",
                    legend="{{instance}}",
                ),
            ),
            unit=Unit.BYTES,
            width=6,
        ),
        TimeSeries(
            title="Open files",
            description="Connections of agents and browsers among them, and how many may be open.",
            targets=(
                Target(
                    expr=f"max by (instance) ({_ours('process_open_fds')})",
                    legend="open, {{instance}}",
                ),
                Target(
                    expr=f"max by (instance) ({_ours('process_max_fds')})",
                    legend="limit, {{instance}}",
                ),
            ),
            unit=Unit.SHORT,
            width=6,
        ),
        TimeSeries(
            title="Running for",
            description="Since the process started.",
            targets=(
                Target(
                    expr=f"max by (instance) (time() - {_ours('process_start_time_seconds')})",
                    legend="{{instance}}",
                ),
            ),
            unit=Unit.SECONDS,
            width=6,
        ),
    ),
)

DASHBOARD = Dashboard(
    uid=ITSELF_UID,
    title="Pinkslip / Pinkslip itself",
    description="Does the watcher see, judge, commit, and serve its page in time.",
    variables=(DATASOURCE, JOB, INSTANCE, WORKSPACE, ROLE),
    rows=(NOW, REPORTS, JOURNAL, JUDGE, PAGE, PROCESS),
    annotations=(STOPPED,),
    links=(SERVICE,),
)
