"""Strategies and tools these tests share."""

import shutil
import subprocess
from collections.abc import Callable

import pytest


@pytest.fixture(scope="session")
def lint_page() -> Callable[[bytes], None]:
    """Ask the real promtool whether a text page is clean. Without promtool the tests fail: they never skip."""
    promtool = shutil.which("promtool")
    assert promtool is not None, "promtool is missing: apt-get install prometheus"

    def lint(page: bytes) -> None:
        verdict = subprocess.run(
            [promtool, "check", "metrics"], input=page, capture_output=True, check=False
        )
        words = (verdict.stdout + verdict.stderr).decode(errors="replace")
        assert verdict.returncode == 0, words
        assert words == ""

    return lint
