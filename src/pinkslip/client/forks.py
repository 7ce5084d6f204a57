"""Forked children. A child has its parent's reporters without their threads, and it is not their agent."""

import os
import weakref
from functools import cache
from typing import Protocol


class Forkable(Protocol):
    """What is told that it woke up in a child."""

    def detach(self) -> None:
        """Be silent from now on."""
        ...


_known: "weakref.WeakSet[Forkable]" = weakref.WeakSet()


def silence_in_children(owner: Forkable) -> None:
    """`owner` is detached in every child forked from now on."""
    _watch()
    _known.add(owner)


@cache
def _watch() -> None:
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_detach_all)


def _detach_all() -> None:
    for owner in list(_known):
        owner.detach()
    _known.clear()
