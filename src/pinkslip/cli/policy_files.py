"""`pinkslip policy check|diff`: what becomes of policy files, without loading them anywhere."""

import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pinkslip.cli.exits import Exit
from pinkslip.cli.failures import refusals
from pinkslip.cli.service import Service, service_options
from pinkslip.cli.words import counted, print_json, say

if TYPE_CHECKING:  # the language takes a moment to import
    from pinkslip.policies.diff import Changes, Diff, KeyChange
    from pinkslip.policies.known import Known
    from pinkslip.policies.load import Source
    from pinkslip.policies.problems import Problem

PATHS = click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
REASONS = click.option(
    "--reason", "reasons", multiple=True, help="A reason of your own that the files may use."
)
MARKS = {"added": "+", "removed": "-", "changed": "~"}


@click.command()
@PATHS
@REASONS
@click.option(
    "--service",
    "asks_service",
    is_flag=True,
    help="Ask the running service what its fleet has shown, and warn of what can find nobody.",
)
@service_options
def check(
    service: Service,
    *,
    paths: tuple[Path, ...],
    reasons: tuple[str, ...],
    asks_service: bool,
    as_json: bool,
) -> None:
    """Check policy files and directories, without a service; the packaged pack when none is named.

    Exits with 1 on errors, with 0 on warnings alone. With --service it also knows the reasons, roles, models and
    results of the service at --url; nothing is loaded there.
    """
    from pinkslip.policies.load import load  # noqa: PLC0415 - takes a moment to import

    sources = _sources(paths)
    known, own = _of_service(service) if asks_service else (None, {})
    loaded = load(sources, extra_reasons={**own, **_named(reasons)}, known=known)
    if as_json:
        print_json([problem.as_json() for problem in loaded.problems])
    else:
        _tell(loaded.problems)
    if loaded.policy_set is None:
        sys.exit(Exit.FOUND)
    if not as_json:
        count = counted(len(loaded.policy_set.policies), "policy")
        enforcing = sum(policy.mode == "enforce" for policy in loaded.policy_set.policies)
        say(f"{count}, {enforcing} enforcing, in {counted(len(sources), 'file')}")


@click.command()
@PATHS
@REASONS
@click.option("--json", "as_json", is_flag=True, help="Print the differences as JSON.")
def diff(*, paths: tuple[Path, ...], reasons: tuple[str, ...], as_json: bool) -> None:
    """What policy files change of the packaged set they extend, and what a newer one would change.

    Policy by policy and key by key, of what is in effect. Exits with 1 when the files have errors.
    """
    from pinkslip.policies.diff import diff as compared  # noqa: PLC0415 - takes a moment to import

    found = compared(_sources(paths), extra_reasons=_named(reasons))
    if as_json:
        print_json(_as_json(found))
    else:
        _tell_diff(found)
    if found.changes is None:
        sys.exit(Exit.FOUND)


def _sources(paths: Sequence[Path]) -> "list[Source]":
    from pinkslip.policies.load import read_sources  # noqa: PLC0415 - takes a moment to import
    from pinkslip.policies.packaged import packaged_sources  # noqa: PLC0415

    with refusals():
        if not paths:
            return packaged_sources()
        return [source for path in paths for source in read_sources(path)]


def _named(reasons: Sequence[str]) -> dict[str, str]:
    """Reasons with how they are shown, as the setting takes them: `rude`, `rude=impolite`."""
    pairs = (text.partition("=") for text in reasons)
    return {name: shown or name for name, _, shown in pairs}


def _of_service(service: Service) -> "tuple[Known, dict[str, str]]":
    """What its fleet has shown, and its own reasons."""
    from pinkslip.model.words import SEED_REASONS, Result  # noqa: PLC0415 - takes a moment to import
    from pinkslip.policies.known import Known  # noqa: PLC0415

    told = service.get("/api/policies/known")
    results, retention_s = told["results"], told["retentionSeconds"]
    labels = told.get("labels")
    known = Known(
        results=None if results is None else frozenset(map(Result, results)),
        fields={field: frozenset(values) for field, values in told["fields"].items()},
        labels=None if labels is None else frozenset(labels),
        pools=told["pools"],
        pool_label=told["poolLabel"],
        min_tasks=told["minTasks"],
        retention_ms=None if retention_s is None else round(retention_s * 1000),
    )
    displays: Mapping[str, str] = told["displays"]
    own = {
        reason: displays.get(reason, reason)
        for reason in told["reasons"]
        if reason not in SEED_REASONS
    }
    return known, own


def _tell(problems: "Iterable[Problem]") -> None:
    for problem in problems:
        for line in problem.render().split("\n"):
            say(line)


def _tell_diff(found: "Diff") -> None:
    _tell(found.problems)
    if found.changes is None:
        return
    extends = "extends" if found.is_extended else "extends nothing; beside"
    if found.changes:
        say(f"The set {extends} {found.base}, and differs in this:")
        _tell_changes(found.changes)
    else:
        say(f"The set {extends} {found.base}, and is the same.")
    for upgrade in found.upgrades:
        if upgrade.effect is None:
            say(f"Extending {upgrade.to} in its place would be refused:")
            _tell(upgrade.problems)
        elif upgrade.effect:
            say(f"Extending {upgrade.to} in its place would change this:")
            _tell_changes(upgrade.effect)
        else:
            say(f"Extending {upgrade.to} in its place would change nothing.")


def _tell_changes(changes: "Changes") -> None:
    for policy in changes.policies:
        say(f"{MARKS[policy.kind]} {policy.name}: {policy.kind}")
        _tell_keys(policy.keys)
    if changes.guards:
        say("~ guards")
        _tell_keys(changes.guards)


def _tell_keys(keys: "Iterable[KeyChange]") -> None:
    for key in keys:
        if key.before is not None:
            say(f"    - {key.key}: {key.before}")
        if key.after is not None:
            say(f"    + {key.key}: {key.after}")


def _as_json(found: "Diff") -> dict[str, Any]:
    return {
        "base": found.base,
        "extends": found.is_extended,
        "changes": None if found.changes is None else _changes(found.changes),
        "problems": [problem.as_json() for problem in found.problems],
        "upgrades": [
            {
                "to": upgrade.to,
                "effect": None if upgrade.effect is None else _changes(upgrade.effect),
                "problems": [problem.as_json() for problem in upgrade.problems],
            }
            for upgrade in found.upgrades
        ],
    }


def _changes(changes: "Changes") -> dict[str, Any]:
    return {
        "policies": [
            {"name": policy.name, "kind": policy.kind.value, "keys": _keys(policy.keys)}
            for policy in changes.policies
        ],
        "guards": _keys(changes.guards),
    }


def _keys(keys: "Iterable[KeyChange]") -> list[dict[str, Any]]:
    return [{"key": key.key, "before": key.before, "after": key.after} for key in keys]
