"""Pinkslip watches a fleet of AI agents, judges them on evidence, and fires the ones that fail, safely."""

__version__ = "0.1.0"
