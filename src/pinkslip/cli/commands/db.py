"""`pinkslip db upgrade|backup|copy|verify`. These open the database themselves."""

import sys
from pathlib import Path

import click

from pinkslip.cli.exits import Exit
from pinkslip.cli.failures import refusals
from pinkslip.cli.words import counted, print_json, say

database_option = click.option(
    "--database",
    envvar="PINKSLIP_DATABASE",
    default="./pinkslip.db",
    show_default=True,
    show_envvar=True,
    help="A SQLite path, sqlite:///path or postgresql://user@host/name.",
)
json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print what was done as JSON."
)


@click.group()
def command() -> None:
    """Upgrade, back up, copy or verify a database."""


@command.command()
@database_option
@json_option
def upgrade(*, database: str, as_json: bool) -> None:
    """Bring the schema to what this version needs. SQLite is backed up beside itself first."""
    from pinkslip.store import maintenance  # noqa: PLC0415 - SQLAlchemy takes a moment to import

    with refusals():
        done = maintenance.upgrade(database)
    backup = str(done.backup) if done.backup else None
    if as_json:
        print_json({"before": done.before, "after": done.after, "backup": backup})
    elif done.before == done.after:
        say(f"already at schema {done.after}")
    else:
        say(f"schema {done.before or 'none'} -> {done.after}")
        if backup:
            say(f"backup: {backup}")


@command.command()
@click.argument("to", type=click.Path(path_type=Path))
@database_option
@json_option
def backup(*, to: Path, database: str, as_json: bool) -> None:
    """Write a consistent copy to TO. Works while the service runs."""
    from pinkslip.store import maintenance  # noqa: PLC0415

    with refusals():
        written = maintenance.backup(database, to)
        size = written.stat().st_size
    if as_json:
        print_json({"backup": str(written), "bytes": size})
    else:
        say(f"{written} ({size:,} bytes)")


@command.command()
@click.argument("source")
@click.argument("target")
@json_option
def copy(*, source: str, target: str, as_json: bool) -> None:
    """Copy SOURCE (SQLite) into TARGET (PostgreSQL), and verify it.

    Stop the service first. Run it again after an interruption: it goes on where it stopped.
    """
    from rich.console import Console  # noqa: PLC0415 - only here
    from rich.progress import Progress, TaskID  # noqa: PLC0415

    from pinkslip.store import maintenance  # noqa: PLC0415

    # the bars are for whoever watches; the answer on standard output stays clean
    with refusals(), Progress(console=Console(stderr=True)) as bar:
        tasks: dict[str, TaskID] = {}

        def progress(step: maintenance.Step) -> None:
            if step.table not in tasks:
                tasks[step.table] = bar.add_task(step.table, total=step.rows)
            bar.update(tasks[step.table], completed=step.copied, total=step.rows)

        copied = maintenance.copy(source, target, progress=progress)
    if as_json:
        print_json(
            {
                "rows": dict(copied.rows),
                "chains": [
                    {"workspace": chain.workspace_id, "decisions": chain.decisions}
                    for chain in copied.chains
                ],
            }
        )
        return
    for table, rows in copied.rows:
        if rows:
            say(f"{table}: {rows} rows on both sides")
    for chain in copied.chains:
        say(
            f"workspace {chain.workspace_id}: {counted(chain.decisions, 'decision')}, chain whole"
        )


@command.command()
@database_option
@json_option
def verify(*, database: str, as_json: bool) -> None:
    """Check the file and walk the decisions' hash chain. Exits with 1 when something is wrong."""
    from pinkslip.cli.files import existing  # noqa: PLC0415
    from pinkslip.store import maintenance  # noqa: PLC0415

    with refusals(), existing(database) as opened:
        health = maintenance.quick_check(opened)
        chains = [] if health.problems else maintenance.verify_chain(opened)
    broken = [chain for chain in chains if chain.broken is not None]
    if as_json:
        print_json(
            {
                "problems": list(health.problems),
                "chains": [
                    {
                        "workspace": chain.workspace_id,
                        "state": chain.state.value,
                        "decisions": chain.decisions,
                        "redacted": chain.redacted,
                        "brokenAt": chain.broken.number if chain.broken else None,
                        "problem": chain.broken.problem if chain.broken else None,
                    }
                    for chain in chains
                ],
            }
        )
    else:
        for problem in health.problems:
            say(f"problem: {problem}")
        for chain in chains:
            where = f"workspace {chain.workspace_id}"
            if chain.broken is None:
                erased = (
                    f", personal fields of {chain.redacted} erased" if chain.redacted else ""
                )
                say(f"{where}: {counted(chain.decisions, 'decision')}, chain whole{erased}")
            else:
                link = chain.broken
                at = "" if link.is_of_fire else f"chain broken at number {link.number}: "
                say(f"{where}: {at}{link.problem}")
    if health.problems or broken:
        sys.exit(Exit.FOUND)
