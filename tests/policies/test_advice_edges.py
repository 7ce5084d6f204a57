"""Advice in full: what is said, what to do about it, and where it stands in the file."""

import pytest

from pinkslip.policies.known import Known
from pinkslip.policies.load import Source, load
from pinkslip.policies.problems import Problem

PROVEN = "proven(success < 70%, error=1%)"
DECAYED = "decayed(success, from=85%, to=60%)"
LADDER = "    ladder: [probation, fire]\n    reason: dumb\n"


def problems(keys: str, known: Known | None = None) -> list[Problem]:
    text = f"version: 1\npolicies:\n  - name: a\n{keys}"
    loaded = load([Source("a.yaml", text)], known=known)
    assert loaded.policy_set is not None, [problem.render() for problem in loaded.problems]
    return list(loaded.problems)


@pytest.mark.parametrize(
    ("clear_when", "message", "hint"),
    [
        pytest.param(
            "lower(success_rate[7d]) > 60%",
            "lower(success_rate[7d], confidence=95%) >= 60% lets an agent climb back whose rate is"
            " below the 70% that proven holds it to",
            "write lower(success_rate[7d]) >= 70% or more",
            id="a bound",
        ),
        pytest.param(
            "success_rate[7d] >= 60%",
            "success_rate[7d] lets an agent climb back at 60%, while proven holds it to 70%",
            "write success_rate[7d] >= 70% or more",
            id="a rate",
        ),
    ],
)
def test_an_easy_way_back_is_named_with_what_to_write(
    clear_when: str, message: str, hint: str
) -> None:
    [problem] = problems(f"    when: {PROVEN}\n    clear_when: {clear_when}\n{LADDER}")

    assert (problem.message, problem.hint) == (message, hint)
    assert problem.key_path == "policies[0].clear_when"


@pytest.mark.parametrize(
    ("when", "clear_when"),
    [
        pytest.param(
            PROVEN, "upper(success_rate[7d]) >= 70%", id="a bound over ever more tasks"
        ),
        pytest.param(DECAYED, "success_rate[7d] >= 60%", id="nothing is held to a rate"),
    ],
)
def test_a_way_back_that_is_no_easier_is_not_named(when: str, clear_when: str) -> None:
    assert problems(f"    when: {when}\n    clear_when: {clear_when}\n{LADDER}") == []


@pytest.mark.parametrize(
    ("when", "why"),
    [
        (
            f"{PROVEN} or {DECAYED}",
            "decayed begins anew with a change of standing, which notify is not",
        ),
        ("5m < heartbeat_age", "this rests on nothing that begins anew"),
        ("1d == age", "this rests on nothing that begins anew"),
        ("1d != age", "this rests on nothing that begins anew"),
        ("1d < age", "this never turns false once it is true"),
    ],
)
def test_it_says_why_nobody_gets_beyond_being_told_of(when: str, why: str) -> None:
    [problem] = problems(
        f"    when: {when}\n    ladder: [notify, probation, fire]\n    reason: dumb\n"
    )

    assert problem.message.endswith(why)


@pytest.mark.parametrize(
    "when",
    [
        "heartbeat_age > 5m and success_rate[1h] < 50% and tasks[1h] < 3",
        "tasks[1d] < 99 and tasks[1h] < 3 and success_rate[1h] < 50%",
    ],
)
def test_a_rate_that_is_never_known_is_found_wherever_it_stands(when: str) -> None:
    messages = [problem.message for problem in problems(f"    when: {when}\n")]

    assert any("success_rate[1h] is never known where" in message for message in messages)


@pytest.mark.parametrize(
    ("key", "condition", "known", "said"),
    [
        pytest.param(
            "clear_when",
            "tasks[8d] > 3",
            Known(retention_ms=7 * 86_400_000),
            (
                "the window is longer than outcomes are kept: 7d",
                "shorten it: it can hold no more than what is kept",
            ),
            id="longer than what is kept",
        ),
        pytest.param(
            "clear_when",
            "success_rate[4 tasks] > 50%",
            Known(min_tasks=5),
            (
                "success_rate[4 tasks] is never known: rates of fewer than 5 tasks are unknown",
                "write success_rate[5 tasks] or more (setting min_tasks)",
            ),
            id="fewer than make a rate",
        ),
        pytest.param(
            "when",
            "off_track[1d] > 3",
            Known(results=frozenset()),
            (
                "no agent has ever reported off_track: off_track[1d] has always been 0",
                "have whoever reports outcomes give the result off_track, or leave it out",
            ),
            id="a result nobody reports",
        ),
    ],
)
def test_what_this_fleet_cannot_answer_is_said_with_what_to_do(
    key: str, condition: str, known: Known, said: tuple[str, str]
) -> None:
    when = condition if key == "when" else "heartbeat_age > 5m"
    clear = f"    clear_when: {condition}\n" if key == "clear_when" else ""

    [problem] = problems(f"    when: {when}\n{clear}", known)

    assert (problem.message, problem.hint) == said
    assert problem.key_path == f"policies[0].{key}"


EMPTY: frozenset[str] = frozenset()


@pytest.mark.parametrize(
    ("match", "known", "excerpt_meant", "hint"),
    [
        pytest.param(
            "{role: [developer, tester]}",
            Known(fields={"role": frozenset({"developer"})}),
            "tester",
            'seen: "developer"',
            id="a word",
        ),
        pytest.param("{host: [h2, h1]}", Known(fields={"host": EMPTY}), "h1", "", id="a field"),
        pytest.param(
            "{role: tester}",
            Known(fields={"role": frozenset("abcde")}),
            "tester",
            'seen: "a", "b", "c", "d", "e"',
            id="as many as are listed",
        ),
        pytest.param(
            "{role: tester}",
            Known(fields={"role": frozenset("abcdef")}),
            "tester",
            'seen: "a", "b", "c", "d", "e" and 1 more',
            id="one more than are listed",
        ),
    ],
)
def test_what_nobody_has_is_pointed_at(
    match: str, known: Known, excerpt_meant: str, hint: str
) -> None:
    [problem] = problems(f"    when: age > 1d\n    match: {match}\n", known)

    meant = problem.excerpt[problem.caret : problem.caret + problem.width]
    field = match[1 : match.index(":")]
    assert (meant, problem.hint) == (excerpt_meant, hint)
    assert problem.key_path == f"policies[0].match.{field}"
