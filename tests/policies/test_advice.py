"""What is said, and what is left unsaid, of policies that can be used."""

import pytest

from pinkslip.policies.load import Source, load
from pinkslip.policies.problems import Problem

PROVEN = "proven(success < 70%, error=1%)"
DECAYED = "decayed(success, from=85%, to=60%)"
LADDER = "    ladder: [probation, fire]\n    reason: dumb\n"


def problems(keys: str) -> tuple[Problem, ...]:
    loaded = load([Source("a.yaml", f"version: 1\npolicies:\n  - name: a\n{keys}")])
    assert loaded.policy_set is not None, [problem.render() for problem in loaded.problems]
    return loaded.problems


def warnings(keys: str) -> list[str]:
    return [problem.message for problem in problems(keys)]


@pytest.mark.parametrize(
    "when",
    [
        "proven(success < 70%, error=1%)",
        "decayed(success, from=85%, to=60%)",
        "posterior(success < 70%) > 99%",
        "proven(success < 70%, error=1%) and age > 1d",
        "proven(success < 70%, error=1%) or decayed(success, from=85%, to=60%)",
        "success_rate[1h] < 50% and (tasks[1h] > 3 and proven(success < 70%, fdr=1%))",
    ],
)
def test_evidence_that_begins_anew_takes_an_agent_down_the_whole_ladder(when: str) -> None:
    assert warnings(f"    when: {when}\n{LADDER}") == []


@pytest.mark.parametrize(
    "when",
    [
        "success_rate[50 tasks] < 50%",
        "proven(success < 70%, error=1%) or heartbeat_age > 5m",
        "not proven(success < 70%, error=1%)",
        "upper(success_rate[1d]) < 70%",
    ],
)
def test_what_rests_on_nothing_that_begins_anew_stays_on_the_first_rung(when: str) -> None:
    [message] = warnings(f"    when: {when}\n{LADDER}")

    assert message.startswith("an agent that stays bad does not get beyond probation")


@pytest.mark.parametrize(
    "when", ["age > 1d", "1d < age", "age >= 1d or age > 2d", "age > 1d and age > 2 * 1d"]
)
def test_age_alone_takes_nobody_beyond_the_first_rung(when: str) -> None:
    [message] = warnings(f"    when: {when}\n{LADDER}")

    assert message.startswith("no agent gets beyond probation")


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
    "when", ["age < 1d", "age == 1d", "age > heartbeat_interval", "age > 1d and tasks[1h] > 3"]
)
def test_what_can_turn_false_again_is_not_said_to_stay(when: str) -> None:
    [message] = warnings(f"    when: {when}\n{LADDER}")

    assert message.startswith("an agent that stays bad")


def test_an_action_needs_nothing_that_begins_anew() -> None:
    assert warnings("    when: age > 1d\n    action: fire\n    reason: dumb\n") == []
    assert warnings("    when: age > 1d\n    action: probation\n") == []


@pytest.mark.parametrize(
    ("clear_when", "is_easy"),
    [
        ("success_rate[50 tasks] >= 60%", True),
        ("success_rate[50 tasks] > 69.9%", True),
        ("success_rate[50 tasks] >= 70%", False),
        ("age > 1d and success_rate[50 tasks] > 50%", True),
        ("age > 1d or success_rate[50 tasks] > 50%", False),
        ("success_rate[50 tasks] > success_rate[1d]", False),
        ("lower(success_rate[50 tasks]) >= 60%", False),
        ("lower(success_rate[50 tasks]) >= 50%", True),
        ("lower(success_rate[7d]) >= 60%", True),
        ("lower(success_rate[7d]) >= 70%", False),
        ("upper(success_rate[50 tasks]) >= 75%", True),
        ("upper(success_rate[7d]) >= 60%", True),
        ("score[50 tasks] >= 60%", False),
    ],
)
@pytest.mark.parametrize("does", [LADDER, "    action: quarantine 10m\n"])
def test_a_way_back_below_what_is_proven_is_named(
    clear_when: str, is_easy: bool, does: str
) -> None:
    said = warnings(
        "    when: proven(success < 70%, error=1%) or proven(success < 50%, error=5%)\n"
        f"    clear_when: {clear_when}\n{does}"
    )

    assert any("climb back" in message for message in said) is is_easy


@pytest.mark.parametrize(
    ("clear_when", "message", "hint"),
    [
        pytest.param(
            "lower(success_rate[7d]) > 60%",
            "lower(success_rate[7d], confidence=95%) > 60% lets an agent climb back whose rate is"
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
    assert warnings(f"    when: {when}\n    clear_when: {clear_when}\n{LADDER}") == []


def test_without_a_ladder_nobody_climbs_back() -> None:
    assert not warnings(
        "    when: proven(success < 70%, error=1%)\n    clear_when: success_rate[1h] > 9%\n"
    )


@pytest.mark.parametrize(
    ("keys", "is_without_effect"),
    [
        ("    when: heartbeat_age > 5m\n", True),
        ("    when: proven(success < 70%, error=1%)\n", False),
        ("    when: posterior(success < 70%) > 99%\n", False),
        ("    when: heartbeat_age > 5m\n    action: fire\n    reason: dumb\n", False),
        ("    when: heartbeat_age > 5m\n    action: probation\n", False),
    ],
)
def test_a_lineage_that_nothing_follows_is_named(keys: str, is_without_effect: bool) -> None:
    said = warnings(keys + "    scope: lineage\n")

    assert bool(said) is is_without_effect


@pytest.mark.parametrize(
    ("when", "has_effect"),
    [
        ("proven(success < 70%, error=1%)", True),
        ("posterior(success < 70%) > 99%", True),
        ("upper(success_rate[1d]) < 70%", True),
        ("consecutive_failures > 3", True),
        ("outlier(heartbeat_age) > 3 and heartbeat_age > 5m", False),
        ("heartbeat_age > peers(heartbeat_age)", False),
    ],
)
def test_filters_of_outcomes_matter_where_outcomes_are_read(
    when: str, has_effect: bool
) -> None:
    said = warnings(f"    when: {when}\n    faults: [agent, tool]\n")

    assert (said == []) is has_effect


@pytest.mark.parametrize(
    ("match", "said"),
    [
        ("{status: [WAITING, IDLE]}", ["WAITING is never matched by a policy that reads"]),
        ("{status: WAITING}", ["the policy can never match: WAITING"]),
        ("{status: [WAITING, ~I.*]}", ["WAITING is never matched"]),
        ("{status: [IDLE, WORKING]}", []),
        ("{standing: [probation, notice, active]}", []),
        ("{standing: [quarantined]}", ["the policy can never match: quarantined"]),
    ],
)
def test_words_that_never_match_are_named(match: str, said: list[str]) -> None:
    found = warnings(f"    when: heartbeat_age > 5m\n    match: {match}\n")

    assert len(found) == len(said)
    assert all(message.startswith(start) for message, start in zip(found, said, strict=True))


def test_waiting_agents_are_matched_by_what_reads_no_silence() -> None:
    assert warnings("    when: tasks[1h] > 3\n    match: {status: WAITING}\n") == []


@pytest.mark.parametrize(
    ("when", "clear_when", "is_milder"),
    [
        ("success_rate[50 tasks] < 50%", "success_rate[50 tasks] >= 30%", True),
        ("success_rate[50 tasks] < 50%", "success_rate[50 tasks] >= 50%", False),
        ("success_rate[50 tasks] < 50%", "success_rate[1d] >= 30%", False),
        ("success_rate[50 tasks] < 50%", "success_rate[50 tasks] < 30%", False),
        ("30% > lower(success_rate[1d])", "lower(success_rate[1d]) >= 20%", True),
        ("lower(success_rate[1d]) < 30%", "lower(success_rate[1d]) >= 30%", False),
        ("heartbeat_age > 5m", "heartbeat_age < 10m", True),
        ("heartbeat_age > 5m", "heartbeat_age < 2m", False),
        ("heartbeat_age > 5m", "age > 1d and heartbeat_age < 10m", True),
        ("heartbeat_age > 5m", "age > 1d or heartbeat_age < 10m", False),
        ("tasks[1d] > 9 and score[1d] < 50%", "tasks[1d] > 9 and score[1d] >= 60%", False),
        ("failures[1d] > 3 and score[1d] < 50%", "failures[1d] < 5 and score[1d] > 50%", False),
        ("failures[1d] > 3", "failures[1d] < 4", False),
    ],
)
def test_a_clear_when_that_is_true_while_when_is_is_named(
    when: str, clear_when: str, is_milder: bool
) -> None:
    said = warnings(f"    when: {when}\n    clear_when: {clear_when}\n")

    assert any("milder than when" in message for message in said) is is_milder


@pytest.mark.parametrize(
    ("when", "is_known"),
    [
        ("tasks[1h] < 3 and success_rate[1h] < 50%", False),
        ("score[1h] < 50% and not tasks[1h] >= 5", False),
        ("tasks[1h] <= 5 and success_rate[1h] < 50%", True),
        ("tasks[1h] > 3 and success_rate[1h] < 50%", True),
        ("tasks[1h] < 3 or success_rate[1h] < 50%", True),
        ("tasks[1h] < 3 and success_rate[1d] < 50%", True),
        ("tasks[1h] < 3 and upper(success_rate[1h]) < 50%", True),
        ("tasks[1h] < 3 and duration_mean[1h] > 5m", True),
    ],
)
def test_a_rate_that_the_rest_leaves_too_few_tasks_is_named(when: str, is_known: bool) -> None:
    said = warnings(f"    when: {when}\n")

    assert any("is never known where" in message for message in said) is not is_known


@pytest.mark.parametrize(
    "when",
    [
        "heartbeat_age > 5m and success_rate[1h] < 50% and tasks[1h] < 3",
        "tasks[1d] < 99 and tasks[1h] < 3 and success_rate[1h] < 50%",
    ],
)
def test_a_rate_that_is_never_known_is_found_wherever_it_stands(when: str) -> None:
    messages = warnings(f"    when: {when}\n")

    assert any("success_rate[1h] is never known where" in message for message in messages)
