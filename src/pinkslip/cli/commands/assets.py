"""`pinkslip assets prometheus|grafana|alertmanager`."""

from pathlib import Path
from typing import Any

import click

from pinkslip.cli.failures import refusals
from pinkslip.cli.words import print_json, say

# the defaults are those of pinkslip.cli.assets, which would read packaged files; a test compares


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
    "--grafana-url",
    default="http://127.0.0.1:3000",
    show_default=True,
    help="Where people find Grafana.",
)
@click.option(
    "--prometheus-url",
    default="http://127.0.0.1:9090",
    show_default=True,
    help="Where Grafana finds Prometheus.",
)
@click.option(
    "--alertmanager",
    default="127.0.0.1:9093",
    show_default=True,
    help="Where Prometheus finds Alertmanager.",
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
    "--runbooks-url",
    default="runbooks",
    show_default=True,
    help="Where the alerts' runbooks can be read.",
)
@click.option(
    "--stale-factor",
    type=float,
    default=3.0,
    show_default=True,
    help="The service's setting stale_after.",
)
@click.option(
    "--ticket-role",
    "ticket_roles",
    multiple=True,
    help="Silence in this role makes a ticket, not a page.",
)
@click.option(
    "--ticket-alert",
    "ticket_alerts",
    multiple=True,
    help="This alert makes a ticket, not a page.",
)
@click.option(
    "--into",
    type=click.Path(path_type=Path),
    default=None,
    help="Write the files into this directory, over those of an earlier time.",
)
@click.option("--json", "as_json", is_flag=True, help="Print an object: file name to text.")
def command(*, kind: str, into: Path | None, as_json: bool, **chosen: Any) -> None:
    """Print rules, dashboards or Alertmanager routes for my set-up.

    With --into they are written as files; what is printed then is their names.
    """
    from pinkslip.cli.assets import render  # noqa: PLC0415 - reads packaged files

    with refusals():
        files = render(kind, **chosen)
        written = [] if into is None else _write(files, into)
    if as_json:
        print_json(files)
    elif into is not None:
        for path in written:
            say(path)
    else:
        for name, text in files.items():
            click.echo(f"# --- {name}\n{text}")


def _write(files: dict[str, str], into: Path) -> list[Path]:
    written = []
    for name, text in files.items():
        target = into / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
        written.append(target)
    return written
