"""Facts that wait to be taken in together, and whose they are."""

from itertools import islice
from typing import Generic, TypeVar

from pinkslip.model.facts import Beat, Done

Kind = TypeVar("Kind", Beat, Done)


class Collected(Generic[Kind]):
    """Facts of one kind, in the order they came."""

    def __init__(self) -> None:
        self.facts: list[Kind] = []
        """Appended to by whoever collects; always the same list."""
        self._agents: set[int] = set()
        self._indexed = 0

    def __len__(self) -> int:
        return len(self.facts)

    def mentions(self, number: int) -> bool:
        """Whether any is about this agent."""
        self._agents.update(fact.agent_no for fact in islice(self.facts, self._indexed, None))
        self._indexed = len(self.facts)
        return number in self._agents

    def take(self) -> list[Kind]:
        """All of them; none wait any more."""
        taken = self.facts.copy()
        self.facts.clear()
        self._agents.clear()
        self._indexed = 0
        return taken
