"""Results of tests as JUnit XML, the form that build servers read."""

from collections.abc import Sequence
from itertools import groupby
from xml.etree.ElementTree import Element, SubElement, tostring

from pinkslip.replay.policy_tests import Rehearsed


def junit(tested: Sequence[Rehearsed], *, took_ms: Sequence[int]) -> str:
    """One suite for each file, one case for each test, in their order."""
    root = Element("testsuites", name="pinkslip policy test")
    timed = list(zip(tested, took_ms, strict=True))
    for file, of_file in groupby(timed, key=lambda pair: pair[0].case.file):
        _suite(root, file, list(of_file))
    _counted(root, timed)
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n' + tostring(root, encoding="unicode") + "\n"
    )


def _suite(root: Element, file: str, timed: Sequence[tuple[Rehearsed, int]]) -> None:
    suite = SubElement(root, "testsuite", name=_legible(file))
    for one, took in timed:
        case = SubElement(
            suite,
            "testcase",
            classname=_legible(file),
            name=_legible(one.case.name),
            file=_legible(file),
            line=str(one.case.place.line + 1),
            time=_seconds(took),
        )
        for failure in one.failures:
            first = failure.split("\n", 1)[0]
            SubElement(case, "failure", message=_legible(first)).text = _legible(failure)
    _counted(suite, timed)


def _counted(element: Element, timed: Sequence[tuple[Rehearsed, int]]) -> None:
    element.set("tests", str(len(timed)))
    element.set("failures", str(sum(not one.passed for one, _ in timed)))
    element.set("errors", "0")
    element.set("time", _seconds(sum(took for _, took in timed)))


def _seconds(took_ms: int) -> str:
    return f"{took_ms / 1000:.3f}"


def _legible(text: str) -> str:
    """Without what XML has no way to write."""
    return "".join(
        letter if letter in "\t\n" or letter.isprintable() else "\N{REPLACEMENT CHARACTER}"
        for letter in text
    )
