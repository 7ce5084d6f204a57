"""`pinkslip status`."""

from collections import Counter

import click

from pinkslip.cli import show
from pinkslip.cli.service import Service, service_options
from pinkslip.cli.words import counted, print_json, say

NAMED = 5


@click.command()
@service_options
def command(service: Service, *, as_json: bool) -> None:
    """The fleet in a few lines.

    Who is here, who is stale, whether policies may act, what waits for a person, and who was fired of late.
    """
    agents = service.listed("/api/agents", {}, limit=None).items
    policies = service.get("/api/policies")
    enforcement = service.get("/api/enforcement")
    silences = service.get("/api/silences", {"active": True})["items"]
    fires = service.get("/api/decisions", {"verdict": "fired", "limit": NAMED})["items"]
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
                "silences": silences,
                "demoted": [
                    policy["name"] for policy in policies["policies"] if policy["demoted"]
                ],
                "fires": fires,
            }
        )
        return
    by_status = ", ".join(f"{count} {status}" for status, count in sorted(statuses.items()))
    say(f"{counted(len(agents), 'agent')}{': ' + by_status if by_status else ''}")
    if stale:
        others = f" and {len(stale) - NAMED} more" if len(stale) > NAMED else ""
        say(f"{len(stale)} stale: {', '.join(stale[:NAMED])}{others}")
    loaded = counted(len(policies["policies"]), "policy")
    say(f"{loaded}, {policies['enforcing']} enforcing")
    if policies["reloadFailed"]:
        say(
            "The newest policy files have errors; older ones are in force: pinkslip policy show"
        )
    for scope in ("stopped", "everywhere"):
        if stop := enforcement[scope]:
            say(
                f"Enforcement is stopped since {show.clock(stop['at'])} by {stop['by']}: {stop['reason']}"
            )
    for panic in enforcement["panics"]:
        say(
            f"Panic in pool {panic['pool']!r}: {panic['newly']} of {panic['size']} turned at once; stale-type firing is held"
        )
    for line in (*show.causes(enforcement), *show.waiting(enforcement)):
        say(line)
    for policy in policies["policies"]:
        if demoted := policy["demoted"]:
            say(f"Policy {policy['name']} is in shadow: {demoted['why']}")
    for silence in silences:
        agents_ = counted(silence["matched"], "agent")
        say(
            f"{agents_} silenced by {silence['owner']} until {show.clock(silence['endsAt'])}: {silence['reason']}"
        )
    for fire in fires:
        because = fire["evidence"]["words"] or fire["context"]
        say(
            f"fired {show.clock(fire['at'])} {fire['agentId']}: {fire['reason']}"
            + (f", {because}" if because else "")
        )
