"""`policy test`: what it prints, what it writes, and how it ends."""

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from click.testing import CliRunner, Result

from pinkslip.cli.exits import Exit
from pinkslip.cli.main import main

POLICIES = """\
version: 1
policies:
  - name: failing
    reason: dumb
    when: failures[20 tasks] >= 5
    mode: enforce
    action: fire
tests:
  - name: five failures fire
    agents:
      - {agent: bad, outcomes: 5 failure every 1m}
      - {agent: good, outcomes: 9 success every 1m}
    expect:
      - {at: 4m, agent: bad, verdict: fired}
"""
WRONG = """\
  - name: four do not
    agents:
      - {agent: bad, outcomes: 4 failure every 1m}
      - {agent: good}
    expect:
      - {agent: bad, verdict: fired}
"""


@pytest.fixture(autouse=True)
def _place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("good.yaml").write_text(POLICIES)
    Path("mixed.yaml").write_text(POLICIES.replace("failing", "other") + WRONG)
    Path("bare.yaml").write_text(POLICIES.partition("tests:")[0])


def _test(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["policy", "test", *arguments])


def test_what_passes_is_listed_and_ends_with_0() -> None:
    done = _test("good.yaml")

    assert (done.exit_code, done.output) == (
        Exit.OK,
        "good.yaml\n  ok    five failures fire\n1 test in 1 file: 1 passed, 0 failed\n",
    )


def test_what_fails_is_shown_with_its_place_and_its_course() -> None:
    done = _test("good.yaml", "mixed.yaml")

    assert done.exit_code == Exit.FOUND
    assert done.output.split("\n") == [
        "good.yaml",
        "  ok    five failures fire",
        "mixed.yaml",
        "  ok    five failures fire",
        "  FAIL  four do not",
        "      mixed.yaml:20:9: error: bad: expected fired; there was no verdict",
        "        - {agent: bad, verdict: fired}",
        "          ^",
        "",
        "        bad",
        "          nothing was concluded",
        "          at the end, other: it does not hold: 4 failures in its last 20 tasks (below 5)",
        "3 tests in 2 files: 2 passed, 1 failed",
        "",
    ]


def test_a_filter_chooses_by_name() -> None:
    done = _test("mixed.yaml", "--filter", "FIVE")

    assert done.exit_code == Exit.OK
    assert "1 test in 1 file: 1 passed, 0 failed" in done.output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["bare.yaml"], "pinkslip: there are no tests in these files"),
        (
            ["good.yaml", "--filter", "x"],
            "pinkslip: no test is called anything like 'x'\n  five",
        ),
        (["nowhere.yaml"], "pinkslip: nowhere.yaml: no such file"),
    ],
)
def test_nothing_to_run_is_2(arguments: list[str], said: str) -> None:
    done = _test(*arguments)

    assert done.exit_code == Exit.USAGE
    assert done.stderr.startswith(said)


def test_files_with_errors_are_not_run() -> None:
    Path("broken.yaml").write_text(
        POLICIES.replace("outcomes: 5 failure", "outcomes: 5 failur")
    )

    done = _test("broken.yaml")

    assert done.exit_code == Exit.FOUND
    assert '"failur" stands where a result is expected' in done.output
    assert "ok" not in done.output.split()


def test_as_json_each_test_has_its_result() -> None:
    done = _test("mixed.yaml", "--json")

    assert done.exit_code == Exit.FOUND
    first, second = json.loads(done.output)
    assert (first["name"], first["passed"], first["failures"]) == (
        "five failures fire",
        True,
        [],
    )
    assert (second["file"], second["line"], second["passed"]) == ("mixed.yaml", 15, False)


def test_junit_says_the_same() -> None:
    done = _test("good.yaml", "mixed.yaml", "--junit", "results.xml")

    root = ET.parse("results.xml").getroot()
    assert done.exit_code == Exit.FOUND
    assert (root.get("tests"), root.get("failures")) == ("3", "1")
    assert [suite.get("name") for suite in root] == ["good.yaml", "mixed.yaml"]
    (failure,) = root.iter("failure")
    assert failure.get("message", "").startswith("mixed.yaml:20:9: error: bad: expected fired")
    assert failure.text is not None
    assert "nothing was concluded" in failure.text
