"""What the sides of a condition can be, and what follows for the condition: never true, always true, or neither."""

import math

import pytest

from pinkslip.model.policy import Comparison
from pinkslip.policies.language import parse_condition
from pinkslip.policies.ranges import Limits, demands, findings, reach

INF = math.inf
NEVER = "the condition can never match"
ALWAYS = "this is always true"
PART = "this is never true"


def said(text: str) -> list[str]:
    return [finding.message for finding in findings(parse_condition(text).tree)]


@pytest.mark.parametrize(
    ("side", "expected"),
    [
        ("age", (0.0, INF)),
        ("heartbeat_interval", (1.0, 86_400.0)),
        ("suspicion", (0.0, 300.0)),
        ("success_rate[1h]", (0.0, 1.0)),
        ("score[20 tasks]", (0.0, 1.0)),
        ("context_used", (0.0, 1.0)),
        ("flap_score", (0.0, 1.0)),
        ("tasks[20 tasks]", (0.0, 20.0)),
        ("timeouts[20 tasks]", (0.0, 20.0)),
        ("tasks[1h]", (0.0, INF)),
        ("errors[20 tasks]", (0.0, INF)),
        ("-tasks[20 tasks]", (-20.0, 0.0)),
        ("tasks[20 tasks] + failures[5 tasks]", (0.0, 25.0)),
        ("tasks[20 tasks] - failures[5 tasks]", (-5.0, 20.0)),
        ("failures[5 tasks] - tasks[1h]", (-INF, 5.0)),
        ("tasks[20 tasks] * -3", (-60.0, 0.0)),
        ("(tasks[20 tasks] - 5) * (failures[4 tasks] - 1)", (-15.0, 45.0)),
        ("tasks[1h] * failures[1h]", (0.0, INF)),
        ("tasks[20 tasks] / 4", (0.0, 5.0)),
        ("tasks[20 tasks] / -4", (-5.0, 0.0)),
        ("tasks[20 tasks] / (failures[4 tasks] + 2)", (0.0, 10.0)),
        ("tasks[20 tasks] / failures[4 tasks]", (-INF, INF)),
        ("tasks[20 tasks] / (failures[4 tasks] - 4)", (-INF, INF)),
        ("heartbeat_interval / 2", (0.5, 43_200.0)),
        ("heartbeat_age / heartbeat_interval", (0.0, INF)),
        ("abs(tasks[20 tasks])", (0.0, 20.0)),
        ("abs(tasks[20 tasks] - 5)", (0.0, 15.0)),
        ("abs(tasks[20 tasks] - 15)", (0.0, 15.0)),
        ("abs(tasks[20 tasks] + 5)", (5.0, 25.0)),
        ("abs(-5 - tasks[20 tasks])", (5.0, 25.0)),
        ("min(tasks[20 tasks], 5)", (0.0, 5.0)),
        ("min(tasks[20 tasks], -5)", (-5.0, -5.0)),
        ("max(tasks[20 tasks], 5)", (5.0, 20.0)),
        ("max(tasks[20 tasks], 5, failures[50 tasks])", (5.0, 50.0)),
        ("peers(score[1h])", (0.0, 1.0)),
        ("upper(success_rate[1h])", (0.0, 1.0)),
        ("lower(success_rate[1h])", (0.0, 1.0)),
        ("posterior(success < 70%)", (0.0, 1.0)),
    ],
)
def test_what_a_side_can_be(side: str, expected: tuple[float, float]) -> None:
    unit = (
        "50%" if any(word in side for word in ("rate", "score", "used", "posterior")) else "1"
    )
    if side in ("age", "heartbeat_interval", "heartbeat_interval / 2"):
        unit = "7s"
    tree = parse_condition(f"{side} > {unit}").tree
    assert isinstance(tree, Comparison)

    assert reach(tree.left) == expected


@pytest.mark.parametrize(
    ("side", "expected"),
    [
        ("peers(cost_per_success[7d])", (0.0, INF)),
        ("-tasks[1h] * failures[1h]", (-INF, 0.0)),
    ],
)
def test_what_a_side_can_be_at_all(side: str, expected: tuple[float, float]) -> None:
    tree = parse_condition(f"{side} > {'$1' if 'cost' in side else '1'}").tree
    assert isinstance(tree, Comparison)

    assert reach(tree.left) == expected


def test_a_division_by_nothing_is_never_known() -> None:
    assert said("tasks[1h] / 0 > 1") == ["this divides by zero and is never known"]
    assert said("tasks[1h] > 1 or tasks[1h] / (1 - 1) > 1") == [
        "this divides by zero and is never known"
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("success_rate[1h] < 0%", NEVER),
        ("success_rate[1h] <= 0%", None),
        ("success_rate[1h] <= 100%", ALWAYS),
        ("success_rate[1h] < 100%", None),
        ("success_rate[1h] < 101%", ALWAYS),
        ("success_rate[1h] > 100%", NEVER),
        ("success_rate[1h] >= 100%", None),
        ("success_rate[1h] >= 101%", NEVER),
        ("success_rate[1h] >= 0%", ALWAYS),
        ("success_rate[1h] > 0%", None),
        ("success_rate[1h] == 101%", NEVER),
        ("success_rate[1h] == 100%", None),
        ("success_rate[1h] != 101%", ALWAYS),
        ("success_rate[1h] != 100%", None),
        ("-1 == tasks[1h]", NEVER),
        ("-1 != tasks[1h]", ALWAYS),
        ("0 == tasks[1h]", None),
        ("tasks[1h] == 5.5", NEVER),
        ("5.5 != tasks[1h]", ALWAYS),
        ("tasks[1h] == 5", None),
        ("tasks[1h] > 5.5", None),
        ("not tasks[1h] == 5.5", "this is never true"),
        ("errors[1h] > 3 and tasks[1h] < 0", NEVER),
        ("suspicion == 5.5", None),
        ("success_rate[1h] == 5.5%", None),
        ("0% > success_rate[1h]", NEVER),
        ("0% >= success_rate[1h]", None),
        ("100% >= success_rate[1h]", ALWAYS),
        ("tasks[20 tasks] > 20", NEVER),
        ("tasks[20 tasks] >= 20", None),
        ("tasks[20 tasks] <= 20", ALWAYS),
        ("1 < 2", ALWAYS),
        ("2 < 1", NEVER),
        ("2 <= 2", ALWAYS),
        ("2 < 2", NEVER),
        ("2 == 2", ALWAYS),
        ("2 != 2", NEVER),
        ("2 == 3", NEVER),
    ],
)
def test_what_can_never_be_and_what_always_is(text: str, expected: str | None) -> None:
    messages = said(text)

    assert [message.partition(" because ")[0] for message in messages] == (
        [] if expected is None else [expected]
    )


@pytest.mark.parametrize(
    "text",
    [
        "20 == tasks[20 tasks]",
        "outlier(cost_per_success[7d]) > 3.5 and cost_per_success[7d] > $5",
        "successes[20 tasks] < 5 and failures[20 tasks] >= 20",
        "-tasks[1h] * failures[1h] < -5",
    ],
)
def test_nothing_is_said_of_a_condition_that_may_hold(text: str) -> None:
    assert said(text) == []


@pytest.mark.parametrize(
    ("text", "because"),
    [
        ("success_rate[1h] > 100%", "because success_rate[1h] is between 0% and 100%"),
        ("age < 0s", "because age is never negative"),
        ("5.5 == tasks[1h]", "because tasks[1h] is a whole number"),
        ("tasks[1h] == -0.5", "because tasks[1h] is a whole number"),
        ("tasks[1h] < -0.5", "because tasks[1h] is never negative"),
        ("tasks[1h] - failures[1h] < tasks[1h] / 0", None),
        ("1 < 2", ""),
        (
            "tasks[20 tasks] > failures[5 tasks] + 21",
            "because tasks[20 tasks] is between 0 and 20 and failures[5 tasks] + 21 is between 21 and 26",
        ),
        (
            "tasks[20 tasks] + 10000000 + 10000000 + 10000000 + 10000000 + 1000000 < 0",
            "because the other side is between 41000000 and 41000020",
        ),
    ],
)
def test_the_reason_names_what_the_sides_can_be(text: str, because: str | None) -> None:
    [message] = said(text)

    if because is None:
        assert message == "this divides by zero and is never known"
    else:
        assert message.partition(" because ")[2] == because.removeprefix("because ")


def test_a_side_that_cannot_reach_a_constant_is_named_also_on_the_right() -> None:
    assert said("0% > success_rate[1h]") == [
        "the condition can never match because success_rate[1h] is between 0% and 100%"
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("age > 1d and success_rate[1h] > 100%", NEVER),
        ("age > 1d or success_rate[1h] > 100%", PART),
        ("not (age > 1d or success_rate[1h] <= 100%)", ALWAYS),
        ("not success_rate[1h] > 100%", PART),
        ("not not success_rate[1h] > 100%", NEVER),
        ("not success_rate[1h] <= 100%", NEVER.replace(NEVER, ALWAYS)),
        ("success_rate[1h] > 100% or tasks[20 tasks] > 20", NEVER),
        ("not (success_rate[1h] > 100% and age > 1d)", PART),
        ("proven(success < 70%, error=1%) and success_rate[1h] > 100%", NEVER),
        ("proven(success < 70%, error=1%) or success_rate[1h] > 100%", PART),
    ],
)
def test_a_part_that_never_holds_makes_the_whole_never_match_where_all_must_hold(
    text: str, expected: str
) -> None:
    assert said(text)[0].startswith(expected)


@pytest.mark.parametrize(
    "text",
    [
        "tasks[1h] > 5 and tasks[1h] < 6",
        "tasks[1h] >= 5 and tasks[1h] < 5",
        "tasks[1h] > 5 and tasks[1h] <= 5",
        "tasks[1h] == 5 and tasks[1h] == 6",
        "5 < tasks[1h] and 6 > tasks[1h]",
        "age >= 5s and age < 5s",
        "suspicion > 5 and suspicion <= 5",
        "not (tasks[1h] <= 5) and tasks[1h] < 6",
        "not (tasks[1h] <= 5 or tasks[1h] >= 6)",
        "tasks[1h] > 5 and (age > 1s and tasks[1h] < 6)",
        "tasks[1h] >= 5.2 and tasks[1h] <= 5.8",
    ],
)
def test_what_excludes_each_other(text: str) -> None:
    messages = said(text)

    assert len(messages) == 1
    assert messages[0].startswith(f"{NEVER} because it and ")
    assert messages[0].endswith(" exclude each other")


@pytest.mark.parametrize(
    "text",
    [
        "tasks[1h] > 5 and tasks[1h] < 7",
        "tasks[1h] >= 5 and tasks[1h] <= 5",
        "age > 5s and age < 6s",
        "suspicion > 5 and suspicion < 6",
        "tasks[1h] > 5 or tasks[1h] < 6",
        "tasks[1h] != 5 and tasks[1h] >= 5",
        "tasks[1h] > 5 and tasks[2h] < 6",
        "not (tasks[1h] > 5 and tasks[1h] < 6)",
        "tasks[1h] > 5 and failures[1h] < 6",
    ],
)
def test_what_may_hold_together_is_not_warned_of(text: str) -> None:
    assert said(text) == []


AGE = "age > 5s and age < 3s"
FULL = "successes[20 tasks] > 12 and failures[20 tasks] > 9"


@pytest.mark.parametrize(
    ("text", "said_of"),
    [
        (f"{AGE} and age < 2s", ["age < 3s"]),
        (f"{AGE} and age < 2s and tasks[1h] > 5 and tasks[1h] < 3", ["age < 3s", "tasks[1h] < 3"]),
        (f"{AGE} and tasks[1h] > 5 and tasks[1h] < 3", ["age < 3s", "tasks[1h] < 3"]),
        (f"{FULL} and failures[20 tasks] > 10", ["failures[20 tasks] > 9"]),
        (f"{AGE} and {FULL} and age < 2s", ["age < 3s", "failures[20 tasks] > 9"]),
    ],
)  # fmt: skip
def test_each_measure_that_is_asked_too_much_is_told_once(
    text: str, said_of: list[str]
) -> None:
    spans = [finding.span for finding in findings(parse_condition(text).tree)]

    assert [text[span.start : span.end] for span in spans] == said_of


def test_a_count_of_half_a_task_excludes_nothing_else() -> None:
    messages = said(f"tasks[1h] == 5.5 and {AGE}")

    assert sum("exclude each other" in message for message in messages) == 1


@pytest.mark.parametrize(
    ("text", "room", "needed"),
    [
        ("successes[20 tasks] > 12 and failures[20 tasks] > 9", 20, 23),
        ("successes[1h] >= 5 and failures[1h] >= 6 and tasks[1h] <= 10", 10, 11),
        ("refusals[20 tasks] >= 11 and timeouts[20 tasks] >= 10", 20, 21),
        (
            "successes[20 tasks] >= 18 and refusals[20 tasks] >= 2 and timeouts[20 tasks] >= 1",
            20,
            21,
        ),
        (
            "failures[20 tasks] >= 3 and refusals[20 tasks] >= 2 and successes[20 tasks] >= 18",
            20,
            21,
        ),
        ("tasks[1h] < 1 and successes[1h] > 0", 0, 1),
    ],
)
def test_more_tasks_than_there_is_room_for(text: str, room: int, needed: int) -> None:
    [message] = said(text)

    assert message.startswith(f"{NEVER} because ")
    assert message.endswith(
        f" are of the same tasks: there are at most {room}, and it takes {needed}"
    )


@pytest.mark.parametrize(
    "text",
    [
        "successes[20 tasks] > 12 and failures[20 tasks] >= 7",
        "successes[1h] >= 5 and failures[1h] >= 5 and tasks[1h] <= 10",
        "successes[20 tasks] >= 18 and refusals[20 tasks] >= 2 and failures[20 tasks] >= 2",
        "successes[20 tasks] > 12 and failures[50 tasks] > 9",
        "successes[20 tasks] > 12 or failures[20 tasks] > 9",
        "successes[20 tasks] > 12 and errors[20 tasks] > 9",
    ],
)
def test_as_many_tasks_as_there_is_room_for(text: str) -> None:
    assert said(text) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("age > 5s", [("age", Limits(low=5.0, has_low=False))]),
        ("age >= 5s", [("age", Limits(low=5.0))]),
        ("5s >= age", [("age", Limits(high=5.0))]),
        ("5s > age", [("age", Limits(high=5.0, has_high=False))]),
        ("age == 5s", [("age", Limits(low=5.0, high=5.0))]),
        ("age != 5s", []),
        ("not age != 5s", [("age", Limits(low=5.0, high=5.0))]),
        ("not age < 5s", [("age", Limits(low=5.0))]),
        ("tasks[1h] > 5", [("tasks[1h]", Limits(low=6.0))]),
        ("tasks[1h] > 5.5", [("tasks[1h]", Limits(low=6.0))]),
        ("tasks[1h] < 5", [("tasks[1h]", Limits(high=4.0))]),
        ("tasks[1h] < 5.5", [("tasks[1h]", Limits(high=5.0))]),
        ("suspicion < 5", [("suspicion", Limits(high=5.0, has_high=False))]),
        ("age > 5s and tasks[1h] > 1", [
            ("age", Limits(low=5.0, has_low=False)), ("tasks[1h]", Limits(low=2.0)),
        ]),
        ("age > 5s or tasks[1h] > 1", []),
        ("not (age > 5s or tasks[1h] > 1)", [
            ("age", Limits(high=5.0)), ("tasks[1h]", Limits(high=1.0)),
        ]),
        ("not (age > 5s and tasks[1h] > 1)", []),
        ("tasks[1h] > failures[1h]", []),
        ("1 > 2", []),
    ],
)  # fmt: skip
def test_what_must_be_so_of_each_measure(text: str, expected: list[tuple[str, Limits]]) -> None:
    found = [
        (demanded.side.key, demanded.limits)  # type: ignore[union-attr]  # a measure in every row
        for demanded in demands(parse_condition(text).tree)
    ]

    assert found == expected
