"""`pinkslip decisions`."""

import click

from pinkslip.cli import show, spans
from pinkslip.cli.service import Service, service_options
from pinkslip.cli.words import print_json

VERDICTS = (
    "held",
    "shadowed",
    "notified",
    "fired",
    "superseded",
    "probation",
    "quarantined",
    "noticed",
    "asked",
    "cancelled",
    "released",
    "vetoed",
    "approved",
    "reinstated",
    "demoted",
    "restored",
)
"""As `model.words.Verdict` has them, which would import more than a command may; a test compares."""


@click.command()
@click.option("--agent", default=None, help="Only about this agent.")
@click.option("--policy", default=None, help="Only of this policy.")
@click.option(
    "--verdict", default=None, type=click.Choice(VERDICTS), help="Only with this end."
)
@click.option(
    "--since",
    callback=spans.since,
    default=None,
    help="Only those since then: 7d, 12h, 2026-11-23.",
)
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    default=30,
    show_default=True,
    help="At most so many, the newest first.",
)
@service_options
def command(
    service: Service,
    *,
    agent: str | None,
    policy: str | None,
    verdict: str | None,
    since: str | None,
    limit: int,
    as_json: bool,
) -> None:
    """What policies and people decided.

    Newest first. `pinkslip explain ID` works one out again.
    """
    query = {"agentId": agent, "policy": policy, "verdict": verdict, "since": since}
    listed = service.listed("/api/decisions", query, limit=limit)
    if as_json:
        print_json(listed.items)
    else:
        show.print_records(
            ("AT", "VERDICT", "AGENT", "BY", "ID", "EVIDENCE"),
            [
                (
                    show.clock(row["at"]),
                    row["verdict"] + (f" by {row['guard']}" if row["guard"] else ""),
                    row["agentId"],
                    row["policy"] if row["actorKind"] == "policy" else row["actor"],
                    row["id"],
                    row["guardDetail"] or row["context"] or row["evidence"]["words"],
                )
                for row in listed.items
            ],
            under=2,
            none="No decision is like that." if any(query.values()) else "No decisions yet.",
        )
    show.more(listed.more, limit)
