"""`pinkslip doctor`."""

import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import click

from pinkslip.cli.exits import Exit
from pinkslip.cli.failures import Away, Failure
from pinkslip.cli.service import Service, address
from pinkslip.cli.words import counted, print_json, say

AGENTS_LOOKED_AT = 1_000


@dataclass(frozen=True, slots=True)
class Look:
    """One thing looked at."""

    level: str
    """ok, note, warning or problem."""
    subject: str
    said: str


@click.command()
@click.option(
    "--config", type=click.Path(path_type=Path), default=None, help="The settings file."
)
@click.option("--database", default=None, help="Another database than the settings name.")
@click.option(
    "--url",
    envvar="PINKSLIP_URL",
    default=None,
    show_envvar=True,
    callback=address,
    help="Another service than the settings name.",
)
@click.option(
    "--token",
    envvar="PINKSLIP_TOKEN",
    default=None,
    show_envvar=True,
    help="Bearer token, where one is needed.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
def command(
    *,
    config: Path | None,
    database: str | None,
    url: str | None,
    token: str | None,
    as_json: bool,
) -> None:
    """Look for what is wrong with this installation.

    At its settings, policies, database, service and agents. Exits with 1 when there is a problem, with 0 on warnings alone.
    """
    looks = list(_looks(config, database, url, token))
    if as_json:
        print_json([asdict(look) for look in looks])
    else:
        for look in looks:
            say(f"{look.level:8} {look.subject:10} {look.said}")
    if any(look.level == "problem" for look in looks):
        sys.exit(Exit.FOUND)


def _looks(
    config: Path | None, database: str | None, url: str | None, token: str | None
) -> Iterator[Look]:
    from pinkslip.model.errors import PinkslipError  # noqa: PLC0415 - doctor opens everything: slow to import
    from pinkslip.settings import read_settings  # noqa: PLC0415

    try:
        read = read_settings(config, overrides={"database": database} if database else None)
    except PinkslipError as error:
        yield Look("problem", "settings", str(error))
        return
    for problem in read.problems:
        level = "problem" if problem.is_error else "warning"
        yield Look(level, "settings", problem.render().replace("\n", " "))
    if read.settings is None:
        return
    settings = read.settings
    yield Look(
        "ok",
        "settings",
        f"from {settings.file}" if settings.file else "no file; defaults and environment",
    )
    yield from _policies(settings)
    yield from _database(settings.database)
    yield from _service(
        url or f"http://{settings.listen_host}:{settings.listen_port}{settings.route_prefix}",
        token,
    )


def _policies(settings: Any) -> Iterator[Look]:
    from pinkslip.app.policy_files import BadPolicies, load_policies  # noqa: PLC0415
    from pinkslip.model.errors import Invalid  # noqa: PLC0415

    try:
        loaded = load_policies(settings.policies, reasons=settings.reasons)
    except BadPolicies as error:
        for problem in error.problems:
            yield Look("problem", "policies", problem.render().replace("\n", " "))
        return
    except Invalid as error:
        yield Look("problem", "policies", str(error))
        return
    for problem in loaded.problems:
        yield Look("warning", "policies", problem.render().replace("\n", " "))
    count = counted(len(loaded.policy_set.policies), "policy")
    yield Look(
        "ok",
        "policies",
        f"{count}, {loaded.enforcing} enforcing, from {', '.join(loaded.places)}",
    )
    if not loaded.enforcing:
        yield Look(
            "note",
            "policies",
            "all in shadow: nobody will be fired; set `mode: enforce` where you are sure",
        )


def _database(where: str) -> Iterator[Look]:
    from pinkslip.model.errors import PinkslipError  # noqa: PLC0415
    from pinkslip.store import maintenance  # noqa: PLC0415
    from pinkslip.store.engine import check, open_database  # noqa: PLC0415

    try:
        opened = open_database(where)
    except PinkslipError as error:
        yield Look("problem", "database", str(error))
        return
    try:
        if opened.path is not None and not opened.path.exists():
            yield Look(
                "note",
                "database",
                f"{opened.where} does not exist yet; `pinkslip serve` makes it",
            )
            return
        for warning in check(opened):
            yield Look("warning", "database", warning)
        health = maintenance.quick_check(opened)
        for subject, said in health.facts:
            yield Look("ok", subject, said)
        for warning in health.warnings:
            yield Look("warning", "database", warning)
        for problem in health.problems:
            yield Look("problem", "database", problem)
        if not health.problems:
            for chain in maintenance.verify_chain(opened):
                broken = chain.broken
                said = (
                    f"{counted(chain.decisions, 'decision')}, chain whole"
                    if broken is None
                    else f"not intact: {broken.words}"
                )
                yield Look("ok" if broken is None else "problem", "decisions", said)
    except PinkslipError as error:
        yield Look("problem", "database", str(error))
    finally:
        opened.close()


def _service(url: str, token: str | None) -> Iterator[Look]:
    service = Service(url, token)
    try:
        agents = service.listed("/api/agents", {}, limit=AGENTS_LOOKED_AT).items
        enforcement = service.get("/api/enforcement")
        policies = service.get("/api/policies")["policies"]
    except Away as away:
        yield Look("note", "service", away.message)
        return
    except Failure as failure:
        yield Look("warning", "service", f"{url}: {failure.message}")
        return
    yield Look("ok", "service", f"{url} serves")
    for policy in policies:
        if policy["finding"] is not None:
            yield Look("problem", "policies", policy["finding"])
    yield from _agents(agents, enforcement)


def _agents(agents: list[dict[str, Any]], enforcement: dict[str, Any]) -> Iterator[Look]:
    if not agents:
        yield Look(
            "note",
            "agents",
            "none has reported yet; see docs/client.md for the two lines that do it",
        )
    silent = [agent["agentId"] for agent in agents if agent["interval"] is None]
    if silent:
        yield Look(
            "note",
            "agents",
            f"{len(silent)} declare no interval, so the assumed one counts: {', '.join(silent[:3])}",
        )
    bootless = [agent["agentId"] for agent in agents if agent["bootId"] is None]
    if bootless:
        yield Look(
            "note",
            "agents",
            f"{len(bootless)} send no bootId, so a restarted process looks like the old one: {', '.join(bootless[:3])}",
        )
    if not enforcement["enabled"]:
        yield Look(
            "warning",
            "enforcement",
            "stopped; policies decide nothing (pinkslip enforcement status)",
        )
