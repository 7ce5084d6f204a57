"""How an agent's series come and go: together, after the time to live, within the cap."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from tests.metrics.fleets import NOW, Row, make_facts, make_snapshot, make_totals
from tests.metrics.pages import agents_on, read, text_page

from pinkslip.metrics.catalogue import Group, series_per_agent
from pinkslip.metrics.inputs import Facts, WorkspaceFacts
from pinkslip.metrics.render import Renderer
from pinkslip.metrics.selection import Detail, SeriesRule, SeriesSettings
from pinkslip.model.policy import Matcher
from pinkslip.model.words import Standing, Status

TTL = 600_000
CORE = series_per_agent(Group.AGENT_CORE)
FULL = CORE + series_per_agent(Group.AGENT_FULL)
CAPPED = SeriesSettings(max_agents=2)

FINISHED = Row(number=1, status=Status.IDLE, finished_at=NOW)
FIRED = Row(number=1, status=Status.TERMINATED, standing=Standing.FIRED, terminated_at=NOW)


def rows(*numbers: int) -> list[Row]:
    return [Row(number=number) for number in numbers]


def exported(renderer: Renderer, agents: Sequence[Row], *, at: int = NOW) -> dict[str, int]:
    return agents_on(text_page(renderer, make_facts(agents, at=at)))


def value(page: bytes, name: str) -> float:
    [found] = [value for (sample, _), value in read(page).items() if sample == name]
    return found


@pytest.mark.parametrize("gone", [FINISHED, FIRED], ids=["finished", "fired"])
@pytest.mark.parametrize(
    ("age", "series"),
    [(0, CORE), (TTL - 1, CORE), (TTL, None), (TTL + 1, None)],
    ids=["at once", "just before", "at the time to live", "just after"],
)
def test_series_of_who_left_go_all_together_after_the_time_to_live(
    gone: Row, age: int, series: int | None
) -> None:
    renderer = Renderer(SeriesSettings(ttl_ms=TTL))
    exported(renderer, [gone, Row(number=2)])

    seen = exported(renderer, [gone, Row(number=2)], at=NOW + age)

    assert seen.get("agent-1") == series
    assert seen["agent-2"] == CORE


def test_terminated_alone_does_not_make_an_agent_leave() -> None:
    reinstated = replace(FIRED, standing=Standing.ACTIVE, status=Status.IDLE)

    assert exported(Renderer(), [reinstated], at=NOW + 2 * TTL) == {"agent-1": CORE}


def test_who_comes_back_has_series_again_that_go_on_where_they_stood() -> None:
    renderer = Renderer()
    before = replace(FINISHED, tasks=41)
    exported(renderer, [before])
    assert exported(renderer, [before], at=NOW + TTL) == {}

    back = replace(before, finished_at=0, tasks=42)
    page = text_page(renderer, make_facts([back], at=NOW + TTL + 5_000))

    assert agents_on(page) == {"agent-1": CORE}
    assert value(page, "pinkslip_agent_tasks_total") == 42


def test_who_leaves_memory_early_leaves_no_line_behind() -> None:
    renderer = Renderer()
    exported(renderer, rows(1, 2, 3))

    page = text_page(renderer, make_facts(rows(1, 3)))

    assert agents_on(page) == {"agent-1": CORE, "agent-3": CORE}
    assert b"agent-2" not in page


def test_at_the_cap_new_agents_get_none_and_old_ones_keep_theirs() -> None:
    renderer = Renderer(CAPPED)
    assert exported(renderer, rows(5, 6)).keys() == {"agent-5", "agent-6"}

    page = text_page(renderer, make_facts(rows(1, 5, 6, 7)))

    assert agents_on(page).keys() == {"agent-5", "agent-6"}
    assert value(page, "pinkslip_series_dropped_total") == 2 * CORE
    assert value(page, "pinkslip_agents_without_series") == 2


def test_aggregates_stay_whole_at_the_cap() -> None:
    totals = [make_totals(tasks=10)]
    facts = make_facts(rows(1, 2, 3, 4), role_totals=totals)

    samples = read(text_page(Renderer(SeriesSettings(max_agents=1)), facts))

    working = (("role", "developer"), ("status", "WORKING"), ("workspace", "default"))
    assert samples["pinkslip_agents", working] == 4
    done = (("model", "glm-4.7"), ("role", "developer"), ("workspace", "default"))
    assert samples["pinkslip_tasks_total", done] == 10


def test_a_refused_agent_is_counted_once_and_moves_in_when_there_is_room() -> None:
    renderer = Renderer(CAPPED)
    exported(renderer, rows(1, 2, 3))
    exported(renderer, rows(1, 2, 3))
    page = text_page(renderer, make_facts(rows(1, 2, 3)))
    assert value(page, "pinkslip_series_dropped_total") == CORE

    page = text_page(renderer, make_facts(rows(2, 3)))

    assert agents_on(page).keys() == {"agent-2", "agent-3"}
    assert value(page, "pinkslip_agents_without_series") == 0
    assert value(page, "pinkslip_series_dropped_total") == CORE


def test_first_come_first_served_at_a_start_over_the_cap() -> None:
    assert exported(Renderer(CAPPED), rows(9, 4, 7)).keys() == {"agent-4", "agent-7"}


def test_cap_counts_all_workspaces_together() -> None:
    def both(first: list[Row], second: list[Row]) -> Facts:
        one = WorkspaceFacts(name="one", snapshot=make_snapshot(first, workspace_id=1))
        two = WorkspaceFacts(name="two", snapshot=make_snapshot(second, workspace_id=2))
        return Facts(workspaces=(one, two))

    renderer = Renderer(CAPPED)
    text_page(renderer, both(rows(1), [Row(number=1, agent_id="other")]))

    page = text_page(renderer, both(rows(1, 2), [Row(number=1, agent_id="other")]))

    assert agents_on(page).keys() == {"agent-1", "other"}


def test_rules_decide_who_has_how_much_and_the_first_that_matches_wins() -> None:
    settings = SeriesSettings(
        rules=(
            SeriesRule(detail=Detail.OFF, match=(Matcher("agent", patterns=("tmp-.*",)),)),
            SeriesRule(
                detail=Detail.FULL,
                match=(
                    Matcher("role", values=frozenset({"developer"})),
                    Matcher("label.team", values=frozenset({"red", "blue"})),
                ),
            ),
            SeriesRule(detail=Detail.CORE, match=(Matcher("status", frozenset({"WORKING"})),)),
        ),
        otherwise=Detail.OFF,
    )
    known = {
        "progress": 0.5,
        "progress_at": NOW,
        "context_used": 0.5,
        "labels": {"team": "red"},
    }
    agents = [
        Row(number=1, agent_id="tmp-1", **known),  # type: ignore[arg-type]  # a builder's words
        Row(number=2, agent_id="not-tmp-2", **known),  # type: ignore[arg-type]  # a builder's words
        Row(number=3, role="researcher"),
        Row(number=4, role=None, status=Status.IDLE),
        Row(number=5, labels={"team": "green"}),
    ]

    assert exported(Renderer(settings), agents) == {
        "not-tmp-2": FULL,
        "agent-3": CORE,
        "agent-5": CORE,
    }


def test_an_agent_may_gain_and_lose_the_full_series() -> None:
    settings = SeriesSettings(
        rules=(
            SeriesRule(detail=Detail.FULL, match=(Matcher("status", frozenset({"ERROR"})),)),
        )
    )
    renderer = Renderer(settings)
    calm = Row(number=1, progress=1.0, progress_at=NOW, context_used=0.5)
    agents = [calm, Row(number=2)]
    assert exported(renderer, agents)["agent-1"] == CORE

    assert exported(renderer, [replace(calm, status=Status.ERROR), Row(number=2)]) == {
        "agent-1": FULL,
        "agent-2": CORE,
    }
    assert exported(renderer, agents)["agent-1"] == CORE


def test_new_rules_apply_from_the_next_page_and_take_nothing_from_who_keeps_some() -> None:
    renderer = Renderer(CAPPED)
    exported(renderer, rows(5, 6))

    renderer.configure(replace(CAPPED, otherwise=Detail.FULL))

    assert exported(renderer, rows(1, 5, 6)).keys() == {"agent-5", "agent-6"}


def test_free_rows_of_a_snapshot_are_nobody() -> None:
    agents = [Row(number=0, agent_id="ghost"), Row(number=1)]

    samples = read(text_page(Renderer(), make_facts(agents)))

    working = (("role", "developer"), ("status", "WORKING"), ("workspace", "default"))
    assert samples["pinkslip_agents", working] == 1
    assert not [labels for _, labels in samples if ("agent", "ghost") in labels]


def test_a_workspace_that_goes_takes_its_series_along() -> None:
    renderer = Renderer()
    text_page(renderer, make_facts(rows(1)))

    assert b'workspace="default"' not in text_page(renderer, Facts())
    assert exported(renderer, rows(1)) == {"agent-1": CORE}
