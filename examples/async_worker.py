"""The same with asyncio: several tasks at once, one agent, and a person who is asked now and then."""

import argparse
import asyncio
import random

from pinkslip.client import AsyncReporter


async def work(reporter: AsyncReporter, number: int) -> None:
    """One task. What goes wrong in it is reported and goes on."""
    async with reporter.task("research", current_task=f"question {number}") as task:
        await asyncio.sleep(random.uniform(0.05, 0.2))
        task.tokens(tokens_in=1_500, tokens_out=300)
        task.cost(0.004)
        task.score(random.uniform(0.6, 1.0))


async def main() -> None:
    """Work until the tasks are done, or until fired: then the process ends with exit code 86."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--tasks", type=int, default=100)
    arguments.add_argument("--agent", default="researcher-1")
    options = arguments.parse_args()

    async with AsyncReporter(options.agent, role="researcher", interval=5) as reporter:
        for first in range(0, options.tasks, 4):
            batch = range(first, min(first + 4, options.tasks))
            await asyncio.gather(*(work(reporter, number) for number in batch))
        with reporter.waiting():  # WAITING: silence is not held against the agent
            await asyncio.sleep(0.1)


if __name__ == "__main__":
    asyncio.run(main())
