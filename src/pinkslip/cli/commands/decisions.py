"""`pinkslip decisions`."""

import click

from pinkslip.cli import show
from pinkslip.cli.service import Service, print_json, service_options


@click.command()
@click.option("--agent", default=None, help="Only about this agent.")
@click.option("--policy", default=None, help="Only of this policy.")
@click.option("--verdict", default=None, help="held, shadowed, notified, fired or superseded.")
@click.option(
    "--limit", default=30, show_default=True, help="At most so many, the newest first."
)
@service_options
def command(
    service: Service,
    *,
    agent: str | None,
    policy: str | None,
    verdict: str | None,
    limit: int,
    as_json: bool,
) -> None:
    """What policies and people decided, newest first. `pinkslip explain ID` works one out again."""
    query = {"agentId": agent, "policy": policy, "verdict": verdict}
    rows = list(service.items("/api/decisions", query, limit=limit))
    if as_json:
        print_json(rows)
        return
    show.console().print(
        show.table(
            ("AT!", "ID!", "VERDICT", "AGENT", "BY", "EVIDENCE"),
            [
                (
                    show.clock(row["at"]),
                    row["id"],
                    row["verdict"] + (f" by {row['guard']}" if row["guard"] else ""),
                    row["agentId"],
                    row["policy"] or row["actor"],
                    row["guardDetail"] or row["evidence"]["words"] or row["context"],
                )
                for row in rows
            ],
        )
    )
