"""`pinkslip assets prometheus|grafana|alertmanager`."""

import sys
from pathlib import Path

import click

from pinkslip.cli.exits import Exit


@click.command()
@click.argument("kind", type=click.Choice(["prometheus", "grafana", "alertmanager"]))
@click.option(
    "--address",
    default="http://127.0.0.1:8740",
    show_default=True,
    help="Where Prometheus finds Pinkslip.",
)
@click.option("--job", default="pinkslip", show_default=True, help="The scrape job's name.")
@click.option(
    "--external-url", default=None, help="Where people find Pinkslip, when elsewhere."
)
@click.option(
    "--ticket-role",
    "ticket_roles",
    multiple=True,
    help="Silence in this role makes a ticket, not a page.",
)
@click.option(
    "--page-url",
    default="http://127.0.0.1:5001/page",
    show_default=True,
    help="Where Alertmanager sends pages.",
)
@click.option(
    "--ticket-url",
    default="http://127.0.0.1:5001/ticket",
    show_default=True,
    help="Where it sends tickets.",
)
@click.option(
    "--into",
    type=click.Path(path_type=Path),
    default=None,
    help="Write the files into this directory.",
)
def command(
    *,
    kind: str,
    address: str,
    job: str,
    external_url: str | None,
    ticket_roles: tuple[str, ...],
    page_url: str,
    ticket_url: str,
    into: Path | None,
) -> None:
    """Print the files of KIND for my addresses and job name, or write them into a directory."""
    from pinkslip.cli.assets import render  # noqa: PLC0415 - reads packaged files
    from pinkslip.model.errors import PinkslipError  # noqa: PLC0415

    try:
        files = render(
            kind,
            address=address,
            job=job,
            external_url=external_url,
            ticket_roles=ticket_roles,
            page_url=page_url,
            ticket_url=ticket_url,
        )
    except PinkslipError as error:
        click.echo(f"pinkslip: {error}", err=True)
        sys.exit(Exit.USAGE)
    for name, text in files.items():
        if into is None:
            click.echo(f"# --- {name}")
            click.echo(text)
            continue
        target = into / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
        click.echo(target)
