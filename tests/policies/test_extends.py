"""`extends: builtin@1`: patches by name, key by key, over a packaged set that never changes."""

import hashlib

import pytest

from pinkslip.model.policy import Guards, Policy, PolicySet, Rung
from pinkslip.model.words import SEED_REASONS, Action, Mode, Result
from pinkslip.policies.document import Node, read
from pinkslip.policies.extends import base, merged_guards
from pinkslip.policies.guards import read_guards
from pinkslip.policies.known import Known
from pinkslip.policies.load import Loaded, Source, load
from pinkslip.policies.packaged import builtin_sources, builtin_versions, packaged_sources
from pinkslip.policies.text import Report, Text
from pinkslip.policies.values import Values

HEAD = "version: 1\nextends: builtin@1\n"

FROZEN = {1: "40d25f9895534c6f74f1383f4ebc4c261ce6990ad8f229c1ba203dc380a23d2c"}
"""SHA-256 of each packaged version. Whoever changes the default pack adds the next version, and its line here."""


def of(*texts: str, known: Known | None = None) -> Loaded:
    sources = [Source(f"{number}.yaml", text) for number, text in enumerate(texts, start=1)]
    return load(sources, known=known)


def loaded(*texts: str) -> PolicySet:
    policy_set = of(*texts).policy_set
    assert policy_set is not None, [problem.render() for problem in of(*texts).problems]
    return policy_set


def named(policy_set: PolicySet, name: str) -> Policy:
    return next(policy for policy in policy_set.policies if policy.name == name)


def errors(*texts: str) -> list[str]:
    return [problem.message for problem in of(*texts).problems if problem.is_error]


def node_of(text: str) -> Node:
    node = read(Text("guards.yaml", text), Report())
    assert node is not None
    return node


def test_no_packaged_version_ever_changes() -> None:
    for version in builtin_versions():
        digest = hashlib.sha256()
        for source in builtin_sources(version):
            digest.update(f"{source.file}\n{source.text}\n".encode())
        assert digest.hexdigest() == FROZEN[version]


def test_the_newest_packaged_version_is_the_default_pack() -> None:
    newest = builtin_sources(builtin_versions()[-1])

    assert [source.text for source in newest] == [
        source.text for source in packaged_sources("policies")
    ]


@pytest.mark.parametrize("version", builtin_versions())
def test_every_packaged_version_still_loads_as_it_is(version: int) -> None:
    extended = loaded(f"version: 1\nextends: builtin@{version}\n")
    packaged = load(builtin_sources(version))

    assert packaged.policy_set is not None
    assert packaged.problems == ()
    assert extended.guards == packaged.policy_set.guards
    assert [policy.hash for policy in extended.policies] == [
        policy.hash for policy in packaged.policy_set.policies
    ]


def test_what_is_extended_and_not_patched_says_where_it_comes_from() -> None:
    policy = named(loaded(HEAD), "unresponsive")

    assert policy.file == "builtin@1/unresponsive.yaml"
    assert policy.text.startswith("  - name: unresponsive\n")
    assert set(SEED_REASONS) == {policy.reason for policy in loaded(HEAD).policies}


def test_a_packaged_policy_is_known_by_its_own_line_and_its_key_by_its_name() -> None:
    known = Known(results=frozenset({Result.SUCCESS, Result.OFF_TRACK, Result.UNPARSABLE}))

    loaded = of(HEAD, known=known)

    assert [problem.key_path for problem in loaded.problems] == ["extends.obstinate.when"]
    assert loaded.policy_set is not None
    lines = {policy.name: policy.line for policy in loaded.policy_set.policies}
    assert lines["dumb"] == 6
    assert lines["unresponsive"] == 5


def test_a_patch_replaces_the_keys_it_gives_and_no_others() -> None:
    policy_set = loaded(HEAD + "policies:\n  - name: dumb\n    mode: enforce\n    notice: 1h\n")
    patched, packaged = named(policy_set, "dumb"), named(loaded(HEAD), "dumb")

    assert (patched.mode, patched.notice_ms) == (Mode.ENFORCE, 3_600_000)
    assert patched.when.text == packaged.when.text
    assert patched.ladder == packaged.ladder
    assert patched.reason == "dumb"
    assert (patched.file, patched.line) == ("1.yaml", 4)
    assert named(policy_set, "derailed").mode is Mode.SHADOW


def test_a_patched_policy_carries_both_texts() -> None:
    """They are frozen into the record of a fire."""
    text = named(loaded(HEAD + "policies:\n  - name: dumb\n    mode: enforce\n"), "dumb").text

    assert text.startswith("# builtin@1/dumb.yaml\n  - name: dumb\n")
    assert text.endswith("# 1.yaml\n  - name: dumb\n    mode: enforce")


@pytest.mark.parametrize(
    ("patch", "ladder", "has_clear_when"),
    [
        ("action: notify", (), True),
        ("ladder: [notify, fire]", (Rung(Action.NOTIFY), Rung(Action.FIRE)), True),
        ("keep_for: 5m", None, False),
        ("clear_when: age > 1d", None, True),
    ],
)
def test_a_patch_takes_out_what_its_key_excludes(
    patch: str, ladder: tuple[Rung, ...] | None, has_clear_when: bool
) -> None:
    policy = named(loaded(HEAD + f"policies:\n  - name: dumb\n    {patch}\n"), "dumb")

    assert policy.ladder == (named(loaded(HEAD), "dumb").ladder if ladder is None else ladder)
    assert (policy.clear_when is not None) is has_clear_when


def test_a_policy_that_is_not_enabled_is_left_out() -> None:
    policy_set = loaded(HEAD + "policies:\n  - name: obstinate\n    enabled: false\n")

    assert "obstinate" not in [policy.name for policy in policy_set.policies]
    assert len(policy_set.policies) == 4


def test_a_new_policy_comes_after_the_packaged_ones() -> None:
    policy_set = loaded(HEAD + "policies:\n  - name: mine\n    when: age > 1d\n")

    assert [policy.name for policy in policy_set.policies][-1] == "mine"
    assert len(policy_set.policies) == 6


def test_guards_are_patched_down_to_the_key() -> None:
    guards = loaded(HEAD + "guards:\n  max_fired: {share: 5%}\n  panic: off\n").guards

    assert guards.max_fired.share == 0.05
    assert guards.max_fired.per_ms == Guards().max_fired.per_ms
    assert guards.panic is None
    assert guards.newborn == Guards().newborn


def test_the_guards_of_a_file_hold_beside_a_set_that_another_extends() -> None:
    policy_set = loaded(HEAD, "version: 1\nguards: {min_active: 2}\n")

    assert policy_set.guards == Guards(min_active=2)


def test_the_packaged_guards_are_what_guards_are_merged_with() -> None:
    packaged = node_of("pool: model\nmax_fired: {per: 2h, share: 1%}\nmin_active: 3\n")
    own = node_of("max_fired: {share: 5%}\nmax_fires: {count: 7}\n")
    values = Values(Text("a.yaml", ""), Report())

    guards = read_guards(values, merged_guards(packaged, own))

    assert base(1).guards is not None
    assert guards is not None
    assert (guards.pool, guards.min_active, guards.max_fires.count) == ("model", 3, 7)
    assert (guards.max_fired.share, guards.max_fired.per_ms) == (0.05, 7_200_000)
    assert guards.panic == Guards().panic


def test_what_is_said_of_merged_guards_stands_at_the_own_ones() -> None:
    [problem] = of(HEAD + "guards:\n  max_fired: {share: 100%}\n  min_active: 0\n").problems

    assert problem.message == "these guards let policies fire everybody"
    assert (problem.line, problem.column) == (4, 3)


def test_a_second_patch_of_one_policy_is_refused() -> None:
    patch = "  - name: dumb\n    mode: enforce\n"

    assert errors(HEAD + "policies:\n" + patch + patch) == [
        'the name "dumb" is already taken in 1.yaml:4'
    ]


def test_a_packaged_name_is_taken_in_every_other_file() -> None:
    other = "version: 1\npolicies:\n  - name: dumb\n    when: age > 1d\n"

    assert errors(HEAD, other) == ['the name "dumb" is already taken in 1.yaml:2']


def test_a_second_file_that_extends_is_refused_naming_both() -> None:
    found = errors(HEAD, HEAD.replace("@1", "@1 ") + "policies: []\n")

    assert "a set is extended a second time, here and in 1.yaml:2" in found


def test_what_is_wrong_in_a_patch_is_shown_in_the_patch() -> None:
    [problem] = of(
        HEAD + "policies:\n  - name: dumb\n    when: success_rate[1h] < 7\n"
    ).problems

    assert (problem.file, problem.line) == ("1.yaml", 5)
    assert problem.excerpt == "when: success_rate[1h] < 7"
