"""`pinkslip review EVENT`."""

import click

from pinkslip.cli.service import Service, segment, service_options
from pinkslip.cli.words import print_json, say


@click.command()
@click.argument("event")
@click.option(
    "--score",
    required=True,
    type=click.FloatRange(0, 1),
    help="From 0, useless, to 1, perfect.",
)
@click.option("--comment", default="", help="What was good or bad, in words.")
@service_options
def command(service: Service, *, event: str, score: float, comment: str, as_json: bool) -> None:
    """Give an outcome another score.

    EVENT is the eventId it was reported under. The newest review counts; its result stays.
    """
    answer = service.post(
        f"/api/outcomes/{segment(event)}/review", {"score": score, "comment": comment}
    )
    if as_json:
        print_json(answer)
        return
    before = "" if answer["before"] is None else f"; it was {answer['before']:g}"
    say(f"{answer['eventId']} scores {answer['score']:g}{before}")
    if not answer["counted"]:
        say("Its agent was fired already when it sent the outcome, so that neither counts.")
