"""Everything that can be written in a policy file has a page with an example that loads."""

import re
from pathlib import Path

import pytest

from pinkslip.fleet.catalogue import MEASURES, MeasureKind
from pinkslip.model.words import Guard
from pinkslip.policies.entries import POLICY_KEYS
from pinkslip.policies.evidence import SIGNATURES
from pinkslip.policies.guards import KEYS as GUARD_KEYS
from pinkslip.policies.load import Source, load
from pinkslip.policies.schema import FILE_KEYS
from pinkslip.policies.vocabulary import FUNCTIONS, LATER

DOCS = Path(__file__).parents[2] / "docs" / "policies"
PAGES = sorted(DOCS.rglob("*.md"))

GUARDS_OF_KEYS = {
    "envelope": ("max_fired", "max_fires", "min_active", "max_quarantined"),
    "notices": ("max_notices",),
}


def examples(page: Path) -> list[str]:
    found = re.findall(r"```yaml\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    return [
        text if text.startswith("version:") else f"version: 1\npolicies:\n{text}"
        for text in found
    ]


def stems(folder: str) -> set[str]:
    return {page.stem for page in (DOCS / folder).glob("*.md")}


def test_every_measure_has_a_page_and_no_page_is_left_over() -> None:
    assert stems("measures") == {kind.name for kind in MEASURES.values()}


def test_every_key_has_a_page_and_no_page_is_left_over() -> None:
    assert stems("keys") == {*POLICY_KEYS, *FILE_KEYS}


def test_every_function_has_a_page_and_no_page_is_left_over() -> None:
    assert stems("functions") == set(FUNCTIONS)


def test_every_guard_has_a_page_and_no_page_is_left_over() -> None:
    named = {name for guard in Guard for name in GUARDS_OF_KEYS.get(guard, (guard.value,))}

    assert stems("guards") == {*GUARD_KEYS, *named}


@pytest.mark.parametrize(
    "page", [page for page in PAGES if page.parent.name in ("measures", "keys", "functions")]
)
def test_a_page_shows_its_subject_in_an_example(page: Path) -> None:
    assert any(re.search(rf"\b{page.stem}\b", text) for text in examples(page))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_example_loads(page: Path) -> None:
    for text in examples(page):
        loaded = load([Source(page.name, text)])
        assert loaded.policy_set is not None, [p.render() for p in loaded.problems]


def test_measure_pages_say_what_the_table_says() -> None:
    for kind in MEASURES.values():
        text = (DOCS / "measures" / f"{kind.name}.md").read_text(encoding="utf-8")
        assert kind.doc in text


@pytest.mark.parametrize("kind", MEASURES.values(), ids=lambda kind: kind.name)
def test_a_measure_page_says_what_people_must_know_to_trust_it(kind: MeasureKind) -> None:
    text = (DOCS / "measures" / f"{kind.name}.md").read_text(encoding="utf-8")

    for part in ("Unit:", "**Computes.**", "**Source.**", "**Unknown.**", "**Pitfalls.**"):
        assert part in text
    assert ("Written with a window" in text) is kind.windowed
    assert ("never matched" in text) is kind.stale_type


@pytest.mark.parametrize("name", SIGNATURES)
def test_an_evidence_page_names_its_arguments_its_source_and_its_pitfalls(name: str) -> None:
    text = (DOCS / "functions" / f"{name}.md").read_text(encoding="utf-8")

    for part in ("**Takes.**", "**Computes.**", "**Source.**", "**Unknown.**", "**Pitfalls.**"):
        assert part in text
    for argument in SIGNATURES[name].named:
        assert f"`{argument.name}" in text


def test_what_is_advanced_is_marked_so() -> None:
    marked = {
        page.stem
        for folder in ("functions", "measures")
        for page in (DOCS / folder).glob("*.md")
        if "**Advanced." in page.read_text(encoding="utf-8")
    }
    functions = {name for name, signature in SIGNATURES.items() if signature.is_advanced}

    assert marked - {"proven"} == {*functions, "suspicion"}  # of proven, fdr alone is


def test_what_is_not_built_is_listed() -> None:
    text = (DOCS / "README.md").read_text(encoding="utf-8")

    for name in LATER:
        assert f"`{name}`" in text


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target
