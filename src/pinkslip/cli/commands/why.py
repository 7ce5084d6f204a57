"""`pinkslip why AGENT`."""

import click

from pinkslip.cli import show
from pinkslip.cli.service import Service, agent_id, agent_path, service_options
from pinkslip.cli.words import print_json, say


@click.command()
@click.argument("agent", callback=agent_id)
@service_options
def command(service: Service, *, agent: str, as_json: bool) -> None:
    """Why an agent was fired, or was not.

    The fires of AGENT with what became of them; then what each policy sees, and which guard holds it.
    """
    answer = service.get(agent_path(agent, "/why"))
    if as_json:
        print_json(answer)
        return
    record = service.get(agent_path(agent))
    finished = ", finished" if record["finishedAt"] else ""
    say(
        f"{record['agentId']}: {record['status']}, standing {record['standing']}, incarnation {record['incarnation']}{finished}"
    )
    for fire in record["fireHistory"]:
        by = f"policy {fire['policy']}" if fire["policy"] else fire["actor"]
        because = f": {fire['context']}" if fire["context"] else ""
        say(f"fired {show.clock(fire['firedAt'])} as {fire['reason']} by {by}{because}")
        for delivery in fire["deliveries"]:
            detail = f", {delivery['detail']}" if delivery["detail"] else ""
            say(f"  order: {delivery['state']}{detail}")
        if fire["reinstatedAt"]:
            wrong = ", the fire was wrong" if fire["wasWrong"] else ""
            say(
                f"  reinstated {show.clock(fire['reinstatedAt'])} by {fire['reinstatedBy']}{wrong}"
            )
    about = [policy for policy in answer["policies"] if policy["matches"]]
    if not about:
        say("No policy is about it now: it is finished or fired, or none matches it.")
    for policy in about:
        say(f"{policy['policy']} ({policy['mode']}): {policy['words']}")
