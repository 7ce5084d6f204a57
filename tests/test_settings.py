"""Settings: precedence, every problem at once, and the table the documentation must cover."""

from pathlib import Path

import pytest

from pinkslip.model.errors import Invalid
from pinkslip.settings import SETTINGS, Settings, is_loopback, read_settings


def test_without_file_or_variables_the_defaults_stand(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    assert read_settings(environment={}).settings == Settings()


def test_the_command_line_beats_the_environment_beats_the_file(tmp_path: Path) -> None:
    file = tmp_path / "pinkslip.yaml"
    file.write_text("tick: 1s\nmin_tasks: 7\nlisten: 127.0.0.1:1\n")
    environment = {"PINKSLIP_TICK": "2s", "PINKSLIP_MIN_TASKS": "8"}

    settings = read_settings(file, environment=environment, overrides={"tick": "3s"}).settings

    assert settings is not None
    assert (settings.tick_ms, settings.min_tasks, settings.listen_port) == (3_000, 8, 1)
    assert settings.file == file


def test_every_problem_is_told_at_once_with_its_place(tmp_path: Path) -> None:
    file = tmp_path / "bad.yaml"
    file.write_text("tick: 5\nlissten: x:1\nmin_tasks: many\n")

    read = read_settings(file, environment={"PINKSLIP_STOP_GRACE": "soon"})

    assert read.settings is None
    rendered = [problem.render().splitlines()[0] for problem in read.problems]
    assert rendered[0].startswith(f"{file}:1:7: error: tick: ")
    assert "write 5s" in rendered[0]
    assert rendered[1].startswith(f'{file}:2:1: error: unknown setting "lissten"')
    assert read.problems[1].hint == 'did you mean "listen"?'
    assert rendered[2].startswith(f"{file}:3:12: error: min_tasks: must be a whole number")
    assert rendered[3].startswith("environment:1:1: error: PINKSLIP_STOP_GRACE: ")


def test_serving_other_machines_is_refused_with_the_way_out() -> None:
    read = read_settings(environment={"PINKSLIP_LISTEN": "0.0.0.0:8740"})

    assert read.settings is None
    assert "proxy" in read.problems[0].hint


def test_an_unknown_variable_is_pointed_out() -> None:
    read = read_settings(environment={"PINKSLIP_DATABSE": "x"})

    assert read.settings is not None
    assert 'did you mean "PINKSLIP_DATABASE"?' in read.problems[0].hint


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="nowhere"):
        read_settings(tmp_path / "nowhere.yaml", environment={})


def test_relative_policy_paths_mean_relative_to_the_file(tmp_path: Path) -> None:
    file = tmp_path / "p.yaml"
    file.write_text("policies: [mine, /abs/x.yaml]\n")

    settings = read_settings(file, environment={}).settings

    assert settings is not None
    assert settings.policies == (tmp_path / "mine", Path("/abs/x.yaml"))


def test_rules_for_exported_series_are_read_and_checked(tmp_path: Path) -> None:
    file = tmp_path / "p.yaml"
    file.write_text("per_agent:\n  - {role: batch.*, level: off}\n  - {level: full}\n")
    bad = tmp_path / "bad.yaml"
    bad.write_text("per_agent:\n  - {rle: x, level: most}\n")

    settings = read_settings(file, environment={}).settings

    assert settings is not None
    assert [(dict(rule.match), rule.level) for rule in settings.per_agent] == [
        ({"role": "batch.*"}, "off"),
        ({}, "full"),
    ]
    assert read_settings(bad, environment={}).settings is None


@pytest.mark.parametrize(
    ("host", "loopback"),
    [("127.0.0.1", True), ("127.9.9.9", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("::", False), ("example.org", False)],
)  # fmt: skip
def test_loopback_is_told_from_the_rest(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback


def test_every_setting_stands_in_the_documentation() -> None:
    page = (Path(__file__).parents[1] / "docs" / "settings.md").read_text()

    for setting in SETTINGS:
        assert f"`{setting.key}`" in page, setting.key
        assert setting.variable in page, setting.key
