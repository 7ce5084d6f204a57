"""Lines for people or for collectors, ours and the libraries' alike, to standard error and nowhere else."""

import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from pinkslip.app.logs import set_up


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    levels = {name: logging.getLogger(name).level for name in ("apscheduler", "alembic")}
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    for name, was in levels.items():
        logging.getLogger(name).setLevel(was)
    structlog.reset_defaults()


def _break() -> None:
    secret = "body of a request"  # noqa: F841 - must not be in the traceback
    raise ValueError("broken")


def test_json_is_an_object_a_line_with_time_level_and_event(
    capsys: pytest.CaptureFixture[str],
) -> None:
    set_up("info", "json")

    structlog.get_logger("pinkslip.app").info("serving", epoch=3)
    logging.getLogger("aiohttp.server").warning("from a library: %s", "x")
    structlog.get_logger("pinkslip.app").debug("not this")

    out, err = capsys.readouterr()
    first, second = map(json.loads, err.splitlines())
    assert out == ""
    assert (first["event"], first["level"], first["epoch"]) == ("serving", "info", 3)
    assert first["timestamp"].endswith("Z")
    assert (second["event"], second["level"]) == ("from a library: x", "warning")


def test_text_is_a_line_for_people_without_colour_in_a_file(
    capsys: pytest.CaptureFixture[str],
) -> None:
    set_up("info", "text")

    structlog.get_logger("pinkslip.app").info("serving", epoch=3)

    (line,) = capsys.readouterr().err.splitlines()
    assert "serving" in line
    assert "epoch=3" in line
    assert "\x1b" not in line


@pytest.mark.parametrize("form", ["text", "json"])
def test_an_exception_is_told_without_the_values_of_its_variables(
    form: str, capsys: pytest.CaptureFixture[str]
) -> None:
    set_up("info", form)

    try:
        _break()
    except ValueError:
        structlog.get_logger("pinkslip.app").exception("a tick failed")

    err = capsys.readouterr().err
    assert "ValueError: broken" in err
    assert "body of a request" not in err


def test_the_scheduler_and_the_migrations_only_warn(capsys: pytest.CaptureFixture[str]) -> None:
    set_up("debug", "text")

    for name in ("apscheduler.scheduler", "alembic.runtime"):
        logging.getLogger(name).info("chatter")

    assert capsys.readouterr().err == ""
