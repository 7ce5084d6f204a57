"""Completion works in a real bash; for zsh and fish, what click wrote is ours by name."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from pinkslip.cli.main import main

BIN = Path(sys.executable).parent


def _completed(*words: str) -> list[str]:
    """What bash would offer for the last of `words`, by the script that the command prints."""
    script = "; ".join(
        (
            'eval "$(pinkslip completion bash)"',
            f"COMP_WORDS=({' '.join(words)})",
            f"COMP_CWORD={len(words) - 1}",
            "_pinkslip_completion pinkslip",
            'printf "%s\\n" "${COMPREPLY[@]}"',
        )
    )
    done = subprocess.run(
        ["bash", "--norc", "-c", script],
        env={**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    return done.stdout.split()


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["pinkslip", "ag"], ["agents"]),
        (["pinkslip", "d"], ["demo", "decisions", "db", "doctor"]),
        (["pinkslip", "enforcement", "s"], ["status", "stop"]),
        (["pinkslip", "silence", ""], ["add", "end", "list"]),
        (["pinkslip", "audit", "report", "--fo"], ["--format"]),
        (["pinkslip", "policy", "re"], ["restore"]),
        (["pinkslip", "decisions", "--verdict", "ve"], ["vetoed"]),
        (["pinkslip", "decisions", "--verd"], ["--verdict"]),
        (["pinkslip", "decisions", "--verdict", "s"], ["shadowed", "superseded"]),
        (["pinkslip", "serve", "--lea"], ["--lease-ttl"]),
        (["pinkslip", "assets", "g"], ["grafana"]),
    ],
    ids=" ".join,
)
def test_bash_completes(words: list[str], offered: list[str]) -> None:
    assert _completed(*words) == offered


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_every_shell_has_its_script(shell: str) -> None:
    done = CliRunner().invoke(main, ["completion", shell])

    assert done.exit_code == 0
    assert f"_PINKSLIP_COMPLETE={shell}_complete" in done.output
