"""The reporter that agents import. Light: the standard library and nothing of the server.

    from pinkslip.client import Reporter

    with Reporter("dev-1", role="developer") as reporter:
        for ticket in tickets:
            with reporter.task("fix"):
                fix(ticket)

It never lets an error of its own into the agent's work; see docs/client.md for what it does when fired.
"""

from typing import TYPE_CHECKING

from pinkslip.client.core import Order
from pinkslip.client.ending import EXIT_FIRED, Fired
from pinkslip.client.reporter import Reporter
from pinkslip.client.tasks import Task

if TYPE_CHECKING:
    from pinkslip.client.aio import AsyncReporter, AsyncTask

__all__ = ["EXIT_FIRED", "AsyncReporter", "AsyncTask", "Fired", "Order", "Reporter", "Task"]


def __getattr__(name: str) -> object:
    """AsyncReporter and its task, with asyncio, only for those who ask."""
    if name in ("AsyncReporter", "AsyncTask"):
        from pinkslip.client import aio  # noqa: PLC0415 - spares everybody else asyncio

        return getattr(aio, name)
    msg = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(msg)
