"""Veto and approval: a person's word on a fire that a decision announced or asked for."""

from pinkslip.cli import show
from pinkslip.cli.service import Service, segment
from pinkslip.cli.words import print_json, say


def rule(service: Service, ruling: str, *, decision: str, context: str, as_json: bool) -> None:
    """Say it to the service, and what it was to the person."""
    path = f"/api/decisions/{segment(decision)}/{ruling}"
    answer = service.post(path, {"context": context})
    if as_json:
        print_json(answer)
        return
    say(f"{show.clock(answer['at'])} {answer['words']}")
