"""A fleet of 24 agents that pretend to work, and report for real: `python -m pinkslip.cli.demo_fleet URL`.

They use the client that real agents use. Most do well; a few have the troubles a fleet has: one fails at its
work, one fails because its provider does, one waits for a person, one finishes. The one that falls silent runs
in a process of its own (`--only NAME`), so that it can be killed as processes are.
"""

import argparse
import asyncio
import contextlib
import logging
import random
from dataclasses import dataclass

from pinkslip.client import AsyncReporter, Fired

SILENT = "researcher-3"
FAILING = "developer-2"
UNLUCKY = "researcher-5"
WAITING = "coordinator-1"
FINISHING = "reviewer-4"
TROUBLE_AFTER_S = 20.0
FINISH_AFTER_S = 75.0
SEED = 7

ROLES = {
    "researcher": (7, ("find sources on", "summarise", "compare prices of")),
    "developer": (8, ("fix the bug in", "write tests for", "refactor")),
    "reviewer": (5, ("review the change to", "check the claims in")),
    "coordinator": (4, ("plan the release of", "split up")),
}
THINGS = (
    "the billing page",
    "the parser",
    "the March report",
    "login",
    "the search index",
    "invoices",
)
MODELS = ("aurora/large", "aurora/small", "borealis/2")


@dataclass(frozen=True, slots=True)
class Simulated:
    """One agent as it is."""

    agent_id: str
    role: str
    model: str
    tasks: tuple[str, ...]
    quality: float
    """The share of its tasks that would succeed."""


def fleet() -> list[Simulated]:
    """All 24."""
    agents: list[Simulated] = []
    for role, (count, tasks) in ROLES.items():
        for number in range(1, count + 1):
            agent_id = f"{role}-{number}"
            quality = 0.15 if agent_id == FAILING else 0.93
            model = MODELS[len(agents) % len(MODELS)]
            agents.append(Simulated(agent_id, role, model, tasks, quality))
    return agents


async def live(agent: Simulated, url: str) -> None:
    """Work until fired or finished, or for ever."""
    dice = random.Random(f"{SEED} {agent.agent_id}")  # noqa: S311 - a play, not a secret
    reporter = AsyncReporter(
        agent.agent_id,
        url=url,
        role=agent.role,
        model=agent.model,
        interval=3,
        exit_when_fired=False,
    )
    loop = asyncio.get_running_loop()
    began = loop.time()
    try:
        async with reporter:
            await asyncio.sleep(dice.uniform(0, 2))
            while True:
                age = loop.time() - began
                if agent.agent_id == FINISHING and age > FINISH_AFTER_S:
                    return
                if agent.agent_id == WAITING and age > TROUBLE_AFTER_S:
                    with reporter.waiting():
                        await asyncio.sleep(3_600)
                await _work(agent, reporter, dice, troubled=age > TROUBLE_AFTER_S)
                await asyncio.sleep(dice.uniform(0.2, 1.5))
    except Fired:
        return


async def _work(
    agent: Simulated, reporter: AsyncReporter, dice: random.Random, *, troubled: bool
) -> None:
    what = f"{dice.choice(agent.tasks)} {dice.choice(THINGS)}"
    async with reporter.task(agent.role, current_task=what) as task:
        for step in range(3):
            await asyncio.sleep(dice.uniform(0.2, 1.0))
            task.progress(step + 1)
        task.tokens(dice.randrange(500, 4_000), dice.randrange(100, 1_200))
        task.cost(round(dice.uniform(0.002, 0.05), 4))
        if agent.agent_id == UNLUCKY and troubled and dice.random() < 0.8:
            task.fault("provider")
            task.result("failure")
            task.error("529 overloaded")
        elif dice.random() > agent.quality:
            task.result("failure")
            task.error("the result does not do what was asked")


async def _live_all(agents: list[Simulated], url: str) -> None:
    await asyncio.gather(*(live(agent, url) for agent in agents))


def main() -> None:
    """Run all but the silent one, or only one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("--only", default=None)
    arguments = parser.parse_args()
    agents = [
        agent
        for agent in fleet()
        if (agent.agent_id == arguments.only if arguments.only else agent.agent_id != SILENT)
    ]
    logging.getLogger("pinkslip").setLevel(logging.CRITICAL)  # the demo tells the story
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_live_all(agents, arguments.url))


if __name__ == "__main__":
    main()
