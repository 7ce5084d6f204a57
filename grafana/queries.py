"""PromQL for the dashboards, written from the catalogue: a series that does not exist cannot be named.

Several processes may tell of the same fleet, so whatever the labels of the target, only those of the
catalogue (and the job) are kept, by max, before anything is summed.
"""

from collections.abc import Iterable

from pinkslip.metrics import catalogue
from pinkslip.metrics.catalogue import Series

FLEET = 'job=~"$job", workspace=~"$workspace", role=~"$role"'
WORKSPACE = 'job=~"$job", workspace=~"$workspace"'
AGENT = 'job=~"$job", workspace=~"$workspace", agent="$agent"'
OURSELVES = 'job=~"$job", instance=~"$instance"'
PER_MINUTE = 60
PER_HOUR = 3600


def now(
    series: Series,
    *,
    by: Iterable[str] = (),
    where: str = FLEET,
    only: str = "",
    each: bool = False,
) -> str:
    """A gauge, summed by some labels; `each` takes the largest instead of the sum."""
    operation = "max" if each else "sum"
    return f"{operation}{_by(by)} ({_one(series, _selector(series.name, where, only))})"


def rate(
    series: Series,
    *,
    by: Iterable[str] = (),
    where: str = FLEET,
    only: str = "",
    suffix: str = "",
    times: int = 1,
) -> str:
    """A counter's increase per second (or per `times` seconds), summed by some labels."""
    selector = _selector(series.name + suffix, where, only)
    inner = _one(series, f"rate({selector}[$__rate_interval])", also=_also(suffix))
    summed = f"sum{_by(by)} ({inner})"
    return summed if times == 1 else f"{times} * {summed}"


def total(
    series: Series,
    *,
    by: Iterable[str] = (),
    where: str = FLEET,
    only: str = "",
    suffix: str = "",
) -> str:
    """How much a counter grew within the time the dashboard shows."""
    selector = _selector(series.name + suffix, where, only)
    return (
        f"sum{_by(by)} ({_one(series, f'increase({selector}[$__range])', also=_also(suffix))})"
    )


def share(part: str, whole: str) -> str:
    """A ratio, where there is something to divide by."""
    return f"{part} / ({whole} > 0)"


def quantile(q: float, series: Series, *, by: Iterable[str] = (), where: str = FLEET) -> str:
    """Of a histogram, over the last moments."""
    return f"histogram_quantile({q}, {rate(series, by=(*by, 'le'), where=where, suffix='_bucket')})"


def mean(series: Series, *, by: Iterable[str] = (), where: str = FLEET) -> str:
    """The mean of a histogram or summary, over the last moments."""
    return share(
        rate(series, by=by, where=where, suffix="_sum"),
        rate(series, by=by, where=where, suffix="_count"),
    )


def own_failures(*, by: Iterable[str] = (), where: str = FLEET) -> str:
    """Which share of the tasks failed by the agents' own fault, over the last moments."""
    by = tuple(by)
    return share(
        rate(catalogue.TASKS_FAILED, by=by, where=where, only='fault="agent"'),
        rate(catalogue.TASKS, by=by, where=where),
    )


def silence(where: str) -> str:
    """Seconds from each agent's last heartbeat to the last tick."""
    judged = _workspaces(catalogue.EVALUATION_LAST)
    heard = _agents(catalogue.AGENT_LAST_HEARTBEAT, where)
    return f"({judged} - on (job, workspace) group_right () {heard})"


def grace(where: str) -> str:
    """Seconds of silence from which an agent is stale."""
    return f"3 * {_agents(catalogue.AGENT_INTERVAL, where)}"


def silent(where: str) -> str:
    """The silence of those agents that are stale, counted as the rules count it."""
    watched = (
        f"({_workspaces(catalogue.EVALUATION_LAST)} - {_workspaces(catalogue.OBSERVING_SINCE)})"
    )
    seen = f"({grace(where)} < on (job, workspace) group_left () {watched})"
    exempt = f"({_agents(catalogue.AGENT_EXEMPT, where)} == 1)"
    return f"({silence(where)} > {seen} unless {exempt})"


def about(agents: str, where: str) -> str:
    """`agents` with what they say of themselves as labels."""
    described = _one(catalogue.AGENT_INFO, _selector(catalogue.AGENT_INFO.name, where, ""))
    one = f"topk by (job, workspace, agent) (1, {described})"
    return f"{agents} * on (job, workspace, agent) group_left (name, model, role) {one}"


def _agents(series: Series, where: str) -> str:
    return f"max by (job, workspace, agent) ({_selector(series.name, where, '')})"


def _workspaces(series: Series) -> str:
    return f"max by (job, workspace) ({_selector(series.name, WORKSPACE, '')})"


def _one(series: Series, inner: str, *, also: tuple[str, ...] = ()) -> str:
    return f"max by ({', '.join(('job', *series.labels, *also))}) ({inner})"


def _also(suffix: str) -> tuple[str, ...]:
    return ("le",) if suffix == "_bucket" else ()


def _by(labels: Iterable[str]) -> str:
    listed = ", ".join(labels)
    return f" by ({listed})" if listed else ""


def _selector(metric: str, where: str, only: str) -> str:
    return f"{metric}{{{where}{', ' if only else ''}{only}}}"
