"""`pinkslip status`."""

from collections import Counter

import click

from pinkslip.cli import show
from pinkslip.cli.service import Service, print_json, service_options


@click.command()
@service_options
def command(service: Service, *, as_json: bool) -> None:
    """The fleet in a few lines: who is here, who is stale, what was decided of late."""
    agents = list(service.items("/api/agents", {}, limit=None))
    policies = service.get("/api/policies")
    enforcement = service.get("/api/enforcement")
    fires = service.get("/api/decisions", {"verdict": "fired", "limit": 5})["items"]
    statuses = Counter(agent["status"] for agent in agents)
    stale = [agent["agentId"] for agent in agents if agent["isStale"]]
    if as_json:
        print_json(
            {
                "agents": len(agents),
                "byStatus": statuses,
                "stale": stale,
                "policies": len(policies["policies"]),
                "enforcing": policies["enforcing"],
                "enforcement": enforcement,
                "fires": fires,
            }
        )
        return
    by_status = ", ".join(f"{count} {status}" for status, count in sorted(statuses.items()))
    click.echo(f"{len(agents)} agents{': ' + by_status if by_status else ''}")
    if stale:
        shown = ", ".join(stale[:5]) + (f" and {len(stale) - 5} more" if len(stale) > 5 else "")
        click.echo(f"{len(stale)} stale: {shown}")
    click.echo(f"{len(policies['policies'])} policies, {policies['enforcing']} enforcing")
    if policies["reloadFailed"]:
        click.echo(
            "The newest policy files have errors; older ones are in force: pinkslip policy show"
        )
    for scope in ("stopped", "everywhere"):
        if enforcement[scope]:
            stop = enforcement[scope]
            click.echo(
                f"Enforcement is stopped since {show.clock(stop['at'])} by {stop['by']}: {stop['reason']}"
            )
    for panic in enforcement["panics"]:
        click.echo(
            f"Panic in pool {panic['pool']!r}: {panic['newly']} of {panic['size']} turned at once; stale-type firing is held"
        )
    for fire in fires:
        click.echo(
            f"fired {show.clock(fire['at'])} {fire['agentId']}: {fire['reason']}, {fire['evidence']['words']}"
        )
