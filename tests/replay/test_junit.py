"""JUnit XML says what was run, in a form that every reader takes."""

from xml.etree import ElementTree as ET

from tests.replay.test_policy_tests import SILENT, outcome_of

from pinkslip.replay.junit import junit


def test_suites_count_what_they_hold() -> None:
    passed = outcome_of(SILENT + "    expect: [{agent: worker, verdict: nothing}]\n")
    failed = outcome_of(SILENT + "    lasts: 13m\n    expect: nothing\n")

    root = ET.fromstring(junit([passed, failed], took_ms=[12, 30]))

    assert (root.get("tests"), root.get("failures"), root.get("time")) == ("2", "1", "0.042")
    (suite,) = root
    assert suite.get("name") == "policies.yaml"
    first, second = suite
    assert (first.get("line"), list(first)) == ("18", [])
    assert second[0].tag == "failure"


def test_what_xml_cannot_hold_is_replaced() -> None:
    odd = SILENT.replace("name: x", r'name: "a\x07b <&> \uFFFE"')
    result = outcome_of(odd + "    expect: [{agent: worker, verdict: nothing}]\n")

    (case,) = ET.fromstring(junit([result], took_ms=[1])).iter("testcase")

    assert case.get("name") == "a\N{REPLACEMENT CHARACTER}b <&> \N{REPLACEMENT CHARACTER}"
