"""The sentences of policy tests: what each means to the millisecond, and what is said of one that is not understood."""

import pytest

from pinkslip.model.words import Fault, Result
from pinkslip.policies.schedules import (
    COUNT_MAX,
    BadSchedule,
    Results,
    Rhythm,
    Series,
    parse_rhythm,
    parse_series,
)

DAYS_30 = 30 * 24 * 3_600_000
BLAME = "one of agent, provider, tool, infra, user, unknown"
RANGE = "up to 30d; every: at least 1ms"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", Rhythm()),
        ("every 10s", Rhythm(10_000)),
        ("every 10s from 1m until 2m", Rhythm(10_000, 60_000, 120_000)),
        ("until 2m from 1m", Rhythm(None, 60_000, 120_000)),
        ("at 3m", Rhythm(None, 180_000, is_single=True)),
        ("at 0s", Rhythm(None, 0, is_single=True)),
        ("from 0s", Rhythm(None, 0)),
        ("every 1ms", Rhythm(1)),
        ("every 30d", Rhythm(DAYS_30)),
        ("until 30d", Rhythm(None, 0, DAYS_30)),
    ],
)
def test_a_rhythm(text: str, expected: Rhythm) -> None:
    assert parse_rhythm(text) == expected


@pytest.mark.parametrize(
    ("text", "results", "rhythm"),
    [
        ("success", (Results(1, Result.SUCCESS),), Rhythm()),
        (
            "3 success at 1m",
            (Results(3, Result.SUCCESS),),
            Rhythm(None, 60_000, is_single=True),
        ),
        (
            "2 success, 1 failure by tool, timeout every 1s",
            (
                Results(2, Result.SUCCESS),
                Results(1, Result.FAILURE, Fault.TOOL),
                Results(1, Result.TIMEOUT),
            ),
            Rhythm(1_000),
        ),
        (f"{COUNT_MAX} success", (Results(COUNT_MAX, Result.SUCCESS),), Rhythm()),
    ],
)
def test_a_series(text: str, results: tuple[Results, ...], rhythm: Rhythm) -> None:
    assert parse_series(text) == Series(results, rhythm)


@pytest.mark.parametrize(
    ("text", "message", "at", "width", "hint"),
    [
        ("every", "every is not followed by a time", 4, 1, "write every 30s"),
        ("from 1m until", "until is not followed by a time", 12, 1, "write until 30s"),
        ("every 0s", "every 0s is out of range", 6, 2, RANGE),
        ("every 31d", "every 31d is out of range", 6, 3, RANGE),
        ("until 31d", "until 31d is out of range", 6, 3, RANGE),
        ("every 1m every 2m", "every is said twice", 9, 5, "say it once"),
        ("at 1m until 2m", "at stands alone", 0, 1, "write from for the beginning of a rhythm"),
        (
            "every 1m untill 2m",
            '"untill" is not understood here',
            9,
            6,
            'did you mean "until"?',
        ),
        (
            "1m",
            '"1m" is not understood here',
            0,
            2,
            "after it comes one of every, from, until, at",
        ),
    ],
)
def test_a_rhythm_that_is_not_understood(
    text: str, message: str, at: int, width: int, hint: str
) -> None:
    with pytest.raises(BadSchedule) as refused:
        parse_rhythm(text)

    error = refused.value
    assert (str(error), error.at, error.width, error.hint) == (message, at, width, hint)


@pytest.mark.parametrize(
    ("text", "message", "at", "width", "hint"),
    [
        ("", "nothing stands where a result is expected", 0, 1, None),
        ("3", "nothing stands where a result is expected", 0, 1, None),
        ("3 success,", "nothing stands where a result is expected", 9, 1, None),
        (
            "3 sucess",
            '"sucess" stands where a result is expected',
            2,
            6,
            'did you mean "success"?',
        ),
        ("success by", "nothing stands where who is to blame is expected", 9, 1, BLAME),
        ("success by me", '"me" stands where who is to blame is expected', 11, 2, BLAME),
        ("0 success", '"0" is no number of outcomes', 0, 1, f"between 1 and {COUNT_MAX}"),
        ("1x success", '"1x" is no number of outcomes', 0, 2, f"between 1 and {COUNT_MAX}"),
        (
            f"{COUNT_MAX + 1} success",
            f'"{COUNT_MAX + 1}" is no number of outcomes',
            0,
            len(str(COUNT_MAX)),
            f"between 1 and {COUNT_MAX}",
        ),
        (
            "success until 2h",
            "until needs an every",
            0,
            1,
            "write for example every 1m until 2h",
        ),
        (
            "success every never",
            'after every comes a time: "never" is no duration',
            14,
            5,
            None,
        ),
    ],
)
def test_a_series_that_is_not_understood(
    text: str, message: str, at: int, width: int, hint: str | None
) -> None:
    with pytest.raises(BadSchedule) as refused:
        parse_series(text)

    error = refused.value
    assert (str(error), error.at, error.width) == (message, at, width)
    if hint is not None:
        assert error.hint == hint
    else:
        assert error.hint


def test_when_outcomes_happen() -> None:
    series = parse_series("2 success, 1 failure every 10s from 5s")

    assert (series.length, series.last_ms) == (3, 25_000)
    assert [(at, each.result.value) for at, each in series.happening(end_ms=60_000)] == [
        (5_000, "success"),
        (15_000, "success"),
        (25_000, "failure"),
    ]
    assert [series.times(end_ms=end) for end in (4_999, 5_000, 14_999, 15_000, 25_000, 99_000)] == [
        0, 1, 1, 2, 3, 3,
    ]  # fmt: skip


def test_outcomes_begin_again_until_their_end() -> None:
    series = parse_series("1 success, 1 failure every 10s until 40s")

    assert series.last_ms == 40_000
    assert [each.result.value for _, each in series.happening(end_ms=90_000)] == [
        "success", "failure", "success", "failure", "success",
    ]  # fmt: skip
    assert series.times(end_ms=20_000) == 3


def test_outcomes_of_one_instant() -> None:
    series = parse_series("2 success at 10s")

    assert (series.length, series.last_ms) == (2, 10_000)
    assert list(series.happening(end_ms=9_999)) == []
    assert [at for at, _ in series.happening(end_ms=10_000)] == [10_000, 10_000]
    assert [series.times(end_ms=end) for end in (9_999, 10_000)] == [0, 2]


def test_when_a_rhythm_beats() -> None:
    rhythm = parse_rhythm("every 10s from 5s until 30s")

    assert list(rhythm.instants(end_ms=90_000)) == [5_000, 15_000, 25_000]
    assert list(rhythm.instants(end_ms=24_999)) == [5_000, 15_000]
    assert [rhythm.times(end_ms=end) for end in (4_999, 5_000, 25_000, 99_000)] == [0, 1, 3, 3]
