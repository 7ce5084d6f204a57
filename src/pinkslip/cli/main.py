"""The `pinkslip` command. Subcommands are imported only when used, so that each starts fast."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from importlib import import_module
from typing import Any

import click

from pinkslip import __version__
from pinkslip.cli.exits import Exit

COMMANDS = {
    "serve": "Run the service.",
    "demo": "Run the service with a simulated fleet of 24 agents.",
    "status": "The fleet in a few lines.",
    "agents": "Who is working on what.",
    "why": "Why an agent was fired, or was not.",
    "fire": "Terminate an agent, with a reason.",
    "reinstate": "Bring a fired agent back.",
    "protect": "Keep policies from firing an agent.",
    "quarantine": "Pause an agent for a while.",
    "release": "Let an agent go from probation, quarantine or notice.",
    "veto": "Stop a fire that was announced.",
    "approve": "Allow a fire that a policy asks for.",
    "review": "Give an outcome another score.",
    "silence": "Keep policies from some agents for a while.",
    "sessions": "Conversations of one agent, or of all.",
    "decisions": "What policies and people decided.",
    "explain": "Work a decision out again from the journal.",
    "audit": "Verify the record of decisions; report on it in words.",
    "policy": "Check, test and compare policy files; show how loaded ones fare.",
    "enforcement": "Stop policies from acting, or let them again.",
    "assets": "Print rules, dashboards or Alertmanager routes for my set-up.",
    "db": "Upgrade, back up, copy or verify a database.",
    "doctor": "Look for what is wrong with this installation.",
    "completion": "Print the completion script for a shell.",
}
"""Every command with its line in the help: listing them imports none."""


class LazyGroup(click.Group):
    """Finds a command in `pinkslip.cli.commands.<name>`, when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order of the table, which is the order a newcomer needs them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """None when there is no such command."""
        if cmd_name not in COMMANDS:
            return None
        command = import_module(f"pinkslip.cli.commands.{cmd_name}").command
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """A misspelled command is answered with the nearest: click would guess only among those it has imported."""
        name = args[0]
        if name not in COMMANDS and not name.startswith("-") and not ctx.resilient_parsing:
            near = get_close_matches(name, COMMANDS, n=1)
            hint = f"Did you mean {near[0]!r}?" if near else "They are listed by --help."
            ctx.fail(f"No such command {name!r}. {hint}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Names and lines from the table, importing nothing."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[Any]:
        """Names from the table, importing nothing; a module's own options where it is an option."""
        from click.shell_completion import CompletionItem  # noqa: PLC0415 - only while completing

        if incomplete.startswith("-"):
            return click.Command.shell_complete(self, ctx, incomplete)
        return [
            CompletionItem(name, help=line)
            for name, line in COMMANDS.items()
            if name.startswith(incomplete)
        ]

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        """Options that print and end (`--help`) do so here."""
        with _quiet_ends():
            return super().make_context(*args, **kwargs)

    def invoke(self, ctx: click.Context) -> Any:
        """The command itself."""
        with _quiet_ends():
            answer = super().invoke(ctx)
            sys.stdout.flush()
            return answer


@contextmanager
def _quiet_ends() -> Iterator[None]:
    """Ctrl-C and a reader that has gone are how people end commands: no traceback, no words."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # whatever the locale can spell
    try:
        yield
    except KeyboardInterrupt:
        sys.exit(Exit.INTERRUPTED)
    except BrokenPipeError:
        # what Python would still flush at its end goes nowhere, silently
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(Exit.UNREAD)


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="pinkslip")
def main() -> None:
    """Pinkslip watches a fleet of AI agents, judges them on evidence, and fires the ones that fail, safely.

    Commands other than serve, demo, db, doctor, assets and policy check, test and diff speak to a running
    service at PINKSLIP_URL (http://127.0.0.1:8740).

    Exit codes: 0 done; 1 found problems; 2 cannot be used as given; 3 the service is away; 4 it refused.
    """


if __name__ == "__main__":
    main()
