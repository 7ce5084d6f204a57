"""The commands that open a database themselves: on a whole one, a broken one, one that is not ours, and none."""

import json
import shutil
import sqlite3
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from tests.cli.conftest import POLICIES
from tests.running import eventually, serving

from pinkslip.cli.exits import Exit
from pinkslip.cli.main import main

MISSING = "missing.db"
FOREIGN = "foreign.db"
NOWHERE = "postgresql://nobody@127.0.0.1:1/nothing"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A database that was served and left, and the id of a decision in it."""
    home: Path = tmp_path_factory.mktemp("served")
    (home / "policies.yaml").write_text(POLICIES)
    with serving(home, policies=home / "policies.yaml", settings={"tick": "300ms"}) as service:
        service.events(
            *({"type": "outcome", "agentId": "bad-1", "result": "failure"} for _ in range(6))
        )
        (decision,) = eventually(lambda: service.decisions("&verdict=fired"))
        online = service.get(f"/api/decisions/{decision['id']}?recompute=true").body
    (home / "online.json").write_text(json.dumps(online))
    return home, decision["id"]


@pytest.fixture
def place(served: tuple[Path, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with a copy of that database, and a file that is none."""
    shutil.copy(served[0] / "pinkslip.db", tmp_path)
    (tmp_path / FOREIGN).write_text("dear diary\n" * 100)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _run(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments, env={"PINKSLIP_URL": "http://127.0.0.1:1"})


def test_a_decision_explained_offline_is_the_answer_of_the_service(
    place: Path, served: tuple[Path, str]
) -> None:
    home, decision = served

    done = _run("explain", decision, "--database", "pinkslip.db", "--json")
    told = _run("explain", decision, "--database", "pinkslip.db")

    assert done.exit_code == Exit.OK
    assert json.loads(done.output) == json.loads((home / "online.json").read_text())
    assert told.output.endswith("Computed again from the journal: identical.\n")


def test_evidence_that_differs_is_1_and_shown(place: Path, served: tuple[Path, str]) -> None:
    with sqlite3.connect("pinkslip.db") as connection:
        connection.execute("DELETE FROM outcomes WHERE seq = (SELECT max(seq) FROM outcomes)")
    connection.close()

    done = _run("explain", served[1], "--database", "pinkslip.db")

    assert done.exit_code == Exit.FOUND
    assert "Computed again from the journal: DIFFERENT." in done.output
    assert "computed again: 5" in done.output


def test_a_decision_that_is_not_there_is_refused_by_name(place: Path) -> None:
    done = _run("explain", "no-such", "--database", "pinkslip.db")

    assert done.exit_code == Exit.REFUSED
    assert done.stderr == f"pinkslip: there is no decision 'no-such' in {place}/pinkslip.db\n"


@pytest.mark.parametrize(
    "command", [["explain", "x"], ["db", "verify"], ["db", "backup", "to"]]
)
def test_a_database_that_is_missing_is_said_and_not_made(
    place: Path, command: list[str]
) -> None:
    done = _run(*command, "--database", MISSING)

    assert done.exit_code == Exit.USAGE
    assert f"there is no database file at {place}/{MISSING}" in done.stderr
    assert not (place / MISSING).exists()


@pytest.mark.parametrize("command", [["explain", "x"], ["db", "upgrade"]])
def test_a_file_that_is_no_database_is_refused_in_one_line(
    place: Path, command: list[str]
) -> None:
    done = _run(*command, "--database", FOREIGN)

    assert done.exit_code == Exit.USAGE
    assert done.stderr == f"pinkslip: cannot use {place}/{FOREIGN}: file is not a database\n"


def test_verify_finds_that_a_file_is_no_database(place: Path) -> None:
    done = _run("db", "verify", "--database", FOREIGN)

    assert done.exit_code == Exit.FOUND
    assert done.stdout == f"problem: cannot use {place}/{FOREIGN}: file is not a database\n"


@pytest.mark.parametrize(
    "command", [["explain", "x"], ["db", "verify"], ["db", "upgrade"], ["db", "backup", "to"]]
)
def test_a_server_that_does_not_answer_is_3(place: Path, command: list[str]) -> None:
    done = _run(*command, "--database", NOWHERE)

    assert done.exit_code == Exit.AWAY
    assert "Connection refused" in done.stderr
    assert "Traceback" not in done.stderr


def test_verify_walks_the_chain_and_finds_a_changed_decision(place: Path) -> None:
    whole = _run("db", "verify")
    with sqlite3.connect("pinkslip.db") as connection:
        connection.execute("UPDATE decisions SET verdict = 'held'")
    connection.close()
    broken = _run("db", "verify")
    as_json = json.loads(_run("db", "verify", "--json").output)

    assert (whole.exit_code, whole.output) == (0, "workspace 1: 1 decision, chain whole\n")
    assert broken.exit_code == Exit.FOUND
    assert broken.output.startswith("workspace 1: chain broken at number 1: ")
    assert as_json["chains"][0]["brokenAt"] == 1


def test_verify_finds_a_fire_that_is_not_what_was_decided(place: Path) -> None:
    with sqlite3.connect("pinkslip.db") as connection:
        changed = connection.execute("UPDATE fires SET reason = 'derailed'").rowcount
    connection.close()

    done = _run("db", "verify")

    assert changed == 1
    assert done.exit_code == Exit.FOUND
    assert done.output.startswith("workspace 1: fire ")
    assert done.output.endswith(" differs from decision 1: reason\n")


def test_a_backup_is_whole_and_never_written_over(place: Path) -> None:
    first = _run("db", "backup", "copy.db")
    second = _run("db", "backup", "copy.db")
    nowhere = _run("db", "backup", "no/such/place.db")
    as_json = json.loads(_run("db", "backup", "third.db", "--json").output)

    assert first.output.startswith("copy.db (")
    assert _run("db", "verify", "--database", "copy.db").output == _run("db", "verify").output
    assert (second.exit_code, nowhere.exit_code) == (Exit.USAGE, Exit.USAGE)
    assert second.stderr == "pinkslip: copy.db exists already; name a new file\n"
    assert as_json == {"backup": "third.db", "bytes": (place / "third.db").stat().st_size}


def test_upgrade_says_what_it_did_and_that_there_was_nothing_to_do(place: Path) -> None:
    new = _run("db", "upgrade", "--database", "new.db")
    again = json.loads(_run("db", "upgrade", "--database", "new.db", "--json").output)

    assert new.output.startswith("schema none -> ")
    assert again["before"] == again["after"]
    assert again["backup"] is None


def test_copy_moves_everything_to_postgresql_and_says_what(
    place: Path, postgres_url: str
) -> None:
    done = _run("db", "copy", "pinkslip.db", postgres_url)

    assert done.exit_code == Exit.OK, done.stderr
    assert "outcomes: 6 rows on both sides" in done.stdout
    assert "workspace 1: 1 decision, chain whole" in done.stdout
    assert "outcomes" in done.stderr  # the bar
    assert _run("db", "copy", "pinkslip.db", postgres_url).exit_code == Exit.USAGE


def test_doctor_finds_nothing_wrong_with_a_database_that_was_left(place: Path) -> None:
    done = _run("doctor", "--database", "pinkslip.db")
    looks = {
        (look["level"], look["subject"]): look["said"]
        for look in json.loads(_run("doctor", "--database", "pinkslip.db", "--json").output)
    }

    assert done.exit_code == Exit.OK
    assert "problem" not in done.output
    assert looks["ok", "decisions"] == "1 decision, chain whole"
    assert looks["ok", "policies"].startswith("5 policies, 0 enforcing, from the packaged")
    assert "does not answer" in looks["note", "service"]


@pytest.mark.parametrize(
    ("database", "said"),
    [
        (FOREIGN, "file is not a database"),
        (NOWHERE, "Connection refused"),
        ("mysql://x/y", "database mysql:// is not supported"),
        ("no/such/place.db", "there is no directory"),
        (".", "unable to open database file"),
    ],
)
def test_doctor_names_the_problem_of_a_database(place: Path, database: str, said: str) -> None:
    done = _run("doctor", "--database", database)

    assert done.exit_code == Exit.FOUND
    (line,) = [line for line in done.output.splitlines() if line.startswith("problem")]
    assert said in line


def test_doctor_takes_a_missing_database_for_a_first_start(place: Path) -> None:
    done = _run("doctor", "--database", MISSING)

    assert done.exit_code == Exit.OK
    assert f"{place}/{MISSING} does not exist yet" in done.output
    assert not (place / MISSING).exists()


def test_doctor_tells_every_problem_of_settings_and_policies(place: Path) -> None:
    (place / "settings.yaml").write_text("tick: 5\nlissten: x\n")
    (place / "policies.yaml").write_text("version: 1\npolicies: [{name: x}]\n")
    (place / "good.yaml").write_text("policies: [policies.yaml]\n")

    settings = _run("doctor", "--config", "settings.yaml")
    policies = _run("doctor", "--config", "good.yaml")
    nowhere = _run("doctor", "--config", "nowhere.yaml")

    assert [settings.exit_code, policies.exit_code, nowhere.exit_code] == [Exit.FOUND] * 3
    assert settings.output.count("problem  settings") == 2
    assert 'did you mean "listen"?' in settings.output
    assert "problem  policies   policies.yaml:2:" in policies.output
    assert "nowhere.yaml: cannot be read" in nowhere.output
