"""An agent that works through a list of tasks and reports them.

Run it against a service: `pinkslip serve` in one terminal, `python examples/worker.py` in another.
"""

import argparse
import random
import time

from pinkslip.client import Reporter


class ProviderDown(Exception):
    """The model's provider did not answer: nobody here is to blame."""


def fix(ticket: int) -> int:
    """Stands for the work. Returns the tokens it took."""
    time.sleep(random.uniform(0.05, 0.2))
    if ticket % 7 == 6:
        raise ProviderDown("503 from the provider")
    return random.randint(200, 2_000)


def main() -> None:
    """Work until the tasks are done, or until fired: then the process ends with exit code 86."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--tasks", type=int, default=100)
    arguments.add_argument("--agent", default="worker-1")
    options = arguments.parse_args()

    with Reporter(
        options.agent, role="developer", model="example/none", interval=5
    ) as reporter:
        for ticket in range(options.tasks):
            try:
                with reporter.task("fix", current_task=f"fix ticket {ticket}") as task:
                    try:
                        task.tokens(tokens_out=fix(ticket))
                    except ProviderDown:
                        task.fault("provider")
                        raise
            except ProviderDown as error:
                print(f"ticket {ticket}: {error}; going on")


if __name__ == "__main__":
    main()
