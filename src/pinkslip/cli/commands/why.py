"""`pinkslip why AGENT`."""

from typing import Any

import click

from pinkslip.cli import show
from pinkslip.cli.service import Service, agent_id, agent_path, service_options
from pinkslip.cli.words import print_json, say


@click.command()
@click.argument("agent", callback=agent_id)
@service_options
def command(service: Service, *, agent: str, as_json: bool) -> None:
    """Why an agent was fired, or was not.

    The fires of AGENT with what became of them; then what each policy sees, how far its evidence has come, where on
    its ladder the agent stands, and which guards hold it.
    """
    answer = service.get(agent_path(agent, "/why"))
    if as_json:
        print_json(answer)
        return
    record = service.get(agent_path(agent))
    finished = ", finished" if record["finishedAt"] else ""
    until = _until(answer, standing=record["standing"])
    say(
        f"{record['agentId']}: {record['status']}, standing {record['standing']}{until}, "
        f"incarnation {record['incarnation']}{finished}"
    )
    for fire in record["fireHistory"]:
        _tell_fire(fire)
    for silence in answer["silences"]:
        say(
            f"silenced by {silence['owner']} until {show.clock(silence['endsAt'])}: {silence['reason']}"
        )
    if record["standing"] == "fired" or record["finishedAt"]:
        say("No policy is about it now: it is finished or fired.")
        return
    if not answer["policies"]:
        say("No policies are loaded.")
    for policy in answer["policies"]:
        _tell_policy(policy)


def _until(answer: dict[str, Any], *, standing: str) -> str:
    """When the standing ends; a notice does not end with its time: then the fire may come."""
    end = answer["standingUntil"]
    if not end:
        return ""
    if standing == "notice" and end <= answer["at"]:
        return f" (its time passed on {show.clock(end)})"
    return f" until {show.clock(end)}"


def _tell_fire(fire: dict[str, Any]) -> None:
    by = f"policy {fire['policy']}" if fire["policy"] else fire["actor"]
    because = f": {fire['context']}" if fire["context"] else ""
    say(f"fired {show.clock(fire['firedAt'])} as {fire['reason']} by {by}{because}")
    for delivery in fire["deliveries"]:
        detail = f", {delivery['detail']}" if delivery["detail"] else ""
        say(f"  order: {delivery['state']}{detail}")
    if fire["reinstatedAt"]:
        wrong = ", the fire was wrong" if fire["wasWrong"] else ""
        say(f"  reinstated {show.clock(fire['reinstatedAt'])} by {fire['reinstatedBy']}{wrong}")


def _tell_policy(policy: dict[str, Any]) -> None:
    say(f"{policy['policy']} ({policy['mode']}): {policy['words']}")
    if policy["meter"] is not None:
        say(f"  evidence: {show.gauge(policy['meter'])}")
    for statistic in policy["statistics"]:
        say(f"  {show.statistic(statistic)}")
    if policy["waitingDecision"]:
        say(f"  pinkslip veto {policy['waitingDecision']} --reason '...' stops it")
