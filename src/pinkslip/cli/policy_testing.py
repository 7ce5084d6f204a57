"""`pinkslip policy test`: runs the `tests:` of policy files, without a service."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pinkslip.cli.exits import Exit
from pinkslip.cli.failures import Unusable, refusals
from pinkslip.cli.words import counted, print_json, say

if TYPE_CHECKING:  # the fleet and the judge take a moment to import
    from pinkslip.policies.cases import Case
    from pinkslip.policies.load import Loaded
    from pinkslip.replay.policy_tests import Rehearsed


@click.command()
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@click.option("--filter", "wanted", help="Only tests whose name holds this text.")
@click.option(
    "--junit",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the results as JUnit XML into this file too.",
)
@click.option(
    "--reason", "reasons", multiple=True, help="A reason of your own that the files may use."
)
@click.option("--json", "as_json", is_flag=True, help="Print the results as JSON.")
def test(
    *,
    paths: tuple[Path, ...],
    wanted: str | None,
    junit: Path | None,
    reasons: tuple[str, ...],
    as_json: bool,
) -> None:
    """Run the tests of policy files and directories; of the packaged pack when none is named.

    Exits with 1 when a test fails or a file has errors, with 2 when there is nothing to run.
    """
    from pinkslip.app.clock import SystemClock  # noqa: PLC0415 - nothing is imported before it is needed
    from pinkslip.replay.policy_tests import run  # noqa: PLC0415

    loaded = _loaded(paths, reasons)
    cases = _chosen(loaded.cases, wanted)
    assert loaded.policy_set is not None
    clock = SystemClock()
    results: list[Rehearsed] = []
    took_ms: list[int] = []
    for case in cases:
        began = clock.monotonic_ms()
        results.append(run(loaded.policy_set, case))
        took_ms.append(clock.monotonic_ms() - began)
        if not as_json:
            _tell(results[-1], previous=results[-2] if len(results) > 1 else None)
    failed = sum(not each.passed for each in results)
    if as_json:
        print_json([_as_json(each) for each in results])
    else:
        files = counted(len({case.file for case in cases}), "file")
        say(
            f"{counted(len(cases), 'test')} in {files}: {len(cases) - failed} passed, {failed} failed"
        )
    if junit is not None:
        _write_junit(junit, results, took_ms)
    if failed:
        sys.exit(Exit.FOUND)


def _loaded(paths: tuple[Path, ...], reasons: tuple[str, ...]) -> "Loaded":
    """The files, or the end when they have errors."""
    from pinkslip.policies.load import load, read_sources  # noqa: PLC0415
    from pinkslip.policies.packaged import packaged_sources  # noqa: PLC0415

    with refusals():
        sources = [source for path in paths for source in read_sources(path)]
        if not paths:
            sources = packaged_sources()
    loaded = load(sources, extra_reasons=reasons)
    if loaded.policy_set is None:
        for problem in loaded.problems:
            if problem.is_error:
                _say_lines(problem.render())
        sys.exit(Exit.FOUND)
    return loaded


def _chosen(cases: Sequence["Case"], wanted: str | None) -> list["Case"]:
    if not cases:
        raise Unusable(
            "there are no tests in these files; docs/policies/testing.md shows how to write one"
        )
    chosen = [case for case in cases if (wanted or "").casefold() in case.name.casefold()]
    if not chosen:
        raise Unusable(
            f"no test is called anything like {wanted!r}", details=[case.name for case in cases]
        )
    return chosen


def _tell(result: "Rehearsed", *, previous: "Rehearsed | None") -> None:
    if previous is None or previous.case.file != result.case.file:
        say(result.case.file)
    say(f"  {'ok  ' if result.passed else 'FAIL'}  {result.case.name}")
    for failure in result.failures:
        _say_lines(failure, indent="      ")


def _say_lines(text: str, *, indent: str = "") -> None:
    for line in text.split("\n"):
        say(indent + line if line else "")


def _as_json(result: "Rehearsed") -> dict[str, object]:
    return {
        "file": result.case.file,
        "line": result.case.place.line + 1,
        "name": result.case.name,
        "passed": result.passed,
        "failures": list(result.failures),
        "ticks": result.ticks,
        "decisions": result.decisions,
    }


def _write_junit(path: Path, results: Sequence["Rehearsed"], took_ms: Sequence[int]) -> None:
    from pinkslip.replay.junit import junit  # noqa: PLC0415

    with refusals():
        path.write_text(junit(results, took_ms=took_ms), encoding="utf-8")
