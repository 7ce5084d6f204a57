"""The page against prometheus-client: the same bytes for the same data, and readable by its parsers."""

import gzip
import zlib
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from tests.metrics.fleets import NOW, Row, make_facts, make_totals
from tests.metrics.oracle import oracle_page
from tests.metrics.pages import agents_on, families, read, text_page
from tests.metrics.strategies import HOSTILE, all_facts

from pinkslip.metrics.catalogue import CATALOGUE, Group, series_per_agent
from pinkslip.metrics.inputs import Facts, OwnFacts, PolicyFacts
from pinkslip.metrics.own import Own
from pinkslip.metrics.render import Renderer
from pinkslip.metrics.selection import Detail, SeriesSettings
from pinkslip.metrics.text import Exposition
from pinkslip.model.words import Action, Mode, Standing, Status

IN_FULL = SeriesSettings(otherwise=Detail.FULL)
FORMATS = [Exposition.TEXT_0_0_4, Exposition.TEXT_1_0_0, Exposition.OPENMETRICS_1_0_0]
unhurried = settings(
    max_examples=20,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@pytest.mark.parametrize("exposition", FORMATS)
@given(facts=all_facts)
@unhurried
def test_page_is_byte_for_byte_what_prometheus_client_writes(
    exposition: Exposition, facts: Facts
) -> None:
    page = Renderer(IN_FULL, rows_per_block=3).render(facts, exposition)

    assert page.body == oracle_page(facts, is_openmetrics=exposition.is_openmetrics)


@given(facts=all_facts)
@settings(unhurried, max_examples=10)
def test_both_formats_are_read_back_the_same(facts: Facts) -> None:
    renderer = Renderer(IN_FULL, own=Own())

    openmetrics = renderer.render(facts, Exposition.OPENMETRICS_1_0_0).body
    text = renderer.render(facts, Exposition.TEXT_0_0_4).body

    classic, open_ = read(text), read(openmetrics, is_openmetrics=True)
    assert classic.keys() == open_.keys()
    moving = ("process_", "pinkslip_series")
    for key, value in classic.items():
        if not key[0].startswith(moving):
            assert open_[key] == pytest.approx(value, nan_ok=True, rel=0)


@given(facts=all_facts)
@settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))
def test_promtool_finds_nothing_to_say(
    lint_page: Callable[[bytes], None], facts: Facts
) -> None:
    lint_page(text_page(Renderer(IN_FULL, own=Own()), facts))


def test_promtool_is_really_asked(lint_page: Callable[[bytes], None]) -> None:
    with pytest.raises(AssertionError, match="no help text"):
        lint_page(b"pinkslip_camelCase 1\n")


@given(facts=all_facts)
@unhurried
def test_gzipped_page_is_one_member_with_the_same_bytes(facts: Facts) -> None:
    renderer = Renderer(IN_FULL, rows_per_block=3)
    plain = renderer.render(facts, Exposition.TEXT_0_0_4)

    first = renderer.render(facts, Exposition.TEXT_0_0_4, gzip=True)
    again = renderer.render(facts, Exposition.TEXT_0_0_4, gzip=True)
    plain_again = renderer.render(facts, Exposition.TEXT_0_0_4)

    member = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    assert member.decompress(first.body) == plain.body
    assert member.eof
    assert member.unused_data == b""
    assert gzip.decompress(again.body) == plain.body
    assert plain_again.body == plain.body


def test_lengths_and_counts_are_what_is_sent() -> None:
    renderer = Renderer(own=Own())
    facts = make_facts([Row(number=number) for number in range(1, 30)])

    for compressed in (False, True):
        page = renderer.render(facts, Exposition.TEXT_0_0_4, gzip=compressed)
        lines = gzip.decompress(page.body) if compressed else page.body
        samples = read(lines)

        assert page.length == len(page.body)
        assert page.samples == len(samples)
        assert samples["pinkslip_series", ()] == len(samples)


def test_every_family_of_the_catalogue_comes_once_and_in_order() -> None:
    rows = [Row(number=1, progress=0.5, progress_at=NOW, context_used=0.25)]
    policies = (PolicyFacts("slow", Mode.ENFORCE, Action.FIRE, "dumb"),)
    facts = make_facts(
        rows, policies=policies, evaluated_at=NOW, own=OwnFacts(config_reloaded_at=NOW)
    )

    page = text_page(Renderer(IN_FULL, own=Own()), facts)

    found = families(page)
    assert {series.name for series in CATALOGUE} <= found.keys()
    assert [name for name in found if not name.startswith(("pinkslip_", "process_"))] == []


def test_an_agent_has_as_many_series_as_the_catalogue_says() -> None:
    rows = [Row(number=1, progress=0.5, progress_at=NOW, context_used=0.25)]
    core = series_per_agent(Group.AGENT_CORE)
    full = core + series_per_agent(Group.AGENT_FULL)

    for detail, wanted in ((Detail.CORE, core), (Detail.FULL, full), (Detail.OFF, None)):
        page = text_page(Renderer(SeriesSettings(otherwise=detail)), make_facts(rows))

        assert agents_on(page).get("agent-1") == wanted


def test_no_agents_at_all_make_a_page_that_parses() -> None:
    for exposition in FORMATS:
        page = Renderer(own=Own()).render(Facts(), exposition).body

        assert read(page, is_openmetrics=exposition.is_openmetrics)


def test_no_sample_carries_a_timestamp() -> None:
    page = text_page(Renderer(IN_FULL, own=Own()), make_facts([Row(number=1)]))

    for line in page.decode().splitlines():
        assert line.startswith("#") or len(line.rpartition("}")[2].split()) == (
            1 if "{" in line else 2
        )


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_words_stay_inside_their_quotes(text: str) -> None:
    rows = [Row(number=1, agent_id=f"a{text}", name=text, role=text, model=text)]
    facts = make_facts(rows, role_totals=[make_totals(text, text, tasks=3)])

    page = Renderer(IN_FULL).render(facts, Exposition.TEXT_0_0_4).body

    written = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    info = [dict(labels) for name, labels in read(page) if name == "pinkslip_agent_info"]
    assert [sorted(labels) for labels in info] == [
        ["agent", "model", "name", "role", "workspace"]
    ]
    assert info[0]["name"] == written


def test_promtool_takes_all_hostile_words_at_once(lint_page: Callable[[bytes], None]) -> None:
    rows = [
        Row(number=number, agent_id=f"{number}{text}", name=text, role=text, model=text)
        for number, text in enumerate(HOSTILE, 1)
    ]

    lint_page(text_page(Renderer(IN_FULL, own=Own()), make_facts(rows)))


def test_state_that_exempts_shows() -> None:
    rows = [
        Row(number=1),
        Row(number=2, status=Status.WAITING),
        Row(number=3, finished_at=NOW - 1),
        Row(number=4, standing=Standing.FIRED, status=Status.TERMINATED, terminated_at=NOW - 1),
        Row(number=5, standing=Standing.QUARANTINED),
        Row(number=6),
    ]

    samples = read(text_page(Renderer(), make_facts(rows, silenced=frozenset({6}))))

    exempt = {
        dict(labels)["agent"]: value
        for (name, labels), value in samples.items()
        if name == "pinkslip_agent_exempt"
    }
    assert exempt == {
        "agent-1": 0,
        "agent-2": 1,
        "agent-3": 1,
        "agent-4": 1,
        "agent-5": 0,
        "agent-6": 1,
    }


@pytest.mark.parametrize(
    ("moved", "told"), [(0, 0), (1, 0), (-999, 0), (1_000, 1_000), (-3_600_000, -3_600_000)]
)
def test_a_trembling_clock_does_not_move_every_sample(moved: int, told: int) -> None:
    renderer = Renderer()
    agents = [Row(number=1, last_heartbeat=NOW)]
    text_page(renderer, make_facts(agents, own=OwnFacts(wall_offset_ms=50)))

    page = text_page(renderer, make_facts(agents, own=OwnFacts(wall_offset_ms=50 + moved)))

    beats = [
        value
        for (name, _), value in read(page).items()
        if name == "pinkslip_agent_last_heartbeat_timestamp_seconds"
    ]
    assert beats == [(NOW + 50 + told) / 1000]


def test_times_are_told_by_the_wall_clock() -> None:
    offset = 3_600_000
    facts = make_facts(
        [Row(number=1, last_heartbeat=NOW)],
        evaluated_at=NOW,
        own=OwnFacts(wall_offset_ms=offset),
    )

    samples = read(text_page(Renderer(), facts))

    told = {name: value for (name, _), value in samples.items()}
    assert told["pinkslip_agent_last_heartbeat_timestamp_seconds"] == (NOW + offset) / 1000
    assert told["pinkslip_evaluation_last_timestamp_seconds"] == (NOW + offset) / 1000
    since = facts.workspaces[0].snapshot.observing_since
    assert told["pinkslip_observing_since_timestamp_seconds"] == (since + offset) / 1000
