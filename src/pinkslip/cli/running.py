"""Starting the service in this process: settings and policies checked first, then a banner, then the work."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NoReturn

import click

from pinkslip import __version__
from pinkslip.app.logs import set_up
from pinkslip.app.policy_files import BadPolicies, LoadedPolicies, load_policies
from pinkslip.app.replica import Replica
from pinkslip.cli.failures import Unusable, refusals
from pinkslip.cli.words import complain, counted
from pinkslip.policies.problems import Problem, did_you_mean
from pinkslip.settings import BY_KEY, Read, Settings, read_settings
from pinkslip.web.backend import Phase

Overrides = Mapping[str, str | Sequence[str]]


def run_service(
    config: Path | None,
    overrides: Overrides,
    *,
    ready: Callable[[Replica], None] = lambda _replica: None,
) -> None:
    """Serve until told to stop. Exits with USAGE when settings, policies, address or database cannot be used."""
    _check_keys(overrides)

    def read_again() -> Read:
        return read_settings(config, overrides=overrides)

    with refusals(of_files=False):
        try:
            settings, policies = _prepared(read_again)
        except BadPolicies as error:
            _fail_on(error.problems, str(error))
        set_up(settings.log_level, settings.log_format)
        asyncio.run(_serve(settings, policies, read_again, ready))


def _check_keys(overrides: Overrides) -> None:
    for key in overrides:
        if key not in BY_KEY:
            hint = did_you_mean(key, BY_KEY)
            raise click.BadParameter(
                f"unknown setting {key!r}" + (f"; {hint}" if hint else ""), param_hint="--set"
            )


def _prepared(read_again: Callable[[], Read]) -> tuple[Settings, LoadedPolicies]:
    read = read_again()
    if read.settings is None:
        _fail_on(read.problems, "the settings cannot be used")
    policies = load_policies(read.settings.policies, reasons=read.settings.reasons)
    for problem in (*read.problems, *policies.problems):
        _tell(problem)
    return read.settings, policies


async def _serve(
    settings: Settings,
    policies: LoadedPolicies,
    read_again: Callable[[], Read],
    ready: Callable[[Replica], None],
) -> None:
    def announce(replica: Replica) -> None:
        for line in banner(policies, replica):
            print(line, flush=True)
        ready(replica)

    await Replica(settings, policies, read_again=read_again).run(ready=announce)


def banner(policies: LoadedPolicies, replica: Replica) -> list[str]:
    """What a person sees first: where everything is, and whether anything can be fired."""
    count = counted(len(policies.policy_set.policies), "policy")
    lines = [
        f"Pinkslip {__version__}",
        f"  address   {replica.address}",
        f"  metrics   {replica.address}/metrics",
        f"  database  {replica.database}",
        f"  policies  {count}, {policies.enforcing} enforcing, from {', '.join(policies.places)}",
    ]
    if not policies.enforcing:
        lines.append(
            "            all in shadow: what they would do is recorded, nobody is fired"
        )
    if replica.service.state.phase is Phase.STANDBY:
        lines.append(f"  standby   {replica.service.state.detail}")
    return lines


def _fail_on(problems: Sequence[Problem], summary: str) -> NoReturn:
    for problem in problems:
        _tell(problem)
    raise Unusable(summary)


def _tell(problem: Problem) -> None:
    for line in problem.render().split("\n"):
        complain(line)
