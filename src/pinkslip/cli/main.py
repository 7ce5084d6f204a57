"""The `pinkslip` command. Subcommands are imported only when used, so that each starts fast."""

from importlib import import_module

import click

from pinkslip import __version__

COMMANDS = {
    "serve": "Run the service.",
    "demo": "Run the service with a simulated fleet of 24 agents.",
    "status": "The fleet in a few lines.",
    "agents": "Who is working on what.",
    "why": "Why an agent was fired, or was not.",
    "fire": "Terminate an agent, with a reason.",
    "reinstate": "Bring a fired agent back.",
    "protect": "Keep policies from firing an agent.",
    "sessions": "Conversations of one agent, or of all.",
    "decisions": "What policies and people decided.",
    "explain": "Work a decision out again from the journal.",
    "policy": "Check policy files; show what is loaded.",
    "enforcement": "Stop policies from acting, or let them again.",
    "assets": "Print rules, dashboards and an Alertmanager configuration for my set-up.",
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
        """None when there is no such command; click then suggests."""
        if cmd_name not in COMMANDS:
            return None
        command = import_module(f"pinkslip.cli.commands.{cmd_name}").command
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Names and lines from the table, importing nothing."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="pinkslip")
def main() -> None:
    """Pinkslip watches a fleet of AI agents, judges them on evidence, and fires the ones that fail, safely.

    Commands other than serve, demo, db, doctor, assets and policy check speak to a running service at
    PINKSLIP_URL (http://127.0.0.1:8740).

    Exit codes: 0 done; 1 found problems; 2 cannot be used as given; 3 the service is away; 4 it refused.
    """


if __name__ == "__main__":
    main()
