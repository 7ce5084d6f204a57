"""`pinkslip policy check|test|diff|show|status|restore`."""

import click

from pinkslip.cli.loaded_policies import restore, show, status
from pinkslip.cli.policy_files import check, diff
from pinkslip.cli.policy_testing import test


@click.group()
def command() -> None:
    """Check, test and compare policy files; show how loaded ones fare."""


for each in (check, test, diff, show, status, restore):
    command.add_command(each)
