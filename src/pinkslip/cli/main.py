"""The `pinkslip` command."""


def main() -> None:
    """Run the command line."""
    raise SystemExit("pinkslip: not wired yet")
