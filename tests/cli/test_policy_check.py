"""`policy check` and `policy diff`: what they print for good, questionable and broken files, exactly."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from pinkslip.cli.exits import Exit
from pinkslip.cli.main import main

GOOD = """\
version: 1
policies:
  - name: dumb
    reason: dumb
    when: tasks[10 tasks] >= 5 and success_rate[10 tasks] < 50%
    mode: enforce
    action: fire
"""
BROKEN = """\
version: 1
policies:
  - name: x y
    reson: dumb
    when: sucess_rate[10 tasks] < 50%
    action: fire
"""
TOLD = """\
broken.yaml:3:5: error: the policy can fire and gives no reason
  - name: x y
    ^
  reason: one of derailed, obstinate, dumb, unresponsive, corrupted
broken.yaml:3:11: error: "x y" is no name for a policy
  - name: x y
          ^~~
  up to 64 small letters, digits and dashes, not beginning with a dash
broken.yaml:4:5: error: unknown key "reson"
  reson: dumb
  ^~~~~
  did you mean "reason"?
broken.yaml:5:11: error: there is no measure "sucess_rate"
  when: sucess_rate[10 tasks] < 50%
        ^~~~~~~~~~~
  did you mean "success_rate"?
"""


@pytest.fixture(autouse=True)
def _place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def _check(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["policy", "check", *arguments])


def _write(name: str, text: str) -> None:
    path = Path(name)
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)


def test_without_a_path_the_packaged_pack_is_checked() -> None:
    done = _check()

    assert done.exit_code == Exit.OK
    assert done.output.startswith("5 policies, 0 enforcing, in ")


def test_a_good_file_and_a_directory_of_it() -> None:
    _write("mine/good.yaml", GOOD)

    for path in ("mine", "mine/good.yaml"):
        done = _check(path)

        assert (done.exit_code, done.output) == (0, "1 policy, 1 enforcing, in 1 file\n")
    assert json.loads(_check("mine", "--json").output) == []


def test_a_broken_file_is_told_whole_with_places_and_what_to_do() -> None:
    _write("broken.yaml", BROKEN)

    done = _check("broken.yaml")

    assert done.exit_code == Exit.FOUND
    assert done.output == TOLD


def test_as_json_every_problem_has_its_place() -> None:
    _write("broken.yaml", BROKEN)

    done = _check("broken.yaml", "--json")

    assert done.exit_code == Exit.FOUND
    problems = json.loads(done.output)
    assert [(one["line"], one["column"], one["keyPath"]) for one in problems] == [
        (3, 5, "policies[0]"),
        (3, 11, "policies[0].name"),
        (4, 5, "policies[0].reson"),
        (5, 11, "policies[0].when"),
    ]


def test_one_broken_file_of_a_directory_is_enough() -> None:
    _write("mine/good.yaml", GOOD)
    _write("mine/broken.yaml", BROKEN)

    done = _check("mine")

    assert done.exit_code == Exit.FOUND
    assert "mine/broken.yaml:4:5: error" in done.output


def test_a_reason_of_ones_own_is_known_when_it_is_said() -> None:
    _write("own.yaml", GOOD.replace("reason: dumb", "reason: rude"))

    assert _check("own.yaml").exit_code == Exit.FOUND
    assert _check("own.yaml", "--reason", "rude").exit_code == Exit.OK


@pytest.mark.parametrize("path", ["nowhere", "empty"])
def test_nothing_to_check_is_2(path: str) -> None:
    Path("empty").mkdir()

    done = _check(path)

    assert done.exit_code == Exit.USAGE
    assert done.stderr.startswith(f"pinkslip: {path}: no ")


def test_a_hostile_file_does_not_colour_the_screen() -> None:
    _write("hostile.yaml", 'version: 1\npolicies:\n  - name: "\x1b[31mx"\n')

    done = _check("hostile.yaml")

    assert done.exit_code == Exit.FOUND
    assert "\x1b" not in done.output
    assert "U+001B is not allowed" in done.output


# diff


def _diff(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["policy", "diff", *arguments])


PATCHED = """\
version: 1
extends: builtin@1
policies:
  - name: unresponsive
    for: 7m
    mode: enforce
  - name: mine
    when: heartbeat_age > 1h
"""


def test_a_patch_is_shown_policy_by_policy_and_key_by_key() -> None:
    _write("patch.yaml", PATCHED)

    done = _diff("patch.yaml")
    lines = done.output.splitlines()

    assert done.exit_code == 0
    assert lines[0] == "The set extends builtin@1, and differs in this:"
    at = lines.index("~ unresponsive: changed")
    assert "    + for: 7m" in lines[at:]
    assert "    + mode: enforce" in lines[at:]
    assert lines[lines.index("+ mine: added") + 1] == "    + when: heartbeat_age > 1h"


def test_a_diff_as_json_has_every_key() -> None:
    _write("patch.yaml", PATCHED)

    found = json.loads(_diff("patch.yaml", "--json").output)

    assert (found["base"], found["extends"], found["problems"]) == ("builtin@1", True, [])
    changed = {policy["name"]: policy for policy in found["changes"]["policies"]}
    assert changed["mine"]["kind"] == "added"
    assert {"key": "mode", "before": None, "after": "enforce"} in changed["unresponsive"][
        "keys"
    ]


def test_what_changes_nothing_is_said_to_be_the_same() -> None:
    _write("same.yaml", "version: 1\nextends: builtin@1\n")

    assert _diff("same.yaml").output == "The set extends builtin@1, and is the same.\n"


def test_the_difference_of_a_broken_file_is_its_problems() -> None:
    _write("broken.yaml", BROKEN)

    done = _diff("broken.yaml")
    as_json = _diff("broken.yaml", "--json")

    assert (done.exit_code, done.output) == (Exit.FOUND, TOLD)
    assert (as_json.exit_code, json.loads(as_json.output)["changes"]) == (Exit.FOUND, None)
