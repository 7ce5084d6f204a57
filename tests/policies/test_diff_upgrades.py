"""What a newer packaged set would change here: its files are put beside those that are packaged."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from pinkslip.policies import packaged
from pinkslip.policies.diff import Changes, KeyChange, Kind, PolicyChange, Upgrade, diff
from pinkslip.policies.extends import base
from pinkslip.policies.load import Source
from pinkslip.policies.packaged import builtin_sources, packaged_directory

HEAD = "version: 1\nextends: builtin@1\n"
STRICTER = Changes(
    (
        PolicyChange(
            "dumb",
            Kind.CHANGED,
            (
                KeyChange(
                    "when",
                    "proven(success < 70%, error=1%)",
                    "proven(success < 70%, error=2%)",
                ),
            ),
        ),
    ),
    (),
)


@pytest.fixture
def newer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A second version, in which `dumb` tells sooner and waits longer."""
    shutil.copytree(packaged_directory("builtin/1"), tmp_path / "builtin" / "1")
    folder = shutil.copytree(tmp_path / "builtin" / "1", tmp_path / "builtin" / "2")
    dumb = folder / "dumb.yaml"
    text = dumb.read_text(encoding="utf-8")
    text = text.replace("error=1%", "error=2%").replace("notice: 5m", "notice: 9m")
    dumb.write_text(text, encoding="utf-8")
    monkeypatch.setattr(packaged, "packaged_directory", lambda pack: tmp_path / pack)
    _forget()
    yield folder
    _forget()


def _forget() -> None:
    builtin_sources.cache_clear()
    base.cache_clear()


@pytest.mark.usefixtures("newer")
def test_what_is_not_patched_follows_the_upgrade_and_nothing_else_of_the_file_changes() -> None:
    patch = "policies:\n  - {name: dumb, notice: 1h, description: as in builtin@1}\n"

    found = diff([Source("a.yaml", f"# almost builtin@1\n{HEAD}{patch}")])

    assert (found.base, found.is_extended) == ("builtin@1", True)
    assert found.upgrades == (Upgrade("builtin@2", STRICTER, ()),)


@pytest.mark.usefixtures("newer")
def test_other_files_and_own_reasons_are_there_after_the_upgrade_too() -> None:
    patch = "policies:\n  - {name: dumb, notice: 1h}\n"
    other = (
        "version: 1\npolicies:\n  - {name: mine, when: age > 1d, action: fire, reason: slow}\n"
    )

    found = diff(
        [Source("a.yaml", HEAD + patch), Source("b.yaml", other)], extra_reasons=("slow",)
    )

    assert found.changes is not None
    assert {change.name for change in found.changes.policies} == {"dumb", "mine"}
    assert found.upgrades == (Upgrade("builtin@2", STRICTER, ()),)


def test_an_upgrade_that_would_be_refused_says_why(newer: Path) -> None:
    (newer / "obstinate.yaml").unlink()

    found = diff(
        [Source("a.yaml", HEAD + "policies:\n  - {name: obstinate, enabled: false}\n")]
    )

    assert found.changes is not None
    [upgrade] = found.upgrades
    assert (upgrade.to, upgrade.effect) == ("builtin@2", None)
    assert "enabled is for policies of the set that the file extends" in [
        problem.message for problem in upgrade.problems
    ]


@pytest.mark.usefixtures("newer")
@pytest.mark.parametrize(
    ("extends", "is_extended"), [("extends: builtin@2\n", True), ("", False)]
)
def test_nothing_is_newer_than_the_newest(extends: str, is_extended: bool) -> None:
    found = diff([Source("a.yaml", f"version: 1\n{extends}policies: []\n")])

    assert (found.base, found.is_extended, found.upgrades) == ("builtin@2", is_extended, ())


def test_warnings_are_told_beside_what_differs() -> None:
    found = diff([Source("a.yaml", HEAD + "policies:\n  - {name: dumb, percent: 0%}\n")])

    assert found.changes
    assert [problem.message for problem in found.problems] == [
        "0% of the agents: the policy is enforced for nobody"
    ]


def test_a_file_that_is_no_yaml_differs_in_what_nobody_can_say() -> None:
    found = diff([Source("a.yaml", "[\n")])

    assert (found.base, found.is_extended, found.changes) == ("builtin@1", False, None)
    assert [problem.is_error for problem in found.problems] == [True]
