"""The repository keeps its own promises: links lead somewhere, verbs exist, versions are pinned, nothing is private."""

import re
import subprocess
import tomllib
from collections.abc import Iterable
from importlib.metadata import requires
from pathlib import Path
from urllib.parse import unquote

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from pinkslip.policies.packaged import packaged_directory
from pinkslip.settings import SETTINGS

ROOT = Path(__file__).parents[2]
LINK = re.compile(r"\]\(([^)\s]+)\)")
FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
PIN = re.compile(r"[A-Za-z0-9._-]+==[A-Za-z0-9.!+]+")


def _tracked() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    return [path for name in listed.split("\0") if name and (path := ROOT / name).is_file()]


TRACKED = _tracked()
PAGES = [path for path in TRACKED if path.suffix == ".md"]


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    text = FENCED.sub("", page.read_text())

    lost = [
        link
        for link in LINK.findall(text)
        if "://" not in link and not _leads_somewhere(page, unquote(link))
    ]

    assert lost == []


def _leads_somewhere(page: Path, link: str) -> bool:
    name, _, heading = link.partition("#")
    target = page.parent / name if name else page
    if not target.exists():
        return False
    return not heading or target.suffix != ".md" or heading in _anchors(target.read_text())


def _anchors(text: str) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", FENCED.sub("", text), re.MULTILINE)
    return {
        re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-")
        for heading in headings
    }


def test_every_guide_is_on_the_map_of_the_readme() -> None:
    readme = (ROOT / "README.md").read_text()
    guides = {_name(page) for page in PAGES if page.parent == ROOT / "docs"}

    assert {guide for guide in guides if f"({guide})" not in readme} == set()


@pytest.mark.parametrize("page", ["README.md", "ARCHITECTURE.md", "docs/operations.md"])
def test_every_make_verb_that_people_are_told_exists(page: str) -> None:
    verbs = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    text = (ROOT / page).read_text()
    told = set(re.findall(r"(?:`|^)make ([a-z][a-z-]*)", text, re.MULTILINE))
    if page == "README.md":
        (listed,) = re.findall(r"lists the other verbs: (.*)\.", text)
        told |= set(re.findall(r"`([a-z-]+)`", listed))

    assert told - verbs == set()


def test_every_verb_of_the_makefile_is_in_its_help() -> None:
    makefile = (ROOT / "Makefile").read_text()
    (phony,) = re.findall(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)

    assert set(phony.split()) == set(re.findall(r"^([a-z-]+):.*##", makefile, re.MULTILINE))


def test_the_example_has_every_setting() -> None:
    example = (ROOT / "config" / "pinkslip.example.yaml").read_text()

    assert [
        setting.key
        for setting in SETTINGS
        if not re.search(rf"^#? ?{setting.key}:", example, re.MULTILINE)
    ] == []


def test_the_packs_of_the_checkout_are_the_packaged_ones() -> None:
    assert packaged_directory("policies") == ROOT / "config" / "policies"
    assert packaged_directory("demo") == ROOT / "config" / "demo"


# what must not be in a public repository; put together here, so that it is not in this file either
DIRECTORIES = "|".join(
    ("ro" + "ot", "ho" + "me", "wo" + "rk", "Us" + "ers", "o" + "pt", "t" + "mp")
)
PRIVATE = {
    "a path of somebody's machine": rf"(?<![\w.$}}])/(?:{DIRECTORIES})/[\w.-]",
    "a package index": "|".join(
        (
            "py" + "pi",
            "python" + "hosted",
            "index" + "-url",
            "find" + "-links",
            "arti" + "factory",
        )
    ),
    "a key": "BEGIN [A-Z ]*PRIV" + "ATE KEY",
}


@pytest.mark.parametrize("what", PRIVATE)
def test_nothing_private_is_tracked(what: str) -> None:
    pattern = re.compile(PRIVATE[what])

    found = [
        f"{_name(path)}: {hit[0]}"
        for path in TRACKED
        for hit in pattern.finditer(path.read_text(errors="replace"))
    ]

    assert found == []


def test_constraints_are_pins_and_nothing_else() -> None:
    lines = (ROOT / "constraints.txt").read_text().splitlines()

    assert [line for line in lines if not PIN.fullmatch(line)] == []
    assert lines == sorted(lines, key=str.lower)


def test_everything_that_is_installed_for_us_is_pinned() -> None:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pinned = {canonicalize_name(line.partition("==")[0]) for line in lines}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    ours = [*project["dependencies"], *project["optional-dependencies"]["dev"]]

    needed = _closure(ours)

    assert needed - pinned == set()
    assert pinned - needed == set()


def _closure(requirements: Iterable[str]) -> set[str]:
    """The names of `requirements` and of all they need here, whatever their extras."""
    seen: set[tuple[str, str]] = set()
    waiting = [(Requirement(text), "") for text in requirements]
    while waiting:
        requirement, extra = waiting.pop()
        if requirement.marker and not requirement.marker.evaluate({"extra": extra}):
            continue
        name = canonicalize_name(requirement.name)
        for wanted in ("", *requirement.extras):
            if (name, wanted) not in seen:
                seen.add((name, wanted))
                waiting += [(Requirement(text), wanted) for text in requires(name) or ()]
    return {name for name, _extra in seen}
