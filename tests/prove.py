"""Every promise at full length: `make prove` runs these and writes them into a dated report in docs/proofs.

`make test` runs the same tests with smaller numbers. A proof fails when its command does; figures are what it
prints as JSON lines.
"""

import os
import platform
import re
import subprocess
import sys
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).parents[1]
REPORTS = ROOT / "docs" / "proofs"
FIGURES_AT_MOST = 400
SECTION = re.compile(r"^## (\w+): ", re.MULTILINE)
PROGRESS = re.compile(r"[.sx]+(\s*\[\s*\d+%\])?")
PYTEST = ("-m", "pytest", "-q", "-s", "-n0", "--no-header", "-p", "no:cacheprovider")


@dataclass(frozen=True, slots=True)
class Proof:
    """One thing shown."""

    name: str
    claim: str
    arguments: tuple[str, ...]
    """Of this Python."""
    environment: dict[str, str] = field(default_factory=dict)


PROOFS = (
    Proof(
        "loop",
        "A real Prometheus scrapes, an agent falls silent, the shipped rule fires, Alertmanager delivers, Pinkslip's "
        "own policy fires the agent; a finished and a WAITING one disturb nobody. A real second process is fired, "
        "obeys and ends with the documented exit code; one that ignores orders reads zombie.",
        (*PYTEST, "tests/alerting/test_service.py", "tests/system/test_reporter.py"),
    ),
    Proof(
        "kill",
        "kill -9 under load, 25 times on each database: no acknowledged event lost, none counted twice; a double "
        "that answers before COMMIT loses some; fdatasync comes before the answer.",
        (*PYTEST, "tests/system/test_kill.py"),
        {"PINKSLIP_TEST_KILLS": "25"},
    ),
    Proof(
        "restart",
        "Stopped longer than every stale limit and started again: nobody is fired, nothing is forgotten.",
        (*PYTEST, "tests/system/test_restart.py"),
    ),
    Proof(
        "malformed",
        "10,000 malformed requests: no 5xx, no crash, the page still parses, healthy clients served meanwhile.",
        (*PYTEST, "tests/system/test_malformed.py"),
        {"PINKSLIP_TEST_MALFORMED": "10000"},
    ),
    Proof(
        "replicas",
        "Two processes on one PostgreSQL: the second names the holder, takes over from the dead and decides nothing "
        "twice; a holder paused past its lease is fenced.",
        (*PYTEST, "tests/system/test_replicas.py"),
    ),
    Proof(
        "versions",
        "The rules and the scrape on Prometheus 2.42, 2.53 and 3.5.",
        ("-m", "tests.alerting.matrix"),
    ),
    Proof(
        "evidence",
        "Bare `proven` under open guards: at the edge at most 1 % of 1,500 workers are ever fired in 400 looks, of "
        "better ones nobody, the worst after a handful of tasks; fixed lines over small samples beside it, and "
        "the default ladder.",
        (*PYTEST, "tests/promises/test_evidence_table.py"),
        {"PINKSLIP_TEST_EVIDENCE_AGENTS": "1500"},
    ),
    Proof(
        "promises",
        "Random fleets, policies and histories: nothing unknown acts, the same journal decides alike in any order "
        "within an instant, blind time and waiting fire nobody, the envelope holds after the action, each rung is a "
        "crossing of its own, counters never step back, nobody promotes itself. A witness counts by hand, and finds "
        "every planted mistake.",
        (*PYTEST, "tests/promises/test_promises.py", "tests/promises/test_controls.py"),
        {"PINKSLIP_TEST_PROMISES": "500"},
    ),
    Proof(
        "clocks",
        "The wall clock of a real process jumps by an hour, a day and ten years, both ways, its stopwatch does not; "
        "and so do injected clocks: nobody is fired for it, deciding goes on, memory stays flat.",
        (*PYTEST, "tests/system/test_clock_jumps.py", "tests/store/test_clock_jumps.py"),
    ),
    Proof(
        "told",
        "A real service tells a real Alertmanager of notices, questions, fires and demotions, with evidence and the "
        "way to stop them, and when they are over.",
        (*PYTEST, "tests/system/test_announcements.py", "tests/announce"),
    ),
    Proof(
        "causes",
        "30 of 100 agents on one model fail at once, panic off: nobody is fired and one finding names the model; "
        "scattered over models, the bad ones go within the envelope.",
        (*PYTEST, "tests/judge/test_common_causes.py"),
    ),
    Proof(
        "mutation",
        "Of all that mutmut would change in the rooms that judge and that read policies, the fast tests notice at "
        "least 85 %; they take at least 95 % of the branches there; who survives is listed with a reason.",
        ("-m", "tests.mutation"),
    ),
    Proof("bench", "The benchmarks, each beside its ceiling or peer.", ("-m", "bench")),
)


def main() -> int:
    """Run those named, or all; each at its end into the report of the day; the number of proofs that failed."""
    chosen = [proof for proof in PROOFS if not sys.argv[1:] or proof.name in sys.argv[1:]]
    report = REPORTS / f"{datetime.now(UTC):%Y-%m-%d}.md"
    report.parent.mkdir(exist_ok=True)
    failed = 0
    for proof in chosen:
        print(f"== {proof.name}: {proof.claim}", flush=True)
        is_shown, section = _run(proof)
        failed += not is_shown
        _write(report, {**_sections(report), proof.name: section})
    print(f"{len(chosen) - failed} passed, {failed} failed")
    print(f"report: {report.relative_to(ROOT)}")
    return failed


def _sections(report: Path) -> dict[str, str]:
    """What the report holds already, by the name of the proof."""
    text = report.read_text() if report.exists() else ""
    parts = SECTION.split(text)[1:]
    return dict(zip(parts[::2], parts[1::2], strict=True))


def _write(report: Path, sections: dict[str, str]) -> None:
    ordered = [proof.name for proof in PROOFS if proof.name in sections]
    body = "".join(f"\n## {name}: {sections[name].strip()}\n" for name in ordered)
    report.write_text(f"{_head(report)}\n{body}")


def _run(proof: Proof) -> tuple[bool, str]:
    began, started_at, commit = time.monotonic(), datetime.now(UTC), _commit()
    lines = []
    with subprocess.Popen(
        [sys.executable, *proof.arguments],
        cwd=ROOT,
        env={**os.environ, **proof.environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            print(line, end="", flush=True)
            lines.append(line.rstrip().replace(f"{ROOT}/", ""))
    took_s = time.monotonic() - began
    is_shown = process.returncode == 0
    set_to = "".join(f"{key}={value} " for key, value in proof.environment.items())
    figures = [line for line in lines if line and not PROGRESS.fullmatch(line)]
    shown = "\n".join((figures if is_shown else lines)[-FIGURES_AT_MOST:])
    section = (
        f"{'shown' if is_shown else 'FAILED'}\n\n{proof.claim}\n\n"
        f"`{set_to}python {' '.join(proof.arguments)}` took {took_s:.0f} s "
        f"(commit {commit}, {started_at:%H:%M} UTC).\n\n```\n{shown}\n```"
    )
    return is_shown, section


def _commit() -> str:
    command = ["git", "rev-parse", "--short", "HEAD"]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return said.stdout.strip() or "unknown"


def _head(report: Path) -> str:
    return (
        f"# Proofs of {report.stem}\n\n"
        f"Python {platform.python_version()}, {platform.system()} {platform.machine()}, {os.cpu_count()} cores. "
        'Run again with `make prove`, or some of them with `make prove ARGS="kill bench"`: each stands here as it '
        "was run last on that day."
    )


if __name__ == "__main__":
    sys.exit(main())
