"""The reporter for asyncio: the same core and the same threads, so a blocked loop still beats.

Nothing waits but a task while the agent is to pause, and leaving, and that waits in a thread.
"""

import asyncio
from types import TracebackType
from typing import Self

from pinkslip.client.reporter import Reporter
from pinkslip.client.tasks import Task

LOOKS_APART_S = 0.2
"""Between looks at whether a pause is over."""


class AsyncTask(Task):
    """The same for `async with`."""

    async def __aenter__(self) -> Self:
        while self._desk.must_wait:  # noqa: ASYNC110 - the end of a pause comes on another thread, or by time
            await asyncio.sleep(LOOKS_APART_S)
        self._begin()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._end(error)


class AsyncReporter(Reporter):
    """Reports one agent; `async with` wherever `Reporter` has `with`."""

    def task(
        self,
        kind: str | None = None,
        *,
        current_task: str | None = None,
        task_id: str | None = None,
        session_key: str | None = None,
    ) -> AsyncTask:
        """One task, for `async with`. Entering raises Fired once the agent is fired."""
        return AsyncTask(
            self._desk(),
            kind,
            current_task=current_task,
            task_id=task_id,
            session_key=session_key,
        )

    async def aclose(self, context: str | None = None) -> None:
        """`close`, without holding the loop up."""
        await asyncio.to_thread(self.close, context)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await asyncio.to_thread(self._leave, error)
