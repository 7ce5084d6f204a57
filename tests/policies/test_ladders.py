"""Rungs at the bounds of their time, and what is written instead of one with a colon."""

import pytest

from pinkslip.model.policy import Rung
from pinkslip.model.words import Action
from pinkslip.policies.load import Loaded, Source, load


def of(keys: str) -> Loaded:
    return load(
        [Source("a.yaml", f"version: 1\npolicies: [{{name: a, when: age > 1h, {keys}}}]\n")]
    )


def of_rung(rung: str) -> Loaded:
    return of(f"ladder: [notify, {rung}]")


@pytest.mark.parametrize(
    ("keys", "action", "ladder"),
    [
        ("action: notify", Action.NOTIFY, ()),
        ("action: fire, reason: dumb", Action.FIRE, ()),
        ("action: probation", Action.PROBATION, (Rung(Action.PROBATION),)),
        (
            "ladder: [notify, quarantine 1m, fire], reason: dumb",
            Action.FIRE,
            (Rung(Action.NOTIFY), Rung(Action.QUARANTINE, 60_000), Rung(Action.FIRE)),
        ),
    ],
)
def test_a_policy_does_at_worst_its_last_rung(
    keys: str, action: Action, ladder: tuple[Rung, ...]
) -> None:
    loaded = of(keys)

    assert loaded.policy_set is not None
    [policy] = loaded.policy_set.policies
    assert (policy.action, policy.ladder) == (action, ladder)


@pytest.mark.parametrize(
    ("keys", "key", "message", "meant"),
    [
        ("action: fier", "action", ' cannot be "fier"', "fier"),
        ("ladder: [notify, fier]", "ladder[1]", ' cannot be "fier"', "fier"),
        ("ladder: [notify, [fire]]", "ladder[1]", " must be a word", "[fire]"),
        ("ladder: [fire, notify]", "ladder[1]", ": notify is milder than fire", "notify"),
        (
            "ladder: [notify, fire, fire]",
            "ladder[2]",
            ": fire stands twice on the ladder",
            "fire",
        ),
        ("ladder: fire", "ladder", " must be a list of rungs", "fire"),
        ("ladder: []", "ladder", " must be a list of rungs", "[]"),
    ],
)
def test_a_rung_that_cannot_be_is_refused_once_and_where_it_stands(
    keys: str, key: str, message: str, meant: str
) -> None:
    [problem] = of(keys).problems

    assert problem.key_path == f"policies[0].{key}"
    assert problem.message.startswith(f"policies[0].{key}{message}")
    assert problem.excerpt[: problem.caret].endswith(keys.rpartition(meant)[0])


@pytest.mark.parametrize(
    ("time", "for_ms"), [("1s", 1_000), ("1001ms", 1_001), ("30d", 2_592_000_000)]
)
@pytest.mark.parametrize("action", [Action.PROBATION, Action.QUARANTINE])
def test_a_rung_lasts_a_second_at_least_and_a_month_at_most(
    action: Action, time: str, for_ms: int
) -> None:
    loaded = of_rung(f"{action} {time}")

    assert loaded.policy_set is not None
    assert loaded.policy_set.policies[0].ladder[1] == Rung(action, for_ms)


@pytest.mark.parametrize("time", ["999ms", "30d1ms"])
def test_a_rung_just_beyond_is_refused(time: str) -> None:
    [problem] = of_rung(f"probation {time}").problems

    assert problem.message == "policies[0].ladder[1]: a probation lasts between 1s and 30d"


@pytest.mark.parametrize(("written", "meant"), [("1h", "1h"), ("[1h]", "10m")])
def test_a_rung_with_a_colon_is_given_back_without(written: str, meant: str) -> None:
    [problem] = of_rung(f"{{quarantine: {written}}}").problems

    assert problem.hint == f"write quarantine {meant}"
