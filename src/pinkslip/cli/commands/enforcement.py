"""`pinkslip enforcement status|stop|resume`."""

from typing import Any

import click

from pinkslip.cli import show
from pinkslip.cli.service import Service, print_json, service_options


@click.group()
def command() -> None:
    """Stop policies from acting, or let them again. A stop holds over restarts until resumed."""


@command.command()
@service_options
def status(service: Service, *, as_json: bool) -> None:
    """Whether policies may act."""
    _tell(service.get("/api/enforcement"), as_json=as_json)


@command.command()
@click.option("--reason", required=True, help="Why, in words: the next person will ask.")
@click.option("--everywhere", is_flag=True, help="In all workspaces.")
@service_options
def stop(service: Service, *, reason: str, everywhere: bool, as_json: bool) -> None:
    """Break the glass: within one tick nothing is decided or delivered."""
    body = {"stopped": True, "reason": reason, "everywhere": everywhere}
    _tell(service.post("/api/enforcement", body), as_json=as_json)


@command.command()
@click.option("--reason", required=True, help="Why it is safe again.")
@click.option("--everywhere", is_flag=True, help="In all workspaces.")
@service_options
def resume(service: Service, *, reason: str, everywhere: bool, as_json: bool) -> None:
    """Let policies act again."""
    body = {"stopped": False, "reason": reason, "everywhere": everywhere}
    _tell(service.post("/api/enforcement", body), as_json=as_json)


def _tell(answer: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(answer)
        return
    if answer["enabled"]:
        click.echo("Policies may act.")
    for scope, where in (("stopped", "in this workspace"), ("everywhere", "everywhere")):
        if answer[scope]:
            stopped = answer[scope]
            click.echo(
                f"Stopped {where} since {show.clock(stopped['at'])} by {stopped['by']}: {stopped['reason']}"
            )
    for panic in answer["panics"]:
        click.echo(
            f"Panic in pool {panic['pool']!r} since {show.clock(panic['since'])}: {panic['newly']} of {panic['size']} turned at once"
        )
