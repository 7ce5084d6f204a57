"""What the docs show passes, and what the packs carry does."""

import re
from pathlib import Path

import pytest

from pinkslip.policies.load import Loaded, Source, load, read_sources
from pinkslip.replay.policy_tests import run

ROOT = Path(__file__).parents[2]
PACKS = [ROOT / "config" / "policies", ROOT / "config" / "demo"]


def examples() -> list[tuple[str, str]]:
    """Every example of the docs that carries tests."""
    found = []
    for page in sorted((ROOT / "docs").rglob("*.md")):
        texts = re.findall(r"```yaml\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
        found += [
            (f"{page.stem}-{number}.yaml", text)
            for number, text in enumerate(texts)
            if re.search(r"^tests:", text, re.MULTILINE)
        ]
    return found


EXAMPLES = examples()


def assert_passes(loaded: Loaded) -> None:
    assert loaded.policy_set is not None, [each.render() for each in loaded.problems]
    for case in loaded.cases:
        assert run(loaded.policy_set, case).failures == (), case.name


@pytest.mark.parametrize(("file", "text"), EXAMPLES, ids=[file for file, _ in EXAMPLES])
def test_an_example_of_the_docs_passes(file: str, text: str) -> None:
    loaded = load([Source(file, text)])

    assert loaded.cases
    assert_passes(loaded)


@pytest.mark.parametrize("pack", PACKS, ids=lambda pack: pack.name)
def test_a_pack_passes_its_own_tests(pack: Path) -> None:
    assert_passes(load(read_sources(pack)))
