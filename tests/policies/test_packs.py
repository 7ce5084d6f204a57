"""The policies that ship: five in shadow for everybody, enforcing ones for the demo, found wherever installed."""

import re
import shutil
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from pinkslip.model.errors import Invalid
from pinkslip.model.policy import Guards, PolicySet
from pinkslip.model.words import SEED_REASONS, Action, Fault, Mode
from pinkslip.policies.cases import Case
from pinkslip.policies.load import load, read_sources
from pinkslip.policies.packaged import packaged_directory, packaged_sources
from pinkslip.policies.trees import calls
from pinkslip.replay.policy_tests import run

ROOT = Path(__file__).parents[2]


def pack(name: str) -> PolicySet:
    loaded = load(packaged_sources(name))
    assert loaded.problems == ()
    assert loaded.policy_set is not None
    return loaded.policy_set


def test_the_default_pack_has_one_policy_per_seed_reason_all_in_shadow() -> None:
    policies = pack("policies").policies

    assert sorted(policy.reason or "" for policy in policies) == sorted(SEED_REASONS)
    assert {policy.mode for policy in policies} == {Mode.SHADOW}
    assert {policy.action for policy in policies} == {Action.FIRE}
    assert not any(re.search(r"^\s*mode:", policy.text, re.MULTILINE) for policy in policies)


def test_each_default_policy_has_a_file_of_its_own() -> None:
    assert {Path(policy.file).stem for policy in pack("policies").policies} == set(SEED_REASONS)


def test_each_default_policy_but_the_silent_one_rests_on_evidence_that_may_be_looked_at_often() -> (
    None
):
    for policy in pack("policies").policies:
        is_evidence = any(calls(policy.when.tree, "proven", "decayed"))
        assert is_evidence is (policy.name != "unresponsive")


def test_every_default_policy_has_a_way_back_and_where_it_has_a_ladder_fires_last() -> None:
    for policy in pack("policies").policies:
        assert policy.clear_when is not None
        assert policy.rungs[-1].action is Action.FIRE


CASES = load(packaged_sources("policies")).cases


def test_every_default_policy_comes_with_tests_for_whom_it_takes_and_whom_it_leaves() -> None:
    tested = [Path(case.file).stem for case in CASES]

    assert all(tested.count(reason) >= 2 for reason in SEED_REASONS)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_default_pack_does_what_its_tests_say(case: Case) -> None:
    policy_set = pack("policies")

    assert run(policy_set, case).failures == ()


def test_the_written_guards_are_the_defaults() -> None:
    assert pack("policies").guards == Guards()


def test_every_key_of_the_default_pack_is_explained() -> None:
    """Every key that decides something, and every guard, stands below a comment or beside one that does."""
    explained_by = ("#", "name:", "- name:", "description:", "action:")
    for source in packaged_sources("policies"):
        head = source.text.partition("\ntests:")[0]
        lines = [line.strip() for line in head.splitlines()]
        for above, line in pairwise(lines):
            if re.match(
                r"(when|for|scope|clear_when|match|ladder|notice|approval|action):", line
            ):
                assert above.startswith(explained_by), f"{source.file}: {line}"


def test_the_demo_enforces_and_blames_no_agent_for_its_provider() -> None:
    demo = pack("demo")

    assert {policy.mode for policy in demo.policies} == {Mode.ENFORCE}
    assert {policy.reason for policy in demo.policies} == set(SEED_REASONS)
    assert all(policy.outcomes.faults == {Fault.AGENT} for policy in demo.policies)


def test_the_demo_fires_within_a_minute() -> None:
    demo = pack("demo")
    longest_interval_ms = 5_000
    silent = next(policy for policy in demo.policies if policy.reason == "unresponsive")

    assert silent.when.text == "heartbeat_age > 3 * heartbeat_interval"
    assert demo.guards.newborn.age_ms + 3 * longest_interval_ms + silent.for_ms < 60_000


def test_an_unknown_pack_is_refused() -> None:
    with pytest.raises(Invalid, match="not installed"):
        packaged_directory("nothing")


def test_a_wheel_finds_the_packs_inside_itself(tmp_path: Path) -> None:
    """The layout of the wheel: the package with `assets/config` in it, and no checkout around."""
    shutil.copytree(ROOT / "src" / "pinkslip", tmp_path / "pinkslip")
    shutil.copytree(ROOT / "config", tmp_path / "pinkslip" / "assets" / "config")
    program = (
        "from pinkslip.policies.packaged import packaged_directory, packaged_sources\n"
        "from pinkslip.policies.load import load\n"
        "print(packaged_directory())\n"
        "print(len(load(packaged_sources('demo')).policy_set.policies))\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )

    where, count = done.stdout.split()
    assert Path(where) == tmp_path / "pinkslip" / "assets" / "config" / "policies"
    assert count == "5"


def test_the_pack_loads_as_an_operators_own_directory() -> None:
    assert load(read_sources(ROOT / "config" / "policies")).policy_set is not None
