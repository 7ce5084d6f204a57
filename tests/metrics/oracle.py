"""The same facts through prometheus-client, told agent by agent and without a thought for speed."""

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
    SummaryMetricFamily,
)
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.registry import Collector

from pinkslip.fleet.snapshot import DURATION_BUCKETS_MS, Snapshot
from pinkslip.metrics.catalogue import CATALOGUE, Kind, Series
from pinkslip.metrics.inputs import Facts, WorkspaceFacts
from pinkslip.model.words import (
    SEED_REASONS,
    Action,
    DeliveryState,
    Fault,
    Guard,
    Mode,
    Standing,
    Status,
    code_of,
)

Sample = tuple[dict[str, str], float]
FAMILIES = {
    Kind.GAUGE: GaugeMetricFamily,
    Kind.COUNTER: CounterMetricFamily,
    Kind.HISTOGRAM: HistogramMetricFamily,
    Kind.SUMMARY: SummaryMetricFamily,
    Kind.INFO: InfoMetricFamily,
}
SERIES = {series.name.removeprefix("pinkslip_"): series for series in CATALOGUE}
VERDICTS = {
    Action.NOTIFY: {"notified"},
    Action.PROBATION: {"probation"},
    Action.QUARANTINE: {"quarantined"},
    Action.FIRE: {"fired", "superseded"},
}
LES = (*(str(bound / 1000) for bound in DURATION_BUCKETS_MS), "+Inf")


def oracle_page(facts: Facts, *, is_openmetrics: bool) -> bytes:
    """What prometheus-client writes for these facts, every agent exported in full."""
    registry = CollectorRegistry()
    registry.register(FactsCollector(facts))
    if is_openmetrics:
        page: bytes = openmetrics.generate_latest(registry)  # type: ignore[no-untyped-call]  # untyped there
        return page
    return generate_latest(registry)


class FactsCollector(Collector):
    """The custom collector a user of prometheus-client would write."""

    def __init__(self, facts: Facts, *, full: bool = True) -> None:
        self._facts = facts
        self._full = full
        self._families: dict[str, Metric] = {}

    def collect(self) -> Iterator[Metric]:
        self._families = {}
        for workspace in self._facts.workspaces:
            self._fleet(workspace)
            self._agents(workspace)
        self._ourselves()
        samples = 1 + sum(len(family.samples) for family in self._families.values())
        self._add("series", {}, samples)
        order = [series.name.removeprefix("pinkslip_") for series in CATALOGUE]
        order.remove("series")
        yield from (
            self._families[name] for name in (*order, "series") if name in self._families
        )

    def describe(self) -> list[Metric]:
        return []

    def _family(self, name: str) -> Metric:
        if name not in self._families:
            series = SERIES[name]
            self._families[name] = FAMILIES[series.kind](
                series.family, series.help, labels=series.labels, unit=_unit(series)
            )
        return self._families[name]

    def _add(self, name: str, labels: dict[str, str], value: float) -> None:
        series = SERIES[name]
        values = [clean(labels[label]) for label in series.labels]
        self._family(name).add_metric(values, value)  # type: ignore[attr-defined]  # every family here has it

    def _fleet(self, facts: WorkspaceFacts) -> None:
        snapshot = facts.snapshot
        home = {"workspace": facts.name}
        worked = {(t.role, t.model): t for t in snapshot.role_totals}
        pairs = {*worked} | {
            (role or "", model or "")
            for role, model in zip(snapshot.roles, snapshot.models, strict=True)
        }
        roles = sorted({role for role, _ in pairs} | {*facts.zombies} | facts.panic)
        for role, model in sorted(pairs):
            labels = {**home, "role": role, "model": model}
            total = worked.get((role, model))
            self._add("tasks_total", labels, total.tasks if total else 0)
            for code, fault in enumerate(Fault):
                count = total.failed[code] if total else 0
                self._add("tasks_failed_total", {**labels, "fault": fault}, count)
            self._histogram(
                "task_duration_seconds",
                labels,
                total.duration_buckets if total else (0,) * len(LES),
                total.duration_ms_sum if total else 0,
            )
            tokens = {"in": total.tokens_in, "out": total.tokens_out} if total else {}
            for direction in ("in", "out"):
                self._add(
                    "tokens_total", {**labels, "direction": direction}, tokens.get(direction, 0)
                )
            self._add("cost_usd_total", labels, total.cost_micros / 1e6 if total else 0)
        for role in roles:
            labels = {**home, "role": role}
            for status in Status:
                self._add("agents", {**labels, "status": status}, _here(snapshot, role, status))
            for standing in Standing:
                count = _standing(snapshot, role, standing)
                self._add("agents_standing", {**labels, "standing": standing}, count)
            self._add("agents_stale", labels, _stale(snapshot, role))
            finished = sum(total.finished for total in worked.values() if total.role == role)
            self._add("agents_finished_total", labels, finished)
            self._add("zombies", labels, facts.zombies.get(role, 0))
            self._add("panic", labels, role in facts.panic)
        self._tallies(facts, home, roles)

    def _tallies(self, facts: WorkspaceFacts, home: dict[str, str], roles: list[str]) -> None:
        fires = {tuple(kind): count for kind, count in facts.fires.items()}
        decisions = {tuple(kind): count for kind, count in facts.decisions.items()}
        held = {tuple(kind): count for kind, count in facts.held.items()}
        reversals = {tuple(kind): count for kind, count in facts.reversals.items()}
        for role in roles:
            for reason in SEED_REASONS:
                for actor in ("person", "api"):
                    fires.setdefault(("", reason, actor, role), 0)
            for policy in facts.policies:
                deeds = policy.actions or {policy.action}
                fires_itself = Action.FIRE in deeds and policy.mode is Mode.ENFORCE
                if policy.mode is Mode.OFF:
                    continue
                verdicts = {"held"}
                if policy.mode is Mode.SHADOW:
                    verdicts.add("shadowed")
                else:
                    for deed in deeds:
                        verdicts |= VERDICTS[deed]
                    if policy.waits:
                        verdicts |= {"noticed", "asked", "cancelled"}
                    if policy.actions:
                        verdicts.add("released")
                for verdict in verdicts:
                    decisions.setdefault((policy.name, verdict, policy.mode, role), 0)
                for guard in Guard:
                    held.setdefault((policy.name, guard, role), 0)
                if fires_itself:
                    reversals.setdefault((policy.name, role), 0)
                    if policy.reason is not None:
                        fires.setdefault((policy.name, policy.reason, "policy", role), 0)
        for name, names, tally in (
            ("fires_total", ("policy", "reason", "actor", "role"), fires),
            ("decisions_total", ("policy", "verdict", "mode", "role"), decisions),
            ("held_total", ("policy", "guard", "role"), held),
            ("policy_reversals_total", ("policy", "role"), reversals),
        ):
            for key in sorted(tally):
                self._add(name, {**home, **dict(zip(names, key, strict=True))}, tally[key])

    def _agents(self, facts: WorkspaceFacts) -> None:
        for row in range(len(facts.snapshot)):
            if facts.snapshot.numbers[row] != 0:
                self._core(facts, row)
                if self._full:
                    self._in_full(facts, row)

    def _core(self, facts: WorkspaceFacts, row: int) -> None:
        it = facts.snapshot
        labels = {"workspace": facts.name, "agent": it.agent_ids[row]}
        offset = self._facts.ourselves.wall_offset_ms
        words = {
            "name": clean(it.names[row] or ""),
            "model": clean(it.models[row] or ""),
            "role": clean(it.roles[row] or ""),
        }
        who = [clean(labels[label]) for label in ("agent", "workspace")]
        info = self._families.get("agent_info")
        if info is None:
            series = SERIES["agent_info"]
            info = InfoMetricFamily(series.family, series.help, labels=("agent", "workspace"))
            self._families["agent_info"] = info
        info.add_metric(who, words)  # type: ignore[attr-defined]  # an InfoMetricFamily
        for code, status in enumerate(Status):
            value = int(it.status[row]) == code
            self._add("agent_status", {**labels, "status": status}, value)
        if it.last_heartbeat[row]:
            beat = int(it.last_heartbeat[row]) + offset
            self._add("agent_last_heartbeat_timestamp_seconds", labels, beat / 1000)
        interval = int(it.interval_ms[row]) or it.assumed_interval_ms
        self._add("agent_heartbeat_interval_seconds", labels, interval / 1000)
        exempt = (
            it.status[row] == code_of(Status.WAITING)
            or it.finished_at[row] > 0
            or it.standing[row] == code_of(Standing.FIRED)
            or int(it.numbers[row]) in facts.silenced
        )
        self._add("agent_exempt", labels, exempt)
        self._add("agent_tasks_total", labels, int(it.tasks[row]))
        for code, fault in enumerate(Fault):
            failed = int(it.failed[row, code])
            self._add("agent_tasks_failed_total", {**labels, "fault": fault}, failed)
        self._add("agent_evidence", labels, facts.evidence.get(int(it.numbers[row]), 0))
        self._summary(
            "agent_task_duration_seconds",
            labels,
            int(it.duration_count[row]),
            int(it.duration_ms_sum[row]) / 1000,
        )

    def _in_full(self, facts: WorkspaceFacts, row: int) -> None:
        it = facts.snapshot
        labels = {"workspace": facts.name, "agent": it.agent_ids[row]}
        offset = self._facts.ourselves.wall_offset_ms
        progress, context = float(it.progress[row]), float(it.context_used[row])
        if progress == progress:  # noqa: PLR0124 - NaN is not itself
            self._add("agent_progress", labels, progress)
            if it.progress_at[row]:
                moved = int(it.progress_at[row]) + offset
                self._add("agent_progress_timestamp_seconds", labels, moved / 1000)
        if context == context:  # noqa: PLR0124 - NaN is not itself
            self._add("agent_context_used_ratio", labels, context)
        self._add("agent_tokens_total", {**labels, "direction": "in"}, int(it.tokens_in[row]))
        self._add("agent_tokens_total", {**labels, "direction": "out"}, int(it.tokens_out[row]))
        self._add("agent_cost_usd_total", labels, int(it.cost_micros[row]) / 1e6)
        self._add("agent_errors_total", labels, int(it.error_count[row]))
        scored = int(it.score_count[row])
        self._summary("agent_score", labels, scored, int(it.score_e6_sum[row]) / 1e6)
        self._histogram(
            "agent_task_duration_distribution_seconds",
            labels,
            tuple(it.duration_buckets[row].tolist()),
            int(it.duration_ms_sum[row]),
        )

    def _ourselves(self) -> None:
        own = self._facts.ourselves
        for facts in self._facts.workspaces:
            home = {"workspace": facts.name}
            since = facts.snapshot.observing_since + own.wall_offset_ms
            self._add("observing_since_timestamp_seconds", home, since / 1000)
            if facts.evaluated_at is not None:
                judged = facts.evaluated_at + own.wall_offset_ms
                self._add("evaluation_last_timestamp_seconds", home, judged / 1000)
            self._add("enforcement_enabled", home, facts.enforcement_enabled)
            for mode in Mode:
                loaded = [policy for policy in facts.policies if policy.mode is mode]
                self._add("policies", {**home, "mode": mode}, len(loaded))
            for policy in facts.policies:
                if policy.mode is not Mode.OFF:
                    broken = policy.name in facts.broken
                    self._add("policy_broken", {**home, "policy": policy.name}, broken)
            for state in DeliveryState:
                count = facts.deliveries.get(state, 0)
                self._add("deliveries", {**home, "state": state}, count)
            self._add("agents_without_series", home, 0)
            for policy in facts.policies:
                if policy.mode is Mode.ENFORCE:
                    is_demoted = policy.name in facts.demoted
                    self._add("policy_demoted", {**home, "policy": policy.name}, is_demoted)
            self._add("notices", home, facts.noticed)
            self._add("approvals_asked", home, facts.awaiting)
            self._add("silences", home, facts.silences)
            self._add("common_causes", home, facts.common_causes)
            self._add("mass_restarts", home, facts.mass_restarts)
        self._add("leader", {}, own.leader)
        self._add("lease_epoch", {}, own.lease_epoch)
        self._add("journal_queue_length", {}, own.journal_queue_length)
        self._add("config_last_reload_successful", {}, own.config_reload_successful)
        if own.config_reloaded_at is not None:
            at = own.config_reloaded_at / 1000
            self._add("config_last_reload_success_timestamp_seconds", {}, at)
        self._add("series_dropped_total", {}, 0)

    def _summary(self, name: str, labels: dict[str, str], count: int, total: float) -> None:
        values = [clean(labels[label]) for label in SERIES[name].labels]
        self._family(name).add_metric(values, count_value=count, sum_value=total)  # type: ignore[attr-defined]  # a SummaryMetricFamily

    def _histogram(
        self, name: str, labels: dict[str, str], buckets: tuple[int, ...], total_ms: int
    ) -> None:
        running, cumulative = 0, []
        for le, count in zip(LES, buckets, strict=True):
            running += count
            cumulative.append((le, running))
        values = [clean(labels[label]) for label in SERIES[name].labels]
        self._family(name).add_metric(values, cumulative, total_ms / 1000)  # type: ignore[attr-defined]  # a HistogramMetricFamily


def clean(text: str) -> str:
    """A lone surrogate cannot be written; the page says U+FFFD instead."""
    return "".join(
        "\ufffd" if 0xD800 <= ord(character) <= 0xDFFF else character for character in text
    )


def _unit(series: Series) -> str:
    return "" if series.kind is Kind.INFO else series.unit


def _here(snapshot: Snapshot, role: str, status: Status) -> int:
    return sum(
        1
        for row in range(len(snapshot))
        if snapshot.numbers[row] != 0
        and snapshot.finished_at[row] == 0
        and (snapshot.roles[row] or "") == role
        and snapshot.status[row] == code_of(status)
    )


def _standing(snapshot: Snapshot, role: str, standing: Standing) -> int:
    return sum(
        1
        for row in range(len(snapshot))
        if snapshot.numbers[row] != 0
        and snapshot.finished_at[row] == 0
        and (snapshot.roles[row] or "") == role
        and snapshot.standing[row] == code_of(standing)
    )


def _stale(snapshot: Snapshot, role: str) -> int:
    return sum(
        1
        for row in range(len(snapshot))
        if snapshot.numbers[row] != 0
        and snapshot.finished_at[row] == 0
        and snapshot.is_stale[row]
        and (snapshot.roles[row] or "") == role
    )
