"""`pinkslip db upgrade|backup|copy|verify`. These open the database themselves."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from pinkslip.cli.exits import Exit

database_option = click.option(
    "--database",
    envvar="PINKSLIP_DATABASE",
    default="./pinkslip.db",
    show_default=True,
    show_envvar=True,
    help="A SQLite path, sqlite:///path or postgresql://user@host/name.",
)


@click.group()
def command() -> None:
    """Upgrade, back up, copy or verify a database."""


@command.command()
@database_option
def upgrade(*, database: str) -> None:
    """Bring the schema to what this version needs. SQLite is backed up beside itself first."""
    from pinkslip.store import maintenance  # noqa: PLC0415 - SQLAlchemy takes a moment to import

    with _refusals():
        done = maintenance.upgrade(database)
    if done.before == done.after:
        click.echo(f"already at schema {done.after}")
        return
    click.echo(f"schema {done.before or 'none'} -> {done.after}")
    if done.backup:
        click.echo(f"backup: {done.backup}")


@command.command()
@click.argument("to", type=click.Path(path_type=Path))
@database_option
def backup(*, to: Path, database: str) -> None:
    """Write a consistent copy to TO. Works while the service runs."""
    from pinkslip.store import maintenance  # noqa: PLC0415

    with _refusals():
        click.echo(maintenance.backup(database, to))


@command.command()
@click.argument("source")
@click.argument("target")
def copy(*, source: str, target: str) -> None:
    """Copy SOURCE (SQLite) into TARGET (PostgreSQL), and verify it.

    Stop the service first. Run it again after an interruption: it goes on where it stopped.
    """
    from rich.progress import Progress, TaskID  # noqa: PLC0415 - only here

    from pinkslip.store import maintenance  # noqa: PLC0415

    with _refusals(), Progress() as bar:
        tasks: dict[str, TaskID] = {}

        def progress(step: maintenance.Step) -> None:
            if step.table not in tasks:
                tasks[step.table] = bar.add_task(step.table, total=step.rows)
            bar.update(tasks[step.table], completed=step.copied, total=step.rows)

        copied = maintenance.copy(source, target, progress=progress)
    for table, rows in copied.rows:
        if rows:
            click.echo(f"{table}: {rows} rows on both sides")
    for chain in copied.chains:
        click.echo(f"workspace {chain.workspace_id}: {chain.decisions} decisions, chain whole")


@command.command()
@database_option
def verify(*, database: str) -> None:
    """Check the file and walk the decisions' hash chain. Exits with 1 when something is wrong."""
    from pinkslip.store import maintenance  # noqa: PLC0415
    from pinkslip.store.engine import open_database  # noqa: PLC0415

    with _refusals():
        opened = open_database(database)
        health = maintenance.quick_check(opened)
        chains = [] if health.problems else maintenance.verify_chain(opened)
        opened.close()
    for problem in health.problems:
        click.echo(f"problem: {problem}")
    broken = False
    for verified in chains:
        where = f"workspace {verified.workspace_id}"
        if verified.broken is None:
            click.echo(f"{where}: {verified.decisions} decisions, chain whole")
            continue
        broken = True
        link = verified.broken
        click.echo(f"{where}: chain broken at number {link.number}: {link.problem}")
    if health.problems or broken:
        sys.exit(Exit.FOUND)


@contextmanager
def _refusals() -> Iterator[None]:
    """Our own refusals become one line and an exit code."""
    from pinkslip.model.errors import PinkslipError, Unavailable  # noqa: PLC0415

    try:
        yield
    except Unavailable as error:
        click.echo(f"pinkslip: {error}", err=True)
        sys.exit(Exit.AWAY)
    except PinkslipError as error:
        click.echo(f"pinkslip: {error}", err=True)
        sys.exit(Exit.USAGE)
