"""`pinkslip policy show|status|restore`: the policies that a service has loaded."""

from typing import Any

import click

from pinkslip.cli import show as shown
from pinkslip.cli import spans
from pinkslip.cli.service import Service, context_option, segment, service_options
from pinkslip.cli.words import print_json, say


@click.command()
@service_options
def show(service: Service, *, as_json: bool) -> None:
    """What the service has loaded, and what is wrong with newer files."""
    answer = service.get("/api/policies")
    if as_json:
        print_json(answer)
        return
    shown.print_table(
        ("POLICY!", "MODE", "ACTION", "REASON", "MATCHED>", "WHEN"),
        [
            (
                policy["name"],
                _mode(policy),
                ", ".join(policy["ladder"]) or policy["action"],
                policy["reason"],
                policy["matched"],
                policy["when"],
            )
            for policy in answer["policies"]
        ],
        none="No policies are loaded.",
    )
    for policy in answer["policies"]:
        if policy["finding"] is not None:
            say(f"broken: {policy['finding']}")
    _tell_demoted(answer["policies"])
    for problem in answer["problems"]:
        say(
            f"{problem['file']}:{problem['line']}:{problem['column']}: {problem['severity']}: {problem['message']}"
        )
    if answer["reloadFailed"]:
        say(
            "The newest files have errors; what stands above stays in force until they are right."
        )


@click.command()
@click.option(
    "--since",
    callback=spans.since,
    default=None,
    help="Count from then: 7d, 12h, 2026-11-23; ever without it.",
)
@service_options
def status(service: Service, *, since: str | None, as_json: bool) -> None:
    """How every policy fares.

    Whom it is about and holds for now, what it did or would have done, which guards held it, and how often people
    overruled it; then what the guards allow in each pool.
    """
    answer = service.get("/api/policies/status", {"since": since})
    if as_json:
        print_json(answer)
        return
    shown.print_table(
        (
            "POLICY!",
            "MODE!",
            "MATCHED>!",
            "HOLDS>!",
            "WAITING>!",
            "DID",
            "WOULD",
            "HELD BY",
            "OVERRULED>!",
        ),
        [
            (
                policy["name"],
                _mode(policy),
                policy["matched"],
                policy["holding"],
                policy["waiting"],
                _counts(policy["verdicts"], leave_out=("shadowed", "held")),
                _counts(policy["would"]),
                _counts(policy["held"]),
                policy["reversed"],
            )
            for policy in answer["policies"]
        ],
        none="No policies are loaded.",
    )
    for policy in answer["policies"]:
        if any(policy["onRungs"]):
            steps = zip(policy["ladder"], policy["onRungs"], strict=False)
            say(
                f"{policy['name']}: " + ", ".join(f"{count} on {rung}" for rung, count in steps)
            )
    _tell_demoted(answer["policies"])
    for limit in answer["limits"]:
        say(limit["words"])


@click.command()
@click.argument("name")
@context_option
@service_options
def restore(service: Service, *, name: str, context: str, as_json: bool) -> None:
    """Let a policy act again that people overruled too often.

    NAME put itself into shadow for that; a new version of it would act again by itself.
    """
    answer = service.post(f"/api/policies/{segment(name)}/restore", {"context": context})
    if as_json:
        print_json(answer)
        return
    say(f"{shown.clock(answer['at'])} {answer['words']}")


def _mode(policy: dict[str, Any]) -> str:
    return "demoted" if policy["demoted"] else str(policy["mode"])


def _counts(counts: dict[str, int], *, leave_out: tuple[str, ...] = ()) -> str:
    return ", ".join(
        f"{name} {count}" for name, count in counts.items() if name not in leave_out
    )


def _tell_demoted(policies: list[dict[str, Any]]) -> None:
    for policy in policies:
        if demoted := policy["demoted"]:
            say(
                f"{policy['name']} is in shadow since {shown.clock(demoted['at'])}: {demoted['why']}"
            )
            say(f"  pinkslip policy restore {policy['name']} --reason '...' ends that")
