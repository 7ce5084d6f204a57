"""The page says what the reporter takes and does, and what it shows runs."""

import inspect
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from tests.client.service import Service

from pinkslip.client import EXIT_FIRED, Reporter, Task

PAGE = (Path(__file__).parents[2] / "docs" / "client.md").read_text(encoding="utf-8")
SHOWN = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


def public(kind: type) -> list[str]:
    return [name for name in vars(kind) if not name.startswith("_")]


def test_every_argument_is_in_the_table() -> None:
    rows = "\n".join(line for line in PAGE.splitlines() if line.startswith("| `"))

    for name in list(inspect.signature(Reporter.__init__).parameters)[1:]:
        assert f"`{name}`" in rows


def test_every_method_is_mentioned() -> None:
    for name in {*public(Reporter), *public(Task)} - {"agent_id", "boot_id", "fired"}:
        assert re.search(rf"\b{name}\b", PAGE), name


def test_the_exit_code_is_the_documented_one() -> None:
    assert f"**exit code {EXIT_FIRED}**" in PAGE


@pytest.mark.parametrize("program", SHOWN, ids=range(len(SHOWN)))
def test_what_is_shown_runs(service: Service, program: str) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        capture_output=True,
        text=True,
        timeout=40,
        check=False,
        env={**os.environ, "PINKSLIP_URL": service.url},
    )

    assert (done.returncode, done.stderr) == (0, "")
