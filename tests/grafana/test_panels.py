"""Every panel's query returns data from a real Prometheus that scrapes a page with every series on it."""

import time
from collections.abc import Callable, Iterator

import pytest
from tests.grafana.panels import unanswered
from tests.metrics.fleets import Row, make_facts, make_totals
from tests.prometheus import Prometheus, Stack, Watched, wait_for

from pinkslip.metrics.inputs import (
    DecisionKind,
    FireKind,
    HeldKind,
    OwnFacts,
    PolicyFacts,
    ReversalKind,
)
from pinkslip.metrics.own import Own
from pinkslip.metrics.render import Renderer
from pinkslip.metrics.selection import Detail, SeriesSettings
from pinkslip.metrics.text import Exposition
from pinkslip.model.words import (
    Action,
    ActorKind,
    DeliveryState,
    Fault,
    Guard,
    Mode,
    Status,
    Verdict,
)

JOB = "grafana-synthetic"
AGENT = "agent-1"
POLICY = "proven-underperformer"
FAULTS = len(Fault)
BUCKETS = 13


def page() -> Callable[[], str]:
    """A fleet that works, fails, is fired and held, more of each at every scrape."""
    own = Own()
    renderer = Renderer(SeriesSettings(otherwise=Detail.FULL), own=own)
    began_ms = int(time.time() * 1000)

    def text() -> str:
        now = int(time.time() * 1000)
        done = 5 * (1 + (now - began_ms) // 1000)
        own.evaluated(0.004)
        own.committed([0.001, 0.002])
        for kind in ("heartbeat", "outcome"):
            own.ingested(kind, "accepted", 3)
        own.notified("alertmanager 127.0.0.1:9093", taken=False)
        facts = make_facts(
            [_busy(1, now, done), _busy(2, now, done), _silent(3, now)],
            at=now,
            role_totals=[
                make_totals(
                    tasks=10 * done,
                    failed=(done,) * FAULTS,
                    duration_ms_sum=900 * done,
                    duration_count=3 * done,
                    duration_buckets=(0, 0, 0, 3 * done, *(0,) * (BUCKETS - 4)),
                    tokens_in=700 * done,
                    tokens_out=90 * done,
                    cost_micros=12_000 * done,
                    finished=done,
                )
            ],
            own=OwnFacts(leader=True, lease_epoch=3, config_reloaded_at=began_ms),
            policies=(PolicyFacts(POLICY, Mode.ENFORCE, Action.FIRE, "dumb"),),
            fires={FireKind(POLICY, "dumb", ActorKind.POLICY, "developer"): done},
            decisions={
                DecisionKind(POLICY, verdict, Mode.ENFORCE, "developer"): done
                for verdict in (Verdict.FIRED, Verdict.HELD, Verdict.SHADOWED)
            },
            held={HeldKind(POLICY, Guard.ENVELOPE, "developer"): done},
            reversals={ReversalKind(POLICY, "developer"): done // 5},
            deliveries={DeliveryState.CONFIRMED: 2, DeliveryState.ZOMBIE: 1},
            zombies={"developer": 1},
            evidence={1: 0.4},
            evaluated_at=now,
        )
        return renderer.render(facts, Exposition.TEXT_0_0_4).body.decode()

    return text


def _busy(number: int, now: int, done: int) -> Row:
    return Row(
        number=number,
        name="Ada",
        last_heartbeat=now - 500,
        progress=float(done),
        progress_at=now,
        context_used=0.5,
        tasks=done,
        failed=(done // 5,) * FAULTS,
        duration_ms_sum=300 * done,
        duration_buckets=(0, done, *(0,) * (BUCKETS - 2)),
        tokens_in=100 * done,
        tokens_out=10 * done,
        cost_micros=4_000 * done,
        score_e6_sum=800_000 * done,
        score_count=done,
        error_count=done // 5,
    )


def _silent(number: int, now: int) -> Row:
    return Row(number=number, last_heartbeat=now - 600_000, is_stale=True, status=Status.IDLE)


@pytest.fixture(scope="module")
def prometheus(prometheus_stack: Stack) -> Iterator[Prometheus]:
    prometheus_stack.page.show(f"/{JOB}", page())
    prometheus_stack.prometheus.watch({JOB: Watched(prometheus_stack.page.address, f"/{JOB}")})
    # two samples and more of every counter, so that there is a rate
    wait_for(
        lambda: prometheus_stack.prometheus.query(
            f'count_over_time(pinkslip_tasks_total{{job="{JOB}"}}[1m]) > 4'
        ),
        what="a few scrapes of the synthetic page",
    )
    yield prometheus_stack.prometheus
    prometheus_stack.prometheus.forget(JOB)


def test_every_query_of_every_panel_and_variable_returns_data(prometheus: Prometheus) -> None:
    missing = unanswered(prometheus, job=JOB, agent=AGENT, insist=True)

    assert "\n".join(missing) == ""


def test_the_list_of_silent_agents_names_the_one_that_is(prometheus: Prometheus) -> None:
    """The dashboard counts silence as the rule does."""
    from grafana.queries import FLEET, about, silent  # noqa: PLC0415 - beside what it is compared with

    expression = about(silent('job="grafana-synthetic"'), FLEET.replace("$job", JOB))
    found = prometheus.query(
        expression.replace("$workspace", ".+").replace("$role", ".*").replace("$job", JOB)
    )

    assert [sample.labels["agent"] for sample in found] == ["agent-3"]
    assert 590 < found[0].value < 620
