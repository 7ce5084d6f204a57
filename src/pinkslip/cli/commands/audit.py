"""`pinkslip audit verify|report`."""

import sys

import click

from pinkslip.cli import spans
from pinkslip.cli.exits import Exit
from pinkslip.cli.service import Service, agent_id, service_options
from pinkslip.cli.words import print_json, say

MARKDOWN = "text/markdown"


@click.group()
def command() -> None:
    """Verify the record of decisions; report on it in words."""


@command.command()
@service_options
def verify(service: Service, *, as_json: bool) -> None:
    """Whether decisions are those that were made, all of them, in their order.

    Walks the hash chain from its start. Exits with 1 when it is broken. Keep the head it prints elsewhere: nobody
    can rewrite what came before it unseen.
    """
    answer = service.get("/api/audit/verify")
    if as_json:
        print_json(answer)
    else:
        say(answer["words"])
        broken = answer["broken"]
        if broken and broken["decisionId"]:
            say(f"  record {broken['number']} is decision {broken['decisionId']}")
        say(f"head {answer['head']}")
    if answer["state"] == "broken":
        sys.exit(Exit.FOUND)


@command.command()
@click.argument("agent", required=False, callback=agent_id)
@click.option(
    "--since",
    callback=spans.since,
    default=None,
    help="How long ago, or when: 7d, 12h, 2026-11-23.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "markdown", "json"]),
    default="text",
    show_default=True,
    help="How it is written.",
)
@service_options
def report(
    service: Service, *, agent: str | None, since: str | None, form: str, as_json: bool
) -> None:
    """Who was judged, on what evidence, and whether it was right.

    For someone who is no engineer: about AGENT, about everything --since, or both.
    """
    if agent is None and since is None:
        raise click.UsageError(
            "say whom the report is about, or since when: pinkslip audit report --since 7d"
        )
    path, query = "/api/audit/report", {"agentId": agent, "since": since}
    if as_json or form == "json":
        print_json(service.get(path, query))
        return
    text = (
        service.text(path, query, media=MARKDOWN)
        if form == "markdown"
        else service.get(path, query)["text"]
    )
    for line in text.rstrip("\n").split("\n"):
        say(line)
