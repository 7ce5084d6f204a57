"""A situation in words: one message for each thing people must know of, as Alertmanager takes it.

Labels say what it is and are the same for as long as it stands, so that Alertmanager knows it again;
everything that moves, and every sentence, is an annotation.
"""

import re
from collections.abc import Iterator, Mapping
from urllib.parse import quote

from msgspec import Struct

from pinkslip.announce.situation import Held, Matter, Situation, Standing
from pinkslip.model.time import rfc3339, spoken
from pinkslip.model.words import Guard

NAMES: Mapping[Matter, str] = {
    Matter.NOTIFIED: "PinkslipPolicyHolds",
    Matter.PROBATION: "PinkslipAgentOnProbation",
    Matter.QUARANTINED: "PinkslipAgentQuarantined",
    Matter.NOTICE: "PinkslipAgentOnNotice",
    Matter.APPROVAL: "PinkslipApprovalAsked",
    Matter.FIRED: "PinkslipAgentFired",
}
HELD = "PinkslipVerdictsHeld"
PANIC = "PinkslipPoolInPanic"
CAUSE = "PinkslipCommonCause"
DEPLOY = "PinkslipMassRestart"
ZOMBIE = "PinkslipAgentZombie"
DEMOTED = "PinkslipPolicyDemoted"
REFUSED = "PinkslipLineageRefused"

EVERY_NAME = (*NAMES.values(), HELD, PANIC, CAUSE, DEPLOY, ZOMBIE, DEMOTED, REFUSED)
"""Each has its line in docs/announcements.md."""

_SEVERITY: Mapping[Matter, str] = {
    Matter.NOTIFIED: "warning",
    Matter.PROBATION: "info",
    Matter.QUARANTINED: "warning",
    Matter.NOTICE: "critical",
    Matter.APPROVAL: "critical",
    Matter.FIRED: "warning",
}
_QUIET_GUARDS = frozenset({Guard.NEWBORN, Guard.PROTECTED, Guard.SILENCE, Guard.BLIND_TIME})
"""They hold by somebody's wish, or pass by themselves: for information."""
_NAMED_AT_MOST = 10


class Message(Struct, frozen=True, kw_only=True):
    """One thing that stands."""

    name: str
    labels: Mapping[str, str]
    """With alertname; what makes it this message and no other."""
    annotations: Mapping[str, str]
    starts_at: int
    """Journal ms."""
    link: str
    """Where to read more."""

    @property
    def key(self) -> tuple[tuple[str, str], ...]:
        """Its identity, as Alertmanager's: all labels."""
        return tuple(sorted(self.labels.items()))


def messages(situation: Situation) -> list[Message]:
    """Everything that stands, each thing once."""
    found = [
        *(_about_agent(each, situation) for each in situation.standing),
        *(_held(each, situation) for each in situation.held),
        *_of_pools(situation),
        *_of_policies(situation),
        *_of_zombies(situation),
        *_of_refusals(situation),
    ]
    return list({message.key: message for message in found}.values())


def _about_agent(standing: Standing, situation: Situation) -> Message:
    decision = standing.decision
    labels = {
        **_own_labels(decision.policy, situation),
        "severity": _severity(decision.policy, _SEVERITY[standing.matter], situation),
        "agent": decision.agent_id,
        "role": standing.role,
        "policy": decision.policy,
        "reason": decision.reason or "",
    }
    link = f"{situation.base_url}/decisions/{decision.id}"
    annotations = {
        "summary": _summary(standing, situation),
        "description": _description(standing),
        "decision": link,
    }
    if standing.matter in (Matter.NOTICE, Matter.APPROVAL):
        annotations["veto"] = f"{link}#veto"
        annotations["veto_command"] = f'pinkslip veto {decision.id} --reason "..."'
    if standing.matter is Matter.APPROVAL:
        annotations["approve"] = f"{link}#approve"
        annotations["approve_command"] = f'pinkslip approve {decision.id} --reason "..."'
    if standing.matter is Matter.FIRED:
        annotations["reinstate_command"] = (
            f'pinkslip reinstate {decision.agent_id} --reason "..."'
        )
    return _message(
        NAMES[standing.matter],
        labels,
        annotations,
        starts_at=decision.at,
        link=link,
        situation=situation,
    )


def _summary(standing: Standing, situation: Situation) -> str:
    decision, until = standing.decision, standing.until
    agent = f"agent {decision.agent_id}" + (f" ({standing.role})" if standing.role else "")
    reason = situation.displays.get(decision.reason or "", decision.reason or "")
    why = f" as {reason}" if reason else ""
    end = f" until {rfc3339(until)}" if until is not None else ""
    match standing.matter:
        case Matter.NOTIFIED:
            return f"policy {decision.policy} holds for {agent}"
        case Matter.PROBATION:
            return f"{agent} is on probation{end} by policy {decision.policy}"
        case Matter.QUARANTINED:
            return f"{agent} is in quarantine{end} by policy {decision.policy}"
        case Matter.NOTICE:
            if until is not None and until <= situation.now:
                over = f"its notice passed at {rfc3339(until)}"
                return (
                    f"{agent} may be fired{why} at any time by policy {decision.policy}: {over}"
                )
            at = f" at {rfc3339(until)}" if until is not None else ""
            return f"{agent} will be fired{why}{at} by policy {decision.policy}"
        case Matter.APPROVAL:
            at = f", not before {rfc3339(until)}" if until is not None else ""
            return f"policy {decision.policy} asks whether to fire {agent}{why}{at}"
        case Matter.FIRED:
            by = f"policy {decision.policy}" if decision.policy else "a person"
            return f"{agent} was fired{why} by {by}"


def _description(standing: Standing) -> str:
    """The evidence, and what it rests on."""
    evidence = standing.decision.evidence
    rests = f" It rests on {evidence.tasks} tasks." if evidence.tasks else ""
    rung = f" Rung {evidence.rung} of {evidence.rungs}." if evidence.rung else ""
    words = evidence.words[:1].upper() + evidence.words[1:]
    return f"{words}.{rests}{rung}"


def _held(held: Held, situation: Situation) -> Message:
    names = ", ".join(held.agents[:_NAMED_AT_MOST])
    more = held.count - min(len(held.agents), _NAMED_AT_MOST)
    if more:
        names += f" and {more} more"
    agents = "1 verdict" if held.count == 1 else f"{held.count} verdicts"
    usual = "info" if held.guard in _QUIET_GUARDS else "warning"
    return _message(
        HELD,
        {
            **_own_labels(held.policy, situation),
            "severity": usual,
            "policy": held.policy,
            "guard": held.guard.value,
        },
        {
            "summary": f"{agents} of policy {held.policy} held back by {held.guard.value}",
            "description": f"{names}: {held.detail}.",
        },
        starts_at=held.since,
        link=f"{situation.base_url}/api/decisions?policy={quote(held.policy)}&guard={held.guard.value}",
        situation=situation,
    )


def _of_pools(situation: Situation) -> Iterator[Message]:
    for panic in situation.panics:
        yield _message(
            PANIC,
            {"severity": "critical", _label_name(situation.pool_label): panic.pool},
            {
                "summary": f"{_pool(panic.pool, situation)} is in panic: nobody is fired there for silence",
                "description": f"{panic.newly} of {panic.size} agents fell silent or began to fail at once. "
                "That is something they share, or our own trouble; look there first.",
            },
            starts_at=panic.since,
            link=situation.base_url,
            situation=situation,
        )
    for deploy in situation.deploys:
        yield _message(
            DEPLOY,
            {"severity": "info", _label_name(situation.pool_label): deploy.pool},
            {
                "summary": f"{_pool(deploy.pool, situation)} is being restarted",
                "description": f"{deploy.restarted} of {deploy.size} agents came with a new bootId. That looks like "
                "a deploy: silence fires nobody there meanwhile.",
            },
            starts_at=deploy.since,
            link=situation.base_url,
            situation=situation,
        )
    for cause in situation.causes:
        yield _message(
            CAUSE,
            {"severity": "critical", "factor": cause.factor, "value": cause.value},
            {
                "summary": f"{cause.failing} of {cause.size} agents with {cause.factor} {cause.value} fail together",
                "description": f"{cause.failing} of {cause.size} agents with {cause.factor} {cause.value} fail, and "
                f"{cause.others_failing} of {cause.others_size} others. The agents are left alone: look at the "
                f"{cause.factor} first.",
            },
            starts_at=situation.now,
            link=situation.base_url,
            situation=situation,
        )


def _of_policies(situation: Situation) -> Iterator[Message]:
    for demotion in situation.demotions:
        yield _message(
            DEMOTED,
            {
                **_own_labels(demotion.policy, situation),
                "severity": "critical",
                "policy": demotion.policy,
            },
            {
                "summary": f"policy {demotion.policy} put itself into shadow",
                "description": f"{demotion.why}. It only records until somebody restores it or writes another version.",
                "restore_command": f"pinkslip policy restore {demotion.policy}",
            },
            starts_at=demotion.at,
            link=f"{situation.base_url}/api/policies",
            situation=situation,
        )


def _of_zombies(situation: Situation) -> Iterator[Message]:
    for delivery in situation.zombies:
        since = delivery.delivered_at or delivery.created_at
        yield _message(
            ZOMBIE,
            {"severity": "critical", "agent": delivery.agent_id},
            {
                "summary": f"agent {delivery.agent_id} was fired and goes on",
                "description": f"It was told to stop {spoken(max(0, situation.now - since))} ago "
                f"(generation {delivery.generation}) and still reports. Stop its process by hand.",
            },
            starts_at=delivery.created_at,
            link=f"{situation.base_url}/api/agents/{quote(delivery.agent_id, safe='')}",
            situation=situation,
        )


def _of_refusals(situation: Situation) -> Iterator[Message]:
    newest = {refusal.lineage: refusal for refusal in situation.refusals}
    for lineage, refusal in newest.items():
        yield _message(
            REFUSED,
            {"severity": "critical", "lineage": lineage},
            {
                "summary": f"an agent of the condemned lineage {lineage} was refused",
                "description": f"{refusal.agent_id} came as a worker that was fired. Whoever starts it goes on "
                "starting it: stop that, or reinstate the worker.",
            },
            starts_at=refusal.at,
            link=situation.base_url,
            situation=situation,
        )


def _message(
    name: str,
    labels: Mapping[str, str],
    annotations: Mapping[str, str],
    *,
    starts_at: int,
    link: str,
    situation: Situation,
) -> Message:
    """Empty labels are no labels: Alertmanager drops them, and so the identity must not hold them."""
    given = {**labels, "alertname": name, "workspace": situation.workspace}
    return Message(
        name=name,
        labels={label: value for label, value in given.items() if value},
        annotations=dict(annotations),
        starts_at=starts_at,
        link=link,
    )


def _own_labels(policy: str, situation: Situation) -> Mapping[str, str]:
    known = situation.policies.get(policy)
    return dict(known.labels) if known is not None else {}


def _severity(policy: str, usual: str, situation: Situation) -> str:
    known = situation.policies.get(policy)
    return (known.severity if known is not None else None) or usual


def _pool(name: str, situation: Situation) -> str:
    return (
        f"{situation.pool_label} {name}"
        if name
        else f"the pool without a {situation.pool_label}"
    )


def _label_name(field: str) -> str:
    """`label.team-name` as Prometheus can spell it."""
    return re.sub(r"[^A-Za-z0-9_]", "_", field)
