"""Every key and every limit as `policy diff` writes it."""

from dataclasses import replace

import pytest

from pinkslip.model.policy import CommonCause, Guards, MaxFired, Policy
from pinkslip.policies.diff import KeyChange, Kind, changes, diff, guards_of, keys_of
from pinkslip.policies.load import Source, load


def policy(keys: str) -> Policy:
    text = f"version: 1\npolicies:\n  - name: it\n    when: age > 60s\n{keys}"
    loaded = load([Source("a.yaml", text)])
    assert loaded.policy_set is not None, loaded.problems
    return loaded.policy_set.policies[0]


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ("", {}),
        ("description: because", {"description": "because"}),
        ("match: {role: [b, a, ~c.*], host: x}", {"match": "host: [x], role: [a, b, ~c.*]"}),
        ("scope: lineage", {"scope": "lineage"}),
        ("clear_when: age < 1s", {"clear_when": "age < 1s"}),
        ("for: 90s", {"for": "90s"}),
        ("keep_for: 2h", {"keep_for": "2h"}),
        ("mode: enforce", {"mode": "enforce"}),
        ("mode: off", {"mode": "off"}),
        ("mode: enforce\n    percent: 12.5%", {"mode": "enforce", "percent": "12.5%"}),
        ("action: fire\n    reason: dumb", {"action": "fire", "reason": "dumb"}),
        (
            "ladder: [notify, probation 1d, quarantine 10m]",
            {"ladder": "[notify, probation 1d, quarantine 10m]"},
        ),
        (
            "action: fire\n    reason: dumb\n    notice: 5m\n    approval: true",
            {"action": "fire", "reason": "dumb", "notice": "5m", "approval": "true"},
        ),
        ("severity: critical", {"severity": "critical"}),
        ("labels: {team: red, tier: two}", {"labels": "team: red, tier: two"}),
    ],
)
def test_what_a_policy_says_beside_its_condition(keys: str, expected: dict[str, str]) -> None:
    assert keys_of(policy(f"    {keys}\n")) == {"when": "age > 1m"} | expected


def test_whose_outcomes_count_is_told_where_it_is_not_the_default() -> None:
    base = "version: 1\npolicies:\n  - name: it\n    when: tasks[1h] > 1\n"
    loaded = load(
        [Source("a.yaml", base + "    faults: [tool, agent]\n    sources: [judge]\n")]
    )
    assert loaded.policy_set is not None

    assert keys_of(loaded.policy_set.policies[0]) == {
        "when": "tasks[1h] > 1",
        "faults": "[agent, tool]",
        "sources": "[judge]",
    }


def test_the_keys_are_told_in_the_order_of_the_documentation() -> None:
    found = policy(
        "    match: {role: a}\n    scope: agent\n    for: 1s\n    mode: enforce\n"
        "    action: fire\n    reason: dumb\n    notice: 5m\n    severity: page\n"
    )

    assert [*keys_of(found)] == [
        "match", "when", "for", "mode", "action", "reason", "notice", "severity",
    ]  # fmt: skip


def test_every_limit_of_every_guard_is_told() -> None:
    found = guards_of(
        replace(
            Guards(),
            max_fired=MaxFired(share=0.125, per_ms=90_000, at_least=2),
            panic=None,
            common_cause=CommonCause(factors=("model", "host")),
            min_active=4,
        )
    )

    assert found["pool"] == "role"
    assert found["max_fired.share"] == "12.5%"
    assert found["max_fired.per"] == "90s"
    assert found["max_fired.at_least"] == "2"
    assert found["panic"] == "off"
    assert found["common_cause.factors"] == "[model, host]"
    assert found["min_active"] == "4"
    assert not [key for key in found if key.endswith("_ms")]


def sets(*texts: str) -> list:  # type: ignore[type-arg]  # of policy sets, none of them None
    return [
        load([Source("a.yaml", f"version: 1\npolicies:\n{text}")]).policy_set for text in texts
    ]


def test_policies_are_told_in_the_order_of_the_old_set_and_new_ones_last() -> None:
    before, after = sets(
        "  - {name: b, when: age > 1d}\n  - {name: gone, when: age > 1d}\n  - {name: a, when: age > 1d}\n",
        "  - {name: new, when: age > 1d}\n  - {name: a, when: age > 2d}\n  - {name: b, when: age > 2d}\n",
    )

    found = changes(before, after)

    assert [(each.name, each.kind) for each in found.policies] == [
        ("b", Kind.CHANGED),
        ("gone", Kind.REMOVED),
        ("a", Kind.CHANGED),
        ("new", Kind.ADDED),
    ]
    assert found.policies[0].keys == (KeyChange("when", "age > 1d", "age > 2d"),)
    assert found.policies[1].keys == (KeyChange("when", "age > 1d", None),)
    assert found.policies[3].keys == (KeyChange("when", None, "age > 1d"),)
    assert found.guards == ()
    assert found
    assert not changes(before, before)


def test_guards_alone_are_a_difference() -> None:
    (plain,) = sets("  - {name: a, when: age > 1d}\n")
    guarded = load(
        [
            Source(
                "a.yaml",
                "version: 1\nguards: {min_active: 9}\npolicies:\n  - {name: a, when: age > 1d}\n",
            )
        ]
    ).policy_set
    assert guarded is not None

    found = changes(plain, guarded)

    assert (found.policies, found.guards) == ((), (KeyChange("min_active", "1", "9"),))
    assert found


@pytest.mark.parametrize(
    ("text", "is_extended"),
    [
        ("version: 1\npolicies:\n  - {name: a, when: age > 3}\n", False),
        ("version: 1\nextends: builtin@1\npolicies:\n  - {name: a, when: age > 3}\n", True),
        ("version: 1\nextends: builtin@99\n", True),
    ],
)
def test_a_set_that_cannot_be_used_is_held_against_nothing(
    text: str, is_extended: bool
) -> None:
    found = diff([Source("a.yaml", text)])

    assert (found.base, found.is_extended) == ("builtin@1", is_extended)
    assert found.changes is None
    assert [problem.file for problem in found.problems] == ["a.yaml"]
    assert found.upgrades == ()


def test_one_file_of_several_may_extend() -> None:
    found = diff(
        [
            Source("a.yaml", "version: 1\npolicies:\n  - {name: mine, when: age > 1d}\n"),
            Source("b.yaml", "version: 1\nextends: builtin@1\n"),
        ]
    )

    assert (found.base, found.is_extended) == ("builtin@1", True)
    assert found.changes is not None
    assert [each.name for each in found.changes.policies] == ["mine"]
