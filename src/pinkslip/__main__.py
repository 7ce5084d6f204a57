"""`python -m pinkslip`."""

from pinkslip.cli.main import main

main()
