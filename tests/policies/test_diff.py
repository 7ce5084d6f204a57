"""What a set changes of the packaged one it extends, key by key, and what a newer one would change."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

from pinkslip.policies.diff import Diff, KeyChange, Kind, changes, diff, keys_of
from pinkslip.policies.load import Source, load
from pinkslip.policies.packaged import packaged_sources

ROOT = Path(__file__).parents[2]
HEAD = "version: 1\nextends: builtin@1\n"


def of(text: str) -> Diff:
    return diff([Source("a.yaml", text)])


def test_a_file_that_changes_nothing_differs_in_nothing() -> None:
    found = of(HEAD)

    assert (found.base, found.is_extended) == ("builtin@1", True)
    assert not found.changes
    assert found.upgrades == ()


def test_a_patch_that_says_what_was_so_anyway_is_none() -> None:
    found = of(HEAD + "policies:\n  - name: dumb\n    mode: shadow\n    reason: dumb\n")

    assert not found.changes


def test_every_policy_that_differs_is_told_key_by_key() -> None:
    found = of(
        HEAD
        + "guards:\n  max_fired: {share: 5%}\n  panic: off\n"
        + "policies:\n"
        + "  - {name: dumb, mode: enforce, notice: 1h, percent: 10%}\n"
        + "  - {name: obstinate, enabled: false}\n"
        + "  - {name: mine, when: age > 1d, match: {role: [b, a]}, faults: [tool, agent]}\n"
    )

    assert found.changes is not None
    told = {change.name: (change.kind, change.keys) for change in found.changes.policies}
    assert told["dumb"] == (
        Kind.CHANGED,
        (
            KeyChange("notice", "5m", "1h"),
            KeyChange("mode", None, "enforce"),
            KeyChange("percent", None, "10%"),
        ),
    )
    assert told["obstinate"][0] is Kind.REMOVED
    assert told["mine"] == (
        Kind.ADDED,
        (
            KeyChange("match", None, "role: [a, b]"),
            KeyChange("when", None, "age > 1d"),
            KeyChange("faults", None, "[agent, tool]"),
        ),
    )
    assert set(told) == {"dumb", "obstinate", "mine"}
    assert found.changes.guards == (
        KeyChange("max_fired.share", "10%", "5%"),
        KeyChange("panic.share", "15%", None),
        KeyChange("panic.at_least", "3", None),
        KeyChange("panic.per", "2m", None),
        KeyChange("panic", None, "off"),
    )


def test_files_that_extend_nothing_are_held_against_the_newest_set_by_name() -> None:
    copied = diff(packaged_sources())
    edited = diff(
        [
            Source(source.file, source.text.replace("notice: 5m", "notice: 6m"))
            for source in packaged_sources()
        ]
    )

    assert (copied.base, copied.is_extended) == ("builtin@1", False)
    assert not copied.changes
    assert edited.changes is not None
    assert {change.name for change in edited.changes.policies} == {"dumb", "derailed"}


def test_a_set_with_errors_differs_in_what_nobody_can_say() -> None:
    found = of(HEAD + "policies:\n  - {name: dumb, when: age > 3}\n")

    assert found.changes is None
    assert [problem.message for problem in found.problems if problem.is_error]


def test_every_key_that_changes_a_hash_is_a_key_that_is_told() -> None:
    """Or `policy diff` would be silent of a difference that matters."""
    plain = "version: 1\npolicies:\n  - name: a\n    when: proven(success < 70%, error=1%)\n    reason: dumb\n"
    more = (
        "clear_when: age > 1d", "for: 1s", "keep_for: 1s", "match: {role: a}", "faults: tool", "sources: judge",
        "scope: lineage", "mode: enforce", "action: fire", "ladder: [notify, fire]", "notice: 1m", "approval: true",
        "percent: 5%", "action: quarantine 5m",
    )  # fmt: skip
    before = load([Source("a", plain)]).policy_set
    assert before is not None

    for key in more:
        after = load([Source("a", plain + f"    {key}\n")]).policy_set
        assert after is not None
        if after.policies[0].hash != before.policies[0].hash:
            assert changes(before, after), key
            assert keys_of(after.policies[0]) != keys_of(before.policies[0])


UPGRADED = """
import json
from pinkslip.policies.diff import diff
from pinkslip.policies.load import Source

text = "version: 1\\nextends: builtin@1\\npolicies:\\n  - {name: dumb, notice: 1h}\\n"
found = diff([Source("a.yaml", text)])
print(json.dumps({
    "base": found.base,
    "changes": [change.name for change in found.changes.policies],
    "upgrades": [
        [up.to, [[c.name, c.kind, [[k.key, k.before, k.after] for k in c.keys]] for c in up.effect.policies]]
        for up in found.upgrades
    ],
}))
"""


def test_a_newer_packaged_set_is_told_of_by_what_it_would_change_here(tmp_path: Path) -> None:
    """The layout of a wheel with one version more: patched keys stay, the others follow the upgrade."""
    shutil.copytree(ROOT / "src" / "pinkslip", tmp_path / "pinkslip")
    packs = tmp_path / "pinkslip" / "assets" / "config"
    shutil.copytree(ROOT / "config", packs)
    newer = packs / "builtin" / "2"
    shutil.copytree(packs / "builtin" / "1", newer)
    dumb = newer / "dumb.yaml"
    text = dumb.read_text(encoding="utf-8")
    dumb.write_text(
        text.replace("notice: 5m", "notice: 9m").replace("error=1%", "error=2%"),
        encoding="utf-8",
    )

    done = subprocess.run(
        [sys.executable, "-c", UPGRADED],
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )

    when = "proven(success < 70%, error={})"
    assert json.loads(done.stdout) == {
        "base": "builtin@1",
        "changes": ["dumb"],
        "upgrades": [
            [
                "builtin@2",
                [["dumb", "changed", [["when", when.format("1%"), when.format("2%")]]]],
            ]
        ],
    }
