"""`pinkslip completion SHELL`."""

import click
from click.shell_completion import get_completion_class


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def command(ctx: click.Context, *, shell: str) -> None:
    """Print the completion script for a shell.

    \b
    bash:  pinkslip completion bash >> ~/.bashrc
    zsh:   pinkslip completion zsh >> ~/.zshrc
    fish:  pinkslip completion fish > ~/.config/fish/completions/pinkslip.fish
    """
    completion = get_completion_class(shell)
    assert completion is not None, "click knows these three"
    source = completion(ctx.find_root().command, {}, "pinkslip", "_PINKSLIP_COMPLETE").source()
    click.echo(source)
