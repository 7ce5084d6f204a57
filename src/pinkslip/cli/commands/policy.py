"""`pinkslip policy check|show`."""

import sys
from pathlib import Path

import click

from pinkslip.cli.exits import Exit
from pinkslip.cli.service import Service, print_json, service_options


@click.group()
def command() -> None:
    """Check policy files; show what is loaded."""


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
    from pinkslip.model.errors import Invalid  # noqa: PLC0415 - the language takes a moment to import
    from pinkslip.policies.load import load, read_sources  # noqa: PLC0415
    from pinkslip.policies.packaged import packaged_directory  # noqa: PLC0415

    try:
        sources = [
            source for path in paths or (packaged_directory(),) for source in read_sources(path)
        ]
    except Invalid as error:
        click.echo(f"pinkslip: {error}", err=True)
        sys.exit(Exit.USAGE)
    loaded = load(sources, extra_reasons=reasons)
    if as_json:
        print_json([problem.as_json() for problem in loaded.problems])
    else:
        for problem in loaded.problems:
            click.echo(problem.render())
        if loaded.policy_set is not None:
            count = len(loaded.policy_set.policies)
            enforcing = sum(policy.mode == "enforce" for policy in loaded.policy_set.policies)
            click.echo(f"{count} policies, {enforcing} enforcing, {len(sources)} files")
    if loaded.policy_set is None:
        sys.exit(Exit.FOUND)


@command.command()
@service_options
def show(service: Service, *, as_json: bool) -> None:
    """What the service has loaded, and what is wrong with newer files."""
    from pinkslip.cli import show as screen  # noqa: PLC0415 - rich takes a moment to import

    answer = service.get("/api/policies")
    if as_json:
        print_json(answer)
        return
    screen.console().print(
        screen.table(
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
        )
    )
    for problem in answer["problems"]:
        click.echo(
            f"{problem['file']}:{problem['line']}:{problem['column']}: {problem['severity']}: {problem['message']}"
        )
