"""`pinkslip completion SHELL`."""

import click
from click.shell_completion import get_completion_class


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def command(ctx: click.Context, *, shell: str) -> None:
    """Print the completion script for SHELL. For bash: pinkslip completion bash >> ~/.bashrc"""
    completion = get_completion_class(shell)
    assert completion is not None
    click.echo(
        completion(ctx.find_root().command, {}, "pinkslip", "_PINKSLIP_COMPLETE").source()
    )
