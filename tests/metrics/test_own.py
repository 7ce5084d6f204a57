"""What the process measures of itself."""

import pytest
from tests.metrics.fleets import make_facts
from tests.metrics.pages import families, read

from pinkslip import __version__
from pinkslip.metrics.catalogue import EVENT_KINDS, EVENT_RESULTS, PROCESS_SERIES
from pinkslip.metrics.own import Own
from pinkslip.metrics.render import Renderer
from pinkslip.metrics.text import Exposition


def test_events_start_at_zero_and_count() -> None:
    own = Own()
    own.ingested("heartbeat", "accepted", 3)
    own.ingested("heartbeat", "accepted")

    samples = read(own.page(is_openmetrics=False).encode())

    counted = {labels: n for (name, labels), n in samples.items() if "ingest" in name}
    assert len(counted) == len(EVENT_KINDS) * len(EVENT_RESULTS)
    assert counted[("kind", "heartbeat"), ("result", "accepted")] == 4
    assert sum(counted.values()) == 4


def test_an_event_nobody_has_named_is_refused() -> None:
    with pytest.raises(KeyError):
        Own().ingested("rumour", "accepted")


def test_durations_go_into_their_histograms() -> None:
    own = Own()
    own.evaluated(0.004)
    own.committed([0.001, 0.002, 7.0])

    samples = read(own.page(is_openmetrics=False).encode())

    assert samples["pinkslip_evaluation_duration_seconds_count", ()] == 1
    assert samples["pinkslip_journal_commit_duration_seconds_count", ()] == 3
    assert samples["pinkslip_journal_commit_duration_seconds_sum", ()] == pytest.approx(7.003)


def test_calls_to_receivers_start_at_zero_and_failed_ones_are_told_apart() -> None:
    own = Own()
    own.expect(["webhook ops.example"])
    own.notified("alertmanager 127.0.0.1:9093", taken=True)
    own.notified("alertmanager 127.0.0.1:9093", taken=False)

    samples = read(own.page(is_openmetrics=False).encode())

    quiet, told = (
        ("receiver", "webhook ops.example"),
        ("receiver", "alertmanager 127.0.0.1:9093"),
    )
    assert samples["pinkslip_notifications_total", (quiet,)] == 0
    assert samples["pinkslip_notifications_failed_total", (quiet,)] == 0
    assert samples["pinkslip_notifications_total", (told,)] == 2
    assert samples["pinkslip_notifications_failed_total", (told,)] == 1


def test_the_process_and_the_build_say_who_they_are() -> None:
    samples = read(Own().page(is_openmetrics=False).encode())

    names = {name for name, _ in samples}
    assert set(PROCESS_SERIES) <= names
    [build] = [dict(labels) for name, labels in samples if name == "pinkslip_build_info"]
    assert build["version"] == __version__


@pytest.mark.parametrize("exposition", Exposition)
def test_no_created_series_and_no_family_twice(exposition: Exposition) -> None:
    page = Renderer(own=Own()).render(make_facts(), exposition).body

    assert b"_created" not in page
    assert families(page)
    assert page.count(b"# EOF") == exposition.is_openmetrics


def test_two_processes_in_one_do_not_share_counts() -> None:
    one, other = Own(), Own()
    one.evaluated(1.0)

    samples = read(other.page(is_openmetrics=False).encode())

    assert samples["pinkslip_evaluation_duration_seconds_count", ()] == 0
