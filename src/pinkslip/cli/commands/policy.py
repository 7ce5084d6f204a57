"""`pinkslip policy check|test|show`."""

import sys
from pathlib import Path

import click

from pinkslip.cli.exits import Exit
from pinkslip.cli.failures import refusals
from pinkslip.cli.policy_testing import test
from pinkslip.cli.service import Service, service_options
from pinkslip.cli.show import print_table
from pinkslip.cli.words import counted, print_json, say


@click.group()
def command() -> None:
    """Check policy files; show what is loaded."""


command.add_command(test)


@command.command()
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "--reason", "reasons", multiple=True, help="A reason of your own that the files may use."
)
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
def check(*, paths: tuple[Path, ...], reasons: tuple[str, ...], as_json: bool) -> None:
    """Check policy files and directories, without a service; the packaged pack when none is named.

    Exits with 1 on errors, with 0 on warnings alone.
    """
    from pinkslip.policies.load import load, read_sources  # noqa: PLC0415 - the language takes a moment to import
    from pinkslip.policies.packaged import packaged_sources  # noqa: PLC0415

    with refusals():
        sources = [source for path in paths for source in read_sources(path)]
        if not paths:
            sources = packaged_sources()
    loaded = load(sources, extra_reasons=reasons)
    if as_json:
        print_json([problem.as_json() for problem in loaded.problems])
    else:
        for problem in loaded.problems:
            for line in problem.render().split("\n"):
                say(line)
    if loaded.policy_set is None:
        sys.exit(Exit.FOUND)
    if not as_json:
        count = counted(len(loaded.policy_set.policies), "policy")
        enforcing = sum(policy.mode == "enforce" for policy in loaded.policy_set.policies)
        say(f"{count}, {enforcing} enforcing, in {counted(len(sources), 'file')}")


@command.command()
@service_options
def show(service: Service, *, as_json: bool) -> None:
    """What the service has loaded, and what is wrong with newer files."""
    answer = service.get("/api/policies")
    if as_json:
        print_json(answer)
        return
    print_table(
        ("POLICY!", "MODE", "ACTION", "REASON", "MATCHED>", "WHEN"),
        [
            (
                policy["name"],
                policy["mode"],
                policy["action"],
                policy["reason"],
                policy["matched"],
                policy["when"],
            )
            for policy in answer["policies"]
        ],
        none="No policies are loaded.",
    )
    for policy in answer["policies"]:
        if policy["finding"] is not None:
            say(f"broken: {policy['finding']}")
    for problem in answer["problems"]:
        say(
            f"{problem['file']}:{problem['line']}:{problem['column']}: {problem['severity']}: {problem['message']}"
        )
    if answer["reloadFailed"]:
        say(
            "The newest files have errors; what stands above stays in force until they are right."
        )
