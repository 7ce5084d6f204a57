"""The rules on every version of Prometheus they are written for: `python -m tests.alerting.matrix`.

For each version: checkers, unit tests, churn, and the way of an alert from a page over a real Prometheus and
Alertmanager to a webhook receiver. Prints a line per version; a version that cannot be had is said, not hidden.
"""

import sys
import tempfile
import time
from pathlib import Path

from tests.alerting.chain import hastened_rules, routes
from tests.alerting.churn import churn
from tests.alerting.pages import Agent, Fleet
from tests.alerting.shipped import ALERTING, RULES, UNIT_TESTS
from tests.alerting.versions import MATRIX, Line, Unreachable, programs
from tests.prometheus import Stack, Suite, Watched, check, running_stack, wait_for

AGENTS = 100
JOB = "matrix"


def main() -> int:
    failed = missing = 0
    for line in MATRIX:
        try:
            suite = programs(line)
            print(f"{line.version}: {proven(suite, line)}")
        except Unreachable as error:
            missing += 1
            print(f"{line.version}: NOT TRIED, {error}")
        except AssertionError as error:
            failed += 1
            print(f"{line.version}: FAILED, {error}")
    return 1 if failed else 3 if missing else 0


def proven(suite: Suite, line: Line) -> str:
    """What was shown, in one line; AssertionError says what was not."""
    version = suite.version()
    assert version.startswith(f"{line.version}."), f"this is Prometheus {version}"
    with tempfile.TemporaryDirectory(prefix="pinkslip-matrix-") as scratch:
        checked = _checked(suite, Path(scratch))
        grouped = _grouped(suite, Path(scratch))
    return f"Prometheus {version}: {checked}; {grouped}"


def _checked(suite: Suite, scratch: Path) -> str:
    churned = scratch / "churn.yml"
    churned.write_text(churn(1000))
    check([suite.promtool, "check", "rules", *RULES])
    check([suite.promtool, "check", "config", ALERTING / "prometheus.yml"])
    check([suite.promtool, "test", "rules", *UNIT_TESTS, churned])
    check([suite.amtool, "check-config", ALERTING / "alertmanager.yml"])
    return f"rules, configuration and {len(UNIT_TESTS)} files of unit tests hold, churn of 1,000 pages nobody"


def _grouped(suite: Suite, scratch: Path) -> str:
    with running_stack(scratch, configuration=routes, suite=suite) as stack:
        stack.page.show(f"/{JOB}", lambda: Fleet().text(time.time()))
        watched = Watched(stack.page.address, f"/{JOB}", hastened_rules(JOB))
        stack.prometheus.watch({JOB: watched})
        silent = Fleet(
            agents=tuple(Agent(name=f"silent-{n:03}", silent_s=600) for n in range(AGENTS))
        )
        began = time.monotonic()
        stack.page.show(f"/{JOB}", lambda: silent.text(time.time()))
        return _one_page(stack, began)


def _one_page(stack: Stack, began: float) -> str:
    (page,) = wait_for(
        lambda: stack.receiver.firing(job=JOB, alertname="PinkslipAgentHeartbeatStale"),
        what="the page about silent agents",
    )
    took = time.monotonic() - began
    assert len(page.agents()) == AGENTS, f"the page names {len(page.agents())} of {AGENTS}"
    return f"{AGENTS} silent agents are one page after {took:.1f} s"


if __name__ == "__main__":
    sys.exit(main())
