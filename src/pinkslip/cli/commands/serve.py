"""`pinkslip serve`."""

from pathlib import Path

import click

from pinkslip.cli.running import run_service


@click.command()
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    default=None,
    help="The settings file; else PINKSLIP_CONFIG, else ./pinkslip.yaml.",
)
@click.option("--listen", default=None, help="Address and port, 127.0.0.1:8740 by default.")
@click.option(
    "--database",
    default=None,
    help="SQLite path or postgresql:// address, ./pinkslip.db by default.",
)
@click.option(
    "--policies",
    multiple=True,
    help="Policy file or directory; the packaged default pack when none is given.",
)
@click.option(
    "--set",
    "pairs",
    multiple=True,
    metavar="KEY=VALUE",
    help="Any other setting, for example --set tick=2s (docs/settings.md).",
)
def command(
    *,
    config: Path | None,
    listen: str | None,
    database: str | None,
    policies: tuple[str, ...],
    pairs: tuple[str, ...],
) -> None:
    """Run the service. Works without any file: everything has a default, and all policies are in shadow.

    SIGHUP or POST /-/reload reads policies and settings again, all or nothing.
    """
    overrides: dict[str, str | tuple[str, ...]] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals:
            raise click.BadParameter(f"{pair!r} must look like tick=2s", param_hint="--set")
        overrides[key.replace("-", "_")] = value
    if listen is not None:
        overrides["listen"] = listen
    if database is not None:
        overrides["database"] = database
    if policies:
        overrides["policies"] = policies
    run_service(config, overrides)
