"""`pinkslip serve`."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from pinkslip.cli.running import run_service
from pinkslip.settings import SETTINGS


def _an_option_for_each_setting(command: Callable[..., None]) -> Callable[..., None]:
    for setting in reversed(SETTINGS):
        command = click.option(
            "--" + setting.key.replace("_", "-"),
            setting.key,
            multiple=setting.is_list,
            default=None,
            metavar="TEXT",
            help=f"{setting.meaning[0].upper()}{setting.meaning[1:]}. [default: {setting.default}]",
        )(command)
    return command


@click.command()
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    default=None,
    help="The settings file; else PINKSLIP_CONFIG, else ./pinkslip.yaml.",
)
@_an_option_for_each_setting
@click.option(
    "--set",
    "pairs",
    multiple=True,
    metavar="KEY=VALUE",
    help="A setting by its name in the file, for scripts: --set tick=2s.",
)
def command(*, config: Path | None, pairs: tuple[str, ...], **given: Any) -> None:
    """Run the service.

    Works without any file: everything has a default, and all policies are in shadow. docs/settings.md says what
    each setting means; an option beats the environment, which beats the file.

    SIGHUP or POST /-/reload reads policies and settings again, all or nothing.
    """
    overrides: dict[str, str | Sequence[str]] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals:
            raise click.BadParameter(f"{pair!r} must look like tick=2s", param_hint="--set")
        overrides[key.replace("-", "_")] = value
    overrides |= {key: value for key, value in given.items() if value}
    run_service(config, overrides)
