"""Places in columns: what goes in comes out, in order."""

import pytest
from tests.judge.world import START

from pinkslip.judge.shelf import shelf_of
from pinkslip.model.decisions import Place
from pinkslip.model.words import Standing


def make_place(subject: str, **given: object) -> Place:
    return Place(
        **{  # type: ignore[arg-type]  # fields of Place
            "policy": "dumb",
            "episode_hash": "dumb1",
            "subject": subject,
            "incarnation": 1,
            "rung": 0,
            "standing": Standing.PROBATION,
            "since": START,
            **given,
        }
    )


SUBJECTS = ["agent:2", "agent:10", "lineage:a", "lineage:agent:1", "lineage:b"]


def test_places_come_by_agent_no_then_by_lineage() -> None:
    shelf = shelf_of([make_place(subject) for subject in reversed(SUBJECTS)])

    assert [shelf.subject(row) for row in range(len(shelf))] == SUBJECTS


def test_joined_shelves_are_in_order_too() -> None:
    odd = shelf_of([make_place(subject) for subject in SUBJECTS[1::2]])
    even = shelf_of([make_place(subject) for subject in SUBJECTS[0::2]])

    joined = odd.joined(even)

    assert [joined.subject(row) for row in range(len(joined))] == SUBJECTS


@pytest.mark.parametrize(
    "place",
    [
        make_place("agent:7"),
        make_place(
            "lineage:worker",
            incarnation=0,
            rung=-1,
            standing=Standing.ACTIVE,
            until=START + 1,
            passes=3,
            quarantines=2,
            quarantined_until=START + 2,
            base_tasks=40,
            base_successes=7,
            false_since=START - 1,
            is_shadow=True,
            decision_id="0190",
        ),
    ],
    ids=["plain", "whole"],
)
def test_a_place_comes_out_as_it_went_in(place: Place) -> None:
    assert shelf_of([place]).place("dumb", 0) == place
