"""Which tests reach which lines of the rooms, and how long each takes. A plugin of pytest.

Writes a map as JSON, for choosing the tests of a mutant, and says branch coverage of the rooms.
"""

import json
import os
import time
from pathlib import Path

import coverage
import pytest
from tests.mutation.suite import ROOMS, fails

SOURCE = Path("src/pinkslip").resolve()


class Covering:
    """Measures one run."""

    def __init__(self, path: Path) -> None:
        """To write to that path."""
        self.path = path
        self.coverage = coverage.Coverage(
            branch=True,
            data_file=str(self.path.with_suffix(".coverage")),
            config_file=False,
            include=[f"{SOURCE}/{room}/*" for room in ROOMS],
        )
        self.coverage.exclude(r"assert_never\(|@overload|^\s*\.\.\.$")
        self.coverage.start()
        self.took_s: dict[str, float] = {}
        self.failed: list[str] = []

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        for item in session.items:
            self.coverage.switch_context(item.nodeid)
            began = time.process_time()
            if fails(item):
                self.failed.append(item.nodeid)
            self.took_s[item.nodeid] = round(time.process_time() - began, 4)
        self.coverage.switch_context("")
        self.coverage.stop()
        self._write()
        return True

    def _write(self) -> None:
        data = self.coverage.get_data()
        numbers = {test: number for number, test in enumerate(self.took_s)}
        reached = {
            str(Path(file).relative_to(SOURCE)): {
                line: [numbers[test] for test in tests if test]
                for line, tests in data.contexts_by_lineno(file).items()
            }
            for file in data.measured_files()
        }
        found = {
            "tests": list(self.took_s.items()),
            "reached": reached,
            "failed": self.failed,
            "coverage": self._figures(),
        }
        self.path.write_text(json.dumps(found))
        self.coverage.save()

    def _figures(self) -> dict[str, dict[str, int]]:
        report = self.path.with_suffix(".report.json")
        self.coverage.json_report(outfile=str(report))
        files = json.loads(report.read_text())["files"]
        return {
            str(Path(file).resolve().relative_to(SOURCE)): found["summary"]
            | {
                "missing": found["missing_branches"],
                "missing_line_numbers": found["missing_lines"],
            }
            for file, found in files.items()
        }


def pytest_configure(config: pytest.Config) -> None:
    """Measure from the first import on."""
    config.pluginmanager.register(Covering(Path(os.environ["PINKSLIP_TEST_MUTATION_MAP"])))
