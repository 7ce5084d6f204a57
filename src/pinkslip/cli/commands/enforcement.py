"""`pinkslip enforcement status|stop|resume`."""

from typing import Any

import click

from pinkslip.cli import show
from pinkslip.cli.service import Service, service_options
from pinkslip.cli.words import print_json, say


@click.group()
def command() -> None:
    """Stop policies from acting, or let them again.

    A stop holds over restarts, until resumed.
    """


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
        say("Policies may act.")
    for scope, where, undo in (
        ("stopped", "in this workspace", ""),
        ("everywhere", "everywhere", " --everywhere"),
    ):
        if stopped := answer[scope]:
            say(
                f"Stopped {where} since {show.clock(stopped['at'])} by {stopped['by']}: {stopped['reason']}"
            )
            say(f"  pinkslip enforcement resume{undo} --reason '...' ends that")
    for panic in answer["panics"]:
        say(
            f"Panic in pool {panic['pool']!r} since {show.clock(panic['since'])}: {panic['newly']} of {panic['size']} turned at once"
        )
    for line in (*show.causes(answer), *show.waiting(answer)):
        say(line)
